//! Changing who may do what. Which change may follow which is ca-core's; that a credential is one person's is decided here.

use ca_core::people::{
    Caller, Credential, EmergencyChange, EmergencyConflict, Permission, Person, PersonAct, PersonChange,
    PersonConflict, PersonId, may,
};
use ca_core::record::Mark;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::keyspace::{Keyspace, credential_key};
use crate::row::{PersonRow, RowFault};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// What stands in front of every operator's name in records.
const OPERATOR: &str = "operator:";

/// Records a change with its audit record.
pub(crate) fn change(
    tx: &mut Transaction<'_>,
    change: &PersonChange,
) -> Result<Result<Person, PersonConflict>, ActFault> {
    if let Some(waiting) = wait(tx, change)? {
        if waiting.is_ok() {
            tx.seal(change.asking())?;
        }
        return Ok(waiting);
    }
    let changed = make(tx, change)?;
    if changed.is_ok() {
        tx.seal(change.event.clone())?;
    }
    Ok(changed)
}

/// Writes a change, or that it waits.
pub(crate) fn write(
    tx: &mut Transaction<'_>,
    change: &PersonChange,
) -> Result<Result<Person, PersonConflict>, ActFault> {
    match wait(tx, change)? {
        Some(waiting) => Ok(waiting),
        None => make(tx, change),
    }
}

/// Has a change wait that takes two, unless this is the second word: that of another person, whichever credential he comes with,
/// while the first may still give his.
fn wait(
    tx: &mut Transaction<'_>,
    change: &PersonChange,
) -> Result<Option<Result<Person, PersonConflict>>, ActFault> {
    let known = tx.row::<PersonRow>(&change.id)?.map(|row| row.person);
    let Some(known) = known.filter(|_| change.by_two) else { return Ok(None) };
    if let Some(first) = change.first_word(&known) {
        let by = first.asked.by.as_str();
        if one_name(tx, by)? == one_name(tx, &change.mark.by)? {
            return Ok(Some(Err(PersonConflict::Asked)));
        }
        if may_change_people(tx, by, change.mark.at)? {
            return Ok(None);
        }
    }
    if let Some(by) = taken_by(tx, change)? {
        return Ok(Some(Err(PersonConflict::Taken { by })));
    }
    Ok(Some(match change.asked_of(known) {
        Ok(person) => {
            tx.put(&change.id, &PersonRow { person: person.clone() })?;
            Ok(person)
        }
        Err(conflict) => Err(conflict),
    }))
}

/// Tells whether somebody may still say who may do what. Who is only a user of this machine is known to the configuration.
fn may_change_people<R: Rows + ?Sized>(rows: &R, by: &str, now: UnixTime) -> Result<bool, ReadFault> {
    let caller = person_named(rows, by)?.map(|person| Caller::Person(Box::new(person)));
    Ok(caller.is_none_or(|caller| {
        let permit = may(&caller, Permission::ChangePeople, None, now);
        permit.is_ok_and(|permit| permit.check_everything().is_ok())
    }))
}

/// Returns whose the credential is, or was, that a change gives to another.
fn taken_by<R: Rows + ?Sized>(rows: &R, change: &PersonChange) -> Result<Option<PersonId>, ReadFault> {
    let PersonAct::AddCredential(credential) = &change.act else { return Ok(None) };
    Ok(person_by(rows, credential)?.map(|person| person.id).filter(|id| *id != change.id))
}

/// Makes a change.
fn make(tx: &mut Transaction<'_>, change: &PersonChange) -> Result<Result<Person, PersonConflict>, ActFault> {
    let known = tx.row::<PersonRow>(&change.id)?.map(|row| row.person);
    let person = match change.applied_to(known) {
        Ok(person) => person,
        Err(conflict) => return Ok(Err(conflict)),
    };
    if let Some(by) = taken_by(tx, change)? {
        return Ok(Err(PersonConflict::Taken { by }));
    }
    if let PersonAct::AddCredential(credential) = &change.act {
        let id = person.id.as_str().into();
        tx.put_octets(Keyspace::PersonCredentials, credential_key(credential), id)?;
    }
    tx.put(&person.id.clone(), &PersonRow { person: person.clone() })?;
    Ok(Ok(person))
}

/// Records a change of an emergency with its audit record.
pub(crate) fn change_emergency(
    tx: &mut Transaction<'_>,
    change: &EmergencyChange,
) -> Result<Result<Person, EmergencyConflict>, ActFault> {
    let changed = write_emergency(tx, change)?;
    if changed.is_ok() {
        tx.seal(change.event.clone())?;
    }
    Ok(changed)
}

/// Writes a change of an emergency. Who makes it, and who agreed, are compared as persons (case M-02).
pub(crate) fn write_emergency(
    tx: &mut Transaction<'_>,
    change: &EmergencyChange,
) -> Result<Result<Person, EmergencyConflict>, ActFault> {
    let mut known = tx.row::<PersonRow>(&change.id)?.map(|row| row.person);
    for one in known.iter_mut().flat_map(|person| &mut person.emergencies) {
        if let Some(agreed) = &one.agreed {
            one.agreed = Some(one_mark(tx, agreed)?);
        }
    }
    let other = person_named(tx, &change.mark.by)?;
    let person = match change.applied_to(known, other.as_ref()) {
        Ok(person) => person,
        Err(conflict) => return Ok(Err(conflict)),
    };
    tx.put(&person.id.clone(), &PersonRow { person: person.clone() })?;
    Ok(Ok(person))
}

/// Returns whose a credential is, or was.
pub(crate) fn person_by<R: Rows + ?Sized>(
    rows: &R,
    credential: &Credential,
) -> Result<Option<Person>, ReadFault> {
    let Some(id) = rows.octets(Keyspace::PersonCredentials, &credential_key(credential))? else {
        return Ok(None);
    };
    let damaged = || RowFault::Value { keyspace: Keyspace::PersonCredentials.name() };
    let id = core::str::from_utf8(&id).ok().and_then(|id| PersonId::parse(id).ok()).ok_or_else(damaged)?;
    let row = rows.row::<PersonRow>(&id)?.ok_or_else(damaged)?;
    Ok(Some(row.person))
}

/// Returns the person behind the name of an operator that stands in a record; none where he is only a user of this machine.
pub(crate) fn person_named<R: Rows + ?Sized>(rows: &R, by: &str) -> Result<Option<Person>, ReadFault> {
    let Some(name) = by.strip_prefix(OPERATOR) else { return Ok(None) };
    if let Some(user) = Caller::user_named(name) {
        return person_by(rows, &Credential::User(user));
    }
    let Ok(id) = PersonId::parse(name) else { return Ok(None) };
    Ok(rows.row::<PersonRow>(&id)?.map(|row| row.person))
}

/// Returns the name by which people are told apart: whichever credential somebody came with, and though he was not on record
/// then, he is one person (case M-02).
pub(crate) fn one_name<R: Rows + ?Sized>(rows: &R, by: &str) -> Result<String, ReadFault> {
    let person = person_named(rows, by)?;
    Ok(person.map_or_else(|| by.to_owned(), |person| format!("{OPERATOR}{}", person.id)))
}

/// Returns a mark with that name.
pub(crate) fn one_mark<R: Rows + ?Sized>(rows: &R, mark: &Mark) -> Result<Mark, ReadFault> {
    Ok(Mark { by: one_name(rows, &mark.by)?, at: mark.at })
}

/// Returns marks with those names.
pub(crate) fn one_mark_each<'m, R: Rows + ?Sized>(
    rows: &R,
    marks: impl IntoIterator<Item = &'m Mark>,
) -> Result<Vec<Mark>, ReadFault> {
    marks.into_iter().map(|mark| one_mark(rows, mark)).collect()
}

/// Tells whether somebody who is on record may still do this for a tenant. Who is only a user of this machine is known to the
/// configuration, not here.
pub(crate) fn still_may<R: Rows + ?Sized>(
    rows: &R,
    by: &str,
    (permission, tenant): (Permission, &TenantId),
    now: UnixTime,
) -> Result<bool, ReadFault> {
    let caller = person_named(rows, by)?.map(|person| Caller::Person(Box::new(person)));
    Ok(caller.is_none_or(|caller| may(&caller, permission, Some(tenant), now).is_ok()))
}
