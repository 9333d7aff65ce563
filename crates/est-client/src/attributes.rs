//! What a server says of the requests it wants: `/csrattrs` (RFC 8951 §4, RFC 9908 §3).
//!
//! The template is followed where there is one, and nothing beside it (RFC 9908 §4); otherwise the list. What is not known is
//! not looked at (RFC 7030 §4.5.2).

use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::suite::Curve;
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::ID_EC_PUBLIC_KEY;
use der::asn1::{Any, AnyRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::error::EstError;

const REQUEST_TEMPLATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.61");

/// What a server wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsrAttributes {
    /// The curve of the key.
    pub curve: Option<Curve>,
    /// Whether challengePassword is wanted.
    pub challenge_password: bool,
    /// The subject, where the server names it whole.
    pub subject: Option<DistinguishedName>,
    /// The extensions whose values the server names.
    pub extensions: Vec<Extension>,
}

/// An attribute as this answer has them: the set of values may be empty (RFC 9908 §3.2).
#[derive(Sequence)]
struct Attribute {
    kind: ObjectIdentifier,
    values: Any,
}

impl CsrAttributes {
    /// Reads an answer; empty octets are the answer of a server that wants nothing.
    ///
    /// # Errors
    /// [`EstError::Answer`] for other DER.
    pub fn from_der(octets: &[u8]) -> Result<Self, EstError> {
        read(octets).map_err(|_| EstError::Answer("it is not DER of CSR attributes"))
    }
}

fn read(octets: &[u8]) -> der::Result<CsrAttributes> {
    let mut told = CsrAttributes::default();
    if octets.is_empty() {
        return Ok(told);
    }
    for element in Vec::<Any>::from_der(octets)? {
        if element.tag() == Tag::ObjectIdentifier {
            note_oid(element.decode_as()?, &mut told);
            continue;
        }
        let attribute: Attribute = element.decode_as()?;
        if attribute.kind == REQUEST_TEMPLATE {
            return template(&only(&attribute)?);
        }
        note(&attribute, &mut told)?;
    }
    Ok(told)
}

fn note_oid(kind: ObjectIdentifier, told: &mut CsrAttributes) {
    told.challenge_password |= kind == oid::CHALLENGE_PASSWORD;
    told.curve = told.curve.or_else(|| Curve::from_signature_algorithm(kind));
}

fn note(attribute: &Attribute, told: &mut CsrAttributes) -> der::Result<()> {
    match attribute.kind {
        oid::CHALLENGE_PASSWORD => told.challenge_password = true,
        // RFC 9908 §3.2: exactly one element, of type Extensions. The example of RFC 7030 §4.5.2 has something else in it.
        oid::EXTENSION_REQUEST => told.extensions = only(attribute)?.decode_as().unwrap_or_default(),
        ID_EC_PUBLIC_KEY if !attribute.values.value().is_empty() => {
            told.curve = curve(only(attribute)?.decode_as()?);
        }
        _ => {}
    }
    Ok(())
}

/// The one value of an attribute.
fn only(attribute: &Attribute) -> der::Result<Any> {
    Any::from_der(attribute.values.value())
}

fn curve(named: ObjectIdentifier) -> Option<Curve> {
    [Curve::P256, Curve::P384].into_iter().find(|curve| curve.oid() == named)
}

const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// RFC 9908 §3.4: version, and then what there is of subject, key and attributes.
fn template(template: &Any) -> der::Result<CsrAttributes> {
    let mut told = CsrAttributes::default();
    let mut reader = SliceReader::new(template.value())?;
    let _version: u8 = reader.decode()?;
    while !reader.is_finished() {
        let field: AnyRef<'_> = reader.decode()?;
        if field.tag() == Tag::Sequence {
            // A name with attributes that the client fills in is not one.
            told.subject = DistinguishedName::from_der(&field.to_der()?).ok();
        } else if field.tag() == context(0) {
            let algorithm: AlgorithmIdentifierOwned = SliceReader::new(field.value())?.decode()?;
            told.curve = algorithm.parameters.and_then(|named| curve(named.decode_as().ok()?));
        } else if field.tag() == context(1) {
            let mut attributes = SliceReader::new(field.value())?;
            while !attributes.is_finished() {
                note(&attributes.decode()?, &mut told)?;
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7030 §4.5.2: its own example: challengePassword, P-384, a MAC address, ECDSA with SHA-384.
    #[test]
    fn reads_the_example_of_rfc_7030() {
        let text =
            "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw==";
        let told = CsrAttributes::from_der(&crate::answer::decode(text.as_bytes()).unwrap()).unwrap();
        assert_eq!((told.curve, told.challenge_password, told.subject), (Some(Curve::P384), true, None));
    }

    #[test]
    fn nothing_wanted_is_an_empty_answer_or_an_empty_sequence() {
        assert_eq!(CsrAttributes::from_der(&[]).unwrap(), CsrAttributes::default());
        assert_eq!(CsrAttributes::from_der(&[0x30, 0x00]).unwrap(), CsrAttributes::default());
        assert!(CsrAttributes::from_der(&[0x30, 0x01]).is_err());
    }

    // RFC 9908 §4: who understands the template uses the template only.
    #[test]
    fn the_template_is_followed_and_nothing_beside_it() {
        let told = |parts: &[&[u8]]| {
            let body = parts.concat();
            let length = u8::try_from(body.len()).unwrap();
            CsrAttributes::from_der(&[&[0x30, length], body.as_slice()].concat()).unwrap()
        };
        // ecPublicKey with P-384; challengePassword; a template of version 1 with P-256 and no attributes.
        let key: &[u8] = &[
            0x30, 0x12, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x31, 0x07, 0x06, 0x05, 0x2B,
            0x81, 0x04, 0x00, 0x22,
        ];
        let challenge: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x07];
        let template: &[u8] = &[
            0x30, 0x2D, 0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x3D, 0x31,
            0x1E, 0x30, 0x1C, 0x02, 0x01, 0x00, 0xA0, 0x15, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE,
            0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0xA1, 0x00,
        ];
        let alone = told(&[template]);
        assert_eq!((alone.curve, alone.challenge_password), (Some(Curve::P256), false));
        assert_eq!(told(&[key, challenge, template]), alone);
        assert_eq!(told(&[template, key, challenge]), alone);
        let old = told(&[key, challenge]);
        assert_eq!((old.curve, old.challenge_password), (Some(Curve::P384), true));
    }
}
