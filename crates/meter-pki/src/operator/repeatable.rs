//! Calls that may be repeated (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header): the same key and the same request get
//! the answer of the first call, and nothing is done a second time.
//!
//! That a call has begun is on disk before it is made, and its answer before it is given. Whoever loses the connection in between
//! gets the answer by asking again; who does so after the server was killed in between is told that nobody knows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ca_core::record::{Call, CallAnswer, CallStanding};
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::acts::unavailable;
use super::conditional::Stale;
use super::reply::{Reply, answered_before};
use super::{LONGEST_BODY, OperatorState};
use crate::duty::Nodes;
use crate::exit::{Exit, Failure};

/// The field of the request.
const FIELD: &str = "idempotency-key";

/// How long a key may be, in octets.
const LONGEST_KEY: usize = 128;

/// How long an answer may be that is kept, in octets.
const LONGEST_ANSWER: usize = 65_536;

/// For how long a call is remembered, in seconds: a day.
const REMEMBERED: i64 = 86_400;

/// For how long, in seconds, a call that began on another node may be under way there: none takes longer.
const ELSEWHERE: i64 = 60;

/// Routes whose answers hold what is shown once and kept nowhere.
const SHOWN_ONCE: [&str; 2] = ["/v1/tokens", "/v1/devices/{title}/secrets"];

/// Calls that are being made by this process.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<BTreeSet<[u8; 32]>>>);

impl UnderWay {
    fn begin(&self, key: [u8; 32]) -> Making {
        self.calls().insert(key);
        Making { key, all: self.clone() }
    }

    fn has(&self, key: &[u8; 32]) -> bool {
        self.calls().contains(key)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, BTreeSet<[u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is being made.
struct Making {
    key: [u8; 32],
    all: UnderWay,
}

impl Drop for Making {
    fn drop(&mut self) {
        self.all.calls().remove(&self.key);
    }
}

/// Makes a call, or answers as it was answered before.
pub(super) async fn run(state: &OperatorState, name: &str, request: Request, next: Next) -> Response {
    let is_stale = request.extensions().get::<Stale>().is_some();
    let given = if request.method() == Method::POST { key(request.headers()) } else { Ok(None) };
    match given {
        Err(failure) => Reply::from(failure).into_response(),
        Ok(None) if is_stale => Reply::from(Stale::failure()).into_response(),
        Ok(None) => next.run(request).await,
        Ok(Some(given)) => keyed(state, (name, &given), (request, is_stale), next).await,
    }
}

async fn keyed(
    state: &OperatorState,
    (name, given): (&str, &str),
    (request, is_stale): (Request, bool),
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let longest = usize::try_from(LONGEST_BODY).unwrap_or(usize::MAX);
    let Ok(body) = to_bytes(body, longest).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let key = hash(&[name.as_bytes(), given.as_bytes()]);
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let digest = hash(&[parts.method.as_str().as_bytes(), target.as_bytes(), &body]);
    let begun = state.work(move |system| {
        let at = system.clock.now();
        let call = Call { key, digest, at, until: at.plus_seconds(REMEMBERED) };
        let standing = system.calls.begin_call(call).map_err(unavailable)?;
        let may_be_elsewhere =
            |begun: UnixTime| system.nodes == Nodes::Several && at < begun.plus_seconds(ELSEWHERE);
        let elsewhere = matches!(standing, CallStanding::Begun(begun) if may_be_elsewhere(begun));
        Ok((standing, elsewhere))
    });
    let (standing, elsewhere) = match begun.await {
        Ok(found) => found,
        Err(reply) => return reply.into_response(),
    };
    match standing {
        CallStanding::New if is_stale => {
            forget(state, key).await;
            Reply::from(Stale::failure()).into_response()
        }
        CallStanding::New => {
            let request = Request::from_parts(parts, Body::from(body));
            let making = state.under_way.begin(key);
            // Goes on when whoever asked is gone: he comes back for the answer.
            let made = tokio::spawn(make(state.clone(), making, request, next));
            made.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        CallStanding::Begun(at) => {
            Reply::from(unanswered(at, elsewhere || state.under_way.has(&key))).into_response()
        }
        CallStanding::Other => Reply::from(other()).into_response(),
        CallStanding::Answered(CallAnswer { status, body: Some(body) }) => answered_before(status, body),
        CallStanding::Answered(CallAnswer { status, body: None }) => {
            Reply::from(not_kept(status)).into_response()
        }
    }
}

/// Makes the call and puts its answer on record. What was not done for want of something that is away is forgotten.
async fn make(state: OperatorState, making: Making, request: Request, next: Next) -> Response {
    let shown_once =
        request.extensions().get::<MatchedPath>().is_some_and(|path| SHOWN_ONCE.contains(&path.as_str()));
    let response = next.run(request).await;
    let status = response.status();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        forget(&state, making.key).await;
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(octets) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_kept = !(shown_once && status.is_success())
        && octets.len() <= LONGEST_ANSWER
        && parts.headers.contains_key(CONTENT_TYPE);
    let answer = CallAnswer { status: status.as_u16(), body: is_kept.then(|| octets.to_vec()) };
    let key = making.key;
    let kept = state.work(move |system| system.calls.answer_call(key, answer).map_err(unavailable)).await;
    if let Err(reply) = kept {
        tracing::warn!(
            ?reply,
            "an answer is not on record: a repetition of the call is told that nobody knows it"
        );
    }
    Response::from_parts(parts, Body::from(octets))
}

async fn forget(state: &OperatorState, key: [u8; 32]) {
    let forgotten = state.work(move |system| system.calls.forget_call(key).map_err(unavailable)).await;
    if let Err(reply) = forgotten {
        tracing::warn!(?reply, "a call of which nothing was done stands as begun");
    }
}

/// Reads the key: a string of RFC 8941 §3.3.3, or the same without its quotation marks.
fn key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut fields = headers.get_all(FIELD).into_iter();
    let Some(field) = fields.next() else { return Ok(None) };
    let text = field.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\' | b',' | b';');
    if fields.next().is_some() || bare.is_empty() || bare.len() > LONGEST_KEY || !bare.bytes().all(is_plain) {
        let message = format!(
            "an Idempotency-Key is given once: 1 to {LONGEST_KEY} printable characters without space, quotation mark, backslash, comma and semicolon"
        );
        return Err(Failure::new(Exit::Usage, "api.key-malformed", message).then("draw a UUID for each call"));
    }
    Ok(Some(bare.to_owned()))
}

/// SHA-256 over parts, each behind its length.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn unanswered(at: UnixTime, is_under_way: bool) -> Failure {
    if is_under_way {
        let message = format!("the call with this key came at {at} and is being made");
        return Failure::new(Exit::Conflict, "api.key-under-way", message)
            .then("ask again in a second, with the same key");
    }
    let message = format!(
        "the call with this key came at {at}; the server was stopped before its answer was on record"
    );
    Failure::new(Exit::Conflict, "api.key-unanswered", message)
        .then("look whether it was done (the audit log tells), and use another key if it was not")
}

fn other() -> Failure {
    Failure::new(Exit::Refused, "api.key-used", "another request was made with this key within the last day")
        .then("use a new key for each call; the same one only to repeat it octet for octet")
}

fn not_kept(status: u16) -> Failure {
    let message =
        format!("the call with this key was answered, with status {status}; the answer is not kept");
    Failure::new(Exit::Conflict, "api.key-answered", message)
        .then("look at what it was about; what was shown once is made anew with another key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[&str]) -> Result<Option<String>, Failure> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(FIELD, field.parse().unwrap());
        }
        key(&headers)
    }

    #[test]
    fn a_key_is_read_with_and_without_quotation_marks() {
        assert_eq!(read(&[]).unwrap(), None);
        for text in ["8e03978e-40d5-43e8-bc93-6894a57f9324", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\""] {
            assert_eq!(read(&[text]).unwrap().as_deref(), Some("8e03978e-40d5-43e8-bc93-6894a57f9324"));
        }
        assert_eq!(read(&[&"k".repeat(128)]).unwrap().map(|key| key.len()), Some(128));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(129);
        for fields in
            [&[""][..], &["\"\""], &["\""], &["a b"], &["a\"b"], &["a,b"], &["a;p=1"], &[&long], &["a", "a"]]
        {
            assert_eq!(read(fields).unwrap_err().code, "api.key-malformed", "{fields:?}");
        }
    }

    #[test]
    fn parts_are_told_apart_wherever_they_end() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a", b""]), hash(&[b"", b"a"]));
    }

    #[test]
    fn what_is_shown_once_is_shown_by_a_route() {
        let table = crate::operator::route_table();
        for path in SHOWN_ONCE {
            assert!(table.iter().any(|route| route.path == path && route.method == "POST"), "{path}");
        }
    }

    #[test]
    fn a_call_is_under_way_until_it_is_made() {
        let all = UnderWay::default();
        let making = all.begin([1; 32]);
        assert!(all.has(&[1; 32]) && !all.has(&[2; 32]));
        drop(making);
        assert!(!all.has(&[1; 32]));
    }
}
