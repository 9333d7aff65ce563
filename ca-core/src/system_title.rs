//! The system title: the 8-octet identity of a DLMS/COSEM device (Green Book 4.3.4).
//!
//! Opaque here: manufacturer layouts differ (FLAG letters first, or not), so nothing in the octets is read.

use core::fmt;

/// The 8-octet identity of a DLMS/COSEM device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTitle([u8; 8]);

impl SystemTitle {
    /// Makes a system title of its 8 octets.
    #[must_use]
    pub const fn new(octets: [u8; 8]) -> Self {
        Self(octets)
    }

    /// Parses exactly 16 upper-case hexadecimal characters, the form a common name carries.
    ///
    /// # Errors
    /// [`ParseSystemTitleError`] for any other length or character, lower case included.
    pub fn parse(text: &str) -> Result<Self, ParseSystemTitleError> {
        let mut octets = [0; 8];
        let digits = text.as_bytes();
        if digits.len() != 16 {
            return Err(ParseSystemTitleError::Length { characters: text.chars().count() });
        }
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair
                .iter()
                .try_fold(0_u8, |high, digit| Some(high << 4 | upper_hex_value(*digit)?))
                .ok_or(ParseSystemTitleError::Character)?;
        }
        Ok(Self(octets))
    }

    /// Returns the 8 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 8] {
        &self.0
    }
}

const fn upper_hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for SystemTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for SystemTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemTitle({self})")
    }
}

/// Why a text is not a system title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseSystemTitleError {
    /// The text does not have 16 characters.
    #[error("a system title has 16 hexadecimal characters, not {characters}")]
    Length {
        /// How many characters there were.
        characters: usize,
    },
    /// A character is not one of `0`–`9`, `A`–`F`.
    #[error("a system title is written in the characters 0-9 and A-F only")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_prints() {
        let title = SystemTitle::new(*b"MPK\x00\x01\xFE\xA0\x42");
        assert_eq!(title.to_string(), "4D504B0001FEA042");
        assert_eq!(SystemTitle::parse("4D504B0001FEA042"), Ok(title));
    }

    #[test]
    fn refuses_lower_case_and_wrong_lengths() {
        assert_eq!(SystemTitle::parse("4d504b0001fea042"), Err(ParseSystemTitleError::Character));
        assert_eq!(SystemTitle::parse("4D504B"), Err(ParseSystemTitleError::Length { characters: 6 }));
        assert_eq!(SystemTitle::parse("ÄD504B0001FEA04"), Err(ParseSystemTitleError::Character));
    }
}
