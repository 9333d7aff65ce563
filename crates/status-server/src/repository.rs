//! The repository (RFC 5280 §3): CRLs and CA certificates, each under a path of its own.
//!
//! Serves what [`publish`](crate::publish) has put on disk, and CA certificates that it was given. A path is looked up as a whole
//! in a map and is never taken apart, so that no request can name a file. Knows no HTTP.

mod certificates;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Arc, PoisonError, RwLock};

use ca_core::certificate::Certificate;
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::validity::UnixTime;
use tokio::sync::watch;

use crate::document::{Document, Expiry};
use crate::publish::{
    CrlFolder, Leaves, PublishError, PublishedCrl, ReadPublishedError, line_named, name_of,
};
pub use certificates::{certificate_path, issued_path, p7c_path};

/// Which CRL is served in a line, for whoever watches that a new one comes in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlStanding {
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
}

/// What stands under a path.
#[derive(Debug, Clone)]
struct Served {
    document: Arc<Document>,
    /// Of a CRL.
    standing: Option<CrlStanding>,
}

/// Every document, by its path.
#[derive(Debug)]
pub struct Repository {
    folder: CrlFolder,
    issuers: HashMap<KeyRef, Arc<Issuer>>,
    documents: RwLock<BTreeMap<String, Served>>,
    changes: watch::Sender<()>,
}

impl Repository {
    /// Makes the repository of these CAs. It serves no CRL before [`refresh`](Self::refresh) or [`publish`](Self::publish).
    #[must_use]
    pub fn new(folder: CrlFolder, issuers: &[Arc<Issuer>]) -> Self {
        let repository = Self {
            folder,
            issuers: issuers.iter().map(|issuer| (issuer.key(), Arc::clone(issuer))).collect(),
            documents: RwLock::default(),
            changes: watch::Sender::new(()),
        };
        for issuer in issuers {
            let document = certificates::single(issuer.certificate());
            repository.serve(certificate_path(&issuer.key()), document, None);
        }
        repository
    }

    /// Serves the certificate of a CA from now on: a self-signed one under the path of its key, any other under that of its
    /// key and its issuer's. What is served under a path already stays.
    pub fn serve_certificate(&self, certificate: &Certificate) {
        let path = issued_path(certificate);
        if !self.serves(&path) {
            self.serve(path, certificates::single(certificate), None);
        }
    }

    /// Serves a CA's certificates and those of its path, in every generation, as one file for whoever builds paths; what was
    /// served so before gives way.
    pub fn serve_path(&self, issuer: &KeyRef, certificates: &[&Certificate]) {
        self.serve(p7c_path(issuer), certificates::several(certificates), None);
    }

    /// Publishes the CRL of all that a CA signed, and serves it from then on.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish(&self, issuer: &KeyRef, octets: impl Read) -> Result<CrlStanding, PublishCrlError> {
        self.publish_in(&whole(issuer), octets)
    }

    /// Publishes a CRL in its line, and serves it from then on.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish_in(&self, line: &CrlLine, octets: impl Read) -> Result<CrlStanding, PublishCrlError> {
        self.publish_where(line, octets, &|_| true)
    }

    /// Publishes a CRL in its line, and serves it from then on, if each entry of the one before that it lacks may leave.
    ///
    /// # Errors
    /// [`PublishCrlError`]; what was served before still is.
    pub fn publish_where(
        &self,
        line: &CrlLine,
        octets: impl Read,
        leaves: Leaves<'_>,
    ) -> Result<CrlStanding, PublishCrlError> {
        let issuer =
            self.issuers.get(&line.issuer).ok_or(PublishCrlError::NotServed { issuer: line.issuer })?;
        Ok(self.serve_crl(line, self.folder.publish_where(line, issuer, octets, leaves)?))
    }

    /// Takes up what is published, by whichever process. Where it cannot be read, what was served before still is.
    ///
    /// # Errors
    /// The first [`ReadPublishedError`], after everything was looked at.
    pub fn refresh(&self) -> Result<(), ReadPublishedError> {
        let mut outcome = Ok(());
        for issuer in self.issuers.values() {
            for line in self.folder.lines(&issuer.key()) {
                match self.folder.published(&line, issuer) {
                    Ok(Some(published)) => {
                        self.serve_crl(&line, published);
                    }
                    Ok(None) => {}
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
        }
        outcome
    }

    /// Returns which CRL of all that a CA signed is served, if there is one.
    #[must_use]
    pub fn standing(&self, issuer: &KeyRef) -> Option<CrlStanding> {
        self.standing_of(&whole(issuer))
    }

    /// Returns which CRL of a line is served, if there is one.
    #[must_use]
    pub fn standing_of(&self, line: &CrlLine) -> Option<CrlStanding> {
        self.read().get(&line_path(line))?.standing
    }

    /// Tells whether a document is served under a path.
    #[must_use]
    pub fn serves(&self, path: &str) -> bool {
        self.read().contains_key(path)
    }

    /// Returns the document under a path, if there is one.
    #[must_use]
    pub fn document(&self, path: &str) -> Option<Arc<Document>> {
        self.read().get(path).map(|served| Arc::clone(&served.document))
    }

    /// Returns the CA that signs what is published under a path below `/crl/`.
    #[must_use]
    pub fn signer_of(&self, path: &str) -> Option<(CrlLine, &Arc<Issuer>)> {
        let line = line_named(path.strip_prefix("/crl/")?)?;
        let issuer = self.issuers.get(&line.issuer)?;
        Some((line, issuer))
    }

    /// Returns every document with its path, in the order of the paths.
    #[must_use]
    pub fn documents(&self) -> Vec<(String, Arc<Document>)> {
        let documents = self.read();
        documents.iter().map(|(path, served)| (path.clone(), Arc::clone(&served.document))).collect()
    }

    /// Returns what is told whenever something else is served than before.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Served>> {
        self.documents.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a CRL, unless a later one is served already.
    fn serve_crl(&self, line: &CrlLine, published: PublishedCrl) -> CrlStanding {
        let PublishedCrl { content, number, this_update, next_update, .. } = published;
        let standing = CrlStanding { number, this_update, next_update };
        // RFC 2585 §4.2.
        let media_type = "application/pkix-crl";
        let document = Document::new(content, media_type, this_update, Expiry::At(next_update), number);
        let served = self.standing_of(line);
        if served.is_none_or(|served| served.number < number) {
            self.serve(line_path(line), document, Some(standing));
        }
        standing
    }

    fn serve(&self, path: String, document: Document, standing: Option<CrlStanding>) {
        let served = Served { document: Arc::new(document), standing };
        let mut documents = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        let newer =
            |before: &Served| before.standing.zip(standing).is_none_or(|(old, new)| old.number < new.number);
        if documents.get(&path).is_none_or(newer) {
            documents.insert(path, served);
        }
        drop(documents);
        self.changes.send_replace(());
    }
}

/// Returns the path of the CRL of all that a key signs; the end of the URI in cRLDistributionPoints (RFC 5280 §4.2.1.13).
#[must_use]
pub fn crl_path(issuer: &KeyRef) -> String {
    line_path(&whole(issuer))
}

/// Returns the path of the CRLs of a line; the end of the URI in cRLDistributionPoints or freshestCRL.
#[must_use]
pub fn line_path(line: &CrlLine) -> String {
    format!("/crl/{}", name_of(line))
}

fn whole(issuer: &KeyRef) -> CrlLine {
    CrlLine::complete(*issuer, CrlScope::All)
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
