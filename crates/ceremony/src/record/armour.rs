//! Objects as they lie in files: DER, or PEM around it (RFC 7468).

use std::borrow::Cow;

use der::pem::{self, LineEnding};

/// Returns the DER of a file with this label, or of one that is DER.
///
/// # Errors
/// Why there is none, in a sentence.
pub fn der_of<'a>(octets: &'a [u8], label: &str) -> Result<Cow<'a, [u8]>, String> {
    if !octets.starts_with(b"-----BEGIN ") {
        return Ok(Cow::Borrowed(octets));
    }
    let (found, der) = pem::decode_vec(octets).map_err(|cause| format!("the PEM cannot be read: {cause}"))?;
    if found != label {
        return Err(format!("a {found} instead of a {label}"));
    }
    Ok(Cow::Owned(der))
}

/// Writes a public key as its owner's file has it.
pub(crate) fn public_key(spki: &[u8]) -> Result<String, pem::Error> {
    pem::encode_string("PUBLIC KEY", LineEnding::LF, spki)
}
