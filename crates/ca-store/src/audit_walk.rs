//! Walking over the stored audit trail and checking it. Reads only; what a record means is ca-core's.

use std::collections::VecDeque;

use ca_core::audit::tree::Subtree;
use ca_core::audit::{AuditRecord, AuditTrail, BrokenTrail};
use sha2::{Digest, Sha256};

use crate::engine::{Engine, View};
use crate::keyspace::{Keyspace, subtree_key};
use crate::row::TrailRow;
use crate::transaction::{ReadFault, Rows};
use crate::tree::{StoredTree, TreeFault};

/// How many records are read at a time.
const PAGE: usize = 256;

/// Goes over stored audit records, each checked against the one before it, the stored tree against what the records give,
/// and the last record and the tree's right edge against what was remembered when they were written. It ends after the first
/// fault, and at the end of the trail as it was when the walk began.
pub struct AuditWalk<'s> {
    engine: &'s dyn Engine,
    trail: AuditTrail,
    end: End,
    /// The right edge as it was remembered; none when there is no tree yet to be checked.
    tree: Option<AuditTrail>,
    /// Subtrees that the last record completed. They are looked up once the next record is known to be bound to it, so that
    /// a changed record is named rather than what it changed.
    unchecked: Vec<Subtree>,
    page: VecDeque<Vec<u8>>,
    ended: bool,
}

/// The last record, as it was remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) sequence: u64,
    pub(crate) head: [u8; 32],
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
        Ok(Self::new(engine, AuditTrail::EMPTY, end))
    }

    /// Begins at the first record of a ledger that has no tree yet.
    pub(crate) const fn over_chain(engine: &'s dyn Engine, end: End) -> Self {
        Self {
            engine,
            trail: AuditTrail::EMPTY,
            end,
            tree: None,
            unchecked: Vec::new(),
            page: VecDeque::new(),
            ended: false,
        }
    }

    /// Begins so that at most `count` records follow.
    pub(crate) fn over_last(engine: &'s dyn Engine, count: u64) -> Result<Self, AuditFault> {
        let view = view(engine)?;
        let end = end(&*view)?;
        let trail = match end.0.sequence().saturating_sub(count) {
            0 => AuditTrail::EMPTY,
            before => {
                let der = view
                    .octets(Keyspace::Audit, &before.to_be_bytes())?
                    .ok_or(AuditFault::Missing { sequence: before })?;
                AuditTrail::new(Sha256::digest(&der).into(), StoredTree(&*view).peaks(before)?)
            }
        };
        Ok(Self::new(engine, trail, end))
    }

    fn new(engine: &'s dyn Engine, trail: AuditTrail, TrailRow(end): TrailRow) -> Self {
        let remembered = End { sequence: end.sequence(), head: *end.head() };
        Self { trail, tree: Some(end), ..Self::over_chain(engine, remembered) }
    }

    /// Checks all that follows; returns the end of the trail as it was when the walk began. Nothing may stand behind the end as it
    /// is now: other nodes may have written meanwhile.
    pub(crate) fn finish(mut self) -> Result<AuditTrail, AuditFault> {
        while self.advance()?.is_some() {}
        let view = view(self.engine)?;
        // A ledger that has no tree yet is written by nobody.
        let now = if self.tree.is_some() { end(&*view)?.0.sequence() } else { 0 }.max(self.end.sequence);
        let beyond = view.rows_after(Keyspace::Audit, &[], &now.to_be_bytes(), 1).map_err(ReadFault::from)?;
        if beyond.is_empty() {
            Ok(self.trail)
        } else {
            Err(AuditFault::BeyondEnd { sequence: self.end.sequence })
        }
    }

    /// Checks the next record; returns it and the subtrees that it completes.
    pub(crate) fn advance(&mut self) -> Result<Option<(AuditRecord, Vec<Subtree>)>, AuditFault> {
        if self.trail.sequence() == self.end.sequence {
            return self.check_end().map(|()| None);
        }
        if self.page.is_empty() {
            let rows = view(self.engine)?
                .rows_after(Keyspace::Audit, &[], &self.trail.sequence().to_be_bytes(), PAGE)
                .map_err(ReadFault::from)?;
            self.page.extend(rows.into_iter().map(|(_, der)| der));
        }
        let next = self.trail.sequence().saturating_add(1);
        let der = self.page.pop_front().ok_or(AuditFault::Missing { sequence: next })?;
        let (record, completed) = self.trail.check_next(&der)?;
        self.check_stored()?;
        self.unchecked.clone_from(&completed);
        Ok(Some((record, completed)))
    }

    /// Checks that the subtrees are stored as the records give them.
    fn check_stored(&mut self) -> Result<(), AuditFault> {
        let completed = core::mem::take(&mut self.unchecked);
        if self.tree.is_none() || completed.is_empty() {
            return Ok(());
        }
        let view = view(self.engine)?;
        for Subtree { level, index, hash } in completed {
            let stored = view.octets(Keyspace::Tree, &subtree_key(level, index))?;
            if stored.as_deref() != Some(&hash) {
                return Err(AuditFault::SubtreeChanged { level, index });
            }
        }
        Ok(())
    }

    fn check_end(&mut self) -> Result<(), AuditFault> {
        let sequence = self.end.sequence;
        if *self.trail.head() != self.end.head {
            return Err(AuditFault::EndChanged { sequence });
        }
        self.check_stored()?;
        match &self.tree {
            Some(tree) if tree.peaks() != self.trail.peaks() => Err(AuditFault::TreeEndChanged { sequence }),
            Some(_) | None => Ok(()),
        }
    }
}

impl Iterator for AuditWalk<'_> {
    type Item = Result<AuditRecord, AuditFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.advance().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step.map(|step| step.map(|(record, _)| record))
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
    /// A hash of the tree over the records is not the one that they give, or is missing.
    #[error("subtree {index} of level {level} over the audit records was changed")]
    SubtreeChanged {
        /// How many levels stand below it.
        level: u8,
        /// Its number in its level, from 0.
        index: u64,
    },
    /// The remembered right edge of the tree is not the one that the records give.
    #[error("the end of the tree over {sequence} audit records was changed")]
    TreeEndChanged {
        /// How many records there are.
        sequence: u64,
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

impl From<TreeFault> for AuditFault {
    fn from(fault: TreeFault) -> Self {
        match fault {
            TreeFault::Read(cause) => cause.into(),
            TreeFault::NoRecord { sequence } => Self::Missing { sequence },
            TreeFault::NoSubtree { level, index } => Self::SubtreeChanged { level, index },
        }
    }
}

impl From<ReadFault> for AuditFault {
    fn from(cause: ReadFault) -> Self {
        Self::Unreadable { cause: cause.into() }
    }
}
