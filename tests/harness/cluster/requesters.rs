//! The requesters: each wants certificates, asks one node or several at once, goes to another one when no answer comes, and does
//! not rest before it has what it wants. Now and then one is revoked; one of them asks for CRLs all the time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::node::Node;
use super::world::{About, Said, World};
use crate::crash::wish::Wish;

/// How many ask at the same time.
pub const REQUESTERS: usize = 5;

/// How long a node may take before another one is asked.
const ANSWER: Duration = Duration::from_millis(1_200);

/// How long between two wishes of one requester, and before the same is asked again.
const BETWEEN: Duration = Duration::from_millis(60);

/// How long between two CRLs.
const CRLS: Duration = Duration::from_millis(900);

/// How long a wish may take: longer than any fault lasts.
const SERVED: Duration = Duration::from_secs(180);

/// Whether requesters may go on.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    paused: bool,
    over: bool,
    busy: usize,
}

impl Gate {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a requester begin something, when that may be; false when it is all over.
    fn begin(&self) -> bool {
        let state = self.changed.wait_while(self.lock(), |state| state.paused && !state.over);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if !state.over {
            state.busy += 1;
        }
        !state.over
    }

    fn end(&self) {
        self.lock().busy -= 1;
        self.changed.notify_all();
    }

    /// Waits for so long, or until it is all over.
    pub fn pause(&self, time: Duration) {
        drop(self.changed.wait_timeout_while(self.lock(), time, |state| !state.over));
    }

    /// Lets nobody begin anything, and waits until all have what they began with; false when that takes too long.
    pub fn quiet(&self) -> bool {
        self.lock().paused = true;
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), SERVED + SERVED, |state| state.busy > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.busy == 0
    }

    /// Lets them go on.
    pub fn go_on(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Ends it all.
    pub fn over(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }
}

/// Whom they ask, and where they note what they are told.
#[derive(Debug, Clone, Copy)]
pub struct Requesters<'a> {
    /// The nodes.
    pub nodes: &'a [Node],
    /// Their record.
    pub world: &'a World,
    /// Whether they may go on.
    pub gate: &'a Gate,
}

impl Requesters<'_> {
    /// One requester, until it is all over.
    pub fn enrol(&self) {
        while self.gate.begin() {
            let wish = self.new_wish();
            if let Some(certificate) = self.served(&wish) {
                self.world.may_be_revoked(&certificate);
            }
            if self.world.below(3) == 0
                && let Some(serial) = self.world.take_revocable()
            {
                self.revoked(&serial);
            }
            self.gate.end();
            self.gate.pause(BETWEEN);
        }
    }

    /// Whoever asks for CRLs, until it is all over.
    pub fn publish(&self) {
        while self.gate.begin() {
            let _made = self.ask_for_crl();
            self.gate.end();
            self.gate.pause(CRLS);
        }
    }

    /// Asks for CRLs until one is made.
    pub fn publish_one(&self) -> bool {
        self.until_done("a CRL", || self.ask_for_crl())
    }

    fn new_wish(&self) -> Wish {
        let number = self.world.new_wish();
        let wish = Wish::of_meter(number, &format!("4D504B{number:010X}"), (1, 0), None);
        self.world.asked(number, &wish.fingerprint);
        wish
    }

    /// Asks for a wish until there is a certificate, and now and then once more.
    fn served(&self, wish: &Wish) -> Option<Vec<u8>> {
        let csr = hex::encode(&wish.csr);
        let mut certificate = None;
        self.until_done(&format!("wish {}", wish.number), || {
            certificate = self.ask_nodes(wish.number, &csr);
            certificate.is_some()
        });
        if self.world.below(4) == 0 {
            let _repeated = self.ask_nodes(wish.number, &csr);
        }
        certificate
    }

    /// Asks one node, or two or all at the same time; the first certificate counts here, and all are noted.
    fn ask_nodes(&self, wish: u64, csr: &str) -> Option<Vec<u8>> {
        let (answer, answered) = channel();
        let count = match self.world.below(6) {
            0 => 3,
            1 | 2 => 2,
            _ => 1,
        };
        for node in self.some_nodes(count) {
            let number = self.world.ask_for(About::Wish(wish), answer.clone());
            node.tell(&format!("issue {number} {csr}"));
        }
        drop(answer);
        wait(&answered, |said| match said {
            Said::Issued(certificate) => Some(certificate),
            Said::Done | Said::Idle | Said::Later | Said::Refused => None,
        })
    }

    fn revoked(&self, serial: &[u8]) {
        self.until_done("a revocation", || {
            let (number, answered) = self.world.ask(About::Revocation(serial.to_vec()));
            for node in self.some_nodes(1) {
                node.tell(&format!("revoke {number} {}", hex::encode(serial)));
            }
            wait(&answered, |said| matches!(said, Said::Done).then_some(())).is_some()
        });
    }

    fn ask_for_crl(&self) -> bool {
        let (answer, answered) = channel();
        for node in self.nodes {
            let number = self.world.ask_for(About::Crl, answer.clone());
            node.tell(&format!("crl {number}"));
        }
        drop(answer);
        wait(&answered, |said| matches!(said, Said::Done).then_some(())).is_some()
    }

    /// Draws so many different nodes.
    fn some_nodes(&self, count: usize) -> Vec<&Node> {
        let first = usize::try_from(self.world.below(self.nodes.len() as u64)).expect("it is small");
        self.nodes.iter().cycle().skip(first).take(count).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "how long a requester waits is told by no port")]
    fn until_done(&self, what: &str, mut attempt: impl FnMut() -> bool) -> bool {
        let began = Instant::now();
        while !attempt() {
            if self.gate.is_over() {
                return false;
            }
            if began.elapsed() > SERVED {
                self.world.complain(format!("{what} was not served within {} s", SERVED.as_secs()));
                return false;
            }
            self.gate.pause(BETWEEN);
        }
        true
    }
}

/// Waits for an answer that is one; nothing when none comes in time, or none that is.
#[expect(clippy::disallowed_methods, reason = "how long a requester waits is told by no port")]
fn wait<T>(answered: &Receiver<Said>, mut is_one: impl FnMut(Said) -> Option<T>) -> Option<T> {
    let until = Instant::now() + ANSWER;
    loop {
        match answered.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(said) => {
                if let Some(found) = is_one(said) {
                    return Some(found);
                }
            }
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return None,
        }
    }
}
