//! What keeps a browser harmless that holds an operator's certificate (case M-08): it shows it to this server whichever page asks.
//!
//! A page of another site cannot ask, and no answer is read as anything but data: not guessed at, framed, run, or left lying.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::OperatorState;
use super::listener::Connected;
use super::refusals::foreign;
use super::reply::Reply;
use crate::exit::{Exit, Failure};

/// What each answer says to a browser.
const SAID: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Whether a page of another site has a browser ask.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    let asked_by = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    asked_by.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// Refuses what a page of another site asks for (Fetch Metadata, `Sec-Fetch-Site`), once that is on record, and tells a browser how
/// answers are to be taken.
pub(super) async fn harmless(State(state): State<OperatorState>, request: Request, next: Next) -> Response {
    let kept = if request.method() == Method::GET { "private, no-cache" } else { "no-store" };
    let mut response = if is_foreign(request.headers()) {
        let message = "a page of another site asked a browser for this";
        let failure = Failure::new(Exit::Permission, "api.cross-site", message)
            .then("type the address yourself, or use `meter-pki`");
        let connected = Connected::of(&request);
        let told = state.work(move |system| Ok(foreign(system, connected.as_ref(), failure))).await;
        told.map_or_else(Reply::into_response, |failure| Reply::from(failure).into_response())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.extend(SAID);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}
