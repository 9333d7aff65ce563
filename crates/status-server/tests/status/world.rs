//! A root, an issuing CA, its responder and a server for them, all new for each test.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use ca_core::actor::{Actor, Identity};
use ca_core::certificate::Certificate;
use ca_core::crl::{CrlContext, issue_crl};
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::ocsp::{ResponderIdentity, ResponderIdentityError};
use ca_core::ports::Clock;
use ca_core::profile::{CrlProfile, DeltaTimes, OcspProfile};
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CertificateStatus, CrlRecord, Revocation};
use ca_core::scope::CrlScope;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::Curve;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
};
use server_kit::metrics::Metrics;
use server_kit::workers::{PoolSize, WorkerPool};
use status_server::config::KeepingPolicy;
use status_server::publish::CrlFolder;
use status_server::repository::Repository;
use status_server::responder::{Responder, ResponderPorts, ServedAuthority};
use status_server::routes::{StatusServices, router};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::ports::{MemoryLedger, MemorySigner, SetClock};

/// 2026-11-21T00:00:00Z.
pub const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);
pub const DAY: i64 = 86_400;

/// A CA: its certificate, its key as PKCS#8, and what certificates below it are made with.
pub struct Authority {
    pub certificate: rcgen::Certificate,
    params: CertificateParams,
    key: rcgen::KeyPair,
    curve: Curve,
    now: UnixTime,
}

impl Authority {
    pub fn root(curve: Curve, now: UnixTime) -> Self {
        let key = new_key(curve);
        let params = Self::params("Root CA", &key, now);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, params, key, curve, now }
    }

    pub fn below(&self, name: &str) -> Self {
        let key = new_key(self.curve);
        let params = Self::params(name, &key, self.now);
        let certificate = params.signed_by(&key, &self.as_issuer()).unwrap();
        Self { certificate, params, key, curve: self.curve, now: self.now }
    }

    fn params(name: &str, key: &rcgen::KeyPair, now: UnixTime) -> CertificateParams {
        let mut params = common(name, key, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    fn as_issuer(&self) -> rcgen::Issuer<'_, &rcgen::KeyPair> {
        rcgen::Issuer::from_params(&self.params, &self.key)
    }

    pub fn issuer(&self) -> Issuer {
        let certificate = Certificate::from_der(self.certificate.der()).unwrap();
        let window_ends = certificate.validity().not_after();
        let tenant = TenantId::parse("dso").unwrap();
        Issuer::new(certificate, tenant, window_ends, PublicationPoints::default()).unwrap()
    }

    /// Issues a certificate for a device, and returns it as PEM.
    pub fn end_entity(&self, serial: &SerialNumber) -> String {
        let key = new_key(self.curve);
        let mut params = common("4D504B0001FEA042", &key, self.now);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(serial.octets()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.signed_by(&key, &self.as_issuer()).unwrap().pem()
    }

    /// Issues a responder certificate, adds its key to `signer`, and returns the identity.
    pub fn responder(&self, signer: &mut MemorySigner) -> ResponderIdentity {
        self.responder_on(self.curve, signer).unwrap()
    }

    /// The same with a key on a curve of its own.
    pub fn responder_on(
        &self,
        curve: Curve,
        signer: &mut MemorySigner,
    ) -> Result<ResponderIdentity, ResponderIdentityError> {
        let key = new_key(curve);
        signer.add(curve, &key.serialize_der());
        let mut params = common("OCSP Responder", &key, self.now);
        params.not_after = moment(self.now.plus_seconds(14 * DAY));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        let no_check = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], vec![5, 0]);
        params.custom_extensions = vec![no_check];
        let certificate = params.signed_by(&key, &self.as_issuer()).unwrap();
        let certificate = Certificate::from_der(certificate.der()).unwrap();
        ResponderIdentity::new(certificate, &self.issuer(), self.now)
    }
}

fn new_key(curve: Curve) -> rcgen::KeyPair {
    let algorithm = match curve {
        Curve::P256 => &PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &PKCS_ECDSA_P384_SHA384,
    };
    rcgen::KeyPair::generate_for(algorithm).unwrap()
}

fn common(name: &str, key: &rcgen::KeyPair, now: UnixTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Example Utility");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = moment(now.plus_seconds(-DAY));
    params.not_after = moment(now.plus_seconds(1_000 * DAY));
    params.use_authority_key_identifier_extension = true;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key.public_key_der_octets());
    params.key_identifier_method = KeyIdMethod::PreSpecified(digest.as_ref()[..20].to_vec());
    params
}

trait PublicKeyOctets {
    fn public_key_der_octets(&self) -> Vec<u8>;
}

impl PublicKeyOctets for rcgen::KeyPair {
    fn public_key_der_octets(&self) -> Vec<u8> {
        rcgen::PublicKeyData::der_bytes(self).to_vec()
    }
}

fn moment(time: UnixTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.seconds()).unwrap()
}

pub fn serial(number: u64) -> SerialNumber {
    let mut octets = vec![0x09, 0xD4];
    octets.extend_from_slice(&number.to_be_bytes());
    SerialNumber::from_octets(&octets).unwrap()
}

/// The octets of a list, which is short.
pub fn der(crl: &CrlRecord) -> Vec<u8> {
    crl.der.to_vec().unwrap()
}

pub fn revoked(time: UnixTime) -> CertificateStatus {
    CertificateStatus::Revoked(Revocation { time, reason: ReasonCode::KeyCompromise, invalidity_date: None })
}

/// One CA with everything around it.
pub struct World {
    pub root: Authority,
    pub authority: Authority,
    pub issuer: Arc<Issuer>,
    pub ledger: Arc<MemoryLedger>,
    pub signer: Arc<MemorySigner>,
    pub clock: Arc<SetClock>,
    pub repository: Arc<Repository>,
    pub responder: Arc<Responder>,
    pub folder: TempDir,
    pub workers: WorkerPool,
}

impl World {
    pub fn new() -> Self {
        Self::at(Curve::P256, NOW)
    }

    pub fn at(curve: Curve, now: UnixTime) -> Self {
        let root = Authority::root(curve, now);
        let authority = root.below("Sub-CA 1");
        let mut signer = MemorySigner::default();
        signer.add(curve, &root.key.serialize_der());
        signer.add(curve, &authority.key.serialize_der());
        let identity = authority.responder(&mut signer);
        let (issuer, signer) = (Arc::new(authority.issuer()), Arc::new(signer));
        let (ledger, clock) = (Arc::new(MemoryLedger::default()), Arc::new(SetClock::at(now)));
        let ports = ResponderPorts { clock: clock.clone(), status: ledger.clone() };
        let served = served(identity, &signer);
        let folder = tempfile::tempdir().unwrap();
        let crls = CrlFolder::open(folder.path()).unwrap();
        Self {
            repository: Arc::new(Repository::new(crls, &[Arc::clone(&issuer), Arc::new(root.issuer())])),
            responder: Arc::new(Responder::new(vec![served], ports, KeepingPolicy::default())),
            workers: pool(2, 8),
            root,
            authority,
            issuer,
            ledger,
            signer,
            clock,
            folder,
        }
    }

    pub fn id(&self, number: u64) -> CertificateId {
        CertificateId { issuer: self.issuer.key(), serial: serial(number) }
    }

    pub fn put(&self, number: u64, status: CertificateStatus) {
        self.ledger.put(self.id(number), self.clock.now().plus_seconds(100 * DAY), status);
    }

    pub fn router(&self) -> Router {
        router(StatusServices {
            repository: Arc::clone(&self.repository),
            responder: Arc::clone(&self.responder),
            clock: self.clock.clone(),
            workers: self.workers.clone(),
        })
    }

    /// The ports of another responder on the same ledger.
    pub fn ports(&self) -> ResponderPorts {
        ResponderPorts { clock: self.clock.clone(), status: self.ledger.clone() }
    }

    /// Issues the next CRL of the CA, without publishing it.
    pub fn crl(&self) -> CrlRecord {
        self.crl_of(&self.issuer)
    }

    pub fn crl_of(&self, issuer: &Issuer) -> CrlRecord {
        self.crl_in(issuer, &CrlScope::All, None)
    }

    /// Issues the next CRL of a scope, or a delta to the complete one with this number.
    pub fn crl_in(&self, issuer: &Issuer, scope: &CrlScope, base: Option<u64>) -> CrlRecord {
        let actor = Actor {
            tenant: TenantId::parse("dso").unwrap(),
            identity: Identity::Process { name: "crl-publisher" },
        };
        let deltas = DeltaTimes { validity_seconds: DAY, reissue_seconds: 3_600 };
        issue_crl(&CrlContext {
            this_update: None,
            issuer,
            profile: &CrlProfile::new(7 * DAY, DAY).unwrap().with_deltas(deltas).unwrap(),
            actor: &actor,
            scope,
            base,
            uncertain_grace_seconds: 3_600,
            clock: self.clock.as_ref(),
            ledger: self.ledger.as_ref(),
            status: self.ledger.as_ref(),
            signer: self.signer.as_ref(),
        })
        .unwrap()
    }

    /// Issues the next CRL of the CA and publishes it.
    pub fn publish(&self) -> CrlRecord {
        let crl = self.crl();
        self.repository.publish(&crl.issuer, crl.der.reader()).unwrap();
        crl
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub fn served(identity: ResponderIdentity, signer: &Arc<MemorySigner>) -> ServedAuthority {
    ServedAuthority { identity, profile: OcspProfile::new(3_600, 4).unwrap(), signer: signer.clone() }
}

pub fn pool(workers: usize, queue: usize) -> WorkerPool {
    let size = PoolSize { workers: workers.try_into().unwrap(), queue, ..PoolSize::default() };
    WorkerPool::start("ocsp", &size, &Metrics::new("test_")).unwrap()
}
