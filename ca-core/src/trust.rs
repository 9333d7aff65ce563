//! Whom an authority knows by certificate: an explicit trust anchor database (RFC 7030 §3.3.2), and the registration authorities
//! that it serves.
//!
//! Whoever shows certificates, in a TLS handshake or beside a signed message, is told apart here and made into an actor. An
//! absent allow-list allows nothing. Whether the actor may have what it asks for is registration's decision.

use crate::actor::{Actor, DeviceIdentity, Identity, Origin, Presented, RegistrationAuthority};
use crate::certificate::{Certificate, CertificateError};
use crate::key_ref::KeyRef;
use crate::oid;
use crate::path::{PathError, TrustAnchor, ValidatedPath, validate_client};
use crate::profile::ProfileId;
use crate::tenant::TenantId;
use crate::validity::UnixTime;
use sha2::{Digest, Sha256};

/// The most certificates that are looked at: the end entity's and 16 others.
const MAX_CERTIFICATES: usize = 17;

/// Whose word a trust anchor stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// A manufacturer's, for identities at birth.
    Factory {
        /// The manufacturer.
        manufacturer: TenantId,
    },
    /// The owner's, for identities in service.
    Operational,
    /// The owner's, for registration authorities.
    Infrastructure,
}

/// A trust anchor with whom it vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where paths start.
    pub anchor: TrustAnchor,
    /// Whose word it stands for.
    pub vouches_for: Voucher,
}

/// How the certificate of a registration authority is known, beside its path to an infrastructure anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationAuthorityMatch {
    /// By the whole of its one common name.
    CommonName(String),
    /// By the SHA-256 of its DER octets.
    Sha256([u8; 32]),
}

/// A registration authority that is served, and what it may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationAuthorityEntry {
    /// Its name in logs and audit records.
    pub name: String,
    /// On whose behalf it acts.
    pub tenant: TenantId,
    /// How its certificate is known.
    pub matched_by: RegistrationAuthorityMatch,
    /// The profiles it may ask for.
    pub profiles: Vec<ProfileId>,
    /// The leading octets that system titles must have, up to 8; empty for all.
    pub title_prefix: Vec<u8>,
    /// The domains in which it may name hosts; empty for none.
    pub dns_suffixes: Vec<String>,
    /// Whether it may forward what devices ask that showed it their certificates.
    pub forwards: bool,
}

/// Whom an authority knows.
#[derive(Debug, Clone)]
pub struct TrustDatabase {
    anchors: Vec<Anchor>,
    trust_anchors: Vec<TrustAnchor>,
    registration_authorities: Vec<RegistrationAuthorityEntry>,
}

impl TrustDatabase {
    /// Checks anchors and registration authorities.
    ///
    /// # Errors
    /// Every [`TrustFault`] found.
    pub fn new(
        anchors: Vec<Anchor>,
        registration_authorities: Vec<RegistrationAuthorityEntry>,
    ) -> Result<Self, Vec<TrustFault>> {
        let mut faults = Vec::new();
        check_anchors(&anchors, &mut faults);
        check_registration_authorities(&anchors, &registration_authorities, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let trust_anchors = anchors.iter().map(|entry| entry.anchor.clone()).collect();
        Ok(Self { anchors, trust_anchors, registration_authorities })
    }

    /// Tells who shows these certificates, its own first, to an authority of this owner at this time.
    ///
    /// That it holds the key is proved elsewhere: by the handshake, or by the signature of its message.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub fn identify(
        &self,
        shown: &[Vec<u8>],
        owner: &TenantId,
        now: UnixTime,
    ) -> Result<Actor, IdentifyError> {
        let (first, rest) = shown.split_first().ok_or(IdentifyError::NoCertificate)?;
        self.identify_read(Certificate::from_der(first)?, rest, owner, now)
    }

    /// Tells who shows a certificate that was read already, with the others that were shown beside it.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub fn identify_read(
        &self,
        end_entity: Certificate,
        rest: &[Vec<u8>],
        owner: &TenantId,
        now: UnixTime,
    ) -> Result<Actor, IdentifyError> {
        if rest.len() >= MAX_CERTIFICATES {
            return Err(PathError::TooManyCertificates { count: rest.len() }.into());
        }
        let (path, expired_at) = match self.path(end_entity, rest, now) {
            Ok(path) => (path, None),
            Err(PathError::Expired { not_after, path }) if self.is_from_factory(&path) => {
                (*path, Some(not_after))
            }
            Err(error) => return Err(error.into()),
        };
        // RFC 7030 §3.7, RFC 9810 §4.5: id-kp-cmcRA makes its holder a registration authority.
        if path.end_entity().extended_key_usages().contains(&oid::CMC_RA) {
            return self.registration_authority(&path);
        }
        let mut origins = self.vouchers(path.anchor()).filter_map(|voucher| match voucher {
            Voucher::Factory { manufacturer } => {
                Some(Origin::Factory { manufacturer: manufacturer.clone(), expired_at })
            }
            Voucher::Operational => Some(Origin::Operational),
            Voucher::Infrastructure => None,
        });
        device(owner, &path, origins.next().ok_or(IdentifyError::NoDevice)?)
    }

    /// Validates the path of an end entity. What came beside its certificate is read only where no anchor issued it.
    fn path(
        &self,
        end_entity: Certificate,
        rest: &[Vec<u8>],
        now: UnixTime,
    ) -> Result<ValidatedPath, PathError> {
        match validate_client(end_entity.clone(), &[], &self.trust_anchors, now) {
            Err(PathError::NoPath) if !rest.is_empty() => {}
            outcome => return outcome,
        }
        // One that we cannot read, such as an RSA root sent along, can be no part of a path of ours.
        let others: Vec<Certificate> =
            rest.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        validate_client(end_entity, &others, &self.trust_anchors, now)
    }

    /// Tells on whose behalf these certificates claim to be shown to an authority of this owner, as far as the names of their
    /// issuers say: a manufacturer or the owner.
    ///
    /// Nothing is proved by it. It shares out what there is too little of before anybody is known, and opens nothing: whoever
    /// claims falsely takes from those it claims to be.
    #[must_use]
    pub fn claimed_tenant<'a>(&'a self, shown: &[Vec<u8>], owner: &'a TenantId) -> Option<&'a TenantId> {
        let shown = shown.iter().take(MAX_CERTIFICATES).filter_map(|der| Certificate::from_der(der).ok());
        let issuer_of = |certificate: Certificate| {
            self.anchors.iter().find(|entry| entry.anchor.name() == certificate.issuer())
        };
        shown.filter_map(issuer_of).next().map(|entry| match &entry.vouches_for {
            Voucher::Factory { manufacturer } => manufacturer,
            Voucher::Operational | Voucher::Infrastructure => owner,
        })
    }

    /// Returns whose word the anchor with this key stands for: a manufacturer's, or one or both of the owner's.
    fn vouchers(&self, key: KeyRef) -> impl Iterator<Item = &Voucher> {
        self.anchors.iter().filter(move |entry| entry.anchor.key() == key).map(|entry| &entry.vouches_for)
    }

    /// Only where a manufacturer vouches, and nobody else, may registration look past an expiry.
    fn is_from_factory(&self, path: &ValidatedPath) -> bool {
        let registration_authority = path.end_entity().extended_key_usages().contains(&oid::CMC_RA);
        !registration_authority
            && self.vouchers(path.anchor()).all(|voucher| matches!(voucher, Voucher::Factory { .. }))
    }

    fn registration_authority(&self, path: &ValidatedPath) -> Result<Actor, IdentifyError> {
        if !self.vouchers(path.anchor()).any(|voucher| *voucher == Voucher::Infrastructure) {
            return Err(IdentifyError::UnknownRegistrationAuthority);
        }
        let certificate = path.end_entity();
        let is_meant = |entry: &&RegistrationAuthorityEntry| match &entry.matched_by {
            RegistrationAuthorityMatch::CommonName(name) => {
                certificate.subject().common_name() == Some(name.as_str())
            }
            RegistrationAuthorityMatch::Sha256(hash) => *hash == *Sha256::digest(certificate.der()),
        };
        let entry = self
            .registration_authorities
            .iter()
            .find(is_meant)
            .ok_or(IdentifyError::UnknownRegistrationAuthority)?;
        Ok(Actor {
            tenant: entry.tenant.clone(),
            identity: Identity::RegistrationAuthority(RegistrationAuthority {
                name: entry.name.clone(),
                profiles: entry.profiles.clone(),
                title_prefix: entry.title_prefix.clone(),
                dns_suffixes: entry.dns_suffixes.clone(),
                forwards: entry.forwards,
                certificate: presented(path),
            }),
        })
    }
}

fn device(owner: &TenantId, path: &ValidatedPath, origin: Origin) -> Result<Actor, IdentifyError> {
    let title = path.end_entity().system_title().ok_or(IdentifyError::NoDevice)?;
    let tenant = match &origin {
        Origin::Factory { manufacturer, .. } => manufacturer.clone(),
        Origin::Operational => owner.clone(),
    };
    let certificate = presented(path);
    let identity = Identity::Device(DeviceIdentity { title, origin, certificate, forwarded_by: None });
    Ok(Actor { tenant, identity })
}

fn presented(path: &ValidatedPath) -> Presented {
    Presented {
        certificate: path.end_entity().clone(),
        above: path.above().to_vec(),
        issuer: path.issuer(),
        anchor: path.anchor(),
    }
}

/// A key that speaks for a manufacturer speaks for nobody else: otherwise a factory certificate could pass for another.
/// The owner's keys may speak for devices and for registration authorities, which id-kp-cmcRA tells apart.
fn check_anchors(anchors: &[Anchor], faults: &mut Vec<TrustFault>) {
    let is_factory = |anchor: &Anchor| matches!(anchor.vouches_for, Voucher::Factory { .. });
    for (place, one) in anchors.iter().enumerate() {
        let key = one.anchor.key();
        let clashes = |other: &Anchor| {
            other.anchor.key() == key
                && (other.vouches_for == one.vouches_for || is_factory(one) || is_factory(other))
        };
        if anchors.iter().skip(place + 1).any(clashes) {
            faults.push(TrustFault::DoubledAnchor { key });
        }
    }
}

fn check_registration_authorities(
    anchors: &[Anchor],
    entries: &[RegistrationAuthorityEntry],
    faults: &mut Vec<TrustFault>,
) {
    let trusted = anchors.iter().any(|anchor| anchor.vouches_for == Voucher::Infrastructure);
    if !entries.is_empty() && !trusted {
        faults.push(TrustFault::NoInfrastructureAnchor);
    }
    for (place, entry) in entries.iter().enumerate() {
        let name = || entry.name.clone();
        let later = || entries.iter().skip(place + 1);
        if later().any(|other| other.matched_by == entry.matched_by || other.name == entry.name) {
            faults.push(TrustFault::DoubledRegistrationAuthority { name: name() });
        }
        if entry.title_prefix.len() > 8 {
            faults.push(TrustFault::TitlePrefix { name: name(), octets: entry.title_prefix.len() });
        }
        // An empty suffix, or one that is only a dot, would cover every name there is.
        if entry.dns_suffixes.iter().any(|suffix| suffix.is_empty() || suffix.starts_with('.')) {
            faults.push(TrustFault::DnsSuffix { name: name() });
        }
    }
}

/// Why nobody knows whose certificates are shown.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// None is shown.
    #[error("no certificate is shown")]
    NoCertificate,
    /// The certificate is not one that we work with.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate is out of its time or leads to no anchor.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The certificate says id-kp-cmcRA, and no such registration authority is served.
    #[error("the certificate is a registration authority's, and none of its name is served here")]
    UnknownRegistrationAuthority,
    /// The certificate names no device.
    #[error("the certificate names no device")]
    NoDevice,
}

impl IdentifyError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate => "authn.none",
            Self::Certificate(_) => "authn.certificate",
            Self::Path(error) => error.code(),
            Self::UnknownRegistrationAuthority => "authn.ra-unknown",
            Self::NoDevice => "authn.no-device",
        }
    }
}

/// What is wrong with anchors or registration authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// A key is a trust anchor twice, or for a manufacturer and somebody else.
    #[error("the key {key} is a trust anchor twice, or for a manufacturer and somebody else")]
    DoubledAnchor {
        /// The key.
        key: KeyRef,
    },
    /// Registration authorities, but no anchor that vouches for them.
    #[error("there are registration authorities, and no infrastructure anchor that vouches for them")]
    NoInfrastructureAnchor,
    /// Two registration authorities have the same name or are known by the same certificate.
    #[error("the registration authority {name} has the name or the certificate of another")]
    DoubledRegistrationAuthority {
        /// The name.
        name: String,
    },
    /// A prefix longer than a system title.
    #[error("the title prefix of {name} has {octets} octets, and a system title has 8")]
    TitlePrefix {
        /// The registration authority.
        name: String,
        /// How many octets.
        octets: usize,
    },
    /// A domain that covers everything.
    #[error("a DNS suffix of {name} is empty or begins with a dot")]
    DnsSuffix {
        /// The registration authority.
        name: String,
    },
}
