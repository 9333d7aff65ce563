//! What the clients of a house want, hold and were told, across all lives of its issuer; and their record for the checker.

use std::collections::VecDeque;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use der::Decode;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::batch::Batch;
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

/// What was acknowledged to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// A certificate reached a client; repeats included.
    Certificate,
    /// A revocation.
    Revocation,
    /// A CRL.
    Crl,
    /// A production order that was opened, filled and closed.
    Order,
    /// A device that was scrapped.
    Scrap,
    /// A delivery that was taken in to its end.
    Delivery,
    /// A suspension, a return from one, or a retirement.
    Change,
    /// A campaign that is done.
    Campaign,
}

impl Acknowledged {
    /// Everything, with how reports call it.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Certificate, "certificates"),
        (Self::Revocation, "revocations"),
        (Self::Crl, "CRLs"),
        (Self::Order, "production orders closed"),
        (Self::Scrap, "devices scrapped"),
        (Self::Delivery, "deliveries closed"),
        (Self::Change, "devices suspended, resumed or retired"),
        (Self::Campaign, "campaigns done"),
    ];
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
    /// Whether answers of meters get lost on their way, which makes their head-end wait for its time to be over.
    pub loses: bool,
    /// The station that speaks for meters.
    pub station: Option<Credential>,
    /// What went wrong in the clients' eyes.
    pub complaints: Vec<String>,
    /// How much was acknowledged, in the order of [`Acknowledged::ALL`].
    pub acknowledged: [u64; 8],
    /// The batch of devices that is under way.
    pub batch: Option<Batch>,
    batches: u32,
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
            loses: true,
            station: None,
            complaints: Vec::new(),
            acknowledged: [0; 8],
            batch: None,
            batches: 0,
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

    /// Asks for nothing new, and loses nothing more on the way.
    pub fn calm(&mut self) {
        self.expected.clear();
        self.loses = false;
    }

    /// Tells whether the answer of a meter is lost on its way.
    pub fn loses_answer(&mut self) -> bool {
        self.loses && self.random.below(40) == 0
    }

    /// Takes the batch that is under way, or a new one.
    pub fn take_batch(&mut self) -> Batch {
        self.batch.take().unwrap_or_else(|| {
            let number = self.batches;
            self.batches += 1;
            let titles = Batch::titles_of(number);
            let wishes = titles.iter().map(|title| {
                let wish = Wish::of_made(self.number(), title);
                self.asked(wish)
            });
            let wishes = wishes.collect();
            Batch::new(number, wishes)
        })
    }

    /// Makes the wish of a meter of suite 1 by this title.
    pub fn wish_for(&mut self, title: &str, step: usize, factory: Option<Credential>) -> Wish {
        let wish = Wish::of_meter(self.number(), title, (1, step), factory);
        self.asked(wish)
    }

    /// A meter took a certificate that it had not asked for by itself: it asked for it by its head-end.
    pub fn imported(&mut self, profile: &str, (fingerprint, certificate): (&[u8], &[u8])) {
        let number = self.number();
        self.count(Acknowledged::Certificate);
        self.note(&format!("asked {number} {profile} {}", hex::encode(fingerprint)));
        self.note(&format!("received {number} {}", hex::encode(certificate)));
    }

    /// A delivery's part was acknowledged: these devices were described by it.
    pub fn delivered(&mut self, digest: &str, titles: &[String]) {
        for title in titles {
            self.note(&format!("delivered {title} {digest}"));
        }
    }

    /// An act on a device was acknowledged.
    pub fn changed(&mut self, act: &str, title: &str) {
        self.count(if act == "scrapped" { Acknowledged::Scrap } else { Acknowledged::Change });
        self.note(&format!("{act} {title}"));
    }

    /// Counts what was acknowledged.
    pub fn count(&mut self, what: Acknowledged) {
        self.acknowledged[place_of(what)] += 1;
    }

    /// Returns how much of it was acknowledged.
    ///
    /// # Panics
    /// Never: it is one of all.
    #[must_use]
    pub fn acknowledged_of(&self, what: Acknowledged) -> u64 {
        self.acknowledged[place_of(what)]
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
        self.count(Acknowledged::Certificate);
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
            // A place in an order does not come back by revoking.
            For::Made => {}
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
        self.count(Acknowledged::Revocation);
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

fn place_of(what: Acknowledged) -> usize {
    Acknowledged::ALL.iter().position(|(one, _)| *one == what).expect("one of all")
}
