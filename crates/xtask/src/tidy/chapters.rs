//! Commands that the manual prints are typed by the tests.
//!
//! Not a run of them: looked for is a test that reads the document and takes its shell blocks. `e2e::chapter::steps` counts them, so that
//! a block that is added fails its test until that runs it.

use super::{Breach, House, Rule};
use crate::source::{Source, Token, TokenKind, enclosed};
use crate::tree::File;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "chapter-run",
        sentence: "a document with `sh` blocks is read by a test with include_str!, which hands it to `steps` or `blocks`",
        check: chapter_run,
    },
    Rule {
        id: "block-language",
        sentence: "a block of a document names a language that is known; what is typed is no `text`, and begins at the start of its line",
        check: block_language,
    },
    Rule {
        id: "not-run",
        sentence: "a `console` block, which no test runs, is listed with its reason, and the line below it says so",
        check: not_run,
    },
];

/// Languages of blocks. What is typed is `sh`, or `console` where no test can run it.
const LANGUAGES: [&str; 10] = ["console", "csv", "ini", "json", "nginx", "sh", "sql", "text", "toml", "yaml"];

/// What typed lines begin with.
const PROGRAMS: [&str; 16] = [
    "apt",
    "apt-get",
    "cargo",
    "ceremony-verify",
    "curl",
    "dbus-daemon",
    "export",
    "git",
    "ledger-checker",
    "meter-pki",
    "offline-root",
    "openssl",
    "podman",
    "socat",
    "sudo",
    "systemctl",
];

/// How the line below a `console` block begins.
const SAYS: &str = "Our tests do not run this: ";

/// What no test runs.
struct NotRun {
    document: &'static str,
    command: &'static str,
    /// Why; for whoever would add another one.
    reason: &'static str,
}

const NOT_RUN: [NotRun; 7] = [
    NotRun { document: "README.md", command: "tests/run", reason: "it is what runs the tests" },
    NotRun {
        document: "docs/operate/bench.md",
        command: "meter-pki bench --directory /var/lib/meter-pki --stored 10000,100000,1000000,10000000",
        reason: "ten million certificates take hours; tests/operator/bench.rs has some hundreds",
    },
    NotRun {
        document: "docs/operate/coaps.md",
        command: "cargo build --release --locked -p meter-pki --features coaps",
        reason: "a build for release takes longer than all tests; theirs has the feature",
    },
    NotRun {
        document: "docs/operate/install.md",
        command: "cargo build --release --locked",
        reason: "a build for release takes longer than all tests; what it makes is installed as it was built for them",
    },
    NotRun {
        document: "docs/operate/install.md",
        command: "systemctl enable --now meter-pki",
        reason: "no systemd runs in a test; tests/install starts what the unit says",
    },
    NotRun {
        document: "docs/operate/install.md",
        command: "podman build --file crates/xtask/packaging/container/Containerfile --tag meter-pki:0.1.0 target/package/meter-pki",
        reason: "there is no engine of containers; tests/install/deployment.rs lints what it would be given",
    },
    NotRun {
        document: "docs/operate/signer.md",
        command: "systemctl enable --now meter-pki-signer",
        reason: "no systemd runs in a test; tests/signer/chapter.rs starts the signer by the installed file",
    },
];

/// A block between two fences.
struct Block<'a> {
    /// The line of its first fence, counted from 1.
    line: usize,
    is_indented: bool,
    language: &'a str,
    text: Vec<&'a str>,
    /// The first line below it that says something.
    below: &'a str,
}

fn blocks(file: &File) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(file.text.lines());
    while let Some((line, fence)) = lines.next() {
        let Some(language) = fence.trim_start().strip_prefix("```") else { continue };
        let text: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
        let below = lines.clone().map(|(_, line)| line.trim()).find(|line| !line.is_empty());
        let is_indented = fence.starts_with(' ');
        let (language, below) = (language.trim(), below.unwrap_or_default());
        blocks.push(Block { line, is_indented, language, text, below });
    }
    blocks
}

fn documents(house: &House) -> impl Iterator<Item = &File> {
    let folders = ["docs/operate/", "docs/manual/"];
    house.tree.files().filter(move |file| {
        let path = file.path.as_str();
        path == "README.md"
            || (path.ends_with(".md") && folders.iter().any(|folder| path.starts_with(folder)))
    })
}

fn chapter_run(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in documents(house) {
        let Some(first) = blocks(file).into_iter().find(|block| block.language == "sh") else { continue };
        let mut tests = house.tree.rust().filter(|(test, _)| test.path.starts_with("tests/"));
        if !tests.any(|(_, source)| takes(source, &file.path)) {
            let remedy = "run its blocks in a test, as `steps(CHAPTER)` of e2e::chapter gives them";
            breaches.push(Breach::at(&file.path, first.line, remedy));
        }
    }
    breaches
}

/// Whether a test takes the shell blocks of a document that it includes, under a name or where it includes it.
fn takes(source: &Source, document: &str) -> bool {
    let names = names_of(source, document);
    arguments(source).any(|argument| match argument.first() {
        Some(first) if first.is("include_str") => is_included(argument, document),
        Some(first) => first.word().is_some_and(|word| names.contains(&word)),
        None => false,
    })
}

/// The names that a file gives to a document: `const NAME: &str = include_str!(…)`, or `let`.
fn names_of<'a>(source: &'a Source, document: &str) -> Vec<&'a str> {
    let tokens = &source.tokens;
    let declared = tokens.iter().enumerate().filter(|(_, token)| token.is("const") || token.is("let"));
    let named = declared.filter_map(|(at, _)| {
        let statement = tokens.get(at + 1..)?.split(|token| token.is(";")).next()?;
        let value = statement.iter().position(|token| token.is("="))?;
        is_included(statement.get(value + 1..)?, document).then(|| statement.first()?.word())?
    });
    named.collect()
}

/// Whether these tokens begin with `include_str!` of a document.
fn is_included(tokens: &[Token], document: &str) -> bool {
    let is_it = |token: &Token| match &token.kind {
        TokenKind::Text(path) => path.trim_start_matches("../") == document,
        TokenKind::Word(_) | TokenKind::Mark(_) | TokenKind::Value => false,
    };
    tokens.first().is_some_and(|token| token.is("include_str"))
        && enclosed(tokens, "(", ")").first().is_some_and(is_it)
}

/// What is given to `steps`, with or without their number, and to `blocks` for those of the shell.
fn arguments(source: &Source) -> impl Iterator<Item = &[Token]> {
    let of_shell = |token: &Token| matches!(&token.kind, TokenKind::Text(text) if text == "sh");
    source.tokens.iter().enumerate().filter_map(move |(at, token)| {
        let after = source.tokens.get(at + 1..)?;
        let begin = after.iter().position(|token| token.is("("))?;
        let is_call = after
            .iter()
            .take(begin)
            .all(|token| token.kind == TokenKind::Value || [":", "<", ">"].iter().any(|mark| token.is(mark)));
        let argument = enclosed(after, "(", ")");
        let takes = token.is("steps") || (token.is("blocks") && argument.iter().any(of_shell));
        (is_call && takes).then_some(argument)
    })
}

fn block_language(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in documents(house) {
        for Block { line, is_indented, language, text, .. } in blocks(file) {
            if !LANGUAGES.contains(&language) {
                let remedy = format!("`{language}` is none of {}", LANGUAGES.join(", "));
                breaches.push(Breach::at(&file.path, line, remedy));
            } else if is_indented && ["sh", "console"].contains(&language) {
                breaches.push(Breach::at(&file.path, line, "begin it at the start of the line"));
            } else if language == "text" && !is_synopsis(file) && text.iter().any(|line| is_typed(line)) {
                breaches.push(Breach::at(&file.path, line, "what is typed is `sh`, and a test runs it"));
            }
        }
    }
    breaches
}

/// Whether the blocks of a document say how verbs are used, and nothing to be typed: it is made of what the programs say of themselves.
fn is_synopsis(file: &File) -> bool {
    file.path.starts_with("docs/manual/reference/commands/")
}

/// Whether a line of text begins with a program and a word for it, as typed lines do; a picture may name a program.
fn is_typed(line: &str) -> bool {
    let words = typed(line.trim_start()).split_once(' ');
    words.is_some_and(|(program, rest)| {
        PROGRAMS.contains(&program) && rest.starts_with(|c: char| c.is_ascii_graphic())
    })
}

fn not_run(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in documents(house) {
        let listed: Vec<&NotRun> = NOT_RUN.iter().filter(|one| one.document == file.path).collect();
        let blocks: Vec<_> = blocks(file).into_iter().filter(|block| block.language == "console").collect();
        let is = |block: &Block<'_>, one: &NotRun| block.text.iter().any(|line| typed(line) == one.command);
        for block in &blocks {
            if !listed.iter().any(|one| is(block, one)) {
                let remedy = "make it a `sh` block that a test runs, or list it in NOT_RUN with the reason";
                breaches.push(Breach::at(&file.path, block.line, remedy));
            } else if !block.below.starts_with(SAYS) {
                breaches.push(Breach::at(&file.path, block.line, format!("say below it: {SAYS}…")));
            }
        }
        for one in listed.iter().filter(|one| !blocks.iter().any(|block| is(block, one))) {
            let remedy = format!("take `{}` ({}) from NOT_RUN", one.command, one.reason);
            breaches.push(Breach::at(&file.path, 1, remedy));
        }
    }
    breaches
}

/// What is typed behind a prompt.
fn typed(line: &str) -> &str {
    line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{breaches, files};

    const CHAPTER: &str = "docs/operate/a.md";
    const TYPED: &str = "# A\n\n```sh\nmeter-pki serve\n```\n";

    fn read_by(test: &str) -> Vec<String> {
        breaches("chapter-run", &files(&[(CHAPTER, TYPED), ("tests/operator/a.rs", test)]))
    }

    #[test]
    fn a_chapter_that_no_test_takes_is_a_breach() {
        assert_eq!(read_by("//! A.\n"), ["docs/operate/a.md:3"]);
        // Included, and looked at otherwise.
        let other = "const A: &str = include_str!(\"../../docs/operate/a.md\");\nfn a() { steps(B); blocks(A, \"toml\"); }\n";
        assert_eq!(read_by(other), ["docs/operate/a.md:3"]);
        // Another chapter is.
        let other = "const A: &str = include_str!(\"../../docs/operate/b.md\");\nfn a() { steps(A); }\n";
        assert_eq!(read_by(other), ["docs/operate/a.md:3"]);
        // Not by a test across crates.
        let elsewhere = "const A: &str = include_str!(\"../../docs/operate/a.md\");\nfn a() { steps(A); }\n";
        let house = files(&[(CHAPTER, TYPED), ("crates/a/src/tests.rs", elsewhere)]);
        assert_eq!(breaches("chapter-run", &house), ["docs/operate/a.md:3"]);
    }

    #[test]
    fn a_chapter_that_a_test_takes_is_in_order_however_it_is_written() {
        for test in [
            "use e2e::chapter::steps;\nconst A: &str = include_str!(\"../../docs/operate/a.md\");\nfn a() { let [b] = steps(A); }\n",
            "fn a() { let chapter = include_str!(\"../../docs/operate/a.md\"); let [b] = e2e::chapter::steps(chapter); }\n",
            "const A: &str = include_str!(\"../../docs/operate/a.md\");\nfn a() { let [b, ..] = steps::<13>(A); }\n",
            "const A: &str = include_str!(\"../../docs/operate/a.md\");\nfn a() { let [b, ..] = blocks(A, \"sh\"); }\n",
            "fn a() { let [b] = steps(include_str!(\"../../docs/operate/a.md\")); }\n",
        ] {
            assert_eq!(read_by(test), Vec::<String>::new(), "{test}");
        }
    }

    #[test]
    fn a_document_without_commands_needs_no_test() {
        let house = files(&[(CHAPTER, "# A\n\n```text\n  meter-pki ──► ledger\n```\n")]);
        assert_eq!(breaches("chapter-run", &house), Vec::<String>::new());
        assert_eq!(breaches("block-language", &house), Vec::<String>::new());
    }

    #[test]
    fn a_command_that_passes_for_text_is_a_breach() {
        for line in ["meter-pki serve", "$ meter-pki serve", "  openssl version", "export A=b"] {
            let house = files(&[(CHAPTER, &format!("# A\n\n```text\nfirst\n{line}\n```\n"))]);
            assert_eq!(breaches("block-language", &house), ["docs/operate/a.md:3"], "{line}");
        }
    }

    #[test]
    fn a_language_that_is_not_known_is_a_breach_and_so_is_an_indented_shell_block() {
        let text = "```bash\na\n```\n```\nb\n```\n- c\n\n  ```toml\n  c = 1\n  ```\n  ```sh\n  d\n  ```\n";
        assert_eq!(
            breaches("block-language", &files(&[("docs/manual/a.md", text)])),
            ["docs/manual/a.md:1", "docs/manual/a.md:4", "docs/manual/a.md:12"]
        );
        let elsewhere = files(&[("docs/evidence/a.md", text)]);
        assert_eq!(breaches("block-language", &elsewhere), Vec::<String>::new());
    }

    #[test]
    fn how_a_verb_is_used_is_nothing_to_be_typed() {
        let text = "```text\nmeter-pki ca list [OPTIONS]\n```\n";
        let of = |path: &str| breaches("block-language", &files(&[(path, text)]));
        assert_eq!(of("docs/manual/reference/commands/a.md"), Vec::<String>::new());
        assert_eq!(of("docs/manual/a.md"), ["docs/manual/a.md:1"]);
    }

    #[test]
    fn what_is_not_run_is_listed_and_says_so() {
        let signer = |block: &str, below: &str| {
            let text = format!("# Signer\n\n```console\n{block}\n```\n\n{below}\n");
            breaches("not-run", &files(&[("docs/operate/signer.md", &text)]))
        };
        let (listed, says) =
            ("# systemctl enable --now meter-pki-signer", "Our tests do not run this: no systemd.");
        assert_eq!(signer(listed, says), Vec::<String>::new());
        assert_eq!(signer(listed, "Then look at it."), ["docs/operate/signer.md:3"]);
        // One that is listed is not there, and one that is there is not listed.
        assert_eq!(signer("$ reboot", says), ["docs/operate/signer.md:1", "docs/operate/signer.md:3"]);
    }
}
