//! The way in for transports other than HTTP: what was asked for, by whom, and with which octets (RFC 9148).
//!
//! It knows no transport. It refuses what `routes` refuses, in the same order and with the same records, and two things
//! more: nobody is served without a certificate, and an answer that cannot be given in the form that was asked for is not
//! worked for.

use std::sync::Arc;

use server_kit::listener::PeerConnection;

use crate::answer::Answer;
use crate::config::{EstConfig, Label};
use crate::exchange::{Audience, Exchange, Rejected};
use crate::operation::{Form, Operation};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::requester::{AuthenticateError, Credentials};
use crate::wire::submitted::SubmittedBody;

/// Answers what another transport brings.
#[derive(Clone)]
pub struct Desk {
    config: Arc<EstConfig>,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// A request, in the words of RFC 7030 whatever its transport calls things.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The label; none for the default one.
    pub label: Option<String>,
    /// The operation as RFC 7030 §3.2.2 names it, such as `simpleenroll`; none where the path names none.
    pub operation: Option<&'static str>,
    /// How it is asked for.
    pub method: Method,
    /// What the body was announced as: a media type in small letters, without parameters.
    pub media_type: Option<&'static str>,
    /// The connection it came by. A certificate shown there is the only proof of who asks.
    pub connection: PeerConnection,
    /// The body, DER.
    pub body: Result<Vec<u8>, Obstacle>,
}

/// How an operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To get something that changes nothing.
    Get,
    /// To have something done.
    Post,
    /// Something that EST does not do.
    Other,
}

/// Why there is nothing to work on although the request was understood so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The body is longer than [`Desk::max_body_octets`].
    TooLarge,
    /// The body did not arrive whole.
    Incomplete,
    /// The form in which the answer is wanted is not one that it can be given in.
    NotAcceptable,
}

impl Desk {
    /// Opens a desk.
    #[must_use]
    pub const fn new(config: Arc<EstConfig>) -> Self {
        Self { config }
    }

    /// Tells whether an operation of RFC 7030 is offered at any label.
    #[must_use]
    pub fn offers(&self, operation: &str) -> bool {
        parse(operation).is_some_and(|operation| self.config.labels().any(|label| label.offers(operation)))
    }

    /// Returns how long a body may be, in octets.
    #[must_use]
    pub fn max_body_octets(&self) -> usize {
        self.config.max_body_octets()
    }

    /// Answers, on the worker pool where it must wait.
    ///
    /// # Errors
    /// The answer to a refusal, which is then on record.
    pub async fn ask(&self, submission: Submission) -> Result<Answer, Reply> {
        let Submission { label, operation, method, media_type, connection, body } = submission;
        let credentials = Credentials { connection, authorization: Vec::new() };
        let found = self.find(label.as_deref(), operation);
        let Some((label, operation)) = found else {
            let label = Arc::clone(self.config.default_label());
            return self.refuse((label, "none"), credentials, Refusal::NoSuchOperation).await;
        };
        let asked = Asked { operation, method, media_type };
        match asked.admit(&credentials, body, self.max_body_octets()) {
            Ok(body) => {
                // RFC 9148 §4: the client is authenticated for all functions, so also for what RFC 7030 gives to whoever asks.
                let audience = Audience::Known;
                Exchange { label, operation, credentials, body, audience }.run(&self.config).await
            }
            Err(refusal) => self.refuse((label, operation.name()), credentials, refusal).await,
        }
    }

    fn find(&self, label: Option<&str>, operation: Option<&str>) -> Option<(Arc<Label>, Operation)> {
        let label = match label {
            Some(name) => self.config.label(name)?,
            None => self.config.default_label(),
        };
        let operation = parse(operation?)?;
        label.offers(operation).then(|| (Arc::clone(label), operation))
    }

    async fn refuse(
        &self,
        (label, operation): (Arc<Label>, &'static str),
        credentials: Credentials,
        refusal: Refusal,
    ) -> Result<Answer, Reply> {
        Err(Rejected { label, operation, credentials, refusal }.record(&self.config).await)
    }
}

/// Full CMC is not among the functions of RFC 9148.
fn parse(operation: &str) -> Option<Operation> {
    Operation::parse(operation).filter(|operation| *operation != Operation::FullCmc)
}

/// What can be judged before the body.
#[derive(Debug, Clone, Copy)]
struct Asked {
    operation: Operation,
    method: Method,
    media_type: Option<&'static str>,
}

impl Asked {
    fn admit(
        self,
        credentials: &Credentials,
        body: Result<Vec<u8>, Obstacle>,
        max_octets: usize,
    ) -> Result<SubmittedBody, Refusal> {
        match (self.operation.form(), self.method) {
            (Form::Open, Method::Get) => {}
            (Form::Open, Method::Post | Method::Other) => return Err(Refusal::Method { allowed: "GET" }),
            (Form::Submission { media_type }, Method::Post) => {
                if self.media_type != Some(media_type) {
                    return Err(Refusal::MediaType { expected: media_type });
                }
            }
            (Form::Submission { .. }, Method::Get | Method::Other) => {
                return Err(Refusal::Method { allowed: "POST" });
            }
        }
        // RFC 9148 §3: the authentication of a client is by a certificate in the handshake.
        if credentials.connection.certificates.is_empty() {
            return Err(AuthenticateError::NoCredentials.into());
        }
        match body {
            Ok(octets) if octets.len() > max_octets => Err(Refusal::BodyTooLarge { max_octets }),
            Ok(octets) => Ok(SubmittedBody::Octets(octets)),
            Err(Obstacle::TooLarge) => Err(Refusal::BodyTooLarge { max_octets }),
            Err(Obstacle::Incomplete) => Err(Refusal::BodyIncomplete),
            Err(Obstacle::NotAcceptable) => Err(Refusal::NotAcceptable),
        }
    }
}
