//! A small sound ledger, made by hand octet for octet, and ways to break it. Shares no code with ca-store.

mod approvals;
mod campaigns;
mod days;
mod der;
mod devices;
mod holds;
mod production;
mod taken_over;
mod visits;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use ledger_checker::{Evidence, Rows, Violation, check, keyspace_name, write_fjall};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};

pub(crate) use campaigns::{CAMPAIGN, SWAPPED, counted, listed_as_done};
pub(crate) use days::{END, counted_on};
pub(crate) use devices::{DEVICE, counted_by, found_by};
pub(crate) use taken_over::Flaw;
pub(crate) use visits::CERTIFICATES_END;

use der::{certificate_row, crl_tbs, id_row, integer, octets, sequence, signed, tbs, text, time, utf8};

/// The issuing key's name.
pub(crate) const ISSUER: [u8; 20] = [9; 20];

/// 2026-01-01, the time of everything.
pub(crate) const NOW: i64 = 1_767_225_600;

const ISSUED: [u8; 2] = [1, 1];
const ABORTED: [u8; 2] = [1, 2];
const UNCERTAIN: [u8; 2] = [1, 3];
const REVOKED: [u8; 2] = [1, 4];
const LATER: [u8; 2] = [1, 9];
/// The digest of a request that waits.
pub(crate) const REQUEST: [u8; 32] = [0xAB; 32];

/// How a further certificate is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// As it should be, but for the key of a wish that has one.
    None,
    /// No audit record says so.
    NotTold,
    /// The signature is somebody else's.
    ForeignSignature,
    /// It ends after its issuer.
    OutlivesIssuer,
}

/// The ledger and what others say.
pub(crate) struct Bench {
    rows: Rows,
    again: Option<Rows>,
    signatures: String,
    clients: String,
    /// The records of the signer's log, where there is one.
    log: Option<Vec<Vec<u8>>>,
    /// How many records each of its files has, the last of them but the rest.
    segment: usize,
    /// Which of its files were moved to an archive.
    archived: Vec<usize>,
    /// Which of them are gone.
    lost: Vec<usize>,
    pub(crate) log_from: u64,
    published: Vec<u8>,
    shard: Vec<u8>,
    sequence: u64,
    head: [u8; 32],
    /// The right edge of the tree, the smallest subtree first: level and hash.
    edge: Vec<(u8, [u8; 32])>,
    all_published: bool,
    /// Whether the same must be found of the same rows in a database.
    pub(crate) in_a_database: bool,
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn sign(key: &SigningKey, octets: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(octets);
    signature.to_der().as_bytes().to_vec()
}

fn id(serial: &[u8]) -> Vec<u8> {
    [&ISSUER, serial].concat()
}

impl Bench {
    /// A sound one: an issued certificate, an aborted and an uncertain intent, a revoked certificate on a CRL.
    pub(crate) fn new() -> Self {
        let mut bench = Self {
            rows: Rows::new(),
            again: None,
            signatures: String::new(),
            clients: String::new(),
            log: None,
            segment: usize::MAX,
            archived: Vec::new(),
            lost: Vec::new(),
            log_from: 1,
            published: Vec::new(),
            shard: Vec::new(),
            sequence: 0,
            head: [0; 32],
            edge: Vec::new(),
            all_published: false,
            in_a_database: true,
        };
        bench.audit(12, &[], &[]);
        let issued = bench.issue_as(&ISSUED, [1; 32], Change::None);
        bench.note(&format!("asked 1 profile-1 {}", hex::encode([1; 32])));
        bench.note(&format!("received 1 {}", hex::encode(issued)));
        bench.rows.insert((10, vec![5; 32]), id_row(&ISSUER, &ISSUED));
        bench.audit(0, &ABORTED, &[]);
        bench.audit(2, &ABORTED, &[]);
        bench.rows.insert((5, id(&ABORTED)), certificate_row(2, &tbs(&ABORTED, "270101000000Z"), &[2; 32]));
        bench.audit(0, &UNCERTAIN, &[]);
        bench.sign_intent(&UNCERTAIN);
        bench.audit(3, &UNCERTAIN, &[]);
        bench
            .rows
            .insert((5, id(&UNCERTAIN)), certificate_row(3, &tbs(&UNCERTAIN, "270101000000Z"), &[3; 32]));
        bench.rows.insert((12, id(&UNCERTAIN)), der::row(&sequence(&[time(NOW)])));
        bench.issue_as(&REVOKED, [4; 32], Change::None);
        bench.audit(5, &REVOKED, &[]);
        let revocation = sequence(&[time(NOW), integer(&[4]), time(NOW + 31_536_000)]);
        bench.rows.insert((11, id(&REVOKED)), der::row(&revocation));
        bench.note(&format!("revoked {} {}", hex::encode(ISSUER), hex::encode(REVOKED)));
        bench.publish(7, "260101000000Z", &[REVOKED.to_vec()]);
        bench
    }

    /// Writes everything to a disk and asks the checker.
    pub(crate) fn violations(mut self) -> Vec<Violation> {
        let (end, head) = (integer(&self.sequence.to_be_bytes()), octets(&self.head));
        let trail = sequence(&[
            end,
            head,
            octets(&self.edge.iter().rev().flat_map(|(_, hash)| *hash).collect::<Vec<_>>()),
        ]);
        self.rows.insert((1, b"trail".to_vec()), [vec![2], trail].concat());
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        write_fjall(&at("store"), &self.rows).unwrap();
        if let Some(again) = &self.again {
            write_fjall(&at("again"), again).unwrap();
        }
        std::fs::write(at("signatures"), &self.signatures).unwrap();
        std::fs::write(at("clients"), &self.clients).unwrap();
        std::fs::create_dir(at("archive")).unwrap();
        for (place, records) in self.log.iter().flat_map(|log| log.chunks(self.segment)).enumerate() {
            let number =
                if place == 0 { String::new() } else { format!(".{:012}", place * self.segment + 1) };
            let folder = if self.archived.contains(&place) { "archive/" } else { "" };
            if !self.lost.contains(&place) {
                std::fs::write(at(&format!("{folder}signer.log{number}")), records.concat()).unwrap();
            }
        }
        let archive = (!self.archived.is_empty()).then(|| at("archive/signer.log"));
        write_one(&at("authorities"), "ca.cer", &der::authority(&key(), &ISSUER));
        write_one(&at("published"), "ca.crl", &self.published);
        if !self.shard.is_empty() {
            write_one(&at("published/ca"), "0a.crl", &self.shard);
        }
        let evidence = Evidence {
            store: Some(at("store")),
            database: None,
            password_file: None,
            again: self.again.as_ref().map(|_| at("again")),
            again_database: None,
            signatures: Some(at("signatures")),
            signer_log: self.log.iter().map(|_| at("signer.log")).chain(archive).collect(),
            signer_log_from: self.log_from,
            clients: Some(at("clients")),
            authorities: at("authorities"),
            published: at("published"),
            grace: 3_600,
            marks_may_be_lost: false,
            machine_restarted: false,
            all_published: self.all_published,
        };
        let found = check(&evidence).unwrap();
        if self.in_a_database {
            let (database, again) = (database(&self.rows), self.again.as_ref().map(database));
            let shared = Evidence {
                store: None,
                again: None,
                database: Some(database.url()),
                again_database: again.as_ref().map(postgres_peer::Database::url),
                ..evidence
            };
            assert_eq!(check(&shared).unwrap(), found, "in a database it is judged as in a directory");
        }
        found
    }

    /// A signer in a process of its own has a log that tells of all that was signed.
    pub(crate) fn witness(&mut self) {
        for serial in [ISSUED, UNCERTAIN, REVOKED] {
            self.write_down("certificate", &hex::encode(serial), &tbs(&serial, "270101000000Z"));
        }
        self.write_down("crl", "7", &crl_tbs(7, "260101000000Z", &[REVOKED.to_vec()]));
    }

    /// It tells of one more signature.
    pub(crate) fn write_down(&mut self, kind: &str, name: &str, signed: &[u8]) {
        let log = self.log.get_or_insert_default();
        let previous = log.last().map_or([0; 32], |last| Sha256::digest(last).into());
        let record = sequence(&[
            integer(&u16::try_from(log.len() + 1).unwrap().to_be_bytes()),
            octets(&previous),
            integer(&NOW.to_be_bytes()),
            integer(&[0]),
            octets(&ISSUER),
            utf8(kind),
            octets(&ISSUER),
            utf8(name),
            utf8(""),
            octets(&Sha256::digest(signed)),
            utf8("signed"),
        ]);
        log.push(record);
    }

    /// It tells of a certificate of this number with other octets.
    pub(crate) fn write_down_others(&mut self, serial: &[u8]) {
        self.write_down("certificate", &hex::encode(serial), &tbs(serial, "280101000000Z"));
    }

    /// It tells of the aborted intent.
    pub(crate) fn write_down_aborted(&mut self) {
        self.write_down("certificate", &hex::encode(ABORTED), &tbs(&ABORTED, "270101000000Z"));
    }

    /// It lies in files of so many records, of which these were moved to an archive, and these are gone.
    pub(crate) fn in_segments_of(&mut self, records: usize, archived: &[usize], lost: &[usize]) {
        self.segment = records;
        self.archived = archived.to_vec();
        self.lost = lost.to_vec();
    }

    /// A record of it is another.
    pub(crate) fn alter_record(&mut self, place: usize) {
        let record = &mut self.log.as_mut().unwrap()[place];
        let digest = record.len() - 10;
        record[digest] ^= 1;
    }

    /// A record is taken out of it.
    pub(crate) fn forget_record(&mut self, place: usize) {
        self.log.as_mut().unwrap().remove(place);
    }

    /// A transaction ended so: 50 confirmed, 51 refused, 52 lapsed.
    pub(crate) fn end_transaction(&mut self, act: u8, key: u8, certificate: &[u8]) {
        self.audit(act, &certificate[20..], &[key; 32]);
    }

    /// A transaction whose certificate waits to be confirmed until a time.
    pub(crate) fn wait_for_confirmation(&mut self, ends_at: i64) {
        let key = [0xCD; 32];
        let certificate = der::object(0xA0, &sequence(&[octets(&ISSUER), octets(&ISSUED)]));
        let row = sequence(&[
            octets(&key),
            octets(&ISSUER),
            utf8("tenant"),
            utf8("actor"),
            time(NOW),
            time(ends_at),
            octets(&[1; 32]),
            integer(&[0]),
            integer(&[0]),
            vec![0x0A, 1, 2],
            certificate,
        ]);
        self.rows.insert((24, key.to_vec()), der::row(&row));
        let end = (u64::from_be_bytes(ends_at.to_be_bytes()) ^ (1 << 63)).to_be_bytes();
        self.rows.insert((26, [end.as_slice(), &key].concat()), Vec::new());
        self.rows.insert((29, id(&ISSUED)), key.to_vec());
    }

    /// Everything was published, and the last start met every deadline.
    pub(crate) fn all_is_published(&mut self) {
        self.all_published = true;
    }

    /// The trail says that a certificate of it was issued.
    pub(crate) fn tell_of_certificate(&mut self, last: u8) {
        self.audit(1, &[2, last], &[0; 32]);
    }

    pub(crate) fn issued_id(&self) -> Vec<u8> {
        id(&ISSUED)
    }

    pub(crate) fn issued_serial(&self) -> Vec<u8> {
        ISSUED.to_vec()
    }

    pub(crate) fn aborted_id(&self) -> Vec<u8> {
        id(&ABORTED)
    }

    pub(crate) fn revoked_id(&self) -> Vec<u8> {
        id(&REVOKED)
    }

    pub(crate) fn revoked_serial(&self) -> Vec<u8> {
        REVOKED.to_vec()
    }

    pub(crate) fn last_audit(&self) -> u64 {
        self.sequence
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, keyspace: u8, key: &[u8]) {
        self.rows.remove(&(keyspace, key.to_vec())).unwrap();
    }

    /// A client's line.
    pub(crate) fn note(&mut self, line: &str) {
        writeln!(self.clients, "{line} .").unwrap();
    }

    /// Issues one more certificate.
    pub(crate) fn issue(&mut self, change: Change) {
        let fingerprint = if change == Change::None { [1; 32] } else { [8; 32] };
        self.issue_as(&LATER, fingerprint, change);
    }

    fn issue_as(&mut self, serial: &[u8], fingerprint: [u8; 32], change: Change) -> Vec<u8> {
        let ends = if change == Change::OutlivesIssuer { "310101000000Z" } else { "270101000000Z" };
        let tbs = tbs(serial, ends);
        self.audit(0, serial, &[]);
        let signer = if change == Change::ForeignSignature {
            SigningKey::from_slice(&[8; 32]).unwrap()
        } else {
            key()
        };
        let signature = sign(&signer, &tbs);
        self.signature("full", &tbs, &signature);
        let certificate = signed(&tbs, &signature);
        if change != Change::NotTold {
            self.audit(1, serial, &Sha256::digest(&certificate));
        }
        self.rows.insert((5, id(serial)), certificate_row(1, &certificate, &fingerprint));
        certificate
    }

    pub(crate) fn sign_without_intent(&mut self) {
        self.sign_intent(&LATER);
    }

    fn sign_intent(&mut self, serial: &[u8]) {
        let tbs = tbs(serial, "270101000000Z");
        self.signature("full", &tbs, &sign(&key(), &tbs));
    }

    pub(crate) fn sign_again(&mut self) {
        let tbs = tbs(&ISSUED, "270101000000Z");
        self.signature("full", &tbs, &sign(&SigningKey::from_slice(&[8; 32]).unwrap(), &tbs));
    }

    pub(crate) fn alter_uncertain_intent(&mut self) {
        let altered = certificate_row(3, &tbs(&UNCERTAIN, "280101000000Z"), &[3; 32]);
        self.rows.insert((5, id(&UNCERTAIN)), altered);
    }

    pub(crate) fn uncertain_becomes_aborted(&mut self) {
        self.rows
            .insert((5, id(&UNCERTAIN)), certificate_row(2, &tbs(&UNCERTAIN, "270101000000Z"), &[3; 32]));
        self.remove(12, &id(&UNCERTAIN));
    }

    pub(crate) fn record_again(&mut self, taken: Vec<u8>) {
        self.audit(0, &taken[20..], &[]);
    }

    pub(crate) fn deliver_what_was_never_recorded(&mut self) {
        let tbs = tbs(&LATER, "270101000000Z");
        let certificate = signed(&tbs, &sign(&key(), &tbs));
        self.note(&format!("received 5 {}", hex::encode(certificate)));
    }

    pub(crate) fn answer_with_another(&mut self) {
        let other = self.issue_as(&LATER, [8; 32], Change::None);
        self.note(&format!("received 1 {}", hex::encode(other)));
    }

    /// Signs a CRL as it should be, and publishes nothing.
    pub(crate) fn sign_crl(&mut self, number: u8, serials: &[Vec<u8>]) {
        self.record_crl(number, crl_tbs(number, "260101000000Z", serials));
    }

    fn record_crl(&mut self, number: u8, tbs: Vec<u8>) {
        self.audit(6, &[], &Sha256::digest(&tbs));
        self.signature("full", &tbs, &sign(&key(), &tbs));
        let row = der::row(&sequence(&[time(NOW)]));
        self.rows.insert((14, [&ISSUER, u64::from(number).to_be_bytes().as_slice()].concat()), row);
    }

    pub(crate) fn sign_crl_without_intent(&mut self) {
        let tbs = crl_tbs(8, "260101000000Z", &[REVOKED.to_vec()]);
        self.signature("full", &tbs, &sign(&key(), &tbs));
    }

    pub(crate) fn publish_late_crl_without_the_uncertain(&mut self) {
        self.publish(8, "260102000000Z", &[REVOKED.to_vec()]);
    }

    fn publish(&mut self, number: u8, this_update: &str, serials: &[Vec<u8>]) {
        let tbs = crl_tbs(number, this_update, serials);
        self.audit(6, &[], &Sha256::digest(&tbs));
        let signature = sign(&key(), &tbs);
        self.signature("full", &tbs, &signature);
        self.published = signed(&tbs, &signature);
        let row = der::row(&sequence(&[time(NOW)]));
        self.rows.insert((14, [&ISSUER, u64::from(number).to_be_bytes().as_slice()].concat()), row);
    }

    /// What is revoked is of a shard, which the index and the CRL of `0a` say too.
    pub(crate) fn divide(&mut self, shard: &str) {
        self.lies_in(shard);
        self.rows.insert((32, self.in_shard(shard)), Vec::new());
        self.publish_shard(&[REVOKED.to_vec()]);
        self.all_published = true;
    }

    /// The row of what is revoked names this shard.
    fn lies_in(&mut self, shard: &str) {
        self.extend((5, id(&REVOKED)), &der::object(0xA1, &utf8(shard)));
    }

    /// Puts a field at the end of a row.
    fn extend(&mut self, key: (u8, Vec<u8>), field: &[u8]) {
        let content = der::content(&self.rows[&key][1..]);
        self.rows.insert(key, der::row(&der::object(0x30, &[&content, field].concat())));
    }

    /// Another certificate is revoked, is on no CRL, and short-lived by the rows of these keyspaces.
    pub(crate) fn revoke_short_lived(&mut self, by: &[u8]) {
        self.issue_as(&LATER, [8; 32], Change::None);
        self.audit(5, &LATER, &[]);
        let revocation = sequence(&[time(NOW - 1), integer(&[4]), time(NOW + 31_536_000)]);
        self.rows.insert((11, id(&LATER)), der::row(&revocation));
        for keyspace in by {
            self.extend((*keyspace, id(&LATER)), &der::object(0xA2, &[5, 0]));
        }
        self.all_published = true;
    }

    pub(crate) fn list_the_short_lived(&mut self) {
        self.publish(8, "260101000001Z", &[REVOKED.to_vec(), LATER.to_vec()]);
    }

    /// A change that an audit record tells of, the last one.
    pub(crate) fn note_a_change_of_the_short_lived(&mut self) {
        let key = [&ISSUER, [0].as_slice(), &self.sequence.to_be_bytes()].concat();
        self.rows.insert((33, key), LATER.to_vec());
    }

    /// What is issued was made here for one requester, and was lost as another's next intent says, if one follows.
    pub(crate) fn lose(&mut self, given_to: &str, lost_by: &str, next: Option<&str>) {
        let key = (5, id(&ISSUED));
        let content = der::content(&self.rows[&key][1..]);
        let given_to = der::object(0xA3, &utf8(given_to));
        self.rows.insert(key, der::row(&sequence(&[content, given_to])));
        let detail = format!("the key was lost on its way to {lost_by}, who asks for another");
        self.audit_by(lost_by, 5, (&ISSUED, &[]), &detail);
        let row = sequence(&[time(NOW), integer(&[4]), time(NOW + 31_536_000)]);
        self.rows.insert((11, id(&ISSUED)), der::row(&row));
        if let Some(detail) = next {
            self.audit_by(lost_by, 0, (&LATER, &[]), detail);
            self.audit(2, &LATER, &[]);
            self.rows.insert((5, id(&LATER)), certificate_row(2, &tbs(&LATER, "270101000000Z"), &[6; 32]));
        }
    }

    pub(crate) fn in_shard(&self, shard: &str) -> Vec<u8> {
        [&ISSUER, shard.as_bytes(), &[0], &REVOKED].concat()
    }

    pub(crate) fn publish_a_shard_that_lacks_one(&mut self) {
        self.divide("0a");
        self.publish_shard(&[]);
    }

    fn publish_shard(&mut self, serials: &[Vec<u8>]) {
        let tbs = der::shard_tbs(9, "260101000001Z", serials);
        self.shard = signed(&tbs, &sign(&key(), &tbs));
    }

    pub(crate) fn note_a_change_that_nobody_told_of(&mut self) {
        let key = [&ISSUER, [0].as_slice(), &99_u64.to_be_bytes()].concat();
        self.rows.insert((33, key), REVOKED.to_vec());
    }

    /// The ledger after a second start lacks a row.
    pub(crate) fn second_start_removes(&mut self, keyspace: u8, key: &[u8]) {
        let mut again = self.rows.clone();
        again.remove(&(keyspace, key.to_vec())).unwrap();
        self.again = Some(again);
    }

    fn signature(&mut self, length: &str, signed: &[u8], signature: &[u8]) {
        let (issuer, signed, signature) = (hex::encode(ISSUER), hex::encode(signed), hex::encode(signature));
        writeln!(self.signatures, "{issuer} {length} {signed} {signature} .").unwrap();
    }

    fn audit(&mut self, act: u8, serial: &[u8], digest: &[u8]) {
        self.audit_by("actor", act, (serial, digest), "");
    }

    pub(crate) fn audit_by(&mut self, actor: &str, act: u8, (serial, digest): (&[u8], &[u8]), detail: &str) {
        self.sequence += 1;
        let der = sequence(&[
            integer(&self.sequence.to_be_bytes()),
            octets(&self.head),
            text(0x18, "20260101000000Z"),
            utf8("tenant"),
            utf8(actor),
            if act < 0x80 { vec![0x0A, 1, act] } else { vec![0x0A, 2, 0, act] },
            octets(&ISSUER),
            octets(serial),
            utf8(""),
            utf8(detail),
            octets(digest),
        ]);
        self.head = Sha256::digest(&der).into();
        self.grow(&der);
        self.rows.insert((2, self.sequence.to_be_bytes().to_vec()), der);
    }

    /// Puts a leaf on the tree: like the carry of a counter, two subtrees of a size become one.
    fn grow(&mut self, record: &[u8]) {
        let mut level = 0;
        let mut hash: [u8; 32] = Sha256::digest([&[0], record].concat()).into();
        while self.edge.first().is_some_and(|(lone, _)| *lone == level) {
            let (_, left) = self.edge.remove(0);
            hash = Sha256::digest([[1].as_slice(), &left, &hash].concat()).into();
            level += 1;
            let index = (self.sequence >> level) - 1;
            self.rows.insert((19, [[level].as_slice(), &index.to_be_bytes()].concat()), hash.to_vec());
        }
        self.edge.insert(0, (level, hash));
    }

    /// Changes a subtree.
    pub(crate) fn change_subtree(&mut self) {
        self.rows.insert((19, [[1].as_slice(), &0_u64.to_be_bytes()].concat()), vec![7; 32]);
    }
}

/// Puts rows into a database, in tables as ca-store makes them.
fn database(rows: &Rows) -> postgres_peer::Database {
    let database = postgres_peer::Server::shared().database();
    let mut tables: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((keyspace, key), value) in rows {
        let row = format!("('\\x{}', '\\x{}')", hex::encode(key), hex::encode(value));
        tables.entry(keyspace_name(*keyspace)).or_default().push(row);
    }
    let mut text = "CREATE SCHEMA meter_pki;".to_owned();
    for (name, rows) in tables {
        let table = format!("meter_pki.{}", name.replace('-', "_"));
        write!(text, "CREATE TABLE {table} (key bytea PRIMARY KEY, value bytea NOT NULL);").unwrap();
        write!(text, "INSERT INTO {table} VALUES {};", rows.join(", ")).unwrap();
    }
    database.sql(&text);
    database
}

fn write_one(directory: &Path, name: &str, octets: &[u8]) {
    std::fs::create_dir(directory).unwrap();
    std::fs::write(directory.join(name), octets).unwrap();
}
