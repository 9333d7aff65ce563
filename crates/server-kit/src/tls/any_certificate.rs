//! A verifier that accepts any certificate a client shows, if the client proves to hold its key.
//!
//! It is *not* lenient about the proof: the handshake signature is verified against the key in the certificate, by ECDSA
//! on P-256 or P-384. It *is* blind to everything else (issuer, validity, extensions), because whether a client is
//! trusted differs from path to path, and because rustls' own verifiers refuse certificates with a critical extension
//! they do not know. RFC 8446 §4.4.3, RFC 5246 §7.4.8.

use super::{provider::signature_algorithms, public_key::PublicKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use std::sync::Arc;

/// More certificates than this are no path that anyone walks.
const MOST_CERTIFICATES: usize = 8;

/// All certificates together.
const MOST_OCTETS: usize = 32 * 1024;

/// Requests a certificate, does not require one, and accepts any whose key the client holds.
#[derive(Clone, Debug, Default)]
pub struct AnyCertificate {
    hints: Vec<DistinguishedName>,
}

/// Why a presented certificate was refused in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefuseCertificateError {
    /// More certificates than a path may have.
    #[error("the client sent {certificates} certificates, more than 8")]
    TooMany {
        /// How many were sent.
        certificates: usize,
    },
    /// The certificates are too large.
    #[error("the certificates of the client have {octets} octets, more than 32768")]
    TooLarge {
        /// Their length together.
        octets: usize,
    },
}

impl AnyCertificate {
    /// Names no issuers: the client sends whatever it has.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names these issuers in the certificate request, so that a client with several certificates can choose
    /// (RFC 8446 §4.2.4). A client that shows another is accepted all the same. Each name is the DER of a `Name`.
    #[must_use]
    pub fn with_hints(names: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { hints: names.into_iter().map(DistinguishedName::from).collect() }
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let certificates = intermediates.len().saturating_add(1);
        if certificates > MOST_CERTIFICATES {
            return Err(refused(RefuseCertificateError::TooMany { certificates }));
        }
        let octets = intermediates.iter().fold(end_entity.len(), |sum, next| sum.saturating_add(next.len()));
        if octets > MOST_OCTETS {
            return Err(refused(RefuseCertificateError::TooLarge { octets }));
        }
        PublicKey::of_certificate(end_entity).map_err(|_| bad_encoding())?;
        Ok(ClientCertVerified::assertion())
    }

    // RFC 5246 §7.4.8: the pair of hash and signature algorithm says nothing about the curve; the key does.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(algorithms_of(signed.scheme), message, certificate, signed)
    }

    // RFC 8446 §4.2.3: in TLS 1.3 the scheme fixes the curve. The first algorithm of a scheme is that of TLS 1.3.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify(algorithms_of(signed.scheme).take(1), message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_algorithms().supported_schemes()
    }
}

fn algorithms_of(
    scheme: SignatureScheme,
) -> impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm> {
    let ours = signature_algorithms();
    let found = ours.mapping.iter().find(|(offered, _)| *offered == scheme);
    found.map_or([].as_slice(), |(_, algorithms)| algorithms).iter().copied()
}

/// Verifies with the algorithm that is made for the curve of the key, if it is among `algorithms`.
fn verify(
    algorithms: impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm>,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let key = PublicKey::of_certificate(certificate).map_err(|_| bad_encoding())?;
    let ours = signature_algorithms().all;
    algorithms
        .filter(|algorithm| {
            ours.iter().any(|known| known.public_key_alg_id() == algorithm.public_key_alg_id())
        })
        .find(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm)
        .and_then(|algorithm| algorithm.verify_signature(key.key, message, signed.signature()).ok())
        .map(|()| HandshakeSignatureValid::assertion())
        .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
}

fn bad_encoding() -> Error {
    Error::InvalidCertificate(CertificateError::BadEncoding)
}

fn refused(error: RefuseCertificateError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn certificate() -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&key).unwrap().into()
    }

    fn judge(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), Error> {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_800_000_000));
        AnyCertificate::new().verify_client_cert(end_entity, intermediates, now).map(|_| ())
    }

    #[test]
    fn refuses_what_is_no_certificate() {
        assert_eq!(judge(&CertificateDer::from(&b"0\x03abc"[..]), &[]), Err(bad_encoding()));
    }

    // T-08, T-09: what an unknown client sends is capped before anything is computed on it.
    #[test]
    fn refuses_a_path_of_nine() {
        let certificate = certificate();
        judge(&certificate, &vec![certificate.clone(); 7]).unwrap();
        let refusal = judge(&certificate, &vec![certificate.clone(); 8]).unwrap_err();
        assert!(format!("{refusal:?}").contains("TooMany { certificates: 9 }"), "{refusal:?}");
    }

    #[test]
    fn refuses_giant_certificates() {
        let giant = CertificateDer::from(vec![0; 33_000]);
        let refusal = judge(&certificate(), &[giant]).unwrap_err();
        assert!(format!("{refusal:?}").contains("TooLarge"), "{refusal:?}");
    }

    #[test]
    fn knows_no_algorithm_for_schemes_that_are_not_ours() {
        for scheme in
            [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_SHA1_Legacy, SignatureScheme::ED25519]
        {
            assert_eq!(algorithms_of(scheme).count(), 0);
        }
    }
}
