//! What the profile chooses to say, and what a requester may wish for: never-issued serial numbers, the end of the archive,
//! preferred algorithms.

use der::Encode;
use der::asn1::AnyRef;
use x509_cert::ext::Extension;

use super::told::{GOOD, Told, UNKNOWN, time};
use super::{World, extension, malformed, request, tlv};
use crate::ocsp::doubles::{DAY, NOW, at, revoked, serial};
use crate::ocsp::{CertStatus, DecodeRequestError, respond, usual_requests};
use crate::oid;
use crate::profile::NeverIssued;
use crate::reason::ReasonCode;
use crate::record::{CertificateStatus, Revocation};
use crate::suite::Curve;

fn extended() -> World {
    let mut world = World::new();
    world.profile = world.profile.saying(NeverIssued::ExtendedRevoked);
    world
}

/// 1970-01-01, certificateHold.
fn on_hold_since_1970() -> Vec<u8> {
    [&tlv(0x18, &[b"19700101000000Z"])[..], &[0xA0, 3, 0x0A, 1, 6]].concat()
}

fn assert_extended(told: &Told) {
    assert_eq!(told.status(), (0xA1, on_hold_since_1970().as_slice()));
    assert!(told.singles[0].extensions.is_empty(), "neither CRL references nor entry extensions");
    assert_eq!(told.extensions, [extension(oid::OCSP_EXTENDED_REVOKE, false, &AnyRef::NULL)]);
}

// RFC 6960 §2.2, §4.4.8: on hold since 1970, nothing added, and the extension that says that this is meant.
#[test]
fn o_01_a_never_issued_serial_is_revoked_in_the_extended_sense_where_the_profile_says_so() {
    let world = extended();
    assert_extended(&world.status(1));
    let (name, key) = world.name_and_key();
    let zero = super::cert_id(oid::SHA_1, &sha1(name), &sha1(key), &[0]);
    assert_extended(&world.answer(&request(&[zero], &[])).unwrap());
    world.put(1, CertificateStatus::Good);
    assert_eq!((world.status(1).status(), world.status(1).extensions), (GOOD, vec![]));
}

fn sha1(octets: &[u8]) -> [u8; 20] {
    use sha1::Digest;
    sha1::Sha1::digest(octets).into()
}

#[test]
fn o_02_a_burned_serial_was_never_issued_and_a_reserved_or_uncertain_one_is_unknown() {
    let world = extended();
    world.put(1, CertificateStatus::Aborted);
    assert_extended(&world.status(1));
    for status in [CertificateStatus::Pending, CertificateStatus::Uncertain { since: at(NOW - 5) }] {
        world.put(1, status);
        assert_eq!((world.status(1).status(), world.status(1).extensions), (UNKNOWN, vec![]));
    }
}

#[test]
fn one_answer_may_say_never_issued_of_one_and_good_of_another_and_carries_the_nonce_too() {
    let world = extended();
    world.put(1, CertificateStatus::Good);
    let asked = [world.cert_id(&serial(1)), world.cert_id(&serial(2))];
    let told = world.answer(&request(&asked, &[super::nonce(32)])).unwrap();
    assert_eq!([told.singles[0].status.0, told.singles[1].status.0], [0x80, 0xA1]);
    let oids: Vec<_> = told.extensions.iter().map(|extension| extension.extn_id).collect();
    assert_eq!(oids, [oid::OCSP_NONCE, oid::OCSP_EXTENDED_REVOKE]);
    let statuses = respond(&world.context(), &world.decode(&request(&asked, &[])).unwrap()).unwrap();
    assert_eq!(statuses.statuses(), [CertStatus::Good, CertStatus::NeverIssued]);
}

// RFC 6960 §4.4.4: the archive cutoff is producedAt less the interval of retention.
#[test]
fn o_18_after_the_archive_cutoff_an_expired_certificate_is_unknown_and_never_good() {
    let mut world = World::new();
    world.profile = world.profile.answering_expired_for(5).unwrap();
    world.put(1, revoked(NOW - 60, ReasonCode::KeyCompromise));
    world.put(2, CertificateStatus::Good);
    // They ended a day after NOW; five days later to the second they are still answered for.
    world.clock.set(NOW + 6 * DAY);
    for (number, status) in [(1, 0xA1), (2, 0x80)] {
        let told = world.status(number);
        assert_eq!(told.status().0, status);
        let [cutoff] = told.singles[0].extensions.as_slice() else { panic!("one extension") };
        assert_eq!((cutoff.extn_id, cutoff.critical), (oid::OCSP_ARCHIVE_CUTOFF, false));
        assert_eq!(time(cutoff.extn_value.as_bytes()), "20261122000000Z", "five days before producedAt");
    }
    world.clock.set(NOW + 6 * DAY + 1);
    for number in [1, 2, 3] {
        assert_eq!(world.status(number).status(), UNKNOWN);
    }
    world.profile = world.profile.saying(NeverIssued::ExtendedRevoked);
    assert_eq!(world.status(1).status(), UNKNOWN, "it was issued");
    assert_extended(&world.status(3));
}

#[test]
fn o_18_the_archive_never_reaches_back_beyond_the_ca() {
    let mut world = World::new();
    world.profile = world.profile.answering_expired_for(36_525).unwrap();
    world.put(1, CertificateStatus::Good);
    let told = world.status(1);
    assert_eq!(
        time(told.singles[0].extensions[0].extn_value.as_bytes()),
        "20260813000000Z",
        "the CA's notBefore"
    );
    assert!(
        world.profile.answering_expired_for(0).is_err()
            && world.profile.answering_expired_for(36_526).is_err()
    );
}

// RFC 6960 §4.4.5: what a CRL says in its entry may stand in singleExtensions.
#[test]
fn o_17_the_invalidity_date_stands_in_single_extensions_beside_the_archive_cutoff() {
    let world = World::new();
    let (time_of, invalidity_date) = (at(NOW - 60), Some(at(NOW - DAY)));
    let revocation = Revocation { time: time_of, reason: ReasonCode::KeyCompromise, invalidity_date };
    world.put(1, CertificateStatus::Revoked(revocation));
    let told = world.status(1);
    assert_eq!(told.singles[0].extension_oids(), [oid::OCSP_ARCHIVE_CUTOFF, oid::INVALIDITY_DATE]);
    assert_eq!(time(told.singles[0].extensions[1].extn_value.as_bytes()), "20261120000000Z");
}

// RFC 5754 §2, RFC 5019 §2.1.1: the octets that clients send; the two with NULL are those of the tests' own encoder.
#[test]
fn the_usual_requests_are_those_that_clients_write() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let [sha1, absent, null] = usual_requests(&world.issuer, &serial(1)).unwrap();
    assert_eq!(sha1, request(&[world.cert_id(&serial(1))], &[]));
    assert_eq!(null, request(&[world.cert_id_sha256(&serial(1))], &[]));
    assert_eq!(absent.len() + 2, null.len());
    for asked in [sha1, absent, null] {
        assert!(asked.len() < 128, "its base64 has less than 255 characters");
        assert_eq!(world.answer(&asked).unwrap().status(), GOOD);
    }
}

/// `PreferredSignatureAlgorithms` with these, the first with its key's algorithm, too.
fn preferring(algorithms: &[const_oid::ObjectIdentifier], critical: bool) -> Extension {
    let one = |oid: &const_oid::ObjectIdentifier| tlv(0x30, &[&oid.to_der().unwrap()]);
    let ec = tlv(0x30, &[&one(&oid::SHA_256), &one(&oid::SHA_1)]);
    let list: Vec<u8> = algorithms.iter().flat_map(|oid| tlv(0x30, &[&one(oid)])).collect();
    let value = tlv(0x30, &[&ec, &list]);
    let oid = oid::OCSP_PREFERRED_SIGNATURE_ALGORITHMS;
    Extension { extn_id: oid, critical, extn_value: der::asn1::OctetString::new(value).unwrap() }
}

// RFC 6960 §4.4.7: whatever is preferred, what is signed with is the algorithm of the CA's suite, and nothing weaker.
#[test]
fn a_preferred_algorithm_is_honoured_where_the_key_can_and_ignored_elsewhere() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let sha1_with_rsa = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
    let ours = Curve::P256.signature_algorithm();
    for preferred in [&[ours][..], &[sha1_with_rsa, ours], &[sha1_with_rsa]] {
        for critical in [false, true] {
            let asked = request(&[world.cert_id(&serial(1))], &[preferring(preferred, critical)]);
            let response = respond(&world.context(), &world.decode(&asked).unwrap()).unwrap();
            // `Told` verifies the signature by the responder's key.
            assert_eq!(Told::from_der(response.der(), &world.responder).status(), GOOD);
            let algorithm = tlv(0x30, &[&ours.to_der().unwrap()]);
            let found = response.der().windows(algorithm.len()).any(|window| window == algorithm);
            assert!(found, "the response is signed with {ours}");
        }
    }
    let broken = extension(oid::OCSP_PREFERRED_SIGNATURE_ALGORITHMS, false, &5_u8);
    let asked = request(&[world.cert_id(&serial(1))], &[broken]);
    assert!(matches!(malformed(&world, &asked), DecodeRequestError::NotDer { .. }));
}

// RFC 6960 §4.4.3: the basic type is what every requester accepts.
#[test]
fn acceptable_response_types_are_read_and_the_basic_one_is_given() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let acceptable =
        |types: Vec<const_oid::ObjectIdentifier>| extension(oid::OCSP_ACCEPTABLE_RESPONSES, true, &types);
    for types in [vec![oid::OCSP_BASIC], vec![oid::SHA_1, oid::OCSP_BASIC], vec![]] {
        let asked = request(&[world.cert_id(&serial(1))], &[acceptable(types)]);
        assert_eq!(world.answer(&asked).unwrap().status(), GOOD);
    }
    let broken = extension(oid::OCSP_ACCEPTABLE_RESPONSES, false, &5_u8);
    let asked = request(&[world.cert_id(&serial(1))], &[broken]);
    assert!(matches!(malformed(&world, &asked), DecodeRequestError::NotDer { .. }));
}
