//! A Rust file as tokens and comments, with the lines that only tests compile.
//!
//! Not a parser: enough of the lexical grammar that a word in a string or a comment is never taken for code.

mod scanner;

use std::ops::RangeInclusive;

/// One scanned file.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    /// Lines of items under `#[cfg(test)]`, the attribute included.
    test_lines: Vec<RangeInclusive<usize>>,
    /// Whether the module that declares this file does so under `#[cfg(test)]`.
    only_tests: bool,
}

/// One token and the line it starts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) line: usize,
}

/// As much as the rules need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word: keyword or name.
    Word(String),
    /// A single punctuation character.
    Mark(char),
    /// A string, with its content as written.
    Text(String),
    /// A number or a character.
    Value,
}

/// One line of a comment, without `//` but with the third character of `///` and `//!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    /// Whether the token is this word or this punctuation character.
    pub(crate) fn is(&self, expected: &str) -> bool {
        match &self.kind {
            TokenKind::Word(word) => word == expected,
            TokenKind::Mark(mark) => {
                let mut characters = expected.chars();
                characters.next() == Some(*mark) && characters.next().is_none()
            }
            TokenKind::Text(_) | TokenKind::Value => false,
        }
    }

    /// The word, when the token is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            TokenKind::Mark(_) | TokenKind::Text(_) | TokenKind::Value => None,
        }
    }
}

impl Source {
    pub(crate) fn scan(text: &str) -> Self {
        let (tokens, comments) = scanner::scan(text);
        let test_lines = test_lines(&tokens);
        Self { tokens, comments, test_lines, only_tests: false }
    }

    /// Whether only tests compile this line.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.only_tests || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// Says that only tests compile the whole file.
    pub(crate) fn belongs_to_tests(&mut self) {
        self.only_tests = true;
    }

    /// The modules in files of their own, in the order in which they are declared.
    pub(crate) fn modules(&self) -> impl Iterator<Item = &str> {
        self.declared_modules().map(|(_, name)| name)
    }

    /// Of these, the modules that only tests compile.
    pub(crate) fn test_modules(&self) -> impl Iterator<Item = &str> {
        self.declared_modules().filter(|(line, _)| self.is_test_line(*line)).map(|(_, name)| name)
    }

    fn declared_modules(&self) -> impl Iterator<Item = (usize, &str)> {
        self.tokens.windows(3).filter_map(|window| match window {
            [keyword, name, end] if keyword.is("mod") && end.is(";") => {
                name.word().map(|word| (name.line, word))
            }
            _ => None,
        })
    }

    /// The lines on which the tokens follow each other as in `pattern`.
    pub(crate) fn lines_of(&self, pattern: &[&str]) -> Vec<usize> {
        self.tokens
            .windows(pattern.len())
            .filter(|window| window.iter().zip(pattern).all(|(token, expected)| token.is(expected)))
            .filter_map(|window| window.first().map(|token| token.line))
            .collect()
    }

    /// What the file makes depend on the build, by `cfg`, `cfg_attr` or `cfg!`: each condition's words, with its line.
    pub(crate) fn conditions(&self) -> Vec<(usize, String)> {
        let opens = |at: usize, mark: &str| self.tokens.get(at).is_some_and(|token| token.is(mark));
        let found = self.tokens.iter().enumerate().filter(|(at, token)| {
            (token.is("cfg") || token.is("cfg_attr"))
                && (opens(at + 1, "(") || (opens(at + 1, "!") && opens(at + 2, "(")))
        });
        let words = |at: usize| {
            let inner = enclosed(self.tokens.get(at..).unwrap_or_default(), "(", ")");
            let text = |token: &Token| match &token.kind {
                TokenKind::Word(text) | TokenKind::Text(text) => Some(text.clone()),
                TokenKind::Mark(_) | TokenKind::Value => None,
            };
            inner.iter().filter_map(text).collect::<Vec<_>>().join(" ")
        };
        found.map(|(at, token)| (token.line, words(at))).collect()
    }

    /// The names that follow one of the keywords directly, with their lines: what the file declares.
    pub(crate) fn names_after<'a>(&'a self, keywords: &'a [&str]) -> impl Iterator<Item = (usize, &'a str)> {
        self.tokens.windows(2).filter_map(|pair| match pair {
            [keyword, name] if keywords.iter().any(|expected| keyword.is(expected)) => {
                name.word().map(|word| (name.line, word))
            }
            _ => None,
        })
    }
}

/// The tokens between the first opening mark in `tokens` and the mark that closes it, both left out.
pub(crate) fn enclosed<'a>(tokens: &'a [Token], open: &str, close: &str) -> &'a [Token] {
    let mut depth = 0_usize;
    let mut start = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.is(open) {
            depth = depth.saturating_add(1);
            start = start.or_else(|| at.checked_add(1));
        } else if token.is(close) && depth > 0 {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return start.and_then(|start| tokens.get(start..at)).unwrap_or_default();
            }
        }
    }
    &[]
}

fn test_lines(tokens: &[Token]) -> Vec<RangeInclusive<usize>> {
    let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
    for (at, window) in tokens.windows(3).enumerate() {
        let [hash, bracket, cfg] = window else { continue };
        if !(hash.is("#") && bracket.is("[") && cfg.is("cfg")) {
            continue;
        }
        let Some(rest) = tokens.get(at..) else { continue };
        let condition = enclosed(rest, "[", "]");
        let negated = condition.windows(3).any(|w| matches!(w, [a, _, c] if a.is("not") && c.is("test")));
        if negated || !condition.iter().any(|token| token.is("test")) {
            continue;
        }
        if let Some(last) =
            last_line_of_item(rest.get(condition.len().saturating_add(3)..).unwrap_or_default())
        {
            ranges.push(hash.line..=last);
        }
    }
    ranges
}

/// The line on which the item at the head of `tokens` ends: at `;` outside brackets, or where its braces close.
fn last_line_of_item(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for token in tokens {
        if ["(", "[", "{"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "]", "}"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
            if depth == 0 && token.is("}") {
                return Some(token.line);
            }
        } else if token.is(";") && depth == 0 {
            return Some(token.line);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lines_that_only_tests_compile() {
        let source = Source::scan("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { {} }\n}\nfn c() {}\n");
        let found: Vec<usize> = (1..=6).filter(|line| source.is_test_line(*line)).collect();
        assert_eq!(found, [2, 3, 4, 5]);
    }

    #[test]
    fn a_test_only_import_ends_at_its_semicolon() {
        let source = Source::scan("#[cfg(test)]\nuse a::{b, c};\nfn d() {}\n");
        assert!(source.is_test_line(2));
        assert!(!source.is_test_line(3));
    }

    #[test]
    fn code_that_tests_do_not_compile_is_production() {
        let source = Source::scan("#[cfg(not(test))]\nmod real {\n}\n");
        assert!(!source.is_test_line(2));
    }

    #[test]
    fn finds_what_depends_on_the_build() {
        let text = "#[cfg(test)]\nmod a;\n#[cfg(feature = \"mock\")]\nmod b;\nfn c() -> bool { cfg!(debug_assertions) }\n\
                    #[cfg_attr(test, derive(D))]\nstruct E;\nfn cfg() {}\n";
        let found = Source::scan(text).conditions();
        let told: Vec<(usize, &str)> = found.iter().map(|(line, words)| (*line, words.as_str())).collect();
        assert_eq!(
            told,
            [(1, "test"), (3, "feature mock"), (5, "debug_assertions"), (6, "test derive D"), (8, "")]
        );
    }

    #[test]
    fn enclosed_tokens_end_at_the_matching_mark() {
        let source = Source::scan("enum E { A { x: u8 }, B } struct S;");
        assert_eq!(enclosed(&source.tokens, "{", "}").len(), 8);
    }
}
