//! What stands at the head of a manifest: whose, for whom, how many of what, and the hashes that bind the rest to it.
//!
//! Not signed here. The first field names the format, so that nothing else that a manufacturer signs can pass for it.

use core::time::Duration;

use ca_core::audit::tree::TreeHash;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use der::asn1::{GeneralizedTime, OctetString};
use der::{Decode, Encode, Sequence};

use crate::chunk::MAX_CHUNKS;
use crate::object::fixed;
use crate::record::{is_label, is_text};

/// What the first field of a header says.
const FORMAT: &str = "meter-pki shipment 1";
/// The most groups of model and batch that are counted apart.
pub const MAX_GROUPS: usize = 1_000;
/// The most transport keys.
pub const MAX_TRANSPORT_KEYS: usize = 16;
/// The most octets of a transport key, wrapped for an RSA key of up to 8,192 bits.
const MAX_WRAPPED_OCTETS: usize = 1_024;

/// The head of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Who delivers.
    pub manufacturer: TenantId,
    /// To whom.
    pub recipient: Addressee,
    /// What the manufacturer calls the shipment; 1 to 64 octets.
    pub shipment: String,
    /// The order that it answers; up to 64 octets, maybe none.
    pub order: String,
    /// When the manifest was made.
    pub made_at: UnixTime,
    /// How many devices.
    pub devices: u64,
    /// How many of each model and batch, in their order.
    pub groups: Vec<Group>,
    /// How many chunks.
    pub chunks: u32,
    /// SHA-256 of the list of chunks, as it stands in the file.
    pub chunk_list: [u8; 32],
    /// The root of the tree over the records (RFC 9162 §2.1.1), in the order of their system titles.
    pub root: TreeHash,
    /// The keys that the devices' secrets are wrapped under, in the order of their labels.
    pub transport_keys: Vec<TransportKey>,
}

/// For whom a manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The distribution system operator.
    pub tenant: TenantId,
    /// SHA-256 of the DER of the certificate that the chunks are sealed for.
    pub certificate: [u8; 32],
}

/// How many devices of a model and a batch there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The model.
    pub model: String,
    /// The batch.
    pub batch: String,
    /// How many.
    pub devices: u64,
}

/// An AES key that secrets are wrapped under, on its way to the recipient's token. Carried, and not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportKey {
    /// What the secrets call it: 1 to 64 letters, digits, dots, hyphens and underscores.
    pub label: String,
    /// SHA-256 of the `SubjectPublicKeyInfo` of the recipient's RSA key, DER.
    pub recipient: [u8; 32],
    /// The key, wrapped for that RSA key with OAEP (RFC 8017 §7.1): as many octets as its modulus has, up to 1,024.
    pub wrapped: Vec<u8>,
}

/// ```text
/// ShipmentHeader ::= SEQUENCE {
///     format         UTF8String ("meter-pki shipment 1"),
///     manufacturer   UTF8String,                 -- a tenant
///     recipient      SEQUENCE {
///         tenant         UTF8String,
///         certificate    OCTET STRING (SIZE (32)) },
///     shipment       UTF8String,
///     order          UTF8String,
///     madeAt         GeneralizedTime,
///     devices        INTEGER,
///     groups         SEQUENCE OF SEQUENCE { model UTF8String, batch UTF8String, devices INTEGER },
///     chunks         INTEGER (1..65535),
///     chunkList      OCTET STRING (SIZE (32)),
///     root           OCTET STRING (SIZE (32)),
///     transportKeys  SEQUENCE OF SEQUENCE {
///         label          UTF8String,
///         recipient      OCTET STRING (SIZE (32)),
///         wrapped        OCTET STRING } }
/// ```
#[derive(Sequence)]
struct WireHeader {
    format: String,
    manufacturer: String,
    recipient: WireAddressee,
    shipment: String,
    order: String,
    made_at: GeneralizedTime,
    devices: u64,
    groups: Vec<WireGroup>,
    chunks: u32,
    chunk_list: OctetString,
    root: OctetString,
    transport_keys: Vec<WireTransportKey>,
}

#[derive(Sequence)]
struct WireAddressee {
    tenant: String,
    certificate: OctetString,
}

#[derive(Sequence)]
struct WireGroup {
    model: String,
    batch: String,
    devices: u64,
}

#[derive(Sequence)]
struct WireTransportKey {
    label: String,
    recipient: OctetString,
    wrapped: OctetString,
}

impl Header {
    /// Encodes it as DER.
    ///
    /// # Errors
    /// [`HeaderFault`].
    pub fn to_der(&self) -> Result<Vec<u8>, HeaderFault> {
        self.check()?;
        self.write().map_err(|_| HeaderFault::NotDer)
    }

    fn write(&self) -> der::Result<Vec<u8>> {
        let seconds = u64::try_from(self.made_at.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
        let key = |key: &TransportKey| {
            Ok(WireTransportKey {
                label: key.label.clone(),
                recipient: OctetString::new(key.recipient)?,
                wrapped: OctetString::new(key.wrapped.as_slice())?,
            })
        };
        let group = |group: &Group| WireGroup {
            model: group.model.clone(),
            batch: group.batch.clone(),
            devices: group.devices,
        };
        WireHeader {
            format: FORMAT.to_owned(),
            manufacturer: self.manufacturer.to_string(),
            recipient: WireAddressee {
                tenant: self.recipient.tenant.to_string(),
                certificate: OctetString::new(self.recipient.certificate)?,
            },
            shipment: self.shipment.clone(),
            order: self.order.clone(),
            made_at: GeneralizedTime::from_unix_duration(Duration::from_secs(seconds))?,
            devices: self.devices,
            groups: self.groups.iter().map(group).collect(),
            chunks: self.chunks,
            chunk_list: OctetString::new(self.chunk_list)?,
            root: OctetString::new(self.root)?,
            transport_keys: self.transport_keys.iter().map(key).collect::<der::Result<_>>()?,
        }
        .to_der()
    }

    /// Reads what [`Self::to_der`] writes; who signed it is not looked at.
    ///
    /// # Errors
    /// [`HeaderFault`].
    pub fn from_der(der: &[u8]) -> Result<Self, HeaderFault> {
        let wire = WireHeader::from_der(der).map_err(|_| HeaderFault::NotDer)?;
        if wire.format != FORMAT {
            return Err(HeaderFault::Format { found: wire.format.chars().take(64).collect() });
        }
        let field = |name| move || HeaderFault::Field { name };
        let tenant = |text: &str, name| TenantId::parse(text).map_err(|_| HeaderFault::Field { name });
        let seconds = i64::try_from(wire.made_at.to_unix_duration().as_secs());
        let key = |key: WireTransportKey| {
            let recipient = fixed(&key.recipient)?;
            Some(TransportKey { label: key.label, recipient, wrapped: key.wrapped.as_bytes().to_vec() })
        };
        let group = |one: WireGroup| Group { model: one.model, batch: one.batch, devices: one.devices };
        let header = Self {
            manufacturer: tenant(&wire.manufacturer, "manufacturer")?,
            recipient: Addressee {
                tenant: tenant(&wire.recipient.tenant, "recipient")?,
                certificate: fixed(&wire.recipient.certificate).ok_or_else(field("recipient"))?,
            },
            shipment: wire.shipment,
            order: wire.order,
            made_at: UnixTime::from_seconds(seconds.map_err(|_| HeaderFault::NotDer)?),
            devices: wire.devices,
            groups: wire.groups.into_iter().map(group).collect(),
            chunks: wire.chunks,
            chunk_list: fixed(&wire.chunk_list).ok_or_else(field("chunkList"))?,
            root: fixed(&wire.root).ok_or_else(field("root"))?,
            transport_keys: wire
                .transport_keys
                .into_iter()
                .map(key)
                .collect::<Option<_>>()
                .ok_or_else(field("transportKeys"))?,
        };
        header.check()?;
        Ok(header)
    }

    /// Tells whether it carries the transport key with this label.
    pub(crate) fn carries(&self, label: &str) -> bool {
        self.transport_keys.iter().any(|key| key.label == label)
    }

    fn check(&self) -> Result<(), HeaderFault> {
        let key = |key: &TransportKey| {
            is_label(&key.label) && (1..=MAX_WRAPPED_OCTETS).contains(&key.wrapped.len())
        };
        let place = |group: &Group| (group.model.clone(), group.batch.clone());
        let group = |group: &Group| is_text(&group.model) && is_text(&group.batch) && group.devices > 0;
        let wrong = [
            ("shipment", self.shipment.is_empty() || !is_text(&self.shipment)),
            ("order", !is_text(&self.order)),
            ("chunks", !(1..=MAX_CHUNKS).contains(&self.chunks)),
            ("devices", self.devices == 0),
            (
                "groups",
                self.groups.len() > MAX_GROUPS
                    || !self.groups.iter().all(group)
                    || !self.groups.is_sorted_by(|one, other| place(one) < place(other)),
            ),
            (
                "transportKeys",
                self.transport_keys.len() > MAX_TRANSPORT_KEYS
                    || !self.transport_keys.iter().all(key)
                    || !self.transport_keys.is_sorted_by(|one, other| one.label < other.label),
            ),
        ];
        match wrong.into_iter().find(|(_, is_wrong)| *is_wrong) {
            Some((name, _)) => Err(HeaderFault::Field { name }),
            None => Ok(()),
        }
    }
}

/// Why octets are no header, or a header cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Not DER of one.
    #[error("it is not DER of a header")]
    NotDer,
    /// It is of another format.
    #[error("it is of the format {found:?}, which this program does not read")]
    Format {
        /// What it says.
        found: String,
    },
    /// A field has a value that it must not have.
    #[error("the field {name} has a wrong value")]
    Field {
        /// Its name in the ASN.1 definition.
        name: &'static str,
    },
}
