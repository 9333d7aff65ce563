//! What is refused before there is a message to answer: C-01, C-22, C-28 in part, and RFC 9811.

use std::sync::atomic::Ordering;

use axum::http::{Method, Request};
use cmp_server::config::DEFAULT_BODY_OCTETS;
use der::Encode;

use crate::server::{Server, post, request};

async fn is_refused(body: Vec<u8>, status: u16, code: &str) {
    let answer = Server::new().send(post("/.well-known/cmp"), body).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().ends_with(&format!(" ({code})\n")), "{}", answer.text());
    assert_eq!(answer.field("content-type"), "text/plain; charset=utf-8");
}

// RFC 9483 §3.5: the syntax of the whole message; C-01: without a header there is nobody to answer to.
#[tokio::test]
async fn c_01_what_is_not_one_der_message_is_refused_by_status() {
    let good = request(0).to_der().unwrap();
    let mut bodies = vec![
        Vec::new(),
        b"no message".to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[..], &good[..]].concat(),
        [&[0x30, 0x80][..], &good[2..], &[0, 0]].concat(),
        vec![0x30; 4_096],
        vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
    ];
    // A body of a type that is none, of another class, and a primitive one.
    let mut odd = request(27).to_der().unwrap();
    bodies.push(odd.clone());
    let at = odd.windows(4).position(|window| window == [0xBB, 0x02, 0x30, 0x00]).unwrap();
    for tag in [0x30, 0x80, 0x60] {
        odd[at] = tag;
        bodies.push(odd.clone());
    }
    // A sender that is no general name.
    let mut nameless = request(0);
    nameless.header.sender = der::asn1::Any::null();
    bodies.push(nameless.to_der().unwrap());
    for body in bodies {
        is_refused(body, 400, "message.not-der").await;
    }
}

// C-22, C-28: what nobody looks into costs nothing, and there is a limit to it.
#[tokio::test]
async fn c_22_certificates_and_batches_are_not_looked_into() {
    let mut message = request(20);
    let many = vec![0x30; 60_000];
    message.extra_certs = Some(der::asn1::Any::new(der::Tag::Sequence, many.clone()).unwrap());
    message.body = der::asn1::Any::new(der::Tagged::tag(&message.body), many).unwrap();
    let answer = Server::new().send(post("/.well-known/cmp"), message.to_der().unwrap()).await;
    assert_eq!((answer.status, answer.field("content-type")), (200, "application/pkixcmp"));
    assert!(answer.body.len() < 512, "the answer does not grow with the question");
}

#[tokio::test]
async fn bodies_above_the_limit_are_refused_whether_announced_or_not() {
    is_refused(vec![0x30; DEFAULT_BODY_OCTETS + 1], 413, "body.too-large").await;
    let announced = post("/.well-known/cmp").header("content-length", DEFAULT_BODY_OCTETS + 1);
    assert_eq!(Server::new().send(announced, "").await.status, 413);
}

// RFC 9811 §3.2, §4: application/pkixcmp, and the older name for the same.
#[tokio::test]
async fn other_media_types_are_refused() {
    let server = Server::new();
    let body = || request(0).to_der().unwrap();
    let with = |value: &str| Request::post("/.well-known/cmp").header("content-type", value);
    for value in ["application/pkixcmp", "application/pkixcmp-poll", "Application/PKIXCMP"] {
        assert_eq!(server.send(with(value), body()).await.status, 200, "{value}");
    }
    for value in ["application/pkcs10", "application/octet-stream", "application/pkixcmp2", ""] {
        assert_eq!(server.send(with(value), body()).await.status, 415, "{value}");
    }
    assert_eq!(server.send(Request::post("/.well-known/cmp"), body()).await.status, 415);
}

// RFC 9811 §3.1: POST and no other.
#[tokio::test]
async fn other_methods_are_refused() {
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
        let request = Request::builder().method(method).uri("/.well-known/cmp");
        let answer = Server::new().send(request, "").await;
        assert_eq!((answer.status, answer.field("allow")), (405, "POST"));
    }
}

// RFC 9811 §3.4, RFC 9483 §6.1: with and without a name, with and without an operation.
#[tokio::test]
async fn the_paths_are_those_of_the_lightweight_profile() {
    let server = Server::new();
    let body = || request(0).to_der().unwrap();
    for path in ["", "/initialization", "/p/meters", "/p/meters/pkcs10", "/nested", "/getcrls"] {
        let path = format!("/.well-known/cmp{path}");
        assert_eq!(server.send(post(&path), body()).await.status, 200, "{path}");
    }
    for path in
        ["/", "/p", "/p/", "/p//", "/p/meters/", "/p/meters/x", "/x", "/Initialization", "/p/a/b/c", "/.."]
    {
        let path = format!("/.well-known/cmp{path}");
        assert_eq!(server.send(post(&path), body()).await.status, 404, "{path}");
    }
}

// RFC 9811 §3.5: announcements get a status and nothing else.
#[tokio::test]
async fn announcements_are_refused_by_status_alone() {
    for body in 15..=18 {
        let message = request(body).to_der().unwrap();
        let answer = Server::new().send(post("/.well-known/cmp"), message).await;
        assert_eq!((answer.status, answer.body.as_slice()), (501, &b""[..]));
    }
}

#[tokio::test]
async fn without_randomness_there_is_no_answer_but_a_time_to_come_back() {
    let server = Server::new();
    server.draws.dry.store(true, Ordering::SeqCst);
    let answer = server.send(post("/.well-known/cmp"), request(0).to_der().unwrap()).await;
    assert_eq!((answer.status, answer.field("retry-after")), (503, "30"));
    assert_eq!(answer.text(), "the service is not available at this moment (unavailable)\n");
}
