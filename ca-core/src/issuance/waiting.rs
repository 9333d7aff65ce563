//! What is asked of the ledger when a request needs the approval of operators: the request as it will be kept, and the record
//! that it waits. Whether it waits is decided in the ledger's transaction.

use sha2::{Digest, Sha256};

use super::ProvenRequest;
use super::origin::EventOrigin;
use crate::audit::{Act, AuditEvent};
use crate::hexadecimal::hexadecimal;
use crate::issuer::SignedBy;
use crate::record::{ApprovalCondition, WaitingRequest};
use crate::registration::approval;
use crate::request::{EnrolmentKind, Evidence};

/// Makes the condition; none for what needs no approval.
pub(super) fn condition(
    signed_by: SignedBy<'_>,
    proven: &ProvenRequest,
    origin: &EventOrigin,
) -> Option<ApprovalCondition> {
    let admitted = &proven.admitted;
    let (needed, SignedBy::Issuer(issuer)) = (admitted.approval?, signed_by) else { return None };
    let (request, profile) = (&admitted.request, &admitted.profile);
    let key_fingerprint = key_asked_for(proven);
    let waiting = WaitingRequest {
        digest: approval::digest(issuer, request, profile, &key_fingerprint, needed.operators),
        tenant: issuer.tenant().clone(),
        issuer: issuer.key(),
        profile: profile.id().clone(),
        profile_version: profile.parts().version,
        subject: request.subject.to_string(),
        names: request.subject.alternative_names.iter().map(ToString::to_string).collect(),
        key_fingerprint,
        requester: request.actor.to_string(),
        again: matches!(request.kind, EnrolmentKind::ReEnrolment { .. }),
        needed: needed.operators,
        requested_at: admitted.now,
        expires_at: admitted.now.plus_seconds(needed.rule.lifetime_seconds),
        approvals: Vec::new(),
        refusal: None,
        answer: None,
    };
    Some(ApprovalCondition {
        event: event(&waiting, &request.evidence, origin),
        request: waiting,
        retry_after_seconds: needed.rule.retry_after_seconds,
        bounds: needed.rule.bounds,
    })
}

/// A key that is made here is another each time the request is repeated: what is approved is that one is made.
fn key_asked_for(proven: &ProvenRequest) -> [u8; 32] {
    match proven.admitted.request.evidence {
        Evidence::MadeHere { .. } => Sha256::digest(b"a key that the server makes").into(),
        Evidence::Request(_)
        | Evidence::Template(_)
        | Evidence::SelfSigned(_)
        | Evidence::OwnSigner { .. } => proven.public_key.fingerprint(),
    }
}

/// The record binds what is approved to the octets of the request that came first.
fn event(waiting: &WaitingRequest, evidence: &Evidence, origin: &EventOrigin) -> AuditEvent {
    let mut event = origin.event_of_request(Act::RequestWaits, waiting.issuer);
    event.tenant = waiting.tenant.clone();
    event.digest = waiting.digest.to_vec();
    let digest = hexadecimal(&waiting.digest);
    event.detail.push_str(&format!("; {digest} needs {} until {}", waiting.needed, waiting.expires_at));
    let mut name = |digest| event.detail.push_str(&format!("; request SHA-256 {}", hexadecimal(&digest)));
    match evidence {
        Evidence::Request(csr) => name(csr.digest()),
        Evidence::Template(request) => name(request.digest()),
        Evidence::MadeHere { .. } => event.detail.push_str("; the server is to make the key"),
        Evidence::SelfSigned(_) | Evidence::OwnSigner { .. } => {}
    }
    event
}
