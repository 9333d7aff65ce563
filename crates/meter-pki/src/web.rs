//! HTTP towards others: one request, one answer, its body as it comes. Over TLS only where somebody says whom to trust.
//!
//! For fetching what is published and for pushing it elsewhere. Follows no redirection and sends no name of a user. RFC 9110.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client_kit::{Authority, Identity};
use hyper::body::{Body, Incoming};
use hyper::header::HOST;
use hyper::http::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long until a server has answered the head of a request, besides the time that the body takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many octets of a body go in a second at least.
const SLOWEST: u64 = 16 * 1024;

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebPlace {
    is_secure: bool,
    authority: Authority,
    target: String,
}

impl WebPlace {
    /// Parses `http[s]://HOST[:PORT][/PATH][?QUERY]`.
    pub(crate) fn parse(text: &str) -> Result<Self, WebError> {
        let unfit = || WebError::Place { text: text.to_owned() };
        let (is_secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(unfit()),
        };
        let (authority, target) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let authority = Authority::parse(authority, if is_secure { 443 } else { 80 }).map_err(|_| unfit())?;
        Ok(Self { is_secure, authority, target: target.to_owned() })
    }

    /// Returns path and query.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }
}

/// Reads whom to trust: the roots of a PEM file, and nobody else.
pub(crate) fn trusting(roots_file: &Path) -> Result<ClientConfig, String> {
    let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", roots_file.display());
    let roots = CertificateDer::pem_file_iter(roots_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let roots: Vec<Vec<u8>> =
        roots.map_err(|error| unusable(&error))?.iter().map(|root| root.to_vec()).collect();
    client_kit::trusting(&roots, &Identity::Anonymous, &[&TLS13, &TLS12]).map_err(|error| unusable(&error))
}

/// Sends a request, whose target is that of the place, and returns the head of the answer with the body still to come.
pub(crate) async fn send<B>(
    place: &WebPlace,
    tls: Option<&Arc<ClientConfig>>,
    request: Request<B>,
) -> Result<Response<Incoming>, WebError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let patience = PATIENCE + Duration::from_secs(request.body().size_hint().lower() / SLOWEST);
    let sent = async {
        let stream = TcpStream::connect((place.authority.host(), place.authority.port())).await?;
        stream.set_nodelay(true)?;
        if !place.is_secure {
            return over(stream, place, request).await;
        }
        let tls = tls.ok_or(WebError::Untrusted)?;
        let name =
            ServerName::try_from(place.authority.host().to_owned()).map_err(|_| WebError::Untrusted)?;
        over(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?, place, request).await
    };
    tokio::time::timeout(patience, sent).await.map_err(|_| WebError::Late { patience })?
}

async fn over<S, B>(
    stream: S,
    place: &WebPlace,
    mut request: Request<B>,
) -> Result<Response<Incoming>, WebError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if let Ok(host) = HeaderValue::try_from(place.authority.to_string()) {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // The error of a broken connection reaches whoever waits for the answer on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender.send_request(request).await?)
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// Not an address.
    #[error("{text} is not http[s]://HOST[:PORT]/PATH")]
    Place {
        /// What was given.
        text: String,
    },
    /// Over TLS, and nobody said whom to trust.
    #[error("the address is https and nothing says which roots vouch for the server")]
    Untrusted,
    /// Not reached, or broken off.
    #[error("{0}")]
    Link(#[from] std::io::Error),
    /// Not HTTP, or broken off.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// No answer.
    #[error("no answer within {} s", patience.as_secs())]
    Late {
        /// How long was waited.
        patience: Duration,
    },
}
