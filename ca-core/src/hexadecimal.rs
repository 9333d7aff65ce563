//! Digests as people and audit records name them.

/// Writes a digest as 64 hexadecimal digits in lower case.
pub(crate) fn hexadecimal(digest: &[u8; 32]) -> String {
    let digits = digest.iter().flat_map(|octet| [octet >> 4, octet & 0x0F]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_has_two_digits_of_which_the_high_one_comes_first() {
        let mut digest = [0; 32];
        digest[..3].copy_from_slice(&[0x00, 0x0F, 0xA0]);
        assert_eq!(hexadecimal(&digest), format!("000fa0{}", "00".repeat(29)));
    }
}
