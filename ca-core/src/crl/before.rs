//! The CRLs on record before the one that is made: the last complete one of its scope, and the last delta.
//!
//! Reads the ledger; decides only whether a complete CRL can be the base of a delta (RFC 5280 §5.2.4).

use super::{CrlContext, CrlError};
use crate::record::CrlRecord;
use crate::scope::CrlLine;
use crate::validity::UnixTime;

/// What is on record of a scope.
pub(super) struct Before {
    pub(super) complete: Option<CrlRecord>,
    pub(super) delta: Option<CrlRecord>,
}

impl Before {
    /// Reads what is on record. Deltas are looked for where the profile has any.
    pub(super) fn read(context: &CrlContext<'_>) -> Result<Self, CrlError> {
        let line = CrlLine::complete(context.issuer.key(), context.scope.clone());
        let complete = context.status.latest_of(&line)?;
        let delta = match context.profile.deltas() {
            Some(_) => context.status.latest_of(&CrlLine::delta(line.issuer, line.scope))?,
            None => None,
        };
        Ok(Self { complete, delta })
    }

    /// Returns the latest thisUpdate.
    pub(super) fn this_update(&self) -> Option<UnixTime> {
        self.both().map(|crl| crl.this_update).max()
    }

    /// Returns the highest number.
    pub(super) fn number(&self) -> Option<u64> {
        self.both().map(|crl| crl.number).max()
    }

    fn both(&self) -> impl Iterator<Item = &CrlRecord> {
        self.complete.iter().chain(&self.delta)
    }

    /// Returns the complete CRL with this number, if it can be a base: the latest, valid still, and made since changes are
    /// counted.
    pub(super) fn base(
        &self,
        context: &CrlContext<'_>,
        number: u64,
        now: UnixTime,
    ) -> Result<&CrlRecord, CrlError> {
        let latest = self.complete.as_ref();
        latest.filter(|crl| crl.number == number && crl.next_update > now && crl.seen > 0).ok_or_else(|| {
            CrlError::WrongBase {
                scope: context.scope.clone(),
                base: number,
                latest: latest.map(|crl| crl.number),
            }
        })
    }
}
