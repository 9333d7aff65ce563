//! The rows of the registry: devices and one-time tokens.

use ca_core::record::{CertificateId, Device, DeviceState, ExpectedDevice, Token};
use ca_core::system_title::SystemTitle;
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::{Row, WireId, fixed, octets, profile, read_shard, tenant, time, title};
use crate::keyspace::Keyspace;

/// ```text
/// DeviceRow ::= SEQUENCE {
///     tenant               UTF8String,
///     title                OCTET STRING,             -- 8 octets
///     state                ENUMERATED { expected(0), claimed(1), operational(2) },
///     model                UTF8String,
///     batch                UTF8String,
///     importedAt           Time,
///     manufacturer         [0] UTF8String OPTIONAL,
///     claimedBy            [1] Digest OPTIONAL,      -- fingerprint of the factory key
///     factorySupersededAt  [2] Time OPTIONAL,
///     region               [3] UTF8String OPTIONAL,
///     concentrator         [4] UTF8String OPTIONAL }
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
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireState {
    Expected = 0,
    Claimed = 1,
    Operational = 2,
}

impl Row for DeviceRow {
    type Key = SystemTitle;
    type Wire = WireDevice;
    const KEYSPACE: Keyspace = Keyspace::Devices;

    fn key(title: &Self::Key) -> Vec<u8> {
        title.octets().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireDevice> {
        let Device { expected, state, imported_at, claimed_by, factory_superseded_at } = &self.device;
        Ok(WireDevice {
            tenant: expected.tenant.to_string(),
            title: octets(expected.title.octets())?,
            state: match state {
                DeviceState::Expected => WireState::Expected,
                DeviceState::Claimed => WireState::Claimed,
                DeviceState::Operational => WireState::Operational,
            },
            model: expected.model.clone(),
            batch: expected.batch.clone(),
            imported_at: imported_at.seconds(),
            manufacturer: expected.manufacturer.as_ref().map(ToString::to_string),
            claimed_by: claimed_by.as_ref().map(|key| octets(key)).transpose()?,
            factory_superseded_at: factory_superseded_at.map(ca_core::validity::UnixTime::seconds),
            region: expected.region.as_ref().map(ToString::to_string),
            concentrator: expected.concentrator.as_ref().map(ToString::to_string),
        })
    }

    fn from_wire(wire: WireDevice) -> Option<Self> {
        let manufacturer = match &wire.manufacturer {
            Some(name) => Some(tenant(name)?),
            None => None,
        };
        let claimed_by = match &wire.claimed_by {
            Some(key) => Some(fixed(key)?),
            None => None,
        };
        let device = Device {
            expected: ExpectedDevice {
                tenant: tenant(&wire.tenant)?,
                title: title(&wire.title)?,
                manufacturer,
                model: wire.model,
                batch: wire.batch,
                region: read_shard(wire.region.as_deref())?,
                concentrator: read_shard(wire.concentrator.as_deref())?,
            },
            state: match wire.state {
                WireState::Expected => DeviceState::Expected,
                WireState::Claimed => DeviceState::Claimed,
                WireState::Operational => DeviceState::Operational,
            },
            imported_at: time(wire.imported_at),
            claimed_by,
            factory_superseded_at: wire.factory_superseded_at.map(time),
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
