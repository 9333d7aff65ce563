//! One entry of a CRL (RFC 5280 §5.1.2.6, §5.3).

use ca_core::validity::UnixTime;
use const_oid::ObjectIdentifier;
use der::asn1::GeneralizedTime;
use der::{Decode, Reader, SliceReader};
use x509_cert::ext::Extension;
use x509_cert::time::Time;

use super::{INTEGER, ReadCrlError, values};

const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
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

fn unix(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
