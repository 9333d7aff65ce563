//! The reference of reason codes: every stable code with its sentence and what to do next, read from the sources.
//!
//! There is no one place that decides all codes: each error says its own, in `fn code` beside its sentences, or where a failure is
//! made of it. So they are read where they stand; what a sentence fills in when it is said is shown as an ellipsis.

mod errors;
mod failures;

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{self, code, sentence, shown, table};
use super::{Page, REFERENCE, exits};
use crate::source::{Source, Token, TokenKind};
use crate::tree::{File, Tree};
use errors::Sentences;

/// A code as one place says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    code: String,
    /// The exit code, where the place says it.
    exit: Option<String>,
    sentence: String,
    next: String,
}

/// Code that is not installed, or says its codes to nobody but tests.
const NOT_READ: [&str; 6] = [
    "tests/",
    "crates/xtask/",
    "crates/ledger-checker/",
    "crates/simulator/",
    "crates/figures/",
    "crates/plots/",
];

/// Reads the sources and makes the page.
pub(super) fn page(tree: &Tree) -> Page {
    let is_read = |file: &File| {
        let is_of_product =
            file.path.contains("/src/") && !NOT_READ.iter().any(|start| file.path.starts_with(start));
        is_of_product && !file.path.contains("/contract/")
    };
    let files: Vec<(&Source, Vec<&Token>)> = tree
        .rust()
        .filter(|(file, _)| is_read(file))
        .map(|(_, source)| {
            (source, source.tokens.iter().filter(|token| !source.is_test_line(token.line)).collect())
        })
        .collect();
    let mut sentences = Sentences::default();
    for (source, tokens) in &files {
        sentences.add(source, tokens);
    }
    let mut said = Vec::new();
    for (source, tokens) in &files {
        said.extend(errors::read(source, tokens, &sentences));
        said.extend(failures::read(tokens, &sentences));
    }
    let numbers = numbers(tree);
    for one in &mut said {
        one.exit = one.exit.as_ref().and_then(|name| numbers.get(name).cloned());
    }
    (format!("{REFERENCE}/codes.md"), markdown::page("the sources", &text_of_page(said)))
}

/// The number of each exit code, by its name.
fn numbers(tree: &Tree) -> BTreeMap<String, String> {
    let files = super::commands::EXITS.iter().filter_map(|(_, path)| tree.file(path));
    files.flat_map(exits::read).map(|code| (code.name, code.number)).collect()
}

/// The rows by their first words.
fn text_of_page(said: Vec<Said>) -> String {
    let mut codes: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for one in said {
        codes.entry(one.code.clone()).or_default().push(one);
    }
    let mut nouns: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for (name, places) in &codes {
        let noun = name.split('.').next().unwrap_or_default().to_owned();
        nouns.entry(noun).or_default().push(row(name, places));
    }
    let mut text = format!(
        "# Reason codes\n\nWhat fails says a stable code: behind the sentence on the command line, as `code` of a problem of the \
         [interface](interface.md), as `reason` in audit records, in answers of EST and CMP where the standards have a place for \
         it. Programs branch on codes; sentences may be said better in the next version.\n\nThe codes below are all that the \
         sources of the programs name: {} of them. Some are said in several places; then each sentence stands there. An ellipsis \
         is what is filled in when it is said; where no sentence stands, it is that of the cause. How the program ends is an \
         [exit code](commands.md#exit-codes), with a dash where that depends on who asked.\n\n",
        codes.len()
    );
    for (noun, rows) in nouns {
        text.push_str(&format!("## {noun}\n\n"));
        text.push_str(&table(&["code", "ends with", "what happened", "what to do next"], &rows));
    }
    text
}

fn row(name: &str, places: &[Said]) -> Vec<String> {
    let exits: BTreeSet<&str> = places.iter().filter_map(|one| one.exit.as_deref()).collect();
    let distinct = |texts: Vec<String>| {
        let mut seen = BTreeSet::new();
        let texts = texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone()));
        texts.collect::<Vec<_>>().join("<br>")
    };
    let sentences = distinct(places.iter().map(|one| said_whole(&one.sentence)).collect());
    let next = distinct(places.iter().map(|one| shown(&one.next)).collect());
    let exits = exits.into_iter().map(str::to_owned).collect::<Vec<_>>().join(", ");
    vec![code(name), if exits.is_empty() { "–".to_owned() } else { exits }, sentences, next]
}

/// A sentence; what is nothing but filled in is none.
fn said_whole(text: &str) -> String {
    let says_nothing = !text.chars().any(char::is_alphanumeric);
    if says_nothing { String::new() } else { capital(&sentence(text)) }
}

/// A sentence of its own begins with a capital, unless it begins with what is filled in or typed.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if first.is_ascii_lowercase() => {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        }
        Some(_) | None => text.to_owned(),
    }
}

/// The content of a string as it stands in a source, as it is said: escapes undone, and what is filled in as an ellipsis.
fn as_said(text: &str) -> String {
    let mut said = String::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => match rest.next() {
                Some('n') => said.push(' '),
                // The line goes on in the next.
                Some('\n') => while rest.next_if(|next| next.is_whitespace()).is_some() {},
                Some(escaped) => said.push(escaped),
                None => {}
            },
            '{' if rest.next_if_eq(&'{').is_some() => said.push('{'),
            '}' if rest.next_if_eq(&'}').is_some() => said.push('}'),
            '{' => {
                while rest.next_if(|next| *next != '}').is_some() {}
                rest.next();
                said.push('…');
            }
            other => said.push(other),
        }
    }
    said.trim().to_owned()
}

/// Whether a text has the form of a code.
fn is_code(text: &str) -> bool {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter);
    !text.is_empty() && text.chars().all(fits) && text.chars().any(|letter| letter.is_ascii_lowercase())
}

fn text_of(token: &Token) -> Option<&str> {
    match &token.kind {
        TokenKind::Text(text) => Some(text),
        TokenKind::Word(_) | TokenKind::Mark(_) | TokenKind::Value => None,
    }
}

/// The tokens between an opening mark, which is the first, and the one that closes it.
fn within<'a, 'b>(tokens: &'b [&'a Token]) -> &'b [&'a Token] {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        if ["(", "{", "["].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "}", "]"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return tokens.get(1..place).unwrap_or_default();
            }
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_as_it_is_said_with_an_ellipsis_for_what_is_filled_in() {
        assert_eq!(as_said("{count} of {} {{x}}, \\\"so\\\"\\\n      on"), "… of … {x}, \"so\"on");
    }

    #[test]
    fn a_code_said_in_two_places_is_one_row_with_both_sentences() {
        let said = |sentence: &str| Said {
            code: "door.shut".to_owned(),
            exit: Some("Refused".to_owned()),
            sentence: sentence.to_owned(),
            next: "knock".to_owned(),
        };
        let text = text_of_page(vec![said("it is shut"), said("it is shut"), said("nobody opens")]);
        assert!(text.contains("## door\n"), "{text}");
        assert!(text.contains("| `door.shut` | Refused | It is shut.<br>Nobody opens. | knock |"), "{text}");
    }
}
