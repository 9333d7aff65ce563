//! A throw-away PKI, and a client in it with a clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::ports::{Clock, Entropy, Unavailable};
use ca_core::validity::UnixTime;
use cmp_client::{CmpClient, Credential, FileKey, MacFamily, Means, SharedSecret};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// id-kp-cmcRA (RFC 6402 §2.10).
pub(crate) const CMC_RA: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 28];
/// id-kp-serverAuth (RFC 5280 §4.2.1.12).
pub(crate) const SERVER_AUTH: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
/// 2026-11-28T00:00:00Z.
pub(crate) const NOW: i64 = 1_795_824_000;
/// The shared secret of every test.
pub(crate) const SECRET: &[u8] = b"a secret of some length";
/// What names it.
pub(crate) const REFERENCE: &str = "4D504B0000000001";

/// A certificate with its key.
pub(crate) struct Entity {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Arc<FileKey>,
    params: CertificateParams,
    pair: KeyPair,
}

impl Entity {
    pub(crate) fn root(name: &str) -> Self {
        let params = params(name, &[KeyUsagePurpose::KeyCertSign], &[], true);
        let pair = pair();
        let der = params.self_signed(&pair).unwrap().der().to_vec();
        Self::of(der, params, pair)
    }

    /// A CA below this one.
    pub(crate) fn authority(&self, name: &str, usages: &[KeyUsagePurpose]) -> Self {
        self.issue(params(name, usages, &[], true), pair())
    }

    /// An end entity below this one.
    pub(crate) fn end(&self, name: &str, purposes: &[&[u64]]) -> Self {
        self.issue(params(name, &[KeyUsagePurpose::DigitalSignature], purposes, false), pair())
    }

    /// Another certificate of the same name and key, with another serial number.
    pub(crate) fn again(&self, issuer: &Self) -> Self {
        let pair = KeyPair::from_pem(&self.pair.serialize_pem()).unwrap();
        issuer.issue(self.params.clone(), pair)
    }

    fn issue(&self, params: CertificateParams, pair: KeyPair) -> Self {
        let issuer = Issuer::from_params(&self.params, &self.pair);
        let der = params.signed_by(&pair, &issuer).unwrap().der().to_vec();
        Self::of(der, params, pair)
    }

    fn of(der: Vec<u8>, params: CertificateParams, pair: KeyPair) -> Self {
        let key = Arc::new(FileKey::from_pem(&pair.serialize_pem()).unwrap());
        Self { der, key, params, pair }
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    pub(crate) fn name(&self) -> DistinguishedName {
        self.certificate().subject().clone()
    }

    /// The certificate in PEM, and the key in PKCS#8.
    pub(crate) fn pem(&self) -> (String, String) {
        let certificate =
            der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &self.der).unwrap();
        (certificate, self.pair.serialize_pem())
    }

    pub(crate) fn credential(&self, chain: &[&Self]) -> Credential {
        let certificates = [self].iter().chain(chain).map(|one| one.der.clone()).collect();
        Credential {
            certificates,
            key: self.key.public().key_ref(),
            signer: Arc::<FileKey>::clone(&self.key),
        }
    }
}

fn pair() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn params(name: &str, usages: &[KeyUsagePurpose], purposes: &[&[u64]], is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = usages.to_vec();
    params.extended_key_usages =
        purposes.iter().map(|oid| ExtendedKeyUsagePurpose::Other(oid.to_vec())).collect();
    params.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params
}

/// A root, a CA, the CA's spokesman, and a gateway with a key for which it wants a certificate.
pub(crate) struct Pki {
    pub(crate) root: Entity,
    pub(crate) sub: Entity,
    pub(crate) spokesman: Entity,
    pub(crate) gateway: Entity,
    /// What the CA issues for the new key.
    pub(crate) new: Entity,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root = Entity::root("root");
        let sub = root.authority("sub", &[KeyUsagePurpose::KeyCertSign]);
        let spokesman = sub.end("spokesman", &[CMC_RA]);
        let (gateway, new) = (sub.end(REFERENCE, &[]), sub.end(REFERENCE, &[]));
        Self { root, sub, spokesman, gateway, new }
    }

    /// A client that signs.
    pub(crate) fn signing(&self) -> CmpClient {
        let means = Means::Signature(self.gateway.credential(&[&self.sub]));
        CmpClient { recipient: self.sub.name(), ..self.client(means, true) }
    }

    /// A client that shares a secret, and trusts nobody yet.
    pub(crate) fn sharing(&self, family: MacFamily) -> CmpClient {
        let secret = SECRET.to_vec().into();
        self.client(Means::Mac(SharedSecret { reference: REFERENCE.to_owned(), secret, family }), false)
    }

    fn client(&self, means: Means, trusts: bool) -> CmpClient {
        CmpClient {
            agreement: None,
            means,
            trust: if trusts { vec![self.root.certificate()] } else { Vec::new() },
            recipient: DistinguishedName::empty(),
            profile: None,
            confirms: false,
            takes_roots: false,
            clock_window: Some(300),
            clock: Arc::new(StillClock),
            entropy: Arc::new(Counter::default()),
        }
    }
}

/// A clock that stands still.
pub(crate) struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(NOW)
    }
}

/// Never gives the same octets twice.
#[derive(Default)]
pub(crate) struct Counter(AtomicU8);

impl Entropy for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        octets.fill(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}
