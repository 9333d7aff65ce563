//! Cuts Rust text into tokens and comments.
//!
//! Not a validator: text that `rustc` refuses gives tokens too, up to its end.

use super::{Comment, Token, TokenKind};

pub(super) fn scan(text: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut scanner = Scanner { rest: text, line: 1, tokens: Vec::new(), comments: Vec::new() };
    while let Some(next) = scanner.peek() {
        scanner.one(next);
    }
    (scanner.tokens, scanner.comments)
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl<'a> Scanner<'a> {
    fn one(&mut self, next: char) {
        let line = self.line;
        if let Some(rest) = self.rest.strip_prefix("//") {
            self.line_comment(rest);
        } else if self.rest.starts_with("/*") {
            self.block_comment();
        } else if next == '"' {
            self.text();
        } else if next == '\'' {
            self.character_or_lifetime();
        } else if next.is_ascii_digit() {
            self.take(is_of_word);
            self.push(TokenKind::Value, line);
        } else if is_of_word(next) {
            self.word();
        } else {
            self.step();
            if !next.is_whitespace() {
                self.push(TokenKind::Mark(next), line);
            }
        }
    }

    fn push(&mut self, kind: TokenKind, line: usize) {
        self.tokens.push(Token { kind, line });
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Moves past one character.
    fn step(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        if character == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(character)
    }

    /// Moves past the longest run of characters that fit, and returns it.
    fn take(&mut self, fits: fn(char) -> bool) -> &'a str {
        let whole = self.rest;
        while self.peek().is_some_and(fits) {
            self.step();
        }
        self.passed(whole)
    }

    /// What of `whole` lies before the current place.
    fn passed(&self, whole: &'a str) -> &'a str {
        whole.len().checked_sub(self.rest.len()).and_then(|length| whole.get(..length)).unwrap_or_default()
    }

    fn line_comment(&mut self, rest: &'a str) {
        let text = rest.split('\n').next().unwrap_or_default();
        self.comments.push(Comment { text: text.to_owned(), line: self.line });
        self.rest = rest.strip_prefix(text).unwrap_or_default();
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        let mut comment = Comment { text: String::new(), line: self.line };
        while !self.rest.is_empty() {
            if let Some(rest) = self.rest.strip_prefix("/*") {
                depth = depth.saturating_add(1);
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix("*/") {
                depth = depth.saturating_sub(1);
                self.rest = rest;
                if depth == 0 {
                    break;
                }
            } else {
                match self.step() {
                    Some('\n') => {
                        let next = Comment { text: String::new(), line: self.line };
                        self.comments.push(std::mem::replace(&mut comment, next));
                    }
                    character => comment.text.extend(character),
                }
            }
        }
        self.comments.push(comment);
    }

    /// A string with escapes, from its opening quotation mark.
    fn text(&mut self) {
        let line = self.line;
        self.step();
        let mut content = String::new();
        while let Some(character) = self.step() {
            match character {
                '"' => break,
                '\\' => {
                    content.push(character);
                    content.extend(self.step());
                }
                other => content.push(other),
            }
        }
        self.push(TokenKind::Text(content), line);
    }

    /// A raw string, from the marks after its prefix: `#` any number of times and a quotation mark.
    fn raw_text(&mut self, hashes: &str) {
        let line = self.line;
        let end = format!("\"{hashes}");
        for _ in end.chars() {
            self.step();
        }
        let whole = self.rest;
        while !self.rest.is_empty() && !self.rest.starts_with(&end) {
            self.step();
        }
        let content = self.passed(whole).to_owned();
        for _ in end.chars() {
            self.step();
        }
        self.push(TokenKind::Text(content), line);
    }

    /// A name, a keyword, or the prefix of a string or character.
    fn word(&mut self) {
        let line = self.line;
        let word = self.take(is_of_word);
        let hashes: String = self.rest.chars().take_while(|character| *character == '#').collect();
        let after = self.rest.trim_start_matches('#');
        if matches!(word, "r" | "br" | "cr") && after.starts_with('"') {
            self.raw_text(&hashes);
        } else if matches!(word, "b" | "c") && self.rest.starts_with('"') {
            self.text();
        } else if word == "b" && self.rest.starts_with('\'') {
            self.character_or_lifetime();
        } else if word == "r" && hashes == "#" {
            self.step();
            let raw = self.take(is_of_word);
            self.push(TokenKind::Word(raw.to_owned()), line);
        } else {
            self.push(TokenKind::Word(word.to_owned()), line);
        }
    }

    /// `'a'` and `'\n'` are values; of `'static` nothing remains.
    fn character_or_lifetime(&mut self) {
        let line = self.line;
        self.step();
        let first = self.step();
        if first == Some('\\') {
            self.step();
            self.take(|character| character != '\'');
            self.step();
            self.push(TokenKind::Value, line);
        } else if self.peek() == Some('\'') {
            self.step();
            self.push(TokenKind::Value, line);
        } else {
            self.take(is_of_word);
        }
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        scan(text).0.iter().filter_map(|token| token.word().map(str::to_owned)).collect()
    }

    #[test]
    fn words_in_strings_and_comments_are_not_code() {
        let text = r##"fn a() { "async"; r#"let "mut" x"#; b"x"; '"'; '\''; } // loop
            /* while /* nested */ still */ struct S<'life>;"##;
        assert_eq!(words(text), ["fn", "a", "struct", "S"]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let (tokens, comments) = scan("\"a\nb\" /* c\nd */ x\n// e\ny");
        let lines: Vec<usize> = tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 5]);
        let texts: Vec<(usize, &str)> = comments.iter().map(|c| (c.line, c.text.as_str())).collect();
        assert_eq!(texts, [(2, " c"), (3, "d "), (4, " e")]);
    }

    #[test]
    fn a_raw_name_is_its_word() {
        assert_eq!(words("r#type"), ["type"]);
    }

    #[test]
    fn the_third_character_of_a_document_comment_stays() {
        let (_, comments) = scan("//! head\n/// item");
        assert_eq!(comments.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["! head", "/ item"]);
    }
}
