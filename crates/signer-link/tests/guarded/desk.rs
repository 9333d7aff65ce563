//! A desk of the tests: an authority's key, a responder's, one of checkpoints and one of messages, and a clock that stands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::{Issuer, PublicationPoints, SignedBy};
use ca_core::key_ref::KeyRef;
use ca_core::ocsp::IssuerHashes;
use ca_core::octets::Octets;
use ca_core::oid;
use ca_core::ports::{Clock, SignError, Signer};
use ca_core::public_key::PublicKey;
use ca_core::serial_number::SerialNumber;
use ca_core::signature::EcdsaSignature;
use ca_core::signing::assemble;
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use ca_core::tenant::TenantId;
use ca_core::validity::{UnixTime, Validity};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use policies::{ProfileSet, Settings};
use signer_link::charter::{AuthorityCharter, KeyCharter, Purpose, Rates};
use signer_link::denial::Denial;
use signer_link::desk::{Asker, SigningDesk as _};
use signer_link::guarded::{GuardedDesk, Means};
use signer_link::log::{LogPlan, OpenLogError, Record, SegmentBounds, read_segments};

/// 2026-11-21T10:00:00Z.
pub(crate) const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

pub(crate) const CRL_URI: &str = "http://pki.example/ca.crl";
pub(crate) const ORIGIN: &str = "example.org/log";

/// The keys, by their numbers.
pub(crate) const AUTHORITY: u8 = 1;
pub(crate) const RESPONDER: u8 = 2;
pub(crate) const NOTARY: u8 = 3;
pub(crate) const MESSENGER: u8 = 4;
pub(crate) const STRANGER: u8 = 5;

fn private(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

pub(crate) fn public(number: u8) -> PublicKey {
    let point = private(number).verifying_key().to_sec1_point(false);
    PublicKey::from_point(Curve::P256, point.as_bytes()).unwrap()
}

pub(crate) fn key(number: u8) -> KeyRef {
    public(number).key_ref()
}

/// What becomes of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// An octet is another.
    Corrupted,
    /// It is by the key of this number.
    ByAnother(u8),
    /// There is none.
    Unavailable,
}

struct Keys(BTreeMap<KeyRef, u8>, Mutex<Fault>);

impl Signer for Keys {
    fn public_key(&self, key: &KeyRef) -> Result<PublicKey, SignError> {
        self.0.get(key).map(|number| public(*number)).ok_or(SignError::KeyNotFound { key: *key })
    }

    fn sign(&self, key: &KeyRef, message: &[u8]) -> Result<EcdsaSignature, SignError> {
        let number = *self.0.get(key).ok_or(SignError::KeyNotFound { key: *key })?;
        let fault = *self.1.lock().unwrap();
        let number = if let Fault::ByAnother(other) = fault { other } else { number };
        if fault == Fault::Unavailable {
            return Err(SignError::unavailable("unplugged"));
        }
        let signature: p256::ecdsa::Signature = private(number).sign(message);
        let mut octets = signature.to_bytes().to_vec();
        if fault == Fault::Corrupted {
            octets[40] ^= 1;
        }
        Ok(EcdsaSignature::from_fixed(Curve::P256, &octets).unwrap())
    }

    fn check_at_hand(&self, _: &KeyRef) -> Result<(), SignError> {
        if *self.1.lock().unwrap() == Fault::Unavailable {
            return Err(SignError::unavailable("unplugged"));
        }
        Ok(())
    }
}

struct Standing(Mutex<UnixTime>);

impl Clock for Standing {
    fn now(&self) -> UnixTime {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    keys: Arc<Keys>,
    clock: Arc<Standing>,
    pub(crate) profiles: ProfileSet,
    pub(crate) issuer: Issuer,
    /// When its log goes on in another file.
    pub(crate) segment: SegmentBounds,
    desk: Option<GuardedDesk>,
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    let attributes =
        [(oid::COUNTRY_NAME, "NL"), (oid::ORGANIZATION_NAME, "Grid"), (oid::COMMON_NAME, common_name)];
    DistinguishedName::from_attributes(&attributes).unwrap()
}

/// The authority: self-signed, so that there is no more to be made than itself.
fn issuer(profiles: &ProfileSet) -> Issuer {
    let profile = profiles.certificate("root-30y-s1").unwrap();
    let (public_key, serial) = (public(AUTHORITY), SerialNumber::from_octets(&[0x11; 16]).unwrap());
    let tbs = draft(&DraftInput {
        signed_by: SignedBy::Itself,
        profile,
        subject: &Subject::distinguished(name("CA")),
        public_key: &public_key,
        serial: &serial,
        validity: Validity::new(NOW.plus_seconds(-86_400), NOW.plus_seconds(30 * 365 * 86_400)).unwrap(),
        shard: None,
    });
    let tbs = tbs.unwrap();
    let keys = Keys([(key(AUTHORITY), AUTHORITY)].into(), Mutex::new(Fault::None));
    let der = assemble(&tbs, &keys.sign(&key(AUTHORITY), &tbs).unwrap()).unwrap();
    let points = PublicationPoints {
        crl: Some(CRL_URI.into()),
        ca_issuers: Some("http://pki.example/ca.cer".into()),
        ocsp: Some("http://pki.example/ocsp".into()),
    };
    let certificate = Certificate::from_der(&der).unwrap();
    let window = certificate.validity().not_after();
    Issuer::new(certificate, TenantId::parse("grid").unwrap(), window, points).unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        let profiles = ProfileSet::load_embedded(&Settings::default()).unwrap();
        let issuer = issuer(&profiles);
        let numbers = [AUTHORITY, RESPONDER, NOTARY, MESSENGER, STRANGER];
        let keys = numbers.into_iter().map(|number| (key(number), number)).collect();
        let mut bench = Self {
            folder: tempfile::tempdir().unwrap(),
            keys: Arc::new(Keys(keys, Mutex::new(Fault::None))),
            clock: Arc::new(Standing(Mutex::new(NOW))),
            profiles,
            issuer,
            segment: SegmentBounds::default(),
            desk: None,
        };
        bench.open(Rates::default()).unwrap();
        bench
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("signatures.log")
    }

    /// Starts the signer again, with other bounds.
    pub(crate) fn open(&mut self, rates: Rates) -> Result<(), OpenLogError> {
        self.desk = None;
        let charter = |number, purpose| KeyCharter { key: key(number), purpose, rates };
        let authority = AuthorityCharter {
            issuer: self.issuer.clone(),
            linter: policies::lint::linter(),
            profiles: ["ra-station-s1", "ra-operator-s1"]
                .map(|id| self.profiles.certificate(id).unwrap().clone())
                .to_vec(),
            crl_profiles: vec![*self.profiles.crl("crl-online").unwrap()],
        };
        let hashes = Box::new(IssuerHashes::of(&self.issuer));
        let charters = vec![
            charter(AUTHORITY, Purpose::Authority(Box::new(authority))),
            charter(RESPONDER, Purpose::Responder { issuer: key(AUTHORITY), hashes }),
            charter(NOTARY, Purpose::Checkpoint { origin: ORIGIN.into() }),
            charter(MESSENGER, Purpose::Messages),
        ];
        let means =
            Means { signer: self.keys.clone(), clock: self.clock.clone(), tokens: Arc::new(Vec::new) };
        let plan = LogPlan { path: self.log(), segment: self.segment };
        self.desk = Some(GuardedDesk::open(means, charters, plan, Box::new(|_| ()))?);
        Ok(())
    }

    pub(crate) fn set_clock(&self, now: UnixTime) {
        *self.clock.0.lock().unwrap() = now;
    }

    pub(crate) fn break_keys(&self, fault: Fault) {
        *self.keys.1.lock().unwrap() = fault;
    }

    pub(crate) fn desk(&self) -> &GuardedDesk {
        self.desk.as_ref().unwrap()
    }

    pub(crate) fn sign(&self, number: u8, octets: &[u8]) -> Result<EcdsaSignature, Denial> {
        let signature = self.desk().sign(Asker { user: 7 }, &key(number), Octets::from(octets.to_vec()))?;
        public(number).verify(octets, &signature).unwrap();
        Ok(signature)
    }

    /// Signs what must be refused, and returns under which code, as the log has it too.
    pub(crate) fn refused(&self, number: u8, octets: &[u8]) -> String {
        let denial = self.sign(number, octets).unwrap_err();
        let last = self.records().pop().unwrap().entry;
        assert_eq!((last.outcome, last.key), (denial.code.clone(), key(number)), "{denial}");
        denial.code
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        read_segments(&[self.log()], 1, |record, _| records.push(record.clone())).unwrap();
        records
    }
}

/// Puts a DER value together.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ 0..=0x7F] => vec![tag, short],
        [0, short] => vec![tag, 0x81, short],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [header.as_slice(), content].concat()
}
