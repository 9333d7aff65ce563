//! The machine of a guided ceremony stops at any call by which it changes something: the short form of `cargo xtask ceremony-cuts`.

use e2e::ceremony_cuts::{Cuts, Loss, Which};
use e2e::ground;

/// One in so many calls; which ones, changes from run to run.
const EVERY: usize = 37;

/// Stops at some of the calls; every one of the ceremonies comes to its end.
fn stop(which: Which) {
    let grounds = ground::directory();
    let first = 1 + usize::try_from(std::process::id()).unwrap_or_default() % EVERY;
    let losses = vec![Loss::Process, Loss::Unsynced];
    let cuts = Cuts { which, first, every: EVERY, losses, workers: 2, seed: 20_261_128 };
    let outcome = cuts.play(grounds.path());
    assert!(outcome.failures.is_empty(), "{cuts:?}\n{}", outcome.failures.join("\n"));
    assert!(outcome.stops >= 2 * (outcome.calls / EVERY - 1) && outcome.calls > 5 * EVERY, "{outcome:?}");
}

#[test]
fn r_07_a_ceremony_that_stopped_at_any_write_comes_to_its_end_and_outsiders_believe_it() {
    stop(Which::Founding);
}

#[test]
fn r_07_a_rehearsal_on_a_stand_in_that_stopped_at_any_write_comes_to_its_end_and_the_root_is_untouched() {
    stop(Which::StandIn);
}
