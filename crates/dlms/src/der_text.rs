//! The little of DER that stands in class 64 beside whole certificates: INTEGERs with tag and length, and names as text.

use ca_core::distinguished_name::DistinguishedName;
use der::asn1::AnyRef;
use der::{Decode, Encode, Tag, Tagged};

/// Writes a DER INTEGER with tag and length around its content octets.
pub(crate) fn integer_tlv(content: &[u8]) -> Vec<u8> {
    // The encoder can fail on lengths beyond its own bound only, which no serial number comes near.
    AnyRef::new(Tag::Integer, content).and_then(|integer| integer.to_der()).unwrap_or_default()
}

/// Returns the content octets of a DER INTEGER.
pub(crate) fn integer_content(tlv: &[u8]) -> Option<&[u8]> {
    let integer = AnyRef::from_der(tlv).ok()?;
    (integer.tag() == Tag::Integer && !integer.value().is_empty()).then(|| integer.value())
}

/// Writes a DER name for people, or its octets where it is none.
pub(crate) fn name(der: &[u8]) -> String {
    match DistinguishedName::from_der(der) {
        Ok(name) if name.is_empty() => "an empty name".to_owned(),
        Ok(name) => name.to_string(),
        Err(_) => hexadecimal(der),
    }
}

/// Writes octets in hexadecimal digits.
pub(crate) fn hexadecimal(octets: &[u8]) -> String {
    use core::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02X}");
        text
    })
}
