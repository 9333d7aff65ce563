//! Messages that belong together, and those that only look like it: C-08 and C-10.

use cmp_messages::body::PkiBody;
use cmp_messages::status::PkiFailureInfo;

use crate::client::{Message, cert_conf, cr, fresh, ir, octets};
use crate::world::{DEVICE, OTHER, PATH, World, certificate};

const IN_USE: (PkiFailureInfo, &str) = (PkiFailureInfo::TransactionIdInUse, "transaction.in-use");

// RFC 9810 §5.1.1: the name of a transaction is that of client and transactionID together.
#[tokio::test]
async fn c_08_nobody_blocks_the_transaction_of_another_by_its_number() {
    let world = World::new();
    let id = octets(&[9; 16]);
    let same = |message: Message| {
        let id = id.clone();
        message.with(|header| header.transaction_id = Some(id))
    };
    let attacker = same(Message::signed(31, &world.factory(OTHER, 31), cr(OTHER, 41)));
    let victim = same(world.cr());
    let first = certificate(&world.ask(&attacker).await);
    let (answer, second) = world.unconfirmed(&victim).await;
    assert_ne!(first, second);
    // Nor does he end it.
    let foreign = attacker.after(&answer, cert_conf(&second));
    world.refuses(&foreign, (PkiFailureInfo::BadRecipientNonce, "header.recipient-nonce")).await;
    assert!(matches!(
        world.ask(&victim.after(&answer, cert_conf(&second))).await.body(),
        PkiBody::PkiConf(_)
    ));
}

#[tokio::test]
async fn c_08_one_client_uses_a_number_once() {
    let world = World::new();
    let first = world.cr();
    certificate(&world.ask(&first).await);
    let second = Message::signed(30, &world.factory(DEVICE, 30), cr(DEVICE, 41))
        .with(|header| header.transaction_id.clone_from(&first.header.transaction_id));
    world.refuses(&second, IN_USE).await;
}

// RFC 9810 §5.1.1: the same octets again are the same message, and are answered as before.
#[tokio::test]
async fn c_10_a_message_repeated_octet_for_octet_gets_the_stored_answer_and_no_second_signature() {
    for message in [World::cr, World::ir] {
        let world = World::new();
        let der = message(&world).der();
        let first = world.exchange(PATH, der.clone()).await;
        let before = (world.signed(), world.messages_signed(), world.ledger.events().len(), world.rows());
        assert_eq!((before.0, before.3), (1, 1));
        world.pass(60);
        for _ in 0..3 {
            assert_eq!(world.exchange(PATH, der.clone()).await, first);
        }
        let after = (world.signed(), world.messages_signed(), world.ledger.events().len(), world.rows());
        assert_eq!(before, after, "nothing is signed, recorded or issued again");
    }
}

#[tokio::test]
async fn c_10_a_refusal_repeated_is_the_stored_refusal() {
    let world = World::new();
    let message = Message::signed(30, &world.factory(DEVICE, 30), cr(OTHER, 40)).der();
    let first = world.exchange(PATH, message.clone()).await;
    let events = world.ledger.events().len();
    assert_eq!((world.signed(), events), (0, 1));
    assert_eq!(world.exchange(PATH, message).await, first);
    assert_eq!((world.signed(), world.ledger.events().len()), (0, events));
}

#[tokio::test]
async fn c_10_a_confirmation_repeated_gets_the_stored_answer() {
    let world = World::new();
    let request = world.cr();
    let (answer, issued) = world.unconfirmed(&request).await;
    let confirmation = request.after(&answer, cert_conf(&issued)).der();
    let first = world.exchange(PATH, confirmation.clone()).await;
    let events = world.ledger.events().len();
    assert_eq!(world.exchange(PATH, confirmation).await, first);
    assert_eq!(world.ledger.events().len(), events);
    // Another one comes too late.
    let again = request.after(&answer, cert_conf(&issued));
    world.refuses(&again, (PkiFailureInfo::CertConfirmed, "transaction.confirmed")).await;
}

#[tokio::test]
async fn c_10_other_octets_under_the_same_numbers_are_refused() {
    let world = World::new();
    let first = world.cr();
    let (answer, issued) = world.unconfirmed(&first).await;
    for changed in [
        Message { body: cr(DEVICE, 41), ..first.clone() },
        Message { body: ir(DEVICE, 40), ..first.clone() },
        first.clone().with(|header| header.sender_nonce = Some(octets(&fresh()))),
        first.clone().with(|header| header.free_text = Some(vec!["again".to_owned()])),
    ] {
        world.refuses(&changed, IN_USE).await;
    }
    world.ask(&first.after(&answer, cert_conf(&issued))).await;
    let changed = Message { body: cr(DEVICE, 41), ..first };
    world.refuses(&changed, IN_USE).await;
}
