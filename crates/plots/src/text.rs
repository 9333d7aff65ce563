//! Text in pictures: escaped for XML, measured, cut to what there is room for, and numbers in groups of three.

/// How wide the characters from space to tilde are in the face that is brought along, in thousandths of the size. No usual face is wider by much.
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
    295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
    500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
    392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// How wide any other character is taken to be: as a capital of Cyrillic, or one of another script.
const OTHER: u16 = 1_000;

/// Escapes what XML would read as markup (XML 1.0 §2.4), and leaves out what no XML may hold (§2.2).
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            one if one.is_control() => out.push(' '),
            one => out.push(one),
        }
    }
    out
}

/// Returns how wide a text is at this size, in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text.chars().map(|character| u32::from(width_of(character))).sum();
    f64::from(thousandths) * size / 1_000.0
}

fn width_of(character: char) -> u16 {
    let place = u32::from(character).checked_sub(32).and_then(|place| usize::try_from(place).ok());
    place.and_then(|place| WIDTHS.get(place)).copied().unwrap_or(OTHER)
}

/// Cuts a text to a width; what is cut says so.
pub(crate) fn clipped(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if width(&kept, size) + f64::from(OTHER) * size / 1_000.0 > most {
            kept.pop();
            break;
        }
    }
    format!("{}…", kept.trim_end())
}

/// Writes a number in groups of three digits: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a number for a drawing; beyond 2^53 the nearest there is.
pub(crate) fn float(number: u64) -> f64 {
    let half = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    half(number >> 32) * 4_294_967_296.0 + half(number & 0xFFFF_FFFF)
}

/// The same of a list's place or length.
pub(crate) fn float_of(number: usize) -> f64 {
    float(u64::try_from(number).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_groups_of_three() {
        let written = [0, 7, 999, 1_000, 12_345, 123_456, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "7", "999", "1,000", "12,345", "123,456", "1,234,567"]);
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn markup_and_what_xml_forbids_does_not_come_through() {
        assert_eq!(escaped("<a b=\"c\">&\u{0}\n\u{FFFF}é"), "&lt;a b=&quot;c&quot;&gt;&amp;  \u{FFFD}é");
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(clipped("short", 12.0, 100.0), "short");
        let cut = clipped(&"long ".repeat(20), 12.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0) <= 100.0, "{cut}");
        assert_eq!(clipped("ж", 12.0, 1.0), "…");
    }

    #[test]
    fn numbers_of_drawings_are_those_that_were_given() {
        assert_eq!([0, 1, 4_294_967_297].map(float), [0.0, 1.0, 4_294_967_297.0]);
    }
}
