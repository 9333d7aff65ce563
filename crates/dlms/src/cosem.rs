//! Where in a meter a service goes: logical names, and descriptors of methods and attributes (IEC 62056-5-3, 62056-6-2).
//!
//! Logical name referencing only; short names are not known here.

use core::fmt;

use crate::axdr::{AxdrError, Reader};

/// `class_id` of "Security setup".
pub const SECURITY_SETUP: u16 = 64;

/// A logical name: the OBIS code of an object, A-B:C.D.E.F in six octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogicalName(pub [u8; 6]);

impl LogicalName {
    /// The name of a Security setup object, 0-0:43.0.e.255; e is 0 for the one that a head-end uses most often.
    #[must_use]
    pub const fn security_setup(e: u8) -> Self {
        Self([0, 0, 43, 0, e, 255])
    }

    /// Tells whether this is the name of a Security setup object.
    #[must_use]
    pub const fn is_security_setup(self) -> bool {
        matches!(self.0, [0, 0, 43, 0, _, 255])
    }

    /// Parses six numbers with dots between them, such as `0.0.43.0.0.255`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.parse::<u8>().ok());
        let mut octets = [0; 6];
        for octet in &mut octets {
            *octet = numbers.next()??;
        }
        numbers.next().is_none().then_some(Self(octets))
    }
}

impl fmt::Display for LogicalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, last] = self.0;
        write!(f, "{a}.{b}.{c}.{d}.{e}.{last}")
    }
}

/// A method or an attribute of an object, by its number.
///
/// ```text
/// Cosem-Method-Descriptor ::= SEQUENCE {
///     class-id    Cosem-Class-Id,            -- Unsigned16
///     instance-id Cosem-Object-Instance-Id,  -- OCTET STRING (SIZE(6))
///     method-id   Cosem-Object-Method-Id }   -- Integer8
/// ```
///
/// Cosem-Attribute-Descriptor has the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// The class of the object.
    pub class_id: u16,
    /// The object.
    pub instance: LogicalName,
    /// The number of the method or attribute.
    pub number: i8,
}

impl Descriptor {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, AxdrError> {
        Ok(Self {
            class_id: u16::from_be_bytes(reader.array()?),
            instance: LogicalName(reader.array()?),
            number: i8::from_be_bytes(reader.array()?),
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.class_id.to_be_bytes());
        out.extend(self.instance.0);
        out.extend(self.number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_names_are_six_numbers() {
        let name = LogicalName::security_setup(1);
        assert_eq!(name.to_string(), "0.0.43.0.1.255");
        assert_eq!(LogicalName::parse("0.0.43.0.1.255"), Some(name));
        for text in ["0.0.43.0.1", "0.0.43.0.1.255.0", "0.0.43.0.1.256", "0-0:43.0.1.255", ""] {
            assert_eq!(LogicalName::parse(text), None, "{text}");
        }
        assert!(name.is_security_setup() && !LogicalName([0, 0, 42, 0, 0, 255]).is_security_setup());
    }
}
