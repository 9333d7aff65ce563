//! Codes of errors: enums whose `fn code` says a code for each variant, with the sentence of `#[error("…")]`, and what `fn next`
//! and `fn exit` say of it.

use std::collections::BTreeMap;

use super::{Said, as_said, is_code, text_of, within};
use crate::source::Token;

/// What the functions of one type say of its variants.
#[derive(Debug, Default)]
struct Told {
    codes: Vec<(String, String)>,
    next: BTreeMap<String, String>,
    exits: BTreeMap<String, String>,
}

/// Reads the codes of one file.
pub(super) fn read(tokens: &[&Token]) -> Vec<Said> {
    let sentences = sentences(tokens);
    let mut found = Vec::new();
    for (name, told) in types(tokens) {
        for (variant, code) in &told.codes {
            let text = |map: &BTreeMap<String, String>| map.get(variant).cloned().unwrap_or_default();
            found.push(Said {
                code: code.clone(),
                exit: told.exits.get(variant).cloned(),
                sentence: sentences.get(&(name.clone(), variant.clone())).cloned().unwrap_or_default(),
                next: text(&told.next),
            });
        }
    }
    found
}

/// The sentence of each variant of each enum.
fn sentences(tokens: &[&Token]) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for (place, window) in tokens.windows(2).enumerate() {
        let [keyword, name] = window else { continue };
        if !keyword.is("enum") {
            continue;
        }
        let Some(name) = name.word() else { continue };
        let from = tokens.get(place..).unwrap_or_default();
        let Some(open) = from.iter().position(|token| token.is("{")) else { continue };
        let mut rest = within(from.get(open..).unwrap_or_default());
        let mut sentence = None;
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            if token.is("#") {
                let attribute = within(after);
                if attribute.first().is_some_and(|first| first.is("error")) {
                    sentence = attribute.iter().find_map(|token| text_of(token)).map(as_said);
                }
                rest = after.get(attribute.len().saturating_add(2)..).unwrap_or_default();
            } else if let Some(variant) = token.word() {
                if let Some(sentence) = sentence.take() {
                    found.insert((name.to_owned(), variant.to_owned()), sentence);
                }
                if after.first().is_some_and(|next| next.is("(") || next.is("{")) {
                    let payload = within(after);
                    rest = after.get(payload.len().saturating_add(2)..).unwrap_or_default();
                }
            }
        }
    }
    found
}

/// Each `impl` block, by the type that it is of.
fn types(tokens: &[&Token]) -> BTreeMap<String, Told> {
    let mut types: BTreeMap<String, Told> = BTreeMap::new();
    for (place, token) in tokens.iter().enumerate() {
        // `impl Trait` in a signature leads to no block of functions named so.
        if !token.is("impl") {
            continue;
        }
        let from = tokens.get(place..).unwrap_or_default();
        let Some(open) = from.iter().position(|token| token.is("{")) else { continue };
        let head = from.get(..open).unwrap_or_default();
        let Some(name) = type_of(head) else { continue };
        let body = within(from.get(open..).unwrap_or_default());
        let told = types.entry(name.to_owned()).or_default();
        told.codes.extend(arms(body, "code", &|tokens| {
            tokens.iter().find_map(|token| text_of(token)).filter(|text| is_code(text)).map(str::to_owned)
        }));
        told.next.extend(arms(body, "next", &|tokens| {
            tokens.iter().find_map(|token| text_of(token)).map(as_said)
        }));
        told.exits.extend(arms(body, "exit", &exit));
    }
    types
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

/// The arms `Self::A | Self::B { .. } => …` of the function of this name, each variant with what is read of its arm.
fn arms(
    body: &[&Token],
    function: &str,
    read: &dyn Fn(&[&Token]) -> Option<String>,
) -> Vec<(String, String)> {
    let at = body.windows(2).position(|two| matches!(two, [a, b] if a.is("fn") && b.is(function)));
    let Some(at) = at else { return Vec::new() };
    let from = body.get(at..).unwrap_or_default();
    let Some(open) = from.iter().position(|token| token.is("{")) else { return Vec::new() };
    let block = within(from.get(open..).unwrap_or_default());
    let mut found = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut rest = block;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        match after {
            [a, b, name, ..] if token.is("Self") && a.is(":") && b.is(":") => names.extend(name.word()),
            [arrow, ..] if token.is("=") && arrow.is(">") => {
                let arm = arm(after.get(1..).unwrap_or_default());
                if let Some(value) = read(arm) {
                    found.extend(names.iter().map(|name| ((*name).to_owned(), value.clone())));
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
"#;

    #[test]
    fn an_error_is_told_by_what_its_functions_say_of_each_variant() {
        let source = Source::scan(TEXT);
        let tokens: Vec<&Token> = source.tokens.iter().collect();
        let said = |code: &str, exit: &str, sentence: &str, next: &str| Said {
            code: code.to_owned(),
            exit: Some(exit.to_owned()),
            sentence: sentence.to_owned(),
            next: next.to_owned(),
        };
        let expected = [
            said("door.shut", "Refused", "the door … is shut", "knock at …"),
            said("door.gone", "NotFound", "there is no door", "go home"),
        ];
        assert_eq!(read(&tokens), expected);
    }
}
