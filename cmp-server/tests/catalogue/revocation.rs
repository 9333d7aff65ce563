//! Revocation: C-18, C-19 and C-20.

use std::sync::atomic::Ordering;

use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation};
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::CertTemplate;
use cmp_messages::revocation::RevDetails;
use cmp_messages::status::{PkiFailureInfo, PkiStatus};
use const_oid::ObjectIdentifier;
use der::Decode;
use der::asn1::{Any, Int, OctetString};
use x509_cert::ext::Extension;

use crate::client::{Message, cert_conf, cr, template_key};
use crate::doubles::ledger::revocation;
use crate::octets::common_name;
use crate::pki::NOW;
use crate::world::{DEVICE, OTHER, Setting, World, status_info};

const BAD_ID: (PkiFailureInfo, &str) = (PkiFailureInfo::BadCertId, "revoke.not-issued");

fn crl_reason(number: u8) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new_unwrap("2.5.29.21"),
        critical: false,
        extn_value: OctetString::new([0x0A, 0x01, number]).unwrap(),
    }
}

fn details(world: &World, certificate: &[u8]) -> RevDetails {
    let id = world.id(certificate);
    let cert_details = CertTemplate {
        issuer: Some(Any::from_der(&common_name("Grid Operational CA")).unwrap()),
        serial_number: Some(Int::new(id.serial.octets()).unwrap()),
        ..CertTemplate::default()
    };
    RevDetails { cert_details, crl_entry_details: Some(vec![crl_reason(1)]) }
}

/// rr of a certificate, whose key is compromised.
pub(crate) fn rr(world: &World, certificate: &[u8]) -> PkiBody {
    PkiBody::Rr(vec![details(world, certificate)])
}

// RFC 9483 §4.2: the holder revokes his certificate, once, and the repetition of his message changes nothing.
#[tokio::test]
async fn the_holder_revokes_his_certificate() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let message = Message::signed(40, &enrolled, rr(&world, &enrolled));
    assert_eq!(status_info(&world.ask(&message).await).status(), Some(PkiStatus::Accepted));
    let expected = Revocation { time: NOW, reason: ReasonCode::KeyCompromise, invalidity_date: None };
    assert_eq!(revocation(world.row(&enrolled).status), Some(expected));
    assert_eq!(world.told.load(Ordering::SeqCst), 1, "a CRL is made soon");
    world.ask(&message).await;
    let revoked = world.ledger.acts().into_iter().filter(|act| *act == Act::CertificateRevoked).count();
    assert_eq!((revoked, world.told.load(Ordering::SeqCst)), (1, 1));
}

// CVE-2021-40088: a revocation without the check of tenancy that enrolment had.
#[tokio::test]
async fn c_18_nobody_revokes_for_another_tenant_or_device() {
    let foreign = World::with(&Setting { station_of: "other", ..Setting::default() });
    let enrolled = foreign.enrolled().await;
    let not_entitled = (PkiFailureInfo::NotAuthorized, "revoke.not-entitled");
    foreign.refuses(&foreign.by_station(rr(&foreign, &enrolled)), not_entitled).await;
    let narrow = World::with(&Setting { station_prefix: b"XYZ".to_vec(), ..Setting::default() });
    let enrolled = narrow.enrolled().await;
    narrow.refuses(&narrow.by_station(rr(&narrow, &enrolled)), not_entitled).await;
    // The factory certificate of the same device, and any certificate of another one.
    let by_factory = Message::signed(30, &narrow.factory(DEVICE, 30), rr(&narrow, &enrolled));
    narrow.refuses(&by_factory, not_entitled).await;
    let other = Message::signed(31, &narrow.factory(OTHER, 31), cr(OTHER, 41));
    let (answer, certificate) = narrow.unconfirmed(&other).await;
    narrow.ask(&other.after(&answer, cert_conf(&certificate))).await;
    narrow.refuses(&Message::signed(41, &certificate, rr(&narrow, &enrolled)), not_entitled).await;
}

#[tokio::test]
async fn c_18_a_revocation_is_signed() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let message = Message { body: rr(&world, &enrolled), ..world.ir() };
    world.refuses(&message, (PkiFailureInfo::WrongIntegrity, "protection.mac")).await;
}

// RFC 9483 §4.2: issuer and serial number name the certificate; RFC 4211 §5: what else is said of it must be so.
#[tokio::test]
async fn c_19_a_revocation_that_does_not_name_one_certificate_of_ours_is_refused() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let right = details(&world, &enrolled);
    let issued_by_root = Certificate::from_der(world.pki.operational.certificate().der()).unwrap();
    let with = |change: &dyn Fn(&mut CertTemplate)| {
        let mut details = right.clone();
        change(&mut details.cert_details);
        PkiBody::Rr(vec![details])
    };
    let number = |octets: &[u8]| Some(Int::new(octets).unwrap());
    for body in [
        with(&|one| one.issuer = None),
        with(&|one| one.serial_number = None),
        with(&|one| one.issuer = Some(Any::from_der(&common_name("Grid Root")).unwrap())),
        with(&|one| one.issuer = Some(Any::from_der(&[0x30, 0x00]).unwrap())),
        with(&|one| one.serial_number = number(&[0x42, 0x99])),
        with(&|one| one.serial_number = number(&[0])),
        with(&|one| one.serial_number = number(&[0xFF])),
        with(&|one| one.serial_number = number(issued_by_root.serial().octets())),
        with(&|one| one.public_key = Some(template_key(41))),
    ] {
        world.refuses(&world.by_station(body), BAD_ID).await;
    }
    let right = with(&|one| one.public_key = Some(template_key(40)));
    let answer = world.ask(&world.by_station(right)).await;
    assert_eq!(status_info(&answer).status(), Some(PkiStatus::Accepted));
}

#[tokio::test]
async fn c_19_a_revocation_has_one_reason_that_is_known_and_one_element() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let because = |extensions: Vec<Extension>| {
        let right = details(&world, &enrolled);
        PkiBody::Rr(vec![RevDetails { crl_entry_details: Some(extensions), ..right }])
    };
    let other = Extension { extn_id: ObjectIdentifier::new_unwrap("1.2.3"), ..crl_reason(1) };
    let long = Extension { extn_value: OctetString::new([0x0A, 0x02, 0, 1]).unwrap(), ..crl_reason(1) };
    for extensions in [
        vec![crl_reason(1), crl_reason(4)],
        vec![crl_reason(1), crl_reason(8)],
        vec![crl_reason(7)],
        vec![crl_reason(11)],
        vec![crl_reason(1), other.clone()],
        vec![other],
        vec![long],
    ] {
        let message = world.by_station(because(extensions));
        world.refuses(&message, (PkiFailureInfo::BadRequest, "revoke.reason")).await;
    }
    let one = details(&world, &enrolled);
    for body in [PkiBody::Rr(Vec::new()), PkiBody::Rr(vec![one.clone(), one])] {
        world.refuses(&world.by_station(body), (PkiFailureInfo::BadRequest, "request.count")).await;
    }
}

#[tokio::test]
async fn c_20_what_is_revoked_stays_revoked_as_it_was() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    world.ask(&world.by_station(rr(&world, &enrolled))).await;
    let first = revocation(world.row(&enrolled).status).unwrap();
    world.pass(60);
    let again = RevDetails { crl_entry_details: Some(vec![crl_reason(4)]), ..details(&world, &enrolled) };
    let message = world.by_station(PkiBody::Rr(vec![again.clone()]));
    let revoked = (PkiFailureInfo::CertRevoked, "revoke.already");
    world.refuses(&message, revoked).await;
    world.refuses(&Message::signed(40, &enrolled, PkiBody::Rr(vec![again])), revoked).await;
    assert_eq!(revocation(world.row(&enrolled).status), Some(first));
}

fn because(world: &World, certificate: &[u8], reason: u8) -> PkiBody {
    let crl_entry_details = Some(vec![crl_reason(reason)]);
    PkiBody::Rr(vec![RevDetails { crl_entry_details, ..details(world, certificate) }])
}

const HOLD: u8 = 6;
const RELEASE: u8 = 8;

async fn accepts(world: &World, message: &Message) {
    let told = status_info(&world.ask(message).await);
    // RFC 9483 §4.2: failInfo MUST be absent if the status is accepted.
    assert_eq!((told.status(), told.fail_info), (Some(PkiStatus::Accepted), None));
}

// RFC 9483 §4.2: the reason is one of RFC 5280 §5.3.1, certificateHold and removeFromCRL among them. A station that may have a
// certificate may have it held and released, as often as it asks anew.
#[tokio::test]
async fn a_station_puts_a_certificate_on_hold_and_releases_it() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    for turn in 1..=2 {
        accepts(&world, &world.by_station(because(&world, &enrolled, HOLD))).await;
        let held = revocation(world.row(&enrolled).status).unwrap();
        assert_eq!((held.time, held.reason), (NOW, ReasonCode::CertificateHold));
        accepts(&world, &world.by_station(because(&world, &enrolled, RELEASE))).await;
        assert_eq!(world.row(&enrolled).status, CertificateStatus::Good);
        assert_eq!(world.told.load(Ordering::SeqCst), 2 * turn, "a CRL is made soon after each");
    }
    let refused = (PkiFailureInfo::BadRequest, "revoke.not-on-hold");
    world.refuses(&world.by_station(because(&world, &enrolled, RELEASE)), refused).await;
    accepts(&world, &world.by_station(because(&world, &enrolled, HOLD))).await;
    accepts(&world, &world.by_station(rr(&world, &enrolled))).await;
    let revoked = (PkiFailureInfo::CertRevoked, "revoke.already");
    world.refuses(&world.by_station(because(&world, &enrolled, RELEASE)), revoked).await;
}

// A stolen meter has its key. It may put itself on hold, and nothing that it signs then undoes that or asks for anything.
#[tokio::test]
async fn a_device_puts_itself_on_hold_and_its_key_is_good_for_nothing_then() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let by_itself = |reason| Message::signed(40, &enrolled, because(&world, &enrolled, reason));
    accepts(&world, &by_itself(HOLD)).await;
    let not_entitled = (PkiFailureInfo::NotAuthorized, "revoke.not-entitled");
    world.refuses(&by_itself(RELEASE), not_entitled).await;
    let revoked = (PkiFailureInfo::CertRevoked, "revoke.already");
    for reason in [HOLD, 1] {
        world.refuses(&by_itself(reason), revoked).await;
    }
    let shown = (PkiFailureInfo::CertRevoked, "authn.revoked");
    world.refuses(&Message::signed(40, &enrolled, cr(DEVICE, 41)), shown).await;
    assert_eq!(revocation(world.row(&enrolled).status).unwrap().reason, ReasonCode::CertificateHold);
    accepts(&world, &world.by_station(because(&world, &enrolled, RELEASE))).await;
    assert!(matches!(world.row(&enrolled).status, CertificateStatus::Good));
}
