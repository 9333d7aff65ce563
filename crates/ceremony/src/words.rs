//! SHA-256 fingerprints as people compare them: in hexadecimal groups, and as 32 words of the PGP word list.
//!
//! Octets at even places are said in words of two syllables, those at odd places in words of three: a word that is left out,
//! doubled or changed places is noticed. Case R-04.

mod list;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use list::{EVEN, ODD};

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the SHA-256 of octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// Makes a fingerprint of its 32 octets.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Returns the 32 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// Writes the 64 digits in groups of four.
    #[must_use]
    pub fn grouped(&self) -> String {
        let pairs: Vec<String> = self.0.chunks(2).map(hex::encode).collect();
        pairs.join(" ")
    }

    /// Returns the 32 words, in the order in which they are read aloud.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        let word =
            |(place, octet): (usize, &u8)| list_at(place).split_ascii_whitespace().nth((*octet).into());
        self.0.iter().enumerate().filter_map(word).collect()
    }

    /// Reads what people wrote down: 32 words, in any case, with any space between them.
    ///
    /// # Errors
    /// [`WordsError`] names the first word that cannot stand where it stands.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let octets = words.iter().enumerate().map(|(place, word)| value_of(place, word));
        let octets = octets.collect::<Result<Vec<u8>, _>>()?;
        octets.try_into().map(Self).map_err(|_| WordsError::Count { found: words.len() })
    }
}

fn list_at(place: usize) -> &'static str {
    if place.is_multiple_of(2) { EVEN } else { ODD }
}

fn value_of(place: usize, word: &str) -> Result<u8, WordsError> {
    let position = place.saturating_add(1);
    let value = |place| {
        let value =
            list_at(place).split_ascii_whitespace().position(|known| known.eq_ignore_ascii_case(word));
        value.and_then(|value| u8::try_from(value).ok())
    };
    value(place).ok_or_else(|| match value(position) {
        Some(_) => WordsError::Misplaced { position, word: word.to_owned() },
        None => WordsError::Unknown { position, word: word.to_owned() },
    })
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    /// Reads 64 digits in lower case, as [`Display`](fmt::Display) writes them: one value has one form.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octets =
            hex::decode(text).ok().filter(|_| !text.contains(|digit: char| digit.is_ascii_uppercase()));
        octets.and_then(|octets| octets.try_into().ok()).map(Self).ok_or(ParseFingerprintError)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = ParseFingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// The text is no SHA-256 value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 value is written in 64 hexadecimal digits, in lower case")]
pub struct ParseFingerprintError;

/// Why words are no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("a SHA-256 value has 32 words, not {found}")]
    Count {
        /// How many there were.
        found: usize,
    },
    /// Not in the list.
    #[error("word {position}, {word:?}, is not in the word list")]
    Unknown {
        /// Its place, from 1.
        position: usize,
        /// The word.
        word: String,
    },
    /// In the list, but for the places before and after this one.
    #[error("word {position}, {word:?}, cannot stand there: a word was left out, doubled or changed places")]
    Misplaced {
        /// Its place, from 1.
        position: usize,
        /// The word.
        word: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_has_two_words_of_its_own() {
        use std::collections::BTreeSet;
        let words = |list: &'static str| list.split_ascii_whitespace().map(str::to_lowercase);
        assert_eq!((words(EVEN).count(), words(ODD).count()), (256, 256));
        assert_eq!(words(EVEN).chain(words(ODD)).collect::<BTreeSet<_>>().len(), 512);
        // The list has Apollo behind applicant, and is sorted everywhere else.
        let unsorted: Vec<usize> = (1..256).filter(|n| words(ODD).nth(*n) < words(ODD).nth(*n - 1)).collect();
        assert_eq!((words(EVEN).is_sorted(), unsorted), (true, vec![0x0a]));
    }

    #[test]
    fn says_the_words_that_others_say() {
        // The example of the list's own publication: an OpenPGP fingerprint of 20 octets, here with zeros behind it.
        let mut octets = [0; 32];
        octets[..20].copy_from_slice(&hex::decode("e58294f2e9a227486e8b061b31cc528fd7fa3f19").unwrap());
        let words = Fingerprint::new(octets).words().join(" ");
        assert!(words.starts_with(
            "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa \
             afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless aardvark adroitness"
        ));
        assert_eq!(Fingerprint::from_words(&words.to_uppercase()), Ok(Fingerprint::new(octets)));
    }

    #[test]
    fn r_04_a_word_left_out_doubled_or_exchanged_is_named() {
        let fingerprint = Fingerprint::of(b"");
        let words = fingerprint.words();
        let mut exchanged = words.clone();
        exchanged.swap(6, 7);
        let mut without = words.clone();
        without.remove(4);
        let misplaced = |words: &[&str]| match Fingerprint::from_words(&words.join(" ")) {
            Err(WordsError::Misplaced { position, .. }) => position,
            other => panic!("{other:?}"),
        };
        assert_eq!((misplaced(&exchanged), misplaced(&without)), (7, 5));
        assert_eq!(Fingerprint::from_words(&words[..31].join(" ")), Err(WordsError::Count { found: 31 }));
        assert!(matches!(Fingerprint::from_words("meter"), Err(WordsError::Unknown { position: 1, .. })));
    }

    #[test]
    fn one_value_has_one_form() {
        let text = Fingerprint::of(b"").to_string();
        assert_eq!(text.parse(), Ok(Fingerprint::of(b"")));
        assert_eq!(text.to_uppercase().parse::<Fingerprint>(), Err(ParseFingerprintError));
        assert!(Fingerprint::of(b"").grouped().starts_with("e3b0 c442 98fc"));
    }
}
