//! The acts that change the ledger, each decided and written inside a transaction. Not when or how the transaction becomes
//! durable.

pub(crate) mod calls;
pub(crate) mod campaign;
pub(crate) mod crl;
pub(crate) mod days;
pub(crate) mod delivery;
pub(crate) mod device;
pub(crate) mod intent;
pub(crate) mod issued;
mod handover;
pub(crate) mod fleet;
pub(crate) mod blocks;
pub(crate) mod orders;
pub(crate) mod visits;
pub(crate) mod people;
pub(crate) mod production;
pub(crate) mod profiles;
pub(crate) mod revocation;
pub(crate) mod schedule;
pub(crate) mod settlement;
pub(crate) mod shard;
pub(crate) mod transactions;
pub(crate) mod waiting;
pub(crate) mod wants;
pub(crate) mod repeats;
pub(crate) mod slot;
pub(crate) mod swap;
pub(crate) mod taking_over;
mod replacement;
mod count;
pub(crate) mod parts;
pub(crate) mod refusal;
