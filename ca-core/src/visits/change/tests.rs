//! Changes of visits: four eyes, digests, times, and what the audit record leads back to.

use super::super::visit::{MAX_CERTIFICATES, VisitCertificate, VisitStanding};
use super::*;
use crate::key_ref::KeyRef;
use crate::people::{Caller, PersonId, may};
use crate::profile::KeyPurpose;
use crate::record::{CertificateId, VisitRefusal};
use crate::serial_number::SerialNumber;

const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

fn at(seconds: i64) -> UnixTime {
    NOW.plus_seconds(seconds)
}

fn title(number: u8) -> SystemTitle {
    SystemTitle::new([b'M', b'P', b'K', 0, 0, 0, 0, number])
}

fn tenant() -> TenantId {
    TenantId::parse("dso").unwrap()
}

fn id() -> VisitId {
    VisitId::parse("V-1").unwrap()
}

fn plan() -> VisitPlan {
    VisitPlan {
        technician: PersonId::parse("tim").unwrap(),
        unit: title(200),
        meters: vec![title(1), title(2)],
        region: "North".to_owned(),
        from: at(600),
        until: at(86_400),
        reason: "no answer; for two weeks".to_owned(),
        needed: 2,
    }
}

fn said(by: &str, act: VisitAct, seconds: i64) -> VisitChange {
    VisitChange::of((id(), act), &tenant(), Mark { by: format!("operator:{by}"), at: at(seconds) })
}

fn opened() -> Visit {
    said("ron", VisitAct::Open(plan()), 0).applied_to(None).unwrap()
}

fn approve(visit: &Visit, by: &str) -> Result<Visit, VisitConflict> {
    said(by, VisitAct::Approve { digest: visit.digest }, 1).applied_to(Some(visit.clone()))
}

fn approved() -> Visit {
    approve(&approve(&opened(), "lee").unwrap(), "kim").unwrap()
}

fn ask(visit: &Visit, (seconds, valid): (i64, i64), given: u8) -> Result<(), &'static str> {
    let asked = visit.admits((&tenant(), &title(200)), (at(seconds), at(seconds + valid)), given);
    asked.map_err(VisitRefusal::code)
}

#[test]
fn four_eyes_are_neither_those_of_who_opened_it_nor_of_who_goes_and_nobody_counts_twice() {
    let visit = opened();
    assert_eq!(visit.standing(at(1)), VisitStanding::Waiting);
    assert_eq!(approve(&visit, "ron"), Err(VisitConflict::OwnVisit));
    assert_eq!(approve(&visit, "tim"), Err(VisitConflict::OwnWork));
    let once = approve(&visit, "lee").unwrap();
    assert_eq!(approve(&once, "lee"), Err(VisitConflict::SamePerson));
    assert_eq!(once.standing(at(1)), VisitStanding::Waiting);
    let twice = approve(&once, "kim").unwrap();
    assert_eq!(twice.standing(at(1)), VisitStanding::Approved);
    assert_eq!(twice.standing(at(600)), VisitStanding::UnderWay);
    assert_eq!(twice.standing(at(86_400)), VisitStanding::UnderWay, "the last second belongs to it");
    assert_eq!(twice.standing(at(86_401)), VisitStanding::Over);
}

#[test]
fn whatever_is_edited_has_another_digest_and_no_approvals() {
    let visit = approved();
    let edits: [fn(&mut VisitPlan); 8] = [
        |plan| plan.technician = PersonId::parse("tom").unwrap(),
        |plan| plan.unit = title(201),
        |plan| plan.meters.push(title(3)),
        |plan| plan.region = "South".to_owned(),
        |plan| plan.from = at(601),
        |plan| plan.until = at(86_401),
        |plan| plan.reason = "other".to_owned(),
        |plan| plan.needed = 1,
    ];
    for edit in edits {
        let mut other = plan();
        edit(&mut other);
        let amended = said("ron", VisitAct::Amend(other), 5).applied_to(Some(visit.clone())).unwrap();
        assert_ne!(amended.digest, visit.digest);
        assert_eq!(amended.approvals, []);
        let shown = said("max", VisitAct::Approve { digest: visit.digest }, 6);
        assert_eq!(shown.applied_to(Some(amended)), Err(VisitConflict::Edited));
    }
    let elsewhere = plan().digest(&id(), &TenantId::parse("dso-2").unwrap());
    assert_ne!(elsewhere, visit.digest);
}

#[test]
fn a_certificate_is_issued_inside_the_time_of_a_visit_for_its_unit_alone() {
    let visit = approved();
    assert_eq!(ask(&visit, (599, 60), 2), Err("visit.early"));
    assert_eq!(ask(&visit, (600, 43_199), 2), Ok(()));
    assert_eq!(ask(&visit, (600, 43_199), 1), Err("visit.unapproved"));
    assert_eq!(ask(&visit, (86_400, 0), 2), Ok(()));
    assert_eq!(ask(&visit, (86_400, 1), 2), Err("visit.ending"));
    assert_eq!(ask(&visit, (86_401, 0), 2), Err("visit.over"));
    let other = visit.admits((&tenant(), &title(201)), (at(600), at(700)), 2);
    assert_eq!(other, Err(VisitRefusal::Unit));
    let stranger = TenantId::parse("dso-2").unwrap();
    let abroad = visit.admits((&stranger, &title(200)), (at(600), at(700)), 2);
    assert_eq!(abroad, Err(VisitRefusal::Unknown));
    let one = VisitCertificate {
        purpose: KeyPurpose::Signature,
        id: CertificateId { issuer: KeyRef::new([1; 20]), serial: SerialNumber::from_octets(&[1]).unwrap() },
    };
    let full = Visit { certificates: vec![one; MAX_CERTIFICATES], ..visit.clone() };
    assert_eq!(ask(&full, (600, 60), 2), Err("visit.too-many"));
    assert_eq!(visit.bounded(43_200, at(600)), 43_200);
    assert_eq!(visit.bounded(43_200, at(86_400)), 1, "its last second belongs to it");
}

#[test]
fn what_was_ended_or_refused_gives_nothing_and_stays_so() {
    let digest = approved().digest;
    let reason = || "enough".to_owned();
    let ended = said("ron", VisitAct::End { reason: reason() }, 700).applied_to(Some(approved())).unwrap();
    assert_eq!(ask(&ended, (701, 60), 2), Err("visit.ended"));
    for act in [
        VisitAct::Amend(plan()),
        VisitAct::Approve { digest },
        VisitAct::Refuse { digest, reason: reason() },
        VisitAct::End { reason: reason() },
    ] {
        let again = said("max", act, 702).applied_to(Some(ended.clone()));
        assert!(matches!(again, Err(VisitConflict::Ended { .. })), "{again:?}");
    }
    let refuse = said("max", VisitAct::Refuse { digest, reason: reason() }, 700);
    let refused = refuse.applied_to(Some(approved())).unwrap();
    assert_eq!(ask(&refused, (701, 60), 2), Err("visit.refused"));
    assert!(matches!(approve(&refused, "max"), Err(VisitConflict::Refused { .. })));
    let over = VisitChange::over(&approved(), at(86_401)).applied_to(Some(approved())).unwrap();
    assert_eq!(over.ended.unwrap().0.by, "process:visits");
}

#[test]
fn another_tenants_visit_is_none_and_a_name_is_used_once() {
    let foreign = Visit { tenant: TenantId::parse("dso-2").unwrap(), ..opened() };
    let end = said("ron", VisitAct::End { reason: "x".to_owned() }, 1);
    assert_eq!(end.applied_to(Some(foreign.clone())), Err(VisitConflict::Unknown));
    assert_eq!(end.applied_to(None), Err(VisitConflict::Unknown));
    let open = said("ron", VisitAct::Open(plan()), 1);
    assert_eq!(open.applied_to(Some(foreign)), Err(VisitConflict::Known));
    assert_eq!(open.applied_to(Some(opened())), Err(VisitConflict::Known));
}

#[test]
fn a_plan_has_a_time_meters_and_a_reason() {
    let check = |edit: fn(&mut VisitPlan)| {
        let mut plan = plan();
        edit(&mut plan);
        plan.check(NOW).map_err(|conflict| conflict.code())
    };
    assert_eq!(check(|_| ()), Ok(()));
    assert_eq!(check(|plan| plan.until = at(600 + SHORTEST - 1)), Err("visit.window"));
    assert_eq!(check(|plan| (plan.from, plan.until) = (at(-90_000), at(1))), Err("visit.window"));
    assert_eq!(check(|plan| plan.until = at(LONGEST + 1)), Err("visit.window"));
    assert_eq!(check(|plan| plan.meters = vec![title(2), title(1)]), Err("visit.meters"));
    assert_eq!(check(|plan| plan.meters = vec![title(200)]), Err("visit.meters"));
    assert_eq!(check(|plan| plan.meters.clear()), Ok(()), "the region says it all");
    assert_eq!(check(|plan| (plan.meters, plan.region) = (Vec::new(), String::new())), Err("visit.meters"));
    assert_eq!(check(|plan| plan.region = "a;b".to_owned()), Err("visit.region"));
    assert_eq!(check(|plan| plan.reason = String::new()), Err("visit.reason"));
    assert_eq!(check(|plan| plan.reason = "a\nb".to_owned()), Err("visit.reason"));
    assert_eq!(check(|plan| plan.reason = "a".repeat(MAX_REASON + 1)), Err("visit.reason"));
    let order = VisitPlan { meters: vec![title(2), title(1), title(2)], ..plan() }.in_order();
    assert_eq!(order.meters, [title(1), title(2)]);
}

#[test]
fn what_is_in_the_audit_record_leads_back_to_the_change() {
    let bare = VisitPlan { meters: Vec::new(), ..plan() };
    let listed = VisitPlan { region: String::new(), ..plan() };
    let acts = [
        VisitAct::Open(plan()),
        VisitAct::Open(bare),
        VisitAct::Amend(listed),
        VisitAct::Approve { digest: [7; 32] },
        VisitAct::Refuse { digest: [7; 32], reason: "a; for b".to_owned() },
        VisitAct::End { reason: "done".to_owned() },
    ];
    for act in acts {
        let change = said("ron", act, 0);
        assert_eq!(VisitChange::from_event(&change.event), Some(change));
    }
    let other = AuditEvent { act: Act::LedgerOpened, ..said("ron", VisitAct::Open(plan()), 0).event };
    assert_eq!(VisitChange::from_event(&other), None);
}

#[test]
fn only_who_may_say_so_for_the_tenant_makes_a_change() {
    let acts = [
        VisitAct::Open(plan()),
        VisitAct::Approve { digest: [7; 32] },
        VisitAct::End { reason: "done".to_owned() },
    ];
    for act in acts {
        for permission in Permission::ALL {
            let permit = may(&Caller::User(0), permission, None, NOW).unwrap();
            let made = VisitChange::new(&permit, (id(), act.clone()), &tenant(), NOW);
            assert_eq!(made.is_ok(), permission == act.permission(), "{permission}");
        }
    }
}
