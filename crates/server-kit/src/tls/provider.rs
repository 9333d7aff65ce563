//! The cryptography of our TLS: aws-lc-rs, cut down to what small devices and their head-ends need.
//!
//! It is *not* a place for choices: there is one set of algorithms for every listener. RFC 9325 §4.

use rustls::{
    SignatureScheme,
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms,
        aws_lc_rs::{self, cipher_suite, kx_group},
    },
    pki_types::{SignatureVerificationAlgorithm, alg_id},
};
use std::sync::{Arc, LazyLock};

type Verifiers = &'static [&'static dyn SignatureVerificationAlgorithm];

/// The signature schemes that either side may use in a handshake.
pub(super) const SCHEMES: [SignatureScheme; 2] =
    [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ECDSA_NISTP384_SHA384];

static ALGORITHMS: LazyLock<Algorithms> = LazyLock::new(Algorithms::choose);

struct Algorithms {
    all: Vec<&'static dyn SignatureVerificationAlgorithm>,
    mapping: Vec<(SignatureScheme, Verifiers)>,
}

impl Algorithms {
    fn choose() -> Self {
        let supported = aws_lc_rs::default_provider().signature_verification_algorithms;
        let is_ours = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            [alg_id::ECDSA_P256, alg_id::ECDSA_P384].contains(&algorithm.public_key_alg_id())
        };
        Self {
            all: supported.all.iter().copied().filter(is_ours).collect(),
            mapping: supported
                .mapping
                .iter()
                .copied()
                .filter(|(scheme, _)| SCHEMES.contains(scheme))
                .collect(),
        }
    }
}

/// The algorithms for signatures in the handshake: ECDSA on P-256 with SHA-256, on P-384 with SHA-384.
pub(super) fn signature_algorithms() -> WebPkiSupportedAlgorithms {
    WebPkiSupportedAlgorithms { all: &ALGORITHMS.all, mapping: &ALGORITHMS.mapping }
}

/// AES-GCM with ECDHE over P-256, P-384 or X25519, authenticated by ECDSA. Also fit for clients.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            cipher_suites: vec![
                cipher_suite::TLS13_AES_256_GCM_SHA384,
                cipher_suite::TLS13_AES_128_GCM_SHA256,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            ],
            kx_groups: vec![kx_group::SECP256R1, kx_group::SECP384R1, kx_group::X25519],
            signature_verification_algorithms: signature_algorithms(),
            ..aws_lc_rs::default_provider()
        })
    });
    Arc::clone(&PROVIDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_verifies_by_ecdsa_on_two_curves_only() {
        let provider = provider();
        assert_eq!(provider.signature_verification_algorithms.supported_schemes(), {
            let mut schemes = SCHEMES.to_vec();
            schemes.reverse();
            schemes
        });
        for algorithm in provider.signature_verification_algorithms.all {
            let key = algorithm.public_key_alg_id();
            assert!(key == alg_id::ECDSA_P256 || key == alg_id::ECDSA_P384, "{algorithm:?}");
        }
    }

    // RFC 7030 §3.2.3, §4.4, §6: no NULL, anonymous, EXPORT or DES cipher suites.
    #[test]
    fn every_cipher_suite_is_aes_gcm() {
        for suite in &provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.contains("_AES_128_GCM_") || name.contains("_AES_256_GCM_"), "{name}");
            assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_ECDSA_"), "{name}");
        }
    }
}
