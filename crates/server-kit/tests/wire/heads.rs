//! Request heads: names, framing, slowness, size.

use crate::harness::{SHORT, Server, get, post};
use axum::{Router, routing::get as on_get};
use server_kit::limits::RawLimits;

fn hello() -> Router {
    Router::new()
        .route("/", on_get(async || ([("x-made-up-name", "1")], "hello\n")))
        .route("/echo", axum::routing::post(async |body: String| body))
}

// The strictest client in the field compares names by octet and wants the length.
#[tokio::test]
async fn answers_have_title_case_names_and_a_length() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    let answer = client.ask("/").await;
    assert_eq!(answer.status(), "200");
    assert_eq!(answer.field("Content-Length"), Some("6"));
    assert_eq!(answer.field("X-Made-Up-Name"), Some("1"));
    assert!(answer.field("Content-Type").is_some() && answer.field("Date").is_some());
    assert_eq!(answer.field("Server"), None, "no version banner");
    let refused = client.ask("/absent").await;
    assert_eq!((refused.status(), refused.field("Content-Length")), ("404", Some("0")));
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert_eq!(client.ask("/").await.body, "hello\n");
        client.send(post("/echo", "Content-Length: 3\r\n", "abc")).await;
        assert_eq!(client.answer().await.body, "abc");
    }
    client.send(format!("{}{}", post("/echo", "Content-Length: 3\r\n", "one"), get("/"))).await;
    assert_eq!(client.answer().await.body, "one", "pipelined requests are answered in order");
    assert_eq!(client.answer().await.body, "hello\n");
}

// E-18: a wrong method is answered 405 with the right ones.
#[tokio::test]
async fn e_18_a_wrong_method_is_told_the_right_one() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    client.send("DELETE / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.field("Allow")), ("405", Some("GET,HEAD")));
}

// E-17: Transfer-Encoding and Content-Length together are refused, and nothing behind them is read as a request.
// RFC 9112 §6.1: the server closes the connection after answering such a request.
#[tokio::test]
async fn e_17_two_contradictory_lengths_are_refused() {
    let server = Server::start(RawLimits::default(), hello()).await;
    for fields in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "content-length:4\r\nX: y\r\ntransfer-ENCODING:\tchunked\r\n",
    ] {
        let mut client = server.connect().await;
        client.send(post("/echo", fields, &format!("0\r\n\r\n{}", get("/")))).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.field("Connection")), ("400", Some("close")), "{fields}");
        assert!(client.is_closed().await, "{fields}");
    }
    server.counts("requests_refused_total{listener=\"test\",reason=\"contradictory_framing\"} 3").await;
}

#[tokio::test]
async fn e_17_contradictory_lengths_in_a_later_request_are_seen_too() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    client.send(post("/echo", "Content-Length: 33\r\n", "Transfer-Encoding: chunked\r\n\r\n\r\n\r")).await;
    assert_eq!(client.answer().await.status(), "200");
    client.send(post("/echo", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")).await;
    assert_eq!(client.answer().await.status(), "400");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn e_17_unequal_content_lengths_are_refused() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    client.send(post("/echo", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")).await;
    assert!(client.read_to_end().await.starts_with("HTTP/1.1 400 "));
}

// RFC 9112 §3.2: 400 to a request of HTTP/1.1 without a Host, or with two.
#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::start(RawLimits::default(), hello()).await;
    for fields in ["", "Host: a\r\nHost: b\r\n"] {
        let mut client = server.connect().await;
        client.send(format!("GET / HTTP/1.1\r\n{fields}\r\n")).await;
        assert_eq!(client.answer().await.status(), "400", "{fields}");
        assert!(client.is_closed().await);
    }
}

// T-01: a client that trickles its head is closed, however often it sends another octet.
#[tokio::test]
async fn t_01_slow_heads_are_closed() {
    let server = Server::start(RawLimits { header: SHORT, ..RawLimits::default() }, hello()).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: te").await;
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"header_timeout\"} 1").await;
}

// T-02: a connection without a single octet is closed.
#[tokio::test]
async fn t_02_silent_connections_are_closed() {
    let server = Server::start(RawLimits { first_octet: SHORT, ..RawLimits::default() }, hello()).await;
    let mut client = server.connect().await;
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"first_octet_timeout\"} 1").await;
}

// RFC 9112 §2.2: empty lines before a request line are skipped; they neither begin a head nor buy time.
#[tokio::test]
async fn empty_lines_are_not_the_start_of_a_head() {
    let limits = RawLimits { first_octet: SHORT, ..RawLimits::default() };
    let server = Server::start(limits, hello()).await;
    let mut client = server.connect().await;
    client.send("\r\n\r\n").await;
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"first_octet_timeout\"} 1").await;
    let mut client = server.connect().await;
    client.send(format!("\r\n{}", get("/"))).await;
    assert_eq!(client.answer().await.status(), "200");
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server = Server::start(RawLimits { idle: SHORT, ..RawLimits::default() }, hello()).await;
    let mut client = server.connect().await;
    assert_eq!(client.ask("/").await.status(), "200");
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"idle_timeout\"} 1").await;
}

#[tokio::test]
async fn the_rest_of_a_pipelined_head_has_a_deadline_too() {
    let limits = RawLimits { header: SHORT, ..RawLimits::default() };
    let server = Server::start(limits, hello()).await;
    let mut client = server.connect().await;
    client.send(format!("{}GET / HT", get("/"))).await;
    assert_eq!(client.answer().await.status(), "200");
    assert!(client.is_closed().await);
    server.counts("connections_closed_total{listener=\"test\",reason=\"header_timeout\"} 1").await;
}

// T-07: a head is capped, whether it ends or not, and the client is told so even while it is still sending.
#[tokio::test]
async fn t_07_giant_heads_are_refused() {
    let server = Server::start(RawLimits::default(), hello()).await;
    for octets in [16_500, 900_000] {
        let mut client = server.connect_with_small_buffer().await;
        client.send(format!("GET / HTTP/1.1\r\nHost: test\r\nX: {}", "a".repeat(octets))).await;
        assert!(client.read_to_end().await.starts_with("HTTP/1.1 431 "), "{octets}");
    }
    server.counts("connections_closed_total{listener=\"test\",reason=\"malformed\"} 2").await;
}

#[tokio::test]
async fn t_07_a_head_of_nearly_16_kib_is_served() {
    let server = Server::start(RawLimits::default(), hello()).await;
    let mut client = server.connect().await;
    let filler = "a".repeat(16_384 - get("/").len() - "X: \r\n".len());
    client.send(format!("GET / HTTP/1.1\r\nHost: test\r\nX: {filler}\r\n\r\n")).await;
    assert_eq!(client.answer().await.status(), "200");
    client.send(format!("GET / HTTP/1.1\r\nHost: test\r\nX: {filler}a\r\n\r\n")).await;
    assert_eq!(client.answer().await.status(), "431");
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = Server::start(RawLimits::default(), hello()).await;
    for nonsense in ["\x16\x03\x01\x02\x00\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET\r\n\r\n"] {
        let mut client = server.connect().await;
        client.send(nonsense).await;
        let answer = client.read_to_end().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{nonsense:?}: {answer}");
    }
}
