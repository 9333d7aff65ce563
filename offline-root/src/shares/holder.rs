//! Who holds a share: a name as it is called in the room, and the fingerprint of the person's own key.
//!
//! The key signs what its holder did (see `person`); a share is bound to it, and opened by a passphrase of its own.

use core::fmt;

use ca_core::public_key::PublicKey;

use crate::person;

/// A person who holds a share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    name: String,
    key: [u8; 32],
}

impl Holder {
    /// Takes a person, if the name can stand in a line of its own.
    pub(super) fn new(name: &str, key: &PublicKey) -> Option<Self> {
        Self::from_parts(name, key.fingerprint())
    }

    /// Takes a person by the fingerprint of the key.
    pub(super) fn from_parts(name: &str, key: [u8; 32]) -> Option<Self> {
        person::is_name(name).then(|| Self { name: name.to_owned(), key })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the key's SubjectPublicKeyInfo.
    pub(crate) const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Case R-02: one key is one person, and so is one name, however it is written.
    pub(super) fn is_same_person(&self, other: &Self) -> bool {
        self.key == other.key || self.name.to_lowercase() == other.name.to_lowercase()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_02_one_key_and_one_name_are_one_person() {
        let holder = |name, key| Holder::from_parts(name, [key; 32]).unwrap();
        assert!(holder("Anna", 1).is_same_person(&holder("Ben", 1)));
        assert!(holder("Anna", 1).is_same_person(&holder("ANNA", 2)));
        assert!(!holder("Anna", 1).is_same_person(&holder("Ben", 2)));
    }
}
