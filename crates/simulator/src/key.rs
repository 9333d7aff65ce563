//! A meter's key, and the certification request that it signs, both made by rcgen: not by the code that will judge them.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, PublicKeyData as _, SigningKey as _,
};

/// A key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
#[error("a simulated key cannot be made or used: {0}")]
pub struct NoKey(#[from] rcgen::Error);

/// A key in the memory of a meter.
pub(crate) struct MeterKey {
    pair: KeyPair,
    public: PublicKey,
}

impl core::fmt::Debug for MeterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "MeterKey({})", self.public.key_ref())
    }
}

impl MeterKey {
    /// Draws a key on the curve of a suite.
    pub(crate) fn generate(suite: SecuritySuite) -> Result<Self, NoKey> {
        let algorithm = match suite.curve() {
            Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        };
        Self::of(KeyPair::generate_for(algorithm)?)
    }

    /// Reads PKCS#8 in DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, NoKey> {
        Self::of(KeyPair::try_from(der)?)
    }

    fn of(pair: KeyPair) -> Result<Self, NoKey> {
        let spki = pair.subject_public_key_info();
        let public =
            PublicKey::from_spki_der(&spki).map_err(|_| rcgen::Error::UnsupportedSignatureAlgorithm)?;
        Ok(Self { pair, public })
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        self.pair.serialized_der()
    }

    pub(crate) const fn pair(&self) -> &KeyPair {
        &self.pair
    }

    pub(crate) fn into_pair(self) -> KeyPair {
        self.pair
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Makes the request of a meter, DER: its system title as common name, and nothing else.
    pub(crate) fn request(&self, title: &SystemTitle) -> Result<Vec<u8>, NoKey> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name(&[(DnType::CommonName, &title.to_string())]);
        Ok(params.serialize_request(&self.pair)?.der().to_vec())
    }
}

/// Makes a name of UTF-8 strings.
pub(crate) fn name(attributes: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in attributes {
        name.push(kind.clone(), DnValue::Utf8String((*value).to_owned()));
    }
    name
}

impl Signer for MeterKey {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        if *key == self.public.key_ref() {
            Ok(self.public.clone())
        } else {
            Err(SignError::KeyNotFound { key: *key })
        }
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let public = self.public_key(key)?;
        let signature = self.pair.sign(message).map_err(SignError::unavailable)?;
        EcdsaSignature::from_der(public.curve(), &signature).map_err(SignError::unavailable)
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}
