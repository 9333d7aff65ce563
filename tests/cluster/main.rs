//! Several nodes that share a ledger in PostgreSQL: from one to three, and what happens when one of them, or the primary, is lost.
//!
//! The chapter `docs/operate/cluster.md` is run as it stands.

mod chapter;
mod house;
mod losses;
