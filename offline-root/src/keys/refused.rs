//! Why keys were not made or unlocked, and what to do about it.

use ca_core::key_ref::KeyRef;
use ca_core::ports::SignError;
use signer_file::{
    CreateKeyDirectoryError, DecryptKeyError, OpenKeyDirectoryError, PrivatePathError, ReadKeyError,
};
use signer_pkcs11::{LoadPinError, OpenTokenError, ParseTokenUriError, UseTokenError};

use crate::explain::{Exit, Explained};
use crate::passphrase_entry::EnterPassphraseError;
use crate::shares::{CombineSharesError, DealSharesError, ShelfError};

/// Why keys were not made or unlocked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnlockError {
    /// The option does not go with where the keys are.
    #[error("{option} does not fit: {instead}")]
    WrongSecret {
        /// The option.
        option: &'static str,
        /// What to say instead.
        instead: &'static str,
    },
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] EnterPassphraseError),
    /// The shares do not give the wrap key.
    #[error(transparent)]
    Shares(#[from] CombineSharesError),
    /// No shares were dealt.
    #[error(transparent)]
    NotDealt(#[from] DealSharesError),
    /// The sets of shares are not in order.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The PIN file is refused.
    #[error(transparent)]
    Pin(#[from] LoadPinError),
    /// The key directory could not be made.
    #[error(transparent)]
    NoDirectory(#[from] CreateKeyDirectoryError),
    /// The key directory is refused.
    #[error(transparent)]
    Directory(#[from] OpenKeyDirectoryError),
    /// A key file does not give its key.
    #[error(transparent)]
    KeyFile(#[from] ReadKeyError),
    /// A key file could not be made.
    #[error(transparent)]
    NoKeyFile(#[from] signer_file::GenerateKeyError),
    /// The token URI is refused.
    #[error(transparent)]
    Uri(#[from] ParseTokenUriError),
    /// The token was not opened.
    #[error(transparent)]
    Token(#[from] OpenTokenError),
    /// The token made no key.
    #[error(transparent)]
    NoTokenKey(#[from] signer_pkcs11::GenerateKeyError),
    /// A key, or half of one, has the label that the new key is to have.
    #[error("a key or half of one on the token is labelled {label:?} already")]
    LabelTaken {
        /// The label.
        label: String,
    },
    /// The signer does not hold the key.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// Under the name of the key there is another one.
    #[error("the signer holds another key than that of the certificate under {wanted}")]
    AnotherKey {
        /// The key of the certificate.
        wanted: KeyRef,
    },
}

impl UnlockError {
    const fn is_wrong_secret(&self) -> bool {
        matches!(
            self,
            Self::KeyFile(ReadKeyError::NotOpened { cause: DecryptKeyError::WrongPassphrase, .. })
                | Self::Token(OpenTokenError::Token(
                    UseTokenError::PinRefused(_)
                        | UseTokenError::PinNotTriedAgain
                        | UseTokenError::LoginLocked(_)
                        | UseTokenError::PinLocked { .. }
                        | UseTokenError::PinFinalTry { .. },
                ))
        )
    }

    /// Case R-10: what signs is not what the certificate says.
    const fn is_another_key(&self) -> bool {
        matches!(self, Self::AnotherKey { .. } | Self::KeyFile(ReadKeyError::AnotherKey { .. }))
    }

    const fn is_missing(&self) -> bool {
        matches!(self, Self::KeyFile(ReadKeyError::File(PrivatePathError::Missing { .. })))
    }
}

impl Explained for UnlockError {
    fn exit(&self) -> Exit {
        if self.is_another_key() {
            return Exit::Integrity;
        }
        if self.is_missing() {
            return Exit::NotFound;
        }
        if self.is_wrong_secret() {
            return Exit::Permission;
        }
        match self {
            Self::WrongSecret { .. } | Self::Uri(_) => Exit::Usage,
            Self::Passphrase(error) => error.exit(),
            Self::Shares(error) => error.exit(),
            Self::NotDealt(error) => error.exit(),
            Self::Shelf(error) => error.exit(),
            Self::Pin(_) | Self::Directory(_) | Self::KeyFile(_) => Exit::Permission,
            Self::NoDirectory(_) | Self::NoKeyFile(_) | Self::NoTokenKey(_) | Self::LabelTaken { .. } => {
                Exit::Failed
            }
            Self::Token(_) | Self::Signer(_) => Exit::Unavailable,
            Self::AnotherKey { .. } => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        if self.is_wrong_secret() {
            return "secret.wrong";
        }
        if self.is_another_key() {
            return "key.another";
        }
        match self {
            Self::WrongSecret { .. } => "secret.unusable",
            Self::Passphrase(error) => error.code(),
            Self::Shares(error) => error.code(),
            Self::NotDealt(error) => error.code(),
            Self::Shelf(error) => error.code(),
            Self::Uri(_) => "token.uri",
            Self::Pin(_) => "secret.file",
            Self::Directory(_) | Self::KeyFile(_) => "key.unreadable",
            Self::NoDirectory(_) | Self::NoKeyFile(_) | Self::NoTokenKey(_) | Self::LabelTaken { .. } => {
                "key.not-made"
            }
            Self::Token(_) | Self::Signer(_) => "signer.unavailable",
            Self::AnotherKey { .. } => "key.another",
        }
    }

    fn next(&self) -> String {
        if self.is_wrong_secret() {
            return "find the right passphrase or PIN before you try again: a token counts the tries"
                .to_owned();
        }
        if self.is_another_key() {
            return "stop: the key store does not belong to this root".to_owned();
        }
        match self {
            Self::WrongSecret { .. } => "correct the command line",
            Self::Passphrase(error) => return error.next(),
            Self::Shares(error) => return error.next(),
            Self::NotDealt(error) => return error.next(),
            Self::Shelf(error) => return error.next(),
            Self::Pin(_) => "correct the file or its mode (chmod 0600)",
            Self::Directory(_) | Self::KeyFile(_) => "restore the key directory from its copy",
            Self::NoDirectory(_) | Self::NoKeyFile(_) => "check the disk",
            Self::NoTokenKey(_) | Self::LabelTaken { .. } => {
                "correct --token-uri, or choose another --key-label"
            }
            Self::Uri(_) => "correct --token-uri, such as pkcs11:token=root?module-path=/usr/lib/module.so",
            Self::Token(_) | Self::Signer(_) => {
                "check that the token is plugged in and named rightly, then repeat"
            }
            Self::AnotherKey { .. } => "stop: the key store does not belong to this root",
        }
        .to_owned()
    }
}
