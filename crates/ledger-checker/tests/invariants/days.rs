//! I22: what is counted by days, broken by hand.

use ledger_checker::Invariant;

use crate::bench::{Bench, END, NOW, counted_on};
use crate::names;

#[test]
fn finds_nothing_in_days_that_are_counted_as_the_rows_add_up() {
    let mut bench = Bench::new();
    bench.count_days();
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_22_when_a_day_is_counted_wrongly() {
    for (day, counts) in [(NOW, [3, 1, 0, 0]), (NOW, [2, 0, 0, 0]), (END, [0, 0, 2, 0]), (END, [0, 0, 1, 1])]
    {
        names(Invariant::I22, |bench| {
            bench.count_days();
            bench.count_day(day, counts);
        });
    }
}

#[test]
fn names_i_22_when_a_day_is_not_counted_or_one_of_which_there_is_nothing() {
    names(Invariant::I22, |bench| {
        bench.count_days();
        bench.remove(59, &counted_on(END));
    });
    names(Invariant::I22, |bench| {
        bench.count_days();
        bench.count_day(NOW + 86_400, [1, 0, 0, 0]);
    });
}
