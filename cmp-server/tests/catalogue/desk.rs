//! The way in for transports other than HTTP: the same answers, and what is refused is refused for the same reasons. RFC 9482.

use cmp_messages::body::PkiBody;
use cmp_messages::message::PkiMessage;
use cmp_messages::status::PkiFailureInfo;
use cmp_server::config::DEFAULT_BODY_OCTETS;
use cmp_server::desk::{Obstacle, Path, Submission};

use crate::client::{Message, cert_conf, ir};
use crate::world::{DEVICE, Setting, World, assert_answers, certificate, status_info};

fn at(label: Option<&str>, operation: Option<&'static str>) -> Option<Path> {
    Some(Path { label: label.map(str::to_owned), operation })
}

fn submission(octets: Vec<u8>) -> Submission {
    Submission {
        path: at(Some("meter-ds"), None),
        is_post: true,
        is_pkixcmp: true,
        peer: ([192, 0, 2, 7], 40_000).into(),
        body: Ok(octets),
    }
}

async fn answer(world: &World, path: Option<Path>, message: &Message) -> PkiMessage {
    let octets = world.desk.ask(Submission { path, ..submission(message.der()) }).await.unwrap();
    let answer = PkiMessage::decode(&octets).unwrap();
    assert_answers(message, &answer);
    answer
}

/// Is refused before there is a message to answer; nothing is issued, and nothing is signed.
async fn is_refused(world: &World, submission: Submission, (status, code): (u16, &str)) {
    let reply = world.desk.ask(submission).await.unwrap_err();
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.text.ends_with(&format!(" ({code})\n")), "{code}: {}", reply.text);
    assert_eq!((world.rows(), world.signed(), world.messages_signed()), (0, 0, 0), "{code}");
}

// RFC 9482 §2.1: with and without a name, with and without an operation; a transaction from request to confirmation.
#[tokio::test]
async fn a_device_enrols_and_confirms_at_every_place() {
    let setting = Setting { default_label: Some("meter-ds".to_owned()), ..Setting::default() };
    for label in [None, Some("meter-ds")] {
        for operation in [None, Some("certification")] {
            let world = World::with(&setting);
            let request = world.cr();
            let granted = answer(&world, at(label, operation), &request).await;
            let confirmation = request.after(&granted, cert_conf(&certificate(&granted)));
            let confirmed = answer(&world, at(label, operation), &confirmation).await;
            assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)), "{:?}", confirmed.body());
        }
    }
}

#[tokio::test]
async fn what_is_no_message_at_a_place_is_refused_in_the_order_of_the_routes() {
    let world = World::new();
    let good = || submission(world.cr().der());
    let too_long = vec![0x30; DEFAULT_BODY_OCTETS + 1];
    let (too_large, cannot) = (Err(Obstacle::TooLarge), Err(Obstacle::NotAcceptable));
    let unknown = (404, "operation.unknown");
    is_refused(&world, Submission { path: None, is_post: false, ..good() }, unknown).await;
    is_refused(&world, Submission { path: at(Some("other"), None), ..good() }, unknown).await;
    is_refused(&world, Submission { path: at(None, Some("ann")), ..good() }, unknown).await;
    let method = (405, "operation.method");
    is_refused(&world, Submission { is_post: false, is_pkixcmp: false, ..good() }, method).await;
    let media_type = (415, "body.media-type");
    is_refused(&world, Submission { is_pkixcmp: false, body: too_large.clone(), ..good() }, media_type).await;
    is_refused(&world, Submission { body: too_large, ..good() }, (413, "body.too-large")).await;
    is_refused(&world, submission(too_long), (413, "body.too-large")).await;
    is_refused(&world, Submission { body: cannot, ..good() }, (406, "answer.not-acceptable")).await;
    is_refused(&world, submission(b"no message".to_vec()), (400, "message.not-der")).await;
}

// RFC 9483 §6.2: what a path names, the message does.
#[tokio::test]
async fn a_message_at_the_place_of_another_operation_is_told_so_by_a_message() {
    let world = World::new();
    let refused = answer(&world, at(Some("meter-ds"), Some("keyupdate")), &world.cr()).await;
    let [sentence] = &status_info(&refused).status_string.unwrap()[..] else { panic!("one sentence") };
    assert!(sentence.ends_with(" (operation.other)"), "{sentence}");
    assert_eq!(world.ledger.events().len(), 1);
}

// C-32: over another transport a guess costs what it costs over HTTP: one look, one MAC, an answer that is not signed, a record.
#[tokio::test]
async fn c_32_a_guess_over_another_transport_costs_the_same() {
    let world = World::new();
    world.token("reference", "secret", DEVICE);
    for (number, reference) in (1..).zip(["reference", "unknown"]) {
        let guess = Message::under_mac(reference, "guess", ir(DEVICE, 40));
        let octets = world.desk.ask(submission(guess.der())).await.unwrap();
        let told = status_info(&PkiMessage::decode(&octets).unwrap());
        assert_eq!(told.failures(), [PkiFailureInfo::BadMessageCheck]);
        assert_eq!(world.secrets.asked(), number, "looked up once");
        assert_eq!((world.signed(), world.messages_signed(), world.rows()), (0, 0, 0));
        assert_eq!(world.ledger.events().len(), number, "one record each");
    }
}

// RFC 9810 §5.1.1: a transaction is its client's and its transactionID's, whatever its messages come by; and what comes again gets
// the octets of before.
#[tokio::test]
async fn a_transaction_that_began_over_http_goes_on_over_another_transport() {
    let world = World::new();
    let request = world.cr();
    let (granted, issued) = world.unconfirmed(&request).await;
    let again = world.desk.ask(submission(request.der())).await.unwrap();
    assert_eq!(certificate(&PkiMessage::decode(&again).unwrap()), issued);
    let confirmation = request.after(&granted, cert_conf(&issued));
    let confirmed = answer(&world, at(Some("meter-ds"), None), &confirmation).await;
    assert!(matches!(confirmed.body(), PkiBody::PkiConf(_)), "{:?}", confirmed.body());
    assert_eq!(world.rows(), 1, "one certificate");
}
