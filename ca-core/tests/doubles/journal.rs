//! What the ports were asked, in order, by all doubles of one test; and at which call one of them fails.

use std::sync::Mutex;

use ca_core::ports::Unavailable;
use ca_core::record::Settlement;

/// One call of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Fill,
    StatusOf,
    Certificate,
    Certificates,
    Device,
    Token,
    RecordIntents(usize),
    BeginSigning(usize),
    PublicKey,
    Sign,
    RecordIssued(usize),
    Settle(Vec<Settlement>),
    /// With the reason code of the event.
    RecordEvent(String),
    RecordRevocation,
    RecordRelease,
    RecordDecision,
    OpenTransaction,
    RecordAnswer,
    Conclude,
    Unconfirmed,
    Transaction,
    Due,
}

impl Step {
    const fn port(&self) -> &'static str {
        match self {
            Self::Fill => "entropy",
            Self::StatusOf | Self::Certificate | Self::Certificates => "status source",
            Self::Device | Self::Token => "registry",
            Self::PublicKey | Self::Sign => "signer",
            Self::RecordIntents(_)
            | Self::BeginSigning(_)
            | Self::RecordIssued(_)
            | Self::Settle(_)
            | Self::RecordEvent(_)
            | Self::RecordRevocation
            | Self::RecordRelease => "ledger",
            Self::RecordDecision => "waiting room",
            Self::OpenTransaction
            | Self::RecordAnswer
            | Self::Conclude
            | Self::Unconfirmed
            | Self::Transaction
            | Self::Due => "transactions",
        }
    }
}

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    Never,
    /// This one only, counted from 0.
    At(usize),
    /// This one and all after it.
    From(usize),
}

pub(crate) struct Journal {
    steps: Mutex<Vec<Step>>,
    failing: Mutex<Failing>,
}

impl Journal {
    pub(crate) const fn new() -> Self {
        Self { steps: Mutex::new(Vec::new()), failing: Mutex::new(Failing::Never) }
    }

    /// Forgets what was asked so far, and lets calls fail from now on, counted anew.
    pub(crate) fn start(&self, failing: Failing) {
        self.steps.lock().unwrap().clear();
        *self.failing.lock().unwrap() = failing;
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.steps.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, step: &Step) -> usize {
        self.steps.lock().unwrap().iter().filter(|known| *known == step).count()
    }

    /// Writes a call down; answers whether it fails.
    pub(crate) fn enter(&self, step: Step) -> Result<(), Unavailable> {
        let mut steps = self.steps.lock().unwrap();
        let (place, port) = (steps.len(), step.port());
        steps.push(step);
        let fails = match *self.failing.lock().unwrap() {
            Failing::Never => false,
            Failing::At(at) => place == at,
            Failing::From(from) => place >= from,
        };
        if fails { Err(Unavailable { port, cause: "switched off by the test".into() }) } else { Ok(()) }
    }
}
