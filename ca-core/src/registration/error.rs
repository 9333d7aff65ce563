//! Why a request is not admitted.

use super::RenewalError;
use crate::fault::Fault;
use crate::fleet::uplift::NotCleared;
use crate::ports::Unavailable;
use crate::profile::ProfileId;
use crate::record::OutOfUse;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

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
    /// An authority above the certificate shown is shut out by operators.
    #[error("an authority above the certificate used for authentication is blocked here")]
    TrustBlocked,
    /// The certificate shown claims one of our issuers, and we have no record of it.
    #[error("the certificate used for authentication is not on record")]
    CredentialUnknown,
    /// The certificate shown expired, and longer ago than the door allows.
    #[error("the certificate used for authentication expired at {expired_at}")]
    CredentialExpired {
        /// When it expired.
        expired_at: UnixTime,
    },
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
    /// The device may not renew now.
    #[error(transparent)]
    NotRenewed(#[from] RenewalError),
    /// The registration authority's bounds do not cover the request.
    #[error("the registration authority {name} may not ask for this subject or profile")]
    OutsideScope {
        /// Its configured name.
        name: String,
    },
    /// Whoever forwards the request may not speak for those who showed it their certificates.
    #[error("{by} may not forward requests of devices")]
    NotForwarded {
        /// Who forwards it.
        by: String,
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
    /// The device is not cleared for the suite of the profile.
    #[error("the device {title} is not lifted to that suite: {why}")]
    NotCleared {
        /// The device.
        title: SystemTitle,
        /// Why not.
        why: NotCleared,
    },
    /// The device is suspended or retired.
    #[error("the device {title} is {out}")]
    DeviceOutOfUse {
        /// The device.
        title: SystemTitle,
        /// How.
        out: OutOfUse,
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
            Self::TrustBlocked => "trust.blocked",
            Self::CredentialUnknown => "authn.unknown",
            Self::CredentialExpired { .. } => "authn.expired",
            Self::OtherSubject { .. } => "subject.other",
            Self::OtherProfile { .. } => "profile.other",
            Self::SubjectChanged => "subject.changed",
            Self::NotRenewed(error) => error.code(),
            Self::OutsideScope { .. } => "ra.scope",
            Self::NotForwarded { .. } => "ra.forwards",
            Self::NamesNotEntitled => "subject.names",
            Self::DeviceNotExpected { .. } => "device.not-expected",
            Self::NotCleared { why, .. } => why.code(),
            Self::DeviceOutOfUse { out, .. } => out.code(),
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
            | Self::TrustBlocked
            | Self::CredentialUnknown
            | Self::CredentialExpired { .. }
            | Self::OtherSubject { .. }
            | Self::OtherProfile { .. }
            | Self::SubjectChanged
            | Self::NotRenewed(_)
            | Self::OutsideScope { .. }
            | Self::NotForwarded { .. }
            | Self::NamesNotEntitled
            | Self::DeviceNotExpected { .. }
            | Self::NotCleared { .. }
            | Self::DeviceOutOfUse { .. } => Fault::Requester,
        }
    }
}
