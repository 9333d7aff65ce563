//! Campaigns: planning, deciding, beginning devices, and going on. Which act may follow which is ca-core's; that each follows
//! once, and that every count is that of the rows, is decided here.

use ca_core::audit::{Act, AuditEvent};
use ca_core::fleet::campaign::{Campaign, CampaignConflict};
use ca_core::fleet::member::{Agenda, Member, Phase};
use ca_core::fleet::swap::{Road, Stage, Swap};
use ca_core::fleet::{Begin, Begun, CampaignDecision, CampaignTurn, MemberCount, Turn};
use ca_core::record::{DeviceState, Mark};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::{people, swap};
use crate::keyspace::Keyspace;
use crate::keyspace::campaign::agenda_key;
use crate::row::{CampaignRow, DeviceRow, MemberCountRow, MemberRow, PlaceCountRow, Row, SwapRow};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// How many campaigns are looked at for those whose time is over.
const LOOKED_AT: usize = 256;

/// Writes a plan, unless somebody asked for it already.
pub(crate) fn plan(tx: &mut Transaction<'_>, campaign: Campaign) -> Result<(), ActFault> {
    let known = tx.row::<CampaignRow>(&campaign.digest)?;
    if known.is_some_and(|row| row.campaign.requested.is_some()) {
        return Ok(());
    }
    tx.put(&campaign.digest.clone(), &CampaignRow { campaign })
}

/// Writes devices of a plan whose list is not whole.
pub(crate) fn plan_members(tx: &mut Transaction<'_>, members: Vec<Member>) -> Result<(), ActFault> {
    for member in members {
        let known = tx.row::<CampaignRow>(&member.campaign)?;
        let open = known.is_some_and(|row| !row.campaign.listed && row.campaign.requested.is_none());
        if open && !tx.has::<MemberRow>(&(member.campaign, member.title))? {
            put_member(tx, None, &member)?;
        }
    }
    Ok(())
}

/// Takes away rows of plans whose time is over; of a long list so many at a time, and the campaign last.
pub(crate) fn forget(tx: &mut Transaction<'_>, now: UnixTime, limit: usize) -> Result<bool, ActFault> {
    let rows = tx.view().rows_after(Keyspace::Campaigns, &[], &[], LOOKED_AT).map_err(ReadFault::from)?;
    let mut left = limit;
    for (_, octets) in rows {
        let CampaignRow { campaign } = CampaignRow::decode(&octets)?;
        if campaign.requested.is_some() || campaign.expires_at >= now || left == 0 {
            continue;
        }
        let members = tx
            .view()
            .rows_after(Keyspace::CampaignMembers, &campaign.digest, &[], left)
            .map_err(ReadFault::from)?;
        if members.len() < left {
            tx.remove::<CampaignRow>(&campaign.digest);
        }
        left = left.saturating_sub(members.len());
        for (_, octets) in members {
            remove_member(tx, &MemberRow::decode(&octets)?.member)?;
        }
    }
    Ok(left == 0)
}

/// Records what an operator, or the program, has to say of a campaign.
pub(crate) fn decide(
    tx: &mut Transaction<'_>,
    decision: CampaignDecision,
) -> Result<Result<Campaign, CampaignConflict>, ActFault> {
    let CampaignDecision { digest, mark, act, event } = decision;
    let Some(CampaignRow { mut campaign }) = tx.row(&digest)? else {
        return Ok(Err(CampaignConflict::Unknown));
    };
    let judged = by_person(tx, &campaign)?.take(people::one_mark(tx, &mark)?, act.clone());
    if let Err(conflict) = judged.and_then(|()| campaign.take(mark, act)) {
        return Ok(Err(conflict));
    }
    tx.seal(event)?;
    tx.put(&digest, &CampaignRow { campaign: campaign.clone() })?;
    Ok(Ok(campaign))
}

/// The campaign as it is when one person has one name: two credentials of one person count once (M-02).
fn by_person(tx: &Transaction<'_>, campaign: &Campaign) -> Result<Campaign, ReadFault> {
    Ok(Campaign {
        requested: campaign.requested.as_ref().map(|mark| people::one_mark(tx, mark)).transpose()?,
        approvals: people::one_mark_each(tx, &campaign.approvals)?,
        ..campaign.clone()
    })
}

/// Begins devices.
pub(crate) fn begin(tx: &mut Transaction<'_>, begin: &Begin) -> Result<Begun, ActFault> {
    let mut begun = Begun::default();
    let Some(CampaignRow { mut campaign }) = tx.row(&begin.campaign)? else { return Ok(begun) };
    let most = campaign.may_begin(begin.now);
    for title in &begin.titles {
        let Some(MemberRow { member }) = tx.row(&(begin.campaign, *title))? else { continue };
        if member.agenda.phase != Phase::Waiting {
            continue;
        }
        let ahead = member.wave > campaign.progress.wave;
        let count = if ahead || begun.begun >= most || is_crowded(tx, &campaign, &member)? {
            &mut begun.later
        } else if begin_one(tx, &campaign, &member, begin)? {
            &mut begun.begun
        } else {
            &mut begun.left_out
        };
        *count = count.saturating_add(1);
    }
    for (title, code) in &begin.unfit {
        let Some(MemberRow { member }) = tx.row(&(begin.campaign, *title))? else { continue };
        let in_turn = member.agenda.phase == Phase::Waiting && member.wave <= campaign.progress.wave;
        if in_turn && most > 0 {
            leave_out(tx, &campaign, &member, (begin, code))?;
            begun.left_out = begun.left_out.saturating_add(1);
        }
    }
    if begun.begun > 0 {
        campaign.begun(begun.begun, begin.now);
        tx.put(&begin.campaign, &CampaignRow { campaign })?;
    }
    Ok(begun)
}

/// Tells whether as many devices behind its concentrator are under way as may be.
fn is_crowded(tx: &Transaction<'_>, campaign: &Campaign, member: &Member) -> Result<bool, ActFault> {
    let most = campaign.pacing.per_concentrator;
    let Some(place) = member.concentrator.as_ref().filter(|_| most > 0) else { return Ok(false) };
    let row = tx.row::<PlaceCountRow>(&(campaign.digest, place.clone()))?;
    Ok(row.is_some_and(|row| row.0 >= most))
}

/// Begins one device, or says why it cannot be begun; tells whether it was.
fn begin_one(
    tx: &mut Transaction<'_>,
    campaign: &Campaign,
    member: &Member,
    begin: &Begin,
) -> Result<bool, ActFault> {
    let title = member.title;
    let device = tx.row::<DeviceRow>(&title)?.map(|row| row.device);
    let Some(device) = device.filter(|device| device.expected.tenant == campaign.tenant) else {
        return leave_out(tx, campaign, member, (begin, "swap.not_expected"));
    };
    for wanted in &campaign.wanted {
        if swap::is_underway_elsewhere(tx, &(title, wanted.purpose), &campaign.digest)? {
            return leave_out(tx, campaign, member, (begin, "swap.in_other_campaign"));
        }
    }
    let claimed = campaign.road == Road::HeadEnd
        || device.claimed_by.is_some()
        || device.state == DeviceState::Operational;
    let stage = if claimed { Stage::Claimed } else { Stage::Planned };
    let (mut detail, mut swaps) = (format!("{title}: {}", campaign.name), Vec::new());
    for wanted in &campaign.wanted {
        let stage = match swap::got_before(tx, campaign, (&title, wanted), begin.now)? {
            Some(made) => {
                let (purpose, serial) = (wanted.purpose.name(), &made.certificate.serial);
                detail.push_str(&format!("; {purpose}: issued, {serial}"));
                Stage::Issued(made)
            }
            None => stage.clone(),
        };
        swaps.push(Swap::new(campaign, wanted, title, (stage, begin.now)));
    }
    let record = tx.seal(event(campaign, Act::SwapBegun, detail, (begin.now, &begin.actor)))?;
    for one in &mut swaps {
        one.note(begin.now, record);
        tx.put(&(title, one.purpose), &SwapRow { swap: one.clone() })?;
    }
    swap::settle_member(tx, campaign, member, (&swaps, begin.now))?;
    Ok(true)
}

fn leave_out(
    tx: &mut Transaction<'_>,
    campaign: &Campaign,
    member: &Member,
    (begin, code): (&Begin, &str),
) -> Result<bool, ActFault> {
    let detail = format!("{}: {}: not begun", member.title, campaign.name);
    let told = event(campaign, Act::SwapUndone, detail, (begin.now, &begin.actor));
    tx.seal(AuditEvent { reason: code.to_owned(), ..told })?;
    let agenda = Agenda { phase: Phase::Ended, at: begin.now };
    put_member(tx, Some(member), &Member { agenda, trouble: code.to_owned(), ..member.clone() })?;
    Ok(false)
}

/// Lets a campaign go on as its devices stand.
pub(crate) fn turn(tx: &mut Transaction<'_>, turn: &CampaignTurn) -> Result<Option<Campaign>, ActFault> {
    let CampaignTurn { digest, now, actor } = turn;
    let Some(CampaignRow { mut campaign }) = tx.row(digest)? else { return Ok(None) };
    let counts = counts(tx, &campaign)?;
    let wave = campaign.progress.wave;
    let (act, detail) = match campaign.turn(&counts, *now) {
        Turn::Stay => return Ok(Some(campaign)),
        Turn::Stop { stuck } => {
            let why = format!("{stuck} devices of wave {} are stuck", u64::from(wave).saturating_add(1));
            campaign.paused = Some((Mark { by: actor.clone(), at: *now }, why.clone()));
            (Act::CampaignPaused, why)
        }
        Turn::NextWave => {
            campaign.progress.wave = wave.saturating_add(1);
            (Act::CampaignWave, format!("wave {}", u64::from(wave).saturating_add(2)))
        }
        Turn::Finish => {
            campaign.progress.finished_at = Some(*now);
            let of = |phase: Phase| {
                counts
                    .iter()
                    .filter(|one| one.phase == phase)
                    .fold(0_u64, |sum, one| sum.saturating_add(one.count))
            };
            let (done, stuck) = (of(Phase::Done), of(Phase::Stuck));
            (Act::CampaignFinished, format!("{done} of {} done, {stuck} stuck", campaign.count))
        }
    };
    tx.seal(event(&campaign, act, format!("{}: {detail}", campaign.name), (*now, actor)))?;
    tx.put(digest, &CampaignRow { campaign: campaign.clone() })?;
    Ok(Some(campaign))
}

/// How many devices of each wave stand how, with what is pending.
fn counts(tx: &Transaction<'_>, campaign: &Campaign) -> Result<Vec<MemberCount>, ActFault> {
    let mut counts = Vec::new();
    let waves = u32::try_from(campaign.waves.len()).unwrap_or(u32::MAX);
    for wave in 0..waves {
        for phase in Phase::ALL {
            let row = tx.row::<MemberCountRow>(&(campaign.digest, wave, phase))?;
            counts.extend(row.map(|row| MemberCount { wave, phase, count: row.0 }));
        }
    }
    Ok(counts)
}

/// An audit event of a campaign.
pub(super) fn event(
    campaign: &Campaign,
    act: Act,
    detail: String,
    (time, actor): (UnixTime, &str),
) -> AuditEvent {
    AuditEvent {
        time,
        tenant: campaign.tenant.clone(),
        actor: actor.to_owned(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail,
        digest: campaign.digest.to_vec(),
    }
}

/// Writes a device of a campaign, with its place on the agenda and all that counts it.
pub(super) fn put_member(
    tx: &mut Transaction<'_>,
    before: Option<&Member>,
    after: &Member,
) -> Result<(), ActFault> {
    if let Some(before) = before {
        tx.remove_key(Keyspace::CampaignAgenda, agenda_key(before));
        count(tx, before, false)?;
    }
    count(tx, after, true)?;
    tx.put_octets(Keyspace::CampaignAgenda, agenda_key(after), Vec::new())?;
    tx.put(&(after.campaign, after.title), &MemberRow { member: after.clone() })
}

fn remove_member(tx: &mut Transaction<'_>, member: &Member) -> Result<(), ActFault> {
    tx.remove_key(Keyspace::CampaignAgenda, agenda_key(member));
    count(tx, member, false)?;
    tx.remove::<MemberRow>(&(member.campaign, member.title));
    Ok(())
}

/// Counts a device in or out.
fn count(tx: &mut Transaction<'_>, member: &Member, comes: bool) -> Result<(), ActFault> {
    let key = (member.campaign, member.wave, member.agenda.phase);
    let before = tx.row::<MemberCountRow>(&key)?.map_or(0, |row| row.0);
    match if comes { before.saturating_add(1) } else { before.saturating_sub(1) } {
        0 => tx.remove::<MemberCountRow>(&key),
        count => tx.put(&key, &MemberCountRow(count))?,
    }
    let Some(place) = member.concentrator.clone().filter(|_| member.agenda.phase.is_underway()) else {
        return Ok(());
    };
    let key = (member.campaign, place);
    let before = tx.row::<PlaceCountRow>(&key)?.map_or(0, |row| row.0);
    match if comes { before.saturating_add(1) } else { before.saturating_sub(1) } {
        0 => tx.remove::<PlaceCountRow>(&key),
        count => tx.put(&key, &PlaceCountRow(count))?,
    }
    Ok(())
}

/// Reads a campaign and one of its devices.
pub(super) fn member_of(
    tx: &Transaction<'_>,
    campaign: &[u8; 32],
    title: &SystemTitle,
) -> Result<Option<(Campaign, Member)>, ReadFault> {
    let Some(CampaignRow { campaign: known }) = tx.row(campaign)? else { return Ok(None) };
    let Some(MemberRow { member }) = tx.row(&(*campaign, *title))? else { return Ok(None) };
    Ok(Some((known, member)))
}
