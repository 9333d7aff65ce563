//! Codes of errors: enums for each variant of which `fn code` says a code, with the sentence of `#[error("…")]` or of its comment, and
//! what `fn next` and `fn exit` say of it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Said, as_said, is_code, text_of, within};
use crate::manual::exits::doc_above;
use crate::source::{Source, Token};

/// A variant, by its enum and its name.
type Variant = (String, String);

/// The sentences of the variants of all files; none where two enums of one name say something else.
#[derive(Debug, Default)]
pub(super) struct Sentences(BTreeMap<Variant, Option<String>>);

impl Sentences {
    /// Takes in what a file says.
    pub(super) fn add(&mut self, source: &Source, tokens: &[&Token]) {
        for (variant, sentence) in sentences(source, tokens) {
            let known = self.0.entry(variant).or_insert_with(|| Some(sentence.clone()));
            if known.as_ref().is_some_and(|known| *known != sentence) {
                *known = None;
            }
        }
    }

    /// What is said of a variant, where that is one thing.
    pub(super) fn of(&self, name: &str, variant: &str) -> Option<&str> {
        self.0.get(&(name.to_owned(), variant.to_owned()))?.as_deref()
    }
}

/// Reads the codes of one file, with sentences of others where enums stand elsewhere.
pub(super) fn read(source: &Source, tokens: &[&Token], all: &Sentences) -> Vec<Said> {
    let own = sentences(source, tokens);
    let code = |tokens: &[&Token]| {
        // Words without a noun before them, such as `busy`, are labels of metrics; one is a code all the same.
        let is_reason = |text: &&str| is_code(text) && (text.contains('.') || *text == "unavailable");
        tokens.iter().find_map(|token| text_of(token)).filter(is_reason).map(str::to_owned)
    };
    let next = |tokens: &[&Token]| tokens.iter().find_map(|token| text_of(token)).map(as_said);
    let of_code = |name: &str| name == "code" || name.ends_with("_code");
    let next: BTreeMap<Variant, String> = arms(tokens, &|name| name == "next", &next).into_iter().collect();
    let exits: BTreeMap<Variant, String> = arms(tokens, &|name| name == "exit", &exit).into_iter().collect();
    let codes = arms(tokens, &of_code, &code).into_iter();
    codes
        .map(|(variant, code)| {
            let sentence = own.get(&variant).map(String::as_str).or_else(|| all.of(&variant.0, &variant.1));
            Said {
                code,
                exit: exits.get(&variant).cloned(),
                sentence: sentence.unwrap_or_default().to_owned(),
                next: next.get(&variant).cloned().unwrap_or_default(),
            }
        })
        .collect()
}

/// The sentence of each variant of each enum: that of the error, or that of the comment above.
fn sentences(source: &Source, tokens: &[&Token]) -> BTreeMap<Variant, String> {
    let mut found = BTreeMap::new();
    for (place, window) in tokens.windows(2).enumerate() {
        let [keyword, name] = window else { continue };
        let Some(name) = name.word().filter(|_| keyword.is("enum")) else { continue };
        let from = tokens.get(place..).unwrap_or_default();
        let Some(open) = from.iter().position(|token| token.is("{")) else { continue };
        let body = within(from.get(open..).unwrap_or_default());
        for (variant, sentence) in variants(source, body) {
            found.insert((name.to_owned(), variant), sentence);
        }
    }
    found
}

fn variants(source: &Source, body: &[&Token]) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), body);
    let (mut error, mut begins) = (None, None);
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        if token.is("#") {
            begins = begins.or(Some(token.line));
            let attribute = within(after);
            if attribute.first().is_some_and(|first| first.is("error")) {
                error = attribute.iter().find_map(|token| text_of(token)).map(as_said);
            }
            rest = after.get(attribute.len().saturating_add(2)..).unwrap_or_default();
        } else if let Some(variant) = token.word() {
            let line = begins.take().unwrap_or(token.line);
            // `#[error(transparent)]` and `{0}` say nothing by themselves.
            let said = error.take().filter(|text: &String| text.chars().any(char::is_alphanumeric));
            if let Some(sentence) = said.or_else(|| doc_above(source, line)) {
                found.push((variant.to_owned(), sentence));
            }
            if after.first().is_some_and(|next| next.is("(") || next.is("{")) {
                let payload = within(after);
                rest = after.get(payload.len().saturating_add(2)..).unwrap_or_default();
            }
        }
    }
    found
}

/// The blocks of `impl`, each with its type.
fn blocks<'a>(tokens: &[&'a Token]) -> Vec<(Range<usize>, &'a str)> {
    let mut found = Vec::new();
    for place in tokens.iter().enumerate().filter(|(_, token)| token.is("impl")).map(|(place, _)| place) {
        let from = tokens.get(place..).unwrap_or_default();
        // `impl Trait` in a signature leads to the block of its function, which has no function of these names in it.
        let Some(open) = from.iter().position(|token| token.is("{")) else { continue };
        let Some(name) = type_of(from.get(..open).unwrap_or_default()) else { continue };
        let length = within(from.get(open..).unwrap_or_default()).len();
        found.push((place..place.saturating_add(open).saturating_add(length), name));
    }
    found
}

/// The type of `impl X`, `impl T for X` and `impl<'a> X<'a>`.
fn type_of<'a>(head: &[&'a Token]) -> Option<&'a str> {
    let after_for = head.iter().position(|token| token.is("for")).map(|place| place.saturating_add(1));
    let rest = head.get(after_for.unwrap_or(1)..)?;
    let mut depth = 0_usize;
    for token in rest {
        if token.is("<") {
            depth = depth.saturating_add(1);
        } else if token.is(">") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.word().is_some() {
            return token.word();
        }
    }
    None
}

/// `Exit::Refused`
fn exit(tokens: &[&Token]) -> Option<String> {
    let at = tokens.iter().position(|token| token.is("Exit"))?;
    tokens.get(at..)?.iter().skip(1).find_map(|token| token.word()).map(str::to_owned)
}

/// The arms `Self::A | Self::B { .. } => …` of the functions of these names, each variant with what is read of its arm.
fn arms(
    tokens: &[&Token],
    is_wanted: &dyn Fn(&str) -> bool,
    read: &dyn Fn(&[&Token]) -> Option<String>,
) -> Vec<(Variant, String)> {
    let blocks = blocks(tokens);
    let mut found = Vec::new();
    for (place, window) in tokens.windows(2).enumerate() {
        let [keyword, name] = window else { continue };
        if !(keyword.is("fn") && name.word().is_some_and(is_wanted)) {
            continue;
        }
        let of = blocks.iter().rev().find(|(block, _)| block.contains(&place)).map_or("", |(_, name)| *name);
        let from = tokens.get(place..).unwrap_or_default();
        let Some(open) = from.iter().position(|token| token.is("{")) else { continue };
        found.extend(arms_of(within(from.get(open..).unwrap_or_default()), of, read));
    }
    found
}

fn arms_of(block: &[&Token], of: &str, read: &dyn Fn(&[&Token]) -> Option<String>) -> Vec<(Variant, String)> {
    let (mut found, mut rest) = (Vec::new(), block);
    let mut names: Vec<Variant> = Vec::new();
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match (token.word(), after) {
            (Some(path), [a, b, name, ..]) if a.is(":") && b.is(":") => {
                let path = if path == "Self" { of } else { path };
                names.extend(name.word().map(|name| (path.to_owned(), name.to_owned())));
            }
            (None, [arrow, ..]) if token.is("=") && arrow.is(">") => {
                let arm = arm(after.get(1..).unwrap_or_default());
                if let Some(value) = read(arm) {
                    found.extend(names.iter().map(|name| (name.clone(), value.clone())));
                }
                names.clear();
                rest = after.get(arm.len().saturating_add(1)..).unwrap_or_default();
            }
            _ => {}
        }
    }
    found
}

/// What stands behind an arrow, up to the comma or the block's end.
fn arm<'a, 'b>(tokens: &'b [&'a Token]) -> &'b [&'a Token] {
    if tokens.first().is_some_and(|first| first.is("{")) {
        let block = within(tokens);
        return tokens.get(..block.len().saturating_add(2)).unwrap_or_default();
    }
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        if ["(", "{", "["].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "}", "]"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is(",") {
            return tokens.get(..place).unwrap_or_default();
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const TEXT: &str = r#"
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Shut.
    #[error("the door {name} is shut")]
    Shut { name: String },
    /// Gone.
    #[error("there is no door")]
    Gone(u8),
    #[error(transparent)]
    Other(#[from] Inner),
}
impl Explained for OpenError {
    fn exit(&self) -> Exit {
        match self {
            Self::Shut { .. } => Exit::Refused,
            Self::Gone(_) | Self::Other(_) => Exit::NotFound,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Shut { .. } => "door.shut",
            Self::Gone(_) => {
                "door.gone"
            }
            Self::Other(inner) => inner.code(),
        }
    }
    fn next(&self) -> String {
        match self {
            Self::Shut { .. } => format!("knock at {}", 1),
            Self::Gone(_) | Self::Other(_) => "go home".to_owned(),
        }
    }
}
fn why_code(why: &Why) -> &'static str {
    match why {
        Why::Night => "door.night",
    }
}
"#;

    #[test]
    fn an_error_is_told_by_what_its_functions_say_of_each_variant() {
        let source = Source::scan(TEXT);
        let tokens: Vec<&Token> = source.tokens.iter().collect();
        let mut all = Sentences::default();
        let why = Source::scan("enum Why {\n    /// It is night.\n    Night,\n}\n");
        all.add(&why, &why.tokens.iter().collect::<Vec<_>>());
        let said = |code: &str, exit: &str, sentence: &str, next: &str| Said {
            code: code.to_owned(),
            exit: Some(exit.to_owned()),
            sentence: sentence.to_owned(),
            next: next.to_owned(),
        };
        let expected = [
            said("door.shut", "Refused", "the door … is shut", "knock at …"),
            said("door.gone", "NotFound", "there is no door", "go home"),
            Said { exit: None, ..said("door.night", "", "It is night.", "") },
        ];
        assert_eq!(read(&source, &tokens, &all), expected);
    }
}
