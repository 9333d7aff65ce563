//! What was read, whatever it was read from: certificates with their revocations, and the rows that are none.

use std::collections::BTreeMap;

use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use der::{Decode, Encode};
use sha2::{Digest, Sha256};

/// A certificate that another program has on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: String,
    /// Its DER octets.
    pub certificate: Vec<u8>,
    /// How it was revoked, if it was.
    pub revoked: Option<Revoked>,
}

/// A revocation that another program has on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// When.
    pub at: UnixTime,
    /// Why; unspecified where the program does not say.
    pub reason: ReasonCode,
    /// Since when the key is suspected.
    pub invalidity_date: Option<UnixTime>,
}

/// A row that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub place: String,
    /// The stable reason code.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// All that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The certificates, in the order they stand, each once.
    pub rows: Vec<Row>,
    /// What is not taken.
    pub faults: Vec<Fault>,
    /// The number of the last CRL, where the program keeps it in a file that was read.
    pub last_crl_number: Option<u64>,
    /// How many rows there were.
    pub total: u64,
    /// By issuer and serial number: where it stands, and its SHA-256.
    pub(crate) seen: BTreeMap<Named, (String, [u8; 32])>,
}

impl List {
    /// Takes in the next row.
    pub(crate) fn take(&mut self, place: String, read: Result<Row, Said>) {
        self.total = self.total.saturating_add(1);
        let fault = match read.and_then(|row| self.keep(row)) {
            Ok(()) => return,
            Err(fault) => fault,
        };
        self.faults.push(Fault { place, code: fault.code, message: fault.message });
    }

    fn keep(&mut self, row: Row) -> Result<(), Said> {
        let named = Named::of(&row.certificate)?;
        let digest: [u8; 32] = Sha256::digest(&row.certificate).into();
        if let Some((before, known)) = self.seen.get(&named) {
            return Err(if *known == digest {
                Said::new("migration.duplicate", format!("the same certificate stands at {before}"))
            } else {
                let message =
                    format!("another certificate with the serial number {} stands at {before}", named.serial);
                Said::new("migration.serial-twice", message)
            });
        }
        drop(self.seen.insert(named, (row.place.clone(), digest)));
        self.rows.push(row);
        Ok(())
    }

    /// Returns the SHA-256 over what was read: certificates and revocations, whatever they were written in.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for row in &self.rows {
            hash.update(Sha256::digest(&row.certificate));
            hash.update(format!("{:?}", row.revoked));
        }
        hash.finalize().into()
    }

    /// Counts those that are revoked, and those of them whose reason is not known.
    #[must_use]
    pub fn revoked(&self) -> (u64, u64) {
        let revoked = || self.rows.iter().filter_map(|row| row.revoked);
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        let unknown = revoked().filter(|one| one.reason == ReasonCode::Unspecified);
        (count(revoked().count()), count(unknown.count()))
    }
}

/// Which certificate: the DER of its issuer's name, and its serial number (RFC 5280 §4.1.2.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: SerialNumber,
}

impl Named {
    /// Reads it out of a certificate.
    pub(crate) fn of(der: &[u8]) -> Result<Self, Said> {
        let certificate = x509_cert::Certificate::from_der(der)
            .map_err(|error| Said::new(UNREADABLE, format!("it is no certificate in DER: {error}")))?;
        if certificate.to_der().ok().as_deref() != Some(der) {
            return Err(Said::new(UNREADABLE, "the certificate is not written as DER writes it"));
        }
        let tbs = certificate.tbs_certificate();
        let unwritable = |error| Said::new(UNREADABLE, format!("its issuer cannot be written: {error}"));
        let issuer = tbs.issuer().to_der().map_err(unwritable)?;
        let serial = SerialNumber::from_octets(tbs.serial_number().as_bytes())
            .map_err(|error| Said::new("migration.serial-number", error.to_string()))?;
        Ok(Self { issuer, serial })
    }
}

/// What is wrong with a row, before it is known where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Said {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The code of a value that is not of its form.
pub(crate) const VALUE: &str = "migration.value";

/// The code of a certificate that is none.
pub(crate) const UNREADABLE: &str = "migration.unreadable";

/// Reads the serial number of a certificate.
pub(crate) fn serial(der: &[u8]) -> Result<SerialNumber, Said> {
    Ok(Named::of(der)?.serial)
}

/// A reason by its number (RFC 5280 §5.3.1); removeFromCRL is none.
pub(crate) fn reason_numbered(number: i64) -> Result<ReasonCode, Said> {
    let reason = u8::try_from(number).ok().and_then(ReasonCode::from_number);
    reason.ok_or_else(|| Said::new("migration.reason", format!("{number} is no reason of RFC 5280 §5.3.1")))
}

/// A reason by its name.
pub(crate) fn reason_named(name: &str) -> Result<ReasonCode, Said> {
    ReasonCode::from_name(name)
        .ok_or_else(|| Said::new("migration.reason", format!("{name:?} is no reason of RFC 5280 §5.3.1")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::certificate;

    fn row(place: &str, certificate: Vec<u8>) -> Row {
        Row { place: place.to_owned(), certificate, revoked: None }
    }

    #[test]
    fn a_serial_number_is_taken_once_and_the_other_place_is_told() {
        let mut list = List::default();
        let one = certificate(&[1], "a");
        // The same issuer and serial number, and another key.
        let other = certificate(&[1], "a");
        // Another program's authority counts for itself.
        list.take("line 0".to_owned(), Ok(row("line 0", certificate(&[1], "b"))));
        list.take("line 1".to_owned(), Ok(row("line 1", one.clone())));
        list.take("line 2".to_owned(), Ok(row("line 2", one)));
        list.take("line 3".to_owned(), Ok(row("line 3", other)));
        assert_eq!((list.rows.len(), list.total), (2, 4));
        let codes: Vec<&str> = list.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["migration.duplicate", "migration.serial-twice"]);
        assert!(list.faults.iter().all(|fault| fault.message.ends_with("stands at line 1")));
    }

    #[test]
    fn rubbish_is_a_fault_and_not_a_row() {
        let mut list = List::default();
        list.take("line 1".to_owned(), Ok(row("line 1", vec![0x30, 0])));
        assert_eq!(list.faults.first().map(|fault| fault.code), Some(UNREADABLE));
    }

    #[test]
    fn the_digest_tells_revocations_apart() {
        let mut list = List::default();
        list.take("line 1".to_owned(), Ok(row("line 1", certificate(&[1], "a"))));
        let before = list.digest();
        let revoked =
            Revoked { at: UnixTime::from_seconds(0), reason: ReasonCode::Superseded, invalidity_date: None };
        list.rows[0].revoked = Some(revoked);
        assert_ne!(list.digest(), before);
        assert_eq!(list.revoked(), (1, 0));
    }
}
