//! A backup by itself: whether it is one, who can read it, and what is none.

use e2e::peer::path;
use serde_json::Value;

use crate::site::{LATE, Site, copy};

fn names(site: &Site) -> Vec<String> {
    let all = std::fs::read_dir(site.rehearsal.scratch("")).expect("the directory of the test");
    let mut names: Vec<String> =
        all.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

// Case D-05.
#[test]
fn d_05_a_backup_is_restored_into_a_scratch_directory_and_everything_in_it_checked() {
    let site = Site::found();
    let backup = site.back_up("one.backup");
    let before = names(&site);
    let verified = site.with_shares(&["--json", "backup", "verify", &path(&backup)]).ok();
    let view: Value = serde_json::from_str(&verified.out).expect("a report");
    assert_eq!(view["records"], view["sequence"], "every audit record is bound to the one before: {view}");
    let certificates = site.rehearsal.operator_json(&["cert", "list", "--limit", "10000"]);
    let certificates = certificates["certificates"].as_array().expect("a list").len();
    assert_eq!(view["certificates"], certificates, "{view}");
    assert_eq!(view["revocations"], 1, "{view}");
    assert_eq!(names(&site), before, "nothing is left of the check");

    // Any two shares do.
    let (second, third) = (site.share(2), site.share(3));
    let verify = ["backup", "verify", &path(&backup), "--share", &second, "--share", &third];
    let out = path(&site.rehearsal.scratch("configuration"));
    drop(site.rehearsal.operator(&[&verify[..], &["--configuration-out", &out]].concat()).ok());
    let configuration = std::fs::read(site.rehearsal.state("guarded.toml")).expect("the configuration");
    assert_eq!(std::fs::read(&out).expect("it was written"), configuration);

    // What was cut or altered is refused, wherever.
    let octets = std::fs::read(&backup).expect("the backup");
    let length = octets.len();
    for (what, place) in [("envelope", 200), ("first chunk", 1_000), ("last chunk", length - 1)] {
        let mut altered = octets.clone();
        altered[place] ^= 1;
        std::fs::write(site.rehearsal.scratch("altered.backup"), altered).expect("it can be written");
        let said = site.with_shares(&["backup", "verify", &path(&site.rehearsal.scratch("altered.backup"))]);
        assert!([Some(2), Some(6), Some(9)].contains(&said.code), "{what}: {}", said.all());
    }
    std::fs::write(site.rehearsal.scratch("altered.backup"), &octets[..length - 1_000])
        .expect("it can be written");
    let said = site.with_shares(&["backup", "verify", &path(&site.rehearsal.scratch("altered.backup"))]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("backup.altered"), "{}", said.err);
    let said = site.with_shares(&["restore", "begin", &path(&site.rehearsal.scratch("altered.backup"))]);
    assert_eq!(said.code, Some(7), "a ledger that is there is never written over: {}", said.all());
}

// Case D-04.
#[test]
fn d_04_with_too_few_or_other_shares_nothing_readable_is_written() {
    let site = Site::found();
    let backup = path(&site.back_up("one.backup"));
    let plain = std::fs::read(&backup).expect("the backup");
    let text = String::from_utf8_lossy(&plain);
    assert!(!text.contains("4D504B01") && !text.contains("[store]"), "nothing in it is readable");
    let others = path(&site.rehearsal.scratch("others"));
    drop(site.rehearsal.operator(&["backup", "keygen", "--shares", "2-of-2", &others]).ok());
    let (first, second) = (site.share(1), site.share(2));
    let (other, another) = (format!("{others}/share-1"), format!("{others}/share-2"));
    let corrupted = path(&site.rehearsal.scratch("corrupted"));
    let share = std::fs::read_to_string(&second).expect("a share");
    let place = share.find("points ").expect("its points") + 9;
    let digit = if share.as_bytes()[place] == b'0' { "1" } else { "0" };
    std::fs::write(&corrupted, [&share[..place], digit, &share[place + 1..]].concat())
        .expect("it can be written");

    let before = names(&site);
    let store = path(&site.rehearsal.scratch("elsewhere"));
    for (shares, word) in [
        (vec![&first], "1 shares are given, 2 are needed"),
        (vec![&first, &first], "number 1, which was given before"),
        (vec![&first, &other], "belongs to the recovery key"),
        (vec![&other, &another], "belongs to the recovery key"),
        (vec![&first, &corrupted], "was altered"),
        (vec![&first, &backup], ""),
    ] {
        let shares: Vec<&str> = shares.iter().flat_map(|share| ["--share", share.as_str()]).collect();
        let begin = ["restore", "begin", &backup, "--store", &store, "--engine", "sled"];
        for verb in [&["backup", "verify", &backup][..], &begin] {
            let said = site.rehearsal.operator(&[verb, &shares].concat());
            assert_eq!(said.code, Some(6), "{}", said.all());
            assert!(said.err.contains("backup.quorum") && said.err.contains(word), "{}", said.err);
        }
        assert_eq!(names(&site), before, "nothing was written");
    }
}

// Case S-15.
#[test]
fn s_15_files_that_are_copied_under_a_running_program_are_no_backup() {
    let site = Site::found();
    let naive = site.rehearsal.scratch("naive");
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| copy(&site.rehearsal.state("store"), &naive));
        drop(site.enrol(LATE));
        copying.join().expect("it was copied");
    });
    let said = site.with_shares(&["backup", "verify", &path(&naive)]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("backup.copy-of-files"), "{}", said.err);
    assert!(said.err.contains("meter-pki backup create"), "it says what to type: {}", said.err);
    let chapter = include_str!("../../docs/operate/backup.md");
    assert!(chapter.contains("no backup"), "the chapter says so");
    // A backup is one although the program goes on, and it is never written over.
    let backup = site.back_up("one.backup");
    drop(site.with_shares(&["backup", "verify", &path(&backup)]).ok());
    let again = site.rehearsal.operator(&["backup", "create", &path(&backup)]);
    assert_eq!(again.code, Some(7), "{}", again.all());
}
