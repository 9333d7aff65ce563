//! Rules on documents, and on what any text of the project may carry.
//!
//! Not prose: nobody but a reader judges that.

use std::collections::BTreeMap;

use super::{Breach, House, Rule};
use crate::conformance::citations;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "adr-number",
        sentence: "a decision is docs/adr/NNNN-title.md, and no two share a number",
        check: adr_number,
    },
    Rule {
        id: "short-architecture",
        sentence: "ARCHITECTURE.md has at most 250 lines",
        check: short_architecture,
    },
    Rule { id: "machine-path", sentence: "no file names a path of one machine", check: machine_path },
    Rule { id: "rfc-in-force", sentence: "a clause is cited from the RFC in force", check: rfc_in_force },
];

const ARCHITECTURE_LINES: usize = 250;

/// Folders at the top of a machine that belong to one person or one day.
const FOLDERS_OF_ONE_MACHINE: [&str; 5] = ["Users", "home", "root/.", "tmp", "work"];

/// RFCs that another replaced, and which.
const REPLACED: &[(u32, u32)] = &[
    (2510, 9810),
    (2511, 4211),
    (2560, 6960),
    (2818, 9110),
    (3280, 5280),
    (4210, 9810),
    (6125, 9525),
    (6277, 6960),
    (6712, 9811),
    (7231, 9110),
    (8954, 9654),
];

fn adr_number(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for file in house.tree.files() {
        let Some(name) = file.path.strip_prefix("docs/adr/").filter(|name| *name != "README.md") else {
            continue;
        };
        let numbered = name.split_once('-').filter(|(number, title)| {
            number.len() == 4
                && number.chars().all(|c| c.is_ascii_digit())
                && title.len() > 3
                && title.ends_with(".md")
        });
        let Some((number, _)) = numbered else {
            breaches.push(Breach::at(&file.path, 1, "name it NNNN-title.md with the next free number"));
            continue;
        };
        if let Some(other) = taken.insert(number, &file.path) {
            breaches.push(Breach::at(
                &file.path,
                1,
                format!("{other} has that number: take the next free one"),
            ));
        }
    }
    breaches
}

fn short_architecture(house: &House) -> Vec<Breach> {
    let file = house.tree.file("ARCHITECTURE.md");
    let lines = file.map_or(0, |file| file.lines().count());
    if lines <= ARCHITECTURE_LINES {
        return Vec::new();
    }
    vec![Breach::at(
        "ARCHITECTURE.md",
        lines,
        format!("{lines} lines: move details to where they are true, or to an ADR"),
    )]
}

fn machine_path(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in house.tree.files() {
        for (number, line) in file.lines() {
            if let Some(folder) = FOLDERS_OF_ONE_MACHINE.iter().find(|folder| names_folder(line, folder)) {
                let remedy = format!(
                    "take out /{folder}…: name the path from the root of the project, or ask for a private directory"
                );
                breaches.push(Breach::at(&file.path, number, remedy));
            }
        }
    }
    breaches
}

/// Whether `/folder` stands in the line as the start of a path, and not inside one or inside a URL.
fn names_folder(line: &str, folder: &str) -> bool {
    let path = if folder.ends_with('.') { format!("/{folder}") } else { format!("/{folder}/") };
    let mut before = line;
    while let Some((head, _)) = before.rsplit_once(path.as_str()) {
        let last = head.chars().last();
        if last.is_none_or(|c| c.is_whitespace() || "\"'`(<>=:,".contains(c)) {
            return true;
        }
        before = head;
    }
    false
}

fn rfc_in_force(house: &House) -> Vec<Breach> {
    citations(&house.tree)
        .iter()
        .filter_map(|citation| {
            let (old, new) = REPLACED.iter().find(|(old, _)| *old == citation.clause.rfc)?;
            Some(Breach::at(&citation.path, citation.line, format!("RFC {old} was replaced: cite RFC {new}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};
    use super::*;

    #[test]
    fn a_number_taken_twice_or_missing_is_a_breach() {
        let house = files(&[
            ("docs/adr/0001-a.md", ""),
            ("docs/adr/0001-b.md", ""),
            ("docs/adr/0002-c.md", ""),
            ("docs/adr/3-d.md", ""),
            ("docs/adr/README.md", ""),
        ]);
        assert_eq!(breaches("adr-number", &house), ["docs/adr/0001-b.md:1", "docs/adr/3-d.md:1"]);
    }

    #[test]
    fn an_architecture_of_251_lines_is_a_breach() {
        let text = "line\n".repeat(ARCHITECTURE_LINES.saturating_add(1));
        assert_eq!(
            breaches("short-architecture", &files(&[("ARCHITECTURE.md", &text)])),
            ["ARCHITECTURE.md:251"]
        );
        let text = "line\n".repeat(ARCHITECTURE_LINES);
        assert_eq!(
            breaches("short-architecture", &files(&[("ARCHITECTURE.md", &text)])),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_path_of_one_machine_is_a_breach_and_a_part_of_a_path_is_not() {
        let folder = "tmp";
        let text = format!(
            "see /{folder}/x\nsee $TMPDIR/{folder}/x\nhttps://crl.example/{folder}/x\npath=\"/{folder}/y\"\n/{folder}\n"
        );
        assert_eq!(breaches("machine-path", &files(&[("README.md", &text)])), ["README.md:1", "README.md:4"]);
    }

    #[test]
    fn a_citation_of_a_replaced_rfc_is_a_breach() {
        let text =
            "//! CMP.\n\n// RFC 4210 §5.1: a header.\nfn a() {}\n// RFC 9810 §5.1: a header.\nfn b() {}\n";
        assert_eq!(
            breaches("rfc-in-force", &files(&[("cmp-server/src/a.rs", text)])),
            ["cmp-server/src/a.rs:3"]
        );
    }
}
