//! What the exported log tells of people: each change again, so that nobody whom it removed may do anything.

use ca_core::audit::AuditRecord;
use ca_core::people::PersonChange;

use super::told::misfit;
use crate::act::people;
use crate::transaction::{ActFault, Transaction};

/// Makes a change again.
pub(super) fn redo(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let change = PersonChange::from_event(&record.event)
        .ok_or_else(|| misfit(record, "it tells of no change of a person"))?;
    people::write(tx, &change)?.map(drop).map_err(|_| misfit(record, "the person on record is another one"))
}
