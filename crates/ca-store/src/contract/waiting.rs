//! Requests that wait for the approval of operators: kept, decided once, answered once, bounded, and gone when they are over.

use ca_core::audit::Act;
use ca_core::ports::{Ledger, Registry, StatusSource, WaitingRoom};
use ca_core::record::{
    ApprovalCondition, Decision, DecisionConflict, Intent, IntentConflict, Mark, Settlement, SlotUse,
    Standing, Verdict, WaitingBounds, WaitingQuery, WaitingRequest,
};
use ca_core::validity::UnixTime;

use super::backup::{copied, restored};
use super::ground::{
    Ground, IntentWords, LedgerTold, LedgerWords, NOW, event, id, intent, issued, issuer, tenant, title,
    token,
};
use super::races::at_once;
use crate::Store;
use crate::keyspace::Keyspace;

/// How long a request waits, in seconds.
const WEEK: i64 = 604_800;

const BOUNDS: WaitingBounds = WaitingBounds { of_requester: 100, of_tenant: 100 };

fn digest(request: u8) -> [u8; 32] {
    [request; 32]
}

/// An intent that answers a request if two operators approved it.
pub(super) fn asking(number: u16, request: u8) -> Intent {
    of_requester("ra:line-1", number, request, BOUNDS)
}

fn of_requester(requester: &str, number: u16, request: u8, bounds: WaitingBounds) -> Intent {
    let mut asking = intent(number).with_key_of(&intent(1_000 + u16::from(request)));
    let kept = WaitingRequest {
        digest: digest(request),
        tenant: tenant("dso"),
        issuer: issuer(1),
        profile: asking.profile.clone(),
        profile_version: asking.profile_version,
        subject: asking.subject.clone(),
        names: Vec::new(),
        key_fingerprint: asking.key_fingerprint,
        requester: requester.to_owned(),
        again: false,
        needed: 2,
        requested_at: NOW,
        expires_at: NOW.plus_seconds(WEEK),
        approvals: Vec::new(),
        refusal: None,
        answer: None,
    };
    let condition =
        ApprovalCondition { request: kept, retry_after_seconds: 60, bounds, event: event(Act::RequestWaits) };
    asking.conditions.approval = Some(Box::new(condition));
    asking
}

/// The same request at another time.
fn at(mut asking: Intent, now: UnixTime) -> Intent {
    if let Some(condition) = &mut asking.conditions.approval {
        condition.request.requested_at = now;
        condition.request.expires_at = now.plus_seconds(WEEK);
    }
    IntentWords::at(asking, now)
}

fn decision(request: u8, by: &str, verdict: Verdict) -> Decision {
    let act = match verdict {
        Verdict::Approve => Act::RequestApproved,
        Verdict::Refuse { .. } => Act::ApprovalRefused,
    };
    let mark = Mark { by: format!("operator:{by}"), at: NOW };
    Decision { digest: digest(request), issuer: issuer(1), mark, verdict, event: event(act) }
}

pub(super) fn decide(
    store: &Store,
    request: u8,
    by: &str,
    verdict: Verdict,
) -> Result<Standing, DecisionConflict> {
    let outcome = store.record_decision(decision(request, by, verdict)).unwrap();
    outcome.map(|request| request.standing(NOW))
}

pub(super) fn approve(store: &Store, request: u8, by: &str) -> Result<Standing, DecisionConflict> {
    decide(store, request, by, Verdict::Approve)
}

fn refuse() -> Verdict {
    Verdict::Refuse { reason: "not ours".to_owned() }
}

fn approve_by_two(store: &Store, request: u8) {
    assert_eq!(approve(store, request, "ada"), Ok(Standing::Waiting));
    assert_eq!(approve(store, request, "bob"), Ok(Standing::Approved));
}

#[track_caller]
pub(super) fn waits(store: &Store, asking: Intent) -> UnixTime {
    match store.record(asking) {
        Err(IntentConflict::AwaitsApproval(awaiting)) => {
            assert_eq!(awaiting.retry_after_seconds, 60);
            awaiting.expires_at
        }
        outcome => panic!("it waits, not {outcome:?}"),
    }
}

pub(super) fn kept(store: &Store, request: u8) -> Option<WaitingRequest> {
    store.waiting_requests_named(&digest(request)).unwrap().pop()
}

/// How many rows the waiting room has in all its keyspaces.
fn rows(store: &Store) -> [usize; 3] {
    let view = store.engine().view().unwrap();
    [Keyspace::Waiting, Keyspace::WaitingEnds, Keyspace::WaitingCounts]
        .map(|keyspace| view.rows_after(keyspace, &[], &[], 1_000).unwrap().len())
}

fn a_request_waits_and_is_answered_once_when_two_have_approved(ground: &Ground) {
    let store = ground.open();
    assert_eq!(waits(&store, asking(1, 7)), NOW.plus_seconds(WEEK));
    waits(&store, asking(2, 7));
    assert_eq!(store.acts(), [Act::LedgerOpened, Act::RequestWaits], "that it waits is recorded once");
    assert_eq!(store.status(1), ca_core::record::CertificateStatus::NeverIssued);
    assert_eq!(approve(&store, 7, "ada"), Ok(Standing::Waiting));
    waits(&store, asking(3, 7));
    assert_eq!(approve(&store, 7, "bob"), Ok(Standing::Approved));
    assert_eq!(store.record(asking(4, 7)), Ok(()));
    assert_eq!(store.record(asking(5, 7)), Err(IntentConflict::InFlight));
    store.begin(4);
    store.record_issued(vec![issued(&id(4), NOW)]).unwrap();
    assert_eq!(kept(&store, 7).unwrap().answer, Some(id(4)));
    let stored = store.certificate(&id(4)).unwrap().unwrap();
    assert_eq!(store.record(asking(6, 7)), Err(IntentConflict::AlreadyIssued(Box::new(stored))));
    let acts = [Act::RequestWaits, Act::RequestApproved, Act::RequestApproved, Act::IntentRecorded];
    assert_eq!(store.acts()[1..5], acts);
}

fn who_waits_and_who_approved_outlives_a_restart(ground: &Ground) {
    let store = ground.open();
    waits(&store, asking(1, 7));
    approve(&store, 7, "ada").unwrap();
    let before = kept(&store, 7).unwrap();
    assert_eq!(before.approvals, [Mark { by: "operator:ada".to_owned(), at: NOW }]);
    drop(store);
    let store = ground.open();
    assert_eq!(kept(&store, 7), Some(before));
    assert_eq!(approve(&store, 7, "ada"), Err(DecisionConflict::SameOperator));
    assert_eq!(approve(&store, 7, "bob"), Ok(Standing::Approved));
    drop(store);
    assert_eq!(ground.open().record(asking(2, 7)), Ok(()));
}

fn a_decision_that_cannot_follow_changes_nothing(ground: &Ground) {
    let store = ground.open();
    waits(&store, asking(1, 7));
    assert_eq!(approve(&store, 8, "ada"), Err(DecisionConflict::Unknown));
    let elsewhere = Decision { issuer: issuer(2), ..decision(7, "ada", Verdict::Approve) };
    assert_eq!(store.record_decision(elsewhere).unwrap(), Err(DecisionConflict::Unknown));
    decide(&store, 7, "ada", refuse()).unwrap();
    let before = (kept(&store, 7), store.acts());
    let refused = Mark { by: "operator:ada".to_owned(), at: NOW };
    assert_eq!(approve(&store, 7, "bob"), Err(DecisionConflict::Refused { by: refused }));
    assert_eq!((kept(&store, 7), store.acts()), before);
    assert_eq!(store.record(asking(2, 7)), Err(IntentConflict::ApprovalRefused));
}

fn what_stands_against_a_request_is_told_before_it_waits_and_waiting_takes_nothing(ground: &Ground) {
    let store = ground.open();
    store.keep(token(9));
    waits(&store, asking(1, 7).with_token(9).for_slot(4, SlotUse::First));
    assert!(!store.token(&[9; 32]).unwrap().unwrap().spent);
    store.issue(intent(50).for_slot(4, SlotUse::First));
    let refused = store.record(asking(2, 8).for_slot(4, SlotUse::First));
    assert_eq!(refused, Err(IntentConflict::SlotTaken { holder: id(50) }));
    assert_eq!(kept(&store, 8), None);
    // Approved, and the slot is taken meanwhile.
    approve_by_two(&store, 7);
    let refused = store.record(asking(3, 7).with_token(9).for_slot(4, SlotUse::First));
    assert_eq!(refused, Err(IntentConflict::SlotTaken { holder: id(50) }));
    assert_eq!(kept(&store, 7).unwrap().standing(NOW), Standing::Approved);
    assert_eq!(title(4).to_string(), store.certificate(&id(50)).unwrap().unwrap().subject);
}

fn an_intent_without_a_certificate_gives_the_approval_back(ground: &Ground) {
    let store = ground.open();
    waits(&store, asking(1, 7));
    approve_by_two(&store, 7);
    store.record(asking(2, 7)).unwrap();
    store.settle(2, Settlement::Aborted);
    store.record(asking(3, 7)).unwrap();
    store.begin(3);
    store.settle(3, Settlement::Uncertain);
    store.record(asking(4, 7)).unwrap();
    drop(store);
    // The process died between T1 and the signer.
    let store = ground.open();
    assert_eq!(kept(&store, 7).unwrap().standing(NOW), Standing::Approved);
    store.issue(asking(5, 7));
    assert_eq!(kept(&store, 7).unwrap().answer, Some(id(5)));
    assert_eq!(rows(&store), [1, 1, 0], "nothing is counted that is answered");
}

fn what_is_over_asks_anew_and_is_swept_away(ground: &Ground) {
    let store = ground.open();
    waits(&store, asking(1, 7));
    waits(&store, asking(2, 8));
    approve_by_two(&store, 7);
    decide(&store, 8, "ada", refuse()).unwrap();
    assert_eq!(waits(&store, at(asking(3, 9), NOW.plus_seconds(WEEK))), NOW.plus_seconds(2 * WEEK));
    assert_eq!(rows(&store)[0], 3, "the last second belongs to a request");
    let late = NOW.plus_seconds(WEEK + 1);
    assert_eq!(waits(&store, at(asking(4, 7), late)), late.plus_seconds(WEEK), "its approvals are over too");
    assert_eq!(kept(&store, 7).unwrap().approvals, []);
    assert_eq!(kept(&store, 8), None);
    assert_eq!(rows(&store), [2, 2, 2]);
    let end = NOW.plus_seconds(9 * WEEK);
    waits(&store, at(asking(5, 1), end));
    assert_eq!(rows(&store), [1, 1, 2]);
}

fn requests_are_counted_by_requester_and_tenant_also_within_one_call(ground: &Ground) {
    let store = ground.open();
    let bounds = WaitingBounds { of_requester: 2, of_tenant: 3 };
    let of = |requester: &str, number| of_requester(requester, number, u8::try_from(number).unwrap(), bounds);
    let outcomes =
        store.record_intents(vec![of("a", 1), of("a", 2), of("a", 3), of("b", 4), of("b", 5)]).unwrap();
    let full = |outcome: &Result<(), IntentConflict>| *outcome == Err(IntentConflict::TooManyWaiting);
    assert_eq!(outcomes.iter().map(full).collect::<Vec<_>>(), [false, false, true, false, true]);
    waits(&store, of("a", 1));
    decide(&store, 1, "ada", refuse()).unwrap();
    waits(&store, of("a", 3));
    assert_eq!(store.record(of("b", 5)), Err(IntentConflict::TooManyWaiting));
}

fn the_same_operator_at_once_approves_once_and_the_requester_at_once_is_answered_once(ground: &Ground) {
    let store = ground.open();
    waits(&store, asking(1, 7));
    let approvals = at_once(16, |_| approve(&store, 7, "ada"));
    assert_eq!(approvals.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    approve(&store, 7, "bob").unwrap();
    let outcomes = at_once(16, |number| store.record(asking(100 + number, 7)));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

fn what_waits_is_forgotten_when_recovery_ends_since_it_may_have_been_answered(ground: &Ground) {
    let store = ground.open();
    for request in 1..=4 {
        waits(&store, asking(u16::from(request), request));
    }
    approve_by_two(&store, 2);
    approve_by_two(&store, 3);
    store.issue(asking(3, 3));
    decide(&store, 4, "ada", refuse()).unwrap();
    let (copy, _) = copied(&store);
    let (_parent, other) = restored(copy, ground.kind);
    assert_eq!(rows(&other), rows(&store));
    assert!(other.record_decision(decision(1, "ada", Verdict::Approve)).is_err(), "in recovery");
    other.leave_recovery(2, event(Act::RecoveryEnded)).unwrap();
    assert_eq!([1, 2].map(|request| kept(&other, request)), [None, None]);
    assert_eq!([3, 4].map(|request| kept(&other, request)), [3, 4].map(|request| kept(&store, request)));
    let told = other.trail().pop().unwrap().event.detail;
    assert!(told.ends_with("; 2 waiting requests are forgotten"), "{told}");
}

fn requests_are_listed_by_their_end_and_found_by_the_beginning_of_their_digest(ground: &Ground) {
    let store = ground.open();
    for (number, later) in [(3, 1), (1, 2), (2, 3)] {
        waits(&store, at(asking(u16::from(number), number), NOW.plus_seconds(later)));
    }
    decide(&store, 1, "ada", refuse()).unwrap();
    let all = WaitingQuery { tenant: None, standing: None, now: NOW, after: None, limit: 2 };
    let listed = |query: &WaitingQuery| -> Vec<u8> {
        store.waiting_requests(query).unwrap().iter().map(|request| request.digest[0]).collect()
    };
    assert_eq!(listed(&all), [3, 1]);
    let next = WaitingQuery { after: Some((NOW.plus_seconds(2 + WEEK), digest(1))), ..all.clone() };
    assert_eq!(listed(&next), [2]);
    assert_eq!(listed(&WaitingQuery { standing: Some(Standing::Refused), ..all.clone() }), [1]);
    assert_eq!(listed(&WaitingQuery { tenant: Some(tenant("other")), ..all }), []);
    let late = NOW.plus_seconds(2 * WEEK);
    assert_eq!(listed(&WaitingQuery { standing: Some(Standing::Expired), now: late, ..all }), [3, 1]);
    assert_eq!(store.waiting_requests_named(&[2; 4]).unwrap().len(), 1);
    assert_eq!(store.waiting_requests_named(&[]).unwrap().len(), 2, "at most two");
    assert_eq!(store.waiting_requests_named(&[4; 4]).unwrap(), []);
}

super::on_every_engine!(
    a_request_waits_and_is_answered_once_when_two_have_approved,
    who_waits_and_who_approved_outlives_a_restart,
    a_decision_that_cannot_follow_changes_nothing,
    what_stands_against_a_request_is_told_before_it_waits_and_waiting_takes_nothing,
    an_intent_without_a_certificate_gives_the_approval_back,
    what_is_over_asks_anew_and_is_swept_away,
    requests_are_counted_by_requester_and_tenant_also_within_one_call,
    the_same_operator_at_once_approves_once_and_the_requester_at_once_is_answered_once,
    what_waits_is_forgotten_when_recovery_ends_since_it_may_have_been_answered,
    requests_are_listed_by_their_end_and_found_by_the_beginning_of_their_digest,
);
