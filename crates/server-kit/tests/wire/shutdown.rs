//! T-19: a shutdown loses no accepted request, and does not wait for ever.

use crate::harness::{Server, get};
use axum::{Router, routing};
use server_kit::{limits::RawLimits, listener::Drained};
use std::sync::Arc;
use tokio::{net::TcpStream, sync::Notify};

/// `/held` says that it has begun, and answers when told to.
fn routes() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, held) = (Arc::clone(&begun), Arc::clone(&go_on));
    let wait = async move || {
        begins.notify_one();
        held.notified().await;
        "held"
    };
    let router = Router::new().route("/held", routing::get(wait)).route("/", routing::get(async || "hello"));
    (router, begun, go_on)
}

#[tokio::test]
async fn t_19_an_accepted_request_is_answered_and_idle_connections_are_closed() {
    let (router, begun, go_on) = routes();
    let server = Server::start(RawLimits::default(), router).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.ask("/").await.body, "hello");
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.send(get("/held")).await;
    begun.notified().await;
    server.shutdown.trigger();
    assert!(idle.is_closed().await);
    assert!(silent.is_closed().await);
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody else is let in");
    go_on.notify_one();
    let answer = busy.answer().await;
    assert_eq!((answer.body.as_str(), answer.field("Connection")), ("held", Some("close")));
    assert!(busy.is_closed().await);
    assert_eq!(server.serving.await.unwrap(), Drained::Complete);
    assert_eq!(server.watch.connections(), 0);
}

#[tokio::test]
async fn t_19_a_drain_that_is_cut_short_says_what_it_gave_up() {
    let (router, begun, _go_on) = routes();
    let server = Server::start(RawLimits::default(), router).await;
    let mut busy = server.connect().await;
    busy.send(get("/held")).await;
    begun.notified().await;
    server.shutdown.trigger();
    server.shutdown.cut();
    assert_eq!(server.serving.await.unwrap(), Drained::Abandoned { connections: 1 });
    assert!(busy.is_closed().await);
    assert_eq!(server.watch.connections(), 0);
}
