//! T1: whether an intent may be recorded, and recording it. Not signing: `begin_signing` only marks.
//!
//! Conditions are decided in one order, and the first that does not hold is the answer: the transaction, the device, the visit, the same request, the
//! serial number, the key, the certificate to be replaced, the production order, the slot, the token, the claim, the approval, and
//! whether anybody could sign it. What was lost leaves its slot before that is decided.

use ca_core::audit::{Act, AuditEvent};
use ca_core::record::{
    AfterWindow, CertificateId, CertificateStatus, DeviceClaim, DeviceEventKind, DeviceState, Idempotency,
    Intent, IntentConflict, Provenance, Slot, SlotUse,
};
use ca_core::validity::UnixTime;

use super::fleet::{self, Line};
use super::refusal::Refusal;
use super::{handover, production, repeats, shard, slot, swap, transactions, visits, waiting};
use crate::certificate::{certificate_row, stored};
use crate::keyspace::{Keyspace, id_key, title_key};
use crate::row::{
    CertificateRow, CertificateState, CredentialRow, DeviceRow, IntentRow, KeyRow, RequestRow, TokenRow,
};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// Records an intent if its conditions hold.
pub(crate) fn record(tx: &mut Transaction<'_>, mut intent: Intent) -> Result<(), Refusal> {
    transactions::is_open(tx, intent.conditions.transaction.as_ref())?;
    if let Some((slot, _)) = &intent.conditions.slot {
        is_in_service(tx, slot)?;
    }
    // Before what was answered is answered again: what a visit gave counts while the visit does.
    let visit = visits::admit(tx, &intent)?;
    if let Some(idempotency) = &intent.conditions.idempotency {
        not_answered_before(tx, idempotency, intent.recorded_at)?;
    }
    waiting::not_settled_before(tx, &intent)?;
    if certificate_row(tx, &intent.id)?.is_some() {
        return Err(IntentConflict::SerialTaken.into());
    }
    certify_key(tx, &intent)?;
    if let Some(predecessor) = &intent.conditions.successor_of {
        slot::succeeds(tx, predecessor, &intent)?;
    }
    if let Some(order) = production::admit(tx, &intent)? {
        intent.event.detail.push_str(&format!("; order {order}"));
    }
    if let Some(visit) = visit {
        intent.event.detail.push_str(&format!("; visit {}", visit.id));
        visits::note(tx, visit)?;
    }
    if let Some((slot, slot_use)) = &intent.conditions.slot {
        // A first enrolment frees no slot: a factory certificate opens once.
        if *slot_use == SlotUse::Rotation {
            handover::supersede_lost(tx, slot, &intent)?;
        }
        slot::take(tx, slot, *slot_use, &intent)?;
    }
    if let Some(hash) = &intent.conditions.token {
        spend_token(tx, hash, &intent)?;
    }
    let device = match &intent.conditions.claim {
        Some(claim) => Some(admit_claim(tx, claim, intent.recorded_at)?),
        None => None,
    };
    waiting::answer(tx, &intent)?;
    if intent.conditions.key_is_away {
        return Err(IntentConflict::KeyAway.into());
    }
    let record = tx.seal(intent.event.clone())?;
    write(tx, &intent, record)?;
    if let (Some(row), Some(claim)) = (device, &intent.conditions.claim) {
        claim_device(tx, row, claim, &intent)?;
    }
    swap::asked(tx, &intent).map_err(Refusal::from)
}

/// A device that its owner has suspended or retired gets nothing, through whichever door.
fn is_in_service(tx: &Transaction<'_>, slot: &Slot) -> Result<(), Refusal> {
    let device = tx.row::<DeviceRow>(&slot.title)?.map(|row| row.device);
    let owned = device.filter(|device| device.expected.tenant == slot.tenant);
    match owned.and_then(|device| device.state.out_of_use()) {
        Some(out) => Err(IntentConflict::DeviceOutOfUse(out).into()),
        None => Ok(()),
    }
}

/// Marks an intent as given to the signer, once.
pub(crate) fn begin_signing(tx: &mut Transaction<'_>, id: &CertificateId) -> Result<(), ActFault> {
    if !tx.has::<IntentRow>(id)? {
        return Err(ActFault::NotOpen { id: id.clone() });
    }
    if is_signing(tx, id)? {
        return Err(ActFault::GivenToSigner { id: id.clone() });
    }
    tx.put_octets(Keyspace::Signing, id_key(id), Vec::new())
}

/// Tells whether an intent was given to the signer.
pub(crate) fn is_signing(rows: &(impl Rows + ?Sized), id: &CertificateId) -> Result<bool, ReadFault> {
    Ok(rows.octets(Keyspace::Signing, &id_key(id))?.is_some())
}

/// An aborted or uncertain intent does not count as an answer: a fresh one serves the requester.
///
/// What was issued outside the window counts as the idempotency says, while it is good.
fn not_answered_before(
    tx: &Transaction<'_>,
    idempotency: &Idempotency,
    now: UnixTime,
) -> Result<(), Refusal> {
    let Some(RequestRow { id }) = tx.row(&idempotency.key)? else { return Ok(()) };
    let Some(row) = certificate_row(tx, &id)? else { return Ok(()) };
    let in_window = row.recorded_at >= idempotency.since;
    match (row.state, idempotency.after) {
        (CertificateState::Aborted | CertificateState::Uncertain, _) => Ok(()),
        (CertificateState::Intended, _) if in_window => Err(IntentConflict::InFlight.into()),
        (CertificateState::Issued, _) if in_window => {
            Err(IntentConflict::AlreadyIssued(Box::new(stored(tx, id, row)?)).into())
        }
        (CertificateState::Intended, _) | (CertificateState::Issued, AfterWindow::New) => Ok(()),
        (CertificateState::Issued, after) => {
            let row = stored(tx, id, row)?;
            match (row.status, after) {
                _ if row.validity.not_after() < now => Ok(()),
                (CertificateStatus::Good, AfterWindow::ReturnExisting) => {
                    Err(IntentConflict::AlreadyIssued(Box::new(row)).into())
                }
                (CertificateStatus::Good, _) => Err(IntentConflict::WindowOver.into()),
                _ => Ok(()),
            }
        }
    }
}

fn certify_key(tx: &mut Transaction<'_>, intent: &Intent) -> Result<(), Refusal> {
    let mut key = match tx.row::<KeyRow>(&intent.key_fingerprint)? {
        Some(key) if key.blocked => return Err(IntentConflict::KeyBlocked.into()),
        Some(key) if key.subject != intent.subject || key.purpose != intent.purpose => {
            let KeyRow { subject, purpose, .. } = key;
            return Err(IntentConflict::KeyCertifiedElsewhere { subject, purpose }.into());
        }
        Some(key) => key,
        None => {
            KeyRow { subject: intent.subject.clone(), purpose: intent.purpose, holders: 0, blocked: false }
        }
    };
    key.holders = key.holders.saturating_add(1);
    Ok(tx.put(&intent.key_fingerprint, &key)?)
}

fn spend_token(tx: &mut Transaction<'_>, hash: &[u8; 32], intent: &Intent) -> Result<(), Refusal> {
    let mut row = tx
        .row::<TokenRow>(hash)?
        .filter(|row| intent.recorded_at <= row.token.expires_at)
        .ok_or(IntentConflict::TokenUnknown)?;
    if row.token.spent {
        return Err(IntentConflict::TokenSpent.into());
    }
    row.token.spent = true;
    row.spent_by = Some(intent.id.clone());
    Ok(tx.put(hash, &row)?)
}

fn admit_claim(tx: &Transaction<'_>, claim: &DeviceClaim, now: UnixTime) -> Result<DeviceRow, Refusal> {
    let row = tx
        .row::<DeviceRow>(&claim.title)?
        .filter(|row| row.device.expected.tenant == claim.tenant)
        .filter(|row| !matches!(row.device.state, DeviceState::Manufactured | DeviceState::Shipped))
        .ok_or(IntentConflict::DeviceNotExpected)?;
    if row.device.claimed_by.is_some_and(|key| key != claim.factory_key) {
        return Err(IntentConflict::DeviceClaimedByOther.into());
    }
    let delivered =
        row.device.delivered_keys == 0 || tx.has::<CredentialRow>(&(claim.title, claim.factory_key))?;
    if !delivered {
        return Err(IntentConflict::DeviceKeyNotDelivered.into());
    }
    match row.device.factory_superseded_at {
        Some(since) if now >= since.plus_seconds(claim.grace_seconds) => {
            Err(IntentConflict::FactorySuperseded { since }.into())
        }
        Some(_) | None => Ok(row),
    }
}

/// Writes down the first claim; later ones of the same key change nothing.
fn claim_device(
    tx: &mut Transaction<'_>,
    DeviceRow { device: before }: DeviceRow,
    claim: &DeviceClaim,
    intent: &Intent,
) -> Result<(), ActFault> {
    if before.claimed_by.is_some() {
        return Ok(());
    }
    let mut device = before.clone();
    device.claim(claim.factory_key);
    fleet::write_one(tx, Some(&before), &device)?;
    let sequence = tx.seal(AuditEvent {
        time: intent.recorded_at,
        tenant: claim.tenant.clone(),
        actor: intent.event.actor.clone(),
        act: Act::DeviceClaimed,
        issuer: Some(intent.id.issuer),
        serial: Some(intent.id.serial.clone()),
        reason: String::new(),
        detail: claim.title.to_string(),
        digest: claim.factory_key.to_vec(),
    })?;
    fleet::follow(tx, sequence, &Line::of(&device, DeviceEventKind::Claimed))?;
    swap::claimed(tx, &claim.title, (intent.recorded_at, &intent.event.actor))
}

/// Writes the row of an intent, of which an audit record tells.
fn write(tx: &mut Transaction<'_>, intent: &Intent, record: u64) -> Result<(), ActFault> {
    let conditions = &intent.conditions;
    let certificate = CertificateRow {
        state: CertificateState::Intended,
        since: intent.recorded_at,
        octets: intent.tbs.clone(),
        tenant: intent.tenant.clone(),
        profile: intent.profile.clone(),
        profile_version: intent.profile_version,
        subject: intent.subject.clone(),
        key_fingerprint: intent.key_fingerprint,
        purpose: intent.purpose,
        validity: intent.validity,
        recorded_at: intent.recorded_at,
        record,
        slot: conditions.slot.as_ref().map(|(slot, _)| slot.clone()),
        listing: intent.listing.clone(),
        handed_to: conditions.handover.as_ref().map(|handover| handover.to.clone()),
        provenance: Provenance::Issued,
    };
    if let Some(shard) = intent.listing.shard() {
        shard::has_one_until(tx, (&intent.id.issuer, shard), intent.validity.not_after())?;
    }
    if let Some(title) = certificate.title() {
        tx.put_octets(Keyspace::Titles, title_key(&title, &intent.id), Vec::new())?;
    }
    if let Some(idempotency) = &conditions.idempotency {
        repeats::remember(tx, idempotency, intent)?;
    }
    let row = IntentRow {
        certificate,
        request: conditions.idempotency.map(|idempotency| idempotency.key),
        token: conditions.token,
        claim: conditions.claim.as_ref().map(|claim| claim.title),
        approval: conditions.approval.as_ref().map(|condition| condition.request.digest),
        revoke_replaced_after: conditions.revoke_replaced_after,
        node: tx.node(),
    };
    tx.put(&intent.id, &row)
}
