//! What other CA programs have on record, read from their own files or from exports of their databases: which certificates, how each
//! was revoked, how far the CRLs were numbered.
//!
//! It opens no database, asks no server and judges no certificate: whether a key of ours signed one, the server finds out. A row that
//! cannot be read is a fault with its place, one sentence and a stable code; only what makes a whole file unreadable ends the reading.

pub mod source;
pub mod drafts;
mod crosscheck;
mod openssl;
mod cfssl;
mod ejbca;
mod step;
mod own;
mod table;
mod octets;
mod moment;
mod read_error;
pub mod list;
#[cfg(test)]
mod samples;

pub use crosscheck::{NoCrl, compare};
pub use octets::{NotCrl, crl_octets};
pub use read_error::{ConfigurationFault, ReadError};
