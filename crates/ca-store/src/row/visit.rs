//! The row of a visit: who goes where with which hand-held unit, who approved that, and what was issued on it.

use ca_core::people::PersonId;
use ca_core::record::VisitId;
use ca_core::visits::{Visit, VisitCertificate, VisitPlan};
use der::Sequence;
use der::asn1::OctetString;

use super::waiting::{WireMark, WireRefusal};
use super::{Row, WireId, WirePurpose, fixed, octets, tenant, time, title};
use crate::keyspace::Keyspace;

/// ```text
/// VisitRow ::= SEQUENCE {
///     id            UTF8String,                -- its key again
///     tenant        UTF8String,
///     technician    UTF8String,                -- id of a person
///     unit          OCTET STRING,              -- 8 octets
///     meters        SEQUENCE OF OCTET STRING,  -- 8 octets each, ascending
///     region        UTF8String,                -- empty for none
///     from          Time,
///     until         Time,
///     reason        UTF8String,
///     needed        INTEGER,                   -- how many people must approve
///     digest        Digest,                    -- of tenant ‖ 00 ‖ text of the plan
///     opened        Mark,
///     approvals     SEQUENCE OF Mark,
///     certificates  SEQUENCE OF SEQUENCE { purpose Purpose, id Id },
///     refusal       [0] Refusal OPTIONAL,
///     ended         [1] Refusal OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VisitRow {
    pub(crate) visit: Visit,
}

#[derive(Sequence)]
pub(crate) struct WireVisit {
    id: String,
    tenant: String,
    technician: String,
    unit: OctetString,
    meters: Vec<OctetString>,
    region: String,
    from: i64,
    until: i64,
    reason: String,
    needed: u8,
    digest: OctetString,
    opened: WireMark,
    approvals: Vec<WireMark>,
    certificates: Vec<WireVisitCertificate>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    refusal: Option<WireRefusal>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    ended: Option<WireRefusal>,
}

#[derive(Sequence)]
struct WireVisitCertificate {
    purpose: WirePurpose,
    id: WireId,
}

impl Row for VisitRow {
    type Key = VisitId;
    type Wire = WireVisit;
    const KEYSPACE: Keyspace = Keyspace::Visits;

    fn key(id: &Self::Key) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }

    fn to_wire(&self) -> der::Result<WireVisit> {
        let Visit { id, tenant, plan, digest, opened, approvals, refusal, ended, certificates } = &self.visit;
        let certificate = |one: &VisitCertificate| {
            Ok(WireVisitCertificate { purpose: one.purpose.into(), id: WireId::new(&one.id)? })
        };
        Ok(WireVisit {
            id: id.to_string(),
            tenant: tenant.to_string(),
            technician: plan.technician.to_string(),
            unit: octets(plan.unit.octets())?,
            meters: plan.meters.iter().map(|meter| octets(meter.octets())).collect::<der::Result<_>>()?,
            region: plan.region.clone(),
            from: plan.from.seconds(),
            until: plan.until.seconds(),
            reason: plan.reason.clone(),
            needed: plan.needed,
            digest: octets(digest)?,
            opened: WireMark::new(opened),
            approvals: approvals.iter().map(WireMark::new).collect(),
            certificates: certificates.iter().map(certificate).collect::<der::Result<_>>()?,
            refusal: refusal.as_ref().map(WireRefusal::new),
            ended: ended.as_ref().map(WireRefusal::new),
        })
    }

    fn from_wire(wire: WireVisit) -> Option<Self> {
        let certificate = |one: WireVisitCertificate| {
            Some(VisitCertificate { purpose: one.purpose.into(), id: one.id.id()? })
        };
        let plan = VisitPlan {
            technician: PersonId::parse(&wire.technician).ok()?,
            unit: title(&wire.unit)?,
            meters: wire.meters.iter().map(title).collect::<Option<_>>()?,
            region: wire.region,
            from: time(wire.from),
            until: time(wire.until),
            reason: wire.reason,
            needed: wire.needed,
        };
        let visit = Visit {
            id: VisitId::parse(&wire.id).ok()?,
            tenant: tenant(&wire.tenant)?,
            plan,
            digest: fixed(&wire.digest)?,
            opened: wire.opened.mark(),
            approvals: wire.approvals.into_iter().map(WireMark::mark).collect(),
            refusal: wire.refusal.map(WireRefusal::refusal),
            ended: wire.ended.map(WireRefusal::refusal),
            certificates: wire.certificates.into_iter().map(certificate).collect::<Option<_>>()?,
        };
        Some(Self { visit })
    }
}
