//! The keys of the fleet: what devices are found, counted and followed by, and deliveries.
//!
//! Texts stand in keys as the first 16 octets of a SHA-256, so that every key of an index has the same 24 octets whatever a
//! model is called. Who looks a device up by an index compares the text in its row.

use ca_core::record::{DeviceField, DeviceState, SecretKind};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use sha2::{Digest, Sha256};

/// How long a digest of a text is in a key.
const TEXT: usize = 16;

/// What the devices of an owner are found by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    State(DeviceState),
    Field(DeviceField, &'a str),
    /// The serial number of a certificate that came with the device.
    Certificate(&'a SerialNumber),
    /// The delivery that described the device last.
    Delivery(&'a [u8; 32]),
}

impl Found<'_> {
    /// Returns the number that stands in front of the text; on disk for ever.
    const fn number(&self) -> u8 {
        match self {
            Self::State(_) => 1,
            Self::Field(field, _) => field_number(*field),
            Self::Certificate(_) => 9,
            Self::Delivery(_) => 10,
        }
    }

    fn text(&self) -> &[u8] {
        match self {
            Self::State(state) => state.name().as_bytes(),
            Self::Field(_, text) => text.as_bytes(),
            Self::Certificate(serial) => serial.octets(),
            Self::Delivery(digest) => digest.as_slice(),
        }
    }
}

/// Returns the number of a field in keys.
const fn field_number(field: DeviceField) -> u8 {
    match field {
        DeviceField::Manufacturer => 2,
        DeviceField::Model => 3,
        DeviceField::Firmware => 4,
        DeviceField::Batch => 5,
        DeviceField::Region => 6,
        DeviceField::Concentrator => 7,
        DeviceField::SerialNumber => 8,
    }
}

fn digest(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().take(TEXT).copied().collect()
}

/// 16 octets of the digest of tenant ‖ 00 ‖ what ‖ text.
pub(crate) fn index_prefix(tenant: &TenantId, found: &Found<'_>) -> Vec<u8> {
    digest(&[tenant.as_str().as_bytes(), &[0, found.number()], found.text()])
}

/// 16 octets of the digest ‖ system title.
pub(crate) fn index_key(tenant: &TenantId, found: &Found<'_>, title: &SystemTitle) -> Vec<u8> {
    let mut key = index_prefix(tenant, found);
    key.extend_from_slice(title.octets());
    key
}

/// 16 octets of the digest of tenant ‖ 00 ‖ field, 0 for all: what the counts by a field begin with.
pub(crate) fn count_prefix(tenant: &TenantId, field: Option<DeviceField>) -> Vec<u8> {
    digest(&[tenant.as_str().as_bytes(), &[0, field.map_or(0, field_number)]])
}

/// 16 octets of the digest ‖ 16 octets of the digest of the text.
pub(crate) fn device_count_key(tenant: &TenantId, field: Option<DeviceField>, text: &str) -> Vec<u8> {
    let mut key = count_prefix(tenant, field);
    key.extend(digest(&[text.as_bytes()]));
    key
}

/// system title ‖ number of an audit record.
pub(crate) fn history_key(title: &SystemTitle, sequence: u64) -> Vec<u8> {
    [title.octets().as_slice(), &sequence.to_be_bytes()].concat()
}

/// Reads what [`history_key`] wrote.
pub(crate) fn parse_history(key: &[u8]) -> Option<(SystemTitle, u64)> {
    let (title, sequence) = key.split_first_chunk()?;
    Some((SystemTitle::new(*title), u64::from_be_bytes(sequence.try_into().ok()?)))
}

/// system title ‖ SHA-256 of a key.
pub(crate) fn credential_key(title: &SystemTitle, fingerprint: &[u8; 32]) -> Vec<u8> {
    [title.octets().as_slice(), fingerprint].concat()
}

/// system title ‖ kind ‖ 16 octets of the digest of the label of the wrapping key.
pub(crate) fn secret_key(title: &SystemTitle, kind: SecretKind, wrapped_by: &str) -> Vec<u8> {
    let number = SecretKind::ALL.into_iter().zip(0_u8..).find(|(one, _)| *one == kind).map_or(0, |(_, n)| n);
    [title.octets().as_slice(), &[number], &digest(&[wrapped_by.as_bytes()])].concat()
}

/// digest of a delivery ‖ part ‖ place.
pub(crate) fn refusal_key(delivery: &[u8; 32], part: u32, place: u32) -> Vec<u8> {
    [delivery.as_slice(), &part.to_be_bytes(), &place.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_by_one_text_is_not_found_by_another() {
        let (one, other) = (TenantId::parse("dso").unwrap(), TenantId::parse("dso-2").unwrap());
        let (model, batch) = (DeviceField::Model, DeviceField::Batch);
        let keys: std::collections::BTreeSet<Vec<u8>> = [
            index_prefix(&one, &Found::Field(model, "a")),
            index_prefix(&one, &Found::Field(model, "b")),
            index_prefix(&one, &Found::Field(batch, "a")),
            index_prefix(&other, &Found::Field(model, "a")),
            index_prefix(&one, &Found::State(DeviceState::Expected)),
            index_prefix(&one, &Found::Delivery(&[7; 32])),
        ]
        .into();
        assert_eq!(keys.len(), 6);
    }

    #[test]
    fn every_key_is_short_enough_for_both_engines() {
        let tenant = TenantId::parse(&"t".repeat(32)).unwrap();
        let title = SystemTitle::new([255; 8]);
        let long = "m".repeat(64);
        let found = Found::Field(DeviceField::Model, &long);
        let keys = [
            index_key(&tenant, &found, &title),
            device_count_key(&tenant, Some(DeviceField::Model), &long),
            history_key(&title, u64::MAX),
            credential_key(&title, &[1; 32]),
            secret_key(&title, SecretKind::Lls, &long),
            refusal_key(&[1; 32], 1, 2),
        ];
        assert!(keys.iter().all(|key| key.len() <= 64), "{keys:?}");
        assert_eq!(parse_history(&history_key(&title, 7)), Some((title, 7)));
    }
}
