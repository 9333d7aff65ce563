//! The order of issuance: nothing is signed that is not on disk, and nothing is delivered that is not on disk.

use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::issuance::Delivery;
use ca_core::lint::{Linter, Rule};
use ca_core::request::Evidence;
use ca_core::signing::longest;
use ca_core::suite::SecuritySuite;
use sha2::{Digest, Sha256};

use crate::doubles::journal::Step;
use crate::world::{FOUNDED, World, change_profile};

#[test]
fn an_intent_is_on_disk_before_the_signer_is_asked_and_the_certificate_before_it_is_delivered() {
    let world = World::new();
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    let prepared = [Step::Device, Step::Fill];
    let signed = [Step::RecordIntents(1), Step::BeginSigning(1), Step::Sign, Step::RecordIssued(1)];
    assert_eq!(world.journal.steps(), [prepared.as_slice(), &signed].concat());
    assert_eq!(issued.delivery(), Delivery::New);
}

#[test]
fn what_is_signed_and_delivered_is_octet_for_octet_what_was_recorded() {
    for suite in SecuritySuite::ALL {
        let world = World::of(suite);
        let before = world.signer.signed().len();
        let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
        let recorded = world.ledger.intent(issued.id()).tbs;
        assert_eq!(&world.signer.signed()[before..], std::slice::from_ref(&recorded));
        let certificate = Certificate::from_der(issued.der()).unwrap();
        assert_eq!(certificate.tbs(), recorded);
        let key = world.issuer().certificate().public_key();
        key.verify(&recorded, certificate.signature()).unwrap();
        assert_eq!(world.ledger.row(issued.id()).certificate, issued.der());
    }
}

#[test]
fn the_clock_is_looked_at_once_for_a_request() {
    let world = World::new();
    let before = world.clock.looks();
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    assert_eq!(world.clock.looks(), before + 1);
    let requests = (2..6).map(|number| world.by_operator("op-ds", number, number.into())).collect();
    drop(world.authority.enrol_batch(requests));
    assert_eq!(world.clock.looks(), before + 2, "once for a batch");
}

#[test]
fn a_success_is_two_audit_records_that_name_the_certificate_and_what_was_signed() {
    let world = World::new();
    let request = world.by_operator("op-ds", 1, 1);
    let Evidence::Request(csr) = request.evidence.clone() else { panic!() };
    let issued = world.authority.enrol(request).unwrap();
    let events = world.ledger.events();
    let [intent, made] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((intent.act, made.act), (Act::IntentRecorded, Act::CertificateIssued));
    for event in &events {
        assert_eq!(event.issuer, Some(issued.id().issuer));
        assert_eq!(event.serial.as_ref(), Some(&issued.id().serial));
        assert_eq!(event.actor, "operator:ada");
        assert_eq!(event.tenant.as_str(), "dso");
        assert!(event.detail.starts_with("4D504B0000000001 under op-ds version 3"), "{}", event.detail);
    }
    let certificate = Certificate::from_der(issued.der()).unwrap();
    assert_eq!(intent.digest, Sha256::digest(certificate.tbs()).to_vec());
    assert_eq!(made.digest, Sha256::digest(issued.der()).to_vec());
    let digest: String = csr.digest().iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(intent.detail.ends_with(&digest), "the record binds the certificate to its request");
}

// P-21: a lint failure means no signature. Nothing but the refusal reaches the ledger.
#[test]
fn p_21_a_draft_that_breaks_a_rule_is_neither_recorded_nor_signed() {
    static REFUSING: &[Rule] = &[Rule::new("test.never", "this test", |_| Err("never".to_owned()))];
    let world = World::with(SecuritySuite::Suite1, |charter| charter.linter = Linter::new(vec![REFUSING]));
    let made = world.signer.made();
    let outcome = world.authority.enrol(world.by_operator("op-ds", 1, 1));
    assert_eq!(outcome.as_ref().unwrap_err().fault(), Fault::Ours);
    world.assert_refused(outcome, "lint.failed", FOUNDED);
    let refused = Step::RecordEvent("lint.failed".to_owned());
    assert_eq!(world.journal.steps(), [Step::Device, Step::Fill, refused]);
    assert_eq!(world.signer.made(), made);
}

// P-18: what would be longer than the profile allows is refused, and before it is signed.
#[test]
fn p_18_a_certificate_that_may_become_too_long_is_not_signed() {
    let world = World::new();
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    let longest = longest(&world.ledger.intent(issued.id()).tbs, world.suite.curve()).unwrap();
    for (max_octets, fits) in [(longest, true), (longest - 1, false)] {
        let world = World::with(SecuritySuite::Suite1, |charter| {
            change_profile(charter, "op-ds", |parts| parts.max_octets = u16::try_from(max_octets).unwrap());
        });
        let outcome = world.authority.enrol(world.by_operator("op-ds", 1, 1));
        match outcome {
            Ok(issued) => assert!(fits && issued.der().len() <= max_octets),
            refused => {
                assert!(!fits);
                world.assert_refused(refused, "lint.failed", FOUNDED);
            }
        }
    }
}
