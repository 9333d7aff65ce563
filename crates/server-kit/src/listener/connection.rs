//! The life of one connection: handshake, requests under their deadlines, and a gentle end.
//!
//! It is *not* the HTTP protocol, which is hyper's; it decides only when hyper has had its time.

use super::{
    gate::Gate,
    long_body::LongBody,
    peer::PeerConnection,
    progress::{Late, Progress},
    roster::{Awaits, Seat},
    spelling::Spelling,
    stream::Reported,
    tally::Tally,
};
use crate::{
    limits::Limits,
    shutdown::Shutdown,
    tls::{self, HandshakeError, Tls},
};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    error::Error,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::Sleep,
};

/// After the last answer to a client that is still sending: for so long, and up to so many octets, its input is thrown
/// away. A socket closed with unread input is reset, and the reset may overtake the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_OCTETS: u64 = 1 << 20;

/// Who receives the connections of a listener: what they all have in common.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) long_bodies: Arc<[LongBody]>,
    pub(super) tls: Option<Tls>,
    pub(super) spelling: Arc<Spelling>,
    pub(super) tally: Arc<Tally>,
    pub(super) shutdown: Shutdown,
}

/// Why a connection ended. The codes stand in the metrics.
#[derive(Debug)]
enum End {
    Closed,
    Protocol(hyper::Error),
    Late(Late),
    Displaced(Awaits),
    Shutdown,
    Handshake(HandshakeError),
}

impl End {
    fn reason(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Protocol(error) if error.is_parse() => "malformed",
            Self::Protocol(_) => "broken_off",
            Self::Late(late) => late.reason(),
            Self::Displaced(awaited) => awaited.reason(),
            Self::Shutdown => "shutdown",
            Self::Handshake(HandshakeError::TimedOut) => "handshake_timeout",
            Self::Handshake(HandshakeError::Failed(_) | HandshakeError::Version) => "handshake_failed",
        }
    }
}

impl Host {
    /// Serves one connection to its end.
    pub(super) async fn serve(&self, stream: TcpStream, peer_addr: SocketAddr, seat: Seat) {
        let counted = Counted::new(&self.tally);
        let end = match &self.tls {
            None => self.converse(stream, PeerConnection::plain(peer_addr), seat).await,
            Some(tls) => self.secure_and_converse(tls, stream, peer_addr, seat).await,
        };
        self.note(&end, peer_addr);
        counted.ended(end.reason());
    }

    async fn secure_and_converse(
        &self,
        tls: &Tls,
        stream: TcpStream,
        peer_addr: SocketAddr,
        seat: Seat,
    ) -> End {
        let secured = tokio::select! {
            secured = tls::accept(tls, stream, self.limits.handshake(), seat.waits_for_handshake()) => secured,
            awaited = seat.displaced() => return End::Displaced(awaited),
            () = self.shutdown.triggered() => return End::Shutdown,
        };
        match secured {
            Ok((stream, secured)) => {
                seat.waits(Awaits::FirstRequest);
                Box::pin(self.converse(stream, PeerConnection::secured(peer_addr, secured), seat)).await
            }
            Err(error) => End::Handshake(error),
        }
    }

    async fn converse<S>(&self, stream: S, peer: PeerConnection, seat: Seat) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let progress = Progress::new(Arc::clone(&self.limits), seat);
        let gate = Gate {
            router: self.router.clone(),
            peer,
            limits: Arc::clone(&self.limits),
            long_bodies: Arc::clone(&self.long_bodies),
            spelling: Arc::clone(&self.spelling),
            progress: Arc::clone(&progress),
            tally: Arc::clone(&self.tally),
        };
        let stream = TokioIo::new(Reported::new(stream, Arc::clone(&progress)));
        let mut connection = http_of(&self.limits).serve_connection(stream, gate);
        let end = self.drive(&mut connection, &progress).await;
        let is_gentle = match &end {
            End::Closed => true,
            End::Protocol(error) => {
                progress.leave_input();
                error.is_parse()
            }
            End::Late(_) | End::Displaced(_) | End::Shutdown | End::Handshake(_) => false,
        };
        if is_gentle {
            let stream = connection.into_parts().io.into_inner().into_inner();
            say_goodbye(stream, &progress).await;
        }
        end
    }

    async fn drive<S>(&self, connection: &mut Http<S>, progress: &Progress) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut deadline = Deadline::new(progress);
        let mut displaced = pin!(progress.displaced());
        let mut draining = false;
        loop {
            // In this order: hyper first, so that the deadline is asked for after whatever hyper did has moved it.
            tokio::select! {
                biased;
                outcome = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                    return outcome.map_or_else(End::Protocol, |()| End::Closed);
                }
                awaited = &mut displaced => return End::Displaced(awaited),
                () = self.shutdown.triggered(), if !draining => {
                    draining = true;
                    Pin::new(&mut *connection).graceful_shutdown();
                }
                late = poll_fn(|cx| deadline.poll(cx, progress)) => return End::Late(late),
            }
        }
    }

    fn note(&self, end: &End, peer_addr: SocketAddr) {
        let (listener, reason) = (self.name.as_str(), end.reason());
        match end {
            End::Closed => tracing::trace!(listener, %peer_addr, reason, "connection ended"),
            End::Late(_) | End::Displaced(_) | End::Shutdown => {
                tracing::debug!(listener, %peer_addr, reason, "connection ended");
            }
            End::Protocol(error) => note_cause(listener, peer_addr, reason, error),
            End::Handshake(error) => note_cause(listener, peer_addr, reason, error),
        }
    }
}

/// Strangers can cause these at will, hence not louder.
fn note_cause(listener: &str, peer_addr: SocketAddr, reason: &str, error: &dyn Error) {
    let cause = error.source().map(ToString::to_string);
    tracing::debug!(listener, %peer_addr, reason, %error, cause, "connection ended");
}

type Http<S> = http1::Connection<TokioIo<Reported<S>>, Gate>;

fn http_of(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    // Clients in the field compare the names of header fields by octet; `Spelling` has those that title case gets wrong.
    http.title_case_headers(true)
        .max_buf_size(limits.header_octets())
        .max_header_size(limits.header_octets())
        // The deadlines of `Progress` are the finer ones; this one stands behind them. It counts from the moment hyper
        // waits for a head, idle time included, and is inert without the timer.
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header() + limits.idle().max(limits.first_octet()));
    http
}

/// Ends the stream in our direction and, if the client may still be sending, reads that away for a while.
async fn say_goodbye<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, progress: &Progress) {
    let goodbye = async {
        stream.shutdown().await?;
        if progress.has_input_left() {
            tokio::io::copy(&mut stream.take(LINGER_OCTETS), &mut tokio::io::sink()).await?;
        }
        std::io::Result::Ok(())
    };
    tokio::select! {
        // Nothing can be done for a peer that has gone or stays too long.
        _gone_or_done = goodbye => {}
        () = tokio::time::sleep(LINGER) => {}
        _awaited = progress.displaced() => {}
    }
}

/// A timer that follows the deadline of a connection wherever it moves.
struct Deadline {
    sleep: Pin<Box<Sleep>>,
}

impl Deadline {
    fn new(progress: &Progress) -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(progress.deadline().0)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>, progress: &Progress) -> Poll<Late> {
        let (until, late) = progress.deadline();
        if self.sleep.deadline() != until {
            self.sleep.as_mut().reset(until);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(late)
    }
}

/// One in the count of open connections, also when its task is given up.
struct Counted<'a> {
    tally: &'a Tally,
    reason: &'static str,
}

impl<'a> Counted<'a> {
    fn new(tally: &'a Tally) -> Self {
        tally.opened();
        Self { tally, reason: "abandoned" }
    }

    fn ended(mut self, reason: &'static str) {
        self.reason = reason;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.tally.closed(self.reason);
    }
}
