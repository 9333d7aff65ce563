//! The spelling of the field names that title case gets wrong, octet for octet, and that no body is touched.

use crate::harness::{Server, get};
use axum::{
    Router,
    body::Body,
    http::{
        HeaderMap, StatusCode,
        header::{ETAG, WWW_AUTHENTICATE},
    },
    response::{AppendHeaders, IntoResponse},
    routing,
};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use server_kit::limits::RawLimits;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// A body that looks like heads.
const LIKE_A_HEAD: &str =
    "\r\nWww-Authenticate: a\r\nEtag: b\r\n\r\nHTTP/1.1 401 Unauthorized\r\nWww-Authenticate: c\r\n";

/// A body in two pieces, of a length that is not known before: it goes out in chunks, the second cut through a name.
struct Pieces(Vec<&'static str>);

impl Pieces {
    fn new() -> Self {
        let (first, second) = LIKE_A_HEAD.split_at(6);
        Self(vec![second, first])
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
    }
}

async fn challenge() -> impl IntoResponse {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"est\"")], LIKE_A_HEAD)
}

async fn challenges() -> impl IntoResponse {
    let lines = ["1", "2", "3", "4", "5"].map(|line| (WWW_AUTHENTICATE, line));
    (StatusCode::UNAUTHORIZED, AppendHeaders(lines), [(ETAG, "\"1\"")])
}

async fn version(headers: HeaderMap) -> impl IntoResponse {
    let status =
        if headers.contains_key("if-none-match") { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    (status, [(ETAG, "\"1\"")], Body::new(Pieces::new()))
}

fn spelt() -> Router {
    Router::new()
        .route("/challenge", routing::get(challenge))
        .route("/challenges", routing::get(challenges))
        .route("/version", routing::get(version))
        .route("/plain", routing::get(async || LIKE_A_HEAD))
}

/// The lines of a head that begin with one of the two names, however it is spelt.
fn lines_in_question(head: &str) -> Vec<&str> {
    let names = ["www-authenticate:", "etag:"];
    head.lines().filter(|line| names.iter().any(|name| line.to_lowercase().starts_with(name))).collect()
}

// RFC 9110 §11.6.1: a 401 has a WWW-Authenticate field; clients in the field look for just these octets.
#[tokio::test]
async fn a_challenge_is_spelt_as_the_standard_spells_it() {
    let server = Server::start(RawLimits::default(), spelt()).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        let answer = client.ask("/challenge").await;
        assert!(answer.head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{}", answer.head);
        assert!(answer.head.contains("\r\nWWW-Authenticate: Basic realm=\"est\"\r\n"), "{}", answer.head);
        assert_eq!(lines_in_question(&answer.head).len(), 1, "{}", answer.head);
        assert!(answer.field("Content-Type").is_some() && answer.field("Date").is_some(), "{}", answer.head);
        assert_eq!(answer.body, LIKE_A_HEAD);
    }
}

#[tokio::test]
async fn four_challenges_are_spelt_so() {
    let server = Server::start(RawLimits::default(), spelt()).await;
    let answer = server.connect().await.ask("/challenges").await;
    let mut lines = lines_in_question(&answer.head);
    lines.sort_unstable();
    let first_four = ["1", "2", "3", "4"].map(|line| format!("WWW-Authenticate: {line}"));
    assert_eq!(lines[0], "ETag: \"1\"");
    assert_eq!(lines[1..5], first_four);
    assert_eq!(lines[5..], ["Www-Authenticate: 5"], "the next is in title case");
}

#[tokio::test]
async fn bodies_that_look_like_heads_are_left_alone() {
    let server = Server::start(RawLimits::default(), spelt()).await;
    let mut client = server.connect().await;
    let matching = "GET /version HTTP/1.1\r\nHost: test\r\nIf-None-Match: \"1\"\r\n\r\n";
    let close = "GET /version HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    client.send([&get("/challenge"), &get("/plain"), matching, &get("/challenge"), close].concat()).await;
    for (path, status, lines) in [
        ("/challenge", "401", vec!["WWW-Authenticate: Basic realm=\"est\""]),
        ("/plain", "200", vec![]),
        ("/version", "304", vec!["ETag: \"1\""]),
        ("/challenge", "401", vec!["WWW-Authenticate: Basic realm=\"est\""]),
    ] {
        let answer = client.answer().await;
        assert_eq!((answer.status(), lines_in_question(&answer.head)), (status, lines), "{path}");
        assert_eq!(answer.body, if status == "304" { "" } else { LIKE_A_HEAD }, "{path}");
    }
    let chunked = client.read_to_end().await;
    let (head, body) = chunked.split_once("\r\n\r\n").unwrap();
    assert_eq!(lines_in_question(head), ["ETag: \"1\""]);
    let (first, second) = LIKE_A_HEAD.split_at(6);
    let length = second.len();
    assert_eq!(body, format!("6\r\n{first}\r\n{length:X}\r\n{second}\r\n0\r\n\r\n"));
}
