//! The paths of EST and what stands behind each (RFC 7030 §3.2.2). The only file naming the HTTP framework.
//!
//! Paths are compared as they came, octet for octet, against a fixed map: nothing is decoded, normalised or looked up in a
//! file system. A body is read only after method, media type and the presence of credentials are right, and it is understood
//! only after the requester is known.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::any;
use http_body_util::LengthLimitError;
use server_kit::listener::PeerConnection;

use crate::config::{EstConfig, Label};
use crate::exchange::{EnrolOperation, Exchange, record};
use crate::observation;
use crate::refusal::Refusal;
use crate::reply::{Reply, reply};
use crate::requester::{AuthenticateError, Credentials};

const PREFIX: &str = "/.well-known/est/";

/// RFC 7030 §4.1.3.
const CACERTS_TYPE: &str = "application/pkcs7-mime";
/// RFC 7030 §4.2.3.
const CERTS_ONLY_TYPE: &str = "application/pkcs7-mime; smime-type=certs-only";

/// What is done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// RFC 7030 §4.1.
    CaCerts,
    /// RFC 7030 §4.2.
    Enrol(EnrolOperation),
}

impl Operation {
    /// Reads a path segment. Operations that are not offered are not known.
    fn parse(segment: &str) -> Option<Self> {
        match segment {
            "cacerts" => Some(Self::CaCerts),
            "simpleenroll" => Some(Self::Enrol(EnrolOperation::Enroll)),
            "simplereenroll" => Some(Self::Enrol(EnrolOperation::Reenroll)),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::CaCerts => "cacerts",
            Self::Enrol(EnrolOperation::Enroll) => "simpleenroll",
            Self::Enrol(EnrolOperation::Reenroll) => "simplereenroll",
        }
    }
}

/// The routes under `/.well-known/est`. Every request must come through a
/// [`Listener`](server_kit::listener::Listener), which says what is known of the peer.
pub fn router(config: Arc<EstConfig>) -> Router {
    Router::new()
        .route("/.well-known/est", any(answer))
        .route("/.well-known/est/", any(answer))
        .route("/.well-known/est/{*rest}", any(answer))
        .with_state(config)
}

/// RFC 7030 §3.2.2: an operation, or a label and an operation.
fn resolve<'a>(config: &'a EstConfig, path: &str) -> Option<(&'a Arc<Label>, Operation)> {
    let mut segments = path.strip_prefix(PREFIX)?.split('/');
    match (segments.next()?, segments.next(), segments.next()) {
        (operation, None, None) => Some((config.default_label(), Operation::parse(operation)?)),
        (label, Some(operation), None) => Some((config.label(label)?, Operation::parse(operation)?)),
        _ => None,
    }
}

async fn answer(
    State(config): State<Arc<EstConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    let peer = connection.peer_addr;
    let credentials = credentials(connection, request.headers());
    let resolved = resolve(&config, request.uri().path());
    let op = resolved.map_or("none", |(_, operation)| operation.name());
    let label = Arc::clone(resolved.map_or_else(|| config.default_label(), |(label, _)| label));
    let outcome = match resolved.map(|(_, operation)| operation) {
        None => Err(refuse(&config, label, credentials, Refusal::NoSuchOperation).await),
        Some(Operation::CaCerts) => ca_certs(&config, label, credentials, request.method().clone()).await,
        Some(Operation::Enrol(operation)) => enrol(&config, (label, operation), credentials, request).await,
    };
    match outcome {
        Ok(response) => {
            observation::answered(op);
            response
        }
        Err(refusal) => {
            observation::refused(op, peer, &refusal);
            refused(reply(&refusal))
        }
    }
}

/// RFC 7030 §4.1.2: no authentication is asked for.
async fn ca_certs(
    config: &Arc<EstConfig>,
    label: Arc<Label>,
    credentials: Credentials,
    method: Method,
) -> Result<Response<Body>, Refusal> {
    if matches!(method, Method::GET | Method::HEAD) {
        Ok(payload(CACERTS_TYPE, label.cacerts().to_owned()))
    } else {
        Err(refuse(config, label, credentials, Refusal::Method { allowed: "GET, HEAD" }).await)
    }
}

async fn enrol(
    config: &Arc<EstConfig>,
    (label, operation): (Arc<Label>, EnrolOperation),
    credentials: Credentials,
    request: Request,
) -> Result<Response<Body>, Refusal> {
    let body = match body(config, &credentials, request).await {
        Ok(body) => body,
        Err(refusal) => return Err(refuse(config, label, credentials, refusal).await),
    };
    let exchange = Exchange { label, operation, credentials, body };
    let config_there = Arc::clone(config);
    let text = config.workers().run(move || exchange.enrol(&config_there)).await??;
    Ok(payload(CERTS_ONLY_TYPE, text))
}

fn credentials(connection: PeerConnection, fields: &HeaderMap) -> Credentials {
    let authorization = fields.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes().to_vec()).collect();
    Credentials { connection, authorization }
}

/// Checks all that can be checked without the body, then reads it.
async fn body(config: &EstConfig, credentials: &Credentials, request: Request) -> Result<Vec<u8>, Refusal> {
    if *request.method() != Method::POST {
        return Err(Refusal::Method { allowed: "POST" });
    }
    if !is_pkcs10(request.headers()) {
        return Err(Refusal::MediaType);
    }
    // RFC 7030 §3.2.3: who has shown nothing is asked for credentials, before anything it sent is read.
    if credentials.are_absent() {
        return Err(AuthenticateError::NoCredentials.into());
    }
    let max_octets = config.max_body_octets();
    if announced_octets(request.headers()).is_some_and(|octets| octets > max_octets) {
        return Err(Refusal::BodyTooLarge { max_octets });
    }
    match to_bytes(request.into_body(), max_octets).await {
        Ok(octets) => Ok(octets.into()),
        Err(error) if is_too_long(&error) => Err(Refusal::BodyTooLarge { max_octets }),
        Err(_) => Err(Refusal::BodyIncomplete),
    }
}

/// RFC 7030 §4.2.1: `application/pkcs10`; parameters are ignored, and the name is not case-sensitive (RFC 9110 §8.3.1).
fn is_pkcs10(fields: &HeaderMap) -> bool {
    fields
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|name| name.trim().eq_ignore_ascii_case("application/pkcs10"))
}

fn announced_octets(fields: &HeaderMap) -> Option<usize> {
    fields.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_too_long(error: &axum::Error) -> bool {
    core::error::Error::source(error).is_some_and(<dyn core::error::Error>::is::<LengthLimitError>)
}

/// Records a refusal on the worker pool, since a record waits for the disk.
async fn refuse(
    config: &Arc<EstConfig>,
    label: Arc<Label>,
    credentials: Credentials,
    refusal: Refusal,
) -> Refusal {
    let recording = move || {
        let actor = credentials.unauthenticated(label.parts().authority.issuer().tenant());
        record(&label, &actor, refusal)
    };
    config.workers().run(recording).await.unwrap_or_else(Refusal::from)
}

/// RFC 8951 §3: base64 whatever Content-Transfer-Encoding says; clients from before it look for the field.
fn payload(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(HeaderName::from_static("content-transfer-encoding"), HeaderValue::from_static("base64"));
    response
}

/// RFC 8951 §5.1: an error is plain text.
fn refused(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.text));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(seconds) = reply.retry_after {
        // RFC 9110 §10.2.3: as a number of seconds, which every client reads.
        fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(methods) = reply.allow {
        fields.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if let Some(challenge) = reply.challenge {
        fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
