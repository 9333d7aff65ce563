//! `docs/conformance/rfcNNNN.toml`: every statement of an RFC that demands or recommends, and our answer to each.
//!
//! Not the RFC's prose: the words are ours. Whether the list is whole is for its reader to compare, by the counts at its head.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Context;
use serde::Deserialize;

use super::{Clause, Row};
use crate::tree::Tree;

const FOLDER: &str = "docs/conformance/";
const COLUMNS: &str = "| # | clause | binds | level | in our words | answer | obeyed in | tested by |\n|--:|---|---|---|---|---|---|---|\n";

/// All statements of one RFC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Demands {
    pub(crate) rfc: u32,
    /// Which text was read.
    text: String,
    /// How many statements each clause has.
    counts: BTreeMap<String, usize>,
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    number: usize,
    clause: String,
    binds: Party,
    level: Level,
    words: String,
    answer: Answer,
    /// Why, for every answer but `obeyed`.
    #[serde(default)]
    reason: String,
    /// Files; without any, those that cite the clause.
    #[serde(default)]
    code: Vec<String>,
    /// `file name`; without any, those that cite the clause.
    #[serde(default)]
    tests: Vec<String>,
}

/// Whom a statement binds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Party {
    Server,
    Client,
    Both,
    Authority,
    Other,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Level {
    #[serde(rename = "MUST")]
    Must,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    #[serde(rename = "RECOMMENDED")]
    Recommended,
    #[serde(rename = "NOT RECOMMENDED")]
    NotRecommended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// Code does it and a test shows it.
    Obeyed,
    /// Code does it, and no test of ours shows it.
    Untested,
    /// We do otherwise.
    Deviation,
    /// It does not concern us.
    NotApplicable,
}

/// Every list of the tree, in the order of the RFCs.
///
/// # Errors
/// When one is not of this form.
pub(crate) fn demands(tree: &Tree) -> anyhow::Result<BTreeMap<u32, Demands>> {
    let mut all = BTreeMap::new();
    for file in tree.files().filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".toml")) {
        let demands: Demands = toml::from_str(&file.text).with_context(|| file.path.clone())?;
        all.insert(demands.rfc, demands);
    }
    Ok(all)
}

impl Demands {
    /// What is wrong with the list: one sentence each.
    pub(crate) fn faults(&self, tree: &Tree, cited: &BTreeMap<Clause, Row>) -> Vec<String> {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let mut faults = Vec::new();
        for (before, one) in self.statement.iter().enumerate() {
            *found.entry(one.clause.clone()).or_default() += 1;
            if one.number != before + 1 {
                faults.push(format!("statement {} stands where {} belongs", one.number, before + 1));
            }
            faults.extend(one.faults(tree, self.citing(cited, one)));
        }
        if found != self.counts {
            faults.push(format!("the counts at the head are not those of the list, which are {found:?}"));
        }
        faults.iter().map(|fault| format!("{FOLDER}rfc{}.toml: {fault}", self.rfc)).collect()
    }

    fn citing<'a>(&self, cited: &'a BTreeMap<Clause, Row>, one: &Statement) -> Option<&'a Row> {
        cited.get(&Clause { rfc: self.rfc, section: one.clause.clone() })
    }

    /// The table, with how many statements have which answer.
    pub(crate) fn table(&self, cited: &BTreeMap<Clause, Row>) -> String {
        let count = |answer| self.statement.iter().filter(|one| one.answer == answer).count();
        let mut text = format!(
            "Text read: {}\n\n{} statements: {} obeyed and tested, {} obeyed without a test of ours, {} deviations, {} not \
             applicable.\n\n{COLUMNS}",
            self.text,
            self.statement.len(),
            count(Answer::Obeyed),
            count(Answer::Untested),
            count(Answer::Deviation),
            count(Answer::NotApplicable)
        );
        for one in &self.statement {
            one.write(&mut text, self.citing(cited, one));
        }
        text
    }
}

impl Statement {
    fn faults(&self, tree: &Tree, citing: Option<&Row>) -> Vec<String> {
        let number = self.number;
        let mut faults: Vec<String> = Vec::new();
        for path in self.code.iter().filter(|path| tree.file(path).is_none()) {
            faults.push(format!("statement {number}: there is no file {path}"));
        }
        for test in self.tests.iter().filter(|test| !is_there(tree, test)) {
            faults.push(format!("statement {number}: there is no test {test}"));
        }
        if self.obeyed(citing).is_empty() && matches!(self.answer, Answer::Obeyed | Answer::Untested) {
            faults.push(format!("statement {number}: name the code, or cite §{} in it", self.clause));
        }
        if self.tested(citing).is_empty() && self.answer == Answer::Obeyed {
            faults.push(format!("statement {number}: name the test, or cite §{} above it", self.clause));
        }
        if self.reason.is_empty() && self.answer != Answer::Obeyed {
            faults.push(format!("statement {number}: say why"));
        }
        faults
    }

    fn obeyed(&self, citing: Option<&Row>) -> Vec<String> {
        match (self.code.is_empty(), self.answer) {
            (true, Answer::Obeyed | Answer::Untested) => {
                citing.map(|row| row.obeyed.iter().cloned().collect()).unwrap_or_default()
            }
            _ => self.code.iter().map(|path| format!("`{path}`")).collect(),
        }
    }

    fn tested(&self, citing: Option<&Row>) -> Vec<String> {
        if self.tests.is_empty() && self.answer == Answer::Obeyed {
            return citing.map(|row| row.tested.iter().cloned().collect()).unwrap_or_default();
        }
        let quoted = |test: &String| test.split_once(' ').map(|(path, name)| format!("`{path}` {name}"));
        self.tests.iter().filter_map(quoted).collect()
    }

    fn write(&self, text: &mut String, citing: Option<&Row>) {
        let reason = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        let _ = writeln!(
            text,
            "| {} | §{} | {} | {} | {} | {}{reason} | {} | {} |",
            self.number,
            self.clause,
            self.binds.name(),
            self.level.name(),
            self.words.replace('|', "\\|"),
            self.answer.name(),
            joined(&self.obeyed(citing)),
            joined(&self.tested(citing))
        );
    }
}

fn joined(places: &[String]) -> String {
    if places.is_empty() { "–".to_owned() } else { places.join("<br>") }
}

/// Whether `file name` is a function of that file.
fn is_there(tree: &Tree, test: &str) -> bool {
    let Some((path, name)) = test.split_once(' ') else { return false };
    let source = tree.file(path).and_then(|file| file.source.as_ref());
    source.is_some_and(|source| source.names_after(&["fn"]).any(|(_, found)| found == name))
}

impl Party {
    const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Both => "both",
            Self::Authority => "authority",
            Self::Other => "other",
        }
    }
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::Recommended => "RECOMMENDED",
            Self::NotRecommended => "NOT RECOMMENDED",
        }
    }
}

impl Answer {
    const fn name(self) -> &'static str {
        match self {
            Self::Obeyed => "obeyed",
            Self::Untested => "obeyed, no test",
            Self::Deviation => "**deviation**",
            Self::NotApplicable => "not applicable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use crate::tree::Tree;

    const HEAD: &str = "rfc = 7030\ntext = \"as published\"\n[counts]\n\"3.1\" = 1\n[[statement]]\nnumber = 1\n\
        clause = \"3.1\"\nbinds = \"server\"\nlevel = \"MUST\"\nwords = \"a.\"\n";
    const CODE: &str = "//! A.\n// RFC 7030 §3.1: x.\nfn a() {}\n";

    fn of(rest: &str, code: &str) -> anyhow::Result<String> {
        let list = format!("{HEAD}{rest}");
        written(&Tree::of(&[("docs/conformance/rfc7030.toml", &list), ("a/src/a.rs", code)]))
    }

    fn fault(rest: &str) -> String {
        of(rest, CODE).unwrap_err().to_string()
    }

    #[test]
    fn a_statement_is_obeyed_where_code_and_a_test_cite_its_clause() {
        let tested = format!(
            "{CODE}#[cfg(test)]\nmod tests {{\n    // RFC 7030 §3.1: y.\n    #[test]\n    fn b() {{}}\n}}\n"
        );
        let text = of("answer = \"obeyed\"\n", &tested).unwrap();
        assert!(
            text.contains("| 1 | §3.1 | server | MUST | a. | obeyed | `a/src/a.rs` | `a/src/a.rs` b |"),
            "{text}"
        );
        assert!(fault("answer = \"obeyed\"\n").contains("name the test"));
    }

    #[test]
    fn a_file_or_a_test_that_is_not_there_is_found() {
        let rest = "answer = \"obeyed\"\ncode = [\"a/src/b.rs\"]\ntests = [\"a/src/a.rs c\"]\n";
        let said = fault(rest);
        assert!(
            said.contains("there is no file a/src/b.rs") && said.contains("there is no test a/src/a.rs c"),
            "{said}"
        );
    }

    #[test]
    fn what_is_not_obeyed_or_not_tested_has_a_reason() {
        for answer in ["untested", "deviation", "not-applicable"] {
            assert!(fault(&format!("answer = \"{answer}\"\n")).contains("say why"), "{answer}");
            assert!(of(&format!("answer = \"{answer}\"\nreason = \"so\"\n"), CODE).is_ok(), "{answer}");
        }
    }

    #[test]
    fn the_counts_at_the_head_are_those_of_the_list() {
        let list =
            format!("{HEAD}answer = \"deviation\"\nreason = \"so\"\n").replace("\"3.1\" = 1", "\"3.1\" = 2");
        let tree = Tree::of(&[("docs/conformance/rfc7030.toml", &list)]);
        assert!(written(&tree).unwrap_err().to_string().contains("the counts at the head"));
    }
}
