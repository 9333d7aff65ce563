//! Stored rows: what stands on disk under a key, exactly, and nothing about when it is written.
//!
//! A row is one octet, the version of its form (0x01 where its type says nothing else), and then the DER of the ASN.1 definition that stands at its type below
//! and uses these:
//!
//! ```text
//! Id         ::= SEQUENCE { issuer OCTET STRING,   -- 20 octets
//!                           serial OCTET STRING }  -- content octets of the serial number, 1 to 20
//! Slot       ::= SEQUENCE { tenant UTF8String, title OCTET STRING,  -- 8 octets
//!                           hierarchy Hierarchy, purpose Purpose }
//! Hierarchy  ::= ENUMERATED { authority(0), factory(1), operational(2), maintenance(3), infrastructure(4) }
//! Purpose    ::= ENUMERATED { certificateSigning(0), signature(1), keyAgreement(2), tls(3) }
//! Time       ::= INTEGER                           -- seconds since 1970-01-01T00:00:00Z, leap seconds not counted
//! Digest     ::= OCTET STRING                      -- SHA-256, 32 octets
//! ```
//!
//! Tags are EXPLICIT. Decoding is strict: another version, other DER, or a value that we never write is a fault, not a guess.

use ca_core::key_ref::KeyRef;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::record::{CertificateId, Slot};
use ca_core::scope::Shard;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use der::asn1::OctetString;
use der::{Decode, Encode, Enumerated, Sequence};

use crate::keyspace::Keyspace;

mod call;
mod campaign;
mod certificate;
mod condition;
mod count;
mod crl;
mod day;
mod delivery;
mod fleet;
mod installation;
mod order;
mod people;
mod production;
mod profile;
mod registry;
mod replaced;
mod revocation;
mod shut_out;
mod swap;
mod trail;
mod transaction;
mod visit;
mod waiting;

pub(crate) use call::CallRow;
pub(crate) use campaign::{CampaignRow, MemberCountRow, MemberRow, PlaceCountRow};
pub(crate) use certificate::{CertificateRow, CertificateState, IntentRow, UncertainRow};
pub(crate) use condition::{KeyRow, RequestRow, SlotHolder, SlotRow};
pub(crate) use count::{CountRow, Counted, Transacting, Waiting};
pub(crate) use crl::{CrlHeadRow, CrlRow, IssuedCrl, LooseParts, ScopeOf, ShardRow};
pub(crate) use day::DayCountRow;
pub(crate) use delivery::{DeliveryPartRow, DeliveryRow, RefusalRow};
pub(crate) use fleet::{CredentialRow, DeviceCountRow, HistoryRow, SecretRow};
pub(crate) use installation::InstallationRow;
pub(crate) use order::{OrderPartRow, OrderRow};
pub(crate) use people::PersonRow;
pub(crate) use production::{ProducedRow, ProductionRow};
pub(crate) use profile::ProfileVersionRow;
pub(crate) use registry::{DeviceRow, TokenRow};
pub(crate) use replaced::ReplacedRow;
pub(crate) use revocation::{ReleaseRow, RevocationRow};
pub(crate) use shut_out::{BlockedRow, ScheduledRow};
pub(crate) use swap::{EvidenceRow, SwapRow};
pub(crate) use trail::{TrailRow, TrailRowV1};
pub(crate) use transaction::TransactionRow;
pub(crate) use visit::VisitRow;
pub(crate) use waiting::WaitingRow;

/// A row: which keyspace it stands in, under which key, and its octets.
pub(crate) trait Row: Sized {
    /// What its key is made of.
    type Key: ?Sized;
    /// The ASN.1 structure.
    type Wire: Encode + for<'a> Decode<'a, Error = der::Error>;
    /// Where it stands.
    const KEYSPACE: Keyspace;
    /// The octet in front.
    const VERSION: u8 = 1;

    /// Returns the octets of a key.
    fn key(key: &Self::Key) -> Vec<u8>;

    /// Puts the row into the ASN.1 structure.
    fn to_wire(&self) -> der::Result<Self::Wire>;

    /// Takes the row out of the ASN.1 structure; `None` when a field has a value that we never write.
    fn from_wire(wire: Self::Wire) -> Option<Self>;

    /// Writes the version octet and the DER.
    fn encode(&self) -> Result<Vec<u8>, RowFault> {
        let mut octets = vec![Self::VERSION];
        self.to_wire()
            .and_then(|wire| wire.encode_to_vec(&mut octets))
            .map_err(|cause| RowFault::Encode { keyspace: Self::KEYSPACE.name(), cause })?;
        Ok(octets)
    }

    /// Reads what [`Self::encode`] wrote.
    fn decode(octets: &[u8]) -> Result<Self, RowFault> {
        let keyspace = Self::KEYSPACE.name();
        match octets.split_first() {
            Some((version, der)) if *version == Self::VERSION => {
                let wire = Self::Wire::from_der(der).map_err(|cause| RowFault::Decode { keyspace, cause })?;
                Self::from_wire(wire).ok_or(RowFault::Value { keyspace })
            }
            Some((&version, _)) => Err(RowFault::Version { keyspace, version }),
            None => Err(RowFault::Empty { keyspace }),
        }
    }
}

/// Why octets are not a row, or a row has no octets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowFault {
    #[error("a row of the keyspace {keyspace} cannot be encoded: {cause}")]
    Encode { keyspace: &'static str, cause: der::Error },
    #[error("a row of the keyspace {keyspace} cannot be decoded: {cause}")]
    Decode { keyspace: &'static str, cause: der::Error },
    #[error("a row of the keyspace {keyspace} holds a value that is never written")]
    Value { keyspace: &'static str },
    #[error("a row of the keyspace {keyspace} has the unknown form {version}")]
    Version { keyspace: &'static str, version: u8 },
    #[error("a row of the keyspace {keyspace} is empty")]
    Empty { keyspace: &'static str },
    #[error("a key of the keyspace {keyspace} has an impossible form")]
    Key { keyspace: &'static str },
}

#[derive(Sequence)]
pub(crate) struct WireId {
    issuer: OctetString,
    serial: OctetString,
}

impl WireId {
    fn new(id: &CertificateId) -> der::Result<Self> {
        Ok(Self {
            issuer: OctetString::new(id.issuer.octets().as_slice())?,
            serial: OctetString::new(id.serial.octets())?,
        })
    }

    fn id(&self) -> Option<CertificateId> {
        Some(CertificateId {
            issuer: KeyRef::new(fixed(&self.issuer)?),
            serial: SerialNumber::from_octets(self.serial.as_bytes()).ok()?,
        })
    }
}

#[derive(Sequence)]
pub(crate) struct WireSlot {
    tenant: String,
    title: OctetString,
    hierarchy: WireHierarchy,
    purpose: WirePurpose,
}

impl WireSlot {
    fn new(slot: &Slot) -> der::Result<Self> {
        Ok(Self {
            tenant: slot.tenant.to_string(),
            title: OctetString::new(slot.title.octets().as_slice())?,
            hierarchy: slot.hierarchy.into(),
            purpose: slot.purpose.into(),
        })
    }

    fn slot(&self) -> Option<Slot> {
        Some(Slot {
            tenant: tenant(&self.tenant)?,
            title: title(&self.title)?,
            hierarchy: self.hierarchy.into(),
            purpose: self.purpose.into(),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(crate) enum WireHierarchy {
    Authority = 0,
    Factory = 1,
    Operational = 2,
    Maintenance = 3,
    Infrastructure = 4,
}

impl From<Hierarchy> for WireHierarchy {
    fn from(hierarchy: Hierarchy) -> Self {
        match hierarchy {
            Hierarchy::Authority => Self::Authority,
            Hierarchy::Factory => Self::Factory,
            Hierarchy::Operational => Self::Operational,
            Hierarchy::Maintenance => Self::Maintenance,
            Hierarchy::Infrastructure => Self::Infrastructure,
        }
    }
}

impl From<WireHierarchy> for Hierarchy {
    fn from(wire: WireHierarchy) -> Self {
        match wire {
            WireHierarchy::Authority => Self::Authority,
            WireHierarchy::Factory => Self::Factory,
            WireHierarchy::Operational => Self::Operational,
            WireHierarchy::Maintenance => Self::Maintenance,
            WireHierarchy::Infrastructure => Self::Infrastructure,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(crate) enum WirePurpose {
    CertificateSigning = 0,
    Signature = 1,
    KeyAgreement = 2,
    Tls = 3,
}

impl From<KeyPurpose> for WirePurpose {
    fn from(purpose: KeyPurpose) -> Self {
        match purpose {
            KeyPurpose::CertificateSigning => Self::CertificateSigning,
            KeyPurpose::Signature => Self::Signature,
            KeyPurpose::KeyAgreement => Self::KeyAgreement,
            KeyPurpose::Tls => Self::Tls,
        }
    }
}

impl From<WirePurpose> for KeyPurpose {
    fn from(wire: WirePurpose) -> Self {
        match wire {
            WirePurpose::CertificateSigning => Self::CertificateSigning,
            WirePurpose::Signature => Self::Signature,
            WirePurpose::KeyAgreement => Self::KeyAgreement,
            WirePurpose::Tls => Self::Tls,
        }
    }
}

fn fixed<const N: usize>(octets: &OctetString) -> Option<[u8; N]> {
    octets.as_bytes().try_into().ok()
}

fn title(octets: &OctetString) -> Option<SystemTitle> {
    fixed(octets).map(SystemTitle::new)
}

/// Reads the name of a shard that may be absent but not wrong.
fn read_shard(name: Option<&str>) -> Option<Option<Shard>> {
    match name {
        Some(name) => Shard::parse(name).ok().map(Some),
        None => Some(None),
    }
}

fn tenant(text: &str) -> Option<TenantId> {
    TenantId::parse(text).ok()
}

fn profile(text: &str) -> Option<ProfileId> {
    ProfileId::parse(text).ok()
}

fn octets(octets: &[u8]) -> der::Result<OctetString> {
    OctetString::new(octets)
}

const fn time(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

#[cfg(test)]
mod tests;
