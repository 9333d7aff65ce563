//! What is measured where the audit trail goes by: revocations, signatures that were of no use, and whether the ledger holds what
//! its log says.
//!
//! Records are of the time since the start. That the log itself is whole, `meter-pki audit verify` tells.

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::ports::{StatusSource, Unavailable};
use ca_core::record::{CertificateId, CertificateStatus};
use server_kit::metrics::Metrics;
use sha2::{Digest, Sha256};

/// The reason code of a signature that does not verify under the key's own public key, or is never of full length.
const BROKEN: &str = "signer.broken";

/// Keeps the counts.
pub(super) struct TrailMeters {
    metrics: Metrics,
}

impl TrailMeters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        for (name, sentence) in [
            (
                "revocations_total",
                "Certificates that were revoked or held since the start, through whichever door.",
            ),
            ("signature_verify_failures_total", "Signatures of ours that were of no use, by the audit log."),
        ] {
            metrics.describe_counter(name, sentence);
        }
        metrics.counter("signature_verify_failures_total", &[]).increment(0);
        metrics.gauge("audit_reconcile_mismatch", &[]).set(0.0);
        Self { metrics: metrics.clone() }
    }

    /// Counts a record, and looks whether the ledger holds what it says.
    pub(super) fn look(&self, status: &dyn StatusSource, record: &AuditRecord) -> Result<(), Unavailable> {
        if let Some(reason) = revocation(record) {
            self.metrics.counter("revocations_total", &[("reason", reason)]).increment(1);
        }
        if record.event.reason == BROKEN {
            self.metrics.counter("signature_verify_failures_total", &[]).increment(1);
        }
        let held = is_held(
            record,
            |id| Ok(status.certificate(id)?.map(|stored| stored.certificate)),
            |id| Ok(matches!(status.status_of(id)?, CertificateStatus::Revoked(_))),
        );
        if !held? {
            tracing::error!(
                sequence = record.sequence,
                "the ledger does not hold what its audit log says: stop, and run ledger-checker on a copy"
            );
            self.metrics.gauge("audit_reconcile_mismatch", &[]).increment(1.0);
        }
        Ok(())
    }
}

/// Tells whether a certificate that was issued or taken over is on record with its octets, and one that was revoked as revoked.
fn is_held(
    record: &AuditRecord,
    octets: impl FnOnce(&CertificateId) -> Result<Option<Vec<u8>>, Unavailable>,
    is_revoked: impl FnOnce(&CertificateId) -> Result<bool, Unavailable>,
) -> Result<bool, Unavailable> {
    let AuditEvent { act, issuer: Some(issuer), serial: Some(serial), digest, .. } = &record.event else {
        return Ok(true);
    };
    let id = CertificateId { issuer: *issuer, serial: serial.clone() };
    if act.brings_certificate() {
        return Ok(octets(&id)?.is_some_and(|octets| Sha256::digest(octets).as_slice() == digest.as_slice()));
    }
    if *act == Act::CertificateRevoked { is_revoked(&id) } else { Ok(true) }
}

/// The reason of a revocation, as RFC 5280 §5.3.1 names it; also of one to hold.
fn revocation(record: &AuditRecord) -> Option<&str> {
    let revoked = matches!(record.event.act, Act::CertificateRevoked | Act::CertificateHeld);
    let known = if record.event.reason.is_empty() { "unspecified" } else { record.event.reason.as_str() };
    revoked.then_some(known)
}

#[cfg(test)]
mod tests {
    use ca_core::key_ref::KeyRef;
    use ca_core::serial_number::SerialNumber;
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    fn record(act: Act, reason: &str) -> AuditRecord {
        AuditRecord {
            sequence: 1,
            previous: [0; 32],
            event: AuditEvent {
                time: UnixTime::from_seconds(1_800_000_000),
                tenant: TenantId::parse("dso").unwrap(),
                actor: "process:test".to_owned(),
                act,
                issuer: Some(KeyRef::new([1; 20])),
                serial: Some(SerialNumber::from_octets(&[1]).unwrap()),
                reason: reason.to_owned(),
                detail: String::new(),
                digest: Sha256::digest("octets").to_vec(),
            },
        }
    }

    #[test]
    fn what_the_log_says_is_held_or_told() {
        let held = |act, octets: Option<&str>, revoked| {
            is_held(&record(act, ""), |_| Ok(octets.map(Into::into)), |_| Ok(revoked)).unwrap()
        };
        assert!(held(Act::CertificateIssued, Some("octets"), false));
        assert!(!held(Act::CertificateIssued, Some("others"), false));
        assert!(!held(Act::CertificateIssued, None, false));
        assert!(held(Act::CertificateTakenOver, Some("octets"), false));
        assert!(!held(Act::CertificateTakenOver, None, false));
        assert!(held(Act::CertificateRevoked, None, true));
        assert!(!held(Act::CertificateRevoked, Some("octets"), false));
        assert!(held(Act::CertificateHeld, None, false));
    }

    #[test]
    fn revocations_and_holds_count_by_their_reason_and_nothing_else_does() {
        assert_eq!(revocation(&record(Act::CertificateRevoked, "superseded")), Some("superseded"));
        assert_eq!(revocation(&record(Act::CertificateHeld, "certificateHold")), Some("certificateHold"));
        assert_eq!(revocation(&record(Act::CertificateRevoked, "")), Some("unspecified"));
        assert_eq!(revocation(&record(Act::CertificateIssued, "superseded")), None);
    }
}
