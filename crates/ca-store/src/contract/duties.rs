//! What one of several nodes does for all, and what it is worth after another node found it gone. On PostgreSQL, as nothing else is
//! shared; one process alone has every duty.

use std::thread::park_timeout;
use std::time::Duration;

use ca_core::audit::Act;
use ca_core::ports::{CrlScopes, Duties, Ledger, StatusSource};
use ca_core::reason::ReasonCode;
use ca_core::record::CertificateStatus;
use postgres_peer::Server;

use super::ground::{
    Ground, LedgerTold, LedgerWords, NOW, cause, event, id, intent, issuer, opening, tenant,
};
use crate::{EngineKind, Settings, Store};

/// What another node does with one that it has not seen for the time of a lease.
fn fence(ground: &Ground, name: &str) {
    let sql = format!("UPDATE meter_pki.nodes SET fenced = true WHERE name = '{name}'");
    ground.database.as_ref().unwrap().sql(&sql);
}

/// The first node, whose acts wait for the database only for a moment.
fn impatient(ground: &Ground) -> Store {
    let settings = Settings { patience: Duration::from_secs(3), ..ground.settings() };
    Store::open(&ground.path(), &opening(NOW), settings).unwrap().0
}

fn has(store: &Store, duty: &'static str) -> bool {
    store.on_duty(duty).unwrap()
}

// Case K-05: the lease is over, and the holder still runs.
#[test]
fn k_05_a_duty_moves_when_its_node_is_fenced_and_what_that_one_writes_is_refused() {
    let ground = Ground::new(EngineKind::Postgres);
    let first = impatient(&ground);
    let (_place, second) = ground.node(2);
    assert_eq!((has(&first, "crl"), has(&second, "crl")), (true, false));
    assert_eq!((has(&second, "orders"), has(&first, "orders")), (true, false));
    fence(&ground, "node-1");
    assert_eq!((has(&second, "crl"), has(&first, "crl")), (true, false));
    // It was about to do what it had begun to do on duty.
    assert!(cause(first.record_event(event(Act::CrlIssued))).contains("fenced"));
    assert!(cause(first.look()).contains("fenced"));
    second.record_event(event(Act::CrlIssued)).unwrap();
    // Back under another token, it has its duties no more, until whoever has them ends.
    first.watch_nodes(NOW, &tenant("dso")).unwrap();
    first.look().unwrap();
    first.record_event(event(Act::CrlIssued)).unwrap();
    assert_eq!((has(&first, "crl"), has(&first, "orders")), (false, false));
    drop(second);
    assert_eq!((has(&first, "crl"), has(&first, "orders")), (true, true));
    let issued = first.acts().into_iter().filter(|act| *act == Act::CrlIssued).count();
    assert_eq!(issued, 2, "what was refused is not on record");
}

#[test]
fn k_03_what_one_node_records_the_other_reads_at_once() {
    let ground = Ground::new(EngineKind::Postgres);
    let first = ground.open();
    let (_place, second) = ground.node(2);
    first.issue(intent(1));
    assert_eq!(second.status(1), CertificateStatus::Good);
    let end = second.look().unwrap();
    first.revoke(1, ReasonCode::KeyCompromise);
    assert!(matches!(second.status(1), CertificateStatus::Revoked(_)));
    assert!(second.look().unwrap() > end);
    assert_eq!(second.last_numbers(&issuer(1)).unwrap(), []);
}

#[test]
fn one_process_alone_has_every_duty_and_no_name() {
    for kind in EngineKind::EMBEDDED {
        let store = Ground::new(kind).open();
        assert!(has(&store, "crl") && has(&store, "orders"));
        assert_eq!(store.node_name(), None);
        assert_eq!(store.look().unwrap(), 1);
    }
}

// Case K-04, in the ledger: nobody waits, and it is found again.
#[test]
fn k_04_while_the_database_is_gone_everybody_hears_so_and_it_is_found_again() {
    let server = Server::start();
    let ground = Ground::on(&server);
    let store = impatient(&ground);
    store.issue(intent(1));
    assert_eq!(store.node_name(), Some("node-1"));
    server.kill();
    cause(store.look());
    for _ in 0..3 {
        assert!(cause(store.status_of(&id(1))).contains("no answer"), "nobody asks it again at once");
    }
    cause(store.record_event(event(Act::CrlIssued)));
    server.restart();
    while store.look().is_err() {
        park_timeout(Duration::from_millis(20));
    }
    assert_eq!(store.status(1), CertificateStatus::Good);
    store.record_event(event(Act::CrlIssued)).unwrap();
}
