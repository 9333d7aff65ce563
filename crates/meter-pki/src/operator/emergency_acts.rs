//! What people do in emergencies: ask for a role, agree to another's, end one, review one that is over. A refusal is on record.
//!
//! Which may follow which is ca-core's; here texts become values, and values views, and the log tells loudly.

use ca_core::people::{
    Emergency, EmergencyAct, EmergencyChange, EmergencyConflict, EmergencyStanding, Person, PersonId, Role,
};
use ca_core::record::Mark;
use ca_core::validity::UnixTime;

use super::acts::{refused, unavailable};
use super::routes::{Peer, denied_failure};
use super::wire::emergencies::{AskText, EmergenciesView, EmergencyView, ReviewText};
use super::wire::requests::MarkView;
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn list(system: &System) -> Result<Vec<EmergencyView>, Failure> {
    let (now, people) = (system.clock.now(), system.people.people().map_err(unavailable)?);
    let of = |person: &Person| person.emergencies.iter().map(|one| view(&person.id, one, now)).collect();
    Ok(people.iter().flat_map(|person: &Person| -> Vec<EmergencyView> { of(person) }).collect())
}

/// Whoever never asked for anything has none.
pub(super) fn of(system: &System, person: &str) -> Result<EmergenciesView, Failure> {
    let known = system.people.person(&id(person)?).map_err(unavailable)?;
    let person = known.ok_or_else(|| failure(EmergencyConflict::Unknown))?;
    let now = system.clock.now();
    Ok(EmergenciesView {
        person: person.id.to_string(),
        emergencies: person.emergencies.iter().rev().map(|one| view(&person.id, one, now)).collect(),
    })
}

/// Somebody asks for himself: whoever is at the other end.
pub(super) fn ask(system: &System, peer: &Peer, text: AskText) -> Result<EmergencyView, Failure> {
    let longest = system.break_glass_hours;
    let hours = text.hours.unwrap_or(longest);
    let role = Role::from_name(&text.role).ok_or_else(|| {
        Failure::new(Exit::Usage, "role.unknown", format!("{} is not a role", text.role))
            .then(format!("use one of {}", Role::ALL.map(Role::name).join(", ")))
    })?;
    let refusal = |conflict| refused(system, (&system.tenant, peer), failure(conflict), Vec::new());
    if !(1..=longest).contains(&hours) {
        return Err(refusal(EmergencyConflict::TooLong));
    }
    // Who is only a user of this machine is nobody on record, and may do everything.
    let own = PersonId::parse(peer.permit().name()).map_err(|_| refusal(EmergencyConflict::ForAnother))?;
    let seconds = u32::from(hours).saturating_mul(3_600);
    let view = record(system, peer, (own, EmergencyAct::Ask { role, reason: text.reason, seconds }))?;
    tracing::warn!(person = view.person, role = view.role, reason = view.reason, "break-glass: asked for");
    Ok(view)
}

pub(super) fn agree(system: &System, peer: &Peer, person: &str) -> Result<EmergencyView, Failure> {
    let view = record(system, peer, (id(person)?, EmergencyAct::Agree))?;
    let (role, reason) = (view.role.as_str(), view.reason.as_str());
    let until = view.until.as_deref().unwrap_or_default();
    tracing::error!(person = view.person, role, reason, until, agreed = %peer, "break-glass: the role is open");
    Ok(view)
}

pub(super) fn end(system: &System, peer: &Peer, person: &str) -> Result<EmergencyView, Failure> {
    let view = record(system, peer, (id(person)?, EmergencyAct::End))?;
    tracing::error!(person = view.person, role = view.role, ended = %peer, "break-glass: ended");
    Ok(view)
}

pub(super) fn review(
    system: &System,
    peer: &Peer,
    (person, text): (&str, ReviewText),
) -> Result<EmergencyView, Failure> {
    record(system, peer, (id(person)?, EmergencyAct::Review { finding: text.finding }))
}

/// Records a change; returns the emergency that it changed: the one whose newest mark it left.
fn record(system: &System, peer: &Peer, what: (PersonId, EmergencyAct)) -> Result<EmergencyView, Failure> {
    let now = system.clock.now();
    let change = EmergencyChange::new(peer.permit(), what, &system.tenant, now)
        .map_err(|denied| denied_failure(&denied))?;
    let recorded = system.people.record_emergency_change(change.clone()).map_err(unavailable)?;
    let person = recorded
        .map_err(|conflict| refused(system, (&system.tenant, peer), failure(conflict), Vec::new()))?;
    let left = |one: &&Emergency| match &change.act {
        EmergencyAct::Ask { .. } => one.asked == change.mark,
        EmergencyAct::Agree => one.agreed.as_ref() == Some(&change.mark),
        EmergencyAct::End => one.ended.as_ref() == Some(&change.mark),
        EmergencyAct::Review { .. } => one.reviewed.as_ref().is_some_and(|(mark, _)| *mark == change.mark),
    };
    let changed = person.emergencies.iter().rev().find(left);
    changed.map(|one| view(&person.id, one, now)).ok_or_else(|| {
        Failure::new(Exit::Failed, "break-glass.lost", "the emergency is not on the record that was written")
    })
}

fn id(text: &str) -> Result<PersonId, Failure> {
    PersonId::parse(text).map_err(|error| Failure::new(Exit::Usage, "person.malformed", error))
}

fn failure(conflict: EmergencyConflict) -> Failure {
    let (exit, next) = match conflict {
        EmergencyConflict::Unknown => (Exit::NotFound, "meter-pki people list"),
        EmergencyConflict::Text => (Exit::Usage, "say in one line why, or what was found"),
        EmergencyConflict::Role { .. } => (Exit::Usage, "ask for the role that the work needs"),
        EmergencyConflict::TooLong => {
            (Exit::Usage, "give fewer --hours; break_glass_hours in [operator] is the most")
        }
        EmergencyConflict::ForAnother => (Exit::Permission, "who needs the role types the same himself"),
        EmergencyConflict::Oneself | EmergencyConflict::SameRole => {
            (Exit::Permission, "somebody with another role types the same")
        }
        EmergencyConflict::OwnReview => (Exit::Permission, "an auditor who had no part in it types the same"),
        EmergencyConflict::Open
        | EmergencyConflict::Unreviewed
        | EmergencyConflict::NotAsked
        | EmergencyConflict::NotOver => (Exit::Conflict, "meter-pki break-glass list"),
    };
    Failure::new(exit, conflict.code(), conflict).then(next)
}

/// Shows one.
fn view(person: &PersonId, one: &Emergency, now: UnixTime) -> EmergencyView {
    let standing = one.standing(now);
    let due = match standing {
        EmergencyStanding::Unreviewed { due } => Some(due),
        EmergencyStanding::Asked
        | EmergencyStanding::Open
        | EmergencyStanding::Lapsed
        | EmergencyStanding::Reviewed => None,
    };
    let (reviewed, finding) = one.reviewed.clone().unzip();
    EmergencyView {
        person: person.to_string(),
        role: one.role.name().to_owned(),
        reason: one.reason.clone(),
        seconds: one.seconds,
        state: standing.name().to_owned(),
        asked: mark(&one.asked),
        agreed: one.agreed.as_ref().map(mark),
        until: one.until().map(|until| until.to_string()),
        ended: one.ended.as_ref().map(mark),
        review_due: due.map(|due| due.to_string()),
        overdue: due.is_some_and(|due| due < now),
        reviewed: reviewed.as_ref().map(mark),
        finding,
    }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}
