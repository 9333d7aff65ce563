//! Who is at the other end, as the ledger and the configuration say, and what he may do: both asked anew for each request.
//!
//! Decides nothing: what a role may do is said in ca-core. The configuration lets in the user who runs the server, root, and
//! whom it names; they may do everything as long as nobody put them on record.

pub(crate) mod certificate;
pub(crate) mod token;

use std::os::unix::fs::MetadataExt;

use ca_core::people::{Caller, Credential, Denied, Permission, Permit, PersonId, may};
use ca_core::ports::Unavailable;
use ca_core::record::Mark;

use crate::compose::System;

/// What stands in front of every operator's name in records.
const OPERATOR: &str = "operator:";

/// Tells whether the configuration lets a user of this machine in.
pub(crate) fn lets_in(system: &System, user: u32) -> bool {
    let own = std::fs::metadata("/proc/self").map(|process| process.uid()).ok();
    user == 0 || Some(user) == own || system.operators.contains(&user)
}

/// Tells whether a user of this machine is heard at all.
pub(crate) fn is_heard(system: &System, user: u32) -> bool {
    let known = || system.people.person_by(&Credential::User(user));
    lets_in(system, user) || known().is_ok_and(|person| person.is_some())
}

/// Tells whether anybody is on record who may come as a user of this machine.
pub(crate) fn are_there_users(system: &System) -> bool {
    let is_user = |credential: &Credential| matches!(credential, Credential::User(_));
    system.people.people().is_ok_and(|people| {
        people.iter().flat_map(|person| &person.credentials).any(|bound| is_user(&bound.credential))
    })
}

/// Returns who comes as a user of this machine.
pub(crate) fn user(system: &System, user: u32) -> Result<Caller, Unavailable> {
    let credential = Credential::User(user);
    let known = system.people.person_by(&credential)?;
    Ok(Caller::with(credential, known, lets_in(system, user)))
}

/// Says why one of these may not do any more what he asked for or approved; the first of them, if there is one (M-03).
pub(crate) fn first_objection<'m>(
    system: &System,
    marks: impl IntoIterator<Item = (&'m Mark, Permission)>,
) -> Result<Option<String>, Unavailable> {
    for (mark, permission) in marks {
        let objection = objection(system, &mark.by, permission)?;
        if objection.is_some() {
            return Ok(objection);
        }
    }
    Ok(None)
}

/// Says why what somebody asked for or approved for the installation is void, if it is: he may not do so any more (case M-03).
fn objection(system: &System, by: &str, permission: Permission) -> Result<Option<String>, Unavailable> {
    let Some(caller) = named(system, by)? else { return Ok(Some(format!("{by} is no operator any more"))) };
    let permit = may(&caller, permission, None, system.clock.now()).and_then(everything);
    Ok(permit.err().map(|denied| denied.to_string()))
}

fn everything(permit: Permit) -> Result<Permit, Denied> {
    permit.check_everything().map(|()| permit)
}

/// Returns who is named so in records; none for a name that no operator has, or has any more.
fn named(system: &System, by: &str) -> Result<Option<Caller>, Unavailable> {
    let Some(name) = by.strip_prefix(OPERATOR) else { return Ok(None) };
    if let Some(number) = Caller::user_named(name) {
        let caller = user(system, number)?;
        return Ok(Some(caller).filter(|caller| !matches!(caller, Caller::Stranger(_))));
    }
    let Ok(id) = PersonId::parse(name) else { return Ok(None) };
    Ok(system.people.person(&id)?.map(|person| Caller::Person(Box::new(person))))
}
