//! What operators can do with campaigns: plan, ask for, approve, pause, resume, give up, look at, and take up what is stuck.
//!
//! Nothing is done to a device here: what is approved is carried out by the server on its own clock. A refusal is on record.

use std::collections::BTreeMap;

use ca_core::campaigns::{CampaignError, CampaignWish, DeviceChoice};
use ca_core::fault::Fault;
use ca_core::fleet::campaign::{
    Campaign, CampaignAct, CampaignConflict, CampaignStanding, Goal, Pacing, Setup, Window,
};
use ca_core::fleet::evidence::Evidence;
use ca_core::fleet::member::{Member, Phase};
use ca_core::fleet::patience::Patience;
use ca_core::fleet::swap::{Event, Passed, Road, Stage, Swap};
use ca_core::fleet::{AgendaQuery, CampaignQuery, MemberCount, SwapEvent};
use ca_core::profile::ProfileId;
use ca_core::record::{DeviceField, Mark, Verdict};
use ca_core::validity::UnixTime;
use dlms::security_setup::SecurityPolicy;

use super::acts::{operator, refused, rows, tenant, time, title, unavailable, unknown_state};
use super::fleet_acts::{self, Maker};
use super::routes::Peer;
use super::wire::campaigns::{
    AgainView, CampaignActText, CampaignPage, CampaignPlanText, CampaignPlanView, CampaignQueryText,
    CampaignView, DeviceChoiceText, EvidenceView, LeftOutView, MemberPage, MemberQueryText, MemberView,
    PassedView, ReckoningView, SwapView, SwappedView, WaveView,
};
use super::wire::requests::MarkView;
use crate::campaigns::at_desk;
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// The fewest hexadecimal digits that name a campaign.
const SHORTEST_ID: usize = 8;

/// How many stuck devices are taken up again together.
const TOGETHER: usize = 256;

pub(super) fn plan(
    system: &System,
    peer: &Peer,
    text: &CampaignPlanText,
) -> Result<CampaignPlanView, Failure> {
    let wish = wish(text)?;
    let types = u64::try_from(wish.profiles.len()).unwrap_or(u64::MAX);
    let (pacing, window) = (wish.pacing, wish.window);
    let (actor, now) = (operator(&system.tenant, peer)?, system.clock.now());
    let plan = at_desk(system, |desk| desk.plan(&actor, wish, now))
        .map_err(|error| told(system, peer, error, &[]))?;
    let count = plan.campaign.as_ref().map_or(0, |campaign| campaign.count);
    Ok(CampaignPlanView {
        campaign: plan.campaign.as_ref().map(|campaign| view(system, campaign)).transpose()?,
        left_out: plan
            .left_out
            .iter()
            .map(|one| LeftOutView {
                code: one.why.code().to_owned(),
                message: one.why.to_string(),
                count: one.count,
                first: one.first.to_string(),
            })
            .collect(),
        busiest_concentrator: plan.busiest,
        reckoning: reckoning(system, (count, types), pacing, window),
    })
}

/// How long it takes at least: by how long signatures took here, and by how fast devices are begun.
fn reckoning(
    system: &System,
    (count, types): (u64, u64),
    pacing: Pacing,
    window: Option<Window>,
) -> ReckoningView {
    let certificates = count.saturating_mul(types);
    let measured = system.pace.measured();
    let minutes = count.div_ceil(u64::from(pacing.per_minute).max(1));
    let open = window.map_or(1_440, |window| window.minutes().unsigned_abs()).max(1);
    ReckoningView {
        certificates,
        measured_signatures: measured.map_or(0, |pace| pace.signatures),
        microseconds_each: measured.map(|pace| pace.nanoseconds_each / 1_000),
        signing_seconds: measured.map(|pace| pace.seconds_for(certificates)),
        // Whole days but the last, in which it is begun as long as there is something to begin.
        pacing_seconds: (minutes / open).saturating_mul(86_400).saturating_add((minutes % open) * 60),
    }
}

fn wish(text: &CampaignPlanText) -> Result<CampaignWish, Failure> {
    let unknown = |what: &str, word: &str, known: &str| {
        Failure::new(Exit::Usage, "campaign.word", format!("{word} is no {what} of a campaign"))
            .then(format!("use one of {known}"))
    };
    let usual = Patience::default();
    Ok(CampaignWish {
        tenant: tenant(&text.tenant)?,
        name: text.name.clone(),
        goal: Goal::named(&text.goal).ok_or_else(|| unknown("goal", &text.goal, "swap, renew, uplift"))?,
        road: Road::named(&text.road).ok_or_else(|| unknown("road", &text.road, "device, head-end"))?,
        profiles: text
            .profiles
            .iter()
            .map(|profile| {
                ProfileId::parse(profile)
                    .map_err(|error| Failure::new(Exit::Usage, "profile.malformed", error))
            })
            .collect::<Result<_, _>>()?,
        setup: Setup {
            object: text.security_setup,
            policy: text.security_policy.as_deref().map(policy).transpose()?,
        },
        choice: choice(&text.choice)?,
        waves: text.waves.clone(),
        stop_percent: text.stop_percent,
        pacing: Pacing { per_minute: text.per_minute, per_concentrator: text.per_concentrator },
        window: text.window.as_deref().map(window).transpose()?,
        patience: Patience {
            lease_seconds: text.lease_seconds.unwrap_or(usual.lease_seconds),
            pause_seconds: text.pause_seconds.unwrap_or(usual.pause_seconds),
            attempts: text.attempts.unwrap_or(usual.attempts),
            device_seconds: text.device_seconds.unwrap_or(usual.device_seconds),
            ..usual
        },
    })
}

/// Reads the words of `security_policy`; `nothing` alone demands nothing.
fn policy(words: &[String]) -> Result<u8, Failure> {
    let policy = match words {
        [word] if word == "nothing" => Some(SecurityPolicy::NOTHING),
        words => SecurityPolicy::of(words.iter().map(String::as_str)),
    };
    let known = "nothing, or any of authenticated-request, encrypted-request, signed-request, \
                 authenticated-response, encrypted-response, signed-response";
    policy.map(SecurityPolicy::bits).ok_or_else(|| {
        let message = format!("{} are no words of security_policy", words.join(", "));
        Failure::new(Exit::Usage, "campaign.policy", message).then(format!("use {known}"))
    })
}

fn choice(text: &DeviceChoiceText) -> Result<DeviceChoice, Failure> {
    let mut fields: Vec<_> = [
        (DeviceField::Model, &text.model),
        (DeviceField::Firmware, &text.firmware),
        (DeviceField::Batch, &text.batch),
        (DeviceField::Region, &text.region),
        (DeviceField::Concentrator, &text.concentrator),
    ]
    .into_iter()
    .filter_map(|(field, said)| Some((field, said.clone()?)))
    .collect();
    let mut title_prefix = Vec::new();
    match text.manufacturer.as_deref().map(fleet_acts::maker).transpose()? {
        Some(Maker::Flag(flag)) => title_prefix = flag.to_vec(),
        Some(Maker::Named(name)) => fields.push((DeviceField::Manufacturer, name.to_string())),
        None => {}
    }
    Ok(DeviceChoice {
        titles: text.system_titles.iter().map(|one| title(one)).collect::<Result<_, _>>()?,
        title_prefix,
        fields,
        expires_before: text.expires_before.as_deref().map(time).transpose()?,
    })
}

/// Reads hours such as `22:00-05:00`.
fn window(text: &str) -> Result<Window, Failure> {
    let minute = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        let minute = hours.checked_mul(60)?.checked_add(minutes)?;
        (minutes < 60 && minute <= 1_440).then_some(minute)
    };
    let read = text
        .split_once('-')
        .and_then(|(from, to)| Some(Window { from: minute(from.trim())?, to: minute(to.trim())? % 1_440 }));
    read.filter(|window| window.from != window.to && window.from < 1_440).ok_or_else(|| {
        let message = format!("{text} is no window: two times of a day, UTC, such as 22:00-05:00");
        Failure::new(Exit::Usage, "campaign.window", message)
    })
}

pub(super) fn list(system: &System, text: &CampaignQueryText) -> Result<CampaignPage, Failure> {
    let (limit, now) = (rows(text.limit), system.clock.now());
    let after = text.after.as_deref().map(|id| hex::decode(id).ok()?.try_into().ok());
    let malformed =
        || Failure::new(Exit::Usage, "place.malformed", "that is not the `next` of a page before");
    let after = after.map(|after: Option<[u8; 32]>| after.ok_or_else(malformed)).transpose()?;
    let standing = text.state.as_deref().map(standing).transpose()?;
    let query = CampaignQuery { standing, now, after, limit };
    let found = system.campaigns.campaigns(&query).map_err(unavailable)?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| hex::encode(last.digest));
    let campaigns = found.iter().map(|campaign| view(system, campaign)).collect::<Result<_, _>>()?;
    Ok(CampaignPage { campaigns, next })
}

pub(super) fn show(system: &System, id: &str) -> Result<CampaignView, Failure> {
    view(system, &find(system, id)?)
}

pub(super) fn act(
    system: &System,
    peer: &Peer,
    id: &str,
    text: CampaignActText,
) -> Result<CampaignView, Failure> {
    let act = match (text.act.as_str(), text.reason) {
        ("request", None) => CampaignAct::Request,
        ("pause", Some(reason)) => CampaignAct::Pause { reason },
        ("resume", None) => CampaignAct::Resume,
        ("abandon", Some(reason)) => CampaignAct::Abandon { reason },
        _ => {
            let message = "a campaign is requested or resumed, and paused or abandoned for a reason";
            return Err(Failure::new(Exit::Usage, "campaign.act", message));
        }
    };
    take(system, peer, id, act)
}

pub(super) fn decide(
    system: &System,
    peer: &Peer,
    id: &str,
    text: CampaignActText,
) -> Result<CampaignView, Failure> {
    let verdict = match (text.act.as_str(), text.reason) {
        ("approve", None) => Verdict::Approve,
        ("refuse", Some(reason)) => Verdict::Refuse { reason },
        _ => {
            let message = "a campaign is approved, or refused for a reason";
            return Err(Failure::new(Exit::Usage, "campaign.act", message));
        }
    };
    take(system, peer, id, CampaignAct::Decide(verdict))
}

fn take(system: &System, peer: &Peer, id: &str, act: CampaignAct) -> Result<CampaignView, Failure> {
    let campaign = find(system, id)?;
    let (actor, now) = (operator(&system.tenant, peer)?, system.clock.now());
    let taken = at_desk(system, |desk| desk.take(&actor, campaign.digest, act, now));
    view(system, &taken.map_err(|error| told(system, peer, error, &campaign.digest))?)
}

pub(super) fn devices(system: &System, id: &str, text: &MemberQueryText) -> Result<MemberPage, Failure> {
    let (campaign, limit) = (find(system, id)?, rows(text.limit));
    let after = text.after.as_deref().map(title).transpose()?;
    let members = if text.stuck {
        let after = after
            .map(|after| system.swaps.member(&campaign.digest, &after).map_err(unavailable))
            .transpose()?
            .flatten();
        let query = AgendaQuery {
            campaign: campaign.digest,
            phase: Phase::Stuck,
            until: None,
            after: after.map(|(member, _)| member.place()),
            limit,
        };
        system.swaps.agenda(&query).map_err(unavailable)?
    } else {
        system.campaigns.members(&campaign.digest, after.as_ref(), limit).map_err(unavailable)?
    };
    let next = members.last().filter(|_| members.len() == limit).map(|last| last.title.to_string());
    let mut devices = Vec::new();
    for member in &members {
        let found = system.swaps.member(&campaign.digest, &member.title).map_err(unavailable)?;
        devices.push(member_view(member, &found.map(|(_, swaps)| swaps).unwrap_or_default(), &[]));
    }
    Ok(MemberPage { devices, next })
}

pub(super) fn device(system: &System, id: &str, text: &str) -> Result<MemberView, Failure> {
    let (campaign, title) = (find(system, id)?, title(text)?);
    let found = system.swaps.member(&campaign.digest, &title).map_err(unavailable)?;
    let (member, swaps) = found.ok_or_else(|| {
        Failure::new(
            Exit::NotFound,
            "swap.unknown",
            format!("{title} is not in the campaign {}", campaign.name),
        )
    })?;
    let evidence = system.swaps.evidence(&title).map_err(unavailable)?;
    let evidence: Vec<Evidence> =
        evidence.into_iter().filter(|one| one.campaign == campaign.digest).collect();
    Ok(member_view(&member, &swaps, &evidence))
}

/// Has what is stuck tried again.
pub(super) fn again(system: &System, peer: &Peer, id: &str) -> Result<AgainView, Failure> {
    let campaign = find(system, id)?;
    let actor = operator(&system.tenant, peer)?.to_string();
    let mut taken = 0_u64;
    loop {
        let query = AgendaQuery {
            campaign: campaign.digest,
            phase: Phase::Stuck,
            until: None,
            after: None,
            limit: TOGETHER,
        };
        let members = system.swaps.agenda(&query).map_err(unavailable)?;
        let mut events = Vec::new();
        for member in &members {
            let found = system.swaps.member(&campaign.digest, &member.title).map_err(unavailable)?;
            let stuck = found.into_iter().flat_map(|(_, swaps)| swaps).filter(|swap| swap.stuck);
            events.extend(stuck.map(|swap| SwapEvent {
                campaign: campaign.digest,
                title: swap.title,
                purpose: swap.purpose,
                event: Event::Again,
                now: system.clock.now(),
                actor: actor.clone(),
            }));
        }
        let outcomes = system.swaps.record_swap_events(events).map_err(unavailable)?;
        if !outcomes.iter().any(Result::is_ok) {
            return Ok(AgainView { devices: taken });
        }
        taken = taken.saturating_add(u64::try_from(members.len()).unwrap_or(u64::MAX));
    }
}

/// Finds the one campaign whose digest begins so, or that is called so.
pub(super) fn find(system: &System, id: &str) -> Result<Campaign, Failure> {
    let digest = hex::decode(id).ok().filter(|_| (SHORTEST_ID..=64).contains(&id.len()));
    let mut found = match digest {
        Some(digest) => system.campaigns.campaigns_named(&digest).map_err(unavailable)?,
        None => Vec::new(),
    };
    if found.is_empty() {
        let query =
            CampaignQuery { standing: None, now: system.clock.now(), after: None, limit: rows(u32::MAX) };
        let all = system.campaigns.campaigns(&query).map_err(unavailable)?;
        found = all.into_iter().filter(|campaign| campaign.name == id).collect();
    }
    match (found.pop(), found.is_empty()) {
        (Some(campaign), true) => Ok(campaign),
        (Some(_), false) => {
            let message = format!("several campaigns are called {id}, or their digests begin so");
            Err(Failure::new(Exit::Usage, "campaign.ambiguous", message)
                .then("give more digits of the digest"))
        }
        (None, _) => {
            let message = format!("no campaign is called {id}, and the digest of none begins so");
            Err(Failure::new(Exit::NotFound, "campaign.unknown", message).then("meter-pki campaign list"))
        }
    }
}

fn standing(text: &str) -> Result<CampaignStanding, Failure> {
    let known = || CampaignStanding::ALL.map(CampaignStanding::name);
    CampaignStanding::from_name(text).ok_or_else(|| unknown_state(text, &known()))
}

/// Records a refusal.
fn told(system: &System, peer: &Peer, error: CampaignError, digest: &[u8]) -> Failure {
    let exit = match (&error, error.fault()) {
        (
            CampaignError::NotEntitled
            | CampaignError::Conflict(CampaignConflict::SameOperator | CampaignConflict::OwnCampaign),
            _,
        ) => Exit::Permission,
        (CampaignError::Conflict(CampaignConflict::Unknown), _) => Exit::NotFound,
        (_, Fault::Requester) => Exit::Usage,
        (_, Fault::Conflict) => Exit::Conflict,
        (_, Fault::Unavailable) => Exit::Unavailable,
        (_, Fault::Ours) => Exit::Failed,
    };
    let next = match &error {
        CampaignError::Conflict(CampaignConflict::SameOperator | CampaignConflict::OwnCampaign) => {
            "another operator types `meter-pki campaign approve` with the same digest"
        }
        CampaignError::Conflict(_) => "meter-pki campaign list",
        CampaignError::DoorClosed { .. } => {
            "add the door to the offer in the configuration: campaign for head-ends, factory-certificate or \
             operational-certificate for devices"
        }
        CampaignError::Everything => {
            "say which: --manufacturer, --model, --batch, --region, --concentrator, --file"
        }
        CampaignError::Setup(_) => {
            "by --road head-end --security-policy WORD, once for each word, or --security-policy nothing; by --road device neither that nor --security-setup"
        }
        CampaignError::NotEntitled
        | CampaignError::Suites
        | CampaignError::Name
        | CampaignError::Profiles
        | CampaignError::NotOffered { .. }
        | CampaignError::TwiceOfAType { .. }
        | CampaignError::TooLong { .. }
        | CampaignError::Bounds { .. }
        | CampaignError::Reason
        | CampaignError::Unavailable(_) => "",
    };
    let code = error.code();
    if let CampaignError::Unavailable(error) = error {
        return unavailable(error);
    }
    let failure = Failure::new(exit, code, error).then(next);
    refused(system, (&system.tenant, peer), failure, digest.to_vec())
}

fn view(system: &System, campaign: &Campaign) -> Result<CampaignView, Failure> {
    let now = system.clock.now();
    let counts = system.campaigns.member_counts(&campaign.digest).map_err(unavailable)?;
    let mut waves: BTreeMap<u32, WaveView> = BTreeMap::new();
    let mut total = WaveView::default();
    for one in &counts {
        add(waves.entry(one.wave).or_default(), one);
        add(&mut total, one);
    }
    let stops = [&campaign.refusal, &campaign.abandoned, &campaign.paused];
    let stopped = stops.into_iter().flatten().next();
    Ok(CampaignView {
        digest: hex::encode(campaign.digest),
        tenant: campaign.tenant.to_string(),
        name: campaign.name.clone(),
        state: campaign.standing(now).name().to_owned(),
        goal: campaign.goal.name().to_owned(),
        road: campaign.road.name().to_owned(),
        profiles: campaign.wanted.iter().map(|one| one.profile.to_string()).collect(),
        suite: campaign.wanted.first().map_or(0, |one| one.suite.number()),
        security_setup: campaign.setup.object,
        security_policy: campaign.setup.policy.and_then(SecurityPolicy::from_bits).map(|one| one.to_string()),
        selection: campaign.selection.clone(),
        count: campaign.count,
        wave: campaign.progress.wave.saturating_add(1),
        waves: waves.into_values().collect(),
        total,
        stop_percent: campaign.stop_percent,
        per_minute: campaign.pacing.per_minute,
        per_concentrator: campaign.pacing.per_concentrator,
        window: campaign.window.map(window_text),
        needed: campaign.needed,
        planned: mark(&campaign.planned),
        expires_at: campaign.expires_at.to_string(),
        requested: campaign.requested.as_ref().map(mark),
        approvals: campaign.approvals.iter().map(mark).collect(),
        stopped: stopped.map(|(by, _)| mark(by)),
        stopped_for: stopped.map(|(_, reason)| reason.clone()),
        begun_at: campaign.progress.begun_at.map(|time| time.to_string()),
        finished_at: campaign.progress.finished_at.map(|time| time.to_string()),
        expected_at: expected_at(campaign, &total, now).map(|time| time.to_string()),
    })
}

/// By how it went so far.
fn expected_at(campaign: &Campaign, total: &WaveView, now: UnixTime) -> Option<UnixTime> {
    let begun_at = campaign.progress.begun_at.filter(|_| campaign.progress.finished_at.is_none())?;
    let left = i64::try_from(total.waiting.saturating_add(total.underway)).ok()?;
    let done = i64::try_from(total.done).ok().filter(|done| *done > 0)?;
    let gone = now.seconds().saturating_sub(begun_at.seconds()).max(1);
    Some(now.plus_seconds(gone.saturating_mul(left) / done))
}

fn add(wave: &mut WaveView, one: &MemberCount) {
    let field = match one.phase {
        Phase::Waiting => &mut wave.waiting,
        Phase::Due | Phase::Callable => &mut wave.underway,
        Phase::Stuck => &mut wave.stuck,
        Phase::Done => &mut wave.done,
        Phase::Ended => &mut wave.ended,
    };
    *field = field.saturating_add(one.count);
    wave.devices = wave.devices.saturating_add(one.count);
}

fn window_text(window: Window) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", time(window.from), time(window.to))
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}

fn member_view(member: &Member, swaps: &[Swap], evidence: &[Evidence]) -> MemberView {
    MemberView {
        system_title: member.title.to_string(),
        wave: member.wave.saturating_add(1),
        state: member.agenda.phase.name().to_owned(),
        trouble: member.trouble.clone(),
        since: (member.agenda.at.seconds() > 0).then(|| member.agenda.at.to_string()),
        concentrator: member.concentrator.as_ref().map(ToString::to_string),
        swaps: swaps.iter().map(swap_view).collect(),
        evidence: evidence.iter().map(evidence_view).collect(),
    }
}

fn swap_view(swap: &Swap) -> SwapView {
    let proof = match &swap.stage {
        Stage::Confirmed { proof, .. } | Stage::Activated { proof, .. } => Some(proof.name().to_owned()),
        Stage::Planned
        | Stage::Claimed
        | Stage::KeyGenerated
        | Stage::Requested { .. }
        | Stage::Issued(_)
        | Stage::Importing { .. }
        | Stage::Imported(_)
        | Stage::Withdrawing { .. }
        | Stage::Undone { .. } => None,
    };
    SwapView {
        purpose: swap.purpose.name().to_owned(),
        stage: swap.stage.name().to_owned(),
        since: swap.since.to_string(),
        attempts: swap.attempts,
        restarts: swap.restarts,
        stuck: swap.stuck,
        trouble: swap.trouble.as_ref().map(|trouble| trouble.code().to_owned()),
        serial: swap.stage.made().map(|made| made.certificate.serial.to_string()),
        proof,
        passed: swap.passed.iter().map(passed_view).collect(),
    }
}

fn passed_view(passed: &Passed) -> PassedView {
    PassedView { stage: passed.stage.to_owned(), at: passed.at.to_string(), record: passed.record }
}

fn evidence_view(evidence: &Evidence) -> EvidenceView {
    let certificates = evidence.certificates.iter().map(|one| SwappedView {
        purpose: one.purpose.name().to_owned(),
        serial: one.certificate.serial.to_string(),
        sha256: hex::encode(one.digest),
        proof: one.proof.name().to_owned(),
        passed: one.passed.iter().map(passed_view).collect(),
    });
    EvidenceView {
        campaign: hex::encode(evidence.campaign),
        goal: evidence.goal.name().to_owned(),
        finished_at: evidence.finished_at.to_string(),
        record: evidence.record,
        factory_record: evidence.factory_record,
        certificates: certificates.collect(),
    }
}
