//! Real PostgreSQL servers in private directories for tests, and what can happen to them: crash, freeze, failover.
//!
//! The programs are the distribution's; nothing here speaks the protocol, and nothing knows what we store. Not a way to run
//! PostgreSQL for anything but tests: each server ends with the process that started it. Whatever goes wrong is a panic
//! that says what.

mod pooler;
mod standby;
mod shared;
mod database;
mod faults;
mod server;
mod cluster;
mod tree;
mod ground;
mod net;
mod process;
mod patience;

pub use database::Database;
pub use net::{Host, Net};
pub use pooler::Pooler;
pub use server::Server;
pub use shared::SHARED;
