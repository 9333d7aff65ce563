//! Comparing what head-ends exported from meters with the records. What differs is ca-core's decision; that it differs is put on
//! record, counted, and told. What is as it should be is what campaigns of meters that ask by themselves wait for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::ports::{Fleet, StatusSource};
use ca_core::profile::KeyPurpose;
use ca_core::reconciliation::{Difference, Holding, compare, missing};
use ca_core::record::{CertificateId, CertificateQuery, DeviceQuery, StoredCertificate};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use sha2::{Digest, Sha256};

use super::acts::{event, operator, tenant, title, unavailable};
use super::fleet_acts::digest;
use super::routes::Peer;
use super::wire::reconciliation::{DifferenceView, ExportedText, ReconciliationText};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// How many meters are compared at once.
const MOST: usize = 1_000;

/// How many certificates of one meter are looked at.
const OF_A_METER: usize = 1_000;

/// How many differences are put on record in one transaction.
const TOGETHER: usize = 200;

/// A difference, and what it is about.
struct Found {
    title: SystemTitle,
    purpose: Option<KeyPurpose>,
    difference: Difference,
    shown: Option<CertificateId>,
    sha256: Option<[u8; 32]>,
}

/// Compares, and puts each difference on record before it is told.
pub(super) fn reconcile(
    system: &System,
    peer: &Peer,
    text: &ReconciliationText,
) -> Result<Vec<DifferenceView>, Failure> {
    if text.exported.len() > MOST || text.missing.len() > MOST {
        let message = format!("{MOST} lines are compared at once");
        return Err(Failure::new(Exit::Usage, "reconcile.count", message));
    }
    let owner = tenant(&text.tenant)?;
    peer.check(&owner)?;
    let (mut found, mut held) = (Vec::new(), Vec::new());
    for exported in &text.exported {
        let (differences, shown) = differences(system, &owner, exported)?;
        held.extend(shown.filter(|_| differences.is_empty()));
        found.extend(differences);
    }
    for named in &text.missing {
        let title = title(named)?;
        let device = system.registry.device(&title).map_err(unavailable)?;
        let difference = missing(&owner, device.as_ref());
        found.extend(difference.map(|difference| Found {
            title,
            purpose: None,
            difference,
            shown: None,
            sha256: None,
        }));
    }
    for some in found.chunks(TOGETHER) {
        let events = some.iter().map(|one| told(system, (&owner, peer), one)).collect::<Result<_, _>>()?;
        system.findings.record_findings(events).map_err(unavailable)?;
    }
    // What a meter shows as it should be, it has: that is what its campaign waits for.
    for some in held.chunks(TOGETHER) {
        let by = (system.clock.now(), operator(&owner, peer)?.to_string());
        system.swaps.confirm_exported(some.to_vec(), by).map_err(unavailable)?;
    }
    Ok(found.iter().map(view).collect())
}

/// What differs, and which certificate of ours the meter shows.
fn differences(
    system: &System,
    owner: &TenantId,
    exported: &ExportedText,
) -> Result<(Vec<Found>, Option<CertificateId>), Failure> {
    let title = title(&exported.system_title)?;
    let purpose = purpose(&exported.purpose)?;
    let device = system.registry.device(&title).map_err(unavailable)?;
    let query = CertificateQuery { title: Some(title), limit: OF_A_METER, ..CertificateQuery::default() };
    let issued = system.vault.report(|store| store.certificates(&query)).map_err(unavailable)?;
    let sha256 = fingerprint(exported)?;
    let certificate = match &exported.certificate {
        Some(text) => Certificate::from_der(&der(text)?).ok(),
        None => None,
    };
    let shown = shown(system, certificate.as_ref(), (&issued, sha256))?;
    let credentials = system.fleet.credentials(&title).map_err(unavailable)?;
    let is_it = |der: &[u8]| sha256.is_some_and(|sha256| <[u8; 32]>::from(Sha256::digest(der)) == sha256);
    let of_other = match &certificate {
        Some(certificate) if shown.is_none() => of_other(system, owner, (certificate, title))?,
        Some(_) | None => None,
    };
    let holding = Holding {
        device: device.as_ref(),
        purpose,
        shows_one: sha256.is_some(),
        shown: shown.as_ref(),
        delivered: credentials.iter().any(|one| is_it(&one.certificate)),
        of_other,
        issued: &issued,
    };
    let found = compare(owner, &title, &holding, system.clock.now()).into_iter();
    let shown = shown.as_ref().map(|one| one.id.clone());
    let found = found
        .map(|difference| Found { title, purpose: Some(purpose), difference, shown: shown.clone(), sha256 })
        .collect();
    Ok((found, shown))
}

/// The audit event of a difference: the certificate that is shown, by its issuer and serial number or by its digest.
fn told(system: &System, (owner, peer): (&TenantId, &Peer), found: &Found) -> Result<AuditEvent, Failure> {
    let purpose = found.purpose.map_or_else(String::new, |purpose| format!(" {}", purpose.name()));
    let detail = format!("{}{purpose}: {}", found.title, found.difference.sentence());
    Ok(AuditEvent {
        issuer: found.shown.as_ref().map(|id| id.issuer),
        serial: found.shown.as_ref().map(|id| id.serial.clone()),
        reason: found.difference.code().to_owned(),
        digest: found.sha256.map(Vec::from).unwrap_or_default(),
        ..event(system, owner, peer, Act::ReconciliationDiffered, detail)?
    })
}

fn view(found: &Found) -> DifferenceView {
    DifferenceView {
        system_title: found.title.to_string(),
        purpose: found.purpose.map(|purpose| purpose.name().to_owned()).unwrap_or_default(),
        code: found.difference.code().to_owned(),
        message: found.difference.sentence().to_owned(),
        serial: found.shown.as_ref().map(|id| id.serial.to_string()),
    }
}

fn purpose(text: &str) -> Result<KeyPurpose, Failure> {
    KeyPurpose::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "purpose.unknown", format!("{text} is not a purpose"))
            .then("use one of signature, key-agreement, tls")
    })
}

/// SHA-256 of the certificate that is shown; `None` when the meter shows none.
fn fingerprint(exported: &ExportedText) -> Result<Option<[u8; 32]>, Failure> {
    match (&exported.certificate, &exported.sha256) {
        (Some(text), _) => Ok(Some(Sha256::digest(der(text)?).into())),
        (None, Some(digits)) => digest("reconcile.sha256", digits).map(Some),
        (None, None) => Ok(None),
    }
}

fn der(text: &str) -> Result<Vec<u8>, Failure> {
    STANDARD.decode(text).map_err(|error| Failure::new(Exit::Usage, "reconcile.certificate", error))
}

/// Finds the certificate among what was issued here: for this meter by its digest, for any other by its serial number.
fn shown(
    system: &System,
    certificate: Option<&Certificate>,
    (issued, sha256): (&[StoredCertificate], Option<[u8; 32]>),
) -> Result<Option<StoredCertificate>, Failure> {
    let Some(sha256) = sha256 else { return Ok(None) };
    let is_it = |one: &&StoredCertificate| <[u8; 32]>::from(Sha256::digest(&one.certificate)) == sha256;
    if let Some(own) = issued.iter().find(is_it) {
        return Ok(Some(own.clone()));
    }
    let Some(certificate) = certificate else { return Ok(None) };
    for served in &system.authorities {
        let id = CertificateId { issuer: served.key(), serial: certificate.serial().clone() };
        let stored = system.status.certificate(&id).map_err(unavailable)?;
        if let Some(stored) = stored.filter(|stored| is_it(&stored)) {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// Whose certificate it is that was not issued here, if it is another meter's: by the title in it, or by whose its key is.
fn of_other(
    system: &System,
    owner: &TenantId,
    (certificate, title): (&Certificate, SystemTitle),
) -> Result<Option<SystemTitle>, Failure> {
    if let Some(named) = certificate.system_title().filter(|named| *named != title) {
        return Ok(Some(named));
    }
    let key = certificate.public_key().fingerprint();
    let query = DeviceQuery { key: Some(key), ..DeviceQuery::of(owner.clone(), 2) };
    let found = system.vault.report(|store| store.find_devices(&query)).map_err(unavailable)?;
    Ok(found.devices.into_iter().map(|device| device.expected.title).find(|found| *found != title))
}
