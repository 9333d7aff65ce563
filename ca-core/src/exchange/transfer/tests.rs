//! CMP messages as requests: one made here by the standard, and one made by the client of OpenSSL.

use der::asn1::BitStringRef;

use super::*;
use crate::distinguished_name::DistinguishedName;
use crate::exchange::certification_request;
use crate::exchange::message::encode_time;
use crate::ocsp::doubles::{MemorySigner, NOW, at};
use crate::oid;
use crate::ports::Signer;
use crate::public_key::PublicKey;

const SUB: u8 = 1;
const STRANGER: u8 = 4;

/// What a message leaves out or does otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    OldVersion,
    NoTime,
    NoTransaction,
    ShortNonce,
    NoProfile,
    TwoProfiles,
    NoProtection,
    OtherKey,
}

struct World {
    signer: MemorySigner,
    key: PublicKey,
    stranger: PublicKey,
}

impl World {
    fn new() -> Self {
        let mut signer = MemorySigner::default();
        let (key, stranger) = (signer.add(SUB), signer.add(STRANGER));
        Self { signer, key, stranger }
    }

    fn csr(&self) -> CertificationRequest {
        let parts = [(oid::ORGANIZATION_NAME, "Example Utility"), (oid::COMMON_NAME, "Sub-CA 1")];
        let subject = DistinguishedName::from_attributes(&parts).unwrap();
        certification_request(&subject, &self.key.key_ref(), &self.signer).unwrap()
    }

    /// RFC 9810 §5.1.3: what is protected is header and body as a SEQUENCE.
    fn message(&self, flaw: Flaw) -> Vec<u8> {
        let csr = self.csr();
        let sender = [0xA4, 2, 0x30, 0];
        let octets = |octets: &'static [u8]| OctetStringRef::new(octets).ok();
        let mut profiles = vec!["sub-operational-s1".to_owned()];
        if flaw == Flaw::TwoProfiles {
            profiles.push("root-s1".to_owned());
        }
        let profiles = profiles.to_der().unwrap();
        let info = InfoTypeAndValue {
            info_type: CERT_PROFILE,
            info_value: Some(AnyRef::from_der(&profiles).unwrap()),
        };
        let algorithm =
            AlgorithmIdentifierRef { oid: self.key.curve().signature_algorithm(), parameters: None };
        let header = Header {
            version: if flaw == Flaw::OldVersion { 1 } else { 2 },
            sender: AnyRef::from_der(&sender).unwrap(),
            recipient: AnyRef::from_der(&sender).unwrap(),
            message_time: (flaw != Flaw::NoTime).then(|| encode_time(at(NOW)).unwrap()),
            protection_algorithm: Some(algorithm),
            sender_key: None,
            recipient_key: None,
            transaction: if flaw == Flaw::NoTransaction { None } else { octets(&[7; 16]) },
            sender_nonce: if flaw == Flaw::ShortNonce { octets(&[8; 15]) } else { octets(&[8; 16]) },
            recipient_nonce: None,
            free_text: None,
            general_info: (flaw != Flaw::NoProfile).then(|| vec![info]),
        };
        let mut message = Message {
            header,
            request: AnyRef::from_der(csr.der()).unwrap(),
            protection: None,
            extra_certs: None,
        };
        // Without protection, the content of the message is what is protected.
        let covered = message.to_der().unwrap();
        let key = if flaw == Flaw::OtherKey { &self.stranger } else { &self.key };
        let signature = self.signer.sign(&key.key_ref(), &covered).unwrap().to_der().unwrap();
        if flaw != Flaw::NoProtection {
            message.protection = Some(BitStringRef::from_bytes(&signature).unwrap());
        }
        message.to_der().unwrap()
    }

    fn refused(&self, flaw: Flaw) -> &'static str {
        SubordinateRequest::from_der(&self.message(flaw)).expect_err("it is refused").code()
    }
}

#[test]
fn a_p10cr_that_says_all_is_a_request() {
    let world = World::new();
    let der = world.message(Flaw::None);
    let request = SubordinateRequest::from_file(&der).unwrap();
    assert_eq!(request.nonce().octets(), [[7; 16], [8; 16]].as_flattened());
    assert_eq!(
        (request.created(), request.profile().to_string()),
        (at(NOW), "sub-operational-s1".to_owned())
    );
    assert_eq!(request.csr().der(), world.csr().der());
    assert_eq!(request.subject(), world.csr().subject());
    // As text it is kept, and read as what it was.
    let kept = SubordinateRequest::from_file(request.to_text().unwrap().as_bytes()).unwrap();
    assert_eq!((kept.der(), kept.digest()), (request.der(), request.digest()));
}

// RFC 9810 §5.1.1: cmp1999 is not spoken. RFC 9483 §3.1: transactionID and senderNonce. RFC 9810 §5.1.1.4: certProfile.
#[test]
fn what_cmp_would_let_out_is_refused() {
    let world = World::new();
    assert_eq!(world.refused(Flaw::OldVersion), "exchange.version");
    for flaw in [Flaw::NoTime, Flaw::NoTransaction, Flaw::ShortNonce, Flaw::NoProtection] {
        assert_eq!(world.refused(flaw), "exchange.malformed");
    }
    assert_eq!(world.refused(Flaw::NoProfile), "exchange.profile");
    assert_eq!(world.refused(Flaw::TwoProfiles), "exchange.profile");
}

// RFC 9810 §5.1.3: the protection is verified.
#[test]
fn r_08_a_p10cr_signed_by_another_key_or_altered_in_any_octet_is_refused() {
    let world = World::new();
    assert_eq!(world.refused(Flaw::OtherKey), "exchange.signature");
    let der = world.message(Flaw::None);
    for place in 0..der.len() {
        let mut altered = der.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(SubordinateRequest::from_der(&altered).is_err(), "octet {place}");
    }
}

/// `openssl cmp -cmd p10cr -csr request -cert self-signed -key key -reqout FILE` of OpenSSL 3.0.19, whose client cannot name a
/// profile yet: it is refused for that alone, after its protection was verified.
#[test]
fn a_message_of_openssl_is_read_and_lacks_its_profile() {
    let der = include_bytes!("../../../../tests/vectors/cmp/openssl-p10cr.pki");
    assert!(is_transfer(der));
    let error = SubordinateRequest::from_der(der).expect_err("it names no profile");
    assert_eq!(error, RequestError::Profile);
    let mut altered = der.to_vec();
    let last = altered.len() - 250;
    altered[last] ^= 1;
    assert_ne!(SubordinateRequest::from_der(&altered).expect_err("it was altered"), RequestError::Profile);
}
