//! What stands in a key file: a PEM `ENCRYPTED PRIVATE KEY` (RFC 7468 §11), PKCS#8 under PBES2 (RFC 8018 §6.2).
//!
//! Exactly one scheme: PBKDF2 with HMAC-SHA-256, then AES-256-CBC. Not scrypt, which the pkcs8 crate would choose: every
//! OpenSSL since 1.0.0 reads PBKDF2, so does every FIPS module and smart-card tool, while scrypt is in no FIPS module and
//! OpenSSL's memory limit holds its cost below what is recommended today. No file is touched here.

use core::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair,
};
use ca_core::ports::{Entropy, Unavailable};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use der::asn1::ObjectIdentifier;
use der::pem::{LineEnding, PemLabel};
use der::{Decode, SecretDocument};
use p256::elliptic_curve::Generate;
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use pkcs8::{EncodePrivateKey, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::passphrase::Passphrase;
use crate::system_entropy::SystemEntropy;

/// How often PBKDF2 applies HMAC-SHA-256: what a guess at the passphrase costs, and an unlocking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Iterations(u32);

impl Iterations {
    /// Fewer are refused, in writing and in reading.
    pub const LEAST: Self = Self(10_000);
    /// More are refused, so that a forged file cannot hold up a start for hours.
    pub const MOST: Self = Self(10_000_000);

    /// Takes a number of iterations from 10,000 to 10,000,000; nothing when it is outside.
    #[must_use]
    pub fn new(count: u32) -> Option<Self> {
        (Self::LEAST..=Self::MOST).contains(&Self(count)).then_some(Self(count))
    }

    /// Returns the number.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl Default for Iterations {
    /// 600,000, as OWASP's password storage sheet asks for PBKDF2-HMAC-SHA256.
    fn default() -> Self {
        Self(600_000)
    }
}

impl fmt::Display for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A private key in memory, ready to sign. aws-lc wipes the memory that held it when it is dropped.
pub(crate) struct PrivateKey {
    public_key: PublicKey,
    key_pair: EcdsaKeyPair,
}

impl PrivateKey {
    /// Takes a PKCS#8 `PrivateKeyInfo`; that its two halves belong together is checked by aws-lc.
    fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, DecryptKeyError> {
        let key_info = PrivateKeyInfoRef::from_der(pkcs8).map_err(|_| DecryptKeyError::WrongPassphrase)?;
        let curve = key_info
            .algorithm
            .parameters_oid()
            .ok()
            .and_then(|named| [Curve::P256, Curve::P384].into_iter().find(|curve| curve.oid() == named))
            .ok_or(DecryptKeyError::NotOurCurve)?;
        let key_pair = EcdsaKeyPair::from_pkcs8(signing_algorithm(curve), pkcs8)
            .map_err(|_| DecryptKeyError::WrongPassphrase)?;
        let public_key = PublicKey::from_point(curve, key_pair.public_key().as_ref())
            .map_err(|_| DecryptKeyError::WrongPassphrase)?;
        Ok(Self { public_key, key_pair })
    }

    /// Returns the public half.
    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the private half.
    pub(crate) const fn key_pair(&self) -> &EcdsaKeyPair {
        &self.key_pair
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public_key.key_ref())
    }
}

/// What is to be written to the file of a key, and the key's public half. No file is made.
pub struct NewKeyFile {
    public_key: PublicKey,
    pem: Zeroizing<String>,
}

impl NewKeyFile {
    /// Draws a key and encrypts it.
    ///
    /// # Errors
    /// [`EncryptKeyError`].
    pub fn draw(
        curve: Curve,
        passphrase: &Passphrase,
        iterations: Iterations,
    ) -> Result<Self, EncryptKeyError> {
        Self::encrypt(&draw(curve)?, passphrase, iterations)
    }

    fn encrypt(
        pkcs8: &SecretDocument,
        passphrase: &Passphrase,
        iterations: Iterations,
    ) -> Result<Self, EncryptKeyError> {
        let public_key =
            PrivateKey::from_pkcs8(pkcs8.as_bytes()).map_err(|_| EncryptKeyError::Encoding)?.public_key;
        Ok(Self { public_key, pem: encrypt(pkcs8, passphrase, iterations)? })
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the PEM text, encrypted.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

impl fmt::Debug for NewKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKeyFile({})", self.public_key.key_ref())
    }
}

/// Encrypts the key in the text of a key file under another passphrase.
pub(crate) fn re_encrypt(
    pem: &str,
    from: &Passphrase,
    to: &Passphrase,
    iterations: Iterations,
) -> Result<NewKeyFile, ReEncryptError> {
    Ok(NewKeyFile::encrypt(&decrypt_pkcs8(pem, from)?, to, iterations)?)
}

fn draw(curve: Curve) -> Result<SecretDocument, EncryptKeyError> {
    let encoded = match curve {
        Curve::P256 => p256::SecretKey::try_generate().map(|key| key.to_pkcs8_der()),
        Curve::P384 => p384::SecretKey::try_generate().map(|key| key.to_pkcs8_der()),
    };
    encoded
        .map_err(|cause| {
            EncryptKeyError::Randomness(Unavailable { port: "source of randomness", cause: Box::new(cause) })
        })?
        .map_err(|_| EncryptKeyError::Encoding)
}

fn encrypt(
    pkcs8: &SecretDocument,
    passphrase: &Passphrase,
    iterations: Iterations,
) -> Result<Zeroizing<String>, EncryptKeyError> {
    let (mut salt, mut initialisation_vector) = ([0; 16], [0; 16]);
    SystemEntropy.fill(&mut salt).map_err(EncryptKeyError::Randomness)?;
    SystemEntropy.fill(&mut initialisation_vector).map_err(EncryptKeyError::Randomness)?;
    let scheme =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(iterations.0, &salt, initialisation_vector)
            .map_err(|_| EncryptKeyError::Encoding)?;
    let encrypted = PrivateKeyInfoRef::from_der(pkcs8.as_bytes())
        .map_err(|_| EncryptKeyError::Encoding)?
        .encrypt_with_params(scheme, passphrase.octets())
        .map_err(|_| EncryptKeyError::Encoding)?;
    encrypted
        .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
        .map_err(|_| EncryptKeyError::Encoding)
}

/// Opens the text of a key file.
pub(crate) fn decrypt(pem: &str, passphrase: &Passphrase) -> Result<PrivateKey, DecryptKeyError> {
    PrivateKey::from_pkcs8(decrypt_pkcs8(pem, passphrase)?.as_bytes())
}

fn decrypt_pkcs8(pem: &str, passphrase: &Passphrase) -> Result<SecretDocument, DecryptKeyError> {
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| DecryptKeyError::NotEncryptedPkcs8)?;
    EncryptedPrivateKeyInfoRef::validate_pem_label(label).map_err(|_| DecryptKeyError::NotEncryptedPkcs8)?;
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(document.as_bytes())
        .map_err(|_| DecryptKeyError::NotEncryptedPkcs8)?;
    check_scheme(&encrypted.encryption_algorithm)?;
    // A wrong key shows as bad padding or, once in 256 times, as octets that are no PKCS#8: one answer for both.
    encrypted.decrypt(passphrase.octets()).map_err(|_| DecryptKeyError::WrongPassphrase)
}

fn check_scheme(scheme: &EncryptionScheme) -> Result<(), DecryptKeyError> {
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return Err(DecryptKeyError::SchemeNotSupported { algorithm: scheme.oid() });
    };
    let derivation = &parameters.kdf;
    let Some(pbkdf2) = derivation.pbkdf2() else {
        return Err(DecryptKeyError::SchemeNotSupported { algorithm: derivation.oid() });
    };
    if pbkdf2.prf != pbes2::Pbkdf2Prf::HmacWithSha256 {
        return Err(DecryptKeyError::SchemeNotSupported { algorithm: pbkdf2.prf.oid() });
    }
    if parameters.encryption.oid() != pbes2::AES_256_CBC_OID {
        return Err(DecryptKeyError::SchemeNotSupported { algorithm: parameters.encryption.oid() });
    }
    Iterations::new(pbkdf2.iteration_count)
        .map(|_| ())
        .ok_or(DecryptKeyError::IterationsOutOfRange { iterations: pbkdf2.iteration_count })
}

fn signing_algorithm(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
    }
}

/// Why a new key could not be made or encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptKeyError {
    /// No random octets.
    #[error(transparent)]
    Randomness(Unavailable),
    /// The key could not be written as encrypted PKCS#8; a fault of this program.
    #[error("the new key could not be written as encrypted PKCS#8")]
    Encoding,
}

/// Why a key was not encrypted again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReEncryptError {
    /// The key cannot be had.
    #[error(transparent)]
    Decrypt(#[from] DecryptKeyError),
    /// It cannot be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptKeyError),
}

/// Why the text of a key file does not give a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecryptKeyError {
    /// Not a PEM text with the label `ENCRYPTED PRIVATE KEY` around DER.
    #[error("it is not a PEM file with an encrypted PKCS#8 private key")]
    NotEncryptedPkcs8,
    /// Encrypted in another way than PBES2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC.
    #[error(
        "its encryption uses {algorithm}; only PBKDF2 with HMAC-SHA-256 and AES-256-CBC is read \
         (convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 600000)"
    )]
    SchemeNotSupported {
        /// The first algorithm that is another one.
        algorithm: ObjectIdentifier,
    },
    /// Too few or too many iterations.
    #[error(
        "its passphrase is stretched by {iterations} iterations; {least} to {most} are accepted",
        least = Iterations::LEAST,
        most = Iterations::MOST
    )]
    IterationsOutOfRange {
        /// The count in the file.
        iterations: u32,
    },
    /// The passphrase is wrong, or the encrypted octets are damaged; which of both is not told, and cannot be: CBC has no
    /// integrity of its own, so damage is found by padding, DER, or the halves of the key that do not fit.
    #[error("the passphrase does not open it, or it is damaged")]
    WrongPassphrase,
    /// The passphrase is right, but the key is none on P-256 or P-384.
    #[error("its key is not one on P-256 or P-384")]
    NotOurCurve,
}
