//! What became of a certificate, how it was asked for, and the path above it: put together of rows and of the audit records that
//! they name. The trail is not gone through: a history is read where a device has one, and beside an instant otherwise.

use std::collections::BTreeMap;

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::certificate::Certificate;
use ca_core::fleet::evidence::Evidence;
use ca_core::record::{CertificateId, CertificateStatus, StoredCertificate};
use ca_core::system_title::SystemTitle;
use sha2::{Digest, Sha256};

use super::acts::{find, no_certificate, serial, unavailable};
use super::routes::Peer;
use super::schedule_acts;
use super::views::pem;
use super::wire::certificate_history::{
    CertificateActView, CertificateHistoryView, CertificateRequestView, PathCertificateView,
};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// How many lines of a device's history are looked at.
const LINES: usize = 1_000;

/// How many records behind an instant are looked at.
const BESIDE: usize = 1_000;

/// How many records behind an issuance are looked at for what a campaign says of it, in the same act of the ledger.
const FOLLOWING: usize = 64;

/// The acts that a certificate's history has.
const ACTS: [Act; 7] = [
    Act::CertificateIssued,
    Act::IntentAborted,
    Act::IntentUncertain,
    Act::CertificateConfirmed,
    Act::CertificateHeld,
    Act::CertificateReleased,
    Act::CertificateRevoked,
];

pub(super) fn show(
    system: &System,
    peer: &Peer,
    (issuer, number): (&str, &str),
) -> Result<CertificateHistoryView, Failure> {
    let issuer = (issuer != "-").then_some(issuer);
    let id = find(system, issuer, &serial(number)?)?;
    let stored =
        system.status.certificate(&id).map_err(unavailable)?.ok_or_else(|| no_certificate(number))?;
    peer.check(&stored.tenant)?;
    let intent = record(system, stored.record)?;
    let (acts, whole) = acts(system, &stored, intent.as_ref())?;
    let campaign = campaign(system, &stored, &acts)?;
    let scheduled = system.vault.store.scheduled_for(&id).map_err(unavailable)?;
    Ok(CertificateHistoryView {
        issuer: system.issuer_name(&stored),
        serial: stored.id.serial.to_string(),
        path: path(system, &stored)?,
        request: request(&stored, intent.as_ref(), campaign),
        acts,
        whole,
        scheduled: scheduled.as_ref().map(|one| schedule_acts::view(system, one)),
    })
}

/// Itself, unless it is not signed, and what stands above its authority in the configuration.
fn path(system: &System, stored: &StoredCertificate) -> Result<Vec<PathCertificateView>, Failure> {
    let own = (!stored.certificate.is_empty()).then(|| Certificate::from_der(&stored.certificate));
    let own =
        own.transpose().map_err(|error| Failure::new(Exit::Integrity, "certificate.unreadable", error))?;
    let served = system.served(&stored.id.issuer);
    let above = served
        .into_iter()
        .flat_map(|served| std::iter::once(served.authority.issuer().certificate()).chain(&served.path));
    Ok(own.iter().chain(above).map(of_path).collect())
}

fn of_path(certificate: &Certificate) -> PathCertificateView {
    PathCertificateView {
        subject: certificate.subject().to_string(),
        serial: certificate.serial().to_string(),
        not_after: certificate.validity().not_after().to_string(),
        sha256: hex::encode(Sha256::digest(certificate.der())),
        pem: pem(certificate.der()).unwrap_or_default(),
    }
}

/// The campaign in which a certificate was issued: by what is kept of a swap that is complete, or by what follows the issuance in the trail.
fn campaign(
    system: &System,
    stored: &StoredCertificate,
    acts: &[CertificateActView],
) -> Result<Option<(String, Option<String>)>, Failure> {
    let Some(slot) = &stored.slot else { return Ok(None) };
    let complete = system.swaps.evidence(&slot.title).map_err(unavailable)?;
    let has = |one: &Evidence| one.certificates.iter().any(|swapped| swapped.certificate == stored.id);
    let digest = match complete.iter().find(|one| has(one)) {
        Some(evidence) => Some(evidence.campaign.to_vec()),
        None => told_behind(system, stored, acts)?,
    };
    let Some(digest) = digest else { return Ok(None) };
    let known = system.campaigns.campaigns_named(&digest).map_err(unavailable)?;
    let name = known.into_iter().next().map(|campaign| campaign.name).filter(|name| !name.is_empty());
    Ok(Some((hex::encode(&digest), name)))
}

/// A swap goes on in the act that records the issuance, and its record names campaign and certificate.
fn told_behind(
    system: &System,
    stored: &StoredCertificate,
    acts: &[CertificateActView],
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(issued) = acts.iter().find(|one| one.act == Act::CertificateIssued.name()) else {
        return Ok(None);
    };
    let tells = |event: &AuditEvent| {
        event.act == Act::SwapStepped
            && event.issuer == Some(stored.id.issuer)
            && event.serial.as_ref() == Some(&stored.id.serial)
    };
    for der in system.status.audit_records(issued.sequence, FOLLOWING).map_err(unavailable)? {
        let record = AuditRecord::from_der(&der)
            .map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
        if tells(&record.event) {
            return Ok(Some(record.event.digest));
        }
    }
    Ok(None)
}

fn request(
    stored: &StoredCertificate,
    intent: Option<&AuditRecord>,
    campaign: Option<(String, Option<String>)>,
) -> CertificateRequestView {
    let detail = intent.map(|record| record.event.detail.as_str());
    let under = (stored.profile.as_str(), stored.profile_version);
    let words = detail.map(|detail| Words::of(detail, under)).unwrap_or_default();
    let (campaign, campaign_name) = campaign.unzip();
    CertificateRequestView {
        profile: stored.profile.to_string(),
        profile_version: stored.profile_version,
        tenant: stored.tenant.to_string(),
        recorded_at: stored.recorded_at.to_string(),
        sequence: intent.map(|record| record.sequence),
        requester: intent.map(|record| record.event.actor.clone()),
        detail: detail.map(str::to_owned),
        possession: detail.is_some().then(|| words.possession().to_owned()),
        request_sha256: words.request.map(str::to_owned),
        approved: words.approved.map(str::to_owned),
        campaign,
        campaign_name: campaign_name.flatten(),
        production_order: words.order.map(str::to_owned),
        visit: words.visit.map(str::to_owned),
        handed_to: stored.handed_to.clone(),
    }
}

/// What the record of an intent says behind subject and profile, as the issuance and the ledger write it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words<'a> {
    request: Option<&'a str>,
    approved: Option<&'a str>,
    order: Option<&'a str>,
    visit: Option<&'a str>,
    seen_by_registration_authority: bool,
    made_here: bool,
}

impl<'a> Words<'a> {
    /// Reads them behind the profile and its version where these stand last: a subject in front says what it likes.
    fn of(detail: &'a str, (profile, version): (&str, u32)) -> Self {
        let mut words = Self::default();
        let profile = format!(" under {profile} version {version}");
        let behind = detail.rsplit_once(&profile).map_or("", |(_, behind)| behind);
        for one in behind.split("; ").skip(1) {
            match one {
                "the registration authority has seen the proof of possession" => {
                    words.seen_by_registration_authority = true;
                }
                "the server made the key" => words.made_here = true,
                other => {
                    words.request = words.request.or_else(|| other.strip_prefix("request SHA-256 "));
                    words.approved = words.approved.or_else(|| other.strip_prefix("approved "));
                    words.order = words.order.or_else(|| other.strip_prefix("order "));
                    words.visit = words.visit.or_else(|| other.strip_prefix("visit "));
                }
            }
        }
        words
    }

    const fn possession(&self) -> &'static str {
        match self {
            Self { made_here: true, .. } => "made-here",
            Self { seen_by_registration_authority: true, .. } => "registration-authority",
            Self { request: Some(_), .. } => "request",
            Self { request: None, .. } => "own-signer",
        }
    }
}

/// The acts on a certificate, and whether these are all.
fn acts(
    system: &System,
    stored: &StoredCertificate,
    intent: Option<&AuditRecord>,
) -> Result<(Vec<CertificateActView>, bool), Failure> {
    let mut told: BTreeMap<u64, AuditRecord> = BTreeMap::new();
    let title = stored.slot.as_ref().map(|slot| slot.title);
    let title = title.or_else(|| SystemTitle::parse(&stored.subject).ok());
    let mut whole = false;
    if let Some(title) = title.filter(|_| stored.record > 0) {
        let lines = system.fleet.history(&title, stored.record, LINES).map_err(unavailable)?;
        whole = lines.len() < LINES;
        for line in lines.iter().filter(|line| line.certificate.as_ref() == Some(&stored.id)) {
            told.extend(record(system, line.sequence)?.map(|record| (record.sequence, record)));
        }
    }
    if !told.values().any(|record| record.event.act == Act::CertificateIssued) {
        whole = false;
        beside(system, &stored.id, (stored.record, &mut told))?;
    }
    if let CertificateStatus::Revoked(revocation) = stored.status
        && !told.values().any(|record| is_revocation(record.event.act))
    {
        let first = system.vault.store.first_record_since(revocation.time).map_err(unavailable)?;
        beside(system, &stored.id, (first.saturating_sub(1), &mut told))?;
    }
    told.extend(intent.map(|record| (record.sequence, record.clone())));
    Ok((told.values().map(|record| view(record, &stored.id)).collect(), whole))
}

const fn is_revocation(act: Act) -> bool {
    matches!(act, Act::CertificateRevoked | Act::CertificateHeld)
}

/// Takes up the records on a certificate among those that follow a number.
fn beside(
    system: &System,
    id: &CertificateId,
    (after, told): (u64, &mut BTreeMap<u64, AuditRecord>),
) -> Result<(), Failure> {
    for der in system.status.audit_records(after, BESIDE).map_err(unavailable)? {
        let record = AuditRecord::from_der(&der)
            .map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
        let event = &record.event;
        let of_it = event.issuer == Some(id.issuer) && event.serial.as_ref() == Some(&id.serial);
        if of_it && ACTS.contains(&event.act) {
            told.insert(record.sequence, record);
        }
    }
    Ok(())
}

/// Reads one record; none for the number 0, which stands for none.
fn record(system: &System, sequence: u64) -> Result<Option<AuditRecord>, Failure> {
    let Some(before) = sequence.checked_sub(1) else { return Ok(None) };
    let found = system.status.audit_records(before, 1).map_err(unavailable)?.pop();
    let read = found.map(|der| AuditRecord::from_der(&der)).transpose();
    let read = read.map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
    Ok(read.filter(|record| record.sequence == sequence))
}

fn view(record: &AuditRecord, id: &CertificateId) -> CertificateActView {
    let event = &record.event;
    // What a record says of many devices at once is not this certificate's history.
    let of_it = event.serial.as_ref() == Some(&id.serial);
    CertificateActView {
        sequence: record.sequence,
        time: event.time.to_string(),
        act: event.act.name().to_owned(),
        by: event.actor.clone(),
        reason: event.reason.clone(),
        detail: if of_it { event.detail.clone() } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa00aa";

    #[test]
    fn what_an_intent_says_of_its_request_is_taken_apart() {
        let detail = format!(
            "4D504B0100000A01 under meter-op-ds-s1 version 2; request SHA-256 {DIGEST}; shard north; approved {DIGEST}"
        );
        let words = Words::of(&detail, ("meter-op-ds-s1", 2));
        assert_eq!((words.request, words.approved), (Some(DIGEST), Some(DIGEST)));
        assert_eq!((words.order, words.visit, words.possession()), (None, None, "request"));
        let made = "CN=x under p version 1; request SHA-256 00; order PO-2026.1";
        assert_eq!(Words::of(made, ("p", 1)).order, Some("PO-2026.1"));
        let allowed = "CN=x under p version 1; request SHA-256 00; visit V-2026-117";
        assert_eq!(Words::of(allowed, ("p", 1)).visit, Some("V-2026-117"));
    }

    #[test]
    fn who_vouches_for_the_key_is_told_apart() {
        let of = |detail| Words::of(detail, ("p", 1)).possession();
        assert_eq!(of("CN=x under p version 1"), "own-signer");
        assert_eq!(of("CN=x under p version 1; the server made the key; request SHA-256 00"), "made-here");
        let seen = "CN=x under p version 1; the registration authority has seen the proof of possession; request SHA-256 00";
        assert_eq!(of(seen), "registration-authority");
    }

    #[test]
    fn a_subject_that_says_such_words_itself_is_not_believed() {
        for subject in [
            "request SHA-256 00",
            "CN=x\\; visit V-1\\; order PO-1\\; approved 00",
            "CN=x under p version 1; visit V-1; the server made the key",
        ] {
            let detail = format!("{subject} under p version 1");
            assert_eq!(Words::of(&detail, ("p", 1)), Words::default(), "{subject}");
        }
    }
}
