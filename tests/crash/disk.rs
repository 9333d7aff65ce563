//! Disks that fail, disks that are full, two programs on one ledger, and what is synced before anybody is answered.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use e2e::crash::house::House;
use e2e::crash::issuer::Issuer;
use e2e::crash::kill::Kill;
use e2e::crash::template::{Template, program};
use e2e::ground;

const ENGINES: [&str; 2] = ["fjall", "sled"];

/// How many loads at most one fault is waited for.
const LOADS: usize = 8;

/// Has a story played in a house on each engine.
fn in_a_house_on_each_engine(story: impl Fn(&House<'_>)) {
    let grounds = ground::directory();
    let template = Template::found(grounds.path());
    for engine in ENGINES {
        story(&House::new(&template, &grounds.path().join(engine), engine, 7));
    }
}

/// Starts an issuer that serves, and serves some clients. No deadline and no CRL is left for the next start.
fn some_service(house: &House<'_>) -> Issuer {
    let issuer = house.start(Kill::Never, 0);
    let est = issuer.serving().expect("it serves");
    let load = house.load(&issuer, est, Kill::Never);
    load.until_dead(house.in_world());
    load.meet_deadlines(house.in_world()).expect("it serves");
    load.publish_all(house.in_world());
    issuer
}

fn stopped(issuer: Issuer) {
    let status = issuer.stop();
    assert!(status.success(), "{status}");
}

fn text(house: &House<'_>, file: &str) -> String {
    std::fs::read_to_string(house.directory().join(file)).unwrap_or_default()
}

/// Loads an issuer until its fault has ended it. How many writes one load makes depends on how many acts share one, so that
/// it is loaded again while it lives.
fn loaded_until_it_ends(house: &House<'_>, issuer: &Issuer, fault: Kill) {
    let ended = issuer.serving().map_or_else(
        || issuer.has_ended_soon(),
        |est| {
            (0..LOADS).any(|_| {
                house.load(issuer, est, fault).until_dead(house.in_world());
                issuer.has_ended_soon()
            })
        },
    );
    assert!(ended, "it goes on: {}", text(house, "log"));
}

/// How many syncs of the engine's files and their directory the shim has seen so far.
fn syncs(house: &House<'_>) -> usize {
    text(house, "calls")
        .lines()
        .filter(|line| line.starts_with("sync ") && line.contains("/store/engine"))
        .count()
}

/// Ends the story well: the issuer starts, everybody is served, and the checker finds nothing.
fn all_is_well(house: &House<'_>) {
    let issuer = house.start(Kill::Never, 0);
    let est = issuer.serving().unwrap_or_else(|| panic!("it starts: {}", text(house, "log")));
    house.load(&issuer, est, Kill::Never).until_served(house.in_world());
    stopped(issuer);
    assert_eq!(house.world().complaints, Vec::<String>::new());
    assert_eq!(house.check(None, "in the end"), Vec::<String>::new());
}

#[test]
fn s_03_after_a_failed_sync_the_program_ends_and_never_syncs_again() {
    in_a_house_on_each_engine(|house| {
        stopped(some_service(house));
        let before = syncs(house);
        let idle = house.start(Kill::Never, 0);
        assert!(idle.serving().is_some());
        let start = syncs(house) - before;
        stopped(idle);
        // The third sync of those who come after the start.
        let before = syncs(house);
        let failing = Kill::SyncFails(u64::try_from(start).expect("a few") + 3);
        let issuer = house.start(failing, 0);
        loaded_until_it_ends(house, &issuer, failing);
        let status = issuer.ended();
        assert_eq!(status.signal(), Some(6), "it ends itself: {status}");
        assert_eq!(syncs(house) - before, start + 3, "the failed sync was the last");
        assert!(
            text(house, "log")
                .contains("the ledger cannot go on; the process ends, and the next start recovers")
        );
        all_is_well(house);
    });
}

#[test]
fn s_04_on_a_full_disk_the_program_ends_refuses_to_start_and_recovers_by_itself_once_there_is_space() {
    in_a_house_on_each_engine(|house| {
        stopped(some_service(house));
        for writes in [40, 55, 70] {
            let full = Kill::NoSpace(writes);
            let issuer = house.start(full, 0);
            loaded_until_it_ends(house, &issuer, full);
            let status = issuer.ended();
            assert!(!status.success(), "{status}");
        }
        assert_eq!(house.world().complaints, Vec::<String>::new(), "nobody was refused for good");
        // Still full: it says so in a sentence, and is not ready.
        let before = text(house, "log").len();
        let issuer = house.start(Kill::NoSpace(1), 0);
        assert_eq!(issuer.serving(), None);
        assert_eq!(issuer.ended().code(), Some(1));
        let said = text(house, "log").split_off(before);
        assert!(said.contains("No space left on device"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        all_is_well(house);
    });
}

#[test]
fn s_07_a_second_program_on_the_same_ledger_refuses_and_the_first_goes_on() {
    in_a_house_on_each_engine(|house| {
        let issuer = some_service(house);
        let state = house.directory().join("state");
        let other = text(house, "state/meter-pki.toml").replace("operator.sock", "other.sock");
        std::fs::write(state.join("other.toml"), other).expect("a configuration");
        let mut second = Command::new(program("meter-pki-under-test"));
        let said =
            second.arg("--config").arg(state.join("other.toml")).arg("serve").output().expect("it starts");
        assert_eq!(said.status.code(), Some(7), "{said:?}");
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.contains("is in use by another process"), "{said}");
        assert!(!issuer.has_ended_soon(), "the first goes on");
        stopped(issuer);
        all_is_well(house);
    });
}

#[test]
fn s_09_nobody_is_answered_before_the_journal_is_synced() {
    in_a_house_on_each_engine(|house| {
        stopped(some_service(house));
        std::fs::remove_file(house.directory().join("calls")).expect("what was called so far");
        let issuer = house.start(Kill::Never, 0);
        let est = issuer.serving().expect("it serves");
        house.load(&issuer, est, Kill::Never).one_after_the_other(house.in_world());
        stopped(issuer);
        for (begin, end) in [
            ("kp3-intent-unsynced", "kp4-intent-durable"),
            ("kp7-issued-unsynced", "kp8-issued-durable"),
            ("revocation-unsynced", "revocation-durable"),
            ("crl-unsynced", "crl-durable"),
        ] {
            let (mut synced, mut passed) = (false, 0);
            for line in text(house, "calls").lines() {
                if line.strip_prefix("note ") == Some(begin) {
                    synced = false;
                } else if line.strip_prefix("note ") == Some(end) {
                    assert!(synced, "{end} was reached and nothing was synced before it");
                    passed += 1;
                } else if line.starts_with("sync ") && line.contains("/store/engine") {
                    synced = true;
                }
            }
            assert!(passed > 0, "{end} was reached");
        }
    });
}
