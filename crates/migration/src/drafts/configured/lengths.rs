//! Lengths of time as Go writes them, `8760h` or `1h30m`, in seconds.

/// Units of Go's durations, in nanoseconds, the longer names first.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

const SECOND: i128 = 1_000_000_000;

/// Reads a duration of Go; a part of a second is none.
pub(super) fn go(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |character| character.is_ascii_digit() || character == '.');
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let (unit, length) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        rest = after.strip_prefix(unit)?;
        let whole: i128 = if whole.is_empty() { 0 } else { i128::from(whole.parse::<u64>().ok()?) };
        sum = sum.checked_add(whole.checked_mul(*length)?)?.checked_add(fraction(part, *length)?)?;
    }
    (!text.is_empty()).then_some(())?;
    i64::try_from((sum * sign).checked_div(SECOND)?).ok()
}

/// The part behind the point, of a unit.
fn fraction(digits: &str, unit: i128) -> Option<i128> {
    let mut part = unit;
    let mut sum: i128 = 0;
    for digit in digits.chars() {
        part = part.checked_div(10)?;
        sum = sum.checked_add(part.checked_mul(i128::from(digit.to_digit(10)?))?)?;
    }
    Some(sum)
}

/// Splits a text behind its first characters of a kind.
pub(super) fn split(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character: char| !of(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, seconds) in [
            ("8760h", 31_536_000),
            ("1h30m", 5_400),
            ("1m0s", 60),
            ("1.5h", 5_400),
            (".5m", 30),
            ("-5m", -300),
            ("0", 0),
            ("1500ms", 1),
        ] {
            assert_eq!(go(text), Some(seconds), "{text}");
        }
        for text in ["", "365", "1d", "h", ".h", "1h-3m", "99999999999999999999h", "1.2.3h"] {
            assert_eq!(go(text), None, "{text}");
        }
    }
}
