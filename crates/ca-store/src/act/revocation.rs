//! Recording revocations, holds and releases (RFC 5280 §5.3). Which may follow which is ca-core's; that each follows once is
//! decided here. Not signing a CRL: that reads the row later, on its own clock.

use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, DeviceEventKind, ReleaseOutcome, ReleaseRecord, Revocation, RevocationOutcome,
    RevocationRecord,
};
use ca_core::scope::CrlListing;
use ca_core::validity::UnixTime;

use super::{days, fleet, replacement, schedule, shard, slot, swap};
use crate::certificate::certificate_row;
use crate::row::{CertificateRow, CertificateState, KeyRow, ReleaseRow, RevocationRow, UncertainRow};
use crate::transaction::{ActFault, Rows, Transaction};

/// Records a revocation of what exists or may exist, if it may follow what stands on record.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    record: RevocationRecord,
) -> Result<RevocationOutcome, ActFault> {
    let RevocationRecord { id, revocation, event } = record;
    let revocation = match follow(tx, &id, revocation)? {
        Ok(revocation) => revocation,
        Err(before) => return Ok(RevocationOutcome::AlreadyRevoked(before)),
    };
    let Some(certificate) = certificate_row(tx, &id)?.filter(|row| may_be(row, &revocation)) else {
        return Ok(RevocationOutcome::NotIssued);
    };
    let (now, actor) = (event.time, event.actor.clone());
    let sequence = tx.seal(event)?;
    write(tx, &id, (revocation, now, sequence), certificate.clone())?;
    if !revocation.is_hold() {
        swap::revoked(tx, &id, &certificate, (now, &actor))?;
    }
    Ok(RevocationOutcome::Recorded { sequence, revocation })
}

/// What was aborted does not exist; and on hold is put only what certainly does.
fn may_be(certificate: &CertificateRow, revocation: &Revocation) -> bool {
    match certificate.state {
        CertificateState::Issued => true,
        CertificateState::Intended | CertificateState::Uncertain => !revocation.is_hold(),
        CertificateState::Aborted => false,
    }
}

/// Returns what will stand on record, or what stands there already, after which it may not.
pub(crate) fn follow(
    tx: &Transaction<'_>,
    id: &CertificateId,
    revocation: Revocation,
) -> Result<Result<Revocation, Revocation>, ActFault> {
    let before = tx.row::<RevocationRow>(id)?.map(|row| row.revocation);
    Ok(revocation.following(before))
}

/// Writes a revocation whose audit record, of `now` and with the number `sequence`, stands already.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    (revocation, now, sequence): (Revocation, UnixTime, u64),
    certificate: CertificateRow,
) -> Result<(), ActFault> {
    if let Some(title) = certificate.title() {
        let kind = if revocation.is_hold() {
            DeviceEventKind::CertificateHeld
        } else {
            DeviceEventKind::CertificateRevoked
        };
        fleet::follow_certificate(tx, (title, sequence), kind, id)?;
    }
    let was_on_hold = tx.has::<RevocationRow>(id)?;
    let final_since = was_on_hold.then_some(now);
    // What is revoked here is revoked when that is recorded; what was revoked elsewhere, before.
    let taken_over_at = (!was_on_hold && revocation.time != now).then_some(now);
    let (listing, not_after) = (&certificate.listing, certificate.validity.not_after());
    let on_no_crl = !listing.is_ever();
    let row = RevocationRow { revocation, not_after, final_since, on_no_crl, taken_over_at };
    tx.put(id, &row)?;
    days::revoked(tx, (id, &certificate), (&row, was_on_hold))?;
    tx.remove::<ReleaseRow>(id);
    if let Some(shard) = listing.shard() {
        shard::has_one_until(tx, (&id.issuer, shard), not_after)?;
    }
    shard::changed(tx, (id, listing), (sequence, true))?;
    // On hold it keeps its slot, for its release to find it.
    if revocation.is_hold() {
        return Ok(());
    }
    schedule::take_away(tx, id)?;
    replacement::revoked(tx, id);
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

/// Records a release, if the certificate is on hold.
pub(crate) fn release(
    tx: &mut Transaction<'_>,
    ReleaseRecord { id, event }: ReleaseRecord,
) -> Result<ReleaseOutcome, ActFault> {
    let certificate = certificate_row(tx, &id)?;
    let issued = certificate.as_ref().is_some_and(|row| row.state == CertificateState::Issued);
    match tx.row::<RevocationRow>(&id)?.map(|row| row.revocation) {
        Some(hold) if hold.is_hold() => {
            let now = event.time;
            let sequence = tx.seal(event)?;
            let listing = certificate.map_or(CrlListing::ON_ALL, |row| row.listing);
            write_release(tx, (&id, &listing), (now, sequence))?;
            Ok(ReleaseOutcome::Released { sequence, hold })
        }
        Some(before) => Ok(ReleaseOutcome::AlreadyRevoked(before)),
        None if issued => Ok(ReleaseOutcome::NotOnHold),
        None => Ok(ReleaseOutcome::NotIssued),
    }
}

/// Writes a release whose audit record, of `now` and with the number `sequence`, stands already.
pub(crate) fn write_release(
    tx: &mut Transaction<'_>,
    (id, listing): (&CertificateId, &CrlListing),
    (now, sequence): (UnixTime, u64),
) -> Result<(), ActFault> {
    if let Some(certificate) = certificate_row(tx, id)? {
        if let Some(title) = certificate.title() {
            fleet::follow_certificate(tx, (title, sequence), DeviceEventKind::CertificateReleased, id)?;
        }
        days::released(tx, (id, &certificate))?;
    }
    tx.remove::<RevocationRow>(id);
    shard::changed(tx, (id, listing), (sequence, false))?;
    tx.put(id, &ReleaseRow { time: now })
}
