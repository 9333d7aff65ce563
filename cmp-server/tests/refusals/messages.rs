//! Messages and the errors that answer them: C-01 in part, C-02, C-07, C-09, C-23.

use cmp_server::wire::error_message::ErrorMsgContent;
use cmp_server::wire::message::PkiMessage;
use cmp_server::wire::status::PkiFailureInfo;
use der::{Decode, Encode, Tag, Tagged};

use crate::server::{Server, directory_name, octets, request};

fn content(message: &PkiMessage) -> ErrorMsgContent {
    assert_eq!(message.body_type(), Some("error"));
    ErrorMsgContent::from_der(message.body.value()).unwrap()
}

fn assert_refused(answer: &PkiMessage, failure: PkiFailureInfo) {
    let info = content(answer).pki_status_info;
    assert_eq!(info.status, 2, "rejection");
    assert_eq!(info.fail_info, Some(failure.bits().unwrap()), "{:?}", info.status_string);
    assert_eq!(info.status_string.map(|text| text.len()), Some(1));
    assert!(answer.protection.is_none() && answer.extra_certs.is_none());
}

// RFC 9483 §3.1: names swapped, transaction kept, a fresh nonce, and theirs given back.
#[tokio::test]
async fn the_header_of_the_answer_belongs_to_the_request() {
    let server = Server::new();
    let answer = server.ask(&request(0)).await.header;
    assert_eq!((answer.sender, answer.recipient), (directory_name("CA"), directory_name("end entity")));
    assert_eq!(answer.transaction_id, Some(octets(&[0x11; 16])));
    assert_eq!(answer.recip_nonce, Some(octets(&[0x22; 16])));
    assert_eq!(answer.sender_nonce, Some(octets(&[0xD0; 16])));
    assert_eq!((answer.sender_kid, answer.protection_alg), (None, None));
    let again = server.ask(&request(0)).await.header;
    assert_eq!(again.sender_nonce, Some(octets(&[0xD1; 16])), "fresh for every answer");
}

// RFC 9483 §3.5: a body of a type that is not supported is badRequest; C-23: each type, and none by default.
#[tokio::test]
async fn c_23_bodies_of_every_type_are_refused() {
    let server = Server::new();
    for body in (0..=14).chain(19..=26) {
        assert_refused(&server.ask(&request(body)).await, PkiFailureInfo::BadRequest);
    }
}

// RFC 9810 §7: the version of the request, or the nearest one that is spoken.
#[tokio::test]
async fn c_02_versions_other_than_2_and_3_are_refused_in_one_of_them() {
    let server = Server::new();
    for (pvno, answered, failure) in [
        (0, 2, PkiFailureInfo::UnsupportedVersion),
        (1, 2, PkiFailureInfo::UnsupportedVersion),
        (2, 2, PkiFailureInfo::BadRequest),
        (3, 3, PkiFailureInfo::BadRequest),
        (4, 3, PkiFailureInfo::UnsupportedVersion),
        (1 << 31, 3, PkiFailureInfo::UnsupportedVersion),
        (u64::MAX, 3, PkiFailureInfo::UnsupportedVersion),
    ] {
        let mut message = request(0);
        message.header.pvno = pvno;
        let answer = server.ask(&message).await;
        assert_eq!(answer.header.pvno, answered, "{pvno}");
        assert_refused(&answer, failure);
    }
}

// RFC 9483 §3.5: transactionID is present; RFC 9810 §5.1.1: if not, the server makes one.
#[tokio::test]
async fn c_07_without_a_transaction_id_the_answer_has_a_new_one() {
    let mut message = request(0);
    message.header.transaction_id = None;
    let answer = Server::new().ask(&message).await;
    assert_refused(&answer, PkiFailureInfo::BadDataFormat);
    assert_eq!(answer.header.transaction_id.map(|id| id.as_bytes().len()), Some(16));
}

// RFC 9483 §3.5: senderNonce is present and has at least 128 bits.
#[tokio::test]
async fn c_09_missing_and_short_nonces_are_refused() {
    let server = Server::new();
    for nonce in [None, Some(octets(&[])), Some(octets(&[0x22; 15]))] {
        let mut message = request(0);
        message.header.sender_nonce = nonce.clone();
        let answer = server.ask(&message).await;
        assert_refused(&answer, PkiFailureInfo::BadSenderNonce);
        assert_eq!(answer.header.recip_nonce, nonce);
    }
    let mut message = request(0);
    message.header.sender_nonce = Some(octets(&[0x22; 17]));
    assert_refused(&server.ask(&message).await, PkiFailureInfo::BadRequest);
}

// RFC 9483 §3.5: recipient and generalInfo are handled gracefully.
#[tokio::test]
async fn fields_that_nobody_needs_do_no_harm() {
    let mut message = request(0);
    let null_dn = der::asn1::Any::from_der(&[0xA4, 0x02, 0x30, 0x00]).unwrap();
    message.header.recipient = null_dn.clone();
    message.header.recip_kid = Some(octets(b"key"));
    message.header.free_text = Some(vec!["good morning".to_owned()]);
    message.header.general_info =
        Some(vec![der::asn1::Any::from_der(&[0x30, 0x03, 0x06, 0x01, 0x2A]).unwrap()]);
    let answer = Server::new().ask(&message).await;
    assert_refused(&answer, PkiFailureInfo::BadRequest);
    assert_eq!(answer.header.sender, null_dn);
}

#[test]
fn a_message_is_what_it_was_when_it_was_written() {
    let message = request(0);
    let der = message.to_der().unwrap();
    assert_eq!(PkiMessage::decode(&der).unwrap(), message);
    assert_eq!(message.body.tag(), Tag::ContextSpecific { constructed: true, number: der::TagNumber(0) });
}
