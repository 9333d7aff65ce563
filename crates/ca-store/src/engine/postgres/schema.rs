//! The steps by which the schema came about, each with its way back. Which step is taken when, an operator says.
//!
//! A step only ever adds what the programs before it do not look at, so that they go on beside it: new programs come first,
//! with the schema as it is, and the step after the last of them.

use sha2::{Digest, Sha256};

use super::node::{NodeFault, SeenNode};
use super::session::{Session, SessionFault};

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) number: i32,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

/// The steps that this program knows, in their order.
pub(super) const STEPS: [Step; 2] = [
    Step {
        number: 1,
        name: "ledger",
        up: include_str!("../../../migrations/0001_ledger.up.sql"),
        down: include_str!("../../../migrations/0001_ledger.down.sql"),
    },
    Step {
        number: 2,
        name: "reading",
        up: include_str!("../../../migrations/0002_reading.up.sql"),
        down: include_str!("../../../migrations/0002_reading.down.sql"),
    },
];

/// The oldest schema that this program works with.
pub(super) const LEAST: i32 = 1;

/// The newest one.
pub(super) const MOST: i32 = 2;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

impl Step {
    fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.up).to_vec()
    }
}

/// Returns the number of the last step that was taken; 0 where there is no ledger.
pub(super) fn state(session: &Session) -> Result<i32, NodeFault> {
    const KNOWN: &str = "SELECT to_regclass('meter_pki.schema_steps') IS NOT NULL";
    let there = session.wait(PATIENCE, async { session.client().query_one(KNOWN, &[]).await })?;
    if !there.try_get::<_, bool>(0).map_err(SessionFault::Server)? {
        return Ok(0);
    }
    const TAKEN: &str = "SELECT number, digest FROM meter_pki.schema_steps ORDER BY number";
    let mut last = 0;
    for row in session.wait(PATIENCE, async { session.client().query(TAKEN, &[]).await })? {
        let (number, digest): (i32, Vec<u8>) =
            (row.try_get(0).map_err(SessionFault::Server)?, row.try_get(1).map_err(SessionFault::Server)?);
        if STEPS.iter().any(|step| step.number == number && step.digest() != digest) {
            return Err(NodeFault::OtherStep { number });
        }
        last = number;
    }
    Ok(last)
}

/// Tells whether this program can work with a schema.
pub(super) fn fits(found: i32) -> Result<(), NodeFault> {
    match found {
        0 => Err(NodeFault::NoLedger),
        found if found < LEAST => Err(NodeFault::OlderSchema { found, least: LEAST }),
        found if found > MOST => Err(NodeFault::NewerSchema { found, most: MOST }),
        _ => Ok(()),
    }
}

/// Refuses a step that a node which is alive does not know.
pub(super) fn fits_nodes(nodes: &[SeenNode], to: i32) -> Result<(), NodeFault> {
    let outside = |node: &&SeenNode| !node.fenced && !(node.schema_least..=node.schema_most).contains(&to);
    match nodes.iter().find(outside) {
        Some(node) => Err(NodeFault::NodeTooOld {
            name: node.name.clone(),
            least: node.schema_least,
            most: node.schema_most,
            to,
        }),
        None => Ok(()),
    }
}

/// Takes steps forward, up to and with `to`; returns how many were taken.
pub(super) fn forward(session: &Session, to: i32, by: &str) -> Result<usize, NodeFault> {
    let found = state(session)?;
    let steps = STEPS.iter().filter(|step| step.number > found && step.number <= to);
    let mut taken = 0_usize;
    for step in steps {
        const NOTE: &str =
            "INSERT INTO meter_pki.schema_steps (number, name, digest, applied_by) VALUES ($1, $2, $3, $4)";
        session.wait(PATIENCE, async {
            let client = session.client();
            client.batch_execute("BEGIN").await?;
            client.batch_execute(step.up).await?;
            client.execute(NOTE, &[&step.number, &step.name, &step.digest(), &by]).await?;
            client.batch_execute("COMMIT").await
        })?;
        taken = taken.saturating_add(1);
    }
    Ok(taken)
}

/// Takes steps back, down to `to`, which stays; returns how many were taken. The first step is never taken back: it would take
/// the ledger away.
pub(super) fn back(session: &Session, to: i32) -> Result<usize, NodeFault> {
    let found = state(session)?;
    let to = to.max(1);
    let mut taken = 0_usize;
    for step in STEPS.iter().rev().filter(|step| step.number <= found && step.number > to) {
        session.wait(PATIENCE, async {
            let client = session.client();
            client.batch_execute("BEGIN").await?;
            client.batch_execute(step.down).await?;
            client.execute("DELETE FROM meter_pki.schema_steps WHERE number = $1", &[&step.number]).await?;
            client.batch_execute("COMMIT").await
        })?;
        taken = taken.saturating_add(1);
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgres::sql;
    use crate::keyspace::Keyspace;

    #[test]
    fn steps_are_numbered_without_gaps_and_each_leads_back() {
        let numbers: Vec<i32> = STEPS.iter().map(|step| step.number).collect();
        assert_eq!(numbers, (1..=MOST).collect::<Vec<_>>());
        assert!(STEPS.iter().all(|step| !step.up.is_empty() && step.down.contains("DROP")));
    }

    #[test]
    fn every_keyspace_has_its_table_with_a_primary_key() {
        for keyspace in Keyspace::ALL {
            let table = format!(
                "CREATE TABLE {} (key bytea PRIMARY KEY, value bytea NOT NULL)",
                sql::table(keyspace)
            );
            let made = STEPS.iter().filter(|step| step.up.contains(&table)).count();
            assert_eq!(made, 1, "{}", keyspace.name());
        }
    }
}
