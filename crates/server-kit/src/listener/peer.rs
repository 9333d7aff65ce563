//! What a route is told about the connection a request came by.
//!
//! It is *not* an identity: the certificates are octets whose key the peer holds, no more.

use crate::tls::{Secured, TlsVersion};
use axum::{extract::FromRequestParts, http::StatusCode, http::request::Parts};
use std::{fmt, net::SocketAddr, sync::Arc};

/// The connection of a request. It stands in the extensions of every request and is an axum extractor:
///
/// ```
/// use server_kit::listener::PeerConnection;
///
/// async fn who(peer: PeerConnection) -> String {
///     match peer.end_entity() {
///         Some(certificate) => format!("{} with a certificate of {} octets", peer.peer_addr, certificate.len()),
///         None => format!("{} without certificate", peer.peer_addr),
///     }
/// }
/// let router: axum::Router = axum::Router::new().route("/who", axum::routing::get(who));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PeerConnection {
    /// Address and port of the peer.
    pub peer_addr: SocketAddr,
    /// DER octets of the certificates the peer presented, the end entity first. The peer holds the key of the first; about
    /// the others nothing is known. Empty when it presented none.
    pub certificates: Arc<[Vec<u8>]>,
    /// `None` for a connection without TLS.
    pub tls_version: Option<TlsVersion>,
    /// The length of the key that encrypts the connection, in bits; `None` where nothing does.
    pub cipher_bits: Option<u16>,
    /// The channel binding `tls-exporter` of RFC 9266: 32 octets, label `EXPORTER-Channel-Binding`, empty context.
    pub exporter: Option<[u8; 32]>,
    /// The channel binding `tls-unique` of RFC 5929 §3, 12 octets: on TLS 1.2, where the listener computes it.
    pub tls_unique: Option<[u8; 12]>,
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("peer_addr", &self.peer_addr)
            .field("certificates", &self.certificates.len())
            .field("tls_version", &self.tls_version)
            .finish_non_exhaustive()
    }
}

impl PeerConnection {
    /// A connection without TLS.
    #[must_use]
    pub fn plain(peer_addr: SocketAddr) -> Self {
        let certificates = Arc::default();
        Self {
            peer_addr,
            certificates,
            tls_version: None,
            cipher_bits: None,
            exporter: None,
            tls_unique: None,
        }
    }

    pub(super) fn secured(peer_addr: SocketAddr, secured: Secured) -> Self {
        Self {
            peer_addr,
            certificates: secured.certificates.into(),
            tls_version: Some(secured.version),
            cipher_bits: secured.cipher_bits,
            exporter: secured.exporter,
            tls_unique: secured.tls_unique,
        }
    }

    /// The DER octets of the first certificate: the one whose key the peer holds.
    #[must_use]
    pub fn end_entity(&self) -> Option<&[u8]> {
        self.certificates.first().map(Vec::as_slice)
    }
}

impl<S: Sync> FromRequestParts<S> for PeerConnection {
    type Rejection = (StatusCode, &'static str);

    /// Fails with 500 on a request that did not come through a [`Listener`](super::Listener), for example in a test that
    /// forgot to put one into the extensions.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        const ABSENT: &str = "The request has no connection.\n";
        parts.extensions.get().cloned().ok_or((StatusCode::INTERNAL_SERVER_ERROR, ABSENT))
    }
}
