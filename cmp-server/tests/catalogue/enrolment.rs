//! What a request for a certificate says and proves: C-11, C-12, C-26 and C-27.

use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{
    AttributeTypeAndValue, CertReqMsg, CertRequest, PopoSigningKey, PopoSigningKeyInput, ProofOfPossession,
    TemplateKey,
};
use cmp_messages::protection::signature_algorithm;
use cmp_messages::status::PkiFailureInfo;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, BitString, Int, Null, OctetString};
use der::{Decode, Encode};
use x509_cert::ext::Extension;

use crate::client::{Message, cr, ir, proven, request, sign, template_key};
use crate::csr::Csr;
use crate::pki::{Wish, named, station};
use crate::world::{DEVICE, OTHER, STATION, Setting, World, certificate};

const BAD_POP: (PkiFailureInfo, &str) = (PkiFailureInfo::BadPop, "request.no-proof");

fn with_proof(proof: Option<ProofOfPossession>) -> PkiBody {
    PkiBody::Cr(vec![CertReqMsg::new(&request(DEVICE, 40), proof).unwrap()])
}

fn by_signature(signature: &[u8]) -> PopoSigningKey {
    PopoSigningKey {
        input: None,
        algorithm: signature_algorithm(ca_core::suite::Curve::P256),
        signature: BitString::from_bytes(signature).unwrap(),
    }
}

// RFC 9483 §4.1.1: the proof of possession is a signature by the key over the request.
#[tokio::test]
async fn c_11_a_proof_that_is_missing_or_no_signature_is_refused() {
    let world = World::new();
    let right = sign(40, &request(DEVICE, 40).to_der().unwrap());
    let (null, by_name) = (Any::encode_from(&Null).unwrap(), Any::new(der::Tag::Null, []).unwrap());
    let input = PopoSigningKeyInput { auth_info: by_name, public_key: null.clone() };
    for proof in [
        None,
        Some(ProofOfPossession::KeyEncipherment(null.clone())),
        Some(ProofOfPossession::KeyAgreement(null)),
        Some(ProofOfPossession::Signature(by_signature(b""))),
        Some(ProofOfPossession::Signature(by_signature(b"no signature"))),
        Some(ProofOfPossession::Signature(PopoSigningKey { input: Some(input), ..by_signature(&right) })),
    ] {
        let message = Message { body: with_proof(proof), ..world.cr() };
        world.refuses(&message, BAD_POP).await;
    }
}

#[tokio::test]
async fn c_11_a_proof_by_another_key_or_over_other_octets_is_refused() {
    let world = World::new();
    let wanted = request(DEVICE, 40);
    let other = request(OTHER, 40);
    for (number, signed) in [(41, &wanted), (30, &wanted), (40, &other)] {
        let signature = by_signature(&sign(number, &signed.to_der().unwrap()));
        let message =
            Message { body: with_proof(Some(ProofOfPossession::Signature(signature))), ..world.cr() };
        world.refuses(&message, (PkiFailureInfo::BadPop, "pop.invalid")).await;
    }
    let weak = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
    let mut signature = by_signature(&sign(40, &wanted.to_der().unwrap()));
    signature.algorithm.oid = weak;
    let message = Message { body: with_proof(Some(ProofOfPossession::Signature(signature))), ..world.cr() };
    world.refuses(&message, (PkiFailureInfo::BadAlg, "protection.algorithm")).await;
    certificate(&world.ask(&world.cr()).await);
}

#[tokio::test]
async fn c_11_the_signature_of_pkcs_10_is_verified() {
    let world = World::new();
    let (csr, other) = (Csr::new(DEVICE, 40), Csr::new(OTHER, 40));
    let forged = csr.der_of(&csr.info(), &other.info());
    let message = Message { body: PkiBody::P10cr(Any::from_der(&forged).unwrap()), ..world.cr() };
    world.refuses(&message, (PkiFailureInfo::BadPop, "pop.invalid")).await;
    let message = Message { body: PkiBody::P10cr(Any::from_der(&csr.der()).unwrap()), ..world.cr() };
    certificate(&world.ask(&message).await);
}

fn ra_verified() -> PkiBody {
    with_proof(Some(ProofOfPossession::RaVerified(Null)))
}

// RFC 9483 §5.1.2: raVerified is the word of a registration authority, and of nobody else.
#[tokio::test]
async fn c_11_an_end_entity_does_not_vouch_for_itself() {
    let world = World::new();
    let refused = (PkiFailureInfo::NotAuthorized, "request.ra-verified");
    world.refuses(&Message { body: ra_verified(), ..world.cr() }, refused).await;
    let message = Message { body: ra_verified(), ..world.ir() };
    world.refuses(&message, refused).await;
    let enrolled = world.enrolled().await;
    world.refuses(&Message::signed(40, &enrolled, ra_verified()), refused).await;
}

// RFC 9810 §4.5: what makes a registration authority is id-kp-cmcRA, and that it is one of those that are served.
#[tokio::test]
async fn c_12_ra_verified_is_taken_from_the_registration_authorities_of_the_owner_only() {
    let world = World::new();
    let infrastructure = &world.pki.infrastructure;
    let mut without = station();
    without.extended_key_usage.as_mut().unwrap().purposes.retain(|one| *one != ca_core::oid::CMC_RA);
    let no_ra = infrastructure.certify(&Wish::new(without, named("Station 1"), STATION));
    let message = Message::signed(STATION, &no_ra, ra_verified());
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "authn.no-device")).await;
    let unknown = infrastructure.certify(&Wish::new(station(), named("Station 2"), STATION));
    let message = Message::signed(STATION, &unknown, ra_verified());
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "authn.ra-unknown")).await;
    // One that a manufacturer certifies speaks for nobody here.
    let foreign = world.pki.manufacturer.certify(&Wish::new(station(), named("Station 1"), STATION));
    let message = Message::signed(STATION, &foreign, ra_verified());
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "authn.ra-unknown")).await;
    certificate(&world.ask(&world.by_station(ra_verified())).await);
}

#[tokio::test]
async fn c_12_a_registration_authority_keeps_to_its_tenant_and_its_titles() {
    let foreign = World::with(&Setting { station_of: "other", ..Setting::default() });
    let message = foreign.by_station(ra_verified());
    foreign.refuses(&message, (PkiFailureInfo::NotAuthorized, "tenant.foreign")).await;
    let narrow = World::with(&Setting { station_prefix: b"XYZ".to_vec(), ..Setting::default() });
    let message = narrow.by_station(ra_verified());
    narrow.refuses(&message, (PkiFailureInfo::NotAuthorized, "ra.scope")).await;
}

fn changed(change: impl FnOnce(&mut CertRequest)) -> PkiBody {
    let mut wanted = request(DEVICE, 40);
    change(&mut wanted);
    PkiBody::Cr(vec![proven(&wanted, 40)])
}

fn attribute(kind: &str) -> AttributeTypeAndValue {
    AttributeTypeAndValue {
        kind: ObjectIdentifier::new_unwrap(kind),
        value: Any::encode_from(&Null).unwrap(),
    }
}

fn asking_for(kind: &str, critical: bool) -> PkiBody {
    changed(|wanted| {
        let (extn_id, extn_value) =
            (ObjectIdentifier::new_unwrap(kind), OctetString::new([0x05, 0x00]).unwrap());
        wanted.cert_template.extensions = Some(vec![Extension { extn_id, critical, extn_value }]);
    })
}

// RFC 9483 §4.1.1: controls and regInfo are not looked past.
#[tokio::test]
async fn c_26_unknown_controls_and_information_are_refused() {
    let world = World::new();
    let bad = (PkiFailureInfo::BadCertTemplate, "request.template");
    let mut informed = proven(&request(DEVICE, 40), 40);
    informed.reg_info = Some(vec![attribute("1.3.6.1.5.5.7.5.2.1")]);
    // regToken, authenticator, protocolEncrKey, nobody's, and an oldCertID outside of kur.
    let controls = ["1.3.6.1.5.5.7.5.1.1", "1.3.6.1.5.5.7.5.1.2", "1.3.6.1.5.5.7.5.1.6", "1.2.3"]
        .into_iter()
        .chain(["1.3.6.1.5.5.7.5.1.5"])
        .map(|kind| changed(|wanted| wanted.controls = Some(vec![attribute(kind)])));
    for body in controls.chain([PkiBody::Cr(vec![informed])]) {
        world.refuses(&Message { body, ..world.cr() }, bad).await;
    }
}

#[tokio::test]
async fn c_26_fields_of_the_template_that_the_authority_decides_are_refused() {
    let world = World::new();
    let bad = (PkiFailureInfo::BadCertTemplate, "request.template");
    let bits = || Some(BitString::from_bytes(&[1]).unwrap());
    for body in [
        changed(|wanted| wanted.cert_template.version = Some(0)),
        changed(|wanted| wanted.cert_template.serial_number = Some(Int::new(&[1]).unwrap())),
        changed(|wanted| {
            wanted.cert_template.signing_alg = Some(signature_algorithm(ca_core::suite::Curve::P256));
        }),
        changed(|wanted| {
            wanted.cert_template.validity = Some(cmp_messages::certificate_request::OptionalValidity {
                not_before: None,
                not_after: None,
            });
        }),
        changed(|wanted| wanted.cert_template.issuer_uid = bits()),
        changed(|wanted| wanted.cert_template.subject_uid = bits()),
    ] {
        world.refuses(&Message { body, ..world.cr() }, bad).await;
    }
}

#[tokio::test]
async fn c_26_extensions_that_are_not_the_profiles_are_refused() {
    let world = World::new();
    for (kind, critical) in [("1.2.3.4", true), ("1.2.3.4", false), ("2.5.29.19", true)] {
        let message = Message { body: asking_for(kind, critical), ..world.cr() };
        world.refuses(&message, (PkiFailureInfo::BadCertTemplate, "csr.extension")).await;
    }
}

#[tokio::test]
async fn a_message_has_one_request_and_its_number_is_0() {
    let world = World::new();
    let one = proven(&request(DEVICE, 40), 40);
    for (body, code) in [
        (PkiBody::Cr(Vec::new()), "request.count"),
        (PkiBody::Cr(vec![one.clone(), one]), "request.count"),
        (changed(|wanted| wanted.cert_req_id = 1), "request.id"),
        (changed(|wanted| wanted.cert_req_id = -1), "request.id"),
    ] {
        world.refuses(&Message { body, ..world.cr() }, (PkiFailureInfo::BadRequest, code)).await;
    }
}

// RFC 9483 §4.1.6: a key of no octets, or none, asks for one that is made by the authority.
#[tokio::test]
async fn c_27_keys_are_not_made_where_that_is_off() {
    let world = World::new();
    let bad = (PkiFailureInfo::BadCertTemplate, "request.key-generation");
    let algorithm = template_key(40).algorithm;
    let no_octets = TemplateKey { algorithm, subject_public_key: BitString::from_bytes(&[]).unwrap() };
    for key in [None, Some(no_octets)] {
        let mut wanted = request(DEVICE, 40);
        wanted.cert_template.public_key = key;
        for proof in [None, Some(ProofOfPossession::RaVerified(Null))] {
            let body = PkiBody::Cr(vec![CertReqMsg::new(&wanted, proof).unwrap()]);
            world.refuses(&Message { body: body.clone(), ..world.cr() }, bad).await;
            world.refuses(&world.by_station(body), bad).await;
        }
    }
}

#[tokio::test]
async fn a_device_asks_for_itself() {
    let world = World::new();
    let message = Message { body: cr(OTHER, 40), ..world.cr() };
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "subject.other")).await;
    let message = Message { body: ir("no device", 40), ..world.cr() };
    world.refuses(&message, (PkiFailureInfo::NotAuthorized, "subject.other")).await;
}
