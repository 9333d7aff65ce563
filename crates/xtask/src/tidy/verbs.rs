//! Every verb of the two programs stands in the operator's documents.
//!
//! Not a run of the programs: the verbs are read from the types that declare the command line, the enums that derive
//! `Subcommand` and the structs that carry one in a field marked `#[command(subcommand)]`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, House, Rule};
use crate::source::{Source, Token, TokenKind, enclosed};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "verb-documented",
    sentence: "every verb of meter-pki and offline-root stands in docs/operate or the README, as `program noun verb`",
    check: verb_documented,
}];

/// Each program and the folder of its code.
const PROGRAMS: [(&str, &str); 2] =
    [("meter-pki", "crates/meter-pki/src/"), ("offline-root", "offline-root/src/")];

fn verb_documented(house: &House) -> Vec<Breach> {
    let is_document =
        |path: &str| path == "README.md" || (path.starts_with("docs/operate/") && path.ends_with(".md"));
    let documents: Vec<&str> =
        house.tree.files().filter(|file| is_document(&file.path)).map(|file| file.text.as_str()).collect();
    let mut breaches = Vec::new();
    for (program, folder) in PROGRAMS {
        for verb in CommandLine::read(house, folder).verbs(program) {
            if !documents.iter().any(|text| mentions(text, &verb.words)) {
                let remedy = format!("describe `{}` in docs/operate", verb.words);
                breaches.push(Breach::at(&verb.path, verb.line, remedy));
            }
        }
    }
    breaches
}

/// Whether the words stand in the text and end there as words.
fn mentions(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let after = at.checked_add(words.len()).and_then(|end| text.get(end..)).unwrap_or_default();
        !after.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
    })
}

/// What one program's types say of its command line.
#[derive(Debug, Default)]
struct CommandLine {
    /// Enums that derive `Subcommand`.
    enums: BTreeMap<String, Vec<Choice>>,
    /// Structs and the enum that their sub-command field has for a type.
    carriers: BTreeMap<String, String>,
    /// Structs that derive `Parser`.
    parsers: BTreeSet<String>,
}

/// One variant of such an enum.
#[derive(Debug)]
struct Choice {
    word: String,
    /// The type that the variant carries, if one.
    carries: Option<String>,
    path: String,
    line: usize,
}

/// One whole command, without its options.
#[derive(Debug)]
struct Verb {
    words: String,
    path: String,
    line: usize,
}

impl CommandLine {
    fn read(house: &House, folder: &str) -> Self {
        let mut found = Self::default();
        for (file, source) in house.tree.rust().filter(|(file, _)| file.path.starts_with(folder)) {
            found.read_file(&file.path, source);
        }
        found
    }

    fn read_file(&mut self, path: &str, source: &Source) {
        for (at, window) in source.tokens.windows(3).enumerate() {
            let [hash, bracket, derive] = window else { continue };
            if !(hash.is("#") && bracket.is("[") && derive.is("derive")) {
                continue;
            }
            let item = source.tokens.get(at..).unwrap_or_default();
            let derives = enclosed(item, "[", "]");
            let Some(name) = name_of_item(item) else { continue };
            let body = enclosed(item, "{", "}");
            if derives.iter().any(|token| token.is("Subcommand")) {
                self.enums.insert(name, choices(path, body));
                continue;
            }
            if derives.iter().any(|token| token.is("Parser")) {
                self.parsers.insert(name.clone());
            }
            if let Some(carried) = type_of_subcommand(body) {
                self.carriers.insert(name, carried);
            }
        }
    }

    /// The commands from the structs that clap starts with, in full.
    fn verbs(&self, program: &str) -> Vec<Verb> {
        let mut verbs = Vec::new();
        for parser in &self.parsers {
            self.collect(parser, program, &mut verbs);
        }
        verbs
    }

    fn collect(&self, name: &str, before: &str, verbs: &mut Vec<Verb>) {
        let carried = self.carriers.get(name).map_or(name, String::as_str);
        for choice in self.enums.get(carried).into_iter().flatten() {
            let words = format!("{before} {}", choice.word);
            let deeper = choice.carries.as_deref().filter(|carries| self.branches(carries));
            match deeper {
                Some(carries) => self.collect(carries, &words, verbs),
                None => verbs.push(Verb { words, path: choice.path.clone(), line: choice.line }),
            }
        }
    }

    fn branches(&self, name: &str) -> bool {
        self.enums.contains_key(name) || self.carriers.contains_key(name)
    }
}

/// The name of the struct or enum that the attributes at the head of `item` belong to.
fn name_of_item(item: &[Token]) -> Option<String> {
    let keyword = item.iter().position(|token| token.is("struct") || token.is("enum"))?;
    item.get(keyword.checked_add(1)?)?.word().map(str::to_owned)
}

/// The variants of an enum, each under its clap name.
fn choices(path: &str, body: &[Token]) -> Vec<Choice> {
    let mut choices = Vec::new();
    let mut rest = body;
    let mut named = None;
    while let Some((token, after)) = rest.split_first() {
        rest = after;
        if token.is("#") {
            let attribute = enclosed(after, "[", "]");
            named = name_in_attribute(attribute).or(named);
            rest = after.get(attribute.len().saturating_add(2)..).unwrap_or_default();
        } else if let Some(variant) = token.word() {
            let end = end_of_variant(after);
            let payload = after.get(..end).unwrap_or_default();
            choices.push(Choice {
                word: named.take().unwrap_or_else(|| kebab(variant)),
                carries: payload_type(payload),
                path: path.to_owned(),
                line: token.line,
            });
            rest = after.get(end..).unwrap_or_default();
        }
    }
    choices
}

/// `name = "…"` of `#[command(name = "…")]`.
fn name_in_attribute(attribute: &[Token]) -> Option<String> {
    if !attribute.first()?.is("command") {
        return None;
    }
    attribute.windows(3).find_map(|window| match window {
        [name, equals, value] if name.is("name") && equals.is("=") => match &value.kind {
            TokenKind::Text(text) => Some(text.clone()),
            TokenKind::Word(_) | TokenKind::Mark(_) | TokenKind::Value => None,
        },
        _ => None,
    })
}

/// How many tokens belong to the variant before the comma that ends it.
fn end_of_variant(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if ["(", "{", "["].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "}", "]"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is(",") {
            return at;
        }
    }
    tokens.len()
}

/// The last name of the path in `Variant(path::Type)`, or the type of a sub-command field in `Variant { … }`.
fn payload_type(payload: &[Token]) -> Option<String> {
    match payload.first()? {
        open if open.is("(") => {
            enclosed(payload, "(", ")").iter().rev().find_map(Token::word).map(str::to_owned)
        }
        open if open.is("{") => type_of_subcommand(enclosed(payload, "{", "}")),
        _ => None,
    }
}

/// The type of the field marked `#[command(subcommand)]`, without an `Option` around it.
fn type_of_subcommand(fields: &[Token]) -> Option<String> {
    let mark = ["#", "[", "command", "(", "subcommand", ")", "]"];
    let at = fields
        .windows(mark.len())
        .position(|window| window.iter().zip(mark).all(|(token, expected)| token.is(expected)))?;
    let field = fields.get(at.checked_add(mark.len())?..)?;
    let field = field.get(..end_of_variant(field))?;
    let colon = field.iter().position(|token| token.is(":"))?;
    field.get(colon..)?.iter().rev().find_map(Token::word).map(str::to_owned)
}

/// clap's spelling of a variant: `ConfigCheck` is `config-check`.
fn kebab(variant: &str) -> String {
    super::names::words(variant).join("-")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};
    use super::*;

    const MAIN: &str = r#"//! Main.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}
#[derive(Debug, Subcommand)]
enum Act {
    /// Serves, whatever #[this] says
    Serve(serve::Options),
    #[command(subcommand)]
    Cert(cert::Cert),
    #[command(name = "quickstart")]
    QuickStart { #[arg(long)] exit: bool },
    Audit { #[command(subcommand)] act: Option<Audit> },
}
#[derive(Subcommand)]
enum Audit { VerifyAll }
"#;
    const CERT: &str = "//! Cert.\n#[derive(Subcommand)]\npub(crate) enum Cert {\n    List,\n    Show { serial: String },\n}\n";

    fn house(manual: &str) -> House {
        files(&[
            ("crates/meter-pki/src/main.rs", MAIN),
            ("crates/meter-pki/src/commands/cert.rs", CERT),
            ("docs/operate/commands.md", manual),
        ])
    }

    #[test]
    fn commands_are_read_in_full_from_nested_types() {
        let verbs = CommandLine::read(&house(""), "crates/meter-pki/src/").verbs("meter-pki");
        let words: Vec<&str> = verbs.iter().map(|verb| verb.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "meter-pki serve",
                "meter-pki cert list",
                "meter-pki cert show",
                "meter-pki quickstart",
                "meter-pki audit verify-all"
            ]
        );
    }

    #[test]
    fn a_verb_that_no_document_names_is_a_breach() {
        let manual = "`meter-pki serve`, `meter-pki cert list`, meter-pki quickstart, meter-pki audit verify-all, meter-pki cert shows";
        assert_eq!(breaches("verb-documented", &house(manual)), ["crates/meter-pki/src/commands/cert.rs:5"]);
        let manual = format!("{manual}\n    meter-pki cert show --serial 01\n");
        assert_eq!(breaches("verb-documented", &house(&manual)), Vec::<String>::new());
    }

    #[test]
    fn a_document_of_another_folder_does_not_count() {
        let house =
            files(&[("crates/meter-pki/src/main.rs", MAIN), ("docs/adr/0001-a.md", "meter-pki serve")]);
        assert!(breaches("verb-documented", &house).contains(&"crates/meter-pki/src/main.rs:10".to_owned()));
    }
}
