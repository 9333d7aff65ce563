//! Ledger and log that do not belong together.

use e2e::patience::eventually;
use e2e::peer::path;

use crate::site::{LATE, Site};

// Case D-03.
#[test]
fn d_03_ledger_and_log_of_different_histories_are_refused_with_the_reason() {
    let mut site = Site::found();
    let other = Site::found();
    let backup = site.back_up("one.backup");
    site.exported();
    other.exported();
    site.lose_the_ledger();
    site.begin(&backup);
    let foreign = path(&other.export());
    for verb in [
        &["restore", "reconcile", "--export", &foreign][..],
        &["restore", "reconcile", "--apply", "--export", &foreign],
        &["restore", "finish", "--export", &foreign],
    ] {
        let said = site.rehearsal.operator(verb);
        assert_eq!(said.code, Some(9), "{}", said.all());
        assert!(said.err.contains("restore.other-history"), "{}", said.err);
        assert!(said.err.contains("different histories"), "it says why: {}", said.err);
    }
    // With its own log it comes back: nothing was done.
    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());

    // A ledger in service that meets a foreign log stops issuing.
    std::fs::remove_dir_all(site.export()).expect("it was there");
    crate::site::copy(&other.export(), &site.export());
    for epoch in 1..3 {
        drop(std::fs::remove_file(site.export().join(format!("epoch-{epoch}"))));
    }
    site.rehearsal.serve();
    let shown = site.rehearsal.operator_json(&["store", "show"]);
    let reason = shown["recovery_reason"].as_str().expect("it is in recovery");
    assert!(reason.contains("different histories") || reason.contains("old copy"), "{reason}");
}

#[test]
fn a_damaged_log_is_told_with_its_line_and_changes_nothing() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    site.exported();
    site.lose_the_ledger();
    site.begin(&backup);
    let records = site.export().join("records");
    let whole = std::fs::read_to_string(&records).expect("the log");
    let damaged: Vec<String> = whole
        .lines()
        .enumerate()
        .map(|(place, line)| if place == 3 { format!("{line}x y z\n") } else { format!("{line}\n") })
        .collect();
    std::fs::write(&records, damaged.concat()).expect("it can be written");
    let said = site.rehearsal.operator(&["restore", "reconcile", "--apply"]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    assert!(said.err.contains("restore.log-damaged") && said.err.contains("line 4"), "{}", said.err);
    std::fs::write(&records, whole).expect("it can be written");
    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
}

#[test]
fn what_was_taken_in_of_a_log_that_ended_early_stays_and_the_rest_follows() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    let late = site.enrol(LATE);
    site.exported();
    site.lose_the_ledger();
    site.begin(&backup);
    // A copy of the log that was made in the middle of an issuance.
    let part = site.rehearsal.scratch("part");
    std::fs::create_dir(&part).expect("a directory");
    let whole = std::fs::read_to_string(site.export().join("records")).expect("the log");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let issuance = lines.iter().rposition(|line| line.split(' ').count() == 3).expect("a certificate");
    std::fs::write(part.join("records"), lines[..issuance].concat()).expect("it can be written");
    let taken = site.rehearsal.operator_json(&["restore", "reconcile", "--apply", "--export", &path(&part)]);
    assert_eq!((taken["certificates"].as_u64(), taken["burned"].as_u64()), (Some(0), Some(0)), "{taken}");
    let taken = site.rehearsal.operator_json(&["restore", "reconcile", "--apply"]);
    assert_eq!(taken["certificates"], 1, "{taken}");
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());
    site.rehearsal.serve();
    assert_eq!(site.status_of(&late), "good");
}

#[test]
fn an_issuance_whose_end_no_log_tells_is_uncertain_and_its_number_burned() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    let late = site.enrol(LATE);
    site.exported();
    let whole = std::fs::read_to_string(site.export().join("records")).expect("the log");
    eventually("a checkpoint is signed over it", || {
        let note = std::fs::read_to_string(site.export().join("latest-checkpoint")).ok()?;
        (note.lines().nth(1)?.parse::<usize>().ok()? >= whole.lines().count()).then_some(())
    });
    site.lose_the_ledger();
    site.begin(&backup);
    let records = site.export().join("records");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let issuance = lines.iter().rposition(|line| line.split(' ').count() == 3).expect("a certificate");
    std::fs::write(&records, lines[..issuance].concat()).expect("it can be written");
    // The checkpoint that was signed over the whole log gives it away.
    let said = site.rehearsal.operator(&["restore", "reconcile", "--apply"]);
    assert_eq!(said.code, Some(9), "{}", said.all());
    for name in ["latest-checkpoint", "checkpoints"] {
        std::fs::remove_file(site.export().join(name)).expect("it was there");
    }
    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());
    site.rehearsal.serve();
    assert_eq!(site.status_of(&late), "uncertain");
    assert_ne!(site.enrol(LATE), late);
}
