//! What the audit events of one request have in common, and the event of a refusal.
//!
//! Makes values only; each is recorded by the act it tells of.

use sha2::{Digest, Sha256};

use crate::actor::Actor;
use crate::audit::{Act, AuditEvent};
use crate::key_ref::KeyRef;
use crate::record::CertificateId;
use crate::registration::AdmittedRequest;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What the audit events of one request have in common.
#[derive(Debug, Clone)]
pub(super) struct EventOrigin {
    now: UnixTime,
    actor: String,
    tenant: TenantId,
    detail: String,
}

impl EventOrigin {
    pub(super) fn new(admitted: &AdmittedRequest) -> Self {
        let parts = admitted.profile.parts();
        let tenant = match &admitted.conditions.slot {
            Some((slot, _)) => slot.tenant.clone(),
            None => admitted.request.actor.tenant.clone(),
        };
        Self {
            now: admitted.now,
            actor: admitted.request.actor.to_string(),
            tenant,
            detail: format!(
                "{} under {} version {}{}",
                admitted.request.subject,
                parts.id,
                parts.version,
                waived(&admitted.request.actor)
            ),
        }
    }

    /// The one sample of the clock that the request took.
    pub(super) const fn now(&self) -> UnixTime {
        self.now
    }

    /// Whose certificate it is or will be.
    pub(super) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Makes an event of the request; `octets` are those it tells of, if any.
    pub(super) fn event(&self, act: Act, id: &CertificateId, octets: Option<&[u8]>) -> AuditEvent {
        AuditEvent {
            serial: Some(id.serial.clone()),
            digest: octets.map(|octets| Sha256::digest(octets).to_vec()).unwrap_or_default(),
            ..self.event_of_request(act, id.issuer)
        }
    }

    /// Makes an event of the request before it has a serial number.
    pub(super) fn event_of_request(&self, act: Act, issuer: KeyRef) -> AuditEvent {
        AuditEvent {
            time: self.now,
            tenant: self.tenant.clone(),
            actor: self.actor.clone(),
            act,
            issuer: Some(issuer),
            serial: None,
            reason: String::new(),
            detail: self.detail.clone(),
            digest: Vec::new(),
        }
    }
}

/// What was looked past, which is told wherever the certificate is told of.
fn waived(actor: &Actor) -> String {
    actor.identity.expired_at().map_or_else(String::new, |expired_at| {
        format!("; by a factory certificate that expired at {expired_at}, as the door allows")
    })
}

/// Makes the audit event of a refusal, which the verb records once.
pub(crate) fn refusal(actor: &Actor, wish: &str, code: &str, now: UnixTime) -> AuditEvent {
    AuditEvent {
        time: now,
        tenant: actor.tenant.clone(),
        actor: actor.to_string(),
        act: Act::RequestRefused,
        issuer: None,
        serial: None,
        reason: code.to_owned(),
        detail: wish.to_owned(),
        digest: Vec::new(),
    }
}
