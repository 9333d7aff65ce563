//! The rows of certificates: intents that are open, and what became of them.

use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::record::{Age, CertificateId, Provenance, Slot};
use ca_core::scope::CrlListing;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use der::asn1::{Null, OctetString};
use der::{Enumerated, Sequence};

use super::{Row, WirePurpose, WireSlot, fixed, octets, profile, read_shard, tenant, time, title};
use crate::keyspace::{Keyspace, id_key};

/// Where a certificate stands, revocation aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(crate) enum CertificateState {
    Intended = 0,
    Issued = 1,
    Aborted = 2,
    Uncertain = 3,
}

/// ```text
/// CertificateRow ::= SEQUENCE {
///     state           ENUMERATED { intended(0), issued(1), aborted(2), uncertain(3) },
///     since           Time,          -- of that state
///     octets          OCTET STRING,  -- issued: the Certificate; otherwise the TBSCertificate of the intent
///     tenant          UTF8String,
///     profile         UTF8String,
///     profileVersion  INTEGER,
///     subject         UTF8String,
///     keyFingerprint  Digest,        -- of the SubjectPublicKeyInfo
///     purpose         Purpose,
///     notBefore       Time,
///     notAfter        Time,
///     recordedAt      Time,
///     slot            [0] Slot OPTIONAL,
///     shard           [1] UTF8String OPTIONAL,   -- of CRLs; never changed
///     onNoCrl         [2] NULL OPTIONAL,         -- short-lived: no CRL lists it, so it has no shard; never changed
///     handedTo        [3] UTF8String OPTIONAL,   -- who was given the private key, where it was made here
///     record          [4] INTEGER OPTIONAL,      -- audit record of the intent; rows of an earlier state have none
///     takenOver       [5] NULL OPTIONAL }        -- issued by another program under the same key; record is that of taking it over
/// ```
///
/// In the keyspace `certificates` the state is never intended(0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateRow {
    pub(crate) state: CertificateState,
    pub(crate) since: UnixTime,
    pub(crate) octets: Vec<u8>,
    pub(crate) tenant: TenantId,
    pub(crate) profile: ProfileId,
    pub(crate) profile_version: u32,
    pub(crate) subject: String,
    pub(crate) key_fingerprint: [u8; 32],
    pub(crate) purpose: KeyPurpose,
    pub(crate) validity: Validity,
    pub(crate) recorded_at: UnixTime,
    pub(crate) record: u64,
    pub(crate) slot: Option<Slot>,
    pub(crate) listing: CrlListing,
    pub(crate) handed_to: Option<String>,
    pub(crate) provenance: Provenance,
}

impl CertificateRow {
    /// Returns how old it is beside others in its slot.
    pub(crate) fn age(&self, id: &CertificateId) -> Age {
        Age { recorded_at: self.recorded_at, record: self.record, id: id.clone() }
    }

    /// Returns the device that the certificate is for, if it is for one.
    pub(crate) fn title(&self) -> Option<SystemTitle> {
        match &self.slot {
            Some(slot) => Some(slot.title),
            None => SystemTitle::parse(&self.subject).ok(),
        }
    }
}

#[derive(Sequence)]
pub(crate) struct WireCertificate {
    state: CertificateState,
    since: i64,
    octets: OctetString,
    tenant: String,
    profile: String,
    profile_version: u32,
    subject: String,
    key_fingerprint: OctetString,
    purpose: WirePurpose,
    not_before: i64,
    not_after: i64,
    recorded_at: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    slot: Option<WireSlot>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    shard: Option<String>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    on_no_crl: Option<Null>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    handed_to: Option<String>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    record: Option<u64>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    taken_over: Option<Null>,
}

impl Row for CertificateRow {
    type Key = CertificateId;
    type Wire = WireCertificate;
    const KEYSPACE: Keyspace = Keyspace::Certificates;

    fn key(key: &Self::Key) -> Vec<u8> {
        id_key(key)
    }

    fn to_wire(&self) -> der::Result<WireCertificate> {
        Ok(WireCertificate {
            state: self.state,
            since: self.since.seconds(),
            octets: octets(&self.octets)?,
            tenant: self.tenant.to_string(),
            profile: self.profile.to_string(),
            profile_version: self.profile_version,
            subject: self.subject.clone(),
            key_fingerprint: octets(&self.key_fingerprint)?,
            purpose: self.purpose.into(),
            not_before: self.validity.not_before().seconds(),
            not_after: self.validity.not_after().seconds(),
            recorded_at: self.recorded_at.seconds(),
            slot: self.slot.as_ref().map(WireSlot::new).transpose()?,
            shard: self.listing.shard().map(ToString::to_string),
            on_no_crl: (!self.listing.is_ever()).then_some(Null),
            handed_to: self.handed_to.clone(),
            record: (self.record > 0).then_some(self.record),
            taken_over: (self.provenance == Provenance::TakenOver).then_some(Null),
        })
    }

    fn from_wire(wire: WireCertificate) -> Option<Self> {
        Some(Self {
            state: wire.state,
            since: time(wire.since),
            octets: wire.octets.into_bytes().into_vec(),
            tenant: tenant(&wire.tenant)?,
            profile: profile(&wire.profile)?,
            profile_version: wire.profile_version,
            subject: wire.subject,
            key_fingerprint: fixed(&wire.key_fingerprint)?,
            purpose: wire.purpose.into(),
            validity: Validity::new(time(wire.not_before), time(wire.not_after))?,
            recorded_at: time(wire.recorded_at),
            record: wire.record.unwrap_or_default(),
            slot: match wire.slot {
                Some(slot) => Some(slot.slot()?),
                None => None,
            },
            listing: match (read_shard(wire.shard.as_deref())?, wire.on_no_crl) {
                (shard, None) => CrlListing::Listed(shard),
                (None, Some(Null)) => CrlListing::Never,
                (Some(_), Some(Null)) => return None,
            },
            handed_to: wire.handed_to,
            provenance: wire.taken_over.map_or(Provenance::Issued, |Null| Provenance::TakenOver),
        })
    }
}

/// ```text
/// IntentRow ::= SEQUENCE {
///     certificate  CertificateRow,            -- state intended(0), since = recordedAt
///     request      [0] Digest OPTIONAL,       -- idempotency key
///     token        [1] Digest OPTIONAL,       -- the one-time token that it spends
///     claim        [2] OCTET STRING OPTIONAL, -- system title of the device that it claims
///     approval     [3] Digest OPTIONAL,       -- the approved request that it answers
///     revokeReplacedAfter [4] INTEGER OPTIONAL, -- seconds until what it replaces is revoked
///     node         [5] INTEGER OPTIONAL }     -- token of the node that recorded it, where several share the ledger
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IntentRow {
    pub(crate) certificate: CertificateRow,
    pub(crate) request: Option<[u8; 32]>,
    pub(crate) token: Option<[u8; 32]>,
    pub(crate) claim: Option<SystemTitle>,
    pub(crate) approval: Option<[u8; 32]>,
    pub(crate) revoke_replaced_after: Option<i64>,
    pub(crate) node: Option<u64>,
}

impl IntentRow {
    /// An intent of which nothing is known but its certificate.
    pub(crate) const fn bare(certificate: CertificateRow) -> Self {
        Self {
            certificate,
            request: None,
            token: None,
            claim: None,
            approval: None,
            revoke_replaced_after: None,
            node: None,
        }
    }
}

#[derive(Sequence)]
pub(crate) struct WireIntent {
    certificate: WireCertificate,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    request: Option<OctetString>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    token: Option<OctetString>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    claim: Option<OctetString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    approval: Option<OctetString>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    revoke_replaced_after: Option<i64>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    node: Option<u64>,
}

impl Row for IntentRow {
    type Key = CertificateId;
    type Wire = WireIntent;
    const KEYSPACE: Keyspace = Keyspace::Open;

    fn key(key: &Self::Key) -> Vec<u8> {
        id_key(key)
    }

    fn to_wire(&self) -> der::Result<WireIntent> {
        Ok(WireIntent {
            certificate: self.certificate.to_wire()?,
            request: self.request.as_ref().map(|key| octets(key)).transpose()?,
            token: self.token.as_ref().map(|hash| octets(hash)).transpose()?,
            claim: self.claim.as_ref().map(|title| octets(title.octets())).transpose()?,
            approval: self.approval.as_ref().map(|digest| octets(digest)).transpose()?,
            revoke_replaced_after: self.revoke_replaced_after,
            node: self.node,
        })
    }

    fn from_wire(wire: WireIntent) -> Option<Self> {
        let certificate = CertificateRow::from_wire(wire.certificate)?;
        (certificate.state == CertificateState::Intended).then_some(Self {
            certificate,
            request: present(wire.request.as_ref(), fixed)?,
            token: present(wire.token.as_ref(), fixed)?,
            claim: present(wire.claim.as_ref(), title)?,
            approval: present(wire.approval.as_ref(), fixed)?,
            revoke_replaced_after: wire.revoke_replaced_after,
            node: wire.node,
        })
    }
}

/// Reads a field that may be absent but not wrong.
fn present<T>(field: Option<&OctetString>, read: impl Fn(&OctetString) -> Option<T>) -> Option<Option<T>> {
    match field {
        Some(octets) => read(octets).map(Some),
        None => Some(None),
    }
}

/// ```text
/// UncertainRow ::= SEQUENCE { since Time }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UncertainRow {
    pub(crate) since: UnixTime,
}

#[derive(Sequence)]
pub(crate) struct WireUncertain {
    since: i64,
}

impl Row for UncertainRow {
    type Key = CertificateId;
    type Wire = WireUncertain;
    const KEYSPACE: Keyspace = Keyspace::Uncertain;

    fn key(key: &Self::Key) -> Vec<u8> {
        id_key(key)
    }

    fn to_wire(&self) -> der::Result<WireUncertain> {
        Ok(WireUncertain { since: self.since.seconds() })
    }

    fn from_wire(wire: WireUncertain) -> Option<Self> {
        Some(Self { since: time(wire.since) })
    }
}
