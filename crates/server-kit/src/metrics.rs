//! Counters, gauges and histograms, and the route on which Prometheus reads them.
//!
//! It is *not* an exporter with a socket of its own, and it pushes nothing: [`Metrics::router`] is mounted on a listener
//! of the operator's choice (never one that devices reach). The parts of this crate prefix their metric names with what
//! the process gives to [`Metrics::new`]; all other crates count by the macros of the `metrics` crate under full names,
//! after [`Metrics::install`].
//!
//! A [`ReasonCounter`] counts refusals by their stable reason code, the same one that the log and the audit record bear.
//!
//! ```
//! use server_kit::metrics::Metrics;
//!
//! let metrics = Metrics::new("shop_");
//! let refusals = metrics.reasons("refusals_total", &[("listener", "front")]);
//! refusals.count("body_too_large");
//! assert!(metrics.render().contains("shop_refusals_total{listener=\"front\",reason=\"body_too_large\"} 1"));
//! ```

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
pub use metrics::{Counter, Gauge};
use metrics::{Key, KeyName, Label, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::{fmt, sync::Arc};

/// Upper bounds in seconds for every histogram whose name ends in `_seconds`.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

const ORIGIN: Metadata<'static> = Metadata::new(module_path!(), metrics::Level::INFO, Some(module_path!()));

/// One set of metrics. Clones share it.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    prefix: Arc<str>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Metrics {
    /// Makes an empty set. `prefix` stands in front of the names that this crate counts under, for example `shop_`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        // Only an empty list of buckets is an error here.
        let builder = PrometheusBuilder::new();
        let recorder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .map_or_else(|_| PrometheusBuilder::new().build_recorder(), PrometheusBuilder::build_recorder);
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle, prefix: Arc::from(prefix) }
    }

    /// Makes this set the one that the macros of the `metrics` crate write to, in the whole process, once.
    ///
    /// # Errors
    /// [`InstallMetricsError`] when the process has one already.
    pub fn install(&self) -> Result<(), InstallMetricsError> {
        metrics::set_global_recorder(Arc::clone(&self.recorder)).map_err(|_| InstallMetricsError)
    }

    /// A counter per reason code under `prefix` + `name`, with fixed labels beside `reason`.
    #[must_use]
    pub fn reasons(&self, name: &str, labels: &[(&'static str, &str)]) -> ReasonCounter {
        ReasonCounter { recorder: Some(Arc::clone(&self.recorder)), key: self.key(name, labels) }
    }

    /// A plain counter under `prefix` + `name`.
    pub fn counter(&self, name: &str, labels: &[(&'static str, &str)]) -> Counter {
        self.recorder.register_counter(&self.key(name, labels), &ORIGIN)
    }

    /// A gauge under `prefix` + `name`.
    pub fn gauge(&self, name: &str, labels: &[(&'static str, &str)]) -> Gauge {
        self.recorder.register_gauge(&self.key(name, labels), &ORIGIN)
    }

    /// Says in one sentence what `prefix` + `name` counts; it stands in the exposition as `# HELP`.
    pub fn describe_counter(&self, name: &str, sentence: &'static str) {
        self.recorder.describe_counter(self.name(name), None, sentence.into());
    }

    /// The text exposition, format version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }

    /// `GET /metrics`.
    pub fn router(&self) -> Router {
        let metrics = self.clone();
        let exposition = move || {
            let text = metrics.render();
            async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
        };
        Router::new().route("/metrics", get(exposition))
    }

    fn key(&self, name: &str, labels: &[(&'static str, &str)]) -> Key {
        let labels: Vec<Label> =
            labels.iter().map(|(key, value)| Label::new(*key, (*value).to_owned())).collect();
        Key::from_parts(self.name(name), labels)
    }

    fn name(&self, name: &str) -> KeyName {
        KeyName::from(format!("{}{name}", self.prefix))
    }
}

/// Counts by stable reason code. Clones share the counts.
///
/// The default one counts nothing, for listeners without metrics.
#[derive(Clone)]
pub struct ReasonCounter {
    recorder: Option<Arc<PrometheusRecorder>>,
    key: Key,
}

impl Default for ReasonCounter {
    fn default() -> Self {
        Self { recorder: None, key: Key::from_static_name("") }
    }
}

impl fmt::Debug for ReasonCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReasonCounter").field(&self.key.name()).finish()
    }
}

impl ReasonCounter {
    /// Adds one to the counter of `reason`, a code of `[a-z0-9_.]`. Reasons are few and never taken from a request.
    pub fn count(&self, reason: &'static str) {
        if let Some(recorder) = &self.recorder {
            let key = self.key.with_extra_labels(vec![Label::from_static_parts("reason", reason)]);
            recorder.register_counter(&key, &ORIGIN).increment(1);
        }
    }
}

/// The process has a global recorder already.
#[derive(Debug, thiserror::Error)]
#[error("the metrics of this process are already installed")]
pub struct InstallMetricsError;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use tower::ServiceExt;

    #[test]
    fn counts_each_reason_apart() {
        let metrics = Metrics::new("a_");
        let reasons = metrics.reasons("refused_total", &[]);
        let same = reasons.clone();
        reasons.count("x");
        same.count("x");
        reasons.count("y");
        let text = metrics.render();
        assert!(text.contains("a_refused_total{reason=\"x\"} 2"), "{text}");
        assert!(text.contains("a_refused_total{reason=\"y\"} 1"), "{text}");
    }

    #[test]
    fn two_sets_do_not_see_each_other() {
        let (one, other) = (Metrics::new(""), Metrics::new(""));
        one.counter("seen_total", &[]).increment(1);
        assert!(one.render().contains("seen_total 1"));
        assert!(!other.render().contains("seen_total"));
    }

    #[test]
    fn a_counter_without_metrics_is_silent() {
        ReasonCounter::default().count("x");
    }

    #[test]
    fn histograms_in_seconds_have_buckets() {
        let metrics = Metrics::new("");
        metrics.recorder.register_histogram(&Key::from_name("sign_duration_seconds"), &ORIGIN).record(0.004);
        assert!(
            metrics.render().contains("sign_duration_seconds_bucket{le=\"0.005\"} 1"),
            "{}",
            metrics.render()
        );
    }

    #[tokio::test]
    async fn the_route_answers_with_the_exposition() {
        let metrics = Metrics::new("");
        metrics.describe_counter("seen_total", "What was seen.");
        metrics.counter("seen_total", &[]).increment(3);
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = metrics.router().oneshot(request).await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert_eq!(
            String::from_utf8_lossy(&body).trim(),
            "# HELP seen_total What was seen.\n# TYPE seen_total counter\nseen_total 3"
        );
    }
}
