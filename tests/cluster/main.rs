//! Several nodes that share a ledger in PostgreSQL: from one to three, and what happens when one of them, or the primary, is lost.
//!
//! The chapter `docs/operate/cluster.md` is run as it stands. `runs` is the short form of `cargo xtask crash --cluster`: whatever
//! fails, nothing that was acknowledged is lost, and nothing is done twice; it needs root. What needs no process that dies is
//! with the store: crates/ca-store/src/contract/cluster.rs.

mod chapter;
mod duties;
mod house;
mod losses;
mod replica;
mod runs;
