//! The conditions of intents: the same request, the serial number, the key, the token; and the order of an intent's life.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Registry, StatusSource};
use ca_core::profile::KeyPurpose;
use ca_core::reason::ReasonCode;
use ca_core::record::{
    AfterWindow, CertificateId, CertificateStatus, Idempotency, Intent, IntentConflict, Settlement, SlotUse,
};
use ca_core::validity::UnixTime;

use super::ground::{
    END, Ground, IntentWords, LedgerTold, LedgerWords, NOW, cause, certificate, event, id, intent, issued,
    issuer, title, token,
};
use crate::keyspace::Keyspace;

fn an_intent_becomes_a_certificate(ground: &Ground) {
    let store = ground.open();
    assert_eq!(store.status(1), CertificateStatus::NeverIssued);
    store.record(intent(1).for_slot(4, SlotUse::First)).unwrap();
    assert_eq!(store.status(1), CertificateStatus::Pending);
    let pending = store.certificate(&id(1)).unwrap().unwrap();
    assert_eq!((pending.certificate, pending.status), (Vec::new(), CertificateStatus::Pending));
    store.begin(1);
    assert_eq!(store.status(1), CertificateStatus::Pending);
    store.record_issued(vec![issued(&id(1), NOW)]).unwrap();
    assert_eq!(store.status(1), CertificateStatus::Good);
    let Intent { tenant, profile, profile_version, key_fingerprint, purpose, validity, .. } = intent(1);
    let stored = store.certificate(&id(1)).unwrap().unwrap();
    assert_eq!(stored.certificate, certificate(&id(1)));
    assert_eq!((stored.tenant, stored.profile, stored.profile_version), (tenant, profile, profile_version));
    assert_eq!((stored.subject, stored.key_fingerprint), (title(4).to_string(), key_fingerprint));
    assert_eq!((stored.purpose, stored.validity, stored.recorded_at), (purpose, validity, NOW));
    assert_eq!((stored.status, stored.slot), (CertificateStatus::Good, Some(super::ground::slot(4))));
    assert_eq!(store.acts(), [Act::LedgerOpened, Act::IntentRecorded, Act::CertificateIssued]);
}

// RFC 5280 §4.1.2.2: the serial number is unique for each certificate of an issuer.
fn a_serial_number_is_used_once_be_it_by_a_burned_intent(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1)).unwrap();
    assert_eq!(store.record(intent(1)), Err(IntentConflict::SerialTaken));
    store.settle(1, Settlement::Aborted);
    assert_eq!(store.record(intent(1)), Err(IntentConflict::SerialTaken));
    store.record(intent(2)).unwrap();
    store.begin(2);
    store.settle(2, Settlement::Uncertain);
    assert_eq!(store.record(intent(2)), Err(IntentConflict::SerialTaken));
    store.issue(intent(3));
    assert_eq!(store.record(intent(3)), Err(IntentConflict::SerialTaken));
    let elsewhere = CertificateId { issuer: issuer(2), ..id(3) };
    assert_eq!(store.record(Intent { id: elsewhere, ..intent(4) }), Ok(()));
}

fn the_same_request_gets_the_same_certificate(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1).for_request(7)).unwrap();
    assert_eq!(store.record(intent(2).for_request(7)), Err(IntentConflict::InFlight));
    store.begin(1);
    assert_eq!(store.record(intent(2).for_request(7)), Err(IntentConflict::InFlight));
    store.record_issued(vec![issued(&id(1), NOW)]).unwrap();
    let stored = store.certificate(&id(1)).unwrap().unwrap();
    let again = store.record(intent(2).for_request(7));
    assert_eq!(again, Err(IntentConflict::AlreadyIssued(Box::new(stored))));
    assert_eq!(store.status(2), CertificateStatus::NeverIssued);
}

fn an_answer_from_before_the_window_is_forgotten(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_request(7));
    let later = |number, since| {
        let mut intent = intent(number).for_request(7);
        intent.conditions.idempotency = Some(Idempotency { key: [7; 32], since, after: AfterWindow::New });
        intent
    };
    assert!(matches!(store.record(later(2, NOW)), Err(IntentConflict::AlreadyIssued(_))));
    assert_eq!(store.record(later(2, NOW.plus_seconds(1))), Ok(()));
}

fn a_request_whose_intent_ended_without_a_certificate_is_answered_anew(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1).for_request(7)).unwrap();
    store.settle(1, Settlement::Aborted);
    store.record(intent(2).for_request(7)).unwrap();
    store.begin(2);
    store.settle(2, Settlement::Uncertain);
    let third = store.issue(intent(3).for_request(7));
    let Err(IntentConflict::AlreadyIssued(stored)) = store.record(intent(4).for_request(7)) else {
        panic!("the request was answered");
    };
    assert_eq!(stored.id, third);
}

fn settling_an_old_intent_does_not_forget_a_newer_answer(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1).for_request(7)).unwrap();
    let mut newer = intent(2).for_request(7).at(NOW.plus_seconds(10));
    newer.conditions.idempotency =
        Some(Idempotency { key: [7; 32], since: NOW.plus_seconds(10), after: AfterWindow::New });
    store.issue(newer);
    store.settle(1, Settlement::Aborted);
    assert!(matches!(store.record(intent(3).for_request(7)), Err(IntentConflict::AlreadyIssued(_))));
}

fn a_key_is_certified_for_one_subject_and_one_purpose(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    let same = |number| intent(number).with_key_of(&intent(1));
    let elsewhere = Err(IntentConflict::KeyCertifiedElsewhere {
        subject: intent(1).subject,
        purpose: KeyPurpose::Signature,
    });
    assert_eq!(store.record(Intent { subject: "CN=other".to_owned(), ..same(2) }), elsewhere);
    assert_eq!(store.record(Intent { purpose: KeyPurpose::KeyAgreement, ..same(2) }), elsewhere);
    assert_eq!(store.record(same(2)), Ok(()));
}

fn the_key_of_an_aborted_intent_is_free_and_of_an_uncertain_one_is_not(ground: &Ground) {
    let store = ground.open();
    let other = |number| Intent { subject: "CN=other".to_owned(), ..intent(number).with_key_of(&intent(1)) };
    store.record(intent(1)).unwrap();
    store.record(intent(2).with_key_of(&intent(1))).unwrap();
    store.settle(1, Settlement::Aborted);
    assert!(matches!(store.record(other(3)), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    store.settle(2, Settlement::Aborted);
    store.record(other(3)).unwrap();
    store.begin(3);
    store.settle(3, Settlement::Uncertain);
    let first = store.record(intent(4).with_key_of(&intent(1)));
    assert!(matches!(first, Err(IntentConflict::KeyCertifiedElsewhere { .. })));
}

fn a_compromised_key_is_blocked_for_ever(ground: &Ground) {
    let store = ground.open();
    let same = |number| intent(number).with_key_of(&intent(1));
    store.issue(intent(1));
    store.record(same(2)).unwrap();
    store.revoke(1, ReasonCode::KeyCompromise);
    assert_eq!(store.record(same(3)), Err(IntentConflict::KeyBlocked));
    store.settle(2, Settlement::Aborted);
    drop(store);
    assert_eq!(ground.open().record(same(4)), Err(IntentConflict::KeyBlocked));
}

fn a_key_compromised_while_it_is_being_certified_stays_blocked(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1)).unwrap();
    store.revoke(1, ReasonCode::KeyCompromise);
    store.settle(1, Settlement::Aborted);
    assert_eq!(store.record(intent(2).with_key_of(&intent(1))), Err(IntentConflict::KeyBlocked));
}

fn a_key_revoked_for_another_reason_may_be_certified_again(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.record(intent(2).with_key_of(&intent(1))), Ok(()));
}

fn a_token_is_spent_once(ground: &Ground) {
    let store = ground.open();
    assert_eq!(store.record(intent(1).with_token(7)), Err(IntentConflict::TokenUnknown));
    store.keep(token(7));
    assert_eq!(store.token(&[7; 32]).unwrap(), Some(token(7)));
    assert_eq!(store.token(&[8; 32]).unwrap(), None);
    store.issue(intent(1).with_token(7));
    assert!(store.token(&[7; 32]).unwrap().unwrap().spent);
    assert_eq!(store.record(intent(2).with_token(7)), Err(IntentConflict::TokenSpent));
}

fn a_token_is_good_up_to_its_last_second(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    let late = intent(1).with_token(7).at(NOW.plus_seconds(1));
    assert_eq!(store.record(late), Err(IntentConflict::TokenUnknown));
    assert_eq!(store.record(intent(1).with_token(7)), Ok(()));
}

fn a_token_is_given_back_by_an_intent_that_ends_without_a_certificate(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    store.record(intent(1).with_token(7)).unwrap();
    store.settle(1, Settlement::Aborted);
    assert_eq!(store.token(&[7; 32]).unwrap(), Some(token(7)));
    store.record(intent(2).with_token(7)).unwrap();
    store.begin(2);
    store.settle(2, Settlement::Uncertain);
    assert_eq!(store.record(intent(3).with_token(7)), Ok(()));
}

fn a_spent_token_is_not_made_good_by_keeping_it_again(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    store.issue(intent(1).with_token(7));
    let before = store.acts();
    let again = store.keep_token(token(7), event(Act::TokenIssued));
    assert_eq!(cause(again), "a token with this hash is kept already");
    assert!(store.token(&[7; 32]).unwrap().unwrap().spent);
    assert_eq!(store.acts(), before);
}

fn intents_of_one_call_are_decided_as_if_they_came_singly(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    let outcomes = store
        .record_intents(vec![
            intent(1).with_token(7),
            intent(1),
            intent(2).with_token(7),
            intent(3).for_request(5),
            intent(4).for_request(5),
            intent(5),
        ])
        .unwrap();
    assert_eq!(
        outcomes,
        [
            Ok(()),
            Err(IntentConflict::SerialTaken),
            Err(IntentConflict::TokenSpent),
            Ok(()),
            Err(IntentConflict::InFlight),
            Ok(())
        ]
    );
    let recorded = store.acts().into_iter().filter(|act| *act == Act::IntentRecorded).count();
    assert_eq!(recorded, 3);
}

fn a_refused_intent_undoes_nothing_of_those_before_it(ground: &Ground) {
    let store = ground.open();
    // The second writes the row of the same key before its token is found unknown.
    let outcomes =
        store.record_intents(vec![intent(1), intent(2).with_key_of(&intent(1)).with_token(7)]).unwrap();
    assert_eq!(outcomes, [Ok(()), Err(IntentConflict::TokenUnknown)]);
    let elsewhere = Intent { subject: "CN=other".to_owned(), ..intent(3).with_key_of(&intent(1)) };
    assert!(matches!(store.record(elsewhere.clone()), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    store.settle(1, Settlement::Aborted);
    assert_eq!(store.record(elsewhere), Ok(()));
}

fn a_refused_intent_leaves_nothing_behind(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    let before = store.acts();
    // The claim is decided last: the serial number, the key, the slot and the token held before it.
    let refused = intent(1).for_slot(4, SlotUse::First).for_request(3).with_token(7).with_claim(4, 9);
    assert_eq!(store.record(refused), Err(IntentConflict::DeviceNotExpected));
    assert_eq!(store.acts(), before);
    assert_eq!(store.status(1), CertificateStatus::NeverIssued);
    assert_eq!(store.token(&[7; 32]).unwrap(), Some(token(7)));
    let other_subject = Intent { subject: "CN=other".to_owned(), ..intent(1) };
    assert_eq!(store.record(other_subject.for_request(3).with_token(7)), Ok(()));
    assert_eq!(store.record(intent(2).for_slot(4, SlotUse::First)), Ok(()));
}

fn an_intent_whose_key_is_away_leaves_nothing_behind_and_is_told_after_everything_else(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    let away = |mut intent: Intent| {
        intent.conditions.key_is_away = true;
        intent
    };
    let asked = intent(1).for_slot(4, SlotUse::First).for_request(3).with_token(7);
    let before = store.acts();
    assert_eq!(store.record(away(asked.clone())), Err(IntentConflict::KeyAway));
    assert_eq!((store.acts(), store.status(1)), (before, CertificateStatus::NeverIssued));
    assert_eq!(store.token(&[7; 32]).unwrap(), Some(token(7)));
    // Under the same serial number, since none was burned; and what was answered is answered again, whoever is away.
    store.issue(asked.clone());
    let again = Intent { id: id(2), ..asked };
    assert!(matches!(store.record(away(again)), Err(IntentConflict::AlreadyIssued(_))));
    let other = intent(3).for_slot(4, SlotUse::First);
    assert_eq!(store.record(away(other)), Err(IntentConflict::SlotTaken { holder: id(1) }));
}

fn the_first_condition_that_does_not_hold_is_the_answer(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1).for_slot(4, SlotUse::First).for_request(3));
    store.issue(intent(2));
    store.revoke(2, ReasonCode::KeyCompromise);
    let mut worst = intent(2).for_slot(4, SlotUse::First).for_request(3).with_token(7).with_claim(4, 9);
    assert!(matches!(store.record(worst.clone()), Err(IntentConflict::AlreadyIssued(_))));
    worst.conditions.idempotency = None;
    assert_eq!(store.record(worst.clone()), Err(IntentConflict::SerialTaken));
    worst.id = id(3);
    assert_eq!(store.record(worst.clone()), Err(IntentConflict::KeyBlocked));
    worst.key_fingerprint = intent(1).key_fingerprint;
    worst.purpose = KeyPurpose::Tls;
    assert!(matches!(store.record(worst.clone()), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    worst.purpose = KeyPurpose::Signature;
    assert_eq!(store.record(worst.clone()), Err(IntentConflict::SlotTaken { holder: id(1) }));
    worst.conditions.slot = None;
    assert_eq!(store.record(worst.clone()), Err(IntentConflict::TokenUnknown));
    worst.conditions.token = None;
    assert_eq!(store.record(worst), Err(IntentConflict::DeviceNotExpected));
}

fn an_intent_is_given_to_the_signer_once(ground: &Ground) {
    let store = ground.open();
    assert!(cause(store.begin_signing(&[id(1)])).starts_with("no intent is open"));
    store.record_intents(vec![intent(1), intent(2)]).unwrap();
    store.begin(1);
    assert!(cause(store.begin_signing(&[id(1)])).contains("was given to the signer before"));
    // All or nothing: the mark of the second is not left behind by the failure of the first.
    assert!(store.begin_signing(&[id(2), id(1)]).is_err());
    assert_eq!(store.begin_signing(&[id(2)]).map_err(|error| error.to_string()), Ok(()));
}

fn a_certificate_is_recorded_only_for_an_intent_that_was_given_to_the_signer(ground: &Ground) {
    let store = ground.open();
    assert!(cause(store.record_issued(vec![issued(&id(1), NOW)])).starts_with("no intent is open"));
    store.record_intents(vec![intent(1), intent(2)]).unwrap();
    assert!(cause(store.record_issued(vec![issued(&id(1), NOW)])).contains("was not given to the signer"));
    store.begin(2);
    // All or nothing: the second is not recorded although nothing is wrong with it.
    assert!(store.record_issued(vec![issued(&id(2), NOW), issued(&id(1), NOW)]).is_err());
    assert_eq!(store.status(2), CertificateStatus::Pending);
    store.record_issued(vec![issued(&id(2), NOW)]).unwrap();
    assert!(cause(store.record_issued(vec![issued(&id(2), NOW)])).starts_with("no intent is open"));
}

fn an_intent_ends_once(ground: &Ground) {
    let store = ground.open();
    let abort = |number| (id(number), Settlement::Aborted, event(Act::IntentAborted));
    assert!(cause(store.settle_intents(vec![abort(1)])).starts_with("no intent is open"));
    store.record_intents(vec![intent(1), intent(2)]).unwrap();
    store.settle(1, Settlement::Aborted);
    let before = store.acts();
    assert!(store.settle_intents(vec![abort(2), abort(1)]).is_err());
    assert_eq!((store.status(1), store.status(2)), (CertificateStatus::Aborted, CertificateStatus::Pending));
    assert_eq!(store.acts(), before);
    store.begin(2);
    store.record_issued(vec![issued(&id(2), NOW)]).unwrap();
    assert!(store.settle_intents(vec![abort(2)]).is_err());
}

fn an_intent_that_ended_is_open_no_more(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    for (number, settlement) in [(2, Settlement::Aborted), (3, Settlement::Uncertain)] {
        store.record(intent(number)).unwrap();
        store.begin(number);
        store.settle(number, settlement);
    }
    for keyspace in [Keyspace::Open, Keyspace::Signing] {
        let rows = store.read("test", |view| Ok(view.rows_after(keyspace, &[], &[], 9)?)).unwrap();
        assert_eq!(rows, []);
    }
}

fn an_uncertain_intent_is_listed_until_it_is_revoked(ground: &Ground) {
    let store = ground.open();
    store.record_intents(vec![intent(3), intent(1), intent(2)]).unwrap();
    let until = |seconds| store.uncertain(&issuer(1), UnixTime::from_seconds(seconds)).unwrap();
    for (number, time) in [(1, 100), (2, 200), (3, 300)] {
        store.begin(number);
        let event =
            ca_core::audit::AuditEvent { time: UnixTime::from_seconds(time), ..event(Act::IntentUncertain) };
        store.settle_intents(vec![(id(number), Settlement::Uncertain, event)]).unwrap();
    }
    let since = UnixTime::from_seconds(100);
    assert_eq!(store.status(1), CertificateStatus::Uncertain { since });
    assert_eq!(until(99), []);
    assert_eq!(until(200), [id(1).serial, id(2).serial]);
    assert_eq!(store.uncertain(&issuer(2), END).unwrap(), []);
    store.revoke(1, ReasonCode::CessationOfOperation);
    assert_eq!(until(300), [id(2).serial, id(3).serial]);
}

fn a_row_that_is_too_long_is_refused_before_anything_is_written(ground: &Ground) {
    let store = ground.open();
    let long = Intent { tbs: vec![0; 5_000], ..intent(1) };
    assert!(cause(store.record_intents(vec![intent(2), long])).contains("is longer than the 4864"));
    assert_eq!(store.status(2), CertificateStatus::NeverIssued);
    assert_eq!(store.record(intent(2)), Ok(()));
}

/// How many rows remember requests.
fn remembered(ground: &Ground) -> (usize, usize) {
    let (_directory, engine) = ground.engine();
    let view = engine.view().unwrap();
    let rows = |keyspace| view.rows_after(keyspace, &[], &[], usize::MAX).unwrap().len();
    (rows(Keyspace::Requests), rows(Keyspace::RequestEnds))
}

fn asking(number: u16, at: UnixTime, after: AfterWindow) -> Intent {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    let mut intent = intent(number).at(at);
    intent.conditions.idempotency = Some(Idempotency { key, since: at.plus_seconds(-100), after });
    intent
}

fn requests_are_forgotten_in_bounded_steps_when_their_window_is_over(ground: &Ground) {
    let store = ground.open();
    for number in 0..50 {
        store.issue(asking(number, NOW, AfterWindow::New));
    }
    drop(store);
    assert_eq!(remembered(ground), (50, 50));
    let store = ground.open();
    // At the last second of the window nothing is forgotten; later each call forgets two and adds one.
    store.issue(asking(100, NOW.plus_seconds(100), AfterWindow::New));
    for number in 101..111 {
        store.issue(asking(number, NOW.plus_seconds(101), AfterWindow::New));
    }
    drop(store);
    assert_eq!(remembered(ground), (50 + 11 - 20, 50 + 11 - 20));
    let store = ground.open();
    for number in 111..200 {
        store.issue(asking(number, NOW.plus_seconds(101), AfterWindow::New));
    }
    assert!(matches!(
        store.record(asking(111, NOW.plus_seconds(101), AfterWindow::New)),
        Err(IntentConflict::AlreadyIssued(_))
    ));
    drop(store);
    // Those whose window is open are there, and no other.
    assert_eq!(remembered(ground), (100, 100));
}

// What a failed act forgot is there again, and is forgotten by the next one.
fn an_act_that_fails_takes_back_what_it_forgot(ground: &Ground) {
    let store = ground.open();
    store.issue(asking(1, NOW, AfterWindow::New));
    let over = NOW.plus_seconds(101);
    let mut long = asking(2, over, AfterWindow::New);
    long.tbs = vec![0; 5_000];
    assert!(cause(store.record_intents(vec![long])).contains("is longer than the 4864"));
    store.issue(asking(3, over, AfterWindow::New));
    drop(store);
    assert_eq!(remembered(ground), (1, 1), "only the last one's window is open");
}

fn a_request_that_counts_after_its_window_is_remembered_as_long_as_its_certificate_is_valid(ground: &Ground) {
    for (after, counts) in [(AfterWindow::ReturnExisting, true), (AfterWindow::Refuse, false)] {
        let ground = &ground.anew();
        let store = ground.open();
        store.issue(asking(1, NOW, after));
        for number in 2..6 {
            store.issue(asking(number, END, AfterWindow::New));
        }
        let again = |number, at| {
            let mut again = asking(1, at, after);
            again.id = id(number);
            store.record(again)
        };
        match again(10, END) {
            Err(IntentConflict::AlreadyIssued(stored)) if counts => assert_eq!(stored.id, id(1)),
            Err(IntentConflict::WindowOver) if !counts => {}
            other => panic!("{after:?}: {other:?}"),
        }
        let late = END.plus_seconds(1);
        assert_eq!(again(11, late), Ok(()), "the certificate has expired");
    }
}

// A request that was answered anew is not forgotten with its older answer.
fn what_was_answered_anew_is_remembered_for_a_window_of_its_own(ground: &Ground) {
    let store = ground.open();
    store.issue(asking(1, NOW, AfterWindow::New));
    let mut anew = asking(1, NOW.plus_seconds(101), AfterWindow::New);
    anew.id = id(2);
    store.issue(anew.clone());
    for number in 3..6 {
        store.issue(asking(number, NOW.plus_seconds(150), AfterWindow::New));
    }
    anew.id = id(9);
    let Err(IntentConflict::AlreadyIssued(stored)) = store.record(anew) else { panic!("it was answered") };
    assert_eq!(stored.id, id(2));
}

super::on_every_engine! {
    requests_are_forgotten_in_bounded_steps_when_their_window_is_over,
    a_request_that_counts_after_its_window_is_remembered_as_long_as_its_certificate_is_valid,
    what_was_answered_anew_is_remembered_for_a_window_of_its_own,
    an_intent_becomes_a_certificate,
    a_serial_number_is_used_once_be_it_by_a_burned_intent,
    the_same_request_gets_the_same_certificate,
    an_answer_from_before_the_window_is_forgotten,
    a_request_whose_intent_ended_without_a_certificate_is_answered_anew,
    settling_an_old_intent_does_not_forget_a_newer_answer,
    a_key_is_certified_for_one_subject_and_one_purpose,
    the_key_of_an_aborted_intent_is_free_and_of_an_uncertain_one_is_not,
    a_compromised_key_is_blocked_for_ever,
    a_key_compromised_while_it_is_being_certified_stays_blocked,
    a_key_revoked_for_another_reason_may_be_certified_again,
    a_token_is_spent_once,
    a_token_is_good_up_to_its_last_second,
    a_token_is_given_back_by_an_intent_that_ends_without_a_certificate,
    a_spent_token_is_not_made_good_by_keeping_it_again,
    intents_of_one_call_are_decided_as_if_they_came_singly,
    a_refused_intent_undoes_nothing_of_those_before_it,
    a_refused_intent_leaves_nothing_behind,
    an_intent_whose_key_is_away_leaves_nothing_behind_and_is_told_after_everything_else,
    the_first_condition_that_does_not_hold_is_the_answer,
    an_intent_is_given_to_the_signer_once,
    a_certificate_is_recorded_only_for_an_intent_that_was_given_to_the_signer,
    an_intent_ends_once,
    an_intent_that_ended_is_open_no_more,
    an_uncertain_intent_is_listed_until_it_is_revoked,
    a_row_that_is_too_long_is_refused_before_anything_is_written,
    an_act_that_fails_takes_back_what_it_forgot,
}
