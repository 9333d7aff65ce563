//! Recording a revocation (RFC 5280 §5.3). Not signing a CRL: that reads the row later, on its own clock.

use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, Revocation, RevocationOutcome, RevocationRecord};

use super::slot;
use crate::certificate::certificate_row;
use crate::row::{CertificateRow, CertificateState, KeyRow, RevocationRow, UncertainRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Records a revocation of what exists or may exist, once.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    record: RevocationRecord,
) -> Result<RevocationOutcome, ActFault> {
    let RevocationRecord { id, revocation, event } = record;
    if let Some(before) = tx.row::<RevocationRow>(&id)? {
        return Ok(RevocationOutcome::AlreadyRevoked(before.revocation));
    }
    let Some(certificate) =
        certificate_row(tx, &id)?.filter(|certificate| certificate.state != CertificateState::Aborted)
    else {
        return Ok(RevocationOutcome::NotIssued);
    };
    let sequence = tx.seal(event)?;
    write(tx, &id, revocation, certificate)?;
    Ok(RevocationOutcome::Recorded { sequence })
}

/// Writes a revocation whose audit record stands already.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    revocation: Revocation,
    certificate: CertificateRow,
) -> Result<(), ActFault> {
    tx.put(id, &RevocationRow { revocation, not_after: certificate.validity.not_after() })?;
    if certificate.state == CertificateState::Uncertain {
        tx.remove::<UncertainRow>(id);
    }
    if let Some(slot) = &certificate.slot {
        slot::leave(tx, slot, id)?;
    }
    if revocation.reason == ReasonCode::KeyCompromise {
        let mut key = tx.row::<KeyRow>(&certificate.key_fingerprint)?.unwrap_or(KeyRow {
            subject: certificate.subject,
            purpose: certificate.purpose,
            holders: 1,
            blocked: false,
        });
        key.blocked = true;
        tx.put(&certificate.key_fingerprint, &key)?;
    }
    Ok(())
}
