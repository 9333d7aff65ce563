//! Chunks: up to 1,000 records sealed for the recipient, and the list by which each is known (RFC 5652 §6, RFC 5753 §3.1).
//!
//! The list has the digest of every sealed chunk in its place, and the header has the digest of the list: nothing is decrypted
//! that the signer did not vouch for.

use ca_core::certificate::Certificate;
use ca_core::ports::Entropy;
use cms_messages::enveloped::{Envelope, KeyName, KeyRecipient, Recipient, seal, to_content_info};
use cms_messages::{AgreementKey, KeyWrap, SealError};
use const_oid::db::rfc5911::ID_DATA;
use der::asn1::{AnyRef, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::object::fixed;

/// The most records of a chunk.
pub const MAX_RECORDS: u32 = 1_000;
/// The most chunks of a manifest.
pub const MAX_CHUNKS: u32 = 65_535;
/// How many octets of records a chunk takes before the next one begins.
pub(crate) const FULL_OCTETS: usize = 4 << 20;
/// The most octets of a sealed chunk: of a full one, one more record, and what is around it.
pub(crate) const MAX_CHUNK_OCTETS: usize = 5 << 20;
/// The most octets of the list.
pub(crate) const MAX_LIST_OCTETS: usize = 4 << 20;

/// A SHA-256.
pub(crate) type Sha256Digest = [u8; 32];

pub(crate) fn digest(octets: &[u8]) -> Sha256Digest {
    Sha256::digest(octets).into()
}

/// What the list says of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// How many records it has.
    pub(crate) records: u32,
    /// SHA-256 of the sealed chunk, as it stands in the file.
    pub(crate) digest: Sha256Digest,
}

/// ```text
/// ChunkList ::= SEQUENCE OF SEQUENCE {
///     records  INTEGER (1..1000),
///     digest   OCTET STRING (SIZE (32)) }   -- SHA-256 of the chunk
/// ```
#[derive(Sequence)]
struct WireEntry {
    records: u32,
    digest: OctetString,
}

/// Encodes the list.
pub(crate) fn encode_list(list: &[Entry]) -> der::Result<Vec<u8>> {
    let wire =
        |entry: &Entry| Ok(WireEntry { records: entry.records, digest: OctetString::new(entry.digest)? });
    list.iter().map(wire).collect::<der::Result<Vec<_>>>()?.to_der()
}

/// Reads the list; `None` where it is none, or has a chunk without records or with too many.
pub(crate) fn decode_list(der: &[u8]) -> Option<Vec<Entry>> {
    let entry = |wire: WireEntry| {
        let digest = fixed(&wire.digest)?;
        (1..=MAX_RECORDS).contains(&wire.records).then_some(Entry { records: wire.records, digest })
    };
    Vec::<WireEntry>::from_der(der).ok()?.into_iter().map(entry).collect()
}

/// Seals records, DER one behind the other, for a recipient; DER of a `ContentInfo`.
///
/// ```text
/// Chunk ::= SEQUENCE OF DeviceRecord   -- the content, id-data
/// ```
pub(crate) fn seal_records(
    records: &[u8],
    recipient: &Certificate,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let content = Zeroizing::new(AnyRef::new(Tag::Sequence, records)?.to_der()?);
    let name = KeyName::of(recipient)?;
    let recipient =
        KeyRecipient { key: recipient.public_key(), name: &name, wrap: KeyWrap::Aes256, ukm: None };
    let sealed = seal(&Recipient::Key(recipient), (ID_DATA, &content), entropy)?;
    Ok(to_content_info(&sealed)?)
}

/// Opens what [`seal_records`] sealed; `None` where the key is another, or the content is of another type.
pub(crate) fn open(sealed: &[u8], key: &dyn AgreementKey) -> Option<Zeroizing<Vec<u8>>> {
    let opened = Envelope::from_content_info(sealed)?.open_by_key(key).ok()?;
    (opened.content_type == ID_DATA).then_some(opened.content)
}

/// Takes the records of a chunk apart, each as its DER stands.
pub(crate) fn records(content: &[u8]) -> Option<Vec<&[u8]>> {
    let whole = AnyRef::from_der(content).ok()?;
    if der::Tagged::tag(&whole) != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(whole.value()).ok()?;
    let mut records = Vec::new();
    while !reader.is_finished() {
        records.push(reader.tlv_bytes().ok()?);
    }
    Some(records)
}
