//! Orders to change the revocation of many certificates: planning, deciding, and carrying out part by part. Which act may
//! follow which is ca-core's; that each follows once is decided here.

use ca_core::record::{
    CertificateId, OrderConflict, OrderDecision, OrderStanding, OrderStep, OrderedChange, ReleaseOutcome,
    RevocationOrder, RevocationOutcome,
};
use ca_core::validity::UnixTime;

use super::{people, revocation};
use crate::keyspace::Keyspace;
use crate::row::{OrderPartRow, OrderRow, Row};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many parts of a list are taken away together.
const FORGOTTEN_PARTS: usize = 1_024;

/// How many orders are looked at for those whose time is over.
const LOOKED_AT: usize = 256;

/// Writes a plan, unless somebody asked for it already.
pub(crate) fn plan(tx: &mut Transaction<'_>, order: RevocationOrder) -> Result<(), ActFault> {
    let known = tx.row::<OrderRow>(&order.digest)?;
    if known.is_some_and(|row| row.order.requested.is_some()) {
        return Ok(());
    }
    tx.put(&order.digest.clone(), &OrderRow { order })
}

/// Writes parts of the list of a plan that nobody asked for yet.
pub(crate) fn plan_parts(
    tx: &mut Transaction<'_>,
    digest: &[u8; 32],
    first: u32,
    parts: Vec<Vec<CertificateId>>,
) -> Result<(), ActFault> {
    let known = tx.row::<OrderRow>(digest)?;
    if known.is_none_or(|row| row.order.requested.is_some() || row.order.parts > 0) {
        return Ok(());
    }
    for (number, certificates) in (first..).zip(parts) {
        tx.put(&(*digest, number), &OrderPartRow { certificates })?;
    }
    Ok(())
}

/// Takes away plans whose time is over; of a long list so much at a time, and the order last.
pub(crate) fn forget_plans(tx: &mut Transaction<'_>, now: UnixTime, limit: usize) -> Result<(), ActFault> {
    let over = |order: &RevocationOrder| order.requested.is_none() && order.expires_at < now;
    let mut forgotten = 0;
    for (_, octets) in tx.view().rows_after(Keyspace::Orders, &[], &[], LOOKED_AT).map_err(ReadFault::from)? {
        let OrderRow { order } = OrderRow::decode(&octets)?;
        if forgotten < limit && over(&order) {
            forgotten += 1;
            forget(tx, &order)?;
        }
    }
    Ok(())
}

fn forget(tx: &mut Transaction<'_>, order: &RevocationOrder) -> Result<(), ActFault> {
    let parts = tx
        .view()
        .rows_after(Keyspace::OrderParts, &order.digest, &[], FORGOTTEN_PARTS)
        .map_err(ReadFault::from)?;
    if parts.len() < FORGOTTEN_PARTS {
        tx.remove::<OrderRow>(&order.digest);
    }
    for (key, _) in parts {
        tx.remove_key(Keyspace::OrderParts, key);
    }
    Ok(())
}

/// Records what an operator has to say of an order.
pub(crate) fn decide(
    tx: &mut Transaction<'_>,
    decision: OrderDecision,
) -> Result<Result<RevocationOrder, OrderConflict>, ActFault> {
    let OrderDecision { digest, mark, act, event } = decision;
    let Some(OrderRow { mut order }) = tx.row(&digest)? else { return Ok(Err(OrderConflict::Unknown)) };
    let judged = by_person(tx, &order)?.take(people::one_mark(tx, &mark)?, act.clone());
    if let Err(conflict) = judged.and_then(|()| order.take(mark, act)) {
        return Ok(Err(conflict));
    }
    tx.seal(event)?;
    tx.put(&digest, &OrderRow { order: order.clone() })?;
    Ok(Ok(order))
}

/// The order as it is when one person has one name: two credentials of one person count once (M-02).
fn by_person(tx: &Transaction<'_>, order: &RevocationOrder) -> Result<RevocationOrder, ReadFault> {
    Ok(RevocationOrder {
        requested: order.requested.as_ref().map(|mark| people::one_mark(tx, mark)).transpose()?,
        approvals: people::one_mark_each(tx, &order.approvals)?,
        ..order.clone()
    })
}

/// Carries out the next part of an order, if this is the next.
pub(crate) fn step(tx: &mut Transaction<'_>, step: OrderStep) -> Result<RevocationOrder, ActFault> {
    let OrderStep { digest, part, changes, mut skipped, now, mut finished } = step;
    let Some(OrderRow { mut order }) = tx.row(&digest)? else { return Err(ActFault::NoOrder) };
    if order.standing(now) != OrderStanding::Running || order.progress.parts != part {
        return Ok(order);
    }
    let mut changed = 0_u64;
    for change in changes {
        let count = if is_made(tx, change)? { &mut changed } else { &mut skipped };
        *count = count.saturating_add(1);
    }
    order.advance(changed, skipped, now);
    if order.progress.finished_at.is_some() {
        finished.detail = format!(
            "{}; {} changed, {} had changed before",
            finished.detail, order.progress.changed, order.progress.skipped
        );
        tx.seal(finished)?;
    }
    tx.put(&digest, &OrderRow { order: order.clone() })?;
    Ok(order)
}

/// Makes a change if it may follow what stands on record.
fn is_made(tx: &mut Transaction<'_>, change: OrderedChange) -> Result<bool, ActFault> {
    Ok(match change {
        OrderedChange::Revoke(record) => {
            matches!(revocation::record(tx, record)?, RevocationOutcome::Recorded { .. })
        }
        OrderedChange::Release(release) => {
            matches!(revocation::release(tx, release)?, ReleaseOutcome::Released { .. })
        }
    })
}
