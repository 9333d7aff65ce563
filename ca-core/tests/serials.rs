//! Serial numbers: drawn, found taken, drawn again; never the requester's choice (RFC 5280 §4.1.2.2).

use std::collections::HashSet;

use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::issuance::root::{RootFounding, establish_root};
use ca_core::lint::Linter;
use ca_core::record::CertificateStatus;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use sha2::{Digest, Sha256};

use crate::doubles::clock::{NOW, at};
use crate::doubles::journal::Step;
use crate::doubles::signer::Behaviour;
use crate::profiles;
use crate::world::{FOUNDED, World, distinguished, operator};

#[test]
fn a_serial_number_has_16_octets_the_day_in_front() {
    let world = World::new();
    world.entropy.say(&[0xAB]);
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    // 2026-11-21 is day 2516 since 2020-01-01.
    let expected = [&2_516_u16.to_be_bytes(), [0xAB; 14].as_slice()].concat();
    assert_eq!(issued.id().serial.octets(), expected);
    assert_eq!(Certificate::from_der(issued.der()).unwrap().serial(), &issued.id().serial);
}

// S-11: a collision is found before anything is signed.
#[test]
fn s_11_a_taken_serial_number_is_drawn_again_twice() {
    let world = World::new();
    world.entropy.say(&[7, 7, 7, 9]);
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    let second = world.authority.enrol(world.by_operator("op-ds", 2, 2)).unwrap();
    assert_eq!(second.id().serial.octets()[2..], [9; 14]);
    assert_eq!(world.journal.count(&Step::RecordIntents(1)), 4);
    assert_eq!(world.journal.count(&Step::Sign), 2);
}

#[test]
fn s_11_three_taken_serial_numbers_are_a_fault_of_ours() {
    let world = World::new();
    world.entropy.say(&[7, 7, 7, 7]);
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    world.ledger.forget_events();
    let outcome = world.authority.enrol(world.by_operator("op-ds", 2, 2));
    assert_eq!(outcome.as_ref().unwrap_err().fault(), Fault::Ours);
    world.assert_refused(outcome, "serial.exhausted", FOUNDED + 1);
    assert_eq!(world.journal.count(&Step::Sign), 1, "nothing more was signed");
}

#[test]
fn a_burned_serial_number_is_taken_too() {
    let world = World::new();
    world.entropy.say(&[7, 7, 8]);
    world.signer.then(&[Behaviour::Unavailable]);
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    assert_eq!(issued.id().serial.octets()[2..], [8; 14]);
    assert_eq!(world.count(CertificateStatus::Aborted), 1);
}

#[test]
fn two_requests_of_one_batch_never_share_a_serial_number() {
    let world = World::new();
    world.entropy.say(&[7, 7, 8]);
    let requests = vec![world.by_operator("op-ds", 1, 1), world.by_operator("op-ds", 2, 2)];
    let issued: Vec<_> = world.authority.enrol_batch(requests).into_iter().map(Result::unwrap).collect();
    assert_eq!(issued[0].id().serial.octets()[2..], [7; 14]);
    assert_eq!(issued[1].id().serial.octets()[2..], [8; 14]);
    assert_eq!(world.journal.count(&Step::RecordIssued(2)), 1);
}

// a clock that was never set.
#[test]
fn r_03_a_root_is_not_founded_by_a_clock_in_1970() {
    let world = World::new();
    let key = world.signer.keep(&world.key(300));
    let profile = profiles::made(profiles::authority(SecuritySuite::Suite1, 1));
    let error = establish_root(&RootFounding {
        actor: &operator(),
        profile: &profile,
        subject: &distinguished("Other Root"),
        key: &key,
        now: at(0),
        linter: &Linter::new(Vec::new()),
        entropy: &*world.entropy,
        signer: &*world.signer,
        ledger: &*world.ledger,
    })
    .unwrap_err();
    assert_eq!((error.code(), error.fault()), ("serial.exhausted", Fault::Ours));
    assert!(error.to_string().contains("the clock is wrong"), "{error}");
    assert_eq!(world.journal.count(&Step::Sign), 0);
}

// RFC 5280 §4.1.2.2: positive, at most 20 octets, unique.
#[test]
fn a_million_draws_are_well_formed_and_all_different() {
    let mut seen = HashSet::with_capacity(1_000_000);
    for number in 0..1_000_000_u32 {
        let random = *Sha256::digest(number.to_be_bytes()).first_chunk().unwrap();
        let serial = SerialNumber::draw(at(NOW), random).unwrap();
        assert_eq!(serial.octets().len(), SerialNumber::OWN_OCTETS);
        assert!((0x01..=0x7F).contains(&serial.octets()[0]));
        let tail: [u8; 14] = *serial.octets().last_chunk().unwrap();
        assert!(seen.insert(u128::from_be_bytes([&[0, 0], tail.as_slice()].concat().try_into().unwrap())));
    }
}
