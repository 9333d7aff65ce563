//! A signer that all nodes reach, as nodes reach one HSM: it writes down every signature before it gives it away.

use std::path::Path;

use anyhow::Context;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use e2e::crash::signatures::SignatureLedger;
use rcgen::{KeyPair, PublicKeyData, SigningKey};

/// The key of the authority.
pub(crate) struct FakeHsm {
    key: KeyPair,
    public: PublicKey,
    ledger: SignatureLedger,
}

impl FakeHsm {
    /// Opens what the house has.
    pub(crate) fn open(house: &Path) -> anyhow::Result<Self> {
        let key = std::fs::read_to_string(house.join("issuer.key")).context("issuer.key")?;
        let key = KeyPair::from_pem(&key)?;
        let public = PublicKey::from_spki_der(&key.subject_public_key_info())?;
        Ok(Self { key, public, ledger: SignatureLedger::open(&house.join("signatures"))? })
    }
}

impl Signer for FakeHsm {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.check_at_hand(key).map(|()| self.public.clone())
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.check_at_hand(key)?;
        let unknown = |cause: Box<dyn std::error::Error + Send + Sync>| SignError::OutcomeUnknown { cause };
        let der = self.key.sign(message).map_err(|cause| unknown(cause.into()))?;
        let signature = EcdsaSignature::from_der(Curve::P256, &der).map_err(|cause| unknown(cause.into()))?;
        self.ledger.keep(key, message, &signature).map_err(|cause| unknown(cause.into()))?;
        Ok(signature)
    }

    fn check_at_hand(&self, key: &KeyRef) -> Result<(), SignError> {
        if *key == self.public.key_ref() { Ok(()) } else { Err(SignError::KeyNotFound { key: *key }) }
    }
}
