//! K-07: several versions of the program and several configurations beside each other, and the steps of the schema.

use std::time::Duration;

use super::ground::{Ground, LedgerTold, LedgerWords, NOW, intent, opening, settings};
use crate::{EngineKind, NodeFault, OpenError, SCHEMA, Settings, Store, bring_schema};
use ca_core::record::CertificateStatus;

/// Tries to join a ledger as a further node of this version and configuration.
fn join(
    ground: &Ground,
    name: &str,
    version: &str,
    configuration: &str,
) -> Result<(tempfile::TempDir, Store), NodeFault> {
    let parent = tempfile::tempdir().unwrap();
    let (path, mut shared) = (parent.path().join("node"), ground.shared().unwrap());
    let mut place = [0; 16];
    name.bytes().zip(&mut place).for_each(|(octet, at)| *at = octet);
    Store::join_shared(&path, &shared.database, place).unwrap();
    shared.node.name = name.to_owned();
    shared.node.version = version.to_owned();
    shared.node.configuration = configuration.to_owned();
    match Store::open(&path, &opening(NOW), Settings { shared: Some(shared), ..settings() }) {
        Ok((store, _)) => Ok((parent, store)),
        Err(OpenError::Node(fault)) => Err(fault),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn k_07_the_new_program_comes_first_and_the_new_configuration_then_and_all_see_it() {
    let ground = Ground::new(EngineKind::Postgres);
    let (old, new) = ("aa".repeat(32), "bb".repeat(32));
    let first = join(&ground, "a", "1.0.0", &old).unwrap();
    let second = join(&ground, "b", "2.0.0", &old).unwrap();
    let fault = join(&ground, "c", "2.0.0", &new).unwrap_err();
    assert!(
        matches!(&fault, NodeFault::BothDiffer { name, version } if name == "a" && version == "1.0.0"),
        "{fault}"
    );
    // The same version with another configuration: one node after the other takes it on.
    let third = join(&ground, "c", "1.0.0", &new).unwrap_err();
    assert!(matches!(third, NodeFault::BothDiffer { name, .. } if name == "b"));
    drop(first);
    let first = join(&ground, "a", "2.0.0", &old).unwrap();
    let third = join(&ground, "c", "2.0.0", &new).unwrap();
    let seen: Vec<_> = third
        .1
        .nodes()
        .unwrap()
        .into_iter()
        .map(|node| (node.name, node.version, node.configuration))
        .collect();
    let as_joined =
        |name: &str, configuration: &str| (name.to_owned(), "2.0.0".to_owned(), configuration.to_owned());
    assert_eq!(seen, [as_joined("a", &old), as_joined("b", &old), as_joined("c", &new)]);
    for (number, store) in [&first.1, &second.1, &third.1].into_iter().enumerate() {
        store.issue(intent(u16::try_from(number).unwrap()));
    }
    assert!((0..3).all(|number| first.1.status(number) == CertificateStatus::Good));
}

#[test]
fn a_name_belongs_to_one_directory_while_its_node_is_alive() {
    let ground = Ground::new(EngineKind::Postgres);
    let first = join(&ground, "a", "1.0.0", "").unwrap();
    let other = tempfile::tempdir().unwrap();
    let (path, mut shared) = (other.path().join("node"), ground.shared().unwrap());
    Store::join_shared(&path, &shared.database, [9; 16]).unwrap();
    shared.node.name = "a".to_owned();
    shared.node.lease = Duration::from_secs(60);
    let outcome = Store::open(&path, &opening(NOW), Settings { shared: Some(shared), ..settings() });
    assert!(matches!(outcome, Err(OpenError::Node(NodeFault::NameInUse { .. }))));
    first.1.issue(intent(1));
}

#[test]
fn k_07_the_schema_goes_forward_and_back_under_nodes_that_know_both_steps() {
    let ground = Ground::new(EngineKind::Postgres);
    let database = ground.shared().unwrap().database;
    let store = ground.open();
    store.issue(intent(1));
    // The schema of a release that knew the first step alone.
    assert_eq!(bring_schema(&database, Some(1), "a test").unwrap(), (SCHEMA, 1));
    store.issue(intent(2));
    drop(store);
    let (_parent, other) = ground.node(2);
    other.issue(intent(3));
    // A node whose program knows the first step alone keeps the second one away, until it is gone.
    let sql = |text: &str| ground.database.as_ref().unwrap().sql(text);
    sql("UPDATE meter_pki.nodes SET schema_most = 1 WHERE name = 'node-2'");
    let refused = bring_schema(&database, Some(SCHEMA), "a test").unwrap_err();
    assert!(matches!(&refused, NodeFault::NodeTooOld { name, .. } if name == "node-2"), "{refused}");
    drop(other);
    let store = ground.open();
    assert_eq!(bring_schema(&database, Some(SCHEMA), "a test").unwrap(), (1, SCHEMA));
    store.issue(intent(4));
    assert!((1..5).all(|number| store.status(number) == CertificateStatus::Good));
    assert_eq!(sql("SELECT count(*) FROM meter_pki.certificate_keys"), "4");
    assert_eq!(sql("SELECT max(sequence) = count(*) FROM meter_pki.audit_keys"), "t");
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
}

// A node whose exported log speaks of another ledger is kept out; the others, who serve it, are not put into recovery by that.
#[test]
fn a_node_with_a_witness_that_says_no_is_kept_out_while_others_serve() {
    let ground = Ground::new(EngineKind::Postgres);
    let witness = |_: &crate::TrailEnd<'_>| Err("the log has another end".to_owned());
    let guard = crate::Guard { newcomer: [5; 16], witness: &witness };
    let open = || Store::open_guarded(&ground.path(), &opening(NOW), ground.settings(), Some(&guard));
    let (_parent, other) = ground.node(2);
    let serving = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while serving.load(std::sync::atomic::Ordering::Relaxed) {
                other.watch_nodes(NOW, &super::ground::tenant("dso")).unwrap();
            }
        });
        let refused = open().map(drop).unwrap_err().to_string();
        serving.store(false, std::sync::atomic::Ordering::Relaxed);
        assert!(refused.contains("other nodes serve this ledger"), "{refused}");
    });
    other.issue(intent(1));
    drop(other);
    // Nobody serves it: what the witness says counts for the ledger.
    let (store, _) = open().unwrap();
    assert!(store.recovery().is_some());
}

#[test]
fn a_schema_that_is_not_known_keeps_a_node_away() {
    let ground = Ground::new(EngineKind::Postgres);
    let sql = |text: &str| ground.database.as_ref().unwrap().sql(text);
    let opened = || Store::open(&ground.path(), &opening(NOW), ground.settings()).map(drop);
    sql("INSERT INTO meter_pki.schema_steps (number, name, digest, applied_by) VALUES (99, 'x', '', 'x')");
    assert!(matches!(opened(), Err(OpenError::Node(NodeFault::NewerSchema { found: 99, most: SCHEMA }))));
    sql("DELETE FROM meter_pki.schema_steps WHERE number = 99");
    sql("UPDATE meter_pki.schema_steps SET digest = '\\x00' WHERE number = 1");
    assert!(matches!(opened(), Err(OpenError::Node(NodeFault::OtherStep { number: 1 }))));
}
