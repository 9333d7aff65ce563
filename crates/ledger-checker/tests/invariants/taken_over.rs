//! I23, broken by hand: what was taken over is told of once as that, was signed by its issuer, and never intended or signed here.

use ledger_checker::Invariant;

use super::bench::{Bench, Flaw};
use super::names;

#[test]
fn finds_nothing_where_one_was_taken_over() {
    let mut bench = Bench::new();
    bench.take_over(Flaw::None);
    assert_eq!(bench.violations(), []);
}

#[test]
fn names_i_22_when_it_is_not_told_so_once_or_was_issued_here_all_the_same() {
    for flaw in [
        Flaw::NotTold,
        Flaw::ToldTwice,
        Flaw::OtherDigest,
        Flaw::ForeignSignature,
        Flaw::Intended,
        Flaw::SignedHere,
    ] {
        names(Invariant::I23, |bench| bench.take_over(flaw));
    }
    names(Invariant::I23, Bench::tell_of_one_taken_over);
}
