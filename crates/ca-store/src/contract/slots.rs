//! Slots: one certificate at a time for a device, a purpose and a hierarchy.

use ca_core::ports::StatusSource;
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::reason::ReasonCode;
use ca_core::record::{Intent, IntentConflict, Settlement, Slot, SlotUse};
use ca_core::validity::Validity;

use super::ground::{END, Ground, IntentWords, LedgerWords, NOW, id, intent, slot, tenant};

const DEVICE: u8 = 4;

fn first(number: u16) -> Intent {
    intent(number).for_slot(DEVICE, SlotUse::First)
}

fn rotation(number: u16) -> Intent {
    intent(number).for_slot(DEVICE, SlotUse::Rotation)
}

fn taken_by(number: u16) -> Result<(), IntentConflict> {
    Err(IntentConflict::SlotTaken { holder: id(number) })
}

fn a_slot_is_taken_from_the_intent_on(ground: &Ground) {
    let store = ground.open();
    store.record(first(1)).unwrap();
    assert_eq!(store.record(first(2)), taken_by(1));
    store.begin(1);
    store.record_issued_now(1);
    assert_eq!(store.record(first(2)), taken_by(1));
}

fn slots_differ_by_device_hierarchy_purpose_and_tenant(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    let others = [
        Slot { title: super::ground::title(5), ..slot(DEVICE) },
        Slot { hierarchy: Hierarchy::Maintenance, ..slot(DEVICE) },
        Slot { purpose: KeyPurpose::Tls, ..slot(DEVICE) },
        Slot { tenant: tenant("dso-2"), ..slot(DEVICE) },
    ];
    for (number, other) in (2..).zip(others) {
        let mut intent = intent(number);
        intent.conditions.slot = Some((other, SlotUse::First));
        assert_eq!(store.record(intent), Ok(()));
    }
}

fn a_slot_is_free_when_its_holder_is_aborted_uncertain_or_revoked(ground: &Ground) {
    let store = ground.open();
    store.record(first(1)).unwrap();
    store.settle(1, Settlement::Aborted);
    store.record(first(2)).unwrap();
    store.begin(2);
    store.settle(2, Settlement::Uncertain);
    store.issue(first(3));
    store.revoke(3, ReasonCode::Superseded);
    assert_eq!(store.record(first(4)), Ok(()));
}

// RFC 5280 §4.1.2.5: the second of notAfter belongs to the validity period.
fn a_slot_is_free_the_second_after_its_holder_expired(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    let later = |number, now| Intent {
        validity: Validity::new(NOW, END.plus_seconds(1_000)).unwrap(),
        ..first(number).at(now)
    };
    assert_eq!(store.record(later(2, END)), taken_by(1));
    assert_eq!(store.record(later(2, END.plus_seconds(1))), Ok(()));
    assert_eq!(store.record(later(3, END.plus_seconds(1))), taken_by(2));
}

fn rotation_replaces_the_holder_once_it_is_issued(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.issue(rotation(2));
    assert_eq!(store.record(first(3)), taken_by(2));
    // The certificate that was replaced no longer holds the slot: its revocation does not free it.
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.record(first(3)), taken_by(2));
    store.revoke(2, ReasonCode::Superseded);
    assert_eq!(store.record(first(3)), Ok(()));
}

fn rotation_takes_a_free_slot_too(ground: &Ground) {
    let store = ground.open();
    store.issue(rotation(1));
    assert_eq!(store.record(first(2)), taken_by(1));
}

fn a_rotation_that_fails_gives_the_slot_back_to_the_holder(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record(rotation(2)).unwrap();
    store.settle(2, Settlement::Aborted);
    assert_eq!(store.record(first(3)), taken_by(1));
    store.record(rotation(3)).unwrap();
    store.begin(3);
    store.settle(3, Settlement::Uncertain);
    assert_eq!(store.record(first(4)), taken_by(1));
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.record(first(4)), Ok(()));
}

fn the_holder_revoked_during_a_rotation_does_not_come_back(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record(rotation(2)).unwrap();
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.record(first(3)), taken_by(2));
    store.settle(2, Settlement::Aborted);
    assert_eq!(store.record(first(3)), Ok(()));
}

fn of_two_rotations_at_once_each_may_fail_alone(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record(rotation(2)).unwrap();
    store.record(rotation(3)).unwrap();
    store.begin(2);
    store.record_issued_now(2);
    assert_eq!(store.record(first(4)), taken_by(2));
    store.settle(3, Settlement::Aborted);
    assert_eq!(store.record(first(4)), taken_by(2));
    store.revoke(2, ReasonCode::Superseded);
    assert_eq!(store.record(first(4)), Ok(()));
}

fn of_two_rotations_at_once_the_one_issued_last_holds_the_slot(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record_rotations(&[2, 3]);
    store.record_issued_now(2);
    store.record_issued_now(3);
    store.revoke(2, ReasonCode::Superseded);
    assert_eq!(store.record(first(4)), taken_by(3));
}

fn a_rotation_revoked_before_it_is_issued_replaces_nothing(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record_rotations(&[2, 3]);
    store.revoke(2, ReasonCode::Superseded);
    store.record_issued_now(2);
    store.settle(3, Settlement::Aborted);
    assert_eq!(store.record(first(4)), taken_by(1));
}

/// A device asks for the successor of a certificate.
fn successor(number: u16, of: u16) -> Intent {
    let mut intent = rotation(number).at(NOW.plus_seconds(i64::from(number)));
    intent.conditions.successor_of = Some(id(of));
    intent
}

const OVERTAKEN: Result<(), IntentConflict> = Err(IntentConflict::Overtaken);

// E-10: two requests cannot replace the same certificate.
fn e_10_a_certificate_has_one_successor_at_a_time(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.record(successor(2, 1)).unwrap();
    assert_eq!(store.record(successor(3, 1)), OVERTAKEN);
    store.settle(2, Settlement::Aborted);
    store.record(successor(3, 1)).unwrap();
    store.begin(3);
    store.record_issued_now(3);
    assert_eq!(store.record(successor(4, 1)), OVERTAKEN);
    assert_eq!(store.record(successor(4, 3)), Ok(()));
}

// Serial numbers are random: the younger one may have the smaller.
fn e_10_of_two_certificates_of_one_second_the_one_recorded_later_is_the_younger(ground: &Ground) {
    let store = ground.open();
    store.issue(first(3));
    store.issue(successor(2, 3).at(NOW));
    assert_eq!(store.record(successor(4, 3).at(NOW)), OVERTAKEN);
    assert_eq!(store.record(successor(1, 2).at(NOW)), Ok(()));
    let age = |number| store.certificate(&id(number)).unwrap().unwrap().age();
    assert!(age(3) < age(2) && age(2) < age(1));
}

fn e_10_what_is_revoked_aborted_or_unknown_has_no_successor(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.record(successor(2, 1)), OVERTAKEN);
    store.record(first(3)).unwrap();
    assert_eq!(store.record(successor(4, 3)), OVERTAKEN);
    store.settle(3, Settlement::Aborted);
    assert_eq!(store.record(successor(4, 3)), OVERTAKEN);
    assert_eq!(store.record(successor(4, 9)), OVERTAKEN);
}

fn e_10_an_older_certificate_has_a_successor_when_the_younger_one_is_revoked(ground: &Ground) {
    let store = ground.open();
    store.issue(first(1));
    store.issue(successor(2, 1));
    assert_eq!(store.record(successor(3, 1)), OVERTAKEN);
    store.revoke(2, ReasonCode::Superseded);
    assert_eq!(store.record(successor(3, 1)), Ok(()));
}

trait RecordNow {
    fn record_rotations(&self, numbers: &[u16]);
    fn record_issued_now(&self, number: u16);
}

impl RecordNow for crate::Store {
    fn record_rotations(&self, numbers: &[u16]) {
        for number in numbers {
            self.record(rotation(*number)).unwrap();
            self.begin(*number);
        }
    }

    fn record_issued_now(&self, number: u16) {
        use ca_core::ports::Ledger;
        self.record_issued(vec![super::ground::issued(&id(number), NOW)]).unwrap();
    }
}

super::on_every_engine! {
    a_slot_is_taken_from_the_intent_on,
    slots_differ_by_device_hierarchy_purpose_and_tenant,
    a_slot_is_free_when_its_holder_is_aborted_uncertain_or_revoked,
    a_slot_is_free_the_second_after_its_holder_expired,
    rotation_replaces_the_holder_once_it_is_issued,
    rotation_takes_a_free_slot_too,
    a_rotation_that_fails_gives_the_slot_back_to_the_holder,
    the_holder_revoked_during_a_rotation_does_not_come_back,
    of_two_rotations_at_once_each_may_fail_alone,
    of_two_rotations_at_once_the_one_issued_last_holds_the_slot,
    a_rotation_revoked_before_it_is_issued_replaces_nothing,
    e_10_a_certificate_has_one_successor_at_a_time,
    e_10_of_two_certificates_of_one_second_the_one_recorded_later_is_the_younger,
    e_10_what_is_revoked_aborted_or_unknown_has_no_successor,
    e_10_an_older_certificate_has_a_successor_when_the_younger_one_is_revoked,
}
