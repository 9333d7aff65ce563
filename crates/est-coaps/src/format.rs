//! The forms of bodies: CoAP's numbers for media types, and answers written in the form that was chosen (RFC 9148 §4.3, §8.1).

use coap_kit::Format;
use est_server::answer::Answer;

/// RFC 8710: several representations.
pub(crate) const MULTIPART: Format = Format::of(62);
/// RFC 9148 §8.1: certificates in PKCS #7.
pub(crate) const CERTS_ONLY: Format = Format::of(281);
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

/// Writes an answer in a form that its function has.
pub(crate) fn write(answer: Answer, wanted: Format) -> (Format, Vec<u8>) {
    match answer {
        Answer::CaCertificates { certs_only } => (CERTS_ONLY, certs_only),
        Answer::CsrAttributes { der } => (CSR_ATTRIBUTES, der),
        // The desk offers neither over this transport; a certificate alone is nobody's secret.
        Answer::CmcResponse { der } => (CERTS_ONLY, der),
        Answer::KeyMade { certs_only, .. } => (CERTS_ONLY, certs_only),
        Answer::Issued { certificate, certs_only } => {
            if wanted == PKIX_CERT {
                (PKIX_CERT, certificate)
            } else {
                (CERTS_ONLY, certs_only)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9148 §4.3: 281, or one certificate by itself for who wishes it.
    #[test]
    fn a_certificate_comes_in_pkcs7_or_by_itself() {
        let issued = || Answer::Issued { certificate: vec![1], certs_only: vec![2] };
        assert_eq!(write(issued(), CERTS_ONLY), (CERTS_ONLY, vec![2]));
        assert_eq!(write(issued(), PKIX_CERT), (PKIX_CERT, vec![1]));
    }

    #[test]
    fn only_a_certification_request_is_a_body_that_clients_send() {
        assert_eq!(media_type(Format::of(286)), Some("application/pkcs10"));
        assert_eq!(media_type(CERTS_ONLY), None);
    }
}
