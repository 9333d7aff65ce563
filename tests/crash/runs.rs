//! Short runs of the crash harness: every kill-point, every fault, both engines.

use e2e::crash::kill::{Kill, Mix, Power};
use e2e::crash::points::KillPoint;
use e2e::crash::run::{Outcome, Run};
use e2e::ground;

/// Plays a run in houses on both engines; nothing may be violated.
fn run(mix: Mix, kills: u64, kills_a_house: u64) -> Outcome {
    let grounds = ground::directory();
    let run = Run {
        kills,
        kills_a_house,
        seed: 20_261_128,
        engines: vec!["fjall", "sled"],
        mix,
        workers: 2,
        block_device: false,
        only: None,
        grounds: grounds.path().to_owned(),
    };
    let outcome = run.play();
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    assert_eq!(outcome.tally.houses, kills.div_ceil(kills_a_house));
    assert_eq!(outcome.tally.kills(), kills);
    assert!(outcome.tally.acknowledged.iter().all(|count| *count > 0), "{:?}", outcome.tally);
    outcome
}

fn times(outcome: &Outcome, kill: Kill) -> u64 {
    outcome.tally.ends.get(&kill.to_string()).copied().unwrap_or_default()
}

#[test]
fn s_01_killed_at_every_kill_point_nothing_is_lost_and_nothing_is_done_twice() {
    let outcome = run(Mix::Kills, 72, 36);
    for point in KillPoint::ALL {
        assert!(times(&outcome, Kill::AtPoint(point, 1)) > 0, "nobody died at {point}: {:?}", outcome.tally);
    }
}

#[test]
fn s_02_a_power_cut_at_every_kill_point_loses_nothing_that_was_acknowledged() {
    let outcome = run(Mix::PowerCuts, 54, 27);
    for point in KillPoint::ALL {
        let cut = |power| times(&outcome, Kill::PowerCut(point, 1, power));
        // In the middle of a reply or before a rename the program is killed; it makes no difference to the disk.
        let there = cut(Power::Strict) + cut(Power::Random) + times(&outcome, Kill::AtPoint(point, 1));
        assert!(there > 0, "no power was cut at {point}: {:?}", outcome.tally);
    }
}

#[test]
fn s_03_s_04_failed_syncs_full_disks_and_torn_writes_lose_nothing_that_was_acknowledged() {
    let outcome = run(Mix::Faults, 40, 20);
    let unanswered = Kill::AnswerLost(1);
    for fault in [Kill::SyncFails(1), Kill::NoSpace(1), Kill::TornWrite(1), Kill::AfterAnswers(1), unanswered]
    {
        assert!(times(&outcome, fault) > 0, "{fault} never came: {:?}", outcome.tally);
    }
}
