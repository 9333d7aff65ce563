//! The audit record: what was done or refused, by whom, to which object; and below it what binds the records.
//!
//! A record is written in the same transaction as the act it tells of: the ledger seals events with [`AuditTrail`] inside
//! its commit. Nothing here stores anything. Records are DER, so that any ASN.1 tool can read them without us.

use core::fmt;

use der::asn1::{GeneralizedTime, OctetString};
use der::{DateTime, Decode, Encode, Enumerated, Sequence};

use crate::key_ref::KeyRef;
use crate::serial_number::SerialNumber;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

pub mod proof;
mod trail;
pub mod tree;

pub use trail::{AuditTrail, BrokenTrail, SealedRecord};

/// What an audit record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enumerated)]
#[repr(u8)]
pub enum Act {
    /// An intent to sign a certificate was recorded (T1).
    IntentRecorded = 0,
    /// A certificate was signed, verified and stored (T2).
    CertificateIssued = 1,
    /// An intent ended before the signer was asked; its serial number is burned.
    IntentAborted = 2,
    /// The outcome of a signing call is unknown; the serial number is burned and will be revoked.
    IntentUncertain = 3,
    /// A request was refused; the reason code says why.
    RequestRefused = 4,
    /// A certificate was revoked for good, be it from hold.
    CertificateRevoked = 5,
    /// An intent to sign a CRL was recorded.
    CrlIntended = 6,
    /// A CRL was signed, verified and stored.
    CrlIssued = 7,
    /// Expected devices were imported.
    DevicesImported = 8,
    /// A one-time token was made.
    TokenIssued = 9,
    /// A device was claimed for its owner by its factory key.
    DeviceClaimed = 10,
    /// A device's factory certificates no longer open the door.
    FactorySuperseded = 11,
    /// The ledger was opened and recovered.
    LedgerOpened = 12,
    /// A certification authority was added to the ledger.
    AuthorityRegistered = 13,
    /// A caller failed to prove who it is.
    AuthenticationFailed = 14,
    /// The clock was found to have jumped since the record before.
    ClockChanged = 15,
    /// A private key is to be destroyed; nothing is signed with it any more.
    KeyDestructionIntended = 16,
    /// A private key was destroyed, and found to be gone.
    KeyDestroyed = 17,
    /// A certification authority was closed: it has signed its last CRL.
    AuthorityClosed = 18,
    /// A backup of the ledger was made.
    BackupCreated = 20,
    /// The ledger was restored or found to be behind its exported log; nothing was issued from then on.
    RecoveryEntered = 21,
    /// Recovery was ended by an operator under a new epoch.
    RecoveryEnded = 22,
    /// The wrap key of a root's key files was shared among people.
    SharesDealt = 30,
    /// A request began to wait for the approval of operators.
    RequestWaits = 40,
    /// An operator approved a request that waits.
    RequestApproved = 41,
    /// An operator refused a request that waited.
    ApprovalRefused = 42,
    /// The holder of a certificate confirmed that it is the right one.
    CertificateConfirmed = 50,
    /// The holder of a certificate refused it.
    CertificateRefused = 51,
    /// The time of a transaction was over; what was not confirmed in it is revoked.
    TransactionLapsed = 52,
    /// A certificate was put on hold.
    CertificateHeld = 60,
    /// A certificate was released from hold, and is good again.
    CertificateReleased = 61,
    /// An operator asked for an order to revoke or release many certificates.
    OrderRequested = 70,
    /// Another operator approved it.
    OrderApproved = 71,
    /// It was refused or withdrawn.
    OrderRefused = 72,
    /// It was carried out.
    OrderFinished = 73,
    /// A revocation was put on record that is due later.
    RevocationScheduled = 74,
    /// It was taken back before it was due, or its ground was gone.
    ScheduleCancelled = 75,
    /// Nobody is let in any more by certificates below this key.
    TrustBlocked = 76,
    /// An operator asked for it to be let in again.
    UnblockRequested = 77,
    /// It is let in again.
    TrustUnblocked = 78,
    /// A token, or the signer in another process, failed; nothing is asked of it until it works again.
    SignerFailed = 80,
    /// It works again.
    SignerRecovered = 81,
    /// Devices were sent to an owner by their maker.
    DevicesShipped = 90,
    /// Devices were suspended: they get no certificate, and none is renewed.
    DevicesSuspended = 91,
    /// Devices were put back where they stood before they were suspended.
    DevicesResumed = 92,
    /// Devices were retired for good.
    DevicesRetired = 93,
    /// Devices passed from one owner to another.
    DevicesMoved = 94,
    /// The import of a delivery began.
    DeliveryOpened = 95,
    /// A part of a delivery was taken in.
    DeliveryPartTaken = 96,
    /// The import of a delivery ended.
    DeliveryClosed = 97,
    /// The wrapped secrets of a device were given out.
    SecretsExported = 98,
    /// Devices were put on record by their maker.
    DevicesMade = 99,
    /// An operator asked for a campaign.
    CampaignRequested = 100,
    /// Another operator approved it.
    CampaignApproved = 101,
    /// It was refused or withdrawn before it began.
    CampaignRefused = 102,
    /// No device is begun for now.
    CampaignPaused = 103,
    /// It goes on.
    CampaignResumed = 104,
    /// It was given up: what is under way is finished or undone.
    CampaignAbandoned = 105,
    /// The next wave of it began.
    CampaignWave = 106,
    /// Every device of it is over.
    CampaignFinished = 107,
    /// A device was begun.
    SwapBegun = 108,
    /// The swap of a certificate came to another step.
    SwapStepped = 109,
    /// A person has to look at it.
    SwapStuck = 110,
    /// It was given up; the device is as it was.
    SwapUndone = 111,
    /// Every wanted certificate of a device is in use.
    DeviceSwapped = 112,
    /// Calls were given to a head-end.
    WorkGiven = 113,
    /// What a meter was found to hold is not what is on record for it.
    ReconciliationDiffered = 114,
    /// A production order was opened.
    ProductionOpened = 120,
    /// It was closed: the line is done with it.
    ProductionClosed = 121,
    /// It was cancelled.
    ProductionCancelled = 122,
    /// A device was scrapped: its certificates are revoked, and its place in the order is free again.
    DeviceScrapped = 123,
    /// A person was put on record.
    PersonAdded = 130,
    /// A person was granted a role.
    RoleGranted = 131,
    /// A role was withdrawn.
    RoleWithdrawn = 132,
    /// A person got a credential.
    CredentialAdded = 133,
    /// A credential was taken away.
    CredentialRemoved = 134,
    /// A person was removed.
    PersonRemoved = 135,
    /// An approval lost its force: who gave it may not approve any more.
    ApprovalVoided = 136,
    /// A visit was opened.
    VisitOpened = 137,
    /// It was changed: nobody approved what it is now.
    VisitAmended = 138,
    /// Somebody approved it.
    VisitApproved = 139,
    /// Somebody refused it.
    VisitRefused = 140,
    /// It was ended, or its time is over.
    VisitEnded = 141,
    /// A technician was given what he takes along.
    VisitBundled = 142,
    /// What he brought back was checked.
    ReceiptsChecked = 143,
    /// Somebody asked for a change of a person, which waits for the word of another.
    PersonChangeAsked = 144,
    /// A node that shared the ledger is gone, and what it had open was ended.
    NodeGone = 145,
    /// A certificate that another program issued under this key was taken over into the record.
    CertificateTakenOver = 147,
    /// The CRL numbers that another program gave under this key were taken over: none of them is given again.
    CrlNumbersTakenOver = 148,
    /// The ledger was moved into a database, where it goes on behind this record.
    LedgerMoved = 154,
    /// An operator has the server ask the offline root for an authority: what follows is a key, and a request.
    CeremonyRequestBegun = 155,
    /// The request was made, and is open.
    CeremonyRequestMade = 156,
    /// The response to an open request was taken in by the server.
    CeremonyResponseTakenIn = 157,
    /// A server began to serve with profiles that say something else than those before.
    ProfilesInForce = 158,
    /// Somebody asked for a role in an emergency.
    BreakGlassAsked = 150,
    /// Another agreed: from now on it counts.
    BreakGlassOpened = 151,
    /// It ended, by itself or by an act.
    BreakGlassEnded = 152,
    /// Somebody who had no part in it looked at it.
    BreakGlassReviewed = 153,
}

impl Act {
    /// Tells whether a record of it names a certificate by the SHA-256 of its octets, which are kept beside the record.
    #[must_use]
    pub fn brings_certificate(self) -> bool {
        self == Self::CertificateIssued || self == Self::CertificateTakenOver
    }

    /// Returns the word that listings and searches use.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a line for each act")]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IntentRecorded => "intent-recorded",
            Self::CertificateIssued => "certificate-issued",
            Self::IntentAborted => "intent-aborted",
            Self::IntentUncertain => "intent-uncertain",
            Self::RequestRefused => "request-refused",
            Self::CertificateRevoked => "certificate-revoked",
            Self::CrlIntended => "crl-intended",
            Self::CrlIssued => "crl-issued",
            Self::DevicesImported => "devices-imported",
            Self::TokenIssued => "token-issued",
            Self::DeviceClaimed => "device-claimed",
            Self::FactorySuperseded => "factory-superseded",
            Self::LedgerOpened => "ledger-opened",
            Self::AuthorityRegistered => "authority-registered",
            Self::AuthenticationFailed => "authentication-failed",
            Self::ClockChanged => "clock-changed",
            Self::KeyDestructionIntended => "key-destruction-intended",
            Self::KeyDestroyed => "key-destroyed",
            Self::AuthorityClosed => "authority-closed",
            Self::BackupCreated => "backup-created",
            Self::RecoveryEntered => "recovery-entered",
            Self::RecoveryEnded => "recovery-ended",
            Self::SharesDealt => "shares-dealt",
            Self::RequestWaits => "request-waits",
            Self::RequestApproved => "request-approved",
            Self::ApprovalRefused => "approval-refused",
            Self::CertificateConfirmed => "certificate-confirmed",
            Self::CertificateRefused => "certificate-refused",
            Self::TransactionLapsed => "transaction-lapsed",
            Self::CertificateHeld => "certificate-held",
            Self::CertificateReleased => "certificate-released",
            Self::OrderRequested => "order-requested",
            Self::OrderApproved => "order-approved",
            Self::OrderRefused => "order-refused",
            Self::OrderFinished => "order-finished",
            Self::RevocationScheduled => "revocation-scheduled",
            Self::ScheduleCancelled => "schedule-cancelled",
            Self::TrustBlocked => "trust-blocked",
            Self::UnblockRequested => "unblock-requested",
            Self::TrustUnblocked => "trust-unblocked",
            Self::SignerFailed => "signer-failed",
            Self::SignerRecovered => "signer-recovered",
            Self::DevicesShipped => "devices-shipped",
            Self::DevicesSuspended => "devices-suspended",
            Self::DevicesResumed => "devices-resumed",
            Self::DevicesRetired => "devices-retired",
            Self::DevicesMoved => "devices-moved",
            Self::DeliveryOpened => "delivery-opened",
            Self::DeliveryPartTaken => "delivery-part-taken",
            Self::DeliveryClosed => "delivery-closed",
            Self::SecretsExported => "secrets-exported",
            Self::DevicesMade => "devices-made",
            Self::CampaignRequested => "campaign-requested",
            Self::CampaignApproved => "campaign-approved",
            Self::CampaignRefused => "campaign-refused",
            Self::CampaignPaused => "campaign-paused",
            Self::CampaignResumed => "campaign-resumed",
            Self::CampaignAbandoned => "campaign-abandoned",
            Self::CampaignWave => "campaign-wave",
            Self::CampaignFinished => "campaign-finished",
            Self::SwapBegun => "swap-begun",
            Self::SwapStepped => "swap-stepped",
            Self::SwapStuck => "swap-stuck",
            Self::SwapUndone => "swap-undone",
            Self::DeviceSwapped => "device-swapped",
            Self::WorkGiven => "work-given",
            Self::ReconciliationDiffered => "reconciliation-differed",
            Self::ProductionOpened => "production-opened",
            Self::ProductionClosed => "production-closed",
            Self::ProductionCancelled => "production-cancelled",
            Self::DeviceScrapped => "device-scrapped",
            Self::PersonAdded => "person-added",
            Self::RoleGranted => "role-granted",
            Self::RoleWithdrawn => "role-withdrawn",
            Self::CredentialAdded => "credential-added",
            Self::CredentialRemoved => "credential-removed",
            Self::PersonRemoved => "person-removed",
            Self::ApprovalVoided => "approval-voided",
            Self::VisitOpened => "visit-opened",
            Self::VisitAmended => "visit-amended",
            Self::VisitApproved => "visit-approved",
            Self::VisitRefused => "visit-refused",
            Self::VisitEnded => "visit-ended",
            Self::VisitBundled => "visit-bundled",
            Self::ReceiptsChecked => "receipts-checked",
            Self::PersonChangeAsked => "person-change-asked",
            Self::NodeGone => "node-gone",
            Self::CertificateTakenOver => "certificate-taken-over",
            Self::CrlNumbersTakenOver => "crl-numbers-taken-over",
            Self::LedgerMoved => "ledger-moved",
            Self::CeremonyRequestBegun => "ceremony-request-begun",
            Self::CeremonyRequestMade => "ceremony-request-made",
            Self::CeremonyResponseTakenIn => "ceremony-response-taken-in",
            Self::ProfilesInForce => "profiles-in-force",
            Self::BreakGlassAsked => "break-glass-asked",
            Self::BreakGlassOpened => "break-glass-opened",
            Self::BreakGlassEnded => "break-glass-ended",
            Self::BreakGlassReviewed => "break-glass-reviewed",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that was done or refused, not yet numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When, by the one clock sample of the request.
    pub time: UnixTime,
    /// Whose object it is.
    pub tenant: TenantId,
    /// Who did it or asked for it, as [`Actor`](crate::actor::Actor) prints itself.
    pub actor: String,
    /// What it was.
    pub act: Act,
    /// The issuing key concerned, if any.
    pub issuer: Option<KeyRef>,
    /// The serial number concerned, if any.
    pub serial: Option<SerialNumber>,
    /// The stable reason code of a refusal or revocation; empty otherwise.
    pub reason: String,
    /// What a reader needs besides: system title, profile and version, counts. Never a secret.
    pub detail: String,
    /// SHA-256 of the octets concerned (request, TBS, certificate, CRL); 32 octets or empty.
    pub digest: Vec<u8>,
}

/// ```text
/// AuditRecord ::= SEQUENCE {
///     sequence  INTEGER,            -- from 1, without gaps
///     previous  OCTET STRING,       -- SHA-256 of the DER of the record before; 32 zero octets in the first
///     time      GeneralizedTime,
///     tenant    UTF8String,
///     actor     UTF8String,
///     act       ENUMERATED,
///     issuer    OCTET STRING,       -- 20 octets, or empty
///     serial    OCTET STRING,       -- up to 20 octets, or empty
///     reason    UTF8String,
///     detail    UTF8String,
///     digest    OCTET STRING }      -- 32 octets, or empty
/// ```
#[derive(Sequence)]
struct WireRecord {
    sequence: u64,
    previous: OctetString,
    time: GeneralizedTime,
    tenant: String,
    actor: String,
    act: Act,
    issuer: OctetString,
    serial: OctetString,
    reason: String,
    detail: String,
    digest: OctetString,
}

/// An audit event with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number, from 1, without gaps.
    pub sequence: u64,
    /// SHA-256 of the record before it: 32 octets.
    pub previous: [u8; 32],
    /// What it tells of.
    pub event: AuditEvent,
}

impl AuditRecord {
    /// Encodes the record as DER.
    ///
    /// # Errors
    /// [`AuditCodecError::Encode`] for a time outside 1970–9999 or a text of more than 256 MiB.
    pub fn to_der(&self) -> Result<Vec<u8>, AuditCodecError> {
        self.wire().and_then(|wire| wire.to_der()).map_err(|cause| AuditCodecError::Encode { cause })
    }

    fn wire(&self) -> der::Result<WireRecord> {
        let event = &self.event;
        let seconds = u64::try_from(event.time.seconds()).map_err(|_| der::ErrorKind::DateTime)?;
        let since_1970 = core::time::Duration::from_secs(seconds);
        Ok(WireRecord {
            sequence: self.sequence,
            previous: OctetString::new(self.previous.as_slice())?,
            time: GeneralizedTime::from_date_time(DateTime::from_unix_duration(since_1970)?),
            tenant: event.tenant.to_string(),
            actor: event.actor.clone(),
            act: event.act,
            issuer: OctetString::new(event.issuer.map(|key| key.octets().to_vec()).unwrap_or_default())?,
            serial: OctetString::new(
                event.serial.as_ref().map(|serial| serial.octets().to_vec()).unwrap_or_default(),
            )?,
            reason: event.reason.clone(),
            detail: event.detail.clone(),
            digest: OctetString::new(event.digest.clone())?,
        })
    }

    /// Decodes a record.
    ///
    /// # Errors
    /// [`AuditCodecError::Decode`] with the DER octet position, or [`AuditCodecError::Field`] naming the bad field.
    pub fn from_der(der: &[u8]) -> Result<Self, AuditCodecError> {
        let wire = WireRecord::from_der(der).map_err(|cause| AuditCodecError::Decode { cause })?;
        let field = |name| move || AuditCodecError::Field { name };
        let seconds = i64::try_from(wire.time.to_unix_duration().as_secs()).ok().ok_or_else(field("time"))?;
        let issuer = match wire.issuer.as_bytes() {
            [] => None,
            octets => Some(KeyRef::new(octets.try_into().ok().ok_or_else(field("issuer"))?)),
        };
        let serial = match wire.serial.as_bytes() {
            [] => None,
            octets => Some(SerialNumber::from_octets(octets).ok().ok_or_else(field("serial"))?),
        };
        Ok(Self {
            sequence: wire.sequence,
            previous: wire.previous.as_bytes().try_into().ok().ok_or_else(field("previous"))?,
            event: AuditEvent {
                time: UnixTime::from_seconds(seconds),
                tenant: TenantId::parse(&wire.tenant).ok().ok_or_else(field("tenant"))?,
                actor: wire.actor,
                act: wire.act,
                issuer,
                serial,
                reason: wire.reason,
                detail: wire.detail,
                digest: wire.digest.into_bytes().into_vec(),
            },
        })
    }
}

/// Why octets are not an audit record, or a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditCodecError {
    /// The record cannot be encoded.
    #[error("the audit record cannot be encoded: {cause}")]
    Encode {
        /// What the encoder says.
        cause: der::Error,
    },
    /// The octets are not DER of the structure.
    #[error("the audit record cannot be decoded: {cause}")]
    Decode {
        /// What the decoder says, with the octet position.
        cause: der::Error,
    },
    /// A field has a value that we never write.
    #[error("the field {name} of the audit record has an impossible value")]
    Field {
        /// Its name in the ASN.1 definition.
        name: &'static str,
    },
}
