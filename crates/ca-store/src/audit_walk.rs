//! Walking over the stored audit trail and checking it. Reads only; what a record means is ca-core's.

use std::collections::VecDeque;

use ca_core::audit::{AuditCodecError, AuditRecord, AuditTrail, BrokenTrail};

use crate::engine::{Engine, View};
use crate::keyspace::Keyspace;
use crate::row::TrailRow;
use crate::transaction::{ReadFault, Rows};

/// How many records are read at a time.
const PAGE: usize = 256;

/// Goes over stored audit records, each checked against the one before it and the last against the end that was remembered
/// when it was written. It ends after the first fault, and at the end of the trail as it was when the walk began.
pub struct AuditWalk<'s> {
    engine: &'s dyn Engine,
    trail: AuditTrail,
    end: TrailRow,
    page: VecDeque<Vec<u8>>,
    ended: bool,
}

impl core::fmt::Debug for AuditWalk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AuditWalk")
            .field("trail", &self.trail)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl<'s> AuditWalk<'s> {
    /// Begins at the first record.
    pub(crate) fn over_all(engine: &'s dyn Engine) -> Result<Self, AuditFault> {
        let end = end(&*view(engine)?)?;
        Ok(Self { engine, trail: AuditTrail::EMPTY, end, page: VecDeque::new(), ended: false })
    }

    /// Begins so that at most `count` records follow.
    pub(crate) fn over_last(engine: &'s dyn Engine, count: u64) -> Result<Self, AuditFault> {
        let view = view(engine)?;
        let end = end(&*view)?;
        let trail = match end.sequence.saturating_sub(count) {
            0 => AuditTrail::EMPTY,
            before => {
                let der = view
                    .octets(Keyspace::Audit, &before.to_be_bytes())?
                    .ok_or(AuditFault::Missing { sequence: before })?;
                AuditTrail::after(&der)
                    .map_err(|cause| AuditFault::Undecodable { sequence: before, cause })?
            }
        };
        Ok(Self { engine, trail, end, page: VecDeque::new(), ended: false })
    }

    /// Checks all that follows; returns the end of the trail, behind which nothing may stand.
    pub(crate) fn finish(mut self) -> Result<AuditTrail, AuditFault> {
        self.by_ref().try_for_each(|record| record.map(drop))?;
        let beyond = view(self.engine)?
            .rows_after(Keyspace::Audit, &[], &self.end.sequence.to_be_bytes(), 1)
            .map_err(ReadFault::from)?;
        if beyond.is_empty() {
            Ok(self.trail)
        } else {
            Err(AuditFault::BeyondEnd { sequence: self.end.sequence })
        }
    }

    fn step(&mut self) -> Result<Option<AuditRecord>, AuditFault> {
        if self.trail.sequence() == self.end.sequence {
            return if *self.trail.head() == self.end.head {
                Ok(None)
            } else {
                Err(AuditFault::EndChanged { sequence: self.end.sequence })
            };
        }
        if self.page.is_empty() {
            let rows = view(self.engine)?
                .rows_after(Keyspace::Audit, &[], &self.trail.sequence().to_be_bytes(), PAGE)
                .map_err(ReadFault::from)?;
            self.page.extend(rows.into_iter().map(|(_, der)| der));
        }
        let next = self.trail.sequence().saturating_add(1);
        let der = self.page.pop_front().ok_or(AuditFault::Missing { sequence: next })?;
        Ok(Some(self.trail.check_next(&der)?))
    }
}

impl Iterator for AuditWalk<'_> {
    type Item = Result<AuditRecord, AuditFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

fn view(engine: &dyn Engine) -> Result<Box<dyn View + '_>, AuditFault> {
    Ok(engine.view().map_err(ReadFault::from)?)
}

fn end(view: &dyn View) -> Result<TrailRow, AuditFault> {
    view.row::<TrailRow>(&())?.ok_or(AuditFault::NoEnd)
}

/// What is wrong with the stored audit trail.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The ledger does not remember where its trail ends.
    #[error("the ledger holds no end of its audit trail")]
    NoEnd,
    /// A record is missing at the end or at the place where the check begins.
    #[error("audit record {sequence} is missing")]
    Missing {
        /// Which record.
        sequence: u64,
    },
    /// The record where the check begins cannot be read.
    #[error("audit record {sequence} cannot be read: {cause}")]
    Undecodable {
        /// Which record.
        sequence: u64,
        /// Why.
        cause: AuditCodecError,
    },
    /// A record is changed, missing or out of place.
    #[error(transparent)]
    Broken(#[from] BrokenTrail),
    /// The last record is not the one that was written.
    #[error("audit record {sequence}, the last one, was changed")]
    EndChanged {
        /// Which record.
        sequence: u64,
    },
    /// There are records behind the last one that was written.
    #[error("audit records stand behind number {sequence}, the last one that was written")]
    BeyondEnd {
        /// The last one that was written.
        sequence: u64,
    },
    /// The records cannot be read.
    #[error("the audit trail cannot be read: {cause}")]
    Unreadable {
        /// What the engine says.
        #[source]
        cause: Box<dyn core::error::Error + Send + Sync>,
    },
}

impl From<ReadFault> for AuditFault {
    fn from(cause: ReadFault) -> Self {
        Self::Unreadable { cause: cause.into() }
    }
}
