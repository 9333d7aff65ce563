//! CA certificates as documents, and their paths: each by itself, and several in one file (RFC 5280 §4.2.2.1, RFC 2585).

use ca_core::certificate::Certificate;
use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;
use cms_messages::certs_only;

use crate::document::{Content, Document, Expiry};

/// How long a CA certificate may be given again: it never changes under its path.
const CERTIFICATE_SECONDS: i64 = 86_400;

/// How long a file with several may be given again: a successor may be added to it.
const SEVERAL_SECONDS: i64 = 3_600;

/// A certificate by itself.
pub(super) fn single(certificate: &Certificate) -> Document {
    let since = certificate.validity().not_before();
    let content = Content::of_octets(certificate.der());
    // RFC 5280 §4.2.2.1, RFC 2585 §4.1: one certificate is served by itself, and its type says so.
    Document::new(content, "application/pkix-cert", since, Expiry::In(CERTIFICATE_SECONDS), rank(since))
}

/// Certificates, each once, as a certs-only message of CMS.
pub(super) fn several(certificates: &[&Certificate]) -> Document {
    let mut octets: Vec<&[u8]> = certificates.iter().map(|certificate| certificate.der()).collect();
    octets.sort_unstable();
    octets.dedup();
    let since = certificates.iter().map(|certificate| certificate.validity().not_before()).max();
    let since = since.unwrap_or(UnixTime::from_seconds(0));
    // A certificate was read before it came here: it is DER.
    let content = Content::of_octets(&certs_only::encode(&octets).unwrap_or_default());
    // RFC 5280 §4.2.2.1: "certs-only" messages are application/pkcs7-mime; RFC 8551 §3.2.2 names the parameter.
    let media_type = "application/pkcs7-mime; smime-type=certs-only";
    Document::new(content, media_type, since, Expiry::In(SEVERAL_SECONDS), rank(since))
}

fn rank(since: UnixTime) -> u64 {
    u64::try_from(since.seconds()).unwrap_or_default()
}

/// Returns the path of a CA's certificate; the end of the URI in authorityInfoAccess (RFC 5280 §4.2.2.1).
#[must_use]
pub fn certificate_path(issuer: &KeyRef) -> String {
    format!("/ca/{issuer}.cer")
}

/// Returns the path of a CA's certificate and those above it, in every generation, in one file.
#[must_use]
pub fn p7c_path(issuer: &KeyRef) -> String {
    format!("/ca/{issuer}.p7c")
}

/// Returns the path of a CA's certificate by what stands in it. A key that several issuers certified, such as that of a root and
/// its successor (RFC 9810 §4.4), has one path for each.
#[must_use]
pub fn issued_path(certificate: &Certificate) -> String {
    let key = certificate.public_key();
    if certificate.issuer() == certificate.subject()
        && key.verify(certificate.tbs(), certificate.signature()).is_ok()
    {
        return certificate_path(&key.key_ref());
    }
    let issuer = certificate.authority_key_identifier().unwrap_or_default();
    let issuer: String = issuer.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("/ca/{}-by-{issuer}.cer", key.key_ref())
}
