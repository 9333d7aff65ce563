//! The audit trail: without gaps over restarts, and whatever is done to the stored records is found out.

use ca_core::audit::tree::{Peaks, leaf_hash};
use ca_core::audit::{Act, AuditRecord, AuditTrail, BrokenTrail};
use ca_core::ports::{Ledger, StatusSource};

use super::ground::{Ground, LedgerTold, LedgerWords, event, intent};
use crate::engine::{Durability, Engine, Write};
use crate::keyspace::{Keyspace, TRAIL, subtree_key};
use crate::row::{Row, TrailRow};
use crate::transaction::Rows;
use crate::tree::StoredTree;
use crate::{AuditFault, OpenError};

fn the_trail_goes_on_over_restarts(ground: &Ground) {
    let store = ground.open();
    store.issue(intent(1));
    drop(store);
    let store = ground.open();
    store.record_event(event(Act::RequestRefused)).unwrap();
    let trail = store.trail();
    let numbers: Vec<u64> = trail.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(trail.last().unwrap().event, event(Act::RequestRefused));
}

fn records_are_listed_as_they_are_stored_and_page_by_page(ground: &Ground) {
    let store = ground.open();
    for number in 1..=4 {
        store.record(intent(number)).unwrap();
    }
    let mut trail = AuditTrail::EMPTY;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.audit_records(after, 2).unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        for der in page {
            let (record, _): (AuditRecord, _) = trail.check_next(&der).unwrap();
            after = record.sequence;
            seen.push(record);
        }
    }
    assert_eq!(seen, store.trail());
    assert_eq!(seen.len(), 5);
}

/// Does something to the stored rows behind the ledger's back and returns what opening it says.
fn after_tampering(ground: &Ground, keyspace: Keyspace, key: &[u8], value: Option<Vec<u8>>) -> AuditFault {
    let (directory, engine) = ground.engine();
    let before = engine.view().unwrap().value(keyspace, key).unwrap();
    put(&*engine, keyspace, key, value);
    drop((engine, directory));
    let (directory, engine) = ground.engine();
    let fault = match ground.start(directory, engine.into(), ground.settings()) {
        Err(OpenError::AuditTrail { cause }) => cause,
        outcome => panic!("the ledger was opened: {outcome:?}"),
    };
    let (_directory, engine) = ground.engine();
    put(&*engine, keyspace, key, before);
    fault
}

/// Puts a row in the place of another. A database takes no record over another one.
fn put(engine: &dyn Engine, keyspace: Keyspace, key: &[u8], value: Option<Vec<u8>>) {
    for value in [None, value] {
        let write = Write { keyspace, key: key.to_vec(), value };
        engine.commit(vec![write], Durability::Durable).unwrap();
    }
}

fn a_record_that_is_changed_removed_or_added_is_found_at_the_start(ground: &Ground) {
    let store = ground.open();
    for number in 1..=3 {
        store.record(intent(number)).unwrap();
    }
    let records = store.audit_records(0, 9).unwrap();
    drop(store);
    let changed = |at: usize| {
        let mut der = records[at].clone();
        // The actor's name: still a record, but not the one that was written.
        let actor = der.windows(4).position(|octets| octets == b"line" || octets == b"ledg").unwrap();
        der[actor] ^= 1;
        Some(der)
    };
    let tamper = |number: u64, value| after_tampering(ground, Keyspace::Audit, &number.to_be_bytes(), value);
    assert!(matches!(tamper(2, changed(1)), AuditFault::Broken(BrokenTrail::HashMismatch { sequence: 3 })));
    assert!(matches!(tamper(4, changed(3)), AuditFault::EndChanged { sequence: 4 }));
    assert!(matches!(tamper(2, None), AuditFault::Broken(BrokenTrail::Gap { expected: 2, found: 3 })));
    assert!(matches!(tamper(4, None), AuditFault::Missing { sequence: 4 }));
    assert!(matches!(tamper(5, Some(records[3].clone())), AuditFault::BeyondEnd { sequence: 4 }));
    assert!(matches!(
        tamper(3, Some(b"else".to_vec())),
        AuditFault::Broken(BrokenTrail::Unreadable { sequence: 3, .. })
    ));
    assert!(matches!(after_tampering(ground, Keyspace::Meta, TRAIL, None), AuditFault::NoEnd));
    assert_eq!(ground.open().trail().len(), 8);
}

fn a_change_long_ago_is_found_by_the_check_of_the_whole_trail(ground: &Ground) {
    let store = ground.open();
    assert!(store.record_intents((0..1_200).map(intent).collect()).unwrap().iter().all(Result::is_ok));
    let mut der = store.audit_records(4, 1).unwrap().remove(0);
    drop(store);
    let last = der.windows(4).position(|octets| octets == b"line").unwrap();
    der[last] ^= 1;
    let (directory, engine) = ground.engine();
    put(&*engine, Keyspace::Audit, &5_u64.to_be_bytes(), Some(der));
    let store = ground.start(directory, engine.into(), ground.settings()).unwrap();
    let mut walk = store.verify_audit().unwrap();
    assert_eq!(walk.by_ref().take_while(Result::is_ok).count(), 5);
    assert!(walk.next().is_none());
    let fault = store.verify_audit().unwrap().find_map(Result::err).unwrap();
    assert!(matches!(fault, AuditFault::Broken(BrokenTrail::HashMismatch { sequence: 6 })));
}

/// The head of the tree as the last row remembers it, against the definition over the stored records.
fn the_tree_is_that_of_the_records_at_every_size_and_over_restarts(ground: &Ground) {
    let mut store = ground.open();
    for number in 0..40 {
        store.issue(intent(number));
        if number % 8 == 0 {
            drop(store);
            store = ground.open();
        }
        let mut peaks = Peaks::EMPTY;
        for der in store.audit_records(0, 1_000).unwrap() {
            peaks.append(leaf_hash(&der));
        }
        let view = store.engine().view().unwrap();
        let TrailRow(end) = view.row::<TrailRow>(&()).unwrap().unwrap();
        assert_eq!(*end.peaks(), peaks);
        assert_eq!(StoredTree(&*view).peaks(peaks.size()).unwrap(), peaks);
    }
    let rows = |level: u8| {
        let view = store.engine().view().unwrap();
        view.rows_after(Keyspace::Tree, &[level], &[], 1_000).unwrap().len()
    };
    let records = store.trail().len();
    assert_eq!(records, 86);
    assert_eq!([1, 2, 3, 4, 5, 6, 7].map(rows), [43, 21, 10, 5, 2, 1, 0]);
}

fn a_subtree_that_is_changed_or_removed_is_found_at_the_start(ground: &Ground) {
    let store = ground.open();
    for number in 1..=6 {
        store.record(intent(number)).unwrap();
    }
    drop(store);
    let tamper =
        |level, index, value| after_tampering(ground, Keyspace::Tree, &subtree_key(level, index), value);
    for value in [None, Some(vec![7; 32]), Some(vec![7; 31])] {
        assert!(matches!(tamper(1, 2, value.clone()), AuditFault::SubtreeChanged { level: 1, index: 2 }));
        assert!(matches!(tamper(2, 0, value), AuditFault::SubtreeChanged { level: 2, index: 0 }));
    }
    let (_, end) = {
        let (_directory, engine) = ground.engine();
        let row = engine.view().unwrap().row::<TrailRow>(&()).unwrap().unwrap();
        (engine, row.0)
    };
    let mut hashes = end.peaks().hashes().to_vec();
    hashes[0][31] ^= 1;
    let forged = AuditTrail::new(*end.head(), Peaks::new(end.sequence(), hashes).unwrap());
    let row = TrailRow(forged).encode().unwrap();
    let fault = after_tampering(ground, Keyspace::Meta, TRAIL, Some(row));
    assert!(matches!(fault, AuditFault::TreeEndChanged { sequence } if sequence == end.sequence()));
}

super::on_every_engine! {
    the_tree_is_that_of_the_records_at_every_size_and_over_restarts,
    a_subtree_that_is_changed_or_removed_is_found_at_the_start,
    the_trail_goes_on_over_restarts,
    records_are_listed_as_they_are_stored_and_page_by_page,
    a_record_that_is_changed_removed_or_added_is_found_at_the_start,
    a_change_long_ago_is_found_by_the_check_of_the_whole_trail,
}
