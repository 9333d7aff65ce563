//! What a unit brought back: whose signature it has, and what is wrong with it. Whatever comes of it is on record.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::record::{CertificateStatus, StoredCertificate};
use ca_core::visits::{Fault, Held, Visit, check_receipts};
use cms_messages::signed::SignedData;
use const_oid::db::rfc5911::ID_DATA;
use sha2::{Digest, Sha256};

use super::acts::{event, refused, unavailable};
use super::routes::Peer;
use super::visit_acts::find;
use super::wire::visits::{ReceiptFaultView, ReceiptsText, ReceiptsView};
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn check(
    system: &System,
    peer: &Peer,
    (name, text): (&str, &ReceiptsText),
) -> Result<ReceiptsView, Failure> {
    let visit = find(system, name)?;
    peer.check(&visit.tenant)?;
    let octets = STANDARD.decode(&text.log).unwrap_or_default();
    let digest = Sha256::digest(&octets).to_vec();
    let told = |failure| refused(system, (&visit.tenant, peer), failure, digest.clone());
    if peer.permit().name() != visit.plan.technician.as_str() {
        let message = "the visit is another technician's";
        return Err(told(Failure::new(Exit::Refused, "visit.technician", message)));
    }
    let had = had(system, &visit)?;
    let (signer, log) = opened(&octets, &had).map_err(told)?;
    let held: Vec<Held> = had.iter().map(held).collect();
    let region = |title: &_| {
        let device = system.registry.device(title).ok().flatten();
        let own = device.filter(|device| device.expected.tenant == visit.tenant);
        own.and_then(|device| device.expected.region).map(|region| region.to_string()).unwrap_or_default()
    };
    let (receipts, faults) = check_receipts(&log, (&visit, &held), region);
    let what = format!(
        "visit {}; signed by {}; {} entries; {} faults",
        visit.id,
        signer.id.serial,
        receipts.len(),
        faults.len()
    );
    let reason = faults.first().map(|(_, fault)| fault.code()).unwrap_or_default().to_owned();
    let checked = event(system, &visit.tenant, peer, Act::ReceiptsChecked, what)?;
    let checked = AuditEvent { reason, digest, ..checked };
    system.ports.ledger.record_event(checked).map_err(unavailable)?;
    let meters: BTreeSet<_> = receipts.iter().map(|receipt| receipt.meter).collect();
    Ok(ReceiptsView {
        visit: visit.id.to_string(),
        signed_by: signer.id.serial.to_string(),
        entries: receipts.len(),
        meters: meters.len(),
        faults: faults.into_iter().map(fault_view).collect(),
    })
}

/// The certificates that were issued on the visit.
fn had(system: &System, visit: &Visit) -> Result<Vec<StoredCertificate>, Failure> {
    let mut had = Vec::with_capacity(visit.certificates.len());
    for one in &visit.certificates {
        had.extend(system.status.certificate(&one.id).map_err(unavailable)?);
    }
    had.retain(|stored| matches!(stored.status, CertificateStatus::Good | CertificateStatus::Revoked(_)));
    Ok(had)
}

fn held(stored: &StoredCertificate) -> Held {
    let revoked = match stored.status {
        CertificateStatus::Revoked(revocation) => Some(revocation.time),
        CertificateStatus::NeverIssued
        | CertificateStatus::Pending
        | CertificateStatus::Aborted
        | CertificateStatus::Uncertain { .. }
        | CertificateStatus::Good => None,
    };
    Held { validity: stored.validity, revoked }
}

/// Opens a log that one of these certificates signed.
fn opened<'a>(
    octets: &[u8],
    had: &'a [StoredCertificate],
) -> Result<(&'a StoredCertificate, String), Failure> {
    let refuse = |code, message: &str| Failure::new(Exit::Refused, code, message);
    let signed = SignedData::from_content_info(octets)
        .map_err(|error| refuse("receipts.unreadable", &format!("that is no CMS SignedData: {error}")))?;
    let read = |stored: &'a StoredCertificate| {
        Certificate::from_der(&stored.certificate).ok().map(|certificate| (stored, certificate))
    };
    let signer = had.iter().filter_map(read).find(|(_, certificate)| signed.names(certificate));
    let (stored, certificate) = signer.ok_or_else(|| {
        refuse("receipts.signer", "the log is not signed with a certificate that was issued on the visit")
    })?;
    signed
        .verify(&certificate, ID_DATA)
        .map_err(|error| refuse("receipts.signature", &format!("the log: {error}")))?;
    let content =
        signed.content(ID_DATA).and_then(|content| String::from_utf8(content.into_bytes().into()).ok());
    let log = content.ok_or_else(|| refuse("receipts.unreadable", "the log is no text"))?;
    Ok((stored, log))
}

fn fault_view((line, fault): Fault) -> ReceiptFaultView {
    ReceiptFaultView { line, code: fault.code().to_owned(), message: fault.to_string() }
}
