//! A ledger in a database that several nodes share: making it, joining it, being one of them, and ending what a node left open
//! that is gone. On an engine of one process each of these is nothing.

use std::path::Path;

use ca_core::ports::{Duties, Unavailable};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::act::settlement::settle;
use crate::directory::Directory;
use crate::engine::postgres::{Database, Loader, NodeFault, PostgresEngine, SeenNode};
use crate::engine::{Durability, Engine};
use crate::node_directory;
use crate::recovery::{Ended, end_orphans, has_orphans};
use crate::row::IntentRow;
use crate::store::{CreateError, Store, first_rows};
use crate::transaction::Rows;

const PORT: &str = "cluster";

/// What a look at the other nodes led to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watched {
    /// The names of the nodes that were fenced because nobody saw them any more.
    pub fenced: Vec<String>,
    /// What nodes that are gone left open, and became of it.
    pub ended: Ended,
}

impl Store {
    /// Makes an empty ledger in a database, and the directory of its first node.
    ///
    /// `place` are 16 random octets that name the directory, `by` says who makes the schema.
    ///
    /// # Errors
    /// [`CreateError`]; rows that an attempt left which was interrupted are refused, and nobody joins what is not whole.
    pub fn create_shared(
        directory: &Path,
        database: &Database,
        (place, by): ([u8; 16], &str),
    ) -> Result<(), CreateError> {
        let directory = Directory::create(directory)?;
        let loader = Loader::begin_empty(database, by).map_err(unfit)?;
        loader
            .commit(first_rows()?, Durability::Durable)
            .map_err(|cause| CreateError::Engine { cause: cause.into() })?;
        loader.declare().map_err(unfit)?;
        Ok(node_directory::finish(&directory, place)?)
    }

    /// Makes the directory of a further node of a ledger that is in a database.
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn join_shared(directory: &Path, database: &Database, place: [u8; 16]) -> Result<(), CreateError> {
        PostgresEngine::look(database).map_err(unfit)?;
        Ok(node_directory::finish(&Directory::create(directory)?, place)?)
    }

    /// Tells the other nodes that this one is there, fences those that nobody saw for the time of their lease, and ends what nodes
    /// that are gone left open. To be done several times in the time of a lease.
    ///
    /// # Errors
    /// [`Unavailable`], also when this node may not write any more: its clock is wrong, or its program too old.
    pub fn watch_nodes(&self, now: UnixTime, tenant: &TenantId) -> Result<Watched, Unavailable> {
        let Some(shared) = self.engine_shared().shared() else { return Ok(Watched::default()) };
        let fenced = shared.keep_alive().map_err(away)?;
        for node in &fenced {
            tracing::error!(
                node,
                "nobody saw this node for the time of its lease: what it writes is refused"
            );
        }
        self.settle_now()?;
        let census = shared.living().map_err(away)?;
        if self.recovery().is_some() || !self.read(PORT, |view| has_orphans(view, &census))? {
            return Ok(Watched { fenced, ended: Ended::default() });
        }
        let tenant = tenant.clone();
        let ended =
            self.write(PORT, Durability::Durable, move |tx| end_orphans(tx, &census, (now, &tenant)))?;
        Ok(Watched { fenced, ended })
    }

    /// Settles what could not be settled while the ledger was away. An engine of one process stops with that, and settles it when
    /// it is opened again; here the process lives on, and what it has open is left to it by all others.
    fn settle_now(&self) -> Result<(), Unavailable> {
        let ended = core::mem::take(&mut *self.unsettled());
        if ended.is_empty() {
            return Ok(());
        }
        let unsettled = ended.clone();
        self.write(PORT, Durability::Durable, |tx| {
            for (id, settlement, event) in ended {
                // It was ended since, as what a node left open that was gone for a while.
                if tx.has::<IntentRow>(&id)? {
                    settle(tx, &id, settlement, event)?;
                }
            }
            Ok(())
        })
        .inspect_err(|_| self.settle_later(unsettled))
    }

    /// Returns the nodes; none where the ledger is this process's own.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn nodes(&self) -> Result<Vec<SeenNode>, Unavailable> {
        self.engine_shared().shared().map_or_else(|| Ok(Vec::new()), |shared| shared.nodes().map_err(away))
    }
}

/// The last step of the schema that this program knows.
pub const SCHEMA: i32 = crate::engine::postgres::SCHEMA;

/// Brings the schema of a database to a step, forward or back; `None` only looks. Returns the step at which it was, and at which it
/// is now.
///
/// # Errors
/// [`NodeFault`], also while a node is alive that does not know the step.
pub fn bring_schema(database: &Database, to: Option<i32>, by: &str) -> Result<(i32, i32), NodeFault> {
    PostgresEngine::schema(database, to, by)
}

impl Store {
    /// Returns the name of this node; none where the ledger is this process's own.
    #[must_use]
    pub fn node_name(&self) -> Option<&str> {
        self.engine_shared().shared().map(|shared| shared.node().name.as_str())
    }

    /// Looks whether the ledger gives answers, and whether they are to be relied on: a node that cannot say to the others that it
    /// is there may be reading from a server that is no longer the one that is written to. Returns the number of the last audit
    /// record.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn look(&self) -> Result<u64, Unavailable> {
        let end = self.audit_end()?.sequence();
        let Some(shared) = self.engine_shared().shared() else { return Ok(end) };
        let nodes = shared.nodes().map_err(away)?;
        let own = nodes.iter().find(|node| node.token == shared.token() && !node.fenced);
        match own {
            None => Err(away(NodeFault::Fenced)),
            Some(own) if own.seen_ago >= shared.node().lease => Err(away(NodeFault::Unseen)),
            Some(_) => Ok(end),
        }
    }
}

impl Duties for Store {
    fn on_duty(&self, duty: &'static str) -> Result<bool, Unavailable> {
        self.engine_shared().shared().map_or(Ok(true), |shared| shared.take_duty(duty).map_err(away))
    }
}

fn unfit(fault: NodeFault) -> CreateError {
    CreateError::Engine { cause: fault.into() }
}

fn away(fault: NodeFault) -> Unavailable {
    Unavailable { port: PORT, cause: fault.into() }
}
