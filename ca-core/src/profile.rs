//! Certificate, CRL and OCSP profiles: which fields a certificate has and which values they may take.
//!
//! A profile here is checked and cannot be wrong in itself; the files it comes from are read by `policies`. It says nothing
//! about who may ask for it: that is `registration`. RFC 5280 §4; Green Book 9.2.6.4.

mod soundness;
mod approval;
mod renewal;
mod status;
mod fault;

use core::fmt;

use const_oid::ObjectIdentifier;

use crate::public_key::KeyIdentifierMethod;
use crate::suite::{Curve, SecuritySuite};
use crate::validity::{UnixTime, Validity};

pub use approval::Approval;
pub use fault::ProfileFault;
pub(crate) use renewal::length;
pub use renewal::{RenewalRule, RenewalSpread, RenewalWindow};
use soundness::{examine, is_meter_facing};
pub use status::{CrlProfile, DeltaTimes, NeverIssued, OcspProfile};

/// The name of a profile, such as `meter-op-ds-s1`: 1 to 64 of `a`–`z`, `0`–`9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileId(String);

impl ProfileId {
    /// Parses a profile name.
    ///
    /// # Errors
    /// [`ProfileFault::Id`] for an empty or long text, or one with other characters.
    pub fn parse(text: &str) -> Result<Self, ProfileFault> {
        let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProfileFault::Id)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of the PKIs in a device's life a certificate belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hierarchy {
    /// The root itself and the sub-CAs below it.
    Authority,
    /// The manufacturer's: identity at birth.
    Factory,
    /// The distribution system operator's: identity in service.
    Operational,
    /// Short-lived identities of field technicians' hand-held units.
    Maintenance,
    /// Servers, operators, responders, signers, and the recovery role: no device.
    Infrastructure,
}

impl Hierarchy {
    /// Every hierarchy with its word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Authority, "authority"),
        (Self::Factory, "factory"),
        (Self::Operational, "operational"),
        (Self::Maintenance, "maintenance"),
        (Self::Infrastructure, "infrastructure"),
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Factory => "factory",
            Self::Operational => "operational",
            Self::Maintenance => "maintenance",
            Self::Infrastructure => "infrastructure",
        }
    }
}

/// What a certified key is for, as its keyUsage says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPurpose {
    /// keyCertSign and cRLSign.
    CertificateSigning,
    /// digitalSignature alone.
    Signature,
    /// keyAgreement alone.
    KeyAgreement,
    /// digitalSignature and keyAgreement, with an extended key usage.
    Tls,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::CertificateSigning, Self::Signature, Self::KeyAgreement, Self::Tls];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CertificateSigning => "certificate-signing",
            Self::Signature => "signature",
            Self::KeyAgreement => "key-agreement",
            Self::Tls => "tls",
        }
    }
}

/// The bits of keyUsage that our profiles know (RFC 5280 §4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUsageBit {
    /// Bit 0.
    DigitalSignature,
    /// Bit 4.
    KeyAgreement,
    /// Bit 5.
    KeyCertSign,
    /// Bit 6.
    CrlSign,
}

/// What the subject field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectRule {
    /// One RDN, CN = 16 upper-case hexadecimal characters of the system title.
    SystemTitle,
    /// Nothing; the subject alternative name, then critical, names the system title (RFC 5280 §4.1.2.6).
    Empty,
    /// A distinguished name of single-valued C, O, OU, CN, serialNumber RDNs that the requester is entitled to.
    DistinguishedName {
        /// How long its DER may be, in octets.
        max_octets: u16,
    },
    /// A common name of exactly 16 characters, for parsers that want that of every end entity.
    Label16,
}

/// What the subject alternative name holds (RFC 5280 §4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlternativeNameRule {
    /// The extension is absent.
    Absent,
    /// One otherName id-on-hardwareModuleName with the system title as hwSerialNum (RFC 4108 §5).
    HardwareModule {
        /// hwType, in the owner's own arc.
        hw_type: ObjectIdentifier,
    },
    /// dNSNames that the request names and the requester is entitled to.
    DnsNames {
        /// Whether at least one must be there.
        required: bool,
        /// How many at most.
        max: u8,
    },
    /// One URI or one e-mail address that the requester is entitled to, or none.
    UriOrEmail,
}

/// extendedKeyUsage (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedKeyUsageRule {
    /// The purposes, in the order they are written.
    pub purposes: Vec<ObjectIdentifier>,
    /// Whether the extension is critical.
    pub critical: bool,
}

/// How long certificates are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidityRule {
    /// Until 9999-12-31T23:59:59Z.
    NoExpiry,
    /// This long; the requester has no say.
    Fixed {
        /// Length in seconds.
        seconds: i64,
    },
    /// As asked, between two bounds; the default when nothing is asked.
    Range {
        /// Shortest, in seconds.
        min_seconds: i64,
        /// When nothing is asked, in seconds.
        default_seconds: i64,
        /// Longest, in seconds.
        max_seconds: i64,
    },
    /// That of the certificate whose key is certified once more, as far as the issuer's reaches. Nothing is drafted before the
    /// profile is bound to that certificate.
    AsCertified {
        /// To which period [`CertificateProfile::bound_to`] has bound it.
        bound: Option<Validity>,
    },
}

/// What to do with a key that already has a certificate for the same subject and purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyReuse {
    /// Re-enrolment needs a new key (re-key).
    Refused,
    /// Re-enrolment may keep the key (renewal).
    Allowed,
}

/// What to do with a re-enrolment that says it wants other names (RFC 6402 §2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameChange {
    /// Re-enrolment keeps all names.
    Refused,
    /// Alternative names may change, as far as the requester is entitled to them; the device stays the same.
    Allowed,
}

/// Which URIs of the issuer the certificate carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointers {
    /// Neither cRLDistributionPoints nor authorityInfoAccess.
    None,
    /// cRLDistributionPoints.
    Crl,
    /// cRLDistributionPoints and authorityInfoAccess: the issuer's certificate, and its OCSP responder if it has one.
    CrlAndAccess,
}

/// Everything a certificate profile says. Public so that a loader can fill it; only [`CertificateProfile::new`] makes a
/// profile of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a line of a profile file, and none depends on another"
)]
pub struct ProfileParts {
    /// Its name.
    pub id: ProfileId,
    /// Its version, from 1; a change of any other field takes a new one.
    pub version: u32,
    /// The suite, which fixes curve and hash.
    pub suite: SecuritySuite,
    /// The PKI it belongs to.
    pub hierarchy: Hierarchy,
    /// The subject.
    pub subject: SubjectRule,
    /// The subject alternative name.
    pub alternative_name: AlternativeNameRule,
    /// basicConstraints with cA TRUE and this pathLenConstraint; `None` leaves the extension out.
    pub path_length: Option<u8>,
    /// The keyUsage bits; the extension is always critical.
    pub key_usage: Vec<KeyUsageBit>,
    /// extendedKeyUsage, if present.
    pub extended_key_usage: Option<ExtendedKeyUsageRule>,
    /// How long.
    pub validity: ValidityRule,
    /// How far notBefore lies before the clock, in seconds, for clocks that run slow.
    pub backdate_seconds: u32,
    /// Until how long after its own notBefore a CA of this profile may issue, in seconds.
    pub issuing_window_seconds: Option<i64>,
    /// The certificate policy, if present; never critical.
    pub policy: Option<ObjectIdentifier>,
    /// How key identifiers are computed.
    pub key_identifier: KeyIdentifierMethod,
    /// Which URIs of the issuer.
    pub pointers: Pointers,
    /// Whether its certificates are over before a CRL would help: no CRL ever lists one, while OCSP knows each.
    pub short_lived: bool,
    /// Whether id-pkix-ocsp-nocheck is present (RFC 6960 §4.2.2.2.1).
    pub ocsp_no_check: bool,
    /// Whether the signature is drawn again until r and s have full length.
    pub full_length_signature: bool,
    /// What to do with a key that has a certificate.
    pub key_reuse: KeyReuse,
    /// Whether a re-enrolment may change the alternative names, where it says so (RFC 6402 §2.8).
    pub name_change: NameChange,
    /// When and how often a device may replace its certificate by showing one.
    pub renewal: RenewalRule,
    /// How long after its replacement a certificate is revoked, in seconds; `None` for never.
    pub revoke_replaced_after_seconds: Option<i64>,
    /// How many operators must approve a request.
    pub approval: Approval,
    /// Whether a suite-1 certificate may be signed by a suite-2 CA, as a declared transition.
    pub transition_issuer: bool,
    /// The longest certificate, in octets.
    pub max_octets: u16,
}

/// A certificate profile that is sound in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateProfile {
    parts: ProfileParts,
    purpose: KeyPurpose,
}

impl CertificateProfile {
    /// Checks the parts against RFC 5280 and the DLMS rules and makes a profile of them.
    ///
    /// # Errors
    /// Every [`ProfileFault`] found, not only the first.
    pub fn new(parts: ProfileParts) -> Result<Self, Vec<ProfileFault>> {
        let (purpose, faults) = examine(&parts);
        match purpose {
            Some(purpose) if faults.is_empty() => Ok(Self { parts, purpose }),
            _ => Err(faults),
        }
    }

    /// Returns everything the profile says.
    #[must_use]
    pub const fn parts(&self) -> &ProfileParts {
        &self.parts
    }

    /// Returns the profile's name.
    #[must_use]
    pub const fn id(&self) -> &ProfileId {
        &self.parts.id
    }

    /// Returns what a key certified under the profile is for.
    #[must_use]
    pub const fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// Returns the curve of the keys certified under the profile.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        self.parts.suite.curve()
    }

    /// Tells whether certificates of the profile are for CAs.
    #[must_use]
    pub const fn is_authority(&self) -> bool {
        self.parts.path_length.is_some()
    }

    /// Tells whether the subject is a system title, be it in the subject or in the subject alternative name.
    #[must_use]
    pub const fn names_system_title(&self) -> bool {
        matches!(self.parts.subject, SubjectRule::SystemTitle | SubjectRule::Empty)
    }

    /// Tells whether certificates of the profile are loaded into meters or into what parses like them.
    #[must_use]
    pub const fn is_meter_facing(&self) -> bool {
        is_meter_facing(&self.parts)
    }

    /// Binds a profile whose validity is that of a certificate certified once more; `None` for every other.
    #[must_use]
    pub fn bound_to(&self, validity: Validity) -> Option<Self> {
        let rule = ValidityRule::AsCertified { bound: Some(validity) };
        let parts = ProfileParts { validity: rule, ..self.parts.clone() };
        self.certifies_again().then_some(Self { parts, purpose: self.purpose })
    }

    /// Tells whether its certificates certify once more what another certificate does: links between two roots.
    #[must_use]
    pub const fn certifies_again(&self) -> bool {
        matches!(self.parts.validity, ValidityRule::AsCertified { .. })
    }

    /// Returns the validity of a certificate drafted at `now`, or `None` when `asked_seconds` is outside the profile.
    ///
    /// Lengths count from `now`; the seconds by which notBefore lies before it come on top.
    #[must_use]
    pub fn validity_at(&self, now: UnixTime, asked_seconds: Option<i64>) -> Option<Validity> {
        let not_before = now.plus_seconds(-i64::from(self.parts.backdate_seconds));
        let seconds = match (&self.parts.validity, asked_seconds) {
            (ValidityRule::NoExpiry, None) => return Validity::new(not_before, UnixTime::NO_EXPIRY),
            (ValidityRule::Fixed { seconds }, None) => *seconds,
            (ValidityRule::AsCertified { bound }, None) => return *bound,
            (
                ValidityRule::NoExpiry | ValidityRule::Fixed { .. } | ValidityRule::AsCertified { .. },
                Some(_),
            ) => return None,
            (ValidityRule::Range { default_seconds, .. }, None) => *default_seconds,
            (ValidityRule::Range { min_seconds, max_seconds, .. }, Some(asked)) => {
                (*min_seconds..=*max_seconds).contains(&asked).then_some(asked)?
            }
        };
        // RFC 5280 §4.1.2.5: both ends belong to the period, so n seconds end at second n - 1.
        let not_after = now.seconds().checked_add(seconds - 1).map(UnixTime::from_seconds)?;
        // What does not fit into the calendar is refused, never cut.
        (not_after <= UnixTime::NO_EXPIRY).then(|| Validity::new(not_before, not_after))?
    }
}
