//! `cargo xtask tidy`: the rules of the house that no compiler checks, each a small function with a name and a sentence.
//!
//! Not a linter of Rust (clippy is) and not a formatter. A rule knows the files of the project and the resolved packages,
//! and returns its breaches; it decides nothing about how they are shown.

mod chapters;
mod crates;
mod documents;
mod licences;
mod manifests;
mod names;
mod order;
mod sources;
mod verbs;

use std::io::Write;

use crate::tree::Tree;
use crate::workspace::Workspace;

/// What the rules look at.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) tree: Tree,
    pub(crate) workspace: Workspace,
}

/// One rule.
struct Rule {
    /// How a breach is named; stable.
    id: &'static str,
    /// What the rule asks, in one sentence.
    sentence: &'static str,
    check: fn(&House) -> Vec<Breach>,
}

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    path: String,
    /// Counted from 1.
    line: usize,
    /// What to do about it.
    remedy: String,
}

impl Breach {
    fn at(path: &str, line: usize, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, remedy: remedy.into() }
    }
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        crates::RULES,
        licences::RULES,
        manifests::RULES,
        order::RULES,
        sources::RULES,
        names::RULES,
        documents::RULES,
        chapters::RULES,
        verbs::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Prints every rule and what it asks.
pub(crate) fn list(out: &mut impl Write) -> std::io::Result<()> {
    for rule in rules() {
        writeln!(out, "{}: {}", rule.id, rule.sentence)?;
    }
    Ok(())
}

/// Checks every rule, prints every breach, and returns how many there are.
pub(crate) fn run(house: &House, out: &mut impl Write) -> std::io::Result<usize> {
    let mut broken = 0_usize;
    for rule in rules() {
        let mut breaches = (rule.check)(house);
        breaches.sort();
        broken = broken.saturating_add(breaches.len());
        for Breach { path, line, remedy } in breaches {
            writeln!(out, "{path}:{line}: {}: {remedy}", rule.id)?;
        }
    }
    match broken {
        0 => writeln!(out, "tidy: {} rules hold", rules().count())?,
        _ => writeln!(out, "tidy: {broken} breaches; `cargo xtask tidy --list` says what each rule asks")?,
    }
    Ok(broken)
}

#[cfg(test)]
mod fixture {
    //! Small houses, and what one rule says of them.

    use super::{House, rules};
    use crate::tree::Tree;
    use crate::workspace::{Workspace, fixture::workspace};

    /// The breaches of one rule as `path:line`, in order.
    pub(super) fn breaches(id: &str, house: &House) -> Vec<String> {
        let rule = rules().find(|rule| rule.id == id).unwrap();
        let mut breaches = (rule.check)(house);
        breaches.sort();
        breaches.iter().map(|breach| format!("{}:{}", breach.path, breach.line)).collect()
    }

    /// How many breaches all rules together find.
    pub(super) fn all_breaches(house: &House) -> usize {
        rules().map(|rule| (rule.check)(house).len()).sum()
    }

    /// A house of files and no crates.
    pub(super) fn files(files: &[(&str, &str)]) -> House {
        House { tree: Tree::of(files), workspace: workspace(&[]) }
    }

    /// A house of crates and no files.
    pub(super) fn crates(workspace: Workspace) -> House {
        House { tree: Tree::of(&[]), workspace }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_rules_share_a_name() {
        let names: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
        assert_eq!(names.len(), rules().count());
    }

    #[test]
    fn a_breach_is_printed_with_its_place_rule_and_remedy() {
        let house = fixture::files(&[("a/src/mod.rs", "//! Head.\n")]);
        let mut out = Vec::new();
        assert_eq!(run(&house, &mut out).unwrap(), fixture::all_breaches(&house));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("a/src/mod.rs:1: no-mod-rs: rename it to `a/src.rs`\n"), "{text}");
    }

    #[test]
    fn a_house_in_order_has_no_breach() {
        let house = fixture::files(&[
            (".cargo/deny.toml", "[licenses]\nallow = []\n"),
            ("a/src/lib.rs", "//! Head.\n"),
        ]);
        let mut out = Vec::new();
        assert_eq!(run(&house, &mut out).unwrap(), 0, "{}", String::from_utf8_lossy(&out));
        assert!(String::from_utf8_lossy(&out).ends_with(" rules hold\n"));
    }
}
