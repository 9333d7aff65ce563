//! Campaigns and swaps: each step once, also over a reopening between any two of them; counts that are those of the rows; and
//! what the ledger's own acts do to a swap.

use std::collections::BTreeMap;

use ca_core::audit::Act;
use ca_core::fleet::campaign::{
    Campaign, CampaignAct, CampaignConflict, CampaignProgress, CampaignStanding, Goal, Pacing, Setup, Wanted,
};
use ca_core::fleet::member::{Agenda, Member, Phase};
use ca_core::fleet::patience::Patience;
use ca_core::fleet::swap::{
    Action, Answer, Asked, Call, Event, KeyStanding, Proof, Road, Shown, Stage, Swap,
};
use ca_core::fleet::{
    AgendaQuery, Begin, Begun, CampaignDecision, CampaignQuery, CampaignTurn, MemberCount, SwapEvent,
    SwapOutcome,
};
use ca_core::ports::{Campaigns, Registry, Swaps};
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{DeviceState, ExpectedDevice, Intent, Mark, Slot, SlotUse};
use ca_core::scope::Shard;
use ca_core::suite::SecuritySuite;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, certificate, event, expected, id, intent, issuer,
    tenant, title,
};
use crate::Store;

const TYPES: [KeyPurpose; 3] = [KeyPurpose::KeyAgreement, KeyPurpose::Tls, KeyPurpose::Signature];
pub(super) const DIGEST: [u8; 32] = [7; 32];
const LEASE: i64 = 3_600;

fn by(name: &str) -> Mark {
    Mark { by: format!("operator:{name}"), at: NOW }
}

/// A campaign of so many devices in waves of these sizes.
pub(super) fn campaign(road: Road, types: &[KeyPurpose], waves: &[u64]) -> Campaign {
    let wanted = |purpose: &KeyPurpose| Wanted {
        purpose: *purpose,
        profile: ProfileId::parse("meter-op-ds-s1").unwrap(),
        issuer: issuer(1),
        suite: SecuritySuite::Suite1,
    };
    Campaign {
        digest: DIGEST,
        tenant: tenant("dso"),
        name: "spring".to_owned(),
        goal: Goal::Swap,
        road,
        wanted: types.iter().map(wanted).collect(),
        setup: Setup::default(),
        selection: "all of batch B-7".to_owned(),
        waves: waves.to_vec(),
        stop_percent: 50,
        pacing: Pacing { per_minute: 100, per_concentrator: 0 },
        window: None,
        patience: Patience::default(),
        count: waves.iter().sum(),
        listed: false,
        needed: 0,
        planned: by("ada"),
        expires_at: NOW.plus_seconds(100),
        requested: None,
        approvals: Vec::new(),
        refusal: None,
        paused: None,
        abandoned: None,
        progress: CampaignProgress::default(),
    }
}

pub(super) fn member(campaign: &Campaign, device: u8, wave: u32, concentrator: Option<&str>) -> Member {
    Member {
        campaign: campaign.digest,
        title: title(device),
        wave,
        spread: u32::from(device),
        concentrator: concentrator.map(|name| Shard::parse(name).unwrap()),
        agenda: Agenda::WAITING,
        trouble: String::new(),
    }
}

pub(super) fn start(store: &Store, campaign: Campaign, members: Vec<Member>) {
    store.plan_campaign(campaign.clone()).unwrap();
    store.plan_members(members.clone()).unwrap();
    // The same again changes nothing.
    store.plan_members(members).unwrap();
    let digest = campaign.digest;
    store.plan_campaign(Campaign { listed: true, ..campaign }).unwrap();
    act(store, digest, CampaignAct::Request).unwrap();
}

fn act(store: &Store, digest: [u8; 32], act: CampaignAct) -> Result<Campaign, CampaignConflict> {
    let decision = CampaignDecision { digest, mark: by("ada"), act, event: event(Act::CampaignRequested) };
    store.record_campaign_act(decision).unwrap()
}

pub(super) fn begin(store: &Store, devices: &[u8], now: UnixTime) -> Begun {
    let titles = devices.iter().map(|device| title(*device)).collect();
    store
        .begin_members(Begin {
            campaign: DIGEST,
            titles,
            unfit: Vec::new(),
            now,
            actor: "process:campaigns".to_owned(),
        })
        .unwrap()
}

pub(super) fn tell(
    store: &Store,
    device: u8,
    purpose: KeyPurpose,
    happened: Event,
    now: UnixTime,
) -> SwapOutcome {
    let told = SwapEvent {
        campaign: DIGEST,
        title: title(device),
        purpose,
        event: happened,
        now,
        actor: "operator:head-end".to_owned(),
    };
    store.record_swap_events(vec![told]).unwrap().remove(0)
}

pub(super) fn swap(store: &Store, device: u8, purpose: KeyPurpose) -> Swap {
    let (_, swaps) = store.member(&DIGEST, &title(device)).unwrap().unwrap();
    swaps.into_iter().find(|swap| swap.purpose == purpose).unwrap()
}

pub(super) fn phase(store: &Store, device: u8) -> Phase {
    store.member(&DIGEST, &title(device)).unwrap().unwrap().0.agenda.phase
}

/// The counts, and the agenda, are those of the devices one by one.
pub(super) fn agrees(store: &Store) {
    let members = store.members(&DIGEST, None, 1_000).unwrap();
    let mut counted: BTreeMap<(u32, Phase), u64> = BTreeMap::new();
    for member in &members {
        *counted.entry((member.wave, member.agenda.phase)).or_default() += 1;
    }
    let told: Vec<MemberCount> = store.member_counts(&DIGEST).unwrap();
    let told: BTreeMap<(u32, Phase), u64> =
        told.into_iter().map(|one| ((one.wave, one.phase), one.count)).collect();
    assert_eq!(told, counted);
    let mut listed = Vec::new();
    for phase in Phase::ALL {
        let query = AgendaQuery { campaign: DIGEST, phase, until: None, after: None, limit: 1_000 };
        let found = store.agenda(&query).unwrap();
        assert!(found.iter().all(|member| member.agenda.phase == phase));
        listed.extend(found);
    }
    listed.sort_by_key(|member| member.title);
    assert_eq!(listed, members);
    store.check_campaigns().unwrap();
}

/// The intent that answers a certification request for a swap.
pub(super) fn intent_for(number: u16, device: u8, purpose: KeyPurpose, key: [u8; 32]) -> Intent {
    let mut intent = intent(number);
    let slot =
        Slot { tenant: tenant("dso"), title: title(device), hierarchy: Hierarchy::Operational, purpose };
    intent.conditions.slot = Some((slot, SlotUse::First));
    intent.subject = title(device).to_string();
    intent.purpose = purpose;
    intent.key_fingerprint = key;
    intent
}

/// One step of the head-end or of the server for a device; tells whether there was one.
pub(super) fn one_step(store: &Store, device: u8, number: &mut u16) -> bool {
    let (_, swaps) = store.member(&DIGEST, &title(device)).unwrap().unwrap();
    let Some(one) = swaps.iter().find(|swap| !swap.is_complete()) else { return false };
    let purpose = one.purpose;
    let place = TYPES.iter().position(|known| *known == purpose).unwrap();
    let key = [100 + u8::try_from(place).unwrap(); 32];
    match one.next(NOW, &Patience::default()) {
        Action::Call(call) => {
            let given = Event::Given { call, until: NOW.plus_seconds(LEASE) };
            tell(store, device, purpose, given, NOW).unwrap();
        }
        Action::Issue => {
            *number += 1;
            store.issue(intent_for(*number, device, purpose, key));
        }
        Action::Wait(_) => {
            let given = one.given.unwrap();
            let answer = match given.call {
                Call::GenerateKeyPair => Answer::KeyMade,
                Call::GenerateRequest => Answer::Request {
                    octets: vec![0x30; 500],
                    asked: Asked { request: [1; 32], key },
                    title: Some(title(device)),
                    key: KeyStanding::New,
                },
                Call::Import => Answer::Imported,
                Call::Export => {
                    let digest = one.stage.made().unwrap().digest;
                    Answer::Exported(Shown::Certificate { digest, former: false })
                }
                Call::Activate => Answer::Activated,
                Call::ReadSuite => Answer::Suite(1),
            };
            let told = Event::Answered { turn: one.turn, answer };
            tell(store, device, purpose, told.clone(), NOW).unwrap();
            let again = tell(store, device, purpose, told, NOW);
            let finished = again.as_ref().is_err_and(|conflict| conflict.code() == "swap.finished");
            assert!(again.is_ok() || finished, "the same answer again changes nothing");
        }
        Action::Nothing | Action::Withdraw(_) => panic!("{one:?}"),
    }
    true
}

fn three_types_are_swapped_over_a_reopening_between_any_two_steps(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let planned = campaign(Road::HeadEnd, &TYPES, &[1]);
    let members = vec![member(&planned, 1, 0, Some("dc-1"))];
    start(&store, planned, members);
    assert_eq!(begin(&store, &[1], NOW), Begun { begun: 1, ..Begun::default() });
    assert_eq!(begin(&store, &[1], NOW), Begun::default(), "begun once");
    drop(store);
    let (mut number, mut steps) = (0, 0);
    loop {
        let store = ground.open();
        agrees(&store);
        let superseded = store.device(&title(1)).unwrap().unwrap().factory_superseded_at.is_some();
        let complete = TYPES.iter().all(|purpose| swap(&store, 1, *purpose).is_complete());
        assert_eq!(superseded, complete, "no sooner and no later");
        if !one_step(&store, 1, &mut number) {
            break;
        }
        steps += 1;
    }
    assert_eq!(steps, 33, "eleven for each type");
    let store = ground.open();
    assert_eq!(phase(&store, 1), Phase::Done);
    let [evidence] = store.evidence(&title(1)).unwrap().try_into().unwrap();
    assert_eq!(evidence.certificates.iter().map(|one| one.purpose).collect::<Vec<_>>(), TYPES);
    let trail = store.trail();
    let told = |record: u64| &trail[usize::try_from(record).unwrap() - 1].event;
    assert_eq!(told(evidence.record).act, Act::DeviceSwapped);
    assert_eq!(told(evidence.factory_record.unwrap()).act, Act::FactorySuperseded);
    for one in &evidence.certificates {
        assert_eq!(one.proof, Proof::Export);
        assert_eq!(one.digest, <[u8; 32]>::from(Sha256::digest(certificate(&one.certificate))));
        for passed in &one.passed {
            let told = told(passed.record);
            assert!(told.detail.contains(passed.stage) || told.act == Act::SwapBegun, "{told:?}");
        }
    }
    let turn = CampaignTurn { digest: DIGEST, now: NOW, actor: "process:campaigns".to_owned() };
    let done = store.turn_campaign(turn.clone()).unwrap().unwrap();
    assert_eq!(done.standing(NOW), CampaignStanding::Done);
    let records = store.trail().len();
    store.turn_campaign(turn).unwrap();
    assert_eq!(store.trail().len(), records, "finished once");
}

fn types_come_one_after_the_other_and_calls_of_other_types_are_out_of_order(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let planned = campaign(Road::HeadEnd, &TYPES, &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    let given = || Event::Given { call: Call::GenerateKeyPair, until: NOW.plus_seconds(LEASE) };
    let refused = tell(&store, 1, KeyPurpose::Signature, given(), NOW).unwrap_err();
    assert_eq!(refused.code(), "swap.out_of_order");
    assert!(tell(&store, 1, KeyPurpose::KeyAgreement, given(), NOW).is_ok());
    let unknown = tell(&store, 2, KeyPurpose::Signature, given(), NOW).unwrap_err();
    assert_eq!(unknown.code(), "swap.unknown");
}

/// Brings a device so far that its certification request is expected.
pub(super) fn awaiting_request(store: &Store, device: u8, purpose: KeyPurpose) -> u32 {
    let give = |call| Event::Given { call, until: NOW.plus_seconds(LEASE) };
    tell(store, device, purpose, give(Call::GenerateKeyPair), NOW).unwrap();
    let turn = swap(store, device, purpose).turn;
    tell(store, device, purpose, Event::Answered { turn, answer: Answer::KeyMade }, NOW).unwrap();
    tell(store, device, purpose, give(Call::GenerateRequest), NOW).unwrap();
    swap(store, device, purpose).turn
}

pub(super) fn request_with(device: u8, key: [u8; 32]) -> Answer {
    let asked = Asked { request: [1; 32], key };
    Answer::Request { octets: vec![0x30], asked, title: Some(title(device)), key: KeyStanding::New }
}

fn a_key_of_another_device_or_type_is_refused_and_that_is_on_record(ground: &Ground) {
    let store = ground.open();
    (1..=2).for_each(|device| store.expect_device(device));
    store.issue(intent_for(1, 2, KeyPurpose::Signature, [50; 32]));
    store.issue(intent_for(2, 1, KeyPurpose::Signature, [51; 32]));
    store.issue(intent_for(3, 1, KeyPurpose::KeyAgreement, [52; 32]));
    store.revoke(3, ReasonCode::Superseded);
    let planned = campaign(Road::HeadEnd, &[KeyPurpose::KeyAgreement], &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    let turn = awaiting_request(&store, 1, KeyPurpose::KeyAgreement);
    let bring = |answer| tell(&store, 1, KeyPurpose::KeyAgreement, Event::Answered { turn, answer }, NOW);
    let refused = |answer| bring(answer).unwrap_err().code();
    assert_eq!(refused(request_with(1, [50; 32])), "swap.key_of_other_device");
    assert_eq!(refused(request_with(1, [51; 32])), "swap.key_of_other_type");
    assert_eq!(refused(request_with(1, [52; 32])), "swap.key_not_new");
    assert_eq!(refused(request_with(2, [53; 32])), "swap.other_device");
    let records: Vec<String> = store
        .trail()
        .into_iter()
        .filter(|record| record.event.act == Act::RequestRefused)
        .map(|record| record.event.reason)
        .collect();
    let codes =
        ["swap.key_of_other_device", "swap.key_of_other_type", "swap.key_not_new", "swap.other_device"];
    assert_eq!(records, codes);
    assert!(bring(request_with(1, [54; 32])).is_ok());
}

fn a_certificate_that_is_withdrawn_is_revoked_in_the_step_that_undoes_it(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let planned = campaign(Road::HeadEnd, &[KeyPurpose::Signature], &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    let turn = awaiting_request(&store, 1, KeyPurpose::Signature);
    let told = Event::Answered { turn, answer: request_with(1, [9; 32]) };
    tell(&store, 1, KeyPurpose::Signature, told, NOW).unwrap();
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [9; 32]));
    assert_eq!(swap(&store, 1, KeyPurpose::Signature).stage.name(), "issued");
    tell(&store, 1, KeyPurpose::Signature, Event::Ended, NOW).unwrap();
    let withdrawing = swap(&store, 1, KeyPurpose::Signature);
    assert_eq!(withdrawing.next(NOW, &Patience::default()), Action::Withdraw(id(1)));
    assert_eq!(phase(&store, 1), Phase::Due);
    store.revoke(1, ReasonCode::CessationOfOperation);
    assert_eq!(swap(&store, 1, KeyPurpose::Signature).stage.name(), "undone");
    assert_eq!(phase(&store, 1), Phase::Ended);
    let device = store.device(&title(1)).unwrap().unwrap();
    assert_eq!((device.factory_superseded_at, device.state), (None, DeviceState::Expected));
    agrees(&store);
    let last = store.trail().pop().unwrap().event;
    assert_eq!(last.act, Act::SwapUndone);
}

fn a_device_that_asks_by_itself_is_followed_by_what_the_ledger_does(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let types = [KeyPurpose::Tls, KeyPurpose::Signature];
    let planned = campaign(Road::Device, &types, &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    assert!(types.iter().all(|purpose| swap(&store, 1, *purpose).stage == Stage::Planned));
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [60; 32]).with_claim(1, 5));
    assert_eq!(swap(&store, 1, KeyPurpose::Signature).stage.name(), "issued", "in its own order");
    assert_eq!(swap(&store, 1, KeyPurpose::Tls).stage.name(), "claimed");
    let factory = |store: &Store| store.device(&title(1)).unwrap().unwrap().factory_superseded_at;
    assert_eq!(factory(&store), None, "the factory certificate still opens the door");
    // It shows what it got, and asks for the other one.
    let mut second = intent_for(2, 1, KeyPurpose::Tls, [61; 32]);
    second.conditions.shown = Some(id(1));
    store.issue(second);
    assert_eq!(swap(&store, 1, KeyPurpose::Signature).stage.name(), "activated");
    assert_eq!(factory(&store), None);
    let mut third = intent_for(3, 1, KeyPurpose::KeyAgreement, [62; 32]);
    third.conditions.shown = Some(id(2));
    store.record(third).unwrap();
    assert_eq!(factory(&store), Some(NOW));
    assert_eq!(phase(&store, 1), Phase::Done);
    let [evidence] = store.evidence(&title(1)).unwrap().try_into().unwrap();
    assert!(evidence.certificates.iter().all(|one| one.proof == Proof::Use));
    agrees(&store);
}

fn what_a_device_shows_when_it_is_asked_is_what_its_campaign_waits_for_and_nothing_else_is_written(
    ground: &Ground,
) {
    let store = ground.open();
    (1..=2).for_each(|device| store.expect_device(device));
    let planned = campaign(Road::Device, &[KeyPurpose::Signature], &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [60; 32]).with_claim(1, 5));
    // Of a device in no campaign.
    store.issue(intent_for(2, 2, KeyPurpose::Signature, [61; 32]).with_claim(2, 6));
    let before = store.trail().len();
    let by = || (NOW, "uid-1001".to_owned());
    store.confirm_exported(vec![id(2), id(9)], by()).unwrap();
    assert_eq!((store.trail().len(), phase(&store, 1)), (before, Phase::Due));
    store.confirm_exported(vec![id(2), id(1)], by()).unwrap();
    assert_eq!(
        (swap(&store, 1, KeyPurpose::Signature).stage.name(), phase(&store, 1)),
        ("activated", Phase::Done)
    );
    let [evidence] = store.evidence(&title(1)).unwrap().try_into().unwrap();
    assert_eq!(evidence.certificates.iter().map(|one| one.proof).collect::<Vec<_>>(), [Proof::Export]);
    let done = store.trail().len();
    store.confirm_exported(vec![id(1)], by()).unwrap();
    assert_eq!(store.trail().len(), done, "it is known already");
    agrees(&store);
}

fn a_swap_by_a_head_end_has_its_own_export_and_no_other_confirms_it(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let planned = campaign(Road::HeadEnd, &[KeyPurpose::Signature], &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    let turn = awaiting_request(&store, 1, KeyPurpose::Signature);
    let told = Event::Answered { turn, answer: request_with(1, [9; 32]) };
    tell(&store, 1, KeyPurpose::Signature, told, NOW).unwrap();
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [9; 32]));
    let before = store.trail().len();
    store.confirm_exported(vec![id(1)], (NOW, "uid-1001".to_owned())).unwrap();
    assert_eq!(
        (swap(&store, 1, KeyPurpose::Signature).stage.name(), store.trail().len()),
        ("issued", before)
    );
}

fn a_revoked_certificate_is_no_reason_to_supersede_the_factory_certificate(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let types = [KeyPurpose::Tls, KeyPurpose::Signature];
    let planned = campaign(Road::Device, &types, &[1]);
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [60; 32]).with_claim(1, 5));
    let mut second = intent_for(2, 1, KeyPurpose::Tls, [61; 32]);
    second.conditions.shown = Some(id(1));
    store.issue(second);
    store.revoke(1, ReasonCode::KeyCompromise);
    let mut third = intent_for(3, 1, KeyPurpose::KeyAgreement, [62; 32]);
    third.conditions.shown = Some(id(2));
    store.record(third).unwrap();
    assert_eq!(swap(&store, 1, KeyPurpose::Tls).stage.name(), "activated");
    assert_eq!(phase(&store, 1), Phase::Stuck);
    assert_eq!(store.device(&title(1)).unwrap().unwrap().factory_superseded_at, None);
    let (member, _) = store.member(&DIGEST, &title(1)).unwrap().unwrap();
    assert_eq!(member.trouble, "swap.certificate_revoked");
}

fn devices_are_begun_within_pace_wave_and_concentrator_and_only_their_owners(ground: &Ground) {
    let store = ground.open();
    (1..=6).for_each(|device| store.expect_device(device));
    let foreign = ExpectedDevice { tenant: tenant("other"), ..expected(7) };
    store.import_devices(vec![foreign], event(Act::DevicesImported)).unwrap();
    let pacing = Pacing { per_minute: 3, per_concentrator: 1 };
    let planned = Campaign { pacing, ..campaign(Road::HeadEnd, &[KeyPurpose::Tls], &[6, 2]) };
    let at = |device, concentrator| member(&planned, device, 0, concentrator);
    let members = vec![
        at(1, Some("dc-1")),
        at(2, Some("dc-1")),
        at(3, Some("dc-2")),
        at(4, None),
        at(5, None),
        at(7, None),
        member(&planned, 6, 1, None),
        member(&planned, 8, 1, None),
    ];
    start(&store, planned.clone(), members);
    let begun = begin(&store, &[1, 2, 3, 7, 4, 5, 6], NOW);
    // Device 2 is behind the concentrator of 1, 7 is another's, 5 is one too many in a minute, 6 is of the next wave.
    assert_eq!(begun, Begun { begun: 3, left_out: 1, later: 3 });
    let (left_out, _) = store.member(&DIGEST, &title(7)).unwrap().unwrap();
    assert_eq!((left_out.agenda.phase, left_out.trouble.as_str()), (Phase::Ended, "swap.not_expected"));
    assert_eq!(begin(&store, &[5], NOW).later, 1);
    assert_eq!(begin(&store, &[2, 5], NOW.plus_seconds(60)), Begun { begun: 1, left_out: 0, later: 1 });
    agrees(&store);
    // Another campaign does not take a certificate that this one is at work on.
    let other = Campaign { digest: [8; 32], ..campaign(Road::HeadEnd, &[KeyPurpose::Tls], &[1]) };
    let members = vec![member(&other, 1, 0, None)];
    start(&store, other, members);
    let actor = "process:x".to_owned();
    let begin = Begin { campaign: [8; 32], titles: vec![title(1)], unfit: Vec::new(), now: NOW, actor };
    assert_eq!(store.begin_members(begin).unwrap(), Begun { left_out: 1, ..Begun::default() });
    let (left_out, _) = store.member(&[8; 32], &title(1)).unwrap().unwrap();
    assert_eq!(left_out.trouble, "swap.in_other_campaign");
}

/// Lets every attempt of a device run out.
fn let_run_out(store: &Store, device: u8, purpose: KeyPurpose) {
    let mut now = NOW;
    while phase(store, device) != Phase::Stuck {
        let given = Event::Given { call: Call::GenerateKeyPair, until: now };
        drop(tell(store, device, purpose, given, now));
        now = now.plus_seconds(100_000);
        tell(store, device, purpose, Event::Elapsed, now).unwrap();
    }
}

fn too_many_stuck_devices_stop_a_wave_and_the_next_begins_when_one_is_over(ground: &Ground) {
    let store = ground.open();
    (1..=4).for_each(|device| store.expect_device(device));
    let purpose = KeyPurpose::Signature;
    let planned = campaign(Road::HeadEnd, &[purpose], &[3, 1]);
    let members = (1..=4).map(|device| member(&planned, device, u32::from(device == 4), None)).collect();
    start(&store, planned, members);
    begin(&store, &[1, 2, 3], NOW);
    let turn = || {
        let turn = CampaignTurn { digest: DIGEST, now: NOW, actor: "process:campaigns".to_owned() };
        store.turn_campaign(turn).unwrap().unwrap()
    };
    let_run_out(&store, 1, purpose);
    assert_eq!(turn().standing(NOW), CampaignStanding::Running, "one of three is half or less");
    let_run_out(&store, 2, purpose);
    let stopped = turn();
    assert_eq!(stopped.standing(NOW), CampaignStanding::Paused);
    assert_eq!(stopped.paused.unwrap().1, "2 devices of wave 1 are stuck");
    assert_eq!(begin(&store, &[4], NOW).later, 1);
    // What is under way goes on.
    let mut number = 0;
    while one_step(&store, 3, &mut number) {}
    for device in [1, 2] {
        tell(&store, device, purpose, Event::Again, NOW).unwrap();
    }
    act(&store, DIGEST, CampaignAct::Resume).unwrap();
    assert_eq!(turn().progress.wave, 0, "two are under way again");
    for device in [1, 2] {
        // Keys of their own.
        let turn = awaiting_request(&store, device, purpose);
        let told = Event::Answered { turn, answer: request_with(device, [70 + device; 32]) };
        tell(&store, device, purpose, told, NOW).unwrap();
        store.issue(intent_for(100 + u16::from(device), device, purpose, [70 + device; 32]));
        while one_step(&store, device, &mut number) {}
    }
    assert_eq!(turn().progress.wave, 1);
    assert_eq!(begin(&store, &[4], NOW).begun, 1);
    // It is given up: nothing was done to the last one yet.
    act(&store, DIGEST, CampaignAct::Abandon { reason: "enough".to_owned() }).unwrap();
    assert_eq!(turn().standing(NOW), CampaignStanding::Ending);
    tell(&store, 4, purpose, Event::Ended, NOW).unwrap();
    assert_eq!(turn().standing(NOW), CampaignStanding::Abandoned);
    agrees(&store);
}

fn a_plan_that_nobody_asked_for_is_forgotten_with_its_devices(ground: &Ground) {
    let store = ground.open();
    let planned = campaign(Road::HeadEnd, &TYPES, &[20]);
    store.plan_campaign(planned.clone()).unwrap();
    store.plan_members((1..=20).map(|device| member(&planned, device, 0, None)).collect()).unwrap();
    let unlisted = act(&store, DIGEST, CampaignAct::Request);
    assert_eq!(unlisted, Err(CampaignConflict::Unknown), "its list is not whole");
    assert!(!store.forget_campaigns(NOW.plus_seconds(100), 8).unwrap(), "its last second");
    let late = NOW.plus_seconds(101);
    let mut rounds = 0;
    while store.forget_campaigns(late, 8).unwrap() {
        rounds += 1;
    }
    assert_eq!(rounds, 2);
    assert!(store.members(&DIGEST, None, 10).unwrap().is_empty());
    assert!(store.member_counts(&DIGEST).unwrap().is_empty());
    let all = CampaignQuery { standing: None, now: late, after: None, limit: 9 };
    assert!(store.campaigns(&all).unwrap().is_empty());
}

super::on_every_engine!(
    three_types_are_swapped_over_a_reopening_between_any_two_steps,
    types_come_one_after_the_other_and_calls_of_other_types_are_out_of_order,
    a_key_of_another_device_or_type_is_refused_and_that_is_on_record,
    a_certificate_that_is_withdrawn_is_revoked_in_the_step_that_undoes_it,
    a_device_that_asks_by_itself_is_followed_by_what_the_ledger_does,
    what_a_device_shows_when_it_is_asked_is_what_its_campaign_waits_for_and_nothing_else_is_written,
    a_swap_by_a_head_end_has_its_own_export_and_no_other_confirms_it,
    a_revoked_certificate_is_no_reason_to_supersede_the_factory_certificate,
    devices_are_begun_within_pace_wave_and_concentrator_and_only_their_owners,
    too_many_stuck_devices_stop_a_wave_and_the_next_begins_when_one_is_over,
    a_plan_that_nobody_asked_for_is_forgotten_with_its_devices,
);
