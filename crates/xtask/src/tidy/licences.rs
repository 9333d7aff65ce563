//! Under which licences the crates from outside may come; the lists stand in `.cargo/deny.toml`.
//!
//! Not legal advice and not a reading of licence files: what each crate states in its manifest, as an SPDX expression.

use serde::Deserialize;

use super::{Breach, House, Rule};
use crate::workspace::Origin;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "licences",
    sentence: "every crate from outside comes under a licence that .cargo/deny.toml allows",
    check: licences,
}];

const LISTS: &str = ".cargo/deny.toml";

fn licences(house: &House) -> Vec<Breach> {
    let text = house.tree.file(LISTS).map_or("", |file| file.text.as_str());
    let lists = match toml::from_str::<DenyFile>(text) {
        Ok(file) => file.licenses,
        Err(fault) => {
            let remedy = format!("write [licenses] allow = […] as cargo-deny reads it: {}", fault.message());
            return vec![Breach::at(LISTS, 1, remedy)];
        }
    };
    let mut breaches = Vec::new();
    for package in house.workspace.packages().filter(|package| package.origin == Origin::Outside) {
        let name = &package.name;
        let remedy = match &package.licence {
            None => format!("{name} {} states no licence: do without it", package.version),
            Some(expression) if !allows(expression, &|id| lists.allows(name, id)) => {
                format!(
                    "{name} {} comes under {expression}: do without it, or allow that licence",
                    package.version
                )
            }
            Some(_) => continue,
        };
        breaches.push(Breach::at(LISTS, 1, remedy));
    }
    breaches
}

#[derive(Debug, Deserialize)]
struct DenyFile {
    licenses: Lists,
}

#[derive(Debug, Deserialize)]
struct Lists {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences allowed for one crate.
#[derive(Debug, Deserialize)]
struct Exception {
    allow: Vec<String>,
    #[serde(rename = "crate")]
    name: String,
}

impl Lists {
    fn allows(&self, name: &str, id: &str) -> bool {
        let mut exceptions = self.exceptions.iter().filter(|exception| exception.name == name);
        self.allow.iter().any(|allowed| allowed == id)
            || exceptions.any(|exception| exception.allow.iter().any(|allowed| allowed == id))
    }
}

/// Whether one choice among the alternatives of an SPDX expression is allowed. `a/b` is an old way to write `a OR b`.
fn allows(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    alternatives(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn alternatives(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut any = requirements(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        any |= requirements(words, allowed);
    }
    any
}

fn requirements(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut all = requirement(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        all &= requirement(words, allowed);
    }
    all
}

fn requirement(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> bool {
    match words.next() {
        Some("(") => alternatives(words, allowed) & words.next_if_eq(&")").is_some(),
        Some(id) if words.next_if_eq(&"WITH").is_some() => {
            words.next().is_some_and(|exception| allowed(&format!("{id} WITH {exception}")))
        }
        Some(id) => allowed(id),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::breaches;
    use super::*;
    use crate::tree::Tree;
    use crate::workspace::fixture::{licence, workspace};

    const DENY: &str = "[licenses]\nallow = [\"MIT\", \"ISC\"]\nexceptions = [{ allow = [\"Zlib\"], crate = \"foldhash\" }]\n";

    fn house(name: &str, stated: Option<&str>) -> House {
        let mut workspace = workspace(&[("ca-core", &[name])]);
        licence(&mut workspace, name, stated);
        licence(&mut workspace, "ca-core", None);
        House { tree: Tree::of(&[(LISTS, DENY)]), workspace }
    }

    #[test]
    fn a_crate_under_another_licence_or_none_is_a_breach() {
        assert_eq!(breaches("licences", &house("der", Some("GPL-3.0-only"))), [".cargo/deny.toml:1"]);
        assert_eq!(breaches("licences", &house("der", None)), [".cargo/deny.toml:1"]);
    }

    #[test]
    fn a_licence_allowed_for_one_crate_is_not_for_another() {
        assert_eq!(breaches("licences", &house("foldhash", Some("Zlib"))), Vec::<String>::new());
        assert_eq!(breaches("licences", &house("der", Some("Zlib"))), [".cargo/deny.toml:1"]);
    }

    #[test]
    fn one_alternative_is_enough_and_every_requirement_is_needed() {
        let mit_or_isc = |id: &str| id == "MIT" || id == "ISC";
        for (expression, expected) in [
            ("MIT OR GPL-2.0", true),
            ("Unlicense/MIT", true),
            ("MIT AND GPL-2.0", false),
            ("ISC AND (Apache-2.0 OR MIT)", true),
            ("(GPL-2.0 OR BSL-1.0) AND MIT", false),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("MIT WITH something", false),
            ("(MIT", false),
            ("MIT)", false),
            ("", false),
        ] {
            assert_eq!(allows(expression, &mit_or_isc), expected, "{expression}");
        }
    }

    #[test]
    fn a_missing_list_is_a_breach() {
        let house = House { tree: Tree::of(&[]), workspace: workspace(&[]) };
        assert_eq!(breaches("licences", &house), [".cargo/deny.toml:1"]);
    }
}
