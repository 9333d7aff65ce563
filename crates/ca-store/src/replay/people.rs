//! What the exported log tells of people: each change again, so that nobody whom it removed may do anything.

use ca_core::audit::AuditRecord;
use ca_core::people::{EmergencyChange, PersonChange};

use super::told::misfit;
use crate::act::people;
use crate::transaction::{ActFault, Transaction};

/// Makes a change again.
pub(super) fn redo(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let change = PersonChange::from_event(&record.event)
        .ok_or_else(|| misfit(record, "it tells of no change of a person"))?;
    people::write(tx, &change)?.map(drop).map_err(|_| misfit(record, "the person on record is another one"))
}

/// Makes a change of an emergency again: what was open and is not over yet is open, and what waits for a review waits.
pub(super) fn redo_emergency(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let change = EmergencyChange::from_event(&record.event)
        .ok_or_else(|| misfit(record, "it tells of no emergency"))?;
    people::write_emergency(tx, &change)?
        .map(drop)
        .map_err(|_| misfit(record, "the person on record is another one"))
}
