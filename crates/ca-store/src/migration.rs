//! Bringing a ledger of an older format to the one that this version writes, before anything is recovered or asked.
//!
//! A step only adds to what is there and gives the same rows however often it is done: whoever is interrupted in it does it
//! again. The directory's marker names the new format when all rows are on disk, and not before.
//!
//! Format 2 adds the tree over the audit records: keyspace `tree`, and peaks in the row `trail`. Format 3 adds what devices are found,
//! counted and followed by: keyspaces `device-index`, `device-counts` and `device-history`, and the row `fleet`. What
//! is counted by days was added within format 3: keyspace `day-counts`, and the row `days`.

pub(crate) mod days;
pub(crate) mod fleet;

use ca_core::audit::AuditTrail;

use crate::audit_walk::{AuditFault, AuditWalk, End};
use crate::directory::{Directory, MarkerError};
use crate::engine::{Durability, Engine, EngineError, EngineKind, KeyValue, View, Write};
use crate::keyspace::FORMAT;
use crate::keyspace::{Keyspace, TRAIL, subtree_key};
use crate::row::{Row, RowFault, TrailRow, TrailRowV1};
use crate::transaction::ReadFault;

/// The first format whose ledgers have the tree over their audit records.
const WITH_TREE: u32 = 2;

/// How many rows are written at a time.
const BATCH: usize = 1_024;

/// Brings the rows to the newest format, and then says so in the marker.
pub(crate) fn migrate(
    directory: &Directory,
    (kind, engine): (EngineKind, &dyn Engine),
) -> Result<(), MigrationError> {
    let found = directory.format();
    // A backup of an older format, restored into a directory of the newest one, lacks the same rows.
    let (fleet_is_built, days_are_counted) = (fleet::is_built(engine)?, days::are_counted(engine)?);
    if found == FORMAT && fleet_is_built && days_are_counted {
        return Ok(());
    }
    tracing::info!(from = found, to = FORMAT, "the ledger is brought to the newer format");
    if found < WITH_TREE {
        let trail = build_tree(engine)?;
        tracing::info!(audit_records = trail.sequence(), "the audit trail has its tree");
    }
    if !fleet_is_built {
        let devices = fleet::build(engine)?;
        tracing::info!(devices, "devices are indexed, counted and followed");
    }
    if !days_are_counted {
        let certificates = days::count(engine)?;
        tracing::info!(certificates, "certificates are counted by days");
    }
    if found != FORMAT {
        directory.declare(kind)?;
    }
    tracing::info!("the ledger has the newer format");
    Ok(())
}

/// Goes over a keyspace, and writes what each row gives.
fn each(
    engine: &dyn Engine,
    keyspace: Keyspace,
    mut give: impl FnMut(&dyn View, &KeyValue, &mut Vec<Write>) -> Result<(), MigrationError>,
) -> Result<(), MigrationError> {
    let mut after = Vec::new();
    loop {
        let mut batch = Vec::new();
        {
            let view = engine.view()?;
            let page = view.rows_after(keyspace, &[], &after, BATCH)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for row in &page {
                give(&*view, row, &mut batch)?;
            }
        }
        if !batch.is_empty() {
            engine.commit(batch, Durability::Durable)?;
        }
    }
}

/// Format 1 to 2: goes over all audit records, checks them, and keeps the tree over them.
fn build_tree(engine: &dyn Engine) -> Result<AuditTrail, MigrationError> {
    let mut walk = AuditWalk::over_chain(engine, stored_end(engine)?);
    let mut batch = Vec::new();
    while let Some((_, completed)) = walk.advance()? {
        batch.extend(completed.into_iter().map(|subtree| Write {
            keyspace: Keyspace::Tree,
            key: subtree_key(subtree.level, subtree.index),
            value: Some(subtree.hash.to_vec()),
        }));
        if batch.len() >= BATCH {
            engine.commit(core::mem::take(&mut batch), Durability::Durable)?;
        }
    }
    let trail = walk.finish()?;
    let value = Some(TrailRow(trail.clone()).encode()?);
    batch.push(Write { keyspace: TrailRow::KEYSPACE, key: TRAIL.to_vec(), value });
    engine.commit(batch, Durability::Durable)?;
    Ok(trail)
}

/// Reads where the trail ends, in the old form of the row, or in the new one when only the marker is still to be written.
fn stored_end(engine: &dyn Engine) -> Result<End, MigrationError> {
    let octets = engine.view()?.value(Keyspace::Meta, TRAIL)?.ok_or(AuditFault::NoEnd)?;
    if octets.first() == Some(&TrailRow::VERSION) {
        let TrailRow(trail) = TrailRow::decode(&octets)?;
        return Ok(End { sequence: trail.sequence(), head: *trail.head() });
    }
    let TrailRowV1 { sequence, head } = TrailRowV1::decode(&octets)?;
    Ok(End { sequence, head })
}

/// Why a ledger has still its older format.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error(transparent)]
    Audit(#[from] AuditFault),
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error(transparent)]
    Row(#[from] RowFault),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Marker(#[from] MarkerError),
}
