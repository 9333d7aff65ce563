//! What a front end says of its resources: which there are, how long a body may be, and the answers.

use std::pin::Pin;

use server_kit::listener::PeerConnection;

use crate::links::Link;
use crate::request::Target;
use crate::response::Response;

/// An answer under way.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The resources of a front end. Only [`Self::answer`] may take its time.
pub trait Resources: Send + Sync {
    /// Returns the links to what is here (RFC 6690).
    fn links(&self) -> Vec<Link>;

    /// Tells whether a certificate is needed. Where it is, a peer that has shown none soon loses its place.
    fn wants_certificates(&self) -> bool;

    /// Returns how many octets the body of a request may have; none where the request will be refused whatever its body is,
    /// so that no block of it need be kept.
    fn room(&self, target: &Target, connection: &PeerConnection) -> Option<usize>;

    /// Answers.
    fn answer(&self, question: Question) -> Answering;
}

/// A request that has come whole.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked for.
    pub target: Target,
    /// The connection it came by.
    pub connection: PeerConnection,
    /// Its body; empty where [`Resources::room`] said that it does not matter.
    pub body: Result<Vec<u8>, TooLarge>,
}

/// The body is longer than [`Resources::room`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

#[cfg(test)]
pub(crate) mod fake;
