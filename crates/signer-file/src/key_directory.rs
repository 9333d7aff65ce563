//! A directory of encrypted key files, one per key, named by the key's [`KeyRef`]: `<40 hexadecimal digits>.pem`.
//!
//! It makes and lists files and reads them; it keeps no key. Directory 0700, files 0600, looser modes are refused; a file
//! is never overwritten.

use std::io;
use std::path::{Path, PathBuf};

use ca_core::key_ref::KeyRef;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use zeroize::Zeroizing;

use crate::key_file::{
    self, DecryptKeyError, EncryptKeyError, Iterations, NewKeyFile, PrivateKey, ReEncryptError,
};
use crate::passphrase::Passphrase;
use crate::private_path::{self, PrivatePathError};

/// More octets than a key file has: 500 with a P-384 key, and room for other people's line lengths.
const FILE_LIMIT: usize = 8192;

/// A private directory of key files.
#[derive(Debug, Clone)]
pub struct KeyDirectory {
    path: PathBuf,
    iterations: Iterations,
}

impl KeyDirectory {
    /// Makes a new directory of mode 0700. The directory around it must exist.
    ///
    /// # Errors
    /// [`CreateKeyDirectoryError`]; whatever stood under this name is as it was.
    pub fn create(path: &Path) -> Result<Self, CreateKeyDirectoryError> {
        private_path::create_directory(path).map_err(|cause| {
            let path = path.to_owned();
            if cause.kind() == io::ErrorKind::AlreadyExists {
                CreateKeyDirectoryError::AlreadyExists { path }
            } else {
                CreateKeyDirectoryError::NotMade { path, cause }
            }
        })?;
        Ok(Self::at(path))
    }

    /// Opens a directory that exists and has mode 0700 or stricter. It is not made when it is absent.
    ///
    /// # Errors
    /// [`OpenKeyDirectoryError`].
    pub fn open(path: &Path) -> Result<Self, OpenKeyDirectoryError> {
        private_path::check_directory(path)?;
        Ok(Self::at(path))
    }

    fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), iterations: Iterations::default() }
    }

    /// Sets how dear the passphrases of keys made from now on are to guess.
    #[must_use]
    pub fn with_iterations(self, iterations: Iterations) -> Self {
        Self { iterations, ..self }
    }

    /// Returns where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Draws a new key on `curve` and stores it, encrypted under `passphrase`; durable when it answers.
    ///
    /// # Errors
    /// [`GenerateKeyError`]; no file was made.
    pub fn generate(&self, curve: Curve, passphrase: &Passphrase) -> Result<PublicKey, GenerateKeyError> {
        private_path::check_directory(&self.path).map_err(GenerateKeyError::Directory)?;
        self.store(&NewKeyFile::draw(curve, passphrase, self.iterations)?)
    }

    fn store(&self, new: &NewKeyFile) -> Result<PublicKey, GenerateKeyError> {
        let path = self.file(&new.public_key().key_ref());
        private_path::store_file(&path, new.pem().as_bytes())
            .map_err(|cause| GenerateKeyError::NotStored { path, cause })?;
        Ok(new.public_key().clone())
    }

    /// Stores a key of this directory in another one too, under another passphrase; durable when it answers.
    ///
    /// # Errors
    /// [`CopyKeyError`]; no file was made.
    pub fn copy_key(
        &self,
        key: &KeyRef,
        passphrase: &Passphrase,
        (target, new_passphrase): (&Self, &Passphrase),
    ) -> Result<PublicKey, CopyKeyError> {
        private_path::check_directory(&target.path)
            .map_err(|cause| CopyKeyError::NotCopied(GenerateKeyError::Directory(cause)))?;
        let path = self.file(key);
        let text = read_text(&path)?;
        let copy =
            key_file::re_encrypt(&text, passphrase, new_passphrase, target.iterations).map_err(|error| {
                match error {
                    ReEncryptError::Decrypt(cause) => {
                        CopyKeyError::NotRead(ReadKeyError::NotOpened { path: path.clone(), cause })
                    }
                    ReEncryptError::Encrypt(cause) => CopyKeyError::NotCopied(cause.into()),
                }
            })?;
        let found = copy.public_key().key_ref();
        if found != *key {
            return Err(ReadKeyError::AnotherKey { path, found }.into());
        }
        Ok(target.store(&copy)?)
    }

    /// Lists the keys that have a file here, in ascending order. No file is opened.
    ///
    /// # Errors
    /// [`ListKeysError`], also for a `.pem` file whose name is not a key reference: it would never be found.
    pub fn key_refs(&self) -> Result<Vec<KeyRef>, ListKeysError> {
        let unreadable = |cause| ListKeysError::Unreadable { path: self.path.clone(), cause };
        let mut key_refs = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if hidden || path.extension().is_none_or(|extension| extension != "pem") {
                continue;
            }
            key_refs.push(named_key(&path).ok_or(ListKeysError::NotAKeyRef { path })?);
        }
        key_refs.sort_unstable();
        Ok(key_refs)
    }

    /// Destroys the file of a key: zeros are written over it, then it is removed; both are synced, and it is looked that it is
    /// gone. Copies of the file, on a backup or inside the medium, it does not reach.
    ///
    /// # Errors
    /// [`DestroyKeyError`]; the key may then be destroyed or not.
    pub fn destroy(&self, key: &KeyRef) -> Result<(), DestroyKeyError> {
        private_path::check_directory(&self.path)?;
        Ok(private_path::destroy_file(&self.file(key))?)
    }

    /// Reads and decrypts the file of a key.
    pub(crate) fn read(&self, key: &KeyRef, passphrase: &Passphrase) -> Result<PrivateKey, ReadKeyError> {
        let path = self.file(key);
        let private_key = read_key(&path, passphrase)?;
        let found = private_key.public_key().key_ref();
        if found == *key { Ok(private_key) } else { Err(ReadKeyError::AnotherKey { path, found }) }
    }

    fn file(&self, key: &KeyRef) -> PathBuf {
        self.path.join(format!("{key}.pem"))
    }
}

/// Reads and decrypts a key file, whatever its name.
pub(crate) fn read_key(path: &Path, passphrase: &Passphrase) -> Result<PrivateKey, ReadKeyError> {
    key_file::decrypt(&read_text(path)?, passphrase)
        .map_err(|cause| ReadKeyError::NotOpened { path: path.to_owned(), cause })
}

fn read_text(path: &Path) -> Result<Zeroizing<String>, ReadKeyError> {
    let octets = private_path::read_file(path, FILE_LIMIT)?;
    core::str::from_utf8(&octets).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| {
        ReadKeyError::NotOpened { path: path.to_owned(), cause: DecryptKeyError::NotEncryptedPkcs8 }
    })
}

/// Returns the key that a path names, if it is written as [`KeyRef`] writes it.
fn named_key(path: &Path) -> Option<KeyRef> {
    let stem = path.file_stem()?.to_str()?;
    KeyRef::parse(stem).filter(|key| key.to_string() == stem)
}

/// Why there is no new key directory.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyDirectoryError {
    /// There is something under this name; it is never taken over.
    #[error("{path} exists already", path = path.display())]
    AlreadyExists {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system refuses.
    #[error("the key directory {path} cannot be made: {cause}", path = path.display())]
    NotMade {
        /// The path asked for.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// Why a key directory is not used.
#[derive(Debug, thiserror::Error)]
#[error("the key directory is refused: {0}")]
pub struct OpenKeyDirectoryError(#[from] PrivatePathError);

/// Why a key file was not destroyed.
#[derive(Debug, thiserror::Error)]
#[error("the key file was not destroyed: {0}")]
pub struct DestroyKeyError(#[from] PrivatePathError);

impl DestroyKeyError {
    /// Tells whether there was no such file.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, PrivatePathError::Missing { .. })
    }
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum GenerateKeyError {
    /// The directory has gone or been opened to others since it was opened.
    #[error("the key directory is refused: {0}")]
    Directory(#[source] PrivatePathError),
    /// The key could not be drawn or encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptKeyError),
    /// The file could not be stored; if one stood there, it is as it was.
    #[error("the key file {path} cannot be stored: {cause}", path = path.display())]
    NotStored {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// Why a key was not stored in another directory too.
#[derive(Debug, thiserror::Error)]
pub enum CopyKeyError {
    /// The key cannot be read where it is.
    #[error(transparent)]
    NotRead(#[from] ReadKeyError),
    /// It cannot be stored in the other directory.
    #[error(transparent)]
    NotCopied(#[from] GenerateKeyError),
}

/// Why the keys cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListKeysError {
    /// The operating system refuses.
    #[error("the key directory {path} cannot be listed: {cause}", path = path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A file is called `.pem` but is not named by a key reference.
    #[error(
        "{path} is not named by a key reference (40 hexadecimal digits in lower case, then .pem)",
        path = path.display()
    )]
    NotAKeyRef {
        /// The file.
        path: PathBuf,
    },
}

/// Why a key file does not give its key.
#[derive(Debug, thiserror::Error)]
pub enum ReadKeyError {
    /// The file is absent, open to others, too long or unreadable.
    #[error("the key file is refused: {0}")]
    File(#[from] PrivatePathError),
    /// The file's octets do not give a key.
    #[error("the key file {path} is refused: {cause}", path = path.display())]
    NotOpened {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: DecryptKeyError,
    },
    /// The file holds another key than its name says.
    #[error("the key file {path} holds the key {found}", path = path.display())]
    AnotherKey {
        /// The file.
        path: PathBuf,
        /// The key in it.
        found: KeyRef,
    },
}
