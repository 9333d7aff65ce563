//! A whole file as a series of parts, and a file of the parts that were read, in any order and some of them twice.

use std::collections::BTreeMap;

use crate::part::{MAX_OCTETS, MAX_PARTS, Part, SetId};

/// Takes a file apart.
///
/// # Errors
/// [`SplitError`].
pub fn split(octets: &[u8]) -> Result<Vec<Part>, SplitError> {
    let chunks = octets.len().div_ceil(MAX_OCTETS);
    let count = u8::try_from(chunks).ok().filter(|count| (1..=MAX_PARTS).contains(count));
    let count = count.ok_or(SplitError { octets: octets.len() })?;
    let set = SetId::of(octets);
    let parts = (1..=count).zip(octets.chunks(MAX_OCTETS));
    Ok(parts.map(|(index, octets)| Part { set, index, count, octets: octets.to_vec() }).collect())
}

/// Why a file is not written as a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a file of {octets} octets is not written as codes: one has 1 to {} octets",
    MAX_OCTETS * usize::from(MAX_PARTS)
)]
pub struct SplitError {
    /// Its length.
    pub octets: usize,
}

impl SplitError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "paper.length"
    }
}

/// Puts the parts of one file together. A part that was read twice is no fault.
///
/// # Errors
/// [`JoinError`].
pub fn join(parts: &[Part]) -> Result<Vec<u8>, JoinError> {
    let first = parts.first().ok_or(JoinError::Nothing)?;
    let mut places: BTreeMap<u8, &Part> = BTreeMap::new();
    for part in parts {
        if part.set != first.set {
            return Err(JoinError::OtherSet { first: first.set, other: part.set });
        }
        let known = places.entry(part.index).or_insert(part);
        if *known != part || part.count != first.count {
            return Err(JoinError::Contradiction { index: part.index });
        }
    }
    let missing: Vec<u8> = (1..=first.count).filter(|index| !places.contains_key(index)).collect();
    if !missing.is_empty() {
        return Err(JoinError::Missing { missing, count: first.count });
    }
    let octets: Vec<u8> = places.values().flat_map(|part| part.octets.iter().copied()).collect();
    if SetId::of(&octets) == first.set { Ok(octets) } else { Err(JoinError::Digest { set: first.set }) }
}

/// Why parts are not a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// There are none.
    #[error("there is no code to read")]
    Nothing,
    /// They are of different files.
    #[error("the codes are of different files: one of {first}, another of {other}")]
    OtherSet {
        /// The file of the first part.
        first: SetId,
        /// Another.
        other: SetId,
    },
    /// Two of one file say different things of one place.
    #[error("two codes for place {index} of one file contradict each other")]
    Contradiction {
        /// The place.
        index: u8,
    },
    /// Some were not read.
    #[error("of {count} codes these were not read: {}", list(missing))]
    Missing {
        /// Their places.
        missing: Vec<u8>,
        /// How many there are.
        count: u8,
    },
    /// All are there, and yet it is not the file.
    #[error("the codes are whole, but together they are not the file with SHA-256 {set}")]
    Digest {
        /// The file that they claim to be of.
        set: SetId,
    },
}

impl JoinError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "paper.nothing",
            Self::OtherSet { .. } => "paper.other-set",
            Self::Contradiction { .. } => "paper.contradiction",
            Self::Missing { .. } => "paper.missing",
            Self::Digest { .. } => "paper.digest",
        }
    }
}

fn list(places: &[u8]) -> String {
    places.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        (0_u16..1300).flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn parts_are_put_together_in_any_order_and_read_twice() {
        let mut parts = split(&file()).expect("it is short enough");
        assert_eq!(parts.len(), 6);
        parts.reverse();
        parts.extend_from_within(2..4);
        assert_eq!(join(&parts), Ok(file()));
    }

    #[test]
    fn names_every_part_that_is_missing() {
        let mut parts = split(&file()).expect("it is short enough");
        parts.remove(4);
        parts.remove(1);
        let error = join(&parts).expect_err("two are missing");
        assert_eq!(error.to_string(), "of 6 codes these were not read: 2, 5");
    }

    #[test]
    fn refuses_a_part_of_another_file() {
        let mut parts = split(&file()).expect("it is short enough");
        parts.extend(split(b"another").expect("it is short enough"));
        assert_eq!(join(&parts).map_err(|error| error.code()), Err("paper.other-set"));
    }

    #[test]
    fn refuses_two_parts_that_contradict_each_other() {
        let mut parts = split(&file()).expect("it is short enough");
        parts.push(Part { octets: b"forged".to_vec(), ..parts[0].clone() });
        assert_eq!(join(&parts), Err(JoinError::Contradiction { index: 1 }));
    }

    #[test]
    fn refuses_whole_parts_that_are_not_the_file() {
        let mut parts = split(&file()).expect("it is short enough");
        parts[3].octets = b"forged".to_vec();
        assert_eq!(join(&parts).map_err(|error| error.code()), Err("paper.digest"));
    }

    #[test]
    fn a_file_without_octets_or_with_too_many_is_not_written() {
        let longest = MAX_OCTETS * usize::from(MAX_PARTS);
        assert_eq!(split(&vec![7; longest]).map(|parts| parts.len()), Ok(99));
        for octets in [0, longest + 1] {
            assert_eq!(split(&vec![7; octets]), Err(SplitError { octets }));
        }
    }
}
