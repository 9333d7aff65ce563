//! The chapter on deliveries, as it stands, over files that programs of others wrote.

use std::path::{Path, PathBuf};

use e2e::chapter::{Shell, blocks, steps};
use e2e::tool::Said;
use serde_json::Value;

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
        let path: PathBuf = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            std::fs::create_dir(&to).expect("a directory");
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("a copy");
        }
    }
}

#[test]
fn the_chapter_on_deliveries_works_as_it_stands() {
    let chapter = include_str!("../../docs/operate/deliveries.md");
    // Five steps that need no server.
    let [listed, drafted, checked, faulty, shown] = steps(chapter);
    let [map] = <[&str; 1]>::try_from(blocks(chapter, "toml")).expect("one map");
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
