//! What the server tells over the operator's socket: its records, what waits, its health and its counts.

use std::collections::BTreeMap;
use std::time::Duration;

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::facts::{
    Attempt, Campaign, OwnCertificate, Part, Production, RecordedCrl, Served, Waiting,
};
use crate::audit::note::{Checkpoint, public_key};
use crate::compose::SystemClock;
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::campaigns::{CampaignPage, CampaignQueryText};
use crate::operator::wire::crls::RecordedCrlView;
use crate::operator::wire::doctor::ProcessView;
use crate::operator::wire::emergencies::EmergencyView;
use crate::operator::wire::orders::{OrderPage, OrderQueryText, OrderView};
use crate::operator::wire::production::{ProductionPage, ProductionQueryText};
use crate::operator::wire::profiles::{ProfilePage, ProfileQueryText};
use crate::operator::wire::requests::{RequestPage, RequestQueryText};
use crate::operator::wire::shut_out::{SchedulePage, ScheduleQueryText, TrustedView};
use crate::operator::wire::{
    CertificatePage, CertificateQueryText, CertificateView, CheckpointView, NodePage, ReleasesView, StoreView,
};
use crate::time_text;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many of what waits are looked at.
const MANY: u32 = 1_000;

/// Asks everything; none when nobody serves. With it, what was signed on the way.
pub(super) async fn ask(client: &OperatorClient, own: &[OwnCertificate]) -> (Option<Served>, Vec<Attempt>) {
    let mut questions = Questions { client, unanswered: Vec::new() };
    let process: Option<ProcessView> = match client.get("/v1/process", &()).await {
        Ok(process) => Some(process),
        Err(failure) if failure.code == "operator.nobody" => return (None, Vec::new()),
        Err(failure) => {
            questions.unanswered.push(("the process".to_owned(), failure.message));
            None
        }
    };
    let mut served = Served::default();
    if let Some(process) = process {
        take_process(&mut served, process);
    }
    questions.records(&mut served).await;
    questions.work(&mut served).await;
    questions.standing(&mut served, own).await;
    let mut attempts = Vec::new();
    questions.checkpoint(&mut served, &mut attempts).await;
    served.unanswered = questions.unanswered;
    (Some(served), attempts)
}

fn take_process(served: &mut Served, process: ProcessView) {
    served.version = process.version;
    served.sha256 = process.configuration_sha256;
    served.profiles_sha256 = process.profiles_sha256;
    served.clock = (process.now, SystemClock.now().seconds());
    served.last_record = process.last_record_at.map(|time| (process.sequence, time));
    served.last_backup = process.last_backup_at;
    served.broken_tail = process.broken;
    served.open_files = process.open_files;
}

struct Questions<'a> {
    client: &'a OperatorClient,
    unanswered: Vec<(String, String)>,
}

/// `/health`, as far as it is looked at.
#[derive(Deserialize)]
struct HealthView {
    checks: Vec<HealthLine>,
}

#[derive(Deserialize)]
struct HealthLine {
    name: String,
    condition: String,
    #[serde(default)]
    reason: String,
}

impl Questions<'_> {
    /// Asks one thing; what is not answered is noted.
    async fn of<T: DeserializeOwned>(&mut self, what: &str, path: &str, query: &impl Serialize) -> Option<T> {
        let answer = tokio::time::timeout(PATIENCE, self.client.get(path, query)).await;
        self.noted(what, answer)
    }

    async fn text(&mut self, what: &str, path: &str) -> Option<String> {
        let answer = tokio::time::timeout(PATIENCE, self.client.text(path)).await;
        self.noted(what, answer)
    }

    fn noted<T>(
        &mut self,
        what: &str,
        answer: Result<Result<T, Failure>, tokio::time::error::Elapsed>,
    ) -> Option<T> {
        let why = match answer {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(failure)) => failure.message,
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        self.unanswered.push((what.to_owned(), why));
        None
    }

    async fn records(&mut self, served: &mut Served) {
        if let Some(store) = self.of::<StoreView>("the ledger", "/v1/store", &()).await {
            served.recovery = store.recovery_since.zip(store.recovery_reason);
        }
        let nodes: Option<NodePage> = self.of("the nodes", "/v1/nodes", &()).await;
        served.nodes = nodes.map(|page| page.nodes).unwrap_or_default();
        let crls: Option<Vec<RecordedCrlView>> = self.of("the CRLs", "/v1/recorded-crls", &()).await;
        served.crls = crls.iter().flatten().map(recorded).collect();
        for status in ["uncertain", "intent"] {
            let query = CertificateQueryText {
                status: Some(status.to_owned()),
                limit: MANY,
                ..CertificateQueryText::default()
            };
            let page: Option<CertificatePage> = self.of("certificates", "/v1/certificates", &query).await;
            let found = page.into_iter().flat_map(|page| page.certificates);
            if status == "uncertain" {
                served.uncertain = found.map(|one| one.serial).collect();
            } else {
                served.pending = found.map(|one| (one.serial, seconds(&one.recorded_at))).collect();
            }
        }
        if let Some(releases) = self.of::<ReleasesView>("the roots", "/v1/releases", &()).await {
            served.roots = releases.ends.into_iter().map(|end| (end.sentence, end.days)).collect();
        }
    }

    async fn work(&mut self, served: &mut Served) {
        let query = RequestQueryText { state: waiting(), limit: MANY, ..RequestQueryText::default() };
        if let Some(page) = self.of::<RequestPage>("requests", "/v1/requests", &query).await {
            let one =
                |id, since: &str, until: &str| Waiting { id, since: seconds(since), until: seconds(until) };
            served.requests =
                page.requests.into_iter().map(|it| one(it.id, &it.requested_at, &it.expires_at)).collect();
        }
        for state in ["waiting", "running"] {
            let query =
                OrderQueryText { state: Some(state.to_owned()), limit: MANY, ..OrderQueryText::default() };
            let page: Option<OrderPage> = self.of("orders", "/v1/orders", &query).await;
            let found = page.into_iter().flat_map(|page| page.orders).map(order).collect();
            if state == "waiting" { served.orders = found } else { served.orders_running = found }
        }
        for state in ["running", "paused", "ending"] {
            let query = CampaignQueryText {
                state: Some(state.to_owned()),
                limit: MANY,
                ..CampaignQueryText::default()
            };
            let page: Option<CampaignPage> = self.of("campaigns", "/v1/campaigns", &query).await;
            let found = page.into_iter().flat_map(|page| page.campaigns);
            served.campaigns.extend(found.map(|one| Campaign {
                name: one.name,
                state: one.state,
                stuck: one.total.stuck,
                expected_at: one.expected_at.as_deref().map(seconds),
            }));
        }
        let query = ScheduleQueryText { limit: MANY, ..ScheduleQueryText::default() };
        if let Some(page) = self.of::<SchedulePage>("the schedule", "/v1/schedule", &query).await {
            served.scheduled =
                page.scheduled.into_iter().map(|one| (one.serial, seconds(&one.due))).collect();
        }
        let query = ProductionQueryText {
            state: Some("open".to_owned()),
            limit: MANY,
            ..ProductionQueryText::default()
        };
        if let Some(page) = self.of::<ProductionPage>("production orders", "/v1/production", &query).await {
            let one = |it: crate::operator::wire::production::ProductionView| Production {
                ordered: it.ordered,
                complete: it.complete,
                until: seconds(&it.until),
                id: it.id,
            };
            served.production = page.orders.into_iter().map(one).collect();
        }
    }

    async fn standing(&mut self, served: &mut Served, own: &[OwnCertificate]) {
        if let Some(trusted) = self.of::<Vec<TrustedView>>("trust", "/v1/trust", &()).await {
            let out = trusted.iter().filter(|one| one.blocked.is_some());
            served.blocked = out.map(|one| one.subject.clone()).collect();
            let asked = trusted.iter().filter(|one| one.unblock_asked.is_some());
            served.unblock_asked = asked.map(|one| one.subject.clone()).collect();
        }
        if let Some(all) = self.of::<Vec<EmergencyView>>("emergencies", "/v1/emergencies", &()).await {
            let told = all.into_iter().filter(|one| one.state == "open" || one.review_due.is_some());
            served.emergencies = told
                .map(|one| {
                    let state = one.review_due.map_or(one.state, |due| format!("to be reviewed by {due}"));
                    (one.person, one.role, state, one.overdue)
                })
                .collect();
        }
        let query = ProfileQueryText { limit: MANY, ..ProfileQueryText::default() };
        if let Some(page) = self.of::<ProfilePage>("profiles", "/v1/profiles", &query).await {
            let reused = page.profiles.into_iter().filter(|one| one.version_reused);
            let reused = reused.filter_map(|one| Some((one.id, one.version?, one.file, one.since?)));
            served.reused_versions = reused.collect();
        }
        if let Some(text) = self.text("health", "/health").await {
            match serde_json::from_str::<HealthView>(&text) {
                Ok(health) => {
                    let unwell = health.checks.into_iter().filter(|one| one.condition != "well");
                    served.unwell =
                        unwell.map(|one| (one.name, one.condition == "failed", one.reason)).collect();
                }
                Err(error) => self.unanswered.push(("health".to_owned(), error.to_string())),
            }
        }
        if let Some(text) = self.text("metrics", "/metrics").await {
            served.metrics = sums(&text).into_iter().collect();
        }
        for one in own.iter().filter(|one| matches!(one.part, Part::Tls | Part::MessageSigner)) {
            // Certificates of other authorities are not on record here.
            let path = format!("/v1/certificates/-/{}", one.serial);
            let view: Result<CertificateView, Failure> = self.client.get(&path, &()).await;
            if let Ok(view) = view
                && matches!(view.status.as_str(), "revoked" | "on-hold")
            {
                served.not_good.push((one.name.clone(), view.status));
            }
        }
    }

    /// A checkpoint is signed now, and verified here.
    async fn checkpoint(&self, served: &mut Served, attempts: &mut Vec<Attempt>) {
        let answer = tokio::time::timeout(PATIENCE, self.client.get("/v1/audit/checkpoint", &())).await;
        let fault = match answer {
            Ok(Err(failure)) if failure.code == "audit.no-checkpoint" => return,
            Ok(Err(failure)) => Some(failure.message),
            Err(_) => Some(format!("no checkpoint was signed within {} s", PATIENCE.as_secs())),
            Ok(Ok(CheckpointView { note, key })) => public_key(&key)
                .and_then(|key| Checkpoint::open(&note, &key).map_err(|error| error.to_string()))
                .err(),
        };
        served.broken_checkpoint.clone_from(&fault);
        attempts.push(Attempt { by: "the key of checkpoints".to_owned(), fault });
    }
}

fn waiting() -> Option<String> {
    Some("waiting".to_owned())
}

fn order(one: OrderView) -> Waiting {
    let since = one.requested.as_ref().map_or(one.planned.at.as_str(), |mark| mark.at.as_str());
    Waiting { since: seconds(since), until: seconds(&one.expires_at), id: one.digest }
}

pub(super) fn recorded(view: &RecordedCrlView) -> RecordedCrl {
    let shard = view.shard.as_ref().map(|shard| format!(", shard {shard}")).unwrap_or_default();
    let delta = view.base.map(|base| format!(", delta to {}", base.number)).unwrap_or_default();
    RecordedCrl {
        name: format!("{}{shard}{delta}", view.authority),
        number: view.number,
        this_update: view.this_update,
        next_update: view.next_update,
        base: view.base.map(|base| base.number),
    }
}

/// A time that the server wrote; 0 when it cannot be read, which is a fault of the server and seen as very old.
fn seconds(text: &str) -> i64 {
    time_text::parse(text).map(UnixTime::seconds).unwrap_or_default()
}

/// Each metric of an exposition, summed over its labels.
fn sums(text: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let name = series.split('{').next().unwrap_or_default();
        let Ok(value) = value.parse::<f64>() else { continue };
        *sums.entry(name.to_owned()).or_insert(0.0) += value;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_summed_over_their_labels() {
        let text = "# HELP a What.\n# TYPE a counter\na{x=\"1 }\"} 2\na{x=\"2\"} 3\n\nb 0.5\n";
        let sums = sums(text);
        assert_eq!(sums.get("a"), Some(&5.0));
        assert_eq!(sums.get("b"), Some(&0.5));
        assert_eq!(sums.len(), 2);
    }
}
