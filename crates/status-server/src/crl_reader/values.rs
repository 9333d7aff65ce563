//! DER values one behind the other, as they come: their tags and lengths, and the hashes of what went by (X.690 §8.1, §10.1).

use std::io::{ErrorKind, Read};

use super::ReadCrlError;
use super::signed::Hashes;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const CONTEXT_0: u8 = 0xA0;

/// How many octets are asked for at once.
const PIECE: usize = 64 * 1024;

/// The values that come from a source.
pub(super) struct Values<R> {
    source: R,
    /// What was read ahead; taken up to `taken`.
    ahead: Vec<u8>,
    taken: usize,
    position: u64,
    /// Made of what is taken, where anybody wants them.
    hashes: Option<Hashes>,
}

impl<R: Read> Values<R> {
    pub(super) const fn new(source: R, hashes: Option<Hashes>) -> Self {
        Self { source, ahead: Vec::new(), taken: 0, position: 0, hashes }
    }

    /// How many octets lie behind.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// What comes from here on is what was signed.
    pub(super) const fn begin_signed(&mut self) {
        if let Some(hashes) = &mut self.hashes {
            hashes.within_signed = true;
        }
    }

    /// What was signed ends here.
    pub(super) const fn end_signed(&mut self) {
        if let Some(hashes) = &mut self.hashes {
            hashes.within_signed = false;
        }
    }

    /// Moves into a value; returns where it ends.
    pub(super) fn enter(&mut self, tag: u8) -> Result<u64, ReadCrlError> {
        let (header, content) = self.header(tag)?;
        self.octets(header)?;
        Ok(self.position.saturating_add(content))
    }

    /// Says that a value that was entered ends here.
    pub(super) const fn leave(&self, end: u64) -> Result<(), ReadCrlError> {
        if self.position == end { Ok(()) } else { Err(self.not_der()) }
    }

    /// Takes a value whole, which has at most `longest` octets.
    pub(super) fn take(&mut self, tag: u8, longest: u64) -> Result<&[u8], ReadCrlError> {
        let (header, content) = self.header(tag)?;
        if content > longest {
            return Err(self.not_der());
        }
        let content = usize::try_from(content).map_err(|_| self.not_der())?;
        self.octets(header + content)
    }

    /// Takes a short value of one of two tags.
    pub(super) fn take_either(&mut self, one: u8, other: u8) -> Result<&[u8], ReadCrlError> {
        let tag = self.peek(0)?;
        self.take(if tag == one { one } else { other }, 32)
    }

    /// Tells whether a value of this tag comes next, before `end`.
    pub(super) fn next_is(&mut self, tag: u8, end: u64) -> Result<bool, ReadCrlError> {
        Ok(self.position < end && self.peek(0)? == tag)
    }

    /// Says that nothing may follow; returns the number of octets, and the hashes.
    pub(super) fn finish(mut self) -> Result<(u64, Option<Hashes>), ReadCrlError> {
        if self.fill(1)? { Err(self.not_der()) } else { Ok((self.position, self.hashes)) }
    }

    /// Returns how many octets header and content of the next value have.
    fn header(&mut self, tag: u8) -> Result<(usize, u64), ReadCrlError> {
        let (found, first) = (self.peek(0)?, self.peek(1)?);
        if found != tag {
            return Err(self.not_der());
        }
        if first < 0x80 {
            return Ok((2, first.into()));
        }
        let count = usize::from(first & 0x7F);
        if !(1..=4).contains(&count) {
            return Err(self.not_der());
        }
        let mut length = 0_u64;
        for at in 2..2 + count {
            length = length << 8 | u64::from(self.peek(at)?);
        }
        // X.690 §10.1: the fewest octets.
        let least = if count == 1 { 0x80 } else { 1 << (8 * (count - 1)) };
        if length < least { Err(self.not_der()) } else { Ok((2 + count, length)) }
    }

    fn peek(&mut self, at: usize) -> Result<u8, ReadCrlError> {
        if !self.fill(at + 1)? {
            return Err(self.not_der());
        }
        self.ahead.get(self.taken + at).copied().ok_or_else(|| self.not_der())
    }

    fn octets(&mut self, count: usize) -> Result<&[u8], ReadCrlError> {
        if !self.fill(count)? {
            return Err(self.not_der());
        }
        let taken = self.ahead.get(self.taken..self.taken + count).unwrap_or_default();
        self.taken += count;
        self.position += u64::try_from(count).unwrap_or_default();
        if let Some(hashes) = &mut self.hashes {
            hashes.update(taken);
        }
        Ok(taken)
    }

    /// Reads ahead; tells whether there are so many octets.
    fn fill(&mut self, count: usize) -> Result<bool, ReadCrlError> {
        while self.ahead.len() - self.taken < count {
            self.ahead.drain(..self.taken);
            self.taken = 0;
            let before = self.ahead.len();
            self.ahead.resize(before + PIECE, 0);
            let (_, free) = self.ahead.split_at_mut(before);
            let read = loop {
                match self.source.read(free) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            self.ahead.truncate(before + read);
            if read == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) const fn not_der(&self) -> ReadCrlError {
        ReadCrlError::NotDer { at: self.position }
    }
}

/// Splits a value that is there whole into its header and its content.
pub(super) fn split(value: &[u8]) -> Result<(&[u8], &[u8]), ReadCrlError> {
    let header = match value.get(1) {
        Some(length) if *length < 0x80 => 2,
        Some(length) => 2 + usize::from(length & 0x7F),
        None => return Err(ReadCrlError::NotDer { at: 0 }),
    };
    value.split_at_checked(header).ok_or(ReadCrlError::NotDer { at: 0 })
}

/// Splits a value of this tag and of fewer than 128 octets from what stands behind it; returns its content and that.
pub(super) fn short(tag: u8, octets: &[u8]) -> Option<(&[u8], &[u8])> {
    match octets {
        [first, length @ ..0x80, rest @ ..] if *first == tag => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}
