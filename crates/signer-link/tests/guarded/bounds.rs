//! How often a key signs, what is counted, and what happens when the log cannot be written.

use signer_link::charter::Rates;
use signer_link::denial::Meaning;
use signer_link::desk::SigningDesk as _;

use crate::desk::{Bench, Fault, MESSENGER, NOW, key, tlv};

fn message() -> Vec<u8> {
    tlv(0x31, &tlv(0x30, &tlv(0x06, &[0x55, 0x04, 0x03])))
}

#[test]
fn a_key_signs_so_often_in_a_second_and_on_a_day_and_a_new_start_forgets_nothing() {
    let mut bench = Bench::new();
    let rates = Rates { per_second: Some(2), per_day: Some(3) };
    bench.open(rates).unwrap();
    let again = |bench: &Bench| bench.sign(MESSENGER, &message()).unwrap_err();
    bench.sign(MESSENGER, &message()).unwrap();
    bench.sign(MESSENGER, &message()).unwrap();
    let denial = again(&bench);
    assert_eq!(
        (denial.code.as_str(), denial.meaning, denial.again_seconds),
        ("rate.second", Meaning::Unavailable, 1)
    );
    bench.set_clock(NOW.plus_seconds(1));
    bench.sign(MESSENGER, &message()).unwrap();
    bench.set_clock(NOW.plus_seconds(2));
    // 2026-11-21T10:00:02Z: 14 hours are left of the day, less two seconds.
    assert_eq!((again(&bench).code.as_str(), again(&bench).again_seconds), ("rate.day", 50_398));
    bench.open(rates).unwrap();
    assert_eq!(again(&bench).code, "rate.day");
    bench.set_clock(NOW.plus_seconds(86_400));
    bench.sign(MESSENGER, &message()).unwrap();
    let records = bench.records().len();
    assert_eq!(records, 4, "what comes too often is counted, and not written down");
}

#[test]
fn what_is_refused_or_fails_takes_nothing_of_the_day() {
    let mut bench = Bench::new();
    bench.open(Rates { per_second: None, per_day: Some(1) }).unwrap();
    bench.refused(MESSENGER, b"no message");
    bench.break_keys(Fault::Unavailable);
    assert_eq!(bench.sign(MESSENGER, &message()).unwrap_err().meaning, Meaning::Unavailable);
    bench.break_keys(Fault::None);
    bench.sign(MESSENGER, &message()).unwrap();
    let state = bench.desk().state();
    let of_key = state.keys.iter().find(|one| one.key == key(MESSENGER)).unwrap();
    assert_eq!((of_key.signed, of_key.denied, of_key.today), (1, 2, 1));
    assert_eq!((state.records, of_key.purposes.as_str()), (2, "message"));
}

#[test]
fn a_log_that_was_changed_stops_the_signer() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.sign(MESSENGER, &message()).unwrap();
    }
    let mut octets = std::fs::read(bench.log()).unwrap();
    octets[20] ^= 1;
    std::fs::write(bench.log(), octets).unwrap();
    let refused = bench.open(Rates::default()).unwrap_err();
    assert!(refused.to_string().contains("is damaged"), "{refused}");
}
