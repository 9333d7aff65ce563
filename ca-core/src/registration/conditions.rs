//! What must still hold when the intent is recorded: the slot, the token, the claim, and whether the request is a repetition.
//!
//! Made here, decided by the ledger inside its transaction.

use sha2::{Digest, Sha256};

use super::Door;
use crate::actor::{DeviceIdentity, Identity};
use crate::issuer::Issuer;
use crate::profile::CertificateProfile;
use crate::record::{Conditions, Device, DeviceClaim, Idempotency, Slot, SlotUse};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use crate::validity::UnixTime;

/// How long the answer to a request is given again to the same request, in seconds.
const REPEAT_WINDOW_SECONDS: i64 = 86_400;

pub(super) fn of(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    (door, device, now): (Door, Option<&Device>, UnixTime),
) -> Conditions {
    Conditions {
        idempotency: idempotency(issuer, request, profile, now),
        slot: slot(issuer, request, profile),
        successor_of: None,
        token: token(&request.actor.identity),
        claim: device.and_then(|device| claim(device, door, &request.actor.identity)),
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
    let Door::FactoryCertificate { grace_seconds } = door else { return None };
    let Identity::Device(DeviceIdentity { certificate, .. }) = identity else { return None };
    Some(DeviceClaim {
        tenant: device.expected.tenant.clone(),
        title: device.expected.title,
        factory_key: certificate.certificate.public_key().fingerprint(),
        grace_seconds,
    })
}

/// "The same request again" is the same octets from the same requester to the same issuer under the same profile, for the same
/// subject and period, for the first time or again.
fn idempotency(
    issuer: &Issuer,
    request: &EnrolmentRequest,
    profile: &CertificateProfile,
    now: UnixTime,
) -> Option<Idempotency> {
    let Evidence::Request(csr) = &request.evidence else {
        return None;
    };
    let kind = match &request.kind {
        EnrolmentKind::First => "first",
        EnrolmentKind::ReEnrolment { .. } => "again",
    };
    let mut hash = Sha256::new();
    let mut field = |octets: &[u8]| {
        // Each field with its length in front, so that no two lists of fields are the same octets.
        hash.update(u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(octets);
    };
    field(issuer.key().octets());
    for text in [request.profile.as_str(), profile.purpose().name(), request.actor.tenant.as_str(), kind] {
        field(text.as_bytes());
    }
    field(request.actor.to_string().as_bytes());
    field(request.subject.to_string().as_bytes());
    for name in &request.subject.alternative_names {
        field(name.to_string().as_bytes());
    }
    field(&request.validity_seconds.map_or_else(Vec::new, |seconds| seconds.to_be_bytes().to_vec()));
    field(&csr.digest());
    Some(Idempotency { key: hash.finalize().into(), since: now.plus_seconds(-REPEAT_WINDOW_SECONDS) })
}
