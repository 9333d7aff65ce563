//! From every refusal to its answer: HTTP status before there is a message, `PKIStatus` and `PKIFailureInfo` after. The only
//! file naming either.
//!
//! RFC 9810 §5.2.3, §7; RFC 9811 §3.1; RFC 9483 §3.5, §3.6.

use std::time::Duration;

use ca_core::confirmation::ConfirmError;
use ca_core::fault::Fault;
use ca_core::issuance::{IssueError, ProveError};
use ca_core::record::{IntentConflict, TransactionConflict};
use ca_core::registration::AdmitError;
use ca_core::revocation::RevokeError;
use ca_core::trust::IdentifyError;
use cmp_messages::status::{PkiFailureInfo, PkiStatusInfo};
use cms_messages::SealError;
use server_kit::spread::spread_seconds;
use server_kit::workers::{RunJobError, retry_after_seconds};

use crate::config::SignMessageError;
use crate::refusal::{CentralKeyError, Refusal, TransferRefusal};

/// After how many seconds whoever found the service unavailable may come again.
const RETRY_UNAVAILABLE: u64 = 30;

/// The answer to what is no message, in the words of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// One sentence with the reason code, ended by LF; nothing for an announcement.
    pub text: String,
    /// For Allow.
    pub allow: Option<&'static str>,
    /// For Retry-After, in seconds.
    pub retry_after: Option<u64>,
}

/// Returns the answer to a request that held no message to answer.
pub(crate) fn reply(refusal: &TransferRefusal) -> Reply {
    let (status, sentence) = match refusal {
        TransferRefusal::NoSuchPath => (404, "there is no such operation here"),
        TransferRefusal::Method => (405, "messages are sent by POST"),
        TransferRefusal::MediaType => (415, "the body must be announced as application/pkixcmp"),
        TransferRefusal::BodyTooLarge { .. } => (413, "the body is too large"),
        TransferRefusal::BodyIncomplete => (400, "the body did not arrive whole"),
        TransferRefusal::NotAcceptable => (406, "the answer is a CMP message and nothing else"),
        TransferRefusal::NotDecoded(_) => (400, "the body is not one CMP message in DER"),
        // RFC 9811 §3.5: an announcement is answered by a status code and an empty content.
        TransferRefusal::Announcement => {
            return Reply { status: 501, text: String::new(), allow: None, retry_after: None };
        }
        TransferRefusal::NotRun(RunJobError::Busy { .. }) | TransferRefusal::Crowded => {
            (503, "the server is busy")
        }
        TransferRefusal::NotRun(RunJobError::Closed) => (503, "the server is closing"),
        TransferRefusal::Unavailable(_) | TransferRefusal::NotSigned(_) => {
            (503, "the service is not available at this moment")
        }
        TransferRefusal::NotRun(RunJobError::Panicked) | TransferRefusal::NotEncoded(_) => {
            (500, "internal error")
        }
    };
    let known = if let TransferRefusal::NotRun(RunJobError::Busy { retry_after }) = refusal {
        Some(*retry_after)
    } else if let TransferRefusal::NotSigned(error) = refusal {
        // Whoever signs may know when it is asked again.
        error.again_in()
    } else {
        None
    };
    // All senders find what is away at the same time.
    let usual = (status == 503).then(|| spread_seconds(RETRY_UNAVAILABLE));
    let retry_after = known.map(retry_after_seconds).or(usual);
    let code = if status == 500 { "internal" } else { refusal.code() };
    let allow = matches!(refusal, TransferRefusal::Method).then_some("POST");
    Reply { status, text: format!("{sentence} ({code})\n"), allow, retry_after }
}

/// Says to the sender why its message, or what it asks for, is refused.
///
/// # Errors
/// What the DER codec says.
pub(crate) fn rejection(refusal: &Refusal) -> der::Result<PkiStatusInfo> {
    PkiStatusInfo::rejection(failure(refusal), sentence(refusal))
}

/// Faults of ours are told as such and no more; and of others nothing that is not in the request.
fn sentence(refusal: &Refusal) -> String {
    let told = match (fault(refusal), refusal) {
        (Fault::Ours, _) => return "internal error (internal)".to_owned(),
        (Fault::Unavailable, _) => {
            let again = again_in(refusal).map(retry_after_seconds);
            let again = again.map(|seconds| format!(", try again in {seconds} s")).unwrap_or_default();
            format!("the service is not available at this moment{again}")
        }
        (Fault::Requester | Fault::Conflict, Refusal::NotIssued(_)) => {
            "the certificate is not issued".to_owned()
        }
        (Fault::Requester | Fault::Conflict, Refusal::NotRevoked(_)) => {
            "the status of the certificate is not changed".to_owned()
        }
        (Fault::Requester | Fault::Conflict, _) => refusal.to_string(),
    };
    format!("{told} ({})", refusal.code())
}

/// When it is worth asking again, where whoever signs knows. An answer of CMP has no field for it but the text: HTTP says 200.
const fn again_in(refusal: &Refusal) -> Option<Duration> {
    if let Refusal::NotIssued(error) = refusal { error.again_in() } else { None }
}

/// Returns what a refused message is told. RFC 9483 §3.5 and §3.6.4 name the bit of each check.
///
/// A body of a type that is not served is badRequest, "transaction not permitted or supported": not systemUnavail, after
/// which the sender should try again, and not notAuthorized, which speaks of the sender.
pub(crate) const fn failure(refusal: &Refusal) -> PkiFailureInfo {
    match refusal {
        Refusal::NotDecoded(_)
        | Refusal::NoTransactionId
        | Refusal::TransactionId
        | Refusal::CertProfile
        | Refusal::Body { .. } => PkiFailureInfo::BadDataFormat,
        Refusal::Version { .. } => PkiFailureInfo::UnsupportedVersion,
        Refusal::SenderNonce => PkiFailureInfo::BadSenderNonce,
        Refusal::FirstRecipientNonce | Refusal::RecipientNonce => PkiFailureInfo::BadRecipientNonce,
        Refusal::Time { .. } | Refusal::NoTime => PkiFailureInfo::BadTime,
        Refusal::Algorithm | Refusal::MacAlgorithm(_) | Refusal::HashAlgorithm => PkiFailureInfo::BadAlg,
        Refusal::NotProtected
        | Refusal::SenderName
        | Refusal::SenderKid
        | Refusal::BadSignature
        | Refusal::BadMac => PkiFailureInfo::BadMessageCheck,
        Refusal::WrongIntegrity => PkiFailureInfo::WrongIntegrity,
        Refusal::NotIdentified(error) => identify(error),
        Refusal::Shown(error) => admit(error),
        Refusal::SecretOver
        | Refusal::RaVerified
        | Refusal::ProfilesDisagree
        | Refusal::NoSuchProfile
        | Refusal::NotRegistrationAuthority => PkiFailureInfo::NotAuthorized,
        Refusal::NotServed { .. }
        | Refusal::OtherOperation { .. }
        | Refusal::RequestCount { .. }
        | Refusal::RequestId { .. }
        | Refusal::OutOfTurn
        | Refusal::HashAlgorithmVersion
        | Refusal::Status
        | Refusal::Reason
        | Refusal::Unconfirmed
        | Refusal::NoSuchInformation
        | Refusal::BatchSize { .. }
        | Refusal::Forwarding { .. }
        | Refusal::BatchNames => PkiFailureInfo::BadRequest,
        Refusal::Template { .. }
        | Refusal::NothingToRename
        | Refusal::KeyGeneration
        | Refusal::Subject(_) => PkiFailureInfo::BadCertTemplate,
        Refusal::Request(error) => request(*error),
        Refusal::CentralKey(error) => central_key(*error),
        Refusal::NoProof => PkiFailureInfo::BadPop,
        Refusal::OldCertificate | Refusal::CertHash | Refusal::RevokedCertificate | Refusal::ForeignCrl => {
            PkiFailureInfo::BadCertId
        }
        Refusal::OldCertificateUpdated => PkiFailureInfo::CertRevoked,
        Refusal::TransactionInUse => PkiFailureInfo::TransactionIdInUse,
        Refusal::AlreadyConfirmed => PkiFailureInfo::CertConfirmed,
        Refusal::NotIssued(error) => issue(error),
        Refusal::NotRevoked(error) => revoke(error),
        Refusal::NotConfirmed(error) => confirm(error),
        Refusal::Inner(_)
        | Refusal::BeingAnswered
        | Refusal::TooManyTransactions
        | Refusal::Unavailable(_)
        | Refusal::NotSigned(SignMessageError::Signer(_))
        | Refusal::NotSealed(SealError::Randomness(_))
        | Refusal::NotRecorded(_) => PkiFailureInfo::SystemUnavail,
        Refusal::NotSigned(SignMessageError::Encoding(_))
        | Refusal::NotSealed(SealError::Cipher | SealError::Encoding(_))
        | Refusal::NotEncoded(_) => PkiFailureInfo::SystemFailure,
    }
}

/// RFC 9483 §3.5: a path that leads to no anchor is not trusted; one that does, to nobody who is served here, is not authorised.
const fn identify(error: &IdentifyError) -> PkiFailureInfo {
    match error {
        IdentifyError::NoCertificate | IdentifyError::Certificate(_) | IdentifyError::Path(_) => {
            PkiFailureInfo::SignerNotTrusted
        }
        IdentifyError::UnknownRegistrationAuthority | IdentifyError::NoDevice => {
            PkiFailureInfo::NotAuthorized
        }
    }
}

const fn request(error: ca_core::csr::CsrError) -> PkiFailureInfo {
    use ca_core::csr::CsrError;
    match error {
        CsrError::SignatureAlgorithm { .. } => PkiFailureInfo::BadAlg,
        CsrError::TooLong { .. } | CsrError::Crowded | CsrError::NotDer { .. } => {
            PkiFailureInfo::BadDataFormat
        }
        CsrError::SignatureValue => PkiFailureInfo::BadPop,
        CsrError::Version { .. }
        | CsrError::Attribute { .. }
        | CsrError::DoubledAttribute { .. }
        | CsrError::DoubledExtension { .. }
        | CsrError::Key(_)
        | CsrError::Name(_) => PkiFailureInfo::BadCertTemplate,
    }
}

/// RFC 9483 §4.1.6 names no bits: each is the one of RFC 9810 App. F that says what to ask otherwise.
const fn central_key(error: CentralKeyError) -> PkiFailureInfo {
    match error {
        CentralKeyError::Version => PkiFailureInfo::UnsupportedVersion,
        CentralKeyError::Proof => PkiFailureInfo::BadPop,
        CentralKeyError::Kind { .. } | CentralKeyError::TooWeak { .. } => PkiFailureInfo::BadAlg,
        CentralKeyError::NotOwn => PkiFailureInfo::NotAuthorized,
        CentralKeyError::NoKeyAgreement => PkiFailureInfo::BadRequest,
    }
}

const fn issue(error: &IssueError) -> PkiFailureInfo {
    match error {
        IssueError::NotAdmitted(error) => admit(error),
        IssueError::NotProven(error) => prove(error),
        IssueError::Conflict(conflict) => conflicting(conflict),
        IssueError::ValidityOutsideProfile { .. }
        | IssueError::NotDrafted(_)
        | IssueError::Unavailable(_)
        | IssueError::NotSigned(_)
        | IssueError::WindowClosed { .. }
        | IssueError::ValidityExceedsIssuer { .. }
        | IssueError::NotLinted { .. }
        | IssueError::NoFreeSerialNumber
        | IssueError::Altered => match error.fault() {
            Fault::Requester | Fault::Conflict => PkiFailureInfo::BadCertTemplate,
            Fault::Unavailable => PkiFailureInfo::SystemUnavail,
            Fault::Ours => PkiFailureInfo::SystemFailure,
        },
    }
}

const fn admit(error: &AdmitError) -> PkiFailureInfo {
    match error {
        AdmitError::CredentialRevoked => PkiFailureInfo::CertRevoked,
        AdmitError::TrustBlocked | AdmitError::CredentialUnknown | AdmitError::CredentialExpired { .. } => {
            PkiFailureInfo::SignerNotTrusted
        }
        AdmitError::SubjectChanged => PkiFailureInfo::BadCertTemplate,
        // RFC 9483 §4.1.3: an update of what was updated, or is not confirmed, or may not be updated yet.
        AdmitError::NotRenewed(_) => PkiFailureInfo::BadRequest,
        AdmitError::ProfileNotOffered { .. }
        | AdmitError::DoorClosed { .. }
        | AdmitError::ForeignTenant
        | AdmitError::OtherSubject { .. }
        | AdmitError::OtherProfile { .. }
        | AdmitError::OutsideScope { .. }
        | AdmitError::NotForwarded { .. }
        | AdmitError::NamesNotEntitled
        | AdmitError::DeviceNotExpected { .. }
        | AdmitError::NotCleared { .. }
        | AdmitError::DeviceOutOfUse { .. } => PkiFailureInfo::NotAuthorized,
        AdmitError::Unavailable(_) => PkiFailureInfo::SystemUnavail,
    }
}

const fn prove(error: &ProveError) -> PkiFailureInfo {
    match error {
        ProveError::NotPossessed => PkiFailureInfo::BadPop,
        ProveError::Curve { .. } | ProveError::IssuerCurve { .. } => PkiFailureInfo::BadAlg,
        ProveError::KeyOfAuthority
        | ProveError::KeyReused
        | ProveError::Subject { .. }
        | ProveError::SubjectDiffers { .. }
        | ProveError::NotSystemTitle { .. }
        | ProveError::MadeHere { .. }
        | ProveError::Extension { .. } => PkiFailureInfo::BadCertTemplate,
    }
}

const fn conflicting(conflict: &IntentConflict) -> PkiFailureInfo {
    match conflict {
        IntentConflict::KeyCertifiedElsewhere { .. } | IntentConflict::KeyBlocked => {
            PkiFailureInfo::BadCertTemplate
        }
        IntentConflict::SlotTaken { .. } => PkiFailureInfo::DuplicateCertReq,
        IntentConflict::Overtaken => PkiFailureInfo::CertRevoked,
        IntentConflict::ApprovalRefused
        | IntentConflict::TokenUnknown
        | IntentConflict::TokenSpent
        | IntentConflict::DeviceNotExpected
        | IntentConflict::DeviceClaimedByOther
        | IntentConflict::DeviceKeyNotDelivered
        | IntentConflict::DeviceOutOfUse(_)
        | IntentConflict::FactorySuperseded { .. }
        | IntentConflict::Visit(_)
        | IntentConflict::Production(_) => PkiFailureInfo::NotAuthorized,
        IntentConflict::WindowOver | IntentConflict::TransactionOver => PkiFailureInfo::BadRequest,
        IntentConflict::InFlight
        | IntentConflict::KeyAway
        | IntentConflict::TooManyWaiting
        | IntentConflict::AwaitsApproval(_) => PkiFailureInfo::SystemUnavail,
        // The authority resolves both by itself, but for a certificate of the transaction that was revoked since.
        IntentConflict::AlreadyIssued(_) => PkiFailureInfo::CertRevoked,
        IntentConflict::SerialTaken => PkiFailureInfo::SystemFailure,
    }
}

const fn revoke(error: &RevokeError) -> PkiFailureInfo {
    match error {
        RevokeError::NotEntitled => PkiFailureInfo::NotAuthorized,
        RevokeError::NotIssued { .. } => PkiFailureInfo::BadCertId,
        RevokeError::AlreadyRevoked { .. } => PkiFailureInfo::CertRevoked,
        RevokeError::HoldNotOffered | RevokeError::NotOnHold | RevokeError::InvalidityInFuture { .. } => {
            PkiFailureInfo::BadRequest
        }
        RevokeError::BeingIssued | RevokeError::Unavailable(_) => PkiFailureInfo::SystemUnavail,
    }
}

const fn confirm(error: &ConfirmError) -> PkiFailureInfo {
    match error {
        ConfirmError::NotEntitled => PkiFailureInfo::NotAuthorized,
        ConfirmError::Conflict(conflict) => match conflict {
            TransactionConflict::OtherCertificate => PkiFailureInfo::BadCertId,
            TransactionConflict::TooLong => PkiFailureInfo::SystemFailure,
            TransactionConflict::BeingIssued => PkiFailureInfo::SystemUnavail,
            TransactionConflict::Unknown
            | TransactionConflict::Over { .. }
            | TransactionConflict::NotOver { .. }
            | TransactionConflict::Closed(_)
            | TransactionConflict::Overtaken
            | TransactionConflict::OutOfTurn => PkiFailureInfo::BadRequest,
        },
        ConfirmError::Unavailable(_) => PkiFailureInfo::SystemUnavail,
    }
}

/// Whose fault a refusal is.
pub(crate) fn fault(refusal: &Refusal) -> Fault {
    if let Refusal::NotIssued(error) = refusal {
        error.fault()
    } else if let Refusal::NotRevoked(error) = refusal {
        error.fault()
    } else if let Refusal::NotConfirmed(error) = refusal {
        error.fault()
    } else if failure(refusal) == PkiFailureInfo::SystemUnavail {
        Fault::Unavailable
    } else if failure(refusal) == PkiFailureInfo::SystemFailure {
        Fault::Ours
    } else {
        Fault::Requester
    }
}

#[cfg(test)]
mod tests;
