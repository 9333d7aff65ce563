//! Comparing what head-ends exported from meters with the records. Reads only; what differs is ca-core's decision.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::profile::KeyPurpose;
use ca_core::reconciliation::{Holding, compare};
use ca_core::record::{CertificateId, CertificateQuery, StoredCertificate};
use sha2::{Digest, Sha256};

use super::acts::{tenant, title, unavailable};
use super::fleet_acts::digest;
use super::wire::reconciliation::{DifferenceView, ExportedText, ReconciliationText};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// How many meters are compared at once.
const MOST: usize = 1_000;

/// How many certificates of one meter are looked at.
const OF_A_METER: usize = 1_000;

pub(super) fn reconcile(system: &System, text: &ReconciliationText) -> Result<Vec<DifferenceView>, Failure> {
    if text.exported.len() > MOST {
        let message = format!("{MOST} lines are compared at once");
        return Err(Failure::new(Exit::Usage, "reconcile.count", message));
    }
    let owner = tenant(&text.tenant)?;
    let now = system.clock.now();
    let mut found = Vec::new();
    for exported in &text.exported {
        let named = title(&exported.system_title)?;
        let purpose = purpose(&exported.purpose)?;
        let device = system.registry.device(&named).map_err(unavailable)?;
        let query = CertificateQuery { title: Some(named), limit: OF_A_METER, ..CertificateQuery::default() };
        let issued = system.status.certificates(&query).map_err(unavailable)?;
        let sha256 = fingerprint(exported)?;
        let shown = shown(system, exported, (&issued, sha256))?;
        let credentials = system.fleet.credentials(&named).map_err(unavailable)?;
        let is_it = |der: &[u8]| sha256.is_some_and(|sha256| <[u8; 32]>::from(Sha256::digest(der)) == sha256);
        let holding = Holding {
            device: device.as_ref(),
            purpose,
            shows_one: sha256.is_some(),
            shown: shown.as_ref(),
            delivered: credentials.iter().any(|one| is_it(&one.certificate)),
            issued: &issued,
        };
        found.extend(compare(&owner, &named, &holding, now).into_iter().map(|difference| DifferenceView {
            system_title: named.to_string(),
            purpose: purpose.name().to_owned(),
            code: difference.code().to_owned(),
            message: difference.sentence().to_owned(),
            serial: shown.as_ref().map(|one| one.id.serial.to_string()),
        }));
    }
    Ok(found)
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
    exported: &ExportedText,
    (issued, sha256): (&[StoredCertificate], Option<[u8; 32]>),
) -> Result<Option<StoredCertificate>, Failure> {
    let Some(sha256) = sha256 else { return Ok(None) };
    let is_it = |one: &&StoredCertificate| <[u8; 32]>::from(Sha256::digest(&one.certificate)) == sha256;
    if let Some(own) = issued.iter().find(is_it) {
        return Ok(Some(own.clone()));
    }
    let Some(text) = &exported.certificate else { return Ok(None) };
    let Ok(certificate) = Certificate::from_der(&der(text)?) else { return Ok(None) };
    for served in &system.authorities {
        let id = CertificateId { issuer: served.key(), serial: certificate.serial().clone() };
        let stored = system.status.certificate(&id).map_err(unavailable)?;
        if let Some(stored) = stored.filter(|stored| is_it(&stored)) {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}
