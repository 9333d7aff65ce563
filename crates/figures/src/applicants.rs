//! Those who want certificates: keys and certification requests, made beforehand on all processors by rcgen, and dealt out
//! one by one while time is measured.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ca_core::actor::Actor;
use ca_core::csr::CertificationRequest;
use ca_core::profile::ProfileId;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, SigningKey};

/// What somebody shows in a TLS handshake.
#[derive(Clone)]
pub(crate) struct Credential {
    /// DER certificates, its own first.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// PKCS#8 of its key.
    pub(crate) key: Vec<u8>,
}

/// A device with a new key.
pub(crate) struct Applicant {
    pub(crate) title: SystemTitle,
    /// PKCS#8.
    pub(crate) key: Vec<u8>,
    /// DER of its certification request.
    pub(crate) csr: Vec<u8>,
}

impl Applicant {
    fn new(suite: SecuritySuite, title: SystemTitle) -> anyhow::Result<Self> {
        let key = generate(suite)?;
        let csr = device_request(title, &key)?;
        Ok(Self { title, key: key.serialize_der(), csr })
    }

    /// Returns the request that a front end makes of it.
    pub(crate) fn request(&self, actor: &Actor, profile: &ProfileId) -> anyhow::Result<EnrolmentRequest> {
        enrolment(self.title, &self.csr, (actor, profile))
    }
}

/// Returns the request that a front end makes of a device's certification request.
pub(crate) fn enrolment(
    title: SystemTitle,
    csr: &[u8],
    (actor, profile): (&Actor, &ProfileId),
) -> anyhow::Result<EnrolmentRequest> {
    Ok(EnrolmentRequest {
        actor: actor.clone(),
        profile: profile.clone(),
        subject: Subject::device(title),
        evidence: Evidence::Request(Box::new(CertificationRequest::from_der(csr)?)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })
}

/// Makes the certification request of a device.
pub(crate) fn device_request(title: SystemTitle, key: &impl SigningKey) -> anyhow::Result<Vec<u8>> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, DnValue::Utf8String(title.to_string()));
    request(name, &[], key)
}

/// Makes an applicant of each device.
pub(crate) fn applicants(suite: SecuritySuite, titles: Vec<SystemTitle>) -> anyhow::Result<Vec<Applicant>> {
    on_all_processors(titles, |title| Applicant::new(suite, title))
}

/// Makes a key and the certification request of something with a name.
pub(crate) fn named_request(
    suite: SecuritySuite,
    common_name: &str,
    hosts: &[&str],
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let key = generate(suite)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, DnValue::Utf8String("Example".to_owned()));
    name.push(DnType::CommonName, DnValue::Utf8String(common_name.to_owned()));
    Ok((request(name, hosts, &key)?, key.serialize_der()))
}

fn generate(suite: SecuritySuite) -> anyhow::Result<KeyPair> {
    Ok(KeyPair::generate_for(match suite.curve() {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    })?)
}

fn request(name: DistinguishedName, hosts: &[&str], key: &impl SigningKey) -> anyhow::Result<Vec<u8>> {
    let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name = name;
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// Returns how many threads the processors run at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Applies `step` to every item, on all processors; keeps their order.
pub(crate) fn on_all_processors<T: Send, U: Send>(
    items: Vec<T>,
    step: impl Fn(T) -> anyhow::Result<U> + Sync,
) -> anyhow::Result<Vec<U>> {
    let threads = processors();
    let share = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    let shares: Vec<Vec<T>> = (0..threads).map(|_| items.by_ref().take(share).collect()).collect();
    let step = &step;
    thread::scope(|scope| {
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(step).collect::<anyhow::Result<Vec<U>>>()))
            .collect();
        let mut done = Vec::new();
        for worker in workers {
            done.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(done)
    })
}

/// Things to do, taken one by one by whoever is free.
pub(crate) struct Queue<T>(Arc<Mutex<std::vec::IntoIter<T>>>);

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Queue<T> {
    pub(crate) fn new(things: Vec<T>) -> Self {
        Self(Arc::new(Mutex::new(things.into_iter())))
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}
