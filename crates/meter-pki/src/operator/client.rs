//! The other end of the operator's socket, or of the listener for operators elsewhere: one request, one answer.

mod calls;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::HeaderValue;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use calls::Shown;
pub use calls::{Calls, Key};

use super::wire::problem::ProblemView;
use super::wire::{AuditPage, AuditQuery};
use crate::exit::{Exit, Failure};
use crate::sign_in::TokenFile;
use crate::web::{self, WebError, WebPlace};

/// Asks a serving meter-pki.
#[derive(Debug, Clone)]
pub struct OperatorClient {
    way: Way,
    calls: Calls,
    /// How curl would reach the server: its options, and what stands in front of every path.
    reached: Reached,
}

/// How curl would reach a server: its options, and what stands in front of every path.
pub(crate) type Reached = (Vec<String>, String);

/// How the server is reached.
#[derive(Debug, Clone)]
enum Way {
    /// On this machine.
    Socket(PathBuf),
    /// Over TLS, with a client certificate, or with the token of whoever signed in.
    Elsewhere(Arc<(WebPlace, Arc<ClientConfig>, Option<TokenFile>)>),
}

impl OperatorClient {
    /// Makes a client of the socket at `socket`; connects at each request.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        let options = vec!["--unix-socket".to_owned(), socket.display().to_string()];
        let reached = (options, "http://localhost".to_owned());
        Self { way: Way::Socket(socket.to_path_buf()), calls: Calls::default(), reached }
    }

    /// Makes a client of a server elsewhere.
    pub(crate) fn elsewhere(place: WebPlace, tls: ClientConfig, reached: Reached) -> Self {
        let way = Way::Elsewhere(Arc::new((place, Arc::new(tls), None)));
        Self { way, calls: Calls::default(), reached }
    }

    /// The same for whoever signs in at an identity provider.
    pub(crate) fn signed_in(
        place: WebPlace,
        tls: ClientConfig,
        (token, reached): (TokenFile, Reached),
    ) -> Self {
        let way = Way::Elsewhere(Arc::new((place, Arc::new(tls), Some(token))));
        Self { way, calls: Calls::default(), reached }
    }

    /// The same, with what a caller asks for beside the calls.
    #[must_use]
    pub fn with(self, calls: Calls) -> Self {
        Self { calls, ..self }
    }

    /// Returns where the token is kept, for whoever signs in.
    pub(crate) fn token_file(&self) -> Option<&TokenFile> {
        match &self.way {
            Way::Socket(_) => None,
            Way::Elsewhere(there) => there.2.as_ref(),
        }
    }

    /// Reads.
    ///
    /// # Errors
    /// The server's failure, or [`Exit::Unavailable`] when nobody serves.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Failure> {
        let text = query_text(query)?;
        let target = if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") };
        self.send(Method::GET, &target, Bytes::new()).await
    }

    /// Reads what is no JSON, octet for octet.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn file(&self, path: &str, query: &impl Serialize) -> Result<Bytes, Failure> {
        let text = query_text(query)?;
        let target = if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") };
        let (status, octets) = self.exchange(Method::GET, &target, Bytes::new()).await?;
        if status.is_success() { Ok(octets) } else { Err(told(status, &octets)) }
    }

    /// Changes.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| malformed(&error))?;
        self.send(Method::POST, path, Bytes::from(body)).await
    }

    /// Reads audit records, DER each: those after this number, at most so many.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(crate) async fn audit_records(&self, after: u64, limit: u32) -> Result<Vec<Vec<u8>>, Failure> {
        let page: AuditPage = self.get("/v1/audit", &AuditQuery { after, limit }).await?;
        page.records.iter().map(|text| STANDARD.decode(text).map_err(|error| malformed(&error))).collect()
    }

    /// Gets a text, or a JSON object, whatever the status: what health checks say of a part that failed comes with 503.
    ///
    /// # Errors
    /// A [`Failure`] when the server cannot be reached or answers what is no text.
    pub async fn text(&self, path: &str) -> Result<String, Failure> {
        let (_, octets) = self.exchange(Method::GET, path, Bytes::new()).await?;
        String::from_utf8(octets.to_vec()).map_err(|error| malformed(&error))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<T, Failure> {
        let (status, octets) = self.exchange(method, target, body).await?;
        if status.is_success() {
            return serde_json::from_slice(&octets).map_err(|error| malformed(&error));
        }
        Err(told(status, &octets))
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let changes = method == Method::POST;
        let key = self.calls.key.as_ref().filter(|_| changes).map(Key::next);
        if self.calls.shown {
            let body = changes.then_some(&*body);
            Shown { reached: &self.reached, target, key: key.as_deref(), body }.show();
        }
        let mut request =
            Request::builder().method(method).uri(target).header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let mut request = request.body(Full::new(body)).map_err(|error| malformed(&error))?;
        match &self.way {
            Way::Socket(socket) => over_socket(socket, request).await,
            Way::Elsewhere(there) => {
                let (place, tls, token) = there.as_ref();
                if let Some(token) = token {
                    drop(request.headers_mut().insert(AUTHORIZATION, Box::pin(token.bearer()).await?));
                }
                let sent = Box::pin(web::send(place, Some(tls), request));
                let response = sent.await.map_err(|error| away(&error))?;
                let status = response.status();
                let body = response.into_body().collect().await;
                Ok((status, body.map_err(|error| broken(&error))?.to_bytes()))
            }
        }
    }
}

async fn over_socket(
    socket: &Path,
    mut request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Failure> {
    let stream = UnixStream::connect(socket).await.map_err(|error| nobody(socket, &error))?;
    request.headers_mut().insert(HOST, HeaderValue::from_static("meter-pki"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let octets = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
    driver.abort();
    Ok((status, octets))
}

/// What the server tells of a failure.
fn told(status: StatusCode, octets: &[u8]) -> Failure {
    serde_json::from_slice::<ProblemView>(octets).map_or_else(
        |_| Failure::new(Exit::Failed, "operator.status", format!("the server answered {status}")),
        ProblemView::failure,
    )
}

fn broken(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, "operator.broken", error)
}

fn nobody(socket: &Path, error: &std::io::Error) -> Failure {
    let message = format!("nobody serves at {}: {error}", socket.display());
    Failure::new(Exit::Unavailable, "operator.nobody", message)
        .then("start `meter-pki serve` with the same --config, then try again")
}

/// A server elsewhere that is not reached, or does not take us as we are.
fn away(error: &WebError) -> Failure {
    Failure::new(Exit::Unavailable, "operator.away", error)
        .then("see [server] of the file that --config names: url, trust_file, certificate_file")
}

/// Writes a flat structure as a query string; every value we send is plain ASCII or is escaped here.
pub(crate) fn query_text(query: &impl Serialize) -> Result<String, Failure> {
    let value = serde_json::to_value(query).map_err(|error| malformed(&error))?;
    let pairs = value.as_object().into_iter().flatten().filter_map(|(name, value)| match value {
        serde_json::Value::String(text) => Some(format!("{name}={}", escaped(text))),
        serde_json::Value::Number(number) => Some(format!("{name}={number}")),
        serde_json::Value::Bool(flag) => Some(format!("{name}={flag}")),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    });
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

/// Escapes all but unreserved characters (RFC 3986 §2.3).
pub(crate) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(octet).to_string()
            }
            _ => format!("%{octet:02X}"),
        })
        .collect()
}

fn malformed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "operator.malformed", error)
}
