//! Reserving CRL numbers and recording CRLs (RFC 5280 §5.2.3).

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};

use crate::keyspace::{Keyspace, PART_OCTETS, crl_part_key};
use crate::row::{CrlHeadRow, CrlRow, IssuedCrl};
use crate::transaction::{ActFault, Rows, Transaction};

/// Reserves a CRL number.
pub(crate) fn reserve(
    tx: &mut Transaction<'_>,
    intent: CrlIntent,
) -> Result<Result<(), CrlNumberTaken>, ActFault> {
    let CrlIntent { issuer, number, this_update, event } = intent;
    let head = tx.row::<CrlHeadRow>(&issuer)?;
    // RFC 5280 §5.2.3: CRL numbers increase monotonically for an issuer.
    if let Some(CrlHeadRow { last, .. }) = head
        && number <= last
    {
        return Ok(Err(CrlNumberTaken { last }));
    }
    tx.seal(event)?;
    tx.put(&issuer, &CrlHeadRow { last: number, latest: head.and_then(|head| head.latest) })?;
    tx.put(&(issuer, number), &CrlRow { this_update, issued: None })?;
    Ok(Ok(()))
}

/// Records a signed CRL under its reserved number. It becomes the latest one unless a higher number is.
pub(crate) fn record(tx: &mut Transaction<'_>, crl: &CrlRecord, event: AuditEvent) -> Result<(), ActFault> {
    let (issuer, number) = (crl.issuer, crl.number);
    let not_reserved = || ActFault::NotReserved { issuer, number };
    let mut head = tx.row::<CrlHeadRow>(&issuer)?.ok_or_else(not_reserved)?;
    tx.row::<CrlRow>(&(issuer, number))?.filter(|row| row.issued.is_none()).ok_or_else(not_reserved)?;
    tx.seal(event)?;
    let length = length(&crl.der)?;
    let issued = IssuedCrl { next_update: crl.next_update, entries: crl.entries, length };
    tx.put(&(issuer, number), &CrlRow { this_update: crl.this_update, issued: Some(issued) })?;
    if head.latest.is_some_and(|latest| latest > number) {
        return Ok(());
    }
    if let Some(former) = head.latest {
        remove_octets(tx, &issuer, former)?;
    }
    for (part, octets) in (0_u32..).zip(crl.der.chunks(PART_OCTETS)) {
        tx.put_octets(Keyspace::CrlOctets, crl_part_key(&issuer, number, part), octets.to_vec())?;
    }
    head.latest = Some(number);
    tx.put(&issuer, &head)
}

fn remove_octets(tx: &mut Transaction<'_>, issuer: &KeyRef, number: u64) -> Result<(), ActFault> {
    let former = tx.row::<CrlRow>(&(*issuer, number))?.and_then(|row| row.issued);
    for part in 0..former.map(parts).unwrap_or_default() {
        tx.remove_key(Keyspace::CrlOctets, crl_part_key(issuer, number, part));
    }
    Ok(())
}

/// Lets no signed CRL be the latest: others may have been signed since that nobody knows of. Its numbers stay taken.
pub(crate) fn forget_latest(tx: &mut Transaction<'_>, issuer: &KeyRef) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(issuer)? else { return Ok(()) };
    if let Some(former) = head.latest {
        remove_octets(tx, issuer, former)?;
    }
    tx.put(issuer, &CrlHeadRow { latest: None, ..head })
}

/// How many rows of `crl-octets` a CRL has.
pub(crate) fn parts(crl: IssuedCrl) -> u32 {
    let part = u64::try_from(PART_OCTETS).unwrap_or(u64::MAX);
    u32::try_from(crl.length.div_ceil(part)).unwrap_or(u32::MAX)
}

/// The length of a CRL, if its parts can be numbered.
fn length(der: &[u8]) -> Result<u64, ActFault> {
    u32::try_from(der.len()).map(u64::from).map_err(|_| ActFault::CrlTooLong { octets: der.len() })
}
