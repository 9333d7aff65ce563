//! How many elements the DER of a stranger has, looked at before a decoder makes an object of each. Not a decoder: whether it is
//! DER is not asked here.
//!
//! An element of two octets becomes an object of a hundred: without this, sixteen kilobytes of nothing take a megabyte.

/// What a message may have whatever its length: ten times what a certificate has.
const ANYWAY: usize = 512;
/// One more for so many octets of it; those of honest messages are longer.
const FOR_EACH: usize = 16;
/// The most levels, twice those of a certification request in a CMC message.
const MAX_DEPTH: usize = 40;

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const LONG_TAG: u8 = 0x1F;
const CONTINUES: u8 = 0x80;

/// Tells whether there are more elements than any honest message of this length has, or deeper ones.
///
/// What is in octet strings counts where it is one element, as in extensions. Where an element cannot be read the rest of what
/// is around it does not count: a decoder stops there.
#[must_use]
pub fn is_crowded(octets: &[u8]) -> bool {
    let mut left = ANYWAY.saturating_add(octets.len() / FOR_EACH);
    count(octets, MAX_DEPTH, &mut left).is_none()
}

/// Counts down for each element; nothing when there are too many.
fn count(mut octets: &[u8], depth: usize, left: &mut usize) -> Option<()> {
    let levels = depth.checked_sub(1)?;
    while let Some((tag, content, rest)) = element(octets) {
        *left = left.checked_sub(1)?;
        let holds_one = tag == OCTET_STRING
            && element(content).is_some_and(|(inner, _, rest)| rest.is_empty() && inner & CONSTRUCTED != 0);
        if tag & CONSTRUCTED != 0 || holds_one {
            count(content, levels, left)?;
        }
        octets = rest;
    }
    Some(())
}

/// The first octet of the tag, the content, and what follows.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = octets.split_first()?;
    if tag & LONG_TAG == LONG_TAG {
        let length = rest.iter().position(|octet| octet & CONTINUES == 0)?.checked_add(1)?;
        rest = rest.get(length..)?;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..CONTINUES => (usize::from(first), rest),
        // X.690 §10.1: no length of DER is indefinite.
        CONTINUES => return None,
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & !CONTINUES))?;
            let longer =
                |length: usize, octet: &u8| length.checked_mul(256)?.checked_add(usize::from(*octet));
            let length = octets.iter().try_fold(0_usize, longer);
            (length?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn nested(levels: usize) -> Vec<u8> {
        (0..levels).fold(vec![5, 0], |inner, _| tlv(0x30, &inner))
    }

    #[test]
    fn counts_what_stands_side_by_side_and_inside() {
        assert!(!is_crowded(&tlv(0x30, &[5, 0].repeat(500))));
        assert!(is_crowded(&tlv(0x30, &[5, 0].repeat(600))));
        assert!(is_crowded(&tlv(0x04, &tlv(0x30, &[5, 0].repeat(600)))), "the value of an extension");
        assert!(is_crowded(&tlv(0xA0, &tlv(0x31, &[5, 0].repeat(600)))));
        assert!(
            is_crowded(&[&[0xBF, 0x87, 0x01, 0x82, 4, 176][..], &[5, 0].repeat(600)].concat()),
            "a long tag"
        );
    }

    #[test]
    fn long_messages_may_have_more() {
        let filled = |count: usize| tlv(0x30, &tlv(0x0C, &[b'x'; 40]).repeat(count));
        assert!(!is_crowded(&filled(1_000)));
    }

    #[test]
    fn p_14_what_is_deep_is_refused_without_going_there() {
        assert!(!is_crowded(&nested(MAX_DEPTH - 1)));
        assert!(is_crowded(&nested(MAX_DEPTH)));
        assert!(is_crowded(&nested(10_000)));
    }

    #[test]
    fn what_cannot_be_read_hides_nothing_behind_it() {
        let dense = tlv(0x30, &[5, 0].repeat(600));
        let unreadable = tlv(0xA0, &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert!(is_crowded(&tlv(0x30, &[unreadable, dense].concat())));
    }

    #[test]
    fn octets_without_form_are_none_of_its_business() {
        for octets in [
            &[][..],
            &[0x30],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x1F, 0xFF],
            &[0x30, 0xFF],
            &[0x30, 0x80],
        ] {
            assert!(!is_crowded(octets));
        }
    }
}
