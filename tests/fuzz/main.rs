//! Every reader of strangers' octets, shown messages in order and thousands of damaged ones, the same each time.
//!
//! The short form; `cargo xtask fuzz` is the long one, which looks for inputs by what they reach (tests/fuzz/libfuzzer.rs).

mod bounds;
mod shape;
mod targets;

use std::path::Path;

use fastrand::Rng;
use targets::{TARGETS, Target};

const MUTATIONS: u64 = 3_000;

#[test]
fn every_reader_takes_its_seeds_within_its_bounds() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in seeds {
            assert!(seed.len() <= target.max_octets);
            bounds::read_within(target, &seed);
        }
    }
}

#[test]
fn thousands_of_damaged_messages_break_no_reader() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        for number in 0..MUTATIONS {
            let mut rng = Rng::with_seed(number);
            let seed = rng.choice(&seeds).unwrap();
            let mut octets = shape::mutate(seed, target.shape, &mut rng);
            octets.truncate(target.max_octets);
            bounds::read_within(target, &octets);
        }
    }
}

/// Files of tests/fuzz/found/TARGET, each of which broke its reader once.
#[test]
fn what_broke_a_reader_once_breaks_it_no_more() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found").join(target.name);
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            bounds::read_within(target, &std::fs::read(entry.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn a_reader_that_holds_or_takes_too_much_is_found() {
    let with = |read| Target { read, ..*TARGETS.first().unwrap() };
    let holding = with(|octets| drop(vec![0_u8; octets.len() * 9 + 64 * 1024]));
    let taking = with(|octets| (0..200).for_each(|_| drop(vec![0_u8; octets.len() + 9_000])));
    for target in [holding, taking] {
        let octets = vec![0; 100];
        let caught = std::panic::catch_unwind(|| bounds::read_within(&target, &octets));
        assert!(caught.is_err());
    }
}

#[test]
fn a_mutation_of_der_most_often_keeps_its_outermost_form() {
    let target = TARGETS.iter().find(|target| target.name == "csr").unwrap();
    let seed = (target.seeds)().remove(0);
    let whole = |number| {
        let octets = shape::mutate(&seed, shape::Shape::Der, &mut Rng::with_seed(number));
        octets != seed && shape::elements(&octets).concat() == octets
    };
    let kept = (0..1_000).filter(|number| whole(*number)).count();
    assert!(kept > 400, "{kept} of 1,000");
}
