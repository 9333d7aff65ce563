//! The fleet: devices are found by whatever is known of them, counted without being gone through, and followed; what is out of
//! service gets nothing.

use std::collections::BTreeMap;

use ca_core::audit::{Act, AuditRecord};
use ca_core::ports::{Fleet, Ledger, Registry};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    ChangeOutcome, ChangeRefusal, Device, DeviceAct, DeviceChange, DeviceEventKind, DeviceField, DeviceQuery,
    DeviceState, ExpectedDevice, IllegalTransition, IntentConflict, OutOfUse, SlotUse, titles_named,
};
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;

use super::backup::{copied, restored};
use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, expected, id, intent, issued, listed_devices,
    tenant, title,
};
use crate::{EngineKind, Store};

const FLEET: u16 = 400;

fn numbered(number: u16) -> SystemTitle {
    let [high, low] = number.to_be_bytes();
    let flag = if number.is_multiple_of(3) { *b"MPK" } else { *b"XYZ" };
    SystemTitle::new([flag[0], flag[1], flag[2], 1, 0, 0, high, low])
}

/// A device whose fields repeat with different periods, so that every combination has its own devices.
fn described(number: u16) -> ExpectedDevice {
    let shard = |text: String| Shard::parse(&text).ok();
    ExpectedDevice {
        manufacturer: (!number.is_multiple_of(5)).then(|| tenant("maker")),
        serial_number: format!("S{number}"),
        model: format!("E{}", number % 4),
        firmware: if number.is_multiple_of(7) { String::new() } else { format!("1.{}", number % 6) },
        batch: format!("lot {}", number % 9),
        region: shard(format!("r{}", number % 3)),
        concentrator: shard(format!("c{}", number % 40)),
        ..ExpectedDevice::new(tenant("dso"), numbered(number))
    }
}

pub(super) fn change(act: DeviceAct, titles: &[SystemTitle], to: Option<&str>) -> DeviceChange {
    let told = match act {
        DeviceAct::Ship => Act::DevicesShipped,
        DeviceAct::Suspend => Act::DevicesSuspended,
        DeviceAct::Resume => Act::DevicesResumed,
        DeviceAct::Retire => Act::DevicesRetired,
        DeviceAct::Receive | DeviceAct::Claim | DeviceAct::Operate | DeviceAct::Transfer => Act::DevicesMoved,
    };
    let mut event = event(told);
    event.detail = match to {
        Some(to) => format!("to {to}; sold"),
        None => "stolen".to_owned(),
    };
    DeviceChange { tenant: tenant("dso"), titles: titles.to_vec(), act, to: to.map(tenant), event }
}

pub(super) fn act(store: &Store, act: DeviceAct, titles: &[SystemTitle], to: Option<&str>) -> ChangeOutcome {
    store.change_devices(change(act, titles, to)).unwrap()
}

fn delivered(ground: &Ground) -> Store {
    let store = ground.open();
    let devices = (0..FLEET).map(described).collect();
    store.import_devices(devices, event(Act::DevicesImported)).unwrap();
    let every = |step: u16| (0..FLEET).step_by(usize::from(step)).map(numbered).collect::<Vec<_>>();
    act(&store, DeviceAct::Suspend, &every(10), None);
    act(&store, DeviceAct::Retire, &every(20), None);
    store
}

/// Everything that is found, page by page.
fn all(store: &Store, query: &DeviceQuery) -> Vec<Device> {
    let (mut query, mut devices) = (query.clone(), Vec::new());
    loop {
        let page = store.find_devices(&query).unwrap();
        assert!(page.devices.len() <= query.limit);
        devices.extend(page.devices);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return devices,
        }
    }
}

fn finds_by_any_combination_what_going_through_all_would_find(ground: &Ground) {
    let store = delivered(ground);
    let everything = all(&store, &DeviceQuery::of(tenant("dso"), 33));
    assert_eq!(everything.len(), usize::from(FLEET));
    let field = |field, text: &str| DeviceQuery {
        fields: vec![(field, text.to_owned())],
        ..DeviceQuery::of(tenant("dso"), 7)
    };
    let mut queries: Vec<DeviceQuery> = vec![
        field(DeviceField::Manufacturer, "maker"),
        field(DeviceField::Model, "E2"),
        field(DeviceField::Firmware, "1.3"),
        field(DeviceField::Batch, "lot 8"),
        field(DeviceField::Region, "r1"),
        field(DeviceField::Concentrator, "c39"),
        field(DeviceField::SerialNumber, "S17"),
        field(DeviceField::Model, "E9"),
        DeviceQuery { without_operational: true, ..DeviceQuery::of(tenant("dso"), 90) },
        DeviceQuery { title_prefix: b"MPK".to_vec(), ..DeviceQuery::of(tenant("dso"), 9) },
    ];
    queries.extend(
        DeviceState::ALL.map(|state| DeviceQuery { state: Some(state), ..field(DeviceField::Region, "r2") }),
    );
    queries.extend(DeviceState::ALL.map(|state| DeviceQuery {
        state: Some(state),
        fields: vec![(DeviceField::Model, "E0".to_owned()), (DeviceField::Region, "r0".to_owned())],
        title_prefix: b"XYZ".to_vec(),
        ..DeviceQuery::of(tenant("dso"), 5)
    }));
    for query in queries {
        let meant = |device: &&Device| {
            query.state.is_none_or(|state| device.state == state)
                && query.fields.iter().all(|(field, text)| device.expected.field(*field) == Some(text))
                && device.expected.title.octets().starts_with(&query.title_prefix)
        };
        let wanted: Vec<Device> = everything.iter().filter(meant).cloned().collect();
        assert_eq!(all(&store, &query), wanted, "{query:?}");
        let others = DeviceQuery { tenant: tenant("dso-2"), ..query };
        assert_eq!(all(&store, &others), [], "another owner has none");
    }
}

fn a_search_looks_at_no_more_than_the_smallest_index(ground: &Ground) {
    let store = delivered(ground);
    let query = DeviceQuery {
        state: Some(DeviceState::Expected),
        fields: vec![
            (DeviceField::Region, "r1".to_owned()),
            (DeviceField::Concentrator, "c1".to_owned()),
            (DeviceField::Model, "E1".to_owned()),
        ],
        ..DeviceQuery::of(tenant("dso"), 100)
    };
    let found = store.find_devices(&query).unwrap();
    assert_eq!(found.looked_at, 10, "as many as there are behind the concentrator");
    assert!(!found.devices.is_empty() && found.devices.len() < 10);
    let nobody = DeviceQuery { state: Some(DeviceState::Claimed), ..query };
    assert_eq!(store.find_devices(&nobody).unwrap().looked_at, 0, "the counts say that there is none");
}

fn counted(store: &Store, field: Option<DeviceField>) -> BTreeMap<String, [u64; 7]> {
    let counts = store.count_devices(&tenant("dso"), field).unwrap();
    counts.into_iter().map(|count| (count.value, count.states)).collect()
}

fn counts_are_what_counting_would_give_after_every_act(ground: &Ground) {
    let store = delivered(ground);
    let check = |store: &Store| {
        let everything = all(store, &DeviceQuery::of(tenant("dso"), 500));
        for field in DeviceField::COUNTED.map(Some).into_iter().chain([None]) {
            let mut wanted: BTreeMap<String, [u64; 7]> = BTreeMap::new();
            for device in &everything {
                let text = field.map_or(Some(""), |field| device.expected.field(field));
                let place = DeviceState::ALL.iter().position(|state| *state == device.state).unwrap();
                if let Some(text) = text {
                    wanted.entry(text.to_owned()).or_default()[place] += 1;
                }
            }
            assert_eq!(counted(store, field), wanted, "{field:?}");
        }
        store.check_integrity().unwrap();
    };
    check(&store);
    let anew = ExpectedDevice { firmware: "2.0".to_owned(), ..described(1) };
    store.import_devices(vec![anew], event(Act::DevicesImported)).unwrap();
    check(&store);
    act(&store, DeviceAct::Resume, &[numbered(10)], None);
    act(&store, DeviceAct::Transfer, &[numbered(1), numbered(3)], Some("dso-2"));
    check(&store);
    assert_eq!(store.count_devices(&tenant("dso-2"), None).unwrap()[0].total(), 2);
}

fn an_act_on_devices_says_of_each_what_became_of_it(ground: &Ground) {
    let store = ground.open();
    store.import_devices(vec![expected(1), expected(2)], event(Act::DevicesImported)).unwrap();
    let outcome = act(&store, DeviceAct::Suspend, &[title(1), title(9)], None);
    assert_eq!(outcome.changed, [title(1)]);
    assert_eq!(outcome.refused, [(title(9), ChangeRefusal::Unknown)]);
    let again = act(&store, DeviceAct::Suspend, &[title(1)], None);
    let state = DeviceState::Suspended;
    let illegal = ChangeRefusal::Illegal(IllegalTransition { act: DeviceAct::Suspend, state });
    assert_eq!((again.changed, again.records), (Vec::new(), None), "nothing is on record of it");
    assert_eq!(again.refused, [(title(1), illegal)]);
    assert_eq!(illegal.code(), "device.suspended");
    act(&store, DeviceAct::Resume, &[title(1)], None);
    assert_eq!(store.device(&title(1)).unwrap().unwrap().state, DeviceState::Expected);
    act(&store, DeviceAct::Retire, &[title(1)], None);
    let final_word = act(&store, DeviceAct::Resume, &[title(1)], None);
    assert_eq!(final_word.refused[0].1.code(), "device.retired");
    let itself = act(&store, DeviceAct::Transfer, &[title(2)], Some("dso"));
    assert_eq!(itself.refused, [(title(2), ChangeRefusal::SameOwner)]);
    let foreign = DeviceChange { tenant: tenant("dso-2"), ..change(DeviceAct::Retire, &[title(2)], None) };
    assert_eq!(store.change_devices(foreign).unwrap().refused, [(title(2), ChangeRefusal::Unknown)]);
}

fn what_is_out_of_service_gets_no_intent_through_any_door(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    store.keep(super::ground::token(1));
    let out = |how| Err(IntentConflict::DeviceOutOfUse(how));
    act(&store, DeviceAct::Suspend, &[title(1)], None);
    let asked = [
        intent(1).for_slot(1, SlotUse::First),
        intent(1).for_slot(1, SlotUse::Rotation),
        intent(1).for_slot(1, SlotUse::First).with_claim(1, 9),
        intent(1).for_slot(1, SlotUse::First).with_token(1),
    ];
    for intent in &asked {
        assert_eq!(store.record(intent.clone()), out(OutOfUse::Suspended));
    }
    act(&store, DeviceAct::Resume, &[title(1)], None);
    assert_eq!(store.record(asked[3].clone()), Ok(()), "the token was not spent");
    act(&store, DeviceAct::Retire, &[title(1)], None);
    assert_eq!(store.record(intent(2).for_slot(1, SlotUse::Rotation)), out(OutOfUse::Retired));
}

fn a_certificate_in_flight_arrives_and_the_device_stays_suspended(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    store.record(intent(1).for_slot(1, SlotUse::First).with_claim(1, 9)).unwrap();
    act(&store, DeviceAct::Suspend, &[title(1)], None);
    store.begin(1);
    store.record_issued(vec![issued(&id(1), NOW)]).unwrap();
    let device = store.device(&title(1)).unwrap().unwrap();
    assert_eq!(
        (device.state, device.suspended_from),
        (DeviceState::Suspended, Some(DeviceState::Operational))
    );
    act(&store, DeviceAct::Resume, &[title(1)], None);
    assert_eq!(store.device(&title(1)).unwrap().unwrap().state, DeviceState::Operational);
    let operational =
        DeviceQuery { state: Some(DeviceState::Operational), ..DeviceQuery::of(tenant("dso"), 9) };
    assert_eq!(all(&store, &operational).len(), 1);
}

fn kinds(store: &Store, device: u8) -> Vec<DeviceEventKind> {
    store.history(&title(device), 0, 99).unwrap().into_iter().map(|one| one.kind).collect()
}

fn a_history_names_the_record_of_everything_that_became_of_a_device(ground: &Ground) {
    use DeviceEventKind as Kind;
    let store = ground.open();
    store.expect_device(1);
    store.issue(intent(1).for_slot(1, SlotUse::First).with_claim(1, 9));
    store.issue(intent(2).for_slot(1, SlotUse::Rotation));
    store.revoke(2, ReasonCode::CertificateHold);
    store.release(2);
    store.revoke(2, ReasonCode::Superseded);
    act(&store, DeviceAct::Suspend, &[title(1)], None);
    act(&store, DeviceAct::Resume, &[title(1)], None);
    act(&store, DeviceAct::Transfer, &[title(1)], Some("dso-2"));
    let wanted = [
        Kind::Imported,
        Kind::Claimed,
        Kind::CertificateIssued,
        Kind::Operational,
        Kind::CertificateRenewed,
        Kind::CertificateHeld,
        Kind::CertificateReleased,
        Kind::CertificateRevoked,
        Kind::Suspended,
        Kind::Resumed,
        Kind::OwnerChanged,
    ];
    assert_eq!(kinds(&store, 1), wanted);
    let history = store.history(&title(1), 0, 99).unwrap();
    let trail = store.trail();
    for line in &history {
        let record = &trail[usize::try_from(line.sequence).unwrap() - 1];
        assert_eq!(record.sequence, line.sequence);
        let named = titles_named(&record.event.detail);
        let its_own = record.event.detail == title(1).to_string();
        let certificate = record.event.act.name() == line.kind.name().replace("renewed", "issued");
        assert!(named == [title(1)] || its_own || certificate, "{line:?} is told by {record:?}");
    }
    let owners: Vec<String> =
        history.iter().filter_map(|line| line.owner.as_ref()).map(ToString::to_string).collect();
    assert_eq!((owners.first().unwrap().as_str(), owners.last().unwrap().as_str()), ("dso", "dso-2"));
    let later = store.history(&title(1), history[8].sequence, 2).unwrap();
    assert_eq!(later, history[9..]);
}

fn the_new_owner_expects_a_device_anew_and_the_old_one_has_it_no_more(ground: &Ground) {
    let store = ground.open();
    store.expect_device(1);
    store.issue(intent(1).for_slot(1, SlotUse::First).with_claim(1, 9));
    act(&store, DeviceAct::Transfer, &[title(1)], Some("dso-2"));
    let device = store.device(&title(1)).unwrap().unwrap();
    assert_eq!(
        (device.state, device.claimed_by, device.expected.tenant),
        (DeviceState::Expected, None, tenant("dso-2"))
    );
    assert_eq!(listed_devices(&store, "dso", (None, 9)), []);
    assert_eq!(listed_devices(&store, "dso-2", (None, 9)).len(), 1);
    let old = store.record(intent(2).with_claim(1, 9));
    assert_eq!(old, Err(IntentConflict::DeviceNotExpected));
    let foreign = store.import_devices(vec![expected(1)], event(Act::DevicesImported)).unwrap();
    assert_eq!(foreign.refused, [title(1)], "an import never brings a device from one owner to another");
}

fn what_its_maker_has_still_cannot_be_claimed(ground: &Ground) {
    let store = ground.open();
    let made = store.record_made(vec![expected(1)], event(Act::DevicesMade)).unwrap();
    assert_eq!(made.added, 1);
    assert_eq!(store.record(intent(1).with_claim(1, 9)), Err(IntentConflict::DeviceNotExpected));
    act(&store, DeviceAct::Ship, &[title(1)], Some("dso-2"));
    let device = store.device(&title(1)).unwrap().unwrap();
    assert_eq!((device.state, device.shipped_to), (DeviceState::Shipped, Some(tenant("dso-2"))));
    assert_eq!(store.record(intent(1).with_claim(1, 9)), Err(IntentConflict::DeviceNotExpected));
    assert_eq!(kinds(&store, 1), [DeviceEventKind::Manufactured, DeviceEventKind::Shipped]);
}

fn an_act_on_many_is_told_by_as_many_records_as_it_takes_to_name_them(ground: &Ground) {
    let store = ground.open();
    let titles: Vec<SystemTitle> = (0..450).map(numbered).collect();
    store.import_devices((0..450).map(described).collect(), event(Act::DevicesImported)).unwrap();
    let before = store.trail().len();
    let outcome = act(&store, DeviceAct::Retire, &titles, None);
    assert_eq!(outcome.changed, titles);
    let told: Vec<AuditRecord> = store.trail().split_off(before);
    assert_eq!(outcome.records, Some((told[0].sequence, told[2].sequence)));
    let named: Vec<SystemTitle> = told.iter().flat_map(|record| titles_named(&record.event.detail)).collect();
    assert_eq!(named, titles);
}

fn a_copy_finds_counts_and_follows_as_the_ledger_does(ground: &Ground) {
    let store = delivered(ground);
    let (rows, _) = copied(&store);
    for kind in EngineKind::EMBEDDED {
        let (_parent, other) = restored(rows.clone(), kind);
        other.check_integrity().unwrap();
        let query = DeviceQuery::of(tenant("dso"), 500);
        assert_eq!(all(&other, &query), all(&store, &query));
        assert_eq!(counted(&other, Some(DeviceField::Model)), counted(&store, Some(DeviceField::Model)));
        let history = |store: &Store| store.history(&numbered(20), 0, 9).unwrap();
        assert_eq!(history(&other), history(&store));
    }
}

super::on_every_engine! {
    finds_by_any_combination_what_going_through_all_would_find,
    a_search_looks_at_no_more_than_the_smallest_index,
    counts_are_what_counting_would_give_after_every_act,
    an_act_on_devices_says_of_each_what_became_of_it,
    what_is_out_of_service_gets_no_intent_through_any_door,
    a_certificate_in_flight_arrives_and_the_device_stays_suspended,
    a_history_names_the_record_of_everything_that_became_of_a_device,
    the_new_owner_expects_a_device_anew_and_the_old_one_has_it_no_more,
    what_its_maker_has_still_cannot_be_claimed,
    an_act_on_many_is_told_by_as_many_records_as_it_takes_to_name_them,
    a_copy_finds_counts_and_follows_as_the_ledger_does,
}
