//! Requests that wait for the approval of operators: 202 with Retry-After, and what the repetition gets.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::actor::{Actor, Identity};
use ca_core::approval::ApprovalRequest;
use ca_core::audit::Act;
use ca_core::ports::WaitingRoom;
use ca_core::profile::{Approval, ProfileParts};
use ca_core::record::{Verdict, WaitingQuery};
use server_kit::listener::PeerConnection;

use crate::csr::Csr;
use crate::pki::{NOW, meter_op_ds, tenant};
use crate::world::{Answer, DEVICE, EXPORTER, Setting, World, enrol, password, secured, tls};

fn world(approval: Approval) -> World {
    let meter_ds = ProfileParts { approval, ..meter_op_ds() };
    World::with(Setting { meter_ds, ..Setting::default() })
}

/// The one request that waits.
fn waiting(world: &World) -> [u8; 32] {
    let query = WaitingQuery { tenant: None, standing: None, now: NOW, after: None, limit: 2 };
    let all = world.memory.waiting_requests(&query).unwrap();
    assert_eq!(all.len(), 1);
    all[0].digest
}

pub(crate) fn decide(world: &World, name: &str, verdict: Verdict) {
    let actor = Actor { tenant: tenant("grid"), identity: Identity::Operator { name: name.to_owned() } };
    let request = ApprovalRequest { actor, digest: waiting(world), verdict };
    world.label_parts.authority.at_hand().unwrap().decide(request).unwrap();
}

/// Checks that a request was neither answered nor refused, and that the client is told when to come again.
#[track_caller]
fn assert_waits(world: &World, answer: &Answer) {
    // RFC 7030 §4.2.3: 202 comes with Retry-After, here in seconds (RFC 9110 §10.2.3), and with a text for people.
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(
        (answer.field("retry-after"), answer.field("content-type")),
        ("600", "text/plain; charset=utf-8")
    );
    assert_eq!(answer.field("content-transfer-encoding"), "");
    assert_eq!(
        answer.body,
        "the request waits for the approval of an operator, repeat it later (request.waiting)\n"
    );
    assert_eq!((world.signer.calls(), world.memory.rows()), (0, 0));
}

#[tokio::test]
async fn an_enrolment_waits_with_202_and_is_answered_when_two_operators_have_approved() {
    let world = world(Approval::Two);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    for _ in 0..3 {
        assert_waits(&world, &world.send(enrol("simpleenroll"), shown(), body.clone()).await);
    }
    assert_eq!(world.memory.events().len(), 1, "that it waits is recorded once");
    assert_eq!(world.memory.events()[0].act, Act::RequestWaits);
    decide(&world, "ada", Verdict::Approve);
    assert_waits(&world, &world.send(enrol("simpleenroll"), shown(), body.clone()).await);
    decide(&world, "bob", Verdict::Approve);
    let first = world.send(enrol("simpleenroll"), shown(), body.clone()).await.certificate();
    // E-22: an answer that was lost is given again.
    assert_eq!(world.send(enrol("simpleenroll"), shown(), body).await.certificate(), first);
    assert_eq!((world.signer.calls(), world.memory.rows()), (1, 1));
}

// RFC 7030 §3.5, §4.2.3: on another connection the same request has another challengePassword and another signature.
#[tokio::test]
async fn e_22_the_repetition_is_known_on_another_connection_by_key_and_subject() {
    let world = world(Approval::One);
    let on = |exporter: [u8; 32]| {
        let shown = PeerConnection { exporter: Some(exporter), ..secured(vec![world.factory(DEVICE, 30)]) };
        (shown, Csr::new(DEVICE, 40).with_challenge(&STANDARD.encode(exporter)).body())
    };
    for exporter in [EXPORTER, [1; 32]] {
        let (shown, body) = on(exporter);
        assert_waits(&world, &world.send(enrol("simpleenroll"), shown, body).await);
    }
    decide(&world, "ada", Verdict::Approve);
    let mut given = Vec::new();
    for exporter in [[2; 32], [3; 32]] {
        let (shown, body) = on(exporter);
        given.push(world.send(enrol("simpleenroll"), shown, body).await.certificate());
    }
    assert_eq!((given[0] == given[1], world.signer.calls()), (true, 1));
    // Another key is another request, and here the device has its certificate.
    let other = Csr::new(DEVICE, 41).body();
    world.refuses(enrol("simpleenroll"), on(EXPORTER).0, other, (409, "slot.taken")).await;
}

// E-30: waiting does not spend a token, and the certificate does.
#[tokio::test]
async fn a_one_time_password_is_good_until_the_certificate_is_there() {
    let world = world(Approval::One);
    world.token("secret", DEVICE, "meter-op-ds");
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    let body = Csr::new(DEVICE, 40).body();
    assert_waits(&world, &world.send(request(), tls(), body.clone()).await);
    assert_waits(&world, &world.send(request(), tls(), body.clone()).await);
    decide(&world, "ada", Verdict::Approve);
    world.send(request(), tls(), body).await.certificate();
}

#[tokio::test]
async fn what_an_operator_refused_is_refused_with_403() {
    let world = world(Approval::One);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    assert_waits(&world, &world.send(enrol("simpleenroll"), shown(), body.clone()).await);
    decide(&world, "ada", Verdict::Refuse { reason: "lost in transport".to_owned() });
    let told = world.refuses(enrol("simpleenroll"), shown(), body, (403, "request.refused")).await;
    assert!(!told.body.contains("transport"), "the reason is the operators' own");
}

#[tokio::test]
async fn a_re_enrolment_waits_and_is_refused_when_its_certificate_was_revoked_meanwhile() {
    let world = world(Approval::One);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    assert_waits(&world, &world.send(enrol("simpleenroll"), shown(), body.clone()).await);
    decide(&world, "ada", Verdict::Approve);
    let held = world.send(enrol("simpleenroll"), shown(), body).await.certificate();
    let again = || (secured(vec![held.clone()]), Csr::new(DEVICE, 41).body());
    for _ in 0..2 {
        let (shown, body) = again();
        let answer = world.send(enrol("simplereenroll"), shown, body).await;
        assert_eq!((answer.status, answer.field("retry-after")), (StatusCode::ACCEPTED, "600"));
    }
    let certificate = ca_core::certificate::Certificate::from_der(&held).unwrap();
    let revoked = ca_core::record::Revocation {
        time: NOW,
        reason: ca_core::reason::ReasonCode::Superseded,
        invalidity_date: None,
    };
    world.memory.set_status(certificate.serial(), ca_core::record::CertificateStatus::Revoked(revoked));
    let (shown, body) = again();
    world.refuses(enrol("simplereenroll"), shown, body, (403, "authn.revoked")).await;
}
