//! Certificates in the forms that programs write them in: DER, PEM among other text, base64 with or without line ends, hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::list::{Said, UNREADABLE};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const BEGIN_CRL: &str = "-----BEGIN X509 CRL-----";
const END_CRL: &str = "-----END X509 CRL-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads the octets of a file: DER, or the first certificate of PEM, whatever text stands before.
pub(crate) fn of_file(octets: &[u8]) -> Result<Vec<u8>, Said> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.contains(BEGIN) => of_text(text),
        Ok(_) | Err(_) => Ok(octets.to_vec()),
    }
}

/// Octets are no CRL in DER or PEM.
#[derive(Debug, thiserror::Error)]
#[error("it is neither DER nor PEM of a CRL")]
pub struct NotCrl;

/// Reads the octets of a CRL's file: DER, or the first CRL of PEM.
///
/// # Errors
/// [`NotCrl`].
pub fn crl_octets(octets: &[u8]) -> Result<Vec<u8>, NotCrl> {
    let Some((_, behind)) = std::str::from_utf8(octets).ok().and_then(|text| text.split_once(BEGIN_CRL))
    else {
        return Ok(octets.to_vec());
    };
    let (base64, _) = behind.split_once(END_CRL).ok_or(NotCrl)?;
    let digits: String = base64.chars().filter(|character| !character.is_whitespace()).collect();
    STANDARD.decode(digits).map_err(|_| NotCrl)
}

/// Reads a text: PEM, base64, or hexadecimal with or without the `\x` or `0x` that databases put in front.
pub(crate) fn of_text(text: &str) -> Result<Vec<u8>, Said> {
    let text = match text.split_once(BEGIN) {
        Some((_, behind)) => {
            let no_end = || Said::new(UNREADABLE, "the certificate has no end line");
            behind.split_once(END).ok_or_else(no_end)?.0
        }
        None => text,
    };
    // Exports write line ends in a value as two characters where they have no other way.
    let text = text.replace("\\n", "\n");
    let digits: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let hexadecimal = digits.strip_prefix("\\x").or_else(|| digits.strip_prefix("0x")).unwrap_or(&digits);
    if let Ok(octets) = hex::decode(hexadecimal) {
        return Ok(octets);
    }
    STANDARD
        .decode(digits)
        .map_err(|_| Said::new(UNREADABLE, "the certificate is neither PEM nor base64 nor hexadecimal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{certificate, pem};

    #[test]
    fn one_certificate_in_every_form() {
        let der = certificate(&[7], "a");
        let pem = pem(&der);
        assert_eq!(of_file(&der).unwrap(), der);
        assert_eq!(of_file(format!("Certificate:\n    Data:\n{pem}").as_bytes()).unwrap(), der);
        for text in [
            pem.replace('\n', "\\n"),
            STANDARD.encode(&der),
            hex::encode(&der),
            format!("\\x{}", hex::encode(&der)),
        ] {
            assert_eq!(of_text(&text).unwrap(), der, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none_of_them() {
        assert_eq!(of_text("§").unwrap_err().code, UNREADABLE);
        assert_eq!(of_text(&format!("{BEGIN}\nMA==\n")).unwrap_err().code, UNREADABLE);
    }
}
