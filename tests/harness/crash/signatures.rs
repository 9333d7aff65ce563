//! The signer's own ledger: every signature it made, durable before it gives it away, as an HSM's audit log would have it.
//!
//! One line each: the key, `full` or `short` (an integer of the signature lost an octet, so that issuance throws it away),
//! the octets that were signed, the signature, all in hexadecimal, and a full stop. A line without one was torn: whoever was
//! killed in the middle of it had given nothing away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ca_core::key_ref::KeyRef;
use ca_core::signature::EcdsaSignature;

/// What the octets that are signed will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// A `TBSCertificate`: begins with its version, \[0\].
    Certificate,
    /// A `TBSCertList`: begins with its version, an INTEGER.
    Crl,
    /// A `ResponseData` of OCSP, a request of our own.
    Other,
}

impl Signed {
    /// Looks at the first element.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let head = match message.get(1) {
            Some(length @ 0x80..) => 2 + usize::from(length & 0x7F),
            _ => 2,
        };
        match message.get(head..head + 5) {
            Some([0xA0, 3, 2, 1, 2]) => Self::Certificate,
            Some([2, 1, 1, 0x30, _]) => Self::Crl,
            _ => Self::Other,
        }
    }
}

/// The file.
#[derive(Debug)]
pub struct SignatureLedger(Mutex<File>);

impl SignatureLedger {
    /// Opens it, and ends a line that was torn.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let before = std::fs::read(path).unwrap_or_default();
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        if before.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")?;
        }
        Ok(Self(Mutex::new(file)))
    }

    /// Writes a signature down; durable when it returns.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn keep(&self, key: &KeyRef, message: &[u8], signature: &EcdsaSignature) -> io::Result<()> {
        let length = if signature.has_full_length_integers() { "full" } else { "short" };
        let der = signature.to_der().map_err(io::Error::other)?;
        let line = format!("{key} {length} {} {} .\n", hex::encode(message), hex::encode(der));
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes())?;
        file.sync_data()
    }
}
