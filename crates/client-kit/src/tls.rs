//! The client's side of TLS: whom it trusts, and the key it signs the handshake with, wherever that is.

use core::fmt;
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::suite::Curve;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureAlgorithm, SignatureScheme,
    SupportedProtocolVersion,
};

/// A certificate with its key.
#[derive(Clone)]
pub struct Credential {
    /// DER certificates, the client's own first.
    pub certificates: Vec<Vec<u8>>,
    /// The key of the first.
    pub key: KeyRef,
    /// Where the key is.
    pub signer: Arc<dyn Signer>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({})", self.key)
    }
}

/// Who the client says it is in the handshake.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Nobody.
    Anonymous,
    /// The holder of a certificate.
    Certified(Credential),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Makes settings for a server that is trusted by these roots, DER, and by nothing else.
///
/// # Errors
/// [`TlsError`].
pub fn trusting(
    roots: &[Vec<u8>],
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, TlsError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.clone()))?;
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_root_certificates(store);
    Ok(builder.with_client_cert_resolver(Arc::new(Resolver::new(identity)?)))
}

/// Makes settings for a server that nobody vouches for yet (RFC 7030 §4.1.1): what it says is checked by other means.
///
/// # Errors
/// [`TlsError`].
pub fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let verifier = Arc::new(Unverified(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Shows the one certificate there is, to whoever asks for one.
#[derive(Debug)]
struct Resolver(Option<Arc<CertifiedKey>>);

impl Resolver {
    fn new(identity: &Identity) -> Result<Self, TlsError> {
        let Identity::Certified(credential) = identity else { return Ok(Self(None)) };
        let chain = credential.certificates.iter().map(|der| CertificateDer::from(der.clone())).collect();
        let key = ClientKey {
            curve: credential.signer.public_key(&credential.key)?.curve(),
            key: credential.key,
            signer: Arc::clone(&credential.signer),
        };
        Ok(Self(Some(Arc::new(CertifiedKey::new(chain, Arc::new(key))))))
    }
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// The key of the handshake, behind the signer's port.
#[derive(Clone)]
struct ClientKey {
    curve: Curve,
    key: KeyRef,
    signer: Arc<dyn Signer>,
}

impl ClientKey {
    const fn own_scheme(&self) -> SignatureScheme {
        match self.curve {
            Curve::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            Curve::P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        }
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKey({})", self.key)
    }
}

impl SigningKey for ClientKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        if !offered.contains(&self.own_scheme()) {
            return None;
        }
        Some(Box::new(self.clone()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl rustls::sign::Signer for ClientKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.signer.sign(&self.key, message);
        let signature = signature.map_err(|error| rustls::Error::General(error.to_string()))?;
        signature.to_der().map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.own_scheme()
    }
}

/// Takes any certificate whose key the server holds.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The settings, or the certificates in them, cannot be used.
    #[error(transparent)]
    Settings(#[from] rustls::Error),
    /// The key of the identity is not there.
    #[error("the key did not sign: {0}")]
    Key(#[from] SignError),
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7030 §3.2.3, §4.4, §6: no NULL, anonymous, EXPORT or DES cipher suites.
    #[test]
    fn every_cipher_suite_encrypts_and_authenticates() {
        for suite in &provider().cipher_suites {
            let name = format!("{:?}", suite.suite());
            assert!(name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_"), "{name}");
            assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
        }
    }
}
