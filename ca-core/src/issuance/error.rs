//! What can go wrong when a certificate is asked for, in the order of the steps.

use std::sync::Arc;
use std::time::Duration;

use const_oid::ObjectIdentifier;

use super::draft::DraftError;
use crate::fault::Fault;
use crate::lint::Finding;
use crate::ports::{SignError, Unavailable};
use crate::profile::KeyPurpose;
use crate::record::{IntentConflict, ProductionRefusal, VisitRefusal};
use crate::registration::AdmitError;
use crate::serial_number::SerialNumberError;
use crate::signing::SignFailure;
use crate::subject::SubjectError;
use crate::suite::Curve;
use crate::validity::UnixTime;

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Registration refused.
    #[error(transparent)]
    NotAdmitted(#[from] AdmitError),
    /// The key or the content of the request is not acceptable.
    #[error(transparent)]
    NotProven(#[from] ProveError),
    /// The profile leaves no such choice of validity.
    #[error("the profile does not allow the validity asked for")]
    ValidityOutsideProfile {
        /// What was asked for, in seconds.
        seconds: Option<i64>,
    },
    /// The authority no longer issues, or not yet.
    #[error("the authority issues until {window_ends}, and it is {now}")]
    WindowClosed {
        /// The present.
        now: UnixTime,
        /// Until when it issues.
        window_ends: UnixTime,
    },
    /// The certificate would outlive its issuer.
    #[error("the certificate would be valid until {not_after}, beyond its issuer's {issuer_not_after}")]
    ValidityExceedsIssuer {
        /// Its end.
        not_after: UnixTime,
        /// Its issuer's end.
        issuer_not_after: UnixTime,
    },
    /// Subject and profile do not fit together.
    #[error(transparent)]
    NotDrafted(#[from] DraftError),
    /// The draft breaks rules; nothing was signed.
    #[error("the drafted certificate breaks {} rules", findings.len())]
    NotLinted {
        /// Which.
        findings: Vec<Finding>,
    },
    /// The ledger holds something that stands against it.
    #[error("{}", conflict_sentence(.0))]
    Conflict(IntentConflict),
    /// Three serial numbers in a row were taken, or the clock is outside the years that serial numbers count.
    #[error("no serial number can be given: three in a row were taken, or the clock is wrong")]
    NoFreeSerialNumber,
    /// There is no usable signature.
    #[error(transparent)]
    NotSigned(#[from] SignFailure),
    /// The signed certificate is not, octet for octet, what was recorded.
    #[error("the signed certificate differs from the recorded intent")]
    Altered,
    /// A port cannot do its work now.
    #[error(transparent)]
    Unavailable(Arc<Unavailable>),
}

impl From<Unavailable> for IssueError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(Arc::new(unavailable))
    }
}

impl From<SerialNumberError> for IssueError {
    fn from(_: SerialNumberError) -> Self {
        Self::NoFreeSerialNumber
    }
}

impl From<SignError> for IssueError {
    fn from(error: SignError) -> Self {
        Self::NotSigned(SignFailure::Signer(error))
    }
}

/// Why a request is not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The request's signature does not verify under its key.
    #[error("the request does not prove possession of its key")]
    NotPossessed,
    /// The key is on another curve than the profile wants.
    #[error("the key is on {found}, and the profile wants {wanted}")]
    Curve {
        /// The key's curve.
        found: Curve,
        /// The profile's.
        wanted: Curve,
    },
    /// An issuer on this curve may not certify the key.
    #[error("a {found} key is not certified by a {issuer} authority")]
    IssuerCurve {
        /// The key's curve.
        found: Curve,
        /// The issuer's.
        issuer: Curve,
    },
    /// The key is that of a certification authority of ours.
    #[error("the key belongs to a certification authority")]
    KeyOfAuthority,
    /// Re-enrolment with the old key, where the profile wants a new one.
    #[error("the profile wants a new key at re-enrolment")]
    KeyReused,
    /// The alternative names in the request are malformed or of a kind nobody gets.
    #[error("{cause}")]
    Subject {
        /// What is wrong.
        cause: SubjectError,
    },
    /// The request names another subject than the one it is for.
    #[error("the request names {found}, not {wanted}")]
    SubjectDiffers {
        /// The subject in the request.
        found: String,
        /// The subject it is for.
        wanted: String,
    },
    /// The server made the key, for a purpose that only a key of the subject's own making serves.
    #[error("a key for {} is made by whoever is to hold it, not by the server", purpose.name())]
    MadeHere {
        /// The purpose.
        purpose: KeyPurpose,
    },
    /// The profile certifies devices, and the subject is not a system title.
    #[error("the common name is not 16 upper-case hexadecimal characters of a system title")]
    NotSystemTitle {
        /// The subject.
        found: String,
    },
    /// The request asks for an extension, or a value of it, that the profile does not give.
    #[error("the request asks for extension {extension} in a way that the profile does not allow")]
    Extension {
        /// Which.
        extension: ObjectIdentifier,
    },
}

fn conflict_sentence(conflict: &IntentConflict) -> String {
    match conflict {
        IntentConflict::SerialTaken => "the serial number is taken".to_owned(),
        IntentConflict::AlreadyIssued(_) => {
            "the certificate that answered this request was revoked since, or its key was lost".to_owned()
        }
        IntentConflict::InFlight => "the same request is being answered at this moment".to_owned(),
        IntentConflict::TransactionOver => "the transaction in which it was asked for is over".to_owned(),
        IntentConflict::WindowOver => {
            "the same request was answered too long ago to be answered again".to_owned()
        }
        IntentConflict::AwaitsApproval(awaiting) => {
            format!("the request waits for approval, until {} at most", awaiting.expires_at)
        }
        IntentConflict::ApprovalRefused => "an operator refused the request".to_owned(),
        IntentConflict::TooManyWaiting => {
            "too many requests of this requester or tenant wait for approval".to_owned()
        }
        IntentConflict::KeyCertifiedElsewhere { .. } => {
            "the key is already certified for another subject or purpose".to_owned()
        }
        IntentConflict::KeyBlocked => "the key was reported compromised".to_owned(),
        IntentConflict::SlotTaken { holder } => {
            format!("the device holds the valid certificate {} for this purpose", holder.serial)
        }
        IntentConflict::Overtaken => {
            "the certificate to be renewed is being replaced or was revoked".to_owned()
        }
        IntentConflict::TokenUnknown => "the one-time token is not known or has expired".to_owned(),
        IntentConflict::TokenSpent => "the one-time token was used before".to_owned(),
        IntentConflict::DeviceNotExpected => "the device is not expected here".to_owned(),
        IntentConflict::DeviceClaimedByOther => "the device was claimed by another key".to_owned(),
        IntentConflict::DeviceKeyNotDelivered => {
            "the factory key is none of those that were delivered with the device".to_owned()
        }
        IntentConflict::DeviceOutOfUse(out) => format!("the device is {out}"),
        IntentConflict::FactorySuperseded { since } => {
            format!("the factory certificate of the device is superseded since {since}")
        }
        IntentConflict::Production(refusal) => refusal.to_string(),
        IntentConflict::Visit(refusal) => refusal.to_string(),
        IntentConflict::KeyAway => "the key that would sign is away".to_owned(),
    }
}

impl IssueError {
    /// Returns the stable reason code, the same in the answer, the audit record and the metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAdmitted(error) => error.code(),
            Self::NotProven(error) => error.code(),
            Self::ValidityOutsideProfile { .. } => "validity.outside-profile",
            Self::WindowClosed { .. } => "issuer.window-closed",
            Self::ValidityExceedsIssuer { .. } => "validity.exceeds-issuer",
            Self::NotDrafted(error) => draft_code(error),
            Self::NotLinted { .. } => "lint.failed",
            Self::Conflict(conflict) => conflict_code(conflict),
            Self::NoFreeSerialNumber => "serial.exhausted",
            Self::NotSigned(SignFailure::Signer(SignError::Refused { .. })) => "signer.refused",
            Self::NotSigned(SignFailure::Signer(_)) => "signer.unavailable",
            Self::NotSigned(SignFailure::DoesNotVerify { .. } | SignFailure::NeverFullLength { .. }) => {
                "signer.broken"
            }
            Self::Altered => "certificate.altered",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Tells whether nothing was refused yet: the request waits for the approval of operators.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Conflict(IntentConflict::AwaitsApproval(_)))
    }

    /// Returns when it is worth asking again, where whoever signs knows.
    #[must_use]
    pub const fn again_in(&self) -> Option<Duration> {
        if let Self::NotSigned(failure) = self { failure.again_in() } else { None }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotAdmitted(error) => error.fault(),
            Self::NotProven(_) | Self::ValidityOutsideProfile { .. } => Fault::Requester,
            Self::NotDrafted(error) => draft_fault(error),
            Self::Conflict(conflict) => conflict_fault(conflict),
            Self::NotSigned(SignFailure::Signer(
                SignError::Unavailable { .. } | SignError::OutcomeUnknown { .. },
            ))
            | Self::Unavailable(_) => Fault::Unavailable,
            Self::NotSigned(
                SignFailure::Signer(SignError::KeyNotFound { .. } | SignError::Refused { .. })
                | SignFailure::DoesNotVerify { .. }
                | SignFailure::NeverFullLength { .. },
            ) => Fault::Ours,
            Self::WindowClosed { .. }
            | Self::ValidityExceedsIssuer { .. }
            | Self::NotLinted { .. }
            | Self::NoFreeSerialNumber
            | Self::Altered => Fault::Ours,
        }
    }
}

impl ProveError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPossessed => "pop.invalid",
            Self::Curve { .. } | Self::IssuerCurve { .. } => "key.curve",
            Self::KeyOfAuthority => "key.authority",
            Self::KeyReused => "key.reuse",
            Self::Subject { .. } => "subject.names",
            Self::SubjectDiffers { .. } => "subject.other",
            Self::NotSystemTitle { .. } => "subject.not-system-title",
            Self::Extension { .. } => "csr.extension",
            Self::MadeHere { .. } => "key.made-here",
        }
    }
}

const fn draft_code(error: &DraftError) -> &'static str {
    match error {
        DraftError::SubjectDoesNotFit
        | DraftError::NameTooLong { .. }
        | DraftError::AlternativeNamesDoNotFit
        | DraftError::Name(_) => "subject.unfit",
        DraftError::NoPublicationPoint => "issuer.no-publication-point",
        DraftError::Encode(_) => "draft.not-encoded",
    }
}

const fn draft_fault(error: &DraftError) -> Fault {
    match error {
        DraftError::SubjectDoesNotFit
        | DraftError::NameTooLong { .. }
        | DraftError::AlternativeNamesDoNotFit
        | DraftError::Name(_) => Fault::Requester,
        DraftError::NoPublicationPoint | DraftError::Encode(_) => Fault::Ours,
    }
}

const fn conflict_code(conflict: &IntentConflict) -> &'static str {
    match conflict {
        IntentConflict::SerialTaken => "serial.taken",
        IntentConflict::AlreadyIssued(_) => "request.repeated",
        IntentConflict::InFlight => "request.in-flight",
        IntentConflict::TransactionOver => "transaction.over",
        IntentConflict::WindowOver => "request.window-over",
        IntentConflict::AwaitsApproval(_) => "request.waiting",
        IntentConflict::ApprovalRefused => "request.refused",
        IntentConflict::TooManyWaiting => "request.too-many",
        IntentConflict::KeyCertifiedElsewhere { .. } => "key.certified-elsewhere",
        IntentConflict::KeyBlocked => "key.blocked",
        IntentConflict::SlotTaken { .. } => "slot.taken",
        IntentConflict::Overtaken => "renewal.overtaken",
        IntentConflict::TokenUnknown => "token.unknown",
        IntentConflict::TokenSpent => "token.spent",
        IntentConflict::DeviceNotExpected => "device.not-expected",
        IntentConflict::DeviceClaimedByOther => "device.claimed",
        IntentConflict::DeviceKeyNotDelivered => "device.other-key",
        IntentConflict::DeviceOutOfUse(out) => out.code(),
        IntentConflict::FactorySuperseded { .. } => "factory.superseded",
        IntentConflict::Production(refusal) => refusal.code(),
        IntentConflict::Visit(refusal) => refusal.code(),
        IntentConflict::KeyAway => "signer.unavailable",
    }
}

const fn conflict_fault(conflict: &IntentConflict) -> Fault {
    match conflict {
        IntentConflict::InFlight | IntentConflict::KeyAway => Fault::Unavailable,
        IntentConflict::KeyBlocked
        | IntentConflict::ApprovalRefused
        | IntentConflict::TokenUnknown
        | IntentConflict::TokenSpent
        | IntentConflict::DeviceNotExpected
        | IntentConflict::DeviceClaimedByOther
        | IntentConflict::DeviceKeyNotDelivered
        | IntentConflict::DeviceOutOfUse(_)
        | IntentConflict::FactorySuperseded { .. }
        | IntentConflict::Production(
            ProductionRefusal::Required
            | ProductionRefusal::Unknown
            | ProductionRefusal::Title
            | ProductionRefusal::Purpose,
        )
        | IntentConflict::Visit(
            VisitRefusal::Required
            | VisitRefusal::Unknown
            | VisitRefusal::Technician
            | VisitRefusal::NoTechnician
            | VisitRefusal::Unit
            | VisitRefusal::Profile,
        ) => Fault::Requester,
        IntentConflict::SerialTaken
        | IntentConflict::AlreadyIssued(_)
        | IntentConflict::WindowOver
        | IntentConflict::KeyCertifiedElsewhere { .. }
        | IntentConflict::SlotTaken { .. }
        | IntentConflict::AwaitsApproval(_)
        | IntentConflict::TooManyWaiting
        | IntentConflict::TransactionOver
        | IntentConflict::Overtaken
        | IntentConflict::Production(
            ProductionRefusal::Closed | ProductionRefusal::Expired { .. } | ProductionRefusal::Full { .. },
        )
        | IntentConflict::Visit(
            VisitRefusal::Refused
            | VisitRefusal::Ended
            | VisitRefusal::Early { .. }
            | VisitRefusal::Over { .. }
            | VisitRefusal::Unapproved { .. }
            | VisitRefusal::Void
            | VisitRefusal::Ending { .. }
            | VisitRefusal::TooMany,
        ) => Fault::Conflict,
    }
}
