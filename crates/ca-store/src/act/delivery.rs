//! Taking in a delivery: opening it, its parts, closing it. Whether a certificate is sound was decided before; whether it
//! stands against what is on record is decided here, since two deliveries may race.

use std::collections::BTreeMap;

use ca_core::audit::AuditEvent;
use ca_core::record::{
    CheckedDevice, CountRule, DeliveredRefusal, Delivery, DeliveryConflict, DeliveryPart, Device, DeviceAct,
    DeviceCredential, DeviceEventKind, DeviceState, Mark, PartOutcome, RefusedDevice,
};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::fleet::{Line, Tally, seal_naming, write};
use crate::keyspace::Keyspace;
use crate::keyspace::fleet::{Found, index_key};
use crate::row::{
    CredentialRow, DeliveryPartRow, DeliveryRow, DeviceRow, KeyRow, RefusalRow, Row, SecretRow,
};
use crate::transaction::{ActFault, Rows, Transaction};

/// Opens a delivery; one that is open stays as it is.
pub(crate) fn open(
    tx: &mut Transaction<'_>,
    delivery: Delivery,
    event: AuditEvent,
) -> Result<Result<Delivery, DeliveryConflict>, ActFault> {
    if let Some(DeliveryRow { delivery: known }) = tx.row(&delivery.digest)? {
        return Ok(match &known.closed {
            Some(closed) => Err(DeliveryConflict::Repeated { closed_at: closed.at }),
            None if known.is_opened_as(&delivery) => Ok(known),
            None => Err(DeliveryConflict::Differs),
        });
    }
    tx.seal(event)?;
    tx.put(&delivery.digest.clone(), &DeliveryRow { delivery: delivery.clone() })?;
    Ok(Ok(delivery))
}

/// Takes in the next part of a delivery; one that was taken in before is answered again.
pub(crate) fn take_part(
    tx: &mut Transaction<'_>,
    part: DeliveryPart,
) -> Result<Result<PartOutcome, DeliveryConflict>, ActFault> {
    let Some(DeliveryRow { mut delivery }) = tx.row(&part.digest)? else {
        return Ok(Err(DeliveryConflict::Unknown));
    };
    match delivery.expects(part.part) {
        Err(conflict) => return Ok(Err(conflict)),
        Ok(false) => return answered(tx, &part),
        Ok(true) => {}
    }
    let now = part.event.time;
    let mut outcome = PartOutcome::default();
    let (mut tally, mut lines) = (Tally::default(), Vec::new());
    delivery.received = delivery.received.saturating_add(length(&part.devices));
    for device in part.devices {
        let taken = match device {
            Err(refused) => Err(refused),
            Ok(checked) => take_in(tx, &mut tally, (&delivery, now), &checked)?
                .map_err(|refusal| refused(&checked.expected.title, &refusal)),
        };
        match taken {
            Ok(Some(line)) => {
                lines.push(line);
                outcome.added = outcome.added.saturating_add(1);
            }
            Ok(None) => outcome.unchanged = outcome.unchanged.saturating_add(1),
            Err(refused) => outcome.refused.push(refused),
        }
    }
    tally.settle(tx)?;
    let detail = format!("{}{}", part.event.detail, codes(&outcome.refused));
    seal_naming(tx, &AuditEvent { detail, ..part.event }, &lines)?;
    let digest = part.digest;
    remember(tx, (&digest, part.part, part.content), &outcome)?;
    delivery.imported = delivery.imported.saturating_add(outcome.added);
    delivery.unchanged = delivery.unchanged.saturating_add(outcome.unchanged);
    delivery.refused = delivery.refused.saturating_add(length(&outcome.refused));
    delivery.next_part = delivery.next_part.saturating_add(1);
    tx.put(&digest, &DeliveryRow { delivery })?;
    Ok(Ok(outcome))
}

/// Closes a delivery; one that is closed stays as it is.
pub(crate) fn close(
    tx: &mut Transaction<'_>,
    digest: &[u8; 32],
    (mark, count): (Mark, CountRule),
    mut event: AuditEvent,
) -> Result<Result<Delivery, DeliveryConflict>, ActFault> {
    let Some(DeliveryRow { mut delivery }) = tx.row(digest)? else {
        return Ok(Err(DeliveryConflict::Unknown));
    };
    match delivery.close(mark, count) {
        Err(conflict) => return Ok(Err(conflict)),
        Ok(false) => return Ok(Ok(delivery)),
        Ok(true) => {}
    }
    event.detail = format!(
        "{}; {} announced, {} received, {} imported, {} unchanged, {} refused",
        event.detail,
        delivery.announced,
        delivery.received,
        delivery.imported,
        delivery.unchanged,
        delivery.refused
    );
    tx.seal(event)?;
    tx.put(digest, &DeliveryRow { delivery: delivery.clone() })?;
    Ok(Ok(delivery))
}

/// Answers a part that was taken in before.
fn answered(
    tx: &Transaction<'_>,
    part: &DeliveryPart,
) -> Result<Result<PartOutcome, DeliveryConflict>, ActFault> {
    let known = tx.row::<DeliveryPartRow>(&(part.digest, part.part))?;
    let Some(known) = known.filter(|row| row.content == part.content) else {
        return Ok(Err(DeliveryConflict::PartDiffers { part: part.part }));
    };
    let mut refused = Vec::new();
    for place in 0..known.refused {
        let row = tx.row::<RefusalRow>(&(part.digest, part.part, place))?;
        refused.extend(row.map(|row| row.refused));
    }
    Ok(Ok(PartOutcome { added: known.added, unchanged: known.unchanged, refused }))
}

/// How many devices of a part were refused, and why, as its audit record says it.
fn codes(refused: &[RefusedDevice]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for one in refused {
        *counts.entry(one.code.as_str()).or_default() += 1;
    }
    let told: Vec<String> = counts.iter().map(|(code, count)| format!("{count} {code}")).collect();
    if told.is_empty() { String::new() } else { format!("; refused {}", told.join(", ")) }
}

fn remember(
    tx: &mut Transaction<'_>,
    (digest, part, content): (&[u8; 32], u32, [u8; 32]),
    outcome: &PartOutcome,
) -> Result<(), ActFault> {
    let row = DeliveryPartRow {
        content,
        added: outcome.added,
        unchanged: outcome.unchanged,
        refused: u32::try_from(outcome.refused.len()).unwrap_or(u32::MAX),
    };
    tx.put(&(*digest, part), &row)?;
    for (place, refused) in (0..).zip(&outcome.refused) {
        tx.put(&(*digest, part, place), &RefusalRow { refused: refused.clone() })?;
    }
    Ok(())
}

/// Takes in a device, or says why not. `None` for one that is on the list as it was delivered.
fn take_in(
    tx: &mut Transaction<'_>,
    tally: &mut Tally,
    (delivery, now): (&Delivery, UnixTime),
    checked: &CheckedDevice,
) -> Result<Result<Option<Line>, DeliveredRefusal>, ActFault> {
    let title = checked.expected.title;
    let before = tx.row::<DeviceRow>(&title)?.map(|row| row.device);
    let same = brings_nothing_new(tx, before.as_ref(), checked)?;
    let (mut device, kind) = match judge(before.as_ref(), (delivery, now), checked, same) {
        Ok(Some(judged)) => judged,
        Ok(None) => return Ok(Ok(None)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(refusal) = key_in_the_way(tx, &title, &checked.credentials)? {
        return Ok(Err(refusal));
    }
    device.delivery = Some(delivery.digest);
    if !checked.credentials.is_empty() {
        device.delivered_keys = u16::try_from(checked.credentials.len()).unwrap_or(u16::MAX);
        replace_credentials(tx, before.as_ref(), (&device, &checked.credentials))?;
    } else if let Some(before) = &before {
        move_credentials(tx, before, &device)?;
    }
    replace_secrets(tx, checked)?;
    write(tx, tally, before.as_ref(), &device)?;
    Ok(Ok(Some(Line::of(&device, kind).told_by(delivery.digest))))
}

/// Decides what becomes of a device that is delivered; nothing when it is on the list like that.
fn judge(
    before: Option<&Device>,
    (delivery, now): (&Delivery, UnixTime),
    checked: &CheckedDevice,
    same: bool,
) -> Result<Option<(Device, DeviceEventKind)>, DeliveredRefusal> {
    let expected = checked.expected.clone();
    let Some(known) = before else {
        return Ok(Some((Device::new(expected, now), DeviceEventKind::Imported)));
    };
    if known.expected.tenant != expected.tenant {
        return receive(known, checked, now);
    }
    if known.delivery == Some(delivery.digest) {
        return Err(DeliveredRefusal::Repeated);
    }
    if let Some(out) = known.state.out_of_use() {
        return Err(DeliveredRefusal::OutOfUse(out));
    }
    if same {
        return Ok(None);
    }
    let waits = matches!(known.state, DeviceState::Expected | DeviceState::Manufactured);
    // What is in service may learn of its factory certificates, if it was claimed by one of them.
    let mut delivered = checked.credentials.iter().map(|one| one.key_fingerprint);
    let fits = known.claimed_by.is_none_or(|key| delivered.any(|one| one == key));
    let described = known.expected == expected || known.expected.differs_in_place_alone(&expected);
    if waits || (described && fits) {
        return Ok(Some((Device { expected, ..known.clone() }, DeviceEventKind::Described)));
    }
    Err(DeliveredRefusal::Claimed)
}

/// A device comes from its maker to the owner to whom it was sent, and to nobody else.
fn receive(
    known: &Device,
    checked: &CheckedDevice,
    now: UnixTime,
) -> Result<Option<(Device, DeviceEventKind)>, DeliveredRefusal> {
    let owner = checked.expected.tenant.clone();
    if known.shipped_to.as_ref() != Some(&owner) {
        return Err(DeliveredRefusal::OtherOwner);
    }
    let mut device = known.clone();
    device.pass_to(DeviceAct::Receive, owner, now).map_err(|_| DeliveredRefusal::OtherOwner)?;
    device.expected = checked.expected.clone();
    Ok(Some((device, DeviceEventKind::OwnerChanged)))
}

/// Tells whether a device is on record with this description, these certificates and these secrets.
fn brings_nothing_new(
    tx: &Transaction<'_>,
    before: Option<&Device>,
    checked: &CheckedDevice,
) -> Result<bool, ActFault> {
    let Some(known) = before.filter(|known| known.expected == checked.expected) else { return Ok(false) };
    let title = known.expected.title;
    for credential in &checked.credentials {
        let row = tx.row::<CredentialRow>(&(title, credential.key_fingerprint))?;
        if row.is_none_or(|row| row.credential.certificate != credential.certificate) {
            return Ok(false);
        }
    }
    for secret in &checked.secrets {
        let row = tx.row::<SecretRow>(&(title, secret.kind, secret.wrapped_by.clone()))?;
        if row.is_none_or(|row| row.secret.octets != secret.octets) {
            return Ok(false);
        }
    }
    Ok(checked.credentials.is_empty() || usize::from(known.delivered_keys) == checked.credentials.len())
}

/// Finds a key that is known under another system title, for another purpose, or as compromised.
fn key_in_the_way(
    tx: &Transaction<'_>,
    title: &SystemTitle,
    credentials: &[DeviceCredential],
) -> Result<Option<DeliveredRefusal>, ActFault> {
    let title = title.to_string();
    for (place, one) in credentials.iter().enumerate() {
        let twice = credentials.iter().take(place).find(|other| other.key_fingerprint == one.key_fingerprint);
        if let Some(other) = twice {
            return Ok(Some(DeliveredRefusal::KeyReused { subject: title, purpose: other.purpose }));
        }
        match tx.row::<KeyRow>(&one.key_fingerprint)? {
            Some(key) if key.blocked => return Ok(Some(DeliveredRefusal::KeyBlocked)),
            Some(KeyRow { subject, purpose, .. }) if subject != title || purpose != one.purpose => {
                return Ok(Some(DeliveredRefusal::KeyReused { subject, purpose }));
            }
            Some(_) | None => {}
        }
    }
    Ok(None)
}

/// Puts the certificates that were delivered in the place of those that were delivered before.
fn replace_credentials(
    tx: &mut Transaction<'_>,
    before: Option<&Device>,
    (device, credentials): (&Device, &[DeviceCredential]),
) -> Result<(), ActFault> {
    let title = device.expected.title;
    if let Some(before) = before {
        for (_, octets) in tx.rows_under(Keyspace::DeviceCredentials, title.octets())? {
            let CredentialRow { credential } = CredentialRow::decode(&octets)?;
            tx.remove::<CredentialRow>(&(title, credential.key_fingerprint));
            let found = Found::Certificate(&credential.serial);
            tx.remove_key(Keyspace::DeviceIndex, index_key(&before.expected.tenant, &found, &title));
            hold_key(tx, &title, &credential, -1)?;
        }
    }
    for credential in credentials {
        let found = Found::Certificate(&credential.serial);
        let key = index_key(&device.expected.tenant, &found, &title);
        tx.put_octets(Keyspace::DeviceIndex, key, Vec::new())?;
        hold_key(tx, &title, credential, 1)?;
        let row = CredentialRow { credential: credential.clone() };
        tx.put(&(title, credential.key_fingerprint), &row)?;
    }
    Ok(())
}

/// Lets a device be found by its certificates at its new owner.
pub(crate) fn move_credentials(
    tx: &mut Transaction<'_>,
    before: &Device,
    device: &Device,
) -> Result<(), ActFault> {
    let (from, to) = (&before.expected.tenant, &device.expected.tenant);
    if from == to {
        return Ok(());
    }
    let title = device.expected.title;
    for (_, octets) in tx.rows_under(Keyspace::DeviceCredentials, title.octets())? {
        let CredentialRow { credential } = CredentialRow::decode(&octets)?;
        let found = Found::Certificate(&credential.serial);
        tx.remove_key(Keyspace::DeviceIndex, index_key(from, &found, &title));
        tx.put_octets(Keyspace::DeviceIndex, index_key(to, &found, &title), Vec::new())?;
    }
    Ok(())
}

/// A key that came with a device is certified, like one that we certify: no other device may have it.
fn hold_key(
    tx: &mut Transaction<'_>,
    title: &SystemTitle,
    credential: &DeviceCredential,
    by: i64,
) -> Result<(), ActFault> {
    let key = tx.row::<KeyRow>(&credential.key_fingerprint)?;
    let (subject, purpose) = (title.to_string(), credential.purpose);
    let mut key = key.unwrap_or(KeyRow { subject, purpose, holders: 0, blocked: false });
    key.holders = key.holders.saturating_add_signed(by);
    if key.holders == 0 && !key.blocked {
        tx.remove::<KeyRow>(&credential.key_fingerprint);
        Ok(())
    } else {
        tx.put(&credential.key_fingerprint, &key)
    }
}

/// Puts the secrets that were delivered in the place of those that were delivered before, if any were.
fn replace_secrets(tx: &mut Transaction<'_>, checked: &CheckedDevice) -> Result<(), ActFault> {
    if checked.secrets.is_empty() {
        return Ok(());
    }
    let title = checked.expected.title;
    for (key, _) in tx.rows_under(Keyspace::DeviceSecrets, title.octets())? {
        tx.remove_key(Keyspace::DeviceSecrets, key);
    }
    for secret in &checked.secrets {
        let key = (title, secret.kind, secret.wrapped_by.clone());
        tx.put(&key, &SecretRow { secret: secret.clone() })?;
    }
    Ok(())
}

fn refused(title: &SystemTitle, refusal: &DeliveredRefusal) -> RefusedDevice {
    let message = refusal.to_string().chars().take(200).collect();
    RefusedDevice { title: title.to_string(), code: refusal.code().to_owned(), message }
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}
