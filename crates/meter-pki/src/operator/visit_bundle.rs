//! What a technician takes along where there is no coverage: the visit, the certificates and CRLs that his unit needs, and the
//! units that are shut out; signed, and with an end of its own.
//!
//! Decides nothing: all of it is on record, and is no more than anybody may know.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::Act;
use ca_core::key_ref::KeyRef;
use ca_core::profile::Hierarchy;
use ca_core::record::{CertificateId, CertificateQuery, CertificateStatus, CrlRecord};
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::validity::UnixTime;
use ca_core::visits::{Visit, VisitStanding};
use sha2::{Digest, Sha256};

use super::acts::{event, refused, unavailable};
use super::routes::Peer;
use super::visit_acts::{find, view};
use super::wire::visits::{BundleContent, BundleCrl, BundleView, RevokedUnit};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// What the form of the content is called.
const FORM: &str = "meter-pki-visit-bundle-1";

/// The most units that are listed as revoked.
const MAX_REVOKED: usize = 10_000;

/// How many revoked serial numbers are read at a time.
const PAGE: usize = 1_024;

pub(super) fn make(system: &System, peer: &Peer, name: &str) -> Result<BundleView, Failure> {
    let visit = find(system, name)?;
    peer.check(&visit.tenant)?;
    let now = system.clock.now();
    may_have_it(&visit, peer, now)
        .map_err(|failure| refused(system, (&visit.tenant, peer), failure, Vec::new()))?;
    let signer = system.bundle_signer.as_ref().ok_or_else(|| {
        Failure::new(Exit::Refused, "bundle.no-signer", "nobody signs bundles here")
            .then("name a signer of messages in [cmp]: docs/operate/cmp.md")
    })?;
    let own: Vec<&ServedAuthority> = system
        .authorities
        .iter()
        .filter(|served| *served.authority.issuer().tenant() == visit.tenant)
        .collect();
    let crls = crls(system, &own, &visit)?;
    let expires = crls.iter().map(|crl| crl.next_update).chain([visit.plan.until]).min().unwrap_or(now);
    let content = BundleContent {
        form: FORM.to_owned(),
        made_at: now.to_string(),
        expires_at: expires.to_string(),
        visit: view(system, &visit, now)?,
        certificates: certificates(system, &own),
        crls: crls.iter().map(crl).collect::<Result<_, _>>()?,
        revoked_units: revoked_units(system, &own, now)?,
    };
    let octets = serde_json::to_vec(&content)
        .map_err(|error| Failure::new(Exit::Failed, "bundle.not-encoded", error))?;
    let bundle = signer.sign(octets)?;
    let detail = format!("visit {}; until {expires}", visit.id);
    let told = event(system, &visit.tenant, peer, Act::VisitBundled, detail)?;
    let told = ca_core::audit::AuditEvent { digest: Sha256::digest(&bundle).to_vec(), ..told };
    system.ports.ledger.record_event(told).map_err(unavailable)?;
    Ok(BundleView {
        visit: visit.id.to_string(),
        expires_at: expires.to_string(),
        bundle: STANDARD.encode(bundle),
    })
}

/// It is for the technician of a visit that is approved and not over.
fn may_have_it(visit: &Visit, peer: &Peer, now: UnixTime) -> Result<(), Failure> {
    let next = format!("meter-pki visit show {}", visit.id);
    let fail = |exit, code, message: &str| Err(Failure::new(exit, code, message).then(next.clone()));
    if peer.permit().name() != visit.plan.technician.as_str() {
        return fail(Exit::Refused, "visit.technician", "the visit is another technician's");
    }
    match visit.standing(now) {
        VisitStanding::Approved | VisitStanding::UnderWay => Ok(()),
        VisitStanding::Waiting => fail(Exit::Conflict, "visit.unapproved", "the visit waits for approval"),
        VisitStanding::Refused => fail(Exit::Conflict, "visit.refused", "the visit was refused"),
        VisitStanding::Ended => fail(Exit::Conflict, "visit.ended", "the visit was ended"),
        VisitStanding::Over => fail(Exit::Conflict, "visit.over", "the time of the visit is over"),
    }
}

/// The owner's authorities and their roots, DER.
fn certificates(system: &System, own: &[&ServedAuthority]) -> Vec<String> {
    let issuers = own.iter().map(|served| served.authority.issuer().certificate());
    let roots = system.roots.iter().map(|root| root.certificate());
    let roots = roots.filter(|root| issuers.clone().any(|issuer| issuer.issuer() == root.subject()));
    issuers.clone().chain(roots).map(|certificate| STANDARD.encode(certificate.der())).collect()
}

/// The latest CRLs on which the operational certificates of the visit's meters would be; of all that the owner's authorities
/// have issued to meters where it goes to a whole region.
fn crls(system: &System, own: &[&ServedAuthority], visit: &Visit) -> Result<Vec<CrlRecord>, Failure> {
    let mut lines: BTreeSet<(KeyRef, CrlScope)> = BTreeSet::new();
    for meter in &visit.plan.meters {
        let query = CertificateQuery { title: Some(*meter), limit: 1_000, ..CertificateQuery::default() };
        for stored in system.status.certificates(&query).map_err(unavailable)? {
            let operational =
                stored.slot.as_ref().is_some_and(|slot| slot.hierarchy == Hierarchy::Operational);
            if operational && stored.status == CertificateStatus::Good && stored.listing.is_ever() {
                let scope = stored.listing.shard().cloned().map_or(CrlScope::All, CrlScope::Shard);
                lines.insert((stored.id.issuer, scope));
            }
        }
    }
    if !visit.plan.region.is_empty() {
        lines.extend(own.iter().map(|served| (served.key(), CrlScope::All)));
    }
    let latest = |(issuer, scope)| {
        let line = CrlLine::complete(issuer, scope);
        system.status.latest_of(&line).map_err(unavailable)
    };
    lines.into_iter().filter_map(|line| latest(line).transpose()).collect()
}

fn crl(record: &CrlRecord) -> Result<BundleCrl, Failure> {
    let der = record.der.to_vec().map_err(|error| Failure::new(Exit::Unavailable, "unavailable", error))?;
    Ok(BundleCrl {
        number: record.number,
        next_update: record.next_update.to_string(),
        crl: STANDARD.encode(der),
    })
}

/// Units whose certificates were revoked and would be valid still: no CRL lists them.
fn revoked_units(
    system: &System,
    own: &[&ServedAuthority],
    now: UnixTime,
) -> Result<Vec<RevokedUnit>, Failure> {
    let mut units = Vec::new();
    for served in own {
        let mut after = None;
        loop {
            let page = system.status.revoked(&served.key(), after.as_ref(), PAGE).map_err(unavailable)?;
            let Some(last) = page.last() else { break };
            after = Some(last.serial.clone());
            for entry in page.into_iter().filter(|entry| entry.not_after >= now) {
                let id = CertificateId { issuer: served.key(), serial: entry.serial };
                let stored = system.status.certificate(&id).map_err(unavailable)?;
                let units_own = |slot: &ca_core::record::Slot| slot.hierarchy == Hierarchy::Maintenance;
                let stored = stored.filter(|stored| stored.slot.as_ref().is_some_and(units_own));
                units.extend(stored.map(|stored| RevokedUnit {
                    unit: stored.subject,
                    serial: id.serial.to_string(),
                    reason: entry.revocation.reason.name().to_owned(),
                    until: entry.not_after.to_string(),
                }));
            }
            if units.len() > MAX_REVOKED {
                let message = format!("more than {MAX_REVOKED} certificates of units are revoked");
                return Err(Failure::new(Exit::Failed, "bundle.too-long", message));
            }
        }
    }
    Ok(units)
}
