//! Moving swaps: by what head-ends bring and time brings, and by what the acts of the ledger itself do to the certificates of a
//! device. Which step may follow which is ca-core's; that it follows once, with its records and counts, is decided here.

use ca_core::audit::{Act, AuditEvent};
use ca_core::fleet::campaign::{Campaign, Goal, Wanted};
use ca_core::fleet::evidence::{Evidence, SwappedCertificate};
use ca_core::fleet::member::{self, Member, Phase};
use ca_core::fleet::swap::{
    Answer, Asked, Event, KeyStanding, Made, Proof, Road, Stage, Step, Swap, SwapRefusal,
};
use ca_core::fleet::{SwapConflict, SwapEvent, SwapOutcome};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::record::{CertificateId, CertificateStatus, DeviceEventKind, Intent, Slot};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::campaign::{event, member_of, put_member};
use super::fleet::{self, Line};
use super::replacement;
use crate::certificate::{certificate_row, status_of_row};
use crate::row::{CampaignRow, CertificateRow, DeviceRow, EvidenceRow, KeyRow, MemberRow, SlotRow, SwapRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// The types of which a device has one certificate each.
const PURPOSES: [KeyPurpose; 3] = [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls];

/// Records what happened to a swap. A refused answer is on record as well.
pub(crate) fn record(tx: &mut Transaction<'_>, told: SwapEvent) -> Result<SwapOutcome, ActFault> {
    let SwapEvent { campaign, title, purpose, event, now, actor } = told;
    let Some((campaign, member)) = member_of(tx, &campaign, &title)? else {
        return Ok(Err(SwapConflict::Unknown));
    };
    let swaps = swaps_of(tx, &campaign, &title)?;
    let Some(swap) = swaps.iter().find(|swap| swap.purpose == purpose).cloned() else {
        return Ok(Err(SwapConflict::Unknown));
    };
    if member.agenda.phase == Phase::Done {
        return Ok(Err(SwapRefusal::Finished.into()));
    }
    let by_head_end = matches!(event, Event::Answered { .. });
    if matches!(event, Event::Given { .. }) && member::at_turn(&swaps) != Some(&swap) {
        return Ok(Err(SwapRefusal::OutOfOrder { stage: swap.stage.name() }.into()));
    }
    let mut event = event;
    if let Event::Answered { answer: Answer::Request { asked, key, .. }, .. } = &mut event
        && *key == KeyStanding::New
    {
        *key = standing(tx, &swaps, &swap, &asked.key)?;
    }
    let words = words(&event);
    match swap.advance(event, now, &campaign.patience) {
        Ok(step) => apply(tx, (&campaign, &member), (&swap, step), (now, &actor, words)).map(Ok),
        Err(refusal) => {
            if by_head_end {
                let detail = format!("{title} {}: {refusal}", purpose.name());
                let refused = super::campaign::event(&campaign, Act::RequestRefused, detail, (now, &actor));
                tx.seal(AuditEvent { reason: refusal.code().to_owned(), ..refused })?;
            }
            Ok(Err(refusal.into()))
        }
    }
}

/// What the ledger knows of a key that a device shows.
fn standing(
    tx: &Transaction<'_>,
    swaps: &[Swap],
    swap: &Swap,
    key: &[u8; 32],
) -> Result<KeyStanding, ReadFault> {
    let has = |other: &&Swap| other.stage.asked().is_some_and(|asked| asked.key == *key);
    if swaps.iter().filter(|other| other.purpose != swap.purpose).any(|other| has(&other)) {
        return Ok(KeyStanding::OtherType);
    }
    Ok(match tx.row::<KeyRow>(key)? {
        None => KeyStanding::New,
        Some(row) if row.subject != swap.title.to_string() => KeyStanding::OtherDevice,
        Some(row) if row.purpose != swap.purpose => KeyStanding::OtherType,
        Some(_) => KeyStanding::Certified,
    })
}

/// Writes what became of a swap, its device and its campaign's counts.
fn apply(
    tx: &mut Transaction<'_>,
    (campaign, member): (&Campaign, &Member),
    (before, step): (&Swap, Step),
    (now, actor, words): (UnixTime, &str, &str),
) -> Result<Step, ActFault> {
    let Step { mut swap, action } = step;
    if swap == *before {
        return Ok(Step { swap, action });
    }
    let record = tx.seal(changed(campaign, (before, &swap), (now, actor, words)))?;
    if swap.stage.name() != before.stage.name() {
        swap.note(now, record);
    }
    tx.put(&(swap.title, swap.purpose), &SwapRow { swap: swap.clone() })?;
    if let Stage::Confirmed { made, .. } | Stage::Activated { made, .. } = &swap.stage {
        replacement::in_use(tx, &made.certificate, (now, &campaign.tenant))?;
    }
    let swaps = swaps_of(tx, campaign, &swap.title)?;
    settle_member(tx, campaign, member, (&swaps, now))?;
    if swaps.iter().all(Swap::is_complete) {
        complete(tx, campaign, &swaps, (now, actor))?;
    }
    Ok(Step { swap, action })
}

/// The audit event of a change.
fn changed(
    campaign: &Campaign,
    (before, after): (&Swap, &Swap),
    (now, actor, words): (UnixTime, &str, &str),
) -> AuditEvent {
    let act = match (&after.stage, after.stuck) {
        (_, true) => Act::SwapStuck,
        (Stage::Undone { .. }, false) => Act::SwapUndone,
        (_, false) if after.turn > before.turn => Act::WorkGiven,
        (_, false) => Act::SwapStepped,
    };
    let code = after.trouble.as_ref().map(|trouble| trouble.code().to_owned()).unwrap_or_default();
    let made = after.stage.made();
    let detail = format!(
        "{} {}: {words}: {} to {}; call {}, attempt {}",
        after.title,
        after.purpose.name(),
        before.stage.name(),
        after.stage.name(),
        after.turn,
        after.attempts
    );
    AuditEvent {
        issuer: made.map(|made| made.certificate.issuer),
        serial: made.map(|made| made.certificate.serial.clone()),
        reason: code,
        ..event(campaign, act, detail, (now, actor))
    }
}

const fn words(event: &Event) -> &'static str {
    match event {
        Event::Claimed => "claimed",
        Event::Given { .. } => "given",
        Event::Answered { .. } => "answered",
        Event::Asked(_) => "asked",
        Event::Issued(_) => "issued",
        Event::NotIssued { .. } => "not issued",
        Event::Confirmed { .. } => "confirmed",
        Event::Revoked { .. } => "revoked",
        Event::Elapsed => "time is over",
        Event::Ended => "given up",
        Event::Again => "again",
    }
}

/// Puts a device where its swaps stand.
pub(super) fn settle_member(
    tx: &mut Transaction<'_>,
    campaign: &Campaign,
    member: &Member,
    (swaps, now): (&[Swap], UnixTime),
) -> Result<(), ActFault> {
    let mut agenda = member::agenda(swaps, &campaign.patience);
    if matches!(agenda.phase, Phase::Stuck | Phase::Done | Phase::Ended) {
        // Since when it stands so.
        agenda.at = if member.agenda.phase == agenda.phase { member.agenda.at } else { now };
    }
    let after = Member { agenda, trouble: member::trouble(swaps), ..member.clone() };
    put_member(tx, Some(member), &after)
}

/// Every wanted certificate is in use: the factory certificates are superseded now, and the evidence is kept.
fn complete(
    tx: &mut Transaction<'_>,
    campaign: &Campaign,
    swaps: &[Swap],
    (now, actor): (UnixTime, &str),
) -> Result<(), ActFault> {
    let Some(title) = swaps.first().map(|swap| swap.title) else { return Ok(()) };
    let factory_record = match campaign.goal {
        Goal::Swap => supersede_factory(tx, &title, (now, actor))?,
        Goal::Renew | Goal::Uplift => None,
    };
    let detail = format!("{title}: {}: {} certificates in use", campaign.name, swaps.len());
    let record = tx.seal(event(campaign, Act::DeviceSwapped, detail, (now, actor)))?;
    let evidence = Evidence {
        title,
        campaign: campaign.digest,
        goal: campaign.goal,
        finished_at: now,
        record,
        factory_record,
        certificates: swaps.iter().filter_map(SwappedCertificate::of).collect(),
    };
    tx.put(&(title, campaign.digest), &EvidenceRow { evidence })
}

fn supersede_factory(
    tx: &mut Transaction<'_>,
    title: &SystemTitle,
    (now, actor): (UnixTime, &str),
) -> Result<Option<u64>, ActFault> {
    let Some(row) = tx.row::<DeviceRow>(title)? else { return Ok(None) };
    let mut device = row.device.clone();
    device.operate(now);
    if device == row.device {
        return Ok(None);
    }
    fleet::write_one(tx, Some(&row.device), &device)?;
    let record = tx.seal(AuditEvent {
        time: now,
        tenant: row.device.expected.tenant.clone(),
        actor: actor.to_owned(),
        act: Act::FactorySuperseded,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail: title.to_string(),
        digest: row.device.claimed_by.map(Vec::from).unwrap_or_default(),
    })?;
    fleet::follow(tx, record, &Line::of(&device, DeviceEventKind::Operational))?;
    Ok(Some(record))
}

/// The swaps of a device in a campaign, in the order in which they are done; none before it is begun.
pub(crate) fn swaps_of(
    rows: &(impl Rows + ?Sized),
    campaign: &Campaign,
    title: &SystemTitle,
) -> Result<Vec<Swap>, ReadFault> {
    let mut swaps = Vec::new();
    for wanted in &campaign.wanted {
        let row = rows.row::<SwapRow>(&(*title, wanted.purpose))?;
        swaps.extend(row.map(|row| row.swap).filter(|swap| swap.campaign == campaign.digest));
    }
    Ok(swaps)
}

/// Tells whether another campaign is at work on this certificate.
pub(super) fn is_underway_elsewhere(
    tx: &Transaction<'_>,
    key: &(SystemTitle, KeyPurpose),
    campaign: &[u8; 32],
) -> Result<bool, ReadFault> {
    let Some(SwapRow { swap }) = tx.row(key)? else { return Ok(false) };
    if swap.campaign == *campaign {
        return Ok(false);
    }
    let member = tx.row::<MemberRow>(&(swap.campaign, swap.title))?;
    Ok(member.is_some_and(|row| is_open(row.member.agenda.phase)))
}

const fn is_open(phase: Phase) -> bool {
    matches!(phase, Phase::Due | Phase::Callable | Phase::Stuck)
}

/// Tells whether a campaign will say that the device uses this certificate.
pub(super) fn awaits(
    tx: &Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<bool, ReadFault> {
    Ok(waiting(tx, id, row)?.is_some())
}

/// Tells whether a campaign of devices that ask by themselves waits to hear that the device has this certificate.
pub(crate) fn awaits_export(rows: &(impl Rows + ?Sized), id: &CertificateId) -> Result<bool, ReadFault> {
    let Some(row) = certificate_row(rows, id)? else { return Ok(false) };
    // By a head-end a swap has its own export, at its turn.
    Ok(waiting(rows, id, &row)?.is_some_and(|swap| swap.road == Road::Device))
}

/// Returns the swap that waits to hear that the device has this certificate.
fn waiting(
    rows: &(impl Rows + ?Sized),
    id: &CertificateId,
    row: &CertificateRow,
) -> Result<Option<Swap>, ReadFault> {
    let Some(key) = place(row.slot.as_ref()) else { return Ok(None) };
    let Some(SwapRow { swap }) = rows.row(&key)? else { return Ok(None) };
    let member = rows.row::<MemberRow>(&(swap.campaign, swap.title))?;
    let open = member.is_some_and(|row| is_open(row.member.agenda.phase));
    let shown = matches!(swap.stage, Stage::Confirmed { .. } | Stage::Activated { .. });
    let made = swap.stage.made().is_some_and(|made| made.certificate == *id);
    Ok(Some(swap).filter(|_| open && !shown && made))
}

/// Tells whether the factory certificates of a device are superseded by its campaign, and not before that is done.
pub(super) fn keeps_factory(tx: &Transaction<'_>, title: &SystemTitle) -> Result<bool, ReadFault> {
    for purpose in PURPOSES {
        let Some(SwapRow { swap }) = tx.row(&(*title, purpose))? else { continue };
        let member = tx.row::<MemberRow>(&(swap.campaign, *title))?;
        let open = member.is_some_and(|row| is_open(row.member.agenda.phase));
        let goal = tx.row::<CampaignRow>(&swap.campaign)?.map(|row| row.campaign.goal);
        if open && goal == Some(Goal::Swap) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the certificate that a device which asks by itself got before its campaign came to it, if that is what it is to have.
pub(super) fn got_before(
    tx: &Transaction<'_>,
    campaign: &Campaign,
    (title, wanted): (&SystemTitle, &Wanted),
    now: UnixTime,
) -> Result<Option<Made>, ReadFault> {
    if campaign.road != Road::Device {
        return Ok(None);
    }
    let (tenant, hierarchy) = (campaign.tenant.clone(), Hierarchy::Operational);
    let slot = Slot { tenant, title: *title, hierarchy, purpose: wanted.purpose };
    let mut found: Option<(CertificateId, CertificateRow)> = None;
    for holder in tx.row::<SlotRow>(&slot)?.unwrap_or_default().holders {
        let Some(row) = certificate_row(tx, &holder.id)? else { continue };
        let good = status_of_row(tx, &holder.id, &row)? == CertificateStatus::Good;
        let fits = good
            && row.validity.contains(now)
            && campaign.is_served_by(wanted, &row.profile, row.recorded_at);
        if fits && found.as_ref().is_none_or(|(id, other)| other.age(id) < row.age(&holder.id)) {
            found = Some((holder.id, row));
        }
    }
    Ok(found.map(|(id, row)| made(&id, &row)))
}

/// A device was claimed.
pub(super) fn claimed(
    tx: &mut Transaction<'_>,
    title: &SystemTitle,
    by: (UnixTime, &str),
) -> Result<(), ActFault> {
    PURPOSES.iter().try_for_each(|purpose| happened(tx, (*title, *purpose), Event::Claimed, by))
}

/// A device asked for a certificate, and an intent is on record.
pub(super) fn asked(tx: &mut Transaction<'_>, intent: &Intent) -> Result<(), ActFault> {
    let by = (intent.recorded_at, intent.event.actor.as_str());
    if let Some(shown) = &intent.conditions.shown {
        confirmed(tx, shown, Proof::Use, by)?;
    }
    let Some(key) = place(intent.conditions.slot.as_ref().map(|(slot, _)| slot)) else { return Ok(()) };
    // Of a request only what is to be signed for it is on record.
    let request = <[u8; 32]>::from(Sha256::digest(&intent.tbs));
    happened(tx, key, Event::Asked(Asked { request, key: intent.key_fingerprint }), by)
}

/// A certificate was issued.
pub(super) fn issued(
    tx: &mut Transaction<'_>,
    id: &CertificateId,
    row: &CertificateRow,
    actor: &str,
) -> Result<(), ActFault> {
    let Some(key) = place(row.slot.as_ref()) else { return Ok(()) };
    happened(tx, key, Event::Issued(made(id, row)), (row.since, actor))
}

/// What a swap knows of a certificate that it did not ask for.
fn made(id: &CertificateId, row: &CertificateRow) -> Made {
    Made {
        asked: Asked { request: [0; 32], key: row.key_fingerprint },
        certificate: id.clone(),
        digest: Sha256::digest(&row.octets).into(),
    }
}

/// The holder of a certificate showed that it has it.
pub(super) fn confirmed(
    tx: &mut Transaction<'_>,
    certificate: &CertificateId,
    proof: Proof,
    by: (UnixTime, &str),
) -> Result<(), ActFault> {
    let Some(row) = certificate_row(tx, certificate)? else { return Ok(()) };
    replacement::in_use(tx, certificate, (by.0, &row.tenant))?;
    let Some(key) = place(row.slot.as_ref()) else { return Ok(()) };
    happened(tx, key, Event::Confirmed { certificate: certificate.clone(), proof }, by)
}

/// Devices that ask by themselves showed what they have to whoever exported it.
pub(crate) fn exported(
    tx: &mut Transaction<'_>,
    shown: &[CertificateId],
    by: (UnixTime, &str),
) -> Result<(), ActFault> {
    shown.iter().try_for_each(|certificate| confirmed(tx, certificate, Proof::Export, by))
}

/// A certificate was revoked for good.
pub(super) fn revoked(
    tx: &mut Transaction<'_>,
    certificate: &CertificateId,
    row: &CertificateRow,
    by: (UnixTime, &str),
) -> Result<(), ActFault> {
    let Some(key) = place(row.slot.as_ref()) else { return Ok(()) };
    happened(tx, key, Event::Revoked { certificate: certificate.clone() }, by)
}

/// Only the owner's own certificates are swapped in.
pub(crate) fn place(slot: Option<&Slot>) -> Option<(SystemTitle, KeyPurpose)> {
    let slot = slot.filter(|slot| slot.hierarchy == Hierarchy::Operational)?;
    Some((slot.title, slot.purpose))
}

/// Tells a swap what the ledger did. What does not follow there changes nothing: the act itself stands.
fn happened(
    tx: &mut Transaction<'_>,
    key: (SystemTitle, KeyPurpose),
    event: Event,
    (now, actor): (UnixTime, &str),
) -> Result<(), ActFault> {
    let Some(SwapRow { swap }) = tx.row(&key)? else { return Ok(()) };
    let Some((campaign, member)) = member_of(tx, &swap.campaign, &swap.title)? else { return Ok(()) };
    if member.agenda.phase == Phase::Done {
        return Ok(());
    }
    let words = words(&event);
    if let Ok(step) = swap.advance(event, now, &campaign.patience) {
        apply(tx, (&campaign, &member), (&swap, step), (now, actor, words))?;
    }
    Ok(())
}
