//! What the clients of a house want, hold and were told, across all lives of its issuer; and their record for the checker.

use std::collections::VecDeque;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use der::Decode;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::http::Credential;
use super::random::Random;
use super::wish::{Fate, For, STEPS, Wish, serial_of};

/// The number of the wish of the station that the configuration knows: the first that is asked for.
const LINE: u64 = 1;

/// A certificate that may be revoked.
#[derive(Debug, Clone)]
pub struct Revocable {
    /// The name of its authority.
    pub authority: String,
    /// Its serial number.
    pub serial: Vec<u8>,
}

/// The clients' side of a house.
#[derive(Debug)]
pub struct World {
    /// What chance decides.
    pub random: Random,
    /// Wishes of meters that nobody works on.
    pub wishes: VecDeque<Wish>,
    /// Wishes of stations that were not answered yet.
    pub stations: Vec<Wish>,
    /// Wishes whose certificates are to be confirmed, with what will be said of them.
    pub transactions: Vec<(Wish, Fate)>,
    /// What may be revoked.
    pub revocable: Vec<Revocable>,
    /// Revocations that were asked for and not acknowledged.
    pub unacknowledged: Vec<Revocable>,
    /// Meters that are on their owner's list and were not begun.
    pub expected: VecDeque<(String, u8)>,
    /// The station that speaks for meters.
    pub station: Option<Credential>,
    /// What went wrong in the clients' eyes.
    pub complaints: Vec<String>,
    /// How many certificates, revocations and CRLs were acknowledged.
    pub acknowledged: [u64; 3],
    titles: u32,
    numbers: u64,
    record: String,
    file: PathBuf,
    authorities: PathBuf,
}

impl World {
    /// Begins with nothing.
    #[must_use]
    pub fn new(directory: &Path, random: Random) -> Self {
        Self {
            random,
            wishes: VecDeque::new(),
            stations: Vec::new(),
            transactions: Vec::new(),
            revocable: Vec::new(),
            unacknowledged: Vec::new(),
            expected: VecDeque::new(),
            station: None,
            complaints: Vec::new(),
            acknowledged: [0; 3],
            titles: 0,
            numbers: 0,
            record: String::new(),
            file: directory.join("clients"),
            authorities: directory.join("state/authorities"),
        }
    }

    /// Names meters that never were.
    pub fn new_titles(&mut self, count: u32) -> Vec<(String, u8)> {
        let first = self.titles;
        self.titles += count;
        let title = |number: u32| {
            let suite = if number.is_multiple_of(4) { 2 } else { 1 };
            (format!("4D504B{suite:02X}{number:08X}"), suite)
        };
        (first..self.titles).map(title).collect()
    }

    /// Takes a wish of a meter: one that waits, or the first of a new meter.
    pub fn next_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front().or_else(|| {
            let (title, suite) = self.expected.pop_front()?;
            let wish = Wish::of_meter(self.number(), &title, (suite, 0), None);
            Some(self.asked(wish))
        })
    }

    /// Makes so many wishes of stations.
    pub fn new_stations(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.number();
            let wish = Wish::of_station(number, &format!("Line Station {number}"));
            let wish = self.asked(wish);
            self.stations.push(wish);
        }
    }

    /// Makes a wish for each fate that a certificate can have.
    pub fn new_transactions(&mut self) {
        for fate in Fate::ALL {
            let number = self.number();
            let wish = Wish::of_station(number, &format!("Confirming Station {number}"));
            let wish = self.asked(wish);
            self.transactions.push((wish, fate));
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn asked(&mut self, wish: Wish) -> Wish {
        self.note(&format!("asked {} {} {}", wish.number, wish.profile(), hex::encode(&wish.fingerprint)));
        wish
    }

    /// A certificate came.
    pub fn received(&mut self, wish: &Wish, certificate: &[u8]) {
        self.acknowledged[0] += 1;
        self.note(&format!("received {} {}", wish.number, hex::encode(certificate)));
    }

    /// A wish is fulfilled: what comes next for its subject.
    pub fn fulfilled(&mut self, wish: Wish, certificate: Vec<u8>) {
        let revocable = Revocable { authority: wish.authority(), serial: serial_of(&certificate) };
        match wish.subject {
            // The line itself is needed to the end.
            For::Station if wish.number == LINE => {
                self.station = Some(Credential { certificate, key: wish.key });
            }
            For::Station => self.revocable.push(revocable),
            For::Meter { title, suite, step, factory } => {
                let factory = factory.or(Some(Credential { certificate, key: wish.key }));
                if step + 1 < STEPS.len() {
                    let next = Wish::of_meter(self.number(), &title, (suite, step + 1), factory);
                    let next = self.asked(next);
                    self.wishes.push_back(next);
                } else {
                    self.revocable.push(revocable);
                }
            }
        }
    }

    /// A revocation was acknowledged.
    ///
    /// # Panics
    /// When the authority's certificate cannot be read.
    pub fn revoked(&mut self, revoked: &Revocable) {
        self.acknowledged[1] += 1;
        self.told("revoked", revoked);
    }

    /// What a holder said of his certificate was acknowledged.
    ///
    /// # Panics
    /// When the authority's certificate cannot be read.
    pub fn spoken(&mut self, wish: &Wish, fate: Fate, certificate: &[u8]) {
        let one = Revocable { authority: wish.authority(), serial: serial_of(certificate) };
        match fate {
            Fate::Accepted => {
                self.told("confirmed", &one);
                self.revocable.push(one);
            }
            Fate::Refused => self.told("revoked", &one),
            Fate::Left => {}
        }
    }

    /// Notes what a client was told of a certificate.
    fn told(&mut self, word: &str, one: &Revocable) {
        let path = self.authorities.join(format!("{}.cer", one.authority));
        let authority = x509_cert::Certificate::from_der(&fs::read(path).expect("the authority"));
        let tbs = authority.expect("a certificate").tbs_certificate().clone();
        let (_, key) = tbs.get_extension::<SubjectKeyIdentifier>().expect("an extension").expect("its key");
        self.note(&format!("{word} {} {}", hex::encode(key.0.as_bytes()), hex::encode(&one.serial)));
    }

    /// Something went wrong.
    pub fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    fn note(&mut self, line: &str) {
        writeln!(self.record, "{line} .").expect("memory");
    }

    /// Writes the record down.
    ///
    /// # Panics
    /// When there is no space.
    pub fn write(&self) {
        fs::write(&self.file, &self.record).expect("the clients' record can be written");
    }
}
