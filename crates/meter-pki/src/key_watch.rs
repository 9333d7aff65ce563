//! Watches over the tokens and the signer that have the private keys: health, metrics, and one audit event for each turn.
//!
//! What could not be looked at when the program started, since a token was away, is looked at once it is there (case H-04):
//! that the keys are those of the issuers' certificates. Nothing is asked of a token to find out how it stands.

use std::sync::Arc;
use std::time::Duration;

use ca_core::audit::{Act, AuditEvent};
use ca_core::authority::Ports;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Clock, Ledger, Signer};
use ca_core::tenant::TenantId;
use server_kit::health::Condition;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use signer_link::client::LinkEvent;
use signer_link::desk::{Standing, TokenReport};
use signer_pkcs11::TokenEvent;

use crate::compose::System;
use crate::compose::keys::{KeyPlace, UncheckedKeys};
use crate::token_meters::Meters;

/// How often it is looked how the tokens stand.
const LOOK: Duration = Duration::from_secs(1);

/// Whoever has the keys, and where it is told how that stands.
pub(crate) struct KeyWatch {
    place: KeyPlace,
    signer: Arc<dyn Signer>,
    unchecked: Arc<UncheckedKeys>,
    /// The names and keys of the authorities.
    authorities: Vec<(String, KeyRef)>,
    meters: Meters,
    on_return: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl KeyWatch {
    pub(crate) fn new(system: &System, metrics: &Metrics) -> Self {
        let authorities = system.authorities.iter().map(|one| (one.name.clone(), one.key())).collect();
        let notices = system.authorities.iter().map(|one| {
            let publisher = Arc::clone(&one.publisher);
            let notice: Box<dyn Fn() + Send + Sync> = Box::new(move || publisher.notice());
            notice
        });
        Self {
            place: system.key_place.clone(),
            signer: Arc::clone(&system.ports.signer),
            unchecked: Arc::clone(&system.unchecked_keys),
            authorities,
            meters: Meters::new(metrics),
            on_return: notices.collect(),
        }
    }

    /// Has somebody told when keys are there again that were not.
    pub(crate) fn on_return(mut self, told: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_return.push(Box::new(told));
        self
    }

    /// Puts each turn on record from now on.
    pub(crate) fn record_turns(&self, ports: &Ports, tenant: TenantId) {
        let trail = Trail { clock: Arc::clone(&ports.clock), ledger: Arc::clone(&ports.ledger), tenant };
        match &self.place {
            KeyPlace::Files => {}
            KeyPlace::Tokens(set) => {
                let observer: signer_pkcs11::Observer =
                    Arc::new(move |event: &TokenEvent| trail.token(event));
                set.observe(&observer);
            }
            KeyPlace::Link(link) => link.observe(Arc::new(move |event: &LinkEvent| trail.link(event))),
        }
    }

    /// Tells whether every authority can sign. Blocks.
    pub(crate) fn condition(&self) -> Condition {
        if let KeyPlace::Link(link) = &self.place
            && let Err(why) = link.condition()
        {
            return Condition::Failed(why);
        }
        let reports = self.place.tokens();
        let away: Vec<String> = reports.iter().filter(|one| !one.serves()).map(sentence).collect();
        if !away.is_empty() && away.len() == reports.len() {
            return Condition::Failed(away.join("; "));
        }
        let mut faults = self.unchecked.settle(&*self.signer);
        if let KeyPlace::Tokens(set) = &self.place {
            let unserved = self.authorities.iter().filter(|(_, key)| !set.serves(key));
            faults.extend(unserved.map(|(name, _)| format!("no token that serves has the key of {name}")));
        }
        match (faults.is_empty(), away.is_empty()) {
            (true, true) => Condition::Well,
            (true, false) => Condition::Degraded(away.join("; ")),
            (false, _) => Condition::Failed([faults, away].concat().join("; ")),
        }
    }

    /// Keeps the metrics current, and tells who waits for keys that they are there, until shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let mut there = true;
        loop {
            let this = Arc::clone(&self);
            let now = tokio::task::spawn_blocking(move || this.look()).await.unwrap_or(false);
            if now && !there {
                self.on_return.iter().for_each(|told| told());
            }
            there = now;
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn look(&self) -> bool {
        let up = match &self.place {
            KeyPlace::Link(link) => Some(link.condition().is_ok()),
            KeyPlace::Files | KeyPlace::Tokens(_) => None,
        };
        self.meters.show(up, &self.place.tokens());
        !matches!(self.condition(), Condition::Failed(_))
    }
}

/// Says of a token that is away why, and for how long.
fn sentence(report: &TokenReport) -> String {
    let TokenReport { token, cause, .. } = report;
    match (report.standing, report.again_in) {
        (Standing::Serving, _) => format!("the token {token} serves"),
        (Standing::Resting, Some(again_in)) => {
            format!(
                "the token {token} is away and asked again in {:.0} s: {cause}",
                again_in.as_secs_f64().ceil()
            )
        }
        (Standing::Resting | Standing::Probing, _) => {
            format!("the token {token} is away and being looked for: {cause}")
        }
        (Standing::Stopped, _) => {
            format!(
                "the token {token} refused the PIN, which is not tried again: start this program with the right one"
            )
        }
    }
}

/// Where turns are put on record.
struct Trail {
    clock: Arc<dyn Clock>,
    ledger: Arc<dyn Ledger>,
    tenant: TenantId,
}

impl Trail {
    fn token(&self, event: &TokenEvent) {
        match event {
            TokenEvent::Failed { token, cause } => {
                self.record(Act::SignerFailed, "token", format!("the token {token}: {cause}"));
            }
            TokenEvent::Recovered { token, after } => {
                let detail = format!("the token {token}, after {} s", after.as_secs());
                self.record(Act::SignerRecovered, "token", detail);
            }
        }
    }

    fn link(&self, event: &LinkEvent) {
        let of = |token: &Option<String>| {
            token.as_ref().map_or_else(
                || ("signer", "the signer".to_owned()),
                |token| ("token", format!("the token {token}")),
            )
        };
        match event {
            LinkEvent::Failed { token, cause } => {
                let (reason, who) = of(token);
                self.record(Act::SignerFailed, reason, format!("{who}: {cause}"));
            }
            LinkEvent::Recovered { token } => {
                let (reason, who) = of(token);
                self.record(Act::SignerRecovered, reason, who);
            }
        }
    }

    fn record(&self, act: Act, reason: &str, detail: String) {
        let told = self.ledger.record_event(AuditEvent {
            time: self.clock.now(),
            tenant: self.tenant.clone(),
            actor: "process:key-watch".to_owned(),
            act,
            issuer: None,
            serial: None,
            reason: reason.to_owned(),
            detail,
            digest: Vec::new(),
        });
        if let Err(error) = told {
            tracing::error!(%error, act = act.name(), "the turn of a token is not on record");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_away_is_told_in_one_sentence_with_what_to_wait_for() {
        let report = |standing, again_in| TokenReport {
            token: "online".to_owned(),
            standing,
            again_in,
            cause: "no token is token=online".to_owned(),
            counts: signer_link::desk::TokenCounts::default(),
        };
        let rests = report(Standing::Resting, Some(Duration::from_millis(2_100)));
        assert_eq!(
            sentence(&rests),
            "the token online is away and asked again in 3 s: no token is token=online"
        );
        assert!(sentence(&report(Standing::Probing, None)).contains("being looked for"));
        assert!(sentence(&report(Standing::Stopped, None)).contains("the PIN"));
    }
}
