//! Full PKI requests.

use est_server::wire::cmc::{PkiData, open, response};

use super::vectors;

/// Signed data is opened, and its content read; the content is read without signed data, too, so that it is reached more often.
pub(crate) fn message(octets: &[u8]) {
    if let Ok((_, content)) = open(octets) {
        data(&content);
    }
    data(octets);
}

/// An answer can be written whatever the transaction was.
fn data(octets: &[u8]) {
    if let Ok(read) = PkiData::from_der(octets) {
        assert!(!read.requests.is_empty());
        response(&[], &read.transaction).expect("an answer to what was read");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let signed = vectors::file("cmc/openssl-pkidata.cms");
    let (_, content) = open(&signed).expect("a vector is in order");
    vec![signed, content]
}
