//! Every way in which a request to this server can be refused, with its stable reason code.
//!
//! What the requester is told of it is said in `reply`.

use ca_core::issuance::IssueError;
use ca_core::ports::Unavailable;
use ca_core::subject::SubjectError;
use server_kit::workers::RunJobError;

use crate::channel_binding::BindingError;
use crate::requester::AuthenticateError;
use crate::wire::simple_enroll::DecodeBodyError;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such label or operation, or one that is not enabled.
    #[error("there is no such operation")]
    NoSuchOperation,
    /// The operation is not done by this method.
    #[error("the operation takes other methods: {allowed}")]
    Method {
        /// The methods it is done by, as the Allow field has them.
        allowed: &'static str,
    },
    /// The body is not announced as what the operation takes.
    #[error("the body is not announced as {expected}")]
    MediaType {
        /// The media type that the operation takes.
        expected: &'static str,
    },
    /// The body is too large.
    #[error("the body has more than {max_octets} octets")]
    BodyTooLarge {
        /// The most it may have, in octets.
        max_octets: usize,
    },
    /// The answer cannot be given in the form that was asked for.
    #[error("the answer cannot be given in the form that was asked for")]
    NotAcceptable,
    /// The body did not arrive whole.
    #[error("the body did not arrive whole")]
    BodyIncomplete,
    /// Nobody knows who asks.
    #[error(transparent)]
    NotAuthenticated(#[from] AuthenticateError),
    /// The body is no request.
    #[error(transparent)]
    NotDecoded(#[from] DecodeBodyError),
    /// The request is not bound to its connection.
    #[error(transparent)]
    NotBound(#[from] BindingError),
    /// The request names a subject that nobody can be.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Other names are asked for, and no certificate is renewed.
    #[error("id-cmc-changeSubjectName changes the names of a certificate that is renewed, and none is")]
    NothingToRename,
    /// The authority refused.
    #[error(transparent)]
    NotIssued(#[from] IssueError),
    /// A certificate was issued and the answer could not be encoded.
    #[error("the answer cannot be encoded: {cause}")]
    NotEncoded {
        /// What the encoder says.
        cause: der::Error,
    },
    /// The worker pool did not do the work.
    #[error(transparent)]
    NotRun(#[from] RunJobError),
    /// The refusal could not be put on record, so that another answer is given.
    #[error("a refusal could not be recorded: {0}")]
    NotRecorded(#[from] Unavailable),
}

impl Refusal {
    /// Returns the stable reason code: the same in audit records, metrics and log, and, but for faults of ours, in the answer.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchOperation => "operation.unknown",
            Self::Method { .. } => "operation.method",
            Self::MediaType { .. } => "body.media-type",
            Self::BodyTooLarge { .. } => "body.too-large",
            Self::NotAcceptable => "answer.not-acceptable",
            Self::BodyIncomplete => "body.incomplete",
            Self::NotAuthenticated(error) => error.code(),
            Self::NotDecoded(error) => error.code(),
            Self::NotBound(error) => error.code(),
            Self::Subject(_) => "subject.names",
            Self::NothingToRename => "subject.nothing-to-rename",
            Self::NotIssued(error) => error.code(),
            Self::NotEncoded { .. } => "answer.not-encoded",
            Self::NotRun(RunJobError::Busy { .. }) => "busy",
            Self::NotRun(RunJobError::Panicked) => "panic",
            Self::NotRun(RunJobError::Closed) => "closing",
            Self::NotRecorded(_) => "unavailable",
        }
    }
}
