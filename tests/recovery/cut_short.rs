//! A restore that is killed on its way: whichever write it dies in, the same verbs bring the ledger back.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use e2e::crash::shim;
use e2e::peer::path;
use e2e::process::program;

use crate::site::{LATE, LATER, Site};

/// Runs a verb that dies in the middle of its `count`th write below the state directory; tells whether it came so far.
fn dies_in_write(site: &Site, shim: &Path, count: usize, verb: &[&str]) -> bool {
    let state = site.rehearsal.state("");
    let status = Command::new(program("meter-pki"))
        .arg("--config")
        .arg(state.join("guarded.toml"))
        .args(verb)
        .env("LD_PRELOAD", shim)
        .env("CRASH_SHIM_DIRECTORY", path(&state).trim_end_matches('/'))
        .env("CRASH_SHIM_FAULT", format!("torn-write {count}"))
        .output()
        .expect("it starts")
        .status;
    // A verb that dies after it did all that matters says the next time that it was done.
    assert!(matches!(status.code(), Some(0 | 7)) || status.signal() == Some(9), "{verb:?}: {status}");
    status.signal().is_some()
}

/// Runs a verb that is killed in one write after the other, ever further apart, and then lets it end; `between` comes after
/// each death.
fn done_at_last(site: &Site, shim: &Path, verb: &[&str], between: impl Fn()) {
    let mut count = 1;
    while dies_in_write(site, shim, count, verb) {
        count += 1 + count / 4;
        between();
    }
    assert!(count > 1, "{verb:?} writes");
}

#[test]
fn a_restore_that_is_killed_in_any_of_its_writes_is_done_by_the_same_verbs_again() {
    let mut site = Site::found();
    let backup = path(&site.back_up("one.backup"));
    let late = site.enrol(LATE);
    let gone = site.enrol(LATER);
    site.rehearsal.revoke(&gone, "keyCompromise");
    site.exported();
    site.lose_the_ledger();
    let shim = shim::compile(&site.rehearsal.state(""));

    let shares = [site.share(1), site.share(3)];
    let begin = ["restore", "begin", &backup, "--share", &shares[0], "--share", &shares[1]];
    done_at_last(&site, &shim, &begin, || {
        // What is left is no ledger, says so, and is in the way.
        let store = site.rehearsal.state("store");
        let none = site.rehearsal.operator(&["restore", "finish"]);
        assert!(
            !none.success && none.err.contains("was never finished: remove the directory"),
            "{}",
            none.all()
        );
        let refused = site.rehearsal.operator(&begin);
        assert_eq!(refused.code, Some(7), "{}", refused.all());
        assert!(refused.err.contains("restore.in-the-way"), "{}", refused.err);
        std::fs::remove_dir_all(store).expect("it can be removed");
    });
    done_at_last(&site, &shim, &["restore", "reconcile", "--apply"], || {});
    done_at_last(&site, &shim, &["restore", "finish"], || {});

    site.rehearsal.serve();
    let shown = site.rehearsal.operator_json(&["store", "show"]);
    assert_eq!(site.readiness(), 200, "{shown} {}", site.rehearsal.log());
    assert_eq!((site.status_of(&late), site.status_of(&gone)), ("good".into(), "revoked".into()));
    drop(site.rehearsal.operator(&["audit", "verify"]).ok());
    let shown = site.rehearsal.operator_json(&["store", "show"]);
    assert_eq!(shown["epoch"], 2, "recovery ended once: {shown}");
}
