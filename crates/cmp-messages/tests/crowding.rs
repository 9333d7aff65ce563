//! How many entries a message may list (RFC 9483 §4: one request in a message): one more is refused before it is read.

#![cfg(test)]

use cmp_messages::body::PkiBody;
use cmp_messages::message::{DecodeMessageError, MAX_ENTRIES, PkiMessage};

fn read(octets: &[u8]) -> PkiMessage {
    PkiMessage::decode(octets).unwrap()
}

/// The same message with so many of whatever its body lists, and nothing else that makes it long.
fn with(message: &PkiMessage, count: usize) -> Vec<u8> {
    fn many<T: Clone>(entries: &[T], count: usize) -> Vec<T> {
        entries.iter().cycle().take(count).cloned().collect()
    }
    let body = if let PkiBody::Ir(requests) = message.body() {
        PkiBody::Ir(many(requests, count))
    } else if let PkiBody::Cr(requests) = message.body() {
        PkiBody::Cr(many(requests, count))
    } else if let PkiBody::Kur(requests) = message.body() {
        PkiBody::Kur(many(requests, count))
    } else if let PkiBody::Rr(details) = message.body() {
        PkiBody::Rr(many(details, count))
    } else if let PkiBody::Genm(questions) = message.body() {
        PkiBody::Genm(many(questions, count))
    } else if let PkiBody::Genp(answers) = message.body() {
        PkiBody::Genp(many(answers, count))
    } else if let PkiBody::CertConf(statuses) = message.body() {
        PkiBody::CertConf(many(statuses, count))
    } else {
        panic!("{} lists nothing", message.body().name())
    };
    PkiMessage::new(message.header().clone(), body).unwrap().encode().unwrap()
}

#[test]
fn p_14_a_message_with_one_entry_too_many_is_refused_as_crowded_whatever_it_lists() {
    let messages: [&[u8]; 7] = [
        include_bytes!("../../../tests/vectors/cmp/openssl/ir-signature-p256-request1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/cr-signature-p256-request1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/kur-signature-p256-request1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/rr-signature-p256-request1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/genm-signature-p256-request1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/genm-signature-p256-response1.der"),
        include_bytes!("../../../tests/vectors/cmp/openssl/ir-signature-p256-request2.der"),
    ];
    for message in messages.map(read) {
        let name = message.body().name();
        let most = read(&with(&message, MAX_ENTRIES));
        assert_eq!(with(&most, MAX_ENTRIES), most.encode().unwrap(), "{name}");
        let refused = PkiMessage::decode(&with(&message, MAX_ENTRIES + 1));
        assert_eq!(refused.unwrap_err(), DecodeMessageError::Crowded, "{name}");
    }
}
