//! `docs/conformance.md`: every RFC clause cited in the code, where it is obeyed, where it is tested; and of some RFCs every
//! statement that demands or recommends, listed in `docs/conformance/`, with our answer.
//!
//! Not a claim that a clause is met: the table says where its reader finds the code and the test that say so.
//!
//! A citation is a comment that starts with `RFC nnnn §x:` and goes on in our own words, on as many lines as it needs:
//!
//! ```text
//! // RFC 5280 §4.1.2.2: serial numbers are positive and have at most 20 octets.
//! // RFC 7030 §4.2.3, RFC 8951 §3.1: …            one sentence, two clauses
//! // RFC 6960 §4.4.1, refused: …                  a SHOULD that we do not follow, and why
//! ```

mod citation;
mod statement;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::bail;

pub(crate) use citation::{Citation, Clause, Place, Stance, citations};

use crate::tree::Tree;

/// Where the table is written.
pub(crate) const PATH: &str = "docs/conformance.md";

const HEAD: &str = "# Conformance\n\n\
    Written by `cargo xtask conformance` from the citations in code and tests and from the lists in `docs/conformance/`; change\n\
    those, not this file. A row says which clause, what it asks in our words, the file that obeys it and the test that shows\n\
    it. Of RFCs with a list there is every statement that demands or recommends, and our answer to it.\n";

/// One row: everything said of one clause.
#[derive(Debug, Default)]
struct Row {
    words: Vec<String>,
    obeyed: BTreeSet<String>,
    tested: BTreeSet<String>,
}

/// The whole file.
///
/// # Errors
/// When a statement of an RFC has no answer, or names a file or a test that does not exist.
pub(crate) fn written(tree: &Tree) -> anyhow::Result<String> {
    let mut rows: BTreeMap<Clause, Row> = BTreeMap::new();
    for citation in citations(tree) {
        rows.entry(citation.clause.clone()).or_default().add(&citation);
    }
    let demands = statement::demands(tree)?;
    let faults: Vec<String> = demands.values().flat_map(|one| one.faults(tree, &rows)).collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    let tested = rows.values().filter(|row| !row.tested.is_empty()).count();
    let mut text = format!("{HEAD}\n{} clauses cited, {tested} of them tested by name.\n", rows.len());
    let rfcs: BTreeSet<u32> = rows.keys().map(|clause| clause.rfc).chain(demands.keys().copied()).collect();
    for rfc in rfcs {
        let _ = write!(text, "\n## RFC {rfc}\n\n");
        if let Some(demands) = demands.get(&rfc) {
            let _ = write!(text, "{}\nAs cited:\n\n", demands.table(&rows));
        }
        text.push_str("| clause | in our words | obeyed in | tested by |\n|---|---|---|---|\n");
        for (clause, row) in rows.iter().filter(|(clause, _)| clause.rfc == rfc) {
            let (words, obeyed, tested) = (row.words.join("<br>"), cell(&row.obeyed), cell(&row.tested));
            let _ = writeln!(text, "| §{} | {words} | {obeyed} | {tested} |", clause.section);
        }
    }
    Ok(text)
}

impl Row {
    fn add(&mut self, citation: &Citation) {
        let words = citation.words.replace('|', "\\|");
        match (&citation.place, citation.stance) {
            (_, Stance::Refused) => {
                self.say(format!("**not followed:** {words}"));
                self.obeyed.insert(format!("– (see `{}`)", citation.path));
            }
            (Place::Product, Stance::Obeyed) => {
                self.say(words);
                self.obeyed.insert(format!("`{}`", citation.path));
            }
            (Place::Test { name }, Stance::Obeyed) => {
                if self.words.is_empty() {
                    self.say(words);
                }
                self.tested.insert(format!("`{}` {name}", citation.path));
            }
        }
    }

    fn say(&mut self, words: String) {
        if !self.words.contains(&words) {
            self.words.push(words);
        }
    }
}

fn cell(places: &BTreeSet<String>) -> String {
    if places.is_empty() {
        return "–".to_owned();
    }
    places.iter().map(String::as_str).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_gathers_code_and_tests_of_a_clause() {
        let tree = Tree::of(&[
            (
                "ca-core/src/serial_number.rs",
                "//! Serials.\n// RFC 5280 §4.1.2.2: positive, at most\n// 20 octets.\nfn a() {}\n\
                 #[cfg(test)]\nmod tests {\n    // RFC 5280 §4.1.2.2: 21 octets are too many.\n    #[test]\n    fn refuses_21_octets() {}\n}\n",
            ),
            ("tests/enrolment/main.rs", "//! E.\n// RFC 7030 §4.2.3: a | b.\nfn enrols() {}\n"),
        ]);
        let text = written(&tree).unwrap();
        assert!(text.contains("2 clauses cited, 2 of them tested by name."), "{text}");
        assert!(
            text.contains("| §4.1.2.2 | positive, at most 20 octets. | `ca-core/src/serial_number.rs` | `ca-core/src/serial_number.rs` refuses_21_octets |"),
            "{text}"
        );
        assert!(text.contains("## RFC 7030\n\n| clause | in our words | obeyed in | tested by |\n|---|---|---|---|\n| §4.2.3 | a \\| b. | – |"), "{text}");
    }

    #[test]
    fn clauses_stand_in_the_order_of_their_numbers() {
        let tree = Tree::of(&[(
            "a/src/a.rs",
            "//! A.\n// RFC 7030 §10: x.\nfn a() {}\n// RFC 7030 §4.2: x.\nfn b() {}\n// RFC 5280 §6: x.\nfn c() {}\n",
        )]);
        let text = written(&tree).unwrap();
        let order: Vec<&str> =
            text.lines().filter(|line| line.starts_with("| §") || line.starts_with("## ")).collect();
        assert_eq!(order.len(), 5);
        let at = |needle: &str| text.find(needle).unwrap();
        assert!(at("RFC 5280") < at("RFC 7030") && at("| §4.2 ") < at("| §10 "), "{text}");
    }

    #[test]
    fn a_refused_clause_stands_with_its_reason() {
        let tree = Tree::of(&[(
            "a/src/a.rs",
            "//! A.\n// RFC 6960 §4.4.1, refused: costs a signature per answer.\nfn a() {}\n",
        )]);
        assert!(
            written(&tree).unwrap().contains("| §4.4.1 | **not followed:** costs a signature per answer. |")
        );
    }
}
