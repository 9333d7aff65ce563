//! What operators can do about revocations that are due later: put on record, list, take back. The server's clock does the rest.

use ca_core::audit::{Act, AuditEvent};
use ca_core::record::{CertificateId, Mark, ScheduledRevocation};
use ca_core::request::RevocationRequest;
use ca_core::validity::UnixTime;

use super::acts::{
    event, find, no_certificate, operator, reason, refused, revocation_failure, rows, serial, time,
    unavailable,
};
use super::order_acts::check_single;
use super::routes::Peer;
use super::wire::HoldReleaseText;
use super::wire::requests::MarkView;
use super::wire::shut_out::{CancelledView, SchedulePage, ScheduleQueryText, ScheduleText, ScheduledView};
use crate::compose::System;
use crate::exit::{Exit, Failure};

pub(super) fn schedule(system: &System, peer: &Peer, text: &ScheduleText) -> Result<ScheduledView, Failure> {
    let id = find(system, text.issuer.as_deref(), &serial(&text.serial)?)?;
    let served = system.served(&id.issuer).ok_or_else(|| no_certificate(&text.serial))?;
    let (reason, due, now) = (reason(&text.reason)?, time(&text.at)?, system.clock.now());
    let invalidity_date = text.invalidity_date.as_deref().map(time).transpose()?;
    let tenant = served.authority.issuer().tenant();
    let actor = operator(tenant, peer)?;
    if due <= now {
        let message = format!("{due} is not after the present, {now}");
        let failure =
            Failure::new(Exit::Refused, "schedule.past", message).then("leave --at away to revoke it now");
        return Err(refused(system, (tenant, peer), failure, Vec::new()));
    }
    check_single(system, peer, &actor)?;
    let mark = Mark { by: actor.to_string(), at: now };
    let request = RevocationRequest { actor, id: id.clone(), reason, invalidity_date };
    served.authority.check_revocation(request).map_err(|error| revocation_failure(&error))?;
    let certificate = (Some(id.issuer), Some(id.serial.clone()));
    let scheduled = ScheduledRevocation { id, due, reason, invalidity_date, asked: mark, if_replaced: false };
    let event = AuditEvent {
        issuer: certificate.0,
        serial: certificate.1,
        reason: reason.name().to_owned(),
        ..event(system, tenant, peer, Act::RevocationScheduled, scheduled.told())?
    };
    system.schedule.schedule(scheduled.clone(), event).map_err(unavailable)?;
    Ok(view(system, &scheduled))
}

pub(super) fn cancel(system: &System, peer: &Peer, text: &HoldReleaseText) -> Result<CancelledView, Failure> {
    let id = find(system, text.issuer.as_deref(), &serial(&text.serial)?)?;
    let served = system.served(&id.issuer).ok_or_else(|| no_certificate(&text.serial))?;
    let tenant = served.authority.issuer().tenant();
    let event = AuditEvent {
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        ..event(system, tenant, peer, Act::ScheduleCancelled, "by the operator".to_owned())?
    };
    if system.schedule.cancel_schedule(&id, event).map_err(unavailable)? {
        return Ok(CancelledView { issuer: served.name.clone(), serial: id.serial.to_string() });
    }
    let message = format!("no revocation of {} is scheduled", id.serial);
    let failure =
        Failure::new(Exit::NotFound, "schedule.none", message).then("meter-pki revocation scheduled");
    Err(refused(system, (tenant, peer), failure, Vec::new()))
}

pub(super) fn list(system: &System, text: &ScheduleQueryText) -> Result<SchedulePage, Failure> {
    let limit = rows(text.limit);
    let after = text.after.as_deref().map(place).transpose()?;
    let end = UnixTime::from_seconds(i64::MAX);
    let found = system.schedule.scheduled(end, after.as_ref(), limit).map_err(unavailable)?;
    let next = found
        .last()
        .filter(|_| found.len() == limit)
        .map(|last| format!("{}.{}.{}", last.due.seconds(), last.id.issuer, last.id.serial));
    Ok(SchedulePage { scheduled: found.iter().map(|one| view(system, one)).collect(), next })
}

/// A place in the list: time, issuing key and serial number.
fn place(text: &str) -> Result<(UnixTime, CertificateId), Failure> {
    let read = || {
        let (due, id) = text.split_once('.')?;
        let (issuer, number) = id.split_once('.')?;
        let issuer = ca_core::key_ref::KeyRef::parse(issuer)?;
        let id = CertificateId { issuer, serial: serial(number).ok()? };
        Some((UnixTime::from_seconds(due.parse().ok()?), id))
    };
    read().ok_or_else(|| {
        Failure::new(Exit::Usage, "place.malformed", "that is not the `next` of a page before")
    })
}

/// Shows one.
pub(super) fn view(system: &System, scheduled: &ScheduledRevocation) -> ScheduledView {
    let served = system.served(&scheduled.id.issuer);
    ScheduledView {
        issuer: served.map_or_else(|| scheduled.id.issuer.to_string(), |served| served.name.clone()),
        serial: scheduled.id.serial.to_string(),
        due: scheduled.due.to_string(),
        reason: scheduled.reason.name().to_owned(),
        asked: MarkView { by: scheduled.asked.by.clone(), at: scheduled.asked.at.to_string() },
        if_replaced: scheduled.if_replaced,
    }
}
