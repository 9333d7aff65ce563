//! Which keyspaces are cut into partitions, and between which keys. Makes none.
//!
//! A partition holds the keys whose first octets, of which the last one is masked, are the same: for certificates the issuer and
//! 32 days of the serial number, which begins with the day on which it was drawn. Bounds are written without the zero octets at
//! their ends, so that a shorter key stands in the partition in which it sorts. Partitions of a keyspace meet and never overlap.

use crate::keyspace::Keyspace;

/// How a keyspace is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// How many octets of a key tell its partition.
    octets: usize,
    /// Which bits of the last one do.
    mask: u8,
}

/// The keys from `from` on and before `to`; to the end where there is no `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bounds {
    pub(super) from: Vec<u8>,
    pub(super) to: Option<Vec<u8>>,
}

impl Cut {
    /// Returns how a keyspace is cut, if it is.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most keyspaces are one table")]
    pub(super) const fn of(keyspace: Keyspace) -> Option<Self> {
        match keyspace {
            // Issuer, and 32 days.
            Keyspace::Certificates => Some(Self { octets: 22, mask: 0xE0 }),
            // 2^24 records; level, and as many subtrees.
            Keyspace::Audit => Some(Self { octets: 5, mask: 0xFF }),
            Keyspace::Tree => Some(Self { octets: 6, mask: 0xFF }),
            // 2^24 seconds.
            Keyspace::Expiry => Some(Self { octets: 5, mask: 0xFF }),
            _ => None,
        }
    }

    /// Returns the bounds of the partition in which a key stands.
    pub(super) fn bounds(self, key: &[u8]) -> Bounds {
        let mut from: Vec<u8> = key.iter().copied().chain(core::iter::repeat(0)).take(self.octets).collect();
        if let Some(last) = from.last_mut() {
            *last &= self.mask;
        }
        let step = 1_u8 << self.mask.trailing_zeros();
        let to = added(&from, step).map(trimmed);
        Bounds { from: trimmed(from), to }
    }
}

/// Adds to the last octet, and carries; none where there is nothing beyond.
fn added(octets: &[u8], step: u8) -> Option<Vec<u8>> {
    let mut sum = octets.to_vec();
    let mut carry = step;
    for octet in sum.iter_mut().rev() {
        let (more, overflows) = octet.overflowing_add(carry);
        *octet = more;
        carry = u8::from(overflows);
        if carry == 0 {
            return Some(sum);
        }
    }
    None
}

fn trimmed(mut octets: Vec<u8>) -> Vec<u8> {
    while octets.last() == Some(&0) {
        octets.pop();
    }
    octets
}

#[cfg(test)]
impl Bounds {
    /// Tells whether a key stands between them.
    pub(super) fn hold(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.to.as_deref().is_none_or(|to| key < to)
    }
}

/// The first key behind all that start with a prefix; none where there is nothing beyond.
pub(super) fn beyond(prefix: &[u8]) -> Option<Vec<u8>> {
    added(prefix, 1).map(trimmed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(serial: &[u8]) -> Vec<u8> {
        [[7; 20].as_slice(), serial].concat()
    }

    #[test]
    fn certificates_are_cut_by_issuer_and_by_thirty_two_days() {
        let cut = Cut::of(Keyspace::Certificates).unwrap();
        let bounds = cut.bounds(&certificate(&[0x09, 0xDE, 1, 2, 3]));
        assert_eq!(bounds.from, certificate(&[0x09, 0xC0]));
        assert_eq!(bounds.to, Some(certificate(&[0x09, 0xE0])));
        let other = cut.bounds(&[[8; 20].as_slice(), &[0x09, 0xDE]].concat());
        assert_ne!(bounds, other);
    }

    #[test]
    fn the_last_days_of_an_issuer_end_at_the_next_issuer() {
        let cut = Cut::of(Keyspace::Certificates).unwrap();
        let bounds = cut.bounds(&certificate(&[0xFF, 0xFF]));
        assert_eq!(bounds.to, Some([[7; 19].as_slice(), &[8]].concat()));
        let last = cut.bounds(&[0xFF; 30]);
        assert_eq!(last.to, None);
        assert!(last.hold(&[0xFF; 40]));
    }

    #[test]
    fn a_prefix_ends_where_the_next_one_begins() {
        assert_eq!(beyond(b"a"), Some(b"b".to_vec()));
        assert_eq!(beyond(b"a\xFF"), Some(b"b".to_vec()));
        assert_eq!((beyond(b"\xFF\xFF"), beyond(b"")), (None, None));
    }

    proptest! {
        #[test]
        fn a_key_stands_in_its_own_partition_and_in_no_other(
            one in prop::collection::vec(any::<u8>(), 0..26), other in prop::collection::vec(any::<u8>(), 0..26),
        ) {
            for keyspace in Keyspace::ALL {
                let Some(cut) = Cut::of(keyspace) else { continue };
                let (mine, its) = (cut.bounds(&one), cut.bounds(&other));
                prop_assert!(mine.hold(&one) && its.hold(&other));
                prop_assert_eq!(mine == its, mine.hold(&other));
                prop_assert!(mine == its || mine.to.as_ref().is_some_and(|to| *to <= its.from)
                    || its.to.as_ref().is_some_and(|to| *to <= mine.from));
            }
        }
    }
}
