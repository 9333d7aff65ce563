//! Importing deliveries: each device is checked against the trust anchors of its manufacturer, and then the ledger takes in a
//! part as a whole.

use std::sync::LazyLock;

use ca_core::audit::Act;
use ca_core::delivered::{self, is_plain};
use ca_core::path::TrustAnchor;
use ca_core::record::{
    CheckedDevice, CountRule, DEVICES_IN_A_PART, DeliveredDevice, Delivery, DeliveryConflict, DeliveryPart,
    DeliverySource, Mark, RefusedDevice,
};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use super::acts::{event, operator, refused, rows, tenant, unavailable};
use super::fleet_acts::{digest, refused_view};
use super::routes::Peer;
use super::signed_deliveries;
use super::wire::deliveries::{
    DeliveryCloseText, DeliveryPage, DeliveryPartText, DeliveryPartView, DeliveryQueryText, DeliveryText,
    DeliveryView,
};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// No anchors: a manufacturer who is not configured vouches for nothing.
static NONE: LazyLock<Vec<TrustAnchor>> = LazyLock::new(Vec::new);

pub(super) fn open(system: &System, peer: &Peer, text: &DeliveryText) -> Result<DeliveryView, Failure> {
    let (owner, manufacturer) = (tenant(&text.tenant)?, tenant(&text.manufacturer)?);
    peer.check(&owner)?;
    if !system.authorities.iter().any(|served| *served.authority.issuer().tenant() == owner) {
        let message = format!("no authority here belongs to {owner}");
        return Err(Failure::new(Exit::NotFound, "tenant.unknown", message).then("meter-pki ca list"));
    }
    let source = DeliverySource::named(&text.source).ok_or_else(|| {
        Failure::new(Exit::Usage, "delivery.source", format!("{} is no source of a delivery", text.source))
            .then("use one of manifest, mapped")
    })?;
    if !is_plain(&text.batch) {
        let message = "a batch has at most 64 printable characters";
        return Err(Failure::new(Exit::Usage, "device.text", message));
    }
    let name = digest("delivery.malformed", &text.digest)?;
    let basis = signed_deliveries::basis(system, text, (&owner, &manufacturer, source))
        .map_err(|failure| refused(system, (&owner, peer), failure, name.to_vec()))?;
    let detail = format!(
        "{} of {manufacturer}, batch {:?}, {} devices announced{}",
        source.name(),
        text.batch,
        text.announced,
        basis.words
    );
    let event = ca_core::audit::AuditEvent {
        digest: name.to_vec(),
        ..event(system, &owner, peer, Act::DeliveryOpened, detail)?
    };
    let delivery = Delivery {
        digest: name,
        tenant: owner.clone(),
        manufacturer,
        source,
        batch: text.batch.clone(),
        basis: basis.digest,
        announced: text.announced,
        received: 0,
        imported: 0,
        unchanged: 0,
        refused: 0,
        next_part: 0,
        opened: Mark { by: operator(&owner, peer)?.to_string(), at: event.time },
        closed: None,
    };
    let opened = system.deliveries.open_delivery(delivery, event).map_err(unavailable)?;
    opened.map(|delivery| view(&delivery)).map_err(|conflict| told(system, (&owner, peer), conflict, &name))
}

pub(super) fn take_part(
    system: &System,
    peer: &Peer,
    (named, text): (&str, DeliveryPartText),
) -> Result<DeliveryPartView, Failure> {
    let delivery = find(system, named)?;
    let owner = &delivery.tenant;
    peer.check(owner)?;
    let part = text.part;
    let now = system.clock.now();
    let (content, devices) = read_part(system, &delivery, text, now)
        .map_err(|failure| refused(system, (owner, peer), failure, delivery.digest.to_vec()))?;
    let detail = format!("part {part} of delivery {}", hex::encode(delivery.digest));
    let event = ca_core::audit::AuditEvent {
        digest: content.to_vec(),
        ..event(system, owner, peer, Act::DeliveryPartTaken, detail)?
    };
    let taken = system
        .deliveries
        .take_part(DeliveryPart { digest: delivery.digest, part, content, devices, event })
        .map_err(unavailable)?;
    let outcome = taken.map_err(|conflict| told(system, (owner, peer), conflict, &delivery.digest))?;
    Ok(DeliveryPartView {
        part,
        added: outcome.added,
        unchanged: outcome.unchanged,
        refused: outcome.refused.into_iter().map(refused_view).collect(),
    })
}

pub(super) fn close(
    system: &System,
    peer: &Peer,
    (named, text): (&str, &DeliveryCloseText),
) -> Result<DeliveryView, Failure> {
    let Delivery { digest, tenant: owner, .. } = find(system, named)?;
    let count = if text.accept_count { CountRule::Accepted } else { CountRule::AsAnnounced };
    let event = ca_core::audit::AuditEvent {
        digest: digest.to_vec(),
        ..event(system, &owner, peer, Act::DeliveryClosed, "delivery closed".to_owned())?
    };
    let mark = Mark { by: operator(&owner, peer)?.to_string(), at: event.time };
    let closed = system.deliveries.close_delivery(&digest, (mark, count), event).map_err(unavailable)?;
    closed.map(|delivery| view(&delivery)).map_err(|conflict| told(system, (&owner, peer), conflict, &digest))
}

pub(super) fn list(system: &System, text: &DeliveryQueryText) -> Result<DeliveryPage, Failure> {
    let limit = rows(text.limit);
    let after = text.after.as_deref().map(|digits| digest("place.malformed", digits)).transpose()?;
    let found = system.deliveries.deliveries(after, limit).map_err(unavailable)?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| hex::encode(last.digest));
    Ok(DeliveryPage { deliveries: found.iter().map(view).collect(), next })
}

fn find(system: &System, named: &str) -> Result<Delivery, Failure> {
    let name = digest("delivery.malformed", named)?;
    system.deliveries.delivery(&name).map_err(unavailable)?.ok_or_else(|| {
        let conflict = DeliveryConflict::Unknown;
        Failure::new(Exit::NotFound, conflict.code(), conflict).then("open it first")
    })
}

/// A device of a part, checked or refused for what it is.
type Judged = Result<CheckedDevice, RefusedDevice>;

/// What a part says, as one digest, and its devices, each checked or refused for what it is. The records of a manifest are
/// proven, or nothing of the part is taken.
fn read_part(
    system: &System,
    delivery: &Delivery,
    text: DeliveryPartText,
    now: UnixTime,
) -> Result<([u8; 32], Vec<Judged>), Failure> {
    // Of a mapped delivery a part may be empty: its rows are numbered as they stand in the file, and all of them may be faulty.
    let count = text.share.as_ref().map_or(text.devices.len(), |share| share.records.len());
    if count > DEVICES_IN_A_PART || (count == 0 && text.share.is_some()) {
        let message =
            format!("a part has at most {DEVICES_IN_A_PART} devices, and one of a manifest has some");
        return Err(Failure::new(Exit::Usage, "delivery.part_length", message));
    }
    let anchors = system.factory_anchors.get(&delivery.manufacturer).unwrap_or(&NONE);
    let by = (anchors.as_slice(), now);
    match (delivery.source, text.share) {
        (DeliverySource::Manifest, Some(share)) => {
            if text.part == delivery.next_part && share.first != delivery.received {
                let message = format!(
                    "the records stand from place {} on, and {} came before them",
                    share.first, delivery.received
                );
                return Err(Failure::new(Exit::Integrity, "shipment.proof", message));
            }
            let devices = signed_deliveries::devices(system, delivery, &share)?;
            let devices = devices.into_iter().map(|device| checked(device, delivery, by)).collect();
            Ok((content(&share.records), devices))
        }
        (DeliverySource::Mapped, None) => {
            let content = content(&text.devices);
            let devices = text.devices.into_iter().map(|device| {
                let named: String = device.system_title.chars().take(32).collect();
                let device = DeliveredDevice::try_from(device)
                    .map_err(|wrong| refused_device(named, wrong.code, &wrong.message))?;
                checked(device, delivery, by)
            });
            Ok((content, devices.collect()))
        }
        (DeliverySource::Manifest, None) => {
            let message = "a part of a manifest brings its records, and what proves them";
            Err(Failure::new(Exit::Integrity, "shipment.not-proof", message))
        }
        (DeliverySource::Mapped, Some(_)) => {
            Err(Failure::new(Exit::Usage, "delivery.form", "only a manifest has records"))
        }
    }
}

/// What a part says, as one digest: the same part again is known by it.
fn content(says: &impl serde::Serialize) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(says).unwrap_or_default()).into()
}

fn refused_device(title: String, code: &str, message: &str) -> RefusedDevice {
    RefusedDevice { title, code: code.to_owned(), message: message.chars().take(200).collect() }
}

/// Checks a device; what is wrong with it is its own refusal, and nobody else's.
fn checked(
    device: DeliveredDevice,
    delivery: &Delivery,
    (anchors, now): (&[TrustAnchor], UnixTime),
) -> Result<CheckedDevice, RefusedDevice> {
    let title = device.title;
    let batch = if device.batch.is_empty() { delivery.batch.clone() } else { device.batch };
    let device = DeliveredDevice { batch, ..device };
    delivered::check(device, (&delivery.tenant, &delivery.manufacturer), anchors, now)
        .map_err(|fault| refused_device(title.to_string(), fault.code(), &fault.to_string()))
}

/// Records a refusal of a whole step.
fn told(
    system: &System,
    (owner, peer): (&TenantId, &Peer),
    conflict: DeliveryConflict,
    name: &[u8; 32],
) -> Failure {
    let (exit, next) = match &conflict {
        DeliveryConflict::Repeated { .. } => {
            (Exit::Conflict, "look at what was imported: meter-pki delivery list")
        }
        DeliveryConflict::Unknown => (Exit::NotFound, "open it first"),
        DeliveryConflict::Differs => (Exit::Conflict, "repeat the command with what it was opened with"),
        DeliveryConflict::PartOrder { .. } => {
            (Exit::Conflict, "open it again: the answer says which part is next")
        }
        DeliveryConflict::PartDiffers { .. } => {
            (Exit::Conflict, "the file was changed since: a changed file is another delivery")
        }
        DeliveryConflict::Count { .. } => (
            Exit::Refused,
            "import what is missing, or accept the count with accept_count after asking the manufacturer",
        ),
    };
    let failure = Failure::new(exit, conflict.code(), conflict).then(next);
    refused(system, (owner, peer), failure, name.to_vec())
}

fn view(delivery: &Delivery) -> DeliveryView {
    DeliveryView {
        digest: hex::encode(delivery.digest),
        tenant: delivery.tenant.to_string(),
        manufacturer: delivery.manufacturer.to_string(),
        source: delivery.source.name().to_owned(),
        batch: delivery.batch.clone(),
        basis: delivery.basis.map(hex::encode),
        announced: delivery.announced,
        received: delivery.received,
        imported: delivery.imported,
        unchanged: delivery.unchanged,
        refused: delivery.refused,
        next_part: delivery.next_part,
        opened_by: delivery.opened.by.clone(),
        opened_at: delivery.opened.at.to_string(),
        closed: delivery.closed.is_some(),
        closed_by: delivery.closed.as_ref().map(|mark| mark.by.clone()),
        closed_at: delivery.closed.as_ref().map(|mark| mark.at.to_string()),
    }
}
