//! Which alarms stand, and what of a look is news. Knows neither a clock nor a network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::doctor::{Line, Severity};

/// An alarm is over when so many looks in a row found nothing: what comes and goes with each look is one alarm.
const CALM: u8 = 2;

/// When something is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// From this severity on.
    pub(crate) least: Severity,
    /// What still stands is told again after so many seconds.
    pub(crate) repeat_seconds: i64,
}

/// What became of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Turn {
    /// It was not there before.
    Raised,
    /// Its severity rose, or more of its kind was found.
    Worse,
    /// It still stands.
    Still,
    /// It is over.
    Over,
    /// Nothing is wrong: somebody wants to see whether notices arrive.
    Test,
}

impl Turn {
    /// The word in notices.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Worse => "worse",
            Self::Still => "still",
            Self::Over => "over",
            Self::Test => "test",
        }
    }
}

/// A check that found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// The worst that it found.
    pub(crate) severity: Severity,
    /// Its sentences.
    pub(crate) says: Vec<String>,
    /// What to do, each once.
    pub(crate) next: Vec<String>,
    /// When it was first found, in seconds since 1970.
    pub(crate) since: i64,
    /// When it was told last.
    told_at: i64,
    /// How many looks in a row found nothing.
    calm: u8,
}

/// All alarms that stand, by the name of the check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    alarms: BTreeMap<String, Alarm>,
}

/// Something that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) turn: Turn,
    /// The name of the check.
    pub(crate) check: String,
    pub(crate) severity: Severity,
    pub(crate) says: Vec<String>,
    pub(crate) next: Vec<String>,
    /// Since when the alarm stands, in seconds since 1970.
    pub(crate) since: i64,
    /// When this was found.
    pub(crate) at: i64,
}

impl Change {
    /// What a test says.
    pub(crate) fn test(now: i64) -> Self {
        Self {
            turn: Turn::Test,
            check: "watch.test".to_owned(),
            severity: Severity::Notice,
            says: vec!["this is a test: notices of meter-pki arrive here".to_owned()],
            next: Vec::new(),
            since: now,
            at: now,
        }
    }

    fn of(turn: Turn, check: &str, alarm: &Alarm, at: i64) -> Self {
        Self {
            turn,
            check: check.to_owned(),
            severity: alarm.severity,
            says: alarm.says.clone(),
            next: alarm.next.clone(),
            since: alarm.since,
            at,
        }
    }
}

impl Standing {
    /// Returns the alarms by the names of their checks.
    pub(crate) const fn alarms(&self) -> &BTreeMap<String, Alarm> {
        &self.alarms
    }

    /// Takes in what a look found; returns what is to be told, in the order of the checks' names.
    ///
    /// A check that could not be made leaves its alarm as it is; one that is not made any more ends it.
    pub(crate) fn step(&mut self, lines: &[Line], policy: Policy, now: i64) -> Vec<Change> {
        let mut found: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
        for line in lines {
            found.entry(line.id).or_default().push(line);
        }
        let mut changes: Vec<Change> =
            found.iter().filter_map(|(check, lines)| self.found(check, lines, policy, now)).collect();
        let gone: Vec<String> =
            self.alarms.keys().filter(|check| !found.contains_key(check.as_str())).cloned().collect();
        changes.extend(gone.iter().filter_map(|check| self.end(check, now)));
        changes.sort_by(|one, other| one.check.cmp(&other.check));
        changes
    }

    fn found(&mut self, check: &str, lines: &[&Line], policy: Policy, now: i64) -> Option<Change> {
        if lines.iter().all(|line| line.severity == Severity::NotChecked) {
            return self.again(check, policy, now);
        }
        let bad: Vec<&Line> = lines.iter().filter(|line| line.severity >= policy.least).copied().collect();
        let Some(severity) = bad.iter().map(|line| line.severity).max() else {
            return self.calm(check, now);
        };
        let says = bad.iter().map(|line| line.says.clone()).collect();
        let mut next: Vec<String> = Vec::new();
        for line in bad.iter().filter(|line| !line.next.is_empty()) {
            if !next.contains(&line.next) {
                next.push(line.next.clone());
            }
        }
        self.stand(check, (severity, says, next), policy, now)
    }

    fn stand(
        &mut self,
        check: &str,
        (severity, says, next): (Severity, Vec<String>, Vec<String>),
        policy: Policy,
        now: i64,
    ) -> Option<Change> {
        let Some(alarm) = self.alarms.get_mut(check) else {
            let alarm = Alarm { severity, says, next, since: now, told_at: now, calm: 0 };
            let change = Change::of(Turn::Raised, check, &alarm, now);
            drop(self.alarms.insert(check.to_owned(), alarm));
            return Some(change);
        };
        let is_worse = severity > alarm.severity || says.len() > alarm.says.len();
        (alarm.severity, alarm.says, alarm.next, alarm.calm) = (severity, says, next, 0);
        if is_worse {
            alarm.told_at = now;
            return Some(Change::of(Turn::Worse, check, alarm, now));
        }
        self.again(check, policy, now)
    }

    /// Tells of what still stands, when it is time.
    fn again(&mut self, check: &str, policy: Policy, now: i64) -> Option<Change> {
        let alarm = self.alarms.get_mut(check)?;
        if now.saturating_sub(alarm.told_at) < policy.repeat_seconds {
            return None;
        }
        alarm.told_at = now;
        Some(Change::of(Turn::Still, check, alarm, now))
    }

    fn calm(&mut self, check: &str, now: i64) -> Option<Change> {
        let alarm = self.alarms.get_mut(check)?;
        alarm.calm = alarm.calm.saturating_add(1);
        if alarm.calm < CALM { None } else { self.end(check, now) }
    }

    fn end(&mut self, check: &str, now: i64) -> Option<Change> {
        let alarm = self.alarms.remove(check)?;
        Some(Change::of(Turn::Over, check, &alarm, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAILY: Policy = Policy { least: Severity::Warning, repeat_seconds: 86_400 };

    fn line(id: &'static str, severity: Severity, says: &str) -> Line {
        Line { id, severity, says: says.to_owned(), next: "meter-pki crl publish".to_owned() }
    }

    fn turns(changes: &[Change]) -> Vec<(&str, Turn)> {
        changes.iter().map(|change| (change.check.as_str(), change.turn)).collect()
    }

    #[test]
    fn what_is_found_is_told_once_and_again_after_a_day() {
        let mut standing = Standing::default();
        let late = [line("doctor.crl.late", Severity::Warning, "a CRL is late")];
        assert_eq!(turns(&standing.step(&late, DAILY, 1_000)), [("doctor.crl.late", Turn::Raised)]);
        assert_eq!(standing.step(&late, DAILY, 1_060), []);
        assert_eq!(standing.step(&late, DAILY, 1_000 + 86_399), []);
        let still = standing.step(&late, DAILY, 1_000 + 86_400);
        assert_eq!(turns(&still), [("doctor.crl.late", Turn::Still)]);
        assert_eq!(still[0].since, 1_000);
        assert_eq!(standing.step(&late, DAILY, 1_000 + 86_460), []);
    }

    #[test]
    fn it_is_told_when_it_gets_worse_by_severity_or_by_number_and_not_when_it_gets_better() {
        let mut standing = Standing::default();
        let one = line("doctor.crl.late", Severity::Warning, "one CRL is late");
        let other = line("doctor.crl.late", Severity::Warning, "another too");
        let fault = line("doctor.crl.late", Severity::Fault, "one CRL has ended");
        drop(standing.step(std::slice::from_ref(&one), DAILY, 0));
        let both = [one.clone(), other];
        let worse = standing.step(&both, DAILY, 60);
        assert_eq!(turns(&worse), [("doctor.crl.late", Turn::Worse)]);
        assert_eq!(worse[0].says.len(), 2);
        assert_eq!(worse[0].next, ["meter-pki crl publish"]);
        assert_eq!(standing.step(std::slice::from_ref(&one), DAILY, 120), []);
        let worse = standing.step(&[fault], DAILY, 180);
        assert_eq!((worse[0].turn, worse[0].severity), (Turn::Worse, Severity::Fault));
        assert_eq!(standing.step(&[one], DAILY, 240), []);
    }

    #[test]
    fn it_is_over_when_two_looks_in_a_row_find_nothing() {
        let mut standing = Standing::default();
        let late = [line("doctor.crl.late", Severity::Fault, "late")];
        let fine = [line("doctor.crl.late", Severity::Ok, "every CRL is in time")];
        drop(standing.step(&late, DAILY, 0));
        assert_eq!(standing.step(&fine, DAILY, 60), []);
        assert_eq!(standing.step(&late, DAILY, 120), [], "what comes and goes is one alarm");
        assert_eq!(standing.step(&fine, DAILY, 180), []);
        let over = standing.step(&fine, DAILY, 240);
        assert_eq!(turns(&over), [("doctor.crl.late", Turn::Over)]);
        assert_eq!((over[0].since, over[0].at), (0, 240));
        assert!(standing.alarms().is_empty());
        assert_eq!(standing.step(&fine, DAILY, 300), []);
    }

    #[test]
    fn what_could_not_be_checked_is_as_it_was_and_what_is_not_made_any_more_is_over() {
        let mut standing = Standing::default();
        drop(standing.step(&[line("doctor.crl.late", Severity::Fault, "late")], DAILY, 0));
        let unknown = [line("doctor.crl.late", Severity::NotChecked, "nobody serves")];
        assert_eq!(standing.step(&unknown, DAILY, 60), []);
        assert_eq!(turns(&standing.step(&unknown, DAILY, 86_400)), [("doctor.crl.late", Turn::Still)]);
        assert_eq!(turns(&standing.step(&[], DAILY, 86_460)), [("doctor.crl.late", Turn::Over)]);
    }

    #[test]
    fn below_the_least_severity_nothing_is_told() {
        let mut standing = Standing::default();
        assert_eq!(standing.step(&[line("doctor.key.file", Severity::Notice, "a file")], DAILY, 0), []);
        let policy = Policy { least: Severity::Notice, ..DAILY };
        let told = standing.step(&[line("doctor.key.file", Severity::Notice, "a file")], policy, 0);
        assert_eq!(turns(&told), [("doctor.key.file", Turn::Raised)]);
    }
}
