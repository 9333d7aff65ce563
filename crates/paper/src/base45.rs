//! Octets in the alphabet that QR codes hold in 5.5 bits a character (RFC 9285).

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Encodes octets: two in three characters, a last one in two.
pub(crate) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(2) * 3);
    for group in octets.chunks(2) {
        // RFC 9285 §4: a group is a number in base 256, written in base 45 with its lowest digit first.
        let mut number = group.iter().fold(0, |number, octet| number * 256 + usize::from(*octet));
        for _ in 0..=group.len() {
            text.extend(ALPHABET.get(number % 45).copied().map(char::from));
            number /= 45;
        }
    }
    text
}

/// Decodes what [`encode`] wrote; `None` for anything that it never writes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u16>> = text.bytes().map(digit).collect();
    let mut octets = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in digits?.chunks(3) {
        let number = group.iter().rev().try_fold(0_u16, |number, digit| {
            // RFC 9285 §6: what is more than two octets hold is rejected.
            number.checked_mul(45)?.checked_add(*digit)
        })?;
        match group.len() {
            3 => octets.extend(number.to_be_bytes()),
            2 => octets.push(u8::try_from(number).ok()?),
            _ => return None,
        }
    }
    Some(octets)
}

/// RFC 9285 §6: a character outside the alphabet is rejected.
fn digit(character: u8) -> Option<u16> {
    let place = ALPHABET.iter().position(|known| *known == character)?;
    u16::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 9285 §4.3 and §4.4: the examples of the standard.
    #[test]
    fn writes_and_reads_the_examples_of_the_standard() {
        for (octets, text) in
            [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")]
        {
            assert_eq!(encode(octets.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(octets.as_bytes()));
        }
    }

    // RFC 9285 §6: GGW is 65536, ::: more still; a group of one and a small letter are not of the encoding.
    #[test]
    fn refuses_what_is_never_written() {
        for text in ["GGW", ":::", "A", "BB8A", "::", "bb8", "BB8\n"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(octets: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&octets)), Some(octets));
        }
    }
}
