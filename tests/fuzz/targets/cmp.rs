//! CMP messages, the requests in them, and the parameters of their MACs.

use cmp_messages::body::PkiBody;
use cmp_messages::message::{PkiMessage, header_of};
use cmp_messages::protection::MacAlgorithm;

use super::vectors;

/// How many messages are held at a time: the one that was read, and it once more.
pub(crate) const READINGS: u64 = 2;

/// What was read is written and read again as the same; so are the requests in it; and no MAC is made.
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
    let written = read.encode().expect("what was read can be written");
    assert_eq!(PkiMessage::decode(&written), Ok(read));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vectors::files("cmp/openssl")
}
