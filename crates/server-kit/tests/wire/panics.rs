//! T-12: a panic in a route costs one request.

use crate::harness::{Server, get, post};
use axum::{Router, body::Body, routing};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use server_kit::{health::Condition, limits::RawLimits};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

struct Bomb;

impl HttpBody for Bomb {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("in the body")
    }
}

fn routes() -> Router {
    Router::new()
        .route("/well", routing::get(async || "well"))
        .route("/at-once", routing::post(async || -> String { panic!("at once") }))
        .route(
            "/later",
            routing::get(async || -> String {
                tokio::task::yield_now().await;
                panic!("later")
            }),
        )
        .route(
            "/body-taken-for-granted",
            routing::post(async |body: Body| axum::body::to_bytes(body, 9).await.unwrap()),
        )
        .route("/in-the-body", routing::get(async || Body::new(Bomb)))
}

// T-12: that request 500, process alive, counter +1, health degraded after n.
#[tokio::test]
async fn t_12_a_panic_is_a_500_and_the_next_request_is_served() {
    let server = Server::start(RawLimits { tolerated_panics: 1, ..RawLimits::default() }, routes()).await;
    let mut client = server.connect().await;
    client.send(post("/at-once", "Content-Length: 3\r\n", "abc")).await;
    let answer = client.answer().await;
    assert_eq!(answer.status(), "500");
    assert!(!answer.body.contains("at once"), "nothing internal is told: {}", answer.body);
    assert_eq!(server.connect().await.ask("/well").await.body, "well");
    assert_eq!(server.watch.condition(), Condition::Well);
    assert_eq!(server.connect().await.ask("/later").await.status(), "500");
    assert_eq!(server.watch.panics(), 2);
    assert_eq!(server.watch.condition(), Condition::Degraded("2 requests have panicked".to_owned()));
    server.counts("panics_total{listener=\"test\"} 2").await;
    server.counts("requests_refused_total{listener=\"test\",reason=\"panic\"} 2").await;
    assert_eq!(server.connect().await.ask("/well").await.body, "well");
}

#[tokio::test]
async fn a_panic_in_a_body_breaks_that_answer_off() {
    let server = Server::start(RawLimits::default(), routes()).await;
    let mut client = server.connect().await;
    client.send(get("/in-the-body")).await;
    let answer = client.read_to_end().await;
    assert!(!answer.ends_with("0\r\n\r\n"), "the client can tell that it is incomplete: {answer}");
    assert_eq!(server.watch.panics(), 1);
    assert_eq!(server.connect().await.ask("/well").await.body, "well");
}

// The client is told what it did wrong, and the panic is counted nevertheless.
#[tokio::test]
async fn a_panic_over_a_faulty_body_is_counted() {
    let server = Server::start(RawLimits::default(), routes()).await;
    let mut client = server.connect().await;
    client.send(post("/body-taken-for-granted", "Transfer-Encoding: chunked\r\n", "zz\r\n")).await;
    assert_eq!(client.answer().await.status(), "400");
    assert_eq!(server.watch.panics(), 1);
}
