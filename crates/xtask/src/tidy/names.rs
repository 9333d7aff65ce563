//! Rules on names: none that says nothing, none in another language's habit.
//!
//! Not the list of words to prefer: CONTRIBUTING.md has that.

use super::sources::words;
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
];

/// Say nothing wherever they stand in a name.
const NEVER: &[&str] = &["helper", "helpers", "misc", "util", "utils"];

/// Say nothing as the noun that the name ends in.
const NOT_LAST: &[&str] = &["common", "handler", "manager", "service"];

/// Keywords that declare a type or a module.
const DECLARING: &[&str] = &["enum", "mod", "struct", "trait", "type"];

fn vague_name(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        let modules = file
            .path
            .split('/')
            .filter_map(|part| part.split('.').next())
            .map(|part| (1, part));
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

fn vague_word(name: &str) -> Option<String> {
    let words = words(name);
    let last = words.last().filter(|word| NOT_LAST.contains(&word.as_str()));
    words
        .iter()
        .find(|word| NEVER.contains(&word.as_str()))
        .or(last)
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};

    #[test]
    fn a_type_that_ends_in_a_vague_noun_is_a_breach() {
        let text = "//! A.\nstruct RequestHandler;\nenum ServiceUnavailable {}\ntrait CertManager {}\nstruct CommonName;\n";
        assert_eq!(
            breaches("vague-name", &files(&[("a/src/a.rs", text)])),
            ["a/src/a.rs:2", "a/src/a.rs:4"]
        );
    }

    #[test]
    fn a_module_or_crate_named_util_is_a_breach() {
        let house = files(&[
            ("a/src/time_utils.rs", "//! A.\n"),
            ("crates/common/src/lib.rs", "//! A.\n"),
        ]);
        assert_eq!(
            breaches("vague-name", &house),
            ["a/src/time_utils.rs:1", "crates/common/src/lib.rs:1"]
        );
        assert_eq!(
            breaches(
                "vague-name",
                &files(&[("a/src/a.rs", "//! A.\nmod helpers {}\n")])
            ),
            ["a/src/a.rs:2"]
        );
    }

    #[test]
    fn a_getter_is_a_breach() {
        let text = "//! A.\nfn get_serial() {}\nfn forget() {}\nfn get() {}\n";
        assert_eq!(
            breaches("no-get", &files(&[("a/src/a.rs", text)])),
            ["a/src/a.rs:2"]
        );
    }
}
