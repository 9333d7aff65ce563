//! The reference of commands: every verb of every program, by what the program says of itself, on a page for each kind of work.
//!
//! Not what a verb is good for: that stands in docs/operate. Here is what can be typed, whole.

use anyhow::{Context, bail};

use super::exits::{self, ExitCode};
use super::markdown::{anchor, code, page, sentence, shown, table};
use super::{Page, Programs, REFERENCE};
use crate::help::{Entry, Help};
use crate::tree::Tree;

/// A page of verbs of `meter-pki`, by their first words.
struct Chapter {
    file: &'static str,
    title: &'static str,
    words: &'static [&'static str],
}

const CHAPTERS: [Chapter; 10] = [
    Chapter {
        file: "serving",
        title: "Running and watching",
        words: &["quickstart", "serve", "front", "config", "overview", "doctor", "watch", "completion"],
    },
    Chapter { file: "keys", title: "Keys, tokens and secrets", words: &["signer", "hsm", "secrets"] },
    Chapter {
        file: "authorities",
        title: "Authorities, CRLs and OCSP answers",
        words: &["ca", "ceremony", "qr", "crl", "ocsp"],
    },
    Chapter {
        file: "certificates",
        title: "Certificates, requests and revocation",
        words: &["cert", "profile", "request", "revocation", "trust"],
    },
    Chapter { file: "people", title: "People and visits", words: &["people", "break-glass", "visit"] },
    Chapter {
        file: "devices",
        title: "Devices, factory and deliveries",
        words: &["device", "factory", "shipment", "delivery"],
    },
    Chapter { file: "campaigns", title: "Campaigns and head-ends", words: &["campaign", "dlms"] },
    Chapter { file: "clients", title: "Clients and simulated meters", words: &["est", "cmp", "sim"] },
    Chapter {
        file: "records",
        title: "Records: audit, ledger, backup, migration",
        words: &["audit", "store", "backup", "restore", "migrate"],
    },
    Chapter { file: "figures", title: "Figures and schemas", words: &["stats", "bench", "api"] },
];

/// Where exit codes are decided.
pub(super) const EXITS: [(&str, &str); 2] =
    [("meter-pki", "crates/meter-pki/src/exit.rs"), ("offline-root", "offline-root/src/explain.rs")];

/// Makes the pages: the first leads to the others.
pub(super) fn pages(tree: &Tree, programs: &Programs) -> anyhow::Result<Vec<Page>> {
    let server = Spoken::of("meter-pki", programs)?;
    let offline = Spoken::of("offline-root", programs)?;
    let homeless = server.top.words().into_iter().find(|word| chapter_of(word).is_none());
    if let Some(word) = homeless {
        bail!("say in crates/xtask/src/manual/commands.rs on which page `meter-pki {word}` stands");
    }
    let mut pages = vec![contents(tree, &server, &offline)?];
    for chapter in &CHAPTERS {
        let mut text = format!("# {}\n\n{}", chapter.title, common("meter-pki"));
        for word in chapter.words {
            text.push_str(&server.chapter(word)?);
        }
        pages.push(finished(chapter.file, "`meter-pki --help`", &text));
    }
    let mut text = format!("# The ceremony: offline-root\n\n{}", common("offline-root"));
    for word in offline.top.words() {
        text.push_str(&offline.chapter(&word)?);
    }
    pages.push(finished("offline-root", "`offline-root --help`", &text));
    pages.push(finished("checkers", "`--help` of both", &checkers(programs)?));
    Ok(pages)
}

fn finished(file: &str, of: &str, text: &str) -> Page {
    (format!("{REFERENCE}/commands/{file}.md"), page(of, text))
}

fn chapter_of(word: &str) -> Option<&'static Chapter> {
    CHAPTERS.iter().find(|chapter| chapter.words.contains(&word))
}

fn common(program: &str) -> String {
    format!("Options that every verb of `{program}` takes, and exit codes: [commands](../commands.md).\n\n")
}

/// A program with all that it says.
struct Spoken {
    name: &'static str,
    top: Help,
    verbs: Vec<(String, Help)>,
}

impl Spoken {
    fn of(name: &'static str, programs: &Programs) -> anyhow::Result<Self> {
        let program = programs.path(name);
        let top = Help::of(&program, &[])?;
        let verbs = top.below(&program, &[])?;
        Ok(Self { name, top, verbs })
    }

    fn help(&self, words: &str) -> anyhow::Result<&Help> {
        let found = self.verbs.iter().find(|(named, _)| named == words);
        found.map(|(_, help)| help).with_context(|| format!("{} has no {words}", self.name))
    }

    /// What stands below a first word: its verbs, or itself where there are none.
    fn chapter(&self, word: &str) -> anyhow::Result<String> {
        let help = self.help(word)?;
        let mut text =
            format!("## {}\n\n{}\n\n", code(&format!("{} {word}", self.name)), sentence(&help.about()));
        text.push_str(&self.typed(help));
        let start = format!("{word} ");
        for (words, help) in self.verbs.iter().filter(|(words, _)| words.starts_with(&start)) {
            // What only leads to verbs has nothing to type of its own.
            if !help.words().is_empty() && self.own(help).is_empty() {
                continue;
            }
            let heading = code(&format!("{} {words}", self.name));
            text.push_str(&format!("### {heading}\n\n{}\n\n", sentence(&help.about())));
            text.push_str(&self.typed(help));
        }
        Ok(text)
    }

    /// How a verb is called, and its arguments and options.
    fn typed(&self, help: &Help) -> String {
        let own = self.own(help);
        if !help.words().is_empty() && own.is_empty() {
            return String::new();
        }
        let usage = help.usage().map(|usage| format!("```text\n{usage}\n```\n\n")).unwrap_or_default();
        let rows: Vec<Vec<String>> =
            own.iter().map(|entry| vec![code(&entry.typed), shown(&entry.said)]).collect();
        format!("{usage}{}", table(&["argument or option", "what it is"], &rows))
    }

    /// Its entries without those that every verb has.
    fn own(&self, help: &Help) -> Vec<Entry> {
        let common = self.top.entries();
        let is_own = |entry: &Entry| !common.iter().any(|one| one.typed == entry.typed);
        let of_help = |entry: &Entry| entry.typed.starts_with("-h,") || entry.typed.starts_with("-V,");
        help.entries().into_iter().filter(|entry| is_own(entry) && !of_help(entry)).collect()
    }
}

/// The page that leads to the others.
fn contents(tree: &Tree, server: &Spoken, offline: &Spoken) -> anyhow::Result<Page> {
    let mut text = String::from(
        "# Commands\n\nWhat can be typed, as the programs say it of themselves with `--help`. What a verb is for, and in \
         which order verbs are used, stands in the chapters on operation: [commands](../../operate/commands.md).\n\n",
    );
    text.push_str("## The server: meter-pki\n\n");
    text.push_str(&everywhere(server));
    text.push_str(&listed(server, |word| chapter_of(word).map_or("", |chapter| chapter.file))?);
    text.push_str("## The ceremony: offline-root\n\n");
    text.push_str(&everywhere(offline));
    text.push_str(&listed(offline, |_| "offline-root")?);
    text.push_str(
        "## The checkers\n\n`ceremony-verify` and `ledger-checker` are called with what they check: \
         [checkers](commands/checkers.md).\n\n## Exit codes\n\n0 is success. The others:\n\n",
    );
    text.push_str(&exit_codes(tree)?);
    text.push_str("Failures also have a stable reason code, in brackets behind the sentence: [reason codes](codes.md).\n");
    Ok((format!("{REFERENCE}/commands.md"), page("what the programs say with `--help`", &text)))
}

/// Options that every verb takes.
fn everywhere(spoken: &Spoken) -> String {
    let rows: Vec<Vec<String>> =
        spoken.top.entries().iter().map(|entry| vec![code(&entry.typed), shown(&entry.said)]).collect();
    format!("Every verb takes:\n\n{}", table(&["option", "what it is"], &rows))
}

/// Every verb with its sentence, and where it stands.
fn listed(spoken: &Spoken, file: impl Fn(&str) -> &'static str) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for word in spoken.top.words() {
        let start = format!("{word} ");
        let deeper = spoken.verbs.iter().filter(|(words, _)| words.starts_with(&start));
        let verbs: Vec<&(String, Help)> = deeper.filter(|(_, help)| help.words().is_empty()).collect();
        let mut of: Vec<(&str, &Help)> = verbs.iter().map(|(words, help)| (words.as_str(), help)).collect();
        let help = spoken.help(&word)?;
        if of.is_empty() || !spoken.own(help).is_empty() {
            of.insert(0, (word.as_str(), help));
        }
        rows.extend(of.into_iter().map(|(words, help)| {
            let heading = code(&format!("{} {words}", spoken.name));
            let link = format!("[{heading}](commands/{}.md#{})", file(&word), anchor(&heading));
            vec![link, shown(&help.about())]
        }));
    }
    Ok(table(&["command", "what it does"], &rows))
}

fn exit_codes(tree: &Tree) -> anyhow::Result<String> {
    let mut columns: Vec<Vec<ExitCode>> = Vec::new();
    for (_, path) in EXITS {
        let codes = exits::read(tree.file(path).with_context(|| format!("there is no {path}"))?);
        if codes.is_empty() {
            bail!("{path} has no exit codes");
        }
        columns.push(codes);
    }
    let mut numbers: Vec<&String> = columns.iter().flatten().map(|code| &code.number).collect();
    numbers.sort();
    numbers.dedup();
    let rows: Vec<Vec<String>> = numbers
        .into_iter()
        .map(|number| {
            let meaning = |codes: &Vec<ExitCode>| {
                let found = codes.iter().find(|code| code.number == *number);
                found.map_or_else(|| "–".to_owned(), |code| shown(&code.meaning))
            };
            std::iter::once(number.clone()).chain(columns.iter().map(meaning)).collect()
        })
        .collect();
    let names: Vec<&str> = std::iter::once("code").chain(EXITS.iter().map(|(program, _)| *program)).collect();
    Ok(table(&names, &rows))
}

/// The programs of those who only check.
fn checkers(programs: &Programs) -> anyhow::Result<String> {
    let verifier = Help::of(&programs.path("ceremony-verify"), &[])?;
    let mut text = format!(
        "# The checkers\n\nPrograms of those who check what others did.\n\n## `ceremony-verify`\n\nIn the package \
         `meter-pki-offline`.\n\n```text\n{}\n```\n\n",
        verifier.0.trim_end()
    );
    let ledger = Spoken::of("ledger-checker", programs)?;
    let entries = ledger.top.entries().into_iter().filter(|entry| !entry.typed.starts_with("-h,"));
    let rows: Vec<Vec<String>> = entries.map(|entry| vec![code(&entry.typed), shown(&entry.said)]).collect();
    text.push_str(&format!(
        "## `ledger-checker`\n\nIn no package: it is built from the sources, by whoever judges a ledger without the code that \
         wrote it. It ends with 0 where it finds nothing, 9 where it finds a violation, 1 where it cannot read.\n\n{}\n\n",
        sentence(&ledger.top.about())
    ));
    let usage = ledger.top.usage().map(|usage| format!("```text\n{usage}\n```\n\n")).unwrap_or_default();
    text.push_str(&usage);
    text.push_str(&table(&["argument or option", "what it is"], &rows));
    Ok(text)
}
