//! What the files with wrapped keys share: their form as JSON, the digest that tells a damaged one, the recipient, and the words for
//! RSAES-OAEP. What is wrapped in them is told by each.

use serde::Serialize;
use sha2::{Digest, Sha256};
use signer_pkcs11::{Oaep, WrapRecipient};

/// Writes a file.
pub(in crate::commands) fn encode(file: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(file).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The SHA-256 of values, each with a line feed, in hexadecimal.
pub(in crate::commands) fn digest(values: &[&str]) -> String {
    let mut hash = Sha256::new();
    for value in values {
        hash.update(value.as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

/// The word for the hash of RSAES-OAEP.
pub(in crate::commands) const fn oaep_word(oaep: Oaep) -> &'static str {
    match oaep {
        Oaep::Sha256 => "sha-256",
        Oaep::Sha1 => "sha-1",
    }
}

/// What a word means; `Err` is the name of the field that is faulty.
pub(in crate::commands) fn oaep(word: &str) -> Result<Oaep, &'static str> {
    [Oaep::Sha256, Oaep::Sha1].into_iter().find(|oaep| oaep_word(*oaep) == word).ok_or("oaep")
}

/// Reads a recipient's key; `Err` is the name of the field that is faulty.
pub(in crate::commands) fn recipient(modulus: &str, exponent: &str) -> Result<WrapRecipient, &'static str> {
    Ok(WrapRecipient {
        modulus: octets("recipient_modulus", modulus)?,
        exponent: octets("recipient_exponent", exponent)?,
    })
}

/// Reads octets in hexadecimal; `Err` is the name of the field.
pub(in crate::commands) fn octets(field: &'static str, text: &str) -> Result<Vec<u8>, &'static str> {
    hex::decode(text).map_err(|_| field)
}
