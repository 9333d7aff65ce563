//! What is counted and logged of an exchange, each once. Nothing here decides anything.
//!
//! Devices are not named in metrics, and secrets nowhere.

use std::net::SocketAddr;
use std::time::Duration;

use ca_core::authority::CertificationAuthority;
use ca_core::fault::Fault;
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::profile::ProfileId;
use metrics::{counter, histogram};

use crate::refusal::{Refusal, TransferRefusal};
use crate::reply::{failure, fault};

/// Counts and logs an issued certificate.
pub(crate) fn issued(authority: &CertificationAuthority, profile: &ProfileId, issued: &IssuedCertificate) {
    let serial = &issued.id().serial;
    match issued.delivery() {
        Delivery::New => {
            let ca = authority.issuer().key().to_string();
            let profile = profile.to_string();
            counter!("pki_certificates_issued_total", "ca" => ca, "profile" => profile, "protocol" => "cmp")
                .increment(1);
            tracing::info!(%serial, "certificate issued");
        }
        Delivery::Repeated => tracing::info!(%serial, "certificate delivered again"),
    }
}

/// Measures how long the answer to a message took, from its first octet in hand to the last of the answer.
pub(crate) fn took(time: Duration) {
    histogram!("pki_request_duration_seconds", "protocol" => "cmp").record(time.as_secs_f64());
}

/// Counts a message that was answered as it wished.
pub(crate) fn answered(op: &'static str) {
    count(op, "ok", "");
}

/// Counts a message whose answer waits for people.
pub(crate) fn waiting(op: &'static str) {
    count(op, "waiting", "");
    tracing::info!(op, "request waits for approval");
}

/// Counts and logs a message that was refused; the log gets the cause, which the sender does not.
pub(crate) fn refused(op: &'static str, peer: SocketAddr, refusal: &Refusal) {
    let (reason, fail_info, cause) = (refusal.code(), failure(refusal).name(), refusal.to_string());
    count(op, "refused", reason);
    if reason.starts_with("limit.") {
        counter!("pki_rate_limited_total", "protocol" => "cmp").increment(1);
    }
    if let Refusal::NotIssued(IssueError::NotLinted { findings }) = refusal {
        for finding in findings {
            counter!("pki_lint_refusals_total", "lint" => finding.rule).increment(1);
            tracing::error!(op, lint = %finding, "a draft breaks a rule");
        }
    }
    match fault(refusal) {
        Fault::Requester | Fault::Conflict => {
            tracing::info!(op, %peer, reason, fail_info, cause, "message refused");
        }
        Fault::Unavailable => tracing::warn!(op, %peer, reason, fail_info, cause, "message not answered"),
        Fault::Ours => tracing::error!(op, %peer, reason, fail_info, cause, "message failed"),
    }
}

/// Counts and logs what held no message to answer.
pub(crate) fn not_transferred(peer: SocketAddr, refusal: &TransferRefusal) {
    let reason = refusal.code();
    count("none", "refused", reason);
    match refusal {
        TransferRefusal::Unavailable(_) | TransferRefusal::NotEncoded(_) => {
            tracing::error!(%peer, reason, cause = %refusal, "request failed");
        }
        TransferRefusal::NotRun(_) | TransferRefusal::Crowded | TransferRefusal::NotSigned(_) => {
            tracing::warn!(%peer, reason, cause = %refusal, "request not answered");
        }
        TransferRefusal::NoSuchPath
        | TransferRefusal::Method
        | TransferRefusal::MediaType
        | TransferRefusal::BodyTooLarge { .. }
        | TransferRefusal::BodyIncomplete
        | TransferRefusal::NotAcceptable
        | TransferRefusal::NotDecoded(_)
        | TransferRefusal::Announcement => {
            tracing::info!(%peer, reason, cause = %refusal, "request refused");
        }
    }
}

fn count(op: &'static str, result: &'static str, reason: &'static str) {
    counter!("pki_requests_total", "protocol" => "cmp", "op" => op, "result" => result, "reason" => reason)
        .increment(1);
}
