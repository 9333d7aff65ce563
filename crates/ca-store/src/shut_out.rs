//! The ports [`Schedule`] and [`TrustBlocks`]: revocations that are due later, and authorities that are shut out.

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Schedule, TrustBlocks, Unavailable};
use ca_core::record::{BlockedKey, CertificateId, ScheduledRevocation, Unblock, UnblockConflict, Unblocked};
use ca_core::validity::UnixTime;

use crate::act::{blocks, schedule};
use crate::engine::{Durability, View};
use crate::keyspace::{Keyspace, parse_indexed_id};
use crate::row::{BlockedRow, Row, RowFault, ScheduledRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const SCHEDULE: &str = "schedule";
const BLOCKS: &str = "trust blocks";

impl Schedule for Store {
    fn schedule(&self, scheduled: ScheduledRevocation, event: AuditEvent) -> Result<(), Unavailable> {
        self.write(SCHEDULE, Durability::Durable, |tx| schedule::put(tx, scheduled, event))
    }

    fn cancel_schedule(&self, id: &CertificateId, event: AuditEvent) -> Result<bool, Unavailable> {
        let id = id.clone();
        self.write(SCHEDULE, Durability::Durable, move |tx| schedule::cancel(tx, &id, event))
    }

    fn scheduled(
        &self,
        until: UnixTime,
        after: Option<&(UnixTime, CertificateId)>,
        limit: usize,
    ) -> Result<Vec<ScheduledRevocation>, Unavailable> {
        let after = schedule::after_key(after);
        self.read(SCHEDULE, |view| due(view, until, (&after, limit)))
    }
}

impl Store {
    /// Returns the revocation of a certificate that is due later, if there is one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn scheduled_for(&self, id: &CertificateId) -> Result<Option<ScheduledRevocation>, Unavailable> {
        self.read(SCHEDULE, |view| Ok(view.row::<ScheduledRow>(id)?.map(|row| row.scheduled)))
    }
}

fn due(
    view: &dyn View,
    until: UnixTime,
    (after, limit): (&[u8], usize),
) -> Result<Vec<ScheduledRevocation>, ReadFault> {
    let mut found = Vec::new();
    for (key, _) in view.rows_after(Keyspace::ScheduledTimes, &[], after, limit)? {
        let fault = || RowFault::Key { keyspace: Keyspace::ScheduledTimes.name() };
        let id = parse_indexed_id(&key).ok_or_else(fault)?;
        let row = view.row::<ScheduledRow>(&id)?.ok_or_else(fault)?;
        if row.scheduled.due > until {
            break;
        }
        found.push(row.scheduled);
    }
    Ok(found)
}

impl TrustBlocks for Store {
    fn block(&self, blocked: BlockedKey, event: AuditEvent) -> Result<bool, Unavailable> {
        self.write(BLOCKS, Durability::Durable, |tx| blocks::block(tx, blocked, event))
    }

    fn unblock(
        &self,
        authority: &KeyRef,
        unblock: Unblock,
    ) -> Result<Result<Unblocked, UnblockConflict>, Unavailable> {
        let key = *authority;
        self.write(BLOCKS, Durability::Durable, move |tx| blocks::unblock(tx, &key, unblock))
    }

    fn blocked(&self) -> Result<Vec<BlockedKey>, Unavailable> {
        self.read(BLOCKS, |view| {
            let rows = view.rows_after(Keyspace::Blocked, &[], &[], usize::MAX)?;
            rows.into_iter().map(|(_, octets)| Ok(BlockedRow::decode(&octets)?.blocked)).collect()
        })
    }
}
