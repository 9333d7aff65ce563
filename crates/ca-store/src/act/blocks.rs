//! Shutting authorities out, and letting them in again. Who must agree is ca-core's; that each follows once is decided here.

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::record::{BlockedKey, Unblock, UnblockConflict, Unblocked};

use super::people;
use crate::row::BlockedRow;
use crate::transaction::{ActFault, Rows, Transaction};

/// Shuts an authority out; tells whether it was not before.
pub(crate) fn block(
    tx: &mut Transaction<'_>,
    blocked: BlockedKey,
    event: AuditEvent,
) -> Result<bool, ActFault> {
    if tx.has::<BlockedRow>(&blocked.key)? {
        return Ok(false);
    }
    tx.seal(event)?;
    let key = blocked.key;
    tx.put(&key, &BlockedRow { blocked })?;
    Ok(true)
}

/// Lets one in again, or records that somebody asks for it.
pub(crate) fn unblock(
    tx: &mut Transaction<'_>,
    key: &KeyRef,
    unblock: Unblock,
) -> Result<Result<Unblocked, UnblockConflict>, ActFault> {
    let Some(BlockedRow { mut blocked }) = tx.row(key)? else { return Ok(Err(UnblockConflict::NotBlocked)) };
    let Unblock { mark, two_people, asked, done } = unblock;
    let mut judged = blocked.clone();
    if let Some(asked) = &judged.unblock_asked {
        judged.unblock_asked = Some(people::one_mark(tx, asked)?);
    }
    // Two credentials of one person count once (M-02).
    if let Err(conflict) = judged.unblock(&people::one_mark(tx, &mark)?, two_people) {
        return Ok(Err(conflict));
    }
    let unblocked = match blocked.unblock(&mark, two_people) {
        Ok(unblocked) => unblocked,
        Err(conflict) => return Ok(Err(conflict)),
    };
    match unblocked {
        Unblocked::Asked => {
            tx.seal(asked)?;
            tx.put(key, &BlockedRow { blocked })?;
        }
        Unblocked::Done => {
            tx.seal(done)?;
            tx.remove::<BlockedRow>(key);
        }
    }
    Ok(Ok(unblocked))
}
