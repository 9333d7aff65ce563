//! An entry of a CRL as plain as nearly all are, read without an allocation: a list has a million of them (RFC 5280 §5.1, §5.3).
//!
//! Reads strict DER or nothing. What is not plain is no fault: it is for the DER codec to read, and for others to judge.

use der::DateTime;

use crate::validity::UnixTime;

/// Tags (X.690 §8).
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;

/// Extensions that are a reason code alone, up to its number: not critical, an ENUMERATED of one octet (RFC 5280 §5.3.1).
const REASON_ALONE: [u8; 13] = [0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1D, 0x15, 0x04, 3, 0x0A, 1];

/// An entry with a revocation date before 2050, and no extension but a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlainEntry<'a> {
    /// The content octets of the INTEGER, whatever they are.
    pub(crate) serial: &'a [u8],
    pub(crate) revocation_date: UnixTime,
    /// The number of the reason.
    pub(crate) reason: Option<u8>,
}

impl<'a> PlainEntry<'a> {
    /// Reads the DER of one entry, if it is a plain one.
    pub(crate) fn read(octets: &'a [u8]) -> Option<Self> {
        let (entry, []) = value(SEQUENCE, octets)? else { return None };
        let (serial, entry) = value(INTEGER, entry)?;
        let (date, extensions) = value(UTC_TIME, entry)?;
        let reason = match extensions {
            [] => None,
            _ => Some(reason_alone(extensions)?),
        };
        Some(Self { serial, revocation_date: utc_time(date)?, reason })
    }
}

fn reason_alone(extensions: &[u8]) -> Option<u8> {
    let [reason] = extensions.strip_prefix(&REASON_ALONE)? else { return None };
    Some(*reason)
}

/// Splits a value of this tag, of fewer than 128 octets, from what stands behind it; returns its content and that.
fn value(tag: u8, octets: &[u8]) -> Option<(&[u8], &[u8])> {
    match octets {
        [found, length @ ..0x80, rest @ ..] if *found == tag => rest.split_at_checked((*length).into()),
        _ => None,
    }
}

/// Reads `YYMMDDhhmmssZ` (RFC 5280 §4.1.2.5.1).
fn utc_time(content: &[u8]) -> Option<UnixTime> {
    let (digits, b"Z") = content.split_at_checked(12)? else { return None };
    let mut pairs = [0; 6];
    for (pair, number) in digits.chunks_exact(2).zip(&mut pairs) {
        let [b'0'..=b'9', b'0'..=b'9'] = pair else { return None };
        *number = pair.iter().fold(0, |number, digit| number * 10 + (digit - b'0'));
    }
    let [year, month, day, hour, minutes, seconds] = pairs;
    let century = if year < 50 { 2_000 } else { 1_900 };
    let time = DateTime::new(century + u16::from(year), month, day, hour, minutes, seconds).ok()?;
    i64::try_from(time.unix_duration().as_secs()).ok().map(UnixTime::from_seconds)
}

#[cfg(test)]
mod tests {
    use der::asn1::UtcTime;
    use der::{Decode, Encode};

    use super::*;

    const ENTRY: &[u8] = b"\x30\x13\x02\x02\x09\x01\x17\x0D261120093001Z";

    fn with_reason(number: u8) -> Vec<u8> {
        let mut entry = [ENTRY, &REASON_ALONE, &[number]].concat();
        entry[1] += 14;
        entry
    }

    #[test]
    fn reads_serial_number_date_and_reason() {
        let revocation_date = UnixTime::from_seconds(1_795_167_001);
        let plain = PlainEntry { serial: &[9, 1], revocation_date, reason: None };
        assert_eq!(PlainEntry::read(ENTRY), Some(plain));
        assert_eq!(PlainEntry::read(&with_reason(4)), Some(PlainEntry { reason: Some(4), ..plain }));
    }

    #[test]
    fn an_octet_more_or_less_is_not_plain() {
        let entry = with_reason(1);
        for length in 0..entry.len() {
            assert_eq!(PlainEntry::read(&entry[..length]), None, "{length}");
        }
        assert_eq!(PlainEntry::read(&[entry.as_slice(), &[0]].concat()), None);
    }

    #[test]
    fn a_date_is_what_the_codec_reads_and_nothing_where_that_reads_none() {
        let days = (0..40).flat_map(|day| (0..14).map(move |month| (month, day)));
        for (month, day) in days {
            for year in [0, 24, 49, 50, 69, 70, 99] {
                let digits = format!("{year:02}{month:02}{day:02}235959Z");
                let by_codec = UtcTime::from_der(&[b"\x17\x0D", digits.as_bytes()].concat()).ok();
                let by_codec = by_codec.map(|time| time.to_unix_duration().as_secs().try_into().unwrap());
                let read = utc_time(digits.as_bytes());
                assert_eq!(read, by_codec.map(UnixTime::from_seconds), "{digits}");
            }
        }
        for wrong in [
            "261120240000Z",
            "261120006000Z",
            "261120000060Z",
            "26112000000Z",
            "261120000000+",
            "2611 0000000Z",
        ] {
            assert_eq!(utc_time(wrong.as_bytes()), None, "{wrong}");
        }
    }

    /// Whatever bit of a plain entry is another: what is read is what the octets say, octet for octet.
    #[test]
    fn another_octet_is_another_entry_or_none() {
        let entry = with_reason(1);
        for (at, bit) in (0..entry.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut other = entry.clone();
            other[at] ^= 1 << bit;
            assert_ne!(PlainEntry::read(&other), PlainEntry::read(&entry), "octet {at}, bit {bit}");
        }
        assert!(UtcTime::from_der(&entry[6..21]).unwrap().to_der().unwrap() == entry[6..21]);
    }
}
