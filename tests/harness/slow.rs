//! Clients that are slow in every way there is, from hundreds of addresses: T-01 to T-05. Each comes again after it was closed.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::call::Caller;
use crate::patience::PATIENCE;
use crate::shift::Device;

/// In how many ways a client is slow.
pub const KINDS: usize = 7;

/// How many clients share an address: fewer than one address may have.
const OF_AN_ADDRESS: usize = 40;

/// Between two octets.
const BEAT: Duration = Duration::from_secs(1);

/// What slow clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Connects and says nothing.
    Silent,
    /// Begins a `ClientHello` and goes on octet by octet.
    Hello,
    /// Says its `ClientHello`, and nothing after it.
    Handshake,
    /// Begins a head and goes on octet by octet.
    Head,
    /// Announces a body and sends it octet by octet.
    Body,
    /// Has an answer, and keeps the connection.
    Idle,
    /// Announces a body beyond all measure, and sends it whatever is answered.
    Huge,
}

/// Each with its name, and how many of twenty clients are so.
const ALL: [(Kind, &str, usize); KINDS] = [
    (Kind::Silent, "silent", 3),
    (Kind::Hello, "in the hello", 2),
    (Kind::Handshake, "in the handshake", 2),
    (Kind::Head, "in the head", 2),
    (Kind::Body, "in the body", 2),
    (Kind::Idle, "idle", 8),
    (Kind::Huge, "with a huge body", 1),
];

/// Returns the place in [`ALL`] of what this client does.
fn place(number: usize) -> usize {
    let mut rest = number % 20;
    let is_here = |&(_, _, count): &(Kind, &str, usize)| {
        let here = rest < count;
        rest = rest.saturating_sub(count);
        here
    };
    ALL.iter().position(is_here).expect("they are twenty")
}

/// A crowd of slow clients, and what became of them.
#[derive(Debug)]
pub struct Crowd {
    caller: Caller,
    shown: Vec<Device>,
    open: AtomicUsize,
    come: AtomicUsize,
    kinds: [Fate; KINDS],
}

/// What became of the clients of one kind.
#[derive(Debug, Default)]
struct Fate {
    closed: AtomicU64,
    longest: AtomicU64,
}

impl Crowd {
    /// Returns one that is not there yet; those who must show something show what a device shows.
    #[must_use]
    pub fn new(caller: &Caller, shown: &[Device]) -> Self {
        let (open, come, kinds) = (AtomicUsize::new(0), AtomicUsize::new(0), Default::default());
        Self { caller: caller.clone(), shown: shown.to_vec(), open, come, kinds }
    }

    /// Lets so many come, and again after a time whenever they are closed, until what is returned is dropped.
    #[must_use]
    pub fn gather(self: &Arc<Self>, clients: usize, again: Duration) -> JoinSet<()> {
        (0..clients)
            .map(|number| {
                let crowd = Arc::clone(self);
                async move {
                    // Not all in one instant: a crowd that is slow, and no flood.
                    sleep(again.mul_f64(number as f64 / clients as f64)).await;
                    loop {
                        crowd.be_slow(number).await;
                        sleep(again).await;
                    }
                }
            })
            .collect()
    }

    /// Waits until so many have connected for the first time.
    ///
    /// # Panics
    /// When they do not.
    pub async fn has_come(&self, clients: usize) {
        let come = async {
            while self.come.load(Ordering::Relaxed) < clients {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, come).await.expect("the crowd comes");
    }

    /// Tells how many are open, and for each kind how many were closed and how long one was held.
    #[must_use]
    pub fn told(&self) -> String {
        let fates = ALL.iter().zip(&self.kinds).map(|((_, name, _), fate)| {
            let longest = Duration::from_millis(fate.longest.load(Ordering::Relaxed)).as_secs_f64();
            format!("{name} {} ({longest:.1} s)", fate.closed.load(Ordering::Relaxed))
        });
        let fates: Vec<String> = fates.collect();
        let open = self.open.load(Ordering::Relaxed);
        format!("slow clients: {open} open; closed, and held at most: {}", fates.join(", "))
    }

    async fn be_slow(&self, number: usize) {
        let place = place(number);
        let (kind, ..) = ALL[place];
        let network = u32::from(Ipv4Addr::new(127, 1, 0, 0));
        let host = u32::try_from(number / OF_AN_ADDRESS).expect("few addresses");
        let caller = self.caller.from(Ipv4Addr::from(network + host + 1));
        let begun = Instant::now();
        let connected = caller.connect().await;
        self.come.fetch_add(1, Ordering::Relaxed);
        let Ok(stream) = connected else { return };
        self.open.fetch_add(1, Ordering::Relaxed);
        let device = &self.shown[place];
        // How it ends is the server's choice.
        let _ended = match kind {
            Kind::Silent => drain(stream).await,
            Kind::Hello => trickle(stream, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await,
            Kind::Handshake => fall_silent(&caller, stream).await,
            Kind::Head | Kind::Body | Kind::Idle | Kind::Huge => {
                be_slow_over_tls(&caller, stream, kind, device).await
            }
        };
        self.open.fetch_sub(1, Ordering::Relaxed);
        let fate = &self.kinds[place];
        fate.closed.fetch_add(1, Ordering::Relaxed);
        let held = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        fate.longest.fetch_max(held, Ordering::Relaxed);
    }
}

async fn be_slow_over_tls(
    caller: &Caller,
    stream: tokio::net::TcpStream,
    kind: Kind,
    device: &Device,
) -> io::Result<()> {
    let mut call = caller.secure(stream, Some(device.shown())).await?;
    let announce = |octets: u64| {
        format!(
            "POST /.well-known/est/meter-op-tls-s1/simpleenroll HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/pkcs10\r\nContent-Length: {octets}\r\n\r\n"
        )
    };
    let begin = match kind {
        Kind::Body => announce(60_000),
        Kind::Huge => announce(1 << 40),
        Kind::Idle => "GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        Kind::Head | Kind::Silent | Kind::Hello | Kind::Handshake => {
            "GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_owned()
        }
    };
    call.send(begin.as_bytes()).await?;
    match kind {
        Kind::Idle => {
            call.answer().await?;
            drain(call.into_stream()).await
        }
        Kind::Huge => loop {
            call.send(&[b'A'; 4096]).await?;
            sleep(BEAT).await;
        },
        Kind::Body | Kind::Head | Kind::Silent | Kind::Hello | Kind::Handshake => {
            trickle(call.into_stream(), b"").await
        }
    }
}

/// Says its hello, and reads until the other end closes.
async fn fall_silent(caller: &Caller, mut stream: tokio::net::TcpStream) -> io::Result<()> {
    stream.write_all(&caller.hello()?).await?;
    drain(stream).await
}

/// Reads until the other end closes.
async fn drain(mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut octets = [0; 64];
    while stream.read(&mut octets).await? > 0 {}
    Ok(())
}

/// Sends octet after octet until the other end closes.
async fn trickle(stream: impl AsyncRead + AsyncWriteExt + Unpin, begin: &[u8]) -> io::Result<()> {
    let (read, mut write) = tokio::io::split(stream);
    let sending = async {
        write.write_all(begin).await?;
        loop {
            write.write_all(b"a").await?;
            write.flush().await?;
            sleep(BEAT).await;
        }
    };
    tokio::select! {
        ended = drain(read) => ended,
        ended = sending => ended,
    }
}
