//! A ledger is moved out of its directory into a database: whole, once, and however often it was interrupted.

use ca_core::audit::Act;
use ca_core::ports::Ledger;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, SlotUse};

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, opening, settings,
};
use crate::directory::Directory;
use crate::engine::postgres::Loader;
use crate::engine::{self, Durability, Engine, EngineSetup, Write};
use crate::keyspace::Keyspace;
use crate::{
    EngineKind, MoveError, Moved, OpenDirectoryError, OpenError, Restoring, Settings, Store, move_to,
};

/// An embedded ledger with something of everything in it, and a database that is empty.
fn before() -> (Ground, Ground) {
    let ground = Ground::new(EngineKind::Fjall);
    let store = ground.open();
    for number in 0..40_u16 {
        store.issue(intent(number).for_slot(u8::try_from(number % 8).unwrap(), SlotUse::Rotation));
    }
    store.revoke(3, ReasonCode::KeyCompromise);
    store.expect_device(77);
    store.record(intent(50)).unwrap();
    drop(store);
    let there = Ground::new(EngineKind::Postgres);
    there.database.as_ref().unwrap().sql("DROP SCHEMA meter_pki CASCADE");
    (ground, there)
}

fn moved(from: &Ground, to: &Ground) -> Result<Moved, MoveError> {
    let database = to.shared().unwrap().database;
    move_to(&from.path(), (&database, "a test"), (&opening(NOW), event(Act::LedgerMoved)), |_, _| ())
}

/// Opens what was moved, on a node of its own.
fn opened(to: &Ground) -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().unwrap();
    let (path, shared) = (parent.path().join("node"), to.shared().unwrap());
    Store::join_shared(&path, &shared.database, [7; 16]).unwrap();
    let (store, _) =
        Store::open(&path, &opening(NOW), Settings { shared: Some(shared), ..settings() }).unwrap();
    (parent, store)
}

#[test]
fn everything_is_moved_and_the_old_ledger_is_served_no_more() {
    let (from, to) = before();
    let told = moved(&from, &to).unwrap();
    assert_eq!(told.loaded, told.rows.values().sum::<u64>());
    let (_parent, store) = opened(&to);
    assert_eq!(
        store.status(3),
        CertificateStatus::Revoked(super::ground::revocation(&id(3), ReasonCode::KeyCompromise).revocation)
    );
    // What was open was ended before.
    assert_eq!(store.status(50), CertificateStatus::Aborted);
    assert_eq!(u64::try_from(store.trail().len()).unwrap(), told.sequence + 1);
    assert_eq!(store.acts().iter().rev().nth(1), Some(&Act::LedgerMoved));
    store.issue(intent(60));
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
    let again = Store::open(&from.path(), &opening(NOW), from.settings());
    assert!(matches!(again, Err(OpenError::Directory(OpenDirectoryError::Moved { .. }))), "{again:?}");
    assert!(matches!(moved(&from, &to), Err(MoveError::Database(crate::NodeFault::LedgerThere))));
}

#[test]
fn a_move_that_was_interrupted_goes_on_behind_the_last_row() {
    let (from, to) = before();
    // As far as a first attempt came: some keyspaces whole, one half, the others not at all.
    moved_up_to(&from, &to, Keyspace::Certificates, 17);
    let told = moved(&from, &to).unwrap();
    assert!(told.loaded < told.rows.values().sum(), "{told:?}");
    let (_parent, store) = opened(&to);
    assert!((32..40).all(|number| store.status(number) == CertificateStatus::Good));
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
}

// What an attempt left that was interrupted never becomes part of another ledger.
#[test]
fn rows_of_an_attempt_that_was_interrupted_keep_a_new_ledger_and_a_restored_one_away() {
    let (from, to) = before();
    moved_up_to(&from, &to, Keyspace::Certificates, 17);
    let (parent, database) = (tempfile::tempdir().unwrap(), to.shared().unwrap().database);
    let created = Store::create_shared(&parent.path().join("new"), &database, ([1; 16], "a test"));
    assert!(created.unwrap_err().to_string().contains("an attempt that was interrupted"));
    let restoring = Restoring::begin_shared(&parent.path().join("restored"), &database, ([2; 16], "a test"));
    assert!(restoring.unwrap_err().to_string().contains("an attempt that was interrupted"));
    moved(&from, &to).unwrap();
}

#[test]
fn a_copy_is_restored_into_a_database_and_is_in_recovery_there() {
    let (from, to) = before();
    let (store, mut rows) = (from.open(), Vec::new());
    let report = store
        .copy(event(Act::BackupCreated), |row| {
            rows.push(row);
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
    let (parent, shared) = (tempfile::tempdir().unwrap(), to.shared().unwrap());
    let path = parent.path().join("restored");
    let mut restoring = Restoring::begin_shared(&path, &shared.database, ([2; 16], "a test")).unwrap();
    rows.into_iter().for_each(|row| restoring.write(row).unwrap());
    let restored = restoring.finish([9; 16], NOW, "restored from a backup").unwrap();
    assert_eq!((restored.sequence, restored.root), (report.sequence, report.root));
    let settings = Settings { shared: Some(shared), ..settings() };
    let (other, _) = Store::open(&path, &opening(NOW), settings).unwrap();
    assert_eq!(other.recovery().unwrap().reason, "restored from a backup");
    assert_eq!(other.trail(), store.trail());
    assert!((32..40).all(|number| other.status(number) == CertificateStatus::Good));
    assert!(other.record_intents(vec![intent(60)]).is_err(), "nothing is recorded in recovery");
}

/// Loads what an attempt loads before it is killed in a keyspace behind so many rows; the old ledger is declared moved.
fn moved_up_to(from: &Ground, to: &Ground, last: Keyspace, rows: usize) {
    let (store, _) = Store::open(&from.path(), &opening(NOW), from.settings()).unwrap();
    store.write("test", Durability::Durable, |tx| tx.seal(event(Act::LedgerMoved)).map(drop)).unwrap();
    drop(store);
    let (directory, kind) = Directory::open_moved(&from.path()).unwrap();
    directory.declare_moved().unwrap();
    let setup = EngineSetup { kind, cache_octets: 8 << 20 };
    let source = engine::open(setup, &directory.engine_path()).unwrap();
    let loader = Loader::begin(&to.shared().unwrap().database, "a test").unwrap();
    for keyspace in Keyspace::ALL {
        let limit = if keyspace == last { rows } else { usize::MAX };
        let page = source.view().unwrap().rows_after(keyspace, &[], &[], limit).unwrap();
        let write = |(key, value)| Write { keyspace, key, value: Some(value) };
        let batch: Vec<Write> = page.into_iter().map(write).collect();
        loader.commit(batch, Durability::Durable).unwrap();
        if keyspace == last {
            return;
        }
    }
}

#[test]
fn a_ledger_that_does_not_arrive_as_it_was_is_joined_by_nobody() {
    let (from, to) = before();
    let loader = Loader::begin(&to.shared().unwrap().database, "a test").unwrap();
    let stray = Write { keyspace: Keyspace::Devices, key: vec![1; 8], value: Some(vec![0]) };
    loader.commit(vec![stray], Durability::Durable).unwrap();
    drop(loader);
    let refused = moved(&from, &to).unwrap_err();
    assert!(matches!(refused, MoveError::Counts { keyspace: "devices", expected: 1, found: 2 }), "{refused}");
    let parent = tempfile::tempdir().unwrap();
    let joined = Store::join_shared(&parent.path().join("node"), &to.shared().unwrap().database, [7; 16]);
    assert!(joined.unwrap_err().to_string().contains("holds no ledger"));
}
