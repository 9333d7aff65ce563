//! More than one copy of a ledger: an old one put back by hand, and one that is brought to life twice.

use e2e::patience::eventually;
use e2e::peer::path;

use crate::site::{LATE, LATER, Site, copy, operator_of};

// Case S-06.
#[test]
fn s_06_an_old_copy_restored_silently_is_detected_and_issues_nothing() {
    let mut site = Site::found();
    site.rehearsal.stop();
    let old = site.rehearsal.scratch("old");
    copy(&site.rehearsal.state("store"), &old);
    site.rehearsal.serve();
    let late = site.enrol(LATE);
    site.exported();
    site.rehearsal.stop();
    std::fs::remove_dir_all(site.rehearsal.state("store")).expect("it was there");
    copy(&old, &site.rehearsal.state("store"));

    site.rehearsal.serve();
    site.assert_in_recovery("it is an old copy");
    site.rehearsal.stop();
    // It stays so without the log at hand.
    let away = site.rehearsal.scratch("away");
    std::fs::rename(site.export(), &away).expect("it can be moved");
    std::fs::create_dir(site.export()).expect("an empty one");
    site.rehearsal.serve();
    site.assert_in_recovery("it is an old copy");
    site.rehearsal.stop();
    std::fs::remove_dir_all(site.export()).expect("it was empty");
    std::fs::rename(&away, site.export()).expect("it comes back");

    drop(site.rehearsal.operator(&["restore", "reconcile", "--apply"]).ok());
    drop(site.rehearsal.operator(&["restore", "finish"]).ok());
    site.rehearsal.serve();
    assert_eq!(site.readiness(), 200);
    assert_eq!(site.status_of(&late), "good");
    let records = site.rehearsal.audit_after(0);
    let entered = records.iter().find(|record| record["act"] == "recovery-entered").expect("it is on record");
    assert!(entered["detail"].as_str().expect("a text").contains("it is an old copy"), "{entered}");
}

// Case D-02.
#[test]
fn d_02_of_one_backup_started_twice_only_one_issues() {
    let mut site = Site::found();
    let backup = site.back_up("one.backup");
    site.exported();
    site.lose_the_ledger();
    // Two hosts with the same configuration; the export directory is the one that both can reach.
    let second = site.rehearsal.scratch("second");
    copy(&site.rehearsal.state(""), &second);
    std::fs::remove_dir_all(second.join("audit")).expect("it was copied");
    std::os::unix::fs::symlink(site.export(), second.join("audit")).expect("a link");
    site.begin(&backup);
    let shares = [site.share(1), site.share(2)];
    let begin = ["restore", "begin", &path(&backup), "--share", &shares[0], "--share", &shares[1]];
    drop(operator_of(&second, &begin).ok());
    for host in [&site.rehearsal.state(""), &second] {
        drop(operator_of(host, &["restore", "reconcile", "--apply"]).ok());
    }
    drop(operator_of(&site.rehearsal.state(""), &["restore", "finish"]).ok());
    let refused = operator_of(&second, &["restore", "finish"]);
    assert_eq!(refused.code, Some(7), "{}", refused.all());
    assert!(refused.err.contains("epoch 2 belongs to another copy"), "{}", refused.err);

    // The first goes on; the second may catch up with it, but not while it lives.
    site.rehearsal.serve();
    drop(site.enrol(LATE));
    site.exported();
    drop(operator_of(&second, &["restore", "reconcile", "--apply"]).ok());
    let refused = operator_of(&second, &["restore", "finish"]);
    assert_eq!(refused.code, Some(7), "{}", refused.all());
    assert!(refused.err.contains("another process issues under epoch 2"), "{}", refused.err);
    drop(site.enrol(LATER));
    site.exported();
    site.rehearsal.stop();
    // When the first is gone for good, the second takes over, and the first would find out.
    drop(operator_of(&second, &["restore", "reconcile", "--apply"]).ok());
    drop(operator_of(&second, &["restore", "finish"]).ok());
    assert!(site.export().join("epoch-3").exists());
}

// Case D-02: files that were copied have the same id, and are found out all the same.
#[test]
fn d_02_a_second_process_on_a_copy_of_the_files_does_not_start() {
    let mut site = Site::found();
    site.rehearsal.stop();
    let second = site.rehearsal.scratch("second");
    copy(&site.rehearsal.state(""), &second);
    std::fs::remove_dir_all(second.join("audit")).expect("it was copied");
    std::os::unix::fs::symlink(site.export(), second.join("audit")).expect("a link");
    site.rehearsal.serve();
    let said = operator_of(&second, &["serve"]);
    assert!(!said.success, "{}", said.all());
    // Whether the first has exported that it was opened by then is a matter of milliseconds.
    assert!(said.err.contains("epoch.in-use") || said.err.contains("it is an old copy"), "{}", said.err);
}

// Case D-02: a file system without locks, or a host that was thought to be dead.
#[test]
fn d_02_a_copy_that_another_one_succeeded_stops_issuing() {
    let mut site = Site::found();
    std::fs::write(site.export().join("epoch-2"), "installation 00000000000000000000000000000000\n")
        .expect("a claim");
    eventually("the copy is fenced", || (site.readiness() == 503).then_some(()));
    eventually("it records nothing any more", || {
        let said = site.rehearsal.operator(&["device", "token", LATE, "--profile", "meter-op-tls-s1"]);
        (said.code == Some(8) && said.err.contains("store.fenced")).then_some(())
    });
    let answer = site.try_kept_token();
    assert_eq!(answer.status, 503, "{}", answer.text());
    site.rehearsal.stop();
    site.rehearsal.serve();
    site.assert_in_recovery("another copy of this ledger has epoch 2");
}
