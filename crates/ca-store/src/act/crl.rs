//! Reserving CRL numbers and recording CRLs, each in the scope that it speaks of (RFC 5280 §5.2.3).

use ca_core::audit::AuditEvent;
use ca_core::record::{CrlIntent, CrlNumberTaken, CrlRecord};
use ca_core::scope::CrlKind;

use crate::keyspace::{Keyspace, PART_OCTETS, crl_part_key};
use crate::row::{CrlHeadRow, CrlRow, IssuedCrl, ScopeOf};
use crate::transaction::{ActFault, Rows, Transaction};

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
    let head = head.unwrap_or(CrlHeadRow { last: number, latest: None, latest_delta: None });
    tx.put(scope, &CrlHeadRow { last: head.last.max(number), ..head })
}

/// Records a signed CRL under its reserved number. It becomes the latest one of its line unless a higher number is.
pub(crate) fn record(tx: &mut Transaction<'_>, crl: &CrlRecord, event: AuditEvent) -> Result<(), ActFault> {
    let (issuer, number) = (crl.issuer, crl.number);
    let line = crl.line();
    let scope = (issuer, crl.scope.clone());
    let not_reserved = || ActFault::NotReserved { issuer, number };
    let mut head = tx.row::<CrlHeadRow>(&scope)?.ok_or_else(not_reserved)?;
    let key = (scope, number);
    tx.row::<CrlRow>(&key)?.filter(|row| row.issued.is_none()).ok_or_else(not_reserved)?;
    tx.seal(event)?;
    let length = length(&crl.der)?;
    let CrlRecord { next_update, entries, base, seen, .. } = *crl;
    let issued = IssuedCrl { next_update, entries, length, base, seen };
    tx.put(&key, &CrlRow { this_update: crl.this_update, issued: Some(issued) })?;
    let (scope, _) = key;
    if head.latest_of(line.kind).is_some_and(|latest| latest > number) {
        return Ok(());
    }
    if let Some(former) = head.latest_of(line.kind) {
        remove_octets(tx, &scope, former)?;
    }
    for (part, octets) in (0_u32..).zip(crl.der.chunks(PART_OCTETS)) {
        let key = crl_part_key(&issuer, &scope.1, number, part);
        tx.put_octets(Keyspace::CrlOctets, key, octets.to_vec())?;
    }
    *head.latest_mut(line.kind) = Some(number);
    tx.put(&scope, &head)
}

fn remove_octets(tx: &mut Transaction<'_>, scope: &ScopeOf, number: u64) -> Result<(), ActFault> {
    let former = tx.row::<CrlRow>(&(scope.clone(), number))?.and_then(|row| row.issued);
    for part in 0..former.map(parts).unwrap_or_default() {
        tx.remove_key(Keyspace::CrlOctets, crl_part_key(&scope.0, &scope.1, number, part));
    }
    Ok(())
}

/// Lets no signed CRL of a scope be the latest: others may have been signed since that nobody knows of. Its numbers stay taken.
pub(crate) fn forget_latest(tx: &mut Transaction<'_>, scope: &ScopeOf) -> Result<(), ActFault> {
    let Some(head) = tx.row::<CrlHeadRow>(scope)? else { return Ok(()) };
    for former in [CrlKind::Complete, CrlKind::Delta].into_iter().filter_map(|kind| head.latest_of(kind)) {
        remove_octets(tx, scope, former)?;
    }
    tx.put(scope, &CrlHeadRow { latest: None, latest_delta: None, ..head })
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
