//! TLS towards the server: rustls under tokio-postgres. Nothing of TLS itself.
//!
//! Where the password is proven by SCRAM, the proof is bound to the server's certificate (RFC 5929 §4, tls-server-end-point).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use der::Decode;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Makes connections that are TLS.
#[derive(Clone)]
pub(super) struct Rustls(pub(super) Arc<ClientConfig>);

/// Makes one to a host of this name.
pub(super) struct ToHost {
    connector: TlsConnector,
    host: ServerName<'static>,
}

/// A connection that is TLS.
pub(super) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Rustls {
    type Stream = Stream<S>;
    type TlsConnect = ToHost;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<ToHost, Self::Error> {
        let host = ServerName::try_from(domain.to_owned())?;
        Ok(ToHost { connector: TlsConnector::from(Arc::clone(&self.0)), host })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for ToHost {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { Ok(Stream(self.connector.connect(self.host, stream).await?)) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, connection) = self.0.get_ref();
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        match certificate.and_then(|der| end_point(der.as_ref())) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

/// RFC 5929 §4.1: the hash of the certificate by the function of its signature, SHA-256 in place of anything weaker; none where
/// the signature names none.
fn end_point(der: &[u8]) -> Option<Vec<u8>> {
    const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";
    const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";
    const RSA_WITH_SHA384: &str = "1.2.840.113549.1.1.12";
    const RSA_WITH_SHA512: &str = "1.2.840.113549.1.1.13";
    const ED25519: &str = "1.3.101.112";
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    match certificate.signature_algorithm().oid.to_string().as_str() {
        ECDSA_WITH_SHA384 | RSA_WITH_SHA384 => Some(Sha384::digest(der).to_vec()),
        ECDSA_WITH_SHA512 | RSA_WITH_SHA512 => Some(Sha512::digest(der).to_vec()),
        ED25519 => None,
        _ => Some(Sha256::digest(der).to_vec()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
