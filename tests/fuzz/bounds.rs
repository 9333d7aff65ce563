//! How much one input may cost a reader: memory in proportion to its length, and work.
//!
//! Counted is what Rust code takes from its allocator; what the library of cryptography keeps of its own is not seen.

use allocation_counter::{AllocationInfo, measure};

use crate::targets::Target;

/// The most octets held at one time, for each octet of the input.
const HELD_FOR_EACH: u64 = 8;
/// The most that is held for one message whatever its length: what a short one needs, such as a key that is verified.
const HELD_ANYWAY: u64 = 64 * 1024;
/// The same for all that is taken and given back, which is a measure of work that no clock and no load falsifies.
const TAKEN_FOR_EACH: u64 = 64;
const TAKEN_ANYWAY: u64 = 1024 * 1024;

/// Lets a reader read one input, and tells what it cost.
///
/// # Panics
/// When the reader does, or costs more than it may.
pub(crate) fn read_within(target: &Target, octets: &[u8]) -> AllocationInfo {
    let cost = measure(|| (target.read)(octets));
    let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
    let held = length.saturating_mul(HELD_FOR_EACH).saturating_add(HELD_ANYWAY * target.messages);
    assert!(
        cost.bytes_max <= held,
        "{}: {length} octets, {} held, {held} allowed",
        target.name,
        cost.bytes_max
    );
    let taken = length.saturating_mul(TAKEN_FOR_EACH).saturating_add(TAKEN_ANYWAY * target.messages);
    assert!(cost.bytes_total <= taken, "{}: {length} octets, {} taken", target.name, cost.bytes_total);
    cost
}
