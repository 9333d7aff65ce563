//! The body of a message, read in pieces: the next one only when the one before is on its way, so that a slow reader costs one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::document::Document;

/// Octets of a document from `next` on, before `end`.
#[derive(Debug)]
pub struct Piecewise {
    document: Arc<Document>,
    next: u64,
    end: u64,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl Piecewise {
    /// Takes the octets from `start` on and before `end`, which is not beyond the end of the document.
    #[must_use]
    pub const fn new(document: Arc<Document>, start: u64, end: u64) -> Self {
        Self { document, next: start, end, reading: None }
    }

    /// Takes the whole document.
    #[must_use]
    pub fn whole(document: Arc<Document>) -> Self {
        let end = document.content().length();
        Self::new(document, 0, end)
    }

    fn passed(&mut self, piece: Vec<u8>) -> Frame<Bytes> {
        self.next = self.next.saturating_add(u64::try_from(piece.len()).unwrap_or_default());
        Frame::data(Bytes::from(piece))
    }
}

impl Body for Piecewise {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.next >= this.end {
            return Poll::Ready(None);
        }
        let (document, start, end) = (&this.document, this.next, this.end);
        if document.content().held().is_some() {
            let piece = document.content().piece(start, end);
            return Poll::Ready(Some(piece.map(|piece| this.passed(piece))));
        }
        let read = || {
            let document = Arc::clone(document);
            tokio::task::spawn_blocking(move || document.content().piece(start, end))
        };
        let read = ready!(Pin::new(this.reading.get_or_insert_with(read)).poll(cx));
        this.reading = None;
        let piece = read.map_err(io::Error::other).flatten();
        Poll::Ready(Some(piece.map(|piece| this.passed(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end.saturating_sub(self.next))
    }
}
