//! Taking over what another program issued under a key of ours. Whether it did was decided before, by the signature; whether it
//! stands against what is on record is decided here, since operators may revoke meanwhile.
//!
//! No intent, no slot, no request: what is taken over was not issued here, and its row says so.

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::profile::ProfileId;
use ca_core::record::{
    CrlNumberTaken, Provenance, Revocation, TakeOverConflict, TakeOverOutcome, TakenOverCertificate,
};
use ca_core::scope::{CrlListing, CrlScope};

use super::{crl, days, revocation};
use crate::certificate::{certificate_row, status_of_row};
use crate::keyspace::{Keyspace, expiry_key, title_key};
use crate::row::{CertificateRow, CertificateState, CrlHeadRow, KeyRow, RowFault};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// What is to be done with a certificate beside what stands on record.
pub(crate) fn judge(
    rows: &(impl Rows + ?Sized),
    certificate: &TakenOverCertificate,
) -> Result<Result<TakeOverOutcome, TakeOverConflict>, ReadFault> {
    let Some(row) = certificate_row(rows, &certificate.id)? else {
        return Ok(Ok(TakeOverOutcome::Recorded));
    };
    let status = status_of_row(rows, &certificate.id, &row)?;
    Ok(certificate.beside(&row.octets, &status))
}

/// Records a certificate and its revocation, each once.
pub(crate) fn take_over(
    tx: &mut Transaction<'_>,
    certificate: TakenOverCertificate,
) -> Result<Result<TakeOverOutcome, TakeOverConflict>, ActFault> {
    let outcome = match judge(tx, &certificate)? {
        Ok(outcome) => outcome,
        Err(conflict) => return Ok(Err(conflict)),
    };
    if outcome == TakeOverOutcome::Recorded {
        let record = tx.seal(certificate.event.clone())?;
        write(tx, &certificate, record)?;
    }
    if let (TakeOverOutcome::Recorded | TakeOverOutcome::Revoked, Some(revoked)) =
        (outcome, certificate.revocation)
    {
        revoke(tx, &certificate, revoked)?;
    }
    Ok(Ok(outcome))
}

/// Writes the row of a certificate whose audit record stands already.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    certificate: &TakenOverCertificate,
    record: u64,
) -> Result<(), ActFault> {
    let TakenOverCertificate { id, event, .. } = certificate;
    let row = CertificateRow {
        state: CertificateState::Issued,
        since: event.time,
        octets: certificate.certificate.clone(),
        tenant: certificate.tenant.clone(),
        profile: ProfileId::parse(TakenOverCertificate::PROFILE)
            .map_err(|_| RowFault::Value { keyspace: Keyspace::Certificates.name() })?,
        profile_version: 0,
        subject: certificate.subject.clone(),
        key_fingerprint: certificate.key_fingerprint,
        purpose: certificate.purpose,
        validity: certificate.validity,
        recorded_at: event.time,
        record,
        slot: None,
        // Its relying parties know of no shard.
        listing: CrlListing::ON_ALL,
        handed_to: None,
        provenance: Provenance::TakenOver,
    };
    // A key that another program certified for two subjects is known under the first: it opens for none but that one here.
    let mut key = tx.row::<KeyRow>(&row.key_fingerprint)?.unwrap_or_else(|| KeyRow {
        subject: row.subject.clone(),
        purpose: row.purpose,
        holders: 0,
        blocked: false,
    });
    key.holders = key.holders.saturating_add(1);
    tx.put(&row.key_fingerprint, &key)?;
    if let Some(title) = row.title() {
        tx.put_octets(Keyspace::Titles, title_key(&title, id), Vec::new())?;
    }
    tx.put_octets(Keyspace::Expiry, expiry_key(row.validity.not_after(), id), Vec::new())?;
    // It counts as issued on the day on which it came.
    days::issued(tx, id, &row)?;
    tx.put(id, &row)
}

fn revoke(
    tx: &mut Transaction<'_>,
    certificate: &TakenOverCertificate,
    revoked: Revocation,
) -> Result<(), ActFault> {
    let id = &certificate.id;
    let Ok(follows) = revocation::follow(tx, id, revoked)? else { return Ok(()) };
    let Some(row) = certificate_row(tx, id)? else { return Ok(()) };
    let act = if follows.is_hold() { Act::CertificateHeld } else { Act::CertificateRevoked };
    let event = AuditEvent {
        act,
        reason: follows.reason.name().to_owned(),
        detail: TakenOverCertificate::told(&revoked),
        digest: Vec::new(),
        ..certificate.event.clone()
    };
    let now = event.time;
    let sequence = tx.seal(event)?;
    revocation::write(tx, id, (follows, now, sequence), row)
}

/// Takes the numbers of CRLs up to one, unless a higher one is taken.
pub(crate) fn take_numbers(
    tx: &mut Transaction<'_>,
    issuer: &KeyRef,
    number: u64,
    event: AuditEvent,
) -> Result<Result<(), CrlNumberTaken>, ActFault> {
    let scope = (*issuer, CrlScope::All);
    if let Some(CrlHeadRow { last, .. }) = tx.row(&scope)?
        && last >= number
    {
        return Ok(Err(CrlNumberTaken { last }));
    }
    tx.seal(event)?;
    crl::take_number(tx, &scope, number).map(Ok)
}
