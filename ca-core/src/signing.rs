//! The one step that turns to-be-signed octets into a SIGNED structure: sign, verify, assemble (RFC 5280 §4.1.1, §5.1.1).
//!
//! Used for certificates, CRLs and OCSP answers alike. It does not know what it signs; that a durable intent exists is the
//! business of whoever calls it.

use core::time::Duration;

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;

use crate::key_ref::KeyRef;
use crate::ports::{SignError, Signer};
use crate::public_key::{BadSignature, PublicKey};
use crate::signature::EcdsaSignature;
use crate::suite::Curve;
use crate::to_be_signed::ToBeSigned;

/// How many signatures are drawn at most until r and s have full length; each falls short with probability 2⁻⁷ at most.
const MAX_DRAWS: u32 = 64;

/// Whether a signature is drawn again until r and s have full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerLength {
    /// Any valid signature will do.
    Any,
    /// r and s lose no octet in DER. A shorter one never leaves this step.
    Full,
}

/// A verified signature and how many were drawn and thrown away for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The signature; verifies under the public key given.
    pub signature: EcdsaSignature,
    /// How many shorter ones were discarded.
    pub discarded: u32,
}

/// Signs `tbs` and verifies the result with the public key that the certificate or configuration names, not with what the
/// signer says of itself.
///
/// A failure after the first draw is never reported as one that left nothing signed.
///
/// # Errors
/// [`SignFailure`].
pub fn sign_verified(
    signer: &dyn Signer,
    key: &KeyRef,
    public_key: &PublicKey,
    tbs: &[u8],
    length: IntegerLength,
) -> Result<VerifiedSignature, SignFailure> {
    let draw =
        Draw { key, sign: &|| signer.sign(key, tbs), verify: &|signature| public_key.verify(tbs, signature) };
    draw.until(length)
}

/// Signs octets that may be too many to hold, and verifies the result over their digest; otherwise as [`sign_verified`].
///
/// # Errors
/// [`SignFailure`].
pub fn sign_read_verified(
    signer: &dyn Signer,
    key: &KeyRef,
    public_key: &PublicKey,
    tbs: &ToBeSigned,
    length: IntegerLength,
) -> Result<VerifiedSignature, SignFailure> {
    let draw = Draw {
        key,
        sign: &|| signer.sign_read(key, tbs),
        verify: &|signature| public_key.verify_digest(tbs.digest(), signature),
    };
    draw.until(length)
}

/// How one signature is drawn, and how it is verified.
struct Draw<'a> {
    key: &'a KeyRef,
    sign: &'a dyn Fn() -> Result<EcdsaSignature, SignError>,
    verify: &'a dyn Fn(&EcdsaSignature) -> Result<(), BadSignature>,
}

impl Draw<'_> {
    fn until(&self, length: IntegerLength) -> Result<VerifiedSignature, SignFailure> {
        for discarded in 0..MAX_DRAWS {
            let signature = (self.sign)().map_err(|error| after(discarded, error))?;
            // Every signature is verified before use: a broken token must not make a broken certificate.
            (self.verify)(&signature).map_err(|_| SignFailure::DoesNotVerify { key: *self.key })?;
            if length == IntegerLength::Any || signature.has_full_length_integers() {
                return Ok(VerifiedSignature { signature, discarded });
            }
        }
        Err(SignFailure::NeverFullLength { key: *self.key })
    }
}

/// Once a short signature was drawn, nobody can say that nothing was signed.
fn after(discarded: u32, error: SignError) -> SignFailure {
    let error = match error {
        SignError::KeyNotFound { .. } if discarded > 0 => {
            SignError::OutcomeUnknown { cause: Box::new(error) }
        }
        SignError::Unavailable { cause, .. } | SignError::Refused { cause } if discarded > 0 => {
            SignError::OutcomeUnknown { cause }
        }
        SignError::KeyNotFound { .. }
        | SignError::Refused { .. }
        | SignError::Unavailable { .. }
        | SignError::OutcomeUnknown { .. } => error,
    };
    SignFailure::Signer(error)
}

/// ```text
/// SIGNED ::= SEQUENCE { toBeSigned ANY, algorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
#[derive(Sequence)]
struct SignedStructure<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// Puts to-be-signed octets, algorithm and signature together as DER.
///
/// # Errors
/// What the DER codec says when `tbs` is not one DER object.
pub fn assemble(tbs: &[u8], signature: &EcdsaSignature) -> der::Result<Vec<u8>> {
    let value = signature.to_der()?;
    SignedStructure {
        to_be_signed: AnyRef::from_der(tbs)?,
        // RFC 5758 §3.2: the parameters field is absent.
        algorithm: AlgorithmIdentifierRef { oid: signature.curve().signature_algorithm(), parameters: None },
        signature: BitStringRef::from_bytes(&value)?,
    }
    .to_der()
}

/// Returns how many octets `tbs` has at most once it is signed by a key on `curve`.
///
/// # Errors
/// As [`assemble`].
pub fn longest(tbs: &[u8], curve: Curve) -> der::Result<usize> {
    let widest = EcdsaSignature::widest(curve);
    assemble(tbs, &widest).map(|der| der.len())
}

/// Why there is no usable signature.
#[derive(Debug, thiserror::Error)]
pub enum SignFailure {
    /// The signer refused or failed.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// The signer's answer does not verify: the key is not the one expected, or the token is broken.
    #[error("a signature by key {key} does not verify under its public key")]
    DoesNotVerify {
        /// The key.
        key: KeyRef,
    },
    /// Too many short signatures in a row: the signer is deterministic or broken.
    #[error("key {key} gave 64 signatures in a row with short integers")]
    NeverFullLength {
        /// The key.
        key: KeyRef,
    },
}

impl SignFailure {
    /// Returns when it is worth asking again, where that is known.
    #[must_use]
    pub const fn again_in(&self) -> Option<Duration> {
        match self {
            Self::Signer(error) => error.again_in(),
            Self::DoesNotVerify { .. } | Self::NeverFullLength { .. } => None,
        }
    }
}
