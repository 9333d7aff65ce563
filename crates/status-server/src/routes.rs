//! HTTP for CRLs, CA certificates and OCSP: paths, methods, status codes, header fields.
//!
//! | path | methods | what |
//! |---|---|---|
//! | `/crl/<key>.crl` | GET, HEAD | the CRL that a CA's key signed last |
//! | `/crl/<key>/<shard>.crl` | GET, HEAD | the one of a shard |
//! | `/crl/….delta.crl` | GET, HEAD | what changed since the one without `.delta` |
//! | `/ca/<key>.cer` | GET, HEAD | that CA's certificate |
//! | `/ca/<key>-by-<key>.cer` | GET, HEAD | the same by another issuer: links between generations |
//! | `/ca/<key>.p7c` | GET, HEAD | with all above it, in every generation |
//! | `/index.txt` | GET, HEAD | every document |
//! | `/ocsp` | POST | an OCSP request in the body |
//! | `/ocsp/<base64>` | GET, HEAD | an OCSP request in the path |
//!
//! `<key>` is the CA's key by 40 lower-case hexadecimal characters. Everything else is 404. RFC 6960 App. A, RFC 5019 §5, §6;
//! RFC 5280 §4.2.1.13, §4.2.2.1.

mod documents;
mod path_request;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ca_core::ocsp::ErrorStatus;
use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use server_kit::workers::{RunJobError, WorkerPool, retry_after_seconds};

use crate::caching::{Version, cache_control, http_date};
use crate::repository::Repository;
use crate::responder::{Answer, Responder, SignedAnswer};
use path_request::PathRequestError;

/// The most octets that an OCSP request in a body may have.
const MAX_REQUEST_OCTETS: usize = 4_096;

/// What the routes serve.
#[derive(Clone)]
pub struct StatusServices {
    /// CRLs and CA certificates.
    pub repository: Arc<Repository>,
    /// OCSP answers.
    pub responder: Arc<Responder>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where OCSP requests are answered, since that blocks.
    pub workers: WorkerPool,
}

impl core::fmt::Debug for StatusServices {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StatusServices").field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// Makes the router. It asks for no TLS and no client certificate: what says whether a certificate is good must not need
/// one to be fetched (RFC 5280 §8).
pub fn router(services: StatusServices) -> Router {
    Router::new()
        .route("/crl/{*name}", get(documents::document))
        .route("/ca/{file}", get(documents::document))
        .route("/index.txt", get(documents::index))
        .route("/ocsp", post(ocsp_by_post))
        .route("/ocsp/", post(ocsp_by_post))
        .route("/ocsp/{*request}", get(ocsp_by_get))
        .with_state(services)
}

async fn ocsp_by_post(State(services): State<StatusServices>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if !is_ocsp_request(&head.headers) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match read(body).await {
        Ok(octets) => match answer(&services, &octets).await {
            Ok(Answer::Signed(signed)) => ocsp_reply(signed.response.der().to_vec()),
            Ok(Answer::Error(status)) => error_reply(status),
            Err(refusal) => refusal,
        },
        Err(status) => status.into_response(),
    }
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    // The only error within the limit is a requester who goes away or is too slow, and that one reads no answer.
    to_bytes(body, MAX_REQUEST_OCTETS).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

async fn ocsp_by_get(State(services): State<StatusServices>, uri: Uri, fields: HeaderMap) -> Response {
    let octets = match path_request::decode(uri.path()) {
        Ok(octets) => octets,
        Err(PathRequestError::TooLong) => return StatusCode::URI_TOO_LONG.into_response(),
        Err(PathRequestError::NotBase64) => return StatusCode::BAD_REQUEST.into_response(),
    };
    match answer(&services, &octets).await {
        Ok(Answer::Signed(signed)) => signed_reply_by_get(&signed, services.clock.now(), &fields),
        Ok(Answer::Error(status)) => error_reply(status),
        Err(refusal) => refusal,
    }
}

/// Answers with what HTTP caches need, if the answer is for others, too (RFC 5019 §6.2).
fn signed_reply_by_get(signed: &SignedAnswer, now: UnixTime, fields: &HeaderMap) -> Response {
    let response = &signed.response;
    let Some(fresh) = signed.fresh else {
        return ocsp_reply(response.der().to_vec());
    };
    let version = Version::of(response.der(), response.this_update());
    let caching = caching_fields(&version, now, fresh.until, fresh.expires);
    if is_known(&version, fields) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, ocsp_reply(response.der().to_vec())).into_response()
}

async fn answer(services: &StatusServices, octets: &[u8]) -> Result<Answer, Response> {
    let request = match services.responder.read(octets) {
        Ok(request) => Arc::new(request),
        Err(answer) => return Ok(answer),
    };
    if let Some(answer) = services.responder.answer_unchanged(&request) {
        return Ok(answer);
    }
    let (responder, asked) = (Arc::clone(&services.responder), Arc::clone(&request));
    let outcome = tokio::select! {
        biased;
        // Nothing blocks, and so needs no worker: those may all be waiting for the ledger.
        () = services.responder.ledger_away() => return Ok(services.responder.answer_from_kept(&request)),
        outcome = services.workers.run(move || responder.answer_read(&asked)) => outcome,
    };
    match outcome {
        Ok(answer) => Ok(answer),
        Err(RunJobError::Busy { retry_after }) => {
            let seconds = HeaderValue::from(retry_after_seconds(retry_after));
            Err(([(RETRY_AFTER, seconds)], error_reply(ErrorStatus::TryLater)).into_response())
        }
        Err(RunJobError::Closed) => Ok(Answer::Error(ErrorStatus::TryLater)),
        Err(RunJobError::Panicked) => Ok(Answer::Error(ErrorStatus::InternalError)),
    }
}

// RFC 6960 App. A.2: an OCSP response is an HTTP response of status 200, whatever it says.
fn ocsp_reply(octets: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/ocsp-response")], octets).into_response()
}

// RFC 5019 §6.2: what is not authoritative is not to be cached.
fn error_reply(status: ErrorStatus) -> Response {
    ([(CACHE_CONTROL, "no-store")], ocsp_reply(status.to_der().to_vec())).into_response()
}

fn is_ocsp_request(fields: &HeaderMap) -> bool {
    let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/ocsp-request")
}

fn is_known(version: &Version, fields: &HeaderMap) -> bool {
    let text = |name: HeaderName| fields.get(name).and_then(|value| value.to_str().ok());
    version.is_known_to(text(IF_NONE_MATCH), text(IF_MODIFIED_SINCE))
}

fn caching_fields(version: &Version, now: UnixTime, fresh_until: UnixTime, expires: UnixTime) -> HeaderMap {
    let fields = [
        (ETAG, Some(version.etag.clone())),
        (LAST_MODIFIED, http_date(version.last_modified)),
        (EXPIRES, http_date(expires)),
        (CACHE_CONTROL, Some(cache_control(now, fresh_until))),
    ];
    fields.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text?).ok()?))).collect()
}
