//! GET and HEAD of documents: conditions, byte ranges, and what is there (RFC 9110 §13, §14).

mod range;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::{StatusServices, caching_fields, is_known};
use crate::document::Document;
use crate::piecewise::Piecewise;
use range::Asked;

/// Answers with the document under the path, or with a part of it.
pub(super) async fn document(
    State(services): State<StatusServices>,
    method: Method,
    uri: Uri,
    fields: HeaderMap,
) -> Response {
    let Some(document) = services.repository.document(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let now = services.clock.now();
    let until = document.fresh_until(now);
    let mut caching = caching_fields(document.version(), now, until, until);
    caching.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let text = |name: HeaderName| fields.get(name).and_then(|value| value.to_str().ok());
    // RFC 9110 §13.2.2: in this order.
    if !document.version().is_wanted(text(IF_MATCH)) {
        return (StatusCode::PRECONDITION_FAILED, caching).into_response();
    }
    if is_known(document.version(), &fields) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    // RFC 9110 §14.2: a Range of any other method than GET is ignored; §13.1.5: so is one whose condition is false.
    let goes_on = method == Method::GET && document.version().is_gone_on_with(text(IF_RANGE));
    let range = text(RANGE).filter(|_| goes_on);
    let length = document.content().length();
    let (status, start, end) = match range::asked(range, length) {
        Asked::Whole => (StatusCode::OK, 0, length),
        Asked::Part { start, end } => (StatusCode::PARTIAL_CONTENT, start, end),
        Asked::Unsatisfiable => {
            // RFC 9110 §15.5.17: with the length that there is.
            let length = [(CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, caching, length).into_response();
        }
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let last = end.saturating_sub(1);
        insert(&mut caching, CONTENT_RANGE, &format!("bytes {start}-{last}/{length}"));
    }
    insert(&mut caching, CONTENT_LENGTH, &end.saturating_sub(start).to_string());
    (status, [(CONTENT_TYPE, document.media_type())], caching, body(&document, start, end)).into_response()
}

fn insert(fields: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        fields.insert(name, value);
    }
}

fn body(document: &Arc<Document>, start: u64, end: u64) -> Body {
    Body::new(Piecewise::new(Arc::clone(document), start, end))
}

/// Lists every document: path, octets, media type, since when, SHA-256; a line each.
pub(super) async fn index(State(services): State<StatusServices>) -> Response {
    let mut lines = String::new();
    for (path, document) in services.repository.documents() {
        let (octets, since) = (document.content().length(), document.last_modified());
        let sha256 = hex::encode(document.content().sha256());
        let media_type = document.media_type();
        let _infallible = writeln!(lines, "{path}\t{octets}\t{media_type}\t{since}\t{sha256}").is_err();
    }
    let fields = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (fields, lines).into_response()
}
