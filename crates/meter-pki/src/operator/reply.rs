//! From failure to HTTP status: the only file of the operator's interface that names status codes.

use axum::Extension;
use axum::body::to_bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use server_kit::workers::RunJobError;

use super::conditional::Stale;
use super::wire::problem::ProblemView;
use crate::exit::{Exit, Failure};

/// A failure on its way out.
#[derive(Debug)]
pub(crate) struct Reply(Failure);

/// The failure that an answer tells of, for whoever hands the answer on.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(pub(crate) Failure);

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl Reply {
    /// Returns the failure that it tells of.
    pub(crate) fn into_failure(self) -> Failure {
        self.0
    }
}

impl From<RunJobError> for Reply {
    fn from(error: RunJobError) -> Self {
        let exit = match &error {
            RunJobError::Busy { .. } | RunJobError::Closed => Exit::Unavailable,
            RunJobError::Panicked => Exit::Failed,
        };
        Self(Failure::new(exit, "operator.busy", error))
    }
}

/// That what is known is so still.
pub(super) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response()
}

/// What was answered to a call before, octet for octet.
pub(super) fn answered_before(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if status.is_success() { "application/json" } else { ProblemView::MEDIA_TYPE };
    let replayed = HeaderName::from_static("idempotent-replayed");
    let fields =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (replayed, HeaderValue::from_static("true"))];
    (status, fields, body).into_response()
}

/// What cannot be read as it is written is told apart from what is written well and cannot be done: the codes of the former end so.
const UNREADABLE: [&str; 3] = [".malformed", "-malformed", ".unknown"];

/// What the codes of tokens that are not taken begin with.
const TOKEN: &str = "people.token-";

/// Records that do not agree are the server's, but for those that the request brought, by what their codes begin with.
const BROUGHT: [&str; 3] = ["shipment.", "delivery.", "releases.digest"];

fn status(failure: &Failure) -> StatusCode {
    match failure.exit {
        Exit::Integrity if BROUGHT.iter().any(|start| failure.code.starts_with(start)) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Exit::Conflict if failure.code == Stale::CODE => StatusCode::PRECONDITION_FAILED,
        Exit::Failed | Exit::Integrity | Exit::Partial => StatusCode::INTERNAL_SERVER_ERROR,
        Exit::Usage if UNREADABLE.iter().any(|end| failure.code.ends_with(end)) => StatusCode::BAD_REQUEST,
        Exit::Usage | Exit::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Exit::Permission if failure.code.starts_with(TOKEN) => StatusCode::UNAUTHORIZED,
        Exit::Permission => StatusCode::FORBIDDEN,
        Exit::NotFound => StatusCode::NOT_FOUND,
        Exit::Conflict => StatusCode::CONFLICT,
        Exit::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn problem(failure: &Failure, status: StatusCode) -> Response {
    let view = ProblemView::new(failure, status.as_u16());
    let body = serde_json::to_vec(&view).unwrap_or_default();
    let mut response = (status, [(CONTENT_TYPE, ProblemView::MEDIA_TYPE)], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        // RFC 6750 §3.1.
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        drop(response.headers_mut().insert(WWW_AUTHENTICATE, challenge));
    }
    response
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (Extension(Refusal(self.0.clone())), problem(&self.0, status(&self.0))).into_response()
    }
}

/// How long the sentence of a refusal of the framework may be, in octets.
const SENTENCE: usize = 4_096;

/// Makes problems of what the framework refuses by itself, with a bare text: an unknown path, another method, a body or a query
/// that cannot be read. The header fields stay, among them Allow.
pub(super) async fn told(response: Response) -> Response {
    let status = response.status();
    let is_text = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    let bare = response.headers().get(CONTENT_TYPE).is_none_or(is_text);
    if !bare || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, SENTENCE).await.unwrap_or_default();
    let (failure, status) = unserved(status, &String::from_utf8_lossy(&said));
    let mut told = problem(&failure, status);
    for (name, value) in &parts.headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            told.headers_mut().insert(name, value.clone());
        }
    }
    told
}

/// What the framework refused, with the sentence that it has for it. A body that is JSON and not what the document says is one that
/// cannot be read, as is one that is no JSON.
fn unserved(status: StatusCode, said: &str) -> (Failure, StatusCode) {
    let of = |exit, code, said: &str| Failure::new(exit, code, said).then("see docs/operate/api.md");
    let said = said.trim().trim_end_matches('.');
    match status {
        StatusCode::NOT_FOUND => (of(Exit::NotFound, "api.path", "there is no such path"), status),
        StatusCode::METHOD_NOT_ALLOWED => {
            (of(Exit::Usage, "api.method", "the path does not know this method"), status)
        }
        StatusCode::PAYLOAD_TOO_LARGE => (of(Exit::Usage, "api.too-long", "the body is too long"), status),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (of(Exit::Usage, "api.media-type", "the body is to be application/json"), status)
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            (of(Exit::Usage, "api.malformed", said), StatusCode::BAD_REQUEST)
        }
        _ if status.is_client_error() => (of(Exit::Usage, "api.refused", said), status),
        _ => (of(Exit::Failed, "api.failed", said), status),
    }
}

#[cfg(test)]
mod tests;
