//! The way in for transports other than HTTP: what is refused there is refused for the same reasons, with the same records.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use est_server::answer::{Answer, DeliveredKey};
use est_server::config::{BindingPolicy, ServerKeys};
use est_server::desk::{Method, Obstacle, Submission};
use server_kit::listener::PeerConnection;
use server_kit::tls::TlsVersion;

use crate::csr::Csr;
use crate::pki::{Wish, meter_factory_ds};
use crate::world::{DEVICE, Setting, World, secured};

const UNIQUE: [u8; 12] = [0x12; 12];

/// A connection of DTLS 1.2 on which the device's factory certificate was shown.
fn factory(world: &World) -> PeerConnection {
    PeerConnection {
        tls_version: Some(TlsVersion::Tls12),
        exporter: None,
        tls_unique: Some(UNIQUE),
        ..secured(vec![world.factory(DEVICE, 30)])
    }
}

fn enrolment(connection: PeerConnection, csr: &Csr) -> Submission {
    Submission {
        label: None,
        operation: Some("simpleenroll"),
        method: Method::Post,
        media_type: Some("application/pkcs10"),
        connection,
        body: Ok(csr.der()),
    }
}

fn cacerts(connection: PeerConnection) -> Submission {
    Submission {
        operation: Some("cacerts"),
        method: Method::Get,
        media_type: None,
        body: Ok(Vec::new()),
        ..enrolment(connection, &Csr::new(DEVICE, 40))
    }
}

async fn refuses(world: &World, submission: Submission, (status, code): (u16, &str)) {
    let (rows, calls, events) = (world.memory.rows(), world.signer.calls(), world.memory.events().len());
    let reply = world.desk.ask(submission).await.unwrap_err();
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.text.ends_with(&format!(" ({code})\n")), "{code}: {}", reply.text);
    assert_eq!((world.memory.rows(), world.signer.calls()), (rows, calls), "{code}: nothing is issued");
    let new = &world.memory.events()[events..];
    assert_eq!(new.len(), 1, "{code}: one record, not {new:?}");
    assert_eq!((new[0].act, new[0].reason.as_str()), (Act::RequestRefused, code));
}

// RFC 9148 §4.3: DER as it is.
#[tokio::test]
async fn issues_to_a_device_that_shows_its_factory_certificate() {
    let world = World::new();
    let asked = enrolment(factory(&world), &Csr::new(DEVICE, 40));
    let Answer::Issued { certificate, .. } = world.desk.ask(asked).await.unwrap() else {
        panic!("a certificate")
    };
    assert!(Certificate::from_der(&certificate).is_ok());
    let labelled = Submission { label: Some("meter-ka".to_owned()), ..cacerts(factory(&world)) };
    assert!(matches!(world.desk.ask(labelled).await, Ok(Answer::CaCertificates { .. })));
}

// RFC 9148 §3, RFC 5929 §3: the value is tls-unique of the DTLS connection.
#[tokio::test]
async fn e_12_the_channel_binding_of_the_connection_is_compared() {
    let world = World::with(Setting { binding: BindingPolicy::Required, ..Setting::default() });
    let bound = |octets: [u8; 12]| Csr::new(DEVICE, 40).with_challenge(&STANDARD.encode(octets));
    let mut other = UNIQUE;
    other[0] ^= 1;
    refuses(&world, enrolment(factory(&world), &bound(other)), (403, "binding.mismatch")).await;
    refuses(&world, enrolment(factory(&world), &Csr::new(DEVICE, 40)), (403, "binding.missing")).await;
    assert!(world.desk.ask(enrolment(factory(&world), &bound(UNIQUE))).await.is_ok());
}

// RFC 9148 §4: the client is authenticated for all functions.
#[tokio::test]
async fn nobody_unknown_is_given_even_the_ca_certificates() {
    let world = World::new();
    refuses(&world, cacerts(secured(Vec::new())), (401, "authn.none")).await;
    let subject = Subject::device(SystemTitle::parse(DEVICE).unwrap());
    let stranger = world.pki.root.certify(&Wish::new(meter_factory_ds(), subject, 30));
    refuses(&world, cacerts(secured(vec![stranger])), (403, "authn.no-path")).await;
    assert!(world.desk.ask(cacerts(factory(&world))).await.is_ok());
}

#[tokio::test]
async fn refuses_what_the_routes_refuse_and_in_the_same_order() {
    let world = World::new();
    let good = || enrolment(factory(&world), &Csr::new(DEVICE, 40));
    let unknown =
        |label: Option<&str>, operation| Submission { label: label.map(str::to_owned), operation, ..good() };
    let cases = [
        (unknown(None, None), (404, "operation.unknown")),
        (unknown(Some("nowhere"), Some("simpleenroll")), (404, "operation.unknown")),
        (unknown(None, Some("simplereenrol")), (404, "operation.unknown")),
        (Submission { method: Method::Get, ..good() }, (405, "operation.method")),
        (Submission { method: Method::Post, ..cacerts(factory(&world)) }, (405, "operation.method")),
        (Submission { media_type: Some("text/plain"), ..good() }, (415, "body.media-type")),
        (Submission { media_type: None, ..good() }, (415, "body.media-type")),
        (Submission { body: Err(Obstacle::TooLarge), ..good() }, (413, "body.too-large")),
        (Submission { body: Ok(vec![0x30; 65_537]), ..good() }, (413, "body.too-large")),
        (Submission { body: Err(Obstacle::Incomplete), ..good() }, (400, "body.incomplete")),
        (Submission { body: Err(Obstacle::NotAcceptable), ..good() }, (406, "answer.not-acceptable")),
        (Submission { body: Ok(Vec::new()), ..good() }, (400, "body.empty")),
        (Submission { body: Ok(b"MAA=".to_vec()), ..good() }, (400, "csr.not-der")),
    ];
    for (submission, expected) in cases {
        refuses(&world, submission, expected).await;
    }
}

// RFC 9148 §4.8, E-19: a key goes over another transport where its label makes keys, and where the transport is as strong.
#[tokio::test]
async fn e_19_a_key_and_its_certificate_are_delivered_where_keys_are_made() {
    let world = World::with(Setting { server_keys: ServerKeys::InTls, ..Setting::default() });
    assert!(world.desk.offers("serverkeygen") && !world.desk.offers("fullcmc"));
    let asked = |connection| Submission {
        label: Some("meter-ka".to_owned()),
        operation: Some("serverkeygen"),
        ..enrolment(connection, &Csr::new(DEVICE, 40))
    };
    let weak = PeerConnection { cipher_bits: Some(112), ..factory(&world) };
    refuses(&world, asked(weak), (400, "delivery.too-weak")).await;
    let elsewhere = Submission { label: None, ..asked(factory(&world)) };
    refuses(&world, elsewhere, (404, "operation.unknown")).await;
    let answer = world.desk.ask(asked(factory(&world))).await.unwrap();
    let Answer::KeyMade { key: DeliveredKey::Pkcs8(key), certificate, certs_only } = answer else {
        panic!("a key")
    };
    let certificate = Certificate::from_der(&certificate).unwrap();
    assert_eq!(certificate.system_title().unwrap().to_string(), DEVICE);
    let point = certificate.public_key().point();
    let holds = |octets: &[u8], part: &[u8]| octets.windows(part.len()).any(|window| window == part);
    assert!(holds(key.expose(), point) && holds(&certs_only, point));

    let without = World::new();
    assert!(!without.desk.offers("serverkeygen"));
    refuses(&without, asked(factory(&without)), (404, "operation.unknown")).await;
}
