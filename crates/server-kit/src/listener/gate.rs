//! What every request passes on its way to the routes, and every answer on its way back.
//!
//! It is *not* authentication: it refuses requests that no route should see, whoever sends them.

use super::{
    body::{AnswerBody, BodyFault, GuardedBody},
    framing::Verdict,
    long_body::{self, LongBody},
    peer::PeerConnection,
    progress::Progress,
    refusal::Refusal,
    spelling::Spelling,
    tally::{Tally, panic_message},
};
use crate::limits::Limits;
use axum::{
    Router,
    body::Body,
    http::{
        HeaderMap, HeaderValue, Request, Response, Version,
        header::{CONNECTION, CONTENT_ENCODING, HOST},
    },
};
use hyper::body::{Body as _, Incoming};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::Poll,
};
use tokio::time::Instant;
use tower::ServiceExt;

/// The service of one connection.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) router: Router,
    pub(super) peer: PeerConnection,
    pub(super) limits: Arc<Limits>,
    pub(super) long_bodies: Arc<[LongBody]>,
    pub(super) spelling: Arc<Spelling>,
    pub(super) progress: Arc<Progress>,
    pub(super) tally: Arc<Tally>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Infallible>> + Send>>;

impl hyper::service::Service<Request<Incoming>> for Gate {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let verdict = self.progress.request_begins();
        let progress = Arc::clone(&self.progress);
        let tally = Arc::clone(&self.tally);
        let spelling = Arc::clone(&self.spelling);
        let admitted = self.admit(request, verdict);
        Box::pin(async move {
            let outcome = match admitted {
                Ok(answer) => answer.await,
                Err(refusal) => {
                    progress.leave_input();
                    Err(refusal)
                }
            };
            let mut response = outcome.unwrap_or_else(|refusal| {
                tally.request_refused(refusal.reason());
                refusal.response()
            });
            if verdict != Some(Verdict::Clear) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            spelling.apply(&mut response);
            Ok(response.map(|body| AnswerBody::new(body, progress, tally)))
        })
    }
}

impl Gate {
    /// Checks the head and hands the request on, with its body guarded.
    fn admit(
        &self,
        request: Request<Incoming>,
        verdict: Option<Verdict>,
    ) -> Result<impl Future<Output = Result<Response<Body>, Refusal>> + Send + use<>, Refusal> {
        check_head(&request, verdict)?;
        let (limit, time) = long_body::bounds(&self.long_bodies, &self.limits, request.uri().path());
        if request.body().size_hint().lower() > limit {
            return Err(Refusal::Body(BodyFault::TooLarge { limit }));
        }
        let until = Instant::now() + time;
        let progress = Arc::clone(&self.progress);
        let (mut parts, incoming) = request.into_parts();
        let (body, fault) = GuardedBody::new(incoming, limit, until, progress);
        parts.extensions.insert(self.peer.clone());
        let answer = self.router.clone().oneshot(Request::from_parts(parts, Body::new(body)));
        let tally = Arc::clone(&self.tally);
        Ok(async move {
            let outcome = catching_panics(answer).await;
            if let Err(message) = &outcome {
                tally.panicked();
                tracing::error!(panic = message, "a request panicked");
            }
            // Whatever the route made of a body that failed: the client is told what was wrong with it.
            match (fault.get(), outcome) {
                (Some(fault), _) => Err(Refusal::Body(*fault)),
                (None, Ok(Ok(response))) => Ok(response),
                (None, Err(_)) => Err(Refusal::Panic),
            }
        })
    }
}

fn check_head(request: &Request<Incoming>, verdict: Option<Verdict>) -> Result<(), Refusal> {
    match verdict {
        Some(Verdict::Clear | Verdict::Last) => {}
        // RFC 9112 §6.1: a server that answers such a request must close; it may refuse it, and we do.
        Some(Verdict::Contradictory) | None => return Err(Refusal::Framing),
    }
    // RFC 9112 §3.2: a request of HTTP/1.1 without exactly one Host must be answered 400.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(Refusal::Host);
    }
    if is_encoded(request.headers()) {
        return Err(Refusal::ContentEncoding);
    }
    Ok(())
}

/// Nobody here decodes anything, so a bomb is as harmless as it is useless (T-15); RFC 9110 §15.5.16 asks for 415.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Turns a panic of the future into its message.
async fn catching_panics<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(panic_message(payload.as_ref()))),
    })
    .await
}
