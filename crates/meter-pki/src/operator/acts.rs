//! What operators can do, as functions of the system: texts in, views out, failures with their exit code.
//!
//! No HTTP here. Every change goes through ca-core or the registry and leaves its audit record there.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ca_core::actor::Actor;
use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::issuer::Issuer;
use ca_core::ports::Unavailable;
use ca_core::profile::ProfileId;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CrlRecord, ExpectedDevice, StoredCertificate, Token};
use ca_core::request::{ReleaseRequest, RevocationRequest};
use ca_core::revocation::RevokeError;
use ca_core::scope::{CrlKind, CrlLine, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{Fenced, InRecovery};
use sha2::{Digest, Sha256};
use status_server::repository::CrlStanding;

use super::routes::{Peer, denied_failure};
use super::wire::{
    AuthorityView, CertificateView, CertificationText, CrlChoice, CrlText, CrlView, HoldReleaseText,
    HoldReleaseView, ImportRequest, ImportView, ImportedCrlView, ImportedDevice, PublishedCrlsView,
    RevocationText, RevocationView, TokenText, TokenView,
};
use super::{order_acts, views};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// The most rows one answer has.
const MAX_ROWS: usize = 10_000;

pub(super) fn authorities(system: &System, peer: &Peer) -> Vec<AuthorityView> {
    let his = |served: &&ServedAuthority| peer.check(served.authority.issuer().tenant()).is_ok();
    system.authorities.iter().filter(his).map(views::authority).collect()
}

pub(super) fn certificate(
    system: &System,
    peer: &Peer,
    (issuer, number): (&str, &str),
) -> Result<CertificateView, Failure> {
    let issuer = (issuer != "-").then_some(issuer);
    let id = find(system, issuer, &serial(number)?)?;
    let stored =
        system.status.certificate(&id).map_err(unavailable)?.ok_or_else(|| no_certificate(number))?;
    peer.check(&stored.tenant)?;
    certificate_view(system, &stored)
}

fn certificate_view(system: &System, stored: &StoredCertificate) -> Result<CertificateView, Failure> {
    let view = views::certificate(&system.issuer_name(stored), stored, system.clock.now());
    let view = views::explained(view, system.served(&stored.id.issuer), stored.status);
    Ok(CertificateView { pem: views::pem(&stored.certificate), ..view })
}

/// Issues a certificate through the door of operators.
pub(super) fn certify(
    system: &System,
    peer: &Peer,
    text: &CertificationText,
) -> Result<CertificateView, Failure> {
    let served = named(system, &text.issuer)?;
    let actor = operator(served.authority.issuer().tenant(), peer)?;
    let unreadable = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "request.unreadable", error);
    let request = STANDARD.decode(&text.request).map_err(|error| unreadable(&error))?;
    let request = CertificationRequest::from_der(&request).map_err(|error| unreadable(&error))?;
    let issued = served.certify(actor, profile(&text.profile)?, request)?;
    let read = Certificate::from_der(issued.der())
        .map_err(|error| Failure::new(Exit::Failed, "certificate.unreadable", error))?;
    issued_view(system, served, read.serial())
}

/// Shows to whoever had it issued what was issued.
pub(super) fn issued_view(
    system: &System,
    served: &ServedAuthority,
    serial: &SerialNumber,
) -> Result<CertificateView, Failure> {
    let id = CertificateId { issuer: served.key(), serial: serial.clone() };
    let stored = system.status.certificate(&id).map_err(unavailable)?;
    certificate_view(system, &stored.ok_or_else(|| no_certificate(&serial.to_string()))?)
}

/// Finds the one certificate with this number, under the named authority or under any.
pub(super) fn find(
    system: &System,
    issuer: Option<&str>,
    number: &SerialNumber,
) -> Result<CertificateId, Failure> {
    let candidates: Vec<&ServedAuthority> = match issuer {
        Some(name) => vec![named(system, name)?],
        None => system.authorities.iter().collect(),
    };
    let mut found = Vec::new();
    for served in candidates {
        let id = CertificateId { issuer: served.key(), serial: number.clone() };
        if system.status.certificate(&id).map_err(unavailable)?.is_some() {
            found.push((served, id));
        }
    }
    match found.as_slice() {
        [(_, id)] => Ok(id.clone()),
        [] => Err(no_certificate(&number.to_string())),
        several => {
            let names: Vec<_> = several.iter().map(|(served, _)| served.name.as_str()).collect();
            let message = format!("{} authorities issued the serial number {number}", several.len());
            Err(Failure::new(Exit::Usage, "serial.ambiguous", message)
                .then(format!("name one with --issuer: {}", names.join(", "))))
        }
    }
}

pub(super) fn revoke(system: &System, peer: &Peer, text: &RevocationText) -> Result<RevocationView, Failure> {
    let id = find(system, text.issuer.as_deref(), &serial(&text.serial)?)?;
    let served = system.served(&id.issuer).ok_or_else(|| no_certificate(&text.serial))?;
    let reason = reason(&text.reason)?;
    let invalidity_date = text.invalidity_date.as_deref().map(time).transpose()?;
    let actor = operator(served.authority.issuer().tenant(), peer)?;
    order_acts::check_single(system, peer, &actor)?;
    let listed = is_listed(system, &id)?;
    let recorded = served
        .authority
        .revoke(RevocationRequest { actor, id, reason, invalidity_date })
        .map_err(|error| revocation_failure(&error))?;
    served.notice_revocation();
    Ok(RevocationView {
        issuer: served.name.clone(),
        serial: recorded.id.serial.to_string(),
        revoked_at: recorded.revocation.time.to_string(),
        reason: reason.name().to_owned(),
        sequence: recorded.sequence,
        next_crl_by: listed.then(|| served.next_crl_by().to_string()),
    })
}

pub(super) fn release(
    system: &System,
    peer: &Peer,
    text: &HoldReleaseText,
) -> Result<HoldReleaseView, Failure> {
    let id = find(system, text.issuer.as_deref(), &serial(&text.serial)?)?;
    let served = system.served(&id.issuer).ok_or_else(|| no_certificate(&text.serial))?;
    let actor = operator(served.authority.issuer().tenant(), peer)?;
    order_acts::check_single(system, peer, &actor)?;
    let listed = is_listed(system, &id)?;
    let recorded =
        served.authority.release(ReleaseRequest { actor, id }).map_err(|error| revocation_failure(&error))?;
    served.notice_revocation();
    Ok(HoldReleaseView {
        issuer: served.name.clone(),
        serial: recorded.id.serial.to_string(),
        held_since: recorded.hold.time.to_string(),
        released_at: recorded.time.to_string(),
        sequence: recorded.sequence,
        next_crl_by: listed.then(|| served.next_crl_by().to_string()),
    })
}

/// Tells whether any CRL lists the certificate when it is revoked.
fn is_listed(system: &System, id: &CertificateId) -> Result<bool, Failure> {
    let stored = system.status.certificate(id).map_err(unavailable)?;
    Ok(stored.is_none_or(|stored| stored.listing.is_ever()))
}

pub(super) fn revocation_failure(error: &RevokeError) -> Failure {
    let exit = match error {
        RevokeError::NotIssued { .. } => Exit::NotFound,
        RevokeError::NotEntitled => Exit::Permission,
        RevokeError::HoldNotOffered
        | RevokeError::NotOnHold
        | RevokeError::InvalidityInFuture { .. }
        | RevokeError::AlreadyRevoked { .. }
        | RevokeError::BeingIssued
        | RevokeError::Unavailable(_) => match error.fault() {
            Fault::Requester => Exit::Refused,
            Fault::Conflict => Exit::Conflict,
            Fault::Unavailable => Exit::Unavailable,
            Fault::Ours => Exit::Failed,
        },
    };
    Failure::new(exit, error.code(), error)
}

pub(super) fn import_devices(
    system: &System,
    peer: &Peer,
    request: &ImportRequest,
) -> Result<ImportView, Failure> {
    let tenant = tenant(&request.tenant)?;
    peer.check(&tenant)?;
    if !system.authorities.iter().any(|served| *served.authority.issuer().tenant() == tenant) {
        let message = format!("no authority here belongs to {tenant}");
        return Err(Failure::new(Exit::NotFound, "tenant.unknown", message).then("meter-pki ca list"));
    }
    let devices = request
        .devices
        .iter()
        .map(|device| expected(&tenant, device))
        .collect::<Result<Vec<ExpectedDevice>, Failure>>()?;
    let detail = format!("{} devices", devices.len());
    let outcome = if request.made {
        let event = event(system, &tenant, peer, Act::DevicesMade, detail)?;
        system.fleet.record_made(devices, event).map_err(unavailable)?
    } else {
        let event = event(system, &tenant, peer, Act::DevicesImported, detail)?;
        system.registry.import_devices(devices, event).map_err(unavailable)?
    };
    Ok(ImportView {
        added: outcome.added,
        unchanged: outcome.unchanged,
        refused: outcome.refused.iter().map(ToString::to_string).collect(),
    })
}

fn expected(owner: &TenantId, device: &ImportedDevice) -> Result<ExpectedDevice, Failure> {
    for text in [&device.serial_number, &device.model, &device.firmware, &device.batch] {
        if !ca_core::delivered::is_plain(text) {
            let message = format!(
                "{}: serial number, model, firmware and batch have at most 64 printable characters",
                device.system_title
            );
            return Err(Failure::new(Exit::Usage, "device.text", message));
        }
    }
    Ok(ExpectedDevice {
        tenant: owner.clone(),
        title: title(&device.system_title)?,
        manufacturer: device.manufacturer.as_deref().map(tenant).transpose()?,
        serial_number: device.serial_number.clone(),
        model: device.model.clone(),
        firmware: device.firmware.clone(),
        batch: device.batch.clone(),
        region: grid_place(&device.region)?,
        concentrator: grid_place(&device.concentrator)?,
    })
}

/// A place of the grid names a shard of CRLs, and stands in URIs.
fn grid_place(name: &str) -> Result<Option<Shard>, Failure> {
    let shard = (!name.is_empty()).then(|| Shard::parse(name)).transpose();
    shard.map_err(|error| Failure::new(Exit::Usage, "device.place", error))
}

pub(super) fn make_token(system: &System, peer: &Peer, text: &TokenText) -> Result<TokenView, Failure> {
    let title = title(&text.system_title)?;
    let profile = profile(&text.profile)?;
    let served =
        system.authorities.iter().find(|served| served.authority.offer(&profile).is_some()).ok_or_else(
            || Failure::new(Exit::NotFound, "profile.unknown", format!("nobody issues {profile} here")),
        )?;
    let tenant = served.authority.issuer().tenant().clone();
    // As strong as a key of any suite, since what is made for its holder may travel under it (RFC 9483 §4.1.6.3).
    let mut octets = [0; 24];
    system.entropy.fill(&mut octets).map_err(unavailable)?;
    let secret = URL_SAFE_NO_PAD.encode(octets);
    let expires_at = system.clock.now().plus_seconds(i64::from(text.valid_minutes) * 60);
    let token = Token {
        hash: Sha256::digest(&secret).into(),
        tenant: tenant.clone(),
        title,
        profile: profile.clone(),
        expires_at,
        spent: false,
    };
    let event = event(
        system,
        &tenant,
        peer,
        Act::TokenIssued,
        format!("{title} under {profile} until {expires_at}"),
    )?;
    system.registry.keep_token(token, event).map_err(unavailable)?;
    Ok(TokenView { user: title.to_string(), secret, expires_at: expires_at.to_string() })
}

pub(super) fn crls(system: &System) -> Result<Vec<CrlView>, Failure> {
    let mut found = Vec::new();
    for served in &system.authorities {
        for scope in served.publisher.scopes()?.into_iter().rev() {
            for line in [CrlLine::complete(served.key(), scope.clone()), CrlLine::delta(served.key(), scope)]
            {
                let crl = system.status.latest_of(&line).map_err(unavailable)?;
                found.extend(crl.map(|crl| views::crl(served, &crl)));
            }
        }
    }
    Ok(found)
}

pub(super) fn publish_crls(
    system: &System,
    peer: &Peer,
    (name, choice): (&str, &CrlChoice),
) -> Result<PublishedCrlsView, Failure> {
    let served = named(system, name)?;
    let actor = operator(served.authority.issuer().tenant(), peer)?;
    let shard = choice.shard.as_deref().map(Shard::parse).transpose();
    let shard = shard.map_err(|error| Failure::new(Exit::Usage, "crl.shard", error))?;
    let kind = if choice.delta { CrlKind::Delta } else { CrlKind::Complete };
    let mut made = served.publish_crls(&actor, (shard.as_ref(), kind))?;
    made.sort_by_cached_key(CrlRecord::line);
    views::published(served, &made).ok_or_else(|| Failure::new(Exit::Failed, "crl.none", "no CRL was made"))
}

/// Publishes the CRL of an offline root: one of those above our authorities, never one of ours. A refusal is on record.
pub(super) fn import_crl(system: &System, peer: &Peer, text: &CrlText) -> Result<ImportedCrlView, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, "crl.unreadable", error);
    let der = STANDARD.decode(&text.der).map_err(|error| unreadable(&error))?;
    let digest = Sha256::digest(&der).to_vec();
    let (root, standing) = publish_root_crl(system, &der)
        .map_err(|failure| refused(system, (&system.tenant, peer), failure, digest.clone()))?;
    let detail = format!("CRL {} of {} imported", standing.number, root.name());
    let event = AuditEvent {
        issuer: Some(root.key()),
        digest,
        ..event(system, root.tenant(), peer, Act::CrlIssued, detail)?
    };
    system.ports.ledger.record_event(event).map_err(unavailable)?;
    Ok(ImportedCrlView {
        issuer: root.name().to_string(),
        number: standing.number,
        next_update: standing.next_update.to_string(),
    })
}

fn publish_root_crl<'a>(system: &'a System, der: &[u8]) -> Result<(&'a Issuer, CrlStanding), Failure> {
    let crl = ParsedCrl::from_der(der).map_err(|error| Failure::new(Exit::Usage, "crl.unreadable", error))?;
    let root = system
        .roots
        .iter()
        .find(|root| {
            crl.tbs().issuer() == root.name().der() && crl.verify(root.certificate().public_key()).is_ok()
        })
        .ok_or_else(|| {
            let message = "the CRL was signed by none of the roots above the authorities here";
            Failure::new(Exit::Refused, "crl.foreign", message)
        })?;
    let standing = system
        .repository
        .publish(&root.key(), der)
        .map_err(|error| Failure::new(Exit::Refused, "crl.not-published", error))?;
    Ok((root, standing))
}

/// Records a refusal; returns it, or why it could not be recorded.
pub(super) fn refused(
    system: &System,
    (tenant, peer): (&TenantId, &Peer),
    failure: Failure,
    digest: Vec<u8>,
) -> Failure {
    let event = AuditEvent {
        reason: failure.code.clone(),
        digest,
        ..told(system, (tenant, peer), Act::RequestRefused, failure.message.clone())
    };
    match system.ports.ledger.record_event(event) {
        Ok(()) => failure,
        Err(error) => unavailable(error),
    }
}

/// An event of an act on what belongs to a tenant: only for whoever may do it.
pub(super) fn event(
    system: &System,
    tenant: &TenantId,
    peer: &Peer,
    act: Act,
    detail: String,
) -> Result<AuditEvent, Failure> {
    peer.check(tenant)?;
    Ok(told(system, (tenant, peer), act, detail))
}

fn told(system: &System, (tenant, peer): (&TenantId, &Peer), act: Act, detail: String) -> AuditEvent {
    AuditEvent {
        time: system.clock.now(),
        tenant: tenant.clone(),
        actor: peer.to_string(),
        act,
        issuer: None,
        serial: None,
        reason: String::new(),
        detail,
        digest: Vec::new(),
    }
}

/// Makes whoever asks the actor of an act on what belongs to a tenant: only if he may do it.
pub(super) fn operator(tenant: &TenantId, peer: &Peer) -> Result<Actor, Failure> {
    peer.permit().actor(tenant).map_err(|denied| denied_failure(&denied))
}

pub(super) fn named<'a>(system: &'a System, name: &str) -> Result<&'a ServedAuthority, Failure> {
    system.authorities.iter().find(|served| served.name == name).ok_or_else(|| {
        Failure::new(Exit::NotFound, "authority.unknown", format!("there is no authority called {name}"))
            .then("meter-pki ca list")
    })
}

pub(super) fn rows(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(MAX_ROWS).clamp(1, MAX_ROWS)
}

pub(super) fn tenant(text: &str) -> Result<TenantId, Failure> {
    TenantId::parse(text).map_err(|error| Failure::new(Exit::Usage, "tenant.malformed", error))
}

pub(super) fn title(text: &str) -> Result<SystemTitle, Failure> {
    SystemTitle::parse(text)
        .map_err(|error| Failure::new(Exit::Usage, "title.malformed", format!("{text}: {error}")))
}

pub(super) fn profile(text: &str) -> Result<ProfileId, Failure> {
    ProfileId::parse(text).map_err(|error| Failure::new(Exit::Usage, "profile.malformed", error))
}

pub(super) fn serial(text: &str) -> Result<SerialNumber, Failure> {
    SerialNumber::parse(text).map_err(|error| Failure::new(Exit::Usage, "serial.malformed", error))
}

/// The answer to a word that is no state.
pub(super) fn unknown_state(text: &str, known: &[&str]) -> Failure {
    Failure::new(Exit::Usage, "state.unknown", format!("{text} is not a state"))
        .then(format!("use one of {}", known.join(", ")))
}

pub(super) fn no_certificate(number: &str) -> Failure {
    let message = format!("no authority here issued the serial number {number}");
    Failure::new(Exit::NotFound, "certificate.unknown", message).then("meter-pki cert list")
}

pub(super) fn reason(text: &str) -> Result<ReasonCode, Failure> {
    ReasonCode::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = ReasonCode::ALL.into_iter().map(ReasonCode::name).collect();
        Failure::new(Exit::Usage, "reason.unknown", format!("{text} is not a revocation reason"))
            .then(format!("use one of {}", known.join(", ")))
    })
}

pub(super) fn time(text: &str) -> Result<UnixTime, Failure> {
    crate::time_text::parse(text).map_err(|error| Failure::new(Exit::Usage, "time.malformed", error))
}

pub(super) fn unavailable(error: Unavailable) -> Failure {
    if let Some(recovery) = error.cause.downcast_ref::<InRecovery>() {
        return Failure::new(Exit::Unavailable, "store.in-recovery", recovery)
            .then("stop the server, then type `meter-pki restore reconcile`");
    }
    if let Some(fenced) = error.cause.downcast_ref::<Fenced>() {
        return Failure::new(Exit::Unavailable, "store.fenced", fenced)
            .then("end this server: it is not needed any more");
    }
    Failure::new(Exit::Unavailable, "unavailable", error)
}
