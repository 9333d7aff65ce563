//! When the CRLs of each scope are made, and how near to its end the worst of them is.
//!
//! Of what is published; signs and publishes nothing itself.

use std::sync::PoisonError;
use std::time::Duration;

use ca_core::actor::Actor;
use ca_core::record::{CertificateQuery, CertificateStatus, StatusKind};
use ca_core::scope::{CrlKind, CrlLine, CrlScope};
use ca_core::sharding::Sharding;
use ca_core::validity::UnixTime;
use server_kit::health::Condition;
use status_server::repository::CrlStanding;

use super::{LONGEST_WAIT, Publisher, WAIT_FOR_SHARDS, unavailable};
use crate::exit::Failure;

/// How many serial numbers of unknown outcome are looked at.
const PAGE: usize = 1_000;

impl Publisher {
    /// Makes every CRL that is due, and of every scope that changed. A scope that fails keeps none of the others waiting.
    pub(super) fn keep_current(&self) -> Result<(), Failure> {
        let _turn = self.turn();
        let actor = self.actor();
        let mut outcome = Ok(());
        let mut note = |made: Result<(), Failure>| {
            if let Err(failure) = made {
                outcome = outcome.clone().and(Err(failure));
            }
        };
        let scopes = self.scopes()?;
        if self.uncertain_due().is_some_and(|due| due <= self.clock.now()) {
            // Whatever is revoked with the CRL of all is a change of its shard.
            note(self.renew(&actor, &CrlScope::All, Changed::Surely));
        }
        for scope in &scopes {
            let made = self.renew(&actor, scope, Changed::Perhaps);
            if made.is_err() {
                self.owes(scope);
            }
            note(made);
        }
        self.forget_others(&scopes);
        outcome
    }

    /// Makes the CRLs of a scope that are due, or that a change asks for.
    fn renew(&self, actor: &Actor, scope: &CrlScope, changed: Changed) -> Result<(), Failure> {
        let changed = changed == Changed::Surely || self.changed(scope)?;
        let has_deltas = self.profile.deltas().is_some();
        let made = if self.is_due(scope, CrlKind::Complete) || changed && !has_deltas {
            self.make_complete(actor, scope)?
        } else if has_deltas && (changed || self.is_due(scope, CrlKind::Delta)) {
            match self.make_delta(actor, scope) {
                Ok(delta) => vec![delta],
                // So much changed, or the base is another's: whoever fetches is better served with a complete one.
                Err(failure) if ["crl.delta-too-long", "crl.base"].contains(&failure.code.as_str()) => {
                    self.make_complete(actor, scope)?
                }
                Err(failure) => return Err(failure),
            }
        } else {
            return Ok(());
        };
        let issuer = self.authority.issuer().name();
        for crl in made {
            let line = crl.line();
            tracing::info!(%issuer, %line, number = crl.number, entries = crl.entries, "CRL published");
        }
        Ok(())
    }

    /// Tells whether anything changed in a scope beyond what its published CRLs have seen: one look into the ledger.
    fn changed(&self, scope: &CrlScope) -> Result<bool, Failure> {
        let key = self.authority.issuer().key();
        let seen = {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = |kind| lines.get(&self.line(scope, kind)).copied().unwrap_or_default();
            seen(CrlKind::Complete).max(seen(CrlKind::Delta))
        };
        // A CRL of before changes were counted may lack anything.
        if seen == 0 {
            return Ok(true);
        }
        Ok(!self.status.changes((&key, scope), seen, 1).map_err(unavailable)?.changes.is_empty())
    }

    /// The health check tells of a scope whose first CRL could not be made.
    fn owes(&self, scope: &CrlScope) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry(self.line(scope, CrlKind::Complete)).or_default();
    }

    fn is_due(&self, scope: &CrlScope, kind: CrlKind) -> bool {
        self.due(&self.line(scope, kind)) <= self.clock.now()
    }

    /// Returns when a new CRL of a line is made even if nothing changes.
    fn due(&self, line: &CrlLine) -> UnixTime {
        let every = match line.kind {
            CrlKind::Complete => Some(self.profile.reissue_seconds()),
            CrlKind::Delta => self.profile.deltas().map(|times| times.reissue_seconds),
        };
        let standing = self.repository.standing_of(line);
        standing
            .zip(every)
            .map_or(UnixTime::from_seconds(0), |(standing, every)| standing.this_update.plus_seconds(every))
    }

    /// Lines of shards whose certificates are all over are no longer kept current, nor are deltas that the profile gave up.
    pub(super) fn forget_others(&self, scopes: &[CrlScope]) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line, _| {
            scopes.contains(&line.scope)
                && (line.kind == CrlKind::Complete || self.profile.deltas().is_some())
        });
    }

    fn current_lines(&self) -> Vec<CrlLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.line(&CrlScope::All, CrlKind::Complete);
        let known = lines.keys().filter(|line| **line != all).cloned();
        known.chain([all.clone()]).collect()
    }

    /// Returns when the first serial number whose signing outcome is unknown goes on a CRL.
    fn uncertain_due(&self) -> Option<UnixTime> {
        let query = CertificateQuery {
            issuer: Some(self.authority.issuer().key()),
            status: Some(StatusKind::Uncertain),
            limit: PAGE,
            ..CertificateQuery::default()
        };
        // What cannot be read now is looked at again within a minute.
        let uncertain = self.status.certificates(&query).unwrap_or_default();
        let since = uncertain.iter().filter_map(|one| {
            if let CertificateStatus::Uncertain { since } = one.status { Some(since) } else { None }
        });
        since.min().map(|since| since.plus_seconds(self.uncertain_grace_seconds))
    }

    /// Returns how long until the next CRL is due, looked at again at least every minute, and sooner where there are shards.
    pub(super) fn until_due(&self) -> Duration {
        let divided = self.authority.issuer().crl_plan().sharding != Sharding::None;
        let longest = if divided { WAIT_FOR_SHARDS } else { LONGEST_WAIT };
        let due = self.current_lines().iter().map(|line| self.due(line)).min();
        let due = [due, self.uncertain_due()].into_iter().flatten().min().unwrap_or_default();
        let seconds = due.seconds().saturating_sub(self.clock.now().seconds());
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).min(longest)
    }

    /// Returns the line that has the most of its validity behind it, how much that is of 1,000, and where it ends; `None` for a
    /// line of which nothing is published.
    fn worst(&self) -> (CrlLine, Option<(i64, UnixTime)>) {
        let now = self.clock.now();
        let all = self.line(&CrlScope::All, CrlKind::Complete);
        let mut worst = (all, Some((0, UnixTime::NO_EXPIRY)));
        for line in self.current_lines() {
            let Some(standing) = self.repository.standing_of(&line) else { return (line, None) };
            let used = used_of_thousand(&standing, now);
            if worst.1.is_some_and(|(most, _)| used > most) {
                worst = (line, Some((used, standing.next_update)));
            }
        }
        worst
    }

    /// Returns how much of its validity the worst CRL has behind it, as a fraction of 1.
    pub(super) fn used_up(&self) -> f64 {
        let used = self.worst().1.map_or(i64::MAX, |(used, _)| used);
        // More than a thousandfold is as bad as that.
        f64::from(i32::try_from(used.clamp(0, 1_000_000)).unwrap_or(i32::MAX)) / 1_000.0
    }

    /// Tells whether relying parties have CRLs: well in the first half of their validity; degraded, with one alarm from half of
    /// it on and another from three quarters on; failed when one has expired. Told of the worst scope, by its name.
    pub(crate) fn condition(&self) -> Condition {
        let (line, used) = self.worst();
        told_of(&line, used)
    }
}

/// How much of its validity a CRL has behind it, of 1,000.
fn used_of_thousand(standing: &CrlStanding, now: UnixTime) -> i64 {
    let (from, to) = (standing.this_update.seconds(), standing.next_update.seconds());
    let used = now.seconds().saturating_sub(from).saturating_mul(1_000);
    used.checked_div(to.saturating_sub(from).max(1)).unwrap_or(i64::MAX)
}

fn told_of(line: &CrlLine, used: Option<(i64, UnixTime)>) -> Condition {
    let of = if line.is_whole() { String::new() } else { format!(" of {line}") };
    match used {
        None => Condition::Failed(format!("no CRL{of} is published")),
        Some((1_000.., end)) => Condition::Failed(format!("the CRL{of} expired at {end}")),
        Some((750.., end)) => Condition::Degraded(format!(
            "more than three quarters of the CRL's validity{of} is over; it ends at {end}"
        )),
        Some((500.., end)) => {
            Condition::Degraded(format!("more than half of the CRL's validity{of} is over; it ends at {end}"))
        }
        Some(_) => Condition::Well,
    }
}

/// Whether something changed in a scope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// It has to be looked at.
    Perhaps,
    /// It did, or is about to.
    Surely,
}

#[cfg(test)]
mod tests {
    use ca_core::key_ref::KeyRef;
    use ca_core::scope::Shard;

    use super::*;

    #[test]
    fn l_08_alarms_at_half_and_at_three_quarters_of_the_validity_name_the_scope() {
        let at = UnixTime::from_seconds;
        let standing = CrlStanding { number: 1, this_update: at(1_000), next_update: at(2_000) };
        let line = CrlLine::delta(KeyRef::new([7; 20]), CrlScope::Shard(Shard::parse("north").unwrap()));
        let told = |now| told_of(&line, Some((used_of_thousand(&standing, at(now)), standing.next_update)));
        assert_eq!((told(1_000), told(1_499)), (Condition::Well, Condition::Well));
        let degraded = |now, words: &str| {
            let Condition::Degraded(text) = told(now) else { panic!("{:?}", told(now)) };
            assert!(text.contains(words) && text.contains("of shard north, delta"), "{text}");
        };
        degraded(1_500, "more than half");
        degraded(1_749, "more than half");
        degraded(1_750, "more than three quarters");
        degraded(1_999, "more than three quarters");
        assert!(matches!(told(2_000), Condition::Failed(text) if text.contains("expired")));
        let whole = CrlLine::complete(KeyRef::new([7; 20]), CrlScope::All);
        assert_eq!(told_of(&whole, None), Condition::Failed("no CRL is published".to_owned()));
    }
}
