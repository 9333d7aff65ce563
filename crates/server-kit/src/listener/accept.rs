//! The accept loop: one task per connection, and a drain at the end.
//!
//! It is *not* `axum::serve`, which installs no deadline of any kind.

use super::{
    connection::Host,
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
///
/// Where TLS is spoken nobody can be told cheaply that the house is full: there a newcomer waits at the door until a seat can be
/// had, and all behind it wait in the system's backlog, before a handshake is paid for.
pub(super) async fn serve(mut inlet: impl Inlet, host: Arc<Host>, roster: Arc<Roster>) -> Drained {
    let mut connections = JoinSet::new();
    let mut at_the_door = None;
    loop {
        tokio::select! {
            biased;
            () = host.shutdown.triggered() => break,
            Some(ended) = connections.join_next() => note_end(&host, ended),
            () = roster.has_room(), if at_the_door.is_some() => {
                if let Some(newcomer) = at_the_door.take() {
                    seat(&host, &roster, &mut connections, newcomer);
                    // Those who are seated go on before the next comes in.
                    tokio::task::yield_now().await;
                }
            }
            accepted = inlet.accept(), if at_the_door.is_none() => match accepted {
                Ok(newcomer) => {
                    host.tally.accept_works();
                    if host.tls.is_some() {
                        at_the_door = Some(newcomer);
                    } else {
                        seat(&host, &roster, &mut connections, newcomer);
                    }
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    host.tally.accept_failed();
                    tracing::warn!(listener = host.name, %error, "cannot accept connections");
                    // Most likely there are no descriptors left: whoever waits longest gives one back.
                    roster.displace_one();
                    tokio::time::sleep(BACK_OFF).await;
                }
            },
        }
    }
    drop((at_the_door, inlet));
    drain(&host, connections).await
}

fn seat(
    host: &Arc<Host>,
    roster: &Arc<Roster>,
    connections: &mut JoinSet<()>,
    (stream, peer_addr): (TcpStream, SocketAddr),
) {
    let awaits = if host.tls.is_some() { Awaits::Hello } else { Awaits::Request };
    match roster.admit(peer_addr.ip(), awaits) {
        Ok(seat) => {
            // Answers are small and written whole; waiting for more to send would only delay them.
            let _slower = stream.set_nodelay(true).is_err();
            let host = Arc::clone(host);
            connections.spawn(async move { host.serve(stream, peer_addr, seat).await });
        }
        Err(turned_away) => {
            host.tally.turned_away(turned_away.reason());
            if host.tls.is_none() {
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

async fn drain(host: &Host, mut connections: JoinSet<()>) -> Drained {
    loop {
        tokio::select! {
            biased;
            ended = connections.join_next() => match ended {
                Some(ended) => note_end(host, ended),
                None => return Drained::Complete,
            },
            () = host.shutdown.cut_short() => {
                let left = connections.len();
                connections.shutdown().await;
                tracing::warn!(listener = host.name, connections = left, "connections given up");
                return Drained::Abandoned { connections: left };
            }
        }
    }
}

fn note_end(host: &Host, ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        host.tally.panicked();
        tracing::error!(listener = host.name, "a connection panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        health::Condition, limits::Limits, listener::roster::Seats, listener::spelling::Spelling,
        listener::tally::Tally, shutdown::Shutdown,
    };
    use axum::Router;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::mpsc,
    };

    /// A socket that fails as often as it is told to, and then works.
    struct Failing {
        socket: TcpListener,
        failures: Vec<io::Error>,
        failed: mpsc::UnboundedSender<usize>,
    }

    impl Inlet for Failing {
        async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            self.failed.send(self.failures.len()).unwrap();
            match self.failures.pop() {
                Some(failure) => Err(failure),
                None => Inlet::accept(&mut self.socket).await,
            }
        }
    }

    /// EMFILE on Linux: too many open files.
    const NO_DESCRIPTORS: i32 = 24;

    // T-13: without descriptors the accept loop backs off, health says so, and it recovers.
    #[tokio::test]
    async fn t_13_the_accept_loop_recovers_from_a_lack_of_descriptors() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (failed, mut failures) = mpsc::unbounded_channel();
        let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
        let inlet =
            Failing { socket, failures: vec![aborted, io::Error::from_raw_os_error(NO_DESCRIPTORS)], failed };
        let tally = Arc::new(Tally::new("test", 0, None));
        let shutdown = Shutdown::new(Duration::from_secs(30));
        let host = Arc::new(Host {
            name: "test".to_owned(),
            router: Router::new(),
            limits: Arc::new(Limits::default()),
            long_bodies: Arc::new([]),
            tls: None,
            spelling: Arc::new(Spelling::new()),
            tally: Arc::clone(&tally),
            shutdown: shutdown.clone(),
        });
        let roster = Roster::new(Seats { in_all: 9, per_address: 9, handshakes: 9 });
        let serving = tokio::spawn(serve(inlet, host, roster));
        assert_eq!(failures.recv().await, Some(2));
        assert_eq!(failures.recv().await, Some(1), "it tries again after the failure");
        assert_eq!(tally.condition(), Condition::Degraded("the system gives no more connections".to_owned()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert_eq!(tally.condition(), Condition::Well);
        shutdown.trigger();
        assert_eq!(serving.await.unwrap(), Drained::Complete);
    }
}
