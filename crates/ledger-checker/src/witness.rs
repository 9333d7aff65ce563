//! The log of a signer in a process of its own, read by definitions of its own: the witness that no ledger has written.

use std::path::Path;

use der::asn1::{OctetStringRef, Utf8StringRef};
use der::{Decode, Reader, Sequence, SliceReader};
use sha2::{Digest, Sha256};

use crate::unreadable::Unreadable;

/// The outcome of what was signed.
const SIGNED: &str = "signed";

/// A record of form 1.
#[derive(Sequence)]
struct WireRecord<'a> {
    number: u64,
    previous: &'a OctetStringRef,
    time: i64,
    user: u32,
    key: &'a OctetStringRef,
    kind: Utf8StringRef<'a>,
    issuer: &'a OctetStringRef,
    name: Utf8StringRef<'a>,
    scope: Utf8StringRef<'a>,
    digest: &'a OctetStringRef,
    outcome: Utf8StringRef<'a>,
}

/// A signature that the signer has written down.
pub(crate) struct Witnessed {
    pub(crate) number: u64,
    pub(crate) kind: String,
    /// The key of the authority.
    pub(crate) issuer: Vec<u8>,
    /// A serial number in hexadecimal, or the number of a CRL.
    pub(crate) name: String,
    /// The SHA-256 of what was signed.
    pub(crate) digest: Vec<u8>,
}

/// A log.
pub(crate) struct SignerLog {
    pub(crate) signed: Vec<Witnessed>,
    /// The time of the first record: what was issued before is not in the log.
    pub(crate) since: Option<i64>,
    /// What is wrong with the chain.
    pub(crate) broken: Option<String>,
}

impl SignerLog {
    /// Reads a log up to where its chain breaks.
    pub(crate) fn read(octets: &[u8], path: &Path) -> Result<Self, Unreadable> {
        let mut log = Self { signed: Vec::new(), since: None, broken: None };
        let mut reader = SliceReader::new(octets).map_err(|_| Unreadable::file(path))?;
        let (mut number, mut head) = (0, [0; 32]);
        while !reader.is_finished() {
            let record = reader.tlv_bytes();
            let read = record.and_then(|der| Ok((der, WireRecord::from_der(der)?)));
            number += 1;
            match read {
                Ok((der, record)) if record.number == number && record.previous.as_bytes() == head => {
                    head = Sha256::digest(der).into();
                    log.take(&record);
                }
                Ok(_) | Err(_) => {
                    log.broken =
                        Some(format!("record {number} of the signer's log is none, or follows no other"));
                    break;
                }
            }
        }
        Ok(log)
    }

    fn take(&mut self, record: &WireRecord<'_>) {
        self.since = self.since.or(Some(record.time));
        if record.outcome.as_str() == SIGNED {
            self.signed.push(Witnessed {
                number: record.number,
                kind: record.kind.as_str().to_owned(),
                issuer: record.issuer.as_bytes().to_vec(),
                name: record.name.as_str().to_owned(),
                digest: record.digest.as_bytes().to_vec(),
            });
        }
    }
}
