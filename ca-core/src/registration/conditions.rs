//! What must still hold when the intent is recorded: the slot, the token, the claim, the place
//! in a production order, and whether the request is a repetition.
//!
//! Made here, decided by the ledger inside its transaction.

use super::{Door, Grounds, NeededApproval, Offer, ProductionRule, repeats, visit};
use crate::actor::{DeviceIdentity, Identity, Presented};
use crate::issuer::Issuer;
use crate::profile::CertificateProfile;
use crate::record::{Conditions, Device, DeviceClaim, Handover, ProductionOf, Slot, SlotUse};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use crate::validity::UnixTime;

pub(super) fn of(
    grounds: &Grounds<'_>,
    request: &EnrolmentRequest,
    offer: &Offer,
    (door, device, now): (Door, Option<&Device>, UnixTime),
    approval: Option<&NeededApproval>,
) -> Conditions {
    let issuer = grounds.issuer;
    let production = production(grounds, request, offer);
    Conditions {
        transaction: request.transaction,
        idempotency: repeats::idempotency(issuer, request, offer, (now, approval.is_some()))
            .map(|idempotency| visit::repeated(grounds.visit, idempotency)),
        slot: slot(issuer, request, &offer.profile).map(|(slot, slot_use)| {
            // Under an order nothing is replaced: what a device has is scrapped before it gets another. On a visit whatever
            // the unit has is.
            match (&production, grounds.visit) {
                (Some(_), _) => (slot, SlotUse::First),
                (None, Some(_)) => (slot, SlotUse::Rotation),
                (None, None) => (slot, slot_use),
            }
        }),
        successor_of: None,
        token: token(&request.actor.identity),
        claim: device.and_then(|device| claim(device, door, &request.actor.identity)),
        revoke_replaced_after: offer.profile.parts().revoke_replaced_after_seconds,
        handover: handover(issuer, request, offer, now).map(Box::new),
        shown: request.actor.identity.presented().map(Presented::id),
        production,
        visit: visit::of(grounds.visit, &offer.profile),
        // Made with the draft: it names the key.
        approval: None,
        // Looked at as late as can be.
        key_is_away: false,
    }
}

/// An order is named by who asks for a whole batch, or it is the one that the station works on: which one that is, and whether
/// there is a place in it, is decided by the ledger.
fn production(grounds: &Grounds<'_>, request: &EnrolmentRequest, offer: &Offer) -> Option<ProductionOf> {
    match (grounds.production, offer.production, &request.actor.identity) {
        (Some(id), _, _) => Some(ProductionOf::Order(id.clone())),
        (None, ProductionRule::Unasked, _) => None,
        (None, ProductionRule::Required, Identity::RegistrationAuthority(station)) => {
            Some(ProductionOf::Station(station.name.clone()))
        }
        (
            None,
            ProductionRule::Required,
            Identity::Device(_)
            | Identity::OneTimeToken { .. }
            | Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Unauthenticated { .. },
        ) => Some(ProductionOf::None),
    }
}

fn slot(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
) -> Option<(Slot, SlotUse)> {
    let slot_use = match request.kind {
        EnrolmentKind::First => SlotUse::First,
        EnrolmentKind::ReEnrolment { .. } => SlotUse::Rotation,
    };
    let title = *request.subject.system_title()?;
    let (hierarchy, purpose) = (profile.parts().hierarchy, profile.purpose());
    Some((Slot { tenant: issuer.tenant().clone(), title, hierarchy, purpose }, slot_use))
}

/// In a transaction the answer is on record, sealed for its device, and is given again (RFC 9483 §4.1.6).
fn handover(issuer: &Issuer, request: &EnrolmentRequest, offer: &Offer, now: UnixTime) -> Option<Handover> {
    let made_here = matches!(request.evidence, Evidence::MadeHere { .. });
    (made_here && request.transaction.is_none()).then(|| Handover {
        to: request.actor.requester(),
        issuer: issuer.key(),
        profile: request.profile.clone(),
        since: now.plus_seconds(-offer.repeats.window_seconds),
        shown: request.actor.identity.presented().map(Presented::id),
    })
}

const fn token(identity: &Identity) -> Option<[u8; 32]> {
    match identity {
        Identity::OneTimeToken { hash, .. } => Some(*hash),
        Identity::Device(_)
        | Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    }
}

fn claim(device: &Device, door: Door, identity: &Identity) -> Option<DeviceClaim> {
    let Door::FactoryCertificate { grace_seconds, .. } = door else { return None };
    let Identity::Device(DeviceIdentity { certificate, .. }) = identity else { return None };
    Some(DeviceClaim {
        tenant: device.expected.tenant.clone(),
        title: device.expected.title,
        factory_key: certificate.certificate.public_key().fingerprint(),
        grace_seconds,
    })
}
