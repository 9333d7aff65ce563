//! Commands that stand in sentences and tables: each is one of the program's, with the options that it is named with.

use std::collections::BTreeMap;

use e2e::process::program;
use e2e::tool::run;

use crate::{files, read};

const PROGRAMS: [&str; 2] = ["meter-pki", "offline-root"];

/// What a program says of a verb.
struct Program {
    name: &'static str,
    told: BTreeMap<String, Option<String>>,
}

impl Program {
    /// What it says of these words; nothing where it does not know them.
    fn help(&mut self, words: &[&str]) -> Option<&str> {
        let told = self.told.entry(words.join(" ")).or_insert_with(|| {
            let path = program(self.name);
            let said = run(path.to_str().expect("a path"), words.iter().copied().chain(["--help"]));
            said.success.then_some(said.out)
        });
        told.as_deref()
    }

    /// What is wrong with a command, if anything is.
    fn fault(&mut self, command: &str) -> Option<String> {
        let is_word = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let words: Vec<&str> = command.split_whitespace().take_while(is_word).collect();
        let Some(help) = self.help(&words) else { return Some("there is no such verb".to_owned()) };
        let options = command.split_whitespace().filter(|word| word.starts_with("--"));
        let names = options.map(|option| option.split(['=', ',', '…']).next().unwrap_or_default());
        let mut unknown = names.filter(|name| name.len() > 2 && !help.contains(*name));
        unknown.next().map(|name| format!("it has no {name}"))
    }
}

/// What stands between back ticks on a line, one after the other.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn every_command_that_a_chapter_names_is_one_with_its_options() {
    let mut programs = PROGRAMS.map(|name| Program { name, told: BTreeMap::new() });
    let chapters = ["docs/operate", "docs/manual"].into_iter().flat_map(|folder| files(folder, ".md"));
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for path in chapters.chain(["README.md".to_owned(), "docs/README.md".to_owned()]) {
        for (number, line) in read(&path).lines().enumerate() {
            for span in spans(line) {
                let of = |program: &&mut Program| {
                    span.strip_prefix(program.name).is_some_and(|rest| rest.starts_with(' '))
                };
                let Some(program) = programs.iter_mut().find(of) else { continue };
                looked_at += 1;
                let command = span.strip_prefix(program.name).unwrap_or_default();
                faults.extend(
                    program.fault(command).map(|fault| format!("{path}:{}: `{span}`: {fault}", number + 1)),
                );
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(looked_at > 300, "{looked_at} commands");
}

/// What an alarm says to type is a command too.
#[test]
fn every_command_that_an_alarm_names_is_one() {
    let mut program = Program { name: "meter-pki", told: BTreeMap::new() };
    let rules = read("docs/operate/prometheus/alerts.yml");
    let nexts = rules.lines().filter_map(|line| line.split_once("next: \"")?.1.split('"').next());
    let commands: Vec<&str> = nexts
        .flat_map(|next| next.split("; "))
        .filter_map(|one| one.split_once("meter-pki "))
        .map(|(_, rest)| rest)
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        assert_eq!(program.fault(command), None, "{command}");
    }
}
