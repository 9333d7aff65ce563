//! Certificate serial numbers (RFC 5280 §4.1.2.2).
//!
//! Ours have 16 octets: two for the day of issuance, counted from 2020-01-01, and 14 random ones. Those of other issuers
//! have one to 20. Whether a number is free is the ledger's knowledge, not this file's.

use core::fmt;

use crate::validity::UnixTime;

/// 2020-01-01 in days since 1970-01-01.
const DAY_ZERO: i64 = 18_262;

/// How many octets a serial number has at most (RFC 5280 §4.1.2.2).
const MOST_OCTETS: usize = 20;

/// A positive serial number of at most 20 octets, kept as the content octets of its DER INTEGER.
///
/// They stand in place, for a long CRL has a million; with zeros behind them, so that the order is that of the octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber {
    octets: [u8; MOST_OCTETS],
    length: u8,
}

impl SerialNumber {
    /// Length in octets of the serial numbers that we draw.
    pub const OWN_OCTETS: usize = 16;

    /// How many random octets one of our serial numbers takes: 14, which are 112 bits.
    pub const RANDOM_OCTETS: usize = 14;

    /// Makes one of our serial numbers for a certificate issued at `now`.
    ///
    /// The day in front keeps neighbours in time neighbours in an index, and makes the first octet 0x01–0x7F.
    ///
    /// # Errors
    /// [`SerialNumberError::DayOutOfRange`] before 2020-09-13 or after 2109-09-17, when the first octet would not be
    /// 0x01–0x7F.
    pub fn draw(now: UnixTime, random: [u8; Self::RANDOM_OCTETS]) -> Result<Self, SerialNumberError> {
        let day = u16::try_from(now.days() - DAY_ZERO)
            .ok()
            .filter(|day| (0x0100..0x8000).contains(day))
            .ok_or(SerialNumberError::DayOutOfRange { now })?;
        Self::from_octets(&[day.to_be_bytes().as_slice(), &random].concat())
    }

    /// Takes the content octets of a DER INTEGER.
    ///
    /// # Errors
    /// [`SerialNumberError`] when they are empty, more than 20, not minimal, negative or zero.
    pub fn from_octets(octets: &[u8]) -> Result<Self, SerialNumberError> {
        let (first, rest) = octets.split_first().ok_or(SerialNumberError::Empty)?;
        let too_long = || SerialNumberError::TooLong { octets: octets.len() };
        let length = u8::try_from(octets.len()).map_err(|_| too_long())?;
        // RFC 5280 §4.1.2.2: conforming CAs use no serial number longer than 20 octets.
        let mut kept = [0; MOST_OCTETS];
        kept.get_mut(..octets.len()).ok_or_else(too_long)?.copy_from_slice(octets);
        // RFC 5280 §4.1.2.2: the serial number is a positive integer.
        if *first >= 0x80 || octets == [0] {
            return Err(SerialNumberError::NotPositive);
        }
        if *first == 0 && rest.first().is_some_and(|second| *second < 0x80) {
            return Err(SerialNumberError::NotMinimal);
        }
        Ok(Self { octets: kept, length })
    }

    /// Parses the hexadecimal text that [`Display`](fmt::Display) writes; colons between octets and lower case are
    /// accepted, since other programs print them.
    ///
    /// # Errors
    /// [`SerialNumberError::NotHexadecimal`], or what [`Self::from_octets`] says.
    pub fn parse(text: &str) -> Result<Self, SerialNumberError> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|character| *character != ':')
            .map(|character| character.to_digit(16).and_then(|value| u8::try_from(value).ok()))
            .collect::<Option<_>>()
            .filter(|digits: &Vec<u8>| digits.len().is_multiple_of(2))
            .ok_or(SerialNumberError::NotHexadecimal)?;
        let octets: Vec<u8> =
            digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |high, low| high << 4 | low)).collect();
        Self::from_octets(&octets)
    }

    /// Returns the content octets of the DER INTEGER.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.length.into()).unwrap_or_default()
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}

/// Why octets are not a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SerialNumberError {
    /// There are no octets.
    #[error("a serial number has at least one octet")]
    Empty,
    /// There are more than 20 octets.
    #[error("a serial number has at most 20 octets, not {octets}")]
    TooLong {
        /// How many there were.
        octets: usize,
    },
    /// The number is zero or negative.
    #[error("a serial number is a positive integer")]
    NotPositive,
    /// The first octet could be left out.
    #[error("the serial number has a needless leading zero octet")]
    NotMinimal,
    /// The text has an odd number of digits or a character that is not one.
    #[error("a serial number is written in pairs of hexadecimal digits")]
    NotHexadecimal,
    /// The clock is outside the years that our serial numbers can count.
    #[error("the clock says {now}, a day that serial numbers cannot count")]
    DayOutOfRange {
        /// What the clock said.
        now: UnixTime,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_sixteen_octets_with_the_day_in_front() {
        let serial = SerialNumber::draw(UnixTime::from_seconds(1_795_219_200), [0xAB; 14]).unwrap();
        assert_eq!(serial.octets().len(), SerialNumber::OWN_OCTETS);
        assert_eq!(serial.octets().first_chunk(), Some(&2_516_u16.to_be_bytes()));
    }

    #[test]
    fn refuses_to_draw_when_the_clock_is_absurd() {
        for seconds in [0, 1_577_836_800, 4_500_000_000] {
            let now = UnixTime::from_seconds(seconds);
            assert_eq!(SerialNumber::draw(now, [0; 14]), Err(SerialNumberError::DayOutOfRange { now }));
        }
    }

    // RFC 5280 §4.1.2.2: positive, and not longer than 20 octets.
    #[test]
    fn refuses_a_serial_of_21_octets_zero_and_negative_numbers() {
        assert_eq!(SerialNumber::from_octets(&[1; 21]), Err(SerialNumberError::TooLong { octets: 21 }));
        assert_eq!(SerialNumber::from_octets(&[0]), Err(SerialNumberError::NotPositive));
        assert_eq!(SerialNumber::from_octets(&[0x80, 1]), Err(SerialNumberError::NotPositive));
        assert_eq!(SerialNumber::from_octets(&[0, 1]), Err(SerialNumberError::NotMinimal));
        assert!(SerialNumber::from_octets(&[0, 0x80]).is_ok());
    }

    #[test]
    fn they_stand_in_the_order_of_their_octets() {
        let ascending: [&[u8]; 6] = [&[1], &[1, 0], &[1, 0, 0], &[1, 1], &[2; 20], &[3]];
        let numbers = ascending.map(|octets| SerialNumber::from_octets(octets).unwrap());
        assert!(numbers.is_sorted_by(|one, next| one < next));
        assert_eq!(numbers.each_ref().map(SerialNumber::octets), ascending);
    }

    #[test]
    fn parses_what_it_and_other_programs_print() {
        let serial = SerialNumber::from_octets(&[0x0A, 0xB0]).unwrap();
        for text in ["0AB0", "0a:b0"] {
            assert_eq!(SerialNumber::parse(text), Ok(serial.clone()));
        }
        assert_eq!(SerialNumber::parse("AB0"), Err(SerialNumberError::NotHexadecimal));
    }
}
