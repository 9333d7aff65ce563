//! Requests that wait for the approval of operators: who decides, what the decision holds for, and that one certificate
//! comes of one request.

use ca_core::actor::{Actor, Identity};
use ca_core::approval::{ApprovalRequest, DecideError};
use ca_core::audit::Act;
use ca_core::fault::Fault;
use ca_core::issuance::{Delivery, IssueError};
use ca_core::ports::WaitingRoom;
use ca_core::profile::Approval;
use ca_core::reason::ReasonCode;
use ca_core::record::{Awaiting, IntentConflict, Verdict, WaitingBounds};
use ca_core::registration::Offer;
use ca_core::request::{EnrolmentRequest, RevocationRequest};
use ca_core::subject::Subject;
use ca_core::suite::SecuritySuite;

use crate::doubles::clock::{DAY, HOUR, NOW, at};
use crate::doubles::journal::Step;
use crate::doubles::signer::Behaviour;
use crate::request_octets::RequestOctets;
use crate::scenarios::{TOKEN, by_process, by_station, by_token, renewal};
use crate::world::{FOUNDED, World, change_profile, dso, maker, operator, request, tenant, title};

fn world(needed: Approval) -> World {
    World::with(SecuritySuite::Suite1, |charter| {
        for offer in &mut charter.offers {
            offer.approval.needed = needed;
        }
    })
}

fn change(world: &mut World, change: impl Fn(&mut Offer)) {
    world.authority = world.reopened(|charter| charter.offers.iter_mut().for_each(change));
}

fn person(name: &str) -> Actor {
    Actor { tenant: dso(), identity: Identity::Operator { name: name.to_owned() } }
}

#[track_caller]
fn waits(outcome: Result<ca_core::issuance::IssuedCertificate, IssueError>) -> Awaiting {
    match outcome {
        Err(IssueError::Conflict(IntentConflict::AwaitsApproval(awaiting))) => awaiting,
        outcome => panic!("it waits, not {outcome:?}"),
    }
}

fn decide(world: &World, by: &str, digest: [u8; 32], verdict: Verdict) -> Result<(), DecideError> {
    world.authority.decide(ApprovalRequest { actor: person(by), digest, verdict }).map(drop)
}

fn approve(world: &World, by: &str, digest: [u8; 32]) -> Result<(), DecideError> {
    decide(world, by, digest, Verdict::Approve)
}

#[track_caller]
fn not_decided(world: &World, outcome: Result<(), DecideError>, code: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let last = world.ledger.events().pop().unwrap();
    assert_eq!((last.act, last.reason.as_str()), (Act::RequestRefused, code), "on record");
}

#[test]
fn a_request_waits_until_an_operator_approves_and_is_answered_when_it_comes_again() {
    let world = world(Approval::One);
    let asked = by_station(&world);
    let awaiting = waits(world.authority.enrol(asked.clone()));
    assert_eq!((awaiting.retry_after_seconds, awaiting.expires_at), (600, at(NOW + 7 * DAY)));
    for seconds in [1, HOUR] {
        world.clock.set(NOW + seconds);
        assert_eq!(waits(world.authority.enrol(asked.clone())), awaiting, "a further try changes nothing");
    }
    assert_eq!(world.ledger.acts(), [Act::RequestWaits], "that it waits is recorded once");
    assert_eq!((world.ledger.statuses().len(), world.journal.count(&Step::Sign)), (FOUNDED, 0));
    approve(&world, "bob", awaiting.digest).unwrap();
    assert_eq!(world.journal.count(&Step::Sign), 0, "nothing is issued before the requester asks again");
    let issued = world.authority.enrol(asked).unwrap();
    assert_eq!(issued.delivery(), Delivery::New);
    let acts = [Act::RequestWaits, Act::RequestApproved, Act::IntentRecorded, Act::CertificateIssued];
    assert_eq!(world.ledger.acts()[..4], acts);
    let events = world.ledger.events();
    assert_eq!(events[0].digest, awaiting.digest);
    assert_eq!(
        (events[1].digest.as_slice(), events[1].actor.as_str()),
        (&awaiting.digest[..], "operator:bob")
    );
    let digest: String = awaiting.digest.iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(events[2].detail.ends_with(&format!("; approved {digest}")), "{}", events[2].detail);
}

#[test]
fn what_is_kept_shows_an_operator_all_that_is_approved() {
    let world = world(Approval::Two);
    let awaiting = waits(world.authority.enrol(by_station(&world)));
    let kept = world.ledger.waiting_requests_named(&awaiting.digest[..4]).unwrap().remove(0);
    assert_eq!((kept.tenant, kept.issuer, kept.profile.as_str()), (dso(), world.issuer().key(), "op-ds"));
    assert_eq!((kept.subject, kept.requester.as_str()), (title(1).to_string(), "ra:station"));
    assert_eq!(kept.key_fingerprint, world.key(1).public_key().fingerprint());
    assert_eq!((kept.needed, kept.requested_at, kept.again), (2, at(NOW), false));
}

// I10: every approval is by someone else.
#[test]
fn i10_two_different_operators_approve_and_the_requester_is_none_of_them() {
    let world = world(Approval::Two);
    let asked = world.by_operator("op-ds", 1, 1);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    not_decided(&world, approve(&world, "ada", digest), "approval.own-request");
    approve(&world, "bob", digest).unwrap();
    waits(world.authority.enrol(asked.clone()));
    not_decided(&world, approve(&world, "bob", digest), "approval.same-operator");
    waits(world.authority.enrol(asked.clone()));
    approve(&world, "eve", digest).unwrap();
    not_decided(&world, approve(&world, "kim", digest), "approval.enough");
    world.authority.enrol(asked).unwrap();
    not_decided(&world, approve(&world, "kim", digest), "request.answered");
}

#[test]
fn operators_of_the_owner_decide_and_nobody_else() {
    let world = world(Approval::One);
    let digest = waits(world.authority.enrol(by_station(&world))).digest;
    let stranger = Actor { tenant: tenant("other"), ..person("bob") };
    let part = Actor { tenant: dso(), identity: Identity::Process { name: "publisher" } };
    let device = world.factory_device(1, 2, &maker());
    for actor in [stranger, part, device] {
        let request = ApprovalRequest { actor, digest, verdict: Verdict::Approve };
        not_decided(&world, world.authority.decide(request).map(drop), "approval.not-entitled");
    }
    not_decided(&world, approve(&world, "bob", [9; 32]), "request.unknown");
}

#[test]
fn a_refusal_is_told_to_the_requester_and_is_final_until_the_request_is_over() {
    let world = world(Approval::Two);
    let asked = by_station(&world);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    approve(&world, "bob", digest).unwrap();
    for reason in ["", "two\nlines", &"x".repeat(201)] {
        let verdict = Verdict::Refuse { reason: reason.to_owned() };
        not_decided(&world, decide(&world, "eve", digest, verdict), "approval.reason");
    }
    decide(&world, "eve", digest, Verdict::Refuse { reason: "not ours".to_owned() }).unwrap();
    assert_eq!(world.ledger.events().pop().unwrap().act, Act::ApprovalRefused);
    not_decided(&world, approve(&world, "kim", digest), "request.refused");
    world.ledger.forget_events();
    world.assert_refused(world.authority.enrol(asked.clone()), "request.refused", FOUNDED);
    world.clock.set(NOW + 7 * DAY + 1);
    waits(world.authority.enrol(asked));
}

#[test]
fn a_request_that_nobody_decides_is_over_and_its_approvals_with_it() {
    let world = world(Approval::One);
    let asked = by_station(&world);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    approve(&world, "bob", digest).unwrap();
    world.clock.set(NOW + 7 * DAY + 1);
    assert_eq!(waits(world.authority.enrol(asked)).expires_at, at(NOW + 14 * DAY + 1));
    assert_eq!(world.journal.count(&Step::Sign), 0);
}

// RFC 7030 §4.2.3, §3.5: the client repeats its request; bound to another connection it has other octets.
#[test]
fn a_request_bound_to_another_connection_is_the_request_that_was_approved() {
    let world = world(Approval::One);
    let bound = |key: u16, challenge: &str| {
        let octets = RequestOctets::of_device(&world.key(key), &title(1)).bound_to(challenge);
        request(operator(), "op-ds", Subject::device(title(1)), octets.read())
    };
    let awaiting = waits(world.authority.enrol(bound(1, "Zmlyc3Q=")));
    assert_eq!(waits(world.authority.enrol(bound(1, "c2Vjb25k"))), awaiting);
    assert_eq!(waits(world.authority.enrol(world.by_operator("op-ds", 1, 1))), awaiting, "nor bound at all");
    approve(&world, "bob", awaiting.digest).unwrap();
    let first = world.authority.enrol(bound(1, "dGhpcmQ=")).unwrap();
    for again in [bound(1, "Zm91cnRo"), world.by_operator("op-ds", 1, 1)] {
        let again = world.authority.enrol(again).unwrap();
        assert_eq!((again.der(), again.delivery()), (first.der(), Delivery::Repeated));
    }
    assert_eq!(world.journal.count(&Step::Sign), 1);
}

#[test]
fn an_approval_holds_for_one_key_subject_profile_and_requester() {
    let world = world(Approval::One);
    let asked = by_station(&world);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    approve(&world, "bob", digest).unwrap();
    let others: [EnrolmentRequest; 4] = [
        EnrolmentRequest { evidence: world.by_operator("op-ds", 1, 2).evidence, ..asked.clone() },
        EnrolmentRequest { actor: operator(), ..asked.clone() },
        EnrolmentRequest { profile: crate::profiles::id("op-ka"), ..asked.clone() },
        world.by_operator("op-ds", 2, 3),
    ];
    for other in others {
        assert_ne!(waits(world.authority.enrol(other)).digest, digest);
    }
    let newer = world.reopened(|charter| {
        charter.offers.iter_mut().for_each(|offer| offer.approval.needed = Approval::One);
        change_profile(charter, "op-ds", |parts| parts.version += 1);
    });
    assert_ne!(waits(newer.enrol(asked)).digest, digest, "the profile is another one now");
}

#[test]
fn the_profile_and_every_offer_of_it_can_ask_for_approval_and_the_strictest_counts() {
    for (by_profile, by_offer, needed) in [
        (Approval::One, Approval::NotNeeded, 1),
        (Approval::One, Approval::Two, 2),
        (Approval::Two, Approval::One, 2),
    ] {
        let world = World::with(SecuritySuite::Suite1, |charter| {
            change_profile(charter, "op-ds", |parts| parts.approval = by_profile);
            let offer = charter.offers.iter().find(|offer| offer.profile.id().as_str() == "op-ds").unwrap();
            let mut further = offer.clone();
            further.approval.needed = by_offer;
            charter.offers.push(further);
        });
        let awaiting = waits(world.authority.enrol(by_station(&world)));
        let kept = world.ledger.waiting_requests_named(&awaiting.digest).unwrap().remove(0);
        assert_eq!(kept.needed, needed, "{by_profile:?} {by_offer:?}");
    }
}

#[test]
fn what_the_program_needs_for_itself_waits_for_nobody() {
    let world = world(Approval::Two);
    assert!(world.authority.enrol(by_process(&world)).is_ok());
}

// The conditions are decided again when the request comes again.
#[test]
fn an_approved_request_is_refused_for_what_happened_meanwhile() {
    let world = world(Approval::NotNeeded);
    let asked = renewal(&world, "op-tls");
    let mut world = world;
    change(&mut world, |offer| offer.approval.needed = Approval::One);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    approve(&world, "bob", digest).unwrap();
    let shown = asked.actor.identity.presented().unwrap().id();
    let revocation = RevocationRequest {
        actor: operator(),
        id: shown,
        reason: ReasonCode::KeyCompromise,
        invalidity_date: None,
    };
    world.authority.revoke(revocation).unwrap();
    assert_eq!(world.authority.enrol(asked).unwrap_err().code(), "authn.revoked");
}

#[test]
fn a_token_is_not_spent_by_waiting_and_once_by_the_certificate() {
    let world = world(Approval::One);
    let asked = by_token(&world);
    let digest = waits(world.authority.enrol(asked.clone())).digest;
    waits(world.authority.enrol(asked.clone()));
    assert!(!world.ledger.is_spent(&TOKEN));
    approve(&world, "bob", digest).unwrap();
    world.authority.enrol(asked).unwrap();
    assert!(world.ledger.is_spent(&TOKEN));
}

#[test]
fn a_request_that_stands_against_something_else_does_not_wait() {
    let mut world = World::new();
    world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    world.ledger.forget_events();
    change(&mut world, |offer| offer.approval.needed = Approval::One);
    let refused = world.authority.enrol(world.by_operator("op-ds", 1, 2));
    world.assert_refused(refused, "slot.taken", FOUNDED + 1);
}

// KP5: a fresh intent serves the client, for which the approval still holds.
#[test]
fn an_approval_is_given_back_by_an_intent_that_ends_without_a_certificate() {
    for behaviour in [Behaviour::Unavailable, Behaviour::OutcomeUnknown] {
        let world = world(Approval::One);
        let asked = by_station(&world);
        let digest = waits(world.authority.enrol(asked.clone())).digest;
        approve(&world, "bob", digest).unwrap();
        world.signer.then(&[behaviour]);
        assert_eq!(world.authority.enrol(asked.clone()).unwrap_err().code(), "signer.unavailable");
        assert_eq!(world.authority.enrol(asked).unwrap().delivery(), Delivery::New);
    }
}

#[test]
fn requests_that_wait_are_bounded_for_each_requester_and_tenant() {
    for bounds in
        [WaitingBounds { of_requester: 2, of_tenant: 9 }, WaitingBounds { of_requester: 9, of_tenant: 2 }]
    {
        let mut world = world(Approval::One);
        change(&mut world, |offer| {
            offer.approval.needed = Approval::One;
            offer.approval.bounds = bounds;
        });
        let asked = |number: u8| world.by_operator("op-ds", number, u16::from(number));
        let first = waits(world.authority.enrol(asked(1))).digest;
        waits(world.authority.enrol(asked(2)));
        world.ledger.forget_events();
        let crowded = world.authority.enrol(asked(3)).unwrap_err();
        assert_eq!((crowded.code(), crowded.fault()), ("request.too-many", Fault::Conflict));
        assert_eq!(world.ledger.refusals(), ["request.too-many"]);
        waits(world.authority.enrol(asked(1)));
        decide(&world, "bob", first, Verdict::Refuse { reason: "no".to_owned() }).unwrap();
        waits(world.authority.enrol(asked(3)));
    }
}

#[test]
fn in_a_batch_each_request_waits_for_itself() {
    let world = world(Approval::One);
    let asked = |number: u8| world.by_operator("op-ds", number, u16::from(number));
    let digest = waits(world.authority.enrol(asked(1))).digest;
    approve(&world, "bob", digest).unwrap();
    let mut outcomes = world.authority.enrol_batch(vec![asked(1), asked(2), asked(3)]).into_iter();
    assert!(outcomes.next().unwrap().is_ok());
    for outcome in outcomes {
        waits(outcome);
    }
}
