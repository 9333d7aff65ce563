//! The row of a request that waits for the approval of operators.

use ca_core::key_ref::KeyRef;
use ca_core::record::{Mark, WaitingRequest};
use der::asn1::OctetString;
use der::{Enumerated, Sequence};

use super::{Row, WireId, fixed, octets, profile, tenant, time};
use crate::keyspace::Keyspace;

/// ```text
/// WaitingRow ::= SEQUENCE {
///     digest          Digest,         -- its key again
///     tenant          UTF8String,
///     issuer          OCTET STRING,   -- 20 octets
///     profile         UTF8String,
///     profileVersion  INTEGER,
///     subject         UTF8String,
///     names           SEQUENCE OF UTF8String,
///     keyFingerprint  Digest,         -- of the SubjectPublicKeyInfo
///     requester       UTF8String,
///     kind            ENUMERATED { first(0), again(1) },
///     needed          INTEGER,        -- how many operators
///     requestedAt     Time,
///     expiresAt       Time,
///     approvals       SEQUENCE OF Mark,
///     refusal         [0] Refusal OPTIONAL,
///     answer          [1] Id OPTIONAL }   -- the certificate, or the intent to make it
/// Mark    ::= SEQUENCE { by UTF8String, at Time }
/// Refusal ::= SEQUENCE { mark Mark, reason UTF8String }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitingRow {
    pub(crate) request: WaitingRequest,
}

#[derive(Sequence)]
pub(crate) struct WireWaiting {
    digest: OctetString,
    tenant: String,
    issuer: OctetString,
    profile: String,
    profile_version: u32,
    subject: String,
    names: Vec<String>,
    key_fingerprint: OctetString,
    requester: String,
    kind: WireKind,
    needed: u8,
    requested_at: i64,
    expires_at: i64,
    approvals: Vec<WireMark>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    refusal: Option<WireRefusal>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    answer: Option<WireId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireKind {
    First = 0,
    Again = 1,
}

#[derive(Sequence)]
pub(crate) struct WireMark {
    by: String,
    at: i64,
}

#[derive(Sequence)]
pub(crate) struct WireRefusal {
    mark: WireMark,
    reason: String,
}

impl WireRefusal {
    pub(super) fn new((mark, reason): &(Mark, String)) -> Self {
        Self { mark: WireMark::new(mark), reason: reason.clone() }
    }

    pub(super) fn refusal(self) -> (Mark, String) {
        (self.mark.mark(), self.reason)
    }
}

impl WireMark {
    pub(super) fn new(mark: &Mark) -> Self {
        Self { by: mark.by.clone(), at: mark.at.seconds() }
    }

    pub(super) fn mark(self) -> Mark {
        Mark { by: self.by, at: time(self.at) }
    }
}

impl Row for WaitingRow {
    type Key = [u8; 32];
    type Wire = WireWaiting;
    const KEYSPACE: Keyspace = Keyspace::Waiting;

    fn key(digest: &Self::Key) -> Vec<u8> {
        digest.to_vec()
    }

    fn to_wire(&self) -> der::Result<WireWaiting> {
        let request = &self.request;
        Ok(WireWaiting {
            digest: octets(&request.digest)?,
            tenant: request.tenant.to_string(),
            issuer: octets(request.issuer.octets())?,
            profile: request.profile.to_string(),
            profile_version: request.profile_version,
            subject: request.subject.clone(),
            names: request.names.clone(),
            key_fingerprint: octets(&request.key_fingerprint)?,
            requester: request.requester.clone(),
            kind: if request.again { WireKind::Again } else { WireKind::First },
            needed: request.needed,
            requested_at: request.requested_at.seconds(),
            expires_at: request.expires_at.seconds(),
            approvals: request.approvals.iter().map(WireMark::new).collect(),
            refusal: request.refusal.as_ref().map(WireRefusal::new),
            answer: request.answer.as_ref().map(WireId::new).transpose()?,
        })
    }

    fn from_wire(wire: WireWaiting) -> Option<Self> {
        let answer = match &wire.answer {
            Some(id) => Some(id.id()?),
            None => None,
        };
        let request = WaitingRequest {
            digest: fixed(&wire.digest)?,
            tenant: tenant(&wire.tenant)?,
            issuer: KeyRef::new(fixed(&wire.issuer)?),
            profile: profile(&wire.profile)?,
            profile_version: wire.profile_version,
            subject: wire.subject,
            names: wire.names,
            key_fingerprint: fixed(&wire.key_fingerprint)?,
            requester: wire.requester,
            again: wire.kind == WireKind::Again,
            needed: wire.needed,
            requested_at: time(wire.requested_at),
            expires_at: time(wire.expires_at),
            approvals: wire.approvals.into_iter().map(WireMark::mark).collect(),
            refusal: wire.refusal.map(WireRefusal::refusal),
            answer,
        };
        Some(Self { request })
    }
}
