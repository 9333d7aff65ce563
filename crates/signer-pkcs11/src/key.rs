//! Private keys on a token: listing them, and the public point that belongs to each.
//!
//! A key is known by its point, whose SHA-1 is its [`KeyRef`](ca_core::key_ref::KeyRef). Objects that belong together
//! have the same `CKA_ID`; keys that are made here have their `KeyRef` there, keys made by other tools may have anything.

use core::fmt;

use ca_core::public_key::{PublicKey, PublicKeyError};
use ca_core::suite::Curve;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::Decode;
use der::asn1::{ObjectIdentifier, OctetStringRef};

use crate::call::CallFailed;
use crate::uri::Keys;

/// A private key that can sign for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// The public half.
    pub public_key: PublicKey,
    /// `CKA_LABEL` of the private key.
    pub label: String,
    /// `CKA_ID` of the private key, at least one octet.
    pub id: Vec<u8>,
    /// Whether the token may give the private key out.
    pub protection: KeyProtection,
}

/// Whether a private key can leave its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyProtection {
    /// `CKA_SENSITIVE` is true and `CKA_EXTRACTABLE` is false.
    NonExtractable,
    /// It can be read or wrapped, so it may already be elsewhere.
    Extractable,
}

/// Whether a key that is made may leave its token, wrapped for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Never: `CKA_EXTRACTABLE` is false.
    Never,
    /// Wrapped by a key that the security officer has marked as trusted: `CKA_WRAP_WITH_TRUSTED` is true.
    ByTrustedWrap,
    /// Wrapped by any key: whoever has the PIN can then bring it wherever he likes.
    ByAnyWrap,
}

/// What a key that is made may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Sign.
    Signing,
    /// Agree with other keys: `CKA_DERIVE` is true. It signs as well, since whoever asks for a certificate proves by a signature that
    /// he has the key (RFC 2986).
    Agreement,
}

/// A private EC key object as it stands on the token, whether or not it can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKeyObject {
    /// `CKA_LABEL`, with replacement characters for what is not UTF-8.
    pub label: String,
    /// `CKA_ID`, may be empty.
    pub id: Vec<u8>,
    /// The key, or why it is none for us.
    pub key: Result<TokenKey, Unusable>,
}

impl fmt::Display for PrivateKeyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (id {}", self.label, Hex(&self.id))?;
        match &self.key {
            Ok(key) => write!(f, ", {})", key.public_key.curve()),
            Err(unusable) => write!(f, ", not usable: {unusable})"),
        }
    }
}

/// Octets in hexadecimal; a dash when there are none.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Why a private EC key object cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It has no `CKA_ID`, so nothing ties it to a public key.
    #[error("it has no CKA_ID")]
    NoId,
    /// No public key object has its `CKA_ID`.
    #[error("no public key object has its CKA_ID")]
    NoPublicKey,
    /// Several public key objects have its `CKA_ID` and different points.
    #[error("public key objects with different points have its CKA_ID")]
    SeveralPublicKeys,
    /// `CKA_EC_PARAMS` does not name P-256 or P-384.
    #[error("it is not on P-256 or P-384")]
    NotOurCurve,
    /// `CKA_EC_POINT` is not a point of the curve.
    #[error("its CKA_EC_POINT is refused: {0}")]
    Point(PublicKeyError),
}

/// Lists the private EC keys that are as wanted. Needs a login: without one the token shows none.
pub(crate) fn list(session: &Session, wanted: &Keys) -> Result<Vec<PrivateKeyObject>, CallFailed> {
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::EC)];
    template.extend(wanted.label.iter().map(|label| Attribute::Label(label.clone().into_bytes())));
    template.extend(wanted.id.iter().map(|id| Attribute::Id(id.clone())));
    session.find_objects(&template)?.into_iter().map(|handle| describe(session, handle)).collect()
}

/// Finds the private EC keys with this `CKA_ID`.
pub(crate) fn find(session: &Session, id: &[u8]) -> Result<Vec<ObjectHandle>, CallFailed> {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(KeyType::EC),
        Attribute::Id(id.to_vec()),
    ];
    Ok(session.find_objects(&template)?)
}

/// Finds both halves of the EC keys with this `CKA_ID`, the private one first.
pub(crate) fn halves(session: &Session, id: &[u8]) -> Result<Vec<ObjectHandle>, CallFailed> {
    let mut found = find(session, id)?;
    let template = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC),
        Attribute::Id(id.to_vec()),
    ];
    found.extend(session.find_objects(&template)?);
    Ok(found)
}

/// Finds every half of an EC key with this label, whether or not anything ties the halves to each other; with each, the public
/// key if it is the half that holds one.
pub(crate) fn labelled(
    session: &Session,
    label: &str,
) -> Result<Vec<(ObjectHandle, Option<PublicKey>)>, CallFailed> {
    let mut found = Vec::new();
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        let label = Attribute::Label(label.as_bytes().to_vec());
        let template = [Attribute::Class(class), Attribute::KeyType(KeyType::EC), label];
        for handle in session.find_objects(&template)? {
            let key = if class == ObjectClass::PUBLIC_KEY { public_key(session, handle)?.ok() } else { None };
            found.push((handle, key));
        }
    }
    Ok(found)
}

fn describe(session: &Session, handle: ObjectHandle) -> Result<PrivateKeyObject, CallFailed> {
    let (mut label, mut id) = (String::new(), Vec::new());
    for attribute in session.get_attributes(handle, &[AttributeType::Label, AttributeType::Id])? {
        if let Attribute::Label(octets) = attribute {
            label = String::from_utf8_lossy(&octets).into_owned();
        } else if let Attribute::Id(octets) = attribute {
            id = octets;
        }
    }
    let protection = protection(session, handle)?;
    let key = public_key_with_id(session, &id)?.map(|public_key| TokenKey {
        public_key,
        label: label.clone(),
        id: id.clone(),
        protection,
    });
    Ok(PrivateKeyObject { label, id, key })
}

/// Reads whether a private key can leave the token; what the token does not say counts against it (case H-15).
pub(crate) fn protection(session: &Session, handle: ObjectHandle) -> Result<KeyProtection, CallFailed> {
    let said = session.get_attributes(handle, &[AttributeType::Sensitive, AttributeType::Extractable])?;
    let stays = said.contains(&Attribute::Sensitive(true)) && said.contains(&Attribute::Extractable(false));
    Ok(if stays { KeyProtection::NonExtractable } else { KeyProtection::Extractable })
}

/// Reads `CKA_WRAP_WITH_TRUSTED`; a token that does not know it says nothing, and wraps with any key.
pub(crate) fn is_wrapped_by_trusted_only(
    session: &Session,
    handle: ObjectHandle,
) -> Result<bool, CallFailed> {
    let said = session.get_attributes(handle, &[AttributeType::WrapWithTrusted])?;
    Ok(said.contains(&Attribute::WrapWithTrusted(true)))
}

/// Tells whether a private key may agree with others.
pub(crate) fn agrees(session: &Session, handle: ObjectHandle) -> Result<bool, CallFailed> {
    let said = session.get_attributes(handle, &[AttributeType::Derive])?;
    Ok(said.contains(&Attribute::Derive(true)))
}

fn public_key_with_id(session: &Session, id: &[u8]) -> Result<Result<PublicKey, Unusable>, CallFailed> {
    if id.is_empty() {
        return Ok(Err(Unusable::NoId));
    }
    let template = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC),
        Attribute::Id(id.to_vec()),
    ];
    let mut found = Err(Unusable::NoPublicKey);
    for handle in session.find_objects(&template)? {
        let key = public_key(session, handle)?;
        if found == Err(Unusable::NoPublicKey) || found == key {
            found = key;
        } else {
            return Ok(Err(Unusable::SeveralPublicKeys));
        }
    }
    Ok(found)
}

/// Reads a public key object.
pub(crate) fn public_key(
    session: &Session,
    handle: ObjectHandle,
) -> Result<Result<PublicKey, Unusable>, CallFailed> {
    let (mut parameters, mut point) = (Vec::new(), Vec::new());
    for attribute in session.get_attributes(handle, &[AttributeType::EcParams, AttributeType::EcPoint])? {
        if let Attribute::EcParams(octets) = attribute {
            parameters = octets;
        } else if let Attribute::EcPoint(octets) = attribute {
            point = octets;
        }
    }
    Ok(decode_public_key(&parameters, &point))
}

/// Takes `CKA_EC_PARAMS`, a DER object identifier, and `CKA_EC_POINT`: a DER OCTET STRING around the point as PKCS#11 v3.1
/// §6.3.3 has it, or the bare point, as tokens exist that give it.
fn decode_public_key(parameters: &[u8], point: &[u8]) -> Result<PublicKey, Unusable> {
    let named = ObjectIdentifier::from_der(parameters).map_err(|_| Unusable::NotOurCurve)?;
    let curve = [Curve::P256, Curve::P384]
        .into_iter()
        .find(|curve| curve.oid() == named)
        .ok_or(Unusable::NotOurCurve)?;
    // By length, not by the first octets: 0x04 begins both forms, and x may begin with what looks like a DER length.
    let bare = if point.len() == 1 + 2 * curve.field_octets() {
        point
    } else {
        <&OctetStringRef>::from_der(point).map_or(point, OctetStringRef::as_bytes)
    };
    PublicKey::from_point(curve, bare).map_err(Unusable::Point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Encode;
    use p256::elliptic_curve::sec1::ToSec1Point;

    /// The point of the private key `scalar` on P-256, uncompressed.
    fn p256_point(scalar: u16) -> Vec<u8> {
        let mut octets = [0; 32];
        octets[30..].copy_from_slice(&scalar.to_be_bytes());
        let key = p256::SecretKey::from_slice(&octets).unwrap().public_key();
        key.to_sec1_point(false).as_bytes().to_vec()
    }

    fn wrapped(point: &[u8]) -> Vec<u8> {
        OctetStringRef::new(point).unwrap().to_der().unwrap()
    }

    fn parameters(curve: Curve) -> Vec<u8> {
        curve.oid().to_der().unwrap()
    }

    #[test]
    fn reads_a_point_wrapped_or_bare() {
        let point = p256_point(1);
        let key = PublicKey::from_point(Curve::P256, &point).unwrap();
        let parameters = parameters(Curve::P256);
        assert_eq!(decode_public_key(&parameters, &wrapped(&point)), Ok(key.clone()));
        assert_eq!(decode_public_key(&parameters, &point), Ok(key));
    }

    #[test]
    fn reads_a_bare_point_whose_x_looks_like_a_der_length() {
        // 0x04, 0x3F and 63 more octets are a well-formed OCTET STRING too.
        let point =
            (1..).map(p256_point).find(|point| point[1] == 0x3F).expect("one key in 256 has such an x");
        <&OctetStringRef>::from_der(&point).expect("else this tests nothing");
        let key = decode_public_key(&parameters(Curve::P256), &point).unwrap();
        assert_eq!(key.point(), point);
    }

    #[test]
    fn refuses_other_curves_and_points_that_are_none() {
        let point = p256_point(1);
        let secp256k1 = ObjectIdentifier::new_unwrap("1.3.132.0.10").to_der().unwrap();
        assert_eq!(decode_public_key(&secp256k1, &wrapped(&point)), Err(Unusable::NotOurCurve));
        assert_eq!(decode_public_key(b"", &wrapped(&point)), Err(Unusable::NotOurCurve));
        for (curve, octets) in [
            (Curve::P384, wrapped(&point)),
            (Curve::P256, wrapped(&point[..64])),
            (Curve::P256, wrapped(&[4; 65])),
            (Curve::P256, Vec::new()),
        ] {
            let refusal = decode_public_key(&parameters(curve), &octets);
            assert!(matches!(refusal, Err(Unusable::Point(_))), "{refusal:?}");
        }
    }
}
