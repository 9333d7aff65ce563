//! What an operator needs to compare published CRLs with the records: the CRLs on record, and the revocations they have to list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::CertificateId;
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};
use status_server::repository::crl_path;

use super::acts::{named, unavailable};
use super::wire::crls::{RecordedCrlView, ReleasedView, RevokedQueryText, RevokedView};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// How many revocations are told at once.
const PAGE: usize = 1_000;

/// The CRLs on record.
pub(super) fn recorded(system: &System) -> Result<Vec<RecordedCrlView>, Failure> {
    let mut found = Vec::new();
    for served in &system.authorities {
        let issuer = served.authority.issuer();
        let Some(crl) = system.status.latest_crl(&served.key()).map_err(unavailable)? else { continue };
        found.push(RecordedCrlView {
            authority: served.name.clone(),
            certificate: STANDARD.encode(issuer.certificate().der()),
            path: crl_path(&served.key()),
            uri: issuer.points().crl.clone(),
            number: crl.number,
            this_update: crl.this_update.seconds(),
            next_update: crl.next_update.seconds(),
            sha256: hex::encode(Sha256::digest(&crl.der)),
        });
    }
    Ok(found)
}

/// The next revocations of an authority, in ascending order of serial numbers.
pub(super) fn revoked(
    system: &System,
    name: &str,
    query: &RevokedQueryText,
) -> Result<Vec<RevokedView>, Failure> {
    let served = named(system, name)?;
    let after = query.after.as_deref().map(serial).transpose()?;
    let page = system.status.revoked(&served.key(), after.as_ref(), PAGE).map_err(unavailable)?;
    let view = |entry: &ca_core::record::RevokedEntry| RevokedView {
        serial: hex::encode(entry.serial.octets()),
        time: entry.revocation.time.seconds(),
        reason: entry.revocation.reason.number(),
        invalidity_date: entry.revocation.invalidity_date.map(UnixTime::seconds),
        not_after: entry.not_after.seconds(),
    };
    Ok(page.iter().map(view).collect())
}

/// Since when a certificate is not on hold any more.
pub(super) fn released(system: &System, name: &str, text: &str) -> Result<ReleasedView, Failure> {
    let id = CertificateId { issuer: named(system, name)?.key(), serial: serial(text)? };
    let released = system.status.released_at(&id).map_err(unavailable)?;
    Ok(ReleasedView { released_at: released.map(UnixTime::seconds) })
}

fn serial(text: &str) -> Result<SerialNumber, Failure> {
    let octets = hex::decode(text).ok().and_then(|octets| SerialNumber::from_octets(&octets).ok());
    octets.ok_or_else(|| Failure::new(Exit::Usage, "serial.malformed", format!("{text} is no serial number")))
}
