//! The ledger, on an embedded engine or on PostgreSQL: intents, certificates, revocations, CRLs, devices, tokens and the audit trail, durable
//! before it answers.
//!
//! Not a certification authority: it decides only what must be decided inside a transaction (is the serial number free, is
//! the token unspent). Not a database for others: the ports of ca-core and nothing else.
//!
//! One thread of a process writes, many read; of several processes that share a database one has the turn. Whoever writes hands an act to the [committer] and waits; the committer
//! decides the acts that wait, in order, seals their audit records, and makes one batch durable for all of them. Readers
//! look at the engine directly. Modules stand in reading order; none imports one that stands above it.

mod ledger;
mod crl_scopes;
mod certificate_search;
mod day_book;
mod status_source;
mod fleet;
mod registry;
mod waiting_room;
mod order_book;
mod campaign_book;
mod production_book;
mod shut_out;
mod taken_over_book;
mod people_book;
mod profile_book;
mod visit_book;
mod call_book;
mod transactions;
mod audit_log;
mod restore;
mod copy;
mod replay;
mod leave;
mod shared;
mod moving;
mod integrity;
mod crl_octets;
mod store;
mod standing;
mod recovery;
mod migration;
mod audit_walk;
mod committer;
mod acknowledged;
mod tap;
mod queue;
mod follower;
mod act;
mod certificate;
mod tree;
mod transaction;
mod row;
mod boot;
mod installation;
mod node_directory;
mod directory;
mod engine;
mod keyspace;

#[cfg(test)]
mod contract;

pub use audit_log::CopiedRecord;
pub use audit_walk::{AuditFault, AuditWalk};
pub use boot::{BootId, Machine};
pub use certificate_search::{CertificateSearch, FoundCertificates, Span};
pub use committer::{Away, FatalError, FatalHook, StoreCounters};
pub use copy::{CopiedRow, CopyError, CopyReport};
pub use day_book::{CrlSize, DayCount};
pub use directory::{CreateDirectoryError, OLDEST_RESTORED, OpenDirectoryError};
pub use engine::EngineKind;
pub use engine::postgres::{AddressError, Database, Node, NodeFault, SeenNode};
pub use follower::{Behind, Follower};
pub use installation::{Fenced, InRecovery, Installation, Recovery};
pub use integrity::{IntegrityFault, IntegrityReport};
pub use keyspace::FORMAT as LEDGER_FORMAT;
pub use leave::LeaveError;
pub use moving::{MoveError, Moved, move_to};
pub use node_directory::Shared;
pub use recovery::{Ended, RecoveryReport};
pub use replay::{ExportedRecord, Places, ReplayError, ReplayReport, Unrestored};
pub use restore::{RestoreError, Restored, Restoring};
pub use shared::{SCHEMA, Watched, bring_schema};
pub use standing::{Guard, TrailEnd};
pub use store::{CreateError, OpenError, Opening, Settings, Store};
