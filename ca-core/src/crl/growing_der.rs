//! A DER structure that grows at its end and gets its headers last, in room kept free in front of it.
//!
//! DER writes a length before what it counts. A CRL of a million entries is therefore either written twice, or its headers
//! are written after its content, which is what happens here: one buffer, no second copy. Knows no CRL.

use der::{Encode, Header, Length, Tag};

/// One growing DER structure: `octets[start..]` is what is written, the rest is room for headers to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GrowingDer {
    octets: Vec<u8>,
    start: usize,
}

impl GrowingDer {
    /// Begins an empty structure with `room` octets for what comes in front. More may come; that costs one move.
    pub(super) fn with_room(room: usize) -> Self {
        Self { octets: vec![0; room], start: room }
    }

    /// Writes one value behind all that is written.
    pub(super) fn append(&mut self, value: &impl Encode) -> der::Result<()> {
        value.encode_to_vec(&mut self.octets).map(|_| ())
    }

    /// Writes octets in front of all that is written.
    pub(super) fn prepend(&mut self, octets: &[u8]) {
        if let Some(start) = self.start.checked_sub(octets.len()) {
            for (room, octet) in self.octets.iter_mut().skip(start).zip(octets) {
                *room = *octet;
            }
            self.start = start;
        } else {
            self.octets.splice(..self.start, octets.iter().copied());
            self.start = 0;
        }
    }

    /// Makes all that is written the content of one value with this tag.
    pub(super) fn wrap(&mut self, tag: Tag) -> der::Result<()> {
        let length = Length::try_from(self.octets().len())?;
        self.prepend(&Header::new(tag, length).to_der()?);
        Ok(())
    }

    /// Returns what is written.
    pub(super) fn octets(&self) -> &[u8] {
        self.octets.get(self.start..).unwrap_or_default()
    }

    /// Gives up the room in front and returns what is written.
    pub(super) fn into_octets(mut self) -> Vec<u8> {
        self.octets.drain(..self.start);
        self.octets.shrink_to_fit();
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_what_was_appended_and_prepended_whatever_the_room() {
        for room in [0, 1, 3, 64] {
            let mut growing = GrowingDer::with_room(room);
            growing.append(&2_u8).unwrap();
            growing.prepend(&[0x02, 0x01, 0x01]);
            growing.wrap(Tag::Sequence).unwrap();
            growing.append(&3_u8).unwrap();
            growing.wrap(Tag::Sequence).unwrap();
            let expected = [0x30, 11, 0x30, 6, 2, 1, 1, 2, 1, 2, 2, 1, 3];
            assert_eq!(growing.octets(), expected, "room of {room}");
            assert_eq!(growing.into_octets(), expected, "room of {room}");
        }
    }

    #[test]
    fn counts_long_contents_in_the_shortest_form() {
        let mut growing = GrowingDer::with_room(8);
        for _ in 0..100 {
            growing.append(&7_u8).unwrap();
        }
        growing.wrap(Tag::Sequence).unwrap();
        assert_eq!(growing.octets().get(..6), Some([0x30, 0x82, 1, 44, 2, 1].as_slice()));
    }
}
