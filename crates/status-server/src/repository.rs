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
use ca_core::scope::{CrlLine, CrlScope};
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

/// The CRL of one line and what is known of it.
type CrlPlace = (CrlStanding, Arc<Document>);

/// Which CRL of a line is served, for whoever watches that a new one comes in time.
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
    issuers: HashMap<KeyRef, Arc<Issuer>>,
    crls: RwLock<HashMap<String, CrlPlace>>,
    certificates: RwLock<HashMap<String, Arc<Document>>>,
}

impl Repository {
    /// Makes the repository of these CAs. It serves no CRL before [`refresh`](Self::refresh) or [`publish`](Self::publish).
    #[must_use]
    pub fn new(folder: CrlFolder, issuers: &[Arc<Issuer>]) -> Self {
        let certificates = issuers.iter().map(|issuer| {
            (certificate_path(&issuer.key()), Arc::new(certificate_document(issuer.certificate())))
        });
        Self {
            folder,
            certificates: RwLock::new(certificates.collect()),
            issuers: issuers.iter().map(|issuer| (issuer.key(), Arc::clone(issuer))).collect(),
            crls: RwLock::default(),
        }
    }

    /// Serves the certificate of a CA from now on: a self-signed one under the path of its key, any other under that of its
    /// key and its issuer's. What is served under a path already stays.
    pub fn serve_certificate(&self, certificate: &Certificate) {
        let mut certificates = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        let path = issued_path(certificate);
        certificates.entry(path).or_insert_with(|| Arc::new(certificate_document(certificate)));
    }

    /// Publishes a complete CRL of all of one of the CAs and serves it from then on.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish(&self, issuer: &KeyRef, octets: &Octets) -> Result<CrlStanding, PublishCrlError> {
        self.publish_in(&CrlLine::complete(*issuer, CrlScope::All), octets)
    }

    /// Publishes a CRL in its line and serves it from then on.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish_in(&self, line: &CrlLine, octets: &Octets) -> Result<CrlStanding, PublishCrlError> {
        let issuer =
            self.issuers.get(&line.issuer).ok_or(PublishCrlError::NotServed { issuer: line.issuer })?;
        let published = self.folder.publish_in(issuer, line, octets)?;
        let act = "read what was published";
        Ok(self.serve(line, &published).map_err(|cause| PublishError::Disk { act, cause })?)
    }

    /// Takes up what is published, by whichever process. Where it cannot be read, what was served before still is.
    ///
    /// # Errors
    /// The first [`ReadPublishedError`], after all CAs were looked at.
    pub fn refresh(&self) -> Result<(), ReadPublishedError> {
        let mut outcome = Ok(());
        for issuer in self.issuers.values() {
            for line in self.folder.lines(&issuer.key())? {
                match self.folder.published_in(issuer, &line) {
                    Ok(Some(published)) => {
                        let path = self.folder.file_of(&line);
                        let served = self.serve(&line, &published).map(drop);
                        let served = served.map_err(|cause| ReadPublishedError::Disk { path, cause });
                        outcome = outcome.and(served);
                    }
                    Ok(None) => {}
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
        }
        outcome
    }

    /// Returns which complete CRL of all of a CA is served, if there is one.
    #[must_use]
    pub fn standing(&self, issuer: &KeyRef) -> Option<CrlStanding> {
        self.standing_of(&CrlLine::complete(*issuer, CrlScope::All))
    }

    /// Returns which CRL of a line is served, if there is one.
    #[must_use]
    pub fn standing_of(&self, line: &CrlLine) -> Option<CrlStanding> {
        let crls = self.crls.read().unwrap_or_else(PoisonError::into_inner);
        crls.get(&line_path(line)).map(|(standing, _)| *standing)
    }

    /// Tells whether a document is served under a path.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.document(path).is_some()
    }

    /// Returns the document under a path, if there is one.
    pub(crate) fn document(&self, path: &str) -> Option<Arc<Document>> {
        let crls = self.crls.read().unwrap_or_else(PoisonError::into_inner);
        match crls.get(path) {
            Some((_, document)) => Some(Arc::clone(document)),
            None => self.certificates.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned(),
        }
    }

    /// Serves a CRL, unless a later one is served already.
    fn serve(&self, line: &CrlLine, published: &PublishedCrl) -> io::Result<CrlStanding> {
        let &PublishedCrl { ref octets, number, this_update, next_update, .. } = published;
        let octets = octets.to_vec().map_err(io::Error::other)?;
        let standing = CrlStanding { number, this_update, next_update };
        let document = Document {
            version: Version::of(&octets, this_update),
            octets: octets.into(),
            media_type: "application/pkix-crl",
            expiry: Expiry::At(next_update),
        };
        let mut crls = self.crls.write().unwrap_or_else(PoisonError::into_inner);
        let path = line_path(line);
        if crls.get(&path).is_none_or(|(served, _)| served.number < number) {
            crls.insert(path, (standing, Arc::new(document)));
        }
        Ok(standing)
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

/// Returns the path of the CRLs of a line; the end of the URI in cRLDistributionPoints or freshestCRL.
#[must_use]
pub fn line_path(line: &CrlLine) -> String {
    line.beside(&crl_path(&line.issuer))
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
