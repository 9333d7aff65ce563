//! One UDP socket and all who come to it: each datagram goes to its peer's connection, or to the gate.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use server_kit::listener::Drained;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use crate::connection::{Ending, Guest, Premises, serve};
use crate::conversation::House;
use crate::dtls::{DtlsIdentity, Gate, LoadIdentityError, Session, Verdict, is_client_hello};
use crate::limits::CoapsLimits;
use crate::resources::Resources;
use crate::seats::Seats;
use crate::tally::{CoapsWatch, Tally};
use crate::transfer::Budget;

/// The longest datagram that is read; a longer one is none of DTLS over one link.
const DATAGRAM_OCTETS: usize = 2_048;
/// How many datagrams of one peer wait for their turn; what comes beyond is lost, as datagrams may be.
const WAITING_DATAGRAMS: usize = 32;
/// How long to wait when the system gives no datagrams.
const FAULT_PAUSE: Duration = Duration::from_millis(100);

/// What a listener is for.
#[derive(Clone)]
pub struct Front {
    /// Its name in metrics.
    pub name: &'static str,
    /// What there is to ask for.
    pub resources: Arc<dyn Resources>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A bound socket that does not serve yet.
pub struct CoapsListener {
    socket: UdpSocket,
    local_addr: SocketAddr,
    gate: Gate,
    limits: CoapsLimits,
    house: House,
    tally: Arc<Tally>,
}

impl std::fmt::Debug for CoapsListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoapsListener").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// Why a listener cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BindCoapsError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Certificate and key do not serve.
    #[error(transparent)]
    Identity(#[from] LoadIdentityError),
}

impl CoapsListener {
    /// Takes the address; port 0 takes a free one, see [`Self::local_addr`].
    ///
    /// Counts `connections_open`, `connections_turned_away_total`, `connections_closed_total`, `datagrams_dropped_total` by
    /// `reason`, all with the name of the front as label `listener`.
    ///
    /// # Errors
    /// [`BindCoapsError`].
    pub async fn bind(
        address: SocketAddr,
        identity: &DtlsIdentity,
        limits: CoapsLimits,
        front: Front,
        metrics: &Metrics,
    ) -> Result<Self, BindCoapsError> {
        let budget = Budget::new(limits.raw().body_octets_in_all);
        let house = House { resources: front.resources, block: limits.block(), budget };
        let gate = Gate::new(identity, limits.datagram())?;
        let failed = |source| BindCoapsError::Address { address, source };
        let socket = UdpSocket::bind(address).await.map_err(failed)?;
        let local_addr = socket.local_addr().map_err(failed)?;
        let tally = Arc::new(Tally::new(front.name, metrics));
        Ok(Self { socket, local_addr, gate, limits, house, tally })
    }

    /// The address that was taken.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A view of the listener while it serves.
    #[must_use]
    pub fn watch(&self) -> CoapsWatch {
        CoapsWatch::new(&self.tally)
    }

    /// Serves until `shutdown` is triggered, then takes in nobody more, gives the answers that are under way, takes leave
    /// of everybody and returns.
    pub async fn serve(self, shutdown: Shutdown) -> Drained {
        let limits = self.limits.raw().clone();
        let seats = Seats::new(&self.limits);
        let Self { socket, house, gate, tally, .. } = self;
        let premises = Arc::new(Premises { socket, house, limits, shutdown });
        let serving =
            Serving { premises, gate, seats, tally, peers: HashMap::new(), connections: JoinSet::new() };
        serving.run().await
    }
}

/// Somebody who has come in.
struct Peer {
    inbound: mpsc::Sender<Vec<u8>>,
    established: Arc<AtomicBool>,
}

/// A listener that serves.
struct Serving {
    premises: Arc<Premises>,
    gate: Gate,
    seats: Seats,
    tally: Arc<Tally>,
    peers: HashMap<SocketAddr, Peer>,
    connections: JoinSet<(SocketAddr, Ending)>,
}

impl Serving {
    async fn run(mut self) -> Drained {
        let premises = Arc::clone(&self.premises);
        let mut room = [0; DATAGRAM_OCTETS];
        let (mut given_up, mut draining) = (0, false);
        while !(draining && self.connections.is_empty()) {
            tokio::select! {
                Some(ended) = self.connections.join_next() => given_up += self.left(ended),
                received = premises.socket.recv_from(&mut room) => match received {
                    Ok((length, peer)) => self.route(peer, room.get(..length).unwrap_or_default()),
                    Err(error) => {
                        tracing::warn!(%error, "the system gives no datagrams");
                        sleep(FAULT_PAUSE).await;
                    }
                },
                () = premises.shutdown.triggered(), if !draining => draining = true,
            }
        }
        if given_up == 0 { Drained::Complete } else { Drained::Abandoned { connections: given_up } }
    }

    /// Somebody has left; returns 1 if an answer that was owed was not given.
    fn left(&mut self, ended: Result<(SocketAddr, Ending), JoinError>) -> usize {
        match ended {
            Ok((peer, ending)) => {
                tracing::debug!(%peer, reason = ending.code(), "a DTLS connection has ended");
                self.tally.closed(ending.code());
                if let Entry::Occupied(entry) = self.peers.entry(peer)
                    && entry.get().inbound.is_closed()
                {
                    entry.remove();
                }
                usize::from(ending == Ending::CutShort)
            }
            Err(error) => {
                tracing::error!(%error, "a connection panicked");
                self.tally.panicked();
                self.peers.retain(|_, peer| !peer.inbound.is_closed());
                0
            }
        }
    }

    fn route(&mut self, peer: SocketAddr, datagram: &[u8]) {
        if let Some(known) = self.peers.get(&peer) {
            // RFC 6347 §4.2.8: who begins anew at the same address proves that it is there before it replaces anything.
            let begins_anew = known.established.load(Ordering::Relaxed) && is_client_hello(datagram);
            if !begins_anew {
                if known.inbound.try_send(datagram.to_vec()).is_err() {
                    self.tally.dropped("too_many");
                }
                return;
            }
        }
        self.knock(peer, datagram);
    }

    fn knock(&mut self, peer: SocketAddr, datagram: &[u8]) {
        if self.premises.shutdown.is_triggered() {
            return self.tally.dropped("shutdown");
        }
        // Before anything is computed for somebody who would get no place.
        if let Some(full) = self.seats.full(peer) {
            return self.tally.turned_away(full.code());
        }
        match self.gate.knock(peer, datagram) {
            Verdict::Answered(datagrams) => {
                for datagram in datagrams {
                    // One that cannot be sent at once is lost; the client sends its hello again.
                    drop(self.premises.socket.try_send_to(&datagram, peer));
                }
            }
            Verdict::Admitted(session) => self.admit(peer, session),
            Verdict::Ignored => self.tally.dropped("no_hello"),
        }
    }

    fn admit(&mut self, peer: SocketAddr, session: Box<Session>) {
        let seat = match self.seats.take(peer, Instant::now()) {
            Ok(seat) => seat,
            Err(full) => return self.tally.turned_away(full.code()),
        };
        let (inbound, receiver) = mpsc::channel(WAITING_DATAGRAMS);
        let established = Arc::new(AtomicBool::new(false));
        let guest = Guest { peer, session, seat, inbound: receiver, established: Arc::clone(&established) };
        self.peers.insert(peer, Peer { inbound, established });
        let (premises, open) = (Arc::clone(&self.premises), self.tally.opened());
        self.connections.spawn(async move {
            let _open = open;
            (peer, serve(premises, guest).await)
        });
    }
}

#[cfg(test)]
mod tests;
