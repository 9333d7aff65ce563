//! Certification path validation (RFC 5280 §6), for certificates that are shown to us, or given to us to build paths with.
//!
//! Our own, because the profiles of this field break general-purpose validators (critical certificate policies, no extended
//! key usage). No policy processing: any policy is accepted, and a CA that constrains policies or names leads nowhere.
//! Revocation is not looked at here: registration asks the ledger.

mod seen;

use const_oid::ObjectIdentifier;

use crate::certificate::Certificate;
use crate::distinguished_name::DistinguishedName;
use crate::key_ref::KeyRef;
use crate::oid;
use crate::public_key::PublicKey;
use crate::validity::UnixTime;

/// The most certificates a path may have below its trust anchor.
const MAX_PATH: usize = 8;
/// The most signatures that are verified for one path.
const MAX_SIGNATURE_CHECKS: u32 = 100;
/// The most certificates a peer may send beside its own.
const MAX_INTERMEDIATES: usize = 16;

/// Where validation starts: a name and a key that are trusted from configuration (RFC 5280 §6.1.1 (d)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor {
    name: DistinguishedName,
    public_key: PublicKey,
}

impl TrustAnchor {
    /// Trusts the subject and key of a CA certificate; nothing else of it is looked at.
    #[must_use]
    pub fn from_certificate(certificate: &Certificate) -> Self {
        Self { name: certificate.subject().clone(), public_key: certificate.public_key().clone() }
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(&self) -> &DistinguishedName {
        &self.name
    }

    /// Returns the key's name.
    #[must_use]
    pub fn key(&self) -> KeyRef {
        self.public_key.key_ref()
    }

    /// Tells whether it signed a certificate: the issuer's name is its own, and the signature is its key's. How the certificate
    /// names that key says nothing of it: authorities derive key identifiers as they like (RFC 5280 §4.2.1.2, RFC 7093 §2).
    #[must_use]
    pub fn has_signed(&self, certificate: &Certificate) -> bool {
        self.name == *certificate.issuer() && seen::has_signed(&self.public_key, certificate)
    }

    fn is(&self, certificate: &Certificate) -> bool {
        self.name == *certificate.subject() && self.public_key == *certificate.public_key()
    }
}

/// An end entity certificate whose path was validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedPath {
    end_entity: Certificate,
    above: Vec<Certificate>,
    issuer: KeyRef,
    anchor: KeyRef,
}

impl ValidatedPath {
    /// Returns the end entity certificate.
    #[must_use]
    pub const fn end_entity(&self) -> &Certificate {
        &self.end_entity
    }

    /// Returns the certificates between it and the trust anchor, its issuer's first.
    #[must_use]
    pub fn above(&self) -> &[Certificate] {
        &self.above
    }

    /// Returns the key that issued it.
    #[must_use]
    pub const fn issuer(&self) -> KeyRef {
        self.issuer
    }

    /// Returns the trust anchor's key.
    #[must_use]
    pub const fn anchor(&self) -> KeyRef {
        self.anchor
    }
}

/// What a certificate that is shown is to be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An end entity authenticates itself in TLS: clientAuth, where an extended key usage is present.
    TlsClient,
    /// Messages of a CMP authority are signed: cmcCA or cmcRA is there, or a CA signs itself (RFC 9810 §4.5, RFC 9483 §3.5).
    CmpAuthority,
    /// Private keys that were made for others are signed: cmKGA is there (RFC 9810 §4.5, RFC 9483 §4.1.6).
    KeyGenerationAuthority,
    /// Whatever an end entity uses it for: only the path is looked at.
    EndEntity,
}

/// Validates the certificate of a TLS client: a path to one of `anchors` at `now`, digitalSignature, and clientAuth where an
/// extended key usage is present.
///
/// # Errors
/// As [`validate`].
pub fn validate_client(
    end_entity: Certificate,
    intermediates: &[Certificate],
    anchors: &[TrustAnchor],
    now: UnixTime,
) -> Result<ValidatedPath, PathError> {
    validate(end_entity, Purpose::TlsClient, (intermediates, anchors), now)
}

/// Validates a certificate for a purpose: a path through `intermediates` to one of `anchors` at `now`, and usages that allow it.
///
/// # Errors
/// [`PathError`]; `NotYetValid` and `Expired` only when nothing else is wrong: the path holds but for the end entity's period.
pub fn validate(
    end_entity: Certificate,
    purpose: Purpose,
    (intermediates, anchors): (&[Certificate], &[TrustAnchor]),
    now: UnixTime,
) -> Result<ValidatedPath, PathError> {
    if intermediates.len() > MAX_INTERMEDIATES {
        return Err(PathError::TooManyCertificates { count: intermediates.len() });
    }
    purpose.check(&end_entity)?;
    let mut search = Search { intermediates, anchors, purpose, now, checks: 0 };
    let mut used = Vec::with_capacity(MAX_PATH);
    let itself = anchors.iter().find(|anchor| purpose == Purpose::CmpAuthority && anchor.is(&end_entity));
    let (issuer, anchor) = match itself {
        Some(anchor) => (anchor.key(), anchor.key()),
        None => search.climb(&end_entity, &mut used)?,
    };
    let above = used.iter().filter_map(|place| intermediates.get(*place)).cloned().collect();
    let path = ValidatedPath { end_entity, above, issuer, anchor };
    let validity = path.end_entity.validity();
    if now < validity.not_before() {
        return Err(PathError::NotYetValid { not_before: validity.not_before() });
    }
    if now > validity.not_after() {
        return Err(PathError::Expired { not_after: validity.not_after(), path: Box::new(path) });
    }
    Ok(path)
}

/// Validates the certificate of an authority by others that came with it: a path to one of `anchors` at `now`, and the right to
/// issue certificates of TLS clients.
///
/// # Errors
/// [`PathError`]; `Usage` when it may issue nothing now.
pub fn validate_authority(
    authority: &Certificate,
    others: &[Certificate],
    anchors: &[TrustAnchor],
    now: UnixTime,
) -> Result<(), PathError> {
    if others.len() > MAX_INTERMEDIATES {
        return Err(PathError::TooManyCertificates { count: others.len() });
    }
    // It stands first, as one that the path has already: what is above it has it below.
    let intermediates: Vec<Certificate> = core::iter::once(authority).chain(others).cloned().collect();
    let mut search =
        Search { intermediates: &intermediates, anchors, purpose: Purpose::TlsClient, now, checks: 0 };
    if !search.may_issue(authority, 0) {
        return Err(PathError::Usage { subject: authority.subject().clone() });
    }
    search.climb(authority, &mut vec![0]).map(drop)
}

impl Purpose {
    fn check(self, certificate: &Certificate) -> Result<(), PathError> {
        check_critical(certificate)?;
        // RFC 5280 §4.2.1.3: a key that authenticates by signing has digitalSignature. What cannot be read allows nothing.
        let signs = || {
            !has(certificate, oid::KEY_USAGE)
                || certificate.key_usage().is_some_and(|usage| usage.digital_signature())
        };
        // RFC 5280 §4.2.1.9: who asserts cA, or something unreadable in its place, is no end entity.
        let end_entity = || {
            !has(certificate, oid::BASIC_CONSTRAINTS)
                || certificate.basic_constraints().is_some_and(|constraints| !constraints.ca)
        };
        // RFC 5280 §4.2.1.12: where the extension is present, the key is used for the purposes named only.
        let purposes = certificate.extended_key_usages();
        let suits = match self {
            Self::TlsClient => {
                let client =
                    !has(certificate, oid::EXTENDED_KEY_USAGE) || purposes.contains(&oid::CLIENT_AUTH);
                signs() && client && end_entity()
            }
            Self::CmpAuthority => {
                let named = self.allowed().iter().any(|purpose| purposes.contains(purpose));
                signs()
                    && (named || certificate.basic_constraints().is_some_and(|constraints| constraints.ca))
            }
            Self::KeyGenerationAuthority => signs() && purposes.contains(&oid::CM_KGA) && end_entity(),
            Self::EndEntity => end_entity(),
        };
        if suits { Ok(()) } else { Err(PathError::Usage { subject: certificate.subject().clone() }) }
    }

    /// The extended key usages that stand for it; none where any will do.
    const fn allowed(self) -> &'static [ObjectIdentifier] {
        match self {
            Self::TlsClient => &[oid::CLIENT_AUTH],
            Self::CmpAuthority => &[oid::CMC_CA, oid::CMC_RA],
            Self::KeyGenerationAuthority => &[oid::CM_KGA],
            Self::EndEntity => &[],
        }
    }

    /// A CA restricted to other purposes does not issue certificates for this one.
    fn may_be_issued_by(self, authority: &Certificate) -> bool {
        let purposes = authority.extended_key_usages();
        let allowed = self.allowed();
        allowed.is_empty()
            || !has(authority, oid::EXTENDED_KEY_USAGE)
            || purposes.contains(&oid::ANY_EXTENDED_KEY_USAGE)
            || allowed.iter().any(|purpose| purposes.contains(purpose))
    }
}

fn has(certificate: &Certificate, extension: ObjectIdentifier) -> bool {
    certificate.extension(extension).is_some()
}

/// RFC 5280 §4.2: a certificate with a critical extension that is not processed is rejected.
fn check_critical(certificate: &Certificate) -> Result<(), PathError> {
    const PROCESSED: [ObjectIdentifier; 5] = [
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::EXTENDED_KEY_USAGE,
        oid::SUBJECT_ALT_NAME,
        oid::CERTIFICATE_POLICIES,
    ];
    let unknown = certificate
        .extensions()
        .iter()
        .find(|extension| extension.critical && !PROCESSED.contains(&extension.extn_id));
    match unknown {
        Some(extension) => Err(PathError::CriticalExtension { extension: extension.extn_id }),
        None => Ok(()),
    }
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    anchors: &'a [TrustAnchor],
    purpose: Purpose,
    now: UnixTime,
    checks: u32,
}

impl Search<'_> {
    /// Finds who issued `certificate`, up to an anchor; returns the issuing key and the anchor's key.
    ///
    /// `used` holds the places of the intermediates between the end entity and `certificate`.
    fn climb(
        &mut self,
        certificate: &Certificate,
        used: &mut Vec<usize>,
    ) -> Result<(KeyRef, KeyRef), PathError> {
        for anchor in self.anchors.iter().filter(|anchor| anchor.name == *certificate.issuer()) {
            if self.signed_by(certificate, &anchor.public_key)? {
                return Ok((anchor.key(), anchor.key()));
            }
        }
        if used.len() >= MAX_PATH {
            return Err(PathError::NoPath);
        }
        for (place, candidate) in self.intermediates.iter().enumerate() {
            let fits = candidate.subject() == certificate.issuer() && !used.contains(&place);
            if !fits || !self.may_issue(candidate, self.depth(used)) {
                continue;
            }
            if self.signed_by(certificate, candidate.public_key())? {
                used.push(place);
                match self.climb(candidate, used) {
                    Ok((_, anchor)) => return Ok((candidate.public_key().key_ref(), anchor)),
                    Err(PathError::TooManySignatures) => return Err(PathError::TooManySignatures),
                    Err(_) => drop(used.pop()),
                }
            }
        }
        Err(PathError::NoPath)
    }

    /// RFC 5280 §6.1.4 (l): self-issued certificates, such as those of a key roll-over, do not count.
    fn depth(&self, used: &[usize]) -> usize {
        let counts =
            |place: &&usize| self.intermediates.get(**place).is_some_and(|one| one.subject() != one.issuer());
        used.iter().filter(counts).count()
    }

    /// RFC 5280 §6.1.4 (k)–(n): cA, path length, keyCertSign; and the validity of §6.1.3 (a) (2).
    fn may_issue(&self, candidate: &Certificate, below: usize) -> bool {
        candidate.basic_constraints().is_some_and(|constraints| {
            constraints.ca
                && constraints.path_len_constraint.is_none_or(|length| below <= usize::from(length))
        }) && candidate.key_usage().is_some_and(|usage| usage.key_cert_sign())
            && self.purpose.may_be_issued_by(candidate)
            && is_unconstrained(candidate)
            && check_critical(candidate).is_ok()
            && candidate.validity().contains(self.now)
    }

    fn signed_by(&mut self, certificate: &Certificate, key: &PublicKey) -> Result<bool, PathError> {
        self.checks += 1;
        if self.checks > MAX_SIGNATURE_CHECKS {
            return Err(PathError::TooManySignatures);
        }
        Ok(seen::has_signed(key, certificate))
    }
}

/// RFC 5280 §6.1.4 (g)–(j): these are not processed here, so a CA that has one is not followed, whether critical or not.
fn is_unconstrained(authority: &Certificate) -> bool {
    [oid::NAME_CONSTRAINTS, oid::POLICY_CONSTRAINTS, oid::INHIBIT_ANY_POLICY]
        .into_iter()
        .all(|extension| !has(authority, extension))
}

/// Why a certificate that was shown is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// More certificates than anyone needs.
    #[error("{count} certificates were sent beside the end entity's, more than 16")]
    TooManyCertificates {
        /// How many.
        count: usize,
    },
    /// More signatures than anyone needs.
    #[error("the certificates sent would take more than 100 signature checks")]
    TooManySignatures,
    /// No path to a trust anchor.
    #[error("no certification path leads from the certificate to a trust anchor")]
    NoPath,
    /// The period of the end entity certificate has not begun.
    #[error("the certificate is not valid before {not_before}")]
    NotYetValid {
        /// When it begins.
        not_before: UnixTime,
    },
    /// The period of the end entity certificate is over.
    #[error("the certificate expired at {not_after}")]
    Expired {
        /// When it ended.
        not_after: UnixTime,
        /// The path, for whoever may look past this and past nothing else.
        path: Box<ValidatedPath>,
    },
    /// keyUsage, extKeyUsage or basicConstraints rules the purpose out.
    #[error("the certificate of {subject} is not for this use")]
    Usage {
        /// Whose certificate.
        subject: DistinguishedName,
    },
    /// A critical extension that is not processed.
    #[error("the certificate has the critical extension {extension}, which is not processed here")]
    CriticalExtension {
        /// Which.
        extension: ObjectIdentifier,
    },
}

impl PathError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyCertificates { .. } | Self::TooManySignatures => "authn.path-limits",
            Self::NoPath => "authn.no-path",
            Self::NotYetValid { .. } => "authn.not-yet-valid",
            Self::Expired { .. } => "authn.expired",
            Self::Usage { .. } => "authn.usage",
            Self::CriticalExtension { .. } => "authn.critical-extension",
        }
    }
}
