//! The registration authority's decision: may this requester have a certificate for this subject, under this profile.
//!
//! Reads the ledger and the registry, writes nothing. What it finds free may be taken a moment later: whatever two requests
//! can race for goes along as [`Conditions`] and is decided again inside the ledger's transaction. RFC 7030 §3.7, §4.2.

use sha2::{Digest, Sha256};

use crate::actor::{Actor, DeviceIdentity, Identity, Origin, Presented, RegistrationAuthority};
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Registry, StatusSource, Unavailable};
use crate::profile::{CertificateProfile, Hierarchy, KeyPurpose, ProfileId};
use crate::record::{
    CertificateStatus, Conditions, Device, DeviceClaim, Idempotency, Slot, SlotUse, StoredCertificate,
};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use crate::subject::{AlternativeName, Subject};
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// How long the answer to a request is given again to the same request, in seconds.
const REPEAT_WINDOW_SECONDS: i64 = 86_400;

/// A profile that the authority issues under, and who may ask for it. No door open means nobody may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The profile.
    pub profile: CertificateProfile,
    /// Who may ask.
    pub doors: Vec<Door>,
}

/// A kind of requester that an offer lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A registration authority, within its scope.
    RegistrationAuthority,
    /// Whoever shows a one-time token.
    OneTimeToken,
    /// An expected device, by its manufacturer's certificate: the ownership swap.
    FactoryCertificate {
        /// How long after its first operational certificate the factory certificate still opens the door, in seconds.
        grace_seconds: i64,
    },
    /// A device, by a certificate of the same owner: for a further purpose, or again.
    OperationalCertificate,
    /// A person at the operator interface.
    Operator,
    /// A part of this program.
    Process,
}

/// What registration looks at.
pub(crate) struct Grounds<'a> {
    pub issuer: &'a Issuer,
    pub offers: &'a [Offer],
    /// The keys of every CA whose certificates this ledger keeps.
    pub own_issuers: &'a [KeyRef],
    pub status: &'a dyn StatusSource,
    pub registry: &'a dyn Registry,
}

/// A request that may be answered, with the profile chosen and the conditions that must still hold when it is recorded.
#[derive(Debug)]
pub struct AdmittedRequest {
    pub(crate) request: EnrolmentRequest,
    pub(crate) profile: CertificateProfile,
    pub(crate) conditions: Conditions,
    pub(crate) now: UnixTime,
}

/// Decides whether a request may be answered. `now` is the one sample of the clock that the request gets.
pub(crate) fn admit(
    grounds: &Grounds<'_>,
    request: EnrolmentRequest,
    now: UnixTime,
) -> Result<AdmittedRequest, AdmitError> {
    let offer = grounds
        .offers
        .iter()
        .find(|offer| *offer.profile.id() == request.profile)
        .ok_or_else(|| AdmitError::ProfileNotOffered { profile: request.profile.clone() })?;
    check_tenant(grounds.issuer, &request.actor)?;
    check_presented(grounds, &request)?;
    let door = find_door(offer, &request)?;
    check_scope(grounds, &request, &offer.profile)?;
    check_alternative_names(&request)?;
    let device = check_device(grounds, &request, &offer.profile, door)?;
    let conditions = conditions(grounds.issuer, &request, &offer.profile, (door, device.as_ref(), now));
    Ok(AdmittedRequest { profile: offer.profile.clone(), conditions, request, now })
}

/// Everybody but a factory device acts for the owner of the CA; a factory device acts for its manufacturer.
fn check_tenant(issuer: &Issuer, actor: &Actor) -> Result<(), AdmitError> {
    let comes_to_be_claimed = matches!(
        &actor.identity,
        Identity::Device(DeviceIdentity { origin: Origin::Factory { manufacturer }, .. }) if *manufacturer == actor.tenant
    );
    if comes_to_be_claimed || actor.tenant == *issuer.tenant() {
        Ok(())
    } else {
        Err(AdmitError::ForeignTenant)
    }
}

/// Checks every certificate that was shown against the ledger, the primary source of its status.
fn check_presented(grounds: &Grounds<'_>, request: &EnrolmentRequest) -> Result<(), AdmitError> {
    if let Some(presented) = request.actor.identity.presented() {
        check_not_revoked(grounds, presented)?;
    }
    if let EnrolmentKind::ReEnrolment { renewed: Some(renewed) } = &request.kind {
        check_not_revoked(grounds, renewed)?;
    }
    Ok(())
}

fn check_not_revoked(grounds: &Grounds<'_>, presented: &Presented) -> Result<(), AdmitError> {
    match grounds.status.status_of(&presented.id())? {
        CertificateStatus::Good => Ok(()),
        CertificateStatus::Revoked(_) => Err(AdmitError::CredentialRevoked),
        // A certificate of a manufacturer whose CA is not ours is vouched for by its path alone.
        CertificateStatus::NeverIssued if !grounds.own_issuers.contains(&presented.issuer) => Ok(()),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. } => Err(AdmitError::CredentialUnknown),
    }
}

fn find_door(offer: &Offer, request: &EnrolmentRequest) -> Result<Door, AdmitError> {
    let first = request.kind == EnrolmentKind::First;
    let fits = |door: &&Door| match (&request.actor.identity, door) {
        (Identity::Device(device), Door::FactoryCertificate { .. }) => {
            first && matches!(device.origin, Origin::Factory { .. })
        }
        (Identity::Device(device), Door::OperationalCertificate) => device.origin == Origin::Operational,
        (Identity::OneTimeToken { .. }, Door::OneTimeToken) => first,
        (Identity::RegistrationAuthority(_), Door::RegistrationAuthority)
        | (Identity::Operator { .. }, Door::Operator)
        | (Identity::Process { .. }, Door::Process) => true,
        _ => false,
    };
    offer
        .doors
        .iter()
        .find(fits)
        .copied()
        .ok_or_else(|| AdmitError::DoorClosed { profile: offer.profile.id().clone() })
}

/// Checks that the requester's own bounds cover subject and profile.
fn check_scope(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
) -> Result<(), AdmitError> {
    match &request.actor.identity {
        Identity::Device(device) => {
            check_same_device(&device.title, &request.subject)?;
            if device.origin == Origin::Operational {
                check_operational(grounds, request, profile, device)?;
            }
            Ok(())
        }
        Identity::RegistrationAuthority(authority) => check_authority_scope(authority, request),
        Identity::OneTimeToken { title, profile: opened, .. } => {
            check_same_device(title, &request.subject)?;
            if opened == profile.id() {
                Ok(())
            } else {
                Err(AdmitError::OtherProfile { held: opened.clone() })
            }
        }
        // No door lets the unauthenticated this far.
        Identity::Unauthenticated { .. } => Err(AdmitError::DoorClosed { profile: request.profile.clone() }),
        Identity::Operator { .. } | Identity::Process { .. } => Ok(()),
    }
}

fn check_same_device(proved: &SystemTitle, asked: &Subject) -> Result<(), AdmitError> {
    match asked.system_title() {
        Some(title) if title == proved => Ok(()),
        _ => Err(AdmitError::OtherSubject { proved: *proved }),
    }
}

/// A certificate opens the door only to profiles of its own hierarchy, and by re-enrolment only to its own profile.
fn check_operational(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    device: &DeviceIdentity,
) -> Result<(), AdmitError> {
    let held = stored(grounds, &device.certificate)?;
    let same_hierarchy = held.slot.as_ref().is_some_and(|slot| slot.hierarchy == profile.parts().hierarchy);
    if held.tenant != *grounds.issuer.tenant() || !same_hierarchy {
        return Err(AdmitError::OtherProfile { held: held.profile });
    }
    let EnrolmentKind::ReEnrolment { renewed } = &request.kind else {
        return Ok(());
    };
    // RFC 7030 §4.2.2: the certificate being renewed is normally the one of the TLS session.
    let renewed = renewed.as_deref().unwrap_or(&device.certificate);
    let renewed_row = stored(grounds, renewed)?;
    if renewed_row.profile != *profile.id() {
        return Err(AdmitError::OtherProfile { held: renewed_row.profile });
    }
    check_unchanged(renewed, &request.subject)
}

fn stored(grounds: &Grounds<'_>, presented: &Presented) -> Result<StoredCertificate, AdmitError> {
    grounds.status.certificate(&presented.id())?.ok_or(AdmitError::CredentialUnknown)
}

/// RFC 7030 §4.2.2: subject and subjectAltName are identical to those of the certificate being renewed.
fn check_unchanged(renewed: &Presented, asked: &Subject) -> Result<(), AdmitError> {
    let value = renewed.certificate.extension(crate::oid::SUBJECT_ALT_NAME).map(|(_, value)| value);
    let before = Subject::read(renewed.certificate.subject(), value);
    if before.as_ref() == Ok(asked) { Ok(()) } else { Err(AdmitError::SubjectChanged) }
}

fn check_authority_scope(
    authority: &RegistrationAuthority,
    request: &EnrolmentRequest,
) -> Result<(), AdmitError> {
    if !authority.profiles.contains(&request.profile) {
        return Err(AdmitError::OutsideScope { name: authority.name.clone() });
    }
    let in_prefix = request
        .subject
        .system_title()
        .is_none_or(|title| title.octets().starts_with(&authority.title_prefix));
    if in_prefix { Ok(()) } else { Err(AdmitError::OutsideScope { name: authority.name.clone() }) }
}

/// Nobody names hosts, URIs or addresses for a certificate unless entitled to; a renewal keeps what it had.
fn check_alternative_names(request: &EnrolmentRequest) -> Result<(), AdmitError> {
    let names = &request.subject.alternative_names;
    let entitled = match &request.actor.identity {
        Identity::Operator { .. } | Identity::Process { .. } => true,
        Identity::RegistrationAuthority(authority) => {
            names.iter().all(|name| within_suffixes(name, &authority.dns_suffixes))
        }
        Identity::Device(_) => names.is_empty() || request.kind != EnrolmentKind::First,
        Identity::OneTimeToken { .. } | Identity::Unauthenticated { .. } => names.is_empty(),
    };
    if entitled { Ok(()) } else { Err(AdmitError::NamesNotEntitled) }
}

fn within_suffixes(name: &AlternativeName, suffixes: &[String]) -> bool {
    match name {
        AlternativeName::Dns(host) => suffixes.iter().any(|suffix| {
            host.strip_suffix(suffix.as_str()).is_some_and(|left| left.is_empty() || left.ends_with('.'))
        }),
        AlternativeName::Uri(_) | AlternativeName::Email(_) => false,
    }
}

/// Devices in service must stand on their owner's list; returns the row if the door is the factory certificate.
fn check_device(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    door: Door,
) -> Result<Option<Device>, AdmitError> {
    let by_hand = matches!(door, Door::Operator | Door::Process);
    let Some(title) = request.subject.system_title() else {
        return Ok(None);
    };
    if by_hand || profile.parts().hierarchy != Hierarchy::Operational {
        return Ok(None);
    }
    let device = grounds
        .registry
        .device(title)?
        // A title on another owner's list is, to this requester, not on the list.
        .filter(|device| device.expected.tenant == *grounds.issuer.tenant())
        .ok_or(AdmitError::DeviceNotExpected { title: *title })?;
    if let Identity::Device(DeviceIdentity { origin: Origin::Factory { manufacturer }, .. }) =
        &request.actor.identity
    {
        let expected = device.expected.manufacturer.as_ref();
        if expected.is_some_and(|expected| expected != manufacturer) {
            return Err(AdmitError::DeviceNotExpected { title: *title });
        }
    }
    Ok(Some(device))
}

fn conditions(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    (door, device, now): (Door, Option<&Device>, UnixTime),
) -> Conditions {
    let slot_use = match request.kind {
        EnrolmentKind::First => SlotUse::First,
        EnrolmentKind::ReEnrolment { .. } => SlotUse::Rotation,
    };
    let slot = request.subject.system_title().map(|title| {
        let (hierarchy, purpose) = (profile.parts().hierarchy, profile.purpose());
        (Slot { tenant: issuer.tenant().clone(), title: *title, hierarchy, purpose }, slot_use)
    });
    let claim = match (door, device, &request.actor.identity) {
        (Door::FactoryCertificate { grace_seconds }, Some(device), Identity::Device(identity)) => {
            Some(DeviceClaim {
                tenant: device.expected.tenant.clone(),
                title: device.expected.title,
                factory_key: identity.certificate.certificate.public_key().fingerprint(),
                grace_seconds,
            })
        }
        _ => None,
    };
    let token = match &request.actor.identity {
        Identity::OneTimeToken { hash, .. } => Some(*hash),
        Identity::Device(_)
        | Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    };
    Conditions { idempotency: idempotency(issuer, request, profile.purpose(), now), slot, token, claim }
}

/// "The same request again" is the same octets from the same requester to the same issuer under the same profile.
fn idempotency(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    purpose: KeyPurpose,
    now: UnixTime,
) -> Option<Idempotency> {
    let Evidence::Request(csr) = &request.evidence else {
        return None;
    };
    let mut hash = Sha256::new();
    hash.update(issuer.key().octets());
    for text in [request.profile.as_str(), purpose.name(), request.actor.tenant.as_str()] {
        hash.update(text);
        hash.update([0]);
    }
    hash.update(request.actor.to_string());
    hash.update([0]);
    hash.update(csr.digest());
    Some(Idempotency { key: hash.finalize().into(), since: now.plus_seconds(-REPEAT_WINDOW_SECONDS) })
}

/// Why a request is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The authority does not issue under this profile.
    #[error("certificates of profile {profile} are not issued here")]
    ProfileNotOffered {
        /// The profile asked for.
        profile: ProfileId,
    },
    /// This kind of requester is not let in for this profile.
    #[error("this way of authentication does not open profile {profile}")]
    DoorClosed {
        /// The profile asked for.
        profile: ProfileId,
    },
    /// The requester belongs to another tenant than the authority.
    #[error("the requester does not belong to the owner of this authority")]
    ForeignTenant,
    /// The certificate shown is revoked.
    #[error("the certificate used for authentication is revoked")]
    CredentialRevoked,
    /// The certificate shown claims one of our issuers, and we have no record of it.
    #[error("the certificate used for authentication is not on record")]
    CredentialUnknown,
    /// The subject asked for is not the one that was proved.
    #[error("the request is not for {proved}, the device that was authenticated")]
    OtherSubject {
        /// The device that was authenticated.
        proved: SystemTitle,
    },
    /// The certificate or token shown is for another profile.
    #[error("what was shown for authentication belongs to profile {held}")]
    OtherProfile {
        /// Its profile.
        held: ProfileId,
    },
    /// Re-enrolment with another subject or subjectAltName.
    #[error("the subject or its alternative names differ from the certificate being renewed")]
    SubjectChanged,
    /// The registration authority's bounds do not cover the request.
    #[error("the registration authority {name} may not ask for this subject or profile")]
    OutsideScope {
        /// Its configured name.
        name: String,
    },
    /// Alternative names that the requester may not have.
    #[error("the requester is not entitled to the alternative names asked for")]
    NamesNotEntitled,
    /// The device is not on the owner's list.
    #[error("the device {title} is not expected here")]
    DeviceNotExpected {
        /// The device.
        title: SystemTitle,
    },
    /// Ledger or registry cannot answer; nothing was decided.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl AdmitError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ProfileNotOffered { .. } => "profile.unknown",
            Self::DoorClosed { .. } => "authn.door",
            Self::ForeignTenant => "tenant.foreign",
            Self::CredentialRevoked => "authn.revoked",
            Self::CredentialUnknown => "authn.unknown",
            Self::OtherSubject { .. } => "subject.other",
            Self::OtherProfile { .. } => "profile.other",
            Self::SubjectChanged => "subject.changed",
            Self::OutsideScope { .. } => "ra.scope",
            Self::NamesNotEntitled => "subject.names",
            Self::DeviceNotExpected { .. } => "device.not-expected",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unavailable(_) => Fault::Unavailable,
            Self::ProfileNotOffered { .. }
            | Self::DoorClosed { .. }
            | Self::ForeignTenant
            | Self::CredentialRevoked
            | Self::CredentialUnknown
            | Self::OtherSubject { .. }
            | Self::OtherProfile { .. }
            | Self::SubjectChanged
            | Self::OutsideScope { .. }
            | Self::NamesNotEntitled
            | Self::DeviceNotExpected { .. } => Fault::Requester,
        }
    }
}
