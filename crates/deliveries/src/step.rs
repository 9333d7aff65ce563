//! Transformations of a text, each small, of a fixed list: a map names them in order. Not a language.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// One transformation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Takes white space away at both ends.
    Trim,
    /// Makes letters upper case.
    Upper,
    /// Makes letters lower case.
    Lower,
    /// Takes spaces, hyphens, colons, full stops and underscores away, wherever they stand.
    RemoveSeparators,
    /// Takes a beginning away; refuses a text that does not have it.
    StripPrefix(String),
    /// Takes an ending away; refuses a text that does not have it.
    StripSuffix(String),
    /// Puts a beginning before a text that does not have it.
    EnsurePrefix(String),
    /// Puts an ending after a text that does not have it.
    EnsureSuffix(String),
    /// Cuts a text at each separator and takes one part.
    Split {
        /// The separator.
        at: String,
        /// Which part, counted from 1.
        part: usize,
    },
    /// Writes a number in another base, with letters in upper case.
    Base {
        /// The base that it is in, 2 to 36.
        from: u32,
        /// The base that it shall be in, 2 to 36.
        to: u32,
    },
    /// Puts zeros before a text until it has so many characters, up to 64.
    Pad(usize),
    /// Replaces a text by what a table says; refuses one that is not in it.
    Table(BTreeMap<String, String>),
}

/// The most characters that `pad` makes.
const MAX_PAD: usize = 64;

impl Step {
    /// Tells what is wrong with the step itself.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let wrong = match self {
            Self::Trim | Self::Upper | Self::Lower | Self::RemoveSeparators => None,
            Self::StripPrefix(text)
            | Self::StripSuffix(text)
            | Self::EnsurePrefix(text)
            | Self::EnsureSuffix(text) => text.is_empty().then_some("the text to strip or ensure is empty"),
            Self::Split { at, part } => {
                (at.is_empty() || *part == 0).then_some("a separator is not empty, and parts count from 1")
            }
            Self::Base { from, to } => {
                let known = 2..=36;
                (!known.contains(from) || !known.contains(to)).then_some("a base is 2 to 36")
            }
            Self::Pad(width) => (*width > MAX_PAD).then_some("a text is padded to at most 64 characters"),
            Self::Table(table) => table.is_empty().then_some("the table is empty"),
        };
        wrong.map_or(Ok(()), Err)
    }

    /// Transforms a text.
    ///
    /// # Errors
    /// What is wrong, in words that show nothing of the text.
    pub(crate) fn apply<'a>(&'a self, text: Cow<'a, str>) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Trim => Ok(cut(text, str::trim)),
            Self::Upper if text.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_lowercase()) => {
                Ok(text)
            }
            Self::Upper => Ok(Cow::Owned(text.to_uppercase())),
            Self::Lower => Ok(Cow::Owned(text.to_lowercase())),
            Self::RemoveSeparators => Ok(without_separators(text)),
            Self::StripPrefix(start) => match text.strip_prefix(start.as_str()) {
                Some(rest) => Ok(Cow::Owned(rest.to_owned())),
                None => Err(format!("it does not begin with {start:?}")),
            },
            Self::StripSuffix(end) => match text.strip_suffix(end.as_str()) {
                Some(rest) => Ok(Cow::Owned(rest.to_owned())),
                None => Err(format!("it does not end with {end:?}")),
            },
            Self::EnsurePrefix(start) if !text.starts_with(start) => Ok(Cow::Owned(format!("{start}{text}"))),
            Self::EnsureSuffix(end) if !text.ends_with(end) => Ok(Cow::Owned(format!("{text}{end}"))),
            Self::EnsurePrefix(_) | Self::EnsureSuffix(_) => Ok(text),
            Self::Split { at, part } => part
                .checked_sub(1)
                .and_then(|before| text.split(at.as_str()).nth(before))
                .map(|part| Cow::Owned(part.to_owned()))
                .ok_or_else(|| format!("it has no part {part} between {at:?}")),
            Self::Base { from, to } => rebased(&text, *from, *to).map(Cow::Owned),
            Self::Pad(width) => Ok(padded(text, *width)),
            Self::Table(table) => match table.get(text.as_ref()) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => Err("the table of the map does not have it".to_owned()),
            },
        }
    }
}

fn cut<'a>(text: Cow<'a, str>, to: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(to(text)),
        Cow::Owned(text) => {
            let rest = to(&text);
            if rest.len() == text.len() { Cow::Owned(text) } else { Cow::Owned(rest.to_owned()) }
        }
    }
}

fn without_separators(text: Cow<'_, str>) -> Cow<'_, str> {
    let separates = |one: char| matches!(one, ' ' | '\t' | '\u{a0}' | '-' | ':' | '.' | '_');
    if text.contains(separates) {
        Cow::Owned(text.chars().filter(|one| !separates(*one)).collect())
    } else {
        text
    }
}

fn rebased(text: &str, from: u32, to: u32) -> Result<String, String> {
    let wrong = || format!("it is no number in base {from} of at most 16 octets");
    if text.is_empty() || text.starts_with('+') {
        return Err(wrong());
    }
    let mut rest = u128::from_str_radix(text, from).map_err(|_| wrong())?;
    let base = u128::from(to);
    let mut digits = Vec::new();
    loop {
        let digit = rest.checked_rem(base).and_then(|digit| u32::try_from(digit).ok()).unwrap_or_default();
        digits.push(char::from_digit(digit, to).unwrap_or('0').to_ascii_uppercase());
        rest = rest.checked_div(base).unwrap_or_default();
        if rest == 0 {
            break;
        }
    }
    Ok(digits.iter().rev().collect())
}

fn padded(text: Cow<'_, str>, width: usize) -> Cow<'_, str> {
    let short = width.saturating_sub(text.chars().count());
    if short == 0 { text } else { Cow::Owned(format!("{}{text}", "0".repeat(short))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        #[derive(Deserialize)]
        struct One {
            step: Step,
        }
        toml::from_str::<One>(&format!("step = {text}")).unwrap().step
    }

    #[test]
    fn every_step_does_what_it_says() {
        for (written, before, after) in [
            ("\"trim\"", " \ta b\u{a0} ", "a b"),
            ("\"trim\"", "ab", "ab"),
            ("\"upper\"", "4d50aß", "4D50ASS"),
            ("\"upper\"", "4D50", "4D50"),
            ("\"lower\"", "MPK", "mpk"),
            ("\"remove_separators\"", "4D-50:4B 00.0_1", "4D504B0001"),
            ("{ strip_prefix = \"SN\" }", "SN42", "42"),
            ("{ strip_suffix = \"h\" }", "4Dh", "4D"),
            ("{ ensure_prefix = \"MPK\" }", "42", "MPK42"),
            ("{ ensure_prefix = \"MPK\" }", "MPK42", "MPK42"),
            ("{ ensure_suffix = \"/1\" }", "42", "42/1"),
            ("{ ensure_suffix = \"/1\" }", "42/1", "42/1"),
            ("{ split = { at = \";\", part = 2 } }", "a;b;c", "b"),
            ("{ base = { from = 10, to = 16 } }", "16000000", "F42400"),
            ("{ base = { from = 16, to = 10 } }", "f42400", "16000000"),
            ("{ base = { from = 10, to = 2 } }", "0", "0"),
            ("{ pad = 8 }", "F42400", "00F42400"),
            ("{ pad = 3 }", "F42400", "F42400"),
            ("{ table = { \"1\" = \"north\", \"2\" = \"south\" } }", "2", "south"),
        ] {
            let step = step(written);
            assert_eq!(step.check(), Ok(()), "{written}");
            assert_eq!(step.apply(Cow::Borrowed(before)).as_deref(), Ok(after), "{written} of {before}");
            assert_eq!(
                step.apply(Cow::Owned(before.to_owned())).as_deref(),
                Ok(after),
                "{written} of {before}"
            );
        }
    }

    #[test]
    fn a_step_that_does_not_fit_shows_nothing_of_the_text() {
        for (written, before) in [
            ("{ strip_prefix = \"SN\" }", "xyzzy"),
            ("{ strip_suffix = \"h\" }", "xyzzy"),
            ("{ split = { at = \";\", part = 2 } }", "xyzzy"),
            ("{ base = { from = 10, to = 16 } }", "xyzzy"),
            ("{ base = { from = 10, to = 16 } }", "+1"),
            ("{ base = { from = 10, to = 16 } }", ""),
            ("{ base = { from = 10, to = 16 } }", "340282366920938463463374607431768211456"),
            ("{ table = { \"1\" = \"north\" } }", "xyzzy"),
        ] {
            let step = step(written);
            let told = step.apply(Cow::Borrowed(before)).unwrap_err();
            assert!(!told.contains("xyzzy"), "{told}");
        }
    }

    #[test]
    fn steps_that_make_no_sense_are_refused_with_the_map() {
        for written in [
            "{ strip_prefix = \"\" }",
            "{ ensure_suffix = \"\" }",
            "{ split = { at = \"\", part = 1 } }",
            "{ split = { at = \";\", part = 0 } }",
            "{ base = { from = 1, to = 16 } }",
            "{ base = { from = 10, to = 37 } }",
            "{ pad = 65 }",
            "{ table = {} }",
        ] {
            assert!(step(written).check().is_err(), "{written}");
        }
    }
}
