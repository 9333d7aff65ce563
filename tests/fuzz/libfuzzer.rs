//! The long form: one reader under libFuzzer, which keeps what reaches new code and mutates it further, beside our mutations.
//!
//! `cargo xtask fuzz` builds it, says which reader by METER_PKI_FUZZ_TARGET, and passes libFuzzer's own options on. A panic, a cost
//! beyond the bounds or an input that takes longer than 100 ms of the processor ends it; libFuzzer then keeps the input.

#![no_main]

mod bounds;
mod shape;
mod targets;

use std::path::Path;
use std::sync::LazyLock;

use fastrand::Rng;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use rustix::time::{ClockId, clock_gettime};
use targets::{TARGETS, Target};

/// The longest that a reader may compute on one input, in milliseconds of the processor.
const MOST_MILLISECONDS: i64 = 100;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("METER_PKI_FUZZ_TARGET").expect("METER_PKI_FUZZ_TARGET names a target");
    TARGETS.iter().find(|target| target.name == name).expect("the target is in tests/fuzz/targets.rs")
});

fuzz_target!(init: write_seeds(), |octets: &[u8]| {
    let octets = octets.get(..TARGET.max_octets).unwrap_or(octets);
    let before = milliseconds();
    bounds::read_within(&TARGET, octets);
    let took = milliseconds() - before;
    assert!(took <= MOST_MILLISECONDS, "{}: {took} ms for {} octets", TARGET.name, octets.len());
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut rng = Rng::with_seed(seed.into());
    // Half by libFuzzer, which knows with what the code compares its input, half by form.
    if rng.bool() {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut mutated = shape::mutate(data.get(..size).unwrap_or_default(), TARGET.shape, &mut rng);
    mutated.truncate(max_size);
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});

/// Writes the seeds where libFuzzer is told to look for them.
fn write_seeds() {
    let Ok(folder) = std::env::var("METER_PKI_FUZZ_SEEDS") else { return };
    for (number, seed) in (TARGET.seeds)().iter().enumerate() {
        std::fs::write(Path::new(&folder).join(number.to_string()), seed)
            .expect("the folder of seeds can be written");
    }
}

/// What this thread has computed so far: not the time of a clock, so that a busy machine fails nobody.
fn milliseconds() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
}
