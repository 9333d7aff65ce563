//! The paths on which a body may be longer than elsewhere on the same listener.
//!
//! It is *not* a permission: who may send one, the route decides, before it reads.

use crate::limits::Limits;
use std::time::Duration;

/// A path and what a body may be that is sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongBody {
    /// The path, octet for octet.
    pub path: String,
    /// The most octets.
    pub octets: u64,
    /// From the end of the head to the end of the body.
    pub time: Duration,
}

/// Returns how many octets a body sent to `path` may have, and how long it may take.
pub(super) fn bounds(long: &[LongBody], limits: &Limits, path: &str) -> (u64, Duration) {
    long.iter()
        .find(|body| body.path == path)
        .map_or_else(|| (limits.body_octets(), limits.body()), |body| (body.octets, body.time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_whole() {
        let long = [LongBody { path: "/long".to_owned(), octets: 1 << 24, time: Duration::from_secs(300) }];
        let of = |path| bounds(&long, &Limits::default(), path).0;
        assert_eq!(of("/long"), 1 << 24);
        assert!(["/long/", "/lon", "/longer", "/LONG", "/"].map(of).iter().all(|octets| *octets == 65_536));
    }
}
