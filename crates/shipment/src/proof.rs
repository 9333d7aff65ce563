//! One record with what proves it: the signed header, its place, and the path of hashes to the root (RFC 9162 §2.1.3).
//!
//! Whoever checks it needs nothing else: no manifest, and no key of the recipient.

use ca_core::audit::proof::{self, verify_inclusion};
use ca_core::audit::tree::{Subtree, TreeHash, leaf_hash};
use ca_core::record::DeliveredDevice;
use der::asn1::{Any, OctetString};
use der::{Decode, Encode, Sequence};

use crate::object::{ObjectFault, fixed, object};
use crate::record::{self, MAX_RECORD_OCTETS, RecordFault};
use crate::signed::{Expected, HeaderRefused, MAX_HEADER_OCTETS, SignedHeader};

/// What the first field of a proof says.
const FORMAT: &str = "meter-pki shipment record 1";
/// The most hashes of a path.
const MAX_PATH: usize = 64;
/// The most octets of a proof.
const MAX_PROOF_OCTETS: usize = MAX_HEADER_OCTETS + MAX_RECORD_OCTETS + (4 << 10);

/// ```text
/// DeviceProof ::= SEQUENCE {
///     format  UTF8String ("meter-pki shipment record 1"),
///     header  ContentInfo,                            -- as it stands in the manifest
///     index   INTEGER,                                -- place of the record, from 0
///     record  DeviceRecord,                           -- as it stands in its chunk
///     path    SEQUENCE OF OCTET STRING (SIZE (32)) }  -- the sibling of the record first
/// ```
#[derive(Sequence)]
struct WireProof {
    format: String,
    header: Any,
    index: u64,
    record: Any,
    path: Vec<OctetString>,
}

/// A record that can be checked alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceProof {
    pub(crate) header: SignedHeader,
    pub(crate) index: u64,
    pub(crate) record: Vec<u8>,
    pub(crate) path: Vec<TreeHash>,
}

impl DeviceProof {
    /// Encodes it as DER.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        WireProof {
            format: FORMAT.to_owned(),
            header: Any::from_der(self.header.octets())?,
            index: self.index,
            record: Any::from_der(&self.record)?,
            path: self.path.iter().map(|hash| OctetString::new(*hash)).collect::<der::Result<_>>()?,
        }
        .to_der()
    }

    /// Reads a proof, and nothing behind it.
    ///
    /// # Errors
    /// [`ProofRefused`].
    pub fn from_der(octets: &[u8]) -> Result<Self, ProofRefused> {
        let mut rest = octets;
        let whole = object(&mut rest, MAX_PROOF_OCTETS)?;
        let wire = WireProof::from_der(&whole).ok().filter(|wire| rest.is_empty() && wire.format == FORMAT);
        let wire = wire.filter(|wire| wire.path.len() <= MAX_PATH).ok_or(ProofRefused::NotProof)?;
        let path = wire.path.iter().map(fixed).collect::<Option<_>>().ok_or(ProofRefused::NotProof)?;
        let header = wire.header.to_der().map_err(|_| ProofRefused::NotProof)?;
        let record = wire.record.to_der().map_err(|_| ProofRefused::NotProof)?;
        Ok(Self { header: SignedHeader::from_der(header)?, index: wire.index, record, path })
    }

    /// Returns the header of the manifest that the record is from.
    #[must_use]
    pub const fn header(&self) -> &SignedHeader {
        &self.header
    }

    /// Returns the place of the record in the manifest, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Checks signature, signer, path and record; returns the device.
    ///
    /// # Errors
    /// [`ProofRefused`].
    pub fn verify(&self, expected: &Expected<'_>) -> Result<DeliveredDevice, ProofRefused> {
        self.header.judge(expected)?;
        let header = self.header.header();
        let leaf = Subtree { level: 0, index: self.index, hash: leaf_hash(&self.record) };
        // RFC 9162 §2.1.3.2.
        verify_inclusion(&leaf, header.devices, &self.path, &header.root)?;
        let device = record::decode(&self.record)?;
        record::judge(&device, |label| header.carries(label))?;
        Ok(device)
    }
}

/// Why a record is not proven.
#[derive(Debug, thiserror::Error)]
pub enum ProofRefused {
    /// Not read.
    #[error("the proof {0}")]
    Object(#[from] ObjectFault),
    /// Not a proof.
    #[error("the file is not the proof of a record")]
    NotProof,
    /// The header does not count.
    #[error("the header is refused: {0}")]
    Header(#[from] HeaderRefused),
    /// The path does not lead to the root that was signed.
    #[error("the record is not in the manifest that was signed: {0}")]
    Path(#[from] proof::ProofRefused),
    /// The record is wrong, as the manufacturer signed it.
    #[error("the record {0}")]
    Record(#[from] RecordFault),
}

impl ProofRefused {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Object(fault) => fault.code(),
            Self::NotProof => "shipment.not-proof",
            Self::Header(refused) => refused.code(),
            Self::Path(_) => "shipment.proof",
            Self::Record(fault) => fault.code(),
        }
    }
}
