//! The shipment manifest: what a manufacturer delivers to a distribution system operator, signed once and sealed for one
//! recipient (ADR 40).
//!
//! One file is DER objects one behind the other: a signed header (CMS `SignedData`), the list of chunks, and the chunks (CMS
//! `EnvelopedData`, each with up to 1,000 device records). A file of any length is written and read in constant memory. Each
//! record can be proven alone, by the header and a path of hashes (RFC 9162 §2.1.3).
//!
//! Not a mapper of vendors' files, and no import: it opens no socket and knows no ledger. It never sees a device's secret in
//! clear: secrets come wrapped and go on wrapped. Modules stand in reading order; none imports one that stands above it.

mod extract;
mod check;
mod create;
mod share;
mod read;
mod proof;
mod signed;
mod header;
mod chunk;
mod record;
mod object;

pub use check::{Checked, Placed, Recipient, check, check_with_proofs};
pub use chunk::{MAX_CHUNKS, MAX_RECORDS};
pub use create::{CreateError, Draft, Plan, Sender};
pub use extract::{ExtractError, extract};
pub use header::{Addressee, Group, Header, HeaderFault, MAX_GROUPS, MAX_TRANSPORT_KEYS, TransportKey};
pub use object::{ObjectFault, Part};
pub use proof::{DeviceProof, ProofRefused};
pub use read::{Chunk, ReadError, ReadRecord, SealedChunk, Shipment};
pub use record::{MAX_RECORD_OCTETS, RecordFault, is_label};
pub use share::{ShareProof, ShareProofs};
pub use signed::{Expected, HeaderRefused, SignHeaderError, SignedHeader};
