//! What this crate answers by itself, in place of a route: the only file here that names status codes.
//!
//! Each refusal is one sentence of plain text for the client and one stable reason code for the metrics, and ends the
//! connection.

use super::body::BodyFault;
use axum::{
    body::Body,
    http::{
        HeaderValue, Response, StatusCode,
        header::{CONNECTION, CONTENT_TYPE},
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Both Transfer-Encoding and Content-Length.
    Framing,
    /// No Host, or more than one.
    Host,
    /// The body is encoded otherwise than as itself.
    ContentEncoding,
    /// The body is faulty.
    Body(BodyFault),
    /// The route panicked.
    Panic,
}

impl Refusal {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Framing => "contradictory_framing",
            Self::Host => "host",
            Self::ContentEncoding => "content_encoding",
            Self::Body(BodyFault::TooLarge { .. }) => "body_too_large",
            Self::Body(BodyFault::Late) => "body_timeout",
            Self::Body(BodyFault::Broken) => "body_broken",
            Self::Panic => "panic",
        }
    }

    pub(super) fn response(self) -> Response<Body> {
        let (status, sentence) = match self {
            Self::Framing => (
                StatusCode::BAD_REQUEST,
                "A request must not have both Transfer-Encoding and Content-Length.\n".to_owned(),
            ),
            Self::Host => {
                (StatusCode::BAD_REQUEST, "A request must have exactly one Host field.\n".to_owned())
            }
            Self::ContentEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "A body must not have a content encoding.\n".to_owned())
            }
            Self::Body(BodyFault::TooLarge { limit }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, format!("A body must not be larger than {limit} octets.\n"))
            }
            Self::Body(BodyFault::Late) => {
                (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.\n".to_owned())
            }
            Self::Body(BodyFault::Broken) => {
                (StatusCode::BAD_REQUEST, "The body is not complete.\n".to_owned())
            }
            Self::Panic => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The server failed at this request; it has been recorded.\n".to_owned(),
            ),
        };
        let mut response = Response::new(Body::from(sentence));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// For a newcomer without a seat, before any HTTP: it is written as it stands, once, and not waited for.
pub(super) const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
Retry-After: 5\r\n\
Connection: close\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
Content-Length: 37\r\n\
\r\n\
The server is busy, try again later.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_who_is_turned_away_has_the_length_it_says() {
        let text = std::str::from_utf8(TURNED_AWAY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{text}");
    }
}
