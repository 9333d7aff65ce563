//! Figures of a small run that never was.

use super::*;

const SAID: &str = r#"{
  "quick": false,
  "rows": [
    {"name": "chain, P-256, fjall, 64 requesters", "size": 10000, "stored": {"median": 34000.0, "least": 20000.0, "most": 48000.0},
     "per_second": {"measured": {"median": 4956.4, "least": 3752.0, "most": 5624.0}, "limit": {"median": 15467.0, "least": 1.0, "most": 2.0},
                    "ratio": {"median": 0.331, "least": 0.25, "most": 0.37}},
     "processor_microseconds": {"measured": {"median": 350.0, "least": 340.0, "most": 360.0}, "limit": {"median": 128.0, "least": 1.0, "most": 2.0},
                                "ratio": {"median": 0.37, "least": 0.3, "most": 0.4}},
     "waits_milliseconds": {"p50": {"median": 12.22, "least": 1.0, "most": 2.0}, "p99": {"median": 28.91, "least": 1.0, "most": 2.0}},
     "peak_mib": {"median": 269.0, "least": 1.0, "most": 2.0}, "limit": "1 ÷ (1/9 sign) | 1 ÷ (2/3 fdatasync); of which sign 100 %",
     "order": {"per_second": {"median": 9100.0, "least": 9000.0, "most": 9200.0}, "ratio": {"median": 0.545, "least": 0.5, "most": 0.6},
               "processor_microseconds": {"median": 190.0, "least": 180.0, "most": 200.0}}},
    {"name": "another row",
     "per_second": {"measured": {"median": 9.9, "least": 9.0, "most": 11.0}, "limit": {"median": 99.9, "least": 1.0, "most": 2.0},
                    "ratio": {"median": 0.1, "least": 0.1, "most": 0.1}},
     "processor_microseconds": {"measured": {"median": 1.0, "least": 1.0, "most": 1.0}, "limit": {"median": 1.0, "least": 1.0, "most": 1.0},
                                "ratio": {"median": 1.0, "least": 1.0, "most": 1.0}},
     "limit": "1 ÷ (1/9 sign); of which sign 100 %"}
  ],
  "growth": [{"row": "chain, P-256, fjall, 64 requesters", "stored": 1034000.0,
              "processor_microseconds": {"median": 408.0, "least": 400.0, "most": 410.0},
              "ratio": 1.166, "allowed": 1.33, "drift": 1.01, "grows": "by its logarithm at most"}],
  "targets": [{"row": "chain, P-256, fjall, 64 requesters", "size": 10000, "measured": 4956.4, "of": "its limit", "compared": 15467.0,
               "ratio": 0.32, "least": 0.6, "reached": false}],
  "limits": [{"name": "signatures, P-256, 2 threads", "per_second": {"median": 112302.0, "least": 1.0, "most": 2.0},
              "processor_microseconds": {"median": 17.8, "least": 1.0, "most": 2.0}}],
  "machine": {"processors": "2 threads of a processor", "system": "linux", "file_system": "ext4 on /dev/vda", "load": ["0.1", "2.0"],
              "began": "2026-11-30T13:03:00Z", "program": "meter-pki 0.1.0", "program_octets": 62411504}
}"#;

fn told(bench: &[&str]) -> Options {
    let bench = bench.iter().map(|word| (*word).to_owned()).collect();
    Options { directory: None, part: None, bench }
}

fn said(text: &str) -> Said {
    serde_json::from_str(text).unwrap()
}

/// Of ledgers that grow.
fn grown() -> Written {
    Written::of(&said(SAID), &told(&["--stored", "10000,1000000"]), "0123456789ab")
}

/// The same of one that is empty.
fn empty() -> String {
    SAID.replace("\"size\": 10000, ", "")
}

fn written() -> Written {
    Written::of(&said(&empty()), &told(&["a row"]), "0123456789ab")
}

#[test]
fn the_evidence_has_every_row_with_its_ends_the_growth_the_targets_and_how_the_limits_are_made() {
    let text = grown().evidence_of("").unwrap();
    for line in [
        "# What issuance, enrolment and status cost as the ledger grows, 2026-11-30\n",
        "`cargo xtask figures -- --stored 10000,1000000`, commit 0123456789ab, meter-pki 0.1.0 of 62,411,504 octets, began 2026-11-30T13:03:00Z",
        "| chain, P-256, fjall, 64 requesters | 34,000 | 4,956 [3,752 – 5,624] | 15,467 | 0.33 [0.25 – 0.37] | 350 | 128 | 269 | 12.22 | 28.91 |\n",
        "| another row |  | 9.9 [9.0 – 11.0] | 99.9 | 0.10 [0.10 – 0.10] | 1.0 | 1.0 |  |  |  |\n",
        "| chain, P-256, fjall, 64 requesters | 1,034,000 | 408 [400 – 410] | 1.17 | 1.33 | 1.01 | by its logarithm at most |\n",
        "| chain, P-256, fjall, 64 requesters, 10000 stored | 4,956 | its limit | 15,467 | 0.32 | 0.60 | no |\n",
        "| signatures, P-256, 2 threads | 112,302 [1.0 – 2.0] | 17.8 [1.0 – 2.0] |\n",
        "- another row: 1 ÷ (1/9 sign); of which sign 100 %\n",
        "| chain, P-256, fjall, 64 requesters, 10000 stored | 9,100 [9,000 – 9,200] | 0.55 [0.50 – 0.60] | 190 [180 – 200] |\n",
        "(growth-2026-11-30.svg)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_readme_has_the_rows_that_most_ask_for_of_an_empty_ledger() {
    let text = written().readme.unwrap();
    for line in [
        "Medians of 2026-11-30, 2 threads of a processor on ext4 on /dev/vda;",
        "(docs/evidence/throughput-2026-11-30.md)",
        "| signatures, P-256, 2 threads | 112,302 | – | – |  |\n| chain, P-256, fjall, 64 requesters | 4,956 | 15,467 | 0.33 | 12.22 / 28.91 |\n\n",
        "| chain, P-256, fjall, 64 requesters | 4,956 | its limit | 15,467 | 0.32 | 0.60 | no |\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("another row") && !text.contains("sled"), "{text}");
    assert!(grown().readme.is_none(), "it says nothing of ledgers that grow");
}

#[test]
fn what_is_quick_or_not_whole_is_not_for_the_repository() {
    let reason = |text: &str| unfit(&said(text), true);
    assert!(reason(&SAID.replace("\"quick\": false", "\"quick\": true")).unwrap().contains("quick"));
    assert!(
        reason(&empty()).unwrap().contains("14 rows of the README, such as chain, P-256, fjall, 1 requester")
    );
    let failed = SAID
        .replace("\"quick\": false,", "\"quick\": false, \"failed\": [\"another row: the disk is full\"],");
    assert_eq!(reason(&failed).unwrap(), "not measured: another row: the disk is full");
    assert_eq!(reason(SAID), None, "of ledgers that grow some rows are enough");
}

#[test]
fn what_was_written_by_hand_below_the_figures_stays() {
    let before = format!("# Title\n\n{}\n## Why\n\nBy hand.\n", marks::marked("old\n"));
    let text = written().evidence_of(&before).unwrap();
    assert!(text.starts_with("# Title\n") && text.ends_with("\n## Why\n\nBy hand.\n"), "{text}");
    assert!(!text.contains("old\n") && text.contains("| 269 |"), "{text}");
    assert!(text.contains("`cargo xtask figures -- \"a row\"`"), "{text}");
}

#[test]
fn a_file_without_marks_is_named_and_stays() {
    let refused = written().evidence_of("# By hand alone\n").unwrap_err();
    let said = format!("{refused:#}");
    assert!(
        said.contains("docs/evidence/throughput-2026-11-30.md stays as it is: there is no part"),
        "{said}"
    );
}

// The README of this repository can be written.
#[test]
fn the_readme_of_this_repository_has_the_marks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    in_file("README.md", &read(&root, "README.md").unwrap(), &written().readme.unwrap()).unwrap();
}

#[test]
fn a_part_has_evidence_of_its_own_and_nothing_for_the_readme() {
    let options = Options { part: Some("p384".to_owned()), ..told(&["EST"]) };
    let (part, said) = (Written::of(&said(&empty()), &options, "0123456789ab"), said(&empty()));
    assert_eq!(
        (part.name("md").as_str(), part.readme.is_none()),
        ("docs/evidence/throughput-p384-2026-11-30.md", true)
    );
    assert!(part.evidence.contains("`cargo xtask figures --part p384 -- EST`"), "{}", part.evidence);
    assert_eq!(unfit(&said, false), None, "a part has no row to miss");
}
