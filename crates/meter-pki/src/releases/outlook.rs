//! How long the roots' CRLs and certificates last: told 180, 90 and 30 days before their end (case R-16), when there is time to
//! hold a ceremony.
//!
//! What is kept for release counts: the end is that of the last CRL of the series.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;
use server_kit::health::Condition;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;

use super::Releases;

/// How often the ends are looked at.
const LOOK: Duration = Duration::from_secs(600);

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Nearness {
    /// More than 180 days away.
    Far,
    /// At most 180 days away: plan the ceremony.
    Plan,
    /// At most 90 days away: call the people.
    Call,
    /// At most 30 days away: hold it now.
    Urgent,
    /// Over.
    Over,
}

impl Nearness {
    const fn of(days: i64) -> Self {
        match days {
            181.. => Self::Far,
            91..=180 => Self::Plan,
            31..=90 => Self::Call,
            0..=30 => Self::Urgent,
            _ => Self::Over,
        }
    }
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lasting {
    /// The last CRL that is out or kept.
    Crls,
    /// The root's certificate.
    Certificate,
}

impl Lasting {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Crls => "crl",
            Self::Certificate => "certificate",
        }
    }
}

/// The end of one thing of a root.
#[derive(Debug, Clone)]
pub(crate) struct Outlook {
    pub(crate) root: KeyRef,
    pub(crate) name: String,
    pub(crate) what: Lasting,
    pub(crate) end: UnixTime,
    /// Whole days left, negative when it is over.
    pub(crate) days: i64,
}

impl Outlook {
    pub(crate) const fn nearness(&self) -> Nearness {
        Nearness::of(self.days)
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Lasting::Crls => "the last CRL",
            Lasting::Certificate => "the certificate",
        };
        let (name, end) = (&self.name, self.end);
        match self.nearness() {
            Nearness::Over => write!(f, "{what} of {name} ended at {end}"),
            Nearness::Far | Nearness::Plan | Nearness::Call | Nearness::Urgent => {
                write!(f, "{what} of {name} ends at {end}, in {} days", self.days)
            }
        }
    }
}

/// Returns the ends of all roots. A root without any CRL has no end of CRLs, and a certificate that says so has none.
pub(crate) fn of(releases: &Releases) -> Vec<Outlook> {
    let (now, kept) = (releases.now(), releases.kept());
    let days = |end: UnixTime| (end.seconds() - now.seconds()).div_euclid(86_400);
    let mut outlooks = Vec::new();
    for root in releases.roots() {
        let key = root.key();
        let out = releases.standing(&key).map(|standing| standing.next_update);
        let later = kept.iter().filter(|release| !releases.is_overtaken(release));
        let later = later.filter_map(|release| release.crl_of(&key)).map(|crl| crl.next_update);
        let crls = out.into_iter().chain(later).max().map(|end| (Lasting::Crls, end));
        // RFC 5280 §4.1.2.5: the time that stands for no well-defined end is not awaited.
        let end = root.certificate().validity().not_after();
        let certificate = (end != UnixTime::NO_EXPIRY).then_some((Lasting::Certificate, end));
        for (what, end) in crls.into_iter().chain(certificate) {
            outlooks.push(Outlook { root: key, name: root.name().to_string(), what, end, days: days(end) });
        }
    }
    outlooks
}

/// Tells health checks of every end that is near. Serving goes on: it is never a failure of this process.
pub(crate) fn condition(releases: &Releases) -> Condition {
    let near: Vec<String> = of(releases)
        .iter()
        .filter(|outlook| outlook.nearness() > Nearness::Far)
        .map(|outlook| format!("{outlook}; hold a ceremony before"))
        .collect();
    if near.is_empty() { Condition::Well } else { Condition::Degraded(near.join("; ")) }
}

/// Keeps the gauge `pki_root_days_left{root,what}` and tells the log at every step nearer.
pub(crate) struct OutlookWatch {
    releases: Arc<Releases>,
    metrics: Metrics,
    told: Mutex<HashMap<(KeyRef, Lasting), Nearness>>,
}

impl OutlookWatch {
    pub(crate) fn new(releases: Arc<Releases>, metrics: &Metrics) -> Self {
        Self { releases, metrics: metrics.clone(), told: Mutex::default() }
    }

    /// Looks at every end; returns those that came a step nearer since the look before.
    pub(super) fn look(&self) -> Vec<Outlook> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut nearer = Vec::new();
        for outlook in of(&self.releases) {
            let labels = [("root", outlook.root.to_string()), ("what", outlook.what.label().to_owned())];
            let labels = labels.each_ref().map(|(name, value)| (*name, value.as_str()));
            let days = i32::try_from(outlook.days).unwrap_or(i32::MAX);
            self.metrics.gauge("root_days_left", &labels).set(f64::from(days));
            let before = told.insert((outlook.root, outlook.what), outlook.nearness());
            if outlook.nearness() > before.unwrap_or(Nearness::Far) {
                nearer.push(outlook);
            }
        }
        nearer
    }

    /// Looks until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            for outlook in self.look() {
                match outlook.nearness() {
                    Nearness::Far => {}
                    Nearness::Plan => tracing::info!(%outlook, "plan the next ceremony"),
                    Nearness::Call => tracing::warn!(%outlook, "call the people of the ceremony together"),
                    Nearness::Urgent | Nearness::Over => tracing::error!(%outlook, "hold the ceremony now"),
                }
            }
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_16_each_step_begins_on_its_day() {
        let steps = [181, 180, 91, 90, 31, 30, 0, -1].map(Nearness::of);
        use Nearness::{Call, Far, Over, Plan, Urgent};
        assert_eq!(steps, [Far, Plan, Plan, Call, Call, Urgent, Urgent, Over]);
    }
}
