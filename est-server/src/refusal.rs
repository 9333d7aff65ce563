//! Every way in which a request to this server can be refused, with its stable reason code.
//!
//! What the requester is told of it is said in `reply`.

use ca_core::issuance::IssueError;
use ca_core::ports::Unavailable;
use ca_core::request::NamesError;
use ca_core::subject::SubjectError;
use ca_core::upstream::{ElsewhereRefusal, UpstreamError};
use cms_messages::SealError;
use server_kit::workers::RunJobError;

use crate::channel_binding::BindingError;
use crate::config::SignMessageError;
use crate::pacing::Excess;
use crate::requester::AuthenticateError;
use crate::wire::bulk::ItemError;
use crate::wire::cmc::CmcError;
use crate::wire::dlms_tools::OrderError;
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
    /// It asks too often, or all of its tenant together do.
    #[error(transparent)]
    Excessive(#[from] Excess),
    /// The body is no request.
    #[error(transparent)]
    NotDecoded(#[from] DecodeBodyError),
    /// A line of an upload is no item.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// The body is not what DLMS tools send.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// An upload has too many lines.
    #[error("an upload has at most {max_lines} lines")]
    TooManyLines {
        /// How many it may have.
        max_lines: usize,
    },
    /// Many requests in one piece come from registration authorities and nobody else.
    #[error("the requester is no registration authority")]
    NotRegistrationAuthority,
    /// An item is for a label that does not serve who asks, or for none.
    #[error("the registration authority is not served at this label")]
    LabelClosed,
    /// No label of the service certifies such a key for such a purpose.
    #[error("no label certifies a key on this curve for this key usage")]
    NoLabelForKey,
    /// An answer could not be written.
    #[error("the answer cannot be written as JSON")]
    NotWritten,
    /// The request is not bound to its connection.
    #[error(transparent)]
    NotBound(#[from] BindingError),
    /// The request names a subject that nobody can be.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Other names are asked for, and no certificate is renewed.
    #[error("id-cmc-changeSubjectName changes the names of a certificate that is renewed, and none is")]
    NothingToRename,
    /// The body is no CMC message that we work with.
    #[error(transparent)]
    NotCmc(#[from] CmcError),
    /// Any of the others, with the CMC response that tells it.
    #[error("{cause}")]
    InCmc {
        /// The refusal.
        #[source]
        cause: Box<Self>,
        /// The response, DER.
        response: Vec<u8>,
    },
    /// The key cannot be delivered as the requester wants it.
    #[error(transparent)]
    NotDelivered(#[from] DeliveryError),
    /// What is to be delivered could not be signed.
    #[error(transparent)]
    MessageNotSigned(#[from] SignMessageError),
    /// A key could not be encrypted.
    #[error(transparent)]
    NotSealed(#[from] SealError),
    /// The authority refused.
    #[error(transparent)]
    NotIssued(#[from] IssueError),
    /// The authority is elsewhere, and refused.
    #[error("the authority behind this front end refused: {0}")]
    RefusedElsewhere(ElsewhereRefusal),
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

impl From<NamesError> for Refusal {
    fn from(error: NamesError) -> Self {
        match error {
            NamesError::Subject(error) => Self::Subject(error),
            NamesError::NothingToRename => Self::NothingToRename,
        }
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::NotIssued(error) => Self::NotIssued(error),
            UpstreamError::RefusedElsewhere(refusal) => Self::RefusedElsewhere(refusal),
        }
    }
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
            Self::Excessive(excess) => excess.code(),
            Self::NotDecoded(error) => error.code(),
            Self::Item(error) => error.code(),
            Self::Order(error) => error.code(),
            Self::TooManyLines { .. } => "upload.too-many-lines",
            Self::NotRegistrationAuthority => "authn.not-ra",
            Self::LabelClosed => "item.label",
            Self::NoLabelForKey => "dlms.no-label",
            Self::NotWritten => "answer.not-written",
            Self::NotBound(error) => error.code(),
            Self::Subject(_) => "subject.names",
            Self::NothingToRename => "subject.nothing-to-rename",
            Self::NotCmc(error) => error.code(),
            Self::InCmc { cause, .. } => cause.code(),
            Self::NotDelivered(error) => error.code(),
            Self::MessageNotSigned(SignMessageError::Signer(_))
            | Self::NotSealed(SealError::Randomness(_)) => "unavailable",
            Self::MessageNotSigned(SignMessageError::Encoding(_))
            | Self::NotSealed(SealError::Cipher | SealError::Encoding(_)) => "answer.not-encoded",
            Self::NotIssued(error) => error.code(),
            Self::RefusedElsewhere(refusal) => refusal.code(),
            Self::NotEncoded { .. } => "answer.not-encoded",
            Self::NotRun(RunJobError::Busy { .. }) => "busy",
            Self::NotRun(RunJobError::Panicked) => "panic",
            Self::NotRun(RunJobError::Closed) => "closing",
            Self::NotRecorded(_) => "unavailable",
        }
    }
}

/// Why a key that the server is to make cannot be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// Keys are delivered encrypted only, and the request names no key to encrypt to.
    #[error("keys are delivered encrypted here, and the request names no key to encrypt to")]
    NotEncrypted,
    /// A secret key that both have: there is none.
    #[error("the request names a secret key, and the server shares none with anybody")]
    SharedKey,
    /// The key to encrypt to is not known.
    #[error("the key to encrypt to is not that of a valid key-agreement certificate of the device")]
    UnknownKey,
    /// None of the algorithms that the requester names.
    #[error("the request names no key wrap that the server has")]
    Algorithms,
    /// What would protect the key on its way is weaker than the key.
    #[error("the key would be protected by {bits} bits, and is worth {wanted}")]
    TooWeak {
        /// The strength of what would protect it.
        bits: u16,
        /// The strength of the key.
        wanted: u16,
    },
    /// Nobody signs messages at this label.
    #[error("the label delivers no encrypted keys, for want of a signer")]
    NoSigner,
}

impl DeliveryError {
    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotEncrypted => "delivery.not-encrypted",
            Self::SharedKey => "delivery.shared-key",
            Self::UnknownKey => "delivery.unknown-key",
            Self::Algorithms => "delivery.algorithms",
            Self::TooWeak { .. } => "delivery.too-weak",
            Self::NoSigner => "delivery.no-signer",
        }
    }
}
