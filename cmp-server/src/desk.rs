//! The way in for transports other than HTTP: octets of a message in, octets of its answer out (RFC 9482).
//!
//! It knows no transport. It refuses what `routes` refuses, in the same order and with the same count and log.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::CmpConfig;
use crate::observation;
use crate::place::Place;
use crate::refusal::TransferRefusal;
use crate::reply::{Reply, reply};

/// Answers what another transport brings.
#[derive(Debug, Clone)]
pub struct Desk {
    config: Arc<CmpConfig>,
}

/// A message on its way, in the words of RFC 9483 §6.1 whatever its transport calls things.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What the path names; none where it names nothing of CMP.
    pub path: Option<Path>,
    /// Whether it is given in to be worked on, as messages are, and not asked for.
    pub is_post: bool,
    /// Whether the body is announced as `application/pkixcmp`.
    pub is_pkixcmp: bool,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// The body.
    pub body: Result<Vec<u8>, Obstacle>,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The name of a label; without it, the message names one, or the default label answers.
    pub label: Option<String>,
    /// The operation as RFC 9483 §6.1 names it over HTTP, such as `initialization`; without it, the message says which.
    pub operation: Option<&'static str>,
}

/// Why there is nothing to work on although the request was understood so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The body is longer than [`Desk::max_body_octets`].
    TooLarge,
    /// The answer is wanted in another form than that of a message.
    NotAcceptable,
}

impl Desk {
    /// Opens a desk.
    #[must_use]
    pub const fn new(config: Arc<CmpConfig>) -> Self {
        Self { config }
    }

    /// Returns the names of the labels.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.config.labels().map(|label| label.name())
    }

    /// Tells whether messages are taken there.
    #[must_use]
    pub fn takes(&self, path: &Path) -> bool {
        self.find(path).is_ok()
    }

    /// Returns how long a body may be, in octets. Also one of many messages: long ones come by HTTP.
    #[must_use]
    pub fn max_body_octets(&self) -> usize {
        self.config.max_body_octets()
    }

    /// Answers, on the worker pool.
    ///
    /// # Errors
    /// The answer to what is no message that could be answered.
    pub async fn ask(&self, submission: Submission) -> Result<Vec<u8>, Reply> {
        let peer = submission.peer;
        self.exchange(submission).await.map_err(|refusal| {
            observation::not_transferred(peer, &refusal);
            reply(&refusal)
        })
    }

    async fn exchange(&self, submission: Submission) -> Result<Vec<u8>, TransferRefusal> {
        let Submission { path, is_post, is_pkixcmp, peer, body } = submission;
        let place = self.find(path.as_ref().ok_or(TransferRefusal::NoSuchPath)?)?;
        // RFC 9482 §2.3: messages are sent by POST and announced as what they are.
        if !is_post {
            return Err(TransferRefusal::Method);
        }
        if !is_pkixcmp {
            return Err(TransferRefusal::MediaType);
        }
        let max_octets = self.max_body_octets();
        let octets = match body {
            Ok(octets) if octets.len() <= max_octets => octets,
            Ok(_) | Err(Obstacle::TooLarge) => return Err(TransferRefusal::BodyTooLarge { max_octets }),
            Err(Obstacle::NotAcceptable) => return Err(TransferRefusal::NotAcceptable),
        };
        let room = place.room(&self.config)?;
        place.answer(&self.config, peer, (octets, room)).await
    }

    fn find(&self, path: &Path) -> Result<Place, TransferRefusal> {
        Place::find(&self.config, path.label.as_deref(), path.operation)
    }
}
