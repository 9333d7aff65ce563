//! The paths of EST and what stands behind each (RFC 7030 §3.2.2). The only file naming the HTTP framework.
//!
//! Paths are compared as they came, octet for octet, against a fixed map: nothing is decoded, normalised or looked up in a
//! file system. A body is read only after method, media type and the presence of credentials are right, and it is understood
//! only after the requester is known.

mod head_end;

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

use crate::config::{EstConfig, Label, UPLOAD_PATH};
use crate::exchange::{Audience, Exchange, Rejected};
use crate::media::{self, Media};
use crate::operation::{Form, Operation};
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::requester::{AuthenticateError, Credentials};
use crate::wire::base64::LineLength;
use crate::wire::submitted::SubmittedBody;

const PREFIX: &str = "/.well-known/est/";

/// The routes under `/.well-known/est` and those of head-ends. Every request must come through a
/// [`Listener`](server_kit::listener::Listener), which says what is known of the peer.
pub fn router(config: Arc<EstConfig>) -> Router {
    let router = Router::new().route(UPLOAD_PATH, any(head_end::upload));
    let router = match &config.head_ends().dlms_tools {
        Some(service) => router.route(&service.path, any(head_end::tool)),
        None => router,
    };
    router
        .route("/.well-known/est", any(answer))
        .route("/.well-known/est/", any(answer))
        .route("/.well-known/est/{*rest}", any(answer))
        .with_state(config)
}

/// RFC 7030 §3.2.2: an operation, or a label and an operation.
fn resolve<'a>(config: &'a EstConfig, path: &str) -> Option<(&'a Arc<Label>, Operation)> {
    let mut segments = path.strip_prefix(PREFIX)?.split('/');
    let (label, operation) = match (segments.next()?, segments.next(), segments.next()) {
        (operation, None, None) => (config.default_label(), Operation::parse(operation)?),
        (label, Some(operation), None) => (config.label(label)?, Operation::parse(operation)?),
        _ => return None,
    };
    label.offers(operation).then_some((label, operation))
}

async fn answer(
    State(config): State<Arc<EstConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    let credentials = credentials(connection, request.headers());
    let (label, operation) = match resolve(&config, request.uri().path()) {
        Some((label, operation)) => (Arc::clone(label), operation),
        None => {
            let label = Arc::clone(config.default_label());
            let refusal = Refusal::NoSuchOperation;
            let length = label.parts().line_length;
            let rejected = Rejected { label, operation: "none", credentials, refusal };
            return refused(rejected.record(&config).await, length);
        }
    };
    let outcome = match body(&config, (&label, operation), &credentials, request).await {
        Ok(body) => {
            let (label, audience) = (Arc::clone(&label), Audience::Anybody);
            Exchange { label, operation, credentials, body, audience }.run(&config).await
        }
        Err(refusal) => {
            let operation = operation.name();
            let label = Arc::clone(&label);
            Err(Rejected { label, operation, credentials, refusal }.record(&config).await)
        }
    };
    let length = label.parts().line_length;
    match outcome {
        Ok(answer) => answered(media::write(&answer, length)),
        Err(reply) => refused(reply, length),
    }
}

/// Reads the body, where the operation has one.
async fn body(
    config: &EstConfig,
    (label, operation): (&Label, Operation),
    credentials: &Credentials,
    request: Request,
) -> Result<SubmittedBody, Refusal> {
    match operation.form() {
        Form::Open => no_body(&request),
        Form::Submission { media_type } => {
            // RFC 7030 §3.2.3: who has shown nothing is asked for credentials, before anything it sent is read; but where the
            // body itself may say who asks, it is read first.
            let may_show_nothing = label.parts().challenge.takes_codes();
            check_head(&request, media_type, !may_show_nothing && credentials.are_absent())?;
            submitted(config.max_body_octets(), request).await
        }
    }
}

/// A body that nobody needs is not read.
fn no_body(request: &Request) -> Result<SubmittedBody, Refusal> {
    match *request.method() {
        Method::GET | Method::HEAD => Ok(SubmittedBody::Octets(Vec::new())),
        _ => Err(Refusal::Method { allowed: "GET, HEAD" }),
    }
}

fn credentials(connection: PeerConnection, fields: &HeaderMap) -> Credentials {
    let authorization = fields.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes().to_vec()).collect();
    Credentials { connection, authorization }
}

/// Checks all that can be checked without the body.
fn check_head(request: &Request, media_type: &'static str, nobody: bool) -> Result<(), Refusal> {
    if *request.method() != Method::POST {
        return Err(Refusal::Method { allowed: "POST" });
    }
    if !is_announced(request.headers(), media_type) {
        return Err(Refusal::MediaType { expected: media_type });
    }
    if nobody { Err(AuthenticateError::NoCredentials.into()) } else { Ok(()) }
}

async fn submitted(max_octets: usize, request: Request) -> Result<SubmittedBody, Refusal> {
    octets(max_octets, request).await.map(SubmittedBody::Base64)
}

async fn octets(max_octets: usize, request: Request) -> Result<Vec<u8>, Refusal> {
    if announced_octets(request.headers()).is_some_and(|octets| octets > max_octets) {
        return Err(Refusal::BodyTooLarge { max_octets });
    }
    match to_bytes(request.into_body(), max_octets).await {
        Ok(octets) => Ok(octets.into()),
        Err(error) if is_too_long(&error) => Err(Refusal::BodyTooLarge { max_octets }),
        Err(_) => Err(Refusal::BodyIncomplete),
    }
}

/// RFC 7030 §3.2.4: parameters are ignored, and the name is not case-sensitive (RFC 9110 §8.3.1).
fn is_announced(fields: &HeaderMap, media_type: &str) -> bool {
    fields
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|name| name.trim().eq_ignore_ascii_case(media_type))
}

fn announced_octets(fields: &HeaderMap) -> Option<usize> {
    fields.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_too_long(error: &axum::Error) -> bool {
    core::error::Error::source(error).is_some_and(<dyn core::error::Error>::is::<LengthLimitError>)
}

/// RFC 8951 §3: base64 whatever Content-Transfer-Encoding says; clients from before it look for the field.
fn answered(media: Media) -> Response<Body> {
    let mut response = Response::new(Body::from(media.text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media.media_type));
    if media.base64 {
        let field = HeaderName::from_static("content-transfer-encoding");
        fields.insert(field, HeaderValue::from_static("base64"));
    }
    response
}

/// RFC 8951 §5.1: an error is plain text; to a CMC request, a CMC response (RFC 7030 §4.3.2).
fn refused(reply: Reply, length: LineLength) -> Response<Body> {
    let mut response = match &reply.cmc {
        Some(der) => answered(media::cmc_response(der, length)),
        None => plain(reply.text),
    };
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = response.headers_mut();
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

fn plain(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
