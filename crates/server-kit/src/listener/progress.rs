//! Where one connection stands, and until when it may stand there.
//!
//! The stream below hyper and the service above it report here what happens; whoever drives the connection asks for the
//! deadline. It is *not* a timer itself. Deadlines are monotonic time, so a jump of the wall clock closes nothing (T-20).

use super::{
    framing::{Framing, Verdict},
    roster::{Awaits, Seat},
};
use crate::limits::Limits;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Progress {
    limits: Arc<Limits>,
    seat: Seat,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    until: Instant,
    write_until: Option<Instant>,
    framing: Framing,
    input_left: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No octet of a request has come yet.
    FirstOctet,
    /// Some of a head has come.
    Head,
    /// The head is complete, the answer not yet.
    Answering,
    /// The answer is complete and not yet written out.
    Sending,
    /// Between two requests.
    Idle,
}

/// Which deadline passed. The codes stand in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    FirstOctet,
    Header,
    Answer,
    WriteStall,
    Idle,
}

impl Late {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::FirstOctet => "first_octet_timeout",
            Self::Header => "header_timeout",
            Self::Answer => "answer_timeout",
            Self::WriteStall => "write_stalled",
            Self::Idle => "idle_timeout",
        }
    }
}

impl Progress {
    /// A connection that is ready for its first request.
    pub(super) fn new(limits: Arc<Limits>, seat: Seat) -> Arc<Self> {
        let state = State {
            stage: Stage::FirstOctet,
            until: Instant::now() + limits.first_octet(),
            write_until: None,
            framing: Framing::default(),
            input_left: false,
        };
        Arc::new(Self { limits, seat, state: Mutex::new(state) })
    }

    /// Octets have come from the client.
    pub(super) fn octets_read(&self, octets: &[u8]) {
        let mut state = self.lock();
        state.framing.read(octets);
        if matches!(state.stage, Stage::FirstOctet | Stage::Idle) && state.framing.is_within_a_head() {
            state.enter(Stage::Head, self.limits.header());
        }
    }

    /// hyper hands over a request: its head is complete.
    pub(super) fn request_begins(&self) -> Option<Verdict> {
        self.seat.at_work();
        let mut state = self.lock();
        state.enter(Stage::Answering, self.limits.answer());
        state.framing.next()
    }

    /// More of the body is to come, and until it does there is nothing to do for this client.
    pub(super) fn awaits_body(&self) {
        if self.lock().stage == Stage::Answering {
            self.seat.waits(Awaits::Request);
        }
    }

    /// All of the body has come, or all of it that is wanted.
    pub(super) fn has_body(&self) {
        if self.lock().stage == Stage::Answering {
            self.seat.at_work();
        }
    }

    /// hyper has taken all of the answer.
    pub(super) fn answer_ends(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Answering {
            state.enter(Stage::Sending, self.limits.answer());
        }
    }

    /// All that hyper had to write is written.
    pub(super) fn all_is_written(&self) {
        let mut state = self.lock();
        state.write_until = None;
        if state.stage != Stage::Sending {
            return;
        }
        if state.framing.is_within_a_head() {
            state.enter(Stage::Head, self.limits.header());
        } else {
            state.enter(Stage::Idle, self.limits.idle());
        }
        drop(state);
        self.seat.waits(Awaits::Request);
    }

    /// The client has taken some octets.
    pub(super) fn octets_written(&self) {
        self.lock().write_until = None;
    }

    /// The client takes no octets at present.
    pub(super) fn write_waits(&self) {
        let mut state = self.lock();
        let until = Instant::now() + self.limits.write_stall();
        state.write_until.get_or_insert(until);
    }

    /// The connection must close although the client may still be sending.
    pub(super) fn leave_input(&self) {
        self.lock().input_left = true;
    }

    /// Whether the client may still be sending what nobody will read.
    pub(super) fn has_input_left(&self) -> bool {
        self.lock().input_left
    }

    /// Waits until the seat of this connection is given to another.
    pub(super) fn displaced(&self) -> impl Future<Output = Awaits> + Send + use<> {
        self.seat.displaced()
    }

    /// The next deadline, and what it means to pass it.
    pub(super) fn deadline(&self) -> (Instant, Late) {
        let state = self.lock();
        let late = match state.stage {
            Stage::FirstOctet => Late::FirstOctet,
            Stage::Head => Late::Header,
            Stage::Answering | Stage::Sending => Late::Answer,
            Stage::Idle => Late::Idle,
        };
        match state.write_until {
            Some(write_until) if write_until < state.until => (write_until, Late::WriteStall),
            Some(_) | None => (state.until, late),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, stage: Stage, within: Duration) {
        self.stage = stage;
        self.until = Instant::now() + within;
    }
}
