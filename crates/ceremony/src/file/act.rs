//! What a ceremony does, act by act.

use core::fmt;

use ca_core::profile::ProfileId;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use serde::{Deserialize, Serialize};

use super::root::RootName;
use crate::words::Fingerprint;

/// The name of a file in a directory: no path, nothing hidden; at most 80 of ASCII letters, digits, `.`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
        let fits =
            (1..=80).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with(['.', '-']);
        if fits { Ok(Self(text)) } else { Err(FileNameError { text }) }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the name of a file: at most 80 letters, digits, '.', '-' and '_', and no directory")]
pub struct FileNameError {
    /// What was written.
    pub text: String,
}

/// A file that a ceremony takes in, as it was reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Its name in the directory of inputs.
    pub name: FileName,
    /// The SHA-256 of its octets.
    pub sha256: Fingerprint,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its place in the file, from 1.
    pub number: u32,
    /// What it does.
    pub kind: ActKind,
}

/// What an act does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActKind {
    /// Makes the key and certificate of a root.
    FoundRoot(FoundRoot),
    /// Signs the certificate of a sub-CA.
    SignSubCa(SignSubCa),
    /// Certifies a CA of somebody else.
    CrossCertificate(CrossCertificate),
    /// Joins an old root and its successor by link certificates.
    LinkCertificates(LinkCertificates),
    /// Signs one CRL.
    Crl(SignCrl),
    /// Signs the CRLs of the coming periods.
    CrlSeries(CrlSeries),
    /// Records that a sub-CA is revoked.
    Revoke(Revoke),
    /// Ends the life of a factory sub-CA.
    CloseSubCa(CloseSubCa),
    /// Destroys a key.
    DestroyKey(DestroyKey),
}

impl ActKind {
    /// Returns the word for it, as the file has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FoundRoot(_) => "found-root",
            Self::SignSubCa(_) => "sign-sub-ca",
            Self::CrossCertificate(_) => "cross-certificate",
            Self::LinkCertificates(_) => "link-certificates",
            Self::Crl(_) => "crl",
            Self::CrlSeries(_) => "crl-series",
            Self::Revoke(_) => "revoke",
            Self::CloseSubCa(_) => "close-sub-ca",
            Self::DestroyKey(_) => "destroy-key",
        }
    }

    /// Lists the roots whose key it makes, uses or destroys.
    #[must_use]
    pub fn roots(&self) -> Vec<&RootName> {
        match self {
            Self::FoundRoot(act) => vec![&act.root],
            Self::SignSubCa(act) => vec![&act.root],
            Self::CrossCertificate(act) => vec![&act.root],
            Self::LinkCertificates(act) => vec![&act.old, &act.new],
            Self::Crl(act) => vec![&act.root],
            Self::CrlSeries(act) => vec![&act.root],
            Self::Revoke(act) => vec![&act.root],
            Self::CloseSubCa(act) => vec![&act.root],
            Self::DestroyKey(act) => vec![&act.root],
        }
    }

    /// Lists the times of the CRLs that it makes.
    #[must_use]
    pub fn periods(&self) -> &[CrlPeriod] {
        match self {
            Self::Crl(act) => core::slice::from_ref(&act.period),
            Self::CrlSeries(act) => &act.periods,
            Self::FoundRoot(_)
            | Self::SignSubCa(_)
            | Self::CrossCertificate(_)
            | Self::LinkCertificates(_)
            | Self::Revoke(_)
            | Self::CloseSubCa(_)
            | Self::DestroyKey(_) => &[],
        }
    }

    /// Returns the serial number of the certificate that it follows or ends.
    #[must_use]
    pub const fn serial(&self) -> Option<&SerialNumber> {
        match self {
            Self::SignSubCa(SignSubCa {
                succession: Succession::Renews(serial) | Succession::Rekeys(serial),
                ..
            }) => Some(serial),
            Self::Revoke(act) => Some(&act.serial),
            Self::CloseSubCa(act) => Some(&act.serial),
            Self::SignSubCa(_)
            | Self::FoundRoot(_)
            | Self::CrossCertificate(_)
            | Self::LinkCertificates(_)
            | Self::Crl(_)
            | Self::CrlSeries(_)
            | Self::DestroyKey(_) => None,
        }
    }

    /// Lists the files it takes in.
    #[must_use]
    pub fn inputs(&self) -> Vec<&InputFile> {
        match self {
            Self::SignSubCa(act) => vec![&act.request],
            Self::CrossCertificate(act) => vec![&act.request],
            Self::CloseSubCa(act) => [&act.last_crl].into_iter().chain(&act.destruction).collect(),
            Self::FoundRoot(_)
            | Self::LinkCertificates(_)
            | Self::Crl(_)
            | Self::CrlSeries(_)
            | Self::Revoke(_)
            | Self::DestroyKey(_) => Vec::new(),
        }
    }
}

/// Makes the key and certificate of a root, valid from the time of the ceremony for as long as the profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRoot {
    /// Which.
    pub root: RootName,
}

/// Signs the certificate of a sub-CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignSubCa {
    /// By which root.
    pub root: RootName,
    /// The request.
    pub request: InputFile,
    /// The profile that the request must ask for.
    pub profile: ProfileId,
    /// Whether it is the sub-CA's first, or what it follows.
    pub succession: Succession,
}

/// What a certificate of a sub-CA follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Succession {
    /// Nothing: it is the first.
    First,
    /// One with the same key.
    Renews(SerialNumber),
    /// One with another key.
    Rekeys(SerialNumber),
}

/// Certifies a CA of somebody else: the request is that CA's own certificate or request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossCertificate {
    /// By which root.
    pub root: RootName,
    /// What is to be certified.
    pub request: InputFile,
    /// Under which profile.
    pub profile: ProfileId,
}

/// Joins an old root and its successor (RFC 9810 §4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCertificates {
    /// The root that relying parties know.
    pub old: RootName,
    /// The root that follows it.
    pub new: RootName,
}

/// Signs one CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignCrl {
    /// Of which root.
    pub root: RootName,
    /// Its times.
    pub period: CrlPeriod,
}

/// The times of a CRL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlPeriod {
    /// thisUpdate.
    pub this_update: UnixTime,
    /// nextUpdate, later than thisUpdate.
    pub next_update: UnixTime,
    /// When the online side publishes it, not before thisUpdate.
    pub release: UnixTime,
}

/// Signs the CRLs of the coming periods in one session, each to be released at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlSeries {
    /// Of which root.
    pub root: RootName,
    /// Their times, one after the other.
    pub periods: Vec<CrlPeriod>,
}

/// Records that a sub-CA is revoked, for the next CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// By which root.
    pub root: RootName,
    /// Which certificate.
    pub serial: SerialNumber,
    /// Why.
    pub reason: ReasonCode,
    /// Since when it is not to be trusted, if that is earlier.
    pub invalidity_date: Option<UnixTime>,
}

/// Ends the life of a factory sub-CA: its last CRL is taken into the bundle, with the record of its key's destruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseSubCa {
    /// By which root it was certified.
    pub root: RootName,
    /// The serial number of its certificate.
    pub serial: SerialNumber,
    /// Its last CRL.
    pub last_crl: InputFile,
    /// The record of the destruction of its key, if it is destroyed already.
    pub destruction: Option<InputFile>,
}

/// Destroys a key of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyKey {
    /// Of which root.
    pub root: RootName,
    /// Which of its keys.
    pub key: RootKey,
    /// Why, in a sentence.
    pub why: String,
}

/// What a key of a root is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootKey {
    /// Signs certificates and CRLs.
    Root,
    /// Signs responses.
    Exchange,
    /// Wraps the other two, and is shared among the share-holders.
    Wrap,
}

impl RootKey {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Exchange => "exchange",
            Self::Wrap => "wrap",
        }
    }
}
