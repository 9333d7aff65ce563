//! One DER object off a stream: its octets, bounded before they are read.
//!
//! Only the outermost tag and length are looked at (X.690 §8.1, §10.1); what is inside is for the decoder.

use core::fmt;
use std::io::{self, Read};

use der::asn1::OctetString;

/// The tag of a SEQUENCE, which every object of a manifest is.
const SEQUENCE: u8 = 0x30;
/// The bit of a first length octet that says how many follow.
const LONG: u8 = 0x80;
/// The most length octets that are followed: lengths below 16 MiB.
const MAX_LENGTH_OCTETS: u8 = 3;

/// A part of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The signed header.
    Header,
    /// The list of chunks.
    ChunkList,
    /// A chunk, counted from 1.
    Chunk(u32),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("the header"),
            Self::ChunkList => f.write_str("the list of chunks"),
            Self::Chunk(number) => write!(f, "chunk {number}"),
        }
    }
}

/// Why no object could be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file ends before it.
    #[error("is missing: the file ends before it")]
    Missing,
    /// The file ends inside it.
    #[error("is cut off: the file ends inside it")]
    CutOff,
    /// No DER object of the kind that stands there.
    #[error("is not the DER object that stands there")]
    NotDer,
    /// Longer than any of its kind.
    #[error("says that it has {octets} octets, more than {most}")]
    TooLong {
        /// How many it says it has.
        octets: usize,
        /// How many it may have.
        most: usize,
    },
}

impl ObjectFault {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "shipment.unreadable",
            Self::Missing | Self::CutOff => "shipment.truncated",
            Self::NotDer => "shipment.not-der",
            Self::TooLong { .. } => "shipment.too-long",
        }
    }
}

/// Reads the next object, tag and length included, of at most `most` octets; nothing where the file ends.
pub(crate) fn next_object(from: &mut impl Read, most: usize) -> Result<Option<Vec<u8>>, ObjectFault> {
    let mut octets = Vec::new();
    if take(from, 1, &mut octets)? == 0 {
        return Ok(None);
    }
    if octets.as_slice() != [SEQUENCE] {
        return Err(ObjectFault::NotDer);
    }
    let length = read_length(from, &mut octets)?;
    let whole = octets.len().saturating_add(length);
    if whole > most {
        return Err(ObjectFault::TooLong { octets: whole, most });
    }
    if take(from, length, &mut octets)? < length {
        return Err(ObjectFault::CutOff);
    }
    Ok(Some(octets))
}

/// The same where an object must be.
pub(crate) fn object(from: &mut impl Read, most: usize) -> Result<Vec<u8>, ObjectFault> {
    next_object(from, most)?.ok_or(ObjectFault::Missing)
}

/// X.690 §10.1: the definite form, in the fewest octets.
fn read_length(from: &mut impl Read, octets: &mut Vec<u8>) -> Result<usize, ObjectFault> {
    let mut one = |octets: &mut Vec<u8>| match take(from, 1, octets)? {
        0 => Err(ObjectFault::CutOff),
        _ => Ok(octets.last().copied().unwrap_or_default()),
    };
    let first = one(octets)?;
    let Some(count) = first.checked_sub(LONG) else { return Ok(usize::from(first)) };
    if !(1..=MAX_LENGTH_OCTETS).contains(&count) {
        return Err(ObjectFault::NotDer);
    }
    let mut length = 0_usize;
    for _ in 0..count {
        length = length << 8 | usize::from(one(octets)?);
    }
    let fewest = if length < usize::from(LONG) { 0 } else { (length.ilog2() / 8).saturating_add(1) };
    if fewest == u32::from(count) { Ok(length) } else { Err(ObjectFault::NotDer) }
}

/// Appends up to `count` octets; returns how many there were.
fn take(from: &mut impl Read, count: usize, octets: &mut Vec<u8>) -> Result<usize, ObjectFault> {
    let limit = u64::try_from(count).unwrap_or(u64::MAX);
    Ok(from.by_ref().take(limit).read_to_end(octets)?)
}

/// Reads an OCTET STRING of a fixed length.
pub(crate) fn fixed<const N: usize>(octets: &OctetString) -> Option<[u8; N]> {
    octets.as_bytes().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        next_object(&mut &*octets, 1_000).map_err(|fault| fault.code())
    }

    fn of_length(length_octets: &[u8], content: usize) -> Vec<u8> {
        [&[SEQUENCE], length_octets, &vec![7; content]].concat()
    }

    #[test]
    fn objects_are_read_one_behind_the_other() {
        let (short, long) = (of_length(&[2], 2), of_length(&[0x82, 0x01, 0x00], 256));
        let both = [short.clone(), long.clone()].concat();
        let mut from = both.as_slice();
        assert_eq!(object(&mut from, 1_000).unwrap(), short);
        assert_eq!(object(&mut from, 1_000).unwrap(), long);
        assert!(next_object(&mut from, 1_000).unwrap().is_none());
        assert_eq!(object(&mut from, 1_000).unwrap_err().code(), "shipment.truncated");
    }

    #[test]
    fn an_object_that_is_cut_off_is_told_from_a_file_that_ends() {
        for cut in [of_length(&[2], 1), vec![SEQUENCE], of_length(&[0x82, 0x01], 0)] {
            assert_eq!(read(&cut), Err("shipment.truncated"), "{cut:?}");
        }
    }

    // X.690 §10.1: length octets are definite and as few as possible.
    #[test]
    fn other_length_octets_than_those_of_der_are_refused() {
        for length in [&[0x80][..], &[0x81, 0x02], &[0x82, 0x00, 0x80], &[0x84, 0, 0, 0, 2], &[0xFF]] {
            assert_eq!(read(&of_length(length, 200)), Err("shipment.not-der"), "{length:?}");
        }
        assert_eq!(read(&[0x31, 0x00]), Err("shipment.not-der"));
        assert_eq!(read(&of_length(&[0x81, 0x80], 128)), Ok(Some(of_length(&[0x81, 0x80], 128))));
    }

    #[test]
    fn an_object_that_says_it_is_too_long_is_refused_before_it_is_read() {
        assert_eq!(read(&of_length(&[0x83, 0xFF, 0xFF, 0xFF], 0)), Err("shipment.too-long"));
        assert_eq!(read(&of_length(&[0x82, 0x03, 0xE5], 997)), Err("shipment.too-long"));
        assert!(read(&of_length(&[0x82, 0x03, 0xE4], 996)).unwrap().is_some());
    }
}
