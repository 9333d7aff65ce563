//! Updates of certificates: C-13 and C-14.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation};
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{AttributeTypeAndValue, CertId, OLD_CERT_ID};
use cmp_messages::name::GeneralName;
use cmp_messages::status::PkiFailureInfo;
use der::asn1::{Any, Int};

use crate::client::{Message, cert_conf, kur, proven, request};
use crate::pki::NOW;
use crate::world::{DEVICE, World, certificate};

/// kur of the device that names the certificate to be updated.
fn naming(issuer: &str, serial: &[u8], key: u8) -> PkiBody {
    let name = DistinguishedName::from_attributes(&[(oid::COMMON_NAME, issuer)]).unwrap();
    let old =
        CertId { issuer: GeneralName::directory(&name).unwrap(), serial_number: Int::new(serial).unwrap() };
    let mut wanted = request(DEVICE, key);
    wanted.controls =
        Some(vec![AttributeTypeAndValue { kind: OLD_CERT_ID, value: Any::encode_from(&old).unwrap() }]);
    PkiBody::Kur(vec![proven(&wanted, key)])
}

/// Updates to the key 41, and confirms.
async fn updated(world: &World, enrolled: &[u8]) -> Vec<u8> {
    let message = Message::signed(40, enrolled, kur(DEVICE, 41));
    let (answer, certificate) = world.unconfirmed(&message).await;
    world.ask(&message.after(&answer, cert_conf(&certificate))).await;
    certificate
}

// RFC 9483 §4.1.3: an update MUST be protected by a signature.
#[tokio::test]
async fn c_13_an_update_under_a_mac_is_refused() {
    let world = World::new();
    let message = Message { body: kur(DEVICE, 41), ..world.ir() };
    let answer = world.refuses(&message, (PkiFailureInfo::WrongIntegrity, "protection.mac")).await;
    assert!(answer.protection().is_some(), "the MAC was right");
}

#[tokio::test]
async fn c_13_a_revoked_certificate_is_not_updated() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let revocation = Revocation { time: NOW, reason: ReasonCode::Superseded, invalidity_date: None };
    world.ledger.set_status(&world.id(&enrolled), CertificateStatus::Revoked(revocation));
    let message = Message::signed(40, &enrolled, kur(DEVICE, 41));
    world.refuses(&message, (PkiFailureInfo::CertRevoked, "authn.revoked")).await;
}

#[tokio::test]
async fn c_13_a_certificate_that_was_updated_is_not_updated_again() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let second = updated(&world, &enrolled).await;
    for body in [kur(DEVICE, 42), naming("Grid Operational CA", world.id(&enrolled).serial.octets(), 42)] {
        let message = Message::signed(40, &enrolled, body);
        world.refuses(&message, (PkiFailureInfo::CertRevoked, "request.old-updated")).await;
    }
    certificate(&world.ask(&Message::signed(41, &second, kur(DEVICE, 42))).await);
}

// RFC 9483 §4.1.3: oldCertId names a certificate that the sender holds.
#[tokio::test]
async fn c_13_an_old_certificate_of_another_issuer_or_serial_number_is_refused() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let serial = world.id(&enrolled).serial.octets().to_vec();
    let mut other = serial.clone();
    *other.last_mut().unwrap() ^= 1;
    for (issuer, serial) in
        [("Grid Root", &serial), ("Grid Operational CA", &other), ("Grid Operational CA", &vec![0])]
    {
        let message = Message::signed(40, &enrolled, naming(issuer, serial, 41));
        world.refuses(&message, (PkiFailureInfo::BadCertId, "request.old-certificate")).await;
    }
    let message = Message::signed(40, &enrolled, naming("Grid Operational CA", &serial, 41));
    certificate(&world.ask(&message).await);
}

#[tokio::test]
async fn c_14_what_is_not_confirmed_is_neither_updated_nor_revoked() {
    let world = World::new();
    let request = world.cr();
    let (answer, first) = world.unconfirmed(&request).await;
    let too_soon = (PkiFailureInfo::BadRequest, "renewal.unconfirmed");
    world.refuses(&Message::signed(40, &first, kur(DEVICE, 41)), too_soon).await;
    let rr = Message::signed(40, &first, crate::revocation::rr(&world, &first));
    world.refuses(&rr, (PkiFailureInfo::BadRequest, "revoke.unconfirmed")).await;
    world.ask(&request.after(&answer, cert_conf(&first))).await;
    // Nor is a second update begun before the first is confirmed.
    let update = Message::signed(40, &first, kur(DEVICE, 41));
    let (answer, second) = world.unconfirmed(&update).await;
    world.refuses(&Message::signed(40, &first, kur(DEVICE, 42)), too_soon).await;
    world.refuses(&Message::signed(41, &second, kur(DEVICE, 42)), too_soon).await;
    assert!(matches!(
        world.ask(&update.after(&answer, cert_conf(&second))).await.body(),
        PkiBody::PkiConf(_)
    ));
}

// RFC 9483 §5.2.3: the signature of who is updated is not replaced by another one.
#[tokio::test]
async fn c_13_a_registration_authority_signs_no_update() {
    let world = World::new();
    drop(world.enrolled().await);
    let message = world.by_station(kur(DEVICE, 41));
    world.refuses(&message, (PkiFailureInfo::BadCertId, "request.old-certificate")).await;
}
