//! The metrics of tokens and of the signer's process, as of the last look.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use server_kit::metrics::Metrics;
use signer_link::desk::{Standing, TokenCounts, TokenReport};

/// Metrics, and how far each token had counted.
pub(crate) struct Meters {
    metrics: Metrics,
    shown: Mutex<BTreeMap<String, TokenCounts>>,
}

impl Meters {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        for (name, sentence) in [
            ("token_calls_total", "Calls of PKCS#11 modules, by token."),
            ("hsm_errors_total", "Failures of tokens, by what PKCS#11 answered last."),
            ("token_failures_total", "How often a token failed and was left alone."),
            ("token_signatures_total", "Signatures asked of a token, by what became of them."),
        ] {
            metrics.describe_counter(name, sentence);
        }
        Self { metrics: metrics.clone(), shown: Mutex::default() }
    }

    /// Brings all of them up to date; `up` tells whether the signer's process answers, where there is one.
    pub(crate) fn show(&self, up: Option<bool>, reports: &[TokenReport]) {
        if let Some(up) = up {
            self.metrics.gauge("signer_up", &[]).set(f64::from(u8::from(up)));
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for report in reports {
            self.show_token(report, shown.insert(report.token.clone(), report.counts).unwrap_or_default());
        }
    }

    fn show_token(&self, report: &TokenReport, before: TokenCounts) {
        let (token, now) = (report.token.as_str(), report.counts);
        for standing in Standing::ALL {
            let labels = [("token", token), ("state", standing.name())];
            self.metrics.gauge("token_state", &labels).set(f64::from(u8::from(standing == report.standing)));
        }
        // A process that was started anew counts from 0.
        let grown = |now: u64, before: u64| if now < before { now } else { now - before };
        let failed = grown(now.failures, before.failures);
        if failed > 0 {
            let labels = [("token", token), ("rv", return_value(&report.cause))];
            self.metrics.counter("hsm_errors_total", &labels).increment(failed);
        }
        for (name, now, before) in [
            ("token_calls_total", now.calls, before.calls),
            ("token_failures_total", now.failures, before.failures),
        ] {
            self.metrics.counter(name, &[("token", token)]).increment(grown(now, before));
        }
        for (outcome, now, before) in [
            ("signed", now.signed, before.signed),
            ("not-signed", now.not_signed, before.not_signed),
            ("unknown", now.unknown, before.unknown),
        ] {
            let labels = [("token", token), ("outcome", outcome)];
            self.metrics.counter("token_signatures_total", &labels).increment(grown(now, before));
        }
        for (name, number) in [
            ("token_queue", now.waiting),
            ("token_calls_under_way", now.under_way),
            ("token_calls_hanging", now.hanging),
        ] {
            let number = f64::from(u32::try_from(number).unwrap_or(u32::MAX));
            self.metrics.gauge(name, &[("token", token)]).set(number);
        }
    }
}

/// The return value of PKCS#11 in what a token answered: `CKR_` and its name, or the number of its vendor; `none` where the module
/// answered nothing, as when a call hangs.
fn return_value(cause: &str) -> &str {
    let words = || cause.split([' ', ',', ';', ':', ')', '(']);
    let named = words().find(|word| word.starts_with("CKR_"));
    named.or_else(|| words().find(|word| word.starts_with("0x"))).unwrap_or("none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_by_what_the_token_answered() {
        for (cause, told) in [
            ("C_Sign answered CKR_DEVICE_ERROR", "CKR_DEVICE_ERROR"),
            (
                "token online: C_Login answered 0x80000001, which only the vendor of the token knows",
                "0x80000001",
            ),
            ("a call did not come back within 5 s", "none"),
            ("", "none"),
        ] {
            assert_eq!(return_value(cause), told);
        }
    }

    #[test]
    fn counts_go_on_where_a_signer_that_was_started_anew_begins_from_0() {
        let metrics = Metrics::new("pki_");
        let meters = Meters::new(&metrics);
        let report = |signed| TokenReport {
            token: "online".to_owned(),
            standing: Standing::Resting,
            again_in: None,
            cause: String::new(),
            counts: TokenCounts { signed, ..TokenCounts::default() },
        };
        for (signed, shown) in [(5, 5), (7, 7), (2, 9), (2, 9)] {
            meters.show(Some(true), &[report(signed)]);
            let text = metrics.render();
            let line = format!("pki_token_signatures_total{{token=\"online\",outcome=\"signed\"}} {shown}\n");
            assert!(text.contains(&line), "{text}");
        }
        let text = metrics.render();
        assert!(text.contains("pki_token_state{token=\"online\",state=\"resting\"} 1\n"), "{text}");
        assert!(text.contains("pki_token_state{token=\"online\",state=\"serving\"} 0\n"), "{text}");
        assert!(text.contains("pki_signer_up 1\n"), "{text}");
    }
}
