//! A standby that may be behind: it is read for lists and reports, and never written. Nothing may be decided by what it says.

use tokio_postgres::config::TargetSessionAttrs;

use super::address::Database;
use super::pool::Pool;
use super::session::Wire;
use super::view::PostgresView;
use crate::engine::{Engine, EngineError, NotWritten, Turn, View};

/// The rows of a ledger as a standby shows them.
pub(crate) struct Replica {
    readers: Pool,
    database: Database,
    wire: Wire,
}

impl Replica {
    /// Connects to nothing yet.
    pub(crate) fn new(mut database: Database) -> std::io::Result<Self> {
        database.config.target_session_attrs(TargetSessionAttrs::Any);
        Ok(Self { readers: Pool::default(), database, wire: Wire::start()? })
    }
}

impl Engine for Replica {
    fn view(&self) -> Result<Box<dyn View + '_>, EngineError> {
        let session =
            self.readers.lend(&self.wire, &self.database).map_err(EngineError::doing("reading a replica"))?;
        Ok(Box::new(PostgresView::new(&self.readers, session)))
    }

    fn turn(&self) -> Result<Box<dyn Turn + '_>, NotWritten> {
        Err(NotWritten::Nothing(EngineError { doing: "writing", cause: "a replica takes no writes".into() }))
    }
}
