//! What is said where EST over CoAP is not built in.

use est_server::desk::Desk;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

use super::{Bound, Place};
use crate::exit::{Exit, Failure};

/// What happened, and what to do.
const ABSENT: &str = "this program was built without EST over CoAP; build it with `cargo build --release --locked -p meter-pki \
                      --features coaps`, or leave out [est.coaps]";

/// `[est.coaps.limits]`, which nobody reads.
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
    let _unused = (listen, limits, certificates, key, desk, metrics, shutdown);
    Err(Failure::new(Exit::Usage, "coaps.absent", ABSENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_it_says_so_and_how_to_get_one() {
        let told = check(b"", b"").unwrap_err();
        assert!(told.contains("--features coaps") && told.contains("[est.coaps]"), "{told}");
    }
}
