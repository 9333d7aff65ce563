//! I18 and I19: devices, deliveries and orders, broken by hand.

use ledger_checker::Invariant;

use crate::bench::{Bench, DEVICE, counted_by, found_by};
use crate::names;

fn names_i_18(break_it: impl FnOnce(&mut Bench)) {
    names(Invariant::I18, |bench| {
        bench.list_device();
        break_it(bench);
    });
}

#[test]
fn names_i_18_when_a_device_is_not_found_by_what_it_has() {
    names_i_18(|bench| bench.remove(39, &found_by(3, "E350")));
}

#[test]
fn names_i_18_when_a_device_is_not_counted() {
    names_i_18(|bench| bench.remove(40, &counted_by(0, "")));
}

#[test]
fn names_i_18_when_an_index_leads_to_no_device() {
    names_i_18(|bench| bench.remove(17, &DEVICE));
}

#[test]
fn names_i_18_when_a_history_names_a_record_that_tells_of_something_else() {
    names_i_18(|bench| bench.follow_device(1));
}

#[test]
fn names_i_18_when_the_trail_says_that_a_device_is_retired_and_its_row_does_not() {
    names_i_18(Bench::tell_that_the_device_is_retired);
}

#[test]
fn finds_nothing_in_a_device_that_was_delivered_as_people_were_told() {
    let mut bench = Bench::new();
    bench.list_device();
    bench.deliver_device();
    bench.tell_of_the_delivery();
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_18_when_a_part_of_a_delivery_was_acknowledged_and_is_on_no_record() {
    names_i_18(Bench::tell_of_the_delivery);
}

#[test]
fn names_i_18_when_an_act_on_a_device_was_acknowledged_once_more_than_it_is_on_record() {
    for act in ["suspended", "resumed", "retired"] {
        names_i_18(|bench| bench.note(&format!("{act} {}", hex::encode_upper(DEVICE))));
    }
}

#[test]
fn names_i_19_when_a_scrap_was_acknowledged_and_is_on_no_record() {
    names(Invariant::I19, |bench| bench.note("scrapped 4D504B0000000001"));
}
