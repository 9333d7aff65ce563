//! A connection to an EST server, kept for several requests, and the operations on it (RFC 7030 §4).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client_kit::Identity;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::answer;
use crate::answer::DeliveredKey;
use crate::attributes::CsrAttributes;
use crate::endpoint::Endpoint;
use crate::error::EstError;
use crate::http::{self, Content};

/// The most requests for one operation.
const MAX_REDIRECTIONS: usize = 5;

/// Whom the client takes for the server.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Whoever these roots, DER, vouch for (RFC 7030 §3.6.1).
    Roots(Vec<Vec<u8>>),
    /// Anybody, for the first `/cacerts` only, whose content is then checked by a fingerprint (RFC 7030 §4.1.1).
    Nobody,
}

/// User name and password of HTTP Basic (RFC 7030 §3.2.3). Not printable on purpose.
#[derive(Clone)]
pub struct Password {
    /// The user name; may be empty.
    pub user: String,
    /// The password.
    pub secret: Zeroizing<String>,
}

impl core::fmt::Debug for Password {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Password").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An operation that enrols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// RFC 7030 §4.2.1.
    SimpleEnroll,
    /// RFC 7030 §4.2.2.
    SimpleReenroll,
}

/// A connection.
pub struct Connection {
    endpoint: Endpoint,
    /// Whether the server proved to be the one that is meant.
    authenticated: bool,
    password: Option<Password>,
    exporter: Option<[u8; 32]>,
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Connection({})", self.endpoint)
    }
}

impl Connection {
    /// Connects and authenticates both ends.
    ///
    /// # Errors
    /// [`EstError::Unreachable`], which is also what a refused handshake ends with, and [`EstError::Tls`].
    pub async fn open(endpoint: &Endpoint, trust: &Trust, identity: &Identity) -> Result<Self, EstError> {
        let config = match trust {
            Trust::Roots(roots) => client_kit::trusting(roots, identity, &[&TLS13, &TLS12])?,
            Trust::Nobody => client_kit::trusting_nobody()?,
        };
        let stream = TcpStream::connect(endpoint.destination()).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(endpoint.host().to_owned())
            .map_err(|_| EstError::Request("the host is no name that a certificate could have".to_owned()))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let exporter = exporter(stream.get_ref().1);
        let authenticated = matches!(trust, Trust::Roots(_));
        let mut connection = Self::over(stream, endpoint, authenticated).await?;
        connection.exporter = exporter;
        Ok(connection)
    }

    async fn over<S>(stream: S, endpoint: &Endpoint, authenticated: bool) -> Result<Self, EstError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // The error of a broken connection reaches whoever waits for an answer on it.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { endpoint: endpoint.clone(), authenticated, password: None, exporter: None, sender, driver })
    }

    /// Sends a password with each request from now on, if the server is authenticated.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Asks under another label from now on.
    pub fn use_label(&mut self, label: &str) {
        self.endpoint = self.endpoint.labelled(label);
    }

    /// Returns the channel binding for challengePassword: base64 of the exporter (RFC 9266), on TLS 1.3.
    #[must_use]
    pub fn channel_binding(&self) -> Option<String> {
        self.exporter.map(|octets| STANDARD.encode(octets))
    }

    /// Asks for the CA certificates, each DER (RFC 7030 §4.1).
    ///
    /// # Errors
    /// [`EstError`].
    pub async fn ca_certificates(&mut self) -> Result<Vec<Vec<u8>>, EstError> {
        let content = self.get("cacerts").await?;
        answer::certificates(&answer::decode(&content.octets)?)
    }

    /// Asks what requests should say (RFC 7030 §4.5).
    ///
    /// # Errors
    /// [`EstError`]; 404 says that nothing is wanted, as 204 does (RFC 7030 §4.5.2).
    pub async fn csr_attributes(&mut self) -> Result<CsrAttributes, EstError> {
        match self.get("csrattrs").await {
            Ok(content) => CsrAttributes::from_der(&answer::decode(&content.octets)?),
            Err(EstError::Refused { status: 404, .. }) => Ok(CsrAttributes::default()),
            Err(error) => Err(error),
        }
    }

    /// Enrols by one certification request, DER; returns the certificate, DER.
    ///
    /// # Errors
    /// [`EstError`].
    pub async fn enrol(&mut self, operation: Operation, request: &[u8]) -> Result<Vec<u8>, EstError> {
        let operation = match operation {
            Operation::SimpleEnroll => "simpleenroll",
            Operation::SimpleReenroll => "simplereenroll",
        };
        let content = self.post(operation, request).await?;
        answer::certificate(&answer::decode(&content.octets)?)
    }

    /// Has the server make a key; returns PKCS#8 and certificate, DER (RFC 7030 §4.4).
    ///
    /// # Errors
    /// [`EstError`].
    pub async fn server_key(&mut self, request: &[u8]) -> Result<(DeliveredKey, Vec<u8>), EstError> {
        let content = self.post("serverkeygen", request).await?;
        let octets = Zeroizing::new(content.octets);
        let made = answer::key_and_certificate(&content.media_type, &octets)?;
        Ok((made.key, made.certificate))
    }

    async fn get(&mut self, operation: &str) -> Result<Content, EstError> {
        self.send(&Method::GET, operation, &[]).await
    }

    async fn post(&mut self, operation: &str, der: &[u8]) -> Result<Content, EstError> {
        self.send(&Method::POST, operation, der).await
    }

    /// Sends a request, and again where the server sends it to another path of its own.
    async fn send(&mut self, method: &Method, operation: &str, der: &[u8]) -> Result<Content, EstError> {
        let mut path = self.path_of(operation)?;
        for _ in 0..MAX_REDIRECTIONS {
            let request = self.request(method, &path, der)?;
            path = match http::exchange(&mut self.sender, request).await {
                Err(EstError::Redirected { status, location }) => self
                    .redirected(method, status, &location)
                    .ok_or(EstError::Redirected { status, location })?,
                answered => return answered,
            };
        }
        Err(EstError::Answer("it is one redirection after another"))
    }

    fn request(&self, method: &Method, path: &str, der: &[u8]) -> Result<Request<Full<Bytes>>, EstError> {
        let request = self.head(Request::builder().method(method).uri(path));
        let request = match *method {
            Method::POST => request
                .header(CONTENT_TYPE, "application/pkcs10")
                // For servers from before RFC 8951.
                .header("Content-Transfer-Encoding", "base64")
                .body(Full::from(STANDARD.encode(der))),
            _ => request.body(Full::default()),
        };
        request.map_err(|error| EstError::Request(error.to_string()))
    }

    /// RFC 7030 §3.2.1: at the same origin, and authenticated, nobody is asked. The connection stays, and with it what a request
    /// is bound to. Elsewhere whoever calls must be asked; by 301, 302 and 303 a POST may become a GET (RFC 9110 §15.4).
    fn redirected(&self, method: &Method, status: u16, location: &str) -> Option<String> {
        let keeps_method = matches!(status, 307 | 308);
        let follows = keeps_method || *method == Method::GET && matches!(status, 301..=303);
        self.endpoint.path_at_same_origin(location).filter(|_| follows && self.authenticated)
    }

    /// RFC 7030 §4.1.1: whoever is not authenticated is asked for the CA certificates only.
    fn path_of(&self, operation: &str) -> Result<String, EstError> {
        if self.authenticated || operation == "cacerts" {
            return Ok(self.endpoint.path_of(operation));
        }
        Err(EstError::Request("the server is not authenticated, and gives CA certificates only".to_owned()))
    }

    fn head(&self, request: hyper::http::request::Builder) -> hyper::http::request::Builder {
        let request = request.header(HOST, self.endpoint.authority());
        // RFC 7030 §3.2.3, §4.1.1: no credentials for a server that is not authenticated.
        match self.password.as_ref().filter(|_| self.authenticated) {
            Some(Password { user, secret }) => {
                let pair = Zeroizing::new(format!("{user}:{}", secret.as_str()));
                request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            None => request,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// RFC 9266 §2, §4.2: 32 octets, empty context; on TLS 1.2 the value would be tls-unique, which rustls does not tell.
fn exporter(connection: &rustls::ClientConnection) -> Option<[u8; 32]> {
    let is_13 = connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
    let exported = || connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[]));
    if is_13 { exported().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    // RFC 7030 §4.1.1, §3.2.3, §3.6: before the server is authenticated there are no credentials and no other exchange.
    #[tokio::test]
    async fn an_unknown_server_hears_no_password_and_is_asked_for_nothing_else() {
        for (authenticated, heard) in [(false, false), (true, true)] {
            let (ours, mut theirs) = duplex(1 << 16);
            let endpoint = Endpoint::parse("https://est.example/.well-known/est").unwrap();
            let password = Password { user: "meter".to_owned(), secret: "secret".to_owned().into() };
            let connection = Connection::over(ours, &endpoint, authenticated).await.unwrap();
            let mut connection = connection.with_password(password);
            let server = tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(theirs.read_u8().await.unwrap());
                }
                theirs.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                String::from_utf8(head).unwrap().to_lowercase()
            });
            if !authenticated {
                for refused in [
                    connection.enrol(Operation::SimpleEnroll, &[0x30]).await.map(drop),
                    connection.csr_attributes().await.map(drop),
                    connection.server_key(&[0x30]).await.map(drop),
                ] {
                    assert!(matches!(refused, Err(EstError::Request(_))), "{refused:?}");
                }
            }
            let answer = connection.ca_certificates().await;
            assert!(matches!(answer, Err(EstError::Refused { status: 404, .. })), "{answer:?}");
            let head = server.await.unwrap();
            assert!(head.starts_with("get /.well-known/est/cacerts "), "{head}");
            assert_eq!(head.contains("\r\nauthorization: basic "), heard, "{head}");
        }
    }

    /// What the client sends to a server that answers so, one after another; and what it makes of it.
    async fn sent(
        authenticated: bool,
        method: Method,
        answers: &'static [&'static str],
    ) -> (Vec<String>, Result<Content, EstError>) {
        let (ours, mut theirs) = duplex(1 << 16);
        let endpoint = Endpoint::parse("https://est.example/.well-known/est").unwrap();
        let mut connection = Connection::over(ours, &endpoint, authenticated).await.unwrap();
        let server = tokio::spawn(async move {
            let mut lines = Vec::new();
            for answer in answers {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(theirs.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                if head.starts_with("POST") {
                    assert_eq!(theirs.read_exact(&mut [0; 4]).await.unwrap(), 4, "the body again");
                }
                lines.push(head.lines().next().unwrap().to_owned());
                theirs.write_all(answer.as_bytes()).await.unwrap();
            }
            drop(theirs);
            lines
        });
        let told = connection.send(&method, "cacerts", &[1, 2, 3]).await;
        drop(connection);
        (server.await.unwrap(), told)
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nMA";

    // RFC 7030 §3.2.1: redirections to the same origin are followed without asking.
    #[tokio::test]
    async fn a_redirection_to_another_path_of_the_server_is_followed() {
        const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: https://est.example:443/new/cacerts\r\nContent-Length: 0\r\n\r\n";
        const KEPT: &str = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n";
        let (lines, told) = sent(true, Method::GET, &[MOVED, GOOD]).await;
        assert_eq!(lines, ["GET /.well-known/est/cacerts HTTP/1.1", "GET /new/cacerts HTTP/1.1"]);
        assert!(told.is_ok());
        let (lines, told) = sent(true, Method::POST, &[KEPT, GOOD]).await;
        assert_eq!(lines, ["POST /.well-known/est/cacerts HTTP/1.1", "POST /new HTTP/1.1"]);
        assert!(told.is_ok());
        let (_, told) = sent(true, Method::GET, &[KEPT; 5]).await;
        assert!(matches!(told, Err(EstError::Answer(_))), "not for ever");
    }

    // RFC 7030 §3.2.1: other origins, and what would change the request, are for whoever calls to decide.
    #[tokio::test]
    async fn a_redirection_elsewhere_is_told_and_nothing_is_sent_there() {
        const ELSEWHERE: &str = "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n";
        const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n";
        const NOWHERE: &str = "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n";
        for (authenticated, method, answers) in [
            (true, Method::GET, &[ELSEWHERE]),
            (true, Method::POST, &[ELSEWHERE]),
            (true, Method::POST, &[MOVED]),
            (true, Method::GET, &[NOWHERE]),
            (false, Method::GET, &[MOVED]),
        ] {
            let (lines, told) = sent(authenticated, method, answers).await;
            assert_eq!(lines.len(), 1);
            assert!(matches!(told, Err(EstError::Redirected { .. })), "{answers:?}");
        }
    }
}
