//! Batches: answers in order, neighbours untouched, for each thousand one durable transaction for the intents and one for the
//! certificates.

use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::record::{CertificateStatus, Settlement};
use ca_core::request::EnrolmentRequest;
use ca_core::suite::SecuritySuite;

use crate::doubles::journal::{Failing, Step};
use crate::doubles::signer::Behaviour;
use crate::profiles;
use crate::world::{FOUNDED, World, title};

fn batch(world: &World, count: u8) -> Vec<EnrolmentRequest> {
    (1..=count).map(|number| world.by_operator("op-ds", number, number.into())).collect()
}

/// Each answer as the device it is for, or its reason code.
fn told(answers: Vec<Result<IssuedCertificate, IssueError>>) -> Vec<String> {
    let one = |answer: Result<IssuedCertificate, IssueError>| match answer {
        Ok(issued) => Certificate::from_der(issued.der()).unwrap().system_title().unwrap().to_string(),
        Err(error) => error.code().to_owned(),
    };
    answers.into_iter().map(one).collect()
}

#[test]
fn a_batch_is_answered_in_order_with_one_transaction_for_intents_and_one_for_certificates() {
    for threads in [0, 1, 4] {
        let world = World::with(SecuritySuite::Suite1, |charter| charter.threads = threads);
        let answers = world.authority.enrol_batch(batch(&world, 40));
        let expected: Vec<_> = (1..=40).map(|number| title(number).to_string()).collect();
        assert_eq!(told(answers), expected, "{threads} threads");
        let writes: Vec<_> = world
            .journal
            .steps()
            .into_iter()
            .filter(|step| !matches!(step, Step::Fill | Step::Sign | Step::Device))
            .collect();
        assert_eq!(writes, [Step::RecordIntents(40), Step::BeginSigning(40), Step::RecordIssued(40)]);
        assert_eq!(world.journal.count(&Step::Sign), 40);
    }
}

#[test]
fn a_long_batch_goes_in_parts_and_who_comes_first_in_it_is_first() {
    let world = World::new();
    let mut requests = vec![world.by_operator("op-ds", 1, 1)];
    requests.extend(vec![world.by_operator("op-ds", 1, 2); 2_000]);
    requests.push(world.by_operator("op-ds", 3, 3));
    let answers = told(world.authority.enrol_batch(requests));
    let taken = vec!["slot.taken".to_owned(); 2_000];
    assert_eq!(answers, [vec![title(1).to_string()], taken, vec![title(3).to_string()]].concat());
    let steps = world.journal.steps();
    let intents = steps.iter().filter(|step| matches!(step, Step::RecordIntents(_)));
    let parts = [Step::RecordIntents(1_000), Step::RecordIntents(1_000), Step::RecordIntents(2)];
    assert_eq!(intents.cloned().collect::<Vec<_>>(), parts);
    assert_eq!(world.journal.count(&Step::RecordIssued(1)), 2, "in the first part and in the last");
}

#[test]
fn a_refusal_does_not_touch_its_neighbours_whatever_step_it_comes_from() {
    let world = World::new();
    let mut requests = batch(&world, 6);
    requests[0].profile = profiles::id("nothing");
    requests[2].validity_seconds = Some(1);
    requests[4] = world.by_operator("op-ds", 2, 20);
    let expected = [
        "profile.unknown".to_owned(),
        title(2).to_string(),
        "validity.outside-profile".to_owned(),
        title(4).to_string(),
        "slot.taken".to_owned(),
        title(6).to_string(),
    ];
    assert_eq!(told(world.authority.enrol_batch(requests)), expected);
    assert_eq!(world.count(CertificateStatus::Good), FOUNDED + 3);
    assert_eq!(world.ledger.refusals(), ["profile.unknown", "validity.outside-profile", "slot.taken"]);
}

#[test]
fn a_signature_that_fails_ends_its_own_intent_only() {
    let world = World::with(SecuritySuite::Suite1, |charter| charter.threads = 1);
    world.signer.then(&[Behaviour::Good, Behaviour::Damaged, Behaviour::Good, Behaviour::Unavailable]);
    let answers = told(world.authority.enrol_batch(batch(&world, 5)));
    let expected = [
        &title(1).to_string(),
        "signer.broken",
        &title(3).to_string(),
        "signer.unavailable",
        &title(5).to_string(),
    ];
    assert_eq!(answers, expected);
    let settled = vec![Settlement::Uncertain, Settlement::Aborted];
    assert_eq!(world.journal.count(&Step::Settle(settled)), 1, "settled together");
    assert_eq!(world.journal.count(&Step::RecordIssued(3)), 1);
    assert_eq!(world.ledger.refusals(), ["signer.broken", "signer.unavailable"]);
}

#[test]
fn a_ledger_that_cannot_record_refuses_the_whole_batch_with_one_record_each() {
    for (failing, acts) in [
        (Step::RecordIntents(3), vec![]),
        (Step::BeginSigning(3), vec![Act::IntentRecorded, Act::IntentAborted]),
        (Step::RecordIssued(3), vec![Act::IntentRecorded, Act::IntentUncertain]),
    ] {
        let world = World::with(SecuritySuite::Suite1, |charter| charter.threads = 1);
        drop(world.authority.enrol_batch(batch(&world, 3)));
        let place = world.journal.steps().iter().position(|step| *step == failing).unwrap();
        let world = World::with(SecuritySuite::Suite1, |charter| charter.threads = 1);
        world.journal.start(Failing::At(place));
        for answer in world.authority.enrol_batch(batch(&world, 3)) {
            assert_eq!(answer.unwrap_err().fault(), Fault::Unavailable);
        }
        let expected: Vec<_> =
            acts.into_iter().chain([Act::RequestRefused]).flat_map(|act| [act; 3]).collect();
        assert_eq!(world.ledger.acts(), expected, "{failing:?}");
    }
}

#[test]
fn nothing_asks_nothing() {
    let world = World::new();
    assert!(world.authority.enrol_batch(Vec::new()).is_empty());
    assert!(world.journal.steps().is_empty());
}

#[test]
fn the_same_request_twice_in_one_batch_is_answered_once_and_the_other_may_ask_again() {
    let world = World::new();
    let request = world.by_operator("op-ds", 1, 1);
    let answers = told(world.authority.enrol_batch(vec![request.clone(), request.clone()]));
    assert_eq!(answers, [title(1).to_string(), "request.in-flight".to_owned()]);
    let again = world.authority.enrol(request).unwrap();
    assert_eq!(again.delivery(), Delivery::Repeated);
    assert_eq!(world.journal.count(&Step::Sign), 1);
}

#[test]
fn a_repetition_in_a_batch_is_answered_in_its_place() {
    let world = World::new();
    let first = world.authority.enrol(world.by_operator("op-ds", 2, 2)).unwrap();
    let answers = world.authority.enrol_batch(batch(&world, 3));
    let deliveries: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().delivery()).collect();
    assert_eq!(deliveries, [Delivery::New, Delivery::Repeated, Delivery::New]);
    assert_eq!(answers[1].as_ref().unwrap().der(), first.der());
    assert_eq!(world.journal.count(&Step::RecordIssued(2)), 1);
}
