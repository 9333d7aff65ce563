//! Octets out of text: hexadecimal, base64, PEM (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::Deserialize;

/// How octets are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Writing {
    /// Two hexadecimal digits an octet, in either case; nothing between them: see the step `remove_separators`.
    Hex,
    /// Base64 (RFC 4648 §4 or §5), with or without padding; white space is passed over, since cells are wrapped.
    Base64,
    /// One PEM block of a certificate (RFC 7468); its line breaks may be lost, as cells lose them.
    Pem,
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

impl Writing {
    /// Reads octets.
    ///
    /// # Errors
    /// What is wrong, in words that show nothing of the text.
    pub(crate) fn decode(self, text: &str) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Hex => hex::decode(text).map_err(|error| match error {
                hex::FromHexError::OddLength => "an odd number of hexadecimal digits",
                hex::FromHexError::InvalidHexCharacter { .. } | hex::FromHexError::InvalidStringLength => {
                    "a character that is no hexadecimal digit"
                }
            }),
            Self::Base64 => base64(text),
            Self::Pem => {
                let body = text.trim().strip_prefix(BEGIN).ok_or("no PEM block of a certificate")?;
                let (body, rest) = body.split_once(END).ok_or("a PEM block without its end")?;
                if !rest.trim().is_empty() {
                    return Err("something stands after the PEM block");
                }
                base64(body)
            }
        }
    }
}

fn base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut plain = text.as_bytes().to_vec();
    plain.retain(|octet| !octet.is_ascii_whitespace());
    let url = plain.iter().any(|octet| matches!(octet, b'-' | b'_'));
    let padded = plain.ends_with(b"=");
    let decoded = match (url, padded) {
        (_, true) if !url => STANDARD.decode(&plain),
        (true, _) => {
            while plain.ends_with(b"=") {
                plain.pop();
            }
            URL_SAFE_NO_PAD.decode(&plain)
        }
        (false, _) => STANDARD_NO_PAD.decode(&plain),
    };
    decoded.map_err(|_| "no base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_in_every_writing() {
        let octets = vec![0xFB, 0xFF, 0x00, 0x10];
        for (writing, text) in [
            (Writing::Hex, "fbFF0010"),
            (Writing::Base64, "+/8AEA=="),
            (Writing::Base64, "+/8A\r\nEA"),
            (Writing::Base64, "-_8AEA"),
            (Writing::Base64, "-_8AEA=="),
            (Writing::Pem, "-----BEGIN CERTIFICATE-----\n+/8AEA==\n-----END CERTIFICATE-----\n"),
            (Writing::Pem, "-----BEGIN CERTIFICATE----- +/8AEA== -----END CERTIFICATE-----"),
        ] {
            assert_eq!(writing.decode(text).as_ref(), Ok(&octets), "{writing:?} {text}");
        }
    }

    #[test]
    fn refuses_what_is_something_else() {
        for (writing, text) in [
            (Writing::Hex, "fbf"),
            (Writing::Hex, "fb ff"),
            (Writing::Base64, "+/8AE*=="),
            (Writing::Base64, "+_8AEA=="),
            (Writing::Pem, "+/8AEA=="),
            (Writing::Pem, "-----BEGIN CERTIFICATE-----\n+/8AEA=="),
            (Writing::Pem, "-----BEGIN PRIVATE KEY-----\n+/8AEA==\n-----END PRIVATE KEY-----"),
            (
                Writing::Pem,
                "-----BEGIN CERTIFICATE-----\n+/8AEA==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
            ),
        ] {
            assert!(writing.decode(text).is_err(), "{writing:?} {text}");
        }
    }
}
