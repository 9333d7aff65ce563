//! EST over CoAP and DTLS, where this program is built with the feature `coaps`; elsewhere the sentence that it is not.
//!
//! The only place that knows whether it is. OpenSSL is linked with the feature and not without it.

use std::net::SocketAddr;
use std::pin::Pin;

use est_server::desk::Desk;
use server_kit::health::Condition;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

#[cfg(feature = "coaps")]
use crate::exit::Exit;
use crate::exit::Failure;

/// `[est.coaps.limits]`
#[cfg(feature = "coaps")]
pub use est_coaps::CoapsLimits;
/// `[est.coaps.limits]`, which nobody reads.
#[cfg(not(feature = "coaps"))]
pub type CoapsLimits = toml::Table;

/// Where to listen and as whom.
#[cfg_attr(not(feature = "coaps"), expect(dead_code, reason = "nobody listens"))]
pub(crate) struct Place<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) limits: &'a CoapsLimits,
    /// Certificates, PEM, the server's own first.
    pub(crate) certificates: &'a [u8],
    /// Its key, PEM.
    pub(crate) key: &'a [u8],
}

/// A bound listener.
pub(crate) struct Bound {
    pub(crate) address: SocketAddr,
    pub(crate) condition: Box<dyn Fn() -> Condition + Send + Sync>,
    pub(crate) serving: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Checks certificate and key beforehand.
///
/// # Errors
/// A sentence that says what is wrong, or that this program has no EST-coaps.
#[cfg(feature = "coaps")]
pub(crate) fn check(certificates: &[u8], key: &[u8]) -> Result<(), String> {
    est_coaps::DtlsIdentity::from_pem(certificates, key).map(drop).map_err(|error| error.to_string())
}

/// Takes the address.
///
/// # Errors
/// A [`Failure`] that says what is wrong and what to type next.
#[cfg(feature = "coaps")]
pub(crate) async fn bind(
    place: Place<'_>,
    desk: Desk,
    metrics: &Metrics,
    shutdown: Shutdown,
) -> Result<Bound, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "coaps.files", error).then("meter-pki config check")
    };
    let identity =
        est_coaps::DtlsIdentity::from_pem(place.certificates, place.key).map_err(|error| unusable(&error))?;
    let limits = place.limits.clone();
    let listener = est_coaps::CoapsListener::bind(place.listen, &identity, limits, desk, metrics)
        .await
        .map_err(|error| match error {
            est_coaps::BindCoapsError::Identity(error) => unusable(&error),
            error @ est_coaps::BindCoapsError::Address { .. } => {
                Failure::new(Exit::Unavailable, "listen.failed", error)
                    .then("free the address, or change est.coaps.listen in the configuration")
            }
        })?;
    let (address, watch) = (listener.local_addr(), listener.watch());
    let serving = Box::pin(async move {
        let _drained = listener.serve(shutdown).await;
    });
    Ok(Bound { address, condition: Box::new(move || watch.condition()), serving })
}

#[cfg(not(feature = "coaps"))]
pub(crate) use absent::{bind, check};

#[cfg(not(feature = "coaps"))]
mod absent {
    //! What is said where EST-coaps is not built in.

    use super::{Bound, Desk, Failure, Metrics, Place, Shutdown};
    use crate::exit::Exit;

    /// What happened, why, and what to do.
    const ABSENT: &str = "this program was built without EST over CoAP; build it with `cargo build --release --locked \
                          -p meter-pki --features coaps`, or leave out [est.coaps]";

    pub(crate) fn check(_certificates: &[u8], _key: &[u8]) -> Result<(), String> {
        Err(ABSENT.to_owned())
    }

    pub(crate) async fn bind(
        place: Place<'_>,
        desk: Desk,
        metrics: &Metrics,
        shutdown: Shutdown,
    ) -> Result<Bound, Failure> {
        let _unused = (place, desk, metrics, shutdown);
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
}
