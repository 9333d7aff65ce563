//! The DER of ledger entries. Decodes exactly what it encodes: other octets with the same meaning are refused.
//!
//! No judgement of what an entry says; that is `book`.

use ca_core::key_ref::KeyRef;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CertificateStatus, Revocation, Settlement, Slot, StoredCertificate};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use der::asn1::{Any, GeneralizedTime, Null, OctetString};
use der::{Choice, DateTime, Decode, Encode, Enumerated, Sequence};

use super::entry::{Entry, IntentRow, IssuedRow, KeptCrl, SettledRow, Step};

/// The one version of the format.
const VERSION: u8 = 1;

/// ```text
/// LedgerEntry ::= SEQUENCE {
///     version  INTEGER { v1(1) },
///     number   INTEGER,                 -- from 1, without gaps
///     previous OCTET STRING,            -- SHA-256 of the DER of the entry before; 32 zero octets in the first
///     records  SEQUENCE OF AuditRecord, -- with a chain of their own
///     step     Step }
/// ```
#[derive(Sequence)]
struct WireEntry {
    version: u8,
    number: u64,
    previous: OctetString,
    records: Vec<Any>,
    step: WireStep,
}

/// ```text
/// Step ::= CHOICE {
///     intents    [0] EXPLICIT SEQUENCE OF Intent,
///     signing    [1] EXPLICIT SEQUENCE OF CertificateName,
///     issued     [2] EXPLICIT SEQUENCE OF Issued,
///     settled    [3] EXPLICIT SEQUENCE OF Settled,
///     event      [4] EXPLICIT NULL,
///     revocation [5] EXPLICIT Revocation,
///     crlIntent  [6] EXPLICIT CrlIntent,
///     crl        [7] EXPLICIT Crl }
/// ```
#[derive(Choice)]
enum WireStep {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Intents(Vec<WireIntent>),
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Signing(Vec<CertificateName>),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Issued(Vec<WireIssued>),
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    Settled(Vec<WireSettled>),
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", constructed = "true")]
    Event(Null),
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", constructed = "true")]
    Revocation(WireRevocation),
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", constructed = "true")]
    CrlIntent(WireCrlIntent),
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", constructed = "true")]
    Crl(WireCrl),
}

/// ```text
/// CertificateName ::= SEQUENCE {
///     issuer OCTET STRING,    -- SHA-1 of the issuing key's point, 20 octets
///     serial OCTET STRING }   -- content octets of the serial number
/// ```
#[derive(Sequence)]
struct CertificateName {
    issuer: OctetString,
    serial: OctetString,
}

/// ```text
/// Intent ::= SEQUENCE {
///     name           CertificateName,
///     tbs            TBSCertificate,
///     tenant         UTF8String,
///     profile        UTF8String,
///     profileVersion INTEGER,
///     subject        UTF8String,
///     keyFingerprint OCTET STRING,              -- SHA-256 of the SubjectPublicKeyInfo
///     purpose        UTF8String,
///     notBefore      GeneralizedTime,
///     notAfter       GeneralizedTime,
///     recordedAt     GeneralizedTime,
///     repeatKey  [0] EXPLICIT OCTET STRING OPTIONAL,
///     slot       [1] EXPLICIT Slot OPTIONAL }
/// ```
#[derive(Sequence)]
struct WireIntent {
    name: CertificateName,
    tbs: Any,
    tenant: String,
    profile: String,
    profile_version: u32,
    subject: String,
    key_fingerprint: OctetString,
    purpose: String,
    not_before: GeneralizedTime,
    not_after: GeneralizedTime,
    recorded_at: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    repeat_key: Option<OctetString>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    slot: Option<WireSlot>,
}

/// ```text
/// Slot ::= SEQUENCE {
///     tenant    UTF8String,
///     title     OCTET STRING,    -- the system title, 8 octets
///     hierarchy UTF8String,
///     purpose   UTF8String }
/// ```
#[derive(Sequence)]
struct WireSlot {
    tenant: String,
    title: OctetString,
    hierarchy: String,
    purpose: String,
}

/// ```text
/// Issued ::= SEQUENCE { name CertificateName, issuedAt GeneralizedTime, certificate Certificate }
/// ```
#[derive(Sequence)]
struct WireIssued {
    name: CertificateName,
    issued_at: GeneralizedTime,
    certificate: Any,
}

/// ```text
/// Settled ::= SEQUENCE { name CertificateName, settlement ENUMERATED { aborted(0), uncertain(1) }, time GeneralizedTime }
/// ```
#[derive(Sequence)]
struct WireSettled {
    name: CertificateName,
    settlement: WireSettlement,
    time: GeneralizedTime,
}

#[derive(Clone, Copy, Enumerated)]
#[repr(u8)]
enum WireSettlement {
    Aborted = 0,
    Uncertain = 1,
}

/// ```text
/// Revocation ::= SEQUENCE {
///     name               CertificateName,
///     time               GeneralizedTime,
///     reason             INTEGER,                              -- as in CRLReason
///     invalidityDate [0] EXPLICIT GeneralizedTime OPTIONAL }
/// ```
#[derive(Sequence)]
struct WireRevocation {
    name: CertificateName,
    time: GeneralizedTime,
    reason: u8,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    invalidity_date: Option<GeneralizedTime>,
}

/// ```text
/// CrlIntent ::= SEQUENCE { issuer OCTET STRING, number INTEGER, thisUpdate GeneralizedTime }
/// ```
#[derive(Sequence)]
struct WireCrlIntent {
    issuer: OctetString,
    number: u64,
    this_update: GeneralizedTime,
}

/// ```text
/// Crl ::= SEQUENCE {
///     issuer     OCTET STRING,
///     number     INTEGER,
///     thisUpdate GeneralizedTime,
///     nextUpdate GeneralizedTime,
///     entries    INTEGER,
///     crl        CertificateList }
/// ```
#[derive(Sequence)]
struct WireCrl {
    issuer: OctetString,
    number: u64,
    this_update: GeneralizedTime,
    next_update: GeneralizedTime,
    entries: u64,
    crl: Any,
}

impl Entry {
    /// Encodes the entry.
    pub(super) fn to_der(&self) -> der::Result<Vec<u8>> {
        WireEntry {
            version: VERSION,
            number: self.number,
            previous: OctetString::new(self.previous)?,
            records: self.records.iter().map(|record| Any::from_der(record)).collect::<der::Result<_>>()?,
            step: self.step.wire()?,
        }
        .to_der()
    }

    /// Decodes an entry.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, DecodeEntryError> {
        let wire = WireEntry::from_der(der)?;
        if wire.version != VERSION {
            return Err(DecodeEntryError::Version { version: wire.version });
        }
        let records = wire.records.iter().map(Encode::to_der).collect::<der::Result<_>>()?;
        let entry = Self {
            number: wire.number,
            previous: octets(&wire.previous, "previous")?,
            records,
            step: Step::from_wire(wire.step)?,
        };
        if entry.to_der()? == der { Ok(entry) } else { Err(DecodeEntryError::Field { name: "step" }) }
    }
}

impl Step {
    fn wire(&self) -> der::Result<WireStep> {
        Ok(match self {
            Self::Intents(intents) => WireStep::Intents(all(intents, WireIntent::new)?),
            Self::Signing(ids) => WireStep::Signing(all(ids, CertificateName::new)?),
            Self::Issued(issued) => WireStep::Issued(all(issued, WireIssued::new)?),
            Self::Settled(settled) => WireStep::Settled(all(settled, WireSettled::new)?),
            Self::Event => WireStep::Event(Null),
            Self::Revocation { id, revocation } => WireStep::Revocation(WireRevocation {
                name: CertificateName::new(id)?,
                time: time(revocation.time)?,
                reason: revocation.reason.number(),
                invalidity_date: revocation.invalidity_date.map(time).transpose()?,
            }),
            Self::CrlIntent { issuer, number, this_update } => WireStep::CrlIntent(WireCrlIntent {
                issuer: OctetString::new(*issuer.octets())?,
                number: *number,
                this_update: time(*this_update)?,
            }),
            Self::Crl(crl) => WireStep::Crl(WireCrl {
                issuer: OctetString::new(*crl.issuer.octets())?,
                number: crl.number,
                this_update: time(crl.this_update)?,
                next_update: time(crl.next_update)?,
                entries: crl.entries,
                crl: Any::from_der(&crl.der)?,
            }),
        })
    }

    fn from_wire(wire: WireStep) -> Result<Self, DecodeEntryError> {
        Ok(match wire {
            WireStep::Intents(intents) => Self::Intents(each(&intents, WireIntent::read)?),
            WireStep::Signing(names) => Self::Signing(each(&names, CertificateName::read)?),
            WireStep::Issued(issued) => Self::Issued(each(&issued, WireIssued::read)?),
            WireStep::Settled(settled) => Self::Settled(each(&settled, WireSettled::read)?),
            WireStep::Event(Null) => Self::Event,
            WireStep::Revocation(wire) => Self::Revocation {
                id: wire.name.read()?,
                revocation: Revocation {
                    time: read_time(wire.time),
                    reason: ReasonCode::from_number(wire.reason)
                        .ok_or(DecodeEntryError::Field { name: "reason" })?,
                    invalidity_date: wire.invalidity_date.map(read_time),
                },
            },
            WireStep::CrlIntent(wire) => Self::CrlIntent {
                issuer: KeyRef::new(octets(&wire.issuer, "issuer")?),
                number: wire.number,
                this_update: read_time(wire.this_update),
            },
            WireStep::Crl(wire) => Self::Crl(KeptCrl {
                issuer: KeyRef::new(octets(&wire.issuer, "issuer")?),
                number: wire.number,
                this_update: read_time(wire.this_update),
                next_update: read_time(wire.next_update),
                entries: wire.entries,
                der: wire.crl.to_der()?,
            }),
        })
    }
}

fn all<T, U>(items: &[T], write: impl Fn(&T) -> der::Result<U>) -> der::Result<Vec<U>> {
    items.iter().map(write).collect()
}

fn each<T, U>(
    items: &[T],
    read: impl Fn(&T) -> Result<U, DecodeEntryError>,
) -> Result<Vec<U>, DecodeEntryError> {
    items.iter().map(read).collect()
}

impl CertificateName {
    fn new(id: &CertificateId) -> der::Result<Self> {
        let issuer = OctetString::new(*id.issuer.octets())?;
        Ok(Self { issuer, serial: OctetString::new(id.serial.octets())? })
    }

    fn read(&self) -> Result<CertificateId, DecodeEntryError> {
        let serial = SerialNumber::from_octets(self.serial.as_bytes())
            .map_err(|_| DecodeEntryError::Field { name: "serial" })?;
        Ok(CertificateId { issuer: KeyRef::new(octets(&self.issuer, "issuer")?), serial })
    }
}

impl WireIntent {
    fn new(intent: &IntentRow) -> der::Result<Self> {
        let row = &intent.row;
        Ok(Self {
            name: CertificateName::new(&row.id)?,
            tbs: Any::from_der(&intent.tbs)?,
            tenant: row.tenant.to_string(),
            profile: row.profile.to_string(),
            profile_version: row.profile_version,
            subject: row.subject.clone(),
            key_fingerprint: OctetString::new(row.key_fingerprint)?,
            purpose: row.purpose.name().to_owned(),
            not_before: time(row.validity.not_before())?,
            not_after: time(row.validity.not_after())?,
            recorded_at: time(row.recorded_at)?,
            repeat_key: intent.idempotency.map(OctetString::new).transpose()?,
            slot: row.slot.as_ref().map(WireSlot::new).transpose()?,
        })
    }

    fn read(&self) -> Result<IntentRow, DecodeEntryError> {
        let row = StoredCertificate {
            id: self.name.read()?,
            certificate: Vec::new(),
            tenant: tenant(&self.tenant)?,
            profile: ProfileId::parse(&self.profile)
                .map_err(|_| DecodeEntryError::Field { name: "profile" })?,
            profile_version: self.profile_version,
            subject: self.subject.clone(),
            key_fingerprint: octets(&self.key_fingerprint, "keyFingerprint")?,
            purpose: purpose(&self.purpose)?,
            validity: Validity::new(read_time(self.not_before), read_time(self.not_after))
                .ok_or(DecodeEntryError::Field { name: "notAfter" })?,
            recorded_at: read_time(self.recorded_at),
            record: 0,
            status: CertificateStatus::Pending,
            slot: self.slot.as_ref().map(WireSlot::read).transpose()?,
            listing: CrlListing::ON_ALL,
            handed_to: None,
            provenance: ca_core::record::Provenance::Issued,
        };
        let idempotency = self.repeat_key.as_ref().map(|key| octets(key, "repeatKey")).transpose()?;
        Ok(IntentRow { row, tbs: self.tbs.to_der()?, idempotency })
    }
}

impl WireSlot {
    fn new(slot: &Slot) -> der::Result<Self> {
        Ok(Self {
            tenant: slot.tenant.to_string(),
            title: OctetString::new(*slot.title.octets())?,
            hierarchy: slot.hierarchy.name().to_owned(),
            purpose: slot.purpose.name().to_owned(),
        })
    }

    fn read(&self) -> Result<Slot, DecodeEntryError> {
        let hierarchy = Hierarchy::ALL.into_iter().find(|(_, name)| *name == self.hierarchy);
        Ok(Slot {
            tenant: tenant(&self.tenant)?,
            title: SystemTitle::new(octets(&self.title, "title")?),
            hierarchy: hierarchy.ok_or(DecodeEntryError::Field { name: "hierarchy" })?.0,
            purpose: purpose(&self.purpose)?,
        })
    }
}

impl WireIssued {
    fn new(issued: &IssuedRow) -> der::Result<Self> {
        Ok(Self {
            name: CertificateName::new(&issued.id)?,
            issued_at: time(issued.issued_at)?,
            certificate: Any::from_der(&issued.certificate)?,
        })
    }

    fn read(&self) -> Result<IssuedRow, DecodeEntryError> {
        Ok(IssuedRow {
            id: self.name.read()?,
            certificate: self.certificate.to_der()?,
            issued_at: read_time(self.issued_at),
        })
    }
}

impl WireSettled {
    fn new(settled: &SettledRow) -> der::Result<Self> {
        Ok(Self {
            name: CertificateName::new(&settled.id)?,
            settlement: match settled.settlement {
                Settlement::Aborted => WireSettlement::Aborted,
                Settlement::Uncertain => WireSettlement::Uncertain,
            },
            time: time(settled.time)?,
        })
    }

    fn read(&self) -> Result<SettledRow, DecodeEntryError> {
        let settlement = match self.settlement {
            WireSettlement::Aborted => Settlement::Aborted,
            WireSettlement::Uncertain => Settlement::Uncertain,
        };
        Ok(SettledRow { id: self.name.read()?, settlement, time: read_time(self.time) })
    }
}

fn octets<const N: usize>(field: &OctetString, name: &'static str) -> Result<[u8; N], DecodeEntryError> {
    field.as_bytes().try_into().map_err(|_| DecodeEntryError::Field { name })
}

fn tenant(text: &str) -> Result<TenantId, DecodeEntryError> {
    TenantId::parse(text).map_err(|_| DecodeEntryError::Field { name: "tenant" })
}

fn purpose(text: &str) -> Result<KeyPurpose, DecodeEntryError> {
    KeyPurpose::ALL
        .into_iter()
        .find(|purpose| purpose.name() == text)
        .ok_or(DecodeEntryError::Field { name: "purpose" })
}

fn time(time: UnixTime) -> der::Result<GeneralizedTime> {
    let seconds = u64::try_from(time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
    let since_1970 = core::time::Duration::from_secs(seconds);
    Ok(GeneralizedTime::from_date_time(DateTime::from_unix_duration(since_1970)?))
}

fn read_time(time: GeneralizedTime) -> UnixTime {
    // A GeneralizedTime ends with the year 9999, long before the seconds run out.
    i64::try_from(time.to_unix_duration().as_secs()).map_or(UnixTime::NO_EXPIRY, UnixTime::from_seconds)
}

/// Why octets are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeEntryError {
    /// Not DER of the structure.
    #[error("it is not DER of a ledger entry: {0}")]
    NotDer(#[from] der::Error),
    /// A later version of the format.
    #[error("it has version {version}, and version 1 is what is known here")]
    Version {
        /// Which.
        version: u8,
    },
    /// A field has a value that is never written.
    #[error("its field {name} has an impossible value")]
    Field {
        /// Its name in the ASN.1 definition.
        name: &'static str,
    },
}
