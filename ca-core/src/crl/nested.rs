//! DER structures around octets that may be too many to hold: the header is made of their length, and they stay where they are.
//!
//! Knows no CRL.

use der::{Encode, ErrorKind, Header, Length, Tag};

use crate::octets::Octets;

/// Makes the SEQUENCE whose content these parts are, one after the other.
pub(super) fn sequence(parts: Vec<Octets>) -> der::Result<Octets> {
    let length: u64 = parts.iter().map(Octets::length).sum();
    let length = u32::try_from(length).map_err(|_| ErrorKind::Overflow)?;
    let header = Header::new(Tag::Sequence, Length::from(length)).to_der()?;
    Ok(Octets::joined([vec![Octets::from(header)], parts].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nests_in_any_depth_and_counts_in_the_shortest_form() {
        let two = || Octets::from(vec![2, 1, 7]);
        let inner = sequence(vec![two(), two()]).unwrap();
        let outer = sequence(vec![two(), inner]).unwrap();
        assert_eq!(outer.to_vec().unwrap(), [0x30, 11, 2, 1, 7, 0x30, 6, 2, 1, 7, 2, 1, 7]);
        let long = sequence(vec![Octets::from(vec![0; 300])]).unwrap();
        assert_eq!(long.to_vec().unwrap().get(..5), Some([0x30, 0x82, 1, 44, 0].as_slice()));
    }
}
