//! The bodies of enrolment, the requests in them, and the attributes that a client is told.

use ca_core::csr::CertificationRequest;
use ca_core::suite::Curve;
use ca_core::template::{RequestTemplate, SubjectTemplate};
use est_client::CsrAttributes;
use est_server::wire::base64::{LineLength, decode, encode};
use est_server::wire::submitted::SubmittedBody;
use est_server::wire::{csr_attributes, server_key, simple_enroll};

/// What was read is written and read again as the same.
pub(crate) fn base64(octets: &[u8]) {
    if let Ok(body) = decode(octets) {
        for length in [LineLength::ONE_LINE, LineLength::default()] {
            let again = decode(encode(&body.octets, length).as_bytes()).expect("our own base64");
            assert_eq!(again.octets, body.octets);
        }
    }
}

/// The body of `/simpleenroll` and that of `/serverkeygen`, over either transport.
pub(crate) fn body(octets: &[u8]) {
    for transport in [SubmittedBody::Base64, SubmittedBody::Octets] {
        let body = transport(octets.to_vec());
        if let Ok(read) = simple_enroll::decode(&body) {
            assert_eq!(body.decode().expect("it was read").octets, read.csr.der());
        }
        drop(server_key::decode(&body));
    }
}

/// Possession is proved of the octets as they came only.
pub(crate) fn request(octets: &[u8]) {
    let Ok(csr) = CertificationRequest::from_der(octets) else { return };
    assert_eq!(csr.der(), octets);
    let _possession = csr.prove_possession();
    let _asked = (csr.requested_extensions().len(), csr.challenge_password().map(str::len));
}

/// What a server says that it wants, read by our client.
pub(crate) fn attributes(octets: &[u8]) {
    drop(CsrAttributes::from_der(octets));
}

pub(crate) fn attribute_seeds() -> Vec<Vec<u8>> {
    let template = |curve| RequestTemplate { curve, subject: SubjectTemplate::Free, extensions: Vec::new() };
    let all = [Curve::P256, Curve::P384].map(|curve| csr_attributes::encode(&template(curve), true));
    all.into_iter().map(|octets| octets.expect("our own attributes")).collect()
}
