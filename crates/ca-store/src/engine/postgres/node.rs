//! This process as one of several that write: joining, being seen, being fenced, and what one node does for all.
//!
//! A token is alive until somebody fences it: the same process, coming back, or another one that has not seen it for the time of
//! a lease. Every turn begins by finding its token alive, and holds on to that until it is over; so whoever was fenced while it
//! slept writes nothing when it wakes. Times are those of the database's clock, so that the nodes' clocks count for nothing here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ca_core::ports::Clock;

use super::schema;
use super::session::{Session, SessionFault};
use crate::keyspace::FORMAT;

/// How long a statement of this file may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who a process is among those that share a ledger.
#[derive(Clone)]
pub struct Node {
    /// Its name, unlike any other's.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// SHA-256 of what all nodes are to have alike, in hexadecimal.
    pub configuration: String,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// How long nobody needs to have seen a node before it is fenced.
    pub lease: Duration,
    /// How far its clock may be from the database's.
    pub skew: Duration,
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Node {
    /// Returns how many milliseconds its clock is ahead of the database's, which is at `database` milliseconds. The clock has
    /// whole seconds.
    fn skew_ms(&self, database: i64) -> i64 {
        self.clock.now().seconds().saturating_mul(1_000).saturating_sub(database)
    }

    /// Refuses a clock that is too far from the database's.
    pub(super) fn check_clock(&self, database: i64) -> Result<i64, NodeFault> {
        let skew = self.skew_ms(database);
        // Whole seconds on this side: one more or less shows nothing.
        let allowed = i64::try_from(self.skew.as_millis()).unwrap_or(i64::MAX).saturating_add(1_000);
        if skew.saturating_abs() > allowed {
            return Err(NodeFault::Clock { ahead_ms: skew });
        }
        Ok(skew)
    }
}

/// A node as all can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenNode {
    /// Its name.
    pub name: String,
    /// Its token; a process that comes back has a greater one.
    pub token: u64,
    /// Whether what it writes is refused.
    pub fenced: bool,
    /// Whether it ended in order, and nobody had to find out.
    pub left: bool,
    /// How long ago it was seen.
    pub seen_ago: Duration,
    /// How many milliseconds its clock was ahead of the database's.
    pub skew_ms: i64,
    /// The version of its program.
    pub version: String,
    /// The first step of the schema that its program works with.
    pub schema_least: i32,
    /// The last one.
    pub schema_most: i32,
    /// SHA-256 of what all nodes are to have alike, in hexadecimal.
    pub configuration: String,
    /// What it does for all.
    pub duties: Vec<String>,
}

/// Which tokens are alive. A token that is not, and not greater than any known, never will be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Census {
    living: BTreeSet<u64>,
    highest: u64,
}

impl Census {
    /// Tells whether what was begun under a token is nobody's any more.
    pub(crate) fn is_orphan(&self, token: Option<u64>) -> bool {
        token.is_none_or(|token| token <= self.highest && !self.living.contains(&token))
    }
}

/// Joins: fences whoever has the name, which is this process before it ended, and takes a new token.
pub(super) fn join(session: &Session, node: &Node, place: &str) -> Result<u64, NodeFault> {
    schema::fits(schema::state(session)?)?;
    let outcome = session.wait(PATIENCE, async {
        let client = session.client();
        client.batch_execute(super::sql::BEGIN).await?;
        client.query(super::sql::TURN, &[]).await?;
        client.query(LOOK, &[]).await
    });
    let joined = outcome.map_err(NodeFault::from).and_then(|rows| {
        let clock = admit(node, place, &rows)?;
        let token = session.wait(PATIENCE, async {
            let client = session.client();
            client.execute(FENCE_NAME, &[&node.name]).await?;
            client.execute(FORGET, &[]).await?;
            let (least, most) = (schema::LEAST, schema::MOST);
            let row = client
                .query_one(
                    JOIN,
                    &[&node.name, &place, &clock, &node.version, &least, &most, &node.configuration],
                )
                .await?;
            client.batch_execute("COMMIT").await?;
            row.try_get::<_, i64>(0)
        })?;
        u64::try_from(token).map_err(|_| NodeFault::NoLedger)
    });
    if joined.is_err() {
        drop(session.wait(PATIENCE, async { session.client().batch_execute("ROLLBACK").await }));
    }
    joined
}

/// Everything that is known of the nodes, the form of the rows, and the time.
const LOOK: &str = "SELECT l.format, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, n.name, n.place, n.version, \
     n.configuration, (extract(epoch FROM clock_timestamp() - n.seen_at) * 1000)::bigint \
     FROM meter_pki.ledger l LEFT JOIN meter_pki.nodes n ON NOT n.fenced";

const FENCE_NAME: &str = "UPDATE meter_pki.nodes SET fenced = true WHERE name = $1 AND NOT fenced";

/// Forgets who was fenced long ago; what they left open was ended since.
const FORGET: &str =
    "DELETE FROM meter_pki.nodes WHERE fenced AND seen_at < clock_timestamp() - interval '30 days'";

const JOIN: &str = "INSERT INTO meter_pki.nodes (name, place, skew_ms, version, schema_least, schema_most, configuration) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING token";

/// Decides whether a node may join beside those that are there; returns how far its clock is ahead.
fn admit(node: &Node, place: &str, rows: &[tokio_postgres::Row]) -> Result<i64, NodeFault> {
    let Some(first) = rows.first() else { return Err(NodeFault::NoLedger) };
    let found: i32 = get(first, 0)?;
    if u32::try_from(found) != Ok(FORMAT) {
        return Err(NodeFault::OtherFormat { found, known: FORMAT });
    }
    let lease = i64::try_from(node.lease.as_millis()).unwrap_or(i64::MAX);
    for row in rows {
        let (Some(name), Some(there)) = (get::<Option<String>>(row, 2)?, get::<Option<String>>(row, 3)?)
        else {
            continue;
        };
        let (version, configuration): (String, String) = (get(row, 4)?, get(row, 5)?);
        if get::<i64>(row, 6)? >= lease {
            continue;
        }
        if name == node.name && there != place {
            return Err(NodeFault::NameInUse { name });
        }
        if name != node.name && version != node.version && configuration != node.configuration {
            return Err(NodeFault::BothDiffer { name, version });
        }
    }
    node.check_clock(get(first, 1)?)
}

/// Says that this node is there; an error where it is not any more.
pub(super) fn be_seen(session: &Session, node: &Node, token: u64) -> Result<(), NodeFault> {
    const SEEN: &str = "UPDATE meter_pki.nodes SET seen_at = clock_timestamp(), skew_ms = $2 - \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE token = $1 AND NOT fenced";
    let (token, now) = (signed(token), node.clock.now().seconds().saturating_mul(1_000));
    let seen = session.wait(PATIENCE, async { session.client().execute(SEEN, &[&token, &now]).await })?;
    if seen == 0 { Err(NodeFault::Fenced) } else { Ok(()) }
}

/// Fences the nodes that were not seen for the time of a lease; returns their names. Waits for a turn of theirs that is under
/// way: it is done, or undone, before.
pub(super) fn fence_silent(session: &Session, lease: Duration) -> Result<Vec<String>, NodeFault> {
    const FENCE: &str = "WITH turn AS MATERIALIZED (SELECT number FROM meter_pki.turn FOR UPDATE) \
         UPDATE meter_pki.nodes SET fenced = true FROM turn \
         WHERE NOT fenced AND seen_at < clock_timestamp() - $1::bigint * interval '1 millisecond' RETURNING name";
    const SILENT: &str = "SELECT count(*) FROM meter_pki.nodes \
         WHERE NOT fenced AND seen_at < clock_timestamp() - $1::bigint * interval '1 millisecond'";
    let lease = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    let silent = session.wait(PATIENCE, async { session.client().query_one(SILENT, &[&lease]).await })?;
    if get::<i64>(&silent, 0)? == 0 {
        return Ok(Vec::new());
    }
    let rows = session.wait(PATIENCE, async { session.client().query(FENCE, &[&lease]).await })?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// Returns which tokens are alive.
pub(super) fn census(session: &Session) -> Result<Census, NodeFault> {
    const TOKENS: &str = "SELECT token, fenced FROM meter_pki.nodes";
    let rows = session.wait(PATIENCE, async { session.client().query(TOKENS, &[]).await })?;
    let mut census = Census::default();
    for row in &rows {
        let token = unsigned(get(row, 0)?);
        census.highest = census.highest.max(token);
        if !get::<bool>(row, 1)? {
            census.living.insert(token);
        }
    }
    Ok(census)
}

/// Returns the nodes that are there, and those that were fenced and may be looked for.
pub(super) fn seen(session: &Session) -> Result<Vec<SeenNode>, NodeFault> {
    const NODES: &str = "SELECT n.name, n.token, n.fenced, n.left_in_order, \
         (extract(epoch FROM clock_timestamp() - n.seen_at) * 1000)::bigint, n.skew_ms, n.version, \
         n.schema_least, n.schema_most, n.configuration, coalesce((SELECT array_agg(d.name ORDER BY d.name) FROM meter_pki.duties d \
         WHERE d.token = n.token), '{}') \
         FROM meter_pki.nodes n \
         WHERE NOT EXISTS (SELECT FROM meter_pki.nodes o WHERE o.name = n.name AND o.token > n.token) ORDER BY n.name";
    let rows = session.wait(PATIENCE, async { session.client().query(NODES, &[]).await })?;
    rows.iter().map(seen_node).collect()
}

fn seen_node(row: &tokio_postgres::Row) -> Result<SeenNode, NodeFault> {
    Ok(SeenNode {
        name: get(row, 0)?,
        token: unsigned(get(row, 1)?),
        fenced: get(row, 2)?,
        left: get(row, 3)?,
        seen_ago: Duration::from_millis(unsigned(get(row, 4)?)),
        skew_ms: get(row, 5)?,
        version: get(row, 6)?,
        schema_least: get(row, 7)?,
        schema_most: get(row, 8)?,
        configuration: get(row, 9)?,
        duties: get(row, 10)?,
    })
}

/// Takes on what one node does for all, if nobody else has it who is alive; tells whether this node has it now.
pub(super) fn take_duty(session: &Session, token: u64, duty: &str) -> Result<bool, NodeFault> {
    const TAKE: &str = "INSERT INTO meter_pki.duties AS d (name, token) \
         SELECT $1, n.token FROM meter_pki.nodes n WHERE n.token = $2 AND NOT n.fenced \
         ON CONFLICT (name) DO UPDATE SET token = EXCLUDED.token \
         WHERE NOT EXISTS (SELECT FROM meter_pki.nodes n WHERE n.token = d.token AND NOT n.fenced)";
    const HAS: &str = "SELECT count(*) FROM meter_pki.duties d JOIN meter_pki.nodes n USING (token) \
         WHERE d.name = $1 AND d.token = $2 AND NOT n.fenced";
    let token = signed(token);
    let has = session.wait(PATIENCE, async { session.client().query_one(HAS, &[&duty, &token]).await })?;
    if get::<i64>(&has, 0)? > 0 {
        return Ok(true);
    }
    let taken = session.wait(PATIENCE, async { session.client().execute(TAKE, &[&duty, &token]).await })?;
    if taken > 0 {
        tracing::info!(duty, "this node does it for all from now on");
    }
    Ok(taken > 0)
}

/// Lets go of everything that this node does for all, and of its token: it ends in order, with nothing open.
pub(super) fn leave(session: &Session, token: u64) -> Result<(), NodeFault> {
    const LEAVE: &str =
        "UPDATE meter_pki.nodes SET fenced = true, left_in_order = true WHERE token = $1 AND NOT fenced";
    session.wait(PATIENCE, async { session.client().execute(LEAVE, &[&signed(token)]).await })?;
    Ok(())
}

pub(super) fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r tokio_postgres::Row,
    column: usize,
) -> Result<T, NodeFault> {
    Ok(row.try_get(column).map_err(SessionFault::Server)?)
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Why this process may not write beside the others.
#[derive(Debug, thiserror::Error)]
pub enum NodeFault {
    /// The database holds no ledger.
    #[error("the database holds no ledger: make one with `meter-pki store create`")]
    NoLedger,
    /// Nothing says where it is.
    #[error("the ledger is in a database, whose address is needed")]
    NoAddress,
    /// It holds one already.
    #[error(
        "the database holds a ledger already: another node joins it with `meter-pki store create --join`"
    )]
    LedgerThere,
    /// An attempt that was interrupted left rows in it.
    #[error(
        "the database holds rows of an attempt that was interrupted: `meter-pki store migrate` goes on with a move; for \
         anything else take them away with DROP SCHEMA meter_pki CASCADE"
    )]
    Leftovers,
    /// The directory of the node has no name.
    #[error(
        "the name of this node's directory cannot be read: {0}: make it anew with `meter-pki store create --join`"
    )]
    NoPlace(String),
    /// Somebody else makes one in it.
    #[error("somebody else is making a ledger in the database at this moment")]
    BeingLoaded,
    /// The schema is too old.
    #[error(
        "the schema is at step {found}, and this program works from step {least} on: take `meter-pki store schema --forward`"
    )]
    OlderSchema {
        /// The last step that was taken.
        found: i32,
        /// The first that would do.
        least: i32,
    },
    /// The schema is too new.
    #[error("the schema is at step {found}, and this program works up to step {most}: use the newer version")]
    NewerSchema {
        /// The last step that was taken.
        found: i32,
        /// The last that would do.
        most: i32,
    },
    /// A step was taken from another text.
    #[error(
        "step {number} of the schema was made by another text than this program has: one of them was changed"
    )]
    OtherStep {
        /// Which step.
        number: i32,
    },
    /// A node that is alive does not know a step.
    #[error(
        "node {name} works with steps {least} to {most} of the schema, and not with step {to}: end it, or give it another version, first"
    )]
    NodeTooOld {
        /// Its name.
        name: String,
        /// The first step that does for it.
        least: i32,
        /// The last one.
        most: i32,
        /// The step that was asked for.
        to: i32,
    },
    /// The rows have another form.
    #[error("the ledger has format {found}, and this program knows format {known}")]
    OtherFormat {
        /// That of the ledger.
        found: i32,
        /// That of the program.
        known: u32,
    },
    /// The name belongs to another process.
    #[error("a node called {name} is in service from another directory: give each node a name of its own")]
    NameInUse {
        /// The name.
        name: String,
    },
    /// Program and configuration are both other ones.
    #[error(
        "node {name} has version {version} and another configuration: bring the new program to all nodes with the \
         configuration that they have, and the new configuration then"
    )]
    BothDiffer {
        /// The other node.
        name: String,
        /// Its version.
        version: String,
    },
    /// The clock is wrong.
    #[error("the clock of this node is {} s {} that of the database: set it right", ahead_ms.abs() / 1_000, if *ahead_ms > 0 { "ahead of" } else { "behind" })]
    Clock {
        /// How far it is ahead, in milliseconds.
        ahead_ms: i64,
    },
    /// Another node found this one silent.
    #[error("this node was fenced: others did not see it for the time of its lease")]
    Fenced,
    /// Its exported log knows another ledger, or a later one.
    #[error("{0}")]
    Witness(String),
    /// Nobody can see this one.
    #[error("this node could not say for the time of its lease that it is there")]
    Unseen,
    /// Commits do not wait for the disk.
    #[error("synchronous_commit is {0}: what is acknowledged would not be safe")]
    NotDurable(String),
    /// The database gives no answer.
    #[error("{0}")]
    Session(String),
}

impl From<SessionFault> for NodeFault {
    fn from(fault: SessionFault) -> Self {
        Self::Session(fault.to_string())
    }
}
