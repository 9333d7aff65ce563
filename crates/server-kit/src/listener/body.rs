//! The bodies on their way in and out, each under the limits.
//!
//! A request body is read only as the route reads it: nothing is buffered here. When it is too large, too late or broken
//! off, the route sees an error, and [`BodyFault`] tells what the client is to be answered instead of the route's guess.

use super::{
    progress::Progress,
    tally::{Tally, panic_message},
};
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};
use tokio::time::{Instant, Sleep};

/// What was wrong with the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFault {
    #[error("the body has more than {limit} octets")]
    TooLarge { limit: u64 },
    #[error("the body did not arrive in time")]
    Late,
    #[error("the body ended before its announced end, or is not framed correctly")]
    Broken,
}

/// Where the fault of one body is left for whoever answers.
pub(super) type FaultSlot = Arc<OnceLock<BodyFault>>;

/// A request body under a cap and a deadline.
pub(super) struct GuardedBody {
    incoming: Incoming,
    limit: u64,
    left: u64,
    late: Pin<Box<Sleep>>,
    ended: bool,
    fault: FaultSlot,
    progress: Arc<Progress>,
}

impl GuardedBody {
    pub(super) fn new(
        incoming: Incoming,
        limit: u64,
        until: Instant,
        progress: Arc<Progress>,
    ) -> (Self, FaultSlot) {
        let fault = FaultSlot::default();
        let late = Box::pin(tokio::time::sleep_until(until));
        let ended = incoming.is_end_stream();
        let slot = Arc::clone(&fault);
        (Self { incoming, limit, left: limit, late, ended, fault, progress }, slot)
    }

    fn fail<T>(&self, fault: BodyFault) -> Poll<Option<Result<T, BodyFault>>> {
        let _already = self.fault.set(fault).is_err();
        Poll::Ready(Some(Err(fault)))
    }

    fn take_frame(&mut self, frame: Frame<Bytes>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let octets = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        match self.left.checked_sub(octets) {
            Some(left) => self.left = left,
            None => return self.fail(BodyFault::TooLarge { limit: self.limit }),
        }
        if self.incoming.is_end_stream() {
            self.end();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn end(&mut self) {
        self.ended = true;
        self.progress.has_body();
    }
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(fault) = self.fault.get().copied() {
            return Poll::Ready(Some(Err(fault)));
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.take_frame(frame),
            Poll::Ready(Some(Err(_))) => self.fail(BodyFault::Broken),
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Pending if self.late.as_mut().poll(cx).is_ready() => self.fail(BodyFault::Late),
            Poll::Pending => {
                self.progress.awaits_body();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for GuardedBody {
    /// Who answers without reading to the end leaves the client sending; the connection then closes gently.
    fn drop(&mut self) {
        if !self.ended {
            self.progress.has_body();
            self.progress.leave_input();
        }
    }
}

/// An answer's body that reports when hyper has taken all of it. A panic while it is produced ends the connection, since
/// the head has gone out already.
pub(super) struct AnswerBody {
    body: Body,
    progress: Arc<Progress>,
    tally: Arc<Tally>,
}

/// The body of an answer could not be produced.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerBodyError {
    #[error("the body of the answer failed")]
    Failed(#[source] axum::Error),
    #[error("the body of the answer panicked")]
    Panicked,
}

impl AnswerBody {
    pub(super) fn new(body: Body, progress: Arc<Progress>, tally: Arc<Tally>) -> Self {
        Self { body, progress, tally }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let poll = AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx));
        match catch_unwind(poll) {
            Ok(polled) => polled.map_err(AnswerBodyError::Failed),
            Err(payload) => {
                self.tally.panicked();
                tracing::error!(panic = panic_message(payload.as_ref()), "the body of an answer panicked");
                Poll::Ready(Some(Err(AnswerBodyError::Panicked)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.progress.answer_ends();
    }
}
