//! Revocations: what may be revoked, once, and what follows.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Revisions, StatusSource};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, CertificateStatus, Revocation, RevocationOutcome, RevocationRecord, RevokedEntry,
    Settlement,
};

use super::ground::{
    END, Ground, LedgerTold, LedgerWords, NOW, id, intent, issued, issuer, revocation, serial,
};

fn a_revocation_is_recorded_under_the_number_of_its_audit_record(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    let told = Revocation {
        time: NOW.plus_seconds(60),
        reason: ReasonCode::KeyCompromise,
        invalidity_date: Some(NOW.plus_seconds(-60)),
    };
    let record = RevocationRecord { revocation: told, ..revocation(&id(1), ReasonCode::KeyCompromise) };
    let outcome = store.record_revocation(record).unwrap();
    let trail = store.trail();
    let last = trail.last().unwrap();
    assert_eq!(outcome, RevocationOutcome::Recorded { sequence: last.sequence, revocation: told });
    assert_eq!(last.event.act, Act::CertificateRevoked);
    assert_eq!(store.status(1), CertificateStatus::Revoked(told));
    let stored = store.certificate(&id(1)).unwrap().unwrap();
    assert_eq!((stored.status, stored.certificate.is_empty()), (CertificateStatus::Revoked(told), false));
}

fn what_was_never_issued_is_not_revoked(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1)).unwrap();
    store.settle(1, Settlement::Aborted);
    let before = store.acts();
    assert_eq!(store.revoke(1, ReasonCode::Superseded), RevocationOutcome::NotIssued);
    assert_eq!(store.revoke(2, ReasonCode::Superseded), RevocationOutcome::NotIssued);
    assert_eq!(store.status(1), CertificateStatus::Aborted);
    assert_eq!(store.acts(), before);
}

fn a_second_revocation_changes_nothing(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.revoke(1, ReasonCode::Superseded);
    let before = store.acts();
    let first = Revocation { time: NOW, reason: ReasonCode::Superseded, invalidity_date: None };
    let mut again = revocation(&id(1), ReasonCode::KeyCompromise);
    again.revocation.time = NOW.plus_seconds(9);
    assert_eq!(store.record_revocation(again).unwrap(), RevocationOutcome::AlreadyRevoked(first));
    assert_eq!(store.status(1), CertificateStatus::Revoked(first));
    assert_eq!(store.acts(), before);
}

fn what_was_revoked_as_an_intent_never_becomes_good(ground: &Ground) {
    let store = ground.open();
    for number in [1, 2, 3] {
        store.record(intent(number)).unwrap();
        store.begin(number);
        assert!(matches!(store.revoke(number, ReasonCode::Superseded), RevocationOutcome::Recorded { .. }));
    }
    store.record_issued(vec![issued(&id(1), NOW)]).unwrap();
    store.settle(2, Settlement::Uncertain);
    store.settle(3, Settlement::Aborted);
    for number in [1, 2, 3] {
        assert!(matches!(store.status(number), CertificateStatus::Revoked(_)));
    }
    assert_eq!(store.uncertain(&issuer(1), END).unwrap(), []);
    drop(store);
    assert!(matches!(ground.open().status(1), CertificateStatus::Revoked(_)));
}

fn revoked_serial_numbers_are_listed_in_order_and_page_by_page(ground: &Ground) {
    let store = ground.open();
    for number in [300, 2, 7, 40] {
        store.issue(intent(number));
        store.revoke(number, ReasonCode::CessationOfOperation);
    }
    store.issue(intent(8));
    let mut other = intent(9);
    other.id.issuer = issuer(2);
    let other: CertificateId = store.issue(other);
    store.record_revocation(revocation(&other, ReasonCode::Superseded)).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.revoked(&issuer(1), after.as_ref(), 3).unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.serial.clone());
        seen.extend(page);
    }
    let reason = ReasonCode::CessationOfOperation;
    let entry = |number| RevokedEntry {
        serial: serial(number),
        revocation: Revocation { time: NOW, reason, invalidity_date: None },
        not_after: END,
    };
    assert_eq!(seen, [2, 7, 40, 300].map(entry));
    assert_eq!(store.revoked(&issuer(2), None, 9).unwrap().len(), 1);
    assert_eq!(store.revoked(&issuer(3), None, 9).unwrap(), []);
}

// By this number answers signed before are given again without asking: what it does not tell would never be asked for.
fn another_number_tells_of_each_change_of_a_status_where_nobody_else_makes_any(ground: &Ground) {
    let store = ground.open();
    let of = |act: &dyn Fn()| {
        let before = store.revision();
        act();
        before != store.revision()
    };
    let issue = || {
        store.issue(intent(1));
    };
    let hold = || {
        store.revoke(1, ReasonCode::CertificateHold);
    };
    let release = || {
        store.release(1);
    };
    let revoke = || {
        store.revoke(1, ReasonCode::KeyCompromise);
    };
    let changed = [of(&issue), of(&hold), of(&release), of(&revoke), of(&revoke)];
    match ground.shared() {
        None => assert_eq!(changed, [false, true, true, true, false]),
        Some(_) => assert_eq!(store.revision(), None),
    }
}

super::on_every_engine! {
    a_revocation_is_recorded_under_the_number_of_its_audit_record,
    what_was_never_issued_is_not_revoked,
    a_second_revocation_changes_nothing,
    what_was_revoked_as_an_intent_never_becomes_good,
    revoked_serial_numbers_are_listed_in_order_and_page_by_page,
    another_number_tells_of_each_change_of_a_status_where_nobody_else_makes_any,
}
