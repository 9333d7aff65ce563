//! The ceremony file: the whole input of one ceremony, reviewed beforehand; its SHA-256 is what the room reads aloud.
//!
//! Checked when it is read: what holds a [`CeremonyFile`] holds one that can be carried out, as far as the file alone tells.
//! Whether the inputs that it names are there is for [`inputs`] to say. Nothing here looks at a clock (case R-03).

mod read;
mod check;
mod raw;
pub mod inputs;
mod fault;
pub mod act;
pub mod root;

use ca_core::validity::UnixTime;

use crate::people::People;
use crate::words::Fingerprint;
use act::Act;
pub use fault::{CeremonyFileError, FileFault, Problem};
use root::{KeyPlace, RootName, RootPlan, TokenChoice};

/// How many share-holders must come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// At least so many, 2 or more.
    pub threshold: u8,
    /// Of so many.
    pub holders: u8,
}

/// A ceremony file that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CeremonyFile {
    octets: Vec<u8>,
    fingerprint: Fingerprint,
    title: String,
    held: UnixTime,
    previous: Option<Fingerprint>,
    people: People,
    quorum: Option<Quorum>,
    roots: Vec<RootPlan>,
    acts: Vec<Act>,
}

impl CeremonyFile {
    /// Reads and checks the octets of a ceremony file.
    ///
    /// # Errors
    /// [`CeremonyFileError`] with every fault that can be told from the file, each with its line.
    pub fn parse(octets: &[u8]) -> Result<Self, CeremonyFileError> {
        read::read(octets)
    }

    /// Returns the octets that were read.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Returns the SHA-256 of the octets, which the room reads aloud (case R-01).
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Returns the title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the time for which the ceremony speaks: validity begins here, whatever a clock says.
    #[must_use]
    pub const fn held(&self) -> UnixTime {
        self.held
    }

    /// Returns the SHA-256 of the manifest of the previous ceremony's bundle.
    #[must_use]
    pub const fn previous(&self) -> Option<&Fingerprint> {
        self.previous.as_ref()
    }

    /// Returns who takes part.
    #[must_use]
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// Returns how many share-holders must come together, if any root needs them.
    #[must_use]
    pub const fn quorum(&self) -> Option<Quorum> {
        self.quorum
    }

    /// Lists the roots that the ceremony speaks of.
    #[must_use]
    pub fn roots(&self) -> &[RootPlan] {
        &self.roots
    }

    /// Returns the same ceremony with other tokens in the place of those that it names, for a rehearsal. The octets and their
    /// SHA-256 stay those that were reviewed.
    ///
    /// # Errors
    /// What `stand_in` says of a token.
    pub fn on_tokens<E>(
        &self,
        mut stand_in: impl FnMut(&TokenChoice) -> Result<TokenChoice, E>,
    ) -> Result<Self, E> {
        let mut file = self.clone();
        for root in &mut file.roots {
            if let KeyPlace::Token(token) = &mut root.keys {
                *token = stand_in(token)?;
            }
        }
        Ok(file)
    }

    /// Finds a root by its name.
    #[must_use]
    pub fn root(&self, name: &RootName) -> Option<&RootPlan> {
        self.roots.iter().find(|root| root.name == *name)
    }

    /// Lists what is to be done, in order.
    #[must_use]
    pub fn acts(&self) -> &[Act] {
        &self.acts
    }

    /// Finds an act by its number, from 1.
    #[must_use]
    pub fn act(&self, number: u32) -> Option<&Act> {
        self.acts.iter().find(|act| act.number == number)
    }
}

#[cfg(test)]
mod tests;
