//! What each audit record tells of, written into the rows that the act itself would have written.

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::profile::{KeyPurpose, ProfileId};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateId, DeviceAct, DeviceEventKind, ProductionId, Provenance, Revocation, Settlement, Slot,
    TakenOverCertificate, VisitId,
};
use ca_core::scope::{CrlListing, CrlScope, Shard};
use ca_core::system_title::SystemTitle;
use ca_core::taking_over;
use ca_core::validity::{UnixTime, Validity};
use ca_core::visits::VisitCertificate;
use sha2::{Digest, Sha256};

use super::{Places, ReplayReport, devices, people, shut_out, visits};
use crate::act::{crl, fleet, issued, production, revocation, settlement, shard, slot};
use crate::act::{taking_over as act_taking_over, visits as visit_acts};
use crate::certificate::certificate_row;
use crate::keyspace::{Keyspace, id_key, title_key};
use crate::row::{
    CertificateRow, CertificateState, CrlRow, InstallationRow, IntentRow, KeyRow, RevocationRow,
};
use crate::transaction::{ActFault, Rows, Transaction};

/// Takes in what a record tells of.
#[expect(clippy::too_many_lines, reason = "a line for each act, so that a new one is decided here")]
pub(super) fn take_in(
    tx: &mut Transaction<'_>,
    record: &AuditRecord,
    certificate: Option<Vec<u8>>,
    places: &Places,
    report: &mut ReplayReport,
) -> Result<(), ActFault> {
    let event = &record.event;
    report.records = report.records.saturating_add(1);
    match event.act {
        Act::IntentRecorded => intend(tx, record, places),
        Act::CertificateIssued => {
            report.certificates = report.certificates.saturating_add(1);
            issue(tx, record, certificate, places)
        }
        Act::CertificateTakenOver => {
            report.certificates = report.certificates.saturating_add(1);
            take_over(tx, record, certificate)
        }
        Act::CrlNumbersTakenOver => {
            report.crl_numbers = report.crl_numbers.saturating_add(1);
            take_crl_numbers(tx, record)
        }
        Act::IntentAborted => {
            report.burned = report.burned.saturating_add(1);
            settlement::end(tx, &id(record)?, Settlement::Aborted, event.time)
        }
        Act::IntentUncertain => {
            report.burned = report.burned.saturating_add(1);
            settlement::end(tx, &id(record)?, Settlement::Uncertain, event.time)
        }
        Act::CertificateRevoked | Act::CertificateHeld => {
            report.revocations = report.revocations.saturating_add(1);
            revoke(tx, record)
        }
        Act::CertificateReleased => release(tx, record),
        Act::CrlIntended => {
            report.crl_numbers = report.crl_numbers.saturating_add(1);
            take_crl_number(tx, record)
        }
        Act::DeviceClaimed | Act::FactorySuperseded => devices::progress(tx, record, report),
        Act::DevicesShipped => devices::change(tx, record, DeviceAct::Ship, report),
        Act::DevicesSuspended => devices::change(tx, record, DeviceAct::Suspend, report),
        Act::DevicesResumed => devices::change(tx, record, DeviceAct::Resume, report),
        Act::DevicesRetired => devices::change(tx, record, DeviceAct::Retire, report),
        Act::DevicesMoved => devices::change(tx, record, DeviceAct::Transfer, report),
        Act::RevocationScheduled | Act::ScheduleCancelled => {
            shut_out::schedule(tx, &id(record)?, event)
        }
        Act::TrustBlocked | Act::UnblockRequested | Act::TrustUnblocked => shut_out::block(tx, event),
        Act::PersonAdded
        | Act::PersonChangeAsked
        | Act::NodeGone
        | Act::LedgerMoved
        | Act::RoleGranted
        | Act::RoleWithdrawn
        | Act::CredentialAdded
        | Act::CredentialRemoved
        | Act::PersonRemoved => people::redo(tx, record),
        Act::BreakGlassAsked
        | Act::BreakGlassOpened
        | Act::BreakGlassEnded
        | Act::BreakGlassReviewed => people::redo_emergency(tx, record),
        Act::VisitOpened
        | Act::VisitAmended
        | Act::VisitApproved
        | Act::VisitRefused
        | Act::VisitEnded => visits::redo(tx, record),
        Act::ProductionClosed | Act::ProductionCancelled | Act::DeviceScrapped => {
            production::redo(tx, event)
        }
        Act::DevicesImported
        | Act::DevicesMade
        | Act::DeliveryOpened
        | Act::DeliveryPartTaken
        | Act::DeliveryClosed
        | Act::ProductionOpened
        | Act::TokenIssued => {
            report.miss(record);
            Ok(())
        }
        // The CRL itself is not in the log; its number was taken with its intent.
        Act::CrlIssued
        | Act::RequestRefused
        | Act::LedgerOpened
        | Act::AuthorityRegistered
        | Act::AuthenticationFailed
        | Act::ClockChanged
        | Act::SignerFailed
        | Act::SignerRecovered
        | Act::KeyDestructionIntended
        | Act::KeyDestroyed
        | Act::AuthorityClosed
        | Act::CeremonyRequestBegun
        | Act::CeremonyRequestMade
        | Act::CeremonyResponseTakenIn
        // The texts are not in the log; the next start puts those that are in force on record anew.
        | Act::ProfilesInForce
        | Act::BackupCreated
        | Act::RecoveryEntered
        | Act::SharesDealt
        // What waits is forgotten when recovery ends, and asks anew.
        | Act::RequestWaits
        | Act::RequestApproved
        | Act::ApprovalRefused
        | Act::ApprovalVoided
        // So are orders; each certificate of one has a record of its own.
        | Act::OrderRequested
        | Act::OrderApproved
        | Act::OrderRefused
        | Act::OrderFinished
        // Campaigns that are not over stop when recovery ends, and their devices are asked what they hold.
        | Act::CampaignRequested
        | Act::CampaignApproved
        | Act::CampaignRefused
        | Act::CampaignPaused
        | Act::CampaignResumed
        | Act::CampaignAbandoned
        | Act::CampaignWave
        | Act::CampaignFinished
        | Act::SwapBegun
        | Act::SwapStepped
        | Act::SwapStuck
        | Act::SwapUndone
        | Act::DeviceSwapped
        | Act::WorkGiven
        // Whether a certificate was confirmed changes none of its rows; its revocation has a record of its own.
        | Act::CertificateConfirmed
        | Act::CertificateRefused
        | Act::TransactionLapsed
        // That a meter was found to differ, or that secrets were given out, changes none of them.
        | Act::ReconciliationDiffered
        | Act::SecretsExported
        // So do bundles and receipts change no visit.
        | Act::VisitBundled
        | Act::ReceiptsChecked => Ok(()),
        Act::RecoveryEnded => take_epoch(tx, record),
    }
}

pub(super) fn misfit(record: &AuditRecord, what: &'static str) -> ActFault {
    ActFault::NotReplayed { sequence: record.sequence, what }
}

fn id(record: &AuditRecord) -> Result<CertificateId, ActFault> {
    let AuditEvent { issuer: Some(issuer), serial: Some(serial), .. } = &record.event else {
        return Err(misfit(record, "it names no serial number"));
    };
    Ok(CertificateId { issuer: *issuer, serial: serial.clone() })
}

/// What the details of an intent and of its certificate say: subject, profile, version.
fn drafted(detail: &str) -> Option<(&str, ProfileId, u32)> {
    let (subject, rest) = detail.split_once(" under ")?;
    let (profile, rest) = rest.split_once(" version ")?;
    let version = rest.split(|character: char| !character.is_ascii_digit()).next()?;
    Some((subject, ProfileId::parse(profile).ok()?, version.parse().ok()?))
}

/// Which CRLs list a certificate, by the details of its intent.
fn listing_in(detail: &str) -> CrlListing {
    let mut parts = detail.split("; ").skip(1);
    if parts.clone().any(|part| part == "on no CRL") {
        return CrlListing::Never;
    }
    CrlListing::Listed(parts.find_map(|part| Shard::parse(part.strip_prefix("shard ")?).ok()))
}

/// Under which production order an intent was recorded, by its details.
fn order_in(detail: &str) -> Option<ProductionId> {
    detail.split("; ").skip(1).find_map(|part| ProductionId::parse(part.strip_prefix("order ")?).ok())
}

/// On which visit an intent was recorded, by its details.
fn visit_in(detail: &str) -> Option<VisitId> {
    detail.split("; ").skip(1).find_map(|part| VisitId::parse(part.strip_prefix("visit ")?).ok())
}

/// Burns the serial number. An intent that has no end in the log was perhaps signed, so it is marked as given to the signer.
fn intend(tx: &mut Transaction<'_>, record: &AuditRecord, places: &Places) -> Result<(), ActFault> {
    let id = id(record)?;
    if certificate_row(tx, &id)?.is_some() {
        return Err(misfit(record, "its serial number is in the ledger already"));
    }
    let event = &record.event;
    let (subject, profile, profile_version) =
        drafted(&event.detail).ok_or_else(|| misfit(record, "it names no subject and profile"))?;
    let certificate = CertificateRow {
        state: CertificateState::Intended,
        since: event.time,
        octets: Vec::new(),
        tenant: event.tenant.clone(),
        profile_version,
        subject: subject.to_owned(),
        key_fingerprint: [0; 32],
        purpose: places.get(&profile).map_or(KeyPurpose::Signature, |(_, purpose)| *purpose),
        profile,
        validity: Validity::new(event.time, UnixTime::NO_EXPIRY)
            .ok_or_else(|| misfit(record, "its time is none"))?,
        recorded_at: event.time,
        record: record.sequence,
        slot: None,
        listing: listing_in(&event.detail),
        // Nothing is superseded as lost on the word of a log.
        handed_to: None,
        provenance: Provenance::Issued,
    };
    if let Some(title) = certificate.title() {
        tx.put_octets(Keyspace::Titles, title_key(&title, &id), Vec::new())?;
        if let Some(order) = order_in(&event.detail) {
            let of = (&event.tenant, title);
            production::retake(tx, &order, of, (certificate.purpose, &id))?;
        }
        if let Some(visit) = visit_in(&event.detail) {
            let one = VisitCertificate { purpose: certificate.purpose, id: id.clone() };
            visit_acts::retake(tx, &visit, one)?;
        }
    }
    tx.put(&id, &IntentRow::bare(certificate))?;
    tx.put_octets(Keyspace::Signing, id_key(&id), Vec::new())
}

fn issue(
    tx: &mut Transaction<'_>,
    record: &AuditRecord,
    certificate: Option<Vec<u8>>,
    places: &Places,
) -> Result<(), ActFault> {
    let id = id(record)?;
    let octets = certificate.ok_or_else(|| misfit(record, "the log lacks the certificate"))?;
    if Sha256::digest(&octets).as_slice() != record.event.digest {
        return Err(misfit(record, "the certificate beside it is another one"));
    }
    let intent = tx.row::<IntentRow>(&id)?.ok_or_else(|| misfit(record, "it has no intent"))?;
    let from_log = intent.certificate.octets.is_empty();
    if !from_log && to_be_signed(&octets).ok() != Some(intent.certificate.octets.as_slice()) {
        return Err(misfit(record, "the certificate is not what was intended"));
    }
    let (state, since) = (CertificateState::Issued, record.event.time);
    let row = if from_log {
        let base = CertificateRow { state, since, octets, ..intent.certificate };
        read_certificate(base, places).ok_or_else(|| misfit(record, "the certificate cannot be read"))?
    } else {
        CertificateRow { state, since, octets, ..intent.certificate }
    };
    if from_log {
        hold_key(tx, &row)?;
        if let Some(slot) = &row.slot {
            slot::occupy(tx, slot, &id, row.validity.not_after())?;
        }
    }
    if let Some(shard) = row.listing.shard() {
        shard::has_one_until(tx, (&id.issuer, shard), row.validity.not_after())?;
    }
    let replaced = issued::write(tx, &id, &row)?;
    match row.title() {
        Some(title) => {
            let kind = if replaced.is_empty() {
                DeviceEventKind::CertificateIssued
            } else {
                DeviceEventKind::CertificateRenewed
            };
            fleet::follow_certificate(tx, (title, record.sequence), kind, &id)
        }
        None => Ok(()),
    }
}

/// Takes over again what was taken over, as the certificate beside its record says.
fn take_over(
    tx: &mut Transaction<'_>,
    record: &AuditRecord,
    certificate: Option<Vec<u8>>,
) -> Result<(), ActFault> {
    let id = id(record)?;
    if certificate_row(tx, &id)?.is_some() {
        return Err(misfit(record, "its serial number is in the ledger already"));
    }
    let octets = certificate.ok_or_else(|| misfit(record, "the log lacks the certificate"))?;
    if Sha256::digest(&octets).as_slice() != record.event.digest {
        return Err(misfit(record, "the certificate beside it is another one"));
    }
    let whose = (id.issuer, &record.event.tenant);
    let read = taking_over::describe(whose, &octets, None, record.event.clone());
    let read = read.map_err(|_| misfit(record, "the certificate cannot be read"))?;
    if read.id != id {
        return Err(misfit(record, "the certificate beside it has another serial number"));
    }
    act_taking_over::write(tx, &read, record.sequence)
}

/// Fills in what the certificate itself says.
fn read_certificate(row: CertificateRow, places: &Places) -> Option<CertificateRow> {
    let certificate = Certificate::from_der(&row.octets).ok()?;
    let slot = match (places.get(&row.profile), SystemTitle::parse(&row.subject)) {
        (Some((hierarchy, purpose)), Ok(title)) => {
            Some(Slot { tenant: row.tenant.clone(), title, hierarchy: *hierarchy, purpose: *purpose })
        }
        _ => None,
    };
    Some(CertificateRow {
        key_fingerprint: certificate.public_key().fingerprint(),
        validity: certificate.validity(),
        slot,
        ..row
    })
}

fn hold_key(tx: &mut Transaction<'_>, row: &CertificateRow) -> Result<(), ActFault> {
    let key = tx.row::<KeyRow>(&row.key_fingerprint)?;
    let mut key = key.unwrap_or_else(|| KeyRow {
        subject: row.subject.clone(),
        purpose: row.purpose,
        holders: 0,
        blocked: false,
    });
    key.holders = key.holders.saturating_add(1);
    tx.put(&row.key_fingerprint, &key)
}

fn revoke(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let id = id(record)?;
    let reason = ReasonCode::from_name(&record.event.reason)
        .ok_or_else(|| misfit(record, "its reason is none of RFC 5280"))?;
    let certificate = certificate_row(tx, &id)?
        .ok_or_else(|| misfit(record, "the certificate is neither in the ledger nor in the log"))?;
    // The invalidity date is on record of what was taken over alone: the CRL entry of another goes without.
    let (time, invalidity_date) = TakenOverCertificate::since(&record.event.detail)
        .filter(|_| certificate.provenance == Provenance::TakenOver)
        .map_or((record.event.time, None), |(time, date)| {
            (UnixTime::from_seconds(time), date.map(UnixTime::from_seconds))
        });
    let revocation = Revocation { time, reason, invalidity_date };
    let revocation = revocation::follow(tx, &id, revocation)?
        .map_err(|_| misfit(record, "the certificate is revoked already"))?;
    revocation::write(tx, &id, (revocation, record.event.time, record.sequence), certificate)
}

fn release(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let id = id(record)?;
    if tx.row::<RevocationRow>(&id)?.is_none_or(|row| !row.revocation.is_hold()) {
        return Err(misfit(record, "the certificate is not on hold"));
    }
    let listing = certificate_row(tx, &id)?.map_or(CrlListing::ON_ALL, |row| row.listing);
    revocation::write_release(tx, (&id, &listing), (record.event.time, record.sequence))
}

/// RFC 5280 §5.2.3: CRL numbers increase monotonically, so what the log has seen is taken.
fn take_crl_number(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let (Some(issuer), Some((number, scope))) = (record.event.issuer, crl_named(&record.event.detail)) else {
        return Err(misfit(record, "it names no CRL number"));
    };
    let scope = (issuer, scope);
    crl::take_number(tx, &scope, number)?;
    tx.put(&(scope, number), &CrlRow { this_update: record.event.time, issued: None })
}

/// No CRL with this number was made here, so that no row of one is written.
fn take_crl_numbers(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let (Some(issuer), Some((number, scope))) = (record.event.issuer, crl_named(&record.event.detail)) else {
        return Err(misfit(record, "it names no CRL number"));
    };
    crl::take_number(tx, &(issuer, scope), number)
}

/// `CRL 7, …` or `CRL 7 of shard 0a, …`
fn crl_named(detail: &str) -> Option<(u64, CrlScope)> {
    let named = detail.strip_prefix("CRL ")?.split(',').next()?;
    match named.split_once(" of shard ") {
        Some((number, shard)) => Some((number.parse().ok()?, CrlScope::Shard(Shard::parse(shard).ok()?))),
        None => Some((named.parse().ok()?, CrlScope::All)),
    }
}

/// Another copy of this ledger had this epoch: the next one is above it.
fn take_epoch(tx: &mut Transaction<'_>, record: &AuditRecord) -> Result<(), ActFault> {
    let epoch = record.event.detail.split("; ").find_map(|part| part.strip_prefix("epoch ")?.parse().ok());
    let epoch: u64 = epoch.ok_or_else(|| misfit(record, "it names no epoch"))?;
    let mut row = tx.row::<InstallationRow>(&())?.ok_or(ActFault::NotGuarded)?;
    row.installation.epoch = row.installation.epoch.max(epoch);
    tx.put(&(), &row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_subject_profile_and_version_out_of_a_detail() {
        let (subject, profile, version) =
            drafted("4D504B0100000001 under meter-op-ds-s1 version 3; request SHA-256 00ff").unwrap();
        assert_eq!((subject, profile.as_str(), version), ("4D504B0100000001", "meter-op-ds-s1", 3));
        assert_eq!(drafted("CN=a under meter-op-ds-s1"), None);
        assert_eq!(drafted(""), None);
    }
}
