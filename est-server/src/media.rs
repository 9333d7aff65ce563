//! Answers as HTTP carries them: a media type and text (RFC 7030 §3.2.4, RFC 8951 §3).

use crate::answer::Answer;
use crate::wire::base64::{LineLength, encode};

/// RFC 7030 §4.1.3.
const CA_CERTIFICATES: &str = "application/pkcs7-mime";
/// RFC 7030 §4.5.2.
const CSR_ATTRIBUTES: &str = "application/csrattrs";
/// RFC 7030 §4.2.3.
const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";

/// The content of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    /// For Content-Type.
    pub(crate) media_type: &'static str,
    /// The body.
    pub(crate) text: String,
}

/// Writes an answer.
pub(crate) fn write(answer: &Answer, length: LineLength) -> Media {
    let (media_type, der) = match answer {
        Answer::CaCertificates { certs_only } => (CA_CERTIFICATES, certs_only),
        Answer::CsrAttributes { der } => (CSR_ATTRIBUTES, der),
        Answer::Issued { certs_only, .. } => (CERTS_ONLY, certs_only),
    };
    Media { media_type, text: encode(der, length) }
}
