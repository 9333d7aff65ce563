//! Says whether the process lives, may be given work, and has started: `/livez`, `/readyz`, `/startupz`.
//!
//! It is *not* an alarm: it answers when asked. Checks are named closures that may block, even for ever: each runs on a
//! thread of its own, once at a time, at most once a second however often it is asked for, and counts as failed when it
//! has not answered within two seconds. So neither a token that hangs nor a flood of questions hangs the answer.
//!
//! The public answers say `ok` or `unavailable` and nothing else; names and reasons stand only in
//! [`Health::admin_router`], which belongs on a listener that operators alone can reach.
//!
//! A [`Condition::Degraded`] part is told to operators and takes no traffic away: otherwise whoever finds a fault that
//! can be provoked could switch the server off.
//!
//! ```
//! use server_kit::health::{Condition, Health};
//!
//! let health = Health::new();
//! health.ready("store", || Condition::Well);
//! health.ready("disk", || Condition::Degraded("8 % free".to_owned()));
//! health.started();
//! let public: axum::Router = health.router();
//! ```

mod check;

use crate::health::check::Check;
use axum::{
    Json, Router,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, HeaderName},
    },
    response::IntoResponse,
    routing::get,
};
use serde::Serialize;
use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const LONGEST_PATIENCE: Duration = Duration::from_secs(3600);

/// What a check finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All is as it should be.
    Well,
    /// Works, but an operator should look; the text says at what. Answers stay 200.
    Degraded(String),
    /// Does not work; the text says what. The answer is 503.
    Failed(String),
}

impl<E: ToString> From<Result<(), E>> for Condition {
    /// An error is a failure.
    fn from(result: Result<(), E>) -> Self {
        result.map_or_else(|error| Self::Failed(error.to_string()), |()| Self::Well)
    }
}

/// The checks of one process. Clones share them.
#[derive(Clone, Debug)]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    patience: Duration,
    started: AtomicBool,
    live: RwLock<Vec<Arc<Check>>>,
    ready: RwLock<Vec<Arc<Check>>>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// A process without checks, which has not started yet. Its checks have two seconds to answer.
    #[must_use]
    pub fn new() -> Self {
        Self::with_patience(Duration::from_secs(2))
    }

    /// The same with another time after which a check that has not answered counts as failed; one hour at most.
    #[must_use]
    pub fn with_patience(patience: Duration) -> Self {
        let shared = Shared {
            patience: patience.min(LONGEST_PATIENCE),
            started: AtomicBool::new(false),
            live: RwLock::default(),
            ready: RwLock::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds a check whose failure only a restart can heal (`/livez`).
    pub fn live(&self, name: &'static str, check: impl Fn() -> Condition + Send + Sync + 'static) {
        add(&self.shared.live, Check::new(name, self.shared.patience, check));
    }

    /// Adds a check without which no work should be sent here (`/readyz`).
    pub fn ready(&self, name: &'static str, check: impl Fn() -> Condition + Send + Sync + 'static) {
        add(&self.shared.ready, Check::new(name, self.shared.patience, check));
    }

    /// Declares the start-up finished. Before, `/startupz` and `/readyz` answer 503.
    pub fn started(&self) {
        self.shared.started.store(true, Ordering::Release);
    }

    /// `GET /livez`, `/readyz`, `/startupz`: 200 `ok` or 503 `unavailable`.
    pub fn router(&self) -> Router {
        let (live, ready, start) = (self.clone(), self.clone(), self.clone());
        Router::new()
            .route("/livez", get(async move || plain(live.is_live().await)))
            .route("/readyz", get(async move || plain(ready.is_ready().await)))
            .route("/startupz", get(async move || plain(start.has_started())))
    }

    /// `GET /health`: every check by name, with its reason, as JSON. For operators only.
    pub fn admin_router(&self) -> Router {
        let health = self.clone();
        let report = async move || {
            let report = health.report().await;
            let status = status_of(report.condition != "failed");
            (status, [NO_STORE], Json(report))
        };
        Router::new().route("/health", get(report))
    }

    fn has_started(&self) -> bool {
        self.shared.started.load(Ordering::Acquire)
    }

    /// Whether no check failed whose failure only a restart can heal.
    pub(crate) async fn is_live(&self) -> bool {
        none_failed(&ask_all(&self.shared.live).await)
    }

    /// The names of all checks that failed, each once.
    pub(crate) async fn failing(&self) -> Vec<&'static str> {
        let (live, ready) = tokio::join!(ask_all(&self.shared.live), ask_all(&self.shared.ready));
        let found = live.into_iter().chain(ready);
        let failed = found.filter(|(_, condition)| matches!(condition, Condition::Failed(_)));
        let mut names: Vec<_> = failed.map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    async fn is_ready(&self) -> bool {
        self.has_started() && none_failed(&ask_all(&self.shared.ready).await)
    }

    async fn report(&self) -> Report {
        let (live, ready) = tokio::join!(ask_all(&self.shared.live), ask_all(&self.shared.ready));
        let started = self.has_started();
        let condition = if !started || !none_failed(&live) || !none_failed(&ready) {
            "failed"
        } else if live.iter().chain(&ready).any(|(_, found)| *found != Condition::Well) {
            "degraded"
        } else {
            "well"
        };
        let live = live.into_iter().map(|found| ReportLine::new("live", found));
        let ready = ready.into_iter().map(|found| ReportLine::new("ready", found));
        Report { condition, started, checks: live.chain(ready).collect() }
    }
}

#[derive(Serialize)]
struct Report {
    condition: &'static str,
    started: bool,
    checks: Vec<ReportLine>,
}

#[derive(Serialize)]
struct ReportLine {
    name: &'static str,
    kind: &'static str,
    condition: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ReportLine {
    fn new(kind: &'static str, (name, found): (&'static str, Condition)) -> Self {
        let (condition, reason) = match found {
            Condition::Well => ("well", None),
            Condition::Degraded(reason) => ("degraded", Some(reason)),
            Condition::Failed(reason) => ("failed", Some(reason)),
        };
        Self { name, kind, condition, reason }
    }
}

const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

fn add(checks: &RwLock<Vec<Arc<Check>>>, check: Arc<Check>) {
    checks.write().unwrap_or_else(PoisonError::into_inner).push(check);
}

/// All at once, so that several checks that hang cost no more time than one.
async fn ask_all(checks: &RwLock<Vec<Arc<Check>>>) -> Vec<(&'static str, Condition)> {
    let checks = checks.read().unwrap_or_else(PoisonError::into_inner).clone();
    let asked: Vec<_> = checks.into_iter().map(|check| (check.name(), check.ask())).collect();
    let mut found = Vec::with_capacity(asked.len());
    for (name, answer) in asked {
        found.push((name, answer.await));
    }
    found
}

fn none_failed(found: &[(&'static str, Condition)]) -> bool {
    found.iter().all(|(_, condition)| !matches!(condition, Condition::Failed(_)))
}

fn plain(good: bool) -> impl IntoResponse {
    (status_of(good), [NO_STORE], if good { "ok\n" } else { "unavailable\n" })
}

fn status_of(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use std::sync::{Condvar, Mutex};
    use tower::ServiceExt;

    async fn ask(router: Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn is_not_ready_before_it_has_started() {
        let health = Health::new();
        assert_eq!(ask(health.router(), "/startupz").await.0, 503);
        assert_eq!(ask(health.router(), "/readyz").await.0, 503);
        assert_eq!(ask(health.router(), "/livez").await.0, 200);
        health.started();
        assert_eq!(ask(health.router(), "/startupz").await, (200, "ok\n".to_owned()));
        assert_eq!(ask(health.router(), "/readyz").await.0, 200);
    }

    #[tokio::test]
    async fn the_public_answer_names_nothing() {
        let health = Health::new();
        health.started();
        health.ready("token", || Condition::Failed("slot 3 is gone".to_owned()));
        assert_eq!(ask(health.router(), "/readyz").await, (503, "unavailable\n".to_owned()));
        assert_eq!(ask(health.router(), "/health").await.0, 404);
    }

    #[tokio::test]
    async fn the_admin_answer_names_check_and_reason() {
        let health = Health::new();
        health.started();
        health.live("panics", || Condition::Well);
        health.ready("token", || Condition::from(Err("slot 3 is gone")));
        let (status, body) = ask(health.admin_router(), "/health").await;
        assert_eq!(status, 503);
        assert_eq!(
            body,
            r#"{"condition":"failed","started":true,"checks":[{"name":"panics","kind":"live","condition":"well"},{"name":"token","kind":"ready","condition":"failed","reason":"slot 3 is gone"}]}"#
        );
    }

    // T-12: a degraded part is told, and does not switch the server off.
    #[tokio::test]
    async fn a_degraded_part_keeps_the_server_in_traffic() {
        let health = Health::new();
        health.started();
        health.ready("panics", || Condition::Degraded("11 panics".to_owned()));
        assert_eq!(ask(health.router(), "/readyz").await.0, 200);
        let (status, body) = ask(health.admin_router(), "/health").await;
        assert_eq!(status, 200);
        assert!(body.starts_with(r#"{"condition":"degraded""#), "{body}");
    }

    #[tokio::test]
    async fn a_check_that_hangs_hangs_no_answer() {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let held = Arc::clone(&gate);
        let health = Health::with_patience(Duration::from_secs(1));
        health.started();
        health.ready("token", move || {
            let (open, opened) = &*held;
            let open = open.lock().unwrap();
            drop(opened.wait_while(open, |open| !*open).unwrap());
            Condition::Well
        });
        health.ready("store", || Condition::Well);
        let (status, body) = ask(health.admin_router(), "/health").await;
        assert_eq!(status, 503);
        assert!(body.contains("no answer within 1s"), "{body}");
        assert!(body.contains(r#"{"name":"store","kind":"ready","condition":"well"}"#), "{body}");
        assert_eq!(ask(health.router(), "/livez").await.0, 200);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    }
}
