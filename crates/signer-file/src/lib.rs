//! Signer on encrypted key files: for pilots, rehearsals and tests, and for online keys that no token holds.
//!
//! Not a key store for a production root: a key in a file can be copied. Every key is one PEM file with a PKCS#8
//! `EncryptedPrivateKeyInfo` (RFC 5958 §3, RFC 7468 §11) under PBES2 (RFC 8018 §6.2), which `openssl pkey -in` reads.
//! Beside them stand small secrets that are no keys, such as a share of one, sealed under a passphrase.
//! Modules stand in reading order; none imports one that stands above it.

mod file_signer;
mod key_directory;
mod sealed_secret;
mod key_file;
mod passphrase;
mod private_path;
mod system_entropy;

pub use file_signer::{FileSigner, UnlockError};
pub use key_directory::{
    CopyKeyError, CreateKeyDirectoryError, DestroyKeyError, GenerateKeyError, KeyDirectory, ListKeysError,
    OpenKeyDirectoryError, ReadKeyError,
};
pub use key_file::{DecryptKeyError, EncryptKeyError, Iterations, NewKeyFile};
pub use passphrase::{LoadPassphraseError, Passphrase};
pub use private_path::{PrivatePathError, denied_to_others};
pub use sealed_secret::{OpenSecretError, SealSecretError, SealedSecret};
pub use system_entropy::SystemEntropy;
