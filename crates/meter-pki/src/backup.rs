//! Backups: one file with all rows of a ledger, the configuration and a manifest, which only the holders of the recovery key
//! can read.
//!
//! The machine that makes it has the public half of that key and cannot read what it wrote. What the rows mean is the store's;
//! the ciphers and the sharing are crates of others, put together here by the standards that they implement.
//!
//! ```text
//! file       = "meter-pki backup 1" LF, length of the envelope u32, envelope, nonce (7 octets), chunks
//! envelope   = CMS ContentInfo with EnvelopedData (RFC 5652 §6): ECDH on P-384 (RFC 5753), the content is the data key
//! chunks     = STREAM over AES-256-GCM, 65,536 octets of plaintext each: place and end are part of every nonce
//! plaintext  = frames: kind u8, length u32, octets; configuration (1), then rows (2), then the manifest (3) and nothing more
//! ```

pub(crate) mod create;
pub(crate) mod unpack;
mod archive;
mod sealed;
mod envelope;
pub(crate) mod shares;
pub(crate) mod recovery_key;
pub(crate) mod private_file;
