//! Copies of the audit trail and proofs over it: nothing is lost, and nothing new begins while a copy lacks too much.

use ca_core::audit::proof::{TreeHead, verify_consistency, verify_inclusion};
use ca_core::audit::tree::{Peaks, Subtree, leaf_hash};
use ca_core::audit::{Act, AuditRecord};
use ca_core::ports::{Ledger, Registry, StatusSource};
use ca_core::reason::ReasonCode;
use ca_core::record::{CrlIntent, Settlement};
use ca_core::scope::CrlScope;

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, cause, certificate, event, expected, id, intent,
    issued, issuer, token,
};
use crate::Store;

/// The heads of the tree at every size, from 0.
fn heads(store: &Store) -> Vec<TreeHead> {
    let mut peaks = Peaks::EMPTY;
    let mut heads = vec![TreeHead { size: 0, root: peaks.root() }];
    for der in store.audit_records(0, 10_000).unwrap() {
        peaks.append(leaf_hash(&der));
        heads.push(TreeHead { size: peaks.size(), root: peaks.root() });
    }
    heads
}

fn every_record_is_proven_in_every_tree_and_every_tree_continues_those_before(ground: &Ground) {
    let store = ground.open();
    for number in 0..9 {
        store.issue(intent(number));
    }
    let (records, heads) = (store.audit_records(0, 100).unwrap(), heads(&store));
    for later in &heads {
        for sequence in 1..=later.size {
            let der = &records[usize::try_from(sequence).unwrap() - 1];
            let leaf = Subtree { level: 0, index: sequence - 1, hash: leaf_hash(der) };
            let path = store.prove_inclusion(sequence, later.size).unwrap();
            assert_eq!(verify_inclusion(&leaf, later.size, &path, &later.root), Ok(()));
        }
        for earlier in heads.iter().take_while(|head| head.size <= later.size) {
            let proof = store.prove_consistency(earlier.size, later.size).unwrap();
            assert_eq!(verify_consistency(earlier, later, &proof), Ok(()));
        }
    }
    let end = heads.last().unwrap();
    assert_eq!(store.audit_end().unwrap().peaks().root(), end.root);
    assert!(store.prove_inclusion(end.size + 1, end.size + 1).is_err());
}

fn the_record_of_an_issuance_is_found_whatever_the_clock_did(ground: &Ground) {
    let store = ground.open();
    for number in 0..5 {
        store.issue(intent(number).at(NOW.plus_seconds(i64::from(number) * 10_000)));
    }
    // The clock falls back by a day, and stays there.
    for number in 5..8 {
        store.issue(intent(number).at(NOW.plus_seconds(-86_400)));
    }
    for number in 0..8 {
        let found = store.issuance_record(&id(number)).unwrap().unwrap();
        let record = AuditRecord::from_der(&found.der).unwrap();
        assert_eq!(record.sequence, found.sequence);
        assert_eq!(record.event.act, Act::CertificateIssued);
        assert_eq!(found.certificate, Some(certificate(&id(number))));
    }
    assert_eq!(store.issuance_record(&id(9)).unwrap(), None);
}

fn a_copy_holds_each_record_and_each_certificate(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.record(intent(2)).unwrap();
    let copy = store.audit_copy(0, 100).unwrap();
    let certificates: Vec<_> = copy.iter().filter_map(|copied| copied.certificate.clone()).collect();
    assert_eq!(certificates, [certificate(&id(1))]);
    let told: Vec<u64> = copy.iter().map(|copied| copied.sequence).collect();
    assert_eq!(told, [1, 2, 3, 4]);
    assert_eq!(
        copy.into_iter().map(|copied| copied.der).collect::<Vec<_>>(),
        store.audit_records(0, 9).unwrap()
    );
}

fn a_02_nothing_new_begins_while_a_copy_lacks_too_much_and_what_began_is_finished(ground: &Ground) {
    let store = ground.open();
    let follower = store.follow("export", 3, 1);
    store.issue(intent(1));
    store.record(intent(2)).unwrap();
    store.begin(2);
    store.record(intent(3)).unwrap();
    // Five records, of which one is copied: four are lacking.
    assert!(cause(store.record_intents(vec![intent(4)])).contains("the audit export is 4 records behind"));
    assert!(store.record_event(event(Act::RequestRefused)).is_err());
    assert!(store.keep_token(token(7), event(Act::TokenIssued)).is_err());
    assert!(store.import_devices(vec![expected(4)], event(Act::DevicesImported)).is_err());
    // What began is brought to its end; revocations and CRLs are always made; everything can be read.
    store.record_issued(vec![issued(&id(2), NOW)]).unwrap();
    store.settle(3, Settlement::Aborted);
    store.revoke(1, ReasonCode::Superseded);
    let crl = CrlIntent {
        issuer: issuer(1),
        number: 5,
        this_update: NOW,
        event: event(Act::CrlIntended),
        scope: CrlScope::All,
    };
    store.record_crl_intent(crl).unwrap().unwrap();
    assert_eq!(store.trail().len(), 9);
    assert_eq!(store.check_followers().unwrap_err().records, 8);
    follower.reached(6);
    assert_eq!(store.check_followers(), Ok(()));
    store.record(intent(4)).unwrap();
}

fn a_01_nothing_new_begins_while_a_copy_cannot_be_written(ground: &Ground) {
    let store = ground.open();
    let follower = store.follow("export", 1_000, 1);
    store.record(intent(1)).unwrap();
    follower.failed("No space left on device".to_owned());
    let told = cause(store.record_intents(vec![intent(2)]));
    assert!(told.contains("export") && told.contains("No space left"), "{told}");
    assert_eq!(store.trail().len(), 2);
    follower.reached(2);
    store.record(intent(2)).unwrap();
}

fn a_08_a_clock_that_jumped_is_recorded_between_two_openings_and_between_two_acts(ground: &Ground) {
    drop(ground.open());
    drop(ground.reopen_at(NOW.plus_seconds(-400)));
    let (store, _) = ground.reopen_at(NOW.plus_seconds(-300));
    store.record(intent(1).at(NOW.plus_seconds(8 * 86_400))).unwrap();
    store.record(intent(2).at(NOW.plus_seconds(8 * 86_400 + 60))).unwrap();
    assert_eq!(
        store.acts(),
        [
            Act::LedgerOpened,
            Act::ClockChanged,
            Act::LedgerOpened,
            Act::LedgerOpened,
            Act::ClockChanged,
            Act::IntentRecorded,
            Act::IntentRecorded
        ]
    );
    let trail = store.trail();
    assert_eq!(trail[1].event.reason, "clock-backwards");
    assert_eq!(trail[4].event.reason, "clock-forwards");
    assert_eq!(trail[4].event.tenant, trail[5].event.tenant);
}

/// There is no act that removes records; those that end other things leave them, however late.
fn a_10_no_record_is_pruned_when_everything_has_expired(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    store.keep(token(7));
    store.record(intent(2)).unwrap();
    drop(store);
    let before = ground.open().audit_records(0, 100).unwrap();
    let (store, _) = ground.reopen_at(super::ground::END.plus_seconds(40 * 365 * 86_400));
    store.revoke(1, ReasonCode::Superseded);
    assert_eq!(store.audit_records(0, before.len()).unwrap(), before);
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
}

fn what_is_remembered_for_copies_is_there_after_a_restart(ground: &Ground) {
    let store = ground.open();
    assert_eq!((store.checkpoint().unwrap(), store.cursor("syslog").unwrap()), (None, 0));
    store.keep_checkpoint("a note".to_owned()).unwrap();
    store.keep_cursor("syslog", 7).unwrap();
    drop(store);
    let store = ground.open();
    assert_eq!(store.checkpoint().unwrap().as_deref(), Some("a note"));
    assert_eq!((store.cursor("syslog").unwrap(), store.cursor("else").unwrap()), (7, 0));
    assert_eq!(store.trail().len(), 2);
}

super::on_every_engine! {
    every_record_is_proven_in_every_tree_and_every_tree_continues_those_before,
    the_record_of_an_issuance_is_found_whatever_the_clock_did,
    a_copy_holds_each_record_and_each_certificate,
    a_02_nothing_new_begins_while_a_copy_lacks_too_much_and_what_began_is_finished,
    a_01_nothing_new_begins_while_a_copy_cannot_be_written,
    a_08_a_clock_that_jumped_is_recorded_between_two_openings_and_between_two_acts,
    a_10_no_record_is_pruned_when_everything_has_expired,
    what_is_remembered_for_copies_is_there_after_a_restart,
}
