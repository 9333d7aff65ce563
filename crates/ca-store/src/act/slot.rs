//! Who holds a slot: one certificate at a time, and while it is being replaced its successors too.

use ca_core::record::{CertificateId, Intent, IntentConflict, Slot, SlotUse};
use ca_core::validity::UnixTime;

use super::refusal::Refusal;
use crate::certificate::certificate_row;
use crate::row::{CertificateState, IntentRow, RevocationRow, SlotHolder, SlotRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// Puts an intent into a slot that is free, or whose holder it may replace.
pub(super) fn take(
    tx: &mut Transaction<'_>,
    slot: &Slot,
    slot_use: SlotUse,
    intent: &Intent,
) -> Result<(), Refusal> {
    let mut row = tx.row::<SlotRow>(slot)?.unwrap_or_default();
    // RFC 5280 §4.1.2.5: the last second of a validity period belongs to it.
    row.holders.retain(|holder| holder.not_after >= intent.recorded_at);
    let in_the_way = match slot_use {
        SlotUse::First => row.holders.first(),
        SlotUse::Rotation => first_on_hold(tx, &row.holders)?,
    };
    if let Some(holder) = in_the_way {
        return Err(IntentConflict::SlotTaken { holder: holder.id.clone() }.into());
    }
    row.holders.push(SlotHolder { id: intent.id.clone(), not_after: intent.validity.not_after() });
    Ok(tx.put(slot, &row)?)
}

/// What is on hold is not replaced: it is released, or revoked for good, before another comes into its place.
fn first_on_hold<'a>(
    tx: &Transaction<'_>,
    holders: &'a [SlotHolder],
) -> Result<Option<&'a SlotHolder>, ReadFault> {
    for holder in holders {
        if tx.row::<RevocationRow>(&holder.id)?.is_some_and(|row| row.revocation.is_hold()) {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// Checks that a certificate to be replaced is current still: not revoked, and nothing younger holds the slot or is about to.
pub(super) fn succeeds(
    tx: &Transaction<'_>,
    predecessor: &CertificateId,
    intent: &Intent,
) -> Result<(), Refusal> {
    let overtaken = || Refusal::from(IntentConflict::Overtaken);
    let issued = certificate_row(tx, predecessor)?.filter(|row| row.state == CertificateState::Issued);
    let age = issued.ok_or_else(overtaken)?.age(predecessor);
    if tx.has::<RevocationRow>(predecessor)? {
        return Err(overtaken());
    }
    let Some((slot, _)) = &intent.conditions.slot else { return Ok(()) };
    for holder in tx.row::<SlotRow>(slot)?.unwrap_or_default().holders {
        let row = certificate_row(tx, &holder.id)?;
        if row.is_some_and(|row| row.state != CertificateState::Issued || row.age(&holder.id) > age) {
            return Err(overtaken());
        }
    }
    Ok(())
}

/// Puts a certificate into a slot that the exported log says it holds, whoever else is there.
pub(crate) fn occupy(
    tx: &mut Transaction<'_>,
    slot: &Slot,
    id: &CertificateId,
    not_after: UnixTime,
) -> Result<(), ActFault> {
    let mut row = tx.row::<SlotRow>(slot)?.unwrap_or_default();
    row.holders.push(SlotHolder { id: id.clone(), not_after });
    tx.put(slot, &row)
}

/// Takes out of the slot what a certificate that is now issued replaces, and returns it; intents that are open stay.
pub(super) fn settle_in(
    tx: &mut Transaction<'_>,
    slot: &Slot,
    id: &CertificateId,
) -> Result<Vec<CertificateId>, ActFault> {
    let Some(row) = tx.row::<SlotRow>(slot)? else { return Ok(Vec::new()) };
    if row.holders.len() < 2 || !row.holders.iter().any(|holder| holder.id == *id) {
        return Ok(Vec::new());
    }
    let (mut holders, mut replaced) = (Vec::new(), Vec::new());
    for holder in row.holders {
        if holder.id == *id || tx.has::<IntentRow>(&holder.id)? {
            holders.push(holder);
        } else {
            replaced.push(holder.id);
        }
    }
    tx.put(slot, &SlotRow { holders })?;
    Ok(replaced)
}

/// Takes a certificate or intent out of its slot.
pub(super) fn leave(tx: &mut Transaction<'_>, slot: &Slot, id: &CertificateId) -> Result<(), ActFault> {
    let Some(mut row) = tx.row::<SlotRow>(slot)? else { return Ok(()) };
    row.holders.retain(|holder| holder.id != *id);
    if row.holders.is_empty() {
        tx.remove::<SlotRow>(slot);
        Ok(())
    } else {
        tx.put(slot, &row)
    }
}
