//! When something behind the routes fails: T-12, T-14, H-01, A-01 and the like. Nothing is issued, nothing is told.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use ca_core::audit::Act;
use server_kit::metrics::Metrics;
use server_kit::workers::PoolSize;

use crate::csr::Csr;
use crate::pki::Mood;
use crate::world::{DEVICE, OTHER, Setting, World, enrol, password, secured, tls};

/// K-14: told to come back after half a minute or up to twice as much.
fn assert_comes_back_later(field: &str) {
    let seconds: u64 = field.parse().unwrap();
    assert!((30..60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn h_01_a_signer_that_is_gone_is_a_reason_to_come_back() {
    let world = World::new();
    *world.signer.mood.lock().unwrap() = Mood::Unavailable;
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    let answer = world.send(enrol("simpleenroll"), shown(), body.clone()).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert_comes_back_later(answer.field("retry-after"));
    assert_eq!(answer.body, "the service is not available at this moment (signer.unavailable)\n");
    let refusals = world.memory.events().iter().filter(|event| event.act == Act::RequestRefused).count();
    assert_eq!(refusals, 1);
    *world.signer.mood.lock().unwrap() = Mood::Signs;
    world.memory.set_status(
        &world.memory.events()[0].serial.clone().unwrap(),
        ca_core::record::CertificateStatus::Aborted,
    );
    world.send(enrol("simpleenroll"), shown(), body).await.certificate();
}

// what cannot be put on record is not done, a refusal not even told as such.
#[tokio::test]
async fn a_01_without_a_ledger_every_answer_is_unavailable() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    world.memory.down.store(true, Ordering::SeqCst);
    let good = || password(enrol("simpleenroll"), DEVICE, "secret");
    let wrong = || password(enrol("simpleenroll"), DEVICE, "guess");
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    for (request, connection) in [
        (good(), tls()),
        (wrong(), tls()),
        (enrol("simpleenroll"), tls()),
        (enrol("simpleenroll"), shown()),
        (enrol("fullcmc"), tls()),
    ] {
        let answer = world.send(request, connection, Csr::new(DEVICE, 40).body()).await;
        assert_eq!(answer.status.as_u16(), 503);
        assert_comes_back_later(answer.field("retry-after"));
        assert_eq!(answer.body, "the service is not available at this moment (unavailable)\n");
    }
    assert_eq!((world.memory.rows(), world.signer.calls()), (0, 0));
}

// C-24 in EST: a registry that fails opens no door.
#[tokio::test]
async fn without_a_registry_nobody_is_let_in() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    world.memory.registry_down.store(true, Ordering::SeqCst);
    let body = || Csr::new(DEVICE, 40).body();
    let request = password(enrol("simpleenroll"), DEVICE, "secret");
    world.refuses(request, tls(), body(), (503, "unavailable")).await;
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol("simpleenroll"), shown, body(), (503, "unavailable")).await;
}

// T-12: a panic is the failure of its request and of no other.
#[tokio::test]
async fn t_12_a_panic_fails_its_own_request_only() {
    let world = World::new();
    *world.signer.mood.lock().unwrap() = Mood::Panics;
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let answer = world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, "internal error (internal)\n"));
    *world.signer.mood.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Mood::Signs;
    world.signer.mood.clear_poison();
    world.enrolled(OTHER, 31, 41).await;
}

// T-14: beyond what the workers can take, requests are turned away at once and told when to come back.
#[tokio::test]
async fn t_14_a_full_pool_turns_requests_away() {
    let pool = PoolSize {
        workers: NonZeroUsize::MIN,
        queue: 0,
        retry_after: Duration::from_secs(7),
        ..PoolSize::default()
    };
    let world = Arc::new(World::with(Setting { pool, ..Setting::default() }));
    let (asked, was_asked) = mpsc::channel();
    let (release, released) = mpsc::channel();
    *world.signer.mood.lock().unwrap() = Mood::Hangs(asked, released);
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            let shown = secured(vec![world.factory(DEVICE, 30)]);
            world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body()).await
        }
    });
    tokio::task::spawn_blocking(move || was_asked.recv().unwrap()).await.unwrap();
    for operation in ["simpleenroll", "fullcmc"] {
        let shown = secured(vec![world.factory(OTHER, 31)]);
        let answer = world.send(enrol(operation), shown, Csr::new(OTHER, 41).body()).await;
        assert_eq!(answer.status.as_u16(), 503);
        assert_eq!(answer.body, "the server is busy (busy)\n");
        let seconds: u64 = answer.field("retry-after").parse().unwrap();
        assert!((7..=14).contains(&seconds), "{seconds}");
    }
    // What needs no worker is answered.
    let certificates = axum::http::Request::get("/.well-known/est/cacerts");
    assert_eq!(world.send(certificates, tls(), "").await.status.as_u16(), 200);
    release.send(()).unwrap();
    first.await.unwrap().certificate();
}

#[tokio::test]
async fn refusals_and_certificates_are_counted_with_their_reasons() {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    let metrics = METRICS.get_or_init(|| {
        let metrics = Metrics::new("");
        metrics.install().unwrap();
        metrics
    });
    let world = World::new();
    world.refuses(enrol("simpleenroll"), tls(), "", (401, "authn.none")).await;
    world.refuses(enrol("fullcmc"), tls(), "", (404, "operation.unknown")).await;
    world.enrolled(DEVICE, 30, 40).await;
    let body = Csr::new(OTHER, 41).body();
    let armoured = format!("-----BEGIN CERTIFICATE REQUEST-----{body}-----END CERTIFICATE REQUEST-----");
    let shown = secured(vec![world.factory(OTHER, 31)]);
    world.send(enrol("simpleenroll"), shown, armoured).await.certificate();
    let text = metrics.render();
    for line in [
        "pki_requests_total{protocol=\"est\",op=\"simpleenroll\",result=\"refused\",reason=\"authn.none\"}",
        "pki_requests_total{protocol=\"est\",op=\"none\",result=\"refused\",reason=\"operation.unknown\"}",
        "pki_requests_total{protocol=\"est\",op=\"simpleenroll\",result=\"ok\",reason=\"\"}",
        "pki_leniencies_total{protocol=\"est\",kind=\"armour\"}",
        "profile=\"meter-op-ds\",protocol=\"est\"}",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(DEVICE), "no device is named in metrics");
}
