//! The directory of a node that shares a ledger with others: a name of its own, and the lock that one process has at a time.
//!
//! ```text
//! <directory>/engine/place    32 hexadecimal digits, drawn when the directory is made
//! ```

use std::fs;

use crate::directory::{CreateDirectoryError, Directory};
use crate::engine::EngineKind;
use crate::engine::postgres::{Database, Node, NodeFault, PostgresEngine};

const PLACE: &str = "place";

/// Where a shared ledger is, and as whom this process writes to it.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The database.
    pub database: Database,
    /// This process among the others.
    pub node: Node,
}

/// Gives a directory its name, and declares it a node's.
pub(crate) fn finish(directory: &Directory, place: [u8; 16]) -> Result<(), CreateDirectoryError> {
    let file = directory.engine_path().join(PLACE);
    fs::write(&file, place.map(|octet| format!("{octet:02x}")).concat())
        .map_err(|cause| CreateDirectoryError::Io { path: file, doing: "writing into", cause })?;
    directory.finish(EngineKind::Postgres)
}

/// Opens the engine of a node.
pub(crate) fn open(directory: &Directory, shared: Option<Shared>) -> Result<PostgresEngine, NodeFault> {
    let Some(Shared { database, node }) = shared else { return Err(NodeFault::NoAddress) };
    let place = fs::read_to_string(directory.engine_path().join(PLACE))
        .map_err(|cause| NodeFault::NoPlace(cause.to_string()))?;
    PostgresEngine::open(database, node, place)
}
