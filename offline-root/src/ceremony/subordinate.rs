//! `sign-subca`: a request file in, a certificate by the whole chain of ca-core, a response file out.
//!
//! The nonce is taken up before anything is signed, the response is checked as its receiver will check it, and it is kept in
//! the directory before it leaves.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::authority::CertificationAuthority;
use ca_core::certificate::{Certificate, CertificateError};
use ca_core::exchange::{
    ExpectedResponse, MessageError, RequestError, ResponseError, ResponseParts, SubordinateRequest,
    SubordinateResponse,
};
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::ports::{Signer, StatusSource, Unavailable};
use ca_core::record::CertificateQuery;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::serial_number::SerialNumber;
use ca_core::signing::SignFailure;
use ca_core::subject::Subject;
use serde::Serialize;
use signer_file::FileSigner;

use super::{Ceremony, OpenRootError};
use crate::charter::{ChooseProfilesError, ProfileChoice};
use crate::exchange_log::{ExchangeError, ExchangeLog};
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::keys::{SecretSource, UnlockError, UnlockedKeys};
use crate::new_file::{self, NewFileError, Readers};
use crate::refusal::{INCIDENT, code_of_issue, exit_of_fault, exit_of_issue, sentence, sentence_of};
use crate::second_opinion::is_incident;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct SubordinateWish {
    /// The file with the request.
    pub(crate) request: PathBuf,
    /// The SHA-256 that people compared, if they did (case R-04).
    pub(crate) digest: Option<[u8; 32]>,
    /// Where the response goes.
    pub(crate) out: PathBuf,
    /// Other settings of the profiles than those of the root.
    pub(crate) profiles: Option<ProfileChoice>,
    pub(crate) secrets: SecretSource,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedSubordinate {
    pub(crate) subject: String,
    pub(crate) serial: String,
    pub(crate) profile: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    pub(crate) certificate_sha256: String,
    pub(crate) request_sha256: String,
    pub(crate) response_sha256: String,
    pub(crate) exchange_key_sha256: String,
    pub(crate) out: PathBuf,
    /// Whether the certificate was made before a power cut and is delivered only now.
    pub(crate) resumed: bool,
    /// Whose shares opened the keys, of a shared root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) opened_by: Vec<String>,
}

impl fmt::Display for SignedSubordinate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The certificate is issued{}.",
            if self.resumed { " (before a power cut, delivered now)" } else { "" }
        )?;
        writeln!(f, "  Subject              {}", self.subject)?;
        writeln!(f, "  Serial               {}", self.serial)?;
        writeln!(f, "  Profile              {}", self.profile)?;
        writeln!(f, "  Valid                {} to {}", self.not_before, self.not_after)?;
        writeln!(f, "  Certificate SHA-256  {}", fingerprint::aloud(&self.certificate_sha256))?;
        writeln!(f, "  Response SHA-256     {}", fingerprint::aloud(&self.response_sha256))?;
        writeln!(f, "  Response             {}", self.out.display())?;
        if !self.opened_by.is_empty() {
            writeln!(f, "  Opened               by {}", self.opened_by.join(", "))?;
        }
        write!(f, "Next: carry the response to the sub-CA within 14 days")
    }
}

/// Signs a sub-CA's certificate.
pub(crate) fn sign(
    ceremony: &Ceremony,
    wish: &SubordinateWish,
) -> Result<SignedSubordinate, SignSubordinateError> {
    new_file::check_free(&wish.out)?;
    let profiles = match &wish.profiles {
        Some(choice) => choice.load()?,
        None => ceremony.profiles.clone(),
    };
    let authority = |signer: Arc<dyn Signer>| ceremony.authority(signer, ceremony.crl_profile()?, &profiles);
    let log = ExchangeLog::open(&ceremony.path);
    // Without keys: a request that is not in order is refused, and the refusal recorded, before anybody unlocks anything.
    let keyless = authority(Arc::new(FileSigner::new()))?;
    let request = examine(ceremony, wish, &log).or_else(|error| record_refusal(ceremony, &keyless, error))?;
    let keys = Arc::new(ceremony.unlock(&[&ceremony.charter.exchange_key], &wish.secrets)?);
    log.take_up(&request)?;
    // A refusal by the chain of issuance is recorded by it.
    let issued = authority(keys.clone())?.enrol(enrolment(ceremony, &request))?;
    let response = respond(ceremony, &request, &issued, &keys)?;
    let text = log.answer(&response)?;
    new_file::create(&wish.out, text.as_bytes(), Readers::Everybody)?;
    let report = report(wish, &request, &response, issued.delivery());
    Ok(SignedSubordinate { opened_by: keys.opened_by().iter().map(ToString::to_string).collect(), ..report })
}

/// Reads the request and checks what no chain of issuance knows of: its age, its digest, its nonce, and that it does not ask
/// for the root's own name.
fn examine(
    ceremony: &Ceremony,
    wish: &SubordinateWish,
    log: &ExchangeLog,
) -> Result<SubordinateRequest, SignSubordinateError> {
    let request = SubordinateRequest::from_file(&read(&wish.request)?)?;
    if let Some(expected) = wish.digest.filter(|expected| *expected != request.digest()) {
        return Err(SignSubordinateError::OtherDigest { found: request.digest(), expected });
    }
    request.check_fresh(ceremony.time.time())?;
    // Two CAs of one name: a path could not tell a new key of the root from a sub-CA.
    if request.subject().matches(ceremony.certificate.subject()) {
        return Err(SignSubordinateError::NameOfTheRoot);
    }
    check_not_closed(ceremony, &request)?;
    log.check_unanswered(&request)?;
    Ok(request)
}

/// A sub-CA that was closed has destroyed its key: nobody can ask for it any more.
fn check_not_closed(ceremony: &Ceremony, request: &SubordinateRequest) -> Result<(), SignSubordinateError> {
    let key = request.csr().public_key().fingerprint();
    let query = CertificateQuery { limit: usize::MAX, ..CertificateQuery::default() };
    let rows = ceremony.ledger.certificates(&query)?;
    let closed =
        rows.iter().find(|row| row.key_fingerprint == key && ceremony.ledger.is_closed(&row.id.serial));
    match closed {
        Some(row) => Err(SignSubordinateError::Closed { serial: row.id.serial.clone() }),
        None => Ok(()),
    }
}

/// Reads a file of at most 64 KiB, twice what a request may have.
fn read(path: &Path) -> Result<Vec<u8>, SignSubordinateError> {
    use std::io::Read;
    let unreadable = |cause| SignSubordinateError::Unreadable { path: path.to_owned(), cause };
    let mut octets = Vec::new();
    fs::File::open(path).and_then(|file| file.take(65_536).read_to_end(&mut octets)).map_err(unreadable)?;
    Ok(octets)
}

fn record_refusal<T>(
    ceremony: &Ceremony,
    authority: &CertificationAuthority,
    error: SignSubordinateError,
) -> Result<T, SignSubordinateError> {
    authority.record_refusal(&ceremony.actor(), &sentence(&error), error.code())?;
    Err(error)
}

fn enrolment(ceremony: &Ceremony, request: &SubordinateRequest) -> EnrolmentRequest {
    EnrolmentRequest {
        actor: ceremony.actor(),
        profile: request.profile().clone(),
        subject: Subject::distinguished(request.subject().clone()),
        evidence: Evidence::Request(Box::new(request.csr().clone())),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    }
}

/// Makes the response and believes it only as its receiver would.
fn respond(
    ceremony: &Ceremony,
    request: &SubordinateRequest,
    issued: &IssuedCertificate,
    keys: &UnlockedKeys,
) -> Result<SubordinateResponse, SignSubordinateError> {
    let signer: &dyn Signer = keys;
    let now = ceremony.time.time();
    let crl = ceremony.ledger.crl_in_force(&ceremony.certificate.public_key().key_ref(), now);
    let response = SubordinateResponse::draft(ResponseParts {
        nonce: *request.nonce(),
        request_digest: request.digest(),
        created: now,
        exchange_key: ceremony.charter.exchange_key.clone(),
        certificate: Certificate::from_der(issued.der())?,
        root: ceremony.certificate.clone(),
        crl: crl.map(|crl| crl.der),
    })?
    .sign(signer)?;
    let exchange_key = ceremony.charter.exchange_key.fingerprint();
    let read = SubordinateResponse::from_der(response.der())?;
    read.verify(&ExpectedResponse { request, exchange_key: &exchange_key, now })?;
    Ok(response)
}

fn report(
    wish: &SubordinateWish,
    request: &SubordinateRequest,
    response: &SubordinateResponse,
    delivery: Delivery,
) -> SignedSubordinate {
    let certificate = &response.parts().certificate;
    SignedSubordinate {
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        profile: request.profile().to_string(),
        not_before: certificate.validity().not_before().to_string(),
        not_after: certificate.validity().not_after().to_string(),
        certificate_sha256: fingerprint::of(certificate.der()),
        request_sha256: hex::encode(request.digest()),
        response_sha256: fingerprint::of(response.der()),
        exchange_key_sha256: fingerprint::of(response.parts().exchange_key.spki_der()),
        out: wish.out.clone(),
        resumed: delivery == Delivery::Repeated,
        opened_by: Vec::new(),
    }
}

/// Why no sub-CA was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignSubordinateError {
    /// The request file cannot be read.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The request is not one.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The request is too old or from the future.
    #[error(transparent)]
    NotFresh(#[from] MessageError),
    /// It is not the request whose digest people compared.
    #[error("the request has the SHA-256 {}, not {}", hex::encode(found), hex::encode(expected))]
    OtherDigest {
        /// Its digest.
        found: [u8; 32],
        /// The one on the command line.
        expected: [u8; 32],
    },
    /// The request asks for the name of the root itself.
    #[error("the request asks for the name of the root itself")]
    NameOfTheRoot,
    /// The sub-CA of this key was closed.
    #[error("the request is for the key of the sub-CA {serial}, which was closed")]
    Closed {
        /// The serial number of its certificate.
        serial: SerialNumber,
    },
    /// The nonce was used, or the exchange cannot be kept.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] NewFileError),
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
    /// The keys cannot be unlocked.
    #[error(transparent)]
    Keys(#[from] UnlockError),
    /// The authority cannot be put together.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// The chain of issuance refused or failed.
    #[error("{}", sentence_of(.0))]
    NotIssued(IssueError),
    /// What was issued cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The response cannot be encoded.
    #[error("the response cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The exchange key did not sign.
    #[error(transparent)]
    NotSigned(#[from] SignFailure),
    /// The receiver would not believe the response.
    #[error("the response made here would not be believed: {0}")]
    NotBelievable(#[from] ResponseError),
    /// The ledger cannot answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

// Not a source: the sentence says it all.
impl From<IssueError> for SignSubordinateError {
    fn from(error: IssueError) -> Self {
        Self::NotIssued(error)
    }
}

impl Explained for SignSubordinateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::Request(error) => exit_of_fault(error.fault()),
            Self::NotFresh(error) => exit_of_fault(error.fault()),
            Self::OtherDigest { .. } | Self::NameOfTheRoot | Self::Closed { .. } => Exit::Refused,
            Self::Exchange(error) => error.exit(),
            Self::Output(error) => error.exit(),
            Self::Profiles(error) => error.exit(),
            Self::Keys(error) => error.exit(),
            Self::Root(error) => error.exit(),
            Self::NotIssued(error) => exit_of_issue(error),
            Self::Certificate(_) | Self::Encode(_) | Self::NotBelievable(_) => Exit::Integrity,
            Self::NotSigned(failure) if is_incident(failure) => Exit::Integrity,
            Self::NotSigned(_) | Self::Unavailable(_) => Exit::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::Request(error) => error.code(),
            Self::NotFresh(error) => error.code(),
            Self::OtherDigest { .. } => "exchange.other-digest",
            Self::NameOfTheRoot => "subject.root",
            Self::Closed { .. } => "subca.closed",
            Self::Exchange(error) => error.code(),
            Self::Output(error) => error.code(),
            Self::Profiles(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Root(error) => error.code(),
            Self::NotIssued(error) => code_of_issue(error),
            Self::Certificate(_) | Self::Encode(_) => "certificate.altered",
            Self::NotSigned(failure) if is_incident(failure) => INCIDENT,
            Self::NotSigned(_) => "signer.unavailable",
            Self::NotBelievable(error) => error.code(),
            Self::Unavailable(_) => "unavailable",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check --request".to_owned(),
            Self::Request(_) | Self::NotFresh(_) | Self::NameOfTheRoot => {
                "have a new request made where the sub-CA runs, and carry it here again".to_owned()
            }
            Self::Closed { .. } => "have a request made for a new sub-CA, with a new key".to_owned(),
            Self::OtherDigest { .. } => {
                "stop: this is not the request that was compared; find out where it comes from".to_owned()
            }
            Self::Exchange(error) => error.next(),
            Self::Output(error) => error.next(),
            Self::Profiles(error) => error.next(),
            Self::Keys(error) => error.next(),
            Self::Root(error) => error.next(),
            Self::NotIssued(error) if exit_of_issue(error) == Exit::Unavailable => {
                "check the token and the disk, then repeat the same command".to_owned()
            }
            Self::NotIssued(_) => "correct the request where the sub-CA runs, and make a new one".to_owned(),
            Self::Certificate(_) | Self::Encode(_) | Self::NotBelievable(_) => {
                "stop, sign nothing more, and have the program examined".to_owned()
            }
            Self::NotSigned(_) | Self::Unavailable(_) => {
                "check the token and the disk, then repeat the same command".to_owned()
            }
        }
    }
}
