//! The other end of the redirection: a listener on this machine for one answer (RFC 8252 §7.3, §8.3).

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::form_urlencoded::parse;

/// The path of the redirection.
const PATH: &str = "/callback";
/// How long a browser has for a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener for one answer.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    redirect_uri: String,
    state: Arc<str>,
}

/// What the browser came back with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// The code, or the provider's word for why there is none.
    pub(super) code: Result<String, String>,
    /// The issuer (RFC 9207), if it is named.
    pub(super) issuer: Option<String>,
}

impl Loopback {
    /// Listens on this machine; only an answer with this state counts.
    pub(super) async fn bind(port: Option<u16>, state: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        // The address as a number: a name could be resolved to elsewhere (RFC 8252 §8.3).
        let redirect_uri = format!("http://{}{PATH}", listener.local_addr()?);
        Ok(Self { listener, redirect_uri, state: state.into() })
    }

    /// Returns where the browser is sent.
    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the answer.
    pub(super) async fn answered(&self) -> Answered {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(serve(stream, Arc::clone(&self.state)));
                    }
                }
                Some(ended) = connections.join_next() => {
                    if let Ok(Some(answered)) = ended {
                        return answered;
                    }
                }
            }
        }
    }
}

/// Serves a connection to its end, and returns the answer if that was in it.
async fn serve(stream: TcpStream, state: Arc<str>) -> Option<Answered> {
    let kept = Mutex::new(None);
    let service = service_fn(async |request: Request<Incoming>| {
        let query = request.uri().query().unwrap_or_default();
        let is_answer = request.method() == Method::GET && request.uri().path() == PATH;
        let read = is_answer.then(|| read(query, &state)).flatten();
        let page = page(read.is_some());
        if read.is_some() {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
        Ok::<_, Infallible>(page)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    drop(tokio::time::timeout(PATIENCE, connection).await);
    kept.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Reads an answer (RFC 6749 §4.1.2); one to another request is none.
fn read(query: &str, state: &str) -> Option<Answered> {
    let of = |name: &str| {
        let mut all = parse(query.as_bytes()).filter(|(key, _)| key == name);
        // RFC 6749 §3.1: no parameter comes twice.
        all.next().filter(|_| all.next().is_none()).map(|(_, value)| value.into_owned())
    };
    if of("state").as_deref() != Some(state) {
        return None;
    }
    let code = of("code").map_or_else(|| of("error").map(Err), |code| Some(Ok(code)))?;
    Some(Answered { code, issuer: of("iss") })
}

fn page(is_taken: bool) -> Response<Full<Bytes>> {
    let (status, text) = if is_taken {
        (StatusCode::OK, "The command line goes on. This window can be closed.\n")
    } else {
        (StatusCode::NOT_FOUND, "Nothing was asked for here.\n")
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    drop(fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")));
    drop(fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_request_counts() {
        let code = Answered { code: Ok("a b".to_owned()), issuer: Some("https://id.example".to_owned()) };
        assert_eq!(read("code=a+b&state=s&iss=https%3A%2F%2Fid.example", "s"), Some(code));
        let denied = Answered { code: Err("access_denied".to_owned()), issuer: None };
        assert_eq!(read("error=access_denied&state=s", "s"), Some(denied));
        for other in ["", "code=a", "code=a&state=", "code=a&state=t", "code=a&state=s&state=s", "state=s"] {
            assert_eq!(read(other, "s"), None, "{other}");
        }
    }
}
