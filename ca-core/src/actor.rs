//! Who asks: the authenticated origin of every request, with its tenant.
//!
//! Not an authentication: front ends prove an identity and make an actor of it. Not a permission: registration and
//! revocation decide what the actor may do.

use core::fmt;

use crate::certificate::Certificate;
use crate::key_ref::KeyRef;
use crate::profile::ProfileId;
use crate::record::CertificateId;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// An authenticated requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// On whose behalf it acts.
    pub tenant: TenantId,
    /// What it proved to be.
    pub identity: Identity,
}

/// What a requester proved to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A device, by a certificate that names its system title.
    Device(DeviceIdentity),
    /// A registration authority, by a certificate with id-kp-cmcRA (RFC 7030 §3.7).
    RegistrationAuthority(RegistrationAuthority),
    /// Whoever knows the secret of a one-time token.
    OneTimeToken {
        /// SHA-256 of the secret.
        hash: [u8; 32],
        /// The device that the token is for.
        title: SystemTitle,
        /// The one profile that the token opens.
        profile: ProfileId,
    },
    /// A person at this machine's operator interface.
    Operator {
        /// The name the operating system gives.
        name: String,
    },
    /// A part of this program acting on its own schedule, such as the CRL publisher.
    Process {
        /// Which part.
        name: &'static str,
    },
    /// Somebody who proved nothing; opens no door, stands in audit records of refusals only.
    Unauthenticated {
        /// Where the request came from.
        peer: String,
    },
}

/// A device that showed a certificate and proved possession of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The device.
    pub title: SystemTitle,
    /// Whose word stands behind the certificate.
    pub origin: Origin,
    /// The certificate shown.
    pub certificate: Presented,
    /// The registration authority to which it was shown, and whose word there is for that; none where it was shown to us.
    pub forwarded_by: Option<Box<Actor>>,
}

/// A registration authority and what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationAuthority {
    /// Its configured name.
    pub name: String,
    /// The profiles it may ask for.
    pub profiles: Vec<ProfileId>,
    /// The leading octets that system titles must have, up to 8; empty for all.
    pub title_prefix: Vec<u8>,
    /// The domains in which it may name hosts; empty for none.
    pub dns_suffixes: Vec<String>,
    /// Whether it may forward what devices ask that showed it their certificates.
    pub forwards: bool,
    /// The certificate shown.
    pub certificate: Presented,
}

/// Whose trust anchor a device certificate leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A manufacturer's factory PKI, in the explicit trust anchor database of the label.
    Factory {
        /// The manufacturer.
        manufacturer: TenantId,
        /// When the certificate expired, if it has: whether that matters is the door's affair.
        expired_at: Option<UnixTime>,
    },
    /// The certification authority that is asked, or one of the same owner.
    Operational,
}

/// A certificate that was shown, validated to a trust anchor, and whose key's possession was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The certificate.
    pub certificate: Certificate,
    /// The certificates between it and the trust anchor, its issuer's first.
    pub above: Vec<Certificate>,
    /// The key that issued it, by the validated path.
    pub issuer: KeyRef,
    /// The key of the trust anchor in which that path begins.
    pub anchor: KeyRef,
}

impl Presented {
    /// Returns how the ledger names this certificate.
    #[must_use]
    pub fn id(&self) -> CertificateId {
        CertificateId { issuer: self.issuer, serial: self.certificate.serial().clone() }
    }

    /// Returns the keys of all authorities that stand above it.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = KeyRef> {
        let between = self.above.iter().map(|authority| authority.public_key().key_ref());
        [self.anchor, self.issuer].into_iter().chain(between)
    }
}

impl Identity {
    /// Returns the certificate that was shown, if one was.
    #[must_use]
    pub const fn presented(&self) -> Option<&Presented> {
        match self {
            Self::Device(device) => Some(&device.certificate),
            Self::RegistrationAuthority(authority) => Some(&authority.certificate),
            Self::OneTimeToken { .. }
            | Self::Operator { .. }
            | Self::Process { .. }
            | Self::Unauthenticated { .. } => None,
        }
    }

    /// Returns the registration authority that forwards the request, if one does.
    #[must_use]
    pub fn forwarded_by(&self) -> Option<&Actor> {
        if let Self::Device(device) = self { device.forwarded_by.as_deref() } else { None }
    }

    /// Returns when the factory certificate that was shown expired, if it has.
    #[must_use]
    pub const fn expired_at(&self) -> Option<UnixTime> {
        match self {
            Self::Device(DeviceIdentity { origin: Origin::Factory { expired_at, .. }, .. }) => *expired_at,
            Self::Device(DeviceIdentity { origin: Origin::Operational, .. })
            | Self::RegistrationAuthority(_)
            | Self::OneTimeToken { .. }
            | Self::Operator { .. }
            | Self::Process { .. }
            | Self::Unauthenticated { .. } => None,
        }
    }
}

impl Actor {
    /// Returns the requester without whoever forwarded the request: by another way it is the same request.
    pub(crate) fn requester(&self) -> String {
        match &self.identity {
            Identity::Device(device) => format!("device:{}", device.title),
            Identity::RegistrationAuthority(_)
            | Identity::OneTimeToken { .. }
            | Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Unauthenticated { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Actor {
    /// Writes the form that audit records keep, such as `device:4D504B0001FEA042`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Identity::Device(device) => {
                write!(f, "device:{}", device.title)?;
                device.forwarded_by.as_ref().map_or(Ok(()), |station| write!(f, " by {station}"))
            }
            Identity::RegistrationAuthority(authority) => write!(f, "ra:{}", authority.name),
            Identity::OneTimeToken { title, .. } => write!(f, "token:{title}"),
            Identity::Operator { name } => write!(f, "operator:{name}"),
            Identity::Process { name } => write!(f, "process:{name}"),
            Identity::Unauthenticated { peer } => write!(f, "peer:{peer}"),
        }
    }
}
