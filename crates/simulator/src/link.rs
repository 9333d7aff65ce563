//! A way to a server on which messages get lost: a relay on loopback between a simulated meter and the real server.
//!
//! It carries octets and knows no protocol, so that what is lost is lost under TLS as it is on a real line: the connection breaks.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How many octets are carried together.
const CHUNK: usize = 16 << 10;

/// What gets lost next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    Request,
    Answer,
}

/// A way, for one connection at a time.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    state: Arc<State>,
    carrier: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: (String, u16),
    ordered: Mutex<Ordered>,
}

/// What is to become of the next message.
#[derive(Debug)]
struct Ordered {
    loss: Loss,
    delay: Duration,
    /// Whether a request went through since.
    asked: bool,
}

impl Link {
    /// Lays a way to a server.
    pub(crate) async fn lay(server: (String, u16)) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let ordered = Mutex::new(Ordered { loss: Loss::None, delay: Duration::ZERO, asked: false });
        let state = Arc::new(State { server, ordered });
        let carrier = tokio::spawn(attend(listener, Arc::clone(&state)));
        Ok(Self { address, state, carrier })
    }

    /// Where the meter connects to.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Orders what becomes of the next message.
    pub(crate) fn expect(&self, loss: Loss, delay: Duration) {
        *self.state.ordered() = Ordered { loss, delay, asked: false };
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// Takes one connection after the other; a new one ends the one before, as a meter that starts anew does.
async fn attend(listener: TcpListener, state: Arc<State>) {
    let mut before: Option<JoinHandle<()>> = None;
    while let Ok((near, _)) = listener.accept().await {
        if let Some(carried) = before.take() {
            carried.abort();
        }
        let state = Arc::clone(&state);
        before = Some(tokio::spawn(async move { drop(carry(near, &state).await) }));
    }
}

async fn carry(near: TcpStream, state: &State) -> io::Result<()> {
    let far = TcpStream::connect((state.server.0.as_str(), state.server.1)).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let ((from_meter, to_meter), (from_server, to_server)) = (near.into_split(), far.into_split());
    // Whichever side ends, or is cut, takes the other along.
    tokio::select! {
        ended = carry_requests(from_meter, to_server, state) => ended,
        ended = carry_answers(from_server, to_meter, state) => ended,
    }
}

async fn carry_requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let octets = read(&mut from, &mut chunk).await?;
        if state.loses(Loss::Request) {
            return Ok(());
        }
        // Each message once, however many chunks it has.
        let delay = core::mem::take(&mut state.ordered().delay);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        state.ordered().asked = true;
        to.write_all(octets).await?;
    }
}

async fn carry_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let octets = read(&mut from, &mut chunk).await?;
        if state.loses(Loss::Answer) {
            return Ok(());
        }
        to.write_all(octets).await?;
    }
}

async fn read<'a>(from: &mut OwnedReadHalf, chunk: &'a mut [u8]) -> io::Result<&'a [u8]> {
    match from.read(chunk).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(chunk.get(..count).unwrap_or_default()),
    }
}

impl State {
    fn ordered(&self) -> MutexGuard<'_, Ordered> {
        self.ordered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether this is what gets lost now; each loss comes once, and that of an answer after its request.
    fn loses(&self, loss: Loss) -> bool {
        let mut ordered = self.ordered();
        let now = ordered.loss == loss && (loss == Loss::Request || ordered.asked);
        if now {
            ordered.loss = Loss::None;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A server that answers each octet with the next one, and counts what it was asked.
    async fn server() -> (SocketAddr, Arc<AtomicU64>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut octet = [0];
                    while stream.read_exact(&mut octet).await.is_ok() {
                        count.fetch_add(1, Ordering::SeqCst);
                        stream.write_all(&[octet[0] + 1]).await.unwrap();
                    }
                });
            }
        });
        (address, asked)
    }

    async fn ask(stream: &mut TcpStream, octet: u8) -> io::Result<u8> {
        stream.write_all(&[octet]).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn what_is_ordered_to_be_lost_is_lost_once_and_the_rest_arrives() {
        let (address, asked) = server().await;
        let link = Link::lay((address.ip().to_string(), address.port())).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(ask(&mut stream, 1).await.unwrap(), 2);
        link.expect(Loss::Request, Duration::ZERO);
        assert!(ask(&mut stream, 3).await.is_err(), "the request is lost, and the connection with it");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        link.expect(Loss::Answer, Duration::ZERO);
        assert!(ask(&mut stream, 5).await.is_err(), "the answer is lost");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "and the server was asked");
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(ask(&mut stream, 7).await.unwrap(), 8);
    }
}
