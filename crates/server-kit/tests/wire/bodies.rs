//! Bodies in both directions: too large, too slow, broken off, encoded, not taken.

use crate::harness::{PATIENCE, SHORT, Server, post};
use axum::{
    Router,
    body::Body,
    http::StatusCode,
    routing::{get, post as on_post},
};
use server_kit::limits::RawLimits;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::io::AsyncWriteExt;

/// Says how many octets came, and counts how often it was reached.
fn measuring() -> (Router, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let measure = async move |body: Body| {
        counted.fetch_add(1, Ordering::SeqCst);
        let octets = axum::body::to_bytes(body, usize::MAX).await;
        // A route that makes the wrong thing of a failed body: the client is told the right one.
        octets.map_or((StatusCode::IM_A_TEAPOT, String::new()), |octets| {
            (StatusCode::OK, octets.len().to_string())
        })
    };
    let router =
        Router::new().route("/", on_post(measure)).route("/deaf", on_post(async || "I read nothing"));
    (router, reached)
}

fn small() -> RawLimits {
    RawLimits { body_octets: 1000, ..RawLimits::default() }
}

// E-15: a body above the limit is refused before one octet of it is read, and before the route is asked.
#[tokio::test]
async fn e_15_an_announced_body_above_the_limit_is_refused_at_once() {
    let (router, reached) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Content-Length: 1001\r\n", "")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.field("Connection")), ("413", Some("close")));
    assert_eq!(answer.body, "A body must not be larger than 1000 octets.\n");
    assert!(client.is_closed().await);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    server.counts("requests_refused_total{listener=\"test\",reason=\"body_too_large\"} 1").await;
}

#[tokio::test]
async fn a_body_at_the_limit_is_read() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Content-Length: 1000\r\n", &"a".repeat(1000))).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.body.as_str()), ("200", "1000"));
}

// The client is told, although it is still sending: it may end its sentence, and no reset overtakes the answer.
#[tokio::test]
async fn a_client_in_the_midst_of_sending_is_told_why_it_is_refused() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect_with_small_buffer().await;
    client.send(post("/", "Content-Length: 1000000\r\n", &"a".repeat(1_000_000))).await;
    assert!(client.read_to_end().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_client_that_asks_first_is_not_told_to_continue() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Expect: 100-continue\r\nContent-Length: 2000\r\n", "")).await;
    assert_eq!(client.answer().await.status(), "413");
    let mut client = server.connect().await;
    client.send(post("/", "Expect: 100-continue\r\nContent-Length: 2\r\n", "")).await;
    assert_eq!(client.answer().await.status(), "100");
    client.send("ab").await;
    assert_eq!(client.answer().await.body, "2");
}

// E-16: an endless chunked body ends at the cap.
#[tokio::test]
async fn e_16_an_endless_chunked_body_ends_at_the_limit() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    let chunk = format!("1f4\r\n{}\r\n", "a".repeat(500));
    client.send(post("/", "Transfer-Encoding: chunked\r\n", &chunk.repeat(3))).await;
    assert_eq!(client.answer().await.status(), "413");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_chunked_body_is_read_and_its_connection_closed() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.body.as_str()), ("200", "5"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert!(client.is_closed().await);
}

// E-16, T-03: a body that does not come is answered 408, whether announced or chunked.
#[tokio::test]
async fn t_03_slow_bodies_are_answered_408() {
    let (router, _) = measuring();
    let server = Server::start(RawLimits { body: SHORT, ..small() }, router).await;
    for (fields, start) in [
        ("Content-Length: 10\r\n", "abc"),
        ("Content-Length: 10\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", "5\r\nab"),
    ] {
        let mut client = server.connect().await;
        client.send(post("/", fields, start)).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.field("Connection")), ("408", Some("close")), "{fields}");
        assert!(client.is_closed().await);
    }
    server.counts("requests_refused_total{listener=\"test\",reason=\"body_timeout\"} 3").await;
}

// E-16: a body that ends before its announced end is answered 400.
#[tokio::test]
async fn e_16_a_body_that_breaks_off_is_answered_400() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Content-Length: 10\r\n", "abc")).await;
    client.stream.shutdown().await.unwrap();
    assert!(client.read_to_end().await.starts_with("HTTP/1.1 400 "));
    server.counts("requests_refused_total{listener=\"test\",reason=\"body_broken\"} 1").await;
}

// E-16: what follows a body that is longer than announced is a request of its own, and no good one.
#[tokio::test]
async fn e_16_a_body_longer_than_announced_is_cut_there() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Content-Length: 3\r\n", "abc\u{1}defghi\r\n\r\n")).await;
    assert_eq!(client.answer().await.body, "3");
    assert!(client.read_to_end().await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn broken_chunks_are_answered_400() {
    let (router, _) = measuring();
    let server = Server::start(small(), router).await;
    let mut client = server.connect().await;
    client.send(post("/", "Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n")).await;
    assert_eq!(client.answer().await.status(), "400");
    assert!(client.is_closed().await);
}

// T-15: nothing is unpacked, so no bomb goes off.
#[tokio::test]
async fn t_15_encoded_bodies_are_refused() {
    let (router, reached) = measuring();
    let server = Server::start(small(), router).await;
    for encoding in ["gzip", "identity, br"] {
        let mut client = server.connect().await;
        let fields = format!("Content-Length: 1\r\nContent-Encoding: {encoding}\r\n");
        client.send(post("/", &fields, "a")).await;
        assert_eq!(client.answer().await.status(), "415");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    let mut client = server.connect().await;
    client.send(post("/", "Content-Length: 1\r\nContent-Encoding: identity\r\n", "a")).await;
    assert_eq!(client.answer().await.status(), "200");
}

#[tokio::test]
async fn a_route_that_reads_nothing_is_heard_all_the_same() {
    let (router, _) = measuring();
    let limits = RawLimits { body_octets: 1_000_000, ..RawLimits::default() };
    let server = Server::start(limits, router).await;
    let mut client = server.connect_with_small_buffer().await;
    client.send(post("/deaf", "Content-Length: 1000000\r\n", &"a".repeat(1_000_000))).await;
    assert!(client.read_to_end().await.ends_with("I read nothing"));
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_closed() {
    let large = Router::new().route("/", get(async || vec![b'a'; 50_000_000]));
    let server = Server::start(RawLimits { write_stall: SHORT, ..RawLimits::default() }, large).await;
    let mut client = server.connect().await;
    client.send(crate::harness::get("/")).await;
    server.counts("connections_closed_total{listener=\"test\",reason=\"write_stalled\"} 1").await;
    assert!(client.read_to_end().await.len() < 50_000_000);
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let large = Router::new().route("/", get(async || vec![b'a'; 8_000_000]));
    let server = Server::start(RawLimits { idle: SHORT, ..RawLimits::default() }, large).await;
    let mut client = server.connect().await;
    client.send(crate::harness::get("/")).await;
    let answer = tokio::time::timeout(PATIENCE, client.answer()).await.unwrap();
    assert_eq!(answer.body.len(), 8_000_000);
}

#[tokio::test]
async fn a_route_that_never_answers_is_given_up() {
    let hanging = Router::new().route("/", get(async || std::future::pending::<()>().await));
    let server = Server::start(RawLimits { answer: SHORT, ..RawLimits::default() }, hanging).await;
    let mut client = server.connect().await;
    client.send(crate::harness::get("/")).await;
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"answer_timeout\"} 1").await;
}
