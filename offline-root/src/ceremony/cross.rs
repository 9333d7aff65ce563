//! `cross-certify`: certifies the issuing CA of another PKI, from a certification request or a root certificate of its own.
//!
//! How far the trust goes is the profile's affair: under a root whose path length is 1 it ends with the CA that is certified.
//! Nothing is copied from what was handed in but name and key. RFC 5280 §3.2, §4.2.1.9.

use std::fmt;
use std::path::PathBuf;

use ca_core::request::Evidence;
use ca_core::subject::Subject;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Ceremony;
use super::certify::{self, Candidate, CertifyError, Delivered};
use crate::fingerprint;
use crate::keys::SecretSource;
use crate::new_file;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct CrossWish {
    /// What shows name and key of the other CA.
    pub(crate) candidate: CrossCandidate,
    /// The SHA-256 of its DER as people compared it (case R-04).
    pub(crate) digest: Option<[u8; 32]>,
    /// The profile, without suite.
    pub(crate) profile: String,
    /// Where the certificate goes, in PEM.
    pub(crate) out: PathBuf,
    pub(crate) secrets: SecretSource,
}

/// A file with what shows that the other CA holds its key.
#[derive(Debug, Clone)]
pub(crate) enum CrossCandidate {
    /// A certification request (RFC 2986).
    Request(PathBuf),
    /// A certificate that the CA signed for itself.
    Root(PathBuf),
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CrossCertified {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) profile: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) path_length: Option<u8>,
    /// SHA-256 of the DER of what was handed in.
    pub(crate) candidate_sha256: String,
    pub(crate) certificate_sha256: String,
    pub(crate) out: PathBuf,
    /// Whether the certificate was made before a power cut and is delivered only now.
    pub(crate) resumed: bool,
}

impl fmt::Display for CrossCertified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The cross-certificate is issued.")?;
        writeln!(f, "  Subject              {}", self.subject)?;
        writeln!(f, "  Serial               {}", self.serial)?;
        writeln!(f, "  Profile              {}", self.profile)?;
        writeln!(f, "  Valid                {} to {}", self.not_before, self.not_after)?;
        if let Some(length) = self.path_length {
            writeln!(f, "  CAs below it         {length}")?;
        }
        writeln!(f, "  Certificate SHA-256  {}", fingerprint::aloud(&self.certificate_sha256))?;
        writeln!(f, "  File                 {}", self.out.display())?;
        write!(f, "Next: publish it where this root is trusted; offline-root revoke ends the trust")
    }
}

/// Certifies another CA.
pub(crate) fn certify(ceremony: &Ceremony, wish: &CrossWish) -> Result<CrossCertified, CertifyError> {
    new_file::check_free(&wish.out)?;
    let profile = certify::profile(ceremony, &wish.profile)?;
    let (subject, key, evidence, digest) = match &wish.candidate {
        CrossCandidate::Request(path) => {
            let csr = certify::read_request(path)?;
            let (subject, key, digest) = (csr.subject().clone(), csr.public_key().clone(), csr.digest());
            (subject, key, Evidence::Request(Box::new(csr)), digest)
        }
        CrossCandidate::Root(path) => {
            let root = certify::read_certificate(path)?;
            let digest = Sha256::digest(root.der()).into();
            (root.subject().clone(), root.public_key().clone(), Evidence::SelfSigned(Box::new(root)), digest)
        }
    };
    let refuse = |code, what, next| certify::refuse(ceremony, CertifyError::Unfit { code, what, next });
    if let Some(expected) = wish.digest.filter(|expected| *expected != digest) {
        let what = format!("it has the SHA-256 {}, not {}", hex::encode(digest), hex::encode(expected));
        return Err(refuse("cross.other-digest", what, "stop, and find out where it comes from"));
    }
    // Under one name a path could not tell the other CA from a generation of this root.
    if subject.matches(ceremony.certificate.subject()) {
        let what = "the other CA has the name of this root".to_owned();
        return Err(refuse(
            "subject.root",
            what,
            "for another generation of this root use: offline-root link",
        ));
    }
    let path_length = profile.parts().path_length;
    let subject = Subject::distinguished(subject);
    let candidate = Candidate { profile, subject, key, evidence };
    let delivered = certify::certify(ceremony, candidate, (&wish.out, &wish.secrets))?;
    Ok(report(ceremony, wish, (path_length, digest), &delivered))
}

fn report(
    ceremony: &Ceremony,
    wish: &CrossWish,
    (path_length, digest): (Option<u8>, [u8; 32]),
    delivered: &Delivered,
) -> CrossCertified {
    let certificate = &delivered.certificate;
    CrossCertified {
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        profile: format!("{}-{}", wish.profile, ceremony.charter.suite.suffix()),
        not_before: certificate.validity().not_before().to_string(),
        not_after: certificate.validity().not_after().to_string(),
        path_length,
        candidate_sha256: hex::encode(digest),
        certificate_sha256: fingerprint::of(certificate.der()),
        out: wish.out.clone(),
        resumed: delivered.resumed,
    }
}
