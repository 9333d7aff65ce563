//! The forms of bodies: CoAP's numbers for media types, and answers written in the form that was chosen (RFC 9148 §4.3, §8.1).

use est_server::answer::Answer;

/// A Content-Format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format(u16);

/// RFC 6690 §7.3.
pub(crate) const LINKS: Format = Format(40);
/// RFC 8710: several representations.
pub(crate) const MULTIPART: Format = Format(62);
/// RFC 9148 §8.1: certificates in PKCS #7.
pub(crate) const CERTS_ONLY: Format = Format(281);
/// RFC 9148 §8.1.
pub(crate) const CSR_ATTRIBUTES: Format = Format(285);
/// RFC 9148 §8.1: a certification request.
const PKCS10: Format = Format(286);
/// RFC 9148 §8.1: one certificate.
pub(crate) const PKIX_CERT: Format = Format(287);

impl Format {
    /// Returns its number.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }

    /// Reads a number as an option says it.
    pub(crate) fn read(number: u32) -> Option<Self> {
        u16::try_from(number).ok().map(Self)
    }

    /// RFC 9148 §8.1: the media type of a body that a client sends.
    pub(crate) fn media_type(self) -> Option<&'static str> {
        (self == PKCS10).then_some("application/pkcs10")
    }
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
        assert_eq!(Format::read(286).unwrap().media_type(), Some("application/pkcs10"));
        assert_eq!(Format::read(281).unwrap().media_type(), None);
        assert_eq!(Format::read(0x1_0000), None);
    }
}
