//! The counts of the signer's process as a file of Prometheus' text format, for the textfile collector of `node_exporter`.
//!
//! The signer listens to nobody but its socket, and this adds no other: the file is written aside and renamed. A file that is
//! older than a minute is of a signer that has ended; its time says so.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use server_kit::metrics::Metrics;
use signer_link::desk::{SignerState, SigningDesk};

use crate::token_meters::Meters;

/// How often the file is written.
const PERIOD: Duration = Duration::from_secs(5);

/// The thread that writes; it writes once more when this is dropped.
pub(crate) struct SignerMetrics {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SignerMetrics {
    /// Writes the file, and goes on writing it.
    ///
    /// # Errors
    /// What the operating system says of the first time.
    pub(crate) fn start(file: PathBuf, desk: Arc<dyn SigningDesk>) -> io::Result<Self> {
        let mut page = Page::new();
        write(&file, &page.text(&desk.state()))?;
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("signer-metrics".to_owned()).spawn(move || {
            loop {
                let ends = stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Disconnected);
                if let Err(error) = write(&file, &page.text(&desk.state())) {
                    tracing::warn!(file = %file.display(), %error, "the metrics are not written");
                }
                if ends {
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for SignerMetrics {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the metrics panicked");
        }
    }
}

/// The metrics, and how far each key had counted.
struct Page {
    metrics: Metrics,
    tokens: Meters,
    shown: BTreeMap<String, (u64, u64)>,
}

impl Page {
    fn new() -> Self {
        let metrics = Metrics::new("pki_");
        metrics.describe_counter(
            "signer_requests_total",
            "What was asked of the signer, by key and by what became of it.",
        );
        Self { tokens: Meters::new(&metrics), metrics, shown: BTreeMap::new() }
    }

    fn text(&mut self, state: &SignerState) -> String {
        for one in &state.keys {
            let key = one.key.to_string();
            let before = self.shown.insert(key.clone(), (one.signed, one.denied)).unwrap_or_default();
            for (outcome, now, before) in [("signed", one.signed, before.0), ("denied", one.denied, before.1)]
            {
                let labels =
                    [("key", key.as_str()), ("purposes", one.purposes.as_str()), ("outcome", outcome)];
                self.metrics.counter("signer_requests_total", &labels).increment(now.saturating_sub(before));
            }
            let today = f64::from(u32::try_from(one.today).unwrap_or(u32::MAX));
            self.metrics.gauge("signer_signatures_today", &[("key", &key)]).set(today);
        }
        let records = f64::from(u32::try_from(state.records).unwrap_or(u32::MAX));
        self.metrics.gauge("signer_log_records", &[]).set(records);
        self.tokens.show(None, &state.tokens);
        self.metrics.render()
    }
}

/// Writes the file aside and renames it: the collector reads the whole of one or of the other.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".new");
    fs::write(&aside, text)?;
    fs::rename(aside, file)
}

#[cfg(test)]
mod tests {
    use ca_core::key_ref::KeyRef;
    use signer_link::desk::KeyState;

    use super::*;

    #[test]
    fn keys_are_counted_as_the_signer_tells_and_today_may_begin_anew() {
        let mut page = Page::new();
        let key = KeyRef::new([7; 20]);
        for (signed, denied, today) in [(3, 1, 9), (5, 1, 0)] {
            let state = KeyState { key, purposes: "ocsp".into(), signed, denied, today, absence: None };
            let state = SignerState { records: 12, keys: vec![state], ..SignerState::default() };
            let text = page.text(&state);
            let line = |outcome: &str, count: u64| {
                format!(
                    "pki_signer_requests_total{{key=\"{key}\",purposes=\"ocsp\",outcome=\"{outcome}\"}} {count}\n"
                )
            };
            assert!(
                text.contains(&line("signed", signed)) && text.contains(&line("denied", denied)),
                "{text}"
            );
            let line = format!("pki_signer_signatures_today{{key=\"{key}\"}} {today}\n");
            assert!(text.contains(&line) && text.contains("pki_signer_log_records 12\n"), "{text}");
        }
    }
}
