//! Several representations in one body: `application/multipart-core` (RFC 8710 §2), of two always.
//!
//! ```text
//! multipart-core = [* multipart-part]
//! multipart-part = (type: uint .size 2, part: bytes / null)
//! ```
//!
//! Written and never read.

use coap_kit::Format;

/// RFC 8949 §3.1: the major types.
const UNSIGNED: u8 = 0;
const BYTE_STRING: u8 = 2;
const ARRAY: u8 = 4;

/// Writes two representations, each with its format before it.
pub(crate) fn write(parts: [(Format, &[u8]); 2]) -> Vec<u8> {
    let mut octets = head(ARRAY, 2 * parts.len());
    for (format, part) in parts {
        octets.extend(head(UNSIGNED, usize::from(format.number())));
        octets.extend(head(BYTE_STRING, part.len()));
        octets.extend(part);
    }
    octets
}

/// RFC 8949 §3, §4.2.1: a type and its number, in as few octets as it can be.
fn head(major: u8, number: usize) -> Vec<u8> {
    // What does not stand in the first octet follows it in one octet, or two, four or eight.
    let (information, argument) = if let Ok(small @ 0..=23) = u8::try_from(number) {
        (small, Vec::new())
    } else if let Ok(number) = u8::try_from(number) {
        (24, number.to_be_bytes().to_vec())
    } else if let Ok(number) = u16::try_from(number) {
        (25, number.to_be_bytes().to_vec())
    } else if let Ok(number) = u32::try_from(number) {
        (26, number.to_be_bytes().to_vec())
    } else {
        (27, number.to_be_bytes().to_vec())
    };
    [vec![(major << 5) | information], argument].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8949, Appendix A: its examples of unsigned integers.
    #[test]
    fn writes_numbers_as_the_examples_of_the_rfc() {
        for (number, octets) in [
            (0, &[0x00][..]),
            (1, &[0x01]),
            (10, &[0x0A]),
            (23, &[0x17]),
            (24, &[0x18, 0x18]),
            (25, &[0x18, 0x19]),
            (100, &[0x18, 0x64]),
            (1_000, &[0x19, 0x03, 0xE8]),
            (1_000_000, &[0x1A, 0x00, 0x0F, 0x42, 0x40]),
            (1_000_000_000_000, &[0x1B, 0x00, 0x00, 0x00, 0xE8, 0xD4, 0xA5, 0x10, 0x00]),
        ] {
            assert_eq!(head(UNSIGNED, number), octets, "{number}");
        }
    }

    // RFC 9148 §4.8: an array of four items.
    #[test]
    fn two_representations_are_an_array_of_four_items() {
        let octets = write([(Format::of(284), &[1, 2, 3, 4]), (Format::of(281), &[7; 300])]);
        let head = [0x84, 0x19, 0x01, 0x1C, 0x44, 1, 2, 3, 4, 0x19, 0x01, 0x19, 0x59, 0x01, 0x2C];
        assert_eq!(octets, [&head[..], &[7; 300]].concat());
    }
}
