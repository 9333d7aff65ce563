//! The TLS settings of a listener: TLS 1.2 and 1.3, ECDSA on P-256 and P-384 only, no resumption, replaceable live.
//!
//! It is *not* path validation: whether a presented certificate is to be trusted, and for what, is decided later by
//! those who know. [`AnyCertificate`] checks the one thing that can be checked only here: that the client holds the key
//! of the certificate it shows. TLS: RFC 8446, RFC 5246 with RFC 7627; recommendations: RFC 9325.
//!
//! Whoever has a stricter verifier gives it in [`ClientCertificates::Asked`]; the whole rustls crate is at hand as
//! [`rustls`].
//!
//! ```no_run
//! use server_kit::tls::{AnyCertificate, ClientCertificates, Tls, TlsIdentity};
//! use std::sync::Arc;
//!
//! let identity = TlsIdentity::from_pem(&std::fs::read("server.pem")?, &std::fs::read("server.key")?)?;
//! let clients = ClientCertificates::Asked(Arc::new(AnyCertificate::new()));
//! let tls = Tls::new(&identity, &clients)?;
//!
//! // later, while listeners serve: new handshakes see the new certificate, open connections go on
//! let renewed = TlsIdentity::from_pem(&std::fs::read("server.pem")?, &std::fs::read("server.key")?)?;
//! tls.replace(&renewed, &clients)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod handshake;
mod identity;
mod any_certificate;
mod unique;
mod provider;
mod public_key;

pub use any_certificate::{AnyCertificate, RefuseCertificateError};
pub(crate) use handshake::{HandshakeError, Secured, accept};
pub use identity::{ReadIdentityError, TlsIdentity};
pub use provider::provider;

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    server::{NoServerSessionStorage, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use std::{fmt, sync::Arc};

/// The negotiated version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246, always with the extended master secret of RFC 7627.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// What is asked of clients in the handshake.
#[derive(Clone, Debug)]
pub enum ClientCertificates {
    /// No certificate is requested.
    NotAsked,
    /// A certificate is requested, on the terms of this verifier.
    Asked(Arc<dyn ClientCertVerifier>),
}

/// What small devices can, and what everybody else does.
static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// TLS 1.3 alone.
static NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];

/// Whether `tls-unique` (RFC 5929 §3) is computed for TLS 1.2 connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsUnique {
    /// It is absent from every connection.
    Absent,
    /// The cleartext of each handshake and the master secret are held until the handshake ends, then wiped.
    Computed,
}

/// TLS settings that a listener reads anew for every connection. Clones share them.
#[derive(Clone)]
pub struct Tls {
    current: Arc<ArcSwap<ServerConfig>>,
    unique: TlsUnique,
    versions: &'static [&'static SupportedProtocolVersion],
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("unique", &self.unique).finish_non_exhaustive()
    }
}

impl Tls {
    /// Settings with this server certificate, asking clients in this way; `tls-unique` is absent.
    ///
    /// # Errors
    /// [`BuildTlsError`] when rustls refuses the combination.
    pub fn new(identity: &TlsIdentity, clients: &ClientCertificates) -> Result<Self, BuildTlsError> {
        Self::of(identity, clients, BOTH)
    }

    /// The same with TLS 1.3 alone, for listeners that no small device needs.
    ///
    /// # Errors
    /// [`BuildTlsError`] when rustls refuses the combination.
    pub fn of_1_3(identity: &TlsIdentity, clients: &ClientCertificates) -> Result<Self, BuildTlsError> {
        Self::of(identity, clients, NEWEST)
    }

    fn of(
        identity: &TlsIdentity,
        clients: &ClientCertificates,
        versions: &'static [&'static SupportedProtocolVersion],
    ) -> Result<Self, BuildTlsError> {
        let current = Arc::new(ArcSwap::from_pointee(server_config(identity, clients, versions)?));
        Ok(Self { current, unique: TlsUnique::Absent, versions })
    }

    /// The same settings with `tls-unique` computed or absent.
    #[must_use]
    pub fn with_tls_unique(mut self, unique: TlsUnique) -> Self {
        self.unique = unique;
        self
    }

    /// Replaces certificate and verifier for all handshakes that begin from now on, on every clone.
    ///
    /// # Errors
    /// [`BuildTlsError`]; the former settings then stay in force.
    pub fn replace(&self, identity: &TlsIdentity, clients: &ClientCertificates) -> Result<(), BuildTlsError> {
        self.current.store(Arc::new(server_config(identity, clients, self.versions)?));
        Ok(())
    }
}

/// rustls refuses the settings.
#[derive(Debug, thiserror::Error)]
#[error("the TLS settings do not go together")]
pub struct BuildTlsError {
    /// What rustls says.
    #[from]
    pub source: rustls::Error,
}

fn server_config(
    identity: &TlsIdentity,
    clients: &ClientCertificates,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConfig, BuildTlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions)?;
    let builder = match clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Asked(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
    };
    let resolver = SingleCertAndKey::from(Arc::clone(identity.certified()));
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // RFC 5929 §3.1: on a resumed session tls-unique is another message. There are none: every connection proves
    // the client's key anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // RFC 9266 §2: the exporter binds a TLS 1.2 connection only with the extended master secret; RFC 9325 §3.5 asks
    // for it in any case.
    config.require_ems = true;
    Ok(config)
}
