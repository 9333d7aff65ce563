//! What is said where CoAP is not built in.

use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

use super::{Bound, Desk, Place};
use crate::exit::{Exit, Failure};

/// What happened, and what to do.
const ABSENT: &str = "this program was built without CoAP; build it with `cargo build --release --locked -p meter-pki \
                      --features coaps`, or leave out [est.coaps] and [cmp.coaps]";

/// `[est.coaps.limits]` and `[cmp.coaps.limits]`, which nobody reads.
pub type CoapsLimits = toml::Table;

/// Refuses.
///
/// # Errors
/// Always: a sentence that says what to do.
pub(crate) fn check(_certificates: &[u8], _key: &[u8]) -> Result<(), String> {
    Err(ABSENT.to_owned())
}

/// Refuses.
///
/// # Errors
/// Always.
pub(crate) async fn bind(
    place: Place<'_>,
    desk: Desk,
    metrics: &Metrics,
    shutdown: Shutdown,
) -> Result<Bound, Failure> {
    let Place { listen, limits, certificates, key } = place;
    let section = desk.section();
    match desk {
        Desk::Est(desk) => drop(desk),
        Desk::Cmp(desk) => drop(desk),
    }
    let _unused = (listen, limits, certificates, key, metrics, shutdown, section);
    Err(Failure::new(Exit::Usage, "coaps.absent", ABSENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_it_says_so_and_how_to_get_one() {
        let told = check(b"", b"").unwrap_err();
        assert!(told.contains("--features coaps") && told.contains("[est.coaps]"), "{told}");
        assert!(told.contains("[cmp.coaps]"), "{told}");
    }
}
