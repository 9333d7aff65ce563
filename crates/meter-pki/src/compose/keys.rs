//! Opens the signer that the configuration names: a directory of encrypted key files, or a token.

use std::path::Path;
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::Signer;
use signer_file::{FileSigner, KeyDirectory, Passphrase};
use signer_pkcs11::{DestroyKeyError, Pin, TokenSigner, TokenUri};

use crate::config::KeySource;
use crate::exit::{Exit, Failure};

/// Opens every key that is there.
pub(crate) fn open(source: &KeySource) -> Result<Arc<dyn Signer>, Failure> {
    match source {
        KeySource::Files { directory, passphrase_file } => {
            let passphrase = Passphrase::load(passphrase_file).map_err(|error| failure(&error))?;
            let directory = KeyDirectory::open(directory).map_err(|error| failure(&error))?;
            let signer = FileSigner::unlock(&directory, &passphrase).map_err(|error| failure(&error))?;
            Ok(Arc::new(signer))
        }
        KeySource::Token { uri } => Ok(Arc::new(open_token(uri)?)),
    }
}

/// Who signs messages: a key file with its passphrase, or, where none is named, a key in `[keys]`.
pub(super) fn of_messages(
    file: Option<&Path>,
    passphrase_file: Option<&Path>,
    keys: &Arc<dyn Signer>,
) -> Result<Arc<dyn Signer>, String> {
    match (file, passphrase_file) {
        (Some(file), Some(passphrase_file)) => {
            let passphrase = Passphrase::load(passphrase_file).map_err(|error| error.to_string())?;
            let signer = FileSigner::new();
            signer.add_file(file, &passphrase).map_err(|error| error.to_string())?;
            Ok(Arc::new(signer))
        }
        (None, None) => Ok(Arc::clone(keys)),
        _ => Err("message_key_file and message_passphrase_file go together".to_owned()),
    }
}

/// Destroys a key, and looks that it is gone. One that is gone already is destroyed: whoever asks has the intent on record, and
/// finishes what was cut short.
pub(crate) fn destroy(source: &KeySource, key: &KeyRef) -> Result<(), Failure> {
    let not_destroyed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "key.not-destroyed", error)
            .then("the key may still be there: look at [keys], then repeat the same command")
    };
    match source {
        KeySource::Files { directory, .. } => {
            let directory = KeyDirectory::open(directory).map_err(|error| failure(&error))?;
            match directory.destroy(key) {
                Err(error) if !error.is_absent() => Err(not_destroyed(&error)),
                Ok(()) | Err(_) => Ok(()),
            }
        }
        KeySource::Token { uri } => match open_token(uri)?.destroy(key) {
            Ok(()) | Err(DestroyKeyError::NotThere { .. }) => Ok(()),
            Err(error) => Err(not_destroyed(&error)),
        },
    }
}

/// Opens a token by its PKCS#11 URI, with the PIN of its pin-source.
pub(crate) fn open_token(uri: &str) -> Result<TokenSigner, Failure> {
    let uri = TokenUri::parse(uri).map_err(|error| failure(&error))?;
    let source = uri.pin_source().ok_or("the token URI names no pin-source");
    let pin = Pin::load(source.map_err(|error| failure(&error))?).map_err(|error| failure(&error))?;
    TokenSigner::open(&uri, pin).map_err(|error| failure(&error))
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, "keys.not-open", error)
        .then("look at [keys] in the configuration; secrets are read from files of mode 0600 only")
}
