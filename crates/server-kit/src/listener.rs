//! Listens on one socket and serves an [`axum::Router`] over HTTP/1.1, with or without TLS, under [`Limits`].
//!
//! Every connection has a deadline in every state, a cap on what it may send, and a seat that it loses to a newcomer when the
//! house is full and it is only waiting. Field names go out in title case, or as RFC 9110 prints them where that differs,
//! and with a Content-Length wherever the length is known, because clients in the field ask for both. A route that panics
//! costs one request. A client that ends its side of the connection before it has its answer has gone: the route's future
//! is dropped, and under load nobody works for those who no longer wait. RFC 9110, RFC 9112.
//!
//! It is *not* HTTP/2 (whose flood attacks devices would gain nothing for), *not* WebSocket, and *not* a place for
//! authentication: routes read the [`PeerConnection`] and decide.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use axum::{Router, routing::get};
//! use server_kit::{limits::Limits, listener::{Drained, Listener}, shutdown::Shutdown};
//! use std::time::Duration;
//!
//! let listener = Listener::bind("127.0.0.1:0".parse()?).await?.with_limits(Limits::default());
//! println!("listening on {}", listener.local_addr());
//!
//! let shutdown = Shutdown::new(Duration::from_secs(20));
//! let router = Router::new().route("/", get(async || "hello\n"));
//! let serving = tokio::spawn(listener.serve(router, shutdown.clone()));
//! shutdown.trigger();
//! assert_eq!(serving.await?, Drained::Complete);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod connection;
mod gate;
mod long_body;
mod refusal;
mod spelling;
mod body;
mod stream;
mod progress;
mod framing;
mod roster;
mod tally;
mod peer;

pub use accept::Drained;
pub use long_body::LongBody;
pub use peer::PeerConnection;

use crate::{
    health::Condition,
    limits::Limits,
    listener::{
        accept::Inlet,
        connection::Host,
        roster::{Roster, Seats},
        spelling::Spelling,
        tally::Tally,
    },
    metrics::Metrics,
    shutdown::Shutdown,
    tls::Tls,
};
use axum::{Router, extract::DefaultBodyLimit};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, TcpSocket};

/// A bound socket that does not serve yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    terms: Terms,
}

/// What the builder methods set.
#[derive(Debug)]
struct Terms {
    name: String,
    limits: Arc<Limits>,
    long_bodies: Vec<LongBody>,
    tls: Option<Tls>,
    tally: Arc<Tally>,
    metrics: Option<Metrics>,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the operating system says.
    pub source: io::Error,
}

impl Listener {
    /// Takes the address. Port 0 takes a free port, see [`local_addr`](Self::local_addr). From now on clients can connect;
    /// they are served once [`serve`](Self::serve) runs.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |source| BindError { address, source };
        let socket = bind(address).map_err(failed)?;
        let local_addr = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, local_addr, terms: Terms::new(local_addr.to_string()) })
    }

    /// Names the listener for logs and metrics; without, it is called by its address.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.terms.name);
        self.terms.renew_tally();
        self
    }

    /// Sets the limits; without, they are the default ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.terms.limits = Arc::new(limits);
        self.terms.renew_tally();
        self
    }

    /// Lets bodies be longer on one path.
    #[must_use]
    pub fn with_long_body(mut self, body: LongBody) -> Self {
        self.terms.long_bodies.push(body);
        self
    }

    /// Serves over TLS with these settings, which stay replaceable; without, the listener is plain HTTP.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.terms.tls = Some(tls);
        self
    }

    /// Counts into `metrics`, each with the label `listener`: `connections_open`, `connections_closed_total`,
    /// `connections_turned_away_total` and `requests_refused_total` by `reason`, `panics_total`, `accept_faults_total`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Metrics) -> Self {
        self.terms.metrics = Some(metrics.clone());
        self.terms.renew_tally();
        self
    }

    /// The address that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// A view of the listener while it serves. Ask for it after all `with_…`.
    #[must_use]
    pub fn watch(&self) -> ListenerWatch {
        ListenerWatch { tally: Arc::clone(&self.terms.tally) }
    }

    /// Serves `router` until `shutdown` is triggered, then takes no more connections, answers the requests it has
    /// accepted and returns. The future must be polled to the end for that; dropping it drops all connections.
    ///
    /// The cap on a request's body is [`Limits::body_octets`] or that of a [`LongBody`] alone; axum's own default cap is lifted.
    pub fn serve(self, router: Router, shutdown: Shutdown) -> impl Future<Output = Drained> + Send + 'static {
        self.terms.serve_from(self.socket, router, shutdown)
    }
}

/// How many may wait in the system's backlog; the system may allow fewer (Linux: `net.core.somaxconn`). Where a crowd finds it
/// full, each waits for the retransmission of its SYN, which comes later every time.
const BACKLOG: u32 = 4096;

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Terms {
    fn new(name: String) -> Self {
        let limits = Arc::new(Limits::default());
        let tally = Arc::new(Tally::new(&name, limits.tolerated_panics(), None));
        Self { name, limits, long_bodies: Vec::new(), tls: None, tally, metrics: None }
    }

    fn renew_tally(&mut self) {
        let tolerated_panics = self.limits.tolerated_panics();
        self.tally = Arc::new(Tally::new(&self.name, tolerated_panics, self.metrics.as_ref()));
    }

    fn serve_from(
        self,
        inlet: impl Inlet + 'static,
        router: Router,
        shutdown: Shutdown,
    ) -> impl Future<Output = Drained> + Send + 'static {
        let roster = Roster::new(Seats {
            in_all: self.limits.max_connections(),
            per_address: self.limits.max_connections_per_address(),
            handshakes: self.limits.max_handshakes(),
        });
        let host = Arc::new(Host {
            name: self.name,
            router: router.layer(DefaultBodyLimit::disable()),
            limits: self.limits,
            long_bodies: self.long_bodies.into(),
            tls: self.tls,
            spelling: Arc::new(Spelling::new()),
            tally: self.tally,
            shutdown,
        });
        accept::serve(inlet, host, roster)
    }
}

/// A view of a listener for health checks. Clones show the same listener.
#[derive(Clone, Debug)]
pub struct ListenerWatch {
    tally: Arc<Tally>,
}

impl ListenerWatch {
    /// Connections open at this moment.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.tally.open()
    }

    /// Requests that have panicked since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.tally.panics()
    }

    /// For a health check: degraded when the system gives no more connections (T-13) or when more requests have
    /// panicked than [`Limits::tolerated_panics`] (T-12). Never failed: neither may switch the server off.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.tally.condition()
    }
}
