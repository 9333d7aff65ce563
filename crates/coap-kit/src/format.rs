//! The forms of bodies: CoAP's numbers for media types (RFC 7252 §12.3).

/// A Content-Format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format(u16);

/// RFC 6690 §7.3.
pub(crate) const LINKS: Format = Format(40);

impl Format {
    /// Returns the format of a number.
    #[must_use]
    pub const fn of(number: u16) -> Self {
        Self(number)
    }

    /// Returns its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Reads a number as an option says it.
    pub(crate) fn read(number: u32) -> Option<Self> {
        u16::try_from(number).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_two_octets() {
        assert_eq!(Format::read(286), Some(Format::of(286)));
        assert_eq!(Format::read(0x1_0000), None);
    }
}
