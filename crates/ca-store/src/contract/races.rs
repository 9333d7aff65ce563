//! Races: whatever is asked at the same moment by many is granted to as many as it would be one after the other.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use ca_core::audit::Act;
use ca_core::ports::{Ledger, StatusSource};
use ca_core::record::{CertificateQuery, CertificateStatus, CrlIntent, IntentConflict, SlotUse};
use ca_core::scope::CrlScope;

use super::ground::{Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, issuer, token};
use crate::Store;

/// Asks at once from `count` threads and gathers the answers.
pub(super) fn at_once<T: Send>(count: u16, ask: impl Fn(u16) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(usize::from(count));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let (barrier, ask) = (&barrier, &ask);
                scope.spawn(move || {
                    barrier.wait();
                    ask(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Tells whether exactly one was granted and all others were refused alike.
fn one_of<T>(outcomes: &[Result<(), T>], refused: impl Fn(&T) -> bool) -> bool {
    let granted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    granted == 1 && outcomes.iter().all(|outcome| outcome.as_ref().err().is_none_or(&refused))
}

// E-30: a one-time token shown a hundred times at once opens the door once.
fn e30_a_token_shown_a_hundred_times_at_once_is_spent_once(ground: &Ground) {
    let store = ground.open();
    store.keep(token(7));
    let outcomes = at_once(100, |number| store.record(intent(number).with_token(7)));
    assert!(one_of(&outcomes, |conflict| *conflict == IntentConflict::TokenSpent));
}

fn a_slot_asked_for_at_once_is_given_once(ground: &Ground) {
    let store = ground.open();
    let outcomes = at_once(32, |number| store.record(intent(number).for_slot(4, SlotUse::First)));
    assert!(one_of(&outcomes, |conflict| matches!(conflict, IntentConflict::SlotTaken { .. })));
}

fn the_same_request_sent_at_once_is_answered_once(ground: &Ground) {
    let store = ground.open();
    let outcomes = at_once(32, |number| store.record(intent(number).for_request(3)));
    assert!(one_of(&outcomes, |conflict| *conflict == IntentConflict::InFlight));
}

fn a_serial_number_drawn_at_once_is_used_once(ground: &Ground) {
    let store = ground.open();
    let outcomes = at_once(32, |_| store.record(intent(1)));
    assert!(one_of(&outcomes, |conflict| *conflict == IntentConflict::SerialTaken));
}

fn a_device_claimed_at_once_by_many_keys_belongs_to_one(ground: &Ground) {
    let store = ground.open();
    store.expect_device(4);
    let outcomes =
        at_once(32, |number| store.record(intent(number).with_claim(4, u8::try_from(number).unwrap())));
    assert!(one_of(&outcomes, |conflict| *conflict == IntentConflict::DeviceClaimedByOther));
}

fn a_crl_number_asked_for_at_once_is_reserved_once(ground: &Ground) {
    let store = ground.open();
    let reserve = |_| {
        let event = event(Act::CrlIntended);
        store
            .record_crl_intent(CrlIntent {
                issuer: issuer(1),
                number: 5,
                this_update: NOW,
                event,
                scope: CrlScope::All,
            })
            .unwrap()
    };
    assert!(one_of(&at_once(32, reserve), |taken| taken.last == 5));
}

fn an_intent_is_given_to_the_signer_by_one_of_many(ground: &Ground) {
    let store = ground.open();
    store.record(intent(1)).unwrap();
    let outcomes = at_once(32, |_| store.begin_signing(&[id(1)]));
    assert!(one_of(&outcomes, |_| true));
}

/// A reader never sees a certificate vanish, come twice, or go back, while writers move it from intent to certificate.
fn readers_see_certificates_only_come_and_advance(ground: &Ground) {
    let store = ground.open();
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(|| watch(&store, &writing))).collect();
        let writers: Vec<_> = (0..4_u16)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    for turn in 0..50 {
                        store.issue(intent(writer * 50 + turn));
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        writing.store(false, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    assert_eq!(store.trail().len(), 401);
}

fn watch(store: &Store, writing: &AtomicBool) {
    let everything = CertificateQuery { limit: usize::MAX, ..CertificateQuery::default() };
    let (mut present, mut good) = (BTreeSet::new(), BTreeSet::new());
    while writing.load(Ordering::Relaxed) {
        let found = store.certificates(&everything).unwrap();
        assert!(found.is_sorted_by(|one, next| one.id < next.id));
        let now: BTreeSet<_> = found.iter().map(|one| one.id.clone()).collect();
        assert!(present.is_subset(&now));
        present = now;
        let issued = found.into_iter().filter(|one| one.status == CertificateStatus::Good);
        let issued: BTreeSet<_> = issued.map(|one| one.id).collect();
        assert!(good.is_subset(&issued));
        good = issued;
        for id in &present {
            assert_ne!(store.status_of(id).unwrap(), CertificateStatus::NeverIssued);
        }
    }
}

super::on_every_engine! {
    e30_a_token_shown_a_hundred_times_at_once_is_spent_once,
    a_slot_asked_for_at_once_is_given_once,
    the_same_request_sent_at_once_is_answered_once,
    a_serial_number_drawn_at_once_is_used_once,
    a_device_claimed_at_once_by_many_keys_belongs_to_one,
    a_crl_number_asked_for_at_once_is_reserved_once,
    an_intent_is_given_to_the_signer_by_one_of_many,
    readers_see_certificates_only_come_and_advance,
}
