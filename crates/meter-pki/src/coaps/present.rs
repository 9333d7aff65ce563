//! CoAP as it is built in.

use coap_kit::{BindCoapsError, CoapsListener, DtlsIdentity};
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

use super::{Bound, Desk, Place};
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
    let section = desk.section();
    let identity = DtlsIdentity::from_pem(certificates, key).map_err(BindCoapsError::from);
    let identity = identity.map_err(|error| failed(error, section))?;
    let front = match desk {
        Desk::Est(desk) => est_coaps::front(desk),
        Desk::Cmp(desk) => cmp_coaps::front(desk),
    };
    let bound = CoapsListener::bind(listen, &identity, limits.clone(), front, metrics).await;
    let listener = bound.map_err(|error| failed(error, section))?;
    let (address, watch) = (listener.local_addr(), listener.watch());
    let serving = Box::pin(async move {
        let _drained = listener.serve(shutdown).await;
    });
    Ok(Bound { address, condition: Box::new(move || watch.condition()), serving })
}

fn failed(error: BindCoapsError, section: &str) -> Failure {
    match error {
        BindCoapsError::Address { .. } => Failure::new(Exit::Unavailable, "listen.failed", error)
            .then(format!("free the address, or change {section}.listen in the configuration")),
        BindCoapsError::Identity(_) => {
            Failure::new(Exit::Usage, "coaps.files", error).then("meter-pki config check")
        }
    }
}
