//! What is counted and logged of an exchange, each once. Nothing here decides anything.
//!
//! Devices are not named in metrics, and secrets nowhere.

use std::time::Duration;

use ca_core::csr::Leniency;
use ca_core::fault::Fault;
use ca_core::issuance::{Delivery, IssueError};
use ca_core::profile::ProfileId;
use ca_core::upstream::{Granted, Upstream};
use cms_messages::SealError;
use metrics::{counter, histogram};

use crate::config::SignMessageError;
use crate::refusal::Refusal;
use crate::wire::base64::BodyForm;

/// Counts and logs deviations that were met and read all the same.
pub(crate) fn leniencies(label: &str, form: BodyForm, leniencies: &[Leniency]) {
    let armour = match form {
        BodyForm::Plain => None,
        BodyForm::Armoured => Some("armour"),
    };
    let in_csr = leniencies.iter().map(|leniency| match leniency {
        Leniency::UnsignedIntegers => "unsigned-integers",
        Leniency::AttributesAbsent => "attributes-absent",
    });
    for kind in armour.into_iter().chain(in_csr) {
        counter!("pki_leniencies_total", "protocol" => "est", "kind" => kind).increment(1);
        tracing::info!(label, kind, "a request deviates from its standard and was read all the same");
    }
}

/// Counts and logs an issued certificate. One that came from elsewhere is counted there.
pub(crate) fn issued(authority: &dyn Upstream, profile: &ProfileId, granted: &Granted) {
    let serial = granted.serial();
    match granted {
        Granted::Elsewhere(_) => tracing::info!(%serial, "certificate passed on"),
        Granted::Here(issued) => match issued.delivery() {
            Delivery::New => {
                let ca = authority.certificate().public_key().key_ref().to_string();
                let profile = profile.to_string();
                counter!("pki_certificates_issued_total", "ca" => ca, "profile" => profile, "protocol" => "est")
                    .increment(1);
                tracing::info!(%serial, "certificate issued");
            }
            Delivery::Repeated => tracing::info!(%serial, "certificate delivered again"),
        },
    }
}

/// Measures how long an exchange took, its waiting for a worker included.
pub(crate) fn took(time: Duration) {
    histogram!("pki_request_duration_seconds", "protocol" => "est").record(time.as_secs_f64());
}

/// Counts a request that was answered as it wished.
pub(crate) fn answered(op: &'static str) {
    counter!("pki_requests_total", "protocol" => "est", "op" => op, "result" => "ok", "reason" => "")
        .increment(1);
}

/// Counts and logs a request that was refused, or that waits; the log gets the cause, which the requester does not.
pub(crate) fn refused(op: &'static str, peer: std::net::SocketAddr, refusal: &Refusal) {
    let reason = refusal.code();
    let waits = matches!(refusal, Refusal::NotIssued(error) if error.is_waiting());
    let result = if waits { "waiting" } else { "refused" };
    counter!("pki_requests_total", "protocol" => "est", "op" => op, "result" => result, "reason" => reason)
        .increment(1);
    if reason.starts_with("limit.") {
        counter!("pki_rate_limited_total", "protocol" => "est").increment(1);
    }
    if waits {
        return tracing::info!(op, %peer, "request waits for approval");
    }
    if let Refusal::NotIssued(IssueError::NotLinted { findings }) = refusal {
        for finding in findings {
            counter!("pki_lint_refusals_total", "lint" => finding.rule).increment(1);
            tracing::error!(op, lint = %finding, "a draft breaks a rule");
        }
    }
    let cause = refusal.to_string();
    match fault(refusal) {
        Fault::Requester | Fault::Conflict => tracing::info!(op, %peer, reason, cause, "request refused"),
        Fault::Unavailable => tracing::warn!(op, %peer, reason, cause, "request not answered"),
        Fault::Ours => tracing::error!(op, %peer, reason, cause, "request failed"),
    }
}

/// Whose fault a refusal is.
pub(crate) fn fault(refusal: &Refusal) -> Fault {
    use server_kit::workers::RunJobError;
    match refusal {
        Refusal::InCmc { cause, .. } => fault(cause),
        Refusal::NotIssued(error) => error.fault(),
        Refusal::RefusedElsewhere(refusal) => refusal.fault(),
        Refusal::NotAuthenticated(crate::requester::AuthenticateError::Unavailable(_))
        | Refusal::NotRecorded(_)
        | Refusal::NotRun(RunJobError::Busy { .. } | RunJobError::Closed) => Fault::Unavailable,
        Refusal::MessageNotSigned(SignMessageError::Signer(_))
        | Refusal::NotSealed(SealError::Randomness(_)) => Fault::Unavailable,
        Refusal::MessageNotSigned(SignMessageError::Encoding(_))
        | Refusal::NotSealed(SealError::Cipher | SealError::Encoding(_))
        | Refusal::NotEncoded { .. }
        | Refusal::NotWritten
        | Refusal::NotRun(RunJobError::Panicked) => Fault::Ours,
        Refusal::NoSuchOperation
        | Refusal::Method { .. }
        | Refusal::MediaType { .. }
        | Refusal::BodyTooLarge { .. }
        | Refusal::NotAcceptable
        | Refusal::BodyIncomplete
        | Refusal::NotAuthenticated(_)
        | Refusal::NotDecoded(_)
        | Refusal::Excessive(_)
        | Refusal::Item(_)
        | Refusal::Order(_)
        | Refusal::TooManyLines { .. }
        | Refusal::NotRegistrationAuthority
        | Refusal::LabelClosed
        | Refusal::NoLabelForKey
        | Refusal::NotBound(_)
        | Refusal::Subject(_)
        | Refusal::NothingToRename
        | Refusal::NotCmc(_)
        | Refusal::NotDelivered(_) => Fault::Requester,
    }
}
