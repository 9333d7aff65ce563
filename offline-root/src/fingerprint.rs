//! SHA-256 fingerprints as people compare them.

use ceremony::words::Fingerprint;
use sha2::{Digest, Sha256};

/// Returns the SHA-256 of octets in 64 hexadecimal digits.
pub(crate) fn of(octets: &[u8]) -> String {
    hex::encode(Sha256::digest(octets))
}

/// Sets a fingerprint in groups of four digits, for reading aloud.
pub(crate) fn grouped(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Sets a SHA-256 in groups of digits and, in lines below, in the words that are read aloud (case R-04).
pub(crate) fn aloud(fingerprint: &str) -> String {
    let Ok(value) = fingerprint.parse::<Fingerprint>() else { return grouped(fingerprint) };
    let lines =
        value.words().chunks(8).map(|eight| format!("\n      {}", eight.join(" "))).collect::<String>();
    value.grouped() + &lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_groups_of_four() {
        assert_eq!(grouped("0123456789ab"), "0123 4567 89ab");
        assert!(of(b"").starts_with("e3b0c442"));
    }

    #[test]
    fn r_04_what_is_read_aloud_stands_there_in_digits_and_in_words() {
        let said = aloud(&of(b"abc"));
        let (digits, words) = said.split_once('\n').unwrap();
        assert_eq!(digits, grouped(&of(b"abc")));
        assert_eq!(Fingerprint::from_words(words), Ok(Fingerprint::of(b"abc")));
    }
}
