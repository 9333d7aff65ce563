//! The accept loop: one task per connection, and a drain at the end.
//!
//! It is *not* `axum::serve`, which installs no deadline of any kind.

use super::{
    connection::Common,
    refusal::TURNED_AWAY,
    roster::{Awaits, Roster},
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinError, JoinSet},
};

/// After a failure to accept that another try at once would only repeat.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Where connections come from: a socket, or a test.
pub(super) trait Inlet: Send {
    fn accept(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Inlet for TcpListener {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }
}

/// How the serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every accepted request was answered.
    Complete,
    /// The drain took too long, or was cut short.
    Abandoned {
        /// Connections that were given up.
        connections: usize,
    },
}

/// Serves until the shutdown is triggered, then drains.
pub(super) async fn serve(mut inlet: impl Inlet, common: Arc<Common>, roster: Arc<Roster>) -> Drained {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = common.shutdown.triggered() => break,
            Some(ended) = connections.join_next() => note_end(&common, ended),
            accepted = inlet.accept() => match accepted {
                Ok((stream, peer_addr)) => {
                    common.tally.accept_works();
                    seat(&common, &roster, &mut connections, stream, peer_addr);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    common.tally.accept_failed();
                    tracing::warn!(listener = common.name, %error, "cannot accept connections");
                    // Most likely there are no descriptors left: whoever waits longest gives one back.
                    roster.displace_one();
                    tokio::time::sleep(BACK_OFF).await;
                }
            },
        }
    }
    drop(inlet);
    drain(&common, connections).await
}

fn seat(
    common: &Arc<Common>,
    roster: &Arc<Roster>,
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    peer_addr: SocketAddr,
) {
    let awaits = if common.tls.is_some() {
        Awaits::Handshake
    } else {
        Awaits::Request
    };
    match roster.admit(peer_addr.ip(), awaits) {
        Ok(seat) => {
            // Answers are small and written whole; waiting for more to send would only delay them.
            let _slower = stream.set_nodelay(true).is_err();
            let common = Arc::clone(common);
            connections.spawn(async move { common.serve(stream, peer_addr, seat).await });
        }
        Err(turned_away) => {
            common.tally.turned_away(turned_away.reason());
            if common.tls.is_none() {
                let _unheard = stream.try_write(TURNED_AWAY).is_err();
            }
        }
    }
}

/// The peer had gone again before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    [
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::Interrupted,
    ]
    .contains(&error.kind())
}

async fn drain(common: &Common, mut connections: JoinSet<()>) -> Drained {
    loop {
        tokio::select! {
            biased;
            ended = connections.join_next() => match ended {
                Some(ended) => note_end(common, ended),
                None => return Drained::Complete,
            },
            () = common.shutdown.cut_short() => {
                let left = connections.len();
                connections.shutdown().await;
                tracing::warn!(listener = common.name, connections = left, "connections given up");
                return Drained::Abandoned { connections: left };
            }
        }
    }
}

fn note_end(common: &Common, ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        common.tally.panicked();
        tracing::error!(listener = common.name, "a connection panicked");
    }
}
