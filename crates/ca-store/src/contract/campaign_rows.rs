//! What campaigns leave on record beside their devices: what a certificate replaced until it is in use, and rows that do not fit
//! to each other, which the check of the ledger finds.

use ca_core::fleet::Begin;
use ca_core::fleet::Begun;
use ca_core::fleet::campaign::{Campaign, Goal};
use ca_core::fleet::member::Phase;
use ca_core::fleet::swap::{Event, Made, Road, Stage};
use ca_core::ports::{Ledger, Schedule, Swaps};
use ca_core::profile::KeyPurpose;
use ca_core::reason::ReasonCode;
use ca_core::record::SlotUse;
use ca_core::validity::UnixTime;

use super::campaigns::{
    DIGEST, agrees, awaiting_request, begin, campaign, intent_for, member, one_step, phase, request_with,
    start, swap, tell,
};
use super::ground::{Ground, IntentWords, LedgerWords, NOW, id, issued, title};
use crate::Store;
use crate::engine::{Durability, Write};
use crate::integrity::IntegrityFault;
use crate::keyspace::Keyspace;
use crate::row::{Row, SwapRow};

/// The revocation that is scheduled of a certificate: when it is due.
fn due(store: &Store, number: u16) -> Option<UnixTime> {
    let scheduled = store.scheduled(UnixTime::from_seconds(i64::MAX), None, 100).unwrap();
    scheduled.into_iter().find(|one| one.id == id(number)).map(|one| one.due)
}

/// Issues into the place of what a device has of a type.
fn renew(store: &Store, number: u16, purpose: KeyPurpose, now: UnixTime) {
    let mut next = intent_for(number, 1, purpose, [u8::try_from(number).unwrap(); 32]).at(now);
    next.conditions.slot = next.conditions.slot.map(|(slot, _)| (slot, SlotUse::Rotation));
    next.conditions.revoke_replaced_after = Some(1_000);
    store.record(next).unwrap();
    store.begin(number);
    store.record_issued(vec![issued(&id(number), now)]).unwrap();
}

fn what_is_replaced_is_revoked_so_long_after_the_new_certificate_is_known_to_be_in_use(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let purpose = KeyPurpose::Signature;
    store.issue(intent_for(1, 1, purpose, [1; 32]));
    // Nobody will say that it is in use: at once.
    renew(&store, 2, purpose, NOW);
    assert_eq!(due(&store, 1), Some(NOW.plus_seconds(1_000)));
    let planned = Campaign { goal: Goal::Renew, ..campaign(Road::Device, &[purpose], &[1]) };
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    renew(&store, 3, purpose, NOW.plus_seconds(50));
    assert_eq!(swap(&store, 1, purpose).stage.name(), "issued");
    assert_eq!(due(&store, 2), None, "the device may have the former one still");
    drop(store);
    let store = ground.open();
    store.check_campaigns().unwrap();
    // It lost the answer, and asks again: what nobody used is replaced with what it replaced.
    renew(&store, 4, purpose, NOW.plus_seconds(60));
    assert_eq!([2, 3].map(|number| due(&store, number)), [None, None]);
    let mut shows = intent_for(5, 1, KeyPurpose::Tls, [5; 32]).at(NOW.plus_seconds(500));
    shows.conditions.shown = Some(id(4));
    store.record(shows).unwrap();
    assert_eq!(phase(&store, 1), Phase::Done);
    assert_eq!([2, 3].map(|number| due(&store, number)), [Some(NOW.plus_seconds(1_500)); 2]);
    assert_eq!(due(&store, 4), None);
    store.check_campaigns().unwrap();
}

fn a_certificate_that_is_revoked_before_it_is_in_use_replaced_nothing(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    let purpose = KeyPurpose::Signature;
    store.issue(intent_for(1, 1, purpose, [1; 32]));
    let planned = Campaign { goal: Goal::Renew, ..campaign(Road::Device, &[purpose], &[1]) };
    let members = vec![member(&planned, 1, 0, None)];
    start(&store, planned, members);
    begin(&store, &[1], NOW);
    renew(&store, 2, purpose, NOW);
    store.revoke(2, ReasonCode::CessationOfOperation);
    let mut shows = intent_for(3, 1, KeyPurpose::Tls, [3; 32]);
    shows.conditions.shown = Some(id(2));
    store.record(shows).unwrap();
    assert_eq!(due(&store, 1), None);
}

/// Plans a campaign of one device, and begins it later.
fn begun_later(store: &Store, (goal, road): (Goal, Road), before: impl FnOnce()) {
    let types = [KeyPurpose::Signature, KeyPurpose::Tls];
    let planned = Campaign { goal, ..campaign(road, &types, &[1]) };
    let members = vec![member(&planned, 1, 0, None)];
    start(store, planned, members);
    before();
    assert_eq!(begin(store, &[1], NOW.plus_seconds(50)).begun, 1);
}

fn stages(store: &Store) -> [&'static str; 2] {
    [KeyPurpose::Signature, KeyPurpose::Tls].map(|purpose| swap(store, 1, purpose).stage.name())
}

fn a_device_that_asked_before_its_campaign_came_to_it_need_not_ask_again(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [1; 32]).at(NOW.plus_seconds(-9)));
    begun_later(&store, (Goal::Swap, Road::Device), || {
        store.issue(intent_for(2, 1, KeyPurpose::Tls, [2; 32]).at(NOW.plus_seconds(9)));
    });
    assert_eq!(stages(&store), ["issued", "issued"]);
    store.check_campaigns().unwrap();
    drop(store);
    let store = ground.open();
    // Issued is not in use: it shows one, and somebody exports the other.
    let mut shows = intent_for(3, 1, KeyPurpose::KeyAgreement, [3; 32]).at(NOW.plus_seconds(60));
    shows.conditions.shown = Some(id(2));
    store.record(shows).unwrap();
    assert_eq!((stages(&store), phase(&store, 1)), (["issued", "activated"], Phase::Due));
    store.confirm_exported(vec![id(1)], (NOW.plus_seconds(70), "operator:head-end".to_owned())).unwrap();
    assert_eq!(phase(&store, 1), Phase::Done);
    agrees(&store);
}

fn what_a_device_had_before_is_not_what_a_campaign_has_it_ask_for(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    store.issue(intent_for(1, 1, KeyPurpose::Signature, [1; 32]).at(NOW.plus_seconds(-1)));
    begun_later(&store, (Goal::Renew, Road::Device), || {
        store.issue(intent_for(2, 1, KeyPurpose::Tls, [2; 32]));
        store.revoke(2, ReasonCode::CessationOfOperation);
    });
    // One is older than the plan, the other one revoked.
    assert_eq!(stages(&store), ["claimed", "claimed"]);
}

fn a_head_end_makes_new_keys_whatever_there_was(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    begun_later(&store, (Goal::Swap, Road::HeadEnd), || {
        store.issue(intent_for(1, 1, KeyPurpose::Signature, [1; 32]));
    });
    assert_eq!(stages(&store), ["claimed", "claimed"]);
}

fn a_device_that_does_not_fit_any_more_is_not_begun_and_says_why(ground: &Ground) {
    let store = ground.open();
    (1..=3).for_each(|device| store.expect_device(device));
    let planned = campaign(Road::HeadEnd, &[KeyPurpose::Tls], &[2, 1]);
    let members = (1..=3).map(|device| member(&planned, device, u32::from(device == 3), None)).collect();
    start(&store, planned, members);
    let unfit = [1, 3].map(|device| (title(device), "swap.other_suite")).to_vec();
    let actor = "process:campaigns".to_owned();
    let begin = Begin { campaign: DIGEST, titles: vec![title(2)], unfit, now: NOW, actor };
    assert_eq!(store.begin_members(begin).unwrap(), Begun { begun: 1, left_out: 1, later: 0 });
    let (left_out, swaps) = store.member(&DIGEST, &title(1)).unwrap().unwrap();
    assert_eq!((left_out.agenda.phase, left_out.trouble.as_str()), (Phase::Ended, "swap.other_suite"));
    assert!(swaps.is_empty());
    assert_eq!(phase(&store, 3), Phase::Waiting, "it is of a later wave");
    agrees(&store);
    store.check_campaigns().unwrap();
}

/// A device that is done, one that is under way, one that is not begun.
fn three_devices(store: &Store) {
    (1..=3).for_each(|device| store.expect_device(device));
    let planned = campaign(Road::HeadEnd, &[KeyPurpose::Tls], &[3]);
    let members = (1..=3).map(|device| member(&planned, device, 0, Some("dc-1"))).collect();
    start(store, planned, members);
    begin(store, &[1, 2], NOW);
    let mut number = 0;
    while one_step(store, 1, &mut number) {}
    let purpose = KeyPurpose::Tls;
    let turn = awaiting_request(store, 2, purpose);
    let told = Event::Answered { turn, answer: request_with(2, [9; 32]) };
    tell(store, 2, purpose, told, NOW).unwrap();
    store.issue(intent_for(200, 2, purpose, [9; 32]));
    assert_eq!([1, 2, 3].map(|device| phase(store, device)), [Phase::Done, Phase::Callable, Phase::Waiting]);
}

fn a_row_of_a_campaign_that_is_lost_or_added_or_tells_of_another_certificate_is_found(ground: &Ground) {
    let store = ground.open();
    three_devices(&store);
    store.check_campaigns().unwrap();
    drop(store);
    let write = |keyspace, key: &[u8], value: Option<Vec<u8>>| {
        let (directory, engine) = ground.engine();
        let write = Write { keyspace, key: key.to_vec(), value };
        engine.commit(vec![write], Durability::Durable).unwrap();
        drop((directory, engine));
    };
    let rows = |keyspace| {
        let (directory, engine) = ground.engine();
        let rows = engine.view().unwrap().rows_after(keyspace, &[], &[], 9).unwrap();
        drop((directory, engine));
        rows
    };
    let is_found = |what: &str| {
        let store = ground.open();
        let found = store.check_campaigns();
        assert!(matches!(found, Err(IntegrityFault::Campaign { .. })), "{what}: {found:?}");
    };
    for keyspace in [
        Keyspace::Campaigns,
        Keyspace::CampaignMembers,
        Keyspace::CampaignAgenda,
        Keyspace::CampaignCounts,
        Keyspace::CampaignPlaces,
        Keyspace::Evidence,
    ] {
        let (key, value) = rows(keyspace).remove(0);
        write(keyspace, &key, None);
        is_found(&format!("lost: {}", keyspace.name()));
        write(keyspace, &key, Some(value.clone()));
        let mut other = key.clone();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        }
        write(keyspace, &other, Some(value));
        if keyspace != Keyspace::Campaigns {
            is_found(&format!("added: {}", keyspace.name()));
        }
        write(keyspace, &other, None);
    }
    // The swap of a device that is under way, gone; and one whose certificate is another device's.
    let [first, second] = rows(Keyspace::Swaps).try_into().unwrap();
    write(Keyspace::Swaps, &second.0, None);
    is_found("lost: swaps");
    write(Keyspace::Swaps, &second.0, Some(second.1.clone()));
    let made = |octets: &[u8]| SwapRow::decode(octets).unwrap().swap.stage.made().cloned().unwrap();
    let mut mixed_up = SwapRow::decode(&second.1).unwrap();
    mixed_up.swap.stage = Stage::Issued(made(&first.1));
    write(Keyspace::Swaps, &second.0, Some(mixed_up.encode().unwrap()));
    is_found("another device's certificate");
    let mut unissued = SwapRow::decode(&second.1).unwrap();
    unissued.swap.stage = Stage::Issued(Made { certificate: id(77), ..made(&second.1) });
    write(Keyspace::Swaps, &second.0, Some(unissued.encode().unwrap()));
    is_found("a certificate that was not issued");
    write(Keyspace::Swaps, &second.0, Some(second.1));
    ground.open().check_campaigns().unwrap();
}

super::on_every_engine!(
    what_is_replaced_is_revoked_so_long_after_the_new_certificate_is_known_to_be_in_use,
    a_certificate_that_is_revoked_before_it_is_in_use_replaced_nothing,
    a_device_that_asked_before_its_campaign_came_to_it_need_not_ask_again,
    what_a_device_had_before_is_not_what_a_campaign_has_it_ask_for,
    a_head_end_makes_new_keys_whatever_there_was,
    a_device_that_does_not_fit_any_more_is_not_begun_and_says_why,
    a_row_of_a_campaign_that_is_lost_or_added_or_tells_of_another_certificate_is_found,
);
