//! Manual pages, made of what each program says of itself with `--help`: one for the program, one for each of its first words.
//!
//! Not a second description of the command line: the words are the program's own, set for 78 columns.

use std::path::Path;

use crate::help::Help;

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
        let verbs = help.below(program, &words)?;
        let [word] = words;
        pages.push(page(&[name, &word], &help, &verbs, edition));
    }
    Ok(pages)
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
    use crate::help::tests::HELP;

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
