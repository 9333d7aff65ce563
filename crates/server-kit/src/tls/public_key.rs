//! Finds the public key in a certificate without judging the rest.
//!
//! It is *not* a certificate parser: it checks that the nesting is sound DER and looks at one field. Any extension,
//! critical or not, any name and any validity passes. RFC 5280 §4.1:
//!
//! ```asn1
//! Certificate     ::= SEQUENCE { tbsCertificate TBSCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
//! TBSCertificate  ::= SEQUENCE { version [0] EXPLICIT Version DEFAULT v1, serialNumber INTEGER, signature AlgorithmIdentifier,
//!                                issuer Name, validity Validity, subject Name, subjectPublicKeyInfo SubjectPublicKeyInfo, ... }
//! SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
//! ```

use der::{
    Decode, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, BitStringRef},
};

/// The `SubjectPublicKeyInfo` of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicKey<'a> {
    /// The whole field, tag and length included.
    pub(super) spki: &'a [u8],
    /// The contents of its `AlgorithmIdentifier`, without tag and length.
    pub(super) algorithm: &'a [u8],
    /// The contents of its BIT STRING: for an elliptic curve, the point.
    pub(super) key: &'a [u8],
}

const VERSION: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

impl<'a> PublicKey<'a> {
    /// Finds the key in the DER octets of one certificate.
    ///
    /// # Errors
    /// A DER error with its octet position when this is no certificate or something follows it.
    pub(super) fn of_certificate(certificate: &'a [u8]) -> Result<Self, der::Error> {
        let tbs = AnyRef::from_der(certificate)?.sequence(|fields| {
            let tbs = AnyRef::decode(fields)?;
            sequence(fields)?;
            BitStringRef::decode(fields)?;
            Ok::<_, der::Error>(tbs)
        })?;
        let spki = tbs.sequence(|fields| {
            let mut serial = AnyRef::decode(fields)?;
            if serial.tag() == VERSION {
                serial = AnyRef::decode(fields)?;
            }
            serial.tag().assert_eq(Tag::Integer)?;
            for _signature_issuer_validity_subject in 0..4 {
                sequence(fields)?;
            }
            let spki = fields.tlv_bytes()?;
            while !fields.is_finished() {
                AnyRef::decode(fields)?;
            }
            Ok::<_, der::Error>(spki)
        })?;
        Self::of_spki(spki)
    }

    fn of_spki(spki: &'a [u8]) -> Result<Self, der::Error> {
        AnyRef::from_der(spki)?.sequence(|fields| {
            let algorithm = sequence(fields)?.value();
            let key = BitStringRef::decode(fields)?;
            let key = key.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
            Ok(Self { spki, algorithm, key })
        })
    }
}

fn sequence<'a>(fields: &mut SliceReader<'a>) -> Result<AnyRef<'a>, der::Error> {
    let field = AnyRef::decode(fields)?;
    field.tag().assert_eq(Tag::Sequence)?;
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    fn certificate() -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let certificate =
            CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.der().to_vec(), key)
    }

    #[test]
    fn finds_the_key_of_a_certificate() {
        let (certificate, key) = certificate();
        let found = PublicKey::of_certificate(&certificate).unwrap();
        assert_eq!(found.spki, key.subject_public_key_info());
        assert_eq!(found.key, key.der_bytes());
        assert_eq!(found.algorithm, rustls::pki_types::alg_id::ECDSA_P384.as_ref());
    }

    #[test]
    fn refuses_what_follows_the_certificate() {
        let (mut certificate, _) = certificate();
        certificate.push(0);
        assert!(PublicKey::of_certificate(&certificate).is_err());
    }

    // T-10: hostile lengths and truncations end in an error, at every octet.
    #[test]
    fn refuses_every_truncation() {
        let (certificate, _) = certificate();
        for length in 0..certificate.len() {
            assert!(PublicKey::of_certificate(&certificate[..length]).is_err(), "{length} octets");
        }
    }

    #[test]
    fn survives_every_changed_octet() {
        let (certificate, _) = certificate();
        for place in 0..certificate.len() {
            for value in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = certificate.clone();
                changed[place] = value;
                let _either = PublicKey::of_certificate(&changed).is_ok();
            }
        }
    }

    #[test]
    fn refuses_lengths_beyond_the_input() {
        for hostile in [
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..],
            &[0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0],
            &[0x30, 0x85, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(PublicKey::of_certificate(hostile).is_err());
        }
    }
}
