//! Case M-09: two people of two roles, for a reason, for hours, ended by itself, and reviewed by somebody who had no part in it.

use super::super::change::{PersonAct, PersonChange};
use super::super::permit::may;
use super::super::person::{Caller, Grant, Reach};
use super::*;

const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

fn mark(by: &str) -> Mark {
    Mark { by: format!("operator:{by}"), at: NOW }
}

fn person(name: &str, role: Role) -> Person {
    Person {
        id: PersonId::parse(name).unwrap(),
        name: name.to_owned(),
        added: mark("uid-0"),
        removed: None,
        grants: vec![Grant { role, reach: Reach::Everything, granted: mark("uid-0"), until: None }],
        credentials: Vec::new(),
        emergencies: Vec::new(),
        asked: Vec::new(),
    }
}

/// What somebody says of another's emergency, or his own, read again out of its audit event.
fn said(of: &Person, by: &Person, act: EmergencyAct, now: UnixTime) -> Result<Person, EmergencyConflict> {
    let caller = Caller::Person(Box::new(by.clone()));
    let needs = match act {
        EmergencyAct::Review { .. } => Permission::ReviewEmergencies,
        EmergencyAct::Ask { .. } | EmergencyAct::Agree | EmergencyAct::End => Permission::BreakGlass,
    };
    let permit = may(&caller, needs, None, now).unwrap();
    let tenant = TenantId::parse("dso").unwrap();
    let change = EmergencyChange::new(&permit, (of.id.clone(), act), &tenant, now).unwrap();
    assert_eq!(EmergencyChange::from_event(&change.event).as_ref(), Some(&change));
    change.applied_to(Some(of.clone()), Some(by))
}

fn ask(role: Role, reason: &str, seconds: u32) -> EmergencyAct {
    EmergencyAct::Ask { role, reason: reason.to_owned(), seconds }
}

fn fire() -> EmergencyAct {
    ask(Role::CaOperations, "fire; at the plant for 3 seconds: bad", 60)
}

fn looked() -> EmergencyAct {
    EmergencyAct::Review { finding: "two certificates revoked; as the reason says".to_owned() }
}

fn may_revoke(person: &Person, now: UnixTime) -> Result<(), &'static str> {
    let caller = Caller::Person(Box::new(person.clone()));
    let permit = may(&caller, Permission::Revoke, None, now).map_err(|denied| denied.code())?;
    assert!(permit.check_everything().is_ok());
    Ok(())
}

/// Ada has the role in an emergency, on Ron's word.
fn open() -> Person {
    let ada = person("ada", Role::Administrator);
    let asked = said(&ada, &ada, fire(), NOW).unwrap();
    said(&asked, &person("ron", Role::RaOfficer), EmergencyAct::Agree, NOW).unwrap()
}

#[test]
fn m_09_two_people_of_two_roles_break_the_glass_for_a_reason_and_it_ends_by_itself() {
    let (ada, bob) = (person("ada", Role::Administrator), person("bob", Role::Administrator));
    let ron = person("ron", Role::RaOfficer);
    assert_eq!(said(&ada, &ron, fire(), NOW), Err(EmergencyConflict::ForAnother));
    let asked = said(&ada, &ada, fire(), NOW).unwrap();
    assert_eq!(may_revoke(&asked, NOW), Err("people.role"), "one person alone is nothing");
    assert_eq!(said(&asked, &asked, fire(), NOW), Err(EmergencyConflict::Open));
    assert_eq!(said(&asked, &asked, EmergencyAct::Agree, NOW), Err(EmergencyConflict::Oneself));
    assert_eq!(said(&asked, &bob, EmergencyAct::Agree, NOW), Err(EmergencyConflict::SameRole));
    let late = NOW.plus_seconds(PATIENCE + 1);
    assert_eq!(said(&asked, &ron, EmergencyAct::Agree, late), Err(EmergencyConflict::NotAsked));
    assert!(said(&asked, &asked, fire(), late).is_ok(), "he asks again");
    let open = said(&asked, &ron, EmergencyAct::Agree, NOW).unwrap();
    assert_eq!(may_revoke(&open, NOW), Ok(()), "the role goes with every other");
    assert_eq!(may_revoke(&open, NOW.plus_seconds(60)), Ok(()));
    assert_eq!(may_revoke(&open, NOW.plus_seconds(61)), Err("people.over"), "it ends by itself");
    assert_eq!(said(&open, &ron, EmergencyAct::Agree, NOW), Err(EmergencyConflict::NotAsked));
    let ended = said(&open, &ron, EmergencyAct::End, NOW).unwrap();
    assert_eq!(may_revoke(&ended, NOW), Err("people.over"));
    assert_eq!(said(&ended, &ron, EmergencyAct::End, NOW), Err(EmergencyConflict::NotAsked));
}

#[test]
fn a_reason_a_length_and_a_role_that_he_does_not_have_are_asked_for() {
    let ada = person("ada", Role::Administrator);
    let long = "a".repeat(201);
    for reason in ["", "a\nb", &long] {
        let act = ask(Role::CaOperations, reason, 60);
        assert_eq!(said(&ada, &ada, act, NOW), Err(EmergencyConflict::Text), "{reason}");
    }
    for seconds in [0, LONGEST_EMERGENCY + 1] {
        let act = ask(Role::CaOperations, "fire", seconds);
        assert_eq!(said(&ada, &ada, act, NOW), Err(EmergencyConflict::TooLong), "{seconds}");
    }
    let held = ask(Role::Administrator, "fire", 60);
    let refused = Err(EmergencyConflict::Role { role: Role::Administrator });
    assert_eq!(said(&ada, &ada, held, NOW), refused);
    for role in [Role::Auditor, Role::Technician] {
        assert!(said(&ada, &ada, ask(role, "fire", LONGEST_EMERGENCY), NOW).is_ok(), "{role}");
    }
}

#[test]
fn m_09_it_is_reviewed_once_within_a_day_of_its_end_by_somebody_who_had_no_part_in_it() {
    let (mia, open) = (person("mia", Role::Auditor), open());
    assert_eq!(said(&open, &mia, looked(), NOW), Err(EmergencyConflict::NotOver));
    let after = NOW.plus_seconds(61);
    let due = NOW.plus_seconds(60 + REVIEW);
    assert_eq!(open.emergencies[0].standing(after), EmergencyStanding::Unreviewed { due });
    // Who agreed, and got the auditor's role since, reviews nothing; nor does who had it.
    for name in ["ron", "ada"] {
        let part = person(name, Role::Auditor);
        assert_eq!(said(&open, &part, looked(), after), Err(EmergencyConflict::OwnReview), "{name}");
    }
    let reviewed = said(&open, &mia, looked(), after).unwrap();
    assert_eq!(reviewed.emergencies[0].standing(after), EmergencyStanding::Reviewed);
    assert_eq!(said(&reviewed, &mia, looked(), after), Err(EmergencyConflict::NotOver));
    // An end before its time moves the day; its record by the program does not.
    let early = said(&open, &mia_operations(), EmergencyAct::End, NOW).unwrap();
    let due = NOW.plus_seconds(REVIEW);
    assert_eq!(early.emergencies[0].standing(NOW), EmergencyStanding::Unreviewed { due });
    let over = EmergencyChange::over(open.id.clone(), &TenantId::parse("dso").unwrap(), after);
    assert!(open.emergencies[0].ran_out(after) && !open.emergencies[0].ran_out(NOW));
    let told = over.applied_to(Some(open), None).unwrap();
    assert!(!told.emergencies[0].ran_out(after));
    let due = NOW.plus_seconds(60 + REVIEW);
    assert_eq!(told.emergencies[0].standing(after), EmergencyStanding::Unreviewed { due });
    assert_eq!(over.applied_to(Some(told), None), Err(EmergencyConflict::NotAsked), "once");
}

fn mia_operations() -> Person {
    person("kim", Role::CaOperations)
}

#[test]
fn who_is_removed_has_nothing_in_an_emergency_any_more_and_it_is_reviewed_all_the_same() {
    let open = open();
    let permit = may(&Caller::User(0), Permission::ChangePeople, None, NOW).unwrap();
    let tenant = TenantId::parse("dso").unwrap();
    let change = PersonChange::new(&permit, (open.id.clone(), PersonAct::Remove), &tenant, NOW).unwrap();
    let gone = change.applied_to(Some(open)).unwrap();
    assert_eq!(may_revoke(&gone, NOW), Err("people.removed"));
    assert_eq!(said(&gone, &mia_operations(), EmergencyAct::Agree, NOW), Err(EmergencyConflict::Unknown));
    assert!(said(&gone, &person("mia", Role::Auditor), looked(), NOW).is_ok());
}

#[test]
fn a_record_has_eight_emergencies_and_none_that_was_not_reviewed_falls_out_of_it() {
    let ron = person("ron", Role::RaOfficer);
    let mut ada = person("ada", Role::Administrator);
    for round in 0..8 {
        let now = NOW.plus_seconds(round * 100);
        let asked = said(&ada, &ada, fire(), now).unwrap();
        ada = said(&asked, &ron, EmergencyAct::Agree, now).unwrap();
    }
    let later = NOW.plus_seconds(1_000);
    assert_eq!(said(&ada, &ada, fire(), later), Err(EmergencyConflict::Unreviewed));
    let reviewed = said(&ada, &person("mia", Role::Auditor), looked(), later).unwrap();
    let again = said(&reviewed, &reviewed, fire(), later).unwrap();
    assert_eq!((again.emergencies.len(), again.emergencies[0].reviewed.as_ref()), (8, None));
}
