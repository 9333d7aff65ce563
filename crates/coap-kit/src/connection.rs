//! One peer from its cookie to its farewell: datagrams through DTLS into a conversation, questions to the front end.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use server_kit::listener::PeerConnection;
use server_kit::shutdown::Shutdown;
use server_kit::tls::TlsVersion;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::conversation::{Conversation, House};
use crate::dtls::{Progress, Session};
use crate::limits::RawCoapsLimits;
use crate::resources::Answering;
use crate::response::Response;
use crate::seats::Seat;

/// How often OpenSSL is asked to look at the timers of a handshake, the shortest of which is a second (RFC 6347 §4.2.4.1).
const HANDSHAKE_TICK: Duration = Duration::from_millis(250);

/// What a connection begins with.
pub(crate) struct Guest {
    pub(crate) peer: SocketAddr,
    pub(crate) session: Box<Session>,
    pub(crate) seat: Seat,
    pub(crate) inbound: mpsc::Receiver<Vec<u8>>,
    /// Set once the handshake has ended.
    pub(crate) established: Arc<AtomicBool>,
}

/// What all connections have in common.
pub(crate) struct Premises {
    pub(crate) socket: UdpSocket,
    pub(crate) house: House,
    pub(crate) limits: RawCoapsLimits,
    pub(crate) shutdown: Shutdown,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The peer said farewell.
    ByPeer,
    /// DTLS failed, in the handshake or later.
    Failed,
    /// The handshake took too long.
    SlowHandshake,
    /// The peer said nothing for long.
    Idle,
    /// The server ends.
    Shutdown,
    /// The server ends, and has no time left for an answer that is owed.
    CutShort,
    /// The same address began anew.
    Replaced,
}

impl Ending {
    /// Returns the stable reason code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ByPeer => "by_peer",
            Self::Failed => "dtls_failed",
            Self::SlowHandshake => "slow_handshake",
            Self::Idle => "idle",
            Self::Shutdown => "shutdown",
            Self::CutShort => "cut_short",
            Self::Replaced => "replaced",
        }
    }
}

/// A connection under way.
struct Connection {
    premises: Arc<Premises>,
    guest: Guest,
    /// Since the handshake has ended.
    conversation: Option<Conversation>,
    answering: Option<Answering>,
    /// When it ends unless something comes.
    ends: Instant,
    idle: Duration,
}

/// Serves one peer to the end.
pub(crate) async fn serve(premises: Arc<Premises>, guest: Guest) -> Ending {
    let ends = Instant::now() + premises.limits.handshake;
    let idle = premises.limits.idle;
    let mut connection = Connection { premises, guest, conversation: None, answering: None, ends, idle };
    let ending = connection.run().await;
    connection.guest.session.close();
    connection.flush().await;
    ending
}

/// What wakes a connection.
enum Event {
    Datagram(Option<Vec<u8>>),
    Answer(Response),
    Time,
    Drain,
    CutShort,
}

impl Connection {
    async fn run(&mut self) -> Ending {
        let shutdown = self.premises.shutdown.clone();
        let mut draining = false;
        loop {
            self.flush().await;
            if draining && self.answering.is_none() {
                return Ending::Shutdown;
            }
            let wakes = self.wakes();
            let event = tokio::select! {
                datagram = self.guest.inbound.recv() => Event::Datagram(datagram),
                answer = answer(&mut self.answering) => Event::Answer(answer),
                () = sleep_until(wakes) => Event::Time,
                () = shutdown.triggered(), if !draining => Event::Drain,
                () = shutdown.cut_short(), if draining => Event::CutShort,
            };
            let now = Instant::now();
            let ended = match event {
                Event::Datagram(Some(datagram)) => self.receive(datagram, now),
                Event::Datagram(None) => Some(Ending::Replaced),
                Event::Answer(response) => {
                    self.answering = None;
                    self.with_conversation(|conversation| conversation.answered(response, now))
                }
                Event::Time => self.pass(now),
                Event::Drain => {
                    draining = true;
                    None
                }
                Event::CutShort => Some(Ending::CutShort),
            };
            if let Some(ending) = ended {
                return ending;
            }
        }
    }

    /// When something is to be done that nobody asks for.
    fn wakes(&self) -> Instant {
        match &self.conversation {
            Some(conversation) => conversation.due().unwrap_or(self.ends).min(self.ends),
            None => self.ends.min(Instant::now() + HANDSHAKE_TICK),
        }
    }

    fn receive(&mut self, datagram: Vec<u8>, now: Instant) -> Option<Ending> {
        self.guest.session.put(datagram);
        self.progress(now)
    }

    fn pass(&mut self, now: Instant) -> Option<Ending> {
        let Some(conversation) = &self.conversation else {
            // OpenSSL looks at its timers and sends again what was lost.
            let over = (now >= self.ends).then_some(Ending::SlowHandshake);
            return over.or_else(|| self.progress(now));
        };
        if now >= self.ends && !conversation.is_busy() {
            return Some(Ending::Idle);
        }
        if now >= self.ends {
            self.ends = now + self.idle;
        }
        self.with_conversation(|conversation| conversation.pass(now))
    }

    /// Lets DTLS go on as far as it can.
    fn progress(&mut self, now: Instant) -> Option<Ending> {
        loop {
            match self.guest.session.progress() {
                Ok(Progress::Waiting) => return None,
                Ok(Progress::Established) => {
                    if let Err(ending) = self.established(now) {
                        return Some(ending);
                    }
                }
                Ok(Progress::Heard(octets)) => {
                    self.ends = now + self.idle;
                    let ended = self.with_conversation(|conversation| conversation.hear(&octets, now));
                    if ended.is_some() {
                        return ended;
                    }
                }
                Ok(Progress::Closed) => return Some(Ending::ByPeer),
                Err(error) => {
                    tracing::debug!(peer = %self.guest.peer, %error, "a DTLS connection failed");
                    return Some(Ending::Failed);
                }
            }
        }
    }

    /// The handshake has ended: the conversation begins.
    fn established(&mut self, now: Instant) -> Result<(), Ending> {
        self.guest.seat.established();
        self.guest.established.store(true, Ordering::Relaxed);
        let shown = self.guest.session.shown().map_err(|_| Ending::Failed)?;
        // Who shows nothing where something is wanted can be told so, and has no more to do here.
        if shown.certificates.is_empty() && self.premises.house.resources.wants_certificates() {
            self.idle = self.premises.limits.stranger.min(self.idle);
        }
        self.ends = now + self.idle;
        let connection = PeerConnection {
            certificates: shown.certificates.into(),
            tls_version: Some(TlsVersion::Tls12),
            cipher_bits: shown.cipher_bits,
            tls_unique: shown.tls_unique,
            ..PeerConnection::plain(self.guest.peer)
        };
        // RFC 7252 §4.4: the first message ID is chosen by chance.
        let first_id =
            u16::try_from(RandomState::new().hash_one(self.guest.peer) & 0xFFFF).unwrap_or_default();
        self.conversation = Some(Conversation::new(self.premises.house.clone(), connection, first_id));
        Ok(())
    }

    /// Lets the conversation go on, and does what it wants done.
    fn with_conversation(&mut self, act: impl FnOnce(&mut Conversation)) -> Option<Ending> {
        let conversation = self.conversation.as_mut()?;
        act(conversation);
        if let Some(question) = conversation.take_question() {
            let now = Instant::now();
            match self.guest.seat.may_ask(now) {
                Ok(()) => self.answering = Some(self.premises.house.resources.answer(question)),
                Err(wait) => conversation.put_off(wait, now),
            }
        }
        for octets in conversation.take_outbox() {
            if self.guest.session.say(&octets).is_err() {
                return Some(Ending::Failed);
            }
        }
        None
    }

    /// Sends what DTLS has to send. What is lost on the way is sent again by DTLS or CoAP.
    async fn flush(&mut self) {
        for datagram in self.guest.session.take() {
            if let Err(error) = self.premises.socket.send_to(&datagram, self.guest.peer).await {
                tracing::debug!(peer = %self.guest.peer, %error, "a datagram was not sent");
            }
        }
    }
}

/// Waits for the answer, if there is one to come.
async fn answer(answering: &mut Option<Answering>) -> Response {
    match answering {
        Some(answering) => answering.await,
        None => std::future::pending().await,
    }
}
