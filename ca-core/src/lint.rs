//! The lint engine: rules that every drafted certificate and CRL must pass before anything is signed.
//!
//! A rule cannot be switched off and a finding cannot be waived; there is no severity. The engine decodes the to-be-signed
//! octets with types that the drafter does not use, so that the two check each other. It says nothing about who may have a
//! certificate: that is `registration`. RFC 5280 §4, §5; the rules of DLMS/COSEM and of the profiles stand in `policies`.

pub mod crl;
pub mod rfc5280;
#[cfg(test)]
pub(crate) mod samples;

use core::fmt;

use const_oid::ObjectIdentifier;
use der::{Decode, Encode, Tag, Writer};
use x509_cert::certificate::{Raw, TbsCertificateInner};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::time::Time;

use crate::issuer::{Issuer, SignedBy};
use crate::oid;
use crate::profile::CertificateProfile;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::scope::Shard;
use crate::suite::Curve;
use crate::validity::UnixTime;

/// A drafted certificate and what it was drafted from.
#[derive(Debug, Clone, Copy)]
pub struct LintInput<'a> {
    /// The DER of the `TBSCertificate`, exactly as it would be signed.
    pub tbs: &'a [u8],
    /// The profile it was drafted under.
    pub profile: &'a CertificateProfile,
    /// Who will sign it.
    pub signed_by: SignedBy<'a>,
    /// The shard of CRLs that will list it, if its issuer divides them.
    pub shard: Option<&'a Shard>,
    /// The one clock sample of the request.
    pub now: UnixTime,
}

/// What a rule says of a certificate: nothing, or what is wrong with it in one sentence.
pub type Check = fn(&Examined<'_>) -> Result<(), String>;

/// One rule: its name, where it is written, when it applies, and how it is checked.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// A stable name, such as `rfc5280.version`.
    pub id: &'static str,
    /// The clause that asks for it.
    pub citation: &'static str,
    /// Whether the rule has anything to say of this certificate.
    pub applies: fn(&Examined<'_>) -> bool,
    /// The check.
    pub check: Check,
}

impl Rule {
    /// Makes a rule that applies to every certificate.
    #[must_use]
    pub const fn new(id: &'static str, citation: &'static str, check: Check) -> Self {
        Self { id, citation, applies: every_certificate, check }
    }

    /// Limits the rule to certificates of which `applies` is true.
    #[must_use]
    pub const fn only_if(mut self, applies: fn(&Examined<'_>) -> bool) -> Self {
        self.applies = applies;
        self
    }
}

const fn every_certificate(_: &Examined<'_>) -> bool {
    true
}

/// A rule that a draft breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// The clause that asks for it.
    pub citation: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.rule, self.what, self.citation)
    }
}

/// Turns a condition into the answer of a rule.
///
/// # Errors
/// What `what` says, when the condition does not hold.
pub fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Tells whether a value is encoded as exactly these octets, without writing them down: a CRL may have millions.
fn encodes_to(value: &impl Encode, octets: &[u8]) -> bool {
    let mut comparison = Comparison { rest: octets };
    value.encode(&mut comparison).is_ok() && comparison.rest.is_empty()
}

/// Takes what is written off the front of what is expected.
struct Comparison<'a> {
    rest: &'a [u8],
}

impl Writer for Comparison<'_> {
    fn write(&mut self, written: &[u8]) -> der::Result<()> {
        self.rest =
            self.rest.strip_prefix(written).ok_or(der::ErrorKind::Noncanonical { tag: Tag::Sequence })?;
        Ok(())
    }
}

/// The rules that certificates are held against: those of RFC 5280, always, and further ones.
#[derive(Debug, Clone)]
pub struct Linter {
    further: Vec<&'static [Rule]>,
}

impl Linter {
    /// Makes a linter of the rules of RFC 5280 and `further` ones.
    #[must_use]
    pub const fn new(further: Vec<&'static [Rule]>) -> Self {
        Self { further }
    }

    /// Returns every rule, in the order they are checked.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        core::iter::once(rfc5280::RULES).chain(self.further.iter().copied()).flatten()
    }

    /// Holds a draft against every rule that applies to it; returns every finding, not only the first.
    #[must_use]
    pub fn lint(&self, input: &LintInput<'_>) -> Vec<Finding> {
        let verdicts = match self.verdicts(input) {
            Ok(verdicts) => verdicts,
            Err(finding) => return vec![finding],
        };
        let finding = |verdict: Verdict| {
            let Verdict { rule, said } = verdict;
            Some(Finding { rule: rule.id, citation: rule.citation, what: said.err()? })
        };
        verdicts.into_iter().filter_map(finding).collect()
    }

    /// Holds a draft against every rule that applies to it; returns what each of them says, in the order they are checked.
    ///
    /// # Errors
    /// The one [`Finding`] of a draft that cannot be decoded, of which no other rule can say anything.
    pub fn verdicts(&self, input: &LintInput<'_>) -> Result<Vec<Verdict>, Finding> {
        let examined = Examined::decode(input)?;
        let applying = self.rules().filter(|rule| (rule.applies)(&examined));
        Ok(applying.map(|rule| Verdict { rule, said: (rule.check)(&examined) }).collect())
    }
}

/// A rule that applies, and what it says of a draft.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The rule.
    pub rule: &'static Rule,
    /// Nothing, or what is wrong.
    pub said: Result<(), String>,
}

/// A decoded draft: what the rules look at.
#[derive(Debug)]
pub struct Examined<'a> {
    input: &'a LintInput<'a>,
    fields: TbsCertificateInner<Raw>,
    public_key: Result<PublicKey, PublicKeyError>,
}

impl<'a> Examined<'a> {
    fn decode(input: &'a LintInput<'a>) -> Result<Self, Finding> {
        let fields = TbsCertificateInner::<Raw>::from_der(input.tbs).map_err(|cause| Finding {
            rule: rfc5280::DER,
            citation: rfc5280::DER_CITATION,
            what: format!("the draft cannot be decoded: {cause}"),
        })?;
        let spki = fields.subject_public_key_info().to_der();
        let public_key =
            spki.map_err(|_| PublicKeyError::NotDer).and_then(|spki| PublicKey::from_spki_der(&spki));
        Ok(Self { input, fields, public_key })
    }

    /// Returns what was handed in.
    #[must_use]
    pub const fn input(&self) -> &LintInput<'a> {
        self.input
    }

    /// Returns the decoded fields.
    #[must_use]
    pub const fn fields(&self) -> &TbsCertificateInner<Raw> {
        &self.fields
    }

    /// Returns the issuer, unless the certificate is self-signed.
    #[must_use]
    pub const fn issuer(&self) -> Option<&'a Issuer> {
        match self.input.signed_by {
            SignedBy::Itself => None,
            SignedBy::Issuer(issuer) => Some(issuer),
        }
    }

    /// Returns the curve of the key that will sign, or `None` when a self-signed certificate has an unusable key.
    #[must_use]
    pub fn signing_curve(&self) -> Option<Curve> {
        match self.issuer() {
            Some(issuer) => Some(issuer.curve()),
            None => self.public_key().ok().map(PublicKey::curve),
        }
    }

    /// Returns the subject public key.
    ///
    /// # Errors
    /// [`PublicKeyError`] when it is not a point of P-256 or P-384 in the form of RFC 5480.
    pub const fn public_key(&self) -> Result<&PublicKey, PublicKeyError> {
        match &self.public_key {
            Ok(key) => Ok(key),
            Err(fault) => Err(*fault),
        }
    }

    /// Tells whether subject and issuer are one name, under another key than its own: a link certificate (RFC 5280 §3.2).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        let subject = self.fields.subject().to_der();
        self.issuer().is_some_and(|issuer| subject.is_ok_and(|subject| subject == issuer.name().der()))
    }

    /// Returns notBefore.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        unix_time(self.fields.validity().not_before)
    }

    /// Returns notAfter.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        unix_time(self.fields.validity().not_after)
    }

    /// Returns the extensions in the order they stand.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        self.fields.extensions().map_or(&[], Vec::as_slice)
    }

    /// Returns the first extension of this type.
    #[must_use]
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.extensions().iter().find(|extension| extension.extn_id == oid)
    }

    /// Tells whether an extension of this type is present.
    #[must_use]
    pub fn has(&self, oid: ObjectIdentifier) -> bool {
        self.extension(oid).is_some()
    }

    /// Returns the decoded value of an extension, if it is present and can be decoded; that it can is a rule of its own.
    #[must_use]
    pub fn decoded<'b, T: Decode<'b>>(&'b self, oid: ObjectIdentifier) -> Option<T> {
        T::from_der(self.extension(oid)?.extn_value.as_bytes()).ok()
    }

    /// Returns keyUsage, with no bit set when it is absent or unreadable.
    #[must_use]
    pub fn key_usage(&self) -> KeyUsage {
        self.decoded(oid::KEY_USAGE).unwrap_or_else(|| KeyUsage(der::flagset::FlagSet::default()))
    }

    /// Returns the extended key usages; empty when the extension is absent or unreadable.
    #[must_use]
    pub fn extended_key_usages(&self) -> Vec<ObjectIdentifier> {
        self.decoded::<ExtendedKeyUsage>(oid::EXTENDED_KEY_USAGE).map(|usage| usage.0).unwrap_or_default()
    }

    /// Tells whether basicConstraints asserts cA.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.decoded::<BasicConstraints>(oid::BASIC_CONSTRAINTS).is_some_and(|constraints| constraints.ca)
    }
}

fn unix_time(time: Time) -> UnixTime {
    i64::try_from(time.to_unix_duration().as_secs()).map_or(UnixTime::NO_EXPIRY, UnixTime::from_seconds)
}
