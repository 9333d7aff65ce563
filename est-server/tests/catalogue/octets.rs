//! DER written octet by octet, so that hostile shapes are possible. It shares no code with what reads it.

/// Writes one DER value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut all = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    all.extend_from_slice(value);
    all
}

/// Writes a SEQUENCE of values.
pub(crate) fn sequence(values: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &values.concat())
}

/// Writes a SET of one value.
pub(crate) fn set_of(value: &[u8]) -> Vec<u8> {
    tlv(0x31, value)
}

/// Writes an OBJECT IDENTIFIER.
pub(crate) fn oid(text: &str) -> Vec<u8> {
    der::Encode::to_der(&const_oid::ObjectIdentifier::new_unwrap(text)).unwrap()
}

/// Writes an RDN of the given attributes: type, string tag, octets.
pub(crate) fn rdn(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> =
        attributes.iter().map(|(kind, tag, text)| sequence(&[oid(kind), tlv(*tag, text)])).collect();
    set_of(&attributes.concat())
}

/// Writes a name of one common name, as a UTF8String.
pub(crate) fn common_name(text: &str) -> Vec<u8> {
    sequence(&[rdn(&[(CN, 0x0C, text.as_bytes())])])
}

/// Writes an extension.
pub(crate) fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { vec![0x01, 0x01, 0xFF] } else { Vec::new() };
    sequence(&[oid(kind), flag, tlv(0x04, value)])
}

/// Writes an attribute of one value.
pub(crate) fn attribute(kind: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[oid(kind), set_of(value)])
}

/// Writes the attribute that asks for extensions.
pub(crate) fn extension_request(extensions: &[Vec<u8>]) -> Vec<u8> {
    attribute("1.2.840.113549.1.9.14", &sequence(extensions))
}

/// commonName.
pub(crate) const CN: &str = "2.5.4.3";
