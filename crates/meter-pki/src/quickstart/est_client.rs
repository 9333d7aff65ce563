//! The EST client of the simulated meters and of the line station: TLS by rustls, HTTP/1.1 by hyper, RFC 7030 §4.2.
//!
//! One connection, kept for several requests. It knows the roots it trusts and nothing of the server's code.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use der::Decode;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The name in the server's certificate.
const SERVER: &str = "localhost";

/// What a client shows in the TLS handshake.
pub(super) struct Credential {
    /// DER certificates, the client's own first.
    pub certificates: Vec<Vec<u8>>,
    /// PKCS#8 of the client's key.
    pub key: Vec<u8>,
}

/// A connection to an EST server.
pub(super) struct EstClient {
    sender: SendRequest<Full<Bytes>>,
    driver: tokio::task::JoinHandle<()>,
}

impl EstClient {
    /// Connects and authenticates both ends.
    pub(super) async fn connect(
        address: SocketAddr,
        trusted: &[Vec<u8>],
        credential: &Credential,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in trusted {
            roots.add(CertificateDer::from(root.clone()))?;
        }
        let chain = credential.certificates.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(credential.key.clone()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(SERVER)?;
        let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        // The error of a broken connection reaches whoever waits for an answer on it.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }

    /// Enrols: one certification request in, one certificate out.
    pub(super) async fn enrol(&mut self, label: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        let request = Request::post(format!("/.well-known/est/{label}/simpleenroll"))
            .header("Host", SERVER)
            .header("Content-Type", "application/pkcs10")
            .header("Content-Transfer-Encoding", "base64")
            .body(Full::new(Bytes::from(STANDARD.encode(request))))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await.context("no answer from the EST server")?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("the EST server answered {status}: {}", String::from_utf8_lossy(&body).trim());
        }
        certificate_of(&body)
    }
}

impl Drop for EstClient {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Takes the one certificate out of a certs-only answer (RFC 7030 §4.2.3).
fn certificate_of(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let text: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(text).context("the answer is not base64")?;
    let content = cms::content_info::ContentInfo::from_der(&der).context("the answer is not CMS")?;
    let signed: cms::signed_data::SignedData =
        content.content.decode_as().context("the answer is not SignedData")?;
    let set = signed.certificates.context("the answer has no certificates")?;
    let octets: Vec<Vec<u8>> =
        set.0.iter().map(der::Encode::to_der).collect::<Result<_, _>>().context("unreadable certificate")?;
    let [one] = octets.as_slice() else {
        bail!("the answer has {} certificates, not one", octets.len());
    };
    Certificate::from_der(one).context("the answer's certificate is not one")?;
    Ok(one.clone())
}
