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

/// An error on its way to the front end, made of whatever went wrong.
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

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::fault::Fault;

    fn refusal(failure: PkiFailureInfo, (is_of_message, is_proven): (bool, bool)) -> CmpError {
        let text = vec!["the certificate is not issued".to_owned()];
        CmpError::Refused(Refusal { status: 2, failures: vec![failure], text, is_of_message, is_proven })
    }

    fn told_of(error: CmpError) -> UpstreamError {
        UpstreamErrorOf::from(error).0
    }

    fn is_unavailable(error: &UpstreamError) -> bool {
        matches!(error, UpstreamError::NotIssued(error) if error.fault() == Fault::Unavailable)
    }

    // RFC 9483 §3.6.4: what an answer says of the request is told; all else may pass, and is nobody's fault who asks.
    #[test]
    fn a_device_is_told_what_concerns_it_and_to_come_again_otherwise() {
        for failure in PkiFailureInfo::ALL.iter().copied() {
            let told = told_of(refusal(failure, (false, true)));
            match TOLD.iter().find(|(known, _)| *known == failure) {
                Some((_, expected)) => {
                    assert!(
                        matches!(told, UpstreamError::RefusedElsewhere(told) if told == *expected),
                        "{failure:?}"
                    );
                }
                None => assert!(is_unavailable(&told), "{failure:?}"),
            }
            // Of the front end, or by whoever answered.
            assert!(is_unavailable(&told_of(refusal(failure, (true, true)))), "{failure:?}");
            assert!(is_unavailable(&told_of(refusal(failure, (false, false)))), "{failure:?}");
        }
        for error in [CmpError::Unproven("its signature is wrong".to_owned()), CmpError::Answer("none")] {
            assert!(is_unavailable(&told_of(error)));
        }
    }

    #[test]
    fn a_conversation_that_the_authority_does_not_know_is_begun_anew() {
        assert!(is_forgotten(&refusal(PkiFailureInfo::BadRequest, (true, true))));
        assert!(!is_forgotten(&refusal(PkiFailureInfo::SystemUnavail, (true, true))));
        assert!(!is_forgotten(&refusal(PkiFailureInfo::NotAuthorized, (false, true))));
    }
}
