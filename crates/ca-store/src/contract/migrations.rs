//! Formats: a ledger of an older one is brought to ours, whole or not at all; one of a newer one is left alone.

use std::fs;

use ca_core::audit::BrokenTrail;
use ca_core::ports::{Fleet, Ledger, StatusSource};
use ca_core::record::{DeviceEventKind, SlotUse};

use super::backup::restored;
use super::faults::{Step, try_open};
use super::ground::{Ground, IntentWords, LedgerTold, LedgerWords, intent, settings, tenant};
use crate::engine::{Durability, Engine, KeyValue, Write};
use crate::keyspace::{FLEET, Keyspace, TRAIL};
use crate::row::{HistoryRow, Row, TrailRow, TrailRowV1};
use crate::transaction::Rows;
use crate::{AuditFault, CopiedRow, EngineKind, OpenDirectoryError, OpenError};

const ENOSPC: i32 = 28;

/// As many records as need three batches of subtrees and one for the end.
const INTENTS: u16 = 3_500;

fn tree(engine: &dyn Engine) -> Vec<KeyValue> {
    engine.view().unwrap().rows_after(Keyspace::Tree, &[], &[], usize::MAX).unwrap()
}

fn marker(ground: &Ground) -> String {
    fs::read_to_string(ground.path().join("marker")).unwrap()
}

/// Makes a ledger with records what it would be had it been written in format 1; returns the subtrees that it loses by it.
fn in_format_1(ground: &Ground) -> Vec<KeyValue> {
    let store = ground.open();
    store.record_intents((0..INTENTS).map(intent).collect()).unwrap();
    drop(store);
    let (_directory, engine) = ground.engine();
    let lost = tree(&*engine);
    let TrailRow(end) = engine.view().unwrap().row::<TrailRow>(&()).unwrap().unwrap();
    let mut batch: Vec<Write> = lost
        .iter()
        .map(|(key, _)| Write { keyspace: Keyspace::Tree, key: key.clone(), value: None })
        .collect();
    let old = TrailRowV1 { sequence: end.sequence(), head: *end.head() };
    let value = Some(old.encode().unwrap());
    batch.push(Write { keyspace: Keyspace::Meta, key: TRAIL.to_vec(), value });
    engine.commit(batch, Durability::Durable).unwrap();
    fs::write(ground.path().join("marker"), marker(ground).replace("format 3", "format 1")).unwrap();
    lost
}

/// Opens a ledger of format 1, expects it to be as if it had always been of format 3, and lets it go on.
fn goes_on(ground: &Ground, expected: &[KeyValue]) {
    let store = ground.open();
    assert!(marker(ground).contains("format 3"));
    let kept: std::collections::BTreeSet<KeyValue> = tree(store.engine()).into_iter().collect();
    assert!(expected.iter().all(|row| kept.contains(row)));
    store.issue(intent(INTENTS));
    let records = store.trail().len();
    drop(store);
    assert_eq!(ground.open().trail().len(), records + 1);
}

fn s_08_an_interrupted_migration_is_done_again_by_the_next_start(ground: &Ground) {
    let expected = in_format_1(ground);
    for failing in 0..4 {
        for step in [Step::FailBefore(ENOSPC), Step::FailAfter(ENOSPC)] {
            let outcome = try_open(
                ground,
                settings(),
                move |number, _| {
                    if number == failing { step } else { Step::Pass }
                },
            );
            assert!(matches!(outcome, Err(OpenError::Migration { .. })), "{failing}: {outcome:?}");
            assert!(marker(ground).contains("format 1"), "{failing}");
        }
    }
    goes_on(ground, &expected);
}

fn s_08_a_migration_whose_marker_was_not_written_is_done_again(ground: &Ground) {
    let expected = in_format_1(ground);
    let unfinished = ground.path().join("marker.unfinished");
    fs::create_dir(&unfinished).unwrap();
    let (directory, engine) = ground.engine();
    let outcome = ground.start(directory, engine.into(), ground.settings());
    assert!(matches!(outcome, Err(OpenError::Migration { .. })), "{outcome:?}");
    fs::remove_dir(&unfinished).unwrap();
    fs::write(&unfinished, "half a ma").unwrap();
    assert!(marker(ground).contains("format 1"));
    goes_on(ground, &expected);
}

fn s_08_a_ledger_of_a_newer_format_is_refused_and_left_alone(ground: &Ground) {
    ground.open().record(intent(1)).unwrap();
    let ours = marker(ground);
    fs::write(ground.path().join("marker"), ours.replace("format 3", "format 4")).unwrap();
    let outcome = crate::Store::open(&ground.path(), &super::ground::opening(super::ground::NOW), settings());
    let refusal = match outcome {
        Err(OpenError::Directory(refusal @ OpenDirectoryError::NewerFormat { found: 4, known: 3, .. })) => {
            refusal
        }
        other => panic!("the ledger was opened: {other:?}"),
    };
    assert!(refusal.to_string().contains("use the newer version"));
    assert!(marker(ground).contains("format 4"));
    fs::write(ground.path().join("marker"), ours).unwrap();
    assert_eq!(ground.open().trail().len(), 4);
}

fn s_08_an_old_ledger_whose_records_were_changed_is_not_brought_to_a_new_format(ground: &Ground) {
    in_format_1(ground);
    let (directory, engine) = ground.engine();
    let mut der = engine.view().unwrap().value(Keyspace::Audit, &9_u64.to_be_bytes()).unwrap().unwrap();
    let actor = der.windows(4).position(|octets| octets == b"line").unwrap();
    der[actor] ^= 1;
    let write = Write { keyspace: Keyspace::Audit, key: 9_u64.to_be_bytes().to_vec(), value: Some(der) };
    engine.commit(vec![write], Durability::Durable).unwrap();
    let outcome = ground.start(directory, engine.into(), ground.settings());
    let Err(OpenError::AuditTrail { cause }) = outcome else { panic!("the ledger was opened") };
    assert!(matches!(cause, AuditFault::Broken(BrokenTrail::HashMismatch { sequence: 10 })));
    assert!(marker(ground).contains("format 1"));
}

fn every_record_of_an_old_ledger_stays_as_it_was(ground: &Ground) {
    let store = ground.open();
    let before = store.audit_records(0, 10).unwrap();
    drop(store);
    in_format_1(ground);
    let store = ground.open();
    assert_eq!(store.audit_records(0, 1).unwrap(), before[..1]);
    assert_eq!(store.trail().len(), 2 * usize::from(INTENTS) + 3);
}

/// What format 3 added, and the marker of format 2 in the place of its own.
fn in_format_2(ground: &Ground) {
    let (_directory, engine) = ground.engine();
    let mut batch = vec![Write { keyspace: Keyspace::Meta, key: FLEET.to_vec(), value: None }];
    for keyspace in ADDED {
        let rows = engine.view().unwrap().rows_after(keyspace, &[], &[], usize::MAX).unwrap();
        batch.extend(rows.into_iter().map(|(key, _)| Write { keyspace, key, value: None }));
    }
    engine.commit(batch, Durability::Durable).unwrap();
    fs::write(ground.path().join("marker"), marker(ground).replace("format 3", "format 2")).unwrap();
}

const ADDED: [Keyspace; 3] = [Keyspace::DeviceIndex, Keyspace::DeviceCounts, Keyspace::DeviceHistory];

fn rows(engine: &dyn Engine) -> Vec<Vec<KeyValue>> {
    let view = engine.view().unwrap();
    ADDED.map(|keyspace| view.rows_after(keyspace, &[], &[], usize::MAX).unwrap()).into()
}

/// A ledger with devices in several states, and certificates of theirs.
fn with_devices(ground: &Ground) -> Vec<Vec<KeyValue>> {
    let store = ground.open();
    (1..9).for_each(|device| store.expect_device(device));
    store.issue(intent(1).for_slot(1, SlotUse::First).with_claim(1, 9));
    store.record(intent(2).for_slot(2, SlotUse::First).with_claim(2, 8)).unwrap();
    let made = rows(store.engine());
    assert!(made.iter().all(|rows| !rows.is_empty()));
    made
}

fn a_ledger_of_format_2_is_indexed_and_counted_as_if_it_had_always_been(ground: &Ground) {
    let made = with_devices(ground);
    in_format_2(ground);
    let store = ground.open();
    assert!(marker(ground).contains("format 3"));
    let built = rows(store.engine());
    assert_eq!(built[..2], made[..2]);
    // Its records name no device that was imported; whatever became of one later is followed.
    let later: Vec<_> = made[2]
        .iter()
        .filter(|(_, octets)| HistoryRow::decode(octets).unwrap().kind != DeviceEventKind::Imported)
        .cloned()
        .collect();
    assert_eq!(built[2], later);
    assert_eq!(store.count_devices(&tenant("dso"), None).unwrap()[0].total(), 8);
}

fn an_interrupted_step_to_format_3_is_done_again(ground: &Ground) {
    let made = with_devices(ground);
    for failing in 0..4 {
        in_format_2(ground);
        let step = move |number, _| if number == failing { Step::FailAfter(ENOSPC) } else { Step::Pass };
        let outcome = try_open(ground, settings(), step);
        assert!(matches!(outcome, Err(OpenError::Migration { .. })), "{failing}: {outcome:?}");
        assert!(marker(ground).contains("format 2"), "{failing}");
    }
    let store = ground.open();
    assert_eq!(rows(store.engine())[..2], made[..2]);
}

fn a_backup_of_format_2_is_brought_to_format_3_when_it_is_restored(ground: &Ground) {
    let made = with_devices(ground);
    in_format_2(ground);
    let (_directory, engine) = ground.engine();
    let all: Vec<CopiedRow> = Keyspace::ALL
        .into_iter()
        .flat_map(|keyspace| {
            let rows = engine.view().unwrap().rows_after(keyspace, &[], &[], usize::MAX).unwrap();
            rows.into_iter().map(move |(key, value)| CopiedRow {
                keyspace: keyspace.tag(),
                key,
                value: Some(value),
            })
        })
        .collect();
    for kind in EngineKind::EMBEDDED {
        let (_parent, store) = restored(all.clone(), kind);
        assert_eq!(rows(store.engine())[..2], made[..2]);
    }
}

super::on_embedded_engines! {
    a_backup_of_format_2_is_brought_to_format_3_when_it_is_restored,
    a_ledger_of_format_2_is_indexed_and_counted_as_if_it_had_always_been,
    an_interrupted_step_to_format_3_is_done_again,
    s_08_an_interrupted_migration_is_done_again_by_the_next_start,
    s_08_a_migration_whose_marker_was_not_written_is_done_again,
    s_08_a_ledger_of_a_newer_format_is_refused_and_left_alone,
    s_08_an_old_ledger_whose_records_were_changed_is_not_brought_to_a_new_format,
    every_record_of_an_old_ledger_stays_as_it_was,
}
