//! One CoAP message from octets and back, by coap-lite, and nothing that it might read in two ways (RFC 7252 §3).

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};

/// RFC 7252 §3: the version of the protocol.
const VERSION: u8 = 1;
const HEADER_OCTETS: usize = 4;
/// RFC 7252 §3: what stands before a payload.
const PAYLOAD_MARKER: u8 = 0xFF;
/// The most options that a message may have: a path, queries, and one of each other. Read, an option of one octet takes forty.
const MAX_OPTIONS: usize = 64;

/// What cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is no message of this version: it is ignored (RFC 7252 §3).
    Foreign,
    /// Its header can be read and the rest cannot.
    Malformed {
        /// Its message ID, if it wants an answer, which is a Reset (RFC 7252 §4.2).
        reset: Option<u16>,
    },
}

/// Reads a message.
///
/// # Errors
/// [`Unreadable`].
pub(crate) fn read(octets: &[u8]) -> Result<Packet, Unreadable> {
    let Some((&[first, _, high, low], rest)) = octets.split_first_chunk::<HEADER_OCTETS>() else {
        return Err(Unreadable::Foreign);
    };
    if first >> 6 != VERSION {
        return Err(Unreadable::Foreign);
    }
    let is_confirmable = (first >> 4) & 3 == 0;
    let reset = is_confirmable.then_some(u16::from_be_bytes([high, low]));
    let malformed = Unreadable::Malformed { reset };
    if options(octets) > MAX_OPTIONS {
        return Err(malformed);
    }
    let packet = Packet::from_bytes(octets).map_err(|_| malformed)?;
    // RFC 7252 §3, §4.1: a payload marker has a payload behind it, and an Empty message is its header. What is written as
    // it was read has neither fault.
    let is_as_read = packet.to_bytes_unlimited().is_ok_and(|written| written == octets);
    let is_empty_with_more = packet.header.code == MessageClass::Empty && !rest.is_empty();
    if is_as_read && !is_empty_with_more { Ok(packet) } else { Err(malformed) }
}

/// Counts the options of a message, as far as they have their form, before an object is made of each.
fn options(octets: &[u8]) -> usize {
    let token = octets.first().map_or(0, |first| usize::from(first & 15));
    let mut rest = octets.get(HEADER_OCTETS.saturating_add(token)..).unwrap_or_default();
    let mut count: usize = 0;
    while let Some(behind) = after_option(rest) {
        count = count.saturating_add(1);
        rest = behind;
    }
    count
}

/// Returns what follows an option; nothing where none begins there or it is cut short (RFC 7252 §3.1).
fn after_option(octets: &[u8]) -> Option<&[u8]> {
    let (first, rest) = octets.split_first().filter(|(first, _)| **first != PAYLOAD_MARKER)?;
    let (_delta, rest) = extended(first >> 4, rest)?;
    let (length, rest) = extended(first & 15, rest)?;
    rest.get(length..)
}

/// RFC 7252 §3.1: 13 and 14 stand for one and two octets more that say the number, and 15 for none.
fn extended(nibble: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    match nibble {
        13 => rest.split_first().map(|(more, rest)| (usize::from(*more).saturating_add(13), rest)),
        14 => rest
            .split_first_chunk()
            .map(|(more, rest)| (usize::from(u16::from_be_bytes(*more)).saturating_add(269), rest)),
        15 => None,
        small => Some((usize::from(small), rest)),
    }
}

/// Writes a message without payload and options: an Acknowledgement or a Reset (RFC 7252 §4.1).
pub(crate) fn empty(kind: MessageType, id: u16) -> Vec<u8> {
    let mut packet = Packet::new();
    packet.header.set_version(VERSION);
    packet.header.set_type(kind);
    packet.header.code = MessageClass::Empty;
    packet.header.message_id = id;
    written(&packet)
}

/// Writes a message that was made here, which is never too long for its own format.
pub(crate) fn written(packet: &Packet) -> Vec<u8> {
    packet.to_bytes_unlimited().unwrap_or_default()
}

/// Returns the value of an option that is an unsigned integer of up to four octets (RFC 7252 §3.2).
pub(crate) fn integer(value: &[u8]) -> Option<u32> {
    (value.len() <= 4).then(|| value.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet)))
}

/// Writes an unsigned integer without leading zeros, as options have it (RFC 7252 §3.2).
pub(crate) fn integer_octets(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect()
}

/// Returns the integer that an option says, where it is there once and is one.
pub(crate) fn option_integer(packet: &Packet, option: CoapOption) -> Option<u32> {
    packet.get_first_option(option).and_then(|value| integer(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use coap_lite::RequestType;

    /// GET /a, message ID 0x1234, token 0xAB.
    const GET: [u8; 7] = [0x41, 0x01, 0x12, 0x34, 0xAB, 0xB1, b'a'];

    #[test]
    fn reads_a_message_and_writes_it_again() {
        let packet = read(&GET).unwrap();
        assert_eq!(packet.header.code, MessageClass::Request(RequestType::Get));
        assert_eq!((packet.header.message_id, packet.get_token()), (0x1234, &[0xAB][..]));
        assert_eq!(written(&packet), GET);
    }

    // RFC 7252 §3: a message of another version is silently ignored.
    #[test]
    fn another_version_and_less_than_a_header_are_foreign() {
        for first in [0x01, 0x81, 0xC1] {
            assert_eq!(read(&[first, 1, 0, 0]), Err(Unreadable::Foreign));
        }
        assert_eq!(read(&GET[..3]), Err(Unreadable::Foreign));
        assert_eq!(read(&[]), Err(Unreadable::Foreign));
    }

    // RFC 7252 §3, §4.1, §4.2, §4.3: what is malformed is reset where it is confirmable, and ignored where it is not.
    #[test]
    fn refuses_a_marker_without_payload_and_an_empty_message_with_more() {
        let reset = Err(Unreadable::Malformed { reset: Some(0x1234) });
        assert_eq!(read(&[&GET[..], &[0xFF]].concat()), reset);
        assert_eq!(read(&[0x40, 0x00, 0x12, 0x34, 0xFF, 0x01]), reset, "empty with a payload");
        assert_eq!(read(&[0x41, 0x00, 0x12, 0x34, 0xAB]), reset, "empty with a token");
        assert_eq!(read(&[0x49, 0x01, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8, 9]), reset, "a token of 9 octets");
        assert_eq!(read(&[0x51, 0x01, 0x12, 0x34]), Err(Unreadable::Malformed { reset: None }));
    }

    // RFC 7252 §3.1: each form of a length is counted as one option, and what follows it is found.
    #[test]
    fn a_message_with_an_option_too_many_is_malformed() {
        let forms: [&[u8]; 4] =
            [&[0xB1, b'a'], &[0x0D, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], &[0x01, 1], &[0x00]];
        let long = [&[0x0E, 0, 0][..], &[7; 269]].concat();
        let of = |small: usize| [&GET[..5], &forms.concat(), &long, &vec![0; small]].concat();
        assert_eq!(options(&of(0)), 5);
        assert!(read(&of(MAX_OPTIONS - 5)).is_ok());
        assert_eq!(read(&of(MAX_OPTIONS - 4)), Err(Unreadable::Malformed { reset: Some(0x1234) }));
        let payload = [&GET[..], &[PAYLOAD_MARKER], &[0; 500]].concat();
        assert_eq!(options(&payload), 1, "a payload has none");
        assert!(read(&payload).is_ok());
    }

    #[test]
    fn integers_have_no_leading_zeros() {
        for (value, octets) in [(0, &[][..]), (1, &[1]), (256, &[1, 0]), (65_536, &[1, 0, 0])] {
            assert_eq!(integer_octets(value), octets);
            assert_eq!(integer(octets), Some(value));
        }
        assert_eq!(integer(&[0; 5]), None);
    }
}
