//! Reserving CRL numbers and recording CRLs, each in the scope that it speaks of (RFC 5280 §5.2.3), and where their octets
//! stand meanwhile.
//!
//! A CRL of many octets is written in several transactions before the one that makes it the latest of its line, and the one
//! before is removed in several after it. Between them its parts are *loose*: the row of the scope says so, so that they are
//! found and removed when the process died.

use ca_core::audit::AuditEvent;
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};
use ca_core::scope::CrlKind;

use crate::engine::View;
use crate::keyspace::{Keyspace, PART_OCTETS, changes_prefix, crl_part_key, parse_change};
use crate::row::{CrlHeadRow, CrlRow, IssuedCrl, LooseParts, ScopeOf};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many parts are written or removed in one transaction at most.
pub(crate) const PARTS_AT_ONCE: u32 = 256;

/// How many changes are removed with one CRL at most.
const TRIMMED_AT_ONCE: usize = 4_096;

/// Reserves a CRL number.
pub(crate) fn reserve(
    tx: &mut Transaction<'_>,
    intent: CrlIntent,
) -> Result<Result<(), CrlNumberTaken>, ActFault> {
    let CrlIntent { issuer, scope, number, this_update, event } = intent;
    let scope = (issuer, scope);
    // RFC 5280 §5.2.3, §5.2.4: the numbers of complete and delta CRLs of a scope increase together.
    if let Some(CrlHeadRow { last, .. }) = tx.row(&scope)?
        && number <= last
    {
        return Ok(Err(CrlNumberTaken { last }));
    }
    tx.seal(event)?;
    take_number(tx, &scope, number)?;
    tx.put(&(scope, number), &CrlRow { this_update, issued: None })?;
    Ok(Ok(()))
}

/// Notes that a number is taken, and all below it.
pub(crate) fn take_number(tx: &mut Transaction<'_>, scope: &ScopeOf, number: u64) -> Result<(), ActFault> {
    let head = tx.row::<CrlHeadRow>(scope)?;
    let head = head.unwrap_or(CrlHeadRow { last: number, latest: None, latest_delta: None, loose: None });
    tx.put(scope, &CrlHeadRow { last: head.last.max(number), ..head })
}

/// Says that the octets of a signed CRL are about to be written, too many for one transaction.
pub(crate) fn begin_octets(tx: &mut Transaction<'_>, crl: &CrlRecord) -> Result<(), ActFault> {
    let scope = (crl.issuer, crl.scope.clone());
    let head = reserved(tx, &scope, crl)?;
    if head.loose.is_some() {
        return Err(overtaken(crl));
    }
    let loose = Some(LooseParts { number: crl.number, parts: parts(crl.der.length()) });
    tx.put(&scope, &CrlHeadRow { loose, ..head })
}

/// Writes octets of a CRL that were said to come, from the part numbered `first` on.
pub(crate) fn put_octets(
    tx: &mut Transaction<'_>,
    crl: &CrlRecord,
    first: u32,
    octets: &[u8],
) -> Result<(), ActFault> {
    let head = tx.row::<CrlHeadRow>(&(crl.issuer, crl.scope.clone()))?;
    if head.and_then(|head| head.loose).is_none_or(|loose| loose.number != crl.number) {
        return Err(overtaken(crl));
    }
    put_parts(tx, crl, first, octets)
}

/// Another node began a CRL of the scope, or started, and took away what this one had written of its own.
const fn overtaken(crl: &CrlRecord) -> ActFault {
    ActFault::Overtaken { issuer: crl.issuer, number: crl.number }
}

fn put_parts(tx: &mut Transaction<'_>, crl: &CrlRecord, first: u32, octets: &[u8]) -> Result<(), ActFault> {
    for (part, octets) in (first..).zip(octets.chunks(PART_OCTETS)) {
        let key = crl_part_key(&crl.issuer, &crl.scope, crl.number, part);
        tx.put_octets(Keyspace::CrlOctets, key, octets.to_vec())?;
    }
    Ok(())
}

/// Records a signed CRL under its reserved number. It becomes the latest one of its line unless a higher number is.
///
/// `octets` are those that were not written before. Those of the former latest one are removed with them, or are loose now if
/// they are too many for one transaction.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    crl: &CrlRecord,
    octets: &[u8],
    event: AuditEvent,
) -> Result<(), ActFault> {
    let CrlRecord { number, this_update, next_update, entries, base, seen, .. } = *crl;
    let kind = crl.line().kind;
    let scope = (crl.issuer, crl.scope.clone());
    let mut head = reserved(tx, &scope, crl)?;
    let awaited = (parts(crl.der.length()) > PARTS_AT_ONCE).then_some(number);
    if head.loose.map(|loose| loose.number) != awaited {
        return Err(overtaken(crl));
    }
    tx.seal(event)?;
    let issued = IssuedCrl { next_update, entries, length: crl.der.length(), base, seen };
    tx.put(&(scope.clone(), number), &CrlRow { this_update, issued: Some(issued) })?;
    if let Some(complete) = head.latest {
        trim_changes(tx, &scope, complete)?;
    }
    if head.latest_of(kind).is_some_and(|latest| latest > number) {
        return Ok(());
    }
    put_parts(tx, crl, 0, octets)?;
    head.loose = head.latest_of(kind).map(|former| loose(tx, &scope, former)).transpose()?;
    *head.latest_mut(kind) = Some(number);
    tx.put(&scope, &head)?;
    if head.loose.is_some_and(|loose| loose.parts <= PARTS_AT_ONCE) {
        remove_loose(tx, &scope)?;
    }
    Ok(())
}

/// Removes changes that no CRL of a scope needs any more, the oldest first and [`TRIMMED_AT_ONCE`] at most.
///
/// A delta lists what is beyond what its base has seen, and its base is the latest complete CRL or one that comes after it. So
/// nothing up to what the latest one has seen is looked at again; where the one that is recorded takes its place, what lies
/// between the two goes with the next.
fn trim_changes(tx: &mut Transaction<'_>, scope: &ScopeOf, complete: u64) -> Result<(), ActFault> {
    let issued = tx.row::<CrlRow>(&(scope.clone(), complete))?.and_then(|row| row.issued);
    let seen = issued.map_or(0, |issued| issued.seen);
    let prefix = changes_prefix(&scope.0, &scope.1);
    let rows = tx.view().rows_after(Keyspace::Changes, &prefix, &[], TRIMMED_AT_ONCE);
    for (key, _) in rows.map_err(ReadFault::from)? {
        if parse_change(&key).is_some_and(|sequence| sequence <= seen) {
            tx.remove_key(Keyspace::Changes, key);
        }
    }
    Ok(())
}

/// The row of a scope that has this number reserved for a CRL that is still to come.
fn reserved(tx: &Transaction<'_>, scope: &ScopeOf, crl: &CrlRecord) -> Result<CrlHeadRow, ActFault> {
    let (issuer, number, octets) = (crl.issuer, crl.number, crl.der.length());
    // Parts are numbered by 32 bits; CRLs of more octets than that are none that anybody could fetch.
    u32::try_from(octets).map_err(|_| ActFault::CrlTooLong { octets })?;
    let row = tx.row::<CrlRow>(&(scope.clone(), number))?.filter(|row| row.issued.is_none());
    let head = tx.row::<CrlHeadRow>(scope)?;
    head.filter(|_| row.is_some()).ok_or(ActFault::NotReserved { issuer, number })
}

fn loose(tx: &Transaction<'_>, scope: &ScopeOf, number: u64) -> Result<LooseParts, ActFault> {
    let issued = tx.row::<CrlRow>(&(scope.clone(), number))?.and_then(|row| row.issued);
    Ok(LooseParts { number, parts: issued.map(|issued| parts(issued.length)).unwrap_or_default() })
}

/// Tells whether there are loose parts of a scope's CRLs.
pub(crate) fn is_loose(view: &dyn View, scope: &ScopeOf) -> Result<bool, ReadFault> {
    Ok(view.row::<CrlHeadRow>(scope)?.is_some_and(|head| head.loose.is_some()))
}

/// Removes loose parts, the last ones first and [`PARTS_AT_ONCE`] at most.
pub(crate) fn remove_loose(tx: &mut Transaction<'_>, scope: &ScopeOf) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(scope)? else { return Ok(()) };
    let Some(LooseParts { number, parts }) = head.loose else { return Ok(()) };
    let left = parts.saturating_sub(PARTS_AT_ONCE);
    for part in left..parts {
        tx.remove_key(Keyspace::CrlOctets, crl_part_key(&scope.0, &scope.1, number, part));
    }
    let loose = (left > 0).then_some(LooseParts { number, parts: left });
    tx.put(scope, &CrlHeadRow { loose, ..head })
}

/// Lets no signed CRL of a scope be the latest: others may have been signed since that nobody knows of. Its numbers stay taken.
pub(crate) fn forget_latest(tx: &mut Transaction<'_>, scope: &ScopeOf) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(scope)? else { return Ok(()) };
    for former in [CrlKind::Complete, CrlKind::Delta].into_iter().filter_map(|kind| head.latest_of(kind)) {
        for part in 0..loose(tx, scope, former)?.parts {
            tx.remove_key(Keyspace::CrlOctets, crl_part_key(&scope.0, &scope.1, former, part));
        }
    }
    tx.put(scope, &CrlHeadRow { latest: None, latest_delta: None, ..head })
}

/// How many rows of `crl-octets` a CRL of so many octets has.
pub(crate) fn parts(octets: u64) -> u32 {
    let part = u64::try_from(PART_OCTETS).unwrap_or(u64::MAX);
    u32::try_from(octets.div_ceil(part)).unwrap_or(u32::MAX)
}
