//! The listener on a real socket against clients that lose, repeat, forge, flood and forget.

mod client;

use coap_lite::{MessageType, Packet};
use tokio::task::JoinHandle;

use super::*;
use crate::limits::RawCoapsLimits;
use crate::resources::fake::Fake;
use client::{Client, Line, identity};

/// A listener and what its tests look at.
struct World {
    address: SocketAddr,
    watch: CoapsWatch,
    metrics: Metrics,
    shutdown: Shutdown,
    serving: JoinHandle<Drained>,
    fake: Fake,
}

impl World {
    /// One that answers at once.
    async fn new(raw: RawCoapsLimits) -> Self {
        let world = Self::held(raw).await;
        world.fake.gate.add_permits(1_000_000);
        world
    }

    /// One whose answers wait.
    async fn held(raw: RawCoapsLimits) -> Self {
        Self::over(raw, Fake::new(4_096)).await
    }

    async fn over(raw: RawCoapsLimits, fake: Fake) -> Self {
        let limits = CoapsLimits::try_from(raw).unwrap();
        let (certificate, key) = identity("est.example");
        let own = DtlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let metrics = Metrics::new("");
        let address = ([127, 0, 0, 1], 0).into();
        let front = Front { name: "fake", resources: Arc::new(fake.clone()) };
        let listener = CoapsListener::bind(address, &own, limits, front, &metrics).await.unwrap();
        let (address, watch, shutdown) =
            (listener.local_addr(), listener.watch(), Shutdown::new(Duration::from_secs(5)));
        let serving = tokio::spawn(listener.serve(shutdown.clone()));
        Self { address, watch, metrics, shutdown, serving, fake }
    }

    fn asked(&self) -> usize {
        self.fake.asked.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are open.
    async fn open(&self, connections: usize) {
        let all = async {
            while self.watch.connections() != connections {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.expect("connections open and close");
    }

    /// Waits until a reason is counted, which is done after the seat is free.
    async fn counted(&self, counter: &str, reason: &str) -> bool {
        let counted = async {
            while !self.has_counted(counter, reason) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), counted).await.is_ok()
    }

    fn has_counted(&self, counter: &str, reason: &str) -> bool {
        let line = format!("{counter}{{listener=\"fake\",reason=\"{reason}\"}}");
        self.metrics.render().contains(&line)
    }
}

/// Runs a client, which blocks.
async fn client<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act).await.unwrap()
}

fn code(packet: &Packet) -> String {
    packet.header.get_code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_its_answers_over_one_connection() {
    let world = World::new(RawCoapsLimits::default()).await;
    let server = world.address;
    let finished = client(move || {
        let mut one = Client::known(server);
        let asks = one.request("read", b"");
        let answer = one.ask(&asks);
        assert_eq!((code(&answer), answer.payload), ("2.05".to_owned(), vec![7; 700]));
        let asks = one.request("act", b"wish");
        let answer = one.ask(&asks);
        assert_eq!((code(&answer), answer.payload.len()), ("2.04".to_owned(), 700));
        let finished = one.finished();
        one.close();
        finished
    })
    .await;
    world.open(0).await;
    let last = world.fake.last.lock().unwrap().clone().unwrap();
    assert_eq!(last.body, Ok(b"wish".to_vec()));
    assert_eq!(last.connection.certificates.len(), 1);
    assert_eq!(last.connection.tls_unique, Some(finished), "both ends know the same");
    assert!(world.counted("connections_closed_total", "by_peer").await);
}

// RFC 6347 §4.2.4: each flight is lost once, and sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_survives_the_loss_of_each_of_its_datagrams() {
    let world = World::new(RawCoapsLimits::default()).await;
    let server = world.address;
    let lines = (0..5).map(|n| Line { lost_out: vec![n], ..Line::default() });
    let lines = lines.chain((0..4).map(|n| Line { lost_in: vec![n], ..Line::default() }));
    let clients: Vec<_> = lines
        .map(|line| {
            tokio::task::spawn_blocking(move || {
                let mut one = Client::begin(server, Some(identity("4D504B0000000001")), line.clone())
                    .unwrap_or_else(|| panic!("no connection with {line:?}"));
                let asks = one.request("read", b"");
                assert_eq!(code(&one.insist(&asks)), "2.05", "{line:?}");
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

// RFC 6347 §4.2.4: the server's own timer, since this client says nothing after its second hello.
#[tokio::test(flavor = "multi_thread")]
async fn the_flight_of_the_server_is_sent_again_to_who_is_silent() {
    let world = World::new(RawCoapsLimits::default()).await;
    let server = world.address;
    let came = Arc::default();
    let deaf = Line {
        lost_in: (1..99).collect(),
        lost_out: (2..99).collect(),
        came: Arc::clone(&came),
        ..Line::default()
    };
    assert!(client(move || Client::begin(server, None, deaf).is_none()).await);
    let came = came.lock().unwrap().clone();
    // After HelloVerifyRequest and the flight in one datagram it comes again after 1 and after 3 s, in several.
    let again = came[2];
    assert!(came.iter().filter(|length| **length == again).count() >= 2, "{came:?}");
}

// RFC 6347 §4.1.2.6, RFC 7252 §4.5: whatever comes twice, in DTLS or in CoAP, is acted on once.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_twice_is_acted_on_once() {
    let world = World::new(RawCoapsLimits::default()).await;
    let server = world.address;
    client(move || {
        let line = Line { copies: 3, ..Line::default() };
        let mut one = Client::begin(server, Some(identity("4D504B0000000001")), line).unwrap();
        let asks = one.request("act", b"wish");
        let first = one.ask(&asks);
        assert_eq!(code(&first), "2.04");
        assert_eq!(one.ask(&asks), first);
        assert_eq!(one.ask(&asks), first);
    })
    .await;
    assert_eq!(world.asked(), 1);
}

// RFC 6347 §4.2.1: a flood of hellos from addresses that cannot be reached takes nothing from those that can.
#[tokio::test(flavor = "multi_thread")]
async fn hellos_without_a_cookie_leave_nothing_behind() {
    let limits = RawCoapsLimits {
        max_connections: 4,
        max_connections_per_address: 4,
        max_handshakes: 4,
        ..Default::default()
    };
    let world = World::new(limits).await;
    let server = world.address;
    client(move || {
        let hello = first_hello(server);
        for _ in 0..500 {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.send_to(&hello, server).unwrap();
        }
        let mut one = Client::known(server);
        let asks = one.request("read", b"");
        assert_eq!(code(&one.ask(&asks)), "2.05");
    })
    .await;
    assert!(world.watch.connections() <= 1);
    assert!(!world.has_counted("connections_turned_away_total", "full"));
}

/// The first datagram of a client.
fn first_hello(server: SocketAddr) -> Vec<u8> {
    let ours = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let _unreached = server;
    let listening = ours.local_addr().unwrap();
    let client =
        std::thread::spawn(move || Client::begin_at(socket, listening, None, Line::default()).is_none());
    let mut room = [0; 2_048];
    let length = ours.recv(&mut room).unwrap();
    drop(client);
    room[..length].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_no_more_connections_than_it_may() {
    let world = World::new(RawCoapsLimits { max_connections_per_address: 2, ..Default::default() }).await;
    let server = world.address;
    let (first, second) = client(move || (Client::known(server), Client::known(server))).await;
    world.open(2).await;
    let stranger =
        move || Client::begin(server, None, Line { lost_in: vec![99], ..Line::default() }).is_none();
    assert!(client(stranger).await, "nobody answers");
    assert!(world.counted("connections_turned_away_total", "full_address").await);
    client(move || first.close()).await;
    world.open(1).await;
    client(move || Client::known(server).close()).await;
    client(move || second.close()).await;
    world.open(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_asks_no_more_than_it_may() {
    let world = World::new(RawCoapsLimits { requests_at_once: 3, ..Default::default() }).await;
    let server = world.address;
    client(move || {
        let mut one = Client::known(server);
        let mut codes = Vec::new();
        for _ in 0..5 {
            let asks = one.request("read", b"");
            codes.push(code(&one.ask(&asks)));
        }
        assert_eq!(codes, ["2.05", "2.05", "2.05", "4.29", "4.29"]);
    })
    .await;
    assert_eq!(world.asked(), 3);
}

// RFC 7252 §5.2.2, §4.2: acknowledged after a second, answered by a confirmable message that is sent until it is confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_comes_by_itself() {
    let world = World::held(RawCoapsLimits::default()).await;
    let (server, gate) = (world.address, Arc::clone(&world.fake.gate));
    client(move || {
        let mut one = Client::known(server);
        let asks = one.request("act", b"wish");
        let empty = one.ask(&asks);
        assert_eq!(
            (empty.header.get_type(), code(&empty)),
            (MessageType::Acknowledgement, "0.00".to_owned())
        );
        gate.add_permits(1);
        let response = one.hear().unwrap();
        assert_eq!(
            (response.header.get_type(), code(&response)),
            (MessageType::Confirmable, "2.04".to_owned())
        );
        assert_eq!(one.hear().unwrap(), response, "nobody confirmed it");
        one.acknowledge(response.header.message_id);
        one.close();
    })
    .await;
    assert_eq!(world.asked(), 1);
}

// RFC 7252 §4.4, RFC 5246 §7.2.1: what is owed is given, then the server takes leave.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_gives_the_answers_that_are_owed_and_takes_leave() {
    let world = World::held(RawCoapsLimits::default()).await;
    let server = world.address;
    let (ready, told) = std::sync::mpsc::channel();
    let waiting = tokio::task::spawn_blocking(move || {
        let mut idle = Client::known(server);
        let mut one = Client::known(server);
        let asks = one.request("read", b"");
        one.send(&asks);
        ready.send(()).unwrap();
        assert!(idle.hear().is_none(), "leave is taken of who waits for nothing");
        (code(&one.hear().unwrap()), one.hear().is_none())
    });
    client(move || told.recv().unwrap()).await;
    tokio::time::timeout(Duration::from_secs(5), async {
        while world.asked() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    world.shutdown.trigger();
    world.fake.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap(), ("2.05".to_owned(), true));
    assert_eq!(world.serving.await.unwrap(), Drained::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_the_end_comes_at_once() {
    let world = World::new(RawCoapsLimits::default()).await;
    world.shutdown.trigger();
    assert_eq!(world.serving.await.unwrap(), Drained::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_for_which_no_time_is_left_is_given_up() {
    let world = World::held(RawCoapsLimits::default()).await;
    let server = world.address;
    let _one = client(move || {
        let mut one = Client::known(server);
        let asks = one.request("read", b"");
        one.send(&asks);
        one
    })
    .await;
    tokio::time::timeout(Duration::from_secs(5), async {
        while world.asked() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    world.shutdown.trigger();
    world.shutdown.cut();
    assert_eq!(world.serving.await.unwrap(), Drained::Abandoned { connections: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_or_silent_loses_the_place() {
    let brief = Duration::from_millis(300);
    let limits = RawCoapsLimits { handshake: brief, stranger: brief, ..Default::default() };
    let world = World::new(limits).await;
    let server = world.address;
    client(move || {
        let mut stranger = Client::begin(server, None, Line::default()).unwrap();
        assert!(stranger.hear().is_none(), "the server takes leave");
        // After its second hello this one hears and says nothing more.
        let deaf = Line { lost_in: (1..99).collect(), lost_out: (2..99).collect(), ..Line::default() };
        assert!(Client::begin(server, None, deaf).is_none());
    })
    .await;
    world.open(0).await;
    assert!(world.counted("connections_closed_total", "idle").await);
    assert!(world.counted("connections_closed_total", "slow_handshake").await);
}

// RFC 9482 §4: a connection is kept and used again, also without a certificate, where none is wanted.
#[tokio::test(flavor = "multi_thread")]
async fn who_shows_nothing_is_kept_where_nothing_is_wanted() {
    let limits = RawCoapsLimits { stranger: Duration::from_millis(10), ..Default::default() };
    let world = World::over(limits, Fake { wants_certificates: false, ..Fake::new(4_096) }).await;
    world.fake.gate.add_permits(1);
    let server = world.address;
    client(move || {
        let mut one = Client::begin(server, None, Line::default()).unwrap();
        assert!(one.listen().is_none(), "for a tenth of a second no leave is taken");
        let asks = one.request("read", b"");
        assert_eq!(code(&one.ask(&asks)), "2.05");
        one.close();
    })
    .await;
    world.open(0).await;
    assert!(world.counted("connections_closed_total", "by_peer").await);
}

// RFC 6347 §4.2.8.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_forgotten_everything_may_begin_anew_at_the_same_port() {
    let world = World::new(RawCoapsLimits::default()).await;
    let server = world.address;
    client(move || {
        let mut before = Client::known(server);
        let asks = before.request("read", b"");
        assert_eq!(code(&before.ask(&asks)), "2.05");
        let shown = Some(identity("4D504B0000000001"));
        let mut after = Client::begin_at(before.socket(), server, shown, Line::default()).unwrap();
        let asks = after.request("read", b"");
        assert_eq!(code(&after.ask(&asks)), "2.05");
        after.close();
    })
    .await;
    world.open(0).await;
    assert!(world.counted("connections_closed_total", "replaced").await);
}
