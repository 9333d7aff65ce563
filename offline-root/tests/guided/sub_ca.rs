//! A sub-CA whose key openssl made, and its requests.

use std::fs;

use ca_core::distinguished_name::DistinguishedName;
use ca_core::exchange::{ExchangeNonce, RequestParts, SubordinateRequest, certification_request};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::{SignError, Signer};
use ca_core::profile::ProfileId;
use ca_core::public_key::PublicKey;
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::validity::UnixTime;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::DecodePrivateKey;
use signer_file::SystemEntropy;

use crate::room::Room;

/// A sub-CA of suite 1.
pub(crate) struct SubCa(p256::ecdsa::SigningKey);

impl SubCa {
    /// Has openssl make a key in `NAME.key`.
    pub(crate) fn new(room: &Room, name: &str) -> Self {
        room.openssl(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        let pem = fs::read_to_string(room.path(&format!("{name}.key"))).unwrap();
        Self(p256::ecdsa::SigningKey::from_pkcs8_pem(&pem).unwrap())
    }

    /// Asks for a certificate for a name, some seconds after 2026-11-28T09:00:00Z.
    pub(crate) fn request(&self, [country, common_name]: [&str; 2], profile: &str, after: i64) -> Vec<u8> {
        let parts = [
            (oid::COUNTRY_NAME, country),
            (oid::ORGANIZATION_NAME, "Example Grid"),
            (oid::COMMON_NAME, common_name),
        ];
        let subject = DistinguishedName::from_attributes(&parts).unwrap();
        let parts = RequestParts {
            nonce: ExchangeNonce::draw(&SystemEntropy).unwrap(),
            created: UnixTime::from_seconds(1_795_856_400 + after),
            profile: ProfileId::parse(profile).unwrap(),
            csr: certification_request(&subject, &self.key().key_ref(), self).unwrap(),
            subject,
        };
        let request = SubordinateRequest::draft(parts).unwrap().sign(self).unwrap();
        request.to_text().unwrap().into_bytes()
    }

    fn key(&self) -> PublicKey {
        let point = self.0.verifying_key().to_sec1_point(false);
        PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap()
    }
}

impl Signer for SubCa {
    fn public_key(&self, _: &KeyRef) -> Result<PublicKey, SignError> {
        Ok(self.key())
    }

    fn sign(&self, _: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        Ok(EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}
