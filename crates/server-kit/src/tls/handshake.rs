//! One TLS handshake, with its deadline, and what is known of the peer afterwards.
//!
//! It is *not* authorisation: the certificates are those the client proved to hold the key of, on the terms of the verifier
//! that was set; whom they belong to is read elsewhere.

use super::{
    Tls, TlsUnique, TlsVersion,
    unique::{Recorded, Recording},
};
use rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection};
use std::{io, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// RFC 9266 §2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// What a finished handshake says about the peer.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    pub(crate) version: TlsVersion,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) cipher_bits: Option<u16>,
    pub(crate) exporter: Option<[u8; 32]>,
    pub(crate) tls_unique: Option<[u8; 12]>,
}

/// Why a handshake did not end in a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the handshake was not finished in time")]
    TimedOut,
    #[error("the handshake failed")]
    Failed(#[source] io::Error),
    #[error("the connection uses no known version of TLS")]
    Version,
}

/// Runs the handshake on `stream`.
///
/// # Errors
/// [`HandshakeError`]; the client has then been sent the alert, except on [`HandshakeError::TimedOut`].
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &Tls,
    stream: S,
    within: Duration,
) -> Result<(TlsStream<Recorded<S>>, Secured), HandshakeError> {
    let config = tls.current.load_full();
    let (config, recording) = match tls.unique {
        TlsUnique::Absent => (config, None),
        TlsUnique::Computed => {
            let recording = Arc::new(Recording::default());
            (recorded_by(&config, Arc::clone(&recording)), Some(recording))
        }
    };
    let handshake = TlsAcceptor::from(config).accept(Recorded::new(stream, recording.clone()));
    let mut stream = tokio::time::timeout(within, handshake)
        .await
        .map_err(|_| HandshakeError::TimedOut)?
        .map_err(HandshakeError::Failed)?;
    let secured = secured(stream.get_ref().1, recording.as_deref())?;
    stream.get_mut().0.stop();
    Ok((stream, secured))
}

/// The same settings with a key log for one connection: a copy of some pointers.
fn recorded_by(config: &ServerConfig, recording: Arc<Recording>) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.key_log = recording;
    Arc::new(config)
}

fn secured(connection: &ServerConnection, recording: Option<&Recording>) -> Result<Secured, HandshakeError> {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
        Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        Some(_) | None => return Err(HandshakeError::Version),
    };
    let certificates = connection.peer_certificates().unwrap_or_default();
    let suite = connection.negotiated_cipher_suite();
    Ok(Secured {
        version,
        certificates: certificates.iter().map(|certificate| certificate.to_vec()).collect(),
        cipher_bits: suite.and_then(|suite| cipher_bits(suite.suite())),
        // RFC 9266 §2: 32 octets, an empty context (which on TLS 1.2 differs from none).
        exporter: connection.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).ok(),
        tls_unique: recording.zip(suite).and_then(|(recording, suite)| recording.tls_unique(suite)),
    })
}

/// The length of the cipher's key, in bits; nothing for suites that the provider does not have.
fn cipher_bits(suite: CipherSuite) -> Option<u16> {
    if [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ]
    .contains(&suite)
    {
        return Some(128);
    }
    [
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ]
    .contains(&suite)
    .then_some(256)
}
