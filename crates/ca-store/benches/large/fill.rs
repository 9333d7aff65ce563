//! Filling a ledger in PostgreSQL faster than it can be issued into: by COPY, one session for each table, with the indexes made
//! behind it. The audit trail is a true one: every record is sealed by ca-core, and so is the tree.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use ca_core::audit::tree::{Peaks, leaf_hash};
use ca_core::audit::{AuditTrail, SealedRecord};
use ca_core::ports::Ledger;
use ca_store::Store;
use postgres_peer::Database;
use sha2::{Digest, Sha256};

use super::rows::{BATCH, Rows, TABLES, batch, certificate, trail_row};

/// What COPY in binary form begins with: a signature, no flags, no more of a header.
const HEAD: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";

/// How the keys of a table are cut into partitions: by so many octets, the last one masked.
const fn cut(table: &str) -> Option<(usize, u8)> {
    match table.as_bytes() {
        b"certificates" => Some((22, 0xE0)),
        b"audit" | b"expiry" => Some((5, 0xFF)),
        b"tree" => Some((6, 0xFF)),
        _ => None,
    }
}

/// A table that is being filled by psql.
struct Filling {
    table: &'static str,
    psql: Child,
    rows: BufWriter<ChildStdin>,
}

impl Filling {
    /// Begins a transaction that empties the table, makes its partitions, takes rows, and makes the index then: nothing of it
    /// goes through the log where `wal_level` is minimal.
    fn begin(database: &Database, table: &'static str, partitions: &str) -> Self {
        let name = format!("meter_pki.{table}");
        let mut psql = Command::new("setpriv");
        psql.args(["--pdeathsig", "KILL", "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", &database.url()]);
        psql.env("PGOPTIONS", "-c client_min_messages=warning").args(["-c", "BEGIN"]);
        psql.args([
            "-c",
            &format!("ALTER TABLE {name} DROP CONSTRAINT {table}_pkey; TRUNCATE {name}; {partitions}"),
        ]);
        psql.args(["-c", &format!("COPY {name} FROM STDIN (FORMAT binary)")]);
        psql.args(["-c", &format!("ALTER TABLE {name} ADD PRIMARY KEY (key)")]);
        psql.args(["-c", "COMMIT", "-c", &format!("VACUUM (ANALYZE) {name}")]);
        let mut psql = psql.stdin(Stdio::piped()).spawn().unwrap();
        let mut rows = BufWriter::with_capacity(1 << 18, psql.stdin.take().unwrap());
        rows.write_all(HEAD).unwrap();
        Self { table, psql, rows }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.rows.write_all(&2_i16.to_be_bytes()).unwrap();
        for field in [key, value] {
            self.rows.write_all(&i32::try_from(field.len()).unwrap().to_be_bytes()).unwrap();
            self.rows.write_all(field).unwrap();
        }
    }

    fn finish(mut self) {
        self.rows.write_all(&(-1_i16).to_be_bytes()).unwrap();
        drop(self.rows.into_inner().unwrap());
        assert!(self.psql.wait().unwrap().success(), "{}", self.table);
    }
}

/// Fills a ledger that was opened once with certificates 0 to `certificates`.
pub(crate) fn fill(database: &Database, seed: u64, certificates: u64) {
    let (first, mut trail) = only_record(database);
    let tables = TABLES.into_iter().chain(["audit", "tree"]);
    let cuts = partitions(seed, certificates);
    let mut fillings: Vec<Filling> = tables
        .map(|table| Filling::begin(database, table, cuts.get(table).map_or("", String::as_str)))
        .collect();
    let (tree, rest) = fillings.split_last_mut().unwrap();
    let (audit, rows) = rest.split_last_mut().unwrap();
    audit.put(&1_u64.to_be_bytes(), &first);
    for first in (0..certificates).step_by(usize::try_from(BATCH).unwrap()) {
        let (batch, records) = batch(seed, first..certificates.min(first + BATCH), &mut trail);
        for Rows(row) in &batch {
            rows.iter_mut().zip(row).for_each(|(filling, (key, value))| filling.put(key, value));
        }
        for SealedRecord { sequence, der, completed } in &records {
            audit.put(&sequence.to_be_bytes(), der);
            for subtree in completed {
                tree.put(&tree_key(subtree.level, subtree.index), &subtree.hash);
            }
        }
    }
    fillings.into_iter().for_each(Filling::finish);
    let end = hex(&trail_row(&trail));
    database.sql(&format!("UPDATE meter_pki.meta SET value = '\\x{end}' WHERE key = 'trail'"));
}

/// Tells whether what [`fill`] writes is what the ledger writes: `issued` was opened once and issued the same certificates.
pub(crate) fn is_true(filled: &Database, issued: &Database) -> bool {
    TABLES.into_iter().chain(["audit", "tree", "meta"]).all(|table| {
        let digest = format!(
            "SELECT count(*), sha256(string_agg(sha256(key) || sha256(value), '' ORDER BY key)) FROM meter_pki.{table}"
        );
        let (filled, issued) = (filled.sql(&digest), issued.sql(&digest));
        if filled != issued {
            println!("{table} differs: {filled} of what was filled, {issued} of what was issued");
        }
        filled == issued
    })
}

/// Issues certificates as the authority does, a batch in a transaction.
pub(crate) fn issue(store: &Store, seed: u64, numbers: std::ops::Range<u64>) {
    for first in numbers.clone().step_by(usize::try_from(BATCH).unwrap()) {
        let batch = (first..numbers.end.min(first + BATCH)).map(|number| certificate(seed, number));
        let (intents, issued): (Vec<_>, Vec<_>) = batch.unzip();
        let ids: Vec<_> = intents.iter().map(|intent| intent.id.clone()).collect();
        let answers = store.record_intents(intents).unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        store.begin_signing(&ids).unwrap();
        store.record_issued(issued).unwrap();
    }
}

/// The one record of a ledger that was opened once, and the trail behind it.
fn only_record(database: &Database) -> (Vec<u8>, AuditTrail) {
    let records = database.sql("SELECT encode(value, 'hex') FROM meter_pki.audit ORDER BY key");
    assert!(!records.contains('\n'), "the ledger was opened once");
    let digits = records.trim().as_bytes().chunks(2);
    let first: Vec<u8> =
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect();
    let peaks = Peaks::new(1, vec![leaf_hash(&first)]).unwrap();
    let trail = AuditTrail::new(Sha256::digest(&first).into(), peaks);
    (first, trail)
}

/// The statements that make the partitions of each table, as the engine makes them.
fn partitions(seed: u64, certificates: u64) -> BTreeMap<&'static str, String> {
    let mut made: BTreeMap<(&'static str, Vec<u8>), Vec<u8>> = BTreeMap::new();
    let mut need = |table: &'static str, key: &[u8]| {
        let (octets, mask) = cut(table).unwrap();
        let mut from: Vec<u8> = key[..octets].to_vec();
        *from.last_mut().unwrap() &= mask;
        let to = plus(&from, 1 << mask.trailing_zeros());
        made.insert((table, trimmed(from)), trimmed(to));
    };
    for number in (0..certificates).step_by(usize::try_from(BATCH).unwrap()) {
        let (intent, issued) = certificate(seed, number);
        let Rows(rows) = Rows::of(&intent, &issued, (1, 1));
        for (table, (key, _)) in TABLES.into_iter().zip(&rows).filter(|(table, _)| cut(table).is_some()) {
            need(table, key);
        }
    }
    let records = certificates * 2 + 1;
    for record in (0..=records).step_by(1 << 20).chain([records]) {
        need("audit", &record.to_be_bytes());
        for level in 1..=u8::try_from(records.ilog2()).unwrap() {
            need("tree", &tree_key(level, record >> level));
        }
    }
    let mut statements = BTreeMap::<&'static str, String>::new();
    for ((table, from), to) in made {
        let name = format!("meter_pki.{table}_{}", hex(&from));
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS {name} (LIKE meter_pki.{table} INCLUDING ALL); \
             DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = '{name}'::regclass) THEN \
             ALTER TABLE meter_pki.{table} ATTACH PARTITION {name} FOR VALUES FROM ('\\x{}') TO ('\\x{}'); END IF; END $$; ",
            hex(&from),
            hex(&to)
        );
        statements.entry(table).or_default().push_str(&statement);
    }
    statements
}

fn tree_key(level: u8, index: u64) -> Vec<u8> {
    [[level].as_slice(), &index.to_be_bytes()].concat()
}

/// Adds to the last octet, and carries.
fn plus(octets: &[u8], step: u8) -> Vec<u8> {
    let mut sum = octets.to_vec();
    let mut carry = step;
    for octet in sum.iter_mut().rev() {
        let (more, overflows) = octet.overflowing_add(carry);
        *octet = more;
        carry = u8::from(overflows);
    }
    sum
}

fn trimmed(mut octets: Vec<u8>) -> Vec<u8> {
    while octets.last() == Some(&0) {
        octets.pop();
    }
    octets
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
