//! Reserving CRL numbers and recording CRLs (RFC 5280 §5.2.3), and where their octets stand meanwhile.
//!
//! A CRL of many octets is written in several transactions before the one that makes it the latest, and the one before is
//! removed in several after it. Between them its parts are *loose*: the row of the issuer says so, so that they are found and
//! removed when the process died.

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};

use crate::engine::View;
use crate::keyspace::{Keyspace, PART_OCTETS, crl_part_key};
use crate::row::{CrlHeadRow, CrlRow, IssuedCrl, LooseParts};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many parts are written or removed in one transaction at most.
pub(crate) const PARTS_AT_ONCE: u32 = 256;

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
    let head = head.unwrap_or(CrlHeadRow { last: number, latest: None, loose: None });
    tx.put(&issuer, &CrlHeadRow { last: number, ..head })?;
    tx.put(&(issuer, number), &CrlRow { this_update, issued: None })?;
    Ok(Ok(()))
}

/// Says that the octets of a signed CRL are about to be written, too many for one transaction.
pub(crate) fn begin_octets(tx: &mut Transaction<'_>, crl: &CrlRecord) -> Result<(), ActFault> {
    let head = reserved(tx, crl)?;
    let loose = Some(LooseParts { number: crl.number, parts: parts(crl.der.length()) });
    tx.put(&crl.issuer, &CrlHeadRow { loose, ..head })
}

/// Writes octets of a CRL, from the part numbered `first` on.
pub(crate) fn put_octets(
    tx: &mut Transaction<'_>,
    crl: &CrlRecord,
    first: u32,
    octets: &[u8],
) -> Result<(), ActFault> {
    for (part, octets) in (first..).zip(octets.chunks(PART_OCTETS)) {
        tx.put_octets(Keyspace::CrlOctets, crl_part_key(&crl.issuer, crl.number, part), octets.to_vec())?;
    }
    Ok(())
}

/// Records a signed CRL under its reserved number. It becomes the latest one unless a higher number is.
///
/// `octets` are those that were not written before. Those of the former latest one are removed with them, or are loose now if
/// they are too many for one transaction.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    crl: &CrlRecord,
    octets: &[u8],
    event: AuditEvent,
) -> Result<(), ActFault> {
    let (issuer, number) = (crl.issuer, crl.number);
    let mut head = reserved(tx, crl)?;
    tx.seal(event)?;
    let CrlRecord { this_update, next_update, entries, .. } = *crl;
    let issued = IssuedCrl { next_update, entries, length: crl.der.length() };
    tx.put(&(issuer, number), &CrlRow { this_update, issued: Some(issued) })?;
    if head.latest.is_some_and(|latest| latest > number) {
        return Ok(());
    }
    put_octets(tx, crl, 0, octets)?;
    head.loose = head.latest.map(|former| loose(tx, &issuer, former)).transpose()?;
    head.latest = Some(number);
    tx.put(&issuer, &head)?;
    if head.loose.is_some_and(|loose| loose.parts <= PARTS_AT_ONCE) {
        remove_loose(tx, &issuer)?;
    }
    Ok(())
}

/// The row of an issuer that has this number reserved for a CRL that is still to come.
fn reserved(tx: &Transaction<'_>, crl: &CrlRecord) -> Result<CrlHeadRow, ActFault> {
    let (issuer, number, octets) = (crl.issuer, crl.number, crl.der.length());
    // Parts are numbered by 32 bits; CRLs of more octets than that are none that anybody could fetch.
    u32::try_from(octets).map_err(|_| ActFault::CrlTooLong { octets })?;
    let row = tx.row::<CrlRow>(&(issuer, number))?.filter(|row| row.issued.is_none());
    let head = tx.row::<CrlHeadRow>(&issuer)?;
    head.filter(|_| row.is_some()).ok_or(ActFault::NotReserved { issuer, number })
}

fn loose(tx: &Transaction<'_>, issuer: &KeyRef, number: u64) -> Result<LooseParts, ActFault> {
    let issued = tx.row::<CrlRow>(&(*issuer, number))?.and_then(|row| row.issued);
    Ok(LooseParts { number, parts: issued.map(|issued| parts(issued.length)).unwrap_or_default() })
}

/// Tells whether there are loose parts of an issuer's CRLs.
pub(crate) fn is_loose(view: &dyn View, issuer: &KeyRef) -> Result<bool, ReadFault> {
    Ok(view.row::<CrlHeadRow>(issuer)?.is_some_and(|head| head.loose.is_some()))
}

/// Removes loose parts, the last ones first and [`PARTS_AT_ONCE`] at most.
pub(crate) fn remove_loose(tx: &mut Transaction<'_>, issuer: &KeyRef) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(issuer)? else { return Ok(()) };
    let Some(LooseParts { number, parts }) = head.loose else { return Ok(()) };
    let left = parts.saturating_sub(PARTS_AT_ONCE);
    for part in left..parts {
        tx.remove_key(Keyspace::CrlOctets, crl_part_key(issuer, number, part));
    }
    let loose = (left > 0).then_some(LooseParts { number, parts: left });
    tx.put(issuer, &CrlHeadRow { loose, ..head })
}

/// Lets no signed CRL be the latest: others may have been signed since that nobody knows of. Its numbers stay taken.
pub(crate) fn forget_latest(tx: &mut Transaction<'_>, issuer: &KeyRef) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(issuer)? else { return Ok(()) };
    if let Some(former) = head.latest {
        for part in 0..loose(tx, issuer, former)?.parts {
            tx.remove_key(Keyspace::CrlOctets, crl_part_key(issuer, former, part));
        }
    }
    tx.put(issuer, &CrlHeadRow { latest: None, ..head })
}

/// How many rows of `crl-octets` a CRL of so many octets has.
pub(crate) fn parts(octets: u64) -> u32 {
    let part = u64::try_from(PART_OCTETS).unwrap_or(u64::MAX);
    u32::try_from(octets.div_ceil(part)).unwrap_or(u32::MAX)
}
