//! Ledger and log that do not belong together.

use e2e::peer::path;

use crate::site::Site;

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
