//! What becomes of an intent when the signer fails, lies, or signs with short integers.

use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::record::CertificateStatus;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{NOW, at};
use crate::doubles::journal::Step;
use crate::doubles::keys::KeyPair;
use crate::doubles::signer::{Behaviour, MemorySigner};
use crate::world::{FOUNDED, World, change_profile};

/// Asks once, with the signer behaving as scripted; returns reason code, fault, and how the intent ended.
fn ends(script: &[Behaviour]) -> (&'static str, Fault, CertificateStatus) {
    let world = World::new();
    world.signer.then(script);
    let error = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
    assert_eq!(world.ledger.refusals(), [error.code()]);
    assert_eq!(world.count(CertificateStatus::Good), FOUNDED, "{script:?}");
    let known = world.ledger.statuses();
    let [status] =
        known.into_iter().filter(|status| *status != CertificateStatus::Good).collect::<Vec<_>>()[..]
    else {
        panic!("{script:?}: one intent ended")
    };
    (error.code(), error.fault(), status)
}

const UNCERTAIN: CertificateStatus = CertificateStatus::Uncertain { since: at(NOW) };

#[test]
fn a_signer_that_signed_nothing_leaves_an_aborted_intent() {
    let gone = ("signer.unavailable", Fault::Unavailable, CertificateStatus::Aborted);
    assert_eq!(ends(&[Behaviour::Unavailable]), gone);
    let missing = ("signer.unavailable", Fault::Ours, CertificateStatus::Aborted);
    assert_eq!(ends(&[Behaviour::KeyNotFound]), missing);
}

// H-02, R7: after an unknown outcome the serial number is burned and nothing is signed again under it.
#[test]
fn h_02_an_unknown_outcome_leaves_an_uncertain_intent_and_is_not_tried_again() {
    assert_eq!(ends(&[Behaviour::OutcomeUnknown]), ("signer.unavailable", Fault::Unavailable, UNCERTAIN));
    let world = World::new();
    world.signer.then(&[Behaviour::OutcomeUnknown]);
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
    assert_eq!(world.journal.count(&Step::Sign), 1);
    let again = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    assert_eq!(world.ledger.stored().iter().filter(|row| row.status == UNCERTAIN).count(), 1);
    assert_eq!(world.ledger.intent(again.id()).id, *again.id(), "the retry has a serial number of its own");
}

/// The signature was made, and nothing is made of it.
const BROKEN: (&str, Fault, CertificateStatus) = ("signer.broken", Fault::Ours, UNCERTAIN);

// H-06: a signature is verified before anything is made of it.
#[test]
fn h_06_a_signature_that_does_not_verify_is_thrown_away_and_the_intent_uncertain() {
    for lie in [Behaviour::Damaged, Behaviour::OtherCurve, Behaviour::OtherOctets] {
        assert_eq!(ends(&[lie]), BROKEN, "{lie:?}");
    }
}

// H-07: and that under the key in the issuer's certificate, not under the one that signed.
#[test]
fn h_07_a_valid_signature_by_another_key_is_thrown_away_and_the_intent_uncertain() {
    assert_eq!(ends(&[Behaviour::OtherKey]), BROKEN);
}

// H-07, at the start: a signer that holds another key under the issuer's name is found out before it signs.
#[test]
fn h_07_an_issuer_does_not_match_a_signer_that_holds_another_key_or_none() {
    let world = World::new();
    let issuer = world.authority.issuer();
    issuer.check_key(&*world.signer).unwrap();
    let another = KeyPair::new(issuer.curve(), 77);
    world.signer.keep_as(issuer.key(), &another);
    let refusal = issuer.check_key(&*world.signer).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        format!(
            "the signer holds another key under the name {} than the one in the issuer's certificate",
            issuer.key()
        )
    );
    let refusal = issuer.check_key(&MemorySigner::new(&world.journal)).unwrap_err();
    assert_eq!(refusal.to_string(), format!("the signer holds no key {}", issuer.key()));
}

#[test]
fn a_short_signature_is_drawn_again_and_counted_in_the_audit_record() {
    for suite in SecuritySuite::ALL {
        let world = World::of(suite);
        world.signer.then(&[Behaviour::Short, Behaviour::Short, Behaviour::Good]);
        let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
        let certificate = Certificate::from_der(issued.der()).unwrap();
        assert!(certificate.signature().has_full_length_integers());
        assert_eq!(world.journal.count(&Step::Sign), 3);
        assert_eq!(world.journal.count(&Step::RecordIntents(1)), 1, "one intent");
        let [_, made] = world.ledger.events().try_into().unwrap();
        assert_eq!(made.act, Act::CertificateIssued);
        assert!(made.detail.ends_with("; 2 short signatures discarded"), "{}", made.detail);
    }
}

#[test]
fn a_signer_with_short_integers_only_is_broken_and_after_64_draws_given_up() {
    let world = World::new();
    world.signer.always(Behaviour::Short);
    let error = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap_err();
    assert_eq!((error.code(), error.fault()), ("signer.broken", Fault::Ours));
    assert_eq!(world.journal.count(&Step::Sign), 64);
    assert_eq!(world.count(UNCERTAIN), 1, "signatures were made, if none left");
}

#[test]
fn a_failure_after_a_short_signature_leaves_an_uncertain_intent() {
    for failure in [Behaviour::Unavailable, Behaviour::KeyNotFound, Behaviour::OutcomeUnknown] {
        let (code, fault, status) = ends(&[Behaviour::Short, failure]);
        assert_eq!(
            (code, fault, status),
            ("signer.unavailable", Fault::Unavailable, UNCERTAIN),
            "{failure:?}"
        );
    }
}

#[test]
fn a_profile_may_take_any_valid_signature() {
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "op-ds", |parts| parts.full_length_signature = false);
    });
    world.signer.then(&[Behaviour::Short]);
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    assert!(!Certificate::from_der(issued.der()).unwrap().signature().has_full_length_integers());
    assert_eq!(world.journal.count(&Step::Sign), 1);
}
