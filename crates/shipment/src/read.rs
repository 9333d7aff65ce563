//! Reading a manifest from its beginning to its end, one chunk in memory at a time.
//!
//! A chunk is given out when its digest is the one that the signed list has in its place. Who signed, and whether all counts
//! are right, is checked above.

use std::io::Read;

use ca_core::audit::tree::{TreeHash, leaf_hash};
use ca_core::record::DeliveredDevice;
use ca_core::system_title::SystemTitle;
use cms_messages::AgreementKey;

use crate::chunk::{self, Entry, MAX_CHUNK_OCTETS, MAX_LIST_OCTETS};
use crate::header::Header;
use crate::object::{ObjectFault, Part, next_object, object};
use crate::record::{self, RecordFault};
use crate::signed::{HeaderRefused, MAX_HEADER_OCTETS, SignedHeader};

/// A manifest that is read on: the header is there, chunks follow.
#[derive(Debug)]
pub struct Shipment<R> {
    signed: SignedHeader,
    list: Vec<Entry>,
    from: R,
    /// How many chunks were read.
    passed: u32,
}

impl<R: Read> Shipment<R> {
    /// Reads header and list: the signature verifies with the certificate that comes along, and it covers the list.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(mut from: R) -> Result<Self, ReadError> {
        let in_part = |part| move |fault| ReadError::Object { part, fault };
        let octets = object(&mut from, MAX_HEADER_OCTETS).map_err(in_part(Part::Header))?;
        let signed = SignedHeader::from_der(octets)?;
        let octets = object(&mut from, MAX_LIST_OCTETS).map_err(in_part(Part::ChunkList))?;
        let list = chunk::decode_list(&octets)
            .filter(|_| chunk::digest(&octets) == signed.header().chunk_list)
            .ok_or(ReadError::ChunkList)?;
        let found = u64::try_from(list.len()).unwrap_or(u64::MAX);
        same("chunks", signed.header().chunks.into(), found)?;
        let records = list.iter().map(|entry| u64::from(entry.records)).sum();
        same("devices", signed.header().devices, records)?;
        Ok(Self { signed, list, from, passed: 0 })
    }

    /// Returns the header.
    #[must_use]
    pub const fn signed(&self) -> &SignedHeader {
        &self.signed
    }

    /// Returns what was signed.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.signed.header()
    }

    /// Returns how many records each chunk has, in their order.
    pub(crate) fn records_of_chunks(&self) -> impl Iterator<Item = u32> {
        self.list.iter().map(|entry| entry.records)
    }

    /// Reads the next chunk; nothing where the manifest ends, as it must, behind the last one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_chunk(&mut self) -> Result<Option<SealedChunk>, ReadError> {
        let number = self.passed.saturating_add(1);
        let in_chunk = |fault| ReadError::Object { part: Part::Chunk(number), fault };
        let place = usize::try_from(self.passed).unwrap_or(usize::MAX);
        let Some(entry) = self.list.get(place).copied() else {
            return match next_object(&mut self.from, MAX_CHUNK_OCTETS) {
                Ok(None) => Ok(None),
                Err(ObjectFault::Unreadable(error)) => Err(in_chunk(error.into())),
                Ok(Some(_)) | Err(_) => Err(ReadError::Trailing),
            };
        };
        let octets = object(&mut self.from, MAX_CHUNK_OCTETS).map_err(in_chunk)?;
        let digest = chunk::digest(&octets);
        if digest != entry.digest {
            return Err(match self.list.iter().position(|other| other.digest == digest) {
                Some(found) => ReadError::ChunkOrder {
                    place: number,
                    found: u32::try_from(found).unwrap_or(u32::MAX).saturating_add(1),
                },
                None => ReadError::ChunkAltered { chunk: number },
            });
        }
        self.passed = number;
        Ok(Some(SealedChunk { number, records: entry.records, octets }))
    }
}

/// A chunk that the signer vouches for, still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedChunk {
    number: u32,
    records: u32,
    octets: Vec<u8>,
}

impl SealedChunk {
    /// Returns its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Opens it with the recipient's key and reads its records.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(&self, key: &dyn AgreementKey) -> Result<Chunk, ReadError> {
        let number = self.number;
        let content = chunk::open(&self.octets, key).ok_or(ReadError::NotOpened { chunk: number })?;
        let octets = chunk::records(&content).ok_or(ReadError::NotRecords { chunk: number })?;
        same("records of a chunk", self.records.into(), u64::try_from(octets.len()).unwrap_or(u64::MAX))?;
        let record = |(place, octets): (usize, &[u8])| {
            ReadRecord::from_der(octets).map_err(|fault| ReadError::Record {
                title: None,
                place: (number, place),
                fault,
            })
        };
        let records = octets.into_iter().enumerate().map(record).collect::<Result<_, ReadError>>()?;
        Ok(Chunk { number, records })
    }
}

/// A chunk in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its number, from 1.
    pub number: u32,
    /// Its records, in their order.
    pub records: Vec<ReadRecord>,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRecord {
    /// The device.
    pub device: DeliveredDevice,
    /// Its hash as a leaf of the tree.
    pub leaf: TreeHash,
    /// Its DER, as it stands in the chunk.
    pub octets: Vec<u8>,
}

impl ReadRecord {
    /// Reads a record in clear. Whether it fits to its header is not looked at.
    ///
    /// # Errors
    /// [`RecordFault`].
    pub fn from_der(octets: &[u8]) -> Result<Self, RecordFault> {
        let device = record::decode(octets)?;
        Ok(Self { device, leaf: leaf_hash(octets), octets: octets.to_vec() })
    }
}

pub(crate) const fn same(what: &'static str, announced: u64, found: u64) -> Result<(), ReadError> {
    if announced == found { Ok(()) } else { Err(ReadError::Count { what, announced, found }) }
}

/// Why a manifest is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A part cannot be read.
    #[error("{part} {fault}")]
    Object {
        /// Which.
        part: Part,
        /// Why.
        fault: ObjectFault,
    },
    /// The header does not count.
    #[error("the header is refused: {0}")]
    Header(#[from] HeaderRefused),
    /// The list of chunks is not the one that was signed.
    #[error("the list of chunks was altered, or is that of another manifest")]
    ChunkList,
    /// A chunk is not the one that was signed.
    #[error("chunk {chunk} was altered, or is of another manifest")]
    ChunkAltered {
        /// Which, from 1.
        chunk: u32,
    },
    /// A chunk stands where another belongs.
    #[error("chunk {found} stands where chunk {place} belongs: chunks are missing, repeated or swapped")]
    ChunkOrder {
        /// Where, from 1.
        place: u32,
        /// Which stands there.
        found: u32,
    },
    /// Something follows the last chunk.
    #[error("something follows the last chunk")]
    Trailing,
    /// The manifest is for somebody else.
    #[error("the manifest is for {tenant}, and for another certificate than the one given")]
    OtherRecipient {
        /// For whom.
        tenant: String,
    },
    /// The key opens nothing.
    #[error("chunk {chunk} is not opened by the key given")]
    NotOpened {
        /// Which, from 1.
        chunk: u32,
    },
    /// A chunk holds something else than records.
    #[error("chunk {chunk} holds something else than records")]
    NotRecords {
        /// Which, from 1.
        chunk: u32,
    },
    /// A record is wrong, as the manufacturer signed it.
    #[error("{} {fault}", name_of(title.as_ref(), *place))]
    Record {
        /// Whose, if that can be read.
        title: Option<SystemTitle>,
        /// Its chunk, from 1, and its place there, from 0.
        place: (u32, usize),
        /// What is wrong.
        fault: RecordFault,
    },
    /// A device is there twice.
    #[error("the device {title} is in the manifest more than once")]
    RepeatedTitle {
        /// Which.
        title: SystemTitle,
    },
    /// Records are not in the order of their system titles.
    #[error("the device {title} stands behind {before}: records are in the order of their system titles")]
    RecordOrder {
        /// Which.
        title: SystemTitle,
        /// What stands before it.
        before: SystemTitle,
    },
    /// There are more or fewer than the header says.
    #[error("the header says {announced} {what}, and there are {found}")]
    Count {
        /// Of what.
        what: &'static str,
        /// What the header says.
        announced: u64,
        /// How many there are.
        found: u64,
    },
    /// The records are not those of the tree that was signed.
    #[error("the records do not have the root that was signed")]
    Root,
}

fn name_of(title: Option<&SystemTitle>, (chunk, place): (u32, usize)) -> String {
    match title {
        Some(title) => format!("the device {title}"),
        None => format!("record {} of chunk {chunk}", place.saturating_add(1)),
    }
}

impl ReadError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Object { fault, .. } => fault.code(),
            Self::Header(refused) => refused.code(),
            Self::ChunkList => "shipment.chunk-list",
            Self::ChunkAltered { .. } => "shipment.chunk-altered",
            Self::ChunkOrder { .. } => "shipment.chunk-order",
            Self::Trailing => "shipment.trailing",
            Self::OtherRecipient { .. } => "shipment.other-recipient",
            Self::NotOpened { .. } => "shipment.not-opened",
            Self::NotRecords { .. } => "shipment.record",
            Self::Record { fault, .. } => fault.code(),
            Self::RepeatedTitle { .. } => "shipment.repeated-title",
            Self::RecordOrder { .. } => "shipment.record-order",
            Self::Count { .. } => "shipment.count",
            Self::Root => "shipment.root",
        }
    }
}
