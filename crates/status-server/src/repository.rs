//! The repository (RFC 5280 §3): CRLs and CA certificates, each under a path of its own.
//!
//! Serves from memory what [`publish`](crate::publish) has put on disk. A path is looked up as a whole in a map and is never
//! taken apart, so that no request can name a file. Knows no HTTP.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use ca_core::certificate::Certificate;
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::validity::UnixTime;

use crate::caching::Version;
use crate::publish::{CrlFolder, PublishError, PublishedCrl, ReadPublishedError};

/// How long a CA certificate may be given again: it never changes under its path.
const CERTIFICATE_SECONDS: i64 = 86_400;

/// A CRL or a CA certificate as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) octets: Arc<[u8]>,
    pub(crate) media_type: &'static str,
    pub(crate) version: Version,
    pub(crate) expiry: Expiry,
}

/// Until when a document may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Until this time.
    At(UnixTime),
    /// For so many seconds from now.
    In(i64),
}

/// The CRL of one CA and what is known of it.
#[derive(Debug)]
struct CrlPlace {
    issuer: Arc<Issuer>,
    current: RwLock<Option<(CrlStanding, Arc<Document>)>>,
}

/// Which CRL of a CA is served, for whoever watches that a new one comes in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlStanding {
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
}

/// Every document, by its path.
#[derive(Debug)]
pub struct Repository {
    folder: CrlFolder,
    crls: HashMap<String, CrlPlace>,
    certificates: RwLock<HashMap<String, Arc<Document>>>,
}

impl Repository {
    /// Makes the repository of these CAs. It serves no CRL before [`refresh`](Self::refresh) or [`publish`](Self::publish).
    #[must_use]
    pub fn new(folder: CrlFolder, issuers: &[Arc<Issuer>]) -> Self {
        let place =
            |issuer: &Arc<Issuer>| CrlPlace { issuer: Arc::clone(issuer), current: RwLock::default() };
        let crls = issuers.iter().map(|issuer| (crl_path(&issuer.key()), place(issuer)));
        let certificates = issuers.iter().map(|issuer| {
            (certificate_path(&issuer.key()), Arc::new(certificate_document(issuer.certificate())))
        });
        Self { folder, crls: crls.collect(), certificates: RwLock::new(certificates.collect()) }
    }

    /// Serves the certificate of a CA from now on: a self-signed one under the path of its key, any other under that of its
    /// key and its issuer's. What is served under a path already stays.
    pub fn serve_certificate(&self, certificate: &Certificate) {
        let mut certificates = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        let path = issued_path(certificate);
        certificates.entry(path).or_insert_with(|| Arc::new(certificate_document(certificate)));
    }

    /// Publishes a CRL of one of the CAs and serves it from then on.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish(&self, issuer: &KeyRef, octets: &Octets) -> Result<CrlStanding, PublishCrlError> {
        let place = self.place(issuer).ok_or(PublishCrlError::NotServed { issuer: *issuer })?;
        let published = self.folder.publish(&place.issuer, octets)?;
        let act = "read what was published";
        Ok(place.serve(&published).map_err(|cause| PublishError::Disk { act, cause })?)
    }

    /// Takes up what is published, by whichever process. Where it cannot be read, what was served before still is.
    ///
    /// # Errors
    /// The first [`ReadPublishedError`], after all CAs were looked at.
    pub fn refresh(&self) -> Result<(), ReadPublishedError> {
        let mut outcome = Ok(());
        for place in self.crls.values() {
            match self.folder.published(&place.issuer) {
                Ok(Some(published)) => {
                    let path = self.folder.file_of(&place.issuer.key());
                    let served = place.serve(&published).map(drop);
                    let served = served.map_err(|cause| ReadPublishedError::Disk { path, cause });
                    outcome = outcome.and(served);
                }
                Ok(None) => {}
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    /// Returns which CRL of a CA is served, if there is one.
    #[must_use]
    pub fn standing(&self, issuer: &KeyRef) -> Option<CrlStanding> {
        self.place(issuer)?.current().map(|(standing, _)| standing)
    }

    /// Tells whether a document is served under a path.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.document(path).is_some()
    }

    /// Returns the document under a path, if there is one.
    pub(crate) fn document(&self, path: &str) -> Option<Arc<Document>> {
        match self.crls.get(path) {
            Some(place) => place.current().map(|(_, document)| document),
            None => self.certificates.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned(),
        }
    }

    fn place(&self, issuer: &KeyRef) -> Option<&CrlPlace> {
        self.crls.get(&crl_path(issuer))
    }
}

impl CrlPlace {
    /// Serves a CRL, unless a later one is served already.
    fn serve(&self, published: &PublishedCrl) -> io::Result<CrlStanding> {
        let PublishedCrl { octets, number, this_update, next_update } = published;
        let (number, this_update, next_update) = (*number, *this_update, *next_update);
        let octets = octets.to_vec().map_err(io::Error::other)?;
        let standing = CrlStanding { number, this_update, next_update };
        let document = Document {
            version: Version::of(&octets, this_update),
            octets: octets.into(),
            media_type: "application/pkix-crl",
            expiry: Expiry::At(next_update),
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(served, _)| served.number < number) {
            *current = Some((standing, Arc::new(document)));
        }
        Ok(standing)
    }

    fn current(&self) -> Option<(CrlStanding, Arc<Document>)> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn certificate_document(certificate: &Certificate) -> Document {
    let octets = certificate.der();
    Document {
        version: Version::of(octets, certificate.validity().not_before()),
        octets: octets.into(),
        media_type: "application/pkix-cert",
        expiry: Expiry::In(CERTIFICATE_SECONDS),
    }
}

/// Returns the path of the CRLs that a key signs; the end of the URI in cRLDistributionPoints (RFC 5280 §4.2.1.13).
#[must_use]
pub fn crl_path(issuer: &KeyRef) -> String {
    format!("/crl/{issuer}.crl")
}

/// Returns the path of a CA's certificate; the end of the URI in authorityInfoAccess (RFC 5280 §4.2.2.1).
#[must_use]
pub fn certificate_path(issuer: &KeyRef) -> String {
    format!("/ca/{issuer}.cer")
}

/// Returns the path of a CA's certificate by what stands in it. A key that several issuers certified, such as that of a root and
/// its successor (RFC 9810 §4.4), has one path for each.
#[must_use]
pub fn issued_path(certificate: &Certificate) -> String {
    let key = certificate.public_key();
    if certificate.issuer() == certificate.subject()
        && key.verify(certificate.tbs(), certificate.signature()).is_ok()
    {
        return certificate_path(&key.key_ref());
    }
    let issuer = certificate.authority_key_identifier().unwrap_or_default();
    let issuer: String = issuer.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("/ca/{}-by-{issuer}.cer", key.key_ref())
}

/// Why a CRL was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishCrlError {
    /// The repository has no place for this CA.
    #[error("this repository does not serve the CA with key {issuer}")]
    NotServed {
        /// The CA's key.
        issuer: KeyRef,
    },
    /// It could not be put in its place.
    #[error(transparent)]
    NotPublished(#[from] PublishError),
}
