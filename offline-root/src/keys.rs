//! The two private keys of a ceremony, the root's and the exchange key: making them, and unlocking them to sign.
//!
//! The one place that knows whether they are in files, in files under a shared wrap key, or on a token. Secrets come from
//! private files or are typed, never from the command line or the environment (case I-03).

mod refused;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
pub(crate) use refused::UnlockError;
use signer_file::{FileSigner, KeyDirectory, Passphrase};
use signer_pkcs11::{
    KeyAttributes, OpenTokenError, Pin, PinSource, TokenKey, TokenOptions, TokenSigner, TokenUri,
};

use crate::charter::KeyStore;
use crate::explain::{Exit, Explained};
use crate::gate::Gate;
use crate::passphrase_entry::{self, EnterPassphraseError};
use crate::prompt;
use crate::second_opinion::SecondOpinion;
use crate::shares::{
    Combined, DealSharesError, DealWish, Dealt, DealtReport, Holder, ShareSources, SharesShelf, combine, deal,
};

/// The name of the directory of key files.
const DIRECTORY: &str = "keys";

/// Where the secret that opens the keys is to be read from; it is asked for at the terminal when nothing is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecretSource {
    /// File with the passphrase of key files.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// File with the PIN of a token.
    pub(crate) pin_file: Option<PathBuf>,
    /// Shares of the wrap key of key files.
    pub(crate) shares: ShareSources,
    /// Keys that were opened before: then no secret is asked for.
    pub(crate) opened: Option<UnlockedKeys>,
    /// Where what is to be signed waits for the people in the room.
    pub(crate) gate: Option<Gate>,
}

/// Where the keys of a root are.
#[derive(Debug)]
pub(crate) struct KeyPlace<'a> {
    pub(crate) store: &'a KeyStore,
    /// The directory of the root.
    pub(crate) root: &'a Path,
    /// SHA-256 of the description of the shares in force.
    pub(crate) shares: Option<Vec<u8>>,
}

/// Keys that are ready to sign; every signature gets a second opinion. Clones are the same keys.
#[derive(Debug, Clone)]
pub(crate) struct UnlockedKeys {
    signer: Arc<SecondOpinion<Store>>,
    opened_by: Vec<Holder>,
    gate: Option<Gate>,
}

impl UnlockedKeys {
    fn of(store: Store, root: &Path, opened_by: Vec<Holder>) -> Self {
        Self { signer: Arc::new(SecondOpinion::on(store, root)), opened_by, gate: None }
    }

    /// Returns what the token says of the private keys on it; nothing when they are in files.
    pub(crate) fn on_token(
        &self,
        wanted: &[&PublicKey],
    ) -> Result<Vec<(TokenKey, KeyAttributes)>, UnlockError> {
        let Store::Token(signer) = self.signer.inner() else { return Ok(Vec::new()) };
        let objects = signer.keys().map_err(OpenTokenError::from)?;
        let keys = objects.into_iter().filter_map(|object| object.key.ok());
        let keys = keys.filter(|key| wanted.iter().any(|wanted| **wanted == key.public_key));
        keys.map(|key| {
            let attributes = signer.attributes(&key).map_err(OpenTokenError::from)?;
            Ok((key, attributes))
        })
        .collect()
    }

    /// Puts the keys behind a gate, or takes them out from behind it.
    pub(crate) fn behind(self, gate: Option<Gate>) -> Self {
        Self { gate, ..self }
    }

    /// Returns whose shares opened the keys; nobody's when they are not shared, or were made just now.
    pub(crate) fn opened_by(&self) -> &[Holder] {
        &self.opened_by
    }
}

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

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        match self {
            Self::File(signer) => signer.check_at_hand(key),
            Self::Token(signer) => signer.check_at_hand(key),
        }
    }
}

impl Signer for UnlockedKeys {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.signer.public_key(key)
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        if let Some(gate) = &self.gate {
            gate.pass(self.signer.public_key(key)?, message)?;
        }
        self.signer.sign(key, message)
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        self.signer.check_at_hand(key)
    }
}

/// What makes the two keys of a new root. The secret was read when this exists; nothing was made yet.
pub(crate) enum KeyMaker {
    File(Passphrase),
    Shared(Box<Dealt>),
    Token(Box<TokenSigner>),
}

impl KeyMaker {
    /// Reads the secret, deals shares if there are to be any, and logs in to the token if there is one.
    pub(crate) fn prepare(
        store: &KeyStore,
        dealing: Option<&DealWish>,
        secrets: &SecretSource,
    ) -> Result<Self, UnlockError> {
        refuse(!secrets.shares.files.is_empty(), "--share-file", "a new root has no shares yet")?;
        let shared = *store == KeyStore::Shared;
        refuse(dealing.is_some() && !shared, "--holder", "only a --shared root has shares")?;
        match (store, dealing) {
            (KeyStore::File, _) => {
                refuse_pin(secrets)?;
                let file = secrets.passphrase_file.as_deref();
                Ok(Self::File(passphrase_entry::new("New passphrase of the key files", file)?))
            }
            (KeyStore::Shared, Some(wish)) => {
                refuse_pin(secrets)?;
                refuse_passphrase(secrets, "each share has one: say --new-share-passphrase-file")?;
                Ok(Self::Shared(Box::new(deal(wish)?)))
            }
            (KeyStore::Shared, None) => Err(DealSharesError::Quorum { threshold: 0, of: 0 }.into()),
            (KeyStore::Token { uri }, _) => Ok(Self::Token(Box::new(open_token(uri, secrets)?))),
        }
    }

    /// Makes the root's key and the exchange key. `label` names the first on a token, and with ` exchange` the second; the gate,
    /// if there is one, is told of labels before there are keys.
    pub(crate) fn make(
        self,
        folder: &Path,
        curve: Curve,
        label: &str,
        gate: Option<&Gate>,
    ) -> Result<MadeKeys, UnlockError> {
        let (mut shares, mut directory) = (None, folder.join(DIRECTORY));
        let (root, exchange, store) = match self {
            Self::File(passphrase) => make_files(&directory, curve, &passphrase)?,
            Self::Shared(dealt) => {
                let set = SharesShelf::create(folder)?.next()?;
                // Before there is a key: whoever is to open it has what opens it.
                shares = Some(dealt.write(&set)?);
                set.keys().clone_into(&mut directory);
                make_files(&directory, curve, &dealt.wrap_key().passphrase())?
            }
            Self::Token(signer) => {
                let labels = labels(label);
                refuse_taken(&signer, &labels)?;
                gate.map_or(Ok(()), |gate| gate.announce(&labels))?;
                let [root, exchange] = &labels;
                let (root, exchange) = (signer.generate(curve, root)?, signer.generate(curve, exchange)?);
                (root, exchange, Store::Token(signer))
            }
        };
        let keys = UnlockedKeys::of(store, folder, Vec::new());
        Ok(MadeKeys { root, exchange, keys, shares, directory })
    }
}

/// What the root's key and the exchange key are called on a token.
pub(crate) fn labels(label: &str) -> [String; 2] {
    [label.to_owned(), format!("{label} exchange")]
}

/// Not even half of a key has one of these labels: whatever has it later was made after this.
fn refuse_taken(signer: &TokenSigner, labels: &[String]) -> Result<(), UnlockError> {
    for label in labels {
        if !signer.is_free(label).map_err(OpenTokenError::from)? {
            return Err(UnlockError::LabelTaken { label: label.clone() });
        }
    }
    Ok(())
}

/// Destroys what a founding that was cut short made on a token under the labels that it had announced; returns the public
/// keys, each with its label.
pub(crate) fn destroy_announced(
    uri: &str,
    labels: &[String],
    secrets: &SecretSource,
) -> Result<Vec<(String, PublicKey)>, DestroyKeysError> {
    let signer = open_token(uri, secrets)?;
    let mut destroyed = Vec::new();
    for label in labels {
        let keys = signer.destroy_labelled(label)?;
        destroyed.extend(keys.into_iter().map(|key| (label.clone(), key)));
    }
    Ok(destroyed)
}

fn make_files(
    directory: &Path,
    curve: Curve,
    passphrase: &Passphrase,
) -> Result<(PublicKey, PublicKey, Store), UnlockError> {
    let directory = KeyDirectory::create(directory)?;
    let root = directory.generate(curve, passphrase)?;
    let exchange = directory.generate(curve, passphrase)?;
    let signer = open_files(&directory, &[&root, &exchange], passphrase)?;
    Ok((root, exchange, Store::File(signer)))
}

fn open_files(
    directory: &KeyDirectory,
    wanted: &[&PublicKey],
    passphrase: &Passphrase,
) -> Result<FileSigner, UnlockError> {
    let signer = FileSigner::new();
    for key in wanted {
        signer.add(directory, &key.key_ref(), passphrase)?;
    }
    Ok(signer)
}

/// The keys of a new root.
#[derive(Debug)]
pub(crate) struct MadeKeys {
    pub(crate) root: PublicKey,
    pub(crate) exchange: PublicKey,
    pub(crate) keys: UnlockedKeys,
    /// The shares that were written, if the keys are under a shared wrap key.
    pub(crate) shares: Option<DealtReport>,
    /// Where they are, if they are in files.
    directory: PathBuf,
}

impl MadeKeys {
    /// Destroys keys that no root came of (case R-21).
    pub(crate) fn destroy(&self) -> Result<(), DestroyKeysError> {
        for key in [self.root.key_ref(), self.exchange.key_ref()] {
            match self.keys.signer.signer() {
                Store::File(_) => {
                    let directory = KeyDirectory::open(&self.directory).map_err(UnlockError::from)?;
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
    place: &KeyPlace<'_>,
    wanted: &[&PublicKey],
    secrets: &SecretSource,
) -> Result<UnlockedKeys, UnlockError> {
    if let Some(opened) = &secrets.opened {
        return check_keys(opened.clone().behind(secrets.gate.clone()), wanted);
    }
    let shared = *place.store == KeyStore::Shared;
    refuse(
        !secrets.shares.files.is_empty() && !shared,
        "--share-file",
        "the keys of this root are not shared",
    )?;
    let mut opened_by = Vec::new();
    let store = match place.store {
        KeyStore::File => {
            let directory = KeyDirectory::open(&place.root.join(DIRECTORY))?;
            refuse_pin(secrets)?;
            let file = secrets.passphrase_file.as_deref();
            let passphrase = passphrase_entry::known("Passphrase of the key files", file)?;
            Store::File(open_files(&directory, wanted, &passphrase)?)
        }
        KeyStore::Shared => {
            let (set, description) = SharesShelf::of(place.root).in_force(place.shares.as_deref())?;
            let directory = KeyDirectory::open(set.keys())?;
            refuse_pin(secrets)?;
            refuse_passphrase(secrets, "the keys are shared: say --share-file, and --share-passphrase-file")?;
            let Combined { wrap_key, holders } = combine(&description, &secrets.shares)?;
            opened_by = holders;
            Store::File(open_files(&directory, wanted, &wrap_key.passphrase())?)
        }
        KeyStore::Token { uri } => Store::Token(Box::new(open_token(uri, secrets)?)),
    };
    check_keys(UnlockedKeys::of(store, place.root, opened_by).behind(secrets.gate.clone()), wanted)
}

/// Before anything is signed: what the signer holds under each name is the key in the certificate.
fn check_keys(keys: UnlockedKeys, wanted: &[&PublicKey]) -> Result<UnlockedKeys, UnlockError> {
    for key in wanted {
        if keys.public_key(&key.key_ref())? != **key {
            return Err(UnlockError::AnotherKey { wanted: key.key_ref() });
        }
    }
    Ok(keys)
}

/// Destroys keys that are there, and looks that they are gone.
pub(crate) fn destroy(
    place: &KeyPlace<'_>,
    doomed: &[&PublicKey],
    secrets: &SecretSource,
) -> Result<(), DestroyKeysError> {
    match place.store {
        KeyStore::File => destroy_files(&place.root.join(DIRECTORY), doomed)?,
        KeyStore::Shared => {
            let (set, _) =
                SharesShelf::of(place.root).in_force(place.shares.as_deref()).map_err(UnlockError::from)?;
            destroy_files(set.keys(), doomed)?;
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

fn destroy_files(directory: &Path, doomed: &[&PublicKey]) -> Result<(), DestroyKeysError> {
    let directory = KeyDirectory::open(directory).map_err(UnlockError::from)?;
    for key in doomed {
        match directory.destroy(&key.key_ref()) {
            Err(error) if !error.is_absent() => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn open_token(uri: &str, secrets: &SecretSource) -> Result<TokenSigner, UnlockError> {
    refuse_passphrase(secrets, "the keys are on a token: say --pin-file")?;
    let uri = TokenUri::parse(uri)?;
    let source = secrets.pin_file.as_deref().map(PinSource::from).or_else(|| uri.pin_source().cloned());
    let pin = match source {
        Some(source) => Pin::load(source)?,
        None => {
            let typed = prompt::secret("PIN of the token").map_err(EnterPassphraseError::Prompt)?;
            Pin::new(&typed).ok_or(EnterPassphraseError::Empty)?
        }
    };
    // One session: small tokens have few, and here one thing is signed after the other.
    let options = TokenOptions { sessions: NonZeroUsize::MIN, ..TokenOptions::default() };
    Ok(TokenSigner::open_with(&uri, pin, options)?)
}

fn refuse_pin(secrets: &SecretSource) -> Result<(), UnlockError> {
    refuse(secrets.pin_file.is_some(), "--pin-file", "the keys are in files: say --passphrase-file")
}

fn refuse_passphrase(secrets: &SecretSource, instead: &'static str) -> Result<(), UnlockError> {
    refuse(secrets.passphrase_file.is_some(), "--passphrase-file", instead)
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
