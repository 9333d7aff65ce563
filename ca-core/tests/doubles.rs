//! Doubles of every port of ca-core, in memory. They are honest: each does what its contract says, and fails where a test
//! says so. None checks the code under test; the tests do.

pub(crate) mod clock;
pub(crate) mod entropy;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod signer;
