//! Deliveries: taken in part by part, each once, whatever happens between; and what they may not do to devices on record.

use ca_core::audit::{Act, AuditEvent};
use ca_core::ports::{Deliveries, Fleet, Registry};
use ca_core::profile::KeyPurpose;
use ca_core::record::{
    CheckedDevice, CountRule, Delivery, DeliveryConflict, DeliveryPart, DeliverySource, DeviceAct,
    DeviceCredential, DeviceEventKind, DeviceQuery, DeviceState, ExpectedDevice, IntentConflict, Mark,
    PartOutcome, RefusedDevice, SecretKind, WrappedSecret,
};
use ca_core::validity::Validity;

use super::faults::{Step, try_open};
use super::fleet::act;
use super::ground::{
    END, Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, expected, intent, listed_devices, serial,
    settings, tenant, title,
};
use crate::Store;

const EIO: i32 = 5;

fn mark() -> Mark {
    Mark { by: "operator:uid-1000".to_owned(), at: NOW }
}

fn delivery(number: u8, announced: u64) -> Delivery {
    Delivery {
        digest: [number; 32],
        tenant: tenant("dso"),
        manufacturer: tenant("maker"),
        source: DeliverySource::Manifest,
        batch: "lot 1".to_owned(),
        basis: Some([number; 32]),
        announced,
        received: 0,
        imported: 0,
        unchanged: 0,
        refused: 0,
        next_part: 0,
        opened: mark(),
        closed: None,
    }
}

fn told(act: Act) -> AuditEvent {
    AuditEvent { detail: "of a delivery".to_owned(), ..event(act) }
}

/// A device that comes with one certificate, of the key with this number.
fn checked(device: u8, key: u8) -> CheckedDevice {
    let credential = DeviceCredential {
        key_fingerprint: [key; 32],
        purpose: KeyPurpose::Signature,
        issuer: "CN=Factory".to_owned(),
        serial: serial(u16::from(key)),
        validity: Validity::new(NOW, END).unwrap(),
        certificate: vec![0x30, key],
    };
    let secret =
        WrappedSecret { kind: SecretKind::Gak, wrapped_by: "wrap 1".to_owned(), octets: vec![device; 24] };
    CheckedDevice { expected: expected(device), credentials: vec![credential], secrets: vec![secret] }
}

fn part(number: u8, part: u32, devices: Vec<CheckedDevice>) -> DeliveryPart {
    let content = [devices.len().to_le_bytes()[0] ^ 0xA0; 32];
    let event = told(Act::DeliveryPartTaken);
    DeliveryPart {
        digest: [number; 32],
        part,
        content,
        devices: devices.into_iter().map(Ok).collect(),
        event,
    }
}

fn open(store: &Store, number: u8, announced: u64) -> Result<Delivery, DeliveryConflict> {
    store.open_delivery(delivery(number, announced), told(Act::DeliveryOpened)).unwrap()
}

fn take(store: &Store, number: u8, place: u32, devices: Vec<CheckedDevice>) -> PartOutcome {
    store.take_part(part(number, place, devices)).unwrap().unwrap()
}

fn close(store: &Store, number: u8, count: CountRule) -> Result<Delivery, DeliveryConflict> {
    store.close_delivery(&[number; 32], (mark(), count), told(Act::DeliveryClosed)).unwrap()
}

/// Takes in a delivery of one part, and returns the code of its one refusal.
fn refused(store: &Store, number: u8, device: CheckedDevice) -> String {
    open(store, number, 1).unwrap();
    let outcome = take(store, number, 0, vec![device]);
    assert_eq!((outcome.added, outcome.unchanged), (0, 0));
    let [RefusedDevice { code, .. }] = <[_; 1]>::try_from(outcome.refused).unwrap();
    code
}

fn a_delivery_is_taken_in_part_by_part_and_once(ground: &Ground) {
    let store = ground.open();
    assert_eq!(store.take_part(part(7, 0, Vec::new())).unwrap(), Err(DeliveryConflict::Unknown));
    assert_eq!(open(&store, 7, 3).unwrap().next_part, 0);
    let early = store.take_part(part(7, 1, vec![checked(1, 1)])).unwrap();
    assert_eq!(early, Err(DeliveryConflict::PartOrder { part: 1, next: 0 }));
    let added = |added| PartOutcome { added, ..PartOutcome::default() };
    assert_eq!(take(&store, 7, 0, vec![checked(1, 1), checked(2, 2)]), added(2));
    let records = store.trail().len();
    assert_eq!(take(&store, 7, 0, vec![checked(1, 1), checked(2, 2)]), added(2), "answered again");
    assert_eq!(store.trail().len(), records, "and nothing changed");
    let other = store.take_part(part(7, 0, vec![checked(3, 3)])).unwrap();
    assert_eq!(other, Err(DeliveryConflict::PartDiffers { part: 0 }));
    let few = DeliveryConflict::Count { announced: 3, received: 2 };
    assert_eq!(close(&store, 7, CountRule::AsAnnounced), Err(few));
    assert_eq!(take(&store, 7, 1, vec![checked(3, 3)]), added(1));
    let closed = close(&store, 7, CountRule::AsAnnounced).unwrap();
    assert_eq!((closed.received, closed.imported, closed.closed.clone()), (3, 3, Some(mark())));
    assert_eq!(open(&store, 7, 3), Err(DeliveryConflict::Repeated { closed_at: NOW }));
    assert_eq!(store.deliveries(None, 9).unwrap(), std::slice::from_ref(&closed));
    assert_eq!(close(&store, 7, CountRule::AsAnnounced), Ok(closed), "closing again says the same");
    let further = store.take_part(part(7, 2, vec![checked(4, 4)])).unwrap();
    assert_eq!(further, Err(DeliveryConflict::Repeated { closed_at: NOW }));
    store.check_integrity().unwrap();
}

fn a_delivery_that_is_opened_otherwise_is_refused(ground: &Ground) {
    let store = ground.open();
    open(&store, 7, 3).unwrap();
    assert_eq!(open(&store, 7, 3).unwrap().announced, 3);
    assert_eq!(open(&store, 7, 4), Err(DeliveryConflict::Differs));
    let others = Delivery { tenant: tenant("dso-2"), ..delivery(7, 3) };
    let outcome = store.open_delivery(others, told(Act::DeliveryOpened)).unwrap();
    assert_eq!(outcome, Err(DeliveryConflict::Differs));
}

fn certificates_and_secrets_are_kept_and_devices_found_by_them(ground: &Ground) {
    let store = ground.open();
    open(&store, 7, 1).unwrap();
    take(&store, 7, 0, vec![checked(1, 5)]);
    let CheckedDevice { credentials, secrets, .. } = checked(1, 5);
    assert_eq!(store.credentials(&title(1)).unwrap(), credentials);
    assert_eq!(store.secrets(&title(1)).unwrap(), secrets);
    let query = |key, certificate, delivery| {
        let query = DeviceQuery { key, certificate, delivery, ..DeviceQuery::of(tenant("dso"), 9) };
        store.find_devices(&query).unwrap().devices.len()
    };
    assert_eq!(query(Some([5; 32]), None, None), 1);
    assert_eq!(query(Some([6; 32]), None, None), 0);
    assert_eq!(query(None, Some((serial(5), Vec::new())), None), 1);
    assert_eq!(query(None, Some((serial(6), Vec::new())), None), 0);
    assert_eq!(query(None, None, Some([7; 32])), 1);
    let history = store.history(&title(1), 0, 9).unwrap();
    assert_eq!((history[0].kind, history[0].delivery), (DeviceEventKind::Imported, Some([7; 32])));
}

fn p_11_a_key_that_is_known_elsewhere_is_refused_and_one_that_came_serves_nobody_else(ground: &Ground) {
    let store = ground.open();
    open(&store, 7, 1).unwrap();
    take(&store, 7, 0, vec![checked(1, 5)]);
    assert_eq!(refused(&store, 8, checked(2, 5)), "device.key_reused");
    let mut twice = checked(3, 6);
    let other = DeviceCredential { purpose: KeyPurpose::KeyAgreement, ..twice.credentials[0].clone() };
    twice.credentials.push(other);
    assert_eq!(refused(&store, 9, twice), "device.key_reused");
    let mut stolen = intent(1);
    stolen.key_fingerprint = [5; 32];
    assert!(matches!(store.record(stolen), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    assert_eq!(store.device(&title(2)).unwrap(), None);
}

fn only_a_key_that_was_delivered_claims_the_device(ground: &Ground) {
    let store = ground.open();
    open(&store, 7, 1).unwrap();
    take(&store, 7, 0, vec![checked(1, 5)]);
    assert_eq!(store.record(intent(1).with_claim(1, 6)), Err(IntentConflict::DeviceKeyNotDelivered));
    assert_eq!(store.record(intent(1).with_claim(1, 5)), Ok(()));
    assert_eq!(store.device(&title(1)).unwrap().unwrap().claimed_by, Some([5; 32]));
}

fn what_stands_against_a_device_is_told_by_its_code(ground: &Ground) {
    let store = ground.open();
    open(&store, 1, 3).unwrap();
    take(&store, 1, 0, vec![checked(1, 1), checked(2, 2), checked(3, 3)]);
    store.record(intent(1).with_claim(1, 1)).unwrap();
    act(&store, DeviceAct::Suspend, &[title(2)], None);
    let anew = |device, key| {
        let mut anew = checked(device, key);
        anew.expected.model = "E360".to_owned();
        anew
    };
    assert_eq!(refused(&store, 2, anew(1, 1)), "device.claimed");
    assert_eq!(refused(&store, 3, anew(2, 2)), "device.suspended");
    let mut foreign = checked(3, 3);
    foreign.expected.tenant = tenant("dso-2");
    assert_eq!(refused(&store, 4, foreign), "device.other_owner");
    open(&store, 5, 2).unwrap();
    let twice = take(&store, 5, 0, vec![checked(4, 4), anew(4, 4)]);
    assert_eq!((twice.added, twice.refused[0].code.as_str()), (1, "device.repeated"));
    open(&store, 6, 1).unwrap();
    assert_eq!(take(&store, 6, 0, vec![anew(3, 8)]).added, 1, "what only waits is described anew");
    assert_eq!(store.credentials(&title(3)).unwrap()[0].key_fingerprint, [8; 32]);
    assert_eq!(store.record(intent(2).with_claim(3, 3)), Err(IntentConflict::DeviceKeyNotDelivered));
    assert_eq!(refused(&store, 9, checked(5, 8)), "device.key_reused");
    open(&store, 10, 1).unwrap();
    assert_eq!(take(&store, 10, 0, vec![checked(5, 3)]).added, 1, "the key that was replaced is free");
    store.check_integrity().unwrap();
}

fn a_delivery_told_again_in_another_file_changes_nothing(ground: &Ground) {
    let store = ground.open();
    open(&store, 1, 1).unwrap();
    take(&store, 1, 0, vec![checked(1, 1)]);
    open(&store, 2, 1).unwrap();
    assert_eq!(take(&store, 2, 0, vec![checked(1, 1)]).unchanged, 1);
    assert_eq!(store.device(&title(1)).unwrap().unwrap().delivery, Some([1; 32]));
}

fn a_device_comes_from_its_maker_to_the_owner_it_was_sent_to_and_to_nobody_else(ground: &Ground) {
    let store = ground.open();
    let made = ExpectedDevice { tenant: tenant("maker"), ..expected(1) };
    store.record_made(vec![made], event(Act::DevicesMade)).unwrap();
    assert_eq!(refused(&store, 1, checked(1, 1)), "device.other_owner");
    let ship = |to| {
        let change = super::fleet::change(DeviceAct::Ship, &[title(1)], Some(to));
        ca_core::record::DeviceChange { tenant: tenant("maker"), ..change }
    };
    assert_eq!(store.change_devices(ship("dso")).unwrap().changed, [title(1)]);
    let mut foreign = checked(1, 1);
    foreign.expected.tenant = tenant("dso-2");
    assert_eq!(refused(&store, 2, foreign), "device.other_owner");
    open(&store, 3, 1).unwrap();
    assert_eq!(take(&store, 3, 0, vec![checked(1, 1)]).added, 1);
    let device = store.device(&title(1)).unwrap().unwrap();
    assert_eq!((device.state, device.expected.tenant), (DeviceState::Expected, tenant("dso")));
    let kinds: Vec<_> = store.history(&title(1), 0, 9).unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [DeviceEventKind::Manufactured, DeviceEventKind::Shipped, DeviceEventKind::OwnerChanged]
    );
    store.check_integrity().unwrap();
}

fn certificates_go_with_their_device_to_another_owner(ground: &Ground) {
    let store = ground.open();
    open(&store, 7, 1).unwrap();
    take(&store, 7, 0, vec![checked(1, 5)]);
    act(&store, DeviceAct::Transfer, &[title(1)], Some("dso-2"));
    for (owner, found) in [("dso", 0), ("dso-2", 1)] {
        let query =
            DeviceQuery { certificate: Some((serial(5), Vec::new())), ..DeviceQuery::of(tenant(owner), 9) };
        assert_eq!(store.find_devices(&query).unwrap().devices.len(), found, "{owner}");
    }
    store.check_integrity().unwrap();
}

fn a_part_whose_commit_fails_is_taken_in_whole_or_not_at_all(ground: &Ground) {
    for (failing, step) in [
        (2, Step::FailBefore(EIO)),
        (2, Step::FailAfter(EIO)),
        (3, Step::FailBefore(EIO)),
        (3, Step::FailAfter(EIO)),
    ] {
        let ground = ground.anew();
        let store =
            try_open(&ground, settings(), move |number, _| if number == failing { step } else { Step::Pass })
                .unwrap();
        open(&store, 7, 4).unwrap();
        let parts = |place: u32| {
            vec![
                checked(10 + 2 * u8::try_from(place).unwrap(), 1 + 2 * u8::try_from(place).unwrap()),
                checked(11 + 2 * u8::try_from(place).unwrap(), 2 + 2 * u8::try_from(place).unwrap()),
            ]
        };
        let died = (0..2).any(|place| store.take_part(part(7, place, parts(place))).is_err());
        assert!(died, "the engine fails at commit {failing}");
        drop(store);
        let store = ground.open();
        let stands = open(&store, 7, 4).unwrap();
        let devices = listed_devices(&store, "dso", (None, 99)).len();
        assert_eq!(u64::try_from(devices).unwrap(), stands.imported, "all of a part or nothing");
        for place in 0..2 {
            assert_eq!(take(&store, 7, place, parts(place)).added, 2);
        }
        assert_eq!(close(&store, 7, CountRule::AsAnnounced).unwrap().imported, 4);
        store.check_integrity().unwrap();
    }
}

super::on_every_engine! {
    a_delivery_is_taken_in_part_by_part_and_once,
    a_delivery_that_is_opened_otherwise_is_refused,
    certificates_and_secrets_are_kept_and_devices_found_by_them,
    p_11_a_key_that_is_known_elsewhere_is_refused_and_one_that_came_serves_nobody_else,
    only_a_key_that_was_delivered_claims_the_device,
    what_stands_against_a_device_is_told_by_its_code,
    a_delivery_told_again_in_another_file_changes_nothing,
    a_device_comes_from_its_maker_to_the_owner_it_was_sent_to_and_to_nobody_else,
    certificates_go_with_their_device_to_another_owner,
    a_part_whose_commit_fails_is_taken_in_whole_or_not_at_all,
}
