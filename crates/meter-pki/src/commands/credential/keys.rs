//! Where the client's keys are: in files, or on a token.

use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::Signer;
use ca_core::suite::Curve;
use est_client::FileKey;
use signer_pkcs11::TokenSigner;

use crate::compose::keys::open_token;
use crate::exit::{Exit, Failure};

/// Where new keys are made, and where those are found that stand in no file.
pub(crate) enum KeyPlace {
    /// In files.
    Files,
    /// On a token.
    Token(Arc<TokenSigner>),
}

/// A key of the client.
pub(crate) struct OwnKey {
    /// Its name.
    pub(crate) key: KeyRef,
    /// Where it signs.
    pub(crate) signer: Arc<dyn Signer>,
    /// The key itself, if it belongs into a file.
    pub(crate) in_file: Option<Arc<FileKey>>,
}

impl OwnKey {
    fn of_file(key: FileKey) -> Self {
        let key = Arc::new(key);
        Self { key: key.public().key_ref(), signer: Arc::<FileKey>::clone(&key), in_file: Some(key) }
    }
}

impl KeyPlace {
    pub(crate) fn open(token: Option<&str>) -> Result<Self, Failure> {
        match token {
            Some(uri) => open_token(uri).map(|signer| Self::Token(Arc::new(signer))),
            None => Ok(Self::Files),
        }
    }

    /// Makes a new key. On a token it has the name of the file as its label, and a number that is free.
    pub(crate) fn generate(&self, curve: Curve, label: &str) -> Result<OwnKey, Failure> {
        let not_made = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "key.not-made", error);
        match self {
            Self::Files => FileKey::generate(curve).map(OwnKey::of_file).map_err(|error| not_made(&error)),
            Self::Token(signer) => {
                let taken: Vec<String> = signer
                    .keys()
                    .map_err(|error| not_made(&error))?
                    .into_iter()
                    .map(|key| key.label)
                    .collect();
                let free =
                    (1_u32..).map(|number| format!("{label}-{number}")).find(|name| !taken.contains(name));
                let made = signer.generate(curve, &free.unwrap_or_else(|| label.to_owned()));
                let key = made.map_err(|error| not_made(&error))?.key_ref();
                Ok(OwnKey { key, signer: Arc::<TokenSigner>::clone(signer), in_file: None })
            }
        }
    }

    /// Finds the key of a certificate or request: in its file, or on the token.
    pub(crate) fn find(&self, key: KeyRef, in_file: Option<FileKey>) -> Result<OwnKey, Failure> {
        match (in_file, self) {
            (Some(found), _) => Ok(OwnKey::of_file(found)),
            (None, Self::Token(signer)) => {
                signer.public_key(&key).map_err(|error| {
                    Failure::new(Exit::NotFound, "key.not-found", error)
                        .then("name the token that has the key of the certificate with --token")
                })?;
                Ok(OwnKey { key, signer: Arc::<TokenSigner>::clone(signer), in_file: None })
            }
            (None, Self::Files) => {
                let message =
                    format!("the file has no private key, and no token is named that has the key {key}");
                Err(Failure::new(Exit::Usage, "key.not-found", message)
                    .then("name the token with --token, as a PKCS#11 URI"))
            }
        }
    }

    pub(crate) fn destroy(&self, key: &KeyRef) -> Result<(), Failure> {
        match self {
            Self::Files => Ok(()),
            Self::Token(signer) => signer.destroy(key).map_err(|error| {
                Failure::new(Exit::Failed, "key.not-destroyed", error).then(
                    "the new certificate is in its file; destroy the former key with the token's own tool",
                )
            }),
        }
    }
}
