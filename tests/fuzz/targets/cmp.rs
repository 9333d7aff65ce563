//! CMP messages, the requests in them, and the parameters of their MACs.

use ca_core::crowding::is_crowded;
use cmp_messages::body::PkiBody;
use cmp_messages::certificate_request::CertReqMsg;
use cmp_messages::message::{PkiMessage, header_of};
use cmp_messages::protection::{MacAlgorithm, MacFamily};
use der::{Decode, Encode};

use super::vectors;

/// How many messages one may take the room of, whatever its length: the five hundred elements that any message may have
/// (`ca_core::crowding`) can all be requests here, which are twice as large as what other readers make of an element.
pub(crate) const ROOM: u64 = 2;

/// What was read is written and read again as the same, and the requests in it are written; and no MAC is made. One reading is
/// held at a time, so that the bounds are those of one.
pub(crate) fn message(octets: &[u8]) {
    let _header = header_of(octets);
    let Ok(read) = PkiMessage::decode(octets) else { return };
    if let Some(algorithm) = &read.header().protection_alg {
        let _mac = MacAlgorithm::read(algorithm);
    }
    if let PkiBody::Ir(requests) | PkiBody::Cr(requests) | PkiBody::Kur(requests) = read.body() {
        for request in requests {
            if request.request().is_ok() {
                request.request_octets().expect("what was read has octets");
            }
        }
    }
    let told = told(&read);
    drop(read);
    let [written, ..] = &told;
    let again = PkiMessage::decode(written).expect("what was written can be read");
    assert_eq!(self::told(&again), told);
}

/// All that a message says, DER: itself, and what was read of its header and its body.
fn told(read: &PkiMessage) -> [Vec<u8>; 3] {
    [read.encode(), read.header().to_der(), read.body().to_der()]
        .map(|octets| octets.expect("what was read can be written"))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vectors::files("cmp/openssl")
}

/// A request of a message by itself: what was read is written as the same, and its octets are those that came.
pub(crate) fn request(octets: &[u8]) {
    if is_crowded(octets) {
        return;
    }
    let Ok(read) = CertReqMsg::from_der(octets) else { return };
    let written = read.to_der().expect("what was read can be written");
    assert_eq!(written, octets);
    if let Ok(request) = read.request() {
        assert_eq!(request.to_der().ok(), read.request_octets().ok(), "what is signed is what is read");
    }
}

/// What protectionAlg says, and what making the MAC costs: nothing that is read takes longer than a message may.
pub(crate) fn protection(octets: &[u8]) {
    if is_crowded(octets) {
        return;
    }
    let Ok(algorithm) = Decode::from_der(octets) else { return };
    let Ok(read) = MacAlgorithm::read(&algorithm) else { return };
    assert!(MacAlgorithm::is_mac(&algorithm));
    let written = read.identifier().expect("what was read can be written");
    assert_eq!(MacAlgorithm::read(&written).as_ref(), Ok(&read));
    assert!(!read.verify(b"a shared secret", octets, b"not its MAC"));
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    let requests = |message: PkiMessage| match message.body() {
        PkiBody::Ir(requests) | PkiBody::Cr(requests) | PkiBody::Kur(requests) => requests.clone(),
        _ => Vec::new(),
    };
    messages()
        .flat_map(requests)
        .map(|request| request.to_der().expect("what was read can be written"))
        .collect()
}

pub(crate) fn protection_seeds() -> Vec<Vec<u8>> {
    let own = [MacFamily::PasswordBasedMac, MacFamily::Pbmac1]
        .map(|family| MacAlgorithm::new(family, [7; 16]).identifier());
    let own = own.into_iter().map(|algorithm| algorithm.expect("it can be written"));
    let theirs = messages().filter_map(|message| message.header().protection_alg.clone());
    own.chain(theirs).map(|algorithm| algorithm.to_der().expect("it can be written")).collect()
}

fn messages() -> impl Iterator<Item = PkiMessage> {
    seeds().into_iter().map(|octets| PkiMessage::decode(&octets).expect("a vector is in order"))
}
