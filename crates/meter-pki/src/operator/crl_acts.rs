//! What an operator needs to compare published CRLs with the records: the CRLs on record, and the revocations they have to list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{CertificateId, CrlRecord};
use ca_core::scope::{CrlLine, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use status_server::repository::line_path;

use super::acts::{named, unavailable};
use super::wire::crls::{BaseView, RecordedCrlView, ReleasedView, RevokedQueryText, RevokedView};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// How many revocations are told at once.
const PAGE: usize = 1_000;

/// The CRLs on record, in every line of every authority.
pub(super) fn recorded(system: &System) -> Result<Vec<RecordedCrlView>, Failure> {
    let mut found = Vec::new();
    for served in &system.authorities {
        for scope in served.publisher.scopes()?.into_iter().rev() {
            for line in [CrlLine::complete(served.key(), scope.clone()), CrlLine::delta(served.key(), scope)]
            {
                let crl = system.status.latest_of(&line).map_err(unavailable)?;
                let view = crl.map(|crl| recorded_view(system, served, &crl)).transpose()?;
                found.extend(view);
            }
        }
    }
    Ok(found)
}

fn recorded_view(
    system: &System,
    served: &ServedAuthority,
    crl: &CrlRecord,
) -> Result<RecordedCrlView, Failure> {
    let issuer = served.authority.issuer();
    let (line, point) = (crl.line(), issuer.crl_uri(&crl.scope));
    let base = match crl.base {
        None => None,
        Some(number) => {
            let latest = system.status.latest_of(&line.base()).map_err(unavailable)?;
            let same = latest.filter(|latest| latest.number == number);
            Some(BaseView { number, this_update: same.map(|base| base.this_update.seconds()) })
        }
    };
    Ok(RecordedCrlView {
        authority: served.name.clone(),
        certificate: STANDARD.encode(issuer.certificate().der()),
        path: line_path(&line),
        uri: issuer.points().crl.as_deref().map(|whole| line.beside(whole)),
        shard: crl.scope.shard().map(ToString::to_string),
        point: crl.scope.shard().and(point),
        base,
        number: crl.number,
        this_update: crl.this_update.seconds(),
        next_update: crl.next_update.seconds(),
        sha256: hex::encode(crl.der.sha256().map_err(|error| unavailable(error.into()))?),
    })
}

/// The next revocations of an authority, or of one shard of it, in ascending order of serial numbers.
pub(super) fn revoked(
    system: &System,
    name: &str,
    query: &RevokedQueryText,
) -> Result<Vec<RevokedView>, Failure> {
    let served = named(system, name)?;
    let after = query.after.as_deref().map(serial).transpose()?;
    let shard = query.shard.as_deref().map(Shard::parse).transpose();
    let page = match shard.map_err(|error| Failure::new(Exit::Usage, "crl.shard", error))? {
        None => system.status.revoked(&served.key(), after.as_ref(), PAGE),
        Some(shard) => system.status.revoked_in((&served.key(), &shard), after.as_ref(), PAGE),
    };
    let view = |entry: &ca_core::record::RevokedEntry| RevokedView {
        serial: hex::encode(entry.serial.octets()),
        time: entry.revocation.time.seconds(),
        reason: entry.revocation.reason.number(),
        invalidity_date: entry.revocation.invalidity_date.map(UnixTime::seconds),
        not_after: entry.not_after.seconds(),
    };
    Ok(page.map_err(unavailable)?.iter().map(view).collect())
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
