//! What people can do about visits: open, change, approve, refuse, end; and certificates for the hand-held unit of one's own.
//!
//! Which act may follow which is ca-core's, who still may what and what a visit admits the ledger's. A refusal is on record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::people::PersonId;
use ca_core::profile::ProfileId;
use ca_core::record::{CertificateStatus, Mark, VisitId};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_core::visits::{
    Visit, VisitAct, VisitCertificate, VisitChange, VisitConflict, VisitPlan, VisitQuery, VisitStanding,
};

use super::acts::{issued_view, operator, refused, rows, tenant, time, title, unavailable, unknown_state};
use super::production_acts::offering;
use super::routes::{Peer, denied_failure};
use super::wire::CertificateView;
use super::wire::requests::MarkView;
use super::wire::visits::{
    OwnVisitQueryText, VisitCertificateText, VisitCertificateView, VisitDecisionText, VisitEndText,
    VisitPage, VisitPlanText, VisitQueryText, VisitText, VisitView,
};
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn list(system: &System, peer: &Peer, text: &VisitQueryText) -> Result<VisitPage, Failure> {
    page(system, query(system, peer, text)?)
}

/// Lists the visits of whoever asks; a user whom nobody put on record has none.
pub(super) fn list_own(system: &System, peer: &Peer, text: OwnVisitQueryText) -> Result<VisitPage, Failure> {
    let OwnVisitQueryText { tenant, state, after, limit } = text;
    let text = VisitQueryText { tenant, technician: None, state, after, limit };
    let query = query(system, peer, &text)?;
    match PersonId::parse(peer.permit().name()) {
        Ok(own) => page(system, VisitQuery { technician: Some(own), ..query }),
        Err(_) => Ok(VisitPage { visits: Vec::new(), next: None }),
    }
}

fn query(system: &System, peer: &Peer, text: &VisitQueryText) -> Result<VisitQuery, Failure> {
    Ok(VisitQuery {
        tenant: peer.bounded(text.tenant.as_deref())?,
        technician: text.technician.as_deref().map(person).transpose()?,
        standing: text.state.as_deref().map(standing).transpose()?,
        now: system.clock.now(),
        after: text.after.as_deref().map(id).transpose()?,
        limit: rows(text.limit),
    })
}

fn page(system: &System, query: VisitQuery) -> Result<VisitPage, Failure> {
    let found = system.visits.visits(&query).map_err(unavailable)?;
    let next = found.last().filter(|_| found.len() == query.limit).map(|last| last.id.to_string());
    let visits = found.iter().map(|visit| view(system, visit, query.now)).collect::<Result<_, _>>()?;
    Ok(VisitPage { visits, next })
}

pub(super) fn show(system: &System, peer: &Peer, name: &str) -> Result<VisitView, Failure> {
    let visit = find(system, name)?;
    peer.check(&visit.tenant)?;
    view(system, &visit, system.clock.now())
}

pub(super) fn open(system: &System, peer: &Peer, text: &VisitText) -> Result<VisitView, Failure> {
    let owner = tenant(&text.plan.tenant)?;
    peer.check(&owner)?;
    let act = VisitAct::Open(plan(system, &text.plan)?);
    record(system, peer, (&owner, id(&text.id)?, act))
}

pub(super) fn amend(
    system: &System,
    peer: &Peer,
    (name, text): (&str, &VisitPlanText),
) -> Result<VisitView, Failure> {
    let visit = find(system, name)?;
    peer.check(&visit.tenant)?;
    if tenant(&text.tenant)? != visit.tenant {
        let message = "a visit stays that of its tenant";
        return Err(Failure::new(Exit::Usage, "visit.tenant", message).then("end it, and open another"));
    }
    record(system, peer, (&visit.tenant, visit.id, VisitAct::Amend(plan(system, text)?)))
}

pub(super) fn decide(
    system: &System,
    peer: &Peer,
    (name, text): (&str, VisitDecisionText),
) -> Result<VisitView, Failure> {
    let visit = find(system, name)?;
    peer.check(&visit.tenant)?;
    let digest = hex::decode(&text.digest).ok().and_then(|octets| octets.try_into().ok());
    let digest = digest.ok_or_else(|| {
        Failure::new(Exit::Usage, "visit.digest", "a digest has 64 hexadecimal digits")
            .then(format!("meter-pki visit show {}", visit.id))
    })?;
    let act = match text.refused_for {
        None => VisitAct::Approve { digest },
        Some(reason) => VisitAct::Refuse { digest, reason },
    };
    record(system, peer, (&visit.tenant, visit.id, act))
}

pub(super) fn end(
    system: &System,
    peer: &Peer,
    (name, text): (&str, VisitEndText),
) -> Result<VisitView, Failure> {
    let visit = find(system, name)?;
    record(system, peer, (&visit.tenant, visit.id, VisitAct::End { reason: text.reason }))
}

/// Issues a certificate for the hand-held unit of a visit.
pub(super) fn certify(
    system: &System,
    peer: &Peer,
    (name, text): (&str, &VisitCertificateText),
) -> Result<CertificateView, Failure> {
    let visit = find(system, name)?;
    let actor = operator(&visit.tenant, peer)?;
    let unfit = |failure: Failure| refused(system, (&visit.tenant, peer), failure, Vec::new());
    let profile = ProfileId::parse(&text.profile)
        .map_err(|error| unfit(Failure::new(Exit::Usage, "profile.malformed", error)))?;
    let served = offering(system, &visit.tenant, &profile).map_err(unfit)?;
    let unreadable =
        |error: &dyn std::fmt::Display| unfit(Failure::new(Exit::Usage, "request.unreadable", error));
    let request = STANDARD.decode(&text.request).map_err(|error| unreadable(&error))?;
    let request = CertificationRequest::from_der(&request).map_err(|error| unreadable(&error))?;
    let issued = served.certify_on(&visit, actor, (profile, request))?;
    // What it replaced is revoked by now.
    served.notice_revocation();
    issued_view(system, served, &issued.id().serial)
}

fn record(
    system: &System,
    peer: &Peer,
    (owner, visit, act): (&TenantId, VisitId, VisitAct),
) -> Result<VisitView, Failure> {
    let now = system.clock.now();
    let change = VisitChange::new(peer.permit(), (visit, act), owner, now)
        .map_err(|denied| denied_failure(&denied))?;
    let name = change.id.clone();
    let recorded = system.visits.record_visit_change(change).map_err(unavailable)?;
    let visit =
        recorded.map_err(|conflict| refused(system, (owner, peer), failure(&conflict, &name), Vec::new()))?;
    for served in &system.authorities {
        if visit.certificates.iter().any(|one| one.id.issuer == served.key()) {
            served.notice_revocation();
        }
    }
    view(system, &visit, now)
}

fn plan(system: &System, text: &VisitPlanText) -> Result<VisitPlan, Failure> {
    let plan = VisitPlan {
        technician: person(&text.technician)?,
        unit: title(&text.unit)?,
        meters: text.meters.iter().map(|one| title(one)).collect::<Result<_, _>>()?,
        region: text.region.clone(),
        from: time(&text.from)?,
        until: time(&text.until)?,
        reason: text.reason.clone(),
        needed: system.visit_approvals.operators(),
    };
    Ok(plan.in_order())
}

pub(super) fn find(system: &System, name: &str) -> Result<Visit, Failure> {
    let found = system.visits.visit(&id(name)?).map_err(unavailable)?;
    found.ok_or_else(|| {
        let message = format!("there is no visit called {name}");
        Failure::new(Exit::NotFound, "visit.unknown", message).then("meter-pki visit list")
    })
}

fn id(text: &str) -> Result<VisitId, Failure> {
    VisitId::parse(text).map_err(|error| Failure::new(Exit::Usage, "visit.malformed", error))
}

fn person(text: &str) -> Result<PersonId, Failure> {
    PersonId::parse(text).map_err(|error| Failure::new(Exit::Usage, "person.malformed", error))
}

fn standing(text: &str) -> Result<VisitStanding, Failure> {
    let known = || VisitStanding::ALL.map(VisitStanding::name);
    VisitStanding::from_name(text).ok_or_else(|| unknown_state(text, &known()))
}

fn failure(conflict: &VisitConflict, visit: &VisitId) -> Failure {
    let exit = match (conflict, conflict.fault()) {
        (VisitConflict::Unknown, _) => Exit::NotFound,
        (VisitConflict::OwnVisit | VisitConflict::OwnWork | VisitConflict::SamePerson, _) => Exit::Permission,
        (VisitConflict::NotOwned { .. } | VisitConflict::NoTechnician, _) => Exit::Refused,
        (_, Fault::Conflict) => Exit::Conflict,
        (_, Fault::Requester | Fault::Unavailable | Fault::Ours) => Exit::Usage,
    };
    let next = match conflict {
        VisitConflict::OwnVisit | VisitConflict::OwnWork | VisitConflict::SamePerson => {
            "another person types the same".to_owned()
        }
        VisitConflict::NoTechnician => "meter-pki people list".to_owned(),
        VisitConflict::NotOwned { title } => format!("meter-pki device show {title}"),
        VisitConflict::UnitTaken { by } => format!("meter-pki visit show {by}"),
        VisitConflict::Unknown => "meter-pki visit list".to_owned(),
        VisitConflict::Known
        | VisitConflict::Ended { .. }
        | VisitConflict::Refused { .. }
        | VisitConflict::Over
        | VisitConflict::Edited => format!("meter-pki visit show {visit}"),
        VisitConflict::Window { .. }
        | VisitConflict::Meters
        | VisitConflict::Region
        | VisitConflict::Reason => String::new(),
    };
    Failure::new(exit, conflict.code(), conflict).then(next)
}

pub(super) fn view(system: &System, visit: &Visit, now: UnixTime) -> Result<VisitView, Failure> {
    let plan = &visit.plan;
    let certificates = visit.certificates.iter().map(|one| certificate(system, one, now));
    Ok(VisitView {
        id: visit.id.to_string(),
        digest: hex::encode(visit.digest),
        state: visit.standing(now).name().to_owned(),
        plan: VisitPlanText {
            tenant: visit.tenant.to_string(),
            technician: plan.technician.to_string(),
            unit: plan.unit.to_string(),
            meters: plan.meters.iter().map(ToString::to_string).collect(),
            region: plan.region.clone(),
            from: plan.from.to_string(),
            until: plan.until.to_string(),
            reason: plan.reason.clone(),
        },
        needed: plan.needed,
        opened: mark(&visit.opened),
        approvals: visit.approvals.iter().map(mark).collect(),
        refused: visit.refusal.as_ref().map(|(by, _)| mark(by)),
        refused_for: visit.refusal.as_ref().map(|(_, why)| why.clone()),
        ended: visit.ended.as_ref().map(|(by, _)| mark(by)),
        ended_for: visit.ended.as_ref().map(|(_, why)| why.clone()),
        certificates: certificates.collect::<Result<_, _>>()?,
    })
}

fn certificate(
    system: &System,
    one: &VisitCertificate,
    now: UnixTime,
) -> Result<VisitCertificateView, Failure> {
    let stored = system.status.certificate(&one.id).map_err(unavailable)?;
    let status = stored.as_ref().map_or(CertificateStatus::NeverIssued, |stored| stored.status);
    let reason = match status {
        CertificateStatus::Revoked(revocation) => Some(revocation.reason.name().to_owned()),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. }
        | CertificateStatus::Good => None,
    };
    let shown = stored.map(|stored| super::views::certificate(&system.issuer_name(&stored), &stored, now));
    Ok(VisitCertificateView {
        purpose: one.purpose.name().to_owned(),
        issuer: shown.as_ref().map(|shown| shown.issuer.clone()).unwrap_or_default(),
        serial: one.id.serial.to_string(),
        status: shown.as_ref().map_or("unknown", |shown| shown.status.as_str()).to_owned(),
        reason,
        not_after: shown.map(|shown| shown.not_after).unwrap_or_default(),
    })
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}
