//! What is under way or waits for people: intents, requests, orders, campaigns, schedules.

use super::super::facts::{Facts, Served, Waiting};
use super::super::{Check, Finding, Judge, Severity};
use super::{DAY, HOUR, at, check};

/// What is typed for emergencies that are open, and for those that are over.
const END: &str = "meter-pki break-glass list; meter-pki break-glass end ID once it is over";
const REVIEW: &str =
    "an auditor reads meter-pki audit list, and types meter-pki break-glass review ID --finding …";

pub(super) const CHECKS: &[Check] = &[
    check(
        "doctor.intents.uncertain",
        Severity::Warning,
        "the outcome of every signing is known",
        Judge::Served(uncertain),
    ),
    check(
        "doctor.intents.open",
        Severity::Warning,
        "no intent is open for longer than ten minutes",
        Judge::Served(open),
    ),
    check(
        "doctor.requests.old",
        Severity::Warning,
        "no request waits for its approval longer than a day",
        Judge::Served(requests_old),
    ),
    check(
        "doctor.requests.ending",
        Severity::Warning,
        "no request that waits ends within two hours",
        Judge::Served(requests_ending),
    ),
    check(
        "doctor.orders.ending",
        Severity::Warning,
        "no order waits for another person whose time ends within two hours",
        Judge::Served(orders_ending),
    ),
    check(
        "doctor.orders.unfinished",
        Severity::Fault,
        "no order that was approved is under way for longer than an hour",
        Judge::Served(orders_unfinished),
    ),
    check(
        "doctor.campaigns.stuck",
        Severity::Warning,
        "no campaign has devices that a person has to look at",
        Judge::Served(campaigns_stuck),
    ),
    check(
        "doctor.campaigns.paused",
        Severity::Notice,
        "no campaign is paused",
        Judge::Served(campaigns_paused),
    ),
    check(
        "doctor.campaigns.late",
        Severity::Warning,
        "every campaign that runs is expected to end later than now",
        Judge::Served(campaigns_late),
    ),
    check(
        "doctor.schedule.overdue",
        Severity::Fault,
        "no scheduled revocation is overdue",
        Judge::Served(overdue),
    ),
    check(
        "doctor.production.ending",
        Severity::Warning,
        "no production order ends within a day with devices missing",
        Judge::Served(production),
    ),
    check(
        "doctor.trust.blocked",
        Severity::Notice,
        "no trusted authority is shut out",
        Judge::Served(blocked),
    ),
    check(
        "doctor.trust.unblock",
        Severity::Notice,
        "no authority waits for a second person to be let in again",
        Judge::Served(unblock),
    ),
    check(
        "doctor.people.break-glass",
        Severity::Fault,
        "nobody has a role in an emergency, and each that is over was reviewed within a day",
        Judge::Served(break_glass),
    ),
];

fn uncertain(_: &Facts, served: &Served) -> Vec<Finding> {
    let Some(first) = served.uncertain.first() else { return Vec::new() };
    let says = format!("signing outcomes are unknown: {}, the first {first}", served.uncertain.len());
    vec![Finding::warning(says, format!("meter-pki cert show {first}"))]
}

fn open(facts: &Facts, served: &Served) -> Vec<Finding> {
    let old: Vec<_> = served.pending.iter().filter(|(_, since)| facts.now - since > 600).collect();
    let Some((serial, since)) = old.first() else { return Vec::new() };
    let says =
        format!("intents open for longer than ten minutes: {}, {serial} since {}", old.len(), at(*since));
    vec![Finding::warning(says, "look at the signer; at its next start the server ends what is open")]
}

fn requests_old(facts: &Facts, served: &Served) -> Vec<Finding> {
    let old = served.requests.iter().filter(|one| facts.now - one.since > DAY);
    old.map(|one| {
        let says = format!("the request {} waits since {}", short(&one.id), at(one.since));
        Finding::warning(says, format!("meter-pki request show {}", short(&one.id)))
    })
    .collect()
}

fn ending<'a>(facts: &'a Facts, waiting: &'a [Waiting]) -> impl Iterator<Item = &'a Waiting> {
    waiting.iter().filter(|one| one.until - facts.now < 2 * HOUR)
}

fn requests_ending(facts: &Facts, served: &Served) -> Vec<Finding> {
    ending(facts, &served.requests)
        .map(|one| {
            let says = format!("the request {} waits for approval until {}", short(&one.id), at(one.until));
            Finding::warning(says, format!("meter-pki request show {}", short(&one.id)))
        })
        .collect()
}

fn orders_ending(facts: &Facts, served: &Served) -> Vec<Finding> {
    ending(facts, &served.orders)
        .map(|one| {
            let says =
                format!("the order {} waits for another person until {}", short(&one.id), at(one.until));
            Finding::warning(says, format!("meter-pki revocation show {}", short(&one.id)))
        })
        .collect()
}

fn orders_unfinished(facts: &Facts, served: &Served) -> Vec<Finding> {
    let long = served.orders_running.iter().filter(|one| facts.now - one.since > HOUR);
    long.map(|one| {
        let says = format!("the order {} is under way since {}", short(&one.id), at(one.since));
        Finding::fault(says, format!("meter-pki revocation show {}; read the server's log", short(&one.id)))
    })
    .collect()
}

fn campaigns_stuck(_: &Facts, served: &Served) -> Vec<Finding> {
    let stuck = served.campaigns.iter().filter(|one| one.stuck > 0);
    stuck
        .map(|one| {
            let says = format!("the campaign {} has {} devices that are stuck", one.name, one.stuck);
            Finding::warning(says, format!("meter-pki campaign stuck {}", one.name))
        })
        .collect()
}

fn campaigns_paused(_: &Facts, served: &Served) -> Vec<Finding> {
    let paused = served.campaigns.iter().filter(|one| one.state == "paused");
    paused
        .map(|one| {
            let says = format!("the campaign {} is paused", one.name);
            Finding::notice(says, format!("meter-pki campaign show {}, then campaign resume", one.name))
        })
        .collect()
}

fn campaigns_late(facts: &Facts, served: &Served) -> Vec<Finding> {
    let running = served.campaigns.iter().filter(|one| one.state == "running");
    running
        .filter_map(|one| {
            let expected = one.expected_at.filter(|expected| *expected < facts.now)?;
            let says = format!("the campaign {} was expected to end at {}", one.name, at(expected));
            Some(Finding::warning(says, format!("meter-pki campaign report {}", one.name)))
        })
        .collect()
}

fn overdue(facts: &Facts, served: &Served) -> Vec<Finding> {
    let due = served.scheduled.iter().filter(|(_, due)| facts.now - due > 300);
    due.map(|(serial, due)| {
        let says = format!("{serial} was to be revoked at {}", at(*due));
        Finding::fault(says, format!("meter-pki cert revoke {serial} --reason R; read the server's log"))
    })
    .collect()
}

fn production(facts: &Facts, served: &Served) -> Vec<Finding> {
    let near =
        served.production.iter().filter(|one| one.until - facts.now < DAY && one.complete < one.ordered);
    near.map(|one| {
        let missing = one.ordered.saturating_sub(one.complete);
        let says = format!(
            "the production order {} ends at {}, and {missing} devices are missing",
            one.id,
            at(one.until)
        );
        Finding::warning(says, format!("meter-pki factory report {}", one.id))
    })
    .collect()
}

fn blocked(_: &Facts, served: &Served) -> Vec<Finding> {
    let out = served.blocked.iter();
    out.map(|name| Finding::notice(format!("{name} is shut out"), "meter-pki trust list")).collect()
}

fn unblock(_: &Facts, served: &Served) -> Vec<Finding> {
    let asked = served.unblock_asked.iter();
    asked
        .map(|name| {
            Finding::notice(
                format!("{name} waits for a second person to be let in again"),
                "meter-pki trust list",
            )
        })
        .collect()
}

fn break_glass(_: &Facts, served: &Served) -> Vec<Finding> {
    let told = served.emergencies.iter();
    told.map(|(person, role, state, overdue)| {
        let says = format!("{person} broke the glass and was made {role}: {state}");
        let finding = if *overdue { Finding::fault } else { Finding::warning };
        finding(says, if state == "open" { END } else { REVIEW })
    })
    .collect()
}

/// The digits by which a person names it.
fn short(id: &str) -> &str {
    id.get(..16).unwrap_or(id)
}
