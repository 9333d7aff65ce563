//! Polling: C-29.

use ca_core::actor::{Actor, Identity};
use ca_core::approval::ApprovalRequest;
use ca_core::ports::WaitingRoom;
use ca_core::profile::Approval;
use ca_core::record::{Verdict, WaitingQuery};
use cmp_messages::body::PkiBody;
use cmp_messages::message::PkiMessage;
use cmp_messages::polling::PollReq;
use cmp_messages::status::{PkiFailureInfo, PkiStatus};

use crate::client::{Message, octets};
use crate::pki::{NOW, tenant};
use crate::world::{PATH, Setting, World, certificate, status_info};

pub(crate) fn poll() -> PkiBody {
    PkiBody::PollReq(vec![PollReq { cert_req_id: 0 }])
}

/// A world in which an operator approves each certificate.
pub(crate) fn asking_people() -> World {
    World::with(&Setting { approval: Approval::One, ..Setting::default() })
}

/// The operator decides on the one request that waits.
pub(crate) fn decide(world: &World, verdict: Verdict) {
    let query = WaitingQuery { tenant: None, standing: None, now: NOW, after: None, limit: 2 };
    let [waiting] = world.ledger.waiting_requests(&query).unwrap().try_into().unwrap();
    let identity = Identity::Operator { name: "ada".to_owned() };
    let actor = Actor { tenant: tenant("grid"), identity };
    world.authority.decide(ApprovalRequest { actor, digest: waiting.digest, verdict }).unwrap();
}

fn check_after(answer: &PkiMessage) -> u64 {
    let PkiBody::PollRep(answers) = answer.body() else { panic!("no pollRep: {:?}", answer.body()) };
    answers[0].check_after
}

#[tokio::test]
async fn c_29_a_poll_of_nothing_is_an_error() {
    let world = World::new();
    let out_of_turn = (PkiFailureInfo::BadRequest, "transaction.out-of-turn");
    world.refuses(&Message { body: poll(), ..world.cr() }, out_of_turn).await;
    let stray = Message { body: poll(), ..world.cr() }.with(|header| {
        header.recip_nonce = Some(octets(&[1; 16]));
    });
    world.refuses(&stray, out_of_turn).await;
    // Nothing waits: there is a certificate to be confirmed.
    let request = world.cr();
    let (answer, _) = world.unconfirmed(&request).await;
    world.refuses(&request.after(&answer, poll()), out_of_turn).await;
}

#[tokio::test]
async fn c_29_a_poll_asks_for_the_one_request() {
    let world = asking_people();
    let request = world.cr();
    let answer = world.ask(&request).await;
    for (polls, code) in [
        (vec![], "request.count"),
        (vec![PollReq { cert_req_id: 0 }; 2], "request.count"),
        (vec![PollReq { cert_req_id: 1 }], "request.id"),
    ] {
        let message = request.after(&answer, PkiBody::PollReq(polls));
        world.refuses(&message, (PkiFailureInfo::BadRequest, code)).await;
    }
    check_after(&world.ask(&request.after(&answer, poll())).await);
}

// However often somebody polls, he waits the longer, and nothing grows but by what he did first.
#[tokio::test]
async fn c_29_a_storm_of_polls_is_told_to_wait_longer_and_leaves_nothing_behind() {
    let world = asking_people();
    let request = world.cr().with(|header| header.message_time = None);
    let mut answer = world.ask(&request).await;
    assert_eq!(status_info(&answer).status(), Some(PkiStatus::Waiting));
    let events = world.ledger.events().len();
    let mut waits = Vec::new();
    for _ in 0..100 {
        answer = world.ask(&request.after(&answer, poll())).await;
        waits.push(check_after(&answer));
        world.pass(600);
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!((waits[0], waits[99]), (600, 3_600));
    assert_eq!((world.ledger.events().len(), world.rows(), world.signed()), (events, 0, 0));
}

#[tokio::test]
async fn c_29_a_poll_repeated_gets_the_stored_answer_and_an_older_one_none() {
    let world = asking_people();
    let request = world.cr();
    let answer = world.ask(&request).await;
    let first = request.after(&answer, poll());
    let told = world.exchange(PATH, first.der()).await;
    let signed = world.messages_signed();
    assert_eq!(world.exchange(PATH, first.der()).await, told);
    assert_eq!(world.messages_signed(), signed);
    let stale = request.after(&answer, poll());
    world.refuses(&stale, (PkiFailureInfo::BadRecipientNonce, "header.recipient-nonce")).await;
}

// RFC 9483 §4.4: what was decided is told at the next poll.
#[tokio::test]
async fn a_poll_is_answered_as_people_decided() {
    for verdict in [Verdict::Approve, Verdict::Refuse { reason: "not ours".to_owned() }] {
        let world = asking_people();
        let request = world.cr();
        let answer = world.ask(&request).await;
        decide(&world, verdict.clone());
        let message = request.after(&answer, poll());
        let octets = world.exchange(PATH, message.der()).await;
        let last = PkiMessage::decode(&octets).unwrap();
        assert_eq!(last.header().recip_nonce, request.header.sender_nonce);
        if verdict == Verdict::Approve {
            certificate(&last);
        } else {
            assert_eq!(status_info(&last).failures(), [PkiFailureInfo::NotAuthorized]);
        }
        assert_eq!(world.good(), usize::from(verdict == Verdict::Approve));
    }
}
