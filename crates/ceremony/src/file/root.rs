//! The roots of a ceremony: what each is or is to be, and where its key is.

use core::fmt;
use std::path::PathBuf;

use ca_core::distinguished_name::{DistinguishedName, NameError};
use ca_core::issuer::PublicationPoints;
use ca_core::oid;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use der::oid::ObjectIdentifier;
use policies::{LoadProfileError, ProfileSet, Settings, Variant, VariantError};
use serde::{Deserialize, Serialize};

use crate::words::Fingerprint;

/// The name of a root and of its directory: 1 to 64 of `a`–`z`, `0`–`9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RootName(String);

impl RootName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RootName {
    type Error = RootNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
        let fits = (1..=64).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with('-');
        if fits { Ok(Self(text)) } else { Err(RootNameError) }
    }
}

impl From<RootName> for String {
    fn from(name: RootName) -> Self {
        name.0
    }
}

impl fmt::Display for RootName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a root has 1 to 64 of a-z, 0-9 and -, and does not begin with -")]
pub struct RootNameError;

/// Which profiles, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileChoice {
    /// `gurux-safe`, `greenbook-san`, `strict-empty` or `small`.
    pub variant: String,
    /// The hwType of hardwareModuleNames, where the variant writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hw_type: Option<String>,
    /// The arc of the certificate policies.
    pub policy_arc: String,
}

impl ProfileChoice {
    /// Loads the profiles.
    ///
    /// # Errors
    /// [`ChooseProfilesError`].
    pub fn load(&self) -> Result<ProfileSet, ChooseProfilesError> {
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

/// Why the profiles that were chosen cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ChooseProfilesError {
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
}

/// The name of a root, as its certificate shall have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootSubject {
    /// Two letters.
    pub country: String,
    /// Whose it is.
    pub organization: String,
    /// What it is called.
    pub common_name: String,
}

impl RootSubject {
    /// Encodes the name.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn distinguished_name(&self) -> Result<DistinguishedName, NameError> {
        DistinguishedName::from_attributes(&[
            (oid::COUNTRY_NAME, &self.country),
            (oid::ORGANIZATION_NAME, &self.organization),
            (oid::COMMON_NAME, &self.common_name),
        ])
    }
}

/// Which token: by what is written on it, never by the slot that it happens to be in (case R-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenChoice {
    /// The PKCS#11 module.
    pub module: PathBuf,
    /// `CKA_LABEL` of the token.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// The label of the root's key.
    pub key_label: String,
}

/// Where the private key of a root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file encrypted under a passphrase.
    File,
    /// In a file encrypted under a key that the share-holders have shared.
    Shared,
    /// On a PKCS#11 token.
    Token(TokenChoice),
}

impl KeyPlace {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Shared => "shared",
            Self::Token(_) => "token",
        }
    }

    /// Tells whether share-holders must come together before the key is used.
    #[must_use]
    pub const fn needs_quorum(&self) -> bool {
        match self {
            Self::File => false,
            Self::Shared | Self::Token(_) => true,
        }
    }
}

/// A root as the file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlan {
    /// Its name and that of its directory.
    pub name: RootName,
    /// Its security suite.
    pub suite: SecuritySuite,
    /// Whose it is.
    pub tenant: TenantId,
    /// What its certificate names.
    pub subject: RootSubject,
    /// The profile of its certificate, with the suite: `root-s1`.
    pub profile: String,
    /// Which profiles, and in which form.
    pub profiles: ProfileChoice,
    /// These profiles, loaded.
    pub loaded: ProfileSet,
    /// Where its CRL and certificate are published.
    pub points: PublicationPoints,
    /// Where its key is.
    pub keys: KeyPlace,
    /// SHA-256 of its certificate, if it was founded in an earlier ceremony.
    pub certificate: Option<Fingerprint>,
}
