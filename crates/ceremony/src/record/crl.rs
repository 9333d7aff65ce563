//! What a CRL was made of: its number, its times, its entries.

use ca_core::crl::parsed::{ParsedCrl, ParsedEntry};
use ca_core::crl::restate::{self, restate};
use ca_core::issuer::Issuer;
use ca_core::oid;
use ca_core::reason::ReasonCode;
use ca_core::record::{Revocation, RevokedEntry};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use der::Decode;
use der::asn1::{AnyRef, GeneralizedTime};
use serde::{Deserialize, Serialize};

use crate::stated_time::StatedTime;

/// The record of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlStatement {
    /// Its number.
    pub number: u64,
    /// thisUpdate.
    pub this_update: StatedTime,
    /// nextUpdate.
    pub next_update: StatedTime,
    /// Its entries, in ascending order of serial numbers.
    pub entries: Vec<RevokedSerial>,
}

/// An entry of a CRL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedSerial {
    /// The serial number.
    pub serial: String,
    /// When it was revoked.
    pub time: StatedTime,
    /// Why, in the words of RFC 5280.
    pub reason: String,
    /// Since when the key is suspected.
    pub invalidity_date: Option<StatedTime>,
}

impl CrlStatement {
    /// Writes down what a CRL says.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub fn of(crl: &ParsedCrl) -> Result<Self, String> {
        let unreadable = |cause: ca_core::crl::parsed::ReadCrlError| cause.to_string();
        let (this_update, next_update) = crl.tbs().period().map_err(unreadable)?;
        let entry = |entry: Result<ParsedEntry, _>| RevokedSerial::of(&entry.map_err(unreadable)?);
        Ok(Self {
            number: crl.tbs().number().map_err(unreadable)?,
            this_update: StatedTime(this_update),
            next_update: StatedTime(next_update),
            entries: crl.tbs().entries().map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// Derives the to-be-signed octets.
    pub(crate) fn derive(&self, issuer: &Issuer) -> Result<Vec<u8>, String> {
        let entries = self.entries.iter().map(RevokedSerial::entry).collect::<Result<Vec<_>, _>>()?;
        let statement = restate::CrlStatement {
            number: self.number,
            this_update: self.this_update.0,
            next_update: self.next_update.0,
            entries: &entries,
        };
        let tbs = restate(issuer, &statement).map_err(|cause| cause.to_string())?;
        tbs.to_vec().map_err(|cause| cause.to_string())
    }
}

impl RevokedSerial {
    fn of(entry: &ParsedEntry) -> Result<Self, String> {
        let extensions = entry.extensions.as_deref().unwrap_or_default();
        let value = |oid| {
            let found = extensions.iter().find(|extension| extension.extn_id == oid);
            found.map(|extension| extension.extn_value.as_bytes())
        };
        let seconds = |since: core::time::Duration| {
            let seconds = i64::try_from(since.as_secs()).map_err(|_| "a time that cannot be counted")?;
            Ok::<_, String>(StatedTime(UnixTime::from_seconds(seconds)))
        };
        let date = value(oid::INVALIDITY_DATE).map(GeneralizedTime::from_der).transpose();
        let date = date.map_err(|cause| cause.to_string())?;
        Ok(Self {
            serial: entry.serial.to_string(),
            time: seconds(entry.revocation_date.to_unix_duration())?,
            reason: reason(value(oid::CRL_REASON))?.name().to_owned(),
            invalidity_date: date.map(|date| seconds(date.to_unix_duration())).transpose()?,
        })
    }

    fn entry(&self) -> Result<RevokedEntry, String> {
        let reason = ReasonCode::from_name(&self.reason);
        Ok(RevokedEntry {
            serial: SerialNumber::parse(&self.serial).map_err(|cause| cause.to_string())?,
            revocation: Revocation {
                time: self.time.0,
                reason: reason.ok_or_else(|| format!("there is no reason {:?}", self.reason))?,
                invalidity_date: self.invalidity_date.map(|date| date.0),
            },
            not_after: UnixTime::NO_EXPIRY,
        })
    }
}

fn reason(value: Option<&[u8]>) -> Result<ReasonCode, String> {
    let Some(value) = value else { return Ok(ReasonCode::Unspecified) };
    let number = AnyRef::from_der(value).map_err(|cause| cause.to_string())?;
    let [number] = number.value() else { return Err("a reason of more than one octet".to_owned()) };
    ReasonCode::from_number(*number).ok_or_else(|| format!("there is no reason {number}"))
}
