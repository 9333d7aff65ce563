//! From every refusal to its answer: status, sentence, and the fields that go with them. The only file naming status codes.
//!
//! The requester reads one sentence that discloses nothing internal, and the reason code; of faults of ours it learns that
//! they are ours. RFC 7030 §4.2.3, RFC 8951 §5.1, RFC 9110 §15.

use std::time::Duration;

use ca_core::issuance::draft::DraftError;
use ca_core::issuance::{IssueError, ProveError};
use ca_core::path::PathError;
use ca_core::ports::SignError;
use ca_core::record::{IntentConflict, ProductionRefusal};
use ca_core::registration::{AdmitError, RenewalError};
use ca_core::signing::SignFailure;
use ca_core::trust::IdentifyError;
use ca_core::upstream::ElsewhereRefusal;
use cms_messages::SealError;
use server_kit::spread::spread_seconds;
use server_kit::workers::{RunJobError, retry_after_seconds};

use crate::channel_binding::BindingError;
use crate::config::SignMessageError;
use crate::refusal::{DeliveryError, Refusal};
use crate::requester::AuthenticateError;
use crate::wire::bulk::ItemError;
use crate::wire::cmc::CmcError;
use crate::wire::dlms_tools::OrderError;
use crate::wire::simple_enroll::DecodeBodyError;

/// After how many seconds to ask again when a part of the system is out of reach.
const RETRY_UNAVAILABLE: u64 = 30;
/// After how many seconds to ask again when the same request is being answered.
const RETRY_IN_FLIGHT: u64 = 5;
/// After how many seconds to ask again when others have to be decided about first.
const RETRY_CROWDED: u64 = 600;

/// The longest wait that a device is told, in seconds.
const DAY: i64 = 86_400;

/// The answer to a request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// One sentence with the reason code, ended by LF.
    pub text: String,
    /// For Retry-After, in seconds.
    pub retry_after: Option<u64>,
    /// For Allow.
    pub allow: Option<&'static str>,
    /// For WWW-Authenticate.
    pub challenge: Option<&'static str>,
    /// The CMC response that says the same, DER, where the request was one of CMC (RFC 7030 §4.3.2).
    pub cmc: Option<Vec<u8>>,
}

/// What is told of a refusal, however it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The status code.
    pub(crate) status: u16,
    /// The reason code, as far as it is the requester's business.
    pub(crate) code: &'static str,
    /// One sentence.
    pub(crate) sentence: String,
    /// After how many seconds to ask again, if that may help.
    pub(crate) retry_after: Option<u64>,
}

/// Status and sentence, and what belongs to the status.
struct Verdict {
    status: u16,
    sentence: &'static str,
    retry_after: Option<u64>,
}

const fn verdict(status: u16, sentence: &'static str) -> Verdict {
    Verdict { status, sentence, retry_after: None }
}

const fn later(status: u16, sentence: &'static str, seconds: u64) -> Verdict {
    Verdict { status, sentence, retry_after: Some(seconds) }
}

const INTERNAL: Verdict = verdict(500, "internal error");
const UNAVAILABLE: Verdict = later(503, "the service is not available at this moment", RETRY_UNAVAILABLE);
const NOT_EXPECTED: Verdict = verdict(403, "the device is not expected here");
const OUT_OF_SERVICE: Verdict = verdict(403, "the device is out of service");

/// Returns the answer to a refused request.
pub(crate) fn reply(refusal: &Refusal) -> Reply {
    let Told { status, code, sentence, retry_after } = tell(refusal);
    Reply {
        status,
        text: format!("{sentence} ({code})\n"),
        retry_after,
        allow: if let Refusal::Method { allowed } = refusal { Some(allowed) } else { None },
        // RFC 9110 §15.5.2: a 401 carries a challenge.
        challenge: (status == 401).then_some("Basic realm=\"est\""),
        cmc: if let Refusal::InCmc { response, .. } = refusal { Some(response.clone()) } else { None },
    }
}

/// Returns what the requester is told of a refusal.
pub(crate) fn tell(refusal: &Refusal) -> Told {
    let Verdict { status, sentence, retry_after } = judge(refusal);
    let wanted =
        if let Refusal::MediaType { expected } = refusal { format!(" {expected}") } else { String::new() };
    let code = if status == 500 { "internal" } else { refusal.code() };
    // All devices find what is away at the same time.
    let spread = |seconds| if seconds == RETRY_UNAVAILABLE { spread_seconds(seconds) } else { seconds };
    let retry_after = if status == 503 { retry_after.map(spread) } else { retry_after };
    Told { status, code, sentence: format!("{sentence}{wanted}"), retry_after }
}

fn judge(refusal: &Refusal) -> Verdict {
    match refusal {
        Refusal::NoSuchOperation => verdict(404, "there is no such operation here"),
        Refusal::Method { .. } => verdict(405, "the operation is not done by this method"),
        Refusal::MediaType { .. } => verdict(415, "the body must be announced as"),
        Refusal::BodyTooLarge { .. } => verdict(413, "the body is too large"),
        Refusal::NotAcceptable => verdict(406, "the answer cannot be given in the form that was asked for"),
        Refusal::BodyIncomplete => verdict(400, "the body did not arrive whole"),
        Refusal::NotAuthenticated(error) => authentication(error),
        // RFC 6585 §4: with the time after which to ask again.
        Refusal::Excessive(excess) => later(429, "too many requests", excess.wait_seconds),
        Refusal::NotDecoded(DecodeBodyError::Base64(_)) => {
            verdict(400, "the body is not base64 of one object")
        }
        Refusal::NotDecoded(DecodeBodyError::Csr(_)) => {
            verdict(400, "the certification request is malformed or asks in a way that is not supported")
        }
        Refusal::Item(error) => item(error),
        Refusal::Order(error) => order(error),
        Refusal::TooManyLines { .. } => verdict(413, "the upload has too many lines"),
        Refusal::NotRegistrationAuthority => verdict(403, "only registration authorities are served here"),
        Refusal::LabelClosed => verdict(403, "the registration authority is not served at this label"),
        Refusal::NoLabelForKey => {
            verdict(403, "keys on this curve are not certified for this key usage here")
        }
        Refusal::NotBound(error) => binding(*error),
        Refusal::Subject(_) => verdict(400, "the names in the request are not ones that are certified here"),
        Refusal::NothingToRename => {
            verdict(400, "id-cmc-changeSubjectName belongs into a request to renew a certificate")
        }
        Refusal::NotCmc(error) => message(error),
        Refusal::InCmc { cause, .. } => judge(cause),
        Refusal::NotDelivered(error) => delivery(*error),
        Refusal::MessageNotSigned(SignMessageError::Signer(error)) => unavailable(error.again_in()),
        Refusal::NotSealed(SealError::Randomness(_)) => UNAVAILABLE,
        Refusal::MessageNotSigned(SignMessageError::Encoding(_))
        | Refusal::NotSealed(SealError::Cipher | SealError::Encoding(_)) => INTERNAL,
        Refusal::NotIssued(error) => issue(error),
        Refusal::RefusedElsewhere(refusal) => elsewhere(*refusal),
        Refusal::NotEncoded { .. } | Refusal::NotWritten | Refusal::NotRun(RunJobError::Panicked) => INTERNAL,
        Refusal::NotRun(RunJobError::Busy { retry_after }) => busy(*retry_after),
        Refusal::NotRun(RunJobError::Closed) => later(503, "the server is closing", RETRY_UNAVAILABLE),
        Refusal::NotRecorded(_) => UNAVAILABLE,
    }
}

const fn item(error: &ItemError) -> Verdict {
    match error {
        ItemError::TooLong { .. } => verdict(400, "the line is too long"),
        ItemError::NotAnItem { .. } => {
            verdict(400, "the line is not a JSON object of id, label, kind (first or again) and csr")
        }
        ItemError::LongId => verdict(400, "the id is too long"),
        ItemError::Base64(_) => verdict(400, "the certification request is not base64 of one object"),
        ItemError::Csr(_) => {
            verdict(400, "the certification request is malformed or asks in a way that is not supported")
        }
    }
}

const fn order(error: &OrderError) -> Verdict {
    match error {
        OrderError::NotAnOrder => {
            verdict(400, "the body is not JSON with Certificates, or with KeyUsage and CSR")
        }
        OrderError::KeyUsage { .. } => verdict(400, "KeyUsage must be 1, 16 or 17"),
        OrderError::Count { .. } => verdict(400, "none or too many certificates are asked for"),
        OrderError::Request { cause, .. } => item(cause),
    }
}

/// Whoever signs may know when it is asked again.
fn unavailable(again_in: Option<Duration>) -> Verdict {
    Verdict { retry_after: again_in.map(retry_after_seconds).or(UNAVAILABLE.retry_after), ..UNAVAILABLE }
}

fn busy(retry_after: Duration) -> Verdict {
    later(503, "the server is busy", retry_after_seconds(retry_after))
}

const fn authentication(error: &AuthenticateError) -> Verdict {
    match error {
        AuthenticateError::NoCredentials => {
            verdict(401, "a client certificate or a one-time password is needed")
        }
        AuthenticateError::WrongPassword => verdict(401, "the user name or the password is wrong"),
        AuthenticateError::MustWait { wait } => later(429, "too many wrong passwords", wait.as_secs()),
        AuthenticateError::NotIdentified(error) => identification(error),
        AuthenticateError::Unavailable(_) => UNAVAILABLE,
    }
}

const fn identification(error: &IdentifyError) -> Verdict {
    match error {
        IdentifyError::NoCertificate => verdict(401, "a client certificate is needed"),
        IdentifyError::Certificate(_) => verdict(403, "the client certificate is not of a kind used here"),
        IdentifyError::Path(error) => path(error),
        IdentifyError::UnknownRegistrationAuthority => {
            verdict(403, "the registration authority is not known here")
        }
        IdentifyError::NoDevice => verdict(403, "the client certificate names no device"),
    }
}

const fn path(error: &PathError) -> Verdict {
    match error {
        PathError::TooManyCertificates { .. } | PathError::TooManySignatures => {
            verdict(403, "too many certificates were sent")
        }
        PathError::NoPath => verdict(403, "the client certificate is not trusted here"),
        PathError::NotYetValid { .. } => verdict(403, "the client certificate is not valid yet"),
        PathError::Expired { .. } => verdict(403, "the client certificate has expired"),
        PathError::Usage { .. } => verdict(403, "the client certificate is not for client authentication"),
        PathError::CriticalExtension { .. } => {
            verdict(403, "the client certificate has a critical extension that is not processed here")
        }
    }
}

/// RFC 7030 §3.5: the text says that identity and proof of possession must be linked.
const fn binding(error: BindingError) -> Verdict {
    match error {
        BindingError::Missing => verdict(
            403,
            "identity and proof of possession must be linked by a channel binding in challengePassword",
        ),
        BindingError::Mismatch => {
            verdict(403, "challengePassword does not link the request to this TLS connection")
        }
        BindingError::Unverifiable => verdict(
            403,
            "challengePassword cannot be verified on this connection, use TLS 1.3 or leave it out",
        ),
    }
}

/// RFC 7030 §4.3.1: what is no valid Full PKI Request is rejected.
const fn message(error: &CmcError) -> Verdict {
    match error {
        CmcError::OtherSigner => {
            verdict(403, "the message must be signed with the client certificate of the connection")
        }
        CmcError::BadSignature => verdict(403, "the signature of the message does not verify"),
        CmcError::Signatures => {
            verdict(400, "the message must have one ECDSA signature over signed attributes")
        }
        CmcError::UnknownControl { .. } | CmcError::Control { .. } => {
            verdict(400, "the message has a control that is malformed or not supported")
        }
        CmcError::Crowded
        | CmcError::NotDer
        | CmcError::Requests { .. }
        | CmcError::NotSupported
        | CmcError::BodyPart => {
            verdict(400, "the message is not a signed PKIData of up to 16 certification requests")
        }
    }
}

/// RFC 7030 §4.4.1: a request for a key that cannot be delivered as it wishes is ended with an error.
const fn delivery(error: DeliveryError) -> Verdict {
    verdict(
        400,
        match error {
            DeliveryError::NotEncrypted => {
                "keys are delivered encrypted here, name the key in asymmetricDecryptKeyIdentifier"
            }
            DeliveryError::SharedKey => "keys are not encrypted under secret keys here",
            DeliveryError::UnknownKey => "the key named in asymmetricDecryptKeyIdentifier is not known here",
            DeliveryError::Algorithms => "none of the key wraps named in smimeCapabilities is done here",
            DeliveryError::TooWeak { .. } => {
                "the cipher, or the key to encrypt to, is weaker than the key: connect with AES-256, or name a stronger one"
            }
            DeliveryError::NoSigner => "keys are not delivered encrypted here",
        },
    )
}

fn issue(error: &IssueError) -> Verdict {
    match error {
        IssueError::NotAdmitted(error) => admit(error),
        IssueError::NotProven(error) => prove(error),
        IssueError::ValidityOutsideProfile { .. } => {
            verdict(400, "certificates are not valid for so long here")
        }
        IssueError::NotDrafted(error) => draft(error),
        IssueError::Conflict(conflict) => conflicting(conflict),
        IssueError::NotSigned(failure) => sign(failure),
        IssueError::Unavailable(_) => UNAVAILABLE,
        IssueError::WindowClosed { .. }
        | IssueError::ValidityExceedsIssuer { .. }
        | IssueError::NotLinted { .. }
        | IssueError::NoFreeSerialNumber
        | IssueError::Altered => INTERNAL,
    }
}

/// An authority elsewhere says why in its own record.
const fn elsewhere(refusal: ElsewhereRefusal) -> Verdict {
    match refusal {
        ElsewhereRefusal::NotAllowed => verdict(403, "who asks may not have this certificate"),
        ElsewhereRefusal::Revoked => verdict(403, "the certificate that was shown is revoked"),
        ElsewhereRefusal::NotPossessed => verdict(400, "the request does not prove possession of its key"),
        ElsewhereRefusal::Content => {
            verdict(400, "the request asks for something that is not certified here")
        }
        ElsewhereRefusal::Conflict => {
            verdict(409, "the request is at odds with a certificate that there is already")
        }
    }
}

const fn admit(error: &AdmitError) -> Verdict {
    match error {
        AdmitError::ProfileNotOffered { .. } => INTERNAL,
        AdmitError::DoorClosed { .. } => {
            verdict(403, "this way of authentication does not open this operation")
        }
        AdmitError::ForeignTenant => verdict(403, "the requester does not belong here"),
        AdmitError::CredentialRevoked => verdict(403, "the client certificate is revoked"),
        AdmitError::TrustBlocked => verdict(403, "no certificate of this issuer is accepted here"),
        AdmitError::CredentialUnknown => verdict(403, "the client certificate is not on record"),
        AdmitError::CredentialExpired { .. } => verdict(403, "the client certificate has expired"),
        AdmitError::OtherSubject { .. } => {
            verdict(403, "the request is not for the device that was authenticated")
        }
        AdmitError::OtherProfile { .. } => {
            verdict(403, "what was shown for authentication is for another purpose")
        }
        AdmitError::SubjectChanged => {
            verdict(403, "subject and alternative names differ from those of the certificate to be renewed")
        }
        AdmitError::NotRenewed(error) => renewal(*error),
        AdmitError::OutsideScope { .. } => {
            verdict(403, "the registration authority may not ask for this subject here")
        }
        AdmitError::NotForwarded { .. } => {
            verdict(403, "whoever forwards the request may not speak for devices here")
        }
        AdmitError::NamesNotEntitled => {
            verdict(403, "the requester may not have the alternative names asked for")
        }
        AdmitError::DeviceNotExpected { .. } => NOT_EXPECTED,
        AdmitError::NotCleared { .. } => {
            verdict(403, "the device is not cleared for the suite of what it asks for")
        }
        AdmitError::DeviceOutOfUse { .. } => OUT_OF_SERVICE,
        AdmitError::Unavailable(_) => UNAVAILABLE,
    }
}

const fn renewal(error: RenewalError) -> Verdict {
    match error {
        RenewalError::TooEarly { wait_seconds, .. } => later(
            403,
            "it is too early to renew the certificate",
            // A device that is told a day asks again tomorrow, should the profile have changed by then.
            if wait_seconds < DAY { wait_seconds.unsigned_abs() } else { DAY.unsigned_abs() },
        ),
        RenewalError::TooOften { .. } => verdict(403, "the certificate was renewed too often"),
        RenewalError::Compromised => verdict(403, "a key of the device was reported compromised"),
        RenewalError::Unconfirmed => verdict(403, "the certificate is not confirmed by its holder yet"),
    }
}

const fn prove(error: &ProveError) -> Verdict {
    match error {
        ProveError::NotPossessed => verdict(400, "the request does not prove possession of its key"),
        ProveError::Curve { .. } | ProveError::IssuerCurve { .. } => {
            verdict(400, "the key is not on the curve that is certified here")
        }
        ProveError::KeyOfAuthority => verdict(403, "the key cannot be certified"),
        ProveError::KeyReused => verdict(400, "a new certificate needs a new key"),
        ProveError::Subject { .. } => {
            verdict(400, "the names in the request are not ones that are certified here")
        }
        ProveError::SubjectDiffers { .. } => {
            verdict(403, "the request names another subject than the one it is for")
        }
        ProveError::NotSystemTitle { .. } => {
            verdict(400, "the common name is not a system title in 16 upper-case hexadecimal characters")
        }
        ProveError::MadeHere { .. } => verdict(403, "keys for this purpose are not made by the server"),
        ProveError::Extension { .. } => {
            verdict(400, "the request asks for an extension that is not given here")
        }
    }
}

const fn draft(error: &DraftError) -> Verdict {
    match error {
        DraftError::SubjectDoesNotFit
        | DraftError::NameTooLong { .. }
        | DraftError::AlternativeNamesDoNotFit
        | DraftError::Name(_) => {
            verdict(400, "the names in the request are not ones that are certified here")
        }
        DraftError::NoPublicationPoint | DraftError::Encode(_) => INTERNAL,
    }
}

const fn conflicting(conflict: &IntentConflict) -> Verdict {
    match conflict {
        IntentConflict::InFlight => later(503, "the same request is being answered", RETRY_IN_FLIGHT),
        IntentConflict::KeyAway => UNAVAILABLE,
        IntentConflict::WindowOver => verdict(409, "the same request was answered too long ago"),
        // RFC 7030 §4.2.3: what is not answered yet gets 202 with Retry-After, and a text for people.
        IntentConflict::AwaitsApproval(awaiting) => later(
            202,
            "the request waits for the approval of an operator, repeat it later",
            awaiting.retry_after_seconds,
        ),
        IntentConflict::ApprovalRefused => verdict(403, "an operator refused the request"),
        IntentConflict::TooManyWaiting => later(429, "too many requests wait for approval", RETRY_CROWDED),
        IntentConflict::KeyCertifiedElsewhere { .. } => verdict(409, "the key is certified already"),
        IntentConflict::KeyBlocked => verdict(403, "the key was reported compromised"),
        IntentConflict::SlotTaken { .. } => {
            verdict(409, "the device has a valid certificate for this purpose, which can be renewed")
        }
        IntentConflict::Overtaken => verdict(409, "the certificate to be renewed is being replaced"),
        IntentConflict::TransactionOver => verdict(409, "the transaction is over"),
        IntentConflict::TokenUnknown => verdict(401, "the user name or the password is wrong"),
        IntentConflict::TokenSpent => verdict(403, "the one-time password was used before"),
        IntentConflict::DeviceNotExpected => NOT_EXPECTED,
        IntentConflict::DeviceClaimedByOther => {
            verdict(403, "the device was claimed with another certificate")
        }
        IntentConflict::DeviceKeyNotDelivered => {
            verdict(403, "the device was delivered with another factory certificate")
        }
        IntentConflict::DeviceOutOfUse(_) => OUT_OF_SERVICE,
        IntentConflict::FactorySuperseded { .. } => {
            verdict(403, "the factory certificate of the device no longer opens this operation")
        }
        IntentConflict::Production(refusal) => production(*refusal),
        // Such certificates are asked for elsewhere: here nothing is told of visits.
        IntentConflict::Visit(_) => verdict(403, "such a certificate is issued on a visit of a technician"),
        // The authority resolves both by itself.
        IntentConflict::SerialTaken | IntentConflict::AlreadyIssued(_) => INTERNAL,
    }
}

/// A line reads these: each sentence says what is wrong with the order or the device.
const fn production(refusal: ProductionRefusal) -> Verdict {
    match refusal {
        ProductionRefusal::Required => verdict(403, "this operation needs an open production order"),
        ProductionRefusal::Unknown => verdict(403, "there is no such production order"),
        ProductionRefusal::Title => verdict(403, "the device is not one of the production order"),
        ProductionRefusal::Purpose => {
            verdict(403, "the device gets no such certificate in the production order, or has it")
        }
        ProductionRefusal::Closed => verdict(409, "the production order is closed"),
        ProductionRefusal::Expired { .. } => verdict(409, "the time of the production order is over"),
        ProductionRefusal::Full { .. } => verdict(409, "the production order has no place left"),
    }
}

fn sign(failure: &SignFailure) -> Verdict {
    match failure {
        SignFailure::Signer(error @ (SignError::Unavailable { .. } | SignError::OutcomeUnknown { .. })) => {
            unavailable(error.again_in())
        }
        SignFailure::Signer(SignError::KeyNotFound { .. } | SignError::Refused { .. })
        | SignFailure::DoesNotVerify { .. }
        | SignFailure::NeverFullLength { .. } => INTERNAL,
    }
}

#[cfg(test)]
mod tests;
