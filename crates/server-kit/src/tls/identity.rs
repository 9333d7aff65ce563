//! The server's own certificate path and key, checked to belong together.
//!
//! It is *not* a key store: it reads what the binary hands over and keeps the key only inside a signer.

use super::{provider::SCHEMES, public_key::PublicKey};
use rustls::{
    crypto::aws_lc_rs::sign::any_ecdsa_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    sign::{CertifiedKey, SigningKey},
};
use std::{fmt, sync::Arc};

/// A certificate path, end entity first, and the signer of its key.
#[derive(Clone)]
pub struct TlsIdentity {
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("certificates", &self.certified.cert.len())
            .finish_non_exhaustive()
    }
}

impl TlsIdentity {
    /// Reads the certificates, end entity first, and an unencrypted PKCS#8 or SEC 1 key from PEM text.
    ///
    /// # Errors
    /// Any [`ReadIdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ReadIdentityError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|source| ReadIdentityError::CertificatePem { source })?;
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|source| ReadIdentityError::KeyPem { source })?;
        let signer = any_ecdsa_type(&key).map_err(|_| ReadIdentityError::KeyKind)?;
        Self::new(certificates, signer)
    }

    /// Takes the certificates, end entity first, and a signer for the key of the first.
    ///
    /// # Errors
    /// [`ReadIdentityError::NoCertificate`], [`ReadIdentityError::Certificate`], [`ReadIdentityError::KeyKind`] or
    /// [`ReadIdentityError::Mismatch`]. A signer that does not tell its public key is taken at its word.
    pub fn new(
        certificates: Vec<CertificateDer<'static>>,
        signer: Arc<dyn SigningKey>,
    ) -> Result<Self, ReadIdentityError> {
        let first = certificates.first().ok_or(ReadIdentityError::NoCertificate)?;
        let certified =
            PublicKey::of_certificate(first).map_err(|source| ReadIdentityError::Certificate { source })?;
        if signer.choose_scheme(&SCHEMES).is_none() {
            return Err(ReadIdentityError::KeyKind);
        }
        if signer.public_key().is_some_and(|key| key.as_ref() != certified.spki) {
            return Err(ReadIdentityError::Mismatch);
        }
        Ok(Self { certified: Arc::new(CertifiedKey::new(certificates, signer)) })
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

/// Why certificate and key of the server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadIdentityError {
    /// The certificate text is not PEM.
    #[error("the server certificate is not readable as PEM")]
    CertificatePem {
        /// What the reader says.
        source: pem::Error,
    },
    /// There is no certificate in the text.
    #[error("there is no server certificate")]
    NoCertificate,
    /// The first certificate is not sound DER.
    #[error("the server certificate is not readable")]
    Certificate {
        /// What and where.
        source: der::Error,
    },
    /// The key text is not PEM, or holds no key, or an encrypted one.
    #[error("the key of the server is not readable as PEM")]
    KeyPem {
        /// What the reader says.
        source: pem::Error,
    },
    /// The key is none on P-256 or P-384.
    #[error("the key of the server is not an ECDSA key on P-256 or P-384")]
    KeyKind,
    /// The key is not that of the certificate.
    #[error("the key of the server does not belong to its certificate")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    fn pair(algorithm: &'static SignatureAlgorithm) -> (String, String) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate =
            CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn takes_keys_on_both_curves() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
            let (certificate, key) = pair(algorithm);
            TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        }
    }

    #[test]
    fn refuses_keys_of_other_kinds() {
        for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P521_SHA512] {
            let (certificate, key) = pair(algorithm);
            let refusal = TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
            assert!(matches!(refusal, ReadIdentityError::KeyKind), "{refusal}");
        }
    }

    #[test]
    fn refuses_the_key_of_another_certificate() {
        let (certificate, _) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let (_, key) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let refusal = TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(refusal, ReadIdentityError::Mismatch));
    }

    #[test]
    fn refuses_texts_without_certificate_or_key() {
        let (certificate, key) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let refusal = TlsIdentity::from_pem(key.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(refusal, ReadIdentityError::NoCertificate));
        let refusal = TlsIdentity::from_pem(certificate.as_bytes(), certificate.as_bytes()).unwrap_err();
        assert!(matches!(refusal, ReadIdentityError::KeyPem { .. }));
    }

    #[test]
    fn shows_no_key_in_debug_output() {
        let (certificate, key) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let identity = TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), "TlsIdentity { certificates: 1, .. }");
    }
}
