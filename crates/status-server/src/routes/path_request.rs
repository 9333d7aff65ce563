//! An OCSP request in the path of a GET: base64, URL-encoded or not (RFC 6960 App. A.1, RFC 5019 §5).
//!
//! Works on the raw path, since what frameworks make of one is not what was sent: `/` is a character of base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How many characters of base64 are read; longer requests belong in a POST (RFC 5019 §5).
const MAX_CHARACTERS: usize = 255;

/// Padding may be left out: there are proxies that cut it off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes the raw path `/ocsp/<base64>` to the octets of a request.
///
/// `%2B`, `%2F` and `%3D` are read as the characters they stand for, and these characters as themselves; slashes in front,
/// which come of a URI that ends in one, are overlooked.
pub(super) fn decode(path: &str) -> Result<Vec<u8>, PathRequestError> {
    let encoded = path.strip_prefix("/ocsp").unwrap_or(path).trim_start_matches('/');
    let text = percent_decoded(encoded)?;
    BASE64.decode(text).map_err(|_| PathRequestError::NotBase64)
}

fn percent_decoded(encoded: &str) -> Result<Vec<u8>, PathRequestError> {
    let mut text = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(octet) = rest.next() {
        if text.len() == MAX_CHARACTERS {
            return Err(PathRequestError::TooLong);
        }
        text.push(match octet {
            b'%' => match (hex_digit(rest.next()), hex_digit(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(PathRequestError::NotBase64),
            },
            plain => plain,
        });
    }
    Ok(text)
}

fn hex_digit(octet: Option<u8>) -> Option<u8> {
    u8::try_from(char::from(octet?).to_digit(16)?).ok()
}

/// Why a path is not an OCSP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathRequestError {
    /// More than 255 characters.
    TooLong,
    /// Not base64.
    NotBase64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its base64 has each of the special characters: `+/v/8A==`.
    const OCTETS: [u8; 5] = [0xFB, 0xFB, 0xFF, 0xF0, 0x00];

    // RFC 5019 §5: URL-encoded; what proxies make of that is read as well.
    #[test]
    fn o_08_reads_plus_slash_and_equals_raw_and_encoded() {
        for path in [
            "/ocsp/+/v/8AA=",
            "/ocsp/%2B/v/8AA=",
            "/ocsp/%2b%2fv%2f8AA%3d",
            "/ocsp/%2B%2Fv%2F8AA%3D",
            "/ocsp/+/v/8AA",
            "/ocsp/+%2Fv/8AA%3D",
            "/ocsp//+/v/8AA=",
            "/ocsp///%2B/v/8AA=",
        ] {
            assert_eq!(decode(path), Ok(OCTETS.to_vec()), "{path}");
        }
        assert_eq!(decode("/ocsp/////"), Ok(Vec::new()));
        assert_eq!(decode("/ocsp/ocsp"), BASE64.decode("ocsp").map_err(|_| PathRequestError::NotBase64));
        assert_eq!(decode("/ocsp/v///8AA="), decode("/ocsp/v%2F%2F%2F8AA="), "slashes inside are characters");
    }

    #[test]
    fn o_08_refuses_what_is_not_base64() {
        for path in [
            "/ocsp/+/v/8A A=",
            "/ocsp/+/v/8AA=%20",
            "/ocsp/%",
            "/ocsp/%2",
            "/ocsp/%zz",
            "/ocsp/-_v_8AA=",
            "/ocsp/+/v/8AA=\u{e4}",
            "/ocsp/%00",
            "/ocsp/../..",
        ] {
            assert_eq!(decode(path), Err(PathRequestError::NotBase64), "{path}");
        }
    }

    #[test]
    fn o_08_reads_255_characters_and_no_more() {
        let longest = format!("/ocsp/{}", "A".repeat(254));
        assert!(decode(&longest).is_ok());
        for longer in [format!("/ocsp/{}", "A".repeat(256)), format!("/ocsp/{}", "%41".repeat(10_000))] {
            assert_eq!(decode(&longer), Err(PathRequestError::TooLong));
        }
    }
}
