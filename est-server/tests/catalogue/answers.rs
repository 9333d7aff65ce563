//! What answers look like: E-21, the fields of RFC 7030 and RFC 8951, and the lines of base64.

use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::ports::StatusSource as _;
use ca_core::record::CertificateQuery;
use est_server::wire::base64::LineLength;

use crate::csr::Csr;
use crate::world::{DEVICE, Setting, World, enrol, enrol_at, password, secured, tls};

// RFC 7030 §4.1.3: the root and all between it and the CA; E-21: in a stable order, never empty.
#[tokio::test]
async fn e_21_cacerts_holds_the_root_and_the_path_to_it_for_anybody() {
    let world = World::new();
    for path in ["/.well-known/est/cacerts", "/.well-known/est/meter-ds/cacerts"] {
        let answer = world.send(Request::get(path), tls(), "").await;
        assert_eq!(answer.field("content-type"), "application/pkcs7-mime");
        assert_eq!(answer.field("content-transfer-encoding"), "base64");
        assert_eq!(answer.field("content-length"), answer.body.len().to_string());
        let mut expected = vec![
            world.pki.root.certificate().der().to_vec(),
            world.pki.operational.certificate().der().to_vec(),
        ];
        let mut found = answer.certificates();
        let as_sent = found.clone();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
        let again = world.send(Request::get(path), tls(), "").await;
        assert_eq!(again.certificates(), as_sent);
    }
    assert!(world.memory.events().is_empty(), "a question that is answered leaves no record");
}

#[tokio::test]
async fn each_label_gives_the_certificates_of_its_own_authority() {
    let world = World::new();
    let answer = world.send(Request::get("/.well-known/est/hes-tls/cacerts"), tls(), "").await;
    assert!(answer.certificates().contains(&world.pki.infrastructure.certificate().der().to_vec()));
    assert!(!answer.certificates().contains(&world.pki.operational.certificate().der().to_vec()));
}

// RFC 9110 §9.3.2: HEAD is GET without the content.
#[tokio::test]
async fn cacerts_can_be_asked_for_its_fields_alone() {
    let world = World::new();
    let request = Request::builder().method(Method::HEAD).uri("/.well-known/est/cacerts");
    let answer = world.send(request, tls(), "").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_ne!(answer.field("content-length"), "0");
}

// RFC 7030 §4.2.3: media type with smime-type, and the one certificate.
#[tokio::test]
async fn an_enrolment_is_answered_with_the_one_certificate_and_the_right_fields() {
    let world = World::new();
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let answer = world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body()).await;
    assert_eq!(answer.field("content-type"), "application/pkcs7-mime; smime-type=certs-only");
    assert_eq!(answer.field("content-transfer-encoding"), "base64");
    assert_eq!(answer.field("content-length"), answer.body.len().to_string());
    assert_eq!((answer.certificates().len(), world.memory.rows(), world.signer.calls()), (1, 1, 1));
    // What goes out is, octet for octet, what the ledger holds.
    let sent = STANDARD.decode(answer.body.replace('\n', "")).unwrap();
    let stored = world.memory.certificates(&CertificateQuery::default()).unwrap().remove(0).certificate;
    assert!(sent.windows(stored.len()).any(|window| window == stored));
}

#[tokio::test]
async fn lines_are_as_long_as_the_label_says() {
    for (length, expected) in [(64, Some(64)), (76, Some(76)), (0, None)] {
        let world =
            World::with(Setting { line_length: LineLength::new(length).unwrap(), ..Setting::default() });
        let answer = world.send(Request::get("/.well-known/est/cacerts"), tls(), "").await;
        match expected {
            Some(characters) => {
                assert!(answer.body.ends_with('\n'));
                let lines: Vec<&str> = answer.body.lines().collect();
                let (last, full) = lines.split_last().unwrap();
                assert!(full.iter().all(|line| line.len() == characters) && last.len() <= characters);
            }
            None => assert!(STANDARD.decode(&answer.body).is_ok(), "one line and nothing else"),
        }
    }
}

// RFC 7030 §3.2.2: services are provided with and without a label.
#[tokio::test]
async fn a_label_and_no_label_lead_to_the_same_authority() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let body = Csr::new(DEVICE, 40).body();
    let request = password(enrol_at("/.well-known/est/meter-ds/simpleenroll"), DEVICE, "secret");
    let with = world.send(request, tls(), body.clone()).await;
    let without = world.send(password(enrol("simpleenroll"), DEVICE, "secret"), tls(), body).await;
    assert_eq!(with.certificate(), without.certificate());
}

#[tokio::test]
async fn a_label_opens_its_own_profile() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ka");
    let request = password(enrol_at("/.well-known/est/meter-ka/simpleenroll"), DEVICE, "secret");
    let answer = world.send(request, tls(), Csr::new(DEVICE, 40).body()).await;
    let certificate = ca_core::certificate::Certificate::from_der(&answer.certificate()).unwrap();
    assert!(certificate.key_usage().unwrap().key_agreement());
    let request = password(enrol("simpleenroll"), DEVICE, "secret");
    world.refuses(request, tls(), Csr::new(DEVICE, 41).body(), (403, "profile.other")).await;
}
