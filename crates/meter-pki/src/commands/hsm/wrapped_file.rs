//! The file of `hsm backup`: a wrapped private key with what is needed to restore it, in JSON.
//!
//! Its SHA-256 tells a damaged file from a whole one; it is no signature. That the key is the right one is proven where it is
//! restored: by a signature that the public key in the file verifies.

use std::path::Path;

use ca_core::public_key::PublicKey;
use serde::{Deserialize, Serialize};
use signer_pkcs11::{WrapRecipient, WrappedKey};

use super::{failure, key_file};
use crate::exit::{Exit, Failure};

/// What the file says it is.
const FORMAT: &str = "meter-pki-wrapped-key-1";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrappedFile {
    format: String,
    /// The label of the key.
    label: String,
    /// Its `CKA_ID`, in hexadecimal.
    id: String,
    /// Its SubjectPublicKeyInfo, DER, in hexadecimal.
    public_key: String,
    /// How the AES key was wrapped: `sha-256` or `sha-1`, the hash of RSAES-OAEP.
    oaep: String,
    /// How the private key was wrapped.
    mechanism: String,
    /// The RSA modulus of the recipient, in hexadecimal.
    recipient_modulus: String,
    /// Its public exponent.
    recipient_exponent: String,
    /// The AES key, wrapped for the recipient.
    wrapped_aes_key: String,
    /// The private key, wrapped with the AES key.
    wrapped_private_key: String,
    /// The SHA-256 of the values before, each with a line feed.
    sha256: String,
}

impl WrappedFile {
    pub(super) fn new(wrapped: &WrappedKey, recipient: &WrapRecipient) -> Self {
        let mut file = Self {
            format: FORMAT.to_owned(),
            label: wrapped.label.clone(),
            id: hex::encode(&wrapped.id),
            public_key: hex::encode(wrapped.public_key.spki_der()),
            oaep: key_file::oaep_word(wrapped.oaep).to_owned(),
            mechanism: "CKM_AES_KEY_WRAP_PAD".to_owned(),
            recipient_modulus: hex::encode(&recipient.modulus),
            recipient_exponent: hex::encode(&recipient.exponent),
            wrapped_aes_key: hex::encode(&wrapped.transport),
            wrapped_private_key: hex::encode(&wrapped.key),
            sha256: String::new(),
        };
        file.sha256 = file.digest();
        file
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        key_file::encode(self)
    }

    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: &dyn std::fmt::Display| {
            failure::usage("hsm.backup-unreadable", format!("{}: {error}", path.display()))
        };
        let octets = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let file: Self = serde_json::from_slice(&octets).map_err(|error| unreadable(&error))?;
        if file.format != FORMAT {
            return Err(unreadable(&"it is no wrapped key of this program"));
        }
        if file.sha256 != file.digest() {
            let message = format!("{} is not as it was written", path.display());
            return Err(Failure::new(Exit::Integrity, "hsm.backup-damaged", message)
                .then("take another copy of the file; find out what changed this one"));
        }
        Ok(file)
    }

    pub(super) fn parts(&self) -> Result<(WrapRecipient, WrappedKey), Failure> {
        let faulty =
            |what: &str| failure::usage("hsm.backup-unreadable", format!("the file has a faulty {what}"));
        let recipient =
            key_file::recipient(&self.recipient_modulus, &self.recipient_exponent).map_err(faulty)?;
        let octets = |field, text: &str| key_file::octets(field, text).map_err(faulty);
        let spki = octets("public_key", &self.public_key)?;
        let wrapped = WrappedKey {
            public_key: PublicKey::from_spki_der(&spki).map_err(|_| faulty("public_key"))?,
            label: self.label.clone(),
            id: octets("id", &self.id)?,
            oaep: key_file::oaep(&self.oaep).map_err(faulty)?,
            transport: octets("wrapped_aes_key", &self.wrapped_aes_key)?,
            key: octets("wrapped_private_key", &self.wrapped_private_key)?,
        };
        if self.mechanism != "CKM_AES_KEY_WRAP_PAD" {
            return Err(faulty("mechanism"));
        }
        Ok((recipient, wrapped))
    }

    fn digest(&self) -> String {
        key_file::digest(&[
            &self.format,
            &self.label,
            &self.id,
            &self.public_key,
            &self.oaep,
            &self.mechanism,
            &self.recipient_modulus,
            &self.recipient_exponent,
            &self.wrapped_aes_key,
            &self.wrapped_private_key,
        ])
    }
}
