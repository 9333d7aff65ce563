//! What one code says: a part of a file, and where it belongs.
//!
//! The text has only characters of the alphanumeric mode of QR codes, so that any reader gives it back as it is:
//!
//! ```text
//! MP1/SET/INDEX/COUNT/CHECK/OCTETS
//! ```
//!
//! SET is the SHA-256 of the whole file (64 hexadecimal digits), INDEX counts from 1, CHECK is the beginning of the SHA-256
//! of everything else in the text (8 hexadecimal digits), OCTETS are in base 45. Hexadecimal digits are in upper case.

use core::fmt;

use sha2::{Digest, Sha256};

use crate::base45;

/// How every text begins: this format, version 1.
const MARK: &str = "MP1";

/// How many octets one code carries at most: with the rest of the text they fill a QR code of version 18, 89 modules wide.
pub const MAX_OCTETS: usize = 480;

/// How many codes a series has at most. What is longer is better carried as a file.
pub const MAX_PARTS: u8 = 99;

/// Which file a part belongs to: the SHA-256 of all its octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId([u8; 32]);

impl SetId {
    /// Returns the set of a file with these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// Returns the SHA-256 of the file.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SetId {
    /// Writes 64 hexadecimal digits in lower case, as other programs write a SHA-256.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetId({self})")
    }
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub(crate) set: SetId,
    pub(crate) index: u8,
    pub(crate) count: u8,
    pub(crate) octets: Vec<u8>,
}

impl Part {
    /// Returns the file it belongs to.
    #[must_use]
    pub const fn set(&self) -> SetId {
        self.set
    }

    /// Returns its place in the series, from 1.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// Returns how many parts the series has.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Returns the check of the part, 8 hexadecimal digits, as it stands in the text and under the printed code.
    #[must_use]
    pub fn check(&self) -> String {
        check(&self.head(), &base45::encode(&self.octets))
    }

    /// Returns the text of its code.
    #[must_use]
    pub fn text(&self) -> String {
        let octets = base45::encode(&self.octets);
        let head = self.head();
        format!("{head}/{}/{octets}", check(&head, &octets))
    }

    /// Reads the text of a code.
    ///
    /// # Errors
    /// [`PartError`].
    pub fn from_text(text: &str) -> Result<Self, PartError> {
        let rest = text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix('/'));
        let rest = rest.ok_or_else(|| PartError::NotPart { begin: text.chars().take(24).collect() })?;
        let mut fields = rest.splitn(5, '/');
        let mut field = || fields.next().ok_or(PartError::Malformed);
        let (set, index, count, sum, encoded) = (field()?, field()?, field()?, field()?, field()?);
        if sum != check(&format!("{MARK}/{set}/{index}/{count}"), encoded) {
            return Err(PartError::Check);
        }
        let set = hex::decode(set).ok().and_then(|octets| octets.try_into().ok());
        let octets = base45::decode(encoded).filter(|octets| octets.len() <= MAX_OCTETS);
        let part = Self {
            set: SetId(set.ok_or(PartError::Malformed)?),
            index: index.parse().map_err(|_| PartError::Malformed)?,
            count: count.parse().map_err(|_| PartError::Malformed)?,
            octets: octets.ok_or(PartError::Malformed)?,
        };
        // One text for one part: what would be written otherwise is not read.
        let sound = (1..=MAX_PARTS).contains(&part.count) && (1..=part.count).contains(&part.index);
        if sound && part.text() == text { Ok(part) } else { Err(PartError::Malformed) }
    }

    fn head(&self) -> String {
        format!("{MARK}/{}/{}/{}", hex::encode_upper(self.set.0), self.index, self.count)
    }
}

fn check(head: &str, octets: &str) -> String {
    let digest = Sha256::digest(format!("{head}/{octets}"));
    digest.iter().take(4).map(|octet| format!("{octet:02X}")).collect()
}

/// Why the text of a code is not a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// The code of somebody else.
    #[error("the code says {begin:?}, and parts of a file begin with {MARK}/")]
    NotPart {
        /// How its text begins.
        begin: String,
    },
    /// It begins like a part and is none.
    #[error("the code begins like a part of a file and is none")]
    Malformed,
    /// It was altered or misread.
    #[error("the code was altered or misread: its check does not agree")]
    Check,
}

impl PartError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPart { .. } => "paper.not-part",
            Self::Malformed => "paper.malformed",
            Self::Check => "paper.check",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Part {
        Part { set: SetId::of(b"all of it"), index: 2, count: 3, octets: b"of ".to_vec() }
    }

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let text = part().text();
        assert_eq!(Part::from_text(&text), Ok(part()));
        assert_eq!(text.split('/').nth(4), Some(part().check().as_str()));
    }

    #[test]
    fn any_other_character_in_any_place_is_refused() {
        let text = part().text();
        for at in 0..text.len() {
            for other in ["0", "A", "$", "/"] {
                let mut altered = text.clone();
                altered.replace_range(at..=at, other);
                if altered != text {
                    assert!(Part::from_text(&altered).is_err(), "{other} at {at}");
                }
            }
        }
    }

    #[test]
    fn places_that_do_not_exist_are_refused() {
        for (index, count) in [(0, 3), (4, 3), (1, 0), (1, 100)] {
            let text = Part { index, count, ..part() }.text();
            assert_eq!(Part::from_text(&text), Err(PartError::Malformed), "{index} of {count}");
        }
    }

    #[test]
    fn the_code_of_somebody_else_is_told_from_a_damaged_one() {
        let error = Part::from_text("https://example.org/menu").expect_err("it is none of ours");
        assert_eq!(error.code(), "paper.not-part");
        assert!(error.to_string().contains("https://example.org/"), "{error}");
    }
}
