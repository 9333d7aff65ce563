//! What stands on a delta CRL: every change of its scope since its base, each certificate once and as it stands now.
//!
//! Costs what changed, whatever the base lists. Encodes nothing. RFC 5280 §5.2.4.

use std::collections::BTreeMap;

use super::CrlError;
use super::entries::unreadable;
use super::parsed::ParsedCrl;
use crate::key_ref::KeyRef;
use crate::ports::StatusSource;
use crate::record::{CrlRecord, RevokedEntry};
use crate::scope::CrlScope;
use crate::serial_number::SerialNumber;

/// How many changes the ledger is asked for at a time.
const PAGE: usize = 1_024;

/// How many changes a delta may have. Beyond, whoever fetches it is better served with a complete CRL.
pub(super) const MOST_CHANGES: usize = 50_000;

/// What became of each certificate that changed: its entry, or nothing when it was released.
pub(super) type Changed = BTreeMap<SerialNumber, Option<RevokedEntry>>;

/// Collects what changed since `base` has seen the ledger, and checks that nothing is lost that `previous` told of.
///
/// A change that was reversed stays: RFC 5280 §5.2.4 wants a certificate listed with removeFromCRL that any CRL since the
/// base had on hold, and wants a revocation kept until it stood on a complete CRL, expired or not.
pub(super) fn changed_since(
    status: &dyn StatusSource,
    (issuer, scope): (&KeyRef, &CrlScope),
    (base, previous): (&CrlRecord, Option<&CrlRecord>),
) -> Result<Changed, CrlError> {
    let mut changed = Changed::new();
    let mut after = base.seen;
    loop {
        let page = status.changes((issuer, scope), after, PAGE)?.changes;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        changed.extend(page.into_iter().map(|change| (change.serial, change.entry)));
        if changed.len() > MOST_CHANGES {
            return Err(CrlError::DeltaTooLong { most: MOST_CHANGES });
        }
    }
    if let Some(previous) = previous.filter(|previous| previous.base == Some(base.number)) {
        keeps(&changed, previous)?;
    }
    Ok(changed)
}

/// Everything that stood on the delta before, to the same base, stands on this one.
fn keeps(changed: &Changed, previous: &CrlRecord) -> Result<(), CrlError> {
    let crl = ParsedCrl::read(&previous.der).map_err(unreadable)?;
    let (mut missing, mut first) = (0_u64, None);
    for entry in crl.tbs().entries() {
        let serial = entry.map_err(unreadable)?.serial;
        if !changed.contains_key(&serial) {
            missing += 1;
            first.get_or_insert(serial);
        }
    }
    match first {
        None => Ok(()),
        Some(first) => Err(CrlError::EntriesVanished { missing, previous: previous.entries, first }),
    }
}
