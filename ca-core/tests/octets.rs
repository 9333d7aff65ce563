//! DER written by hand, octet for octet, so that it can be wrong where a test wants it wrong.

use der::Encode;
use der::asn1::ObjectIdentifier;

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const UTF8: u8 = 0x0C;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const TELETEX: u8 = 0x14;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const BMP: u8 = 0x1E;

/// Writes one value: tag, length in the fewest octets, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut all = match length {
        [0, 0, 0, short @ 0..0x80] => vec![tag, short],
        [0, 0, 0, one] => vec![tag, 0x81, one],
        [0, 0, high, low] => vec![tag, 0x82, high, low],
        [0, a, b, c] => vec![tag, 0x83, a, b, c],
        [a, b, c, d] => vec![tag, 0x84, a, b, c, d],
    };
    all.extend_from_slice(content);
    all
}

/// Writes a SEQUENCE of values.
pub(crate) fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &values.concat())
}

/// Writes an OBJECT IDENTIFIER.
pub(crate) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    oid.to_der().unwrap()
}

/// Writes an OBJECT IDENTIFIER given as text.
pub(crate) fn oid_of(text: &str) -> Vec<u8> {
    oid(ObjectIdentifier::new_unwrap(text))
}

/// Writes BOOLEAN TRUE.
pub(crate) fn yes() -> Vec<u8> {
    vec![0x01, 0x01, 0xFF]
}

/// Writes an INTEGER of one octet.
pub(crate) fn integer(value: u8) -> Vec<u8> {
    tlv(INTEGER, &[value])
}

/// Writes an Extension (RFC 5280 §4.1).
pub(crate) fn extension(extension: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { yes() } else { Vec::new() };
    sequence(&[oid(extension), flag, tlv(OCTET_STRING, value)])
}

/// Writes a Name of RDNs with one attribute each: type, string tag, content.
pub(crate) fn name(attributes: &[(ObjectIdentifier, u8, &[u8])]) -> Vec<u8> {
    let rdn = |attribute: &(ObjectIdentifier, u8, &[u8])| tlv(SET, &type_and_value(attribute));
    sequence(&attributes.iter().map(rdn).collect::<Vec<_>>())
}

/// Writes a type and a value.
pub(crate) fn type_and_value((kind, tag, content): &(ObjectIdentifier, u8, &[u8])) -> Vec<u8> {
    sequence(&[oid(*kind), tlv(*tag, content)])
}

/// Writes a alternative name of general names.
pub(crate) fn alternative_names(names: &[Vec<u8>]) -> Vec<u8> {
    sequence(names)
}

/// Writes a host name.
pub(crate) fn dns(host: &str) -> Vec<u8> {
    tlv(0x82, host.as_bytes())
}

/// Writes a key usage of its bits, high bit first: 0x80 is `digitalSignature`, 0x08 `keyAgreement`, 0x04 `keyCertSign`.
pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    let unused = u8::try_from(bits.trailing_zeros().min(7)).unwrap();
    tlv(BIT_STRING, &[unused, bits])
}

/// Writes an extended key usage.
pub(crate) fn purposes(purposes: &[ObjectIdentifier]) -> Vec<u8> {
    sequence(&purposes.iter().map(|purpose| oid(*purpose)).collect::<Vec<_>>())
}

/// Writes basic constraints with cA TRUE.
pub(crate) fn authority(path_length: Option<u8>) -> Vec<u8> {
    sequence(&[yes(), path_length.map(integer).unwrap_or_default()])
}
