//! Opens the signer that the configuration names: a directory of encrypted key files, a token, or a process of its own.

use std::path::Path;
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::Signer;
use signer_file::{FileSigner, KeyDirectory, Passphrase};
use signer_link::client::{LinkBounds, SignerLink};
use signer_pkcs11::{DestroyKeyError, Pin, TokenSigner, TokenUri};

use crate::config::KeySource;
use crate::exit::{Exit, Failure};

/// Keys that are open.
pub(crate) struct OpenKeys {
    pub(crate) signer: Arc<dyn Signer>,
    /// The link to them, where they are in another process.
    pub(crate) link: Option<Arc<SignerLink>>,
}

impl OpenKeys {
    fn here(signer: impl Signer + 'static) -> Self {
        Self { signer: Arc::new(signer), link: None }
    }
}

/// Opens every key that is there.
pub(crate) fn open(source: &KeySource) -> Result<OpenKeys, Failure> {
    match source {
        KeySource::Files { directory, passphrase_file } => {
            let passphrase = Passphrase::load(passphrase_file).map_err(|error| failure(&error))?;
            let directory = KeyDirectory::open(directory).map_err(|error| failure(&error))?;
            let signer = FileSigner::unlock(&directory, &passphrase).map_err(|error| failure(&error))?;
            Ok(OpenKeys::here(signer))
        }
        KeySource::Token { uri } => Ok(OpenKeys::here(open_token(uri)?)),
        KeySource::Signer { socket } => {
            let link = SignerLink::open(socket, LinkBounds::default()).map_err(|error| {
                Failure::new(Exit::Unavailable, "keys.not-open", error).then(
                    "start `meter-pki signer`; [keys] signer_socket names the socket of its configuration",
                )
            })?;
            let link = Arc::new(link);
            Ok(OpenKeys { signer: link.clone(), link: Some(link) })
        }
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

/// Keys are made and destroyed where they are, and not over the link to a signer.
pub(crate) fn at_hand(source: &KeySource) -> Result<(), Failure> {
    match source {
        KeySource::Files { .. } | KeySource::Token { .. } => Ok(()),
        KeySource::Signer { socket } => {
            let message = format!("the keys are with the signer at {}", socket.display());
            Err(Failure::new(Exit::Conflict, "key.elsewhere", message).then(
                "stop the signer, and do this with a configuration whose [keys] names the token or the directory",
            ))
        }
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
        KeySource::Signer { .. } => at_hand(source),
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
