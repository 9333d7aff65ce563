//! Rules on names: none that says nothing, none in another language's habit.
//!
//! Not the list of words to prefer: CONTRIBUTING.md has that.

use super::{Breach, House, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "vague-name",
        sentence: "no type, module or crate is named after what everything is: manager, service, handler and the like",
        check: vague_name,
    },
    Rule {
        id: "no-get",
        sentence: "a function that returns a field is named after the field",
        check: no_get,
    },
    Rule {
        id: "layer-words",
        sentence: "ca-core names no enrolment protocol, and server-kit names nothing of a PKI",
        check: layer_words,
    },
];

/// Say nothing wherever they stand in a name.
const NEVER: &[&str] = &["helper", "helpers", "misc", "util", "utils"];

/// Say nothing as the noun that the name ends in.
const NOT_LAST: &[&str] = &["common", "handler", "manager", "service"];

/// Folders, and the words that no name in their product code may carry.
const LAYERS: &[(&str, &[&str])] = &[
    ("ca-core/src/", &["cacerts", "csrattrs", "pkibody", "pkimessage", "simpleenroll", "simplereenroll"]),
    (
        "crates/server-kit/src/",
        &["crl", "csr", "enrol", "enrolment", "est", "meter", "ocsp", "revocation", "revoke"],
    ),
];

/// Keywords that declare a type or a module.
const DECLARING: &[&str] = &["enum", "mod", "struct", "trait", "type"];

fn vague_name(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        let modules = file.path.split('/').filter_map(|part| part.split('.').next()).map(|part| (1, part));
        for (line, name) in modules.chain(source.names_after(DECLARING)) {
            if let Some(word) = vague_word(name) {
                let remedy =
                    format!("`{name}`: `{word}` says nothing; name it after what it is in the RFC's words");
                breaches.push(Breach::at(&file.path, line, remedy));
            }
        }
    }
    breaches
}

fn no_get(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        for (line, name) in source.names_after(&["fn"]) {
            if let Some(rest) = name.strip_prefix("get_") {
                breaches.push(Breach::at(
                    &file.path,
                    line,
                    format!("name it `{rest}`, or after the act: load, find, take"),
                ));
            }
        }
    }
    breaches
}

fn layer_words(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        let layer = LAYERS.iter().find(|(folder, _)| file.path.starts_with(folder));
        let Some((_, forbidden)) = layer else { continue };
        for token in source.tokens.iter().filter(|token| !source.is_test_line(token.line)) {
            let Some(name) = token.word() else { continue };
            let mut runs = runs_of_words(name).into_iter();
            if let Some(word) = runs.find(|run| forbidden.contains(&run.as_str())) {
                let remedy =
                    format!("`{name}`: this layer must not know `{word}`; say it in this layer's words");
                breaches.push(Breach::at(&file.path, token.line, remedy));
            }
        }
    }
    breaches
}

fn vague_word(name: &str) -> Option<String> {
    let words = words(name);
    let last = words.last().filter(|word| NOT_LAST.contains(&word.as_str()));
    words.iter().find(|word| NEVER.contains(&word.as_str())).or(last).cloned()
}

/// Every run of words that follow each other in a name: `PkiBody` gives `pki`, `body` and `pkibody`.
fn runs_of_words(name: &str) -> Vec<String> {
    let words = words(name);
    let sizes = 1..=words.len();
    sizes.flat_map(|size| words.windows(size)).map(<[String]>::concat).collect()
}

/// The words of a name, in small letters: `RequestHandler` and `request_handler` alike give `request`, `handler`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous_small = false;
    for character in name.chars() {
        let starts = character.is_uppercase() && previous_small;
        previous_small = character.is_lowercase() || character.is_numeric();
        if !character.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        match words.last_mut() {
            Some(word) if !starts => word.extend(character.to_lowercase()),
            _ => words.push(character.to_lowercase().collect()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};
    use super::*;

    #[test]
    fn a_type_that_ends_in_a_vague_noun_is_a_breach() {
        let text = "//! A.\nstruct RequestHandler;\nenum ServiceUnavailable {}\ntrait CertManager {}\nstruct CommonName;\n";
        assert_eq!(breaches("vague-name", &files(&[("a/src/a.rs", text)])), ["a/src/a.rs:2", "a/src/a.rs:4"]);
    }

    #[test]
    fn a_module_or_crate_named_util_is_a_breach() {
        let house = files(&[("a/src/time_utils.rs", "//! A.\n"), ("crates/common/src/lib.rs", "//! A.\n")]);
        assert_eq!(breaches("vague-name", &house), ["a/src/time_utils.rs:1", "crates/common/src/lib.rs:1"]);
        assert_eq!(
            breaches("vague-name", &files(&[("a/src/a.rs", "//! A.\nmod helpers {}\n")])),
            ["a/src/a.rs:2"]
        );
    }

    #[test]
    fn a_getter_is_a_breach() {
        let text = "//! A.\nfn get_serial() {}\nfn forget() {}\nfn get() {}\n";
        assert_eq!(breaches("no-get", &files(&[("a/src/a.rs", text)])), ["a/src/a.rs:2"]);
    }

    #[test]
    fn a_protocol_word_in_the_core_is_a_breach_in_code_only() {
        let text = "//! Not simpleenroll.\nfn simple_enroll() { \"PKIBody\" }\nstruct PKIBody;\nfn request() { ocsp() }\n";
        let house = files(&[("ca-core/src/a.rs", text), ("crates/server-kit/src/a.rs", text)]);
        let found = breaches("layer-words", &house);
        assert_eq!(found, ["ca-core/src/a.rs:2", "ca-core/src/a.rs:3", "crates/server-kit/src/a.rs:4"]);
    }

    #[test]
    fn names_are_cut_into_words_in_both_spellings() {
        assert_eq!(words("RequestHandler"), ["request", "handler"]);
        assert_eq!(words("request_handler"), ["request", "handler"]);
        assert_eq!(words("SHA256Digest"), ["sha256", "digest"]);
        assert_eq!(words("_x"), ["x"]);
    }
}
