//! A CA whose key and certificate the `openssl` program made, so that it can make CRLs of the same CA, and a ledger in which
//! it revoked certificates.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use ca_core::actor::{Actor, Identity};
use ca_core::certificate::Certificate;
use ca_core::crl::{CrlContext, issue_crl};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{Ledger, SignError, Signer, StatusSource};
use ca_core::profile::{CrlProfile, DeltaTimes};
use ca_core::public_key::PublicKey;
use ca_core::record::CrlRecord;
use ca_core::scope::{CrlKind, CrlLine};
use ca_core::sharding::{CrlPlan, HashShards, Sharding};
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ca_core::tenant::TenantId;
use ca_core::to_be_signed::ToBeSigned;
use meter_pki::compose::SystemClock;

/// How many shards there are.
pub(crate) const SHARDS: u16 = 256;

/// The CA.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer,
    signer: OneKey,
}

/// What divides its certificates into shards.
pub(crate) fn sharding() -> Sharding {
    Sharding::ByHash(HashShards::new(SHARDS).unwrap())
}

/// The file of the CA's private key, in PEM.
pub(crate) fn key_file(directory: &Path) -> PathBuf {
    directory.join("ca.key")
}

/// The file of the CA's certificate, in PEM.
pub(crate) fn certificate_file(directory: &Path) -> PathBuf {
    directory.join("ca.crt")
}

/// The file of the CA's certificate, in DER.
pub(crate) fn certificate_der_file(directory: &Path) -> PathBuf {
    directory.join("ca.der")
}

/// Has the key and the certificate made.
pub(crate) fn found(directory: &Path) {
    let (key, certificate) = (key_file(directory), certificate_file(directory));
    let key = key.to_str().unwrap();
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);
    let subject = ["-subj", "/C=DE/O=Example/CN=Sub-CA 1", "-days", "3650"];
    let usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", certificate.to_str().unwrap()];
    openssl(&[&["req", "-x509", "-new", "-key", key], subject.as_slice(), usage.as_slice()].concat());
    let (pem, der) = (certificate.to_str().unwrap(), certificate_der_file(directory));
    openssl(&["x509", "-in", pem, "-outform", "DER", "-out", der.to_str().unwrap()]);
}

/// Runs `openssl`, which must succeed; returns what it prints.
pub(crate) fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

impl Authority {
    /// Takes up what was founded.
    pub(crate) fn open(directory: &Path) -> Self {
        let (key, certificate) = (key_file(directory), certificate_der_file(directory));
        let certificate = std::fs::read(certificate).unwrap();
        let key = openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", key.to_str().unwrap(), "-outform", "DER"]);
        let certificate = Certificate::from_der(&certificate).unwrap();
        let crl = Some("http://127.0.0.1:8080/ca.crl".to_owned());
        let points = PublicationPoints { crl, ca_issuers: None, ocsp: None };
        let ends = certificate.validity().not_after();
        let tenant = TenantId::parse("dso").unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key).unwrap();
        let signer = OneKey { pair, public: certificate.public_key().clone() };
        let issuer = Issuer::new(certificate, tenant, ends, points).unwrap();
        let plan = CrlPlan { sharding: sharding(), deltas: true };
        Self { issuer: issuer.with_crl_plan(plan).unwrap(), signer }
    }

    /// Issues the next CRL of a line; a delta to the complete CRL on record.
    pub(crate) fn issue(&self, ledger: &dyn Ledger, status: &dyn StatusSource, line: &CrlLine) -> CrlRecord {
        let deltas = DeltaTimes { validity_seconds: 86_400, reissue_seconds: 3_600 };
        let base =
            (line.kind == CrlKind::Delta).then(|| status.latest_of(&line.base()).unwrap().unwrap().number);
        let identity = Identity::Process { name: "crl-publisher" };
        issue_crl(&CrlContext {
            issuer: &self.issuer,
            profile: &CrlProfile::new(7 * 86_400, 86_400).unwrap().with_deltas(deltas).unwrap(),
            actor: &Actor { tenant: self.issuer.tenant().clone(), identity },
            scope: &line.scope,
            base,
            this_update: None,
            uncertain_grace_seconds: 3_600,
            clock: &SystemClock,
            ledger,
            status,
            signer: &self.signer,
        })
        .unwrap()
    }
}

/// The CA's key in memory.
struct OneKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl Signer for OneKey {
    fn public_key(&self, _: &KeyRef) -> Result<PublicKey, SignError> {
        Ok(self.public.clone())
    }

    fn sign(&self, _: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        Ok(EcdsaSignature::from_fixed(Curve::P256, signature.as_ref()).unwrap())
    }

    fn sign_read(&self, _: &KeyRef, tbs: &ToBeSigned) -> Result<EcdsaSignature, SignError> {
        let digest = Digest::import_less_safe(tbs.digest().octets(), &SHA256).unwrap();
        let signature = self.pair.sign_digest(&digest).unwrap();
        Ok(EcdsaSignature::from_fixed(Curve::P256, signature.as_ref()).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}
