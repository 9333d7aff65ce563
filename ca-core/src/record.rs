//! What the ledger is asked to keep, and what it tells: intents, certificates, revocations, CRLs, devices, tokens.
//!
//! Values only. How they are written down is the ledger's own affair; which of them may follow which is decided by the
//! verbs (issuance, revocation, crl) and, where two requests race, by the ledger inside its transaction.

mod call;
mod delivery;
mod device;
mod fleet;
mod handover;
mod hold;
mod import;
mod order;
mod production;
mod profile_version;
mod shut_out;
mod taken_over;
mod transaction;
mod visit;
mod waiting;

use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::octets::Octets;
use crate::profile::{Hierarchy, KeyPurpose, ProfileId};
use crate::scope::{CrlKind, CrlLine, CrlListing, CrlScope};
use crate::serial_number::SerialNumber;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::{UnixTime, Validity};
pub use call::{Call, CallAnswer, CallStanding};
pub use delivery::{DeliveredDevice, SecretKind, WrappedSecret};
pub use device::{
    Cause, Device, DeviceAct, DeviceField, DeviceState, ExpectedDevice, IllegalTransition, ImportOutcome,
    OutOfUse,
};
pub use fleet::{
    ChangeOutcome, ChangeRefusal, DeviceChange, DeviceCount, DeviceCredential, DeviceEvent, DeviceEventKind,
    DeviceQuery, FoundDevices, TITLES_IN_A_RECORD, detail_naming, titles_named,
};
pub use handover::Handover;
pub use hold::{ReleaseOutcome, ReleaseRecord, Revocation};
pub use import::{
    CheckedDevice, CountRule, DEVICES_IN_A_PART, DeliveredRefusal, Delivery, DeliveryConflict, DeliveryPart,
    DeliverySource, PartOutcome, RefusedDevice,
};
pub use order::{
    Change, OrderAct, OrderConflict, OrderDecision, OrderProgress, OrderQuery, OrderStanding, OrderStep,
    OrderedChange, RevocationOrder,
};
pub use production::{
    OrderedCertificate, OrderedTitles, ParseProductionIdError, ProducedCertificate, ProducedDevice,
    ProductionConflict, ProductionCount, ProductionEnd, ProductionId, ProductionOf, ProductionOrder,
    ProductionQuery, ProductionRefusal, ProductionState, ScrapRecord, Scrapped,
};
pub use profile_version::{ProfileKind, ProfileStatement, ProfileVersion, ProfilesInForce};
pub use shut_out::{BlockedKey, ScheduledRevocation, Unblock, UnblockConflict, Unblocked};
pub use taken_over::{Provenance, TakeOverConflict, TakeOverOutcome, TakenOverCertificate};
pub use transaction::{
    Conclusion, Opened, Outcome, Stage, Transaction, TransactionAnswer, TransactionBounds,
    TransactionConflict,
};
pub use visit::{ParseVisitIdError, VisitId, VisitOf, VisitRefusal};
pub use waiting::{
    ApprovalCondition, Awaiting, Decision, DecisionConflict, Mark, Standing, Verdict, WaitingBounds,
    WaitingQuery, WaitingRequest,
};

/// Which certificate: the issuing key and the serial number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId {
    /// The key that signs or signed it.
    pub issuer: KeyRef,
    /// Its serial number.
    pub serial: SerialNumber,
}

/// The place that one certificate at a time may hold: one device, one purpose, one hierarchy, one owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Whose certificate it is.
    pub tenant: TenantId,
    /// The device.
    pub title: SystemTitle,
    /// Factory, operational or maintenance.
    pub hierarchy: Hierarchy,
    /// Signature, key agreement or TLS.
    pub purpose: KeyPurpose,
}

/// What an intent may do to a slot that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotUse {
    /// The slot must be free, or its certificate revoked for good or expired.
    First,
    /// The certificate in the slot is replaced (re-enrolment).
    Rotation,
}

/// "The same request again": the key, and since when an earlier answer still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// SHA-256 over issuer, profile, requester and request.
    pub key: [u8; 32],
    /// Answers recorded before this time are outside the window.
    pub since: UnixTime,
    /// What such an answer still counts.
    pub after: AfterWindow,
}

/// What becomes of a request that was answered before its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterWindow {
    /// It is a request like any other: slot, key and token decide.
    #[default]
    New,
    /// It gets the certificate again while that is valid and not revoked.
    ReturnExisting,
    /// It is refused while that certificate is valid.
    Refuse,
}

/// A device claims its place at its owner by its factory key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceClaim {
    /// The owner on whose list the device must stand.
    pub tenant: TenantId,
    /// The device.
    pub title: SystemTitle,
    /// Fingerprint of the factory key that authenticates the claim.
    pub factory_key: [u8; 32],
    /// How long after the first operational certificate the factory key still opens the door; not at all for 0.
    pub grace_seconds: i64,
}

/// What must hold, decided atomically with recording the intent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// The transaction that the certificate answers, which must be open still. Decided first.
    pub transaction: Option<[u8; 32]>,
    /// An earlier answer to the same request is given again.
    pub idempotency: Option<Idempotency>,
    /// The slot the certificate will hold.
    pub slot: Option<(Slot, SlotUse)>,
    /// The certificate to be replaced, which must be current still: not revoked, and nothing younger in the slot.
    pub successor_of: Option<CertificateId>,
    /// The one-time token that is spent: SHA-256 of the secret.
    pub token: Option<[u8; 32]>,
    /// The claim that is made.
    pub claim: Option<DeviceClaim>,
    /// How long after it is issued what it replaces in its slot is revoked, in seconds; `None` for never.
    pub revoke_replaced_after: Option<i64>,
    /// The requester is given the private key too. What he was given so a short time ago and did not receive is superseded.
    pub handover: Option<Box<Handover>>,
    /// The certificate that the requester showed: with that it is in use, and a swap that waits for it goes on.
    pub shown: Option<CertificateId>,
    /// The production order under which it is asked for: the device has a place there, or takes one.
    pub production: Option<ProductionOf>,
    /// The visit on which it is asked for: whose it is, and how long it lasts.
    pub visit: Option<VisitOf>,
    /// The approval that it needs. Decided after what stands above: a request that stands against anything else does not wait.
    pub approval: Option<Box<ApprovalCondition>>,
    /// The key that would sign is known to be away. Decided after everything else: what was answered before is answered again, and
    /// nothing else is recorded, so that no serial number is burned.
    pub key_is_away: bool,
}

/// T1: everything that is durable before the signer sees anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Which certificate it will be.
    pub id: CertificateId,
    /// The to-be-signed octets, exactly.
    pub tbs: Vec<u8>,
    /// Whose certificate it will be.
    pub tenant: TenantId,
    /// The profile it was drafted under.
    pub profile: ProfileId,
    /// That profile's version.
    pub profile_version: u32,
    /// The subject as it is shown: the system title for devices, the distinguished name otherwise.
    pub subject: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// The purpose of the key.
    pub purpose: KeyPurpose,
    /// The period it will be valid.
    pub validity: Validity,
    /// Which CRLs will list it if it is revoked, fixed now and for ever.
    pub listing: CrlListing,
    /// The one sample of the clock that this request took.
    pub recorded_at: UnixTime,
    /// What must hold.
    pub conditions: Conditions,
    /// The audit event `IntentRecorded`, in the same transaction.
    pub event: AuditEvent,
}

/// Why the ledger did not record an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentConflict {
    /// The serial number was used before, be it by a burned intent.
    SerialTaken,
    /// The transaction that the certificate would answer is over.
    TransactionOver,
    /// The same request was answered: here is the answer.
    AlreadyIssued(Box<StoredCertificate>),
    /// The same request is being answered at this moment.
    InFlight,
    /// The same request was answered, and its window is over.
    WindowOver,
    /// The request waits for the approval of operators; that it does is on record.
    AwaitsApproval(Awaiting),
    /// An operator refused the request.
    ApprovalRefused,
    /// Too many requests of this requester, or of its tenant, wait already.
    TooManyWaiting,
    /// The key is certified for another subject or purpose.
    KeyCertifiedElsewhere {
        /// For which subject.
        subject: String,
        /// For which purpose.
        purpose: KeyPurpose,
    },
    /// The key was reported compromised.
    KeyBlocked,
    /// The slot holds a valid certificate, or one on hold.
    SlotTaken {
        /// That certificate.
        holder: CertificateId,
    },
    /// The certificate to be replaced was replaced or revoked by another request meanwhile.
    Overtaken,
    /// The one-time token is not known or has expired.
    TokenUnknown,
    /// The one-time token was spent.
    TokenSpent,
    /// The device is not on the owner's list.
    DeviceNotExpected,
    /// The device was claimed by another key.
    DeviceClaimedByOther,
    /// The factory key is none of those that were delivered with the device.
    DeviceKeyNotDelivered,
    /// The device is suspended or retired.
    DeviceOutOfUse(OutOfUse),
    /// The device's factory certificates no longer open the door.
    FactorySuperseded {
        /// Since when they are superseded.
        since: UnixTime,
    },
    /// It is not issued under a production order.
    Production(ProductionRefusal),
    /// It is not issued on a visit.
    Visit(VisitRefusal),
    /// Nothing stands against it, but nobody could sign it now.
    KeyAway,
}

/// T2: the signed and verified certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedRecord {
    /// Which certificate.
    pub id: CertificateId,
    /// Its DER octets.
    pub certificate: Vec<u8>,
    /// When the signature was made, by the request's one clock sample.
    pub issued_at: UnixTime,
    /// The audit event `CertificateIssued`, in the same transaction.
    pub event: AuditEvent,
}

/// How an intent ends that does not become a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The signer was not asked, or said that it did not sign: the serial number is burned.
    Aborted,
    /// Nobody knows whether a signature exists: never signed again, revoked after the grace time.
    Uncertain,
}

/// A revocation to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// Which certificate.
    pub id: CertificateId,
    /// The revocation.
    pub revocation: Revocation,
    /// The audit event `CertificateHeld` or `CertificateRevoked`, in the same transaction.
    pub event: AuditEvent,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationOutcome {
    /// Recorded.
    Recorded {
        /// The number of its audit record.
        sequence: u64,
        /// As it stands on record.
        revocation: Revocation,
    },
    /// No such certificate or intent, or, where it was to be put on hold, no such certificate.
    NotIssued,
    /// It was revoked before, or is on hold already; nothing changed.
    AlreadyRevoked(Revocation),
}

/// What the ledger knows of a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// The serial number was never used.
    NeverIssued,
    /// Recorded as an intent; nothing was delivered.
    Pending,
    /// Burned: the intent was aborted before signing.
    Aborted,
    /// Burned: the outcome of signing is unknown.
    Uncertain {
        /// Since when.
        since: UnixTime,
    },
    /// Issued and not revoked (expired or not).
    Good,
    /// Revoked, for good or on hold.
    Revoked(Revocation),
}

/// A status by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusKind {
    /// Recorded as an intent.
    Pending,
    /// Burned before signing.
    Aborted,
    /// Burned: the outcome of signing is unknown, and it is not revoked yet.
    Uncertain,
    /// Issued and not revoked.
    Good,
    /// On hold.
    OnHold,
    /// Revoked for good.
    Revoked,
}

impl StatusKind {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Aborted => "aborted",
            Self::Uncertain => "uncertain",
            Self::Good => "good",
            Self::OnHold => "on-hold",
            Self::Revoked => "revoked",
        }
    }
}

impl CertificateStatus {
    /// Returns its name, if there is anything to be named.
    #[must_use]
    pub fn kind(&self) -> Option<StatusKind> {
        match self {
            Self::NeverIssued => None,
            Self::Pending => Some(StatusKind::Pending),
            Self::Aborted => Some(StatusKind::Aborted),
            Self::Uncertain { .. } => Some(StatusKind::Uncertain),
            Self::Good => Some(StatusKind::Good),
            Self::Revoked(revocation) if revocation.is_hold() => Some(StatusKind::OnHold),
            Self::Revoked(_) => Some(StatusKind::Revoked),
        }
    }
}

/// A certificate as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Which certificate.
    pub id: CertificateId,
    /// DER octets; empty while it is an intent.
    pub certificate: Vec<u8>,
    /// Whose it is.
    pub tenant: TenantId,
    /// The profile it was issued under.
    pub profile: ProfileId,
    /// That profile's version.
    pub profile_version: u32,
    /// The subject as it is shown.
    pub subject: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// The purpose of the key.
    pub purpose: KeyPurpose,
    /// The period it is valid.
    pub validity: Validity,
    /// When it was recorded.
    pub recorded_at: UnixTime,
    /// The number of the audit record of its intent; 0 where none is known.
    pub record: u64,
    /// Its status.
    pub status: CertificateStatus,
    /// The slot it holds or held.
    pub slot: Option<Slot>,
    /// Which CRLs list it when it is revoked.
    pub listing: CrlListing,
    /// Who was given its private key, where that was made here and is kept nowhere.
    pub handed_to: Option<String>,
    /// Whether it was issued here.
    pub provenance: Provenance,
}

/// How old a certificate is beside others: the younger, the greater. Two of one second are told apart by their audit records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// When it was recorded.
    pub recorded_at: UnixTime,
    /// The number of the audit record of its intent.
    pub record: u64,
    /// What is left to tell apart where no record is known.
    pub id: CertificateId,
}

impl StoredCertificate {
    /// Returns where it stands among the certificates of one slot: the younger, the greater. Never the same for two.
    #[must_use]
    pub fn age(&self) -> Age {
        Age { recorded_at: self.recorded_at, record: self.record, id: self.id.clone() }
    }
}

/// Which certificates to list, in the order of issuing key and serial number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this issuing key.
    pub issuer: Option<KeyRef>,
    /// Only of this device.
    pub title: Option<SystemTitle>,
    /// Only the one that answers this request, by its idempotency key.
    pub request: Option<[u8; 32]>,
    /// Only those of this status.
    pub status: Option<StatusKind>,
    /// Only those that come after this one.
    pub after: Option<CertificateId>,
    /// At most so many.
    pub limit: usize,
}

/// An entry of a CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedEntry {
    /// The serial number.
    pub serial: SerialNumber,
    /// When and why.
    pub revocation: Revocation,
    /// Until when the certificate is or was valid.
    pub not_after: UnixTime,
}

/// Something that changed in what the CRLs of a scope list: a revocation, a hold, a hold made final, a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlChange {
    /// The number of its audit record.
    pub sequence: u64,
    /// Which certificate.
    pub serial: SerialNumber,
    /// How it is listed now; `None` when it was released.
    pub entry: Option<RevokedEntry>,
}

/// What changed in a scope, as of one point in time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CrlChanges {
    /// The number of the last audit record of that point, 0 where changes are not kept.
    pub seen: u64,
    /// The changes asked for, in the order of their audit records.
    pub changes: Vec<CrlChange>,
}

/// A CRL that is about to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlIntent {
    /// The signing key.
    pub issuer: KeyRef,
    /// Of what it speaks; all CRLs of a scope count their numbers together.
    pub scope: CrlScope,
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// The audit event `CrlIntended`, in the same transaction.
    pub event: AuditEvent,
}

/// Another CRL has this number or a higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlNumberTaken {
    /// The highest number recorded.
    pub last: u64,
}

/// A CRL that was signed and verified.
#[derive(Debug, Clone, PartialEq)]
pub struct CrlRecord {
    /// The signing key.
    pub issuer: KeyRef,
    /// Of what it speaks.
    pub scope: CrlScope,
    /// The number of the complete CRL that it is a delta to; `None` for a complete one.
    pub base: Option<u64>,
    /// The number of the last audit record whose change it has seen; 0 when that is not known.
    pub seen: u64,
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
    /// How many entries it has.
    pub entries: u64,
    /// Its DER octets, wherever they are kept.
    pub der: Octets,
}

impl CrlRecord {
    /// Returns the line of CRLs that it stands in.
    #[must_use]
    pub fn line(&self) -> CrlLine {
        let complete = CrlLine::complete(self.issuer, self.scope.clone());
        if self.base.is_none() { complete } else { CrlLine { kind: CrlKind::Delta, ..complete } }
    }
}

/// A one-time token: whoever shows its secret may enrol this device once under these profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the secret; the secret itself is nowhere.
    pub hash: [u8; 32],
    /// Whose device it is for.
    pub tenant: TenantId,
    /// The device.
    pub title: SystemTitle,
    /// The one profile it opens.
    pub profile: ProfileId,
    /// Until when.
    pub expires_at: UnixTime,
    /// Whether it was spent.
    pub spent: bool,
}
