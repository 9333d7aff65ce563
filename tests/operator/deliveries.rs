//! The chapter on deliveries, as it stands, over files that programs of others wrote.

use std::path::{Path, PathBuf};

use e2e::chapter::{Shell, blocks, steps};
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};
use serde_json::Value;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/deliveries.md");

/// A directory with the deliveries of `tests/vectors/deliveries`, and a shell in which `meter-pki` is the program.
struct Desk {
    room: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let room = tempfile::tempdir().expect("a directory");
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/deliveries");
        copy(&vectors, room.path());
        Self { room }
    }

    fn run(&self, block: &str) -> Said {
        Shell::new(self.room.path(), &self.room.path().join("bin")).run(block)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let from: PathBuf = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            std::fs::create_dir(&to).expect("a directory");
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a copy");
        }
    }
}

#[test]
fn the_chapter_on_deliveries_works_as_it_stands() {
    // Five steps that need no server.
    let [listed, drafted, checked, faulty, shown, _] = steps(CHAPTER);
    let [map] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one map");
    let desk = Desk::new();
    assert!(desk.run(listed).ok().out.contains("manifest-lines"));

    let draft = desk.run(drafted).ok();
    let proposed = std::fs::read_to_string(desk.room.path().join("draft.toml")).expect("a draft");
    assert!(proposed.contains("skip_lines = 2") && proposed.contains("\"GUEK\""), "{proposed} {draft:?}");

    std::fs::write(desk.room.path().join("semicolons.toml"), map).expect("a map");
    let good = desk.run(checked).ok().out;
    assert!(good.contains("semicolons.csv: 3 rows, 3 without a fault, announced 3"), "{good}");
    assert!(good.contains("sheet.xlsx: 3 rows, 3 without a fault, announced 3"), "{good}");

    let told = desk.run(faulty);
    assert_eq!(told.code, Some(3), "{}", told.all());
    assert!(told.err.contains("(delivery.faulty)"), "{}", told.err);
    assert!(
        told.out.contains("line 4, B (system_title)") && told.out.contains("(delivery.title)"),
        "{}",
        told.out
    );
    let report = std::fs::read_to_string(desk.room.path().join("faults.csv")).expect("a report");
    assert_eq!(report.lines().count(), 2, "{report}");

    let row: Value = serde_json::from_str(&desk.run(shown).ok().out).expect("JSON");
    assert_eq!(row["system_title"], "454C560000F42401");
    assert_eq!(row["secrets"][0]["octets"], 24);
    let key = std::fs::read_to_string(desk.room.path().join("expected.json")).expect("what was delivered");
    let key: Value = serde_json::from_str(&key).expect("JSON");
    let wrapped = key[1]["secrets"][0]["octets"].as_str().expect("a secret").to_owned();
    assert!(!row.to_string().contains(&wrapped), "no secret is shown, not even wrapped");
}

#[test]
fn the_import_of_the_chapter_puts_the_devices_on_their_owners_list() {
    let [.., import] = steps::<6>(CHAPTER);
    let [map] = <[&str; 1]>::try_from(blocks(CHAPTER, "toml")).expect("one map");
    let mut rehearsal = Rehearsal::start(1);
    rehearsal.stop();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/deliveries"), &rehearsal.state(""));
    std::fs::write(rehearsal.state("semicolons.toml"), map).expect("a map");
    let (pem, der) = (path(&rehearsal.state("factory-ca.pem")), path(&rehearsal.state("factory-ca.cer")));
    drop(openssl(["x509", "-in", &pem, "-outform", "DER", "-out", &der]).ok());
    // Whom the program believes, the server does.
    rehearsal.configure("meter-pki.toml", |text| {
        text.replace(
            "\nanchor_files = [\"authorities/maker-f",
            "\nanchor_files = [\"factory-ca.cer\", \"authorities/maker-f",
        )
    });
    rehearsal.serve();
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs"));
    let said = shell.run(import).ok().out;
    assert!(said.contains("semicolons.csv is imported: 3 of 3 devices, 3 new"), "{said}");
    let shown = rehearsal.operator_json(&["device", "show", "454C560000F42401"]);
    assert_eq!(shown["device"]["tenant"], "dso", "{shown}");
}

#[test]
fn what_goes_wrong_before_a_row_is_told_with_what_to_do() {
    let desk = Desk::new();
    for (command, exit, code) in [
        ("meter-pki delivery check semicolons.csv --map nothing", 5, "delivery.map"),
        ("meter-pki delivery check nothing.csv --map plain-csv", 5, "delivery.file"),
        ("meter-pki delivery check semicolons.csv --map plain-csv", 1, "delivery.encoding"),
        ("meter-pki delivery check tabs.csv --map README.md", 2, "delivery.map"),
        ("meter-pki delivery check sheet.xlsx --map plain-csv", 1, "delivery.encoding"),
        ("meter-pki delivery check lines.jsonl --map manifest-lines --announced 4", 3, "delivery.faulty"),
        ("meter-pki delivery show-row lines.jsonl --map manifest-lines --row 9", 5, "delivery.row"),
        ("meter-pki delivery maps --show nothing", 5, "delivery.map"),
        (
            "meter-pki delivery check lines.jsonl --map manifest-lines --factory-ca README.md",
            2,
            "trust.faulty",
        ),
    ] {
        let said = desk.run(command);
        assert_eq!(said.code, Some(exit), "{command}: {}", said.all());
        assert!(said.err.contains(&format!("({code})")), "{command}: {}", said.err);
    }
}
