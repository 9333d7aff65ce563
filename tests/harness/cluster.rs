//! The crash harness for a ledger that nodes share: three issuers, a primary and its synchronous standby, each on a host of its own,
//! with requesters that ask all nodes for the same while nodes, servers and ways between them fail.
//!
//! Nothing here judges: what must hold is said by `ledger-checker`, by what requesters were given, and by their being served
//! in the end. Which faults come is decided by a seed; how processes interleave is not. It needs root, for the hosts' network.

pub mod run;
pub mod report;
pub mod house;
pub mod strike;
pub mod fault;
pub mod requesters;
pub mod world;
pub mod servers;
pub mod node;
pub mod founding;

use std::time::Duration;

/// How long nobody needs to have seen a node before it is fenced.
pub const LEASE: Duration = Duration::from_secs(2);

/// How far a node's clock may be from the database's.
pub const SKEW: Duration = Duration::from_secs(3);

/// How long an uncertain outcome may stay unrevoked, in seconds.
pub const GRACE: i64 = 1;

/// What is issued.
pub const PROFILE: &str = "op-ds";

/// The names of the nodes.
pub const NODES: [&str; 3] = ["one", "two", "three"];
