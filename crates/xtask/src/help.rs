//! What a program says of itself with `--help`: manual pages and the reference of commands are made of it.
//!
//! Not a second description of the command line: the words are the program's own. What they look like on a page is decided by
//! whoever writes the page.

use std::path::Path;
use std::process::Command;

use crate::called;

/// How many columns a page of a terminal has.
const COLUMNS: &str = "78";

/// What `--help` prints.
pub(crate) struct Help(pub(crate) String);

/// One entry of a list: an argument or an option as it is typed, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) typed: String,
    pub(crate) said: String,
}

impl Help {
    /// Asks a program what it says of itself, or of these words.
    pub(crate) fn of(program: &Path, words: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(words).arg("--help").env("COLUMNS", COLUMNS);
        Ok(Self(called::text(&mut command)?))
    }

    /// The help of every verb below some words, with its words, as the program lists them.
    pub(crate) fn below(&self, program: &Path, words: &[String]) -> anyhow::Result<Vec<(String, Self)>> {
        let mut found = Vec::new();
        for word in self.words() {
            let named = [words, &[word]].concat();
            let help = Self::of(program, &named)?;
            let deeper = help.below(program, &named)?;
            found.push((named.join(" "), help));
            found.extend(deeper);
        }
        Ok(found)
    }

    /// What the first paragraph says, on one line, without the full stop.
    pub(crate) fn about(&self) -> String {
        let lines = self.0.lines().take_while(|line| !line.trim().is_empty());
        let about = lines.map(str::trim).collect::<Vec<_>>().join(" ");
        about.trim_end_matches('.').to_owned()
    }

    /// The words that may follow, of the section that lists them; `help` is not one of ours.
    pub(crate) fn words(&self) -> Vec<String> {
        let listed = self.section("Commands:");
        let words = listed.filter_map(|line| line.strip_prefix("  ")).filter(|rest| !rest.starts_with(' '));
        let words = words.filter_map(|rest| rest.split_whitespace().next()).filter(|word| *word != "help");
        words.map(str::to_owned).collect()
    }

    /// All after the first paragraph.
    pub(crate) fn rest(&self) -> &str {
        self.0.split_once("\n\n").map_or("", |(_, rest)| rest)
    }

    /// How it is called, on one line; `None` of a program that writes its help otherwise.
    pub(crate) fn usage(&self) -> Option<String> {
        let from = self.0.lines().skip_while(|line| !line.starts_with("Usage:"));
        let lines = from.take_while(|line| !line.trim().is_empty()).map(str::trim);
        let usage = lines.collect::<Vec<_>>().join(" ");
        usage.strip_prefix("Usage:").map(|rest| rest.trim().to_owned())
    }

    /// Its arguments, then its options.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for line in self.section("Arguments:").chain(self.section("Options:")) {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            if indent <= 6 && text.starts_with(['-', '<', '[']) {
                let (typed, said) = text.split_once("  ").unwrap_or((text, ""));
                entries.push(Entry { typed: typed.to_owned(), said: said.trim().to_owned() });
            } else if let Some(entry) = entries.last_mut().filter(|_| !text.is_empty()) {
                let gap = if entry.said.is_empty() { "" } else { " " };
                entry.said.push_str(&format!("{gap}{}", text.trim_end()));
            }
        }
        entries
    }

    /// The lines below a title.
    fn section<'a>(&'a self, title: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines().skip_while(move |line| *line != title).skip(1);
        lines.take_while(|line| line.starts_with(' ') || line.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const HELP: &str = "Looks after a\nshop.\n\nUsage: shop [OPTIONS]\n            <COMMAND>\n\nCommands:\n  open   Opens it,\n           early\n  close  Closes it\n  help   Print this message\n\nArguments:\n  <KEY>\n          Which key opens\n          the door\n\n  [AT]  When\n\nOptions:\n      --by <WHOM>  Who does it,\n                   by name\n  -v, --verbose    More\n";

    fn entry(typed: &str, said: &str) -> Entry {
        Entry { typed: typed.to_owned(), said: said.to_owned() }
    }

    #[test]
    fn the_words_are_those_of_the_list_and_nothing_else() {
        assert_eq!(Help(HELP.to_owned()).words(), ["open", "close"]);
        assert!(Help("Sums.\n\nUsage: sum\n\nOptions:\n  -v  More\n".to_owned()).words().is_empty());
    }

    #[test]
    fn lines_that_were_broken_for_a_terminal_are_whole_again() {
        let help = Help(HELP.to_owned());
        assert_eq!(help.about(), "Looks after a shop");
        assert_eq!(help.usage().as_deref(), Some("shop [OPTIONS] <COMMAND>"));
        let expected = [
            entry("<KEY>", "Which key opens the door"),
            entry("[AT]", "When"),
            entry("--by <WHOM>", "Who does it, by name"),
            entry("-v, --verbose", "More"),
        ];
        assert_eq!(help.entries(), expected);
    }

    #[test]
    fn a_program_that_writes_its_help_otherwise_has_neither_usage_nor_entries() {
        let help = Help("Checks.\n\nusage: check FILE\n".to_owned());
        assert_eq!((help.usage(), help.entries()), (None, Vec::new()));
    }
}
