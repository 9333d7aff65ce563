//! Which revocations stand on a CRL, and the proof that none was lost since the last one (RFC 5280 §3.3).
//!
//! Reads the ledger page by page and the previous CRL beside it, both in ascending order; keeps no more than a page. Encodes
//! nothing.

use super::CrlError;
use super::parsed::{Listed, ParsedCrl, ParsedEntries, ReadCrlError};
use crate::key_ref::KeyRef;
use crate::octets::Octets;
use crate::ports::StatusSource;
use crate::record::{CertificateId, RevokedEntry};
use crate::scope::CrlScope;
use crate::serial_number::SerialNumber;
use crate::validity::UnixTime;

/// How many entries the ledger is asked for at a time.
const PAGE: usize = 1024;

/// How long after its clock sample a revocation may become visible in the ledger, in seconds. Generous: an entry that is
/// listed once more than needed harms nobody.
const COMMIT_SECONDS: i64 = 600;

/// The CRL before the one that is made.
#[derive(Debug, Clone)]
pub(super) struct PreviousCrl {
    this_update: UnixTime,
    entries: ParsedEntries,
}

impl PreviousCrl {
    /// Reads the previous CRL from its DER octets; its entries are read when they are come to.
    pub(super) fn read(der: &Octets) -> Result<Self, CrlError> {
        let read = || -> Result<Self, ReadCrlError> {
            let crl = ParsedCrl::read(der)?;
            Ok(Self { this_update: crl.tbs().period()?.0, entries: crl.tbs().entries() })
        };
        read().map_err(unreadable)
    }

    /// Tells whether a revocation has to stand on the next CRL.
    ///
    /// RFC 5280 §3.3: an entry stays until it has appeared on one regularly scheduled CRL issued beyond the certificate's
    /// validity period. It may go, therefore, once the previous CRL was issued after the certificate's end, and after the
    /// revocation was there to be listed; for then it stood on that CRL, or on one before it.
    fn requires(&self, entry: &RevokedEntry) -> bool {
        let visible = entry.revocation.time.plus_seconds(COMMIT_SECONDS);
        self.this_update <= entry.not_after.max(visible)
    }
}

/// What a CRL on record cannot be read for: itself, or the place where it is kept.
pub(super) fn unreadable(cause: ReadCrlError) -> CrlError {
    if let ReadCrlError::Octets(error) = cause {
        return error.into();
    }
    CrlError::PreviousUnreadable { cause }
}

/// When an entry leaves the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Once it stood on a CRL that was issued beyond the end of its certificate.
    OnceExpired,
    /// Never: where CRLs are signed ahead, thisUpdate does not tell what was known when one was signed.
    Never,
}

/// Hands every revocation of a scope that belongs on the next CRL to `list`, in ascending order of serial numbers.
/// Returns how many there are.
pub(super) fn for_each_listed(
    status: &dyn StatusSource,
    (issuer, scope): (&KeyRef, &CrlScope),
    (previous, leaving): (Option<PreviousCrl>, Leaving),
    mut list: impl FnMut(&RevokedEntry) -> Result<(), CrlError>,
) -> Result<u64, CrlError> {
    let mut comparison = previous.map(|previous| Comparison::new(previous, status, issuer));
    let mut listed = 0;
    let mut last: Option<SerialNumber> = None;
    loop {
        let page = match scope {
            CrlScope::All => status.revoked(issuer, last.as_ref(), PAGE)?,
            CrlScope::Shard(shard) => status.revoked_in((issuer, shard), last.as_ref(), PAGE)?,
        };
        if page.is_empty() {
            break;
        }
        for entry in page {
            if last.as_ref().is_some_and(|last| *last >= entry.serial) {
                return Err(CrlError::NotAscending { serial: entry.serial });
            }
            let due = match &mut comparison {
                Some(comparison) => comparison.requires(&entry)?,
                None => true,
            };
            if due || leaving == Leaving::Never {
                list(&entry)?;
                listed += 1;
            }
            last = Some(entry.serial);
        }
    }
    comparison.map_or(Ok(()), Comparison::finish)?;
    Ok(listed)
}

/// Walks the previous CRL in step with the ledger and counts what the ledger no longer knows.
struct Comparison<'a> {
    previous: PreviousCrl,
    status: &'a dyn StatusSource,
    issuer: &'a KeyRef,
    next: Option<Listed>,
    walked: u64,
    missing: u64,
    first_missing: Option<SerialNumber>,
}

impl<'a> Comparison<'a> {
    const fn new(previous: PreviousCrl, status: &'a dyn StatusSource, issuer: &'a KeyRef) -> Self {
        Self { previous, status, issuer, next: None, walked: 0, missing: 0, first_missing: None }
    }

    /// Walks up to `entry`. Tells whether it has to stand on the next CRL.
    fn requires(&mut self, entry: &RevokedEntry) -> Result<bool, CrlError> {
        while let Some(listed) = self.next_up_to(Some(&entry.serial))? {
            if listed.serial != entry.serial {
                self.leaves(listed)?;
            } else if entry.revocation.is_hold() && !listed.is_on_hold {
                // What was revoked for good is not on hold again.
                self.miss(listed.serial);
            }
        }
        Ok(self.previous.requires(entry))
    }

    /// Takes the next entry of the previous CRL, unless it lies behind `limit`.
    fn next_up_to(&mut self, limit: Option<&SerialNumber>) -> Result<Option<Listed>, CrlError> {
        if self.next.is_none()
            && let Some(entry) = self.previous.entries.next_listed()
        {
            self.next = Some(entry.map_err(unreadable)?);
            self.walked += 1;
        }
        Ok(self.next.take_if(|listed| limit.is_none_or(|limit| listed.serial <= *limit)))
    }

    /// Looks at an entry whose revocation is not in the ledger. Only what was on hold may be gone, and only if its release is
    /// on record (RFC 5280 §5.3.1).
    fn leaves(&mut self, listed: Listed) -> Result<(), CrlError> {
        let id = CertificateId { issuer: *self.issuer, serial: listed.serial };
        if !listed.is_on_hold || self.status.released_at(&id)?.is_none() {
            self.miss(id.serial);
        }
        Ok(())
    }

    fn miss(&mut self, serial: SerialNumber) {
        self.missing += 1;
        self.first_missing.get_or_insert(serial);
    }

    fn finish(mut self) -> Result<(), CrlError> {
        while let Some(listed) = self.next_up_to(None)? {
            self.leaves(listed)?;
        }
        // An entry leaves by the rules above alone, and they need its row or its release: a row that is gone was lost.
        match self.first_missing {
            None => Ok(()),
            Some(first) => {
                Err(CrlError::EntriesVanished { missing: self.missing, previous: self.walked, first })
            }
        }
    }
}
