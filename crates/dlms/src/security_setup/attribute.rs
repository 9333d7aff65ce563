//! The attributes that are read: 2, 3, 4, 5 and 6.

use super::{SetupError, eight_octets, enumerated};
use crate::axdr::Data;
use crate::security_setup::SecurityPolicy;
use ca_core::system_title::SystemTitle;

/// An attribute of class 64 version 1. Attribute 1 is the logical name, by which it is asked anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// 2: enum.
    SecurityPolicy,
    /// 3: enum, the number of the suite.
    SecuritySuite,
    /// 4: octet-string.
    ClientSystemTitle,
    /// 5: octet-string.
    ServerSystemTitle,
    /// 6: array of structure; see [`read_certificates`](super::read_certificates).
    Certificates,
}

impl Attribute {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SecurityPolicy,
        Self::SecuritySuite,
        Self::ClientSystemTitle,
        Self::ServerSystemTitle,
        Self::Certificates,
    ];

    /// Returns the number of the attribute: 2 to 6.
    #[must_use]
    pub const fn number(self) -> i8 {
        match self {
            Self::SecurityPolicy => 2,
            Self::SecuritySuite => 3,
            Self::ClientSystemTitle => 4,
            Self::ServerSystemTitle => 5,
            Self::Certificates => 6,
        }
    }

    /// Returns the attribute with this number.
    ///
    /// # Errors
    /// [`SetupError::Unknown`].
    pub fn from_number(number: i8) -> Result<Self, SetupError> {
        let found = Self::ALL.into_iter().find(|attribute| attribute.number() == number);
        found.ok_or(SetupError::Unknown { what: "attribute to be read", number })
    }

    /// Returns the name of the attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecurityPolicy => "security_policy",
            Self::SecuritySuite => "security_suite",
            Self::ClientSystemTitle => "client_system_title",
            Self::ServerSystemTitle => "server_system_title",
            Self::Certificates => "certificates",
        }
    }

    /// Returns the attribute that has this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }

    /// Reads attribute 2.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read_policy(data: &Data) -> Result<SecurityPolicy, SetupError> {
        let bits = enumerated(data, "security_policy")?;
        SecurityPolicy::from_bits(bits)
            .ok_or(SetupError::Number { what: "security_policy of version 1", number: bits })
    }

    /// Reads attribute 3: the number of the suite, 0 to 2 and what later versions may add.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read_suite(data: &Data) -> Result<u8, SetupError> {
        enumerated(data, "security_suite")
    }

    /// Reads attribute 4 or 5.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read_title(data: &Data) -> Result<SystemTitle, SetupError> {
        eight_octets(data, "system title").map(SystemTitle::new)
    }
}
