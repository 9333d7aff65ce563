//! Many connections: caps, and who loses the seat.

use crate::harness::{Server, get, post};
use axum::{Router, routing};
use server_kit::limits::RawLimits;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore};

/// `/held` says that it has begun, and answers when a permit is given.
fn routes() -> (Router, Arc<Notify>, Arc<Semaphore>) {
    let (begun, permits) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (begins, held) = (Arc::clone(&begun), Arc::clone(&permits));
    let wait = async move || {
        begins.notify_one();
        held.acquire().await.unwrap().forget();
        "held"
    };
    let router = Router::new().route("/held", routing::get(wait)).route("/", routing::get(async || "hello"));
    (router, begun, permits)
}

fn cap(all: usize, per_address: usize) -> RawLimits {
    RawLimits {
        max_connections: all,
        max_connections_per_address: per_address,
        max_handshakes: 1,
        ..RawLimits::default()
    }
}

#[tokio::test]
async fn t_14_who_finds_all_seats_at_work_is_turned_away() {
    for (limits, reason) in [(cap(10, 2), "address_full"), (cap(2, 2), "address_full")] {
        let (router, begun, permits) = routes();
        let server = Server::start(limits, router).await;
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = server.connect().await;
            client.send(get("/held")).await;
            begun.notified().await;
            clients.push(client);
        }
        let turned_away = server.connect().await.read_to_end().await;
        assert!(turned_away.starts_with("HTTP/1.1 503 "), "{turned_away}");
        assert!(turned_away.contains("\r\nRetry-After: 5\r\n"), "{turned_away}");
        let line = format!("connections_turned_away_total{{listener=\"test\",reason=\"{reason}\"}} 1");
        server.counts(&line).await;
        permits.add_permits(2);
        for client in &mut clients {
            assert_eq!(client.answer().await.body, "held");
        }
        assert_eq!(clients[0].ask("/").await.body, "hello");
    }
}

#[tokio::test]
async fn a_newcomer_takes_the_seat_of_an_idle_connection() {
    let (router, _, _) = routes();
    let server = Server::start(cap(10, 2), router).await;
    let mut first = server.connect().await;
    assert_eq!(first.ask("/").await.body, "hello");
    let mut second = server.connect().await;
    assert_eq!(second.ask("/").await.body, "hello");
    let mut third = server.connect().await;
    assert_eq!(third.ask("/").await.body, "hello");
    assert!(first.is_closed().await);
    assert_eq!(second.ask("/").await.body, "hello");
    server.counts("connections_closed_total{listener=\"test\",reason=\"displaced_request\"} 1").await;
}

// T-01, T-02: connections that stall, in whatever state, do not keep a good client out.
#[tokio::test]
async fn t_01_t_02_a_flood_of_stalled_connections_does_not_starve_a_good_one() {
    let (router, _, _) = routes();
    let server = Server::start(cap(50, 50), router).await;
    let mut stalled = Vec::new();
    for turn in 0..300 {
        let mut client = server.connect().await;
        match turn % 3 {
            0 => {}
            1 => drop(tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"GET / HT").await),
            _ => drop(tokio::io::AsyncWriteExt::write_all(&mut client.stream, get("/").as_bytes()).await),
        }
        stalled.push(client);
        if turn % 10 == 0 {
            assert_eq!(
                server.connect().await.ask("/").await.body,
                "hello",
                "after {turn} stalled connections"
            );
        }
    }
    assert!(server.watch.connections() <= 60, "{} are open", server.watch.connections());
}

// T-03: who announces a body and sends it slowly waits for itself, and keeps no seat from those who come to do something.
#[tokio::test]
async fn t_03_a_flood_of_slow_bodies_does_not_starve_a_good_client() {
    let swallow = async |body: axum::body::Bytes| body.len().to_string();
    let router =
        Router::new().route("/", routing::get(async || "hello")).route("/swallow", routing::post(swallow));
    let server = Server::start(cap(20, 20), router).await;
    let mut stalled = Vec::new();
    for turn in 0..100 {
        let mut client = server.connect().await;
        client.send(post("/swallow", "Content-Length: 10\r\n", "a")).await;
        stalled.push(client);
        if turn % 10 == 9 {
            let body = server.connect().await.ask("/").await.body;
            assert_eq!(body, "hello", "after {turn} slow bodies");
        }
    }
    assert!(stalled[0].is_closed().await);
    let last = stalled.last_mut().unwrap();
    last.send("bcdefghij").await;
    assert_eq!(last.answer().await.body, "10", "the last of them has its seat, and an answer");
}
