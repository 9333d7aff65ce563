//! The engine on PostgreSQL: one table for each keyspace, and a turn to write that nodes take one after the other.
//!
//! Not a schema of its own: keys and values are the octets that every engine keeps, so that everything which is decided over
//! them is the same. A view is one transaction that reads at one point in time; a turn is one transaction that locks the row of
//! the turn first and commits everything at its end. Decisions are read where is written, never from a replica.
//!
//! A connection that is lost costs what was under way on it. The turn after it finds the server that takes writes again.

mod address;
mod loader;
mod node;
mod partitions;
mod pool;
mod presence;
mod replica;
mod schema;
mod session;
mod sql;
mod tls;
mod turn;
mod view;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Engine, EngineError, NotWritten, Turn, View};
use crate::keyspace::Keyspace;

pub use address::{AddressError, Database};
pub(crate) use loader::Loader;
pub(crate) use node::Census;
pub use node::{Node, NodeFault, SeenNode};
use partitions::Bounds;
use pool::Pool;
pub(crate) use replica::Replica;
use session::{Session, SessionFault, Wire};
use turn::PostgresTurn;
use view::PostgresView;

/// The last step of the schema that this program knows.
pub(crate) const SCHEMA: i32 = schema::MOST;

/// How long an answer to a question may take.
const READING: Duration = Duration::from_secs(15);

/// How long a commit may go without an answer before it is looked up what became of it.
const WRITING: Duration = Duration::from_secs(15);

/// How long it is waited between two attempts to find out what became of a commit.
const AGAIN: Duration = Duration::from_millis(250);

/// A ledger's rows in PostgreSQL.
pub(crate) struct PostgresEngine {
    // Before the thread on which their connections are driven.
    readers: Pool,
    writer: Mutex<Writer>,
    database: Database,
    node: Node,
    place: String,
    token: AtomicU64,
    moves: AtomicU64,
    closing: AtomicBool,
    closed: (Mutex<()>, Condvar),
    wire: Wire,
}

/// The session that takes turns.
#[derive(Default)]
struct Writer {
    session: Option<Session>,
    /// What the session is marked with.
    mark: String,
    /// The partitions that are known to be there.
    partitions: BTreeSet<(Keyspace, Bounds)>,
    /// How many sessions there were.
    opened: u64,
    /// Which history the server writes: another one since a standby took over.
    timeline: Option<String>,
}

impl Writer {
    /// Opens a session and marks it.
    fn open(&mut self, engine: &PostgresEngine) -> Result<(), NodeFault> {
        self.session = None;
        // The server that takes writes may be another one now, and reading goes where writing goes.
        engine.readers.forget();
        let session =
            engine.wire.connect(&engine.database).inspect_err(|_| engine.readers.presence.silent())?;
        self.opened = self.opened.saturating_add(1);
        self.mark = format!("{}/{}/{}", engine.place, std::process::id(), self.opened);
        let marked = session
            .wait(READING, async { session.client().query_one(sql::MARK_SESSION, &[&self.mark]).await })?;
        let timeline = node::get::<String>(&marked, 1)?;
        if self.timeline.replace(timeline.clone()).is_some_and(|before| before != timeline) {
            engine.moves.fetch_add(1, Ordering::SeqCst);
        }
        // Another server may have other partitions.
        self.partitions.clear();
        self.session = Some(session);
        Ok(())
    }
}

impl PostgresEngine {
    /// Finds a ledger in a database that this program can work with.
    pub(crate) fn look(database: &Database) -> Result<(), NodeFault> {
        let wire = Wire::start().map_err(|cause| NodeFault::Session(cause.to_string()))?;
        let session = wire.connect(database)?;
        schema::fits(schema::state(&session)?)?;
        if loader::is_declared(&session)? { Ok(()) } else { Err(NodeFault::NoLedger) }
    }

    /// Brings the schema to a step, forward or back, unless a node that is alive does not know it; `None` only looks. Returns the
    /// step at which it was, and at which it is.
    pub(crate) fn schema(database: &Database, to: Option<i32>, by: &str) -> Result<(i32, i32), NodeFault> {
        let wire = Wire::start().map_err(|cause| NodeFault::Session(cause.to_string()))?;
        let session = wire.connect(database)?;
        let before = schema::state(&session)?;
        let Some(to) = to else { return Ok((before, before)) };
        if before == 0 {
            return Err(NodeFault::NoLedger);
        }
        schema::fits(to)?;
        schema::fits_nodes(&node::seen(&session)?, to)?;
        schema::forward(&session, to, by)?;
        schema::back(&session, to)?;
        Ok((before, schema::state(&session)?))
    }

    /// Joins those who write a ledger that is there. `place` names the directory of this node, which one process has at a time.
    pub(crate) fn open(database: Database, node: Node, place: String) -> Result<Self, NodeFault> {
        let wire = Wire::start().map_err(|cause| NodeFault::Session(cause.to_string()))?;
        let session = wire.connect(&database)?;
        let token = node::join(&session, &node, &place)?;
        Ok(Self {
            readers: Pool::default(),
            writer: Mutex::default(),
            database,
            node,
            place,
            token: AtomicU64::new(token),
            moves: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            closed: (Mutex::default(), Condvar::new()),
            wire,
        })
    }

    /// Returns who this process is among the others.
    pub(crate) const fn node(&self) -> &Node {
        &self.node
    }

    /// Returns the token under which this process writes.
    pub(crate) fn token(&self) -> u64 {
        self.token.load(Ordering::SeqCst)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // What a panic leaves is a session that is opened anew.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something asked on a session for reading, outside of any transaction.
    fn ask<T>(&self, ask: impl FnOnce(&Session) -> Result<T, NodeFault>) -> Result<T, NodeFault> {
        let session = self.readers.lend(&self.wire, &self.database)?;
        let outcome = ask(&session);
        if outcome.is_ok() {
            self.readers.take_back(session);
        } else if session.is_closed() {
            self.readers.lose_silent();
        } else {
            self.readers.lose();
        }
        outcome
    }

    /// Joins again after this node was fenced.
    fn join_again(&self) -> Result<(), NodeFault> {
        let session = self.wire.connect(&self.database)?;
        let token = node::join(&session, &self.node, &self.place)?;
        self.token.store(token, Ordering::SeqCst);
        tracing::warn!(node = self.node.name, token, "this node was fenced and has joined again");
        Ok(())
    }

    /// Says that this node is there, and fences those that nobody sees any more; returns their names. Joins again when it was
    /// fenced itself.
    pub(crate) fn keep_alive(&self) -> Result<Vec<String>, NodeFault> {
        match self.ask(|session| node::be_seen(session, &self.node, self.token())) {
            Err(NodeFault::Fenced) => self.join_again()?,
            seen => seen?,
        }
        self.ask(|session| node::fence_silent(session, self.node.lease))
    }

    /// Returns which tokens are alive.
    pub(crate) fn living(&self) -> Result<Census, NodeFault> {
        self.ask(node::census)
    }

    /// Tells whether another node is alive: one that was seen a moment ago is waited for, until it is seen again or its lease is
    /// over.
    pub(crate) fn has_others(&self) -> Result<bool, NodeFault> {
        let own = self.token();
        let others = || -> Result<Vec<SeenNode>, NodeFault> {
            let lately =
                |node: &SeenNode| !node.fenced && node.token != own && node.seen_ago < self.node.lease;
            Ok(self.nodes()?.into_iter().filter(lately).collect())
        };
        let mut before = others()?;
        loop {
            if before.is_empty() || self.closes_within(AGAIN) {
                return Ok(!before.is_empty());
            }
            let now = others()?;
            let seen_again = |node: &SeenNode| {
                before.iter().any(|known| known.token == node.token && node.seen_ago < known.seen_ago)
            };
            if now.iter().any(seen_again) {
                return Ok(true);
            }
            before = now;
        }
    }

    /// Returns the nodes.
    pub(crate) fn nodes(&self) -> Result<Vec<SeenNode>, NodeFault> {
        self.ask(node::seen)
    }

    /// Takes on what one node does for all, or finds that another one does.
    pub(crate) fn take_duty(&self, duty: &str) -> Result<bool, NodeFault> {
        self.ask(|session| node::take_duty(session, self.token(), duty))
    }

    /// Waits until it is known whether a turn was committed, and leaves a session that takes turns behind.
    fn resolve(&self, writer: &mut Writer, turn: (i64, u64)) -> Result<bool, NotWritten> {
        loop {
            match self.look_up(writer, turn) {
                Ok(committed) => {
                    tracing::info!(committed, "it is known what became of a commit");
                    return Ok(committed);
                }
                Err(fault) => tracing::warn!(%fault, "it is not known yet what became of a commit"),
            }
            writer.session = None;
            if self.closes_within(AGAIN) {
                let cause = "the process ended before it was known what became of a commit".into();
                return Err(NotWritten::Unknown(EngineError { doing: "committing to PostgreSQL", cause }));
            }
        }
    }

    /// Finds out whether a turn was committed, by a commit of its own: once that is safe, so is all before it.
    fn look_up(&self, writer: &mut Writer, (number, token): (i64, u64)) -> Result<bool, NodeFault> {
        const LAST: &str =
            "UPDATE meter_pki.nodes SET seen_at = clock_timestamp() WHERE token = $1 RETURNING last_turn";
        writer.open(self)?;
        let Some(session) = &writer.session else { return Err(SessionFault::Ended.into()) };
        let token = node::signed(token);
        let last = session.wait(WRITING, async {
            let client = session.client();
            client.batch_execute(sql::BEGIN).await?;
            // Waits until the turn that nobody answered is over.
            client.query_one(sql::TURN, &[]).await?;
            let last = client.query_opt(LAST, &[&token]).await?;
            client.batch_execute("COMMIT").await?;
            Ok(last)
        })?;
        if session.is_doubtful() {
            return Err(NodeFault::NotDurable("not waiting for the standby".to_owned()));
        }
        let Some(last) = last else { return Err(NodeFault::Fenced) };
        Ok(node::get::<i64>(&last, 0)? >= number)
    }

    /// Waits for a moment, or until the engine is closed; tells whether it is.
    fn closes_within(&self, pause: Duration) -> bool {
        let (lock, closed) = &self.closed;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |(): &mut ()| !self.closing.load(Ordering::SeqCst);
        drop(closed.wait_timeout_while(guard, pause, is_open));
        self.closing.load(Ordering::SeqCst)
    }
}

impl Engine for PostgresEngine {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        let session = self
            .readers
            .lend(&self.wire, &self.database)
            .map_err(EngineError::doing("reading PostgreSQL"))?;
        Ok(Box::new(PostgresView::new(&self.readers, session)))
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        let away = |fault: SessionFault| EngineError { doing: "using PostgreSQL", cause: fault.into() };
        self.readers.presence.admit().map_err(|fault| NotWritten::Nothing(away(fault)))?;
        Ok(Box::new(PostgresTurn::take(self, self.writer())?))
    }

    fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        let (lock, closed) = &self.closed;
        drop(lock.lock());
        closed.notify_all();
    }

    fn moves(&self) -> u64 {
        self.moves.load(Ordering::SeqCst)
    }

    fn shared(&self) -> Option<&PostgresEngine> {
        Some(self)
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        // Whoever ends in order leaves at once; others find out.
        let token = self.token();
        if let Err(fault) = self.ask(|session| node::leave(session, token)) {
            tracing::warn!(%fault, "this node ends without having said so to the others");
        }
        self.readers.forget();
    }
}

/// Tells whether an error is of the way to the database, or of this node among the others.
pub(super) fn tells_of_absence(cause: &(dyn core::error::Error + Send + Sync + 'static)) -> bool {
    cause.is::<SessionFault>() || cause.is::<NodeFault>()
}

impl From<NodeFault> for EngineError {
    fn from(fault: NodeFault) -> Self {
        Self { doing: "using PostgreSQL", cause: fault.into() }
    }
}
