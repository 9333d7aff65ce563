//! Every way in which a message is refused, with its stable reason code.
//!
//! What the sender is told of it is said in `reply`.

use ca_core::confirmation::ConfirmError;
use ca_core::csr::CsrError;
use ca_core::issuance::IssueError;
use ca_core::ports::{SignError, Unavailable};
use ca_core::registration::AdmitError;
use ca_core::request::NamesError;
use ca_core::revocation::RevokeError;
use ca_core::subject::SubjectError;
use ca_core::suite::Curve;
use ca_core::trust::IdentifyError;
use cmp_messages::message::DecodeMessageError;
use cmp_messages::protection::MacAlgorithmError;
use cms_messages::SealError;
use server_kit::workers::RunJobError;

use crate::config::SignMessageError;

/// Why a request is refused before there is a message to answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferRefusal {
    /// No such path.
    #[error("there is no such path")]
    NoSuchPath,
    /// Not POST.
    #[error("messages are sent by POST")]
    Method,
    /// Not announced as a CMP message.
    #[error("the body is not announced as application/pkixcmp")]
    MediaType,
    /// The body is too large.
    #[error("the body has more than {max_octets} octets")]
    BodyTooLarge {
        /// The most it may have, in octets.
        max_octets: usize,
    },
    /// The body did not arrive whole.
    #[error("the body did not arrive whole")]
    BodyIncomplete,
    /// An answer in another form than that of a message is wanted.
    #[error("the answer cannot be given in the form that was asked for")]
    NotAcceptable,
    /// The body is no message, and has no header that could be answered.
    #[error(transparent)]
    NotDecoded(#[from] DecodeMessageError),
    /// The message announces something, and nobody listens.
    #[error("announcements are not taken")]
    Announcement,
    /// Nobody can work on it now.
    #[error(transparent)]
    NotRun(#[from] RunJobError),
    /// As many bodies of many messages are being worked on as may be at once.
    #[error("as many nested messages are being worked on as may be at once")]
    Crowded,
    /// There is no randomness for a nonce.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The answer needs the signature of a key that is away, and is not given without.
    #[error("the answer cannot be signed: {0}")]
    NotSigned(SignError),
    /// The answer cannot be encoded.
    #[error("the answer cannot be encoded: {0}")]
    NotEncoded(#[from] der::Error),
}

impl TransferRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchPath => "operation.unknown",
            Self::Method => "operation.method",
            Self::MediaType => "body.media-type",
            Self::BodyTooLarge { .. } => "body.too-large",
            Self::BodyIncomplete => "body.incomplete",
            Self::NotAcceptable => "answer.not-acceptable",
            Self::NotDecoded(_) => "message.not-der",
            Self::Announcement => "message.announcement",
            Self::NotRun(RunJobError::Busy { .. }) | Self::Crowded => "busy",
            Self::NotRun(RunJobError::Panicked) => "panic",
            Self::NotRun(RunJobError::Closed) => "closing",
            Self::Unavailable(_) => "unavailable",
            Self::NotSigned(_) => "signer.unavailable",
            Self::NotEncoded(_) => "answer.not-encoded",
        }
    }
}

/// Why a message is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// What follows the header is no message.
    #[error(transparent)]
    NotDecoded(#[from] DecodeMessageError),
    /// The version is not spoken here.
    #[error("the version is {pvno}, neither 2 nor 3")]
    Version {
        /// The version.
        pvno: u64,
    },
    /// The message belongs to no transaction.
    #[error("the transactionID is missing")]
    NoTransactionId,
    /// Too short to be hit by nobody, or too long to be kept.
    #[error("the transactionID has not 8 to 64 octets")]
    TransactionId,
    /// The sender's nonce is missing or short.
    #[error("the senderNonce has not 16 to 64 octets")]
    SenderNonce,
    /// The first message of a transaction answers none.
    #[error("there is a recipNonce in the first message of a transaction")]
    FirstRecipientNonce,
    /// The message does not answer the one before it.
    #[error("the recipNonce is not the senderNonce of the message before")]
    RecipientNonce,
    /// The clocks differ too much.
    #[error("messageTime differs from the time here by more than {window_seconds} seconds")]
    Time {
        /// By how many seconds it may.
        window_seconds: i64,
    },
    /// The message speaks of a time to wait for, and does not say when it was made.
    #[error("there is confirmWaitTime, and no messageTime")]
    NoTime,
    /// No operation takes such a body here.
    #[error("messages of type {body} are not served here")]
    NotServed {
        /// Its type.
        body: &'static str,
    },
    /// The path is that of another operation.
    #[error("the path is that of another operation than {body}")]
    OtherOperation {
        /// The type of the message.
        body: &'static str,
    },
    /// Path and certProfile name different labels.
    #[error("the path and certProfile name different profiles")]
    ProfilesDisagree,
    /// Nothing names a label, or what names one names none.
    #[error("no profile is named that is served here")]
    NoSuchProfile,
    /// certProfile is not a sequence of one text.
    #[error("certProfile is not one name")]
    CertProfile,
    /// The message has no protection, or half of one.
    #[error("the message is not protected")]
    NotProtected,
    /// protectionAlg is not that of a key of ours.
    #[error("the algorithm of the protection is not taken")]
    Algorithm,
    /// protectionAlg names a MAC that is not taken.
    #[error(transparent)]
    MacAlgorithm(#[from] MacAlgorithmError),
    /// A MAC where a signature must be, or where nobody shares a secret.
    #[error("the message must be protected by a signature")]
    WrongIntegrity,
    /// The name of the sender is not that of the certificate.
    #[error("the sender is not the subject of the certificate that protects the message")]
    SenderName,
    /// senderKID is not that of the certificate.
    #[error("senderKID is not the subject key identifier of the certificate that protects the message")]
    SenderKid,
    /// The signature is somebody else's, or over something else.
    #[error("the signature of the message does not verify")]
    BadSignature,
    /// The reference is not known or the MAC is wrong: nobody learns which.
    #[error("the reference or the MAC of the message is wrong")]
    BadMac,
    /// The certificate tells of nobody who is known.
    #[error(transparent)]
    NotIdentified(#[from] IdentifyError),
    /// The certificate that protects the message does not count any more.
    #[error(transparent)]
    Shown(AdmitError),
    /// The shared secret has expired, or is somebody else's.
    #[error("the shared secret does not count here any more")]
    SecretOver,
    /// Not one request.
    #[error("the message has {count} requests, not one")]
    RequestCount {
        /// How many.
        count: usize,
    },
    /// The number of the request is not the one it must be.
    #[error("certReqId is {found}, not {wanted}")]
    RequestId {
        /// Which it is.
        found: i64,
        /// Which it must be.
        wanted: i64,
    },
    /// A part of a message is not what RFC 9810 says.
    #[error("the body is not DER of {what}")]
    Body {
        /// What it should be.
        what: &'static str,
    },
    /// A field of a template that must not be there, or must say something else.
    #[error("{field} of the certificate template is not taken")]
    Template {
        /// Which.
        field: &'static str,
    },
    /// Keys are not made here.
    #[error("the request has no public key, and none is made here")]
    KeyGeneration,
    /// A key is not made, or could not be delivered.
    #[error(transparent)]
    CentralKey(#[from] CentralKeyError),
    /// A key could not be encrypted.
    #[error(transparent)]
    NotSealed(#[from] SealError),
    /// There is no proof of possession, or none by the key.
    #[error("the request lacks a proof of possession by its key")]
    NoProof,
    /// The word of somebody who is no registration authority.
    #[error("raVerified is taken from registration authorities only")]
    RaVerified,
    /// What is asked for is not understood.
    #[error(transparent)]
    Request(#[from] CsrError),
    /// The request names a subject that nobody can be.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// The request names other names to be had, and no certificate is renewed.
    #[error("id-cmc-changeSubjectName changes the names of a certificate that is renewed, and none is")]
    NothingToRename,
    /// A request that is forwarded is not as it must be.
    #[error("the request is forwarded, and {why}")]
    Forwarding {
        /// What is wrong.
        why: &'static str,
    },
    /// The certificate to be updated is not the one that signs, or not one of the device's.
    #[error("the certificate to be updated is not one that the sender may update")]
    OldCertificate,
    /// The certificate to be updated was updated before.
    #[error("the certificate was updated before, and its successor is to be updated")]
    OldCertificateUpdated,
    /// The authority refused.
    #[error(transparent)]
    NotIssued(#[from] IssueError),
    /// The transaction is another message's.
    #[error("the transactionID is in use")]
    TransactionInUse,
    /// The message that began the transaction is being worked on.
    #[error("the same message is being answered at this moment")]
    BeingAnswered,
    /// Too many transactions are open.
    #[error("too many transactions of the sender are open")]
    TooManyTransactions,
    /// The transaction is not known, or not where this message could follow.
    #[error("there is no transaction in which this message could follow")]
    OutOfTurn,
    /// The certificate was confirmed.
    #[error("the certificate was confirmed before")]
    AlreadyConfirmed,
    /// certHash is not that of the certificate.
    #[error("certHash is not the hash of the certificate")]
    CertHash,
    /// hashAlg names none that is known.
    #[error("hashAlg is not taken")]
    HashAlgorithm,
    /// hashAlg needs version 3.
    #[error("there is hashAlg in a message of version 2")]
    HashAlgorithmVersion,
    /// The confirmation says neither that the certificate is accepted nor that it is refused.
    #[error("the confirmation neither accepts nor refuses the certificate")]
    Status,
    /// The confirmation could not be recorded.
    #[error(transparent)]
    NotConfirmed(#[from] ConfirmError),
    /// The revocation names no certificate of this authority.
    #[error("the request names no certificate of this authority")]
    RevokedCertificate,
    /// The revocation has not one reason.
    #[error("the request has not one reason for the revocation")]
    Reason,
    /// The certificate is not confirmed yet.
    #[error("the certificate waits for its confirmation, which can refuse it")]
    Unconfirmed,
    /// The authority did not revoke.
    #[error(transparent)]
    NotRevoked(#[from] RevokeError),
    /// The general message asks for nothing that is known.
    #[error("the message asks for nothing that is told here")]
    NoSuchInformation,
    /// A CRL of somebody else is asked for.
    #[error("the CRL that is asked for is not one of this authority")]
    ForeignCrl,
    /// Nested messages come from registration authorities and nobody else.
    #[error("nested messages are taken from registration authorities only")]
    NotRegistrationAuthority,
    /// There are none, or too many.
    #[error("there are {count} nested messages, not 1 to {max}")]
    BatchSize {
        /// How many.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Two have the same name.
    #[error("two nested messages have the same transactionID or the same senderNonce")]
    BatchNames,
    /// The one message under an added protection cannot be answered.
    #[error(transparent)]
    Inner(#[from] Box<TransferRefusal>),
    /// A port cannot do its work.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The answer could not be signed.
    #[error(transparent)]
    NotSigned(#[from] SignMessageError),
    /// The answer cannot be encoded.
    #[error("the answer cannot be encoded: {0}")]
    NotEncoded(#[from] der::Error),
    /// The refusal could not be put on record, so that another answer is given.
    #[error("a refusal could not be recorded: {0}")]
    NotRecorded(Unavailable),
}

impl From<NamesError> for Refusal {
    fn from(error: NamesError) -> Self {
        match error {
            NamesError::Subject(error) => Self::Subject(error),
            NamesError::NothingToRename => Self::NothingToRename,
        }
    }
}

impl Refusal {
    /// Returns the stable reason code: the same in audit records, metrics and log, and, but for faults of ours, in the answer.
    #[must_use]
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::NotDecoded(_) => "message.not-der",
            Self::Version { .. } => "header.version",
            Self::NoTransactionId | Self::TransactionId => "header.transaction-id",
            Self::SenderNonce => "header.sender-nonce",
            Self::FirstRecipientNonce | Self::RecipientNonce => "header.recipient-nonce",
            Self::Time { .. } => "header.time",
            Self::NoTime => "header.no-time",
            Self::NotServed { .. } => "operation.not-served",
            Self::OtherOperation { .. } => "operation.other",
            Self::ProfilesDisagree => "profile.disagree",
            Self::NoSuchProfile => "profile.unknown",
            Self::CertProfile => "header.cert-profile",
            Self::NotProtected => "protection.none",
            Self::Algorithm | Self::MacAlgorithm(_) => "protection.algorithm",
            Self::WrongIntegrity => "protection.mac",
            Self::SenderName => "header.sender",
            Self::SenderKid => "header.sender-kid",
            Self::BadSignature => "protection.signature",
            Self::BadMac => "protection.secret",
            Self::NotIdentified(error) => error.code(),
            Self::Shown(error) => error.code(),
            Self::SecretOver => "authn.secret-over",
            Self::RequestCount { .. } => "request.count",
            Self::RequestId { .. } => "request.id",
            Self::Body { .. } => "message.body",
            Self::Template { .. } => "request.template",
            Self::KeyGeneration => "request.key-generation",
            Self::CentralKey(error) => error.code(),
            Self::NotSealed(SealError::Randomness(_)) => "unavailable",
            Self::NotSealed(SealError::Cipher | SealError::Encoding(_)) => "answer.not-encoded",
            Self::NoProof => "request.no-proof",
            Self::RaVerified => "request.ra-verified",
            Self::Request(error) => error.code(),
            Self::Subject(_) => "subject.names",
            Self::NothingToRename => "subject.nothing-to-rename",
            Self::Forwarding { .. } => "request.forwarding",
            Self::OldCertificate => "request.old-certificate",
            Self::OldCertificateUpdated => "request.old-updated",
            Self::NotIssued(error) => error.code(),
            Self::TransactionInUse => "transaction.in-use",
            Self::BeingAnswered => "transaction.being-answered",
            Self::TooManyTransactions => "transaction.too-many",
            Self::OutOfTurn => "transaction.out-of-turn",
            Self::AlreadyConfirmed => "transaction.confirmed",
            Self::CertHash => "confirmation.hash",
            Self::HashAlgorithm => "confirmation.hash-algorithm",
            Self::HashAlgorithmVersion => "confirmation.hash-version",
            Self::Status => "confirmation.status",
            Self::NotConfirmed(error) => error.code(),
            Self::RevokedCertificate => "revoke.not-issued",
            Self::Reason => "revoke.reason",
            Self::Unconfirmed => "revoke.unconfirmed",
            Self::NotRevoked(error) => error.code(),
            Self::NoSuchInformation => "general.unknown",
            Self::ForeignCrl => "general.foreign-crl",
            Self::NotRegistrationAuthority => "authn.not-ra",
            Self::BatchSize { .. } => "nested.size",
            Self::BatchNames => "nested.names",
            Self::Inner(refusal) => refusal.code(),
            Self::Unavailable(_) | Self::NotSigned(SignMessageError::Signer(_)) | Self::NotRecorded(_) => {
                "unavailable"
            }
            Self::NotSigned(SignMessageError::Encoding(_)) | Self::NotEncoded(_) => "answer.not-encoded",
        }
    }
}

/// Why a key is not made for the sender of a request (RFC 9483 §4.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CentralKeyError {
    /// `EnvelopedData` needs version 3.
    #[error("a request for a key that is made here has version 3")]
    Version,
    /// A proof of possession of a key that is not there.
    #[error("a request for a key that is made here has no proof of possession")]
    Proof,
    /// Another kind of key is preferred than the profile has.
    #[error("keys that are made here are {made} keys")]
    Kind {
        /// On which curve they are.
        made: Curve,
    },
    /// Somebody asks for another.
    #[error("a key is made only for the device that protects the request")]
    NotOwn,
    /// The protection certificate is not for key agreement.
    #[error(
        "the certificate that protects the request has no keyAgreement, so that no key can be encrypted to it"
    )]
    NoKeyAgreement,
    /// The key would travel under something weaker than it is.
    #[error("what protects the request is worth at most {bits} bits, and the key {wanted}")]
    TooWeak {
        /// What it is worth.
        bits: u16,
        /// What the key is worth.
        wanted: u16,
    },
}

impl CentralKeyError {
    /// Returns the stable reason code.
    #[must_use]
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Version => "key.version",
            Self::Proof => "key.proof",
            Self::Kind { .. } => "key.kind",
            Self::NotOwn => "key.not-own",
            Self::NoKeyAgreement => "delivery.no-key-agreement",
            Self::TooWeak { .. } => "delivery.too-weak",
        }
    }
}
