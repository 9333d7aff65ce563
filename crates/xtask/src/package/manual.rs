//! Manual pages, made of what each program says of itself with `--help`: one for the program, one for each of its first words.
//!
//! Not a second description of the command line: the words are the program's own, set for 78 columns.

use std::path::Path;
use std::process::Command;

use super::staging::run;

/// What stands in the head of each page.
pub(super) struct Edition<'a> {
    pub(super) version: &'a str,
    /// The day of the release, such as 2026-11-30.
    pub(super) day: &'a str,
}

/// A page: its file name and its text.
pub(super) type Page = (String, String);

/// Asks a program, under the name that it is installed by, for all its pages.
pub(super) fn pages(name: &str, program: &Path, edition: &Edition<'_>) -> anyhow::Result<Vec<Page>> {
    let help = Help::of(program, &[])?;
    let mut pages = vec![page(&[name], &help, &[], edition)];
    for word in help.words() {
        let words = [word];
        let help = Help::of(program, &words)?;
        let verbs = below(program, &words, &help)?;
        let [word] = words;
        pages.push(page(&[name, &word], &help, &verbs, edition));
    }
    Ok(pages)
}

/// The help of every verb below some words, with its words, as the program lists them.
fn below(program: &Path, words: &[String], help: &Help) -> anyhow::Result<Vec<(String, Help)>> {
    let mut found = Vec::new();
    for word in help.words() {
        let named = [words, &[word]].concat();
        let help = Help::of(program, &named)?;
        let deeper = below(program, &named, &help)?;
        found.push((named.join(" "), help));
        found.extend(deeper);
    }
    Ok(found)
}

/// What `--help` prints.
struct Help(String);

impl Help {
    fn of(program: &Path, words: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(words).arg("--help").env("COLUMNS", "78");
        Ok(Self(String::from_utf8(run(&mut command)?)?))
    }

    /// What the first paragraph says, on one line.
    fn about(&self) -> String {
        let lines = self.0.lines().take_while(|line| !line.trim().is_empty());
        let about = lines.map(str::trim).collect::<Vec<_>>().join(" ");
        about.trim_end_matches('.').to_owned()
    }

    /// The words that may follow, of the section that lists them; `help` is not one of ours.
    fn words(&self) -> Vec<String> {
        let listed = self.0.lines().skip_while(|line| *line != "Commands:").skip(1);
        let listed = listed.take_while(|line| line.starts_with(' ') || line.is_empty());
        let words = listed.filter_map(|line| line.strip_prefix("  ")).filter(|rest| !rest.starts_with(' '));
        let words = words.filter_map(|rest| rest.split_whitespace().next()).filter(|word| *word != "help");
        words.map(str::to_owned).collect()
    }

    /// All after the first paragraph.
    fn rest(&self) -> &str {
        self.0.split_once("\n\n").map_or("", |(_, rest)| rest)
    }
}

fn page(words: &[&str], help: &Help, verbs: &[(String, Help)], edition: &Edition<'_>) -> Page {
    let name = words.join("-");
    let program = words.first().copied().unwrap_or_default();
    let (head, about) = (name.to_uppercase(), escaped(&help.about()));
    let mut text = format!(
        ".TH \"{}\" 1 \"{}\" \"{program} {}\" \"{program}\"\n.SH NAME\n{} \\- {about}\n.SH DESCRIPTION\n{}",
        escaped(&head),
        edition.day,
        edition.version,
        escaped(&name),
        as_it_stands(help.rest()),
    );
    for (verb, help) in verbs {
        let heading = escaped(&format!("{program} {verb}"));
        text.push_str(&format!(".SH \"{heading}\"\n{}", as_it_stands(&help.0)));
    }
    (format!("{name}.1"), text)
}

/// Lines that are not filled.
fn as_it_stands(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| format!("{}\n", escaped(line)));
    format!(".nf\n{}.fi\n", lines.collect::<String>())
}

/// Text that roff shows as it is.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Looks after a\nshop.\n\nUsage: shop [OPTIONS] <COMMAND>\n\nCommands:\n  open   Opens it,\n           early\n  close  Closes it\n  help   Print this message\n\nOptions:\n  -v, --verbose  More\n";

    #[test]
    fn the_words_are_those_of_the_list_and_nothing_else() {
        assert_eq!(Help(HELP.to_owned()).words(), ["open", "close"]);
        assert!(Help("Sums.\n\nUsage: sum\n\nOptions:\n  -v  More\n".to_owned()).words().is_empty());
    }

    #[test]
    fn a_page_names_its_program_and_shows_what_looks_like_a_request_of_roff() {
        let help = Help(HELP.to_owned());
        let verbs = [("open .now".to_owned(), Help(".quick\\ly\n".to_owned()))];
        let (name, text) =
            page(&["shop", "open"], &help, &verbs, &Edition { version: "1.2", day: "2026-11-30" });
        assert_eq!(name, "shop-open.1");
        assert!(text.starts_with(".TH \"SHOP\\-OPEN\" 1 \"2026-11-30\" \"shop 1.2\" \"shop\"\n"), "{text}");
        assert!(text.contains("\n.SH NAME\nshop\\-open \\- Looks after a shop\n"), "{text}");
        assert!(text.ends_with(".SH \"shop open .now\"\n.nf\n\\&.quick\\ely\n.fi\n"), "{text}");
    }
}
