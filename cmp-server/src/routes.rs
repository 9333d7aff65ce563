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
use metrics::counter;
use server_kit::listener::PeerConnection;

use crate::config::CmpConfig;
use crate::refusal::{MessageRefusal, TransferRefusal};
use crate::reply::{Reply, error_message, failure, reply};
use crate::wire::message::PkiMessage;

const PREFIX: &str = "/.well-known/cmp";

/// RFC 9811 §3.2.
const PKIXCMP: &str = "application/pkixcmp";
/// RFC 9811 §4: unregistered, sent by implementations of earlier drafts, and the same.
const PKIXCMP_POLL: &str = "application/pkixcmp-poll";

/// RFC 9483 §6.1, Table 1.
const OPERATIONS: [&str; 10] = [
    "initialization",
    "certification",
    "keyupdate",
    "pkcs10",
    "revocation",
    "getcacerts",
    "getrootupdate",
    "getcertreqtemplate",
    "getcrls",
    "nested",
];

/// The routes under `/.well-known/cmp`. Every request must come through a
/// [`Listener`](server_kit::listener::Listener), which says what is known of the peer.
pub fn router(config: CmpConfig) -> Router {
    Router::new()
        .route("/.well-known/cmp", any(answer))
        .route("/.well-known/cmp/", any(answer))
        .route("/.well-known/cmp/{*rest}", any(answer))
        .with_state(Arc::new(config))
}

/// RFC 9811 §3.4: an operation or none, for a name or none. Names are not known yet, so that each one will do.
fn is_served(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(PREFIX) else { return false };
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let is_name = |name: &str| !name.is_empty();
    match segments.as_slice() {
        [] => true,
        [operation] => OPERATIONS.contains(operation),
        ["p", name] => is_name(name),
        ["p", name, operation] => is_name(name) && OPERATIONS.contains(operation),
        _ => false,
    }
}

async fn answer(
    State(config): State<Arc<CmpConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    let peer = connection.peer_addr;
    match refuse(&config, request).await {
        Ok((op, refusal, der)) => {
            count(op, refusal.code());
            let (reason, fail_info) = (refusal.code(), failure(refusal).name());
            tracing::info!(op, %peer, reason, fail_info, cause = %refusal, "message refused");
            message(der)
        }
        Err(refusal) => {
            count("none", refusal.code());
            let reason = refusal.code();
            match &refusal {
                TransferRefusal::Unavailable(_) | TransferRefusal::NotEncoded { .. } => {
                    tracing::error!(%peer, reason, cause = %refusal, "request failed");
                }
                TransferRefusal::NoSuchPath
                | TransferRefusal::Method
                | TransferRefusal::MediaType
                | TransferRefusal::BodyTooLarge { .. }
                | TransferRefusal::BodyIncomplete
                | TransferRefusal::NotDecoded(_)
                | TransferRefusal::Announcement => {
                    tracing::info!(%peer, reason, cause = %refusal, "request refused");
                }
            }
            plain(reply(&refusal))
        }
    }
}

fn count(op: &'static str, reason: &'static str) {
    counter!("pki_requests_total", "protocol" => "cmp", "op" => op, "result" => "refused", "reason" => reason)
        .increment(1);
}

/// Reads a message and makes the answer that refuses it.
async fn refuse(
    config: &CmpConfig,
    request: Request,
) -> Result<(&'static str, MessageRefusal, Vec<u8>), TransferRefusal> {
    if !is_served(request.uri().path()) {
        return Err(TransferRefusal::NoSuchPath);
    }
    // RFC 9811 §3.1: messages are sent by POST.
    if *request.method() != Method::POST {
        return Err(TransferRefusal::Method);
    }
    if !is_pkixcmp(request.headers()) {
        return Err(TransferRefusal::MediaType);
    }
    let body = body(config.max_body_octets, request).await?;
    let message = PkiMessage::decode(&body)?;
    if message.is_announcement() {
        return Err(TransferRefusal::Announcement);
    }
    let refusal = MessageRefusal::of(&message);
    let der = error_message(&message, refusal, &*config.entropy)?;
    Ok((message.body_type().unwrap_or("none"), refusal, der))
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
