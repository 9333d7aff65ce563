//! EST and CMP over CoAP and DTLS, where this program is built with the feature `coaps`; elsewhere the sentence that it is not.
//!
//! The only place that knows whether it is. OpenSSL is linked with the feature and not without it.

#[cfg(not(feature = "coaps"))]
mod absent;
#[cfg(feature = "coaps")]
mod present;

use std::net::SocketAddr;
use std::pin::Pin;

use server_kit::health::Condition;

#[cfg(not(feature = "coaps"))]
use absent as built;
#[cfg(feature = "coaps")]
use present as built;

pub use built::CoapsLimits;
pub(crate) use built::{bind, check};

/// Who answers.
pub(crate) enum Desk {
    Est(est_server::desk::Desk),
    Cmp(cmp_server::desk::Desk),
}

impl Desk {
    /// Returns its name in health and metrics.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Est(_) => "est-coaps",
            Self::Cmp(_) => "cmp-coaps",
        }
    }

    /// Returns the section of the configuration.
    const fn section(&self) -> &'static str {
        match self {
            Self::Est(_) => "est.coaps",
            Self::Cmp(_) => "cmp.coaps",
        }
    }
}

/// Where to listen and as whom.
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
