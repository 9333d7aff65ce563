//! SHA-256 fingerprints as people compare them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_groups_of_four() {
        assert_eq!(grouped("0123456789ab"), "0123 4567 89ab");
        assert!(of(b"").starts_with("e3b0c442"));
    }
}
