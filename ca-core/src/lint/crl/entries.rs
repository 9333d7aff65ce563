//! Rules for the entries of a CRL, which are read one after the other.
//!
//! RFC 5280 §5.1.2.6, §5.3.

use core::fmt::Display;

use der::asn1::{GeneralizedTime, IntRef};
use der::{Decode, Sequence};
use x509_cert::ext::pkix::CrlReason;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::time::Time;

use super::{DER, ExaminedCrl, find, not_der};
use crate::crl_entry::PlainEntry;
use crate::crl_frame::Values;
use crate::lint::rfc5280::fields::check_time_encoding;
use crate::lint::{Finding, encodes_to, require, unix_time};
use crate::oid;
use crate::reason::ReasonCode;
use crate::serial_number::SerialNumber;
use crate::validity::UnixTime;

/// ```text
/// SEQUENCE {
///     userCertificate     CertificateSerialNumber,
///     revocationDate      Time,
///     crlEntryExtensions  Extensions OPTIONAL }
/// ```
#[derive(Debug, Sequence)]
struct EntryFields<'a> {
    serial: IntRef<'a>,
    revocation_date: Time,
    extensions: Option<Extensions>,
}

/// A rule, and how an entry is held against it.
pub(super) struct EntryRule {
    pub(super) id: &'static str,
    citation: &'static str,
    check: fn(&Walk<'_>, &EntryFields<'_>) -> Result<(), String>,
}

/// Where the walk through the entries stands.
struct Walk<'a> {
    crl: &'a ExaminedCrl<'a>,
    this_update: UnixTime,
    /// The serial number of the entry before; none before the first.
    previous: Vec<u8>,
}

impl Walk<'_> {
    /// Tells whether an entry is as plain as nearly all are, and one that no rule has anything to say of: whatever [`RULES`] demand of
    /// serial number, date and reason stands here too.
    fn is_good(&self, entry: &PlainEntry<'_>) -> bool {
        let PlainEntry { serial, revocation_date, reason } = *entry;
        let given = |number| number != 0 && ReasonCode::from_number(number).is_some();
        SerialNumber::from_octets(serial).is_ok()
            && self.previous.as_slice() < serial
            && self.crl.input.issuer.certificate().serial().octets() != serial
            && revocation_date <= self.this_update
            && reason.is_none_or(given)
    }

    fn is_at(&mut self, serial: &[u8]) {
        self.previous.clear();
        self.previous.extend_from_slice(serial);
    }
}

/// A rule about what a plain entry has must stand in [`Walk::is_good`] too, or plain entries are not held against it.
pub(super) const RULES: [EntryRule; 7] = [
    entry_rule("rfc5280.crl-entry-serial-number", "RFC 5280 §4.1.2.2, §5.1.2.6", entry_serial_number),
    entry_rule("rfc5280.crl-entry-order", "RFC 5280 §5.1.2.6", entry_order),
    entry_rule("rfc5280.crl-own-serial-number", "RFC 5280 §5.1.2.6", own_serial_number),
    entry_rule("rfc5280.crl-entry-date", "RFC 5280 §5.1.2.6", entry_date),
    entry_rule("rfc5280.crl-entry-extensions", "RFC 5280 §5.3", entry_extensions),
    entry_rule("rfc5280.crl-entry-reason", "RFC 5280 §5.3.1", entry_reason),
    entry_rule("rfc5280.crl-entry-invalidity-date", "RFC 5280 §5.3.2", entry_invalidity_date),
];

const fn entry_rule(
    id: &'static str,
    citation: &'static str,
    check: fn(&Walk<'_>, &EntryFields<'_>) -> Result<(), String>,
) -> EntryRule {
    EntryRule { id, citation, check }
}

/// Holds every entry against every rule; adds the first finding of each.
pub(super) fn lint(crl: &ExaminedCrl<'_>, findings: &mut Vec<Finding>) {
    let Some(mut values) = crl.entries.clone().map(Values::of) else {
        return;
    };
    let undecoded = |cause: &dyn Display| not_der(format!("an entry cannot be decoded: {cause}"));
    let this_update = unix_time(crl.fields.this_update);
    let mut walk = Walk { crl, this_update, previous: Vec::new() };
    loop {
        let octets = match values.next_value() {
            Ok(Some(octets)) => octets,
            Ok(None) => return,
            Err(cause) => return findings.push(undecoded(&cause)),
        };
        if let Some(entry) = PlainEntry::read(octets).filter(|entry| walk.is_good(entry)) {
            walk.is_at(entry.serial);
            continue;
        }
        let entry = match EntryFields::from_der(octets) {
            Ok(entry) => entry,
            Err(cause) => return findings.push(undecoded(&cause)),
        };
        if !encodes_to(&entry, octets) && !findings.iter().any(|found| found.rule == DER) {
            findings.push(not_der(format!("the entry {} is not DER", shown(&entry))));
        }
        for rule in &RULES {
            if let Err(what) = (rule.check)(&walk, &entry)
                && !findings.iter().any(|found| found.rule == rule.id)
            {
                findings.push(Finding { rule: rule.id, citation: rule.citation, what });
            }
        }
        walk.is_at(entry.serial.as_bytes());
    }
}

fn shown(entry: &EntryFields<'_>) -> String {
    entry.serial.as_bytes().iter().map(|octet| format!("{octet:02X}")).collect()
}

/// A revoked serial number is positive and has at most 20 octets.
fn entry_serial_number(_: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    SerialNumber::from_octets(entry.serial.as_bytes())
        .map(|_| ())
        .map_err(|cause| format!("the entry {}: {cause}", shown(entry)))
}

/// Entries ascend, so none appears twice.
fn entry_order(walk: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    require(walk.previous.as_slice() < entry.serial.as_bytes(), || {
        format!("the entry {} is out of order, or there twice", shown(entry))
    })
}

/// The CA does not revoke itself.
fn own_serial_number(walk: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    let own = walk.crl.input.issuer.certificate().serial();
    require(own.octets() != entry.serial.as_bytes(), || {
        format!("the CRL lists {}, its issuer's own serial number", shown(entry))
    })
}

/// A revocation date is encoded as certificates encode theirs, and does not lie after thisUpdate.
fn entry_date(walk: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    check_time_encoding(entry.revocation_date)?;
    let past = unix_time(entry.revocation_date) <= walk.this_update;
    require(past, || {
        format!("the entry {} is revoked at {}, after thisUpdate", shown(entry), entry.revocation_date)
    })
}

/// An entry has a reason code and an invalidity date at most, each once and not critical.
fn entry_extensions(_: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    let Some(extensions) = &entry.extensions else {
        return Ok(());
    };
    require(!extensions.is_empty(), || format!("the extensions of the entry {} are empty", shown(entry)))?;
    let mut seen = Vec::new();
    for Extension { extn_id, critical, .. } in extensions {
        let known = [oid::CRL_REASON, oid::INVALIDITY_DATE].contains(extn_id);
        require(known && !critical && !seen.contains(extn_id), || {
            format!(
                "the extension {extn_id} of the entry {} is unknown, critical, or there twice",
                shown(entry)
            )
        })?;
        seen.push(*extn_id);
    }
    Ok(())
}

/// A reason code is one that we give, `unspecified` is said by leaving it out, and `removeFromCRL` stands on delta CRLs only.
fn entry_reason(walk: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    let extensions = entry.extensions.as_deref().unwrap_or_default();
    let Some(extension) = find(extensions, oid::CRL_REASON) else {
        return Ok(());
    };
    let reason = CrlReason::from_der(extension.extn_value.as_bytes()).ok();
    let given = match reason {
        None | Some(CrlReason::Unspecified) => false,
        Some(CrlReason::RemoveFromCRL) => walk.crl.input.base.is_some(),
        Some(_) => true,
    };
    require(given, || {
        format!("the entry {} has the reason {reason:?}, which such a CRL never gives", shown(entry))
    })
}

/// An invalidity date is a GeneralizedTime.
fn entry_invalidity_date(_: &Walk<'_>, entry: &EntryFields<'_>) -> Result<(), String> {
    let extensions = entry.extensions.as_deref().unwrap_or_default();
    let sound = find(extensions, oid::INVALIDITY_DATE)
        .is_none_or(|extension| GeneralizedTime::from_der(extension.extn_value.as_bytes()).is_ok());
    require(sound, || format!("the invalidity date of the entry {} is malformed", shown(entry)))
}
