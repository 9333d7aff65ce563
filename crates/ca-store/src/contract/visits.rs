//! Visits: what is issued on one, by whom and for whom; what takes its place, and what is left when it ends; back from a log.

use ca_core::audit::{Act, AuditEvent};
use ca_core::people::{Caller, Credential, Permission, PersonAct, PersonChange, PersonId, Reach, Role, may};
use ca_core::ports::{Ledger as _, People, Registry, StatusSource as _, Visits};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateStatus, Intent, IntentConflict, Mark, Settlement, Slot, SlotUse, VisitId, VisitOf,
    VisitRefusal,
};
use ca_core::validity::{UnixTime, Validity};
use ca_core::visits::{Visit, VisitAct, VisitChange, VisitConflict, VisitPlan, VisitQuery, VisitStanding};

use super::backup::{copied, replayed};
use super::ground::{
    Ground, IntentWords as _, LedgerTold, LedgerWords, NOW, event, expected, id, intent, issued, tenant,
    title,
};
use crate::Store;

/// The unit that everybody goes with, unless a test says otherwise.
const UNIT: u8 = 200;

fn after(seconds: i64) -> UnixTime {
    NOW.plus_seconds(seconds)
}

fn name(text: &str) -> VisitId {
    VisitId::parse(text).unwrap()
}

fn person(store: &Store, who: &str, act: PersonAct) {
    let permit = may(&Caller::User(0), Permission::ChangePeople, None, NOW).unwrap();
    let id = PersonId::parse(who).unwrap();
    let change = PersonChange::new(&permit, (id, act), &tenant("dso"), NOW).unwrap();
    store.record_person_change(change).unwrap().unwrap();
}

fn grant(role: Role) -> PersonAct {
    PersonAct::Grant { role, reach: Reach::Everything, until: None }
}

/// Puts everybody on record who has to do with visits, and two meters.
fn open(ground: &Ground) -> Store {
    let store = ground.open();
    let people = [
        ("ron", Role::RaOfficer),
        ("lee", Role::Approver),
        ("kim", Role::Approver),
        ("tim", Role::Technician),
        ("tom", Role::Technician),
    ];
    for (who, role) in people {
        person(&store, who, PersonAct::Add { name: who.to_uppercase() });
        person(&store, who, grant(role));
    }
    let devices = vec![expected(1), expected(2)];
    store.import_devices(devices, event(Act::DevicesImported)).unwrap();
    store
}

fn plan() -> VisitPlan {
    VisitPlan {
        technician: PersonId::parse("tim").unwrap(),
        unit: title(UNIT),
        meters: vec![title(1), title(2)],
        region: String::new(),
        from: NOW,
        until: after(86_400),
        reason: "no answer".to_owned(),
        needed: 2,
    }
}

fn say(
    store: &Store,
    (by, visit): (&str, &str),
    act: VisitAct,
    now: UnixTime,
) -> Result<Visit, VisitConflict> {
    let owner = tenant("dso");
    let permit = may(&Caller::User(0), act.permission(), Some(&owner), now).unwrap();
    let change = VisitChange::new(&permit, (name(visit), act), &owner, now).unwrap();
    let by = format!("operator:{by}");
    let event = AuditEvent { actor: by.clone(), ..change.event };
    let change = VisitChange { mark: Mark { by, at: now }, event, ..change };
    store.record_visit_change(change).unwrap()
}

fn approve(store: &Store, by: &str, visit: &str) -> Result<Visit, VisitConflict> {
    let digest = store.visit(&name(visit)).unwrap().unwrap().digest;
    say(store, (by, visit), VisitAct::Approve { digest }, NOW)
}

/// Opens a visit and has it approved.
fn approved(store: &Store, visit: &str, plan: VisitPlan) -> Visit {
    say(store, ("ron", visit), VisitAct::Open(plan), NOW).unwrap();
    approve(store, "lee", visit).unwrap();
    approve(store, "kim", visit).unwrap()
}

fn end(store: &Store, visit: &str, now: UnixTime) -> Result<Visit, VisitConflict> {
    say(store, ("ron", visit), VisitAct::End { reason: "done".to_owned() }, now)
}

/// An intent for the unit of a visit, valid for twelve hours or as long as the visit.
fn asked(number: u16, (by, visit): (&str, &str), now: UnixTime) -> Intent {
    let purpose = KeyPurpose::Signature;
    let slot = Slot { tenant: tenant("dso"), title: title(UNIT), hierarchy: Hierarchy::Maintenance, purpose };
    let mut intent = intent(number).at(now);
    intent.subject = title(UNIT).to_string();
    intent.validity = Validity::new(now, now.plus_seconds(43_199).min(after(86_400).max(now))).unwrap();
    intent.event.detail = format!("{} under hhu-op-ds-s1 version 2", title(UNIT));
    intent.event.actor = format!("operator:{by}");
    intent.event.issuer = Some(intent.id.issuer);
    intent.event.serial = Some(intent.id.serial.clone());
    intent.conditions.slot = Some((slot, SlotUse::Rotation));
    intent.conditions.visit = Some(VisitOf::Visit(name(visit)));
    intent
}

fn code(outcome: Result<(), IntentConflict>) -> Result<(), &'static str> {
    match outcome {
        Ok(()) => Ok(()),
        Err(IntentConflict::Visit(refusal)) => Err(refusal.code()),
        Err(other) => panic!("{other:?}"),
    }
}

fn ask(store: &Store, number: u16, visit: &str, now: UnixTime) -> Result<(), &'static str> {
    code(store.record(asked(number, ("tim", visit), now)))
}

fn finish(store: &Store, number: u16, now: UnixTime) {
    store.begin(number);
    store.record_issued(vec![issued(&id(number), now)]).unwrap();
}

fn make(store: &Store, number: u16, visit: &str, now: UnixTime) {
    ask(store, number, visit, now).unwrap();
    finish(store, number, now);
}

fn reason_of(store: &Store, number: u16) -> Option<ReasonCode> {
    match store.status_of(&id(number)).unwrap() {
        CertificateStatus::Good => None,
        CertificateStatus::Revoked(revocation) => Some(revocation.reason),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. } => panic!("{number} is no certificate"),
    }
}

fn count(store: &Store, act: Act) -> usize {
    store.acts().iter().filter(|one| **one == act).count()
}

fn a_visit_names_meters_of_its_owner_a_technician_and_a_unit_that_is_free(ground: &Ground) {
    let store = open(ground);
    let open = |visit: &str, edit: fn(&mut VisitPlan)| {
        let mut plan = plan();
        edit(&mut plan);
        say(&store, ("ron", visit), VisitAct::Open(plan), NOW).map(drop).map_err(|conflict| conflict.code())
    };
    assert_eq!(open("a", |plan| plan.meters = vec![title(1), title(3)]), Err("visit.not-owned"));
    assert_eq!(
        open("a", |plan| plan.technician = PersonId::parse("lee").unwrap()),
        Err("visit.no-technician")
    );
    assert_eq!(
        open("a", |plan| plan.technician = PersonId::parse("nil").unwrap()),
        Err("visit.no-technician")
    );
    assert_eq!(count(&store, Act::VisitOpened), 0, "what was refused left nothing");
    assert_eq!(open("a", |_| ()), Ok(()));
    assert_eq!(open("a", |_| ()), Err("visit.known"));
    assert_eq!(open("b", |_| ()), Err("visit.unit-taken"));
    assert_eq!(open("b", |plan| plan.unit = title(201)), Ok(()));
    assert_eq!(open("c", |plan| (plan.from, plan.until) = (after(86_401), after(90_000))), Ok(()));
    end(&store, "a", NOW).unwrap();
    assert_eq!(open("d", |_| ()), Ok(()), "what was ended is in nobody's way");
    let query = VisitQuery {
        tenant: Some(tenant("dso")),
        technician: None,
        standing: Some(VisitStanding::Waiting),
        now: NOW,
        after: Some(name("b")),
        limit: 9,
    };
    let listed: Vec<String> =
        store.visits(&query).unwrap().into_iter().map(|visit| visit.id.to_string()).collect();
    assert_eq!(listed, ["c", "d"]);
}

fn a_certificate_is_issued_to_the_technician_of_an_approved_visit_in_its_time(ground: &Ground) {
    let store = open(ground);
    assert_eq!(ask(&store, 1, "a", NOW), Err("visit.unknown"));
    let late = VisitPlan { from: after(600), ..plan() };
    say(&store, ("ron", "a"), VisitAct::Open(late), NOW).unwrap();
    assert_eq!(ask(&store, 1, "a", after(600)), Err("visit.unapproved"));
    approve(&store, "lee", "a").unwrap();
    assert_eq!(ask(&store, 1, "a", after(600)), Err("visit.unapproved"), "two people must");
    approve(&store, "kim", "a").unwrap();
    assert_eq!(ask(&store, 1, "a", after(599)), Err("visit.early"));
    assert_eq!(code(store.record(asked(1, ("tom", "a"), after(600)))), Err("visit.technician"));
    assert_eq!(code(store.record(asked(1, ("uid-0", "a"), after(600)))), Err("visit.technician"));
    let mut other = asked(1, ("tim", "a"), after(600));
    other.conditions.slot.as_mut().unwrap().0.title = title(201);
    assert_eq!(code(store.record(other)), Err("visit.unit"));
    let mut meters = asked(1, ("tim", "a"), after(600));
    meters.conditions.slot.as_mut().unwrap().0.hierarchy = Hierarchy::Operational;
    assert_eq!(code(store.record(meters)), Err("visit.profile"));
    let mut none = asked(1, ("tim", "a"), after(600));
    none.conditions.visit = Some(VisitOf::None);
    assert_eq!(store.record(none), Err(IntentConflict::Visit(VisitRefusal::Required)));
    let mut long = asked(1, ("tim", "a"), after(86_000));
    long.validity = Validity::new(after(86_000), after(86_401)).unwrap();
    assert_eq!(code(store.record(long)), Err("visit.ending"));
    assert_eq!(ask(&store, 1, "a", after(86_401)), Err("visit.over"));
    assert_eq!(count(&store, Act::IntentRecorded), 0, "nothing was half done");
    make(&store, 1, "a", after(600));
    assert_eq!(reason_of(&store, 1), None);
    // The key of one unit is not certified for another.
    approved(&store, "b", VisitPlan { unit: title(201), ..plan() });
    let mut borrowed = asked(2, ("tim", "b"), after(600));
    borrowed.conditions.slot.as_mut().unwrap().0.title = title(201);
    borrowed.subject = title(201).to_string();
    borrowed.key_fingerprint = asked(1, ("tim", "a"), NOW).key_fingerprint;
    assert!(matches!(store.record(borrowed), Err(IntentConflict::KeyCertifiedElsewhere { .. })));
    assert_eq!(store.visit(&name("b")).unwrap().unwrap().certificates, []);
    person(&store, "tim", PersonAct::Withdraw { role: Role::Technician, reach: Reach::Everything });
    assert_eq!(ask(&store, 2, "a", after(700)), Err("visit.no-technician"));
}

fn what_takes_a_certificates_place_revokes_it_and_what_ends_the_visit_revokes_the_rest(ground: &Ground) {
    let store = open(ground);
    approved(&store, "a", plan());
    make(&store, 1, "a", NOW);
    // An intent alone replaces nothing: should its signature fail, the technician has what he had.
    ask(&store, 2, "a", after(10)).unwrap();
    assert_eq!(reason_of(&store, 1), None);
    finish(&store, 2, after(10));
    assert_eq!((reason_of(&store, 1), reason_of(&store, 2)), (Some(ReasonCode::Superseded), None));
    ask(&store, 3, "a", after(20)).unwrap();
    let ended = end(&store, "a", after(30)).unwrap();
    assert_eq!(ended.certificates.len(), 3);
    let over = Some(ReasonCode::CessationOfOperation);
    assert_eq!((reason_of(&store, 2), reason_of(&store, 3)), (over, over), "an open intent too");
    assert_eq!(reason_of(&store, 1), Some(ReasonCode::Superseded), "what was revoked stays as it was");
    assert_eq!(ask(&store, 4, "a", after(31)), Err("visit.ended"));
    assert_eq!(count(&store, Act::CertificateRevoked), 3);
    assert!(matches!(end(&store, "a", after(40)), Err(VisitConflict::Ended { .. })));
}

fn a_change_voids_approvals_and_revokes_what_was_issued(ground: &Ground) {
    let store = open(ground);
    let before = approved(&store, "a", plan());
    make(&store, 1, "a", NOW);
    let other = VisitPlan { meters: vec![title(1)], ..plan() };
    let amended = say(&store, ("ron", "a"), VisitAct::Amend(other), after(5)).unwrap();
    assert_ne!(amended.digest, before.digest);
    assert_eq!(reason_of(&store, 1), Some(ReasonCode::CessationOfOperation));
    assert_eq!(ask(&store, 2, "a", after(6)), Err("visit.unapproved"));
    let shown = say(&store, ("lee", "a"), VisitAct::Approve { digest: before.digest }, after(6));
    assert_eq!(shown, Err(VisitConflict::Edited));
    approve(&store, "lee", "a").unwrap();
    approve(&store, "kim", "a").unwrap();
    make(&store, 3, "a", after(7));
    let refuse = VisitAct::Refuse { digest: amended.digest, reason: "stop".to_owned() };
    say(&store, ("lee", "a"), refuse, after(8)).unwrap();
    assert_eq!(reason_of(&store, 3), Some(ReasonCode::CessationOfOperation));
    assert_eq!(ask(&store, 4, "a", after(9)), Err("visit.refused"));
}

fn m_02_m_03_one_person_counts_once_and_who_may_approve_no_more_has_not(ground: &Ground) {
    let store = open(ground);
    say(&store, ("ron", "a"), VisitAct::Open(plan()), NOW).unwrap();
    // A user whom only the configuration knows, and who is a person on record since.
    approve(&store, "uid-1001", "a").unwrap();
    person(&store, "lee", PersonAct::AddCredential(Credential::User(1001)));
    assert_eq!(approve(&store, "lee", "a"), Err(VisitConflict::SamePerson));
    person(&store, "ron", PersonAct::AddCredential(Credential::User(1002)));
    person(&store, "tim", PersonAct::AddCredential(Credential::User(1003)));
    assert_eq!(approve(&store, "uid-1002", "a"), Err(VisitConflict::OwnVisit));
    assert_eq!(approve(&store, "uid-1003", "a"), Err(VisitConflict::OwnWork));
    approve(&store, "kim", "a").unwrap();
    // The technician too is who he is, by whichever credential he comes.
    store.record(asked(1, ("uid-1003", "a"), NOW)).unwrap();
    person(&store, "kim", PersonAct::Withdraw { role: Role::Approver, reach: Reach::Everything });
    let refusal = VisitRefusal::Unapproved { needed: 2, given: 1 };
    let outcome = store.record(asked(2, ("tim", "a"), NOW));
    assert_eq!(outcome, Err(IntentConflict::Visit(refusal)));
    person(&store, "kim", grant(Role::Approver));
    person(&store, "ron", PersonAct::Remove);
    assert_eq!(ask(&store, 2, "a", NOW), Err("visit.void"));
}

fn visits_whose_time_is_over_are_ended_once(ground: &Ground) {
    let store = open(ground);
    approved(&store, "a", plan());
    approved(&store, "b", VisitPlan { unit: title(201), until: after(90_000), ..plan() });
    make(&store, 1, "a", NOW);
    assert_eq!(store.end_visits_over(after(86_400), 9).unwrap(), 0);
    assert_eq!(store.end_visits_over(after(86_401), 9).unwrap(), 1);
    assert_eq!(store.end_visits_over(after(86_401), 9).unwrap(), 0);
    let visit = store.visit(&name("a")).unwrap().unwrap();
    assert_eq!(visit.ended.unwrap().1, "its time is over");
    assert_eq!(count(&store, Act::CertificateRevoked), 0, "nothing of it was valid any more");
    drop(store);
    let store = ground.open();
    assert_eq!(store.visit(&name("b")).unwrap().unwrap().standing(NOW), VisitStanding::UnderWay);
}

fn what_was_said_after_a_copy_was_made_comes_back_from_the_log(ground: &Ground) {
    let store = open(ground);
    approved(&store, "a", plan());
    let (rows, _) = copied(&store);
    let moved = VisitPlan { unit: title(201), region: "North".to_owned(), ..plan() };
    approved(&store, "b", moved.clone());
    say(&store, ("ron", "b"), VisitAct::Amend(VisitPlan { needed: 1, ..moved }), after(1)).unwrap();
    approve(&store, "kim", "b").unwrap();
    ask(&store, 1, "a", after(1)).unwrap();
    let event =
        AuditEvent { issuer: Some(id(1).issuer), serial: Some(id(1).serial), ..event(Act::IntentAborted) };
    store.settle_intents(vec![(id(1), Settlement::Aborted, event)]).unwrap();
    end(&store, "a", after(2)).unwrap();
    let (_parent, other) = replayed(rows, &store, ground.kind);
    for visit in ["a", "b"] {
        assert_eq!(other.visit(&name(visit)).unwrap(), store.visit(&name(visit)).unwrap(), "{visit}");
    }
    let rows = |store: &Store| store.end_visits_over(after(200_000), 0).map_err(drop);
    assert!(rows(&other).is_err(), "a ledger in recovery records nothing");
}

super::on_every_engine!(
    a_visit_names_meters_of_its_owner_a_technician_and_a_unit_that_is_free,
    a_certificate_is_issued_to_the_technician_of_an_approved_visit_in_its_time,
    what_takes_a_certificates_place_revokes_it_and_what_ends_the_visit_revokes_the_rest,
    a_change_voids_approvals_and_revokes_what_was_issued,
    m_02_m_03_one_person_counts_once_and_who_may_approve_no_more_has_not,
    visits_whose_time_is_over_are_ended_once,
    what_was_said_after_a_copy_was_made_comes_back_from_the_log,
);
