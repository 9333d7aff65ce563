//! An authority for tests: two hierarchies with a CA each, made by rcgen, and meters that trust their roots.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter, PlannedFault};
use dlms::security_setup::MeterKey;
use dlms::work_order::{Addressee, AuthorityCertificate, IssuedCertificate};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm,
};

pub(crate) const TITLE: SystemTitle = SystemTitle::new(*b"MPK\0\0\0\0\x2A");
pub(crate) const HEAD_END: SystemTitle = SystemTitle::new(*b"HES\0\0\0\0\x01");

pub(crate) struct Authority {
    suite: SecuritySuite,
    root: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

struct Requested(Vec<u8>, &'static SignatureAlgorithm);

impl PublicKeyData for Requested {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.1
    }
}

fn algorithm(suite: SecuritySuite) -> &'static SignatureAlgorithm {
    match suite.curve() {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    }
}

fn named(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(common_name.to_owned()));
    params
}

fn authority(common_name: &str) -> CertificateParams {
    let mut params = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    pub(crate) fn new(suite: SecuritySuite, name: &str) -> Self {
        let (root_key, key) = (
            KeyPair::generate_for(algorithm(suite)).unwrap(),
            KeyPair::generate_for(algorithm(suite)).unwrap(),
        );
        let root = authority(&format!("{name} Root"));
        let params = authority(&format!("{name} Operational"));
        let der = params.signed_by(&key, &Issuer::from_params(&root, &root_key)).unwrap().der().to_vec();
        Self { suite, root: root.self_signed(&root_key).unwrap().der().to_vec(), params, key, der }
    }

    pub(crate) fn certificate(&self) -> AuthorityCertificate {
        AuthorityCertificate::new(&self.der).unwrap()
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn root(&self) -> Certificate {
        Certificate::from_der(&self.root).unwrap()
    }

    /// Issues for a point, of any suite.
    pub(crate) fn issue(&self, title: SystemTitle, key: MeterKey, point: &[u8]) -> Vec<u8> {
        let suite = if point.len() == 65 { SecuritySuite::Suite1 } else { SecuritySuite::Suite2 };
        let mut params = named(&title.to_string());
        params.key_usages = match key {
            MeterKey::Signature => vec![KeyUsagePurpose::DigitalSignature],
            MeterKey::KeyAgreement => vec![KeyUsagePurpose::KeyAgreement],
            MeterKey::Tls => vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement],
        };
        if key == MeterKey::Tls {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        let [.., last] = *title.octets();
        params.serial_number = Some(SerialNumber::from_slice(&[0x40, key.number(), 1, 2, 3, 4, last]));
        let public = Requested(point.to_vec(), algorithm(suite));
        params.signed_by(&public, &Issuer::from_params(&self.params, &self.key)).unwrap().der().to_vec()
    }

    pub(crate) fn answer(
        &self,
        addressee: &Addressee,
        key: MeterKey,
        request: &CertificationRequest,
    ) -> IssuedCertificate {
        let der = self.issue(addressee.title, key, request.public_key().point());
        IssuedCertificate::new(addressee, key, &der).unwrap()
    }

    /// A certificate of a head-end.
    pub(crate) fn client(&self, key: MeterKey) -> Vec<u8> {
        let pair = KeyPair::generate_for(algorithm(self.suite)).unwrap();
        self.issue(HEAD_END, key, pair.der_bytes())
    }

    pub(crate) fn addressee(&self, max_pdu: u16) -> Addressee {
        Addressee { title: TITLE, suite: self.suite, object: LogicalName::security_setup(0), max_pdu }
    }

    /// A meter that trusts this authority's root.
    pub(crate) fn meter(&self, max_pdu: u16, faults: Vec<PlannedFault>) -> Meter {
        let addressee = self.addressee(max_pdu);
        let identity = Identity {
            title: addressee.title,
            suite: addressee.suite,
            object: addressee.object,
            max_pdu,
            seed: [7; 32],
            anchors: vec![self.root()],
        };
        Meter::new(identity, faults)
    }
}
