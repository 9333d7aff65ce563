//! What a device is told of an authority that refused, by `PKIFailureInfo`; and what of it is the front end's own trouble.

use ca_core::issuance::IssueError;
use ca_core::ports::Unavailable;
use ca_core::upstream::{ElsewhereRefusal, UpstreamError};
use cmp_client::{CmpError, PkiFailureInfo, Refusal};

use crate::way::NoAnswer;

/// Which failure tells a device what. The first that is there counts.
const TOLD: [(PkiFailureInfo, ElsewhereRefusal); 11] = [
    (PkiFailureInfo::CertRevoked, ElsewhereRefusal::Revoked),
    (PkiFailureInfo::BadPop, ElsewhereRefusal::NotPossessed),
    (PkiFailureInfo::NotAuthorized, ElsewhereRefusal::NotAllowed),
    (PkiFailureInfo::SignerNotTrusted, ElsewhereRefusal::NotAllowed),
    (PkiFailureInfo::DuplicateCertReq, ElsewhereRefusal::Conflict),
    (PkiFailureInfo::BadCertId, ElsewhereRefusal::Conflict),
    // RFC 9810 §5.2.3: "transaction not permitted", such as a renewal before its time.
    (PkiFailureInfo::BadRequest, ElsewhereRefusal::Conflict),
    (PkiFailureInfo::BadCertTemplate, ElsewhereRefusal::Content),
    (PkiFailureInfo::BadAlg, ElsewhereRefusal::Content),
    (PkiFailureInfo::BadDataFormat, ElsewhereRefusal::Content),
    (PkiFailureInfo::UnacceptedExtension, ElsewhereRefusal::Content),
];

/// Whoever cannot be asked now may be later: the device comes again.
pub(crate) fn unavailable(cause: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> UpstreamError {
    IssueError::from(Unavailable { port: "upstream", cause: cause.into() }).into()
}

impl From<NoAnswer> for UpstreamErrorOf {
    fn from(error: NoAnswer) -> Self {
        Self(unavailable(error))
    }
}

impl From<CmpError> for UpstreamErrorOf {
    fn from(error: CmpError) -> Self {
        if let CmpError::Refused(refusal) = &error
            && let Some(told) = told(refusal)
        {
            tracing::info!(%refusal, "the authority refused a request");
            return Self(UpstreamError::RefusedElsewhere(told));
        }
        tracing::error!(%error, "the authority cannot be asked as it should be");
        Self(unavailable(error))
    }
}

/// An error on its way to the front end.
#[derive(Debug)]
pub(crate) struct UpstreamErrorOf(pub(crate) UpstreamError);

/// A message that is refused as a whole says something of whoever signed it: not of the device, which is to come again.
fn told(refusal: &Refusal) -> Option<ElsewhereRefusal> {
    let about_the_device = refusal.is_proven && !refusal.is_of_message && !refusal.is_passing();
    let first = || TOLD.iter().find(|(failure, _)| refusal.failures.contains(failure)).map(|(_, told)| *told);
    about_the_device.then(first).flatten()
}

/// Tells whether a conversation that was kept is not known any more, so that another is begun.
pub(crate) fn is_forgotten(error: &CmpError) -> bool {
    matches!(error, CmpError::Refused(refusal) if refusal.is_of_message && !refusal.is_passing())
}
