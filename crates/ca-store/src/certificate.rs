//! Reading certificates: what the rows of one serial number say together. Writes nothing.
//!
//! A revocation is told whatever the state of the certificate: what was revoked never becomes good again.

use ca_core::record::{CertificateId, CertificateStatus, StoredCertificate};

use crate::row::{CertificateRow, CertificateState, IntentRow, RevocationRow};
use crate::transaction::{ReadFault, Rows};

/// Returns the row of an intent that is open, or of what became of it.
pub(crate) fn certificate_row(
    rows: &(impl Rows + ?Sized),
    id: &CertificateId,
) -> Result<Option<CertificateRow>, ReadFault> {
    // What is asked for was mostly issued, and never stands in both places.
    match rows.row::<CertificateRow>(id)? {
        None => Ok(rows.row::<IntentRow>(id)?.map(|intent| intent.certificate)),
        ended => Ok(ended),
    }
}

/// Returns the status of a serial number.
pub(crate) fn status(
    rows: &(impl Rows + ?Sized),
    id: &CertificateId,
) -> Result<CertificateStatus, ReadFault> {
    match certificate_row(rows, id)? {
        Some(row) => status_of_row(rows, id, &row),
        None => Ok(CertificateStatus::NeverIssued),
    }
}

/// Returns the status of a certificate whose row is at hand.
pub(crate) fn status_of_row(
    rows: &(impl Rows + ?Sized),
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<CertificateStatus, ReadFault> {
    if let Some(revoked) = rows.row::<RevocationRow>(id)? {
        return Ok(CertificateStatus::Revoked(revoked.revocation));
    }
    Ok(match row.state {
        CertificateState::Intended => CertificateStatus::Pending,
        CertificateState::Issued => CertificateStatus::Good,
        CertificateState::Aborted => CertificateStatus::Aborted,
        CertificateState::Uncertain => CertificateStatus::Uncertain { since: row.since },
    })
}

/// Puts together what is known of a certificate whose row is at hand.
pub(crate) fn stored(
    rows: &(impl Rows + ?Sized),
    id: CertificateId,
    row: CertificateRow,
) -> Result<StoredCertificate, ReadFault> {
    let status = status_of_row(rows, &id, &row)?;
    let issued = row.state == CertificateState::Issued;
    Ok(StoredCertificate {
        id,
        certificate: if issued { row.octets } else { Vec::new() },
        tenant: row.tenant,
        profile: row.profile,
        profile_version: row.profile_version,
        subject: row.subject,
        key_fingerprint: row.key_fingerprint,
        purpose: row.purpose,
        validity: row.validity,
        recorded_at: row.recorded_at,
        record: row.record,
        status,
        slot: row.slot,
        listing: row.listing,
        handed_to: row.handed_to,
        provenance: row.provenance,
    })
}
