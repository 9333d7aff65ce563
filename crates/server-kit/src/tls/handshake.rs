//! One TLS handshake, with its deadline, and what is known of the peer afterwards.
//!
//! It is *not* authorisation: the certificates are those the client proved to hold the key of, on the terms of the verifier
//! that was set; whom they belong to is read elsewhere.

use super::{
    Tls, TlsUnique, TlsVersion,
    unique::{Recorded, Recording},
};
use rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection, server::Acceptor};
use std::{io, sync::Arc, time::Duration};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

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

/// Runs the handshake on `stream`; waits for `turn` when the client has said its hello.
///
/// # Errors
/// [`HandshakeError`]; the client has then been sent the alert, except on [`HandshakeError::TimedOut`].
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &Tls,
    stream: S,
    within: Duration,
    turn: impl Future<Output = ()>,
) -> Result<(TlsStream<Recorded<S>>, Secured), HandshakeError> {
    let config = tls.current.load_full();
    let (config, recording) = match tls.unique {
        TlsUnique::Absent => (config, None),
        TlsUnique::Computed => {
            let recording = Arc::new(Recording::default());
            (recorded_by(&config, Arc::clone(&recording)), Some(recording))
        }
    };
    let hello = LazyConfigAcceptor::new(Acceptor::default(), Recorded::new(stream, recording.clone()));
    let handshake = async {
        let hello = hello.await?;
        turn.await;
        hello.into_stream(config).await
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{AnyCertificate, ClientCertificates, RefuseCertificateError, TlsIdentity, provider};
    use rcgen::{CertificateParams, CustomExtension, KeyPair};
    use rustls::{
        CertificateError, ClientConfig, Error, InvalidMessage, OtherError, RootCertStore,
        SupportedProtocolVersion,
        pki_types::{PrivateKeyDer, ServerName},
        version::{TLS12, TLS13},
    };
    use tokio_rustls::TlsConnector;

    /// Certifies itself, with so many octets in an extension that nobody knows.
    fn certified(filler: usize) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        if filler > 0 {
            let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![0; filler]);
            params.custom_extensions.push(extension);
        }
        (params.self_signed(&key).unwrap(), key)
    }

    /// Shakes hands with a client that shows so many certificates of this size; returns what the server says.
    async fn judge(
        version: &'static SupportedProtocolVersion,
        (count, filler): (usize, usize),
    ) -> Result<(), Error> {
        let (server, server_key) = certified(0);
        let identity =
            TlsIdentity::from_pem(server.pem().as_bytes(), server_key.serialize_pem().as_bytes()).unwrap();
        let tls = Tls::new(&identity, &ClientCertificates::Asked(Arc::new(AnyCertificate::new()))).unwrap();
        let (shown, key) = certified(filler);
        let mut roots = RootCertStore::empty();
        roots.add(server.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![shown.der().clone(); count], key)
            .unwrap();
        // Room for all that the client sends: whoever refuses it reads no further.
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        let (outcome, _client) = tokio::join!(
            accept(&tls, ours, Duration::from_secs(60), async {}),
            connector.connect(name, theirs)
        );
        match outcome {
            Ok(_) => Ok(()),
            Err(HandshakeError::Failed(error)) => {
                Err(*error.into_inner().unwrap().downcast::<Error>().unwrap())
            }
            Err(other) => panic!("{other}"),
        }
    }

    // T-08: certificates that fit into a message of TLS meet our limit, and those that do not that of the TLS library.
    #[tokio::test]
    async fn t_08_giant_certificates_meet_the_limit_that_is_there_for_them() {
        for version in [&TLS12, &TLS13] {
            assert_eq!(judge(version, (1, 32_000)).await, Ok(()));
            let Err(Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))) =
                judge(version, (1, 33_000)).await
            else {
                panic!("our own limit")
            };
            let cause = cause.downcast_ref::<RefuseCertificateError>().unwrap();
            assert!(
                matches!(cause, RefuseCertificateError::TooLarge { octets } if *octets > 33_000),
                "{cause}"
            );
            let refusal = judge(version, (4, 20_000)).await;
            let of_the_library = Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge);
            assert_eq!(refusal, Err(of_the_library));
        }
    }
}
