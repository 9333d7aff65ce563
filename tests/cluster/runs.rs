//! A short run: faults of every kind from a fixed seed.

use e2e::cluster::run::Run;
use e2e::ground;

#[test]
fn k_01_k_02_k_12_whatever_fails_each_wish_has_one_certificate_and_the_trail_is_one() {
    let grounds = ground::directory();
    let run = Run {
        faults: 12,
        faults_a_house: 12,
        seed: 20_261_130,
        only: None,
        grounds: grounds.path().to_owned(),
    };
    let outcome = run.play();
    assert!(outcome.failures.is_empty(), "{}", outcome.failures.join("\n"));
    assert_eq!(outcome.tally.houses, 1);
    assert!(outcome.tally.total() >= 12);
    let told = outcome.tally.acknowledged;
    let all = [told.certificates, told.repeats, told.revocations, told.crls];
    assert!(all.iter().all(|count| *count > 0), "{told:?}");
}
