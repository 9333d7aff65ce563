//! Text from outside, made harmless to look at: nothing in it moves a cursor, breaks a line or turns the direction of writing.

/// Writes every such character as `\u{…}` with its number in hexadecimal.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        let harmful = character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
        if harmful { plain.extend(character.escape_unicode()) } else { plain.push(character) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_06_what_moves_a_cursor_or_breaks_a_line_is_written_as_a_number() {
        assert_eq!(plain("Zähler 7 \"a\\b\""), "Zähler 7 \"a\\b\"");
        assert_eq!(
            plain("a\nb\r\u{1b}[2J\u{9b}1m\u{7f}\u{202e}c"),
            "a\\u{a}b\\u{d}\\u{1b}[2J\\u{9b}1m\\u{7f}\\u{202e}c"
        );
    }
}
