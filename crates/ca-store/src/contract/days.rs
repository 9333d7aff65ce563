//! What is counted by days: of each act its certificate once, whatever came before it, and as if it had always been counted.

use ca_core::audit::Act;
use ca_core::ports::Ledger;
use ca_core::reason::ReasonCode;
use ca_core::record::{CrlIntent, CrlRecord, Settlement};
use ca_core::scope::{CrlScope, Shard};
use ca_core::validity::{UnixTime, Validity};

use super::ground::{END, Ground, IntentWords, LedgerWords, NOW, event, id, intent, issued, issuer, tenant};
use crate::engine::{Durability, Engine, KeyValue, Write};
use crate::keyspace::Keyspace;
use crate::keyspace::days::{DAYS, day_of};
use crate::{CrlSize, DayCount, IntegrityFault, Store};

const DAY: i64 = 86_400;

/// Each act that counts, on days of their own: five certificates that end on one day, one short-lived one, and one that is
/// uncertain.
fn with_certificates(ground: &Ground) -> Store {
    let store = ground.open();
    for (number, day) in [(1, 0), (2, 0), (3, 1), (4, 1)] {
        store.issue(intent(number).at(NOW.plus_seconds(day * DAY)));
    }
    let mut of_another = intent(5);
    of_another.tenant = tenant("dso-2");
    store.issue(of_another);
    let mut short = intent(6);
    short.validity = Validity::new(NOW, NOW.plus_seconds(3_600)).unwrap();
    store.issue(short);
    // Revoked for good at once, by way of a hold, on hold, and released.
    for (number, reason) in [
        (1, ReasonCode::KeyCompromise),
        (2, ReasonCode::CertificateHold),
        (2, ReasonCode::Superseded),
        (3, ReasonCode::CertificateHold),
        (4, ReasonCode::CertificateHold),
    ] {
        store.revoke(number, reason);
    }
    store.release(4);
    // Revoked while nobody knew whether it exists, and before it did.
    for number in [7, 8] {
        store.record(intent(number)).unwrap();
        store.begin(number);
    }
    store.settle(7, Settlement::Uncertain);
    store.revoke(7, ReasonCode::Unspecified);
    store.revoke(8, ReasonCode::Unspecified);
    store.record_issued(vec![issued(&id(8), NOW)]).unwrap();
    store
}

fn count(owner: &str, time: UnixTime, [issued, revoked, ends, ends_revoked]: [u64; 4]) -> DayCount {
    let (tenant, issuer, day) = (tenant(owner), issuer(1), day_of(time));
    DayCount { tenant, issuer, day, issued, revoked, ends, ends_revoked }
}

/// What the certificates above add up to.
fn expected() -> [DayCount; 5] {
    [
        count("dso", NOW, [4, 4, 1, 0]),
        count("dso", NOW.plus_seconds(DAY), [2, 0, 0, 0]),
        count("dso", END, [0, 0, 5, 4]),
        count("dso-2", NOW, [1, 0, 0, 0]),
        count("dso-2", END, [0, 0, 1, 0]),
    ]
}

fn each_act_counts_its_certificate_once(ground: &Ground) {
    let store = with_certificates(ground);
    let ever = (NOW, END.plus_seconds(DAY));
    assert_eq!(store.day_counts(None, ever).unwrap(), expected());
    assert_eq!(store.day_counts(Some(&tenant("dso-2")), ever).unwrap(), expected()[3..]);
    // The day of the first second counts whole, that of the last one not.
    assert_eq!(store.day_counts(Some(&tenant("dso")), (NOW.plus_seconds(DAY), END)).unwrap().len(), 2);
    assert_eq!(store.day_counts(None, (NOW, day_of(END))).unwrap().len(), 3);
    assert_eq!(store.day_counts(Some(&tenant("nobody")), ever).unwrap(), []);
    store.check_days().unwrap();
    drop(store);
    assert_eq!(ground.open().day_counts(None, ever).unwrap(), expected());
}

fn a_group_writes_the_rows_of_its_days_once(ground: &Ground) {
    let store = ground.open();
    store.record_intents((0..300).map(intent).collect()).unwrap();
    let ids: Vec<_> = (0..300).map(id).collect();
    store.begin_signing(&ids).unwrap();
    let before = store.counters().rows;
    store.record_issued(ids.iter().map(|id| issued(id, NOW)).collect()).unwrap();
    // Of each certificate: its own row, the two that it takes away, when it ends, its audit record and a node of the tree; of all
    // together the end of the trail, and two days.
    let written = store.counters().rows - before;
    assert!(written <= 300 * 6 + 3, "{written} rows");
    let counts = store.day_counts(None, (NOW, END.plus_seconds(DAY))).unwrap();
    assert_eq!(counts, [count("dso", NOW, [300, 0, 0, 0]), count("dso", END, [0, 0, 300, 0])]);
}

fn rows(engine: &dyn Engine) -> Vec<KeyValue> {
    engine.view().unwrap().rows_after(Keyspace::DayCounts, &[], &[], usize::MAX).unwrap()
}

fn a_ledger_from_before_days_were_counted_is_counted_when_it_is_opened(ground: &Ground) {
    drop(with_certificates(ground));
    let (directory, engine) = ground.engine();
    let counted = rows(&*engine);
    let gone = |keyspace, key: &[u8]| Write { keyspace, key: key.to_vec(), value: None };
    let mut batch: Vec<Write> = counted.iter().map(|(key, _)| gone(Keyspace::DayCounts, key)).collect();
    batch.push(gone(Keyspace::Meta, DAYS));
    engine.commit(batch, Durability::Durable).unwrap();
    drop((directory, engine));
    let store = ground.open();
    assert_eq!(rows(store.engine()), counted);
    store.check_days().unwrap();
}

fn a_day_that_is_counted_wrongly_is_found(ground: &Ground) {
    drop(with_certificates(ground));
    let (directory, engine) = ground.engine();
    let (key, value) = rows(&*engine).remove(0);
    drop((directory, engine));
    let mut other = value.clone();
    *other.last_mut().unwrap() ^= 1;
    let checked = |value: Option<Vec<u8>>| {
        let (directory, engine) = ground.engine();
        let write = Write { keyspace: Keyspace::DayCounts, key: key.clone(), value };
        engine.commit(vec![write], Durability::Durable).unwrap();
        drop((directory, engine));
        ground.open().check_days()
    };
    for wrong in [None, Some(other)] {
        assert!(matches!(checked(wrong), Err(IntegrityFault::Days { .. })));
    }
    checked(Some(value)).unwrap();
}

/// Records a CRL of so many octets.
fn publish(store: &Store, scope: &CrlScope, (day, octets): (i64, usize), base: Option<u64>) -> u64 {
    let this_update = NOW.plus_seconds(day * DAY);
    let number = u64::try_from(this_update.seconds()).unwrap() + base.map_or(0, |_| 1);
    let (scope, issuer) = (scope.clone(), issuer(1));
    let intent =
        CrlIntent { issuer, number, this_update, event: event(Act::CrlIntended), scope: scope.clone() };
    store.record_crl_intent(intent).unwrap().unwrap();
    let record = CrlRecord {
        issuer,
        number,
        this_update,
        next_update: this_update.plus_seconds(DAY),
        entries: 7,
        der: vec![0x30; octets].into(),
        scope,
        base,
        seen: 0,
    };
    store.record_crl(record, event(Act::CrlIssued)).unwrap();
    number
}

fn how_long_crls_were_is_told_by_scope_and_time(ground: &Ground) {
    let store = ground.open();
    let (all, shard) = (CrlScope::All, CrlScope::Shard(Shard::parse("0a").unwrap()));
    for (day, octets) in [(0, 300), (1, 5_000), (2, 9_000)] {
        publish(&store, &all, (day, octets), None);
    }
    let base = publish(&store, &shard, (1, 400), None);
    publish(&store, &shard, (1, 200), Some(base));
    let lengths = |scope: &CrlScope, days: (i64, i64), limit: usize| -> Vec<(u64, bool)> {
        let within = (NOW.plus_seconds(days.0 * DAY), NOW.plus_seconds(days.1 * DAY));
        let sizes: Vec<CrlSize> = store.crl_sizes((&issuer(1), scope), within, limit).unwrap();
        assert!(sizes.iter().all(|size| size.entries == 7 && size.number > 0));
        sizes.iter().map(|size| (size.octets, size.is_delta)).collect()
    };
    assert_eq!(lengths(&all, (0, 9), 9), [(300, false), (5_000, false), (9_000, false)]);
    assert_eq!(lengths(&all, (1, 2), 9), [(5_000, false)]);
    assert_eq!(lengths(&all, (0, 9), 2), [(300, false), (5_000, false)]);
    assert_eq!(lengths(&shard, (0, 9), 9), [(400, false), (200, true)]);
}

super::on_every_engine! {
    a_group_writes_the_rows_of_its_days_once,
    each_act_counts_its_certificate_once,
    how_long_crls_were_is_told_by_scope_and_time,
}

mod on_embedded {
    use super::Ground;
    use super::{
        a_day_that_is_counted_wrongly_is_found,
        a_ledger_from_before_days_were_counted_is_counted_when_it_is_opened,
    };

    #[test]
    fn an_older_ledger_is_counted_and_a_wrong_count_is_found() {
        for kind in crate::EngineKind::EMBEDDED {
            a_ledger_from_before_days_were_counted_is_counted_when_it_is_opened(&Ground::new(kind));
            a_day_that_is_counted_wrongly_is_found(&Ground::new(kind));
        }
    }
}
