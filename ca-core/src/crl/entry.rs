//! The DER of one entry of a CRL, written octet by octet: a list has a million of them (RFC 5280 §5.1, §5.3).
//!
//! An entry has fewer than 128 octets, so that each length in it is one octet. Decides nothing, and reads nothing.

use der::{DateTime, ErrorKind};

use crate::reason::ReasonCode;
use crate::record::{Revocation, RevokedEntry};
use crate::serial_number::SerialNumber;
use crate::validity::UnixTime;

/// Tags (X.690 §8).
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;

/// A reason code up to its number, an ENUMERATED.
const REASON_CODE: [u8; 11] = [0x30, 10, 0x06, 3, 0x55, 0x1D, 0x15, 0x04, 3, 0x0A, 1];

/// An invalidity date up to its digits.
const INVALIDITY_DATE: [u8; 11] = [0x30, 24, 0x06, 3, 0x55, 0x1D, 0x18, 0x04, 17, GENERALIZED_TIME, 15];

/// Appends the entry of a revoked certificate on a CRL of `this_update`.
pub(super) fn append(entry: &RevokedEntry, this_update: UnixTime, to: &mut Vec<u8>) -> der::Result<()> {
    let Revocation { time, reason, invalidity_date } = entry.revocation;
    // RFC 5280 §5.3.1: reasonCode is non-critical, and absent rather than unspecified.
    let reason = (reason != ReasonCode::Unspecified).then(|| reason.number());
    // What was recorded while this list was being made is revoked as of this list, not as of a time to come.
    append_of(&entry.serial, time.min(this_update), (reason, invalidity_date), to)
}

/// Appends the entry of a delta CRL of `this_update` that takes a certificate off its base.
///
/// RFC 5280 §5.3.1: removeFromCRL stands on delta CRLs only.
pub(super) fn append_removed(
    serial: &SerialNumber,
    this_update: UnixTime,
    to: &mut Vec<u8>,
) -> der::Result<()> {
    append_of(serial, this_update, (Some(ReasonCode::REMOVE_FROM_CRL), None), to)
}

/// ```text
/// SEQUENCE {
///     userCertificate    CertificateSerialNumber,
///     revocationDate     Time,
///     crlEntryExtensions Extensions OPTIONAL }
/// ```
fn append_of(
    serial: &SerialNumber,
    revoked_at: UnixTime,
    (reason, invalid_since): (Option<u8>, Option<UnixTime>),
    to: &mut Vec<u8>,
) -> der::Result<()> {
    value(SEQUENCE, to, |to| {
        // RFC 5280 §5.1.2.6: by the serial number, octet for octet as it stands in the certificate.
        value(INTEGER, to, |to| {
            to.extend_from_slice(serial.octets());
            Ok(())
        })?;
        append_time(revoked_at, to)?;
        if reason.is_none() && invalid_since.is_none() {
            return Ok(());
        }
        value(SEQUENCE, to, |to| {
            if let Some(number) = reason {
                to.extend_from_slice(&REASON_CODE);
                to.push(number);
            }
            // RFC 5280 §5.3.2: invalidityDate is non-critical, and a GeneralizedTime in every year.
            if let Some(since) = invalid_since {
                to.extend_from_slice(&INVALIDITY_DATE);
                to.extend_from_slice(&digits(since)?);
            }
            Ok(())
        })
    })
}

/// Appends a value: its tag, the length of what `content` appends, and that.
fn value(
    tag: u8,
    to: &mut Vec<u8>,
    content: impl FnOnce(&mut Vec<u8>) -> der::Result<()>,
) -> der::Result<()> {
    to.extend_from_slice(&[tag, 0]);
    let start = to.len();
    content(to)?;
    match (u8::try_from(to.len() - start), to.get_mut(start - 1)) {
        (Ok(length @ ..0x80), Some(place)) => *place = length,
        _ => return Err(ErrorKind::Overflow.into()),
    }
    Ok(())
}

/// RFC 5280 §5.1.2.6, §4.1.2.5: a UTCTime to the end of 2049, without the century; a GeneralizedTime from 2050 on.
fn append_time(time: UnixTime, to: &mut Vec<u8>) -> der::Result<()> {
    let digits = digits(time)?;
    let (tag, digits) = match digits.split_at_checked(2) {
        Some((_, short)) if time < UnixTime::UTC_TIME_END => (UTC_TIME, short),
        _ => (GENERALIZED_TIME, digits.as_slice()),
    };
    value(tag, to, |to| {
        to.extend_from_slice(digits);
        Ok(())
    })
}

/// Writes a time as `YYYYMMDDhhmmssZ`.
fn digits(time: UnixTime) -> der::Result<[u8; 15]> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| ErrorKind::DateTime)?;
    let time = DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))?;
    let pair = |number| u8::try_from(number).map_err(|_| ErrorKind::DateTime);
    let (century, year) = (pair(time.year() / 100)?, pair(time.year() % 100)?);
    let pairs = [century, year, time.month(), time.day(), time.hour(), time.minutes(), time.seconds()];
    let mut digits = [b'Z'; 15];
    for (place, number) in digits.chunks_exact_mut(2).zip(pairs) {
        place.copy_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier;
    use der::asn1::{AnyRef, GeneralizedTime, OctetString};
    use der::{Encode, Tag};
    use x509_cert::ext::Extension;

    use super::super::wire::{RevokedCertificate, extension, time};
    use super::*;
    use crate::oid;

    /// The same entry by the DER codec.
    fn encoded(serial: &[u8], revoked_at: UnixTime, extensions: Vec<Extension>) -> Vec<u8> {
        let entry = RevokedCertificate {
            user_certificate: AnyRef::new(Tag::Integer, serial).unwrap(),
            revocation_date: time(revoked_at).unwrap(),
            crl_entry_extensions: (!extensions.is_empty()).then_some(extensions),
        };
        entry.to_der().unwrap()
    }

    fn reason_code(number: u8) -> Extension {
        extension(oid::CRL_REASON, &AnyRef::new(Tag::Enumerated, &[number]).unwrap()).unwrap()
    }

    fn invalidity_date(since: UnixTime) -> Extension {
        let seconds = core::time::Duration::from_secs(since.seconds().try_into().unwrap());
        let since = GeneralizedTime::from_unix_duration(seconds).unwrap();
        let (extn_id, critical): (ObjectIdentifier, _) = (oid::INVALIDITY_DATE, false);
        Extension { extn_id, critical, extn_value: OctetString::new(since.to_der().unwrap()).unwrap() }
    }

    // RFC 5280 §5.3.1, §5.3.2, §5.1.2.4.
    #[test]
    fn writes_what_the_codec_writes_for_every_reason_date_and_length() {
        let end = UnixTime::UTC_TIME_END.seconds();
        let times = [0, 951_782_400, 1_795_219_261, end - 1, end, 4_102_444_799, 253_402_300_799];
        for time in times.map(UnixTime::from_seconds) {
            for reason in ReasonCode::ALL {
                for (octets, since) in [(1, None), (16, Some(time)), (20, None)] {
                    let serial = SerialNumber::from_octets(&vec![9; octets]).unwrap();
                    let revocation = Revocation { time, reason, invalidity_date: since };
                    let entry = RevokedEntry { serial, revocation, not_after: UnixTime::NO_EXPIRY };
                    let given = (reason != ReasonCode::Unspecified).then(|| reason_code(reason.number()));
                    let extensions = given.into_iter().chain(since.map(invalidity_date)).collect();
                    let mut written = vec![7];
                    append(&entry, UnixTime::NO_EXPIRY, &mut written).unwrap();
                    assert_eq!(written[1..], encoded(entry.serial.octets(), time, extensions), "{entry:?}");
                }
            }
        }
    }

    #[test]
    fn a_removal_and_a_time_to_come_are_of_this_update() {
        let this_update = UnixTime::from_seconds(1_795_219_200);
        let serial = SerialNumber::from_octets(&[9, 1]).unwrap();
        let mut written = Vec::new();
        append_removed(&serial, this_update, &mut written).unwrap();
        assert_eq!(written, encoded(&[9, 1], this_update, vec![reason_code(8)]));
        let revocation = Revocation {
            time: this_update.plus_seconds(1),
            reason: ReasonCode::Unspecified,
            invalidity_date: None,
        };
        written.clear();
        append(&RevokedEntry { serial, revocation, not_after: this_update }, this_update, &mut written)
            .unwrap();
        assert_eq!(written, encoded(&[9, 1], this_update, Vec::new()));
    }

    #[test]
    fn what_no_time_of_a_crl_can_say_is_refused() {
        let serial = SerialNumber::from_octets(&[9]).unwrap();
        for seconds in [-1, 253_402_300_800] {
            assert!(append_removed(&serial, UnixTime::from_seconds(seconds), &mut Vec::new()).is_err());
        }
    }
}
