//! EST over CoAP as it is built in.

use coap_kit::{BindCoapsError, CoapsListener, DtlsIdentity};
use est_server::desk::Desk;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

use super::{Bound, Place};
use crate::exit::{Exit, Failure};

pub use coap_kit::CoapsLimits;

/// Checks certificate and key beforehand.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn check(certificates: &[u8], key: &[u8]) -> Result<(), String> {
    DtlsIdentity::from_pem(certificates, key).map(drop).map_err(|error| error.to_string())
}

/// Takes the address.
///
/// # Errors
/// A [`Failure`] that says what is wrong and what to type next.
pub(crate) async fn bind(
    place: Place<'_>,
    desk: Desk,
    metrics: &Metrics,
    shutdown: Shutdown,
) -> Result<Bound, Failure> {
    let Place { listen, limits, certificates, key } = place;
    let identity = DtlsIdentity::from_pem(certificates, key).map_err(BindCoapsError::from).map_err(failed)?;
    let front = est_coaps::front(desk);
    let listener =
        CoapsListener::bind(listen, &identity, limits.clone(), front, metrics).await.map_err(failed)?;
    let (address, watch) = (listener.local_addr(), listener.watch());
    let serving = Box::pin(async move {
        let _drained = listener.serve(shutdown).await;
    });
    Ok(Bound { address, condition: Box::new(move || watch.condition()), serving })
}

fn failed(error: BindCoapsError) -> Failure {
    match error {
        BindCoapsError::Address { .. } => Failure::new(Exit::Unavailable, "listen.failed", error)
            .then("free the address, or change est.coaps.listen in the configuration"),
        BindCoapsError::Identity(_) => {
            Failure::new(Exit::Usage, "coaps.files", error).then("meter-pki config check")
        }
    }
}
