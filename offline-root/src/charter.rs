//! `ceremony.toml`: what the root in a directory is, as it was founded. Written once, by `init`; never edited.
//!
//! Its SHA-256 stands in the ledger, so that a copy which was changed is refused (case R-01). No secret is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ca_core::issuer::PublicationPoints;
use ca_core::public_key::PublicKey;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use der::oid::ObjectIdentifier;
use policies::{LoadProfileError, ProfileSet, Settings, Variant, VariantError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::explain::{Exit, Explained};
use crate::new_file;

/// Its name in the directory.
pub(crate) const FILE_NAME: &str = "ceremony.toml";

/// The one version of the format.
const FORMAT: u8 = 1;

/// The file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCharter {
    /// `1`.
    format: u8,
    /// The DLMS security suite: 1 or 2.
    suite: u8,
    /// Whose root it is.
    tenant: String,
    /// The profile of the root certificate.
    profile: String,
    /// The serial number of the root certificate, in hexadecimal.
    certificate: String,
    /// The SubjectPublicKeyInfo of the exchange key, in hexadecimal.
    exchange_key: String,
    profiles: ProfileChoice,
    keys: KeyStore,
    #[serde(default)]
    publication: RawPublication,
}

/// Which profiles, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChoice {
    /// `gurux-safe`, `greenbook-san`, `strict-empty` or `small`.
    pub(crate) variant: String,
    /// The hwType of hardwareModuleNames, where the variant writes them.
    pub(crate) hw_type: Option<String>,
    /// The arc of the certificate policies.
    pub(crate) policy_arc: String,
}

impl ProfileChoice {
    /// Loads the profiles.
    pub(crate) fn load(&self) -> Result<ProfileSet, ChooseProfilesError> {
        let identifier = |text: &String| {
            ObjectIdentifier::new(text)
                .map_err(|_| ChooseProfilesError::NotAnIdentifier { text: text.clone() })
        };
        let hw_type = self.hw_type.as_ref().map(identifier).transpose()?;
        let settings = Settings {
            variant: Variant::named(&self.variant, hw_type)?,
            policy_arc: identifier(&self.policy_arc)?,
        };
        Ok(ProfileSet::load_embedded(&settings)?)
    }
}

/// Where the two private keys are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "store")]
pub(crate) enum KeyStore {
    /// In encrypted files, below the directory.
    File,
    /// In encrypted files below the directory, under a wrap key that enough people put together from their shares.
    Shared,
    /// On a PKCS#11 token.
    Token {
        /// Which token (RFC 7512).
        uri: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublication {
    crl: Option<String>,
    ca_issuers: Option<String>,
    ocsp: Option<String>,
}

/// What the root in a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charter {
    pub(crate) suite: SecuritySuite,
    pub(crate) tenant: TenantId,
    /// The profile of the root certificate.
    pub(crate) profile: String,
    /// The serial number of the root certificate.
    pub(crate) certificate: SerialNumber,
    /// The key that signs responses.
    pub(crate) exchange_key: PublicKey,
    pub(crate) profiles: ProfileChoice,
    pub(crate) keys: KeyStore,
    pub(crate) points: PublicationPoints,
}

impl Charter {
    /// Writes the text of the file.
    pub(crate) fn to_text(&self) -> Result<String, ReadCharterError> {
        let raw = RawCharter {
            format: FORMAT,
            suite: self.suite.number(),
            tenant: self.tenant.to_string(),
            profile: self.profile.clone(),
            certificate: self.certificate.to_string(),
            exchange_key: hex::encode(self.exchange_key.spki_der()),
            profiles: self.profiles.clone(),
            keys: self.keys.clone(),
            publication: RawPublication {
                crl: self.points.crl.clone(),
                ca_issuers: self.points.ca_issuers.clone(),
                ocsp: self.points.ocsp.clone(),
            },
        };
        let text =
            toml::to_string(&raw).map_err(|cause| ReadCharterError::NotToml { what: cause.to_string() })?;
        Ok(format!(
            "# The root in this directory. Its SHA-256 stands in the ledger; a changed copy is refused.\n{text}"
        ))
    }

    /// Reads the file of a directory; returns the charter with the SHA-256 of its octets.
    pub(crate) fn load(directory: &Path) -> Result<(Self, [u8; 32]), ReadCharterError> {
        let path = directory.join(FILE_NAME);
        let octets = fs::read(&path).map_err(|cause| {
            if cause.kind() == io::ErrorKind::NotFound {
                ReadCharterError::NoRoot { path: directory.to_owned() }
            } else {
                ReadCharterError::Unreadable { path, cause }
            }
        })?;
        let not_toml = |what: String| ReadCharterError::NotToml { what };
        let text = core::str::from_utf8(&octets).map_err(|cause| not_toml(cause.to_string()))?;
        let raw: RawCharter = toml::from_str(text).map_err(|cause| not_toml(cause.to_string()))?;
        Ok((Self::try_from(raw)?, Sha256::digest(&octets).into()))
    }
}

impl TryFrom<RawCharter> for Charter {
    type Error = ReadCharterError;

    fn try_from(raw: RawCharter) -> Result<Self, Self::Error> {
        let value = |key| move || ReadCharterError::Value { key };
        if raw.format != FORMAT {
            return Err(ReadCharterError::Value { key: "format" });
        }
        let spki = hex::decode(&raw.exchange_key).ok();
        Ok(Self {
            suite: SecuritySuite::from_number(raw.suite).ok_or_else(value("suite"))?,
            tenant: TenantId::parse(&raw.tenant).ok().ok_or_else(value("tenant"))?,
            profile: raw.profile,
            certificate: SerialNumber::parse(&raw.certificate).ok().ok_or_else(value("certificate"))?,
            exchange_key: spki
                .and_then(|spki| PublicKey::from_spki_der(&spki).ok())
                .ok_or_else(value("exchange_key"))?,
            profiles: raw.profiles,
            keys: raw.keys,
            points: PublicationPoints {
                crl: raw.publication.crl,
                ca_issuers: raw.publication.ca_issuers,
                ocsp: raw.publication.ocsp,
            },
        })
    }
}

/// Why there is no charter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadCharterError {
    /// No root was founded there, or its founding was cut short.
    #[error("{path} holds no root: it has no ceremony.toml", path = path.display())]
    NoRoot {
        /// The directory.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Not TOML, an unknown key, or a missing one.
    #[error("ceremony.toml is not as it was written: {what}")]
    NotToml {
        /// What the decoder says, with the line.
        what: String,
    },
    /// A key has a value that is never written.
    #[error("ceremony.toml is not as it was written: the value of {key} is impossible")]
    Value {
        /// Which key.
        key: &'static str,
    },
    /// It is not the file that the ledger knows.
    #[error("ceremony.toml was altered: its SHA-256 is not the one in the ledger")]
    Altered,
}

impl Explained for ReadCharterError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoRoot { .. } => Exit::NotFound,
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::NotToml { .. } | Self::Value { .. } | Self::Altered => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoRoot { .. } => "root.absent",
            Self::Unreadable { .. } => "file.unreadable",
            Self::NotToml { .. } | Self::Value { .. } | Self::Altered => "charter.altered",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NoRoot { .. } => {
                "check --dir; make a root with: offline-root init --help; a directory in which an earlier init was cut \
                 short is to be moved away first"
                    .to_owned()
            }
            Self::Unreadable { .. } => "check --dir and the mode of the file".to_owned(),
            Self::NotToml { .. } | Self::Value { .. } | Self::Altered => {
                "stop, sign nothing, and compare the file with its copies".to_owned()
            }
        }
    }
}

/// Why the profiles that were chosen cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChooseProfilesError {
    /// Not a dotted object identifier.
    #[error("{text:?} is not a dotted object identifier")]
    NotAnIdentifier {
        /// The text.
        text: String,
    },
    /// No such variant, or one with too much or too little said.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// The profiles are not sound under these settings.
    #[error(transparent)]
    Load(#[from] LoadProfileError),
    /// There is no such profile.
    #[error("there is no profile {id} for this; there are {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// Those that would do.
        known: String,
    },
}

impl Explained for ChooseProfilesError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAnIdentifier { .. } | Self::Variant(_) => "profile.settings",
            Self::Load(_) => "profile.faulty",
            Self::Unknown { .. } => "profile.unknown",
        }
    }

    fn next(&self) -> String {
        "correct --profile, --profile-set, --hw-type or --policy-arc".to_owned()
    }
}
