//! What requesters want, hold and were told by any node, and their record for the checker.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ca_core::certificate::Certificate;

use super::PROFILE;
use crate::crash::random::Random;
use crate::crash::wish::serial_of;

/// What a line to a node is about.
#[derive(Debug, Clone)]
pub enum About {
    /// A certificate for this wish.
    Wish(u64),
    /// The revocation of this serial number.
    Revocation(Vec<u8>),
    /// The next CRL.
    Crl,
}

/// What a node said.
#[derive(Debug, Clone)]
pub enum Said {
    /// Here is a certificate.
    Issued(Vec<u8>),
    /// It was done.
    Done,
    /// Another node does that.
    Idle,
    /// Not now.
    Later,
    /// No.
    Refused,
}

/// What was acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acknowledged {
    /// Certificates that reached a requester; repeats included.
    pub certificates: u64,
    /// Of them, those that came as another answer to the same wish.
    pub repeats: u64,
    /// Revocations.
    pub revocations: u64,
    /// CRLs.
    pub crls: u64,
    /// Requests that a node could not answer at the time.
    pub later: u64,
}

/// The requesters' side of a house.
#[derive(Debug)]
pub struct World {
    state: Mutex<State>,
    directory: PathBuf,
    issuer: String,
}

#[derive(Debug)]
struct State {
    random: Random,
    asked: u64,
    wishes: u64,
    open: HashMap<u64, (About, Sender<Said>)>,
    received: HashMap<u64, Vec<u8>>,
    revocable: Vec<Vec<u8>>,
    /// The serial numbers that somebody revokes.
    given_up: HashSet<Vec<u8>>,
    published: u64,
    record: String,
    complaints: Vec<String>,
    acknowledged: Acknowledged,
}

impl World {
    /// Begins with nothing.
    ///
    /// # Panics
    /// When the house has no authority.
    #[must_use]
    pub fn new(directory: PathBuf, seed: u64) -> Self {
        let authority = std::fs::read(directory.join("issuer.cer")).expect("the authority");
        let authority = Certificate::from_der(&authority).expect("a certificate");
        let state = State {
            random: Random::new(seed),
            asked: 0,
            wishes: 0,
            open: HashMap::new(),
            received: HashMap::new(),
            revocable: Vec::new(),
            given_up: HashSet::new(),
            published: 0,
            record: String::new(),
            complaints: Vec::new(),
            acknowledged: Acknowledged::default(),
        };
        let issuer = authority.public_key().key_ref().to_string().to_lowercase();
        Self { state: Mutex::new(state), directory, issuer }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws a number below another.
    pub fn below(&self, bound: u64) -> u64 {
        self.state().random.below(bound)
    }

    /// Numbers a wish.
    pub fn new_wish(&self) -> u64 {
        let mut state = self.state();
        state.wishes += 1;
        state.wishes
    }

    /// Notes what a wish asks for.
    pub fn asked(&self, wish: u64, fingerprint: &[u8]) {
        self.state().note(&format!("asked {wish} {PROFILE} {}", hex::encode(fingerprint)));
    }

    /// Numbers a line to a node; returns the number, and where the answer comes.
    pub fn ask(&self, about: About) -> (u64, Receiver<Said>) {
        let (answer, answered) = channel();
        (self.ask_for(about, answer), answered)
    }

    /// The same with the answer going where another one goes.
    pub fn ask_for(&self, about: About, answer: Sender<Said>) -> u64 {
        let mut state = self.state();
        state.asked += 1;
        let number = state.asked;
        state.open.insert(number, (about, answer));
        number
    }

    /// A node said this. Whether anybody still waits for it makes no difference.
    pub fn heard(&self, node: &str, line: &str) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let Some(number) = words.get(1).and_then(|number| number.parse::<u64>().ok()) else { return };
        let mut state = self.state();
        let Some((about, answer)) = state.open.remove(&number) else {
            return state.complain(format!("{node} answered {line}, which nobody asked"));
        };
        let said = match (words.as_slice(), &about) {
            (["issued", _, der], About::Wish(wish)) => state.issued(node, *wish, der),
            (["revoked", ..], About::Revocation(serial)) => {
                let line = format!("revoked {} {}", self.issuer, hex::encode(serial));
                state.acknowledged.revocations += 1;
                state.note(&line);
                Said::Done
            }
            (["crl", _, crl, der], About::Crl) => {
                self.publish(&mut state, crl.parse().unwrap_or_default(), der);
                Said::Done
            }
            (["idle", ..], _) => Said::Idle,
            (["refused", _, "Unavailable", ..], _) => {
                state.acknowledged.later += 1;
                Said::Later
            }
            // It was asked for before, and comes so late that what answered it was revoked since.
            (["refused", _, "Conflict", ..], About::Wish(wish)) if state.is_given_up(*wish) => Said::Later,
            // A CRL that was asked for before came late, in between.
            (["refused", _, "Conflict", ..], About::Crl) => Said::Later,
            // Nodes' clocks differ by what they may, and the one that made the last CRL was ahead.
            (["refused", _, "Ours", why], About::Crl) if why.starts_with("the clock says") => Said::Later,
            _ => {
                state.complain(format!("{node}, asked for {about:?}: {line}"));
                Said::Refused
            }
        };
        // Whoever asked may have gone to another node.
        drop(answer.send(said));
    }

    /// Puts a CRL where relying parties find it, unless a later one is there.
    fn publish(&self, state: &mut State, number: u64, der: &str) {
        state.acknowledged.crls += 1;
        if number <= state.published {
            return;
        }
        state.published = number;
        let (aside, place) =
            (self.directory.join("published/ca.aside"), self.directory.join("published/ca.crl"));
        std::fs::write(&aside, hex::decode(der).expect("hexadecimal")).expect("the house has space");
        std::fs::rename(aside, place).expect("the house has space");
    }

    /// What a wish was given may be revoked from now on.
    pub fn may_be_revoked(&self, certificate: &[u8]) {
        self.state().revocable.push(serial_of(certificate));
    }

    /// Takes a serial number that may be revoked.
    pub fn take_revocable(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        let count = state.revocable.len();
        if count == 0 {
            return None;
        }
        let index = state.random.index(count);
        let serial = state.revocable.swap_remove(index);
        state.given_up.insert(serial.clone());
        Some(serial)
    }

    /// Something went wrong.
    pub fn complain(&self, what: String) {
        self.state().complain(what);
    }

    /// Takes what went wrong.
    pub fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut self.state().complaints)
    }

    /// Returns what was acknowledged so far.
    pub fn acknowledged(&self) -> Acknowledged {
        self.state().acknowledged
    }

    /// Writes the record down.
    ///
    /// # Panics
    /// When there is no space.
    pub fn write(&self) {
        std::fs::write(self.directory.join("clients"), &self.state().record).expect("the house has space");
    }
}

impl State {
    fn issued(&mut self, node: &str, wish: u64, der: &str) -> Said {
        let Ok(certificate) = hex::decode(der) else {
            self.complain(format!("{node} gave {der} for wish {wish}"));
            return Said::Refused;
        };
        self.acknowledged.certificates += 1;
        self.note(&format!("received {wish} {der}"));
        match self.received.get(&wish) {
            Some(before) if *before != certificate => {
                self.complain(format!("wish {wish} has two certificates, the second by {node}"));
            }
            Some(_) => self.acknowledged.repeats += 1,
            None => drop(self.received.insert(wish, certificate.clone())),
        }
        Said::Issued(certificate)
    }

    fn is_given_up(&self, wish: u64) -> bool {
        self.received.get(&wish).is_some_and(|certificate| self.given_up.contains(&serial_of(certificate)))
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }

    fn note(&mut self, line: &str) {
        writeln!(self.record, "{line} .").expect("memory");
    }
}
