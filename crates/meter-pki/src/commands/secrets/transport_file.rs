//! The file of `secrets transport`: a wrapped transport key with what is needed to receive it, in JSON.
//!
//! Its SHA-256 tells a damaged file from a whole one; it is no signature. Who made the key is told by what is under it: the signed delivery.

use std::path::Path;

use serde::{Deserialize, Serialize};
use signer_pkcs11::{WrapRecipient, WrappedTransport};

use crate::commands::hsm::{failure, key_file};
use crate::exit::{Exit, Failure};

/// What the file says it is.
const FORMAT: &str = "meter-pki-transport-key-1";
const ALGORITHM: &str = "aes-256";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransportFile {
    format: String,
    /// The label of the key, on both tokens.
    label: String,
    /// What the key is for.
    algorithm: String,
    /// How it was wrapped: `sha-256` or `sha-1`, the hash of RSAES-OAEP.
    oaep: String,
    /// The RSA modulus of the recipient, in hexadecimal.
    recipient_modulus: String,
    /// Its public exponent.
    recipient_exponent: String,
    /// The key, wrapped for the recipient.
    wrapped_key: String,
    /// The SHA-256 of the values before, each with a line feed.
    sha256: String,
}

impl TransportFile {
    pub(super) fn new(wrapped: &WrappedTransport, recipient: &WrapRecipient) -> Self {
        let mut file = Self {
            format: FORMAT.to_owned(),
            label: wrapped.label.clone(),
            algorithm: ALGORITHM.to_owned(),
            oaep: key_file::oaep_word(wrapped.oaep).to_owned(),
            recipient_modulus: hex::encode(&recipient.modulus),
            recipient_exponent: hex::encode(&recipient.exponent),
            wrapped_key: hex::encode(&wrapped.octets),
            sha256: String::new(),
        };
        file.sha256 = file.digest();
        file
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        key_file::encode(self)
    }

    pub(super) fn decode(path: &Path, octets: &[u8]) -> Result<Self, Failure> {
        let unreadable = |error: &dyn std::fmt::Display| {
            failure::usage("secrets.transport-unreadable", format!("{}: {error}", path.display()))
                .then("it is the file that meter-pki secrets transport wrote")
        };
        let file: Self = serde_json::from_slice(octets).map_err(|error| unreadable(&error))?;
        if file.format != FORMAT || file.algorithm != ALGORITHM {
            return Err(unreadable(&"it is no transport key of this program"));
        }
        if file.sha256 != file.digest() {
            let message = format!("{} is not as it was written", path.display());
            return Err(Failure::new(Exit::Integrity, "secrets.transport-damaged", message)
                .then("take another copy of the file; find out what changed this one"));
        }
        Ok(file)
    }

    pub(super) fn parts(&self) -> Result<(WrapRecipient, WrappedTransport), Failure> {
        let faulty = |what: &str| {
            failure::usage("secrets.transport-unreadable", format!("the file has a faulty {what}"))
        };
        let recipient =
            key_file::recipient(&self.recipient_modulus, &self.recipient_exponent).map_err(faulty)?;
        let oaep = key_file::oaep(&self.oaep).map_err(faulty)?;
        let octets = key_file::octets("wrapped_key", &self.wrapped_key).map_err(faulty)?;
        Ok((recipient, WrappedTransport { label: self.label.clone(), oaep, octets }))
    }

    fn digest(&self) -> String {
        key_file::digest(&[
            &self.format,
            &self.label,
            &self.algorithm,
            &self.oaep,
            &self.recipient_modulus,
            &self.recipient_exponent,
            &self.wrapped_key,
        ])
    }
}

#[cfg(test)]
mod tests {
    use signer_pkcs11::Oaep;

    use super::*;

    fn file() -> TransportFile {
        let wrapped =
            WrappedTransport { label: "batch".to_owned(), oaep: Oaep::Sha1, octets: vec![0x5A; 384] };
        TransportFile::new(&wrapped, &WrapRecipient { modulus: vec![0xC3; 384], exponent: vec![1, 0, 1] })
    }

    fn code(octets: &[u8]) -> String {
        TransportFile::decode(Path::new("file"), octets).unwrap_err().code
    }

    #[test]
    fn what_is_written_is_read() {
        let read = TransportFile::decode(Path::new("file"), &file().encode()).unwrap();
        assert_eq!(read, file());
        let (recipient, wrapped) = read.parts().unwrap();
        assert_eq!((recipient.modulus.len(), wrapped.label.as_str()), (384, "batch"));
        assert_eq!((wrapped.oaep, wrapped.octets), (Oaep::Sha1, vec![0x5A; 384]));
    }

    #[test]
    fn a_changed_value_a_missing_end_and_another_file_are_told_apart() {
        let text = String::from_utf8(file().encode()).unwrap();
        assert_eq!(code(text.replace("batch", "Batch").as_bytes()), "secrets.transport-damaged");
        assert_eq!(code(text.replace("5a5a", "5a5b").as_bytes()), "secrets.transport-damaged");
        assert_eq!(code(&text.as_bytes()[..text.len() / 2]), "secrets.transport-unreadable");
        assert_eq!(code(text.replace("key-1", "key-9").as_bytes()), "secrets.transport-unreadable");
    }
}
