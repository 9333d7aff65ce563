//! Exit codes, read from the one enum of each program that decides them: name, number and sentence.
//!
//! Not a run of a program: no program prints its exit codes.

use crate::source::{Source, Token, enclosed};
use crate::tree::File;

/// An exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExitCode {
    /// Its name in the sources.
    pub(super) name: String,
    pub(super) number: String,
    pub(super) meaning: String,
}

/// Reads the variants of `enum Exit`, and their numbers from the arms of `fn number`.
pub(super) fn read(file: &File) -> Vec<ExitCode> {
    let Some(source) = &file.source else { return Vec::new() };
    let Some(body) = body_of(source, "Exit") else { return Vec::new() };
    let variants = body.iter().filter_map(|token| Some((token.word()?, token.line)));
    let found = variants.filter_map(|(name, line)| {
        let number = number_of(&file.text, name)?;
        Some(ExitCode { name: name.to_owned(), number, meaning: doc_above(source, line)? })
    });
    found.collect()
}

fn body_of<'a>(source: &'a Source, name: &str) -> Option<&'a [Token]> {
    let at = source.tokens.windows(2).position(|two| matches!(two, [a, b] if a.is("enum") && b.is(name)))?;
    Some(enclosed(source.tokens.get(at..)?, "{", "}"))
}

/// `Self::Failed => 1,`
fn number_of(text: &str, name: &str) -> Option<String> {
    let arm = format!("Self::{name} => ");
    let number = text.lines().find_map(|line| line.trim().strip_prefix(&arm))?;
    Some(number.trim_end_matches(',').to_owned())
}

/// The sentences of `///` that end on the line before.
pub(super) fn doc_above(source: &Source, line: usize) -> Option<String> {
    let mut sentences = Vec::new();
    let mut line = line.checked_sub(1)?;
    while let Some(text) = source.comments.iter().find(|one| one.line == line).map(|one| &one.text) {
        sentences.push(text.strip_prefix('/')?.trim().to_owned());
        line = line.checked_sub(1)?;
    }
    sentences.reverse();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    const TEXT: &str = "//! E.\n#[repr(u8)]\npub enum Exit {\n    /// It failed.\n    Failed = 1,\n    /// Some of many\n    /// failed.\n    Partial = 3,\n}\nimpl Exit {\n    fn number(self) -> u8 {\n        match self {\n            Self::Failed => 1,\n            Self::Partial => 3,\n        }\n    }\n}\n";

    #[test]
    fn exit_codes_are_read_with_their_numbers_and_sentences() {
        let tree = Tree::of(&[("a/src/exit.rs", TEXT)]);
        let codes = read(tree.file("a/src/exit.rs").unwrap());
        let code = |name: &str, number: &str, meaning: &str| ExitCode {
            name: name.to_owned(),
            number: number.to_owned(),
            meaning: meaning.to_owned(),
        };
        assert_eq!(codes, [code("Failed", "1", "It failed."), code("Partial", "3", "Some of many failed.")]);
    }
}
