//! The operator's interface, asked in this process, in the name of whoever asks the console: with all that is known of his connection,
//! and nothing else of his request.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tower::ServiceExt as _;

/// How long an answer may be that is shown, in octets.
const LONGEST: usize = 32 * 1024 * 1024;

/// The interface.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    routes: Router,
}

/// Why there is no answer, as the interface tells it (RFC 9457).
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The stable reason code.
    pub(crate) code: String,
    /// What happened.
    pub(crate) detail: String,
    /// What to do about it; may be empty.
    pub(crate) next: String,
}

impl Problem {
    /// One of the console's own.
    pub(crate) fn new(status: StatusCode, code: &str, detail: &str, next: &str) -> Self {
        let [code, detail, next] = [code, detail, next].map(str::to_owned);
        Self { status, code, detail, next }
    }

    fn of(status: StatusCode, told: &Value) -> Self {
        let text = |member: &str| told.get(member).and_then(Value::as_str).unwrap_or_default();
        Self::new(status, text("code"), text("detail"), text("next"))
    }
}

impl Api {
    pub(crate) const fn new(routes: Router) -> Self {
        Self { routes }
    }

    /// Reads.
    pub(crate) async fn get(&self, visitor: &Extensions, target: &str) -> Result<Value, Problem> {
        self.call(visitor, Request::get(target).body(Body::empty())).await
    }

    /// Changes, once for each key.
    pub(crate) async fn post(
        &self,
        visitor: &Extensions,
        (target, key): (&str, &str),
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let request = Request::builder().method(Method::POST).uri(target).header("idempotency-key", key);
        let request = match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string().into_bytes())),
            None => request.body(Body::empty()),
        };
        self.call(visitor, request).await
    }

    /// Reads what is no JSON, such as a picture, as it is: its kind, and its octets.
    pub(crate) async fn octets(
        &self,
        visitor: &Extensions,
        target: &str,
    ) -> Result<(HeaderValue, Bytes), Problem> {
        let response = self.answered(visitor, Request::get(target).body(Body::empty())).await?;
        let (status, kind) = (response.status(), response.headers().get(CONTENT_TYPE).cloned());
        let octets = to_bytes(response.into_body(), LONGEST).await;
        match (octets, kind) {
            (Ok(octets), Some(kind)) if status.is_success() => Ok((kind, octets)),
            (Ok(octets), _) => Err(Problem::of(status, &serde_json::from_slice(&octets).unwrap_or_default())),
            (Err(_), _) => Err(unread()),
        }
    }

    async fn call(
        &self,
        visitor: &Extensions,
        request: Result<Request, axum::http::Error>,
    ) -> Result<Value, Problem> {
        let response = self.answered(visitor, request).await?;
        let status = response.status();
        let octets = to_bytes(response.into_body(), LONGEST).await;
        let told = octets.ok().and_then(|octets| serde_json::from_slice(&octets).ok());
        match told {
            Some(told) if status.is_success() => Ok(told),
            Some(told) => Err(Problem::of(status, &told)),
            None => Err(unread()),
        }
    }

    async fn answered(
        &self,
        visitor: &Extensions,
        request: Result<Request, axum::http::Error>,
    ) -> Result<Response, Problem> {
        let mut request = request.map_err(|_| {
            let next = "go back, and follow a link of the page";
            Problem::new(
                StatusCode::BAD_REQUEST,
                "console.address",
                "this is no address of the interface",
                next,
            )
        })?;
        request.extensions_mut().extend(visitor.clone());
        match self.routes.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

fn unread() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "console.answer",
        "the answer is too long to be shown, or none",
        "ask for less, or use the command line",
    )
}
