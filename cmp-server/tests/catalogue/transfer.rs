//! What is refused before there is a message to answer: C-01, and RFC 9811.

use std::collections::BTreeMap;

use axum::http::{Method, Request};
use cmp_messages::body::PkiBody;
use cmp_messages::status::PkiFailureInfo;
use cmp_server::config::DEFAULT_BODY_OCTETS;
use der::asn1::{Any, Null};

use crate::client::{Message, cert_conf, ir};
use crate::doubles::journal::Failing;
use crate::polling::{asking_people, poll};
use crate::world::{DEVICE, PATH, Setting, World, certificate, post};

async fn is_refused(world: &World, body: Vec<u8>, status: u16, code: &str) {
    let events = world.ledger.events().len();
    let answer = world.send(post(PATH), body).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(answer.text().ends_with(&format!(" ({code})\n")), "{}", answer.text());
    assert_eq!(answer.field("content-type"), "text/plain; charset=utf-8");
    assert_eq!((world.rows(), world.signed(), world.messages_signed()), (0, 0, 0));
    assert_eq!(world.ledger.events().len(), events, "who cannot be read is counted, and not on record");
}

// RFC 9483 §3.5: the syntax of the whole message; without a header there is nobody to answer to.
#[tokio::test]
async fn c_01_what_has_no_header_is_refused_by_status() {
    let world = World::new();
    let good = world.cr().der();
    for body in [
        Vec::new(),
        b"no message".to_vec(),
        good[..20].to_vec(),
        [&[0x30, 0x80][..], &good[4..], &[0, 0]].concat(),
        vec![0x30; 4_096],
        vec![0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        [&[0x31][..], &good[1..]].concat(),
    ] {
        is_refused(&world, body, 400, "message.not-der").await;
    }
}

/// The octets of the message with others in the place of those of its body.
fn with_body(message: &Message, body: &[u8]) -> Vec<u8> {
    use der::Encode;
    let header = message.header.to_der().unwrap();
    crate::octets::sequence(&[header, body.to_vec()])
}

// Whoever can be answered is answered.
#[tokio::test]
async fn c_01_what_has_a_header_is_bad_data_format() {
    let world = World::new();
    let message = world.cr();
    let good = message.der();
    for body in [
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[..], &good[..]].concat(),
        with_body(&message, &[]),
        with_body(&message, &[0xBB, 0x02, 0x05, 0x00]),
        with_body(&message, &[0xA0, 0x02, 0x05, 0x00]),
        with_body(&message, &[0xA0, 0x80, 0x00, 0x00]),
        with_body(&message, &[0x30, 0x00]),
    ] {
        let bad = (PkiFailureInfo::BadDataFormat, "message.not-der");
        let answer = world.refuses_octets(PATH, body, bad).await;
        assert_eq!(answer.header().recip_nonce, message.header.sender_nonce);
        assert_eq!(answer.header().transaction_id, message.header.transaction_id);
    }
}

#[tokio::test]
async fn bodies_above_the_limit_are_refused_whether_announced_or_not() {
    let world = World::new();
    is_refused(&world, vec![0x30; DEFAULT_BODY_OCTETS + 1], 413, "body.too-large").await;
    let announced = post(PATH).header("content-length", DEFAULT_BODY_OCTETS + 1);
    assert_eq!(world.send(announced, "").await.status, 413);
}

// RFC 9811 §3.2, §4: application/pkixcmp, and the older name for the same.
#[tokio::test]
async fn other_media_types_are_refused() {
    let world = World::new();
    let with = |value: &str| Request::post(PATH).header("content-type", value);
    for value in
        ["application/pkixcmp", "application/pkixcmp-poll", "Application/PKIXCMP", "application/pkixcmp; x=y"]
    {
        assert_eq!(world.send(with(value), world.cr().der()).await.status, 200, "{value}");
    }
    for value in ["application/pkcs10", "application/octet-stream", "application/pkixcmp2", ""] {
        assert_eq!(world.send(with(value), world.cr().der()).await.status, 415, "{value}");
    }
    assert_eq!(world.send(Request::post(PATH), world.cr().der()).await.status, 415);
}

// RFC 9811 §3.1: POST and no other.
#[tokio::test]
async fn other_methods_are_refused() {
    let world = World::new();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::HEAD] {
        let answer = world.send(Request::builder().method(method).uri(PATH), "").await;
        assert_eq!((answer.status, answer.field("allow")), (405, "POST"));
    }
}

// RFC 9811 §3.4, RFC 9483 §6.1: with and without a name, with and without an operation.
#[tokio::test]
async fn the_paths_are_those_of_the_lightweight_profile() {
    let alias_paths = BTreeMap::from([("/pkix/".to_owned(), "meter-ds".to_owned())]);
    let default_label = Some("meter-ds".to_owned());
    let setting = Setting { alias_paths, default_label, ..Setting::default() };
    for path in ["", "/", "/certification", "/p/meter-ds", "/p/meter-ds/", "/p/meter-ds/certification"] {
        let world = World::with(&setting);
        certificate(&world.ask_at(&format!("/.well-known/cmp{path}"), &world.cr()).await);
    }
    let world = World::with(&setting);
    certificate(&world.ask_at("/pkix/", &world.cr()).await);
    for path in [
        "/p",
        "/p/",
        "/p//",
        "/p/other",
        "/p/meter-ds/x",
        "/x",
        "/Certification",
        "/p/meter-ds/certification/x",
        "/..",
        "/p/METER-DS",
        "/p/meter%2Dds",
    ] {
        let path = format!("/.well-known/cmp{path}");
        assert_eq!(world.send(post(&path), world.cr().der()).await.status, 404, "{path}");
    }
}

// RFC 9483 §6.1: what a path names, the message does.
#[tokio::test]
async fn a_path_of_another_operation_is_refused() {
    let world = World::new();
    for segment in [
        "initialization",
        "keyupdate",
        "pkcs10",
        "revocation",
        "getcacerts",
        "getcrls",
        "getrootupdate",
        "nested",
    ] {
        let path = format!("{PATH}/{segment}");
        let other = (PkiFailureInfo::BadRequest, "operation.other");
        world.refuses_at(&path, &world.cr(), other).await;
    }
    world
        .refuses_at(
            &format!("{PATH}/certification"),
            &Message { body: ir(DEVICE, 40), ..world.cr() },
            (PkiFailureInfo::BadRequest, "operation.other"),
        )
        .await;
}

// RFC 9483 §6.1: certConf and pollReq go where their request went.
#[tokio::test]
async fn confirmations_and_polls_go_where_their_request_went() {
    let other = (PkiFailureInfo::BadRequest, "operation.other");
    let world = World::new();
    let request = world.cr();
    let answer = world.ask_at(&format!("{PATH}/certification"), &request).await;
    let confirmation = request.after(&answer, cert_conf(&certificate(&answer)));
    for segment in ["revocation", "getcacerts", "getcrls"] {
        world.refuses_at(&format!("{PATH}/{segment}"), &confirmation, other).await;
    }
    let confirmed = world.ask_at(&format!("{PATH}/certification"), &confirmation).await;
    assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)));

    let world = asking_people();
    let request = world.cr();
    let answer = world.ask_at(&format!("{PATH}/certification"), &request).await;
    world.refuses_at(&format!("{PATH}/revocation"), &request.after(&answer, poll()), other).await;
    let polled = world.ask_at(&format!("{PATH}/certification"), &request.after(&answer, poll())).await;
    assert!(matches!(polled.body(), PkiBody::PollRep(_)));
}

// RFC 9811 §3.5: announcements get a status and nothing else.
#[tokio::test]
async fn c_23_announcements_are_refused_by_status_alone() {
    let world = World::new();
    let any = || Any::encode_from(&Null).unwrap();
    for body in [PkiBody::Ckuann(any()), PkiBody::Cann(any()), PkiBody::Rann(any()), PkiBody::Crlann(any())] {
        let answer = world.send(post(PATH), world.by_station(body).der()).await;
        assert_eq!((answer.status, answer.body.as_slice()), (501, &b""[..]));
    }
    assert_eq!((world.rows(), world.messages_signed()), (0, 0));
}

#[tokio::test]
async fn without_randomness_there_is_no_answer_but_a_time_to_come_back() {
    let world = World::new();
    let message = world.cr().der();
    world.fail(Failing::From(0));
    let answer = world.send(post(PATH), message).await;
    // K-14: and not all at the same time.
    let seconds: u64 = answer.field("retry-after").parse().unwrap();
    assert!(answer.status == 503 && (30..60).contains(&seconds), "{seconds}");
    assert_eq!(answer.text(), "the service is not available at this moment (unavailable)\n");
}
