//! The only doors into the certification authority: requests to enrol, to revoke, to release. Each carries an actor.
//!
//! Values only; what is decided about them stands in `registration` and `revocation`. No protocol is known here.

use crate::actor::{Actor, DeviceIdentity, Identity, Presented};
use crate::certificate::Certificate;
use crate::csr::{CertificationRequest, KeyRequest, RequestContent, TemplateRequest};
use crate::key_ref::KeyRef;
use crate::made_key::MadePublicKey;
use crate::profile::ProfileId;
use crate::reason::ReasonCode;
use crate::record::CertificateId;
use crate::subject::{Subject, SubjectError};
use crate::validity::UnixTime;

/// A request for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// Who asks.
    pub actor: Actor,
    /// Under which profile. The requester's front end chooses it, never the certification request.
    pub profile: ProfileId,
    /// For whom.
    pub subject: Subject,
    /// For which key, and what shows that it is held.
    pub evidence: Evidence,
    /// For the first time or again.
    pub kind: EnrolmentKind,
    /// For how long, where the profile leaves a choice.
    pub validity_seconds: Option<i64>,
    /// The transaction in which it is asked: there is one certificate for it, whatever is asked how often.
    pub transaction: Option<[u8; 32]>,
}

impl EnrolmentRequest {
    /// The subject that the certification request itself has: where other names are asked for, those it has.
    #[must_use]
    pub fn written_subject(&self) -> &Subject {
        match &self.kind {
            EnrolmentKind::ReEnrolment { former: Some(former), .. } => former,
            EnrolmentKind::ReEnrolment { former: None, .. } | EnrolmentKind::First => &self.subject,
        }
    }
}

/// Returns the subject that a request asks for; when it names none, the device that was authenticated.
///
/// # Errors
/// [`SubjectError`].
pub fn claimed_subject(actor: &Actor, content: &RequestContent) -> Result<Subject, SubjectError> {
    let names = content.alternative_names();
    let unnamed = content.subject().is_empty() && names.is_none();
    match &actor.identity {
        Identity::Device(DeviceIdentity { title, .. }) | Identity::OneTimeToken { title, .. } if unnamed => {
            Ok(Subject::device(*title))
        }
        Identity::Device(_)
        | Identity::OneTimeToken { .. }
        | Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => Subject::read(content.subject(), names),
    }
}

/// Returns for whom a request is, and whether for the first time or again, with the names it repeats where it asks for others.
///
/// RFC 7030 §4.2.2: names change by an attribute that says so, and by nothing else; the request repeats those of the certificate.
///
/// # Errors
/// [`NamesError`].
pub fn asked_names(
    actor: &Actor,
    content: &RequestContent,
    kind: EnrolmentKind,
) -> Result<(Subject, EnrolmentKind), NamesError> {
    let written = claimed_subject(actor, content)?;
    match (content.new_names(), kind) {
        (None, kind) => Ok((written, kind)),
        (Some(new), EnrolmentKind::ReEnrolment { renewed, .. }) => {
            let subject = Subject::read(&new.subject, new.alternative_names.as_deref())?;
            Ok((subject, EnrolmentKind::ReEnrolment { renewed, former: Some(Box::new(written)) }))
        }
        (Some(_), EnrolmentKind::First) => Err(NamesError::NothingToRename),
    }
}

/// Why nobody knows for whom a request is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamesError {
    /// It names a subject that nobody can be.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Other names are asked for, and no certificate is renewed.
    #[error("id-cmc-changeSubjectName changes the names of a certificate that is renewed, and none is")]
    NothingToRename,
}

/// What shows that the key to be certified is held by the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A certification request signed by the key.
    Request(Box<CertificationRequest>),
    /// A template with a proof of possession (RFC 4211).
    Template(Box<TemplateRequest>),
    /// The certificate of a root, which its key has signed.
    SelfSigned(Box<Certificate>),
    /// The key is in our own signer, such as a responder's.
    OwnSigner {
        /// Which key.
        key: KeyRef,
    },
    /// The key was made here for the subject (RFC 7030 §4.4).
    MadeHere {
        /// Its public half.
        key: MadePublicKey,
        /// What was asked for.
        request: Box<KeyRequest>,
    },
}

/// Whether a subject enrols for the first time or again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolmentKind {
    /// The first certificate for subject, purpose and hierarchy (RFC 7030 §4.2.1).
    First,
    /// A successor of a certificate it has (RFC 7030 §4.2.2): renewal with the same key, re-key with another.
    ReEnrolment {
        /// The certificate to be succeeded, if the subject itself asks; a registration authority need not show it.
        renewed: Option<Box<Presented>>,
        /// The names that the request repeats of that certificate, where it asks for others (RFC 6402 §2.8).
        former: Option<Box<Subject>>,
    },
}

/// A request to revoke a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRequest {
    /// Who asks.
    pub actor: Actor,
    /// Which certificate.
    pub id: CertificateId,
    /// Why.
    pub reason: ReasonCode,
    /// Since when the key is suspected, if known (RFC 5280 §5.3.2).
    pub invalidity_date: Option<UnixTime>,
}

/// A request to release a certificate from hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// Who asks.
    pub actor: Actor,
    /// Which certificate.
    pub id: CertificateId,
}
