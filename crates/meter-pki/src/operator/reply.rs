//! From failure to HTTP status: the only file of the operator's interface that names status codes.

use axum::http::StatusCode;
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

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let refusal = Refusal(self.0.clone());
        let Failure { exit, code, message, next } = self.0;
        let view = FailureView { code, message, next, exit: exit.number() };
        (status(exit), Extension(refusal), Json(view)).into_response()
    }
}
