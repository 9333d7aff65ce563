//! The base64 of EST bodies, both ways (RFC 8951 §3, RFC 4648 §4).
//!
//! Reading ignores white space and takes off PEM armour, with or without line breaks, because devices in the field send it;
//! everything else is strict. It does not look at header fields: RFC 8951 §3 has any Content-Transfer-Encoding ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a body was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// Base64 alone, as RFC 8951 has it.
    Plain,
    /// In PEM armour, which is tolerated and worth a note to whoever made the client.
    Armoured,
}

/// The octets of a body and how they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedBody {
    /// What the base64 stood for.
    pub octets: Vec<u8>,
    /// How it was written.
    pub form: BodyForm,
}

/// The armour that certification requests come in (RFC 7468 §7, and the older label that its appendix A.3 names).
const ARMOUR: [(&str, &str); 2] = [
    ("-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"),
    ("-----BEGIN NEW CERTIFICATE REQUEST-----", "-----END NEW CERTIFICATE REQUEST-----"),
];

/// Decodes a body.
///
/// # Errors
/// [`Base64Error`]; what follows the padding, or stands outside the armour, is an error too.
pub fn decode(body: &[u8]) -> Result<DecodedBody, Base64Error> {
    let text = body.trim_ascii();
    let (text, form) = match within_armour(text) {
        Some(inner) => (inner, BodyForm::Armoured),
        None => (text, BodyForm::Plain),
    };
    // RFC 8951 §3.1: CR, LF, space and tab are tolerated wherever they stand.
    let digits: Vec<u8> =
        text.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n' | b' ' | b'\t')).collect();
    if digits.is_empty() {
        return Err(Base64Error::Empty);
    }
    // RFC 4648 §3.3, §3.5: padding is required, and the bits that it leaves over are zero.
    let octets = STANDARD.decode(digits).map_err(|cause| Base64Error::NotBase64 { cause })?;
    Ok(DecodedBody { octets, form })
}

fn within_armour(text: &[u8]) -> Option<&[u8]> {
    ARMOUR.iter().find_map(|(begin, end)| {
        text.strip_prefix(begin.as_bytes()).and_then(|rest| rest.strip_suffix(end.as_bytes()))
    })
}

/// How long the lines of an answer are. RFC 8951 §3.1 leaves it open, and clients want opposite things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLength(u16);

impl LineLength {
    /// One line, without a line break at its end.
    pub const ONE_LINE: Self = Self(0);

    /// Takes a number of characters: a multiple of 4 up to 76, or 0 for one line.
    ///
    /// # Errors
    /// [`LineLengthError`] for any other number.
    pub const fn new(characters: u16) -> Result<Self, LineLengthError> {
        if characters <= 76 && characters.is_multiple_of(4) {
            Ok(Self(characters))
        } else {
            Err(LineLengthError { characters })
        }
    }
}

impl Default for LineLength {
    /// 64 characters.
    fn default() -> Self {
        Self(64)
    }
}

/// The number of characters is not one that lines can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line of base64 has a multiple of 4 characters, at most 76, or 0 for one line; not {characters}")]
pub struct LineLengthError {
    /// The number.
    pub characters: u16,
}

/// Encodes octets in lines, each ended by LF, the last one too; in one line, without LF.
#[must_use]
pub fn encode(octets: &[u8], length: LineLength) -> String {
    let digits = STANDARD.encode(octets);
    let characters = usize::from(length.0);
    if characters == 0 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / characters + 1);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place.is_multiple_of(characters) {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push('\n');
    text
}

/// Why a body is not base64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Base64Error {
    /// There is nothing in it.
    #[error("the body is empty")]
    Empty,
    /// A character, the padding or the end is wrong.
    #[error("the body is not base64: {cause}")]
    NotBase64 {
        /// What and where, counted without white space and armour.
        cause: base64::DecodeError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCTETS: &[u8] = b"sixteen octets!!";
    const DIGITS: &str = "c2l4dGVlbiBvY3RldHMhIQ==";

    fn octets(body: &str) -> Vec<u8> {
        decode(body.as_bytes()).unwrap().octets
    }

    // RFC 8951 §3.1: white space is tolerated.
    #[test]
    fn ignores_line_breaks_spaces_and_tabs_wherever_they_stand() {
        for body in [
            DIGITS.to_owned(),
            format!("{DIGITS}\n"),
            format!("\r\n \t{DIGITS}\r\n\r\n"),
            "c2l4dGVlbi\r\nBvY3RldHMhIQ==".to_owned(),
            "c2l4\tdGVl biBv\nY3RldHMhIQ\n=\n=".to_owned(),
        ] {
            assert_eq!(octets(&body), OCTETS, "{body:?}");
        }
    }

    #[test]
    fn takes_off_armour_with_and_without_line_breaks_and_says_so() {
        for label in ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"] {
            for (before, after) in [("\n", "\n"), ("\r\n", "\r\n"), ("", "")] {
                let body =
                    format!("-----BEGIN {label}-----{before}{DIGITS}{after}-----END {label}-----{after}");
                let decoded = decode(body.as_bytes()).unwrap();
                assert_eq!((decoded.octets.as_slice(), decoded.form), (OCTETS, BodyForm::Armoured));
            }
        }
        assert_eq!(decode(DIGITS.as_bytes()).unwrap().form, BodyForm::Plain);
    }

    // RFC 4648 §3.3, §3.5: padding and canonical form.
    #[test]
    fn refuses_wrong_padding_other_alphabets_and_anything_after_the_end() {
        let begin = "-----BEGIN CERTIFICATE REQUEST-----\n";
        let end = "\n-----END CERTIFICATE REQUEST-----";
        for body in [
            "c2l4dGVlbiBvY3RldHMhIQ".to_owned(),
            "c2l4dGVlbiBvY3RldHMhIQ=".to_owned(),
            "c2l4dGVlbiBvY3RldHMhIR==".to_owned(),
            format!("{DIGITS}{DIGITS}"),
            format!("{DIGITS}!"),
            "-_-_".to_owned(),
            "c2l4dGVlbiBvY3RldHMhIQ==\0".to_owned(),
            format!("{begin}{DIGITS}"),
            format!("{DIGITS}{end}"),
            format!("{begin}{DIGITS}{end}\nmore"),
            format!("words before {begin}{DIGITS}{end}"),
            format!("{begin}{DIGITS}{end}\n{begin}{DIGITS}{end}"),
            format!("{begin}{DIGITS}\n-----END CERTIFICATE-----"),
            format!("-----BEGIN CERTIFICATE-----\n{DIGITS}\n-----END CERTIFICATE-----"),
        ] {
            assert!(matches!(decode(body.as_bytes()), Err(Base64Error::NotBase64 { .. })), "{body:?}");
        }
    }

    #[test]
    fn refuses_a_body_of_nothing() {
        for body in ["", " \r\n\t", "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----"]
        {
            assert_eq!(decode(body.as_bytes()), Err(Base64Error::Empty));
        }
    }

    #[test]
    fn writes_lines_of_the_length_asked_for() {
        assert_eq!(encode(OCTETS, LineLength::ONE_LINE), DIGITS);
        assert_eq!(encode(OCTETS, LineLength::new(12).unwrap()), "c2l4dGVlbiBv\nY3RldHMhIQ==\n");
        assert_eq!(encode(OCTETS, LineLength::default()), format!("{DIGITS}\n"));
        let long = encode(&[0xA5; 96], LineLength::default());
        assert_eq!(long.split('\n').map(str::len).collect::<Vec<_>>(), [64, 64, 0]);
        for length in [1, 63, 80] {
            assert_eq!(LineLength::new(length), Err(LineLengthError { characters: length }));
        }
    }
}
