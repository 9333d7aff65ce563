//! OCSP over HTTP: POST, GET, header fields, and what is refused before and after decoding.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ca_core::profile::OcspProfile;
use ca_core::record::{CertificateId, CertificateStatus};
use ca_core::suite::Curve;
use status_server::config::KeepingPolicy;
use status_server::responder::Responder;
use status_server::routes::{StatusServices, router};

use crate::http::{Reply, ask, get, post_ocsp};
use crate::ports::{MemorySigner, Mood};
use crate::requests::{Hash, cert_id, request, request_for, request_with_nonce, statuses};
use crate::world::{Authority, NOW, World, pool, revoked, serial, served};

const MALFORMED: [u8; 5] = [0x30, 3, 0x0A, 1, 1];
const INTERNAL_ERROR: [u8; 5] = [0x30, 3, 0x0A, 1, 2];
const TRY_LATER: [u8; 5] = [0x30, 3, 0x0A, 1, 3];
const UNAUTHORIZED: [u8; 5] = [0x30, 3, 0x0A, 1, 6];

fn assert_is_error(reply: &Reply, expected: [u8; 5]) {
    // RFC 6960 App. A.2: with status 200, whatever it says; RFC 5019 §6.2: and nothing that a cache would keep.
    assert_eq!((reply.status, reply.body.as_slice()), (StatusCode::OK, expected.as_slice()));
    assert_eq!(reply.field("content-type"), Some("application/ocsp-response"));
    assert_eq!(reply.field("cache-control"), Some("no-store"));
}

fn path_of(request: &[u8]) -> String {
    format!("/ocsp/{}", BASE64_STANDARD.encode(request))
}

#[tokio::test]
async fn a_request_is_answered_by_post_and_by_get() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.put(2, revoked(NOW));
    let router = world.router();
    for (number, status) in [(1, 0x80), (2, 0xA1), (3, 0x82)] {
        for hash in [Hash::Sha1, Hash::Sha256] {
            let octets = request(&[cert_id(&world.issuer, &serial(number), hash)]);
            let encoded = path_of(&octets).replace('+', "%2B").replace('=', "%3D");
            for reply in [get(&router, &encoded, &[]).await, post_ocsp(&router, octets).await] {
                assert_eq!((reply.status, statuses(&reply.body)), (StatusCode::OK, vec![status]));
                assert_eq!(reply.field("content-type"), Some("application/ocsp-response"));
            }
        }
    }
    let both = [1, 2].map(|number| cert_id(&world.issuer, &serial(number), Hash::Sha1));
    assert_eq!(statuses(&post_ocsp(&router, request(&both)).await.body), [0x80, 0xA1]);
}

// RFC 5019 §6.2: the fields that let caches give a signed answer again, and its example's form of them.
#[tokio::test]
async fn answers_to_get_say_how_long_they_are_good() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let octets = request_for(&world.issuer, &serial(1));
    let router = world.router();
    let reply = get(&router, &path_of(&octets), &[]).await;
    assert_eq!(reply.field("last-modified"), Some("Sat, 21 Nov 2026 00:00:00 GMT"));
    assert_eq!(reply.field("expires"), Some("Sat, 21 Nov 2026 01:00:00 GMT"));
    assert_eq!(reply.field("cache-control"), Some("max-age=60, public, no-transform, must-revalidate"));
    let etag = reply.field("etag").unwrap();
    let again = get(&router, &path_of(&octets), &[("if-none-match", etag)]).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    // Half of its validity over, the answer is made anew: no cache may keep the old one until then and beyond.
    world.clock.advance(1_770);
    let reply = get(&router, &path_of(&octets), &[]).await;
    assert!(reply.field("cache-control").unwrap().starts_with("max-age=30,"));
}

#[tokio::test]
async fn nothing_else_is_offered_to_caches() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let router = world.router();
    let nonce = get(&router, &path_of(&request_with_nonce(&world.issuer, &serial(1))), &[]).await;
    let post = post_ocsp(&router, request_for(&world.issuer, &serial(1))).await;
    for (reply, status) in [(nonce, 0x80), (post, 0x80)] {
        assert_eq!(statuses(&reply.body), [status]);
        for name in ["etag", "expires", "last-modified", "cache-control"] {
            assert_eq!(reply.field(name), None, "{name}");
        }
    }
}

// RFC 9919 §7.2: a signed answer never forbids caches to keep it; what may change with the next issuance is kept shortly.
#[tokio::test]
async fn that_a_certificate_is_unknown_is_kept_for_seconds_only() {
    let world = World::new();
    let router = world.router();
    let reply = get(&router, &path_of(&request_for(&world.issuer, &serial(2))), &[]).await;
    assert_eq!(statuses(&reply.body), [0x82]);
    assert_eq!(reply.field("cache-control"), Some("max-age=10, public, no-transform, must-revalidate"));
    assert_eq!(reply.field("expires"), Some("Sat, 21 Nov 2026 00:00:10 GMT"));
    world.put(2, CertificateStatus::Good);
    let reply = get(&router, &path_of(&request_for(&world.issuer, &serial(2))), &[]).await;
    assert_eq!(statuses(&reply.body), [0x80], "nothing of it is kept here");
}

#[tokio::test]
async fn o_08_a_get_is_read_however_the_path_was_encoded() {
    let world = World::new();
    // A serial number whose request has `+` and `/` in base64.
    let (number, text) = (1..)
        .map(|number| (number, BASE64_STANDARD.encode(request_for(&world.issuer, &serial(number)))))
        .find(|(_, text)| text.contains('+') && text.contains("//") && text.ends_with('='))
        .unwrap();
    world.put(number, CertificateStatus::Good);
    let router = world.router();
    let encoded = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for path in [
        format!("/ocsp/{text}"),
        format!("/ocsp/{encoded}"),
        format!("/ocsp//{text}"),
        format!("/ocsp///{encoded}"),
    ] {
        let reply = get(&router, &path, &[]).await;
        assert_eq!((reply.status, statuses(&reply.body)), (StatusCode::OK, vec![0x80]), "{path}");
    }
}

#[tokio::test]
async fn o_08_what_is_too_long_or_not_base64_is_refused_by_http() {
    let world = World::new();
    let router = world.router();
    for (path, status) in [
        (format!("/ocsp/{}", "A".repeat(256)), StatusCode::URI_TOO_LONG),
        (format!("/ocsp/{}", "%41".repeat(256)), StatusCode::URI_TOO_LONG),
        ("/ocsp/MEk%20wRz".to_owned(), StatusCode::BAD_REQUEST),
        ("/ocsp/%".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&router, &path, &[]).await.status, status, "{path}");
    }
    assert_is_error(&get(&router, "/ocsp/AAAA", &[]).await, MALFORMED);
}

#[tokio::test]
async fn o_08_a_post_has_4096_octets_at_most() {
    let world = World::new();
    let router = world.router();
    assert_is_error(&post_ocsp(&router, vec![0; 4_096]).await, MALFORMED);
    assert_eq!(post_ocsp(&router, vec![0; 4_097]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_post_says_what_it_is() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let (router, octets) = (world.router(), request_for(&world.issuer, &serial(1)));
    for (fields, status) in [
        (vec![("content-type", "application/ocsp-request")], StatusCode::OK),
        (vec![("content-type", "Application/OCSP-Request; charset=binary")], StatusCode::OK),
        (vec![("content-type", "application/octet-stream")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (vec![], StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        for path in ["/ocsp", "/ocsp/"] {
            let reply = ask(&router, Method::POST, path, &fields, octets.clone()).await;
            assert_eq!(reply.status, status, "{fields:?}");
        }
    }
    let reply = get(&router, "/ocsp", &[]).await;
    assert_eq!((reply.status, reply.field("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
}

#[tokio::test]
async fn o_04_a_foreign_issuer_is_unauthorized() {
    let world = World::new();
    let foreign = Authority::root(Curve::P256, NOW).issuer();
    assert_is_error(&post_ocsp(&world.router(), request_for(&foreign, &serial(1))).await, UNAUTHORIZED);
}

#[tokio::test]
async fn o_07_too_many_certificates_in_one_request_are_malformed() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let router = world.router();
    let many = |count| request(&vec![cert_id(&world.issuer, &serial(1), Hash::Sha1); count]);
    assert_eq!(statuses(&post_ocsp(&router, many(4)).await.body).len(), 4);
    assert_is_error(&post_ocsp(&router, many(5)).await, MALFORMED);
    assert_is_error(&post_ocsp(&router, many(45)).await, MALFORMED);
}

#[tokio::test]
async fn several_cas_are_told_apart_by_key_even_with_the_same_name() {
    let world = World::new();
    let (one, two) = (world.root.below("Sub-CA"), world.root.below("Sub-CA"));
    assert_eq!(one.issuer().name(), two.issuer().name());
    let mut signer = MemorySigner::default();
    let identities = [one.responder(&mut signer), two.responder(&mut signer)];
    let signer = Arc::new(signer);
    let mut authorities = identities.map(|identity| served(identity, &signer)).to_vec();
    // The bound of one CA is not that of another.
    authorities[0].profile = OcspProfile::new(3_600, 1).unwrap();
    let responder = Responder::new(authorities, world.ports(), KeepingPolicy::default());
    let put = |authority: &Authority, status| {
        let id = CertificateId { issuer: authority.issuer().key(), serial: serial(1) };
        world.ledger.put(id, NOW, status);
    };
    put(&one, CertificateStatus::Good);
    put(&two, revoked(NOW));
    let router = router(StatusServices {
        repository: Arc::clone(&world.repository),
        responder: Arc::new(responder),
        clock: world.clock.clone(),
        workers: world.workers.clone(),
    });
    for (authority, status) in [(&one, 0x80), (&two, 0xA1)] {
        for hash in [Hash::Sha1, Hash::Sha256] {
            let octets = request(&[cert_id(&authority.issuer(), &serial(1), hash)]);
            assert_eq!(statuses(&post_ocsp(&router, octets).await.body), [status]);
        }
    }
    let twice = |authority: &Authority| vec![cert_id(&authority.issuer(), &serial(1), Hash::Sha1); 2];
    assert_is_error(&post_ocsp(&router, request(&twice(&one))).await, MALFORMED);
    assert_eq!(statuses(&post_ocsp(&router, request(&twice(&two))).await.body), [0xA1, 0xA1]);
    // A responder speaks for its own CA only.
    let mixed = [&two, &one].map(|authority| cert_id(&authority.issuer(), &serial(1), Hash::Sha1));
    assert_eq!(statuses(&post_ocsp(&router, request(&mixed)).await.body), [0xA1, 0x82]);
}

// Case K-04: the database hangs. What was signed is given until its nextUpdate, anything else is tryLater and never good, and
// nobody waits: not who asks then, and not who was waiting.
#[tokio::test]
async fn k_04_while_the_ledger_hangs_kept_answers_are_given_and_others_are_told_to_try_later() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.put(2, CertificateStatus::Good);
    let (away, heard) = tokio::sync::watch::channel(false);
    let identity = world.responder.identities().remove(0);
    let responder =
        Responder::new(vec![served(identity, &world.signer)], world.ports(), KeepingPolicy::default());
    let router = router(StatusServices {
        repository: Arc::clone(&world.repository),
        responder: Arc::new(responder.hearing(heard)),
        clock: world.clock.clone(),
        workers: pool(1, 8),
    });
    let of = |number| request_for(&world.issuer, &serial(number));
    let first = post_ocsp(&router, of(1)).await;
    assert_eq!(statuses(&first.body), [0x80]);
    // The one worker is lost to the second request, which never ends.
    world.signer.hold_the_next();
    let (waiting, asked) = (router.clone(), of(2));
    let waits = tokio::spawn(async move { post_ocsp(&waiting, asked).await });
    let signer = Arc::clone(&world.signer);
    tokio::task::spawn_blocking(move || signer.wait_until_one_is_held()).await.unwrap();
    away.send_replace(true);
    assert_is_error(&waits.await.unwrap(), TRY_LATER);
    for _ in 0..20 {
        assert_eq!(post_ocsp(&router, of(1)).await.body, first.body);
        assert_eq!(get(&router, &path_of(&of(1)), &[]).await.body, first.body);
        assert_is_error(&post_ocsp(&router, of(2)).await, TRY_LATER);
        let with_nonce = request_with_nonce(&world.issuer, &serial(1));
        assert_is_error(&post_ocsp(&router, with_nonce).await, TRY_LATER);
        assert_is_error(&post_ocsp(&router, vec![0x30, 0]).await, MALFORMED);
    }
    world.clock.advance(3_600);
    assert_is_error(&post_ocsp(&router, of(1)).await, TRY_LATER);
    // It is back: the ledger is asked again, and what was revoked meanwhile is told.
    world.signer.let_go();
    world.put(1, revoked(NOW));
    away.send_replace(false);
    assert_eq!(statuses(&post_ocsp(&router, of(1)).await.body), [0xA1]);
}

#[tokio::test]
async fn o_13_without_ledger_and_without_an_answer_from_before_it_says_try_later() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.ledger.set_mood(Mood::Down);
    assert_is_error(&post_ocsp(&world.router(), request_for(&world.issuer, &serial(1))).await, TRY_LATER);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_of_one_request() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let (router, octets) = (world.router(), request_for(&world.issuer, &serial(1)));
    world.ledger.set_mood(Mood::Panics);
    assert_is_error(&post_ocsp(&router, octets.clone()).await, INTERNAL_ERROR);
    assert_eq!(world.workers.panics(), 1);
}

#[tokio::test]
async fn a_full_house_says_try_later_and_when() {
    let mut world = World::new();
    world.workers = pool(1, 0);
    world.put(1, CertificateStatus::Good);
    world.ledger.set_mood(Mood::Blocks);
    let (router, octets) = (world.router(), request_for(&world.issuer, &serial(1)));
    let first = tokio::spawn({
        let (router, octets) = (router.clone(), octets.clone());
        async move { post_ocsp(&router, octets).await }
    });
    while world.ledger.blocked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let reply = post_ocsp(&router, octets).await;
    assert_is_error(&reply, TRY_LATER);
    let seconds: u64 = reply.field("retry-after").unwrap().parse().unwrap();
    assert!((2..=4).contains(&seconds));
    world.ledger.set_mood(Mood::Answers);
    assert_eq!(statuses(&first.await.unwrap().body), [0x80]);
}
