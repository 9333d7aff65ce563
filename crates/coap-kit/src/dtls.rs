//! DTLS 1.2 as devices speak it, by OpenSSL: suites, curves, certificates, cookies (RFC 9148 §3, RFC 6347).
//!
//! The only place that knows OpenSSL. No record and no handshake message is made or changed here: datagrams go in, datagrams
//! come out, and what lies between is OpenSSL's. Whether a certificate is worth anything is decided by the front end.

mod gate;
mod session;
mod settings;
mod cookie;

pub(crate) use gate::{Gate, Verdict, is_client_hello};
pub(crate) use session::{Progress, Session};
pub use settings::{DtlsIdentity, LoadIdentityError};

#[cfg(test)]
mod tests;
