//! Entity tags (RFC 9110 §8.8.3) and conditions on them: whoever reads again what he has is told that it is the same
//! (`If-None-Match`, §13.1.2), and a change that was decided on the sight of something is not made of anything else (`If-Match`,
//! §13.1.1).
//!
//! What a change is about is the path without its last part: `POST /v1/people/ron/changes` is about `/v1/people/ron`. Changes with
//! a condition are made one after the other, each from its look to its end; those without one ask nobody.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response as HttpResponse, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;

use super::reply::{Reply, not_modified};
use crate::exit::{Exit, Failure};

/// What a change is about is not as its condition says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stale;

impl Stale {
    /// The reason code.
    pub(super) const CODE: &str = "api.changed";

    /// What whoever asked for the change is told.
    pub(super) fn failure() -> Failure {
        let message = "what this is about is not, or no more, what If-Match names: somebody changed it";
        Failure::new(Exit::Conflict, Self::CODE, message)
            .then("read it again, look at what is different, and decide anew")
    }
}

/// Answers one request by the routes behind it.
pub(super) async fn answer(
    routes: Router,
    mut request: Request,
    changes: &tokio::sync::Mutex<()>,
) -> Response {
    if request.method() == Method::GET {
        let known = field(request.headers(), &IF_NONE_MATCH);
        return tagged(call(routes, request).await, known.as_deref()).await;
    }
    let Some(condition) = field(request.headers(), &IF_MATCH) else { return call(routes, request).await };
    let _one_at_a_time = changes.lock().await;
    let Some(look) = look(&request) else { return Reply::from(Stale::failure()).into_response() };
    let found = tagged(call(routes.clone(), look).await, None).await;
    if found.status() == StatusCode::FORBIDDEN {
        return found;
    }
    let is_met = found.headers().get(ETAG).is_some_and(|tag| names(&condition, tag));
    if !is_met {
        request.extensions_mut().insert(Stale);
    }
    call(routes, request).await
}

async fn call(routes: Router, request: Request) -> Response {
    routes.oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// All values of a field, as one list.
fn field(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    headers.contains_key(name).then(|| values.join(","))
}

/// The request by which one looks at what a change is about, in the name of the same person.
fn look(change: &Request) -> Option<Request> {
    let (about, _) = change.uri().path().rsplit_once('/')?;
    let mut look = Request::new(Body::empty());
    *look.uri_mut() = about.parse::<Uri>().ok()?;
    *look.extensions_mut() = change.extensions().clone();
    *look.headers_mut() = change.headers().clone();
    Some(look)
}

/// The answers that have tags: JSON, and plots.
const TAGGED: [&[u8]; 4] = [b"application/json", b"image/svg+xml", b"image/png", b"text/csv"];

/// Puts its tag on an answer, or tells that it is known.
async fn tagged(response: Response, known: Option<&str>) -> Response {
    let is_tagged = |value: &HeaderValue| TAGGED.iter().any(|kind| value.as_bytes().starts_with(kind));
    let has_tag = response.headers().get(CONTENT_TYPE).is_some_and(is_tagged);
    if response.status() != StatusCode::OK || !has_tag {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(octets) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(tag) = HeaderValue::try_from(tag_of(&octets)) else {
        return HttpResponse::from_parts(parts, Body::from(octets));
    };
    if known.is_some_and(|known| names(known, &tag)) {
        return not_modified(tag);
    }
    parts.headers.insert(ETAG, tag);
    HttpResponse::from_parts(parts, Body::from(octets))
}

/// A strong entity tag: the first 32 hexadecimal digits of the SHA-256.
fn tag_of(octets: &[u8]) -> String {
    format!("\"{:.32}\"", hex::encode(Sha256::digest(octets)))
}

/// Tells whether a list of tags names one; a weak one, or a star, does as well.
fn names(list: &str, tag: &HeaderValue) -> bool {
    let same = |one: &str| one == "*" || one.trim_start_matches("W/").as_bytes() == tag.as_bytes();
    list.split(',').map(str::trim).any(same)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    #[test]
    fn lists_of_tags_are_read() {
        let tag = HeaderValue::from_static("\"a1\"");
        for list in ["\"a1\"", "W/\"a1\"", "\"b\", \"a1\"", "*", " \"b\" ,\"a1\""] {
            assert!(names(list, &tag), "{list}");
        }
        for list in ["", "a1", "\"a\"", "\"b\",\"c\"", "\"a1"] {
            assert!(!names(list, &tag), "{list}");
        }
    }

    fn request(method: Method, path: &str, fields: &[(HeaderName, &str)]) -> Request {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in fields {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        request
    }

    /// Something to look at and to change; a change says whether it would be made.
    fn routes() -> Router {
        let look = || async { ([(CONTENT_TYPE, "application/json")], "{\"a\":1}") };
        let change = |request: Request| async move {
            if request.extensions().get::<Stale>().is_some() { "stale" } else { "made" }
        };
        Router::new()
            .route("/v1/things/{id}", get(look))
            .route("/v1/things/{id}/changes", axum::routing::post(change))
    }

    async fn ask(request: Request) -> (StatusCode, HeaderMap, String) {
        let response = answer(routes(), request, &tokio::sync::Mutex::new(())).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1_000).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let (status, headers, body) = ask(request(Method::GET, "/v1/things/a", &[])).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "{\"a\":1}"));
        let tag = headers[ETAG].to_str().unwrap();
        let (status, headers, body) =
            ask(request(Method::GET, "/v1/things/a", &[(IF_NONE_MATCH, tag)])).await;
        assert_eq!(
            (status, headers[ETAG].to_str().unwrap(), body.as_str()),
            (StatusCode::NOT_MODIFIED, tag, "")
        );
        let (status, _, body) = ask(request(Method::GET, "/v1/things/a", &[(IF_NONE_MATCH, "\"x\"")])).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "{\"a\":1}"));
    }

    #[tokio::test]
    async fn a_change_is_made_of_what_was_seen_and_of_nothing_else() {
        let (_, headers, _) = ask(request(Method::GET, "/v1/things/a", &[])).await;
        let tag = headers[ETAG].to_str().unwrap();
        let change = |fields: &[(HeaderName, &str)]| request(Method::POST, "/v1/things/a/changes", fields);
        for (condition, said) in [(tag, "made"), ("*", "made"), ("\"x\"", "stale"), ("", "stale")] {
            assert_eq!(ask(change(&[(IF_MATCH, condition)])).await.2, said, "{condition}");
        }
        assert_eq!(ask(change(&[])).await.2, "made");
    }
}
