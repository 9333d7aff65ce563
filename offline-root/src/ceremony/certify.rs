//! What the acts have in common that certify a CA which is there already: reading what is certified, issuing, delivering.
//!
//! The certificate goes by the whole chain of ca-core under one profile, and leaves as a PEM file. A certificate that a power
//! cut kept from being delivered is delivered when the same is asked for again.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::csr::{CertificationRequest, CsrError};
use ca_core::issuance::{Delivery, IssueError};
use ca_core::ports::{StatusSource, Unavailable};
use ca_core::profile::CertificateProfile;
use ca_core::public_key::PublicKey;
use ca_core::record::{CertificateQuery, CertificateStatus};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use der::pem;

use super::{Ceremony, OpenRootError, armour};
use crate::charter::ChooseProfilesError;
use crate::explain::{Exit, Explained};
use crate::keys::{SecretSource, UnlockError};
use crate::new_file::{self, NewFileError, Readers};
use crate::refusal::{code_of_issue, exit_of_issue, sentence, sentence_of};

/// A certificate that lies in its file, and whether it was made before a power cut and is delivered only now.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) certificate: Certificate,
    pub(super) resumed: bool,
}

/// A CA to be certified: under which profile, with which name and key, and what shows that the key is held.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) profile: CertificateProfile,
    pub(super) subject: Subject,
    pub(super) key: PublicKey,
    pub(super) evidence: Evidence,
}

/// Certifies a CA and writes the certificate.
pub(super) fn certify(
    ceremony: &Ceremony,
    candidate: Candidate,
    (out, secrets): (&Path, &SecretSource),
) -> Result<Delivered, CertifyError> {
    let delivered = match linked_before(ceremony, &candidate)? {
        Some(certificate) => Delivered { certificate, resumed: true },
        None => issue(ceremony, candidate, secrets)?,
    };
    let text = armour("CERTIFICATE", delivered.certificate.der())?;
    new_file::create(out, text.as_bytes(), Readers::Everybody)?;
    Ok(delivered)
}

/// Finds the link that was made before: between two roots there is one for good.
fn linked_before(ceremony: &Ceremony, candidate: &Candidate) -> Result<Option<Certificate>, CertifyError> {
    if !candidate.profile.certifies_again() {
        return Ok(None);
    }
    let query = CertificateQuery { limit: usize::MAX, ..CertificateQuery::default() };
    let same = ceremony.ledger.certificates(&query)?.into_iter().find(|row| {
        row.profile == *candidate.profile.id()
            && row.key_fingerprint == candidate.key.fingerprint()
            && row.status == CertificateStatus::Good
    });
    Ok(same.map(|row| Certificate::from_der(&row.certificate)).transpose()?)
}

fn issue(
    ceremony: &Ceremony,
    candidate: Candidate,
    secrets: &SecretSource,
) -> Result<Delivered, CertifyError> {
    let keys = Arc::new(ceremony.unlock(&[], secrets)?);
    let request = EnrolmentRequest {
        actor: ceremony.actor(),
        profile: candidate.profile.id().clone(),
        subject: candidate.subject,
        evidence: candidate.evidence,
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    };
    let repeats = RepeatRule::default();
    let offer = Offer {
        profile: candidate.profile,
        doors: vec![Door::Operator],
        repeats,
        approval: ApprovalRule::default(),
        production: ProductionRule::default(),
    };
    let authority = ceremony.authority_offering(keys, ceremony.crl_profile()?, vec![offer])?;
    let issued = authority.enrol(request)?;
    let resumed = issued.delivery() == Delivery::Repeated;
    Ok(Delivered { certificate: Certificate::from_der(issued.der())?, resumed })
}

/// Reads a certificate in PEM or DER.
pub(crate) fn read_certificate(path: &Path) -> Result<Certificate, CertifyError> {
    Ok(Certificate::from_der(&read(path)?)?)
}

/// Reads a certification request in PEM or DER.
pub(super) fn read_request(path: &Path) -> Result<CertificationRequest, CertifyError> {
    Ok(CertificationRequest::from_der(&read(path)?)?)
}

/// Reads a file of at most 64 KiB, and takes PEM off.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CertifyError> {
    let unreadable = |cause| CertifyError::Unreadable { path: path.to_owned(), cause };
    let mut octets = Vec::new();
    fs::File::open(path).and_then(|file| file.take(65_536).read_to_end(&mut octets)).map_err(unreadable)?;
    let armoured = pem::decode_vec(&octets).map(|(_, der)| der);
    Ok(armoured.unwrap_or(octets))
}

/// Returns a profile for CAs of the suite of the root, by its name without suite.
pub(super) fn profile(ceremony: &Ceremony, name: &str) -> Result<CertificateProfile, ChooseProfilesError> {
    let id = format!("{name}-{}", ceremony.charter.suite.suffix());
    let own = |issuer: &ca_core::profile::ProfileId| issuer.as_str() == ceremony.charter.profile;
    let fits = |profile: &&CertificateProfile| {
        profile.is_authority() && ceremony.profiles.issuers(profile.id().as_str()).iter().any(own)
    };
    ceremony.profiles.certificate(&id).filter(fits).cloned().ok_or_else(|| {
        let known = ceremony.profiles.certificates().filter(fits).map(CertificateProfile::id);
        ChooseProfilesError::Unknown { id, known: super::listed(known) }
    })
}

/// Puts a refusal on record before it is told.
pub(super) fn refuse(ceremony: &Ceremony, error: CertifyError) -> CertifyError {
    match ceremony.record_refusal(&sentence(&error), error.code()) {
        Ok(()) => error,
        Err(unavailable) => unavailable.into(),
    }
}

/// Why a CA was not certified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertifyError {
    /// What is to be certified cannot be read.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// What is to be certified is not what may be.
    #[error("{what}")]
    Unfit {
        /// A stable reason.
        code: &'static str,
        /// What is wrong.
        what: String,
        /// What to do about it.
        next: &'static str,
    },
    /// What was read or issued is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// What was read is no certification request.
    #[error(transparent)]
    Request(#[from] CsrError),
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] NewFileError),
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The key cannot be unlocked.
    #[error(transparent)]
    Keys(#[from] UnlockError),
    /// The authority cannot be put together.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// The chain of issuance refused or failed.
    #[error("{}", sentence_of(.0))]
    NotIssued(IssueError),
    /// A certificate cannot be written as text.
    #[error("a certificate cannot be written as text: {0}")]
    Text(#[from] pem::Error),
    /// The ledger cannot answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

// Not a source: the sentence says it all.
impl From<IssueError> for CertifyError {
    fn from(error: IssueError) -> Self {
        Self::NotIssued(error)
    }
}

impl Explained for CertifyError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Unfit { .. } | Self::Certificate(_) | Self::Request(_) => Exit::Refused,
            Self::Output(error) => error.exit(),
            Self::Profiles(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::Root(error) => error.exit(),
            Self::NotIssued(error) => exit_of_issue(error),
            Self::Text(_) => Exit::Failed,
            Self::Unavailable(_) => Exit::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::Unfit { code, .. } => code,
            Self::Certificate(_) => "certificate.unreadable",
            Self::Request(_) => "request.unreadable",
            Self::Output(error) => error.code(),
            Self::Profiles(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::NotIssued(error) => code_of_issue(error),
            Self::Text(_) => "file.text",
            Self::Unavailable(_) => "unavailable",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::Certificate(_) | Self::Request(_) => {
                "check the name of the file, and look at it with: offline-root show FILE".to_owned()
            }
            Self::Unfit { next, .. } => (*next).to_owned(),
            Self::Output(error) => error.next(),
            Self::Profiles(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::Root(error) => error.next(),
            Self::NotIssued(error) if exit_of_issue(error) == Exit::Unavailable => {
                "check the token and the disk, then repeat the same command".to_owned()
            }
            Self::NotIssued(_) | Self::Text(_) => "correct what the sentence says".to_owned(),
            Self::Unavailable(_) => "check the disk, then repeat the same command".to_owned(),
        }
    }
}
