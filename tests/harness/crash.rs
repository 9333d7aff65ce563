//! The crash harness: it founds houses, has their issuers killed while clients ask for certificates, starts them again, and
//! hands what is left to the independent checker.
//!
//! Nothing here judges: what must hold is said by `ledger-checker` and by the clients, who must be served in the end. All
//! that is decided is decided by a seed, down to which kill-point at which passage; how threads interleave is not.

pub mod run;
pub mod report;
pub mod house;
pub mod load;
pub mod world;
pub mod batch;
pub mod wish;
pub mod judge;
pub mod issuer;
pub mod device;
pub mod http;
pub mod template;
pub mod shim;
pub mod signatures;
pub mod kill;
pub mod points;
pub mod random;
