//! Rules on single Rust files: their head, their size, what may not stand in them.
//!
//! Not style: rustfmt and clippy judge that.

use super::{Breach, House, Rule};
use crate::source::{Source, Token, enclosed};
use crate::tree::File;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "module-comment",
        sentence: "every Rust file opens with `//!`: what it is and what it is not",
        check: module_comment,
    },
    Rule {
        id: "file-size",
        sentence: "a file has at most 600 lines outside its test modules",
        check: file_size,
    },
    Rule { id: "error-size", sentence: "an error enum has at most 20 variants", check: error_size },
    Rule { id: "trait-size", sentence: "a trait has at most 8 methods", check: trait_size },
    Rule {
        id: "no-mod-rs",
        sentence: "a module is a file with a name: `foo.rs` beside `foo/`",
        check: no_mod_rs,
    },
    Rule {
        id: "finished",
        sentence: "nothing is left undone: no marker of later work, no placeholder, no ignored test",
        check: finished,
    },
    Rule {
        id: "sync-crates",
        sentence: "the crates that decide, store and sign know no async, save the engine that waits for PostgreSQL",
        check: sync_crates,
    },
];

const LINES: usize = 600;
const VARIANTS: usize = 20;
const METHODS: usize = 8;

/// Markers of later work in comments, each in two halves so that this file does not carry them.
const MARKERS: [(&str, &str); 3] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X")];

/// Crates without async, by the folder of their code.
const SYNC: &[&str] = &[
    "ca-core/",
    "policies/",
    "offline-root/",
    "crates/ca-store/",
    "crates/ceremony/",
    "crates/signer-file/",
    "crates/signer-link/",
    "crates/signer-pkcs11/",
];

/// The engine on PostgreSQL waits for its client, which is async, inside its own functions (ADR 60).
const SYNC_OUTSIDE: &str = "crates/ca-store/src/engine/postgres";

fn module_comment(house: &House) -> Vec<Breach> {
    let opens = |file: &File| {
        file.text.lines().find(|line| !line.trim().is_empty()).is_some_and(|l| l.starts_with("//!"))
    };
    house
        .tree
        .rust()
        .filter(|(file, _)| !opens(file))
        .map(|(file, _)| {
            Breach::at(&file.path, 1, "open it with `//!`: what it is, what it is not, the RFC it serves")
        })
        .collect()
}

fn file_size(house: &House) -> Vec<Breach> {
    let size = |file: &File, source: &Source| {
        file.lines().filter(|(number, _)| !source.is_test_line(*number)).count()
    };
    house
        .tree
        .rust()
        .map(|(file, source)| (file, size(file, source)))
        .filter(|(_, lines)| *lines > LINES)
        .map(|(file, lines)| {
            Breach::at(&file.path, 1, format!("{lines} lines: split it by nouns, at most {LINES}"))
        })
        .collect()
}

fn error_size(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        for (at, (line, name)) in declared(source, "enum").filter(|(_, (_, name))| name.ends_with("Error")) {
            let variants = variants(enclosed(source.tokens.get(at..).unwrap_or_default(), "{", "}"));
            if variants > VARIANTS {
                let remedy =
                    format!("{name} has {variants} variants: one error per verb, at most {VARIANTS}");
                breaches.push(Breach::at(&file.path, line, remedy));
            }
        }
    }
    breaches
}

fn trait_size(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        for (at, (line, name)) in declared(source, "trait") {
            let body = enclosed(source.tokens.get(at..).unwrap_or_default(), "{", "}");
            let methods = body.iter().filter(|token| token.is("fn")).count();
            if methods > METHODS {
                let remedy =
                    format!("{name} has {methods} methods: split it by who needs what, at most {METHODS}");
                breaches.push(Breach::at(&file.path, line, remedy));
            }
        }
    }
    breaches
}

fn no_mod_rs(house: &House) -> Vec<Breach> {
    house
        .tree
        .files()
        .filter(|file| file.path.ends_with("/mod.rs"))
        .map(|file| Breach::at(&file.path, 1, format!("rename it to `{}.rs`", file.folder())))
        .collect()
}

fn finished(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        for comment in &source.comments {
            let mut words = comment.text.split(|c: char| !c.is_alphanumeric());
            if words.any(|word| MARKERS.iter().any(|(head, tail)| word.strip_prefix(head) == Some(tail))) {
                breaches.push(Breach::at(
                    &file.path,
                    comment.line,
                    "do it now, or file an issue and take the marker out",
                ));
            }
        }
        for pattern in [["todo", "!"], ["unimplemented", "!"]] {
            for line in source.lines_of(&pattern) {
                breaches.push(Breach::at(&file.path, line, "write it, or take the whole path out"));
            }
        }
        for line in source.lines_of(&["#", "[", "ignore"]) {
            breaches.push(Breach::at(&file.path, line, "a test runs or does not exist"));
        }
    }
    breaches
}

fn sync_crates(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let is_sync =
        |path: &str| SYNC.iter().any(|folder| path.starts_with(folder)) && !path.starts_with(SYNC_OUTSIDE);
    for (file, source) in house.tree.rust().filter(|(file, _)| is_sync(&file.path)) {
        for line in source.lines_of(&["async"]).into_iter().chain(source.lines_of(&[".", "await"])) {
            breaches.push(Breach::at(
                &file.path,
                line,
                "make it sync; the servers call it through their worker pool",
            ));
        }
    }
    breaches
}

/// The names that the keyword declares: for each the place of its token, its line, itself.
fn declared<'a>(
    source: &'a Source,
    keyword: &'static str,
) -> impl Iterator<Item = (usize, (usize, &'a str))> {
    source.tokens.windows(2).enumerate().filter_map(move |(at, pair)| match pair {
        [first, name] if first.is(keyword) => name.word().map(|word| (at, (name.line, word))),
        _ => None,
    })
}

/// How many variants the body of an enum lists: names at its own depth that open a variant.
fn variants(body: &[Token]) -> usize {
    let mut depth = 0_usize;
    let mut count = 0_usize;
    let mut opens = true;
    for token in body {
        if ["(", "[", "{", "<"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "]", "}", ">"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is(",") {
            opens = true;
        } else if depth == 0 && opens && token.word().is_some() {
            count = count.saturating_add(1);
            opens = false;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};
    use super::*;

    #[test]
    fn a_file_without_a_head_is_a_breach() {
        let house = files(&[("a/src/lib.rs", "\n// About.\nfn a() {}\n"), ("a/src/b.rs", "\n//! About.\n")]);
        assert_eq!(breaches("module-comment", &house), ["a/src/lib.rs:1"]);
    }

    #[test]
    fn lines_of_test_modules_do_not_count() {
        let long = "//! Head.\n".repeat(LINES.saturating_add(1));
        let tested =
            format!("//! Head.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn a() {}\n".repeat(LINES));
        let house = files(&[("a/src/long.rs", &long), ("a/src/tested.rs", &tested)]);
        assert_eq!(breaches("file-size", &house), ["a/src/long.rs:1"]);
    }

    #[test]
    fn an_error_of_21_variants_is_a_breach() {
        let variants = |count: usize| -> String {
            (0..count).map(|n| format!("/// It.\n#[error(\"a, b\")] V{n} {{ x: Vec<u8>, y: u8 }},")).collect()
        };
        let at_limit = format!("enum AError {{ {} }}", variants(VARIANTS));
        let over = format!("\nenum BError {{ {} }}", variants(VARIANTS.saturating_add(1)));
        let house = files(&[("a/src/a.rs", &at_limit), ("a/src/b.rs", &over)]);
        assert_eq!(breaches("error-size", &house), ["a/src/b.rs:2"]);
    }

    #[test]
    fn a_trait_of_9_methods_is_a_breach() {
        let house = files(&[(
            "a/src/a.rs",
            &format!("trait T {{ {} }}", "fn a();".repeat(METHODS.saturating_add(1))),
        )]);
        assert_eq!(breaches("trait-size", &house), ["a/src/a.rs:1"]);
        let house =
            files(&[("a/src/a.rs", &format!("trait T {{ {} }} fn b() {{}}", "fn a();".repeat(METHODS)))]);
        assert_eq!(breaches("trait-size", &house), Vec::<String>::new());
    }

    #[test]
    fn a_module_named_mod_is_a_breach() {
        assert_eq!(breaches("no-mod-rs", &files(&[("a/src/b/mod.rs", "//! B.\n")])), ["a/src/b/mod.rs:1"]);
    }

    #[test]
    fn markers_placeholders_and_ignored_tests_are_breaches() {
        let (head, tail) = ("TO", "DO");
        let text = format!(
            "// {head}{tail}: later\nfn a() {{ todo!() }}\n#[ignore = \"slow\"]\nfn b() {{ unimplemented!() }}\n\
             fn c() {{ \"{head}{tail} todo!()\"; }} // todos are fine\n"
        );
        let found = breaches("finished", &files(&[("a/src/a.rs", &text)]));
        assert_eq!(found, ["a/src/a.rs:1", "a/src/a.rs:2", "a/src/a.rs:3", "a/src/a.rs:4"]);
    }

    #[test]
    fn async_in_a_sync_crate_is_a_breach_and_elsewhere_is_not() {
        let text = "//! Nothing async.\nasync fn a() {}\nfn b() { c.await }\n";
        let house = files(&[("crates/ca-store/src/a.rs", text), ("est-server/src/a.rs", text)]);
        assert_eq!(
            breaches("sync-crates", &house),
            ["crates/ca-store/src/a.rs:2", "crates/ca-store/src/a.rs:3"]
        );
    }
}
