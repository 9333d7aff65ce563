//! The paths of CMP over HTTP (RFC 9811 §3, RFC 9483 §6.1). The only file naming the HTTP framework.
//!
//! Paths are compared as they came, octet for octet; nothing is decoded or normalised.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::any;
use http_body_util::LengthLimitError;
use server_kit::listener::PeerConnection;

use crate::config::CmpConfig;
use crate::observation;
use crate::place::Place;
use crate::refusal::TransferRefusal;
use crate::reply::{Reply, reply};

const PREFIX: &str = "/.well-known/cmp";

/// RFC 9811 §3.2.
const PKIXCMP: &str = "application/pkixcmp";
/// RFC 9811 §4: unregistered, sent by implementations of earlier drafts, and the same.
const PKIXCMP_POLL: &str = "application/pkixcmp-poll";

/// The routes under `/.well-known/cmp`, and the other paths of labels. Every request must come through a
/// [`Listener`](server_kit::listener::Listener), which says what is known of the peer.
pub fn router(config: Arc<CmpConfig>) -> Router {
    let mut router = Router::new()
        .route("/.well-known/cmp", any(answer))
        .route("/.well-known/cmp/", any(answer))
        .route("/.well-known/cmp/{*rest}", any(answer));
    for path in config.alias_paths().keys() {
        router = router.route(path, any(answer));
    }
    router.with_state(config)
}

/// RFC 9811 §3.4: an operation or none, for a label or none.
fn place(config: &CmpConfig, path: &str) -> Result<Place, TransferRefusal> {
    if let Some(name) = config.alias_paths().get(path) {
        return Place::find(config, Some(name), None);
    }
    let rest = path.strip_prefix(PREFIX).ok_or(TransferRefusal::NoSuchPath)?;
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    match segments.as_slice() {
        [] | [""] => Place::find(config, None, None),
        ["p", name] | ["p", name, ""] => Place::find(config, Some(name), None),
        ["p", name, segment] => Place::find(config, Some(name), Some(segment)),
        [segment] => Place::find(config, None, Some(segment)),
        _ => Err(TransferRefusal::NoSuchPath),
    }
}

async fn answer(
    State(config): State<Arc<CmpConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    let peer = connection.peer_addr;
    match exchange(&config, peer, request).await {
        Ok(der) => message(der),
        Err(refusal) => {
            observation::not_transferred(peer, &refusal);
            plain(reply(&refusal))
        }
    }
}

/// Reads a message, and answers it on the worker pool.
async fn exchange(
    config: &Arc<CmpConfig>,
    peer: std::net::SocketAddr,
    request: Request,
) -> Result<Vec<u8>, TransferRefusal> {
    let place = place(config, request.uri().path())?;
    // RFC 9811 §3.1: messages are sent by POST.
    if *request.method() != Method::POST {
        return Err(TransferRefusal::Method);
    }
    if !is_pkixcmp(request.headers()) {
        return Err(TransferRefusal::MediaType);
    }
    // Only the path of nested messages takes long bodies, and few of them at once.
    let room = place.room(config)?;
    let max_octets = if room.is_some() { config.batches().octets } else { config.max_body_octets() };
    let octets = body(max_octets, request).await?;
    place.answer(config, peer, (octets, room)).await
}

fn is_pkixcmp(fields: &HeaderMap) -> bool {
    fields
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim)
        .is_some_and(|name| name.eq_ignore_ascii_case(PKIXCMP) || name.eq_ignore_ascii_case(PKIXCMP_POLL))
}

async fn body(max_octets: usize, request: Request) -> Result<Vec<u8>, TransferRefusal> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|octets: usize| octets > max_octets) {
        return Err(TransferRefusal::BodyTooLarge { max_octets });
    }
    let is_too_long = |error: &axum::Error| {
        core::error::Error::source(error).is_some_and(<dyn core::error::Error>::is::<LengthLimitError>)
    };
    match to_bytes(request.into_body(), max_octets).await {
        Ok(octets) => Ok(octets.into()),
        Err(error) if is_too_long(&error) => Err(TransferRefusal::BodyTooLarge { max_octets }),
        Err(_) => Err(TransferRefusal::BodyIncomplete),
    }
}

/// RFC 9811 §3.1: a CMP answer comes with status 200, be it an error message.
fn message(der: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(der));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PKIXCMP));
    response
}

fn plain(reply: Reply) -> Response<Body> {
    let is_empty = reply.text.is_empty();
    let mut response = Response::new(Body::from(reply.text));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    if !is_empty {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    if let Some(methods) = reply.allow {
        fields.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if let Some(seconds) = reply.retry_after {
        fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
