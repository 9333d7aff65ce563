//! A head-end with simulated meters behind it: it makes the calls of work orders, and brings what the meters answered.
//!
//! Each meter is a Security setup object as a server (`dlms::meter`), which holds what lies in the fleet's memory: its maker's keys and
//! certificates first. It knows nothing of the server that gives the orders, and opens no connection: whoever exchanges the files, or
//! the messages, is elsewhere. A certificate of others that a meter is given is verified and not kept.

mod order;
mod wrong_answer;

pub use order::{CallAnswer, CallOrder, OrderError, read_orders};
pub use wrong_answer::WrongAnswer;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::profile::KeyPurpose;
use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use dlms::cosem::LogicalName;
use dlms::meter::{Held, Identity, Meter, PlannedFault};
use dlms::security_setup::MeterKey;
use sha2::{Digest, Sha256};

use crate::luck::{Luck, Occasion};
use crate::memory::{Fleet, Kind, Life, Place};
use crate::mishap::{CallFaults, CallMishap};

/// The three types of certificates.
const PURPOSES: [KeyPurpose; 3] = [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls];

/// A head-end and the meters behind it.
#[derive(Debug)]
pub struct HeadEnd {
    fleet: Fleet,
    suites: HashMap<SystemTitle, SecuritySuite>,
    authorities: Vec<Certificate>,
    faults: CallFaults,
    luck: Luck,
    max_pdu: u16,
}

/// What came of making calls.
#[derive(Debug, Default)]
pub struct Worked {
    /// The answers, in the order of the calls. A call that was lost has one that says so, or none.
    pub answers: Vec<CallAnswer>,
    /// What happened on the way.
    pub tally: CallTally,
    /// How long the slowest call was under way: the others go beside it.
    pub delay: Duration,
}

/// How many calls, and what befell them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct CallTally {
    /// Calls that were made.
    pub calls: u64,
    /// Calls or answers that were lost on purpose.
    pub lost: u64,
    /// Meters that started anew on purpose.
    pub restarts: u64,
    /// Answers that were brought wrongly on purpose.
    pub wrong: u64,
    /// Calls that were not made, since their time was over.
    pub late: u64,
    /// Calls for meters that are not of this fleet.
    pub foreign: u64,
}

impl CallTally {
    /// Adds another count.
    pub const fn add(&mut self, more: Self) {
        self.calls = self.calls.saturating_add(more.calls);
        self.lost = self.lost.saturating_add(more.lost);
        self.restarts = self.restarts.saturating_add(more.restarts);
        self.wrong = self.wrong.saturating_add(more.wrong);
        self.late = self.late.saturating_add(more.late);
        self.foreign = self.foreign.saturating_add(more.foreign);
    }
}

/// How one call went.
struct Played {
    answer: Option<CallAnswer>,
    befell: CallMishap,
}

impl HeadEnd {
    /// Opens a head-end: its meters verify what they import by these authorities, DER, and answer in APDUs of `max_pdu` octets at most.
    ///
    /// # Errors
    /// [`CertificateError`] of an authority.
    pub fn new(
        fleet: Fleet,
        authorities: &[Vec<u8>],
        (faults, seed, max_pdu): (CallFaults, u64, u16),
    ) -> Result<Self, CertificateError> {
        let authorities =
            authorities.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?;
        let suites = fleet.meters.iter().map(|meter| (meter.title, meter.suite)).collect();
        Ok(Self { fleet, suites, authorities, faults, luck: Luck::new(seed), max_pdu })
    }

    /// Returns the fleet.
    #[must_use]
    pub const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Makes the calls of some orders at a time.
    ///
    /// # Errors
    /// [`WorkError`]; what the meters did until then is in their memory.
    pub fn work(&self, orders: &[CallOrder], now: UnixTime) -> Result<Worked, WorkError> {
        let mut worked = Worked::default();
        let now = now.to_string();
        for order in orders {
            let Some(suite) = self.suites.get(&order.title).copied() else {
                worked.tally.foreign = worked.tally.foreign.saturating_add(1);
                continue;
            };
            // The order's promise: a call that is made later could undo what the server has gone on with.
            if order.until < now {
                worked.tally.late = worked.tally.late.saturating_add(1);
                continue;
            }
            let about = format!("{} {}", order.purpose.name(), order.call);
            let occasion = Occasion { title: &order.title, about: &about, attempt: order.turn };
            let Played { answer, befell } = self.play(order, suite, occasion)?;
            worked.tally.count(befell);
            worked.delay = worked.delay.max(self.faults.delay(self.luck, occasion));
            worked.answers.extend(answer);
        }
        Ok(worked)
    }

    /// Makes one call.
    fn play(
        &self,
        order: &CallOrder,
        suite: SecuritySuite,
        occasion: Occasion<'_>,
    ) -> Result<Played, WorkError> {
        let befell = self.faults.mishap(self.luck, occasion);
        let wrong = self.wrong(order, befell, occasion);
        // What befell a call that cannot go wrong in this way befell it not.
        let befell = match (befell, wrong) {
            (CallMishap::WrongAnswer | CallMishap::OtherCertificate, None) => CallMishap::None,
            (befell, _) => befell,
        };
        if befell == CallMishap::RequestLost {
            return Ok(Played { answer: self.silence(order, occasion), befell });
        }
        let answered = if order.apdus.is_empty() {
            // What only the head-end does: no meter is asked.
            Some(Vec::new())
        } else {
            let planned = wrong.and_then(|wrong| self.planned(wrong, order, occasion)).into_iter().collect();
            self.ask(order, (suite, planned), befell == CallMishap::Restart)?
        };
        if befell == CallMishap::AnswerLost {
            return Ok(Played { answer: self.silence(order, occasion), befell });
        }
        let answer = match answered {
            None => CallAnswer::nothing(order),
            Some(apdus) => CallAnswer::of(order, apdus),
        };
        let answer = match wrong {
            None => answer,
            Some(wrong) => wrong.made_of(answer),
        };
        Ok(Played { answer: Some(answer), befell })
    }

    /// A head-end says that nothing came, or says nothing.
    fn silence(&self, order: &CallOrder, occasion: Occasion<'_>) -> Option<CallAnswer> {
        let drawn = self.luck.below(2, Occasion { about: "silence", ..occasion });
        (drawn == 0).then(|| CallAnswer::nothing(order))
    }

    fn wrong(&self, order: &CallOrder, befell: CallMishap, occasion: Occasion<'_>) -> Option<WrongAnswer> {
        match befell {
            CallMishap::WrongAnswer => {
                let which = self.luck.draw(Occasion { about: "which wrong answer", ..occasion });
                Some(WrongAnswer::of(which, order))
            }
            CallMishap::OtherCertificate => order.is_export().then_some(WrongAnswer::OtherCertificate),
            CallMishap::None | CallMishap::RequestLost | CallMishap::AnswerLost | CallMishap::Restart => None,
        }
    }

    /// What goes wrong in the meter itself for an answer to be wrong.
    fn planned(&self, wrong: WrongAnswer, order: &CallOrder, occasion: Occasion<'_>) -> Option<PlannedFault> {
        let count = u64::try_from(self.fleet.meters.len()).unwrap_or(u64::MAX);
        let at = self.luck.below(count, Occasion { about: "which other meter", ..occasion });
        let others = self.fleet.meters.iter().cycle().skip(usize::try_from(at).unwrap_or_default());
        let other = others.take(2).map(|meter| meter.title).find(|title| *title != order.title)?;
        wrong.planned(other, || self.fleet.certificate(&other, Life::Factory, order.purpose))
    }

    /// Puts a call through to the meter, which keeps what it changed before it answers.
    fn ask(
        &self,
        order: &CallOrder,
        (suite, planned): (SecuritySuite, Vec<PlannedFault>),
        restarts: bool,
    ) -> Result<Option<Vec<Vec<u8>>>, WorkError> {
        let key = meter_key(order.purpose);
        let identity = Identity {
            title: order.title,
            suite,
            object: LogicalName::security_setup(0),
            max_pdu: self.max_pdu,
            seed: self.seed(order),
            anchors: self.authorities.clone(),
        };
        let mut meter = Meter::new(identity, planned);
        let mut before = Held::default();
        for purpose in PURPOSES {
            let held = self.held(&order.title, purpose);
            if purpose == order.purpose {
                before = held.clone();
            }
            let damaged = |_: CertificateError| WorkError::Damaged { title: order.title };
            meter.hold(meter_key(purpose), held).map_err(damaged)?;
        }
        if restarts {
            meter.restart();
            self.forget(&order.title)?;
            before.pending = None;
        }
        let answered = meter.converse(&order.apdus);
        self.keep(order, &before, meter.held(key))?;
        Ok(answered)
    }

    /// What a meter's next key follows from: its maker's key, and which call it is.
    fn seed(&self, order: &CallOrder) -> [u8; 32] {
        let place = place(&order.title, Life::Factory, order.purpose, Kind::Key);
        let hash = Sha256::new()
            .chain_update("meter-pki simulated key 1")
            .chain_update(self.fleet.held(&place).unwrap_or_default())
            .chain_update(order.title.octets())
            .chain_update(order.purpose.name())
            .chain_update(order.turn.to_be_bytes())
            .chain_update(&order.campaign);
        hash.finalize().into()
    }

    /// What a meter holds of a type: of its owner where there is a certificate of his, otherwise of its maker.
    fn held(&self, title: &SystemTitle, purpose: KeyPurpose) -> Held {
        let page = |life, kind| self.fleet.held(&place(title, life, purpose, kind));
        let owned = self.fleet.certificate(title, Life::Operational, purpose).is_some();
        let life = if owned { Life::Operational } else { Life::Factory };
        Held {
            current: page(life, Kind::Key),
            pending: page(Life::Operational, Kind::PendingKey).filter(|octets| !octets.is_empty()),
            certificate: page(life, Kind::Certificate),
        }
    }

    fn keep(&self, order: &CallOrder, before: &Held, after: Held) -> io::Result<()> {
        if *before == after {
            return Ok(());
        }
        let at = |kind| place(&order.title, Life::Operational, order.purpose, kind);
        let mut pages = vec![(at(Kind::PendingKey), after.pending.unwrap_or_default())];
        if before.certificate != after.certificate {
            pages.extend(after.current.map(|key| (at(Kind::Key), key)));
            pages.extend(after.certificate.map(|certificate| (at(Kind::Certificate), certificate)));
        }
        self.fleet.keep_all(&pages)
    }

    /// Forgets the keys that wait for their certificates.
    fn forget(&self, title: &SystemTitle) -> io::Result<()> {
        let places = PURPOSES.map(|purpose| place(title, Life::Operational, purpose, Kind::PendingKey));
        let waits = |at: &Place| self.fleet.held(at).is_some_and(|octets| !octets.is_empty());
        let pages: Vec<_> = places.into_iter().filter(waits).map(|at| (at, Vec::new())).collect();
        self.fleet.keep_all(&pages)
    }
}

impl CallTally {
    const fn count(&mut self, befell: CallMishap) {
        self.calls = self.calls.saturating_add(1);
        let counted = match befell {
            CallMishap::None => return,
            CallMishap::RequestLost | CallMishap::AnswerLost => &mut self.lost,
            CallMishap::Restart => &mut self.restarts,
            CallMishap::WrongAnswer | CallMishap::OtherCertificate => &mut self.wrong,
        };
        *counted = counted.saturating_add(1);
    }
}

const fn place(title: &SystemTitle, life: Life, purpose: KeyPurpose, kind: Kind) -> Place {
    Place { title: *title, life, purpose, kind }
}

const fn meter_key(purpose: KeyPurpose) -> MeterKey {
    match purpose {
        KeyPurpose::KeyAgreement => MeterKey::KeyAgreement,
        KeyPurpose::Tls => MeterKey::Tls,
        KeyPurpose::Signature | KeyPurpose::CertificateSigning => MeterKey::Signature,
    }
}

/// Why calls were not made.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The memory of the fleet cannot be written.
    #[error("the memory of the fleet cannot be written: {0}")]
    File(#[from] io::Error),
    /// What a meter holds is no certificate.
    #[error("the memory of the meter {title} is damaged: a certificate cannot be read")]
    Damaged {
        /// Which meter.
        title: SystemTitle,
    },
}

#[cfg(test)]
mod tests;
