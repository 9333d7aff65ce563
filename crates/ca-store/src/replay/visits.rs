//! What the exported log tells of visits: each change again, so that nobody gets a certificate on one that was ended.

use ca_core::audit::AuditRecord;
use ca_core::visits::VisitChange;

use super::told::misfit;
use crate::act::visits;
use crate::transaction::{ActFault, Transaction};

/// Makes a change again.
pub(super) fn redo(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let change = VisitChange::from_event(&record.event)
        .ok_or_else(|| misfit(record, "it tells of no change of a visit"))?;
    visits::redo(tx, &change)?.map_err(|_| misfit(record, "the visit on record is another one"))
}
