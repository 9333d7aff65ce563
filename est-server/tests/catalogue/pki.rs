//! Keys, profiles, CAs and certificates of the tests: an owner's root with three CAs below it, and a manufacturer's.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, PublicationPoints, SignedBy};
use ca_core::key_ref::KeyRef;
use ca_core::oid;
use ca_core::ports::{SignError, Signer};
use ca_core::profile::{
    AlternativeNameRule, Approval, CertificateProfile, ExtendedKeyUsageRule, Hierarchy, KeyReuse,
    KeyUsageBit, NameChange, Pointers, ProfileId, ProfileParts, RenewalRule, RenewalWindow, SubjectRule,
    ValidityRule,
};
use ca_core::public_key::{KeyIdentifierMethod, PublicKey};
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::signing::assemble;
use ca_core::subject::Subject;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;

/// 2026-11-21T10:00:00Z.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);
pub(crate) const YEAR: i64 = 365 * 86_400;

/// The key whose private key is this small number.
pub(crate) fn key(number: u8) -> SigningKey {
    let mut scalar = [0; 32];
    scalar[31] = number;
    SigningKey::from_slice(&scalar).unwrap()
}

pub(crate) fn public_key(number: u8) -> PublicKey {
    let point = key(number).verifying_key().to_sec1_point(false);
    PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap()
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub(crate) fn profile_id(name: &str) -> ProfileId {
    ProfileId::parse(name).unwrap()
}

pub(crate) fn named(common_name: &str) -> Subject {
    Subject::distinguished(DistinguishedName::from_attributes(&[(oid::COMMON_NAME, common_name)]).unwrap())
}

/// A signer on keys in memory that counts, and fails when told to.
#[derive(Default)]
pub(crate) struct MemorySigner {
    keys: HashMap<KeyRef, (SigningKey, PublicKey)>,
    pub(crate) calls: AtomicUsize,
    pub(crate) mood: Mutex<Mood>,
}

/// What a signer does when it is asked.
#[derive(Default)]
pub(crate) enum Mood {
    #[default]
    Signs,
    Unavailable,
    Panics,
    /// Says that it was asked, and waits to be let go.
    Hangs(std::sync::mpsc::Sender<()>, std::sync::mpsc::Receiver<()>),
}

impl MemorySigner {
    pub(crate) fn holding(numbers: &[u8]) -> Self {
        let keys = numbers.iter().map(|number| {
            let public = public_key(*number);
            (public.key_ref(), (key(*number), public))
        });
        Self { keys: keys.collect(), ..Self::default() }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Signer for MemorySigner {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.keys.get(key).map(|(_, public)| public.clone()).ok_or(SignError::KeyNotFound { key: *key })
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match &*self.mood.lock().unwrap() {
            Mood::Signs => {}
            Mood::Unavailable => return Err(SignError::unavailable("unplugged")),
            Mood::Panics => panic!("the signer panics, as the test wants"),
            Mood::Hangs(asked, release) => {
                asked.send(()).unwrap();
                release.recv().unwrap();
            }
        }
        let (secret, _) = self.keys.get(key).ok_or(SignError::KeyNotFound { key: *key })?;
        let signature: p256::ecdsa::Signature = secret.sign(message);
        Ok(EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        Ok(())
    }
}

/// What all profiles of the tests have in common: a device's signature certificate, valid for ten years.
fn parts(id: &str, hierarchy: Hierarchy) -> ProfileParts {
    ProfileParts {
        id: profile_id(id),
        version: 1,
        suite: SecuritySuite::Suite1,
        hierarchy,
        subject: SubjectRule::SystemTitle,
        alternative_name: AlternativeNameRule::Absent,
        path_length: None,
        key_usage: vec![KeyUsageBit::DigitalSignature],
        extended_key_usage: None,
        validity: ValidityRule::Fixed { seconds: 10 * YEAR },
        backdate_seconds: 0,
        issuing_window_seconds: None,
        policy: None,
        key_identifier: KeyIdentifierMethod::Sha1Full,
        pointers: Pointers::None,
        ocsp_no_check: false,
        full_length_signature: false,
        key_reuse: KeyReuse::Refused,
        name_change: NameChange::Refused,
        renewal: RenewalRule { window: RenewalWindow::AnyTime, ..RenewalRule::DEFAULT },
        approval: Approval::NotNeeded,
        transition_issuer: false,
        short_lived: false,
        revoke_replaced_after_seconds: None,
        max_octets: 1_024,
    }
}

pub(crate) fn meter_op_ds() -> ProfileParts {
    parts("meter-op-ds", Hierarchy::Operational)
}

pub(crate) fn meter_op_ka() -> ProfileParts {
    ProfileParts {
        key_usage: vec![KeyUsageBit::KeyAgreement],
        ..parts("meter-op-ka", Hierarchy::Operational)
    }
}

pub(crate) fn meter_factory_ds() -> ProfileParts {
    parts("meter-factory-ds", Hierarchy::Factory)
}

fn tls(id: &str, purposes: &[const_oid::ObjectIdentifier]) -> ProfileParts {
    ProfileParts {
        subject: SubjectRule::DistinguishedName { max_octets: 127 },
        key_usage: vec![KeyUsageBit::DigitalSignature, KeyUsageBit::KeyAgreement],
        extended_key_usage: Some(ExtendedKeyUsageRule { purposes: purposes.to_vec(), critical: false }),
        ..parts(id, Hierarchy::Infrastructure)
    }
}

pub(crate) fn station() -> ProfileParts {
    tls("ra-station", &[oid::CLIENT_AUTH, oid::CMC_RA])
}

pub(crate) fn cmp_signer() -> ProfileParts {
    ProfileParts { key_usage: vec![KeyUsageBit::DigitalSignature], ..tls("cmp-signer", &[oid::CMC_CA]) }
}

pub(crate) fn hes_tls() -> ProfileParts {
    ProfileParts {
        alternative_name: AlternativeNameRule::DnsNames { required: true, max: 4 },
        ..tls("hes-tls", &[oid::SERVER_AUTH, oid::CLIENT_AUTH])
    }
}

pub(crate) fn authority(path_length: u8) -> ProfileParts {
    ProfileParts {
        subject: SubjectRule::DistinguishedName { max_octets: 127 },
        path_length: Some(path_length),
        key_usage: vec![KeyUsageBit::KeyCertSign, KeyUsageBit::CrlSign],
        ..parts("authority", Hierarchy::Authority)
    }
}

pub(crate) fn profile(parts: ProfileParts) -> CertificateProfile {
    CertificateProfile::new(parts).unwrap()
}

/// A CA of the tests.
pub(crate) struct Ca {
    number: u8,
    pub(crate) issuer: Issuer,
}

/// What an end entity certificate of the tests differs in.
pub(crate) struct Wish {
    pub(crate) profile: ProfileParts,
    pub(crate) subject: Subject,
    pub(crate) key: u8,
    pub(crate) from: UnixTime,
    pub(crate) until: UnixTime,
}

impl Wish {
    pub(crate) fn new(profile: ProfileParts, subject: Subject, key: u8) -> Self {
        Self { profile, subject, key, from: NOW.plus_seconds(-YEAR), until: NOW.plus_seconds(YEAR) }
    }
}

impl Ca {
    fn root(name: &str, number: u8, owner: &str) -> Self {
        let wish =
            Wish { until: NOW.plus_seconds(30 * YEAR), ..Wish::new(authority(1), named(name), number) };
        Self::of(sign(SignedBy::Itself, number, &wish, 1), number, owner)
    }

    fn below(&self, name: &str, number: u8, until: UnixTime) -> Self {
        let wish = Wish { until, ..Wish::new(authority(0), named(name), number) };
        Self::of(
            sign(SignedBy::Issuer(&self.issuer), self.number, &wish, number),
            number,
            self.issuer.tenant().as_str(),
        )
    }

    pub(crate) fn of(der: Vec<u8>, number: u8, owner: &str) -> Self {
        let certificate = Certificate::from_der(&der).unwrap();
        let window_ends = certificate.validity().not_after();
        let issuer =
            Issuer::new(certificate, tenant(owner), window_ends, PublicationPoints::default()).unwrap();
        Self { number, issuer }
    }

    /// Makes a certificate that no ledger knows of.
    pub(crate) fn certify(&self, wish: &Wish) -> Vec<u8> {
        sign(SignedBy::Issuer(&self.issuer), self.number, wish, wish.key)
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        self.issuer.certificate()
    }
}

pub(crate) fn sign(signed_by: SignedBy<'_>, signer: u8, wish: &Wish, serial: u8) -> Vec<u8> {
    let tbs = draft(&DraftInput {
        signed_by,
        profile: &profile(wish.profile.clone()),
        subject: &wish.subject,
        public_key: &public_key(wish.key),
        serial: &SerialNumber::from_octets(&[0x42, serial]).unwrap(),
        validity: Validity::new(wish.from, wish.until).unwrap(),
        shard: None,
    })
    .unwrap();
    let signature: p256::ecdsa::Signature = key(signer).sign(&tbs);
    assemble(&tbs, &EcdsaSignature::from_fixed(Curve::P256, &signature.to_bytes()).unwrap()).unwrap()
}

/// The CAs: keys 1 to 5.
pub(crate) struct Pki {
    pub(crate) root: Ca,
    pub(crate) operational: Ca,
    pub(crate) infrastructure: Ca,
    /// An operational CA that ends in a year, before any certificate of ten years would.
    pub(crate) ending: Ca,
    pub(crate) manufacturer: Ca,
}

impl Pki {
    /// The numbers of the keys that the signer holds.
    pub(crate) const ONLINE: [u8; 3] = [2, 3, 4];

    pub(crate) fn new() -> Self {
        let root = Ca::root("Grid Root", 1, "grid");
        let long = NOW.plus_seconds(20 * YEAR);
        Self {
            operational: root.below("Grid Operational CA", 2, long),
            infrastructure: root.below("Grid Infrastructure CA", 3, long),
            ending: root.below("Grid Ending CA", 4, NOW.plus_seconds(YEAR)),
            manufacturer: Ca::root("Acme Device CA", 5, "acme"),
            root,
        }
    }
}
