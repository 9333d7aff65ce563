//! Comparing a list with the last CRL of the program that it is from: both should tell of the same revocations.
//!
//! Whether the CRL is genuine is not asked here; the server asks before it takes anything from it.

use std::collections::BTreeMap;

use ca_core::crl::parsed::{ParsedCrl, ReadCrlError};
use ca_core::serial_number::SerialNumber;

use crate::list::{Fault, List, Named, Revoked};

/// Why a CRL cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("the CRL cannot be read: {0}")]
pub struct NoCrl(#[from] ReadCrlError);

/// Says where they differ: what the CRL has revoked and the list has not or otherwise, or does not have at all.
///
/// # Errors
/// [`NoCrl`].
pub fn compare(list: &List, crl: &[u8]) -> Result<Vec<Fault>, NoCrl> {
    let parsed = ParsedCrl::from_der(crl)?;
    let issuer = parsed.tbs().issuer();
    let named = list.rows.iter().filter_map(|row| Some((Named::of(&row.certificate).ok()?, row.revoked)));
    let known: BTreeMap<SerialNumber, Option<Revoked>> = named
        .filter(|(named, _)| named.issuer == issuer)
        .map(|(named, revoked)| (named.serial, revoked))
        .collect();
    let mut faults = Vec::new();
    for entry in parsed.tbs().entries() {
        let entry = entry?;
        let message = match known.get(&entry.serial) {
            Some(Some(_)) => continue,
            Some(None) => "the CRL has it as revoked, and the list as good",
            None => "the CRL has it as revoked, and the list has no such certificate",
        };
        let place = format!("CRL entry {}", entry.serial);
        faults.push(Fault { place, code: "migration.crl-entry", message: message.to_owned() });
    }
    Ok(faults)
}
