//! What administrators can do about people: list, show, add, change, remove. A refusal is on record.
//!
//! Which change may follow which is ca-core's; here texts become values, and values views.

use ca_core::people::{
    AskedChange, Credential, Person, PersonAct, PersonChange, PersonConflict, PersonId, Reach, Role,
};
use ca_core::record::Mark;
use ca_core::validity::UnixTime;

use super::acts::{refused, tenant, time, unavailable};
use super::let_others_find;
use super::routes::{Peer, denied_failure};
use super::wire::people::{
    BoundView, GrantView, NewcomerText, PersonChangeText, PersonView, WaitingChangeView,
};
use super::wire::requests::MarkView;
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn list(system: &System) -> Result<Vec<PersonView>, Failure> {
    let now = system.clock.now();
    Ok(system.people.people().map_err(unavailable)?.iter().map(|person| view(person, now)).collect())
}

pub(super) fn show(system: &System, text: &str) -> Result<PersonView, Failure> {
    let known = system.people.person(&id(text)?).map_err(unavailable)?;
    known.map(|person| view(&person, system.clock.now())).ok_or_else(|| unknown(text))
}

pub(super) fn add(system: &System, peer: &Peer, text: NewcomerText) -> Result<PersonView, Failure> {
    record(system, peer, (id(&text.id)?, PersonAct::Add { name: text.name }))
}

pub(super) fn change(
    system: &System,
    peer: &Peer,
    (named, text): (&str, &PersonChangeText),
) -> Result<PersonView, Failure> {
    record(system, peer, (id(named)?, act(text)?))
}

fn record(system: &System, peer: &Peer, what: (PersonId, PersonAct)) -> Result<PersonView, Failure> {
    let now = system.clock.now();
    let is_user = matches!(&what.1, PersonAct::AddCredential(Credential::User(_)));
    let change = PersonChange::new(peer.permit(), what, &system.tenant, now)
        .map_err(|denied| denied_failure(&denied))?
        .where_two_give(system.two_give);
    let recorded = system.people.record_person_change(change).map_err(unavailable)?;
    let person = recorded
        .map_err(|conflict| refused(system, (&system.tenant, peer), failure(&conflict), Vec::new()))?;
    if is_user {
        let_others_find(&system.operator_socket).map_err(|error| {
            let message = format!("{}: {error}", system.operator_socket.display());
            Failure::new(Exit::Failed, "operator.socket", message).then("restart the server")
        })?;
    }
    Ok(view(&person, now))
}

fn act(text: &PersonChangeText) -> Result<PersonAct, Failure> {
    let PersonChangeText { act, role: role_text, tenant: of, until, credential } = text;
    let reach = || match of {
        Some(name) => tenant(name).map(Reach::Tenant),
        None => Ok(Reach::Everything),
    };
    match (act.as_str(), role_text, credential) {
        ("grant", Some(word), None) => {
            let until = until.as_deref().map(time).transpose()?;
            Ok(PersonAct::Grant { role: role(word)?, reach: reach()?, until })
        }
        ("withdraw", Some(word), None) if until.is_none() => {
            Ok(PersonAct::Withdraw { role: role(word)?, reach: reach()? })
        }
        ("add-credential", None, Some(text)) => credential_of(text).map(PersonAct::AddCredential),
        ("remove-credential", None, Some(text)) => credential_of(text).map(PersonAct::RemoveCredential),
        ("remove", None, None) => Ok(PersonAct::Remove),
        _ => {
            let message =
                "a role is granted or withdrawn, a credential added or removed, or a person removed";
            Err(Failure::new(Exit::Usage, "person.act", message))
        }
    }
}

fn id(text: &str) -> Result<PersonId, Failure> {
    PersonId::parse(text).map_err(|error| Failure::new(Exit::Usage, "person.malformed", error))
}

fn role(text: &str) -> Result<Role, Failure> {
    Role::from_name(text).ok_or_else(|| {
        Failure::new(Exit::Usage, "role.unknown", format!("{text} is not a role"))
            .then(format!("use one of {}", Role::ALL.map(Role::name).join(", ")))
    })
}

fn credential_of(text: &str) -> Result<Credential, Failure> {
    Credential::parse(text).map_err(|error| Failure::new(Exit::Usage, "credential.malformed", error))
}

fn unknown(text: &str) -> Failure {
    Failure::new(Exit::NotFound, "person.unknown", format!("nobody called {text} is on record"))
        .then("meter-pki people list")
}

fn failure(conflict: &PersonConflict) -> Failure {
    let exit = match conflict {
        PersonConflict::Unknown => Exit::NotFound,
        PersonConflict::Name | PersonConflict::OverBefore => Exit::Usage,
        PersonConflict::Oneself => Exit::Permission,
        PersonConflict::Exclusive { .. } | PersonConflict::TooMany => Exit::Refused,
        PersonConflict::Known
        | PersonConflict::Removed
        | PersonConflict::NotHeld { .. }
        | PersonConflict::Taken { .. }
        | PersonConflict::NotHis
        | PersonConflict::Asked => Exit::Conflict,
    };
    let next = match conflict {
        PersonConflict::Oneself | PersonConflict::Asked => "another administrator types the same",
        PersonConflict::Exclusive { .. } => "withdraw the other role first, or choose another person",
        PersonConflict::Removed | PersonConflict::Known => "add the person under another id",
        PersonConflict::Unknown
        | PersonConflict::Name
        | PersonConflict::OverBefore
        | PersonConflict::TooMany
        | PersonConflict::NotHeld { .. }
        | PersonConflict::Taken { .. }
        | PersonConflict::NotHis => "meter-pki people list",
    };
    Failure::new(exit, conflict.code(), conflict).then(next)
}

pub(super) fn view(person: &Person, now: UnixTime) -> PersonView {
    let holding: Vec<_> = person.holding(now).collect();
    let grants = person.grants.iter().map(|grant| GrantView {
        role: grant.role.name().to_owned(),
        tenant: match &grant.reach {
            Reach::Everything => None,
            Reach::Tenant(tenant) => Some(tenant.to_string()),
        },
        granted: mark(&grant.granted),
        until: grant.until.map(|until| until.to_string()),
        holds: holding.contains(&grant),
    });
    let bound = person
        .credentials
        .iter()
        .map(|one| BoundView { credential: one.credential.to_string(), added: mark(&one.added) });
    PersonView {
        id: person.id.to_string(),
        name: person.name.clone(),
        added: mark(&person.added),
        removed: person.removed.as_ref().map(mark),
        grants: grants.collect(),
        credentials: bound.collect(),
        waiting: person.asked.iter().filter(|one| now <= one.until()).map(waiting).collect(),
    }
}

/// A change that waits, in the words of the audit log.
fn waiting(one: &AskedChange) -> WaitingChangeView {
    let what = one.act.to_string().trim_start_matches("; ").to_owned();
    WaitingChangeView { what, asked: mark(&one.asked), until: one.until().to_string() }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}
