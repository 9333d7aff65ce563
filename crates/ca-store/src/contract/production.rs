//! Production orders: no surplus leaves, whoever asks at once; a place is given back once, by what came to nothing or by a
//! scrapped device alone; and what comes back from a log counts again.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::Production;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateStatus, Intent, IntentConflict, Mark, OrderedCertificate, OrderedTitles, ProductionConflict,
    ProductionCount, ProductionEnd, ProductionId, ProductionOf, ProductionOrder, ProductionQuery,
    ProductionRefusal, ProductionState, ScrapRecord, Scrapped, Settlement, Slot, SlotUse,
};

use super::backup::{copied, restored, sound};
use super::ground::{Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, tenant, title};
use super::races::at_once;
use crate::act::production;
use crate::engine::Durability;
use crate::transaction::Transaction;
use crate::{ExportedRecord, Places, Store};

const LAST: ca_core::validity::UnixTime = NOW.plus_seconds(1_000);

fn name(text: &str) -> ProductionId {
    ProductionId::parse(text).unwrap()
}

fn profile(purpose: KeyPurpose) -> ProfileId {
    ProfileId::parse(&format!("factory-{}", purpose.name())).unwrap()
}

fn by(name: &str) -> Mark {
    Mark { by: format!("operator:{name}"), at: NOW }
}

/// An order of so many devices, each with a certificate for signature and one for key agreement.
fn order(text: &str, ordered: u64) -> ProductionOrder {
    let one = |purpose| OrderedCertificate { purpose, profile: profile(purpose) };
    ProductionOrder {
        id: name(text),
        tenant: tenant("dso"),
        ordered,
        certificates: vec![one(KeyPurpose::Signature), one(KeyPurpose::KeyAgreement)],
        titles: OrderedTitles::Ranges(vec![(title(1), title(200))]),
        model: "M1".to_owned(),
        firmware: "1.0".to_owned(),
        batch: "lot".to_owned(),
        customer: Some(tenant("grid")),
        stations: vec!["line-1".to_owned()],
        until: LAST,
        opened: by("ada"),
        state: ProductionState::Open,
        ended: None,
        count: ProductionCount::default(),
    }
}

fn said(act: Act, what: &str) -> AuditEvent {
    AuditEvent { detail: format!("order {what}"), ..event(act) }
}

fn open(store: &Store, order: ProductionOrder) -> Result<ProductionOrder, ProductionConflict> {
    let event = said(Act::ProductionOpened, order.id.as_str());
    store.open_production(order, Vec::new(), event).unwrap()
}

fn end(store: &Store, text: &str, state: ProductionState) -> Result<ProductionOrder, ProductionConflict> {
    let act =
        if state == ProductionState::Cancelled { Act::ProductionCancelled } else { Act::ProductionClosed };
    let end = ProductionEnd {
        id: name(text),
        state,
        mark: by("bob"),
        reason: String::new(),
        event: said(act, text),
    };
    store.end_production(end).unwrap()
}

fn scrap(store: &Store, text: &str, device: u8) -> Result<Scrapped, ProductionConflict> {
    let reason = ReasonCode::CessationOfOperation;
    let event = AuditEvent {
        reason: reason.name().to_owned(),
        ..said(Act::DeviceScrapped, &format!("{text}; {}", title(device)))
    };
    store.scrap_device(ScrapRecord { id: name(text), title: title(device), reason, event }).unwrap()
}

/// An intent for a device under an order, by its name or through a station.
fn made(number: u16, device: u8, purpose: KeyPurpose, of: ProductionOf) -> Intent {
    let slot = Slot { tenant: tenant("dso"), title: title(device), hierarchy: Hierarchy::Factory, purpose };
    let mut intent = intent(number);
    intent.subject = title(device).to_string();
    intent.event.detail = format!("{} under {} version 3", title(device), profile(purpose));
    intent.event.issuer = Some(intent.id.issuer);
    intent.event.serial = Some(intent.id.serial.clone());
    intent.profile = profile(purpose);
    intent.purpose = purpose;
    intent.conditions.slot = Some((slot, SlotUse::First));
    intent.conditions.production = Some(of);
    intent
}

fn of(text: &str) -> ProductionOf {
    ProductionOf::Order(name(text))
}

fn refused(refusal: ProductionRefusal) -> Result<(), IntentConflict> {
    Err(IntentConflict::Production(refusal))
}

fn count(store: &Store, text: &str) -> ProductionCount {
    store.production(&name(text)).unwrap().unwrap().count
}

fn counted(places: u64, complete: u64, under_way: u64, scrapped: u64) -> ProductionCount {
    ProductionCount { places, complete, under_way, scrapped }
}

const DS: KeyPurpose = KeyPurpose::Signature;
const KA: KeyPurpose = KeyPurpose::KeyAgreement;

fn of_many_that_ask_at_once_as_many_devices_as_were_ordered_get_places(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 7)).unwrap();
    // Half of them by name, half through the station, each for another device.
    let outcomes = at_once(40, |number| {
        let door = if number % 2 == 0 { of("po") } else { ProductionOf::Station("line-1".to_owned()) };
        store.record(made(number, u8::try_from(number + 1).unwrap(), DS, door))
    });
    let granted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(granted, 7);
    let full = refused(ProductionRefusal::Full { ordered: 7 });
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == full));
    assert_eq!(count(&store, "po"), counted(7, 0, 7, 0));
    assert!(store.check_integrity().is_err(), "the details of these intents tell of no octets");
}

fn at_the_last_place_one_of_many_is_let_in_however_often_it_is_asked_for(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 1)).unwrap();
    for round in 0..6_u16 {
        let outcomes = at_once(16, |number| {
            let device = u8::try_from(number + 1).unwrap();
            let number = round * 16 + number;
            (number, store.record(made(number, device, DS, of("po"))))
        });
        let granted: Vec<u16> =
            outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).map(|(number, _)| *number).collect();
        assert_eq!(granted.len(), 1, "round {round}");
        // What came to nothing gives its place back, whatever became of the signature.
        let settlement = if round % 2 == 0 { Settlement::Aborted } else { Settlement::Uncertain };
        store.settle(granted[0], settlement);
        assert_eq!(count(&store, "po"), counted(0, 0, 0, 0));
    }
}

fn a_device_gets_one_certificate_for_each_purpose_and_one_place_for_all(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 1)).unwrap();
    store.issue(made(1, 1, DS, of("po")));
    assert_eq!(count(&store, "po"), counted(1, 0, 0, 0));
    // Another key for the same purpose is another identity.
    assert_eq!(store.record(made(2, 1, DS, of("po"))), refused(ProductionRefusal::Purpose));
    // Be it asked for as a renewal.
    let mut again = made(3, 1, DS, of("po"));
    again.conditions.slot = again.conditions.slot.map(|(slot, _)| (slot, SlotUse::Rotation));
    assert_eq!(store.record(again), refused(ProductionRefusal::Purpose));
    store.issue(made(4, 1, KA, of("po")));
    assert_eq!(count(&store, "po"), counted(1, 1, 0, 0));
    assert_eq!(store.record(made(5, 2, DS, of("po"))), refused(ProductionRefusal::Full { ordered: 1 }));
    let (devices, next) = store.produced(&name("po"), None, 10).unwrap();
    assert_eq!(
        (devices.len(), devices[0].title, devices[0].certificates.len(), next),
        (1, title(1), 2, None)
    );
    let said = store.trail().into_iter().filter(|record| record.event.detail.ends_with("; order po")).count();
    assert_eq!(said, 2, "each intent's record names the order");
}

fn what_the_order_does_not_say_is_refused(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 9)).unwrap();
    let other = ProfileId::parse("factory-other").unwrap();
    assert_eq!(store.record(made(1, 201, DS, of("po"))), refused(ProductionRefusal::Title));
    assert_eq!(store.record(made(2, 1, KeyPurpose::Tls, of("po"))), refused(ProductionRefusal::Purpose));
    let foreign = Intent { profile: other, ..made(3, 1, DS, of("po")) };
    assert_eq!(store.record(foreign), refused(ProductionRefusal::Purpose));
    assert_eq!(store.record(made(4, 1, DS, of("px"))), refused(ProductionRefusal::Unknown));
    assert_eq!(store.record(made(5, 1, DS, ProductionOf::None)), refused(ProductionRefusal::Required));
    let idle = ProductionOf::Station("line-2".to_owned());
    assert_eq!(store.record(made(6, 1, DS, idle)), refused(ProductionRefusal::Required));
    let late = made(7, 1, DS, of("po")).at(LAST.plus_seconds(1));
    assert_eq!(store.record(late), refused(ProductionRefusal::Expired { until: LAST }));
    let stranger = Intent { tenant: tenant("stranger"), ..made(8, 1, DS, of("po")) };
    assert_eq!(store.record(stranger), refused(ProductionRefusal::Unknown));
    assert_eq!(count(&store, "po"), counted(0, 0, 0, 0));
    // A device that is being made under one order is not made under another.
    open(&store, ProductionOrder { stations: Vec::new(), ..order("other", 9) }).unwrap();
    store.record(made(9, 1, DS, of("po"))).unwrap();
    assert_eq!(store.record(made(10, 1, KA, of("other"))), refused(ProductionRefusal::Title));
}

fn a_list_lets_in_what_is_on_it(ground: &Ground) {
    let store = ground.open();
    let listed = ProductionOrder { titles: OrderedTitles::Listed { count: 2 }, ..order("po", 2) };
    let said = said(Act::ProductionOpened, "po");
    store.open_production(listed, vec![title(3), title(250)], said).unwrap().unwrap();
    assert_eq!(store.record(made(1, 4, DS, of("po"))), refused(ProductionRefusal::Title));
    for (number, device) in [(2, 3), (3, 250)] {
        store.record(made(number, device, DS, of("po"))).unwrap();
    }
    assert_eq!(store.produced(&name("po"), None, 10).unwrap().0.len(), 2);
    let (first, next) = store.produced(&name("po"), None, 1).unwrap();
    assert_eq!((first.len(), next), (1, Some(title(3))));
    assert_eq!(store.produced(&name("po"), next.as_ref(), 10).unwrap().0[0].title, title(250));
}

fn an_order_ends_once_and_not_while_something_is_being_made(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 3)).unwrap();
    assert_eq!(open(&store, order("po", 3)), Err(ProductionConflict::Known));
    let taken = ProductionConflict::StationTaken { station: "line-1".to_owned(), by: name("po") };
    assert_eq!(open(&store, order("next", 3)), Err(taken));
    store.record(made(1, 1, DS, of("po"))).unwrap();
    let closed = || end(&store, "po", ProductionState::Closed);
    assert_eq!(closed(), Err(ProductionConflict::UnderWay { certificates: 1 }));
    store.settle(1, Settlement::Aborted);
    let order_then = closed().unwrap();
    assert_eq!(
        (order_then.state, order_then.ended),
        (ProductionState::Closed, Some((by("bob"), String::new())))
    );
    assert_eq!(closed(), Err(ProductionConflict::Ended { by: by("bob") }));
    assert_eq!(store.record(made(2, 1, DS, of("po"))), refused(ProductionRefusal::Closed));
    // The station is free for the next order, and works on that.
    open(&store, order("next", 3)).unwrap();
    store.record(made(3, 1, DS, ProductionOf::Station("line-1".to_owned()))).unwrap();
    assert_eq!(count(&store, "next"), counted(1, 0, 1, 0));
    let query =
        ProductionQuery { state: Some(ProductionState::Open), limit: 9, ..ProductionQuery::default() };
    let found: Vec<_> = store.productions(&query).unwrap().into_iter().map(|order| order.id).collect();
    assert_eq!(found, [name("next")]);
    assert_eq!(end(&store, "px", ProductionState::Cancelled), Err(ProductionConflict::Unknown));
}

fn a_revoked_device_keeps_its_place_until_it_is_scrapped(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 1)).unwrap();
    for (number, purpose) in [(1, DS), (2, KA)] {
        store.issue(made(number, 1, purpose, of("po")));
    }
    store.revoke(1, ReasonCode::KeyCompromise);
    assert_eq!(count(&store, "po"), counted(1, 1, 0, 0));
    assert_eq!(store.record(made(3, 1, DS, of("po"))), refused(ProductionRefusal::Purpose));
    assert_eq!(store.record(made(4, 2, DS, of("po"))), refused(ProductionRefusal::Full { ordered: 1 }));
    assert_eq!(scrap(&store, "po", 2), Err(ProductionConflict::NotMade));
    let scrapped = scrap(&store, "po", 1).unwrap();
    // What was revoked before stays as it was.
    assert_eq!(scrapped.revoked, [id(2)]);
    assert!(matches!(store.status(2), CertificateStatus::Revoked(_)));
    assert_eq!(scrapped.order.count, counted(0, 0, 0, 1));
    assert_eq!(scrap(&store, "po", 1), Err(ProductionConflict::NotMade));
    store.record(made(5, 2, DS, of("po"))).unwrap();
    assert_eq!(scrap(&store, "po", 2), Err(ProductionConflict::UnderWay { certificates: 1 }));
    let (devices, _) = store.produced(&name("po"), None, 10).unwrap();
    let told: Vec<_> = devices.iter().map(|one| (one.title, one.scrapped, one.certificates.len())).collect();
    assert_eq!(told, [(title(1), 1, 0), (title(2), 0, 1)]);
    assert_eq!(store.acts().iter().filter(|act| **act == Act::DeviceScrapped).count(), 1);
}

fn places_stand_over_a_reopening_and_what_was_open_gives_them_back(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 2)).unwrap();
    store.issue(made(1, 1, DS, of("po")));
    store.record(made(2, 2, DS, of("po"))).unwrap();
    store.record(made(3, 1, KA, of("po"))).unwrap();
    store.begin(3);
    drop(store);
    // The start settles both: one was not given to the signer, of the other nobody knows.
    let store = ground.open();
    assert_eq!(count(&store, "po"), counted(1, 0, 0, 0));
    store.issue(made(4, 1, KA, of("po")));
    store.issue(made(5, 3, DS, of("po")));
    assert_eq!(count(&store, "po"), counted(2, 1, 0, 0));
    assert_eq!(store.record(made(6, 2, DS, of("po"))), refused(ProductionRefusal::Full { ordered: 2 }));
}

/// An intent under an order whose audit event tells of it as ca-core's does.
fn sound_made(number: u16, device: u8, purpose: KeyPurpose) -> Intent {
    let (sound, made) = (sound(number), made(number, device, purpose, of("po")));
    let event = AuditEvent { detail: made.event.detail.clone(), ..sound.event };
    Intent { tbs: sound.tbs, event, ..made }
}

fn records_after(store: &Store, sequence: u64) -> Vec<Result<ExportedRecord, std::convert::Infallible>> {
    let records = ca_core::ports::StatusSource::audit_records(store, sequence, 10_000).unwrap();
    records.into_iter().map(|der| Ok(ExportedRecord { der, certificate: None })).collect()
}

fn places() -> Places {
    [DS, KA].map(|purpose| (profile(purpose), (Hierarchy::Factory, purpose))).into()
}

fn what_comes_back_from_a_log_counts_again(ground: &Ground) {
    let store = ground.open();
    open(&store, order("po", 2)).unwrap();
    store.record(sound_made(1, 1, DS)).unwrap();
    let (rows, report) = copied(&store);
    store.record(sound_made(2, 2, DS)).unwrap();
    store.record(sound_made(3, 3, DS)).unwrap_err();
    let told = records_after(&store, report.sequence);
    let (_parent, other) = restored(rows, ground.kind);
    other.replay(told, &places()).unwrap();
    assert_eq!(count(&other, "po"), counted(2, 0, 2, 0));
    assert!(other.check_integrity().is_ok());
}

fn an_order_of_after_the_backup_is_told_and_opened_again_with_what_it_made(ground: &Ground) {
    let store = ground.open();
    let (rows, report) = copied(&store);
    open(&store, order("po", 1)).unwrap();
    store.record(sound_made(1, 1, DS)).unwrap();
    let told = records_after(&store, report.sequence);
    let (_parent, other) = restored(rows, ground.kind);
    let report = other.replay(told, &places()).unwrap();
    let missed: Vec<Act> = report.unrestored.iter().map(|one| one.act).collect();
    assert_eq!(missed, [Act::ProductionOpened]);
    assert_eq!(other.production(&name("po")).unwrap(), None);
    // The same rows in a ledger that is in service again: what stands for the order of this name is counted.
    let anew = ground.anew();
    let store = anew.open();
    let intended = Intent { conditions: Default::default(), ..sound_made(1, 1, DS) };
    store.record(intended).unwrap();
    let retake = |tx: &mut Transaction<'_>| {
        production::retake(tx, &name("po"), (&tenant("dso"), title(1)), (DS, &id(1)))
    };
    store.write("test", Durability::Durable, retake).unwrap();
    assert_eq!(open(&store, order("po", 1)).unwrap().count, counted(1, 0, 1, 0));
    assert_eq!(store.record(made(2, 2, DS, of("po"))), refused(ProductionRefusal::Full { ordered: 1 }));
    assert!(store.check_integrity().is_ok());
}

super::on_every_engine!(
    of_many_that_ask_at_once_as_many_devices_as_were_ordered_get_places,
    at_the_last_place_one_of_many_is_let_in_however_often_it_is_asked_for,
    a_device_gets_one_certificate_for_each_purpose_and_one_place_for_all,
    what_the_order_does_not_say_is_refused,
    a_list_lets_in_what_is_on_it,
    an_order_ends_once_and_not_while_something_is_being_made,
    a_revoked_device_keeps_its_place_until_it_is_scrapped,
    places_stand_over_a_reopening_and_what_was_open_gives_them_back,
    what_comes_back_from_a_log_counts_again,
    an_order_of_after_the_backup_is_told_and_opened_again_with_what_it_made,
);
