//! The engine by which a ledger is made in a database: the only one that writes there until the ledger is declared whole.
//!
//! Takes no turns and is no node. An advisory lock keeps a second one out; what an attempt left is gone on from by whoever
//! writes the same rows again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::address::Database;
use super::node::{NodeFault, get};
use super::partitions::Bounds;
use super::session::{Sent, Session, SessionFault, Wire, in_order};
use super::turn::{by_table, missing_partitions};
use super::view::{rows_after, value};
use super::{READING, WRITING, schema, sql};
use crate::engine::{Durability, Engine, EngineError, KeyValue, NotWritten, OwnTurn, Turn, View, Write};
use crate::keyspace::FORMAT;
use crate::keyspace::Keyspace;

/// Which lock a loader holds; the octets of "mpki".
const LOCK: i64 = 0x6D70_6B69;

/// Writes rows into a database that holds no ledger yet.
pub(crate) struct Loader {
    session: Session,
    partitions: Mutex<BTreeSet<(Keyspace, Bounds)>>,
    // After the session that it drives.
    _wire: Wire,
}

impl Loader {
    /// Makes the schema where there is none, and begins, or goes on, to load.
    pub(crate) fn begin(database: &Database, by: &str) -> Result<Self, NodeFault> {
        let wire = Wire::start().map_err(|cause| NodeFault::Session(cause.to_string()))?;
        let session = wire.connect(database)?;
        // Waits for a moment: an attempt that has just ended may not have let go.
        const ALONE: &str = "SELECT pg_advisory_lock($1)";
        let alone = session.wait(READING, async { session.client().query_one(ALONE, &[&LOCK]).await });
        alone.map_err(|fault| match fault.state() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => NodeFault::BeingLoaded,
            _ => fault.into(),
        })?;
        schema::forward(&session, schema::MOST, by)?;
        if is_declared(&session)? {
            return Err(NodeFault::LedgerThere);
        }
        Ok(Self { session, partitions: Mutex::default(), _wire: wire })
    }

    /// Begins in a database that holds no row: what another attempt left would become part of this ledger.
    pub(crate) fn begin_empty(database: &Database, by: &str) -> Result<Self, NodeFault> {
        let loader = Self::begin(database, by)?;
        for keyspace in Keyspace::ALL {
            if loader.last_key(keyspace)?.is_some() {
                return Err(NodeFault::Leftovers);
            }
        }
        Ok(loader)
    }

    /// Declares that the ledger is whole: until then nobody joins it.
    pub(crate) fn declare(&self) -> Result<(), NodeFault> {
        const DECLARE: &str = "INSERT INTO meter_pki.ledger (format) VALUES ($1)";
        let format = i32::try_from(FORMAT).unwrap_or(i32::MAX);
        self.session.wait(READING, async { self.session.client().execute(DECLARE, &[&format]).await })?;
        Ok(())
    }

    /// Counts the rows of a keyspace.
    pub(crate) fn count(&self, keyspace: Keyspace) -> Result<u64, NodeFault> {
        let text = format!("SELECT count(*) FROM {}", sql::table(keyspace));
        let limit = std::time::Duration::from_secs(3_600);
        let row = self.session.wait(limit, async { self.session.client().query_one(&text, &[]).await })?;
        Ok(u64::try_from(get::<i64>(&row, 0)?).unwrap_or_default())
    }

    /// Returns the last key of a keyspace, if it has any: behind it an attempt that was interrupted goes on.
    pub(crate) fn last_key(&self, keyspace: Keyspace) -> Result<Option<Vec<u8>>, NodeFault> {
        let text = format!("SELECT key FROM {} ORDER BY key DESC LIMIT 1", sql::table(keyspace));
        let row = self.session.wait(READING, async { self.session.client().query_opt(&text, &[]).await })?;
        row.map(|row| get(&row, 0)).transpose()
    }

    /// Looks over what was loaded, so that the first plans know how much there is.
    pub(crate) fn analyze(&self) -> Result<(), NodeFault> {
        let limit = std::time::Duration::from_secs(3_600);
        for keyspace in Keyspace::ALL {
            let text = format!("ANALYZE {}", sql::table(keyspace));
            self.session.wait(limit, async { self.session.client().batch_execute(&text).await })?;
        }
        Ok(())
    }

    fn query(&self, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionFault> {
        self.session.ask(READING, (text, parameters))
    }

    fn write(&self, batch: Vec<Write>) -> Result<(), SessionFault> {
        let batch = last_of_each(batch);
        let mut known = self.partitions();
        let (text, made) = missing_partitions(&batch, &known);
        let tables = by_table(batch);
        self.session.wait(WRITING, async {
            let mut statements = Vec::new();
            for (keyspace, table) in &tables {
                statements.extend(table.statements(&self.session, *keyspace).await?);
            }
            let client = self.session.client();
            let mut sent: Vec<Sent<'_, ()>> = vec![Box::pin(client.batch_execute(sql::BEGIN))];
            sent.push(Box::pin(client.batch_execute(&text)));
            for (statement, parameters) in &statements {
                sent.push(Box::pin(async move { client.execute(statement, parameters).await.map(drop) }));
            }
            sent.push(Box::pin(client.batch_execute("COMMIT")));
            in_order(sent).await.into_iter().collect::<Result<Vec<()>, Error>>()
        })?;
        known.extend(made);
        Ok(())
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeSet<(Keyspace, Bounds)>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what a batch says last of each row: a copy that was made while the ledger went on says some more than once.
fn last_of_each(batch: Vec<Write>) -> Vec<Write> {
    let rows: BTreeMap<(Keyspace, Vec<u8>), Option<Vec<u8>>> =
        batch.into_iter().map(|Write { keyspace, key, value }| ((keyspace, key), value)).collect();
    rows.into_iter().map(|((keyspace, key), value)| Write { keyspace, key, value }).collect()
}

/// Tells whether the database holds a ledger that is whole.
pub(super) fn is_declared(session: &Session) -> Result<bool, NodeFault> {
    if schema::state(session)? == 0 {
        return Ok(false);
    }
    const DECLARED: &str = "SELECT count(*) FROM meter_pki.ledger";
    let row = session.wait(READING, async { session.client().query_one(DECLARED, &[]).await })?;
    Ok(get::<i64>(&row, 0)? > 0)
}

impl Engine for Loader {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        Ok(Box::new(Loaded(self)))
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        OwnTurn::take(self.view(), |batch, _: Durability| {
            self.write(batch).map_err(EngineError::doing("loading into PostgreSQL"))
        })
    }
}

/// What is loaded so far.
struct Loaded<'l>(&'l Loader);

impl View for Loaded<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        value(|text, parameters| self.0.query(text, parameters), keyspace, key)
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        rows_after(|text, parameters| self.0.query(text, parameters), keyspace, (prefix, after), limit)
    }
}
