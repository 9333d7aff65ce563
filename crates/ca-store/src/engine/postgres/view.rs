//! The rows of one point in time, of a session that is lent for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use futures_util::FutureExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::pool::Pool;
use super::session::{Session, SessionFault};
use super::{READING, partitions, sql};
use crate::engine::{EngineError, KeyValue, View, WantedKey};
use crate::keyspace::Keyspace;

/// A view on the rows that one point in time shows.
pub(super) struct PostgresView<'e> {
    readers: &'e Pool,
    session: Option<Session>,
    begun: Cell<bool>,
    failed: Cell<bool>,
    silent: Cell<bool>,
}

impl<'e> PostgresView<'e> {
    pub(super) const fn new(readers: &'e Pool, session: Session) -> Self {
        Self {
            readers,
            session: Some(session),
            begun: Cell::new(false),
            failed: Cell::new(false),
            silent: Cell::new(false),
        }
    }

    fn query(&self, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionFault> {
        let Some(session) = &self.session else { return Err(SessionFault::Ended) };
        let outcome = session.wait(READING, async {
            let (client, statement) = (session.client(), session.prepared(text).await?);
            if self.begun.replace(true) {
                return client.query(&statement, parameters).await;
            }
            // Sent together, done in this order.
            let begin = client.batch_execute(sql::BEGIN_READING);
            let (begun, rows) = futures_util::future::join(begin, client.query(&statement, parameters)).await;
            begun.and(rows)
        });
        outcome.inspect_err(|fault| {
            self.failed.set(true);
            self.silent.set(fault.is_silence());
        })
    }
}

impl View for PostgresView<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        value(|text, parameters| self.query(text, parameters), keyspace, key)
    }

    fn rows_after(
        &self,
        keyspace: Keyspace,
        prefix: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<KeyValue>, EngineError> {
        rows_after(|text, parameters| self.query(text, parameters), keyspace, (prefix, after), limit)
    }
}

impl Drop for PostgresView<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.failed.get() || session.is_closed() {
            let silent = self.silent.get() || session.is_closed();
            drop(session);
            return if silent { self.readers.lose_silent() } else { self.readers.lose() };
        }
        if self.begun.get() {
            // Sent, and not waited for: whatever comes next on this session comes behind it.
            drop(session.client().batch_execute("COMMIT").now_or_never());
        }
        self.readers.take_back(session);
    }
}

/// Lists rows by whatever asks.
pub(super) fn rows_after(
    query: impl FnOnce(&str, &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionFault>,
    keyspace: Keyspace,
    (prefix, after): (&[u8], &[u8]),
    limit: usize,
) -> Result<Vec<KeyValue>, EngineError> {
    let from_included = after.is_empty() || after < prefix;
    let from = if from_included { prefix } else { after };
    let end = partitions::beyond(prefix);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let text = sql::rows(keyspace, sql::Range { from_included, has_end: end.is_some() });
    let rows = match &end {
        Some(end) => query(&text, &[&from, &limit, end]),
        None => query(&text, &[&from, &limit]),
    };
    let rows = rows.map_err(EngineError::doing("listing rows of PostgreSQL"))?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, Error>>()
        .map_err(EngineError::doing("listing rows of PostgreSQL"))
}

/// Reads the value of a key by whatever asks.
pub(super) fn value(
    query: impl FnOnce(&str, &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionFault>,
    keyspace: Keyspace,
    key: &[u8],
) -> Result<Option<Vec<u8>>, EngineError> {
    let doing = "reading a row of PostgreSQL";
    let rows = query(&sql::value(keyspace), &[&key]).map_err(EngineError::doing(doing))?;
    rows.first().map(|row| row.try_get(0)).transpose().map_err(EngineError::doing(doing))
}

/// What was read in a turn, absences too: nothing else changes it until the turn is over.
#[derive(Default)]
pub(super) struct Read(RefCell<HashMap<WantedKey, Option<Vec<u8>>>>);

impl Read {
    pub(super) fn known(&self, keyspace: Keyspace, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.0.borrow().get(&(keyspace, key.to_vec())).cloned()
    }

    pub(super) fn keep(&self, keyspace: Keyspace, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.0.borrow_mut().insert((keyspace, key), value);
    }
}
