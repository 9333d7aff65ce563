//! Spells the field names that title case gets wrong: `WWW-Authenticate` and `ETag`, as RFC 9110 §11.6.1 and §8.8.3 print
//! them, not `Www-Authenticate` and `Etag`.
//!
//! Names are compared without case (RFC 9110 §5.1), but clients in the field compare them by octet and would not see the
//! challenge. hyper offers one documented way to another spelling, made for proxies: with `preserve_header_case` it keeps
//! the names of a request as they came, in an extension of the request, and writes the names of an answer that carries
//! such an extension in the same way; all others still go out in title case. So a head with the names as they should be
//! is read once, from memory, and the extension goes on each answer that has one of the names.
//!
//! It does *not* touch octets on their way out. Down there a body looks like a head, and to tell them apart one would
//! have to follow the framing of every answer: lengths, chunks, HEAD, 304, interim answers. Here each field is still
//! apart from the body, so nothing can be mistaken, and how writes are cut does not matter.

use axum::http::{Extensions, HeaderName, Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    cell::Cell,
    convert::Infallible,
    fmt::Write,
    future::ready,
    pin::pin,
    task::{Context, Waker},
};

/// The names, and on how many lines of one answer each is spelt so. A challenge may be followed by others, such as one for
/// each digest; lines beyond that go out in title case.
const SPELLINGS: [(&str, usize); 2] = [("WWW-Authenticate", 4), ("ETag", 1)];

/// What hyper knows about the spelling of some names.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    names: Vec<HeaderName>,
    known_to_hyper: Extensions,
}

impl Spelling {
    /// Has hyper learn the names.
    pub(super) fn new() -> Self {
        let learnt = Cell::new(Self::default());
        let service = service_fn(|request: Request<Incoming>| {
            let (parts, _empty) = request.into_parts();
            let names = parts.headers.keys().cloned().collect();
            learnt.set(Self { names, known_to_hyper: parts.extensions });
            ready(Ok::<_, Infallible>(Response::new(String::new())))
        });
        let head = head();
        let stream = TokioIo::new(tokio::io::join(head.as_bytes(), tokio::io::sink()));
        let connection = http1::Builder::new().preserve_header_case(true).serve_connection(stream, service);
        // The whole head is there, so the service is called at once; nothing is asked of the rest of the connection.
        let _served = pin!(connection).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        learnt.into_inner()
    }

    /// Has the names in the head of this answer written as they should be.
    pub(super) fn apply<B>(&self, response: &mut Response<B>) {
        if self.names.iter().any(|name| response.headers().contains_key(name)) {
            response.extensions_mut().extend(self.known_to_hyper.clone());
        }
    }
}

/// A request that has each name as often as an answer may.
fn head() -> String {
    let mut head = String::from("GET / HTTP/1.1\r\n");
    for (name, lines) in SPELLINGS {
        for _ in 0..lines {
            let _infallible = write!(head, "{name}: -\r\n").is_err();
        }
    }
    head.push_str("\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{
        HeaderValue, StatusCode,
        header::{ACCEPT, ETAG, WWW_AUTHENTICATE},
    };
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A body that looks like heads.
    const BODY: &str =
        "\r\nWww-Authenticate: a\r\nEtag: b\r\n\r\nHTTP/1.1 401 Unauthorized\r\nWww-Authenticate: c\r\n";

    fn answer(path: &str) -> Response<String> {
        let mut response = Response::new(BODY.to_owned());
        match path {
            "/challenge" => {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                let challenge = HeaderValue::from_static("Basic realm=\"Www-Authenticate: Etag: \"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            "/version" => {
                response.headers_mut().insert(ETAG, HeaderValue::from_static("\"1\""));
            }
            _ => {}
        }
        response
    }

    /// What the client reads, while hyper can write at most `cut` octets at a time.
    async fn octets_written(requests: &str, cut: usize) -> String {
        let spelling = Spelling::new();
        let service = service_fn(|request: Request<Incoming>| {
            let mut response = answer(request.uri().path());
            spelling.apply(&mut response);
            ready(Ok::<_, Infallible>(response))
        });
        let (client, server) = tokio::io::duplex(cut);
        let (mut reader, mut writer) = tokio::io::split(client);
        let mut http = http1::Builder::new();
        let serving = http
            .title_case_headers(true)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(server), service);
        let mut read = String::new();
        let (served, sent, ended) =
            tokio::join!(serving, writer.write_all(requests.as_bytes()), reader.read_to_string(&mut read));
        served.unwrap();
        sent.unwrap();
        ended.unwrap();
        read
    }

    #[tokio::test]
    async fn heads_are_spelt_and_bodies_untouched_however_the_octets_are_cut() {
        let requests = "GET /challenge HTTP/1.1\r\n\r\nGET /version HTTP/1.1\r\n\r\nHEAD /challenge HTTP/1.1\r\n\r\n\
                        GET /plain HTTP/1.1\r\nConnection: close\r\n\r\n";
        let length = BODY.len();
        let challenge = format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"Www-Authenticate: Etag: \"\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        let version = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n");
        let plain = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        let expected = [&challenge, BODY, &version, BODY, &challenge, &plain, BODY].concat();
        for cut in 1..=expected.len() {
            assert_eq!(octets_written(requests, cut).await, expected, "at most {cut} octets at a time");
        }
    }

    #[test]
    fn hyper_has_learnt_all_names() {
        let spelling = Spelling::new();
        assert_eq!(spelling.names, [WWW_AUTHENTICATE, ETAG]);
        assert_eq!(spelling.known_to_hyper.len(), 1);
    }

    #[test]
    fn what_the_route_attached_stays() {
        #[derive(Clone)]
        struct Attached;
        let mut response = answer("/challenge");
        response.extensions_mut().insert(Attached);
        Spelling::new().apply(&mut response);
        assert!(response.extensions().get::<Attached>().is_some());
        assert_eq!(response.extensions().len(), 2);
    }

    #[test]
    fn other_answers_carry_nothing() {
        let mut response = answer("/plain");
        response.headers_mut().insert(ACCEPT, HeaderValue::from_static("ETag, WWW-Authenticate"));
        Spelling::new().apply(&mut response);
        assert!(response.extensions().is_empty());
    }
}
