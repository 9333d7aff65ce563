//! Distinguished names, kept as the DER octets they came in (RFC 5280 §4.1.2.4).
//!
//! Names are compared octet for octet where they identify an issuer, and after folding case and space (RFC 5280 §7.1) where
//! a requester repeats its own. What a profile allows in a name is the profile's affair.

use core::fmt;

use const_oid::ObjectIdentifier;
use der::asn1::{Any, PrintableStringRef, SetOfVec, Utf8StringRef};
use der::{Decode, Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RelativeDistinguishedName};

use crate::oid;
use crate::system_title::SystemTitle;

/// A DER distinguished name whose attributes are readable text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    der: Vec<u8>,
    attributes: Vec<(ObjectIdentifier, String)>,
    single_valued: bool,
}

impl DistinguishedName {
    /// Returns the empty name.
    #[must_use]
    pub fn empty() -> Self {
        Self { der: vec![0x30, 0x00], attributes: Vec::new(), single_valued: true }
    }

    /// Returns the name of a device: one RDN, CN = 16 upper-case hexadecimal characters, UTF8String.
    ///
    /// # Errors
    /// [`NameError::NotDer`] has no cause here; it is what the encoder could say.
    pub fn of_device(title: &SystemTitle) -> Result<Self, NameError> {
        Self::from_attributes(&[(oid::COMMON_NAME, &title.to_string())])
    }

    /// Makes a name of single-valued RDNs in the order given; countryName and serialNumber as PrintableString, all else as
    /// UTF8String.
    ///
    /// # Errors
    /// [`NameError::Text`] for text that the name must not hold; [`NameError::NotDer`] for text its string type cannot.
    pub fn from_attributes(attributes: &[(ObjectIdentifier, &str)]) -> Result<Self, NameError> {
        let rdns = attributes.iter().map(|(oid, text)| rdn(*oid, text)).collect::<Result<Vec<_>, _>>()?;
        let der = rdns.to_der().map_err(|_| NameError::NotDer)?;
        Self::from_der(&der)
    }

    /// Reads a DER Name.
    ///
    /// # Errors
    /// [`NameError`] for other DER, for a string type that is not UTF8String, PrintableString or IA5String, and for text
    /// with control or direction characters.
    pub fn from_der(der: &[u8]) -> Result<Self, NameError> {
        let name = Name::from_der(der).map_err(|_| NameError::NotDer)?;
        let mut attributes = Vec::new();
        let mut single_valued = true;
        for rdn in name.iter_rdn() {
            // X.501 §9.3, RFC 5280 §4.1.2.4: RelativeDistinguishedName is a SET SIZE (1..MAX).
            if rdn.iter().next().is_none() {
                return Err(NameError::NotDer);
            }
            single_valued &= rdn.iter().count() == 1;
            for attribute in rdn.iter() {
                attributes.push((attribute.oid, text_of(attribute)?));
            }
        }
        Ok(Self { der: der.to_vec(), attributes, single_valued })
    }

    /// Returns the DER octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Tells whether the name has no RDN.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Tells whether every RDN has one attribute.
    #[must_use]
    pub const fn is_single_valued(&self) -> bool {
        self.single_valued
    }

    /// Returns the attributes in the order they stand.
    #[must_use]
    pub fn attributes(&self) -> &[(ObjectIdentifier, String)] {
        &self.attributes
    }

    /// Returns the common name, if there is exactly one.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        let mut names = self.attributes.iter().filter(|(oid, _)| *oid == oid::COMMON_NAME);
        match (names.next(), names.next()) {
            (Some((_, name)), None) => Some(name),
            _ => None,
        }
    }

    /// Returns the system title, if the name is exactly that of a device.
    #[must_use]
    pub fn system_title(&self) -> Option<SystemTitle> {
        match self.attributes.as_slice() {
            [(oid::COMMON_NAME, name)] => SystemTitle::parse(name).ok(),
            _ => None,
        }
    }

    /// Tells whether two names are the same after folding case and inner space (RFC 5280 §7.1).
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let folded = |name: &Self| -> Vec<(ObjectIdentifier, String)> {
            name.attributes.iter().map(|(oid, text)| (*oid, fold(text))).collect()
        };
        self.der == other.der || folded(self) == folded(other)
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn rdn(oid: ObjectIdentifier, text: &str) -> Result<RelativeDistinguishedName, NameError> {
    check_text(text)?;
    let value = if oid == oid::COUNTRY_NAME || oid == oid::SERIAL_NUMBER {
        PrintableStringRef::new(text).and_then(|text| Any::encode_from(&text))
    } else {
        Utf8StringRef::new(text).and_then(|text| Any::encode_from(&text))
    };
    let attribute = AttributeTypeAndValue { oid, value: value.map_err(|_| NameError::NotDer)? };
    let set = SetOfVec::try_from(vec![attribute]).map_err(|_| NameError::NotDer)?;
    Ok(RelativeDistinguishedName::from(set))
}

fn text_of(attribute: &AttributeTypeAndValue) -> Result<String, NameError> {
    let tag = attribute.value.tag();
    if !matches!(tag, Tag::Utf8String | Tag::PrintableString | Tag::Ia5String) {
        return Err(NameError::StringType { attribute: attribute.oid });
    }
    let text = core::str::from_utf8(attribute.value.value()).map_err(|_| NameError::NotDer)?;
    check_text(text)?;
    Ok(text.to_owned())
}

/// Refuses what deceives a reader: control characters (NUL among them), characters that cannot be seen or that turn the
/// direction of writing, and text that is empty or long.
fn check_text(text: &str) -> Result<(), NameError> {
    // Marks, embeddings and isolates of direction; line and paragraph separators; what has no width.
    let unseen = |c: char| {
        matches!(c, '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    // RFC 5280 App. A: ub-common-name and ub-organization-name are 64 characters.
    let length = text.chars().count();
    if length == 0 || length > 64 || text.chars().any(|c| c.is_control() || unseen(c)) {
        return Err(NameError::Text);
    }
    Ok(())
}

impl fmt::Display for DistinguishedName {
    /// Writes the name as RFC 4514 §2 does, last RDN first, with its special characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (oid, text)) in self.attributes.iter().rev().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match short_name(*oid) {
                Some(name) => write!(f, "{name}=")?,
                None => write!(f, "{oid}=")?,
            }
            for (position, character) in text.chars().enumerate() {
                let special = matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\')
                    || position == 0 && matches!(character, ' ' | '#');
                if special {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

fn short_name(oid: ObjectIdentifier) -> Option<&'static str> {
    [
        (oid::COMMON_NAME, "CN"),
        (oid::COUNTRY_NAME, "C"),
        (oid::ORGANIZATION_NAME, "O"),
        (oid::ORGANIZATIONAL_UNIT_NAME, "OU"),
        (oid::SERIAL_NUMBER, "serialNumber"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known == oid).then_some(name))
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

/// Why octets or text are not a name we work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a DER Name.
    #[error("the name is not a DER distinguished name")]
    NotDer,
    /// An attribute with a string type other than UTF8String, PrintableString and IA5String.
    #[error(
        "the attribute {attribute} of the name has a string type that is not UTF8String, PrintableString or IA5String"
    )]
    StringType {
        /// The attribute.
        attribute: ObjectIdentifier,
    },
    /// Empty, longer than 64 characters, or with control characters or ones that cannot be seen.
    #[error(
        "each attribute of the name has 1 to 64 characters, none of them a control character or one that cannot be seen"
    )]
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_its_title_alone() {
        let title = SystemTitle::new(*b"MPK\0\0\0\0\x01");
        let name = DistinguishedName::of_device(&title).unwrap();
        assert_eq!(name.to_string(), "CN=4D504B0000000001");
        assert_eq!(name.system_title(), Some(title));
        assert_eq!(name.der().len(), 29);
    }

    #[test]
    fn prints_special_characters_escaped_and_the_last_rdn_first() {
        let name = DistinguishedName::from_attributes(&[
            (oid::COUNTRY_NAME, "DE"),
            (oid::ORGANIZATION_NAME, "A, \"B\""),
            (oid::COMMON_NAME, "#1"),
        ])
        .unwrap();
        assert_eq!(name.to_string(), r#"CN=\#1,O=A\, \"B\",C=DE"#);
    }

    #[test]
    fn refuses_deceiving_text() {
        for text in [
            "",
            "a\0b",
            "a\u{202E}b",
            "a\u{061C}b",
            "a\u{200B}b",
            "line\nbreak",
            "a\u{2028}b",
            &"x".repeat(65),
        ] {
            assert_eq!(
                DistinguishedName::from_attributes(&[(oid::COMMON_NAME, text)]),
                Err(NameError::Text),
                "{text:?}"
            );
        }
    }

    // RFC 5280 §4.1.2.4: an RDN has at least one attribute; without, the name would look empty and not be.
    #[test]
    fn refuses_an_rdn_without_attributes() {
        assert_eq!(DistinguishedName::from_der(&[0x30, 0x02, 0x31, 0x00]), Err(NameError::NotDer));
    }

    // RFC 5280 §7.1: comparison ignores case and the amount of white space.
    #[test]
    fn names_match_regardless_of_case_and_space() {
        let name = |text| DistinguishedName::from_attributes(&[(oid::ORGANIZATION_NAME, text)]).unwrap();
        assert!(name("Grid  North").matches(&name("grid north")));
        assert!(!name("Grid North").matches(&name("GridNorth")));
    }
}
