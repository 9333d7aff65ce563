//! What a certificate is for, in the words of class 64: by `keyUsage` and `basicConstraints`, which is all a meter looks at.

use ca_core::certificate::Certificate;
use x509_cert::ext::pkix::KeyUsages;

use super::MeterKey;

/// Tells whether a certificate is a CA's, by its `basicConstraints`.
pub(crate) fn is_authority(certificate: &Certificate) -> bool {
    certificate.basic_constraints().is_some_and(|constraints| constraints.ca)
}

/// Returns which of a meter's keys a certificate of this key usage is for: `digitalSignature`, `keyAgreement`, or both for TLS.
pub(crate) fn key_of(certificate: &Certificate) -> Option<MeterKey> {
    let bits = certificate.key_usage()?.0;
    let known = [
        (KeyUsages::DigitalSignature.into(), MeterKey::Signature),
        (KeyUsages::KeyAgreement.into(), MeterKey::KeyAgreement),
        (KeyUsages::DigitalSignature | KeyUsages::KeyAgreement, MeterKey::Tls),
    ];
    known.into_iter().find_map(|(usage, key)| (bits == usage).then_some(key))
}
