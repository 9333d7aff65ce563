//! The Range field: one range of octets, from the start, in the middle or at the end (RFC 9110 §14.1.2).

/// Which octets are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of them.
    Whole,
    /// From `start` on, before `end`; at least one.
    Part { start: u64, end: u64 },
    /// None that there are.
    Unsatisfiable,
}

/// Reads the field for a document of `length` octets. What is malformed, in another unit, or several ranges at once is ignored,
/// as RFC 9110 §14.2 allows: who asks so gets the whole.
pub(super) fn asked(field: Option<&str>, length: u64) -> Asked {
    field.and_then(|field| parse(field, length)).unwrap_or(Asked::Whole)
}

fn parse(field: &str, length: u64) -> Option<Asked> {
    let (unit, range) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let (start, end) = match (first, last) {
        // RFC 9110 §14.1.2: the last so many; all of them, if there are fewer.
        ("", suffix) => (length.saturating_sub(number(suffix)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            // RFC 9110 §14.1.1: a range that ends before it begins is invalid.
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if start < end { Asked::Part { start, end } } else { Asked::Unsatisfiable })
}

/// Digits and nothing else; more than any document has octets, where they are too many.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9110 §14.1.2, §14.2, §15.5.17.
    #[test]
    fn reads_one_range_and_ignores_what_it_does_not_understand() {
        let part = |start, end| Asked::Part { start, end };
        for (field, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-499", part(0, 500)),
            ("bytes=500-", part(500, 1_000)),
            ("bytes=-1", part(999, 1_000)),
            ("bytes=-2000", part(0, 1_000)),
            ("bytes=999-5000", part(999, 1_000)),
            ("bytes=0-18446744073709551615", part(0, 1_000)),
            ("bytes=0-99999999999999999999999", part(0, 1_000)),
            ("Bytes=1-2", part(1, 3)),
            ("bytes=1000-", Asked::Unsatisfiable),
            ("bytes=99999999999999999999999-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("octets=0-1", Asked::Whole),
            ("0-1", Asked::Whole),
        ] {
            assert_eq!(asked(Some(field), 1_000), expected, "{field}");
        }
        assert_eq!(asked(None, 1_000), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
    }
}
