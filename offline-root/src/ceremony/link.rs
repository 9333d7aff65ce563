//! `link`: certifies the root of another generation, so that whoever trusts one of the two comes to trust the other.
//!
//! Done once in the directory of each: the old root certifies the new key (`NewWithOld`), the new root the old key (`OldWithNew`).
//! Both roots have one name, so that a link is self-issued and leaves the path length as it is (RFC 5280 §6.1.4 (l)); to roots
//! of different names RFC 9810 §4.4 does not speak. RFC 9810 §4.4.1.

use std::fmt;
use std::path::PathBuf;

use ca_core::certificate::Certificate;
use ca_core::request::Evidence;
use ca_core::subject::Subject;
use ca_core::validity::Validity;
use serde::Serialize;

use super::Ceremony;
use super::certify::{self, Candidate, CertifyError, Delivered};
use crate::fingerprint;
use crate::keys::SecretSource;
use crate::new_file;

/// The profile of links, without suite.
pub(crate) const PROFILE: &str = "root-link";

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct LinkWish {
    /// The file with the root certificate of the other generation, in PEM or DER.
    pub(crate) other: PathBuf,
    /// Its SHA-256 as people compared it (case R-04).
    pub(crate) digest: Option<[u8; 32]>,
    /// Where the link goes, in PEM.
    pub(crate) out: PathBuf,
    pub(crate) secrets: SecretSource,
}

/// Which of the two links it is (RFC 9810 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkKind {
    /// The new key, signed by the old one.
    NewWithOld,
    /// The old key, signed by the new one.
    OldWithNew,
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewWithOld => "NewWithOld",
            Self::OldWithNew => "OldWithNew",
        })
    }
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedLink {
    pub(crate) link: LinkKind,
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// SHA-256 of the root certificate of the other generation.
    pub(crate) certified_sha256: String,
    pub(crate) certificate_sha256: String,
    pub(crate) out: PathBuf,
    /// Whether the certificate was made before a power cut and is delivered only now.
    pub(crate) resumed: bool,
}

impl fmt::Display for SignedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The link certificate {} is issued.", self.link)?;
        writeln!(f, "  Subject              {}", self.subject)?;
        writeln!(f, "  Serial               {}", self.serial)?;
        writeln!(f, "  Valid                {} to {}", self.not_before, self.not_after)?;
        writeln!(f, "  Certifies            {}", fingerprint::aloud(&self.certified_sha256))?;
        writeln!(f, "  Certificate SHA-256  {}", fingerprint::aloud(&self.certificate_sha256))?;
        writeln!(f, "  File                 {}", self.out.display())?;
        write!(f, "Next: publish it with both roots: link_files and further_root_files of the configuration")
    }
}

/// Signs a link.
pub(crate) fn sign(ceremony: &Ceremony, wish: &LinkWish) -> Result<SignedLink, CertifyError> {
    new_file::check_free(&wish.out)?;
    let other = certify::read_certificate(&wish.other)?;
    let (kind, validity) =
        examine(ceremony, wish, &other).map_err(|error| certify::refuse(ceremony, error))?;
    let profile = certify::profile(ceremony, PROFILE)?;
    let unfit = || unfit("profile.unfit", format!("{} is no profile of links", profile.id()), "restore it");
    let candidate = Candidate {
        profile: profile.bound_to(validity).ok_or_else(unfit)?,
        subject: Subject::distinguished(other.subject().clone()),
        key: other.public_key().clone(),
        evidence: Evidence::SelfSigned(Box::new(other.clone())),
    };
    let delivered = certify::certify(ceremony, candidate, (&wish.out, &wish.secrets))?;
    Ok(report(wish, kind, &other, &delivered))
}

/// Checks that the two are generations of one root, and says for how long the link is valid.
fn examine(
    ceremony: &Ceremony,
    wish: &LinkWish,
    other: &Certificate,
) -> Result<(LinkKind, Validity), CertifyError> {
    let own = &ceremony.certificate;
    let found = fingerprint::of(other.der());
    if let Some(expected) = wish.digest.map(hex::encode).filter(|expected| *expected != found) {
        let what = format!("the certificate has the SHA-256 {found}, not {expected}");
        return Err(unfit("link.other-digest", what, "stop, and find out where the certificate comes from"));
    }
    if other.public_key() == own.public_key() {
        let what = "this is the certificate of the root itself".to_owned();
        return Err(unfit("link.same-key", what, "name the root certificate of the other generation"));
    }
    // Green Book 9.2.6.5: P-384 is never certified by P-256, so one of the two links could not be.
    if other.public_key().curve() != own.public_key().curve() {
        let what =
            "the two roots are of different suites, and one suite's root vouches for no other's".to_owned();
        return Err(unfit("link.other-suite", what, "give meters the anchor of each suite at manufacture"));
    }
    if !other.subject().matches(own.subject()) || other.subject().der() != own.subject().der() {
        let what = format!(
            "the two roots have different names, {} and {}: a link would use up the path length",
            own.subject(),
            other.subject()
        );
        return Err(unfit(
            "link.other-name",
            what,
            "found the successor under the name of the root it succeeds",
        ));
    }
    // Shown by the chain as well; but a link that was made before is delivered without it.
    if other.public_key().verify(other.tbs(), other.signature()).is_err() {
        let what = "the root certificate is not signed by its own key".to_owned();
        return Err(unfit("pop.invalid", what, "stop, and find out where the certificate comes from"));
    }
    validity(own.validity(), other.validity())
}

/// RFC 9810 §4.4.1: `OldWithNew` is valid as long as the old root; `NewWithOld` from the beginning of the new root to the end of
/// the old one.
fn validity(own: Validity, other: Validity) -> Result<(LinkKind, Validity), CertifyError> {
    let kind =
        if other.not_before() < own.not_before() { LinkKind::OldWithNew } else { LinkKind::NewWithOld };
    let (old, new) = match kind {
        LinkKind::OldWithNew => (other, own),
        LinkKind::NewWithOld => (own, other),
    };
    let linked = Validity::new(other.not_before(), old.not_after());
    let (Some(linked), true) = (linked, old.not_after() <= new.not_after()) else {
        let what = format!(
            "the old root ends on {}, which must be between the beginning and the end of the new one, {} and {}",
            old.not_after(),
            new.not_before(),
            new.not_after()
        );
        return Err(unfit(
            "link.validity",
            what,
            "found a successor that takes over before the old root ends",
        ));
    };
    Ok((kind, linked))
}

const fn unfit(code: &'static str, what: String, next: &'static str) -> CertifyError {
    CertifyError::Unfit { code, what, next }
}

fn report(wish: &LinkWish, link: LinkKind, other: &Certificate, delivered: &Delivered) -> SignedLink {
    let certificate = &delivered.certificate;
    SignedLink {
        link,
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        not_before: certificate.validity().not_before().to_string(),
        not_after: certificate.validity().not_after().to_string(),
        certified_sha256: fingerprint::of(other.der()),
        certificate_sha256: fingerprint::of(certificate.der()),
        out: wish.out.clone(),
        resumed: delivered.resumed,
    }
}
