//! Inside a crate the arrows point down: `lib.rs` lists its modules in reading order, and none imports one listed above it.
//!
//! Not the arrows between crates: `crates` has those. Tests may import from anywhere.

use super::{Breach, House, Rule};
use crate::source::{Source, Token, enclosed};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "reading-order",
    sentence: "a module imports none that lib.rs lists above it",
    check: reading_order,
}];

fn reading_order(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (file, source) in house.tree.rust() {
        let Some((folder, module)) = top_module(&file.path) else { continue };
        let Some(library) = house.tree.file(&format!("{folder}/lib.rs")) else { continue };
        let order: Vec<&str> = library.source.iter().flat_map(Source::modules).collect();
        let place = |name: &str| order.iter().position(|listed| *listed == name);
        for (line, imported) in imports(source) {
            let upwards = place(imported) < place(module);
            if upwards && place(imported).is_some() && !source.is_test_line(line) {
                let remedy = format!(
                    "`{module}` imports `{imported}`: turn the arrow, or list them the other way round in lib.rs"
                );
                breaches.push(Breach::at(&file.path, line, remedy));
            }
        }
    }
    breaches
}

/// `ca-core/src` and `issuance` of `ca-core/src/issuance/draft.rs`.
fn top_module(path: &str) -> Option<(&str, &str)> {
    let (package, within) = path.split_once("/src/")?;
    let folder = path.get(..package.len().checked_add("/src".len())?)?;
    let first = within.split('/').next()?;
    Some((folder, first.strip_suffix(".rs").unwrap_or(first)))
}

/// The modules named directly after `crate::`, alone or in braces, with their lines.
fn imports(source: &Source) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, window) in source.tokens.windows(4).enumerate() {
        let [root, colon, second, next] = window else { continue };
        if !(root.is("crate") && colon.is(":") && second.is(":")) {
            continue;
        }
        if next.is("{") {
            let group = enclosed(source.tokens.get(at..).unwrap_or_default(), "{", "}");
            found.extend(heads(group));
        } else {
            found.extend(next.word().map(|name| (next.line, name)));
        }
    }
    found
}

/// The first name of each path in a group of imports.
fn heads(group: &[Token]) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut depth, mut starts) = (0_usize, true);
    for token in group {
        match token.word() {
            Some(name) if starts && depth == 0 => found.push((token.line, name)),
            _ => {}
        }
        starts = token.is(",");
        if token.is("{") {
            depth = depth.saturating_add(1);
        } else if token.is("}") {
            depth = depth.saturating_sub(1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};

    const LIB: &str = "//! L.\nmod high;\npub mod middle;\nmod low;\n#[cfg(test)]\nmod samples;\n";

    fn found(path: &str, text: &str) -> Vec<String> {
        breaches("reading-order", &files(&[("a/src/lib.rs", LIB), (path, text)]))
    }

    #[test]
    fn an_import_from_above_is_a_breach_at_any_depth_of_the_module() {
        assert_eq!(found("a/src/low.rs", "use crate::high::X;\n"), ["a/src/low.rs:1"]);
        assert_eq!(
            found("a/src/middle/deep.rs", "fn a() {\n    crate::high::x()\n}\n"),
            ["a/src/middle/deep.rs:2"]
        );
    }

    #[test]
    fn an_import_in_a_group_is_seen_by_its_first_name_only() {
        let text = "use crate::{\n    low::{high, X},\n    high::Y,\n};\n";
        assert_eq!(found("a/src/middle.rs", text), ["a/src/middle.rs:3"]);
    }

    #[test]
    fn imports_from_below_from_elsewhere_and_in_tests_are_none() {
        let text = "use crate::low::X;\nuse crate::Z;\nuse other::high;\n#[cfg(test)]\nmod tests {\n    use crate::high::X;\n}\n";
        assert_eq!(found("a/src/middle.rs", text), Vec::<String>::new());
        assert_eq!(found("a/src/samples.rs", "use crate::high::X;\n"), Vec::<String>::new());
    }
}
