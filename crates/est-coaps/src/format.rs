//! The forms of bodies: CoAP's numbers for media types, and answers written in the form that was chosen (RFC 9148 §4.3, §4.8,
//! §8.1).

use coap_kit::Format;
use est_server::answer::{Answer, DeliveredKey};

use crate::multipart;

/// RFC 8710: several representations.
pub(crate) const MULTIPART: Format = Format::of(62);
/// RFC 9148 §8.1: a private key under signature, encrypted.
const GENERATED_KEY: Format = Format::of(280);
/// RFC 9148 §8.1: certificates in PKCS #7.
pub(crate) const CERTS_ONLY: Format = Format::of(281);
/// RFC 9148 §8.1: a private key as it is.
const PKCS8: Format = Format::of(284);
/// RFC 9148 §8.1.
pub(crate) const CSR_ATTRIBUTES: Format = Format::of(285);
/// RFC 9148 §8.1: a certification request.
const PKCS10: Format = Format::of(286);
/// RFC 9148 §8.1: one certificate.
pub(crate) const PKIX_CERT: Format = Format::of(287);

/// RFC 9148 §8.1: the media type of a body that a client sends.
pub(crate) fn media_type(format: Format) -> Option<&'static str> {
    (format == PKCS10).then_some("application/pkcs10")
}

/// How a certificate comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In PKCS #7.
    CertsOnly,
    /// By itself.
    Alone,
}

/// Writes an answer.
pub(crate) fn write(answer: Answer, shape: Shape) -> (Format, Vec<u8>) {
    match answer {
        Answer::CaCertificates { certs_only } => (CERTS_ONLY, certs_only),
        Answer::CsrAttributes { der } => (CSR_ATTRIBUTES, der),
        // The desk does not offer it over this transport.
        Answer::CmcResponse { der } => (CERTS_ONLY, der),
        Answer::Issued { certificate, certs_only } => shaped(shape, certificate, certs_only),
        // RFC 9148 §4.8: the key first, in whichever of its forms, then the certificate.
        Answer::KeyMade { key, certificate, certs_only } => {
            let (form, octets) = shaped(shape, certificate, certs_only);
            let key = match &key {
                DeliveredKey::Pkcs8(octets) => (PKCS8, octets.expose()),
                DeliveredKey::Enveloped(der) => (GENERATED_KEY, der.as_slice()),
            };
            (MULTIPART, multipart::write([key, (form, &octets)]))
        }
    }
}

fn shaped(shape: Shape, certificate: Vec<u8>, certs_only: Vec<u8>) -> (Format, Vec<u8>) {
    match shape {
        Shape::CertsOnly => (CERTS_ONLY, certs_only),
        Shape::Alone => (PKIX_CERT, certificate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9148 §4.3: 281, or one certificate by itself for who wishes it.
    #[test]
    fn a_certificate_comes_in_pkcs7_or_by_itself() {
        let issued = || Answer::Issued { certificate: vec![1], certs_only: vec![2] };
        assert_eq!(write(issued(), Shape::CertsOnly), (CERTS_ONLY, vec![2]));
        assert_eq!(write(issued(), Shape::Alone), (PKIX_CERT, vec![1]));
    }

    // RFC 9148 §4.3, §4.8: /skg and /skc differ in the form of the certificate.
    #[test]
    fn a_key_comes_with_its_certificate_in_one_answer() {
        for (shape, form, octet) in [(Shape::CertsOnly, CERTS_ONLY, 2), (Shape::Alone, PKIX_CERT, 1)] {
            let key = DeliveredKey::Enveloped(vec![3]);
            let made = Answer::KeyMade { key, certificate: vec![1], certs_only: vec![2] };
            let expected = multipart::write([(GENERATED_KEY, &[3]), (form, &[octet])]);
            assert_eq!(write(made, shape), (MULTIPART, expected));
        }
    }

    #[test]
    fn only_a_certification_request_is_a_body_that_clients_send() {
        assert_eq!(media_type(Format::of(286)), Some("application/pkcs10"));
        assert_eq!(media_type(CERTS_ONLY), None);
    }
}
