//! The turn to write on PostgreSQL: one transaction that locks the row of the turn first, so that all nodes write one after the
//! other, and what it reads is what no other node changes until it is over.
//!
//! What became of a commit that was not answered is looked up, on another session, by the number of the turn: it is done whole
//! or not at all, and nobody hears of it before that is known.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use futures_util::{FutureExt, TryFutureExt};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

use super::node::{NodeFault, get, signed};
use super::partitions::{Bounds, Cut};
use super::session::{Sent, Session, SessionFault, in_order};
use super::view::{Read, rows_after, value};
use super::{PostgresEngine, READING, WRITING, Writer, sql};
use crate::engine::{Durability, EngineError, KeyValue, NotWritten, Turn, View, WantedKey, Write};
use crate::keyspace::{Keyspace, TRAIL};

/// What is said of whatever goes wrong here.
const TAKING: &str = "taking the turn to write in PostgreSQL";
const COMMITTING: &str = "committing to PostgreSQL";

/// How often a group is written again that the server gave up for others' sake.
const AGAIN: u8 = 3;

/// The turn. Its session is the writer's.
pub(super) struct PostgresTurn<'e> {
    engine: &'e PostgresEngine,
    writer: MutexGuard<'e, Writer>,
    number: i64,
    token: u64,
    read: Read,
    read_alone: Cell<u64>,
    over: bool,
}

impl<'e> PostgresTurn<'e> {
    /// Takes the turn on the writer's session.
    pub(super) fn take(
        engine: &'e PostgresEngine,
        mut writer: MutexGuard<'e, Writer>,
    ) -> Result<Self, NotWritten> {
        match begin(engine, &mut writer) {
            Ok(Begun { number, token, trail }) => {
                let read = Read::default();
                read.keep(Keyspace::Meta, TRAIL.to_vec(), trail);
                Ok(Self { engine, writer, number, token, read, read_alone: Cell::new(0), over: false })
            }
            Err(fault) => {
                writer.session = None;
                Err(NotWritten::Nothing(EngineError { doing: TAKING, cause: fault.into() }))
            }
        }
    }

    fn session(&self) -> Result<&Session, SessionFault> {
        self.writer.session.as_ref().ok_or(SessionFault::Ended)
    }

    fn query(&self, text: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionFault> {
        self.read_alone.set(self.read_alone.get().saturating_add(1));
        self.session()?.ask(READING, (text, parameters))
    }

    /// Writes everything; what the server gives up for others' sake is written again, while nobody wrote in between: then what was
    /// decided still holds.
    fn write(&mut self, partitions: &str, tables: &BTreeMap<Keyspace, Table>) -> Result<(), SessionFault> {
        let mut again = 0..AGAIN;
        loop {
            match self.send(partitions, tables) {
                Err(fault) if fault.is_for_others() && again.next().is_some() && self.begin_again() => {
                    tracing::warn!(%fault, "a group is written once more");
                }
                outcome => return outcome,
            }
        }
    }

    /// Takes the same turn on the same session again; tells whether it is still the same.
    fn begin_again(&mut self) -> bool {
        let opened = self.writer.opened;
        let undone = self
            .session()
            .and_then(|session| session.wait(READING, session.client().batch_execute("ROLLBACK")));
        let begun = undone.is_ok().then(|| begin(self.engine, &mut self.writer).ok()).flatten();
        begun.is_some_and(|begun| {
            (begun.number, begun.token, self.writer.opened) == (self.number, self.token, opened)
        })
    }

    /// Sends everything at once, with the commit behind it.
    fn send(&self, partitions: &str, tables: &BTreeMap<Keyspace, Table>) -> Result<(), SessionFault> {
        let session = self.session()?;
        if !partitions.is_empty() {
            session.wait(WRITING, session.client().batch_execute(partitions))?;
        }
        let number = self.number.saturating_add(1);
        let token = signed(self.token);
        session.wait(WRITING, async {
            // What was not prepared before on this session is, one after the other; from then on nothing waits.
            let mut statements = Vec::new();
            for (keyspace, table) in tables {
                statements.extend(table.statements(session, *keyspace).await?);
            }
            let next: [&(dyn ToSql + Sync); 1] = [&number];
            let note: [&(dyn ToSql + Sync); 2] = [&token, &number];
            statements.push((session.prepared(sql::NEXT_TURN).await?, next.to_vec()));
            statements.push((session.prepared(sql::NOTE_TURN).await?, note.to_vec()));
            let client = session.client();
            let mut sent: Vec<Sent<'_, ()>> = Vec::new();
            for (statement, parameters) in &statements {
                sent.push(Box::pin(client.execute(statement, parameters).map_ok(drop)));
            }
            // After an error the server takes the commit for an end.
            sent.push(Box::pin(client.batch_execute("COMMIT")));
            in_order(sent).await.into_iter().collect()
        })
    }
}

/// A turn that has begun.
struct Begun {
    number: i64,
    token: u64,
    /// The row that every turn reads.
    trail: Option<Vec<u8>>,
}

/// Opens the writer's session where there is none, begins, locks the row of the turn and finds this node alive.
fn begin(engine: &PostgresEngine, writer: &mut Writer) -> Result<Begun, NodeFault> {
    if writer.session.as_ref().is_none_or(Session::is_closed) {
        writer.open(engine)?;
    }
    let Some(session) = &writer.session else { return Err(SessionFault::Ended.into()) };
    let token = engine.token();
    let parameter = signed(token);
    let found = session.wait(READING, async {
        let turn = session.prepared(sql::TURN).await?;
        let standing = session.prepared(sql::STANDING).await?;
        let trail = session.prepared(&sql::value(Keyspace::Meta)).await?;
        let client = session.client();
        // Sent together, done in this order: what is read is read behind the lock.
        let (begun, turn, standing, trail) = futures_util::future::join4(
            client.batch_execute(sql::BEGIN),
            client.query_one(&turn, &[]),
            client.query_opt(&standing, &[&parameter]),
            client.query_opt(&trail, &[&TRAIL]),
        )
        .await;
        begun?;
        Ok((turn?, standing?, trail?))
    });
    let presence = &engine.readers.presence;
    let (turn, standing, trail) = found.inspect_err(|fault| {
        if fault.is_silence() {
            presence.silent();
        }
    })?;
    presence.answered();
    check(engine, writer, standing.as_ref())?;
    let trail = trail.map(|row| get(&row, 0)).transpose()?;
    Ok(Begun { number: get(&turn, 0)?, token, trail })
}

/// Finds this node as it must be to write.
fn check(engine: &PostgresEngine, writer: &Writer, standing: Option<&Row>) -> Result<(), NodeFault> {
    let Some(standing) = standing else { return Err(NodeFault::Fenced) };
    if get(standing, 0)? {
        return Err(NodeFault::Fenced);
    }
    if get::<Option<String>>(standing, 2)?.as_deref() != Some(writer.mark.as_str()) {
        return Err(SessionFault::Pooled.into());
    }
    match get::<String>(standing, 3)?.as_str() {
        "on" | "remote_apply" => {}
        other => return Err(NodeFault::NotDurable(other.to_owned())),
    }
    engine.node.check_clock(get(standing, 4)?).map(drop)
}

impl Turn for PostgresTurn<'_> {
    fn view(&self) -> &dyn View {
        self
    }

    fn token(&self) -> Option<u64> {
        Some(self.token)
    }

    fn fetch(&self, keys: Vec<WantedKey>) -> Result<(), EngineError> {
        self.fetch_at_once(keys).map_err(EngineError::doing("reading rows of PostgreSQL"))
    }

    fn read_alone(&self) -> u64 {
        self.read_alone.get()
    }

    fn commit(mut self: Box<Self>, batch: Vec<Write>, _: Durability) -> Result<(), NotWritten> {
        let nothing =
            |fault: SessionFault| NotWritten::Nothing(EngineError { doing: COMMITTING, cause: fault.into() });
        let (partitions, made) = missing_partitions(&batch, &self.writer.partitions);
        let outcome = self.write(&partitions, &by_table(batch));
        self.over = true;
        let certain = self.writer.session.as_ref().is_some_and(|session| !session.is_doubtful());
        let fault = match outcome {
            Ok(()) if certain => {
                self.writer.partitions.extend(made);
                return Ok(());
            }
            Ok(()) => None,
            Err(fault) => Some(fault),
        };
        self.writer.session = None;
        if fault.as_ref().and_then(SessionFault::state).is_some() {
            // The server said no, to a statement or to the commit: the transaction is undone.
            return Err(nothing(fault.unwrap_or(SessionFault::Ended)));
        }
        if let Some(fault) = &fault {
            tracing::warn!(%fault, "a commit was not answered: what became of it is looked up");
        }
        let number = self.number.saturating_add(1);
        match self.engine.resolve(&mut self.writer, (number, self.token))? {
            true => {
                self.writer.partitions.extend(made);
                Ok(())
            }
            false => Err(nothing(fault.unwrap_or(SessionFault::Ended))),
        }
    }
}

impl PostgresTurn<'_> {
    /// Reads many rows at once, and remembers them.
    fn fetch_at_once(&self, keys: Vec<WantedKey>) -> Result<(), SessionFault> {
        let mut wanted: BTreeMap<Keyspace, Vec<Vec<u8>>> = BTreeMap::new();
        for (keyspace, key) in keys {
            if self.read.known(keyspace, &key).is_none() {
                wanted.entry(keyspace).or_default().push(key);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let session = self.session()?;
        let found = session.wait(READING, async {
            let mut statements = Vec::new();
            for (keyspace, keys) in &wanted {
                statements.push((*keyspace, session.prepared(&sql::values(*keyspace)).await?, keys));
            }
            let client = session.client();
            let mut parameters: Vec<[&(dyn ToSql + Sync); 1]> = Vec::new();
            for (_, _, keys) in &statements {
                parameters.push([keys]);
            }
            let mut sent: Vec<Sent<'_, Vec<Row>>> = Vec::new();
            for ((_, statement, _), parameters) in statements.iter().zip(&parameters) {
                sent.push(Box::pin(client.query(statement, parameters)));
            }
            let answers: Vec<Vec<Row>> = in_order(sent).await.into_iter().collect::<Result<_, Error>>()?;
            let mut found = Vec::new();
            for ((keyspace, _, _), rows) in statements.iter().zip(&answers) {
                for row in rows {
                    found.push((*keyspace, row.try_get(0)?, row.try_get(1)?));
                }
            }
            Ok(found)
        })?;
        for (keyspace, keys) in wanted {
            keys.into_iter().for_each(|key| self.read.keep(keyspace, key, None));
        }
        found.into_iter().for_each(|(keyspace, key, value)| self.read.keep(keyspace, key, Some(value)));
        Ok(())
    }
}

impl View for PostgresTurn<'_> {
    fn value(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        if let Some(known) = self.read.known(keyspace, key) {
            return Ok(known);
        }
        let value = value(|text, parameters| self.query(text, parameters), keyspace, key)?;
        self.read.keep(keyspace, key.to_vec(), value.clone());
        Ok(value)
    }

    fn has_read(&self, keyspace: Keyspace, key: &[u8]) -> bool {
        self.read.known(keyspace, key).is_some()
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

impl Drop for PostgresTurn<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if let Some(session) = self.writer.session.as_ref().filter(|session| !session.is_closed()) {
            // Sent, and not waited for: the next turn comes behind it.
            drop(session.client().batch_execute("ROLLBACK").now_or_never());
        }
    }
}

/// What a batch writes into one table.
#[derive(Default)]
pub(super) struct Table {
    keys: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
    removed: Vec<Vec<u8>>,
}

/// A statement with its parameters.
type Bound<'a> = (Statement, Vec<&'a (dyn ToSql + Sync)>);

impl Table {
    /// Returns the statements that write it.
    pub(super) async fn statements(
        &self,
        session: &Session,
        keyspace: Keyspace,
    ) -> Result<Vec<Bound<'_>>, Error> {
        let mut statements: Vec<Bound<'_>> = Vec::new();
        if !self.keys.is_empty() {
            statements.push((session.prepared(&sql::put(keyspace)).await?, vec![&self.keys, &self.values]));
        }
        if !self.removed.is_empty() {
            statements.push((session.prepared(&sql::remove(keyspace)).await?, vec![&self.removed]));
        }
        Ok(statements)
    }
}

/// Sorts a batch by the tables into which it goes.
pub(super) fn by_table(batch: Vec<Write>) -> BTreeMap<Keyspace, Table> {
    let mut tables: BTreeMap<Keyspace, Table> = BTreeMap::new();
    for Write { keyspace, key, value } in batch {
        let table = tables.entry(keyspace).or_default();
        match value {
            Some(value) => {
                table.keys.push(key);
                table.values.push(value);
            }
            None => table.removed.push(key),
        }
    }
    tables
}

/// Returns the statements that make the partitions which a batch needs beside those that are known, and those partitions.
pub(super) fn missing_partitions(
    batch: &[Write],
    known: &BTreeSet<(Keyspace, Bounds)>,
) -> (String, Vec<(Keyspace, Bounds)>) {
    let mut missing: Vec<(Keyspace, Bounds)> = Vec::new();
    for write in batch.iter().filter(|write| write.value.is_some()) {
        let Some(cut) = Cut::of(write.keyspace) else { continue };
        let partition = (write.keyspace, cut.bounds(&write.key));
        if !known.contains(&partition) && !missing.contains(&partition) {
            missing.push(partition);
        }
    }
    (missing.iter().map(|(keyspace, bounds)| partition(*keyspace, bounds)).collect(), missing)
}

/// Makes a partition beside those that are there, in a way that keeps nobody from reading, and attaches it.
fn partition(keyspace: Keyspace, Bounds { from, to }: &Bounds) -> String {
    let table = sql::table(keyspace);
    let name = format!("{table}_{}", hex(from));
    let to = to.as_ref().map_or_else(|| "MAXVALUE".to_owned(), |to| format!("'\\x{}'", hex(to)));
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING ALL); \
         DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = '{name}'::regclass) THEN \
         ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('\\x{}') TO ({to}); END IF; END $$;",
        hex(from)
    )
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
