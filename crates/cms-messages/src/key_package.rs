//! `AsymmetricKeyPackage` of one key (RFC 5958 §2), the content that a made key is signed as.

use ca_core::public_key::PublicKey;
use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

/// id-ct-KP-aKeyPackage (RFC 5958 §2).
pub const KEY_PACKAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.2.1.2.78.5");

/// ```text
/// AsymmetricKeyPackage ::= SEQUENCE SIZE (1..MAX) OF OneAsymmetricKey   -- RFC 5958 §2
/// ```
///
/// Encodes a package of one key, given as PKCS#8 and left as it is.
///
/// # Errors
/// What the DER codec says.
pub fn of_private(pkcs8: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(vec![AnyRef::from_der(pkcs8)?].to_der()?))
}

/// Encodes a package of one key with its public half, whose version is therefore 1, v2 (RFC 9483 §4.1.6).
///
/// # Errors
/// What the DER codec says.
pub fn of_pair(pkcs8: &[u8], public: &PublicKey) -> der::Result<Zeroizing<Vec<u8>>> {
    let mut key = PrivateKeyInfoRef::from_der(pkcs8)?;
    key.public_key = Some(BitStringRef::from_bytes(public.point())?);
    of_private(&Zeroizing::new(key.to_der()?))
}

/// Returns the one key of a package, as PKCS#8.
///
/// # Errors
/// What the DER codec says, and of another number of keys than one.
pub fn one_key(package: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    let keys: Vec<AnyRef<'_>> = Vec::from_der(package)?;
    let [key] = keys.as_slice() else { return Err(der::Tag::Sequence.length_error().into()) };
    Ok(Zeroizing::new(key.to_der()?))
}
