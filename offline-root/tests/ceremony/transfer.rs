//! A sub-CA of somebody else asks by a CMP message in a file (RFC 9483 §6.4.1): it is signed like any other request.

use std::fs;

use ca_core::exchange::SubordinateRequest;
use ca_core::ports::Signer;
use ca_core::suite::Curve;

use crate::harness::{Place, SubCa, TIME};

/// One DER element of these parts.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ 0..=127) => der.push(length),
        Ok(length) => der.extend([0x81, length]),
        Err(_) => {
            der.push(0x82);
            der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    der.extend(content);
    der
}

/// A p10cr message (RFC 9810 §5.1), signed by the key of its certification request.
fn p10cr(sub_ca: &SubCa, profile: &str) -> Vec<u8> {
    let csr = sub_ca.request(profile).csr().der().to_vec();
    let nobody = tlv(0xA4, &[&tlv(0x30, &[])]);
    let ecdsa_with_sha256 = [0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    let id_it_cert_profile = [0x06, 8, 0x2B, 6, 1, 5, 5, 7, 4, 21];
    let profiles = tlv(0x30, &[&tlv(0x0C, &[profile.as_bytes()])]);
    let header = tlv(
        0x30,
        &[
            &tlv(0x02, &[&[2]]),
            &nobody,
            &nobody,
            &tlv(0xA0, &[&tlv(0x18, &[b"20261121100000Z"])]),
            &tlv(0xA1, &[&tlv(0x30, &[&ecdsa_with_sha256])]),
            &tlv(0xA4, &[&tlv(0x04, &[&[7; 16]])]),
            &tlv(0xA5, &[&tlv(0x04, &[&[8; 16]])]),
            &tlv(0xA8, &[&tlv(0x30, &[&tlv(0x30, &[&id_it_cert_profile, &profiles])])]),
        ],
    );
    let body = tlv(0xA4, &[&csr]);
    let covered = tlv(0x30, &[&header, &body]);
    let signature = sub_ca.sign(&sub_ca.key().key_ref(), &covered).unwrap().to_der().unwrap();
    let protection = tlv(0xA0, &[&tlv(0x03, &[&[0], &signature])]);
    tlv(0x30, &[&header, &body, &protection])
}

#[test]
fn a_cmp_message_is_signed_like_any_other_request_and_once() {
    let place = Place::with_root("1");
    let message = p10cr(&SubCa::new(Curve::P256), "sub-operational-s1");
    fs::write(place.path("request"), &message).unwrap();
    let shown = place.run(["--json", "show", "request"]).ok().json();
    assert_eq!(shown["kind"], "Request for a certificate of a subordinate CA");
    place.sign_file(TIME).ok();
    let request = SubordinateRequest::from_der(&message).unwrap();
    let accepted = place.accept(&request);
    assert_eq!(accepted.certificate.public_key(), request.csr().public_key());
    place.verify().ok();
    fs::remove_file(place.path("response")).unwrap();
    place.sign_file(TIME).refused(7, "exchange.answered");
}

#[test]
fn r_08_an_altered_cmp_message_is_refused() {
    let place = Place::with_root("1");
    let mut message = p10cr(&SubCa::new(Curve::P256), "sub-operational-s1");
    let at = message.windows(4).position(|octets| octets == b"2026").unwrap();
    message[at + 3] = b'7';
    fs::write(place.path("request"), &message).unwrap();
    place.sign_file(TIME).refused(4, "exchange.signature");
}

#[test]
fn a_cmp_message_of_openssl_lacks_its_profile_and_is_refused_for_that() {
    let place = Place::with_root("1");
    fs::write(place.path("request"), include_bytes!("../../../tests/vectors/cmp/openssl-p10cr.pki")).unwrap();
    place.sign_file(TIME).refused(4, "exchange.profile");
}
