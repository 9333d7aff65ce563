//! I20: campaigns, broken by hand.

use ledger_checker::Invariant;

use crate::bench::{Bench, CAMPAIGN, SWAPPED, counted, listed_as_done};
use crate::names;

fn names_i_20(break_it: impl FnOnce(&mut Bench)) {
    names(Invariant::I20, |bench| {
        bench.campaign();
        break_it(bench);
    });
}

/// The key of the swap of the device that is done.
fn its_swap() -> Vec<u8> {
    [SWAPPED.as_slice(), &[1]].concat()
}

#[test]
fn finds_nothing_in_a_sound_campaign() {
    let mut bench = Bench::new();
    bench.campaign();
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_20_when_a_campaign_counts_a_device_too_few() {
    names_i_20(|bench| bench.remove(51, &counted(0)));
    names_i_20(|bench| bench.alter(51, &counted(4), &[2, 1, 1], &[2, 1, 2]));
}

#[test]
fn names_i_20_when_a_device_is_not_listed_or_not_in_it() {
    names_i_20(|bench| bench.remove(50, &listed_as_done()));
    names_i_20(|bench| bench.remove(49, &[CAMPAIGN.as_slice(), &SWAPPED].concat()));
    names_i_20(|bench| bench.remove(48, &CAMPAIGN));
}

#[test]
fn names_i_20_when_a_device_is_done_and_its_swap_or_its_evidence_is_not() {
    // importing(5) in the place of activated(8).
    names_i_20(|bench| bench.alter(47, &its_swap(), &[2, 1, 8, 2, 4], &[2, 1, 5, 2, 4]));
    names_i_20(|bench| bench.remove(53, &[SWAPPED.as_slice(), &CAMPAIGN].concat()));
}

#[test]
fn names_i_20_when_a_swap_says_that_a_device_has_what_was_not_issued() {
    let serial = |last| [4, 2, 1, last];
    names_i_20(|bench| bench.alter(47, &its_swap(), &serial(1), &serial(2)));
    names_i_20(|bench| bench.alter(53, &[SWAPPED.as_slice(), &CAMPAIGN].concat(), &serial(1), &serial(3)));
    // It was issued, for another key.
    names_i_20(|bench| bench.alter(47, &its_swap(), &[1; 32], &[6; 32]));
}

#[test]
fn names_i_20_when_a_swap_names_a_record_that_does_not_tell_of_it() {
    names_i_20(|bench| bench.put_swap(&[(8, 1)]));
    names_i_20(|bench| bench.put_swap(&[(7, bench.last_audit() - 1)]));
}
