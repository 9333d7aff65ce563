//! From failure to HTTP status: the only file of the operator's interface that names status codes.

use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use server_kit::workers::RunJobError;

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

/// Answers a token that is not taken as RFC 6750 §3.1 says; what was answered for another reason stays as it is.
pub(super) fn challenge(mut response: Response) -> Response {
    let is_refused = response.status() == StatusCode::FORBIDDEN;
    if is_refused {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let field = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        drop(response.headers_mut().insert(WWW_AUTHENTICATE, field));
    }
    response
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let refusal = Refusal(self.0.clone());
        let Failure { exit, code, message, next } = self.0;
        let view = FailureView { code, message, next, exit: exit.number() };
        (status(exit), Extension(refusal), Json(view)).into_response()
    }
}
