//! How much is open of a tenant and of each of its requesters, counted in rows: one batch cannot pass what is allowed.

use ca_core::tenant::TenantId;

use crate::row::{CountRow, Counted};
use crate::transaction::{ActFault, Rows, Transaction};

/// Whose it is: tenant and requester.
pub(super) type Owner<'a> = (&'a TenantId, &'a str);

/// Whether there is one more or one less.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Up,
    Down,
}

/// Counts one more or one less.
pub(super) fn step<C: Counted>(
    tx: &mut Transaction<'_>,
    owner: Owner<'_>,
    step: Step,
) -> Result<(), ActFault> {
    for counter in counters(owner) {
        let before = counted::<C>(tx, &counter)?;
        let now = match step {
            Step::Up => before.saturating_add(1),
            Step::Down => before.saturating_sub(1),
        };
        if now == 0 {
            tx.remove::<CountRow<C>>(&counter);
        } else {
            tx.put(&counter, &CountRow::<C>::new(now))?;
        }
    }
    Ok(())
}

/// Tells whether there is no room for one more.
pub(super) fn is_full<C: Counted>(
    tx: &Transaction<'_>,
    owner: Owner<'_>,
    (most_of_tenant, most_of_requester): (u32, u32),
) -> Result<bool, ActFault> {
    let [of_tenant, of_requester] = counters(owner);
    Ok(counted::<C>(tx, &of_tenant)? >= most_of_tenant
        || counted::<C>(tx, &of_requester)? >= most_of_requester)
}

fn counters((tenant, requester): Owner<'_>) -> [(TenantId, Option<String>); 2] {
    [(tenant.clone(), None), (tenant.clone(), Some(requester.to_owned()))]
}

fn counted<C: Counted>(tx: &Transaction<'_>, counter: &(TenantId, Option<String>)) -> Result<u32, ActFault> {
    Ok(tx.row::<CountRow<C>>(counter)?.map_or(0, |row| row.count))
}
