//! The rows of the registry: devices and one-time tokens.

use ca_core::record::{CertificateId, Device, DeviceState, ExpectedDevice, Token};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::{Row, WireId, fixed, octets, profile, read_shard, tenant, time, title};
use crate::keyspace::Keyspace;

/// ```text
/// DeviceRow ::= SEQUENCE {
///     tenant               UTF8String,
///     title                OCTET STRING,             -- 8 octets
///     state                DeviceState,
///     model                UTF8String,
///     batch                UTF8String,
///     importedAt           Time,
///     manufacturer         [0] UTF8String OPTIONAL,
///     claimedBy            [1] Digest OPTIONAL,      -- fingerprint of the factory key
///     factorySupersededAt  [2] Time OPTIONAL,
///     region               [3] UTF8String OPTIONAL,
///     concentrator         [4] UTF8String OPTIONAL,
///     serialNumber         [5] UTF8String OPTIONAL,
///     firmware             [6] UTF8String OPTIONAL,
///     suspendedFrom        [7] DeviceState OPTIONAL,
///     shippedTo            [8] UTF8String OPTIONAL,
///     delivery             [9] Digest OPTIONAL,
///     deliveredKeys        [10] INTEGER OPTIONAL }    -- absent for 0
///
/// DeviceState ::= ENUMERATED { expected(0), claimed(1), operational(2), manufactured(3), shipped(4), suspended(5), retired(6) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) device: Device,
}

#[derive(Sequence)]
pub(crate) struct WireDevice {
    tenant: String,
    title: OctetString,
    state: WireState,
    model: String,
    batch: String,
    imported_at: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    manufacturer: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    claimed_by: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    factory_superseded_at: Option<i64>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    region: Option<String>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    concentrator: Option<String>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    serial_number: Option<String>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    firmware: Option<String>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    suspended_from: Option<WireState>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    shipped_to: Option<String>,
    #[asn1(context_specific = "9", tag_mode = "EXPLICIT", optional = "true")]
    delivery: Option<OctetString>,
    #[asn1(context_specific = "10", tag_mode = "EXPLICIT", optional = "true")]
    delivered_keys: Option<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(crate) enum WireState {
    Expected = 0,
    Claimed = 1,
    Operational = 2,
    Manufactured = 3,
    Shipped = 4,
    Suspended = 5,
    Retired = 6,
}

impl From<DeviceState> for WireState {
    fn from(state: DeviceState) -> Self {
        match state {
            DeviceState::Expected => Self::Expected,
            DeviceState::Claimed => Self::Claimed,
            DeviceState::Operational => Self::Operational,
            DeviceState::Manufactured => Self::Manufactured,
            DeviceState::Shipped => Self::Shipped,
            DeviceState::Suspended => Self::Suspended,
            DeviceState::Retired => Self::Retired,
        }
    }
}

impl From<WireState> for DeviceState {
    fn from(wire: WireState) -> Self {
        match wire {
            WireState::Expected => Self::Expected,
            WireState::Claimed => Self::Claimed,
            WireState::Operational => Self::Operational,
            WireState::Manufactured => Self::Manufactured,
            WireState::Shipped => Self::Shipped,
            WireState::Suspended => Self::Suspended,
            WireState::Retired => Self::Retired,
        }
    }
}

/// A text that is absent when it is empty.
fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads a text that is absent when it is empty; `None` for one that is there and empty.
fn read_text(text: Option<String>) -> Option<String> {
    match text {
        Some(text) if text.is_empty() => None,
        Some(text) => Some(text),
        None => Some(String::new()),
    }
}

/// Reads the name of a tenant that may be absent but not wrong.
fn read_tenant(name: Option<&str>) -> Option<Option<TenantId>> {
    match name {
        Some(name) => tenant(name).map(Some),
        None => Some(None),
    }
}

/// Reads 32 octets that may be absent but not others.
pub(crate) fn read_digest(octets: Option<&OctetString>) -> Option<Option<[u8; 32]>> {
    match octets {
        Some(octets) => fixed(octets).map(Some),
        None => Some(None),
    }
}

impl Row for DeviceRow {
    type Key = SystemTitle;
    type Wire = WireDevice;
    const KEYSPACE: Keyspace = Keyspace::Devices;

    fn key(title: &Self::Key) -> Vec<u8> {
        title.octets().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireDevice> {
        let device = &self.device;
        let expected = &device.expected;
        Ok(WireDevice {
            tenant: expected.tenant.to_string(),
            title: octets(expected.title.octets())?,
            state: device.state.into(),
            model: expected.model.clone(),
            batch: expected.batch.clone(),
            imported_at: device.imported_at.seconds(),
            manufacturer: expected.manufacturer.as_ref().map(ToString::to_string),
            claimed_by: device.claimed_by.as_ref().map(|key| octets(key)).transpose()?,
            factory_superseded_at: device.factory_superseded_at.map(ca_core::validity::UnixTime::seconds),
            region: expected.region.as_ref().map(ToString::to_string),
            concentrator: expected.concentrator.as_ref().map(ToString::to_string),
            serial_number: text(&expected.serial_number),
            firmware: text(&expected.firmware),
            suspended_from: device.suspended_from.map(WireState::from),
            shipped_to: device.shipped_to.as_ref().map(ToString::to_string),
            delivery: device.delivery.as_ref().map(|digest| octets(digest)).transpose()?,
            delivered_keys: (device.delivered_keys != 0).then_some(device.delivered_keys),
        })
    }

    fn from_wire(wire: WireDevice) -> Option<Self> {
        if wire.delivered_keys == Some(0) {
            return None;
        }
        let device = Device {
            expected: ExpectedDevice {
                tenant: tenant(&wire.tenant)?,
                title: title(&wire.title)?,
                manufacturer: read_tenant(wire.manufacturer.as_deref())?,
                serial_number: read_text(wire.serial_number)?,
                model: wire.model,
                firmware: read_text(wire.firmware)?,
                batch: wire.batch,
                region: read_shard(wire.region.as_deref())?,
                concentrator: read_shard(wire.concentrator.as_deref())?,
            },
            state: wire.state.into(),
            imported_at: time(wire.imported_at),
            claimed_by: read_digest(wire.claimed_by.as_ref())?,
            factory_superseded_at: wire.factory_superseded_at.map(time),
            suspended_from: wire.suspended_from.map(DeviceState::from),
            shipped_to: read_tenant(wire.shipped_to.as_deref())?,
            delivery: read_digest(wire.delivery.as_ref())?,
            delivered_keys: wire.delivered_keys.unwrap_or_default(),
        };
        Some(Self { device })
    }
}

/// ```text
/// TokenRow ::= SEQUENCE {
///     hash       Digest,             -- of the secret
///     tenant     UTF8String,
///     title      OCTET STRING,       -- 8 octets
///     profile    UTF8String,
///     expiresAt  Time,
///     spent      BOOLEAN,
///     spentBy    [0] Id OPTIONAL }   -- the intent or certificate that it was spent for
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRow {
    pub(crate) token: Token,
    pub(crate) spent_by: Option<CertificateId>,
}

#[derive(Sequence)]
pub(crate) struct WireToken {
    hash: OctetString,
    tenant: String,
    title: OctetString,
    profile: String,
    expires_at: i64,
    spent: bool,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    spent_by: Option<WireId>,
}

impl Row for TokenRow {
    type Key = [u8; 32];
    type Wire = WireToken;
    const KEYSPACE: Keyspace = Keyspace::Tokens;

    fn key(hash: &Self::Key) -> Vec<u8> {
        hash.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireToken> {
        Ok(WireToken {
            hash: octets(&self.token.hash)?,
            tenant: self.token.tenant.to_string(),
            title: octets(self.token.title.octets())?,
            profile: self.token.profile.to_string(),
            expires_at: self.token.expires_at.seconds(),
            spent: self.token.spent,
            spent_by: self.spent_by.as_ref().map(WireId::new).transpose()?,
        })
    }

    fn from_wire(wire: WireToken) -> Option<Self> {
        let token = Token {
            hash: fixed(&wire.hash)?,
            tenant: tenant(&wire.tenant)?,
            title: title(&wire.title)?,
            profile: profile(&wire.profile)?,
            expires_at: time(wire.expires_at),
            spent: wire.spent,
        };
        let spent_by = match &wire.spent_by {
            Some(id) => Some(id.id()?),
            None => None,
        };
        Some(Self { token, spent_by })
    }
}
