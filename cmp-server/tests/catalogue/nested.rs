//! Nested messages: C-28, and C-12 in them.

use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation};
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::{CertReqMsg, ProofOfPossession};
use cmp_messages::header::InfoTypeAndValue;
use cmp_messages::message::PkiMessage;
use cmp_messages::status::PkiFailureInfo;
use cmp_server::config::BatchLimits;
use der::asn1::{Any, Null};
use der::{Decode, Encode};

use crate::client::{Message, cr, fresh, octets, request};
use crate::pki::NOW;
use crate::world::{DEVICE, OTHER, PATH, Setting, World, certificate, post, status_info};

const NESTED: &str = "/.well-known/cmp/p/meter-ds/nested";

fn batch(messages: &[Message]) -> PkiBody {
    PkiBody::Nested(messages.iter().map(|one| Any::from_der(&one.der()).unwrap()).collect())
}

fn other(world: &World) -> Message {
    Message::signed(31, &world.factory(OTHER, 31), cr(OTHER, 41))
}

/// The answers in a batch.
fn answers(answer: &PkiMessage) -> Vec<PkiMessage> {
    let PkiBody::Nested(answers) = answer.body() else { panic!("no batch: {:?}", answer.body()) };
    answers.iter().map(|one| PkiMessage::decode(&one.to_der().unwrap()).unwrap()).collect()
}

// RFC 9483 §5.2.2.2: each message of a batch is answered as if it had come alone, in order.
#[tokio::test]
async fn c_28_each_message_of_a_batch_has_its_own_result() {
    let world = World::new();
    let unproven = PkiBody::Cr(vec![CertReqMsg::new(&request(DEVICE, 40), None).unwrap()]);
    let inner = [
        Message { body: unproven, ..world.cr() },
        other(&world),
        Message { body: crate::polling::poll(), ..world.cr() },
        world.by_station(batch(&[world.cr()])),
    ];
    let answers = answers(&world.ask_at(NESTED, &world.by_station(batch(&inner))).await);
    assert_eq!(answers.len(), 4);
    for (message, answer) in inner.iter().zip(&answers) {
        assert_eq!(answer.header().transaction_id, message.header.transaction_id);
        assert_eq!(answer.header().recip_nonce, message.header.sender_nonce);
    }
    assert_eq!(status_info(&answers[0]).failures(), [PkiFailureInfo::BadPop]);
    certificate(&answers[1]);
    assert_eq!(status_info(&answers[2]).failures(), [PkiFailureInfo::BadRequest]);
    assert_eq!(status_info(&answers[3]).failures(), [PkiFailureInfo::BadRequest]);
    let mut refusals = world.ledger.refusals();
    refusals.sort();
    assert_eq!(refusals, ["operation.not-served", "request.no-proof", "transaction.out-of-turn"]);
    assert_eq!((world.good(), world.signed()), (1, 1));
}

// The limit counts before anything in the batch is looked at.
#[tokio::test]
async fn c_28_a_batch_beyond_the_limit_is_refused_whole() {
    let world = World::new();
    let size = (PkiFailureInfo::BadRequest, "nested.size");
    let many = |octets| vec![Any::new(der::Tag::Sequence, vec![0; octets]).unwrap(); 10_001];
    world.refuses_at(NESTED, &world.by_station(PkiBody::Nested(many(80))), size).await;
    // What cannot be messages is not even counted out.
    let crowded = (PkiFailureInfo::BadDataFormat, "message.not-der");
    world.refuses_octets(NESTED, world.by_station(PkiBody::Nested(many(0))).der(), crowded).await;
    world.refuses_at(NESTED, &world.by_station(PkiBody::Nested(Vec::new())), size).await;
    let batches = BatchLimits { messages: 1, ..BatchLimits::default() };
    let small = World::with(&Setting { batches, ..Setting::default() });
    small.refuses_at(NESTED, &small.by_station(batch(&[small.cr(), other(&small)])), size).await;
    assert_eq!(answers(&small.ask_at(NESTED, &small.by_station(batch(&[small.cr()]))).await).len(), 1);
}

#[tokio::test]
async fn c_28_a_body_beyond_the_limit_is_not_read() {
    let batches = BatchLimits { octets: 60_000, ..BatchLimits::default() };
    let world = World::with(&Setting { batches, ..Setting::default() });
    assert_eq!(world.send(post(NESTED), vec![0x30; 60_001]).await.status, 413);
    assert_eq!(world.send(post(NESTED), vec![0x30; 60_000]).await.status, 400);
    for path in [PATH.to_owned(), format!("{PATH}/certification")] {
        assert_eq!(world.send(post(&path), vec![0x30; 60_000]).await.status, 413, "there only");
    }
    // What is announced is not waited for.
    let announced = post(NESTED).header("content-length", 60_001);
    assert_eq!(world.send(announced, "").await.status, 413);
}

// RFC 9483 §5.2.2.2: transactionID and senderNonce differ from message to message.
#[tokio::test]
async fn c_28_the_names_in_a_batch_are_unique() {
    let world = World::new();
    let (id, nonce) = (octets(&fresh()), octets(&fresh()));
    let same_id = |message: Message| {
        let id = id.clone();
        message.with(|header| header.transaction_id = Some(id))
    };
    let same_nonce = |message: Message| {
        let nonce = nonce.clone();
        message.with(|header| header.sender_nonce = Some(nonce))
    };
    let names = (PkiFailureInfo::BadRequest, "nested.names");
    for inner in
        [[same_id(world.cr()), same_id(other(&world))], [same_nonce(world.cr()), same_nonce(other(&world))]]
    {
        world.refuses_at(NESTED, &world.by_station(batch(&inner)), names).await;
    }
}

#[tokio::test]
async fn c_28_a_batch_with_something_that_is_no_message_is_refused_whole() {
    let world = World::new();
    let good = Any::from_der(&world.cr().der()).unwrap();
    for bad in [vec![0x30, 0x00], vec![0x05, 0x00]] {
        let body = PkiBody::Nested(vec![good.clone(), Any::from_der(&bad).unwrap()]);
        let refused = (PkiFailureInfo::BadDataFormat, "message.not-der");
        world.refuses_at(NESTED, &world.by_station(body), refused).await;
    }
}

#[tokio::test]
async fn c_28_batches_are_taken_from_registration_authorities_only() {
    let world = World::new();
    let message = Message { body: batch(&[other(&world)]), ..world.cr() };
    world.refuses_at(NESTED, &message, (PkiFailureInfo::NotAuthorized, "authn.not-ra")).await;
    let message = Message { body: batch(&[other(&world)]), ..world.ir() };
    world.refuses_at(NESTED, &message, (PkiFailureInfo::WrongIntegrity, "protection.mac")).await;
}

// What the sender of a batch may do, those in it may not: the outer protection proves nothing for them.
#[tokio::test]
async fn c_12_every_message_in_a_batch_is_checked_by_itself() {
    let world = World::new();
    let verified = |title: &str, key: u8| {
        let proof = Some(ProofOfPossession::RaVerified(Null));
        PkiBody::Cr(vec![CertReqMsg::new(&request(title, key), proof).unwrap()])
    };
    let by_device = Message { body: verified(DEVICE, 40), ..world.cr() };
    let by_station = world.by_station(verified(OTHER, 41));
    let answers = answers(&world.ask_at(NESTED, &world.by_station(batch(&[by_device, by_station]))).await);
    assert_eq!(status_info(&answers[0]).failures(), [PkiFailureInfo::NotAuthorized]);
    certificate(&answers[1]);
    assert_eq!(world.ledger.refusals(), ["request.ra-verified"]);
    assert_eq!(world.good(), 1);
}

// RFC 9483 §5.2.2.1: one message under the transactionID of the outer one has an added protection, and its answer none.
#[tokio::test]
async fn an_added_protection_is_answered_by_the_answer_alone() {
    let world = World::new();
    let inner = world.cr();
    let outer = world
        .by_station(batch(std::slice::from_ref(&inner)))
        .with(|header| header.transaction_id.clone_from(&inner.header.transaction_id));
    let answer = PkiMessage::decode(&world.exchange(NESTED, outer.der()).await).unwrap();
    assert_eq!(answer.header().recip_nonce, inner.header.sender_nonce);
    certificate(&answer);
}

// RFC 9483 §6.1: it comes where its message would come alone, and not where another one would.
#[tokio::test]
async fn an_added_protection_comes_where_its_message_would() {
    let world = World::new();
    let inner = world.cr();
    let outer = world
        .by_station(batch(std::slice::from_ref(&inner)))
        .with(|header| header.transaction_id.clone_from(&inner.header.transaction_id));
    let other = (PkiFailureInfo::BadRequest, "operation.other");
    world.refuses_octets("/.well-known/cmp/p/meter-ds/initialization", outer.der(), other).await;
    let place = "/.well-known/cmp/p/meter-ds/certification";
    certificate(&PkiMessage::decode(&world.exchange(place, outer.der()).await).unwrap());
}

#[tokio::test]
async fn c_28_no_batch_stands_in_another() {
    let world = World::new();
    let inner = world.by_station(batch(&[world.cr()]));
    let answers = answers(&world.ask_at(NESTED, &world.by_station(batch(&[inner]))).await);
    let [answer] = answers.as_slice() else { panic!("one answer, not {}", answers.len()) };
    let told = status_info(answer);
    assert_eq!(told.failures(), [PkiFailureInfo::BadRequest]);
    assert!(told.status_string.unwrap().concat().ends_with("(operation.not-served)"));
    assert_eq!((world.rows(), world.signed()), (0, 0));
}

// RFC 9483 §3.5: a registration authority whose certificate is revoked brings nothing more.
#[tokio::test]
async fn who_shows_a_revoked_certificate_is_told_nothing() {
    let world = World::new();
    let enrolled = world.enrolled().await;
    let revocation = Revocation { time: NOW, reason: ReasonCode::Superseded, invalidity_date: None };
    world.ledger.set_status(&world.id(&enrolled), CertificateStatus::Revoked(revocation));
    let question = InfoTypeAndValue::empty(cmp_messages::general::CA_CERTS);
    let message = Message::signed(40, &enrolled, PkiBody::Genm(vec![question]));
    world.refuses(&message, (PkiFailureInfo::CertRevoked, "authn.revoked")).await;
}
