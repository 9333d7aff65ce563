//! The two private keys of a ceremony, the root's and the exchange key: making them, and unlocking them to sign.
//!
//! The one place that knows whether they are in files or on a token. Secrets come from private files or are typed, never
//! from the command line or the environment (case I-03).

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use signer_file::{
    CreateKeyDirectoryError, DecryptKeyError, FileSigner, KeyDirectory, LoadPassphraseError,
    OpenKeyDirectoryError, Passphrase, PrivatePathError, ReadKeyError,
};
use signer_pkcs11::{
    LoadPinError, OpenTokenError, ParseTokenUriError, Pin, TokenOptions, TokenSigner, TokenUri, UseTokenError,
};

use crate::charter::KeyStore;
use crate::explain::{Exit, Explained};
use crate::prompt::{self, PromptError};
use crate::second_opinion::SecondOpinion;

/// The name of the directory of key files.
const DIRECTORY: &str = "keys";

/// Where the secret that opens the keys is to be read from; it is asked for at the terminal when nothing is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretSource {
    /// File with the passphrase of key files.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File with the PIN of a token.
    pub(crate) pin_file: Option<PathBuf>,
}

/// Keys that are ready to sign; every signature gets a second opinion.
#[derive(Debug)]
pub(crate) struct UnlockedKeys(SecondOpinion<Store>);

#[derive(Debug)]
enum Store {
    File(FileSigner),
    Token(Box<TokenSigner>),
}

impl Signer for Store {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        match self {
            Self::File(signer) => signer.public_key(key),
            Self::Token(signer) => signer.public_key(key),
        }
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        match self {
            Self::File(signer) => signer.sign(key, message),
            Self::Token(signer) => signer.sign(key, message),
        }
    }
}

impl Signer for UnlockedKeys {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.0.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.0.sign(key, message)
    }
}

/// What makes the two keys of a new root. The secret was read when this exists; nothing was made yet.
pub(crate) enum KeyMaker {
    File(Passphrase),
    Token(Box<TokenSigner>),
}

impl KeyMaker {
    /// Reads the secret, and logs in to the token if there is one.
    pub(crate) fn prepare(store: &KeyStore, secrets: &SecretSource) -> Result<Self, UnlockError> {
        match store {
            KeyStore::File => Ok(Self::File(new_passphrase(secrets)?)),
            KeyStore::Token { uri } => Ok(Self::Token(Box::new(open_token(uri, secrets)?))),
        }
    }

    /// Makes the root's key and the exchange key. `label` names the first on a token, and with ` exchange` the second.
    pub(crate) fn make(self, folder: &Path, curve: Curve, label: &str) -> Result<MadeKeys, UnlockError> {
        let (root, exchange, store) = match self {
            Self::File(passphrase) => {
                let directory = KeyDirectory::create(&folder.join(DIRECTORY))?;
                let root = directory.generate(curve, &passphrase)?;
                let exchange = directory.generate(curve, &passphrase)?;
                let signer = FileSigner::new();
                for key in [&root, &exchange] {
                    signer.add(&directory, &key.key_ref(), &passphrase)?;
                }
                (root, exchange, Store::File(signer))
            }
            Self::Token(signer) => {
                let root = signer.generate(curve, label)?;
                let exchange = signer.generate(curve, &format!("{label} exchange"))?;
                (root, exchange, Store::Token(signer))
            }
        };
        Ok(MadeKeys { root, exchange, keys: UnlockedKeys(SecondOpinion::on(store, folder)) })
    }
}

/// The keys of a new root.
#[derive(Debug)]
pub(crate) struct MadeKeys {
    pub(crate) root: PublicKey,
    pub(crate) exchange: PublicKey,
    pub(crate) keys: UnlockedKeys,
}

impl MadeKeys {
    /// Destroys keys that no root came of (case R-21).
    pub(crate) fn destroy(&self, folder: &Path) -> Result<(), DestroyKeysError> {
        for key in [self.root.key_ref(), self.exchange.key_ref()] {
            match self.keys.0.signer() {
                Store::File(_) => {
                    let directory = KeyDirectory::open(&folder.join(DIRECTORY)).map_err(UnlockError::from)?;
                    directory.destroy(&key)?;
                }
                Store::Token(signer) => signer.destroy(&key)?,
            }
        }
        Ok(())
    }
}

/// Unlocks keys and checks that they are the ones expected (case R-10).
pub(crate) fn unlock(
    store: &KeyStore,
    root: &Path,
    wanted: &[&PublicKey],
    secrets: &SecretSource,
) -> Result<UnlockedKeys, UnlockError> {
    let store = match store {
        KeyStore::File => {
            let directory = KeyDirectory::open(&root.join(DIRECTORY))?;
            let passphrase = passphrase(secrets)?;
            let signer = FileSigner::new();
            for key in wanted {
                signer.add(&directory, &key.key_ref(), &passphrase)?;
            }
            Store::File(signer)
        }
        KeyStore::Token { uri } => Store::Token(Box::new(open_token(uri, secrets)?)),
    };
    for key in wanted {
        // Before anything is signed: what the signer holds under this name is the key in the certificate.
        if store.public_key(&key.key_ref())? != **key {
            return Err(UnlockError::AnotherKey { wanted: key.key_ref() });
        }
    }
    Ok(UnlockedKeys(SecondOpinion::on(store, root)))
}

/// Destroys keys that are there, and looks that they are gone.
pub(crate) fn destroy(
    store: &KeyStore,
    root: &Path,
    doomed: &[&PublicKey],
    secrets: &SecretSource,
) -> Result<(), DestroyKeysError> {
    match store {
        KeyStore::File => {
            let directory = KeyDirectory::open(&root.join(DIRECTORY)).map_err(UnlockError::from)?;
            for key in doomed {
                match directory.destroy(&key.key_ref()) {
                    Err(error) if !error.is_absent() => return Err(error.into()),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        KeyStore::Token { uri } => {
            let signer = open_token(uri, secrets)?;
            for key in doomed {
                match signer.destroy(&key.key_ref()) {
                    Ok(()) | Err(signer_pkcs11::DestroyKeyError::NotThere { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(())
}

fn passphrase(secrets: &SecretSource) -> Result<Passphrase, UnlockError> {
    refuse(secrets.pin_file.is_some(), "--pin-file", "the keys are in files: say --passphrase-file")?;
    match &secrets.passphrase_file {
        Some(path) => Ok(Passphrase::load(path)?),
        None => typed_passphrase("Passphrase of the key files"),
    }
}

/// What is typed for new keys is typed twice: nobody could ever tell a slip of the finger from a lost root.
fn new_passphrase(secrets: &SecretSource) -> Result<Passphrase, UnlockError> {
    if secrets.passphrase_file.is_some() || secrets.pin_file.is_some() {
        return passphrase(secrets);
    }
    let first = prompt::secret("New passphrase of the key files")?;
    let second = prompt::secret("The same once more")?;
    if first != second {
        return Err(UnlockError::NotTypedTwice);
    }
    Passphrase::new(first.as_bytes().to_vec().into()).ok_or(UnlockError::Empty)
}

fn typed_passphrase(question: &str) -> Result<Passphrase, UnlockError> {
    let typed = prompt::secret(question)?;
    Passphrase::new(typed.as_bytes().to_vec().into()).ok_or(UnlockError::Empty)
}

fn open_token(uri: &str, secrets: &SecretSource) -> Result<TokenSigner, UnlockError> {
    refuse(
        secrets.passphrase_file.is_some(),
        "--passphrase-file",
        "the keys are on a token: say --pin-file",
    )?;
    let uri = TokenUri::parse(uri)?;
    let pin = match secrets.pin_file.as_deref().or_else(|| uri.pin_source()) {
        Some(path) => Pin::load(path)?,
        None => Pin::new(&prompt::secret("PIN of the token")?).ok_or(UnlockError::Empty)?,
    };
    // One session: small tokens have few, and here one thing is signed after the other.
    let options = TokenOptions { sessions: NonZeroUsize::MIN, ..TokenOptions::default() };
    Ok(TokenSigner::open_with(&uri, pin, options)?)
}

fn refuse(given: bool, option: &'static str, instead: &'static str) -> Result<(), UnlockError> {
    if given { Err(UnlockError::WrongSecret { option, instead }) } else { Ok(()) }
}

/// Why a key was not destroyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestroyKeysError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] UnlockError),
    /// A key file is still there.
    #[error(transparent)]
    File(#[from] signer_file::DestroyKeyError),
    /// A key on the token is still there.
    #[error(transparent)]
    Token(#[from] signer_pkcs11::DestroyKeyError),
}

impl Explained for DestroyKeysError {
    fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::File(_) | Self::Token(_) => Exit::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::File(_) | Self::Token(_) => "key.not-destroyed",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Store(error) => error.next(),
            Self::File(_) | Self::Token(_) => {
                "the key may still be there: check the store, then repeat the same command".to_owned()
            }
        }
    }
}

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
    /// The two passphrases typed are not the same.
    #[error("the two passphrases are not the same")]
    NotTypedTwice,
    /// Nothing was typed, or far too much.
    #[error("a passphrase or PIN has at least one character and at most some hundred")]
    Empty,
    /// There is no terminal to ask at.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The passphrase file is refused.
    #[error(transparent)]
    Passphrase(#[from] LoadPassphraseError),
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
        matches!(
            self,
            Self::KeyFile(ReadKeyError::File(PrivatePathError::Missing { .. }))
                | Self::Passphrase(LoadPassphraseError::File(PrivatePathError::Missing { .. }))
        )
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
            Self::WrongSecret { .. } | Self::Uri(_) | Self::NotTypedTwice | Self::Empty | Self::Prompt(_) => {
                Exit::Usage
            }
            Self::Passphrase(_) | Self::Pin(_) | Self::Directory(_) | Self::KeyFile(_) => Exit::Permission,
            Self::NoDirectory(_) | Self::NoKeyFile(_) | Self::NoTokenKey(_) => Exit::Failed,
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
            Self::WrongSecret { .. } | Self::NotTypedTwice | Self::Empty | Self::Prompt(_) => {
                "secret.unusable"
            }
            Self::Uri(_) => "token.uri",
            Self::Passphrase(_) | Self::Pin(_) => "secret.file",
            Self::Directory(_) | Self::KeyFile(_) => "key.unreadable",
            Self::NoDirectory(_) | Self::NoKeyFile(_) | Self::NoTokenKey(_) => "key.not-made",
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
            Self::NotTypedTwice | Self::Empty => "repeat the command, and type with care",
            Self::Prompt(_) => {
                "run it at a terminal, or say --passphrase-file FILE (keys in files) or --pin-file FILE (token)"
            }
            Self::Passphrase(_) | Self::Pin(_) => "correct the file or its mode (chmod 0600)",
            Self::Directory(_) | Self::KeyFile(_) => "restore the key directory from its copy",
            Self::NoDirectory(_) | Self::NoKeyFile(_) => "check the disk",
            Self::NoTokenKey(_) => "correct --token-uri, or choose another --key-label",
            Self::Uri(_) => "correct --token-uri, such as pkcs11:token=root?module-path=/usr/lib/module.so",
            Self::Token(_) | Self::Signer(_) => "check that the token is plugged in and named rightly, then repeat",
            Self::AnotherKey { .. } => "stop: the key store does not belong to this root",
        }
        .to_owned()
    }
}
