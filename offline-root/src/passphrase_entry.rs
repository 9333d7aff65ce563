//! Passphrases as they come in: from a private file where one is named, typed at the terminal otherwise (case I-03).
//!
//! Whose passphrase it is, and what it opens, is said by the caller in the question.

use std::path::Path;

use signer_file::{LoadPassphraseError, Passphrase, PrivatePathError};

use crate::explain::{Exit, Explained};
use crate::prompt::{self, PromptError};

/// Takes a passphrase that exists.
pub(crate) fn known(question: &str, file: Option<&Path>) -> Result<Passphrase, EnterPassphraseError> {
    match file {
        Some(file) => Ok(Passphrase::load(file)?),
        None => typed(&prompt::secret(question)?),
    }
}

/// Takes a passphrase for something new. What is typed is typed twice: nobody could ever tell a slip of the finger from a
/// lost key.
pub(crate) fn new(question: &str, file: Option<&Path>) -> Result<Passphrase, EnterPassphraseError> {
    if file.is_some() {
        return known(question, file);
    }
    let first = prompt::secret(question)?;
    let second = prompt::secret("The same once more")?;
    if first == second { typed(&first) } else { Err(EnterPassphraseError::NotTypedTwice) }
}

fn typed(text: &str) -> Result<Passphrase, EnterPassphraseError> {
    Passphrase::new(text.as_bytes().to_vec().into()).ok_or(EnterPassphraseError::Empty)
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnterPassphraseError {
    /// The two passphrases typed are not the same.
    #[error("the two passphrases are not the same")]
    NotTypedTwice,
    /// Nothing was typed, or far too much.
    #[error("a passphrase or PIN has at least one character and at most some hundred")]
    Empty,
    /// There is no terminal to ask at.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The file is refused.
    #[error(transparent)]
    File(#[from] LoadPassphraseError),
}

impl Explained for EnterPassphraseError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotTypedTwice | Self::Empty | Self::Prompt(_) => Exit::Usage,
            Self::File(LoadPassphraseError::File(PrivatePathError::Missing { .. })) => Exit::NotFound,
            Self::File(_) => Exit::Permission,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotTypedTwice | Self::Empty | Self::Prompt(_) => "secret.unusable",
            Self::File(_) => "secret.file",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::NotTypedTwice | Self::Empty => "repeat the command, and type with care",
            Self::Prompt(_) => {
                "run it at a terminal, or name files of mode 0600: --passphrase-file (key files), --pin-file (token), \
                 --share-passphrase-file (shares)"
            }
            Self::File(_) => "correct the file or its mode (chmod 0600)",
        }
        .to_owned()
    }
}
