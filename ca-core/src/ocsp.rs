//! Answers to "is this certificate revoked?": from committed rows of the ledger to a signed OCSP response (RFC 6960).
//!
//! Signed by a delegated responder, never by the CA. Says "good" of nothing but certificates that are known to be issued.
//! Transport and keeping of answers are the responder's, outside; who revokes, and when, is decided in `revocation`.

use core::fmt;

use der::Encode;

mod cert_id;
#[cfg(test)]
pub(crate) mod doubles;
mod identity;
mod malformed;
mod request;
mod response;
mod response_data;
mod statuses;
#[cfg(test)]
mod tests;
mod told;
mod usual;

pub use cert_id::{CertId, CertIdHash, IssuerHashes};
pub use identity::{ResponderIdentity, ResponderIdentityError};
pub use malformed::DecodeRequestError;
pub use request::{Nonce, OcspRequest};
pub use response::ErrorStatus;
pub use statuses::{CertStatus, ReadStatuses};
pub use told::ToldResponse;
pub use usual::usual_requests;

use crate::fault::Fault;
use crate::ports::{Clock, SignError, Signer, StatusSource, Unavailable};
use crate::profile::OcspProfile;
use crate::signing::{IntegerLength, SignFailure, sign_verified};
use crate::validity::{UnixTime, Validity};
use response_data::{ResponseData, SingleResponse, response_extensions};

/// By whom answers are given, and with what.
#[derive(Clone, Copy)]
pub struct OcspContext<'a> {
    /// The responder, and with it the CA that delegated its answers to it.
    pub responder: &'a ResponderIdentity,
    /// How long answers are valid.
    pub profile: &'a OcspProfile,
    /// The clock, asked once.
    pub clock: &'a dyn Clock,
    /// Where the statuses come from.
    pub status: &'a dyn StatusSource,
    /// Holds the responder's key.
    pub signer: &'a dyn Signer,
}

impl fmt::Debug for OcspContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OcspContext")
            .field("responder", &self.responder.key())
            .field("profile", self.profile)
            .finish_non_exhaustive()
    }
}

/// Answers a request: statuses read, response drafted, signed, verified.
///
/// # Errors
/// [`RespondError`]; [`RespondError::status`] is what the requester is told.
pub fn respond(context: &OcspContext<'_>, request: &OcspRequest) -> Result<OcspResponse, RespondError> {
    ReadStatuses::of(context, request)?.sign(context)
}

/// A drafted `ResponseData`.
struct DraftResponse {
    statuses: Vec<CertStatus>,
    this_update: UnixTime,
    next_update: UnixTime,
    tbs: Vec<u8>,
}

impl DraftResponse {
    fn new(context: &OcspContext<'_>, read: ReadStatuses<'_>) -> Result<Self, RespondError> {
        let (request, now, statuses) = read.into_parts();
        let validity = context.responder.validity();
        // RFC 6960 §4.2.2.1: thisUpdate and producedAt are not in the future, and nextUpdate lies after them; none is beyond
        // what the responder's certificate can stand for. A moment too late and nothing is signed.
        if !validity.contains(now) || now == validity.not_after() {
            return Err(RespondError::ResponderNotValid { now, validity });
        }
        let next_update = now.plus_seconds(context.profile.validity_seconds()).min(validity.not_after());
        let cutoff = archive_cutoff(context, now);
        let responses = request
            .certificates()
            .iter()
            .zip(&statuses)
            .map(|(certificate, status)| {
                SingleResponse::new(certificate, *status, (now, next_update), cutoff)
            })
            .collect::<der::Result<_>>()?;
        let extensions = response_extensions(request.nonce(), &statuses)?;
        let tbs = ResponseData::new(&context.responder.key(), now, responses, extensions)?.to_der()?;
        Ok(Self { statuses, this_update: now, next_update, tbs })
    }

    fn sign(self, context: &OcspContext<'_>) -> Result<OcspResponse, RespondError> {
        let certificate = context.responder.certificate();
        let key = context.responder.key();
        let made =
            sign_verified(context.signer, &key, certificate.public_key(), &self.tbs, IntegerLength::Any)?;
        let der = response::successful(&self.tbs, &made.signature, certificate)?;
        let Self { statuses, this_update, next_update, .. } = self;
        Ok(OcspResponse { der, statuses, this_update, next_update })
    }
}

/// Since when it is remembered what was revoked. RFC 6960 §4.4.4: where that has an end, it is producedAt less the interval
/// for which statuses are retained, whatever the profile of a certificate says.
fn archive_cutoff(context: &OcspContext<'_>, now: UnixTime) -> UnixTime {
    let first = context.responder.archive_cutoff();
    context.profile.expired_answered_seconds().map_or(first, |seconds| first.max(now.plus_seconds(-seconds)))
}

/// A signed answer, with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspResponse {
    der: Vec<u8>,
    statuses: Vec<CertStatus>,
    this_update: UnixTime,
    next_update: UnixTime,
}

impl OcspResponse {
    /// Returns the DER octets of the `OCSPResponse`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the statuses told, in the order of the request; at least one.
    #[must_use]
    pub fn statuses(&self) -> &[CertStatus] {
        &self.statuses
    }

    /// Returns thisUpdate, which is also producedAt.
    #[must_use]
    pub const fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// Returns nextUpdate.
    #[must_use]
    pub const fn next_update(&self) -> UnixTime {
        self.next_update
    }
}

/// Why a request has no signed answer.
#[derive(Debug, thiserror::Error)]
pub enum RespondError {
    /// None of the certificates is of the issuer answered for.
    #[error("none of the certificates asked for is of an issuer that this responder answers for")]
    ForeignIssuer,
    /// The responder's certificate, or its issuer's, is not yet or no longer valid.
    #[error(
        "it is {now}, but the responder's certificate and its issuer's are valid from {} to {}: renew it",
        validity.not_before(),
        validity.not_after()
    )]
    ResponderNotValid {
        /// The present.
        now: UnixTime,
        /// When both certificates are valid.
        validity: Validity,
    },
    /// A value cannot be encoded, such as a time before 1970.
    #[error("the OCSP response cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// There is no usable signature.
    #[error("the OCSP response was not signed: {0}")]
    NotSigned(#[from] SignFailure),
    /// The ledger cannot answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RespondError {
    /// Returns what the requester is told (RFC 6960 §2.3).
    #[must_use]
    pub const fn status(&self) -> ErrorStatus {
        match self {
            Self::ForeignIssuer => ErrorStatus::Unauthorized,
            Self::ResponderNotValid { .. }
            | Self::NotSigned(SignFailure::Signer(_))
            | Self::Unavailable(_) => ErrorStatus::TryLater,
            Self::Encode(_)
            | Self::NotSigned(SignFailure::DoesNotVerify { .. } | SignFailure::NeverFullLength { .. }) => {
                ErrorStatus::InternalError
            }
        }
    }

    /// Returns the stable reason code, the same in log and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ForeignIssuer => "ocsp.foreign-issuer",
            Self::ResponderNotValid { .. } => "ocsp.responder-not-valid",
            Self::Encode(_) => "ocsp.encoding",
            Self::NotSigned(SignFailure::Signer(SignError::Refused { .. })) => "signer.refused",
            Self::NotSigned(SignFailure::Signer(_)) => "signer.unavailable",
            Self::NotSigned(SignFailure::DoesNotVerify { .. } | SignFailure::NeverFullLength { .. }) => {
                "signer.broken"
            }
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::ForeignIssuer => Fault::Requester,
            Self::NotSigned(SignFailure::Signer(
                SignError::Unavailable { .. } | SignError::OutcomeUnknown { .. },
            ))
            | Self::Unavailable(_) => Fault::Unavailable,
            Self::ResponderNotValid { .. } | Self::Encode(_) | Self::NotSigned(_) => Fault::Ours,
        }
    }
}
