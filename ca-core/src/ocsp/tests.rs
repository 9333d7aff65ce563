//! The behaviour of OCSP answers, told with a ledger in memory. Responses are taken apart by hand, not with the types that
//! they are written with.

mod choices;
mod told;

use std::sync::atomic::Ordering;

use const_oid::ObjectIdentifier;
use der::Encode;
use der::asn1::AnyRef;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use super::doubles::{
    CertificateParts, DAY, MemoryLedger, MemorySigner, NOW, OWN_SERIAL, SetClock, at, authority,
    authority_key_identifier, extended_key_usage, extension, issuer, key_usage, revoked, serial,
    subject_key_identifier,
};
use super::*;
use crate::issuer::Issuer;
use crate::oid;
use crate::reason::ReasonCode;
use crate::record::{CertificateId, CertificateStatus, Revocation};
use crate::serial_number::SerialNumber;
use crate::suite::Curve;
use told::{GOOD, Told, UNKNOWN, time};

const CA_NAME: &str = "C=ZZ,O=Example Utility,CN=Sub-CA 1";
const CA_KEY: u8 = 7;
const RESPONDER_KEY: u8 = 8;

/// A CA with its ledger, its responder and its clock.
struct World {
    issuer: Issuer,
    responder: ResponderIdentity,
    ledger: MemoryLedger,
    clock: SetClock,
    signer: MemorySigner,
    profile: OcspProfile,
}

impl World {
    fn new() -> Self {
        let issuer = issuer(authority(CA_NAME, CA_KEY, 9, NOW + 1_000 * DAY));
        let mut signer = MemorySigner::default();
        signer.add(RESPONDER_KEY);
        Self {
            responder: ResponderIdentity::new(parts().certificate(), &issuer, at(NOW)).unwrap(),
            issuer,
            ledger: MemoryLedger::default(),
            clock: SetClock::at(NOW),
            signer,
            profile: OcspProfile::new(3_600, 4).unwrap(),
        }
    }

    fn put(&self, number: u64, status: CertificateStatus) {
        let id = CertificateId { issuer: self.issuer.key(), serial: serial(number) };
        self.ledger.put(id, at(NOW + DAY), status);
    }

    fn context(&self) -> OcspContext<'_> {
        OcspContext {
            responder: &self.responder,
            profile: &self.profile,
            clock: &self.clock,
            status: &self.ledger,
            signer: &self.signer,
        }
    }

    fn decode(&self, request: &[u8]) -> Result<OcspRequest, DecodeRequestError> {
        OcspRequest::from_der(request, self.profile.max_requests())
    }

    fn answer(&self, request: &[u8]) -> Result<Told, RespondError> {
        let response = respond(&self.context(), &self.decode(request).unwrap())?;
        let told = Told::from_der(response.der(), &self.responder);
        assert_eq!(told.singles.len(), response.statuses().len());
        Ok(told)
    }

    fn status(&self, number: u64) -> Told {
        self.answer(&request(&[self.cert_id(&serial(number))], &[])).unwrap()
    }

    fn cert_id(&self, serial: &SerialNumber) -> Vec<u8> {
        let (name, key) = self.name_and_key();
        cert_id(oid::SHA_1, &Sha1::digest(name), &Sha1::digest(key), serial.octets())
    }

    fn cert_id_sha256(&self, serial: &SerialNumber) -> Vec<u8> {
        let (name, key) = self.name_and_key();
        cert_id(oid::SHA_256, &Sha256::digest(name), &Sha256::digest(key), serial.octets())
    }

    fn name_and_key(&self) -> (&[u8], &[u8]) {
        (self.issuer.name().der(), self.issuer.certificate().public_key().point())
    }
}

/// The parts of a responder certificate that is as it should be.
fn parts() -> CertificateParts<'static> {
    CertificateParts {
        issuer: CA_NAME,
        subject: "O=Example Utility,CN=OCSP 1",
        issuer_key: CA_KEY,
        subject_key: RESPONDER_KEY,
        serial: serial(5),
        validity: (NOW - DAY, NOW + 14 * DAY),
        extensions: responder_extensions(),
    }
}

fn responder_extensions() -> Vec<Extension> {
    vec![
        key_usage(KeyUsages::DigitalSignature),
        extended_key_usage(&[oid::OCSP_SIGNING]),
        extension(oid::OCSP_NO_CHECK, false, &AnyRef::NULL),
        subject_key_identifier(RESPONDER_KEY),
        authority_key_identifier(CA_KEY),
    ]
}

fn tlv(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let content = contents.concat();
    let mut der = vec![tag];
    match content.len() {
        short @ 0..128 => der.push(u8::try_from(short).unwrap()),
        medium @ 128..256 => der.extend_from_slice(&[0x81, u8::try_from(medium).unwrap()]),
        long => {
            der.push(0x82);
            der.extend_from_slice(&u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    der.extend_from_slice(&content);
    der
}

fn cert_id(hash: ObjectIdentifier, name: &[u8], key: &[u8], serial: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &[&hash.to_der().unwrap(), &[5, 0]]);
    tlv(0x30, &[&algorithm, &tlv(4, &[name]), &tlv(4, &[key]), &tlv(2, &[serial])])
}

fn request(cert_ids: &[Vec<u8>], extensions: &[Extension]) -> Vec<u8> {
    signed_request(cert_ids, extensions, &[])
}

fn signed_request(cert_ids: &[Vec<u8>], extensions: &[Extension], signature: &[u8]) -> Vec<u8> {
    let list: Vec<u8> = cert_ids.iter().flat_map(|cert_id| tlv(0x30, &[cert_id])).collect();
    let extensions: Vec<u8> = match extensions {
        [] => Vec::new(),
        some => tlv(0xA2, &[&some.to_vec().to_der().unwrap()]),
    };
    tlv(0x30, &[&tlv(0x30, &[&tlv(0x30, &[&list]), &extensions]), signature])
}

fn nonce(octets: usize) -> Extension {
    extension(oid::OCSP_NONCE, false, &der::asn1::OctetString::new(vec![0xAB; octets]).unwrap())
}

fn malformed(world: &World, request: &[u8]) -> DecodeRequestError {
    world.decode(request).unwrap_err()
}

// RFC 6960 §2.2: "good" is never said of a certificate that was not issued.
#[test]
fn o_01_never_issued_serial_is_never_good() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    assert_eq!(world.status(1).status(), GOOD);
    assert_eq!(world.status(2).status(), UNKNOWN);
    // Serial numbers that no certificate can have: zero, negative, 21 octets.
    let (name, key) = world.name_and_key();
    for serial in [&[0][..], &[0x80], &[0x11; 21]] {
        let cert_id = cert_id(oid::SHA_1, &Sha1::digest(name), &Sha1::digest(key), serial);
        assert_eq!(world.answer(&request(&[cert_id], &[])).unwrap().status(), UNKNOWN);
    }
}

#[test]
fn o_01_a_serial_of_another_issuers_ledger_is_not_good() {
    let world = World::new();
    let other = issuer(authority("CN=Other", 11, 11, NOW + DAY));
    world.ledger.put(
        CertificateId { issuer: other.key(), serial: serial(1) },
        at(NOW + DAY),
        CertificateStatus::Good,
    );
    assert_eq!(world.status(1).status(), UNKNOWN);
}

#[test]
fn o_02_reserved_and_burned_serials_are_unknown() {
    let world = World::new();
    world.put(1, CertificateStatus::Pending);
    world.put(2, CertificateStatus::Aborted);
    assert_eq!(world.status(1).status(), UNKNOWN);
    assert_eq!(world.status(2).status(), UNKNOWN);
}

#[test]
fn o_03_an_uncertain_serial_is_unknown_until_it_is_revoked() {
    let world = World::new();
    world.put(1, CertificateStatus::Uncertain { since: at(NOW - 5) });
    assert_eq!(world.status(1).status(), UNKNOWN);
    world.put(1, revoked(NOW, ReasonCode::Unspecified));
    assert_eq!(world.status(1).status().0, 0xA1);
}

#[test]
fn o_04_only_certificates_of_our_issuer_are_answered() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let (name, key) = world.name_and_key();
    let (name, key) = (Sha1::digest(name), Sha1::digest(key));
    let ours = world.cert_id(&serial(1));
    let octets = serial(1);
    let foreign = [
        cert_id(oid::SHA_1, &[1; 20], &[2; 20], octets.octets()),
        cert_id(oid::SHA_1, &name, &[2; 20], octets.octets()),
        cert_id(oid::SHA_1, &[1; 20], &key, octets.octets()),
        cert_id(oid::SHA_1, &name[..19], &key, octets.octets()),
        cert_id(oid::SHA_256, &name, &key, octets.octets()),
    ];
    for foreign in &foreign {
        let error = world.answer(&request(core::slice::from_ref(foreign), &[])).err().unwrap();
        assert!(matches!(error, RespondError::ForeignIssuer), "{error}");
        assert_eq!((error.status(), error.fault()), (ErrorStatus::Unauthorized, Fault::Requester));
    }
    let mixed = world.answer(&request(&[foreign[0].clone(), ours], &[])).unwrap();
    assert_eq!([mixed.singles[0].status.0, mixed.singles[1].status.0], [0x82, 0x80]);
    assert_eq!(world.signer.signatures.load(Ordering::SeqCst), 1);
}

// RFC 6960 §4.1.1: the certificate is named in the answer as it was in the request.
#[test]
fn o_05_is_answered_with_the_hash_that_was_asked_with() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    for cert_id in [world.cert_id(&serial(1)), world.cert_id_sha256(&serial(1))] {
        let told = world.answer(&request(core::slice::from_ref(&cert_id), &[])).unwrap();
        assert_eq!((told.status(), &told.singles[0].cert_id), (GOOD, &cert_id));
    }
    let sha512 = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
    let unknown = cert_id(sha512, &[1; 64], &[2; 64], &[1]);
    assert_eq!(
        malformed(&world, &request(&[unknown], &[])),
        DecodeRequestError::HashAlgorithm { algorithm: sha512 }
    );
}

// RFC 9654 §2.1: 0 and more than 128 octets are malformed, 16 to 32 must be accepted.
#[test]
fn o_06_nonces_of_1_to_128_octets_come_back() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let ours = [world.cert_id(&serial(1))];
    for octets in [1, 15, 16, 32, 33, 128] {
        let told = world.answer(&request(&ours, &[nonce(octets)])).unwrap();
        assert_eq!(told.extensions, [nonce(octets)]);
    }
    for octets in [0, 129] {
        assert_eq!(
            malformed(&world, &request(&ours, &[nonce(octets)])),
            DecodeRequestError::NonceLength { octets }
        );
    }
    assert_eq!(
        malformed(&world, &request(&ours, &[nonce(16), nonce(16)])),
        DecodeRequestError::DoubledExtension { oid: oid::OCSP_NONCE }
    );
    let raw = extension(oid::OCSP_NONCE, false, &5_u8);
    assert!(matches!(malformed(&world, &request(&ours, &[raw])), DecodeRequestError::NotDer { .. }));
    assert_eq!(world.answer(&request(&ours, &[])).unwrap().extensions, []);
}

#[test]
fn o_07_a_request_asks_for_as_many_certificates_as_the_profile_says() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let ours = world.cert_id(&serial(1));
    let told = world.answer(&request(&vec![ours.clone(); 4], &[])).unwrap();
    assert_eq!(told.singles.len(), 4);
    for asked in [0, 5, 600] {
        assert_eq!(
            malformed(&world, &request(&vec![ours.clone(); asked], &[])),
            DecodeRequestError::Count { asked, max_requests: 4 }
        );
    }
}

// RFC 6960 §4.1.2: a request may be signed; nothing here depends on it.
#[test]
fn o_09_the_signature_of_a_request_is_ignored() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let algorithm = tlv(0x30, &[&Curve::P256.signature_algorithm().to_der().unwrap()]);
    let signature = tlv(0xA0, &[&tlv(0x30, &[&algorithm, &tlv(3, &[&[0, 1, 2, 3]])])]);
    let signed = signed_request(&[world.cert_id(&serial(1))], &[], &signature);
    assert_eq!(world.answer(&signed).unwrap().status(), GOOD);
    let not_a_signature = tlv(0xA0, &[&[5, 0]]);
    let broken = signed_request(&[world.cert_id(&serial(1))], &[], &not_a_signature);
    assert!(matches!(malformed(&world, &broken), DecodeRequestError::NotDer { .. }));
}

#[test]
fn refuses_octets_that_are_no_request() {
    let world = World::new();
    let ours = [world.cert_id(&serial(1))];
    let whole = request(&ours, &[nonce(16)]);
    for cut in 0..whole.len() {
        assert!(matches!(malformed(&world, &whole[..cut]), DecodeRequestError::NotDer { .. }), "{cut}");
    }
    let mut trailing = whole.clone();
    trailing.push(0);
    assert!(matches!(malformed(&world, &trailing), DecodeRequestError::NotDer { .. }));
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            // Whatever this says, it says it in an orderly way, and is answered "good" never: there is no certificate.
            if let Ok(request) = world.decode(&flipped)
                && let Ok(response) = respond(&world.context(), &request)
            {
                assert_eq!(response.statuses(), [CertStatus::Unknown]);
            }
        }
    }
}

// RFC 6960 §4.1.1: the version is v1(0).
#[test]
fn refuses_another_version() {
    let world = World::new();
    let list = tlv(0x30, &[&tlv(0x30, &[&world.cert_id(&serial(1))])]);
    let of_version = |number: u8| tlv(0x30, &[&tlv(0x30, &[&tlv(0xA0, &[&[2, 1, number]]), &list])]);
    assert!(world.decode(&of_version(0)).is_ok());
    assert_eq!(malformed(&world, &of_version(1)), DecodeRequestError::Version { version: 1 });
}

#[test]
fn reads_serial_numbers_as_der_only() {
    let world = World::new();
    let (name, key) = world.name_and_key();
    for serial in [&[][..], &[0, 1]] {
        let cert_id = cert_id(oid::SHA_1, &Sha1::digest(name), &Sha1::digest(key), serial);
        let error = malformed(&world, &request(&[cert_id], &[]));
        assert!(matches!(error, DecodeRequestError::NotDer { .. }), "{error}");
    }
}

// RFC 6960 §4.1.2: extensions that are not understood are ignored, unless they are critical.
#[test]
fn unknown_extensions_matter_only_when_they_are_critical() {
    let world = World::new();
    let ours = [world.cert_id(&serial(1))];
    let oid = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.7");
    let locator = |critical| extension(oid, critical, &5_u8);
    assert_eq!(world.decode(&request(&ours, &[locator(false)])).unwrap().nonce(), None);
    assert_eq!(
        malformed(&world, &request(&ours, &[locator(true)])),
        DecodeRequestError::CriticalExtension { oid }
    );
}

#[test]
fn o_10_takes_only_a_certificate_that_delegates_answers_and_nothing_else() {
    let issuer = issuer(authority(CA_NAME, CA_KEY, 9, NOW + 1_000 * DAY));
    let made = |parts: CertificateParts<'_>| ResponderIdentity::new(parts.certificate(), &issuer, at(NOW));
    assert!(made(parts()).is_ok());
    let not_issued = Err(ResponderIdentityError::NotIssuedBy { issuer: issuer.key() });
    assert_eq!(made(CertificateParts { issuer: "CN=Sub-CA 1", ..parts() }), not_issued);
    assert_eq!(made(CertificateParts { issuer_key: 9, ..parts() }), not_issued);
    let with = |at: usize, other: Option<Extension>| {
        let mut extensions = responder_extensions();
        extensions.remove(at);
        extensions.extend(other);
        made(CertificateParts { extensions, ..parts() })
    };
    for usage in [
        KeyUsages::DigitalSignature | KeyUsages::KeyAgreement,
        KeyUsages::DigitalSignature | KeyUsages::KeyCertSign,
        KeyUsages::NonRepudiation.into(),
    ] {
        let usage = extension(oid::KEY_USAGE, true, &x509_cert::ext::pkix::KeyUsage(usage));
        assert_eq!(with(0, Some(usage)), Err(ResponderIdentityError::KeyUsage));
    }
    assert_eq!(with(0, None), Err(ResponderIdentityError::KeyUsage));
    for purposes in [&[oid::OCSP_SIGNING, oid::SERVER_AUTH][..], &[oid::CLIENT_AUTH]] {
        assert_eq!(
            with(1, Some(extended_key_usage(purposes))),
            Err(ResponderIdentityError::ExtendedKeyUsage)
        );
    }
    assert_eq!(with(1, None), Err(ResponderIdentityError::ExtendedKeyUsage));
    assert_eq!(with(2, None), Err(ResponderIdentityError::NoNoCheck));
    let odd = extension(oid::OCSP_NO_CHECK, false, &true);
    assert_eq!(with(2, Some(odd)), Err(ResponderIdentityError::NoNoCheck));
    assert_eq!(with(4, None), not_issued);
    assert_eq!(with(4, Some(authority_key_identifier(9))), not_issued);
    for oid in [oid::CRL_DISTRIBUTION_POINTS, oid::AUTHORITY_INFO_ACCESS, oid::SUBJECT_ALT_NAME] {
        let found = with(3, Some(extension(oid, false, &AnyRef::NULL)));
        assert_eq!(found, Err(ResponderIdentityError::Extension { oid }));
    }
    let authority = BasicConstraints { ca: true, path_len_constraint: None };
    let found = with(3, Some(extension(oid::BASIC_CONSTRAINTS, true, &authority)));
    assert_eq!(found, Err(ResponderIdentityError::Extension { oid: oid::BASIC_CONSTRAINTS }));
    for validity in [(NOW + 1, NOW + DAY), (NOW - DAY, NOW - 1)] {
        let found = made(CertificateParts { validity, ..parts() });
        assert!(matches!(found, Err(ResponderIdentityError::NotValid { now, .. }) if now == at(NOW)));
    }
}

#[test]
fn o_10_an_expired_responder_says_try_later() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    for seconds in [NOW + 14 * DAY, NOW + 15 * DAY, NOW - 2 * DAY] {
        world.clock.set(seconds);
        let error = world.answer(&request(&[world.cert_id(&serial(1))], &[])).err().unwrap();
        assert!(
            matches!(error, RespondError::ResponderNotValid { now, .. } if now == at(seconds)),
            "{error}"
        );
        assert_eq!((error.status(), error.fault()), (ErrorStatus::TryLater, Fault::Ours));
    }
    assert_eq!(world.signer.signatures.load(Ordering::SeqCst), 0);
}

// RFC 6960 §2.4, §4.2.2.1: thisUpdate ≤ producedAt ≤ now < nextUpdate.
#[test]
fn o_12_times_are_of_the_clock_and_within_the_responders_life() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    let told = world.status(1);
    let single = &told.singles[0];
    assert_eq!(
        [&told.produced_at, &single.this_update, &single.next_update],
        ["20261121000000Z", "20261121000000Z", "20261121010000Z"]
    );
    world.clock.set(NOW + 14 * DAY - 60);
    let single = &world.status(1).singles[0];
    assert_eq!([&single.this_update, &single.next_update], ["20261204235900Z", "20261205000000Z"]);
}

#[test]
fn o_13_a_ledger_that_does_not_answer_makes_no_status() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.ledger.down.store(true, Ordering::SeqCst);
    let error = world.answer(&request(&[world.cert_id(&serial(1))], &[])).err().unwrap();
    assert_eq!((error.status(), error.code()), (ErrorStatus::TryLater, "unavailable"));
}

#[test]
fn o_16_a_signer_that_does_not_answer_says_try_later() {
    let world = World::new();
    world.put(1, CertificateStatus::Good);
    world.signer.down.store(true, Ordering::SeqCst);
    let error = world.answer(&request(&[world.cert_id(&serial(1))], &[])).err().unwrap();
    assert_eq!(
        (error.status(), error.code(), error.fault()),
        (ErrorStatus::TryLater, "signer.unavailable", Fault::Unavailable)
    );
}

// RFC 6960 §4.2.1: the reason stands in RevokedInfo.
#[test]
fn o_17_the_reason_stands_in_revoked_info_and_nowhere_else() {
    let world = World::new();
    for (number, reason) in (0..).zip(ReasonCode::ALL) {
        world.put(number, revoked(NOW - 60, reason));
        let told = world.status(number);
        let mut revoked_info = tlv(0x18, &[b"20261120235900Z"]);
        if reason != ReasonCode::Unspecified {
            revoked_info.extend_from_slice(&[0xA0, 3, 0x0A, 1, reason.number()]);
        }
        assert_eq!(told.status(), (0xA1, revoked_info.as_slice()));
        assert_eq!(told.singles[0].extension_oids(), [oid::OCSP_ARCHIVE_CUTOFF]);
    }
}

// RFC 6960 §4.4.4: expired certificates are answered, and since when is said.
#[test]
fn o_18_a_revoked_certificate_stays_revoked_after_its_end() {
    let world = World::new();
    world.put(1, revoked(NOW - 60, ReasonCode::KeyCompromise));
    world.put(2, CertificateStatus::Good);
    world.clock.set(NOW + 10 * DAY);
    let told = world.status(1);
    assert_eq!(told.status().0, 0xA1);
    let [cutoff] = told.singles[0].extensions.as_slice() else { panic!("one extension") };
    assert!(cutoff.extn_id == oid::OCSP_ARCHIVE_CUTOFF && !cutoff.critical);
    assert_eq!(time(cutoff.extn_value.as_bytes()), "20260813000000Z", "the CA's notBefore");
    assert_eq!(world.status(2).status(), GOOD);
    assert!(world.status(3).singles[0].extensions.is_empty());
}

#[test]
fn keeps_the_date_of_a_revocation_that_has_an_invalidity_date() {
    let world = World::new();
    let revocation = Revocation {
        time: at(NOW - 60),
        reason: ReasonCode::KeyCompromise,
        invalidity_date: Some(at(NOW - DAY)),
    };
    world.put(1, CertificateStatus::Revoked(revocation));
    assert_eq!(world.status(1).status().1.get(2..17), Some(b"20261120235900Z".as_slice()));
}

// RFC 6960 §4.2.1: an error has no responseBytes.
#[test]
fn errors_are_five_octets_without_signature() {
    let statuses = [
        (ErrorStatus::MalformedRequest, 1),
        (ErrorStatus::InternalError, 2),
        (ErrorStatus::TryLater, 3),
        (ErrorStatus::Unauthorized, 6),
    ];
    for (status, number) in statuses {
        assert_eq!(status.to_der(), [0x30, 3, 0x0A, 1, number], "{}", status.name());
    }
}

#[test]
fn the_serial_number_of_the_ca_itself_is_not_of_its_own_issuing() {
    let world = World::new();
    assert_eq!(world.status(OWN_SERIAL).status(), UNKNOWN);
}
