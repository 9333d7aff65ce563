//! From failure to HTTP status: the only file of the operator's interface that names status codes.

use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use server_kit::workers::RunJobError;

use super::conditional::Stale;
use super::wire::FailureView;
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
    let replayed = HeaderName::from_static("idempotent-replayed");
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (replayed, HeaderValue::from_static("true")),
    ];
    (status, fields, body).into_response()
}

const fn status(exit: Exit) -> StatusCode {
    match exit {
        Exit::Failed | Exit::Integrity | Exit::Partial => StatusCode::INTERNAL_SERVER_ERROR,
        Exit::Usage => StatusCode::BAD_REQUEST,
        Exit::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Exit::Permission => StatusCode::FORBIDDEN,
        Exit::NotFound => StatusCode::NOT_FOUND,
        Exit::Conflict => StatusCode::CONFLICT,
        Exit::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let refusal = Refusal(self.0.clone());
        let Failure { exit, code, message, next } = self.0;
        let view = FailureView { code, message, next, exit: exit.number() };
        let status =
            if refusal.0.code == Stale::CODE { StatusCode::PRECONDITION_FAILED } else { status(exit) };
        (status, Extension(refusal), Json(view)).into_response()
    }
}
