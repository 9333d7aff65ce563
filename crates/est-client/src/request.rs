//! The certification request of a client (RFC 2986): subject, key, and what the server told it to ask for.

use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{certification_request_asking, key_request_asking};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::Signer;
use const_oid::db::rfc5911::ID_AES_256_WRAP;
use der::asn1::{Any, OctetString, SetOfVec, Utf8StringRef};
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;

use crate::error::EstError;

/// What a request says beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContent {
    /// The subject.
    pub subject: DistinguishedName,
    /// Extensions to ask for; none leaves the attribute out.
    pub extensions: Vec<Extension>,
    /// challengePassword: the channel binding, or an enrolment code.
    pub challenge_password: Option<String>,
}

/// Makes a request and signs it; returns its DER.
///
/// # Errors
/// [`EstError::NotMade`], and [`EstError::Encode`] for what cannot be written.
pub fn request(content: &RequestContent, key: &KeyRef, signer: &dyn Signer) -> Result<Vec<u8>, EstError> {
    let made = certification_request_asking(&content.subject, attributes(content)?, key, signer)?;
    Ok(made.der().to_vec())
}

/// Makes a request for a key that the server makes and encrypts to another key of the client, whose certificate has this
/// subject key identifier (RFC 7030 §4.4.1.2). The key of the request signs it and is then ignored.
///
/// # Errors
/// As [`request`].
pub fn key_request(
    content: &RequestContent,
    identifier: &[u8],
    key: &KeyRef,
    signer: &dyn Signer,
) -> Result<Vec<u8>, EstError> {
    let mut all = attributes(content)?;
    let mut ask = |oid, value| -> der::Result<()> {
        all.push(Attribute { oid, values: SetOfVec::try_from(vec![value])? });
        Ok(())
    };
    ask(oid::ASYMMETRIC_DECRYPT_KEY_ID, Any::encode_from(&OctetString::new(identifier)?)?)?;
    // RFC 7030 §4.4.1: what the client can decrypt. Each capability is a SEQUENCE of its identifier.
    ask(oid::SMIME_CAPABILITIES, Any::encode_from(&vec![vec![ID_AES_256_WRAP]])?)?;
    Ok(key_request_asking(&content.subject, all, key, signer)?)
}

fn attributes(content: &RequestContent) -> Result<Vec<Attribute>, EstError> {
    let mut all = Vec::new();
    if let Some(text) = &content.challenge_password {
        // RFC 2985 §5.4.1: a DirectoryString, here UTF8String.
        let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
        all.push(Attribute { oid: oid::CHALLENGE_PASSWORD, values: SetOfVec::try_from(vec![value])? });
    }
    if !content.extensions.is_empty() {
        let value = Any::encode_from(&content.extensions)?;
        all.push(Attribute { oid: oid::EXTENSION_REQUEST, values: SetOfVec::try_from(vec![value])? });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::csr::CertificationRequest;
    use ca_core::suite::Curve;
    use client_kit::FileKey;
    use der::asn1::OctetString;

    #[test]
    fn a_request_says_what_it_was_told_and_proves_possession() {
        for curve in [Curve::P256, Curve::P384] {
            let key = FileKey::generate(curve).unwrap();
            let usage = Extension {
                extn_id: oid::KEY_USAGE,
                critical: true,
                extn_value: OctetString::new([0x03, 0x02, 0x07, 0x80]).unwrap(),
            };
            let content = RequestContent {
                subject: DistinguishedName::from_attributes(&[(oid::COMMON_NAME, "4D504B0000000001")])
                    .unwrap(),
                extensions: vec![usage.clone()],
                challenge_password: Some("bound".to_owned()),
            };
            let der = request(&content, &key.public().key_ref(), &key).unwrap();
            let read = CertificationRequest::from_der(&der).unwrap();
            assert!(read.prove_possession().is_ok() && read.leniencies().is_empty());
            assert_eq!((read.subject(), read.public_key()), (&content.subject, key.public()));
            assert_eq!(
                (read.requested_extensions(), read.challenge_password()),
                (&[usage][..], Some("bound"))
            );
        }
    }

    // RFC 2986 §4.1: the attributes field is there, though empty.
    #[test]
    fn a_request_that_asks_for_nothing_has_empty_attributes() {
        let key = FileKey::generate(Curve::P256).unwrap();
        let content = RequestContent {
            subject: DistinguishedName::empty(),
            extensions: Vec::new(),
            challenge_password: None,
        };
        let der = request(&content, &key.public().key_ref(), &key).unwrap();
        assert_eq!(CertificationRequest::from_der(&der).unwrap().leniencies(), []);
    }
}
