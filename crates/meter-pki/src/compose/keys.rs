//! Opens the signer that the configuration names: a directory of encrypted key files, tokens, or a process of its own.
//!
//! Whoever serves waits for a token or a signer that is away; a command that ends opens it at once, or fails.

mod unchecked;

use std::path::Path;
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::Signer;
use signer_file::{FileSigner, KeyDirectory, Passphrase};
use signer_link::client::{LinkBounds, SignerLink};
use signer_link::desk::{Standing, TokenCounts, TokenReport};
use signer_pkcs11::{
    DestroyKeyError, Pin, TokenOptions, TokenSet, TokenSigner, TokenStanding, TokenState, TokenUri,
};

use crate::config::KeySource;
use crate::exit::{Exit, Failure};
pub(crate) use unchecked::UncheckedKeys;

/// Keys that are open.
pub(crate) struct OpenKeys {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) place: KeyPlace,
}

/// Where they are, for whoever tells how that place stands.
#[derive(Clone)]
pub(crate) enum KeyPlace {
    /// In files that were read.
    Files,
    /// On tokens of this process.
    Tokens(Arc<TokenSet>),
    /// With a signer in another process.
    Link(Arc<SignerLink>),
}

impl KeyPlace {
    /// Tells how the tokens stand; nothing where there are none.
    pub(crate) fn tokens(&self) -> Vec<TokenReport> {
        match self {
            Self::Files => Vec::new(),
            Self::Tokens(set) => set.standings().map(report).collect(),
            Self::Link(link) => link.tokens(),
        }
    }
}

/// How a token stands, as the signer's process tells it too.
fn report(of: TokenStanding) -> TokenReport {
    let (standing, again_in) = match of.state {
        TokenState::Serving => (Standing::Serving, None),
        TokenState::Resting { again_in } => (Standing::Resting, Some(again_in)),
        TokenState::Probing => (Standing::Probing, None),
        TokenState::Stopped => (Standing::Stopped, None),
    };
    let signer_pkcs11::TokenCounts {
        calls,
        signed,
        not_signed,
        unknown,
        failures,
        waiting,
        under_way,
        hanging,
    } = of.counts;
    TokenReport {
        token: of.name,
        standing,
        again_in,
        cause: of.cause,
        counts: TokenCounts { calls, signed, not_signed, unknown, failures, waiting, under_way, hanging },
    }
}

/// What becomes of a token, or of the signer's process, that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Nothing is opened.
    Fails,
    /// It is waited for (case H-04).
    IsWaitedFor,
}

/// Opens every key that is there.
pub(crate) fn open(source: &KeySource, absence: Absence) -> Result<OpenKeys, Failure> {
    match source {
        KeySource::Files { directory, passphrase_file } => {
            let passphrase = Passphrase::load(passphrase_file).map_err(|error| failure(&error))?;
            let directory = KeyDirectory::open(directory).map_err(|error| failure(&error))?;
            let signer = FileSigner::unlock(&directory, &passphrase).map_err(|error| failure(&error))?;
            Ok(OpenKeys { signer: Arc::new(signer), place: KeyPlace::Files })
        }
        KeySource::Tokens { uris, options } => {
            let token = |uri: &String| open_or_attend(uri, *options, absence).map(Arc::new);
            let set = Arc::new(TokenSet::new(uris.iter().map(token).collect::<Result<_, _>>()?));
            Ok(OpenKeys { signer: set.clone(), place: KeyPlace::Tokens(set) })
        }
        KeySource::Signer { socket } => {
            let opened = match absence {
                Absence::Fails => SignerLink::open(socket, LinkBounds::default()),
                Absence::IsWaitedFor => SignerLink::attend(socket, LinkBounds::default()),
            };
            let link = opened.map_err(|error| {
                Failure::new(Exit::Unavailable, "keys.not-open", error).then(
                    "start `meter-pki signer`; [keys] signer_socket names the socket of its configuration",
                )
            })?;
            let link = Arc::new(link);
            Ok(OpenKeys { signer: link.clone(), place: KeyPlace::Link(link) })
        }
    }
}

/// Says where keys are: of tokens their URIs, without the attributes behind the question mark, which lead to a PIN (RFC 7512 §2.4).
pub(crate) fn places(source: &KeySource) -> Vec<String> {
    match source {
        KeySource::Files { directory, .. } => vec![directory.display().to_string()],
        KeySource::Tokens { uris, .. } => uris
            .iter()
            .map(|uri| uri.split_once('?').map_or(uri.as_str(), |(token, _)| token).to_owned())
            .collect(),
        KeySource::Signer { socket } => vec![socket.display().to_string()],
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
        KeySource::Files { .. } | KeySource::Tokens { .. } => Ok(()),
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
        // On every token: a key is destroyed when none has it any more, and all must be there to say so.
        KeySource::Tokens { uris, .. } => {
            let tokens = uris.iter().map(|uri| open_token(uri)).collect::<Result<Vec<_>, _>>()?;
            for token in tokens {
                match token.destroy(key) {
                    Ok(()) | Err(DestroyKeyError::NotThere { .. }) => {}
                    Err(error) => return Err(not_destroyed(&error)),
                }
            }
            Ok(())
        }
    }
}

/// The token on which a key is made: a new key is on one, until somebody brings it onto the others.
pub(crate) fn only_token(uris: &[String]) -> Result<&String, Failure> {
    match uris {
        [uri] => Ok(uri),
        several => {
            let message = format!("[keys] names {} tokens, and a key is made on one", several.len());
            Err(Failure::new(Exit::Conflict, "key.which-token", message).then(
                "do this with a configuration whose [keys] names one token; meter-pki hsm copy brings a key that was made \
                 for it (hsm generate --exportable-by-wrap) onto the others; then name all of them",
            ))
        }
    }
}

/// Opens a token by its PKCS#11 URI, with the PIN of its pin-source.
pub(crate) fn open_token(uri: &str) -> Result<TokenSigner, Failure> {
    open_or_attend(uri, TokenOptions::default(), Absence::Fails)
}

fn open_or_attend(uri: &str, options: TokenOptions, absence: Absence) -> Result<TokenSigner, Failure> {
    let uri = TokenUri::parse(uri).map_err(|error| failure(&error))?;
    let source = uri.pin_source().ok_or("the token URI names no pin-source");
    let pin = Pin::load(source.map_err(|error| failure(&error))?).map_err(|error| failure(&error))?;
    let opened = match absence {
        Absence::Fails => TokenSigner::open_with(&uri, pin, options),
        Absence::IsWaitedFor => TokenSigner::attend(&uri, pin, options),
    };
    opened.map_err(|error| failure(&error))
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, "keys.not-open", error)
        .then("look at [keys] in the configuration; secrets are read from files of mode 0600 only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_a_token_is_told_without_what_leads_to_its_pin() {
        let uri = "pkcs11:token=ca;serial=0001?module-path=/usr/lib/token.so&pin-source=file:/run/pin";
        let source = KeySource::Tokens {
            uris: vec![uri.to_owned(), "pkcs11:token=b".to_owned()],
            options: TokenOptions::default(),
        };
        assert_eq!(places(&source), ["pkcs11:token=ca;serial=0001", "pkcs11:token=b"]);
    }
}
