//! The [`Signer`] port on keys that were unlocked from a [`KeyDirectory`] and are held in memory.
//!
//! It reads files only while keys are added; signing touches memory alone and is done by aws-lc-rs. ECDSA with P-256 and
//! SHA-256 or with P-384 and SHA-384 (FIPS 186-5 §6; RFC 5758 §3.2).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::digest::{Digest, SHA256, SHA384};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Signature;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::to_be_signed::ToBeSigned;

use crate::key_directory::{self, KeyDirectory, ListKeysError, ReadKeyError};
use crate::key_file::PrivateKey;
use crate::passphrase::Passphrase;

/// Signs with keys in memory. The memory is wiped when the signer is dropped.
#[derive(Default)]
pub struct FileSigner {
    keys: RwLock<BTreeMap<KeyRef, Arc<PrivateKey>>>,
}

impl FileSigner {
    /// Makes a signer that holds no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a signer that holds every key of a directory. One passphrase must open all of them.
    ///
    /// # Errors
    /// [`UnlockError`], also when there is no key: then nothing would show that the passphrase is wrong.
    pub fn unlock(directory: &KeyDirectory, passphrase: &Passphrase) -> Result<Self, UnlockError> {
        let key_refs = directory.key_refs()?;
        if key_refs.is_empty() {
            return Err(UnlockError::NoKeys { path: directory.path().to_owned() });
        }
        let signer = Self::new();
        for key in &key_refs {
            signer.add(directory, key, passphrase)?;
        }
        Ok(signer)
    }

    /// Unlocks one more key, also while others sign. A key that is held already stays.
    ///
    /// # Errors
    /// [`ReadKeyError`]; the signer is as it was.
    pub fn add(
        &self,
        directory: &KeyDirectory,
        key: &KeyRef,
        passphrase: &Passphrase,
    ) -> Result<PublicKey, ReadKeyError> {
        Ok(self.hold(directory.read(key, passphrase)?))
    }

    /// Unlocks the key in one file of mode 0600 or stricter, whatever the file is called.
    ///
    /// # Errors
    /// [`ReadKeyError`]; the signer is as it was.
    pub fn add_file(&self, path: &Path, passphrase: &Passphrase) -> Result<PublicKey, ReadKeyError> {
        Ok(self.hold(key_directory::read_key(path, passphrase)?))
    }

    fn hold(&self, private_key: PrivateKey) -> PublicKey {
        let public_key = private_key.public_key().clone();
        self.keys
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(public_key.key_ref(), Arc::new(private_key));
        public_key
    }

    /// Lists the public halves of the keys held, in the order of their references.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.held().values().map(|key| key.public_key().clone()).collect()
    }

    fn find(&self, key: &KeyRef) -> Result<Arc<PrivateKey>, SignError> {
        self.held().get(key).cloned().ok_or(SignError::KeyNotFound { key: *key })
    }

    fn held(&self) -> RwLockReadGuard<'_, BTreeMap<KeyRef, Arc<PrivateKey>>> {
        // A map of Arcs is whole after every panic of ours.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signer for FileSigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.find(key).map(|private_key| private_key.public_key().clone())
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let private_key = self.find(key)?;
        // aws-lc draws the nonce from its own generator; the argument is there for API compatibility with ring.
        let signature = private_key.key_pair().sign(&SystemRandom::new(), message);
        made(&private_key, signature)
    }

    fn sign_read(&self, key: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        let private_key = self.find(key)?;
        let hash = match tbs.digest().curve() {
            Curve::P256 => &SHA256,
            Curve::P384 => &SHA384,
        };
        // aws-lc refuses the digest of another hash than that of the key's curve.
        let signature = Digest::import_less_safe(tbs.digest().octets(), hash)
            .and_then(|digest| private_key.key_pair().sign_digest(&digest));
        made(&private_key, signature)
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

fn made(key: &PrivateKey, signature: Result<Signature, Unspecified>) -> Result<EcdsaSignature, SignError> {
    let signature = signature.map_err(SignError::unavailable)?;
    EcdsaSignature::from_fixed(key.public_key().curve(), signature.as_ref())
        .map_err(|cause| SignError::OutcomeUnknown { cause: Box::new(cause) })
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.held().keys()).finish()
    }
}

/// Why a key directory was not unlocked.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The keys cannot be listed.
    #[error(transparent)]
    List(#[from] ListKeysError),
    /// The directory has no key file.
    #[error("the key directory {path} holds no key", path = path.display())]
    NoKeys {
        /// The directory.
        path: PathBuf,
    },
    /// A key file does not give its key.
    #[error(transparent)]
    Read(#[from] ReadKeyError),
}
