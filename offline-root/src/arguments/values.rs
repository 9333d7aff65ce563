//! Values that several options have, read from their text.

/// A text for the record: something is said, and not a book.
pub(super) fn sentence(text: &str) -> Result<String, &'static str> {
    let said = text.trim();
    let sound = (1..=200).contains(&said.chars().count()) && !said.chars().any(char::is_control);
    if sound { Ok(said.to_owned()) } else { Err("it has 1 to 200 characters, in one line") }
}

/// A SHA-256, in groups or not.
pub(super) fn digest(text: &str) -> Result<[u8; 32], &'static str> {
    let digits: String = text.chars().filter(|character| !matches!(character, ' ' | ':')).collect();
    let octets = hex::decode(digits).ok().and_then(|octets| octets.try_into().ok());
    octets.ok_or("a SHA-256 has 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_may_be_written_in_groups() {
        let text = "00".repeat(32);
        let grouped = crate::fingerprint::grouped(&text);
        assert_eq!((digest(&text), digest(&grouped)), (Ok([0; 32]), Ok([0; 32])));
        assert!(digest("00").is_err() && digest(&"zz".repeat(32)).is_err());
    }
}
