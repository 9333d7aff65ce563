//! Messages over HTTP: a POST each, its answer in (RFC 9811 §3).
//!
//! A connection is kept while the server keeps it, and made anew where it does not: a transaction need not keep to one
//! (RFC 9811 §3.1), though some servers think so, and polling takes days.

use std::sync::Arc;

use client_kit::{Identity, TlsError};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::endpoint::Endpoint;
use cmp_messages::operation::Operation;

/// The most octets an answer may have; a CRL of a large fleet has some hundred thousand.
const MAX_ANSWER: usize = 16 << 20;
/// RFC 9811 §3.2.
const MEDIA_TYPE: &str = "application/pkixcmp";

/// A way to a server.
#[derive(Debug)]
pub struct Connection {
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    open: Option<Open>,
}

/// A connection that is open, or was when it was last used.
#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Prepares the way. `roots`, DER, vouch for the server where it is spoken to over TLS; `identity` is shown to it there.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn prepare(endpoint: Endpoint, roots: &[Vec<u8>], identity: &Identity) -> Result<Self, TlsError> {
        let tls = match endpoint.is_secure() {
            true => Some(Arc::new(client_kit::trusting(roots, identity, &[&TLS13, &TLS12])?)),
            false => None,
        };
        Ok(Self { endpoint, tls, open: None })
    }

    /// Sends a message and returns what answers it.
    ///
    /// # Errors
    /// [`TransferError`].
    pub async fn exchange(&mut self, operation: Operation, message: &[u8]) -> Result<Vec<u8>, TransferError> {
        if let Some(mut open) = self.open.take() {
            // What a connection that was kept did not carry goes over a new one: the same octets are the same message.
            match open.post(self.request(operation, message)?).await {
                Err(TransferError::Http(_)) => {}
                answered => {
                    self.open = Some(open);
                    return answered;
                }
            }
        }
        let mut open = self.connect().await?;
        let answered = open.post(self.request(operation, message)?).await;
        self.open = Some(open);
        answered
    }

    fn request(&self, operation: Operation, message: &[u8]) -> Result<Request<Full<Bytes>>, TransferError> {
        Request::post(self.endpoint.path_of(operation))
            .header(HOST, self.endpoint.authority().to_string())
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .body(Full::new(Bytes::copy_from_slice(message)))
            .map_err(|_| TransferError::Name)
    }

    async fn connect(&self) -> Result<Open, TransferError> {
        let authority = self.endpoint.authority();
        let stream = TcpStream::connect(authority.destination()).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Open::over(stream).await,
            Some(config) => {
                let name = ServerName::try_from(authority.host().to_owned());
                let name = name.map_err(|_| TransferError::Name)?;
                Open::over(TlsConnector::from(Arc::clone(config)).connect(name, stream).await?).await
            }
        }
    }
}

impl Open {
    async fn over<S>(stream: S) -> Result<Self, TransferError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // The error of a broken connection reaches whoever waits for the answer on it.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }

    async fn post(&mut self, request: Request<Full<Bytes>>) -> Result<Vec<u8>, TransferError> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let field =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let media_type = field(CONTENT_TYPE).unwrap_or_default();
        let retry_after = field(RETRY_AFTER).and_then(|text| text.parse().ok());
        let is_message =
            media_type.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(MEDIA_TYPE));
        let body = Limited::new(response.into_body(), MAX_ANSWER);
        let octets = body.collect().await.map_err(|_| TransferError::Incomplete)?.to_bytes().to_vec();
        match status {
            // RFC 9811 §3.1: a CMP answer comes with 200; error messages may come with 4xx and 5xx, and are read.
            StatusCode::OK if is_message => Ok(octets),
            status if is_message && (status.is_client_error() || status.is_server_error()) => Ok(octets),
            status => {
                let text = String::from_utf8_lossy(&octets);
                let text = text.trim().chars().filter(|c| !c.is_control()).take(300).collect();
                Err(TransferError::Refused { status: status.as_u16(), retry_after, text })
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why no message came back.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The server cannot be reached, or the connection broke.
    #[error("the CMP server cannot be reached: {0}")]
    Unreachable(#[from] std::io::Error),
    /// The HTTP exchange broke.
    #[error("the CMP server broke the exchange off: {0}")]
    Http(#[from] hyper::Error),
    /// The host or path cannot stand in a request.
    #[error("the host is no name that a certificate could have")]
    Name,
    /// The answer breaks off or is too long.
    #[error("the answer of the CMP server breaks off or is too long")]
    Incomplete,
    /// There is an answer, and it is no message.
    #[error("the CMP server answered with {status} and no message: {text}")]
    Refused {
        /// The status code.
        status: u16,
        /// After how many seconds to come again, if it says.
        retry_after: Option<u64>,
        /// What it says.
        text: String,
    },
}

impl TransferError {
    /// Returns after how many seconds it may help to send the same message again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Unreachable(_) | Self::Http(_) => Some(10),
            Self::Refused { status: 503 | 429, retry_after: Some(seconds), .. } => Some(*seconds),
            Self::Refused { status: 503 | 429, retry_after: None, .. } => Some(60),
            Self::Refused { .. } | Self::Name | Self::Incomplete => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    /// What the client makes of this answer.
    async fn told(answer: &'static str) -> Result<Vec<u8>, TransferError> {
        let (ours, mut theirs) = duplex(1 << 12);
        let server = tokio::spawn(async move {
            assert_ne!(theirs.read(&mut [0; 1024]).await.unwrap(), 0);
            theirs.write_all(answer.as_bytes()).await.unwrap();
            theirs.shutdown().await.unwrap();
        });
        let mut open = Open::over(ours).await.unwrap();
        let told = open.post(Request::post("/").body(Full::default()).unwrap()).await;
        server.await.unwrap();
        told
    }

    // RFC 9811 §3.1: 200 and no other success; error messages with 4xx and 5xx are read.
    #[tokio::test]
    async fn a_message_comes_with_200_or_an_error_status() {
        for status in ["200 OK", "400 Bad Request", "500 Internal Server Error"] {
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/pkixcmp\r\nContent-Length: 2\r\n\r\nok"
            );
            assert_eq!(told(answer.leak()).await.unwrap(), b"ok", "{status}");
        }
        for status in ["201 Created", "302 Found"] {
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/pkixcmp\r\nContent-Length: 2\r\n\r\nok"
            );
            assert!(matches!(told(answer.leak()).await, Err(TransferError::Refused { .. })), "{status}");
        }
    }

    #[tokio::test]
    async fn what_is_no_message_is_told_with_its_status_and_when_to_come_again() {
        let told =
            told("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\nContent-Length: 4\r\n\r\nbusy")
                .await
                .unwrap_err();
        assert_eq!(told.retry_after(), Some(9));
        assert_eq!(told.to_string(), "the CMP server answered with 503 and no message: busy");
    }
}
