//! The rows of the fleet beside the devices themselves: counts, history, certificates and secrets that came with a device.

use ca_core::profile::KeyPurpose;
use ca_core::record::{
    CertificateId, DeviceCredential, DeviceEventKind, DeviceField, DeviceState, SecretKind, WrappedSecret,
};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::Validity;
use der::Sequence;
use der::asn1::OctetString;

use super::registry::{WireState, read_digest};
use super::{Row, WireId, WirePurpose, fixed, octets, tenant, time};
use crate::keyspace::Keyspace;
use crate::keyspace::fleet::{credential_key, device_count_key, history_key, secret_key};

/// ```text
/// DeviceCountRow ::= SEQUENCE {
///     text    UTF8String,             -- empty where all devices are counted
///     states  SEQUENCE OF INTEGER }   -- seven: manufactured, shipped, expected, claimed, operational, suspended, retired
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceCountRow {
    pub(crate) text: String,
    pub(crate) states: [u64; 7],
}

#[derive(Sequence)]
pub(crate) struct WireDeviceCount {
    text: String,
    states: Vec<u64>,
}

impl Row for DeviceCountRow {
    type Key = (TenantId, Option<DeviceField>, String);
    type Wire = WireDeviceCount;
    const KEYSPACE: Keyspace = Keyspace::DeviceCounts;

    fn key((tenant, field, text): &Self::Key) -> Vec<u8> {
        device_count_key(tenant, *field, text)
    }

    fn to_wire(&self) -> der::Result<WireDeviceCount> {
        Ok(WireDeviceCount { text: self.text.clone(), states: self.states.to_vec() })
    }

    fn from_wire(wire: WireDeviceCount) -> Option<Self> {
        Some(Self { text: wire.text, states: wire.states.try_into().ok()? })
    }
}

/// ```text
/// HistoryRow ::= SEQUENCE {
///     kind         INTEGER,                   -- its place in ca-core's DeviceEventKind::ALL
///     owner        [0] UTF8String OPTIONAL,
///     state        [1] DeviceState OPTIONAL,
///     delivery     [2] Digest OPTIONAL,
///     certificate  [3] Id OPTIONAL }
/// ```
///
/// When it was, and who caused it, the audit record says whose number stands in the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryRow {
    pub(crate) kind: DeviceEventKind,
    pub(crate) owner: Option<TenantId>,
    pub(crate) state: Option<DeviceState>,
    pub(crate) delivery: Option<[u8; 32]>,
    pub(crate) certificate: Option<CertificateId>,
}

#[derive(Sequence)]
pub(crate) struct WireHistory {
    kind: u8,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    owner: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    state: Option<WireState>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    delivery: Option<OctetString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    certificate: Option<WireId>,
}

impl Row for HistoryRow {
    type Key = (SystemTitle, u64);
    type Wire = WireHistory;
    const KEYSPACE: Keyspace = Keyspace::DeviceHistory;

    fn key((title, sequence): &Self::Key) -> Vec<u8> {
        history_key(title, *sequence)
    }

    fn to_wire(&self) -> der::Result<WireHistory> {
        let known = DeviceEventKind::ALL.into_iter().zip(0_u8..);
        let kind =
            known.into_iter().find(|(kind, _)| *kind == self.kind).map_or(u8::MAX, |(_, number)| number);
        Ok(WireHistory {
            kind,
            owner: self.owner.as_ref().map(ToString::to_string),
            state: self.state.map(WireState::from),
            delivery: self.delivery.as_ref().map(|digest| octets(digest)).transpose()?,
            certificate: self.certificate.as_ref().map(WireId::new).transpose()?,
        })
    }

    fn from_wire(wire: WireHistory) -> Option<Self> {
        let owner = match &wire.owner {
            Some(name) => Some(tenant(name)?),
            None => None,
        };
        let certificate = match &wire.certificate {
            Some(id) => Some(id.id()?),
            None => None,
        };
        Some(Self {
            kind: DeviceEventKind::ALL.get(usize::from(wire.kind)).copied()?,
            owner,
            state: wire.state.map(DeviceState::from),
            delivery: read_digest(wire.delivery.as_ref())?,
            certificate,
        })
    }
}

/// ```text
/// CredentialRow ::= SEQUENCE {
///     key          Digest,         -- of the SubjectPublicKeyInfo
///     purpose      Purpose,
///     issuer       UTF8String,     -- its name as it is shown
///     serial       OCTET STRING,   -- content octets of the serial number, 1 to 20
///     notBefore    Time,
///     notAfter     Time,
///     certificate  OCTET STRING }  -- DER
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CredentialRow {
    pub(crate) credential: DeviceCredential,
}

#[derive(Sequence)]
pub(crate) struct WireCredential {
    key: OctetString,
    purpose: WirePurpose,
    issuer: String,
    serial: OctetString,
    not_before: i64,
    not_after: i64,
    certificate: OctetString,
}

impl Row for CredentialRow {
    type Key = (SystemTitle, [u8; 32]);
    type Wire = WireCredential;
    const KEYSPACE: Keyspace = Keyspace::DeviceCredentials;

    fn key((title, key): &Self::Key) -> Vec<u8> {
        credential_key(title, key)
    }

    fn to_wire(&self) -> der::Result<WireCredential> {
        let one = &self.credential;
        Ok(WireCredential {
            key: octets(&one.key_fingerprint)?,
            purpose: one.purpose.into(),
            issuer: one.issuer.clone(),
            serial: octets(one.serial.octets())?,
            not_before: one.validity.not_before().seconds(),
            not_after: one.validity.not_after().seconds(),
            certificate: octets(&one.certificate)?,
        })
    }

    fn from_wire(wire: WireCredential) -> Option<Self> {
        let purpose: KeyPurpose = wire.purpose.into();
        let credential = DeviceCredential {
            key_fingerprint: fixed(&wire.key)?,
            purpose,
            issuer: wire.issuer,
            serial: SerialNumber::from_octets(wire.serial.as_bytes()).ok()?,
            validity: Validity::new(time(wire.not_before), time(wire.not_after))?,
            certificate: wire.certificate.into_bytes().into_vec(),
        };
        Some(Self { credential })
    }
}

/// ```text
/// SecretRow ::= SEQUENCE {
///     kind       INTEGER,          -- its place in ca-core's SecretKind::ALL
///     wrappedBy  UTF8String,       -- the label of the wrapping key
///     octets     OCTET STRING }    -- wrapped: nothing in clear is ever here
/// ```
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretRow {
    pub(crate) secret: WrappedSecret,
}

impl core::fmt::Debug for SecretRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretRow").field("kind", &self.secret.kind).finish_non_exhaustive()
    }
}

#[derive(Sequence)]
pub(crate) struct WireSecret {
    kind: u8,
    wrapped_by: String,
    octets: OctetString,
}

impl Row for SecretRow {
    type Key = (SystemTitle, SecretKind, String);
    type Wire = WireSecret;
    const KEYSPACE: Keyspace = Keyspace::DeviceSecrets;

    fn key((title, kind, wrapped_by): &Self::Key) -> Vec<u8> {
        secret_key(title, *kind, wrapped_by)
    }

    fn to_wire(&self) -> der::Result<WireSecret> {
        let mut known = SecretKind::ALL.into_iter().zip(0_u8..);
        let kind = known.find(|(kind, _)| *kind == self.secret.kind).map_or(u8::MAX, |(_, number)| number);
        Ok(WireSecret {
            kind,
            wrapped_by: self.secret.wrapped_by.clone(),
            octets: octets(&self.secret.octets)?,
        })
    }

    fn from_wire(wire: WireSecret) -> Option<Self> {
        let secret = WrappedSecret {
            kind: SecretKind::ALL.get(usize::from(wire.kind)).copied()?,
            wrapped_by: wire.wrapped_by,
            octets: wire.octets.into_bytes().into_vec(),
        };
        Some(Self { secret })
    }
}
