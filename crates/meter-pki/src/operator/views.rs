//! How records look to an operator. Pure: record in, view out.

use ca_core::record::{CertificateStatus, CrlRecord, Device, Provenance, StoredCertificate};
use ca_core::validity::UnixTime;
use der::pem::LineEnding;
use sha2::{Digest, Sha256};

use super::wire::fleet::DeviceView;
use super::wire::{AuthorityView, CertificateView, CrlView, PublishedCrlsView};
use crate::compose::ServedAuthority;

pub(super) fn authority(served: &ServedAuthority) -> AuthorityView {
    let issuer = served.authority.issuer();
    AuthorityView {
        name: served.name.clone(),
        tenant: issuer.tenant().to_string(),
        subject: issuer.name().to_string(),
        key: issuer.key().to_string(),
        curve: issuer.curve().to_string(),
        not_after: issuer.certificate().validity().not_after().to_string(),
        issues_until: issuer.window_ends().to_string(),
        profiles: served.profiles.iter().map(ToString::to_string).collect(),
        sha256: hex::encode(Sha256::digest(issuer.certificate().der())),
        crl_uri: issuer.points().crl.clone(),
        ocsp_uri: issuer.points().ocsp.clone(),
    }
}

pub(super) fn certificate(issuer: &str, stored: &StoredCertificate, now: UnixTime) -> CertificateView {
    let (status, revocation) = match stored.status {
        CertificateStatus::NeverIssued => ("never-issued", None),
        CertificateStatus::Pending => ("pending", None),
        CertificateStatus::Aborted => ("aborted", None),
        CertificateStatus::Uncertain { .. } => ("uncertain", None),
        CertificateStatus::Good if stored.validity.not_after() < now => ("expired", None),
        CertificateStatus::Good => ("good", None),
        CertificateStatus::Revoked(hold) if hold.is_hold() => ("on-hold", Some(hold)),
        CertificateStatus::Revoked(revocation) => ("revoked", Some(revocation)),
    };
    CertificateView {
        issuer: issuer.to_owned(),
        serial: stored.id.serial.to_string(),
        subject: stored.subject.clone(),
        tenant: stored.tenant.to_string(),
        profile: stored.profile.to_string(),
        profile_version: stored.profile_version,
        taken_over: stored.provenance == Provenance::TakenOver,
        purpose: stored.purpose.name().to_owned(),
        hierarchy: stored.slot.as_ref().map(|slot| slot.hierarchy.name().to_owned()),
        shard: stored.listing.shard().map(ToString::to_string),
        on_no_crl: !stored.listing.is_ever(),
        not_before: stored.validity.not_before().to_string(),
        not_after: stored.validity.not_after().to_string(),
        recorded_at: stored.recorded_at.to_string(),
        status: status.to_owned(),
        revoked_at: revocation.map(|revocation| revocation.time.to_string()),
        reason: revocation.map(|revocation| revocation.reason.name().to_owned()),
        explanation: None,
        next: None,
        pem: None,
    }
}

/// Says in words what became of a serial number that is no certificate in service, and what to type next.
pub(super) fn explained(
    view: CertificateView,
    served: Option<&ServedAuthority>,
    status: CertificateStatus,
) -> CertificateView {
    let (explanation, next) = match (status, served) {
        (CertificateStatus::Uncertain { since }, Some(served)) => {
            let due = since.plus_seconds(served.uncertain_grace_seconds);
            let explanation = format!(
                "the signer was asked for this certificate, and its answer is not known since {since}: a signature may exist. \
                 Nobody was given it, and it is never signed again. It will be revoked and on the CRL after the grace time, \
                 from {due} on; until then OCSP answers unknown"
            );
            let (serial, issuer) = (&view.serial, &view.issuer);
            let next = format!(
                "look in the signer's log whether it signed, then `meter-pki cert revoke {serial} --issuer {issuer} \
                 --reason unspecified` to revoke it at once, or wait until {due}"
            );
            (Some(explanation), Some(next))
        }
        (CertificateStatus::Pending, _) => (Some("it is being issued at this moment; nothing was delivered".to_owned()), None),
        (CertificateStatus::Aborted, _) => (
            Some("it was never signed; the serial number is burned, and the requester asks again under another".to_owned()),
            None,
        ),
        (
            CertificateStatus::Uncertain { .. }
            | CertificateStatus::NeverIssued
            | CertificateStatus::Good
            | CertificateStatus::Revoked(_),
            _,
        ) => (None, None),
    };
    CertificateView { explanation, next, ..view }
}

/// Writes DER octets as PEM; `None` while there are none.
pub(super) fn pem(der: &[u8]) -> Option<String> {
    (!der.is_empty()).then(|| der::pem::encode_string("CERTIFICATE", LineEnding::LF, der).ok()).flatten()
}

pub(super) fn device(device: &Device) -> DeviceView {
    let expected = &device.expected;
    DeviceView {
        system_title: expected.title.to_string(),
        tenant: expected.tenant.to_string(),
        state: device.state.name().to_owned(),
        manufacturer: expected.manufacturer.as_ref().map(ToString::to_string),
        serial_number: expected.serial_number.clone(),
        model: expected.model.clone(),
        firmware: expected.firmware.clone(),
        batch: expected.batch.clone(),
        region: expected.region.as_ref().map(ToString::to_string),
        concentrator: expected.concentrator.as_ref().map(ToString::to_string),
        imported_at: device.imported_at.to_string(),
        claimed_by: device.claimed_by.map(hex::encode),
        factory_superseded_at: device.factory_superseded_at.map(|time| time.to_string()),
        suspended_from: device.suspended_from.map(|state| state.name().to_owned()),
        shipped_to: device.shipped_to.as_ref().map(ToString::to_string),
        delivery: device.delivery.map(hex::encode),
    }
}

pub(crate) fn crl(served: &ServedAuthority, crl: &CrlRecord) -> CrlView {
    CrlView {
        authority: served.name.clone(),
        number: crl.number,
        this_update: crl.this_update.to_string(),
        next_update: crl.next_update.to_string(),
        entries: crl.entries,
        octets: crl.der.length(),
        uri: match crl.base {
            None => served.authority.issuer().crl_uri(&crl.scope),
            Some(_) => served.authority.issuer().freshest_uri(&crl.scope),
        },
        shard: crl.scope.shard().map(ToString::to_string),
        base: crl.base,
    }
}

/// Tells of CRLs that were made; `None` when there are none.
pub(crate) fn published(served: &ServedAuthority, made: &[CrlRecord]) -> Option<PublishedCrlsView> {
    let mut views = made.iter().map(|one| crl(served, one));
    Some(PublishedCrlsView { first: views.next()?, further: views.collect() })
}
