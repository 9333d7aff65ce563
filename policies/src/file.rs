//! The file that a profile was read from, as it was read: for whoever is shown a profile beside what it means.
//!
//! Not how it is read: that is `load`.

/// Where a profile file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Compiled into the program.
    BuiltIn,
    /// In a directory of the deployment.
    Directory,
}

/// A profile file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFile {
    name: String,
    text: String,
    origin: Origin,
}

impl ProfileFile {
    /// Keeps what was read.
    pub(crate) fn new(name: &str, text: &str, origin: Origin) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), origin }
    }

    /// Returns its name; of a file in a directory, its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its text, TOML.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns where it stands.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }
}
