//! The keys of what profiles said. They stand in `meta`, where programs of before leave them alone.

use ca_core::profile::ProfileId;
use sha2::{Digest, Sha256};

/// `profile/` ‖ 16 octets of the SHA-256 of the profile's name: what the keys of its versions begin with.
pub(crate) fn versions_prefix(profile: &ProfileId) -> Vec<u8> {
    of(b"profile/", profile)
}

/// The same ‖ number, u32.
pub(crate) fn version_key(profile: &ProfileId, number: u32) -> Vec<u8> {
    [versions_prefix(profile).as_slice(), &number.to_be_bytes()].concat()
}

/// `profile-octets/` ‖ 16 octets of the SHA-256 of the profile's name ‖ number, u32 ‖ part, u32.
pub(crate) fn version_part_key(profile: &ProfileId, number: u32, part: u32) -> Vec<u8> {
    let prefix = of(b"profile-octets/", profile);
    [prefix.as_slice(), &number.to_be_bytes(), &part.to_be_bytes()].concat()
}

fn of(word: &[u8], profile: &ProfileId) -> Vec<u8> {
    let digest: [u8; 32] = Sha256::digest(profile.as_str()).into();
    word.iter().chain(digest.iter().take(16)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_enough_sort_by_numbers_and_are_those_of_one_profile() {
        let (one, other) =
            (ProfileId::parse(&"a".repeat(64)).unwrap(), ProfileId::parse(&"a".repeat(63)).unwrap());
        let keys = [1, 2, 256, u32::MAX].map(|number| version_key(&one, number));
        assert!(keys.is_sorted() && keys.iter().all(|key| key.starts_with(&versions_prefix(&one))));
        assert!(!version_key(&other, 1).starts_with(&versions_prefix(&one)));
        let part = version_part_key(&one, 1, 0);
        assert!(part.len() <= 64 && !part.starts_with(&versions_prefix(&one)));
    }
}
