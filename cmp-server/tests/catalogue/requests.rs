//! How a request for a certificate is written: names, keys and proofs.

use ca_core::certificate::Certificate;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{CertReqMsg, CertTemplate, ProofOfPossession, TemplateKey};
use cmp_messages::general::{CERT_REQ_TEMPLATE, CertReqTemplate};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::revocation::RevDetails;
use cmp_messages::status::PkiFailureInfo;
use der::asn1::{Any, Null};
use der::{Decode, Encode};

use crate::client::{Message, proven, request, sign, template_key};
use crate::csr::Csr;
use crate::octets::{common_name, sequence, tlv};
use crate::world::{DEVICE, PATH, STATION, Setting, World, certificate};

/// What genm tells the device that a request should say.
async fn template(world: &World) -> CertTemplate {
    let asked = PkiBody::Genm(vec![InfoTypeAndValue::empty(CERT_REQ_TEMPLATE)]);
    let answer = world.ask(&Message { body: asked, ..world.cr() }).await;
    let PkiBody::Genp(told) = answer.body() else { panic!("{:?}", answer.body()) };
    told[0].info_value.as_ref().unwrap().decode_as::<CertReqTemplate>().unwrap().cert_template
}

fn asking(template: CertTemplate) -> PkiBody {
    let mut wanted = request(DEVICE, 40);
    wanted.cert_template = CertTemplate { public_key: Some(template_key(40)), ..template };
    PkiBody::Cr(vec![proven(&wanted, 40)])
}

// RFC 9483 §4.3.3: the template says what is required, so that who follows it is granted what he asks for.
#[tokio::test]
async fn a_request_by_the_template_is_granted() {
    for empty_subject in [false, true] {
        let world = World::with(&Setting { empty_subject, ..Setting::default() });
        let body = asking(template(&world).await);
        let issued = certificate(&world.ask(&Message { body, ..world.cr() }).await);
        let issued = Certificate::from_der(&issued).unwrap();
        assert_eq!(issued.system_title().unwrap().to_string(), DEVICE);
    }
}

// RFC 9483 §4.1.1, §4.1.4: where the name stands in subjectAltName alone, the subject is empty, in CRMF and in PKCS#10.
#[tokio::test]
async fn a_name_in_the_alternative_name_alone_goes_with_an_empty_subject() {
    let setting = Setting { empty_subject: true, ..Setting::default() };
    let world = World::with(&setting);
    let wanted = template(&world).await;
    assert_eq!(wanted.subject, None);
    let null_dn = Some(Any::from_der(&[0x30, 0x00]).unwrap());
    let names: Vec<Vec<u8>> =
        wanted.extensions.as_deref().unwrap().iter().map(|one| one.to_der().unwrap()).collect();
    let csr = |subject: &[u8]| {
        let mut csr = Csr::new("", 40).with_extensions(&names);
        csr.subject = subject.to_vec();
        PkiBody::P10cr(Any::from_der(&csr.der()).unwrap())
    };
    for body in [
        asking(wanted.clone()),
        asking(CertTemplate { subject: null_dn, ..wanted.clone() }),
        csr(&[0x30, 0x00]),
    ] {
        let world = World::with(&setting);
        let issued = certificate(&world.ask(&Message { body, ..world.cr() }).await);
        let issued = Certificate::from_der(&issued).unwrap();
        assert!(issued.subject().is_empty());
        assert_eq!(issued.system_title().unwrap().to_string(), DEVICE);
    }
    // A subject that names somebody else beside it.
    let other = common_name("4D504B0000000002");
    for body in [
        asking(CertTemplate { subject: Some(Any::from_der(&other).unwrap()), ..wanted.clone() }),
        csr(&other),
    ] {
        let message = Message { body, ..world.cr() };
        let answer = world.ask(&message).await;
        assert_eq!(crate::world::status_info(&answer).failures(), [PkiFailureInfo::BadCertTemplate]);
    }
}

/// The octets of a message in whose body some octets are others, signed by the key of this number.
fn replaced(message: &Message, number: u8, (octets, by): (&[u8], &[u8])) -> Vec<u8> {
    let body = message.body.to_der().unwrap();
    let at = body.windows(octets.len()).position(|window| window == octets).expect("it is there");
    assert_eq!(octets.len(), by.len(), "no length changes");
    let (header, body) =
        (message.header.to_der().unwrap(), [&body[..at], by, &body[at + octets.len()..]].concat());
    let signature = sign(number, &sequence(&[header.clone(), body.clone()]));
    let protection = tlv(0xA0, &tlv(0x03, &[&[0], &signature[..]].concat()));
    let certificates = tlv(0xA1, &sequence(&message.certificates));
    sequence(&[header, body, protection, certificates])
}

// RFC 9483 §4.1.1: publicKey has its algorithm.
#[tokio::test]
async fn a_public_key_without_its_algorithm_is_no_message() {
    let world = World::new();
    let message = world.cr();
    let key = template_key(40);
    assert_eq!(TemplateKey::from_der(&key.to_der().unwrap()).unwrap(), key);
    // What stands there becomes octets, which say nothing of an algorithm. The template's tag is another than the key's own.
    let right = key.to_der().unwrap()[2..].to_vec();
    let wrong = [&[0x04], &right[1..]].concat();
    let bad = (PkiFailureInfo::BadDataFormat, "message.body");
    world.refuses_octets(PATH, replaced(&message, 30, (&right, &wrong)), bad).await;
}

// RFC 9483 §5.2.3.2: raVerified is NULL.
#[tokio::test]
async fn ra_verified_is_null_and_nothing_else() {
    let proof = ProofOfPossession::RaVerified(Null);
    assert_eq!(proof.to_der().unwrap(), [0x80, 0x00]);
    for octets in [&[0x80, 0x01, 0x00][..], &[0x05, 0x00], &[0xA0, 0x02, 0x05, 0x00]] {
        assert!(ProofOfPossession::from_der(octets).is_err(), "{octets:02X?}");
    }
    let world = World::new();
    let body = PkiBody::Cr(vec![CertReqMsg::new(&request(DEVICE, 40), Some(proof)).unwrap()]);
    certificate(&world.ask(&world.by_station(body)).await);
}

// RFC 9483 §4.2: certDetails is a CertTemplate, with issuer and serialNumber.
#[tokio::test]
async fn what_is_to_be_revoked_is_named_by_a_template() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let PkiBody::Rr(details) = crate::revocation::rr(&world, &enrolled) else { panic!("an rr") };
    let serial = world.id(&enrolled).serial.octets().to_vec();
    let issuer = common_name("Grid Operational CA");
    let template = sequence(&[tlv(0x81, &serial), tlv(0xA3, &issuer)]);
    assert_eq!(details[0].cert_details.to_der().unwrap(), template);
    // A CertId, which other bodies name certificates by, is none.
    let cert_id = sequence(&[tlv(0xA4, &issuer), tlv(0x02, &serial)]);
    assert!(RevDetails::from_der(&sequence(&[cert_id])).is_err());
    let message = world.by_station(PkiBody::Rr(details));
    let (right, mut wrong) = (template.clone(), template);
    wrong[2] = 0x82;
    let bad = (PkiFailureInfo::BadDataFormat, "message.not-der");
    world.refuses_octets(PATH, replaced(&message, STATION, (&right, &wrong)), bad).await;
}
