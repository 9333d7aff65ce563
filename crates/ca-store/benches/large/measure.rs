//! What is measured of a ledger, as lines of figures.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ca_core::ports::{Ledger, StatusSource};
use ca_core::record::CertificateQuery;
use ca_core::validity::UnixTime;
use ca_store::Store;
use postgres_peer::Database;

use super::rows::{at, certificate, scattered, title};

/// How many searches of each kind are timed.
const SEARCHES: u64 = 3_000;

/// How many of those that count what ends within a month.
const COUNTS: u64 = 200;

/// How many requesters issue side by side.
const REQUESTERS: u64 = 64;

/// How many certificates a page of those that expire has, as a list shows it.
const PAGE: usize = 100;

/// The octets and the rows of each table.
pub(crate) fn sizes(database: &Database, certificates: u64) -> String {
    database.sql("ANALYZE");
    let rows = "SELECT s.keyspace, s.parts, s.octets, (SELECT sum(c.reltuples)::bigint FROM pg_class c \
         LEFT JOIN pg_inherits ON inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = inhparent \
         WHERE c.relkind = 'r' AND c.relnamespace = 'meter_pki'::regnamespace AND coalesce(p.relname, c.relname) = s.keyspace) \
         FROM meter_pki.sizes s WHERE s.octets > 200000 ORDER BY s.octets DESC";
    let (mut lines, mut octets, mut all) = (String::new(), 0, 0);
    for line in database.sql(rows).lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [table, parts, of_table, rows] = fields[..] else { continue };
        let (of_table, rows) = (of_table.parse::<u64>().unwrap(), rows.parse::<u64>().unwrap());
        lines.push_str(&format!(
            "\n  {table}: {rows} rows, {parts} parts, {} MiB, {:.0} octets a certificate",
            of_table >> 20,
            of_table as f64 / certificates as f64
        ));
        octets += of_table;
        all += rows;
    }
    let of_each = octets as f64 / certificates as f64;
    format!(
        "{certificates} certificates: {all} rows, {} MiB, {of_each:.0} octets a certificate:{lines}",
        octets >> 20
    )
}

/// Times searches as the operator's list makes them, at places that are drawn.
pub(crate) fn searches(name: &str, store: &Store, (seed, certificates): (u64, u64)) {
    let draw = |round: u64| u64::from_be_bytes(scattered(!seed, round, 8).try_into().unwrap());
    let titles = timed(SEARCHES, |round| {
        let title = Some(title(seed, draw(round) % (certificates / 3 * 3)));
        let found =
            store.certificates(&CertificateQuery { title, limit: PAGE, ..CertificateQuery::default() });
        assert!(found.unwrap().len() >= 3);
    });
    println!("{name} search by system title, {}", spread(titles));
    let end = |place: u64| at(place % certificates).plus_seconds(10 * 365 * 86_400);
    let expiring = timed(SEARCHES, |round| {
        let place = end(draw(round) % (certificates - certificates.min(2 * PAGE as u64)));
        assert_eq!(store.expiring(place, None, PAGE).unwrap().len(), PAGE);
    });
    println!("{name} search by expiry, a page of {PAGE} with their rows, {}", spread(expiring));
    let mut counted = 0;
    let counts = timed(COUNTS, |round| {
        let from: UnixTime = end(draw(round));
        counted += store.count_expiring(from, from.plus_seconds(30 * 86_400), 1_000_000).unwrap();
    });
    println!(
        "{name} count of what ends within 30 days, {} on average, {}",
        counted as u64 / COUNTS,
        spread(counts)
    );
}

/// Times bare statements for the same rows: one row by its key, over one connection.
pub(crate) fn bare_reads(database: &Database, (seed, certificates): (u64, u64)) -> String {
    const SAMPLED: u64 = 2_000;
    let keys = (0..SAMPLED).map(|number| {
        let place = u64::from_be_bytes(scattered(!seed, number, 8).try_into().unwrap()) % certificates;
        let id = certificate(seed, place).0.id;
        let key = [id.issuer.octets().as_slice(), id.serial.octets()].concat();
        format!("({number}, '\\x{}')", key.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
    });
    let keys: Vec<String> = keys.collect();
    database.sql("CREATE TABLE sampled (number integer PRIMARY KEY, key bytea NOT NULL)");
    for keys in keys.chunks(500) {
        database.sql(&format!("INSERT INTO sampled VALUES {}", keys.join(",")));
    }
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("read.sql");
    let text = format!(
        "\\set n random(0, {})\nSELECT encode(key, 'hex') AS key FROM sampled WHERE number = :n \\gset\n\
         SELECT value FROM meter_pki.certificates WHERE key = decode(':key', 'hex');\n",
        SAMPLED - 1
    );
    std::fs::write(&script, text).unwrap();
    let said = Command::new("pgbench")
        .args(["-n", "-c", "1", "-T", "10", "-r", "-f"])
        .arg(&script)
        .arg(database.url())
        .output()
        .expect("pgbench runs");
    database.sql("DROP TABLE sampled");
    let said = String::from_utf8(said.stdout).unwrap();
    let read = said.lines().find(|line| line.contains("meter_pki.certificates")).unwrap_or(&said);
    format!("pgbench, one client, mean latency in ms: {}", read.trim())
}

/// How the server goes about the statements of the two searches, and of many keys: what it did, not what it passed over.
pub(crate) fn plans(database: &Database, seed: u64) -> String {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let (title, id) = (title(seed, 0), certificate(seed, 0).0.id);
    let end = (u64::from_be_bytes(at(0).plus_seconds(315_360_000).seconds().to_be_bytes()) ^ (1 << 63))
        .to_be_bytes();
    let sql = format!(
        "SET plan_cache_mode = force_generic_plan; \
         PREPARE t (bytea, bigint, bytea) AS SELECT key, value FROM meter_pki.titles \
         WHERE key >= $1 AND key < $3 ORDER BY key LIMIT $2; \
         EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE t ('\\x{}', 100, '\\xffff'); \
         PREPARE e (bytea, bigint) AS SELECT key, value FROM meter_pki.expiry WHERE key > $1 ORDER BY key LIMIT $2; \
         EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE e ('\\x{}', 100); \
         PREPARE v (bytea[]) AS SELECT key, value FROM meter_pki.certificates WHERE key = ANY($1); \
         EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) EXECUTE v (ARRAY['\\x{}'::bytea]);",
        hex(title.octets()),
        hex(&end),
        hex(&[id.issuer.octets().as_slice(), id.serial.octets()].concat())
    );
    let told =
        |line: &&str| !["never executed", "Index Cond", "rows=0"].iter().any(|word| line.contains(word));
    database.sql(&sql).lines().filter(told).collect::<Vec<_>>().join("\n")
}

/// Which tables were read from end to end again and again, how often, and how many rows that were together.
pub(crate) fn read_whole(database: &Database) -> String {
    let sql = "SELECT string_agg(relname || ' ' || seq_scan || ' times, ' || seq_tup_read || ' rows', '; ' ORDER BY seq_tup_read DESC) \
         FROM pg_stat_user_tables WHERE schemaname = 'meter_pki' AND seq_scan > 100 AND seq_tup_read > 10000";
    format!("read from end to end: {}", database.sql(sql).trim())
}

/// Issues for so long, each requester one certificate after the other from this number on; returns the figures, and how many
/// were issued. What the server logs beside is told with it.
pub(crate) fn issuance(
    (store, database): (&Store, &Database),
    (seed, from): (u64, u64),
    length: Duration,
) -> (String, u64) {
    let logged = || database.sql("SELECT pg_current_wal_insert_lsn() - '0/0'").parse::<f64>().unwrap();
    let logged_before = logged();
    let (running, drawn, issued) = (AtomicBool::new(true), AtomicU64::new(from), AtomicU64::new(0));
    let before = store.counters();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..REQUESTERS {
            scope.spawn(|| {
                while running.load(Ordering::Relaxed) {
                    issue(store, seed, drawn.fetch_add(1, Ordering::Relaxed));
                    issued.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::park_timeout(length);
        running.store(false, Ordering::Relaxed);
    });
    let (took, issued, after) = (start.elapsed().as_secs_f64(), issued.into_inner(), store.counters());
    let commits = after.commits - before.commits;
    let line = format!(
        "{:.0} certificates/s, {:.0} commits/s, {:.1} commands a commit, {:.0} octets of log a certificate",
        issued as f64 / took,
        commits as f64 / took,
        (after.commands - before.commands) as f64 / commits as f64,
        (logged() - logged_before) / issued as f64
    );
    (line, issued)
}

fn issue(store: &Store, seed: u64, number: u64) {
    let (intent, issued) = certificate(seed, number);
    let id = intent.id.clone();
    let answers = store.record_intents(vec![intent]).unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    store.begin_signing(std::slice::from_ref(&id)).unwrap();
    store.record_issued(vec![issued]).unwrap();
}

fn timed(rounds: u64, mut work: impl FnMut(u64)) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|round| {
            let start = Instant::now();
            work(round);
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

fn spread(times: Vec<Duration>) -> String {
    let at = |permille: usize| ms(times[(times.len() * permille / 1_000).min(times.len() - 1)]);
    let last = ms(times[times.len() - 1]);
    format!("{} times: p50 {}, p95 {}, p99 {}, slowest {last}", times.len(), at(500), at(950), at(990))
}

/// Times in the order in which they were measured.
pub(crate) fn listed(times: &[Duration]) -> String {
    times.iter().map(|time| ms(*time)).collect::<Vec<_>>().join(", ")
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}
