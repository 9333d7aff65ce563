//! What a front end asks of the authority behind it, be that in the same process or elsewhere.
//!
//! The narrowest set: who the authority is, what it issues, a certificate, and a place for refusals. What cannot be asked of an
//! authority elsewhere, such as what a device holds, is asked of the one [at hand](Upstream::at_hand), or not at all.

use core::fmt;

use crate::actor::Actor;
use crate::authority::CertificationAuthority;
use crate::certificate::Certificate;
use crate::fault::Fault;
use crate::issuance::{IssueError, IssuedCertificate};
use crate::ports::Unavailable;
use crate::profile::{CertificateProfile, ProfileId};
use crate::request::EnrolmentRequest;
use crate::serial_number::SerialNumber;
use crate::tenant::TenantId;

/// The authority behind a front end.
pub trait Upstream: fmt::Debug + Send + Sync {
    /// Returns the owner of the authority.
    fn tenant(&self) -> &TenantId;

    /// Returns the authority's certificate.
    fn certificate(&self) -> &Certificate;

    /// Returns a profile that the authority issues under.
    fn profile(&self, profile: &ProfileId) -> Option<&CertificateProfile>;

    /// Asks for a certificate, for the first time or again as the request says. The same request again gets the same certificate.
    ///
    /// # Errors
    /// [`UpstreamError`]; the authority has put the refusal on record.
    fn enrol(&self, request: EnrolmentRequest) -> Result<Granted, UpstreamError>;

    /// Asks for many certificates; answers in order. One refusal does not touch its neighbours.
    fn enrol_batch(&self, requests: Vec<EnrolmentRequest>) -> Vec<Result<Granted, UpstreamError>> {
        requests.into_iter().map(|request| self.enrol(request)).collect()
    }

    /// Records that the front end refused a request before it could become one, such as octets that are no request.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_refusal(&self, actor: &Actor, detail: &str, code: &str) -> Result<(), Unavailable>;

    /// Returns the authority itself, where it is in this process.
    fn at_hand(&self) -> Option<&CertificationAuthority>;
}

impl Upstream for CertificationAuthority {
    fn tenant(&self) -> &TenantId {
        self.issuer().tenant()
    }

    fn certificate(&self) -> &Certificate {
        self.issuer().certificate()
    }

    fn profile(&self, profile: &ProfileId) -> Option<&CertificateProfile> {
        self.offer(profile).map(|offer| &offer.profile)
    }

    fn enrol(&self, request: EnrolmentRequest) -> Result<Granted, UpstreamError> {
        Ok(Self::enrol(self, request)?.into())
    }

    fn enrol_batch(&self, requests: Vec<EnrolmentRequest>) -> Vec<Result<Granted, UpstreamError>> {
        let answers = Self::enrol_batch(self, requests).into_iter();
        answers.map(|answer| answer.map(Granted::from).map_err(UpstreamError::from)).collect()
    }

    fn record_refusal(&self, actor: &Actor, detail: &str, code: &str) -> Result<(), Unavailable> {
        Self::record_refusal(self, actor, detail, code)
    }

    fn at_hand(&self) -> Option<&CertificationAuthority> {
        Some(self)
    }
}

/// A certificate that may be given to whom it is for.
#[derive(Debug)]
pub enum Granted {
    /// It is on record in this process, by type.
    Here(Box<IssuedCertificate>),
    /// An authority elsewhere gave it, under its protection; what was checked of it is the adapter's promise.
    Elsewhere(Box<Certificate>),
}

impl From<IssuedCertificate> for Granted {
    fn from(issued: IssuedCertificate) -> Self {
        Self::Here(Box::new(issued))
    }
}

impl Granted {
    /// Returns the certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        match self {
            Self::Here(issued) => issued.der(),
            Self::Elsewhere(certificate) => certificate.der(),
        }
    }

    /// Returns its serial number.
    #[must_use]
    pub fn serial(&self) -> &SerialNumber {
        match self {
            Self::Here(issued) => &issued.id().serial,
            Self::Elsewhere(certificate) => certificate.serial(),
        }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// For a reason that the authority in this process has; or that it waits, or that it cannot be reached, wherever it is.
    #[error(transparent)]
    NotIssued(#[from] IssueError),
    /// An authority elsewhere refused, and says no more than this.
    #[error("the authority behind this front end refused: {0}")]
    RefusedElsewhere(ElsewhereRefusal),
}

/// What is known of a refusal by an authority elsewhere. Its own record says the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElsewhereRefusal {
    /// Who asks may not have this.
    #[error("who asks may not have this certificate")]
    NotAllowed,
    /// What was shown, or is to be renewed, is revoked.
    #[error("the certificate that was shown is revoked")]
    Revoked,
    /// The request is not signed with its key.
    #[error("possession of the key is not proved")]
    NotPossessed,
    /// The content of the request is not what is certified.
    #[error("what the request asks for is not certified")]
    Content,
    /// It is at odds with what is on record, such as a certificate that there is already.
    #[error("it is at odds with what is on record")]
    Conflict,
}

impl ElsewhereRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAllowed => "upstream.not-allowed",
            Self::Revoked => "upstream.revoked",
            Self::NotPossessed => "upstream.possession",
            Self::Content => "upstream.content",
            Self::Conflict => "upstream.conflict",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::NotAllowed | Self::Revoked | Self::NotPossessed | Self::Content => Fault::Requester,
            Self::Conflict => Fault::Conflict,
        }
    }
}
