//! Who takes part in a ceremony: each person with one role and one key of their own.
//!
//! A person is known by the key; the private half is on the person's own medium and never here. Case R-13.

use core::fmt;
use core::str::FromStr;

use ca_core::public_key::PublicKey;
use serde::{Deserialize, Serialize};

use crate::words::Fingerprint;

/// What a person does in a ceremony. One person has one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Leads through the script; touches nothing.
    Administrator,
    /// Types, and signs every step.
    Operator,
    /// Watches, and signs every step.
    Witness,
    /// Holds one share of the quorum.
    ShareHolder,
    /// Comes from outside and watches.
    Auditor,
}

impl Role {
    /// Every role with its word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Administrator, "administrator"),
        (Self::Operator, "operator"),
        (Self::Witness, "witness"),
        (Self::ShareHolder, "share-holder"),
        (Self::Auditor, "auditor"),
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Witness => "witness",
            Self::ShareHolder => "share-holder",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| role).ok_or_else(|| UnknownRole { text: text.to_owned() })
    }
}

/// There is no such role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {text:?}; there are administrator, operator, witness, share-holder and auditor")]
pub struct UnknownRole {
    /// What was written.
    pub text: String,
}

/// Somebody who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, as it is called in the room.
    pub name: String,
    /// The one role.
    pub role: Role,
    /// The public half of the person's signing key.
    pub key: PublicKey,
}

impl Person {
    /// Returns the SHA-256 of the key's SubjectPublicKeyInfo, by which the person is known.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(self.key.fingerprint())
    }
}

/// All who take part: no name twice, no key twice, one administrator, one operator, at least one witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People(Vec<Person>);

impl People {
    /// Takes those who are to take part.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub fn new(people: Vec<Person>) -> Result<Self, PeopleError> {
        // whoever is named twice, or holds the key of another, has two roles.
        for (place, person) in people.iter().enumerate() {
            let earlier = people.iter().take(place);
            let same = |other: &&Person| other.key == person.key || other.name == person.name;
            if let Some(other) = earlier.clone().find(same) {
                return Err(PeopleError::Twice {
                    place,
                    first: other.name.clone(),
                    second: person.name.clone(),
                });
            }
        }
        let people = Self(people);
        for role in [Role::Administrator, Role::Operator] {
            let found = people.with(role).count();
            if found != 1 {
                return Err(PeopleError::NotOne { role, found });
            }
        }
        if people.with(Role::Witness).next().is_none() {
            return Err(PeopleError::NoWitness);
        }
        Ok(people)
    }

    /// Lists all, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0.iter()
    }

    /// Lists those who have a role.
    pub fn with(&self, role: Role) -> impl Iterator<Item = &Person> {
        self.0.iter().filter(move |person| person.role == role)
    }

    /// Finds a person by key.
    #[must_use]
    pub fn by_key(&self, key: &Fingerprint) -> Option<&Person> {
        self.0.iter().find(|person| person.fingerprint() == *key)
    }

    /// Finds a person by name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.name == name)
    }
}

/// Why people cannot hold a ceremony.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// One person in two roles: a name or a key stands twice.
    #[error("{second} has the name or the key of {first}: one person has one role")]
    Twice {
        /// The place of the second, from 0.
        place: usize,
        /// Who stands first.
        first: String,
        /// Who stands second.
        second: String,
    },
    /// None, or more than one, of a role that one person has.
    #[error("a ceremony has one {role}, not {found}")]
    NotOne {
        /// The role.
        role: Role,
        /// How many have it.
        found: usize,
    },
    /// Nobody watches.
    #[error("a ceremony has at least one witness")]
    NoWitness,
}
