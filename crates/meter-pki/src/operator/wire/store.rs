//! The ledger as a whole, and the nodes that share it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{Sha256, TimeText};

/// The nodes that share the ledger; none where it is one process's own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NodePage {
    /// Each with its latest token, by name.
    pub nodes: Vec<NodeView>,
}

/// A node.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// The token under which it writes; a process that comes back has a greater one.
    pub token: u64,
    /// Whether it is gone, so that what it writes is refused.
    pub fenced: bool,
    /// Whether it ended in order, and nobody had to find out.
    pub left: bool,
    /// How many milliseconds ago it was seen.
    pub seen_ago_ms: u64,
    /// How many milliseconds its clock was ahead of the database's.
    pub skew_ms: i64,
    /// The version of its program.
    pub version: String,
    /// The last step of the schema that its program works with.
    pub schema_most: i32,
    /// SHA-256 of what all nodes are to have alike.
    #[schema(value_type = Sha256)]
    pub configuration: String,
    /// What it does for all.
    pub duties: Vec<String>,
}

/// The ledger as a whole.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// `fjall`, `sled` or `postgres`.
    pub engine: String,
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records.
    #[schema(value_type = Sha256)]
    pub root: String,
    /// The id of this copy of the ledger, if it has one.
    pub installation: Option<String>,
    /// The epoch under which it issues.
    pub epoch: Option<u64>,
    /// Since when it is in recovery.
    #[schema(value_type = Option<TimeText>)]
    pub recovery_since: Option<String>,
    /// Why.
    pub recovery_reason: Option<String>,
}
