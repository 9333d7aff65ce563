//! The block options of CoAP: one part of a body too long for one message (RFC 7959 §2.2).

use crate::message::integer_octets;

/// The largest exponent: blocks of 1,024 octets. 7 is reserved.
const MAX_EXPONENT: u8 = 6;

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its number, counted from 0 in blocks of its size.
    pub(crate) number: u32,
    /// Whether others follow.
    pub(crate) more: bool,
    exponent: u8,
}

impl Block {
    /// Makes the first block of a body, of at most this size.
    pub(crate) const fn first(size: BlockSize) -> Self {
        Self { number: 0, more: false, exponent: size.exponent }
    }

    /// Returns the same block with none behind it.
    pub(crate) const fn last(self) -> Self {
        Self { more: false, ..self }
    }

    /// Reads an option's value. RFC 7959 §2.2: up to three octets, and size exponent 7 is an error.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let scalar = (value.len() <= 3).then(|| crate::message::integer(value))??;
        let exponent = u8::try_from(scalar & 7).ok().filter(|exponent| *exponent <= MAX_EXPONENT)?;
        Some(Self { number: scalar >> 4, more: scalar & 8 != 0, exponent })
    }

    /// Writes an option's value.
    pub(crate) fn octets(self) -> Vec<u8> {
        integer_octets((self.number << 4) | (u32::from(self.more) << 3) | u32::from(self.exponent))
    }

    /// Returns its size in octets.
    pub(crate) const fn size(self) -> usize {
        16 << self.exponent
    }

    /// Returns where it begins in the body.
    pub(crate) fn offset(self) -> usize {
        usize::try_from(self.number).map_or(usize::MAX, |number| number.saturating_mul(self.size()))
    }

    /// Returns a block that begins at the same octet and is not larger than `size` (RFC 7959 §2.4).
    pub(crate) fn at_most(self, size: BlockSize) -> Self {
        if self.exponent <= size.exponent {
            return self;
        }
        let number = self.number << (self.exponent - size.exponent);
        Self { number, exponent: size.exponent, ..self }
    }

    /// Returns this part of a body, and the block as the answer says it; none where the body ends before it.
    pub(crate) fn of(self, body: &[u8]) -> Option<(Self, &[u8])> {
        let rest = body.get(self.offset()..).filter(|rest| !rest.is_empty() || self.number == 0)?;
        let more = rest.len() > self.size();
        let part = rest.get(..self.size()).unwrap_or(rest);
        Some((Self { more, ..self }, part))
    }
}

/// A size of blocks: a power of two from 16 to 1,024 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSize {
    exponent: u8,
}

impl BlockSize {
    /// 1,024 octets.
    pub const LARGEST: Self = Self { exponent: MAX_EXPONENT };

    /// Checks a size in octets.
    #[must_use]
    pub fn of_octets(octets: usize) -> Option<Self> {
        (0..=MAX_EXPONENT).find(|exponent| 16_usize << exponent == octets).map(|exponent| Self { exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(octets: usize) -> BlockSize {
        BlockSize::of_octets(octets).unwrap()
    }

    // RFC 7959 §2.2: NUM, M, SZX.
    #[test]
    fn reads_number_more_and_size() {
        let block = Block::read(&[0x2C]).unwrap();
        assert_eq!((block.number, block.more, block.size(), block.offset()), (2, true, 256, 512));
        assert_eq!(Block::read(&[]).unwrap(), Block::first(size(16)));
        assert_eq!(Block::read(&[0xFF, 0xFF, 0xF6]).unwrap().number, 0xF_FFFF);
        for octets in [&[0x2C][..], &[], &[0x01, 0x0E], &[0x10, 0x00, 0x0D]] {
            assert_eq!(Block::read(octets).unwrap().octets(), octets);
        }
    }

    #[test]
    fn refuses_the_reserved_size_and_four_octets() {
        assert_eq!(Block::read(&[0x07]), None);
        assert_eq!(Block::read(&[0x0F]), None);
        assert_eq!(Block::read(&[0; 4]), None);
    }

    #[test]
    fn cuts_a_body() {
        let body = [7; 40];
        let of = |number| Block { number, more: false, exponent: 0 }.of(&body);
        assert_eq!(of(0).map(|(block, part)| (block.more, part.len())), Some((true, 16)));
        assert_eq!(of(2).map(|(block, part)| (block.more, part.len())), Some((false, 8)));
        assert_eq!(of(3), None);
        assert_eq!(of(u32::MAX), None);
        assert_eq!(Block::first(size(16)).of(&[]), Some((Block::first(size(16)), &[][..])));
    }

    // RFC 7959 §2.4: who serves may choose a smaller size, and begins at the same octet.
    #[test]
    fn a_smaller_size_begins_at_the_same_octet() {
        let block = Block { number: 3, more: false, exponent: 6 };
        let smaller = block.at_most(size(64));
        assert_eq!((smaller.number, smaller.size(), smaller.offset()), (48, 64, block.offset()));
        assert_eq!(smaller.at_most(size(1024)), smaller);
    }

    #[test]
    fn sizes_are_powers_of_two_up_to_1024() {
        for octets in [0, 8, 15, 17, 1_000, 2_048] {
            assert_eq!(BlockSize::of_octets(octets), None, "{octets}");
        }
    }
}
