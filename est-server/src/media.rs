//! Answers as HTTP carries them: a media type and text (RFC 7030 §3.2.4, RFC 8951 §3).

use crate::answer::{Answer, DeliveredKey};
use crate::wire::base64::{LineLength, encode};

/// RFC 7030 §4.1.3.
const CA_CERTIFICATES: &str = "application/pkcs7-mime";
/// RFC 7030 §4.5.2.
const CSR_ATTRIBUTES: &str = "application/csrattrs";
/// RFC 7030 §4.2.3.
const CERTS_ONLY: &str = "application/pkcs7-mime; smime-type=certs-only";
/// RFC 7030 §4.3.2.
const CMC_RESPONSE: &str = "application/pkcs7-mime; smime-type=CMC-response";
/// RFC 7030 §4.4.2.
const PKCS8: &str = "application/pkcs8";
/// RFC 7030 §4.4.2.
const GENERATED_KEY: &str = "application/pkcs7-mime; smime-type=server-generated-key";
/// RFC 2046 §5.1.1: a boundary with a hyphen stands in no base64.
const TWO_PARTS: &str = "multipart/mixed; boundary=meter-pki-part";
/// libest takes no key of fewer octets of text than this (`EST_MIN_CLIENT_PKEY_LEN`); white space in base64 means nothing.
const MIN_KEY_TEXT: usize = 256;

/// The content of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    /// For Content-Type.
    pub(crate) media_type: &'static str,
    /// Whether the body is base64 as a whole.
    pub(crate) base64: bool,
    /// The body.
    pub(crate) text: String,
}

/// Writes a signed response of CMC.
pub(crate) fn cmc_response(der: &[u8], length: LineLength) -> Media {
    Media { media_type: CMC_RESPONSE, base64: true, text: encode(der, length) }
}

/// Writes an answer.
pub(crate) fn write(answer: &Answer, length: LineLength) -> Media {
    let (media_type, der) = match answer {
        Answer::CaCertificates { certs_only } => (CA_CERTIFICATES, certs_only),
        Answer::CsrAttributes { der } => (CSR_ATTRIBUTES, der),
        Answer::Issued { certs_only, .. } => (CERTS_ONLY, certs_only),
        Answer::CmcResponse { der } => return cmc_response(der, length),
        Answer::KeyMade { key, certs_only, certificate: _ } => {
            let text = two_parts(key, certs_only, length);
            return Media { media_type: TWO_PARTS, base64: false, text };
        }
    };
    Media { media_type, base64: true, text: encode(der, length) }
}

/// RFC 7030 §4.4.2: two parts, each with its type and its encoding.
fn two_parts(key: &DeliveredKey, certs_only: &[u8], length: LineLength) -> String {
    let (key_type, key) = match key {
        DeliveredKey::Pkcs8(octets) => (PKCS8, encode(octets.expose(), length)),
        DeliveredKey::Enveloped(der) => (GENERATED_KEY, encode(der, length)),
    };
    let padding = "\n".repeat(MIN_KEY_TEXT.saturating_sub(key.len()));
    let certificate = encode(certs_only, length);
    let part = |media_type: &str, text: &str| {
        format!(
            "--meter-pki-part\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}\r\n"
        )
    };
    format!("{}{}--meter-pki-part--\r\n", part(key_type, &(key + &padding)), part(CERTS_ONLY, &certificate))
}
