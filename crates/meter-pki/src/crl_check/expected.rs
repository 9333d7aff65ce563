//! What the entry of a revocation has to be, encoded by itself (RFC 5280 §5.1.2.6, §5.3).

use ca_core::validity::UnixTime;
use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{DateTime, Encode, Tag};

const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");

/// The first year that UTCTime cannot say.
const FIRST_GENERALIZED: u16 = 2050;

/// A revocation on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// The content octets of the serial number.
    pub(crate) serial: Vec<u8>,
    /// When.
    pub(crate) time: UnixTime,
    /// The number of the reason.
    pub(crate) reason: u8,
    /// Since when it is suspected.
    pub(crate) invalidity_date: Option<UnixTime>,
    /// The end of the certificate.
    pub(crate) not_after: UnixTime,
}

impl Revoked {
    /// Encodes the entry on a CRL of `this_update`.
    pub(super) fn entry(&self, this_update: UnixTime) -> der::Result<Vec<u8>> {
        let mut extensions = Vec::new();
        // RFC 5280 §5.3.1: absent rather than unspecified.
        if self.reason != 0 {
            extensions.extend(extension(REASON, &value(Tag::Enumerated, &[self.reason])?)?);
        }
        if let Some(date) = self.invalidity_date {
            let date = GeneralizedTime::from_date_time(calendar(date)?).to_der()?;
            extensions.extend(extension(INVALIDITY_DATE, &date)?);
        }
        let mut fields = value(Tag::Integer, &self.serial)?;
        fields.extend(time(self.time.min(this_update))?);
        if !extensions.is_empty() {
            fields.extend(value(Tag::Sequence, &extensions)?);
        }
        value(Tag::Sequence, &fields)
    }
}

/// Encodes the issuing distribution point that names one URI (RFC 5280 §5.2.5): `[0]` of the point, `[0]` of the full name, `[6]` of the
/// URI. Each length is below 2^16.
pub(super) fn point(uri: &str) -> Vec<u8> {
    [0x86, 0xA0, 0xA0, 0x30].into_iter().fold(uri.as_bytes().to_vec(), |content, tag| {
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let head = match length {
            0..0x80 => vec![tag, low],
            0x80..0x100 => vec![tag, 0x81, low],
            _ => vec![tag, 0x82, high, low],
        };
        [head, content].concat()
    })
}

fn extension(oid: ObjectIdentifier, content: &[u8]) -> der::Result<Vec<u8>> {
    // Neither is critical, and FALSE is not encoded.
    value(Tag::Sequence, &[oid.to_der()?, value(Tag::OctetString, content)?].concat())
}

// RFC 5280 §5.1.2.6, §5.1.2.4: UTCTime to the end of 2049.
fn time(time: UnixTime) -> der::Result<Vec<u8>> {
    let calendar = calendar(time)?;
    if calendar.year() < FIRST_GENERALIZED {
        UtcTime::from_date_time(calendar)?.to_der()
    } else {
        GeneralizedTime::from_date_time(calendar).to_der()
    }
}

fn calendar(time: UnixTime) -> der::Result<DateTime> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    DateTime::from_unix_duration(core::time::Duration::from_secs(seconds))
}

fn value(tag: Tag, content: &[u8]) -> der::Result<Vec<u8>> {
    AnyRef::new(tag, content)?.to_der()
}
