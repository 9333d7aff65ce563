//! Symmetric keys in methods 2 and 3: wrapped ones that are transferred, and the data with which one is agreed.
//!
//! Nothing is wrapped, unwrapped or agreed here, and no key is in clear. The octets of a wrapped key are kept out of `Debug`.

use core::fmt;

use super::{SetupError, array, enumerated, octet_string, structure};
use crate::axdr::Data;
use ca_core::suite::SecuritySuite;

/// `key_id`: which of a meter's global keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyId {
    /// 0: global unicast encryption key.
    Guek,
    /// 1: global broadcast encryption key.
    Gbek,
    /// 2: global authentication key.
    Gak,
    /// 3: key encryption key, the master key.
    Kek,
}

impl KeyId {
    /// All of them; the place is the number.
    pub const ALL: [Self; 4] = [Self::Guek, Self::Gbek, Self::Gak, Self::Kek];

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Guek => 0,
            Self::Gbek => 1,
            Self::Gak => 2,
            Self::Kek => 3,
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guek => "guek",
            Self::Gbek => "gbek",
            Self::Gak => "gak",
            Self::Kek => "kek",
        }
    }

    /// Returns the key that this word names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    fn read(data: &Data) -> Result<Self, SetupError> {
        let number = enumerated(data, "key_id")?;
        let found = Self::ALL.into_iter().find(|key| key.number() == number);
        found.ok_or(SetupError::Number { what: "key_id", number })
    }
}

/// A key of method 2: `structure { key_id enum, key_wrapped octet-string }`.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferredKey {
    /// Which key.
    pub id: KeyId,
    /// The key, wrapped by RFC 3394 under the meter's key encryption key: 24 octets for a key of 16, 40 for one of 32.
    pub wrapped: Vec<u8>,
}

impl TransferredKey {
    /// Returns how many octets a wrapped key of a suite has.
    #[must_use]
    pub const fn wrapped_octets(suite: SecuritySuite) -> usize {
        match suite {
            SecuritySuite::Suite1 => 24,
            SecuritySuite::Suite2 => 40,
        }
    }

    pub(super) fn read_all(data: &Data) -> Result<Vec<Self>, SetupError> {
        let one = |key: &Data| {
            let [id, wrapped] = structure(key, "an element of key_transfer_data")?;
            Ok(Self { id: KeyId::read(id)?, wrapped: octet_string(wrapped, "key_wrapped")?.to_vec() })
        };
        array(data, "key_transfer_data")?.iter().map(one).collect()
    }

    pub(super) fn to_data(&self) -> Data {
        Data::Structure(vec![Data::Enum(self.id.number()), Data::OctetString(self.wrapped.clone())])
    }
}

impl fmt::Debug for TransferredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferredKey({}, {} octets)", self.id.name(), self.wrapped.len())
    }
}

/// A key of method 3: `structure { key_id enum, key_data octet-string }`, the same there and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedKey {
    /// Which key.
    pub id: KeyId,
    /// The ephemeral public key x‖y, and the signature r‖s over `key_id` and it: 128 octets in suite 1, 192 in suite 2.
    pub data: Vec<u8>,
}

impl AgreedKey {
    /// Returns how many octets the `key_data` of a suite has.
    #[must_use]
    pub const fn data_octets(suite: SecuritySuite) -> usize {
        4 * suite.curve().field_octets()
    }

    pub(super) fn read_all(data: &Data) -> Result<Vec<Self>, SetupError> {
        let one = |key: &Data| {
            let [id, data] = structure(key, "an element of key_agreement_data")?;
            Ok(Self { id: KeyId::read(id)?, data: octet_string(data, "key_data")?.to_vec() })
        };
        array(data, "key_agreement_data")?.iter().map(one).collect()
    }

    pub(super) fn to_data(&self) -> Data {
        Data::Structure(vec![Data::Enum(self.id.number()), Data::OctetString(self.data.clone())])
    }
}
