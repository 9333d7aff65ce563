//! One entry of a CRL (RFC 5280 §5.1.2.6, §5.3).

use ca_core::validity::UnixTime;
use const_oid::ObjectIdentifier;
use der::asn1::GeneralizedTime;
use der::{DateTime, Decode, Reader, SliceReader};
use x509_cert::ext::Extension;
use x509_cert::time::Time;

use super::ReadCrlError;
use super::values::{self, INTEGER, SEQUENCE, UTC_TIME};

const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
/// Extensions that are a reason alone, not critical, up to its number: an ENUMERATED of one octet.
const REASON_ALONE: &[u8] = &[0x30, 12, 0x30, 10, 6, 3, 0x55, 0x1D, 0x15, 4, 3, 0x0A, 1];

const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// An entry as it stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadEntry<'a> {
    /// Its DER.
    pub der: &'a [u8],
    /// The content octets of the serial number.
    pub serial: &'a [u8],
    /// revocationDate.
    pub revocation_date: UnixTime,
    /// The number of the reason, 0 where none is told.
    pub reason: u8,
    /// Since when the certificate is suspected, where that is told.
    pub invalidity_date: Option<UnixTime>,
}

impl<'a> ReadEntry<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, ReadCrlError> {
        Self::plain(der).map_or_else(|| Self::any(der), Ok)
    }

    /// Reads an entry as nearly all are: revoked before 2050, and with no extension but a reason.
    fn plain(der: &'a [u8]) -> Option<Self> {
        let (entry, []) = values::short(SEQUENCE, der)? else { return None };
        let (serial, entry) = values::short(INTEGER, entry)?;
        let (date, extensions) = values::short(UTC_TIME, entry)?;
        let reason = match extensions.strip_prefix(REASON_ALONE) {
            Some([reason]) => *reason,
            _ if extensions.is_empty() => 0,
            _ => return None,
        };
        Some(Self { der, serial, revocation_date: date_of(date)?, reason, invalidity_date: None })
    }

    /// Reads an entry whatever it has.
    fn any(der: &'a [u8]) -> Result<Self, ReadCrlError> {
        let (_, content) = values::split(der)?;
        let mut reader = SliceReader::new(content)?;
        let number = reader.tlv_bytes()?;
        if number.first() != Some(&INTEGER) {
            return Err(ReadCrlError::NotDer { at: 0 });
        }
        let (_, serial) = values::split(number)?;
        let revocation_date = unix(Time::decode(&mut reader)?.to_unix_duration().as_secs());
        let extensions: Vec<Extension> =
            if reader.is_finished() { Vec::new() } else { Vec::decode(&mut reader)? };
        reader.finish()?;
        let value = |oid| {
            let found = extensions.iter().find(|extension: &&Extension| extension.extn_id == oid);
            found.map(|extension| extension.extn_value.as_bytes())
        };
        let reason = match value(REASON) {
            // An ENUMERATED of one octet.
            Some([0x0A, 1, reason]) => *reason,
            Some(_) => return Err(ReadCrlError::NotDer { at: 0 }),
            None => 0,
        };
        let since = value(INVALIDITY_DATE).map(GeneralizedTime::from_der).transpose()?;
        let invalidity_date = since.map(|since| unix(since.to_unix_duration().as_secs()));
        Ok(Self { der, serial, revocation_date, reason, invalidity_date })
    }
}

/// Reads the content of a UTCTime, `YYMMDDhhmmssZ`, of this century; one of the last is for the codec.
fn date_of(content: &[u8]) -> Option<UnixTime> {
    let (digits, b"Z") = content.split_at_checked(12)? else { return None };
    let mut numbers = digits.chunks_exact(2).map(|pair| match pair {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + ones - b'0'),
        _ => None,
    });
    let mut next = || numbers.next().flatten();
    // RFC 5280 §4.1.2.5.1: below 50 it is of this century.
    let year = next().filter(|year| *year < 50)?;
    let time = DateTime::new(2_000 + u16::from(year), next()?, next()?, next()?, next()?, next()?).ok()?;
    Some(unix(time.unix_duration().as_secs()))
}

fn unix(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIAL: [u8; 4] = [INTEGER, 2, 9, 1];

    fn entry(parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        [[SEQUENCE, u8::try_from(content.len()).unwrap()].as_slice(), &content].concat()
    }

    fn utc(digits: &str) -> Vec<u8> {
        [[UTC_TIME, u8::try_from(digits.len()).unwrap()].as_slice(), digits.as_bytes()].concat()
    }

    /// Both ways of reading say the same, wherever the short one says anything.
    #[test]
    fn a_plain_entry_is_read_as_the_codec_reads_it() {
        let reason = [REASON_ALONE, &[4]].concat();
        for extensions in [[].as_slice(), &reason] {
            for digits in ["000229000000Z", "261120093001Z", "491231235959Z"] {
                let der = entry(&[&SERIAL, &utc(digits), extensions]);
                assert_eq!(ReadEntry::plain(&der).unwrap(), ReadEntry::any(&der).unwrap(), "{digits}");
            }
        }
        let good = entry(&[&SERIAL, &utc("261120093001Z"), &reason]);
        for (at, other) in (0..good.len()).flat_map(|at| (0..=u8::MAX).map(move |other| (at, other))) {
            let mut der = good.clone();
            der[at] = other;
            if let Some(plain) = ReadEntry::plain(&der) {
                assert_eq!(plain, ReadEntry::any(&der).unwrap(), "octet {at} is {other}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_codec() {
        let generalized = [[0x18, 15].as_slice(), b"20500101000000Z"].concat();
        let since = b"\x30\x1A\x30\x18\x06\x03\x55\x1D\x18\x04\x11\x18\x0F20261101000000Z";
        let date = utc("261120093001Z");
        for der in [
            entry(&[&SERIAL, &generalized]),
            entry(&[&SERIAL, &utc("991231235959Z")]),
            entry(&[&SERIAL, &date, since]),
        ] {
            assert_eq!(ReadEntry::plain(&der), None);
            assert!(ReadEntry::any(&der).is_ok());
        }
        for der in
            [entry(&[&SERIAL, &date, &[5, 0]]), entry(&[&SERIAL, &utc("261320093001Z")]), entry(&[&date])]
        {
            assert_eq!(ReadEntry::plain(&der), None);
            assert!(ReadEntry::read(&der).is_err());
        }
    }
}
