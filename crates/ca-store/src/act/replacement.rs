//! When the time begins after which a replaced certificate is revoked: at once, or, where it will be known, when the new one is
//! in use. A device that did not take the new one goes on with the former.

use ca_core::record::CertificateId;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use super::schedule;
use super::swap;
use crate::certificate::certificate_row;
use crate::row::{CertificateRow, ReplacedRow, TransactionRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// A certificate was issued in the place of others, which are to be revoked so many seconds after it is in use.
pub(super) fn issued(
    tx: &mut Transaction<'_>,
    (id, row): (&CertificateId, &CertificateRow),
    transaction: Option<&[u8; 32]>,
    (after, replaced): (i64, Vec<CertificateId>),
) -> Result<(), ActFault> {
    let mut all = Vec::new();
    for one in replaced {
        // What it had replaced itself, and was not known to be in use, is replaced with it.
        all.extend(take(tx, &one)?.into_iter().flat_map(|before| before.replaced));
        all.push(one);
    }
    if all.is_empty() {
        return Ok(());
    }
    if will_be_known(tx, (id, row), transaction)? {
        return tx.put(id, &ReplacedRow { after, replaced: all });
    }
    schedule::replaced(tx, all, (after, row.since, &row.tenant))
}

/// Whether somebody will say that it is in use: a campaign that follows it, or the transaction that it answers.
fn will_be_known(
    tx: &Transaction<'_>,
    (id, row): (&CertificateId, &CertificateRow),
    transaction: Option<&[u8; 32]>,
) -> Result<bool, ReadFault> {
    if swap::awaits(tx, id, row)? {
        return Ok(true);
    }
    let Some(key) = transaction else { return Ok(false) };
    Ok(tx.row::<TransactionRow>(key)?.is_some_and(|row| row.transaction.is_open()))
}

/// A certificate is known to be in use, or nobody will say so: the time of what it replaced begins.
pub(super) fn in_use(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    (now, tenant): (UnixTime, &TenantId),
) -> Result<(), ActFault> {
    match take(tx, id)? {
        Some(ReplacedRow { after, replaced }) => schedule::replaced(tx, replaced, (after, now, tenant)),
        None => Ok(()),
    }
}

/// The transaction that a certificate answers is over, and it was not revoked in it.
pub(super) fn answered(tx: &mut Transaction<'_>, id: &CertificateId, now: UnixTime) -> Result<(), ActFault> {
    let Some(row) = certificate_row(tx, id)? else { return Ok(()) };
    // A campaign that follows it will tell.
    if swap::awaits(tx, id, &row)? { Ok(()) } else { in_use(tx, id, (now, &row.tenant)) }
}

/// A certificate was revoked for good: it replaced nothing.
pub(super) fn revoked(tx: &mut Transaction<'_>, id: &CertificateId) {
    tx.remove::<ReplacedRow>(id);
}

fn take(tx: &mut Transaction<'_>, id: &CertificateId) -> Result<Option<ReplacedRow>, ReadFault> {
    let row = tx.row::<ReplacedRow>(id)?;
    if row.is_some() {
        tx.remove::<ReplacedRow>(id);
    }
    Ok(row)
}
