//! What nodes promise each other that share a ledger, as far as nobody has to be killed for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ca_core::audit::Act;
use ca_core::ports::{Clock, Ledger};
use ca_core::record::{CertificateStatus, IntentConflict, Settlement, SlotUse};
use ca_core::validity::UnixTime;
use postgres_peer::Pooler;

use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, cause, event, id, intent, issued, opening, settings,
    tenant, token,
};
use crate::engine::EngineError;
use crate::migration::MigrationError;
use crate::recovery::RecoverError;
use crate::row::RowFault;
use crate::transaction::{ActFault, ReadFault};
use crate::{Database, EngineKind, NodeFault, OpenError, Settings, Store};

fn ground() -> Ground {
    Ground::new(EngineKind::Postgres)
}

/// A node that gives up soon when nothing can be written.
fn impatient(ground: &Ground) -> Store {
    let settings = Settings { patience: Duration::from_secs(2), ..ground.settings() };
    Store::open(&ground.path(), &opening(NOW), settings).unwrap().0
}

/// The turn that a node committed last.
fn last_turn(ground: &Ground, node: &str) -> u64 {
    let of = format!("SELECT last_turn FROM meter_pki.nodes WHERE name = '{node}' AND NOT fenced");
    ground.database.as_ref().unwrap().sql(&of).parse().unwrap()
}

// K-02: what another node wrote may be seen before it is safe on the standby; the answer comes behind a commit of one's own, which
// waits for all before it.
#[test]
fn k_02_nobody_is_answered_from_what_others_wrote_before_that_is_safe() {
    let ground = ground();
    let (one, (_directory, two)) = (ground.open(), ground.node(2));
    one.record(intent(1).for_request(3)).unwrap();
    let before = last_turn(&ground, "node-2");
    assert_eq!(two.record(intent(2).for_request(3)), Err(IntentConflict::InFlight));
    let confirmed = last_turn(&ground, "node-2");
    assert!(confirmed > before, "the answer followed a commit");
    assert_eq!(two.record(intent(4).for_request(3)), Err(IntentConflict::InFlight));
    assert_eq!(
        last_turn(&ground, "node-2"),
        confirmed,
        "nothing new was seen, and nothing is written for it"
    );
}

// K-01: the same request at two nodes at once is one certificate.
#[test]
fn k_01_the_same_request_at_two_nodes_is_taken_by_one() {
    let ground = ground();
    let (one, (_directory, two)) = (ground.open(), ground.node(2));
    let answers = super::races::at_once(2, |number| {
        let store = if number == 0 { &one } else { &two };
        store.record_intents(vec![intent(10 + number).for_request(3)]).unwrap().remove(0)
    });
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.contains(&Err(IntentConflict::InFlight)));
}

/// A clock that a test sets so many seconds ahead of this machine's.
struct AheadClock(Arc<dyn Clock>, AtomicI64);

impl Clock for AheadClock {
    fn now(&self) -> UnixTime {
        self.0.now().plus_seconds(self.1.load(Ordering::SeqCst))
    }
}

/// A further node whose clock a test sets.
fn node_with_clock(
    ground: &Ground,
    ahead: i64,
) -> (tempfile::TempDir, Arc<AheadClock>, Result<Store, OpenError>) {
    let (parent, mut shared) = (tempfile::tempdir().unwrap(), ground.shared().unwrap());
    let path = parent.path().join("node");
    Store::join_shared(&path, &shared.database, [9; 16]).unwrap();
    let clock = Arc::new(AheadClock(Arc::clone(&shared.node.clock), AtomicI64::new(ahead)));
    "node-9".clone_into(&mut shared.node.name);
    shared.node.clock = clock.clone();
    let settings = Settings { shared: Some(shared), patience: Duration::from_secs(2), ..settings() };
    let opened = Store::open(&path, &opening(NOW), settings).map(|(store, _)| store);
    (parent, clock, opened)
}

// K-05: the holder of a token that was fenced still runs; the token is checked in the write. It joins again under another one.
#[test]
fn k_05_whoever_was_fenced_while_it_slept_writes_nothing_and_joins_again() {
    let ground = ground();
    let (one, (_directory, two)) = (impatient(&ground), ground.node(2));
    one.record(intent(1)).unwrap();
    one.begin(1);
    fence(&ground, "node-1");
    let trail = two.trail().len();
    let refused = one.record_issued(vec![issued(&id(1), NOW)]);
    assert!(cause(refused).contains("fenced"));
    assert!(cause(one.record_intents(vec![intent(2)])).contains("fenced"));
    assert_eq!(two.trail().len(), trail, "nothing was written");
    let ended = two.watch_nodes(NOW, &tenant("dso")).unwrap().ended;
    assert_eq!(ended.uncertain, [id(1)], "it may have been signed");
    one.watch_nodes(NOW, &tenant("dso")).unwrap();
    one.record(intent(3)).unwrap();
    assert!(one.record_issued(vec![issued(&id(1), NOW)]).is_err(), "what was ended stays so");
}

fn fence(ground: &Ground, node: &str) {
    let fence = format!("UPDATE meter_pki.nodes SET fenced = true WHERE name = '{node}'");
    ground.database.as_ref().unwrap().sql(&fence);
}

// K-06: ten minutes apart.
#[test]
fn k_06_a_clock_that_is_ten_minutes_off_does_not_join_and_one_that_goes_wrong_stops_writing() {
    let ground = ground();
    let one = ground.open();
    for ahead in [600, -600] {
        let (_directory, _clock, opened) = node_with_clock(&ground, ahead);
        let refused = opened.err().unwrap().to_string();
        assert!(refused.contains("the clock of this node is"), "{refused}");
    }
    let (_directory, clock, opened) = node_with_clock(&ground, 0);
    let two = opened.unwrap();
    two.record(intent(1)).unwrap();
    clock.1.store(600, Ordering::SeqCst);
    let refused = cause(two.record_intents(vec![intent(2)]));
    assert!(refused.contains("ahead of that of the database"), "{refused}");
    one.record(intent(3)).unwrap();
    clock.1.store(0, Ordering::SeqCst);
    two.record(intent(4)).unwrap();
}

// K-09: the database refuses a transaction that it might have taken; only the database is asked again, and the same certificate stands.
#[test]
fn k_09_what_the_database_gives_up_is_written_again_and_not_signed_again() {
    let ground = ground();
    let store = impatient(&ground);
    store.record(intent(1)).unwrap();
    store.begin(1);
    for state in ["serialization_failure", "deadlock_detected"] {
        let database = ground.database.as_ref().unwrap();
        database.sql(&format!(
            "CREATE FUNCTION meter_pki.give_up() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE {state}; END $$; \
             CREATE TRIGGER give_up BEFORE INSERT ON meter_pki.certificates \
             FOR EACH ROW EXECUTE FUNCTION meter_pki.give_up()"
        ));
        assert!(store.record_issued(vec![issued(&id(1), NOW)]).is_err());
        assert_eq!(store.status(1), CertificateStatus::Pending, "nothing of it is on record");
        database.sql("DROP FUNCTION meter_pki.give_up CASCADE");
    }
    store.record_issued(vec![issued(&id(1), NOW)]).unwrap();
    assert_eq!(store.status(1), CertificateStatus::Good);
    let told = store.acts().iter().filter(|act| **act == Act::CertificateIssued).count();
    assert_eq!(told, 1);
}

// K-09: what is given up for others' sake a few times is written again within the call, while nobody else wrote.
#[test]
fn k_09_a_group_that_the_database_gives_up_twice_is_written_the_third_time() {
    let ground = ground();
    let store = impatient(&ground);
    store.record(intent(1)).unwrap();
    store.begin(1);
    for state in ["serialization_failure", "deadlock_detected", "lock_not_available"] {
        let number = u16::try_from(state.len()).unwrap();
        store.record(intent(number)).unwrap();
        store.begin(number);
        ground.database.as_ref().unwrap().sql(&format!(
            "CREATE SEQUENCE meter_pki.tries; \
             CREATE FUNCTION meter_pki.give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('meter_pki.tries') <= 2 THEN RAISE {state}; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER give_up BEFORE INSERT ON meter_pki.certificates \
             FOR EACH ROW EXECUTE FUNCTION meter_pki.give_up()"
        ));
        store.record_issued(vec![issued(&id(number), NOW)]).unwrap();
        assert_eq!(store.status(number), CertificateStatus::Good);
        let sql = "DROP FUNCTION meter_pki.give_up CASCADE; DROP SEQUENCE meter_pki.tries";
        ground.database.as_ref().unwrap().sql(sql);
    }
    let told = store.acts().iter().filter(|act| **act == Act::CertificateIssued).count();
    assert_eq!(told, 3, "once each");
    assert!(store.verify_audit().unwrap().all(|record| record.is_ok()));
}

// K-08, K-09: the ledger is away while an intent is to be ended, and the process lives on: it is ended once the ledger is back.
#[test]
fn k_08_what_could_not_be_settled_while_the_ledger_was_away_is_settled_when_it_is_back() {
    let ground = ground();
    let store = impatient(&ground);
    store.record(intent(1).for_request(3)).unwrap();
    store.begin(1);
    read_only(&ground, true);
    let settlement = (id(1), Settlement::Uncertain, event(Act::IntentUncertain));
    assert!(store.settle_intents(vec![settlement]).is_err());
    read_only(&ground, false);
    // Whoever asks first may still find a session that has ended.
    assert!((0..10).any(|_| store.watch_nodes(NOW, &tenant("dso")).is_ok()));
    assert_eq!(store.status(1), CertificateStatus::Uncertain { since: NOW });
    store.record(intent(2).for_request(3)).unwrap();
}

/// Lets the database take no writes, or again; sessions that are open end.
fn read_only(ground: &Ground, on: bool) {
    let database = ground.database.as_ref().unwrap();
    let (server, name) = (database.server(), database.name());
    let setting =
        if on { "SET default_transaction_read_only = on" } else { "RESET default_transaction_read_only" };
    server.sql("postgres", &format!("ALTER DATABASE {name} {setting}"));
    let end = format!(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    server.sql("postgres", &end);
}

// K-10, S-04: a database that takes no writes gets none; nothing is issued, and everything goes on when it takes them again.
#[test]
fn k_10_a_database_that_takes_no_writes_is_away_until_it_does() {
    let ground = ground();
    let store = impatient(&ground);
    store.record(intent(1)).unwrap();
    read_only(&ground, true);
    let refused = cause(store.record_intents(vec![intent(2)]));
    assert!(refused.contains("cannot be written at this moment"), "{refused}");
    read_only(&ground, false);
    // Whoever asks first may still find a session that has ended.
    assert!((0..10).any(|_| store.record_intents(vec![intent(3)]).is_ok()));
    assert_eq!(store.status(2), CertificateStatus::NeverIssued);
}

// K-12: however many write, there is one audit trail.
#[test]
fn k_12_three_nodes_write_one_audit_trail_without_a_gap() {
    let ground = ground();
    let (one, (_second, two), (_third, three)) = (ground.open(), ground.node(2), ground.node(3));
    super::races::at_once(24, |number| {
        let store = [&one, &two, &three][usize::from(number % 3)];
        store.issue(intent(100 + number));
    });
    let numbers: Vec<u64> = one.trail().iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, (1..=u64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(two.acts().iter().filter(|act| **act == Act::CertificateIssued).count(), 24);
    assert_eq!(two.trail(), three.trail());
}

// K-13: a proxy that gives each transaction another session is told from a server, in a sentence.
#[test]
fn k_13_a_proxy_that_pools_transactions_is_refused_with_a_sentence() {
    let ground = ground();
    let mut shared = ground.shared().unwrap();
    let database = ground.database.as_ref().unwrap();
    let pooler = Pooler::start(&database.server(), 1);
    let url = pooler.url(database);
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap();
    shared.database =
        Database::parse(&format!("{scheme}://{user}@{host}")).unwrap().with_password(password.as_bytes());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node");
    let direct = ground.shared().unwrap().database;
    Store::join_shared(&path, &direct, [2; 16]).unwrap();
    "node-2".clone_into(&mut shared.node.name);
    let settings = Settings { shared: Some(shared), ..settings() };
    let refused = Store::open(&path, &opening(NOW), settings).err().unwrap().to_string();
    assert!(refused.contains("proxy"), "{refused}");
}

// K-04: a database that goes away while a node starts is away, and no damage: nobody is told to restore anything.
#[test]
fn k_04_a_database_that_goes_away_during_a_start_is_not_told_as_damage() {
    let away = || ReadFault::Engine(NodeFault::Fenced.into());
    let damaged = || ReadFault::Row(RowFault::Empty { keyspace: "open" });
    for error in [
        OpenError::from(ActFault::Read(away())),
        OpenError::from(RecoverError::Act(away().into())),
        OpenError::from(RecoverError::Audit(away().into())),
        OpenError::from(MigrationError::Read(away())),
        OpenError::from(EngineError::from(NodeFault::Fenced)),
    ] {
        assert!(matches!(error, OpenError::Away { .. }), "{error}");
    }
    assert!(matches!(OpenError::from(ActFault::Read(damaged())), OpenError::Recovery { .. }));
    assert!(matches!(OpenError::from(RecoverError::Audit(damaged().into())), OpenError::AuditTrail { .. }));
}

// What is asked for one row at a time is a journey each: the acts of issuance name their rows before.
#[test]
fn issuing_asks_the_database_no_question_alone() {
    let ground = ground();
    let store = ground.open();
    store.expect_device(4);
    store.keep(token(4));
    // The first of a device: what follows it changes the counts of its tenant's devices, which are no device's own.
    store.issue(intent(1).for_slot(4, SlotUse::First).for_request(1).with_claim(4, 9));
    let before = store.counters().read_alone;
    store.issue(intent(2).for_slot(4, SlotUse::Rotation).for_request(2).with_claim(4, 9));
    store.issue(intent(3).with_token(4));
    store.issue(intent(5).for_slot(6, SlotUse::First));
    assert!(store.record(intent(7).for_slot(4, SlotUse::First)).is_err(), "it is taken");
    assert_eq!(store.counters().read_alone - before, 0);
}
