//! Servers on loopback and the clients that load them: HTTP/1.1 by hyper, TLS by rustls, all in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use server_kit::limits::{Limits, RawLimits};
use server_kit::listener::{Drained, Listener};
use server_kit::shutdown::Shutdown;
use server_kit::tls::Tls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::applicants::Credential;

/// The name in the server's certificate.
pub(crate) const HOST: &str = "localhost";

/// The path of the route that does nothing.
const BARE: &str = "/bare";

/// A listener of the installed program's kind, serving on a port of its own.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    shutdown: Shutdown,
    serving: JoinHandle<Drained>,
}

impl Site {
    /// Opens it, with TLS or without.
    pub(crate) async fn open(router: Router, tls: Option<Tls>) -> anyhow::Result<Self> {
        let limits = RawLimits { max_connections_per_address: 1_024, ..RawLimits::default() };
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let listener = listener.with_limits(Limits::try_from(limits)?);
        let address = listener.local_addr();
        let listener = match tls {
            Some(tls) => listener.with_tls(tls),
            None => listener,
        };
        let shutdown = Shutdown::new(Duration::from_secs(5));
        let serving = tokio::spawn(listener.serve(router, shutdown.clone()));
        Ok(Self { address, shutdown, serving })
    }

    /// Closes it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.shutdown.trigger();
        self.serving.await?;
        Ok(())
    }
}

/// A route that reads what it is sent and answers with `octets` octets: what HTTP costs without anything behind it.
pub(crate) fn bare_router(octets: usize) -> Router {
    let answer = Bytes::from(vec![b'A'; octets]);
    let respond = move |_: Bytes| {
        let answer = answer.clone();
        async move { ([(CONTENT_TYPE, "application/octet-stream")], answer) }
    };
    Router::new().route(BARE, post(respond))
}

/// Where clients send what, and how a good answer looks.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) media_type: &'static str,
    pub(crate) is_good: fn(&Bytes) -> bool,
}

impl Target {
    /// The route that does nothing.
    pub(crate) fn bare(site: &Site, media_type: &'static str) -> Self {
        Self { address: site.address, path: BARE.to_owned(), media_type, is_good: |body| !body.is_empty() }
    }
}

/// A connection of a client.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Client {
    /// Connects, with TLS if there are settings for it.
    pub(crate) async fn connect(
        address: SocketAddr,
        tls: Option<&Arc<ClientConfig>>,
    ) -> anyhow::Result<Self> {
        let stream = connect_from(next_source(), address).await?;
        match tls {
            Some(config) => {
                let connector = TlsConnector::from(Arc::clone(config));
                Self::over(connector.connect(ServerName::try_from(HOST)?, stream).await?).await
            }
            None => Self::over(stream).await,
        }
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> anyhow::Result<Self> {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // The error of a broken connection reaches whoever waits for an answer on it.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }

    /// Posts, and makes sure that the answer is a good one.
    pub(crate) async fn post(&mut self, target: &Target, body: Bytes) -> anyhow::Result<Bytes> {
        let request = Request::post(target.path.as_str())
            .header("Host", HOST)
            .header(CONTENT_TYPE, target.media_type)
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await.context("no answer")?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "the answer is {status}: {}", String::from_utf8_lossy(&body).trim());
        ensure!((target.is_good)(&body), "the answer is {} octets of something else", body.len());
        Ok(body)
    }

    /// Gets, and tells whether the answer is a good one.
    pub(crate) async fn finds(&mut self, path: &str) -> anyhow::Result<bool> {
        let request = Request::get(path).header("Host", HOST).body(Full::default())?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await.context("no answer")?;
        let is_good = response.status().is_success();
        response.into_body().collect().await?;
        Ok(is_good)
    }

    /// Closes the connection as a client does that has what it wanted.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop(self.sender);
        Ok(self.driver.await?)
    }
}

/// Each connection comes from another loopback address, as those of meters do: one address has too few ports for all of them.
fn next_source() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    Ipv4Addr::new(127, 0, 1, NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whom clients trust.
pub(crate) fn trusting(root: &[u8]) -> anyhow::Result<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.to_vec()))?;
    Ok(Arc::new(roots))
}

/// The TLS settings of a client that shows a certificate.
pub(crate) fn client_settings(
    trusted: &Arc<RootCertStore>,
    credential: &Credential,
) -> anyhow::Result<Arc<ClientConfig>> {
    let path = credential.certificates.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(credential.key.clone()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(Arc::clone(trusted))
        .with_client_auth_cert(path, key)?;
    Ok(Arc::new(config))
}
