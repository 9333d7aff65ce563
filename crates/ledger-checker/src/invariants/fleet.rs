//! I18: devices are found, counted and followed as their rows say, and stand where the trail says and as people were told.
//!
//! Keys of indexes are made here again from their documentation: 16 octets of the SHA-256 of tenant ‖ 00 ‖ what ‖ text.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::fleet::{Device, Fleet, SUSPENDED, state_name};
use crate::rows::{
    AuditRecord, CERTIFICATE_HELD, CERTIFICATE_ISSUED, CERTIFICATE_RELEASED, CERTIFICATE_REVOKED,
    DEVICE_SCRAPPED, DEVICES_MOVED, DEVICES_RESUMED, DEVICES_RETIRED, DEVICES_SUSPENDED,
};

/// In which order the counts of a row stand: manufactured, shipped, expected, claimed, operational, suspended, retired.
const ORDER: [u8; 7] = [3, 4, 0, 1, 2, 5, 6];

/// Retired, as rows number it.
const RETIRED: u8 = 6;

pub(super) fn indexes_say_what_the_rows_say(case: &Case, findings: &mut Findings) {
    let fleet = &case.fleet;
    let mut wanted = BTreeSet::new();
    for (title, device) in &fleet.devices {
        wanted.extend(found_by(fleet, title, device));
        let listed = [device.tenant.as_bytes(), &[0], title].concat();
        if !fleet.lists.contains(&listed) {
            findings.add(Invariant::I18, format!("{} is on no list of its owner", hex::encode(title)));
        }
    }
    for key in wanted.symmetric_difference(&fleet.index) {
        let title = key.get(16..).unwrap_or_default();
        findings.add(
            Invariant::I18,
            format!("the index does not say what the row of {} says", hex::encode(title)),
        );
    }
    if fleet.lists.len() != fleet.devices.len() {
        findings.add(Invariant::I18, "there are more or fewer devices on lists than rows of them");
    }
    let counted = counts(fleet);
    for (key, states) in &counted {
        if fleet.counts.get(key) != Some(states) {
            findings.add(Invariant::I18, format!("{} is counted wrongly", hex::encode(key)));
        }
    }
    if fleet.counts.len() != counted.len() {
        findings.add(Invariant::I18, "something is counted that no device has");
    }
}

fn found_by(fleet: &Fleet, title: &[u8], device: &Device) -> Vec<Vec<u8>> {
    let mut keys = vec![key(device, 1, state_name(device.state).as_bytes(), title)];
    let fields = device.fields.iter().filter(|(_, text)| !text.is_empty());
    keys.extend(fields.map(|(number, text)| key(device, *number, text.as_bytes(), title)));
    let serials = fleet.credentials.iter().filter(|(owner, _)| owner == title);
    keys.extend(serials.map(|(_, serial)| key(device, 9, serial, title)));
    keys.extend(device.delivery.iter().map(|digest| key(device, 10, digest, title)));
    keys
}

fn key(device: &Device, what: u8, text: &[u8], title: &[u8]) -> Vec<u8> {
    [short(&[device.tenant.as_bytes(), &[0, what], text]).as_slice(), title].concat()
}

fn short(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().take(16).copied().collect()
}

/// Adds the counts up again; the number of the maker's is not counted by.
fn counts(fleet: &Fleet) -> BTreeMap<Vec<u8>, Vec<u64>> {
    let mut counts: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
    for device in fleet.devices.values() {
        let place = ORDER.iter().position(|state| *state == device.state);
        let counted = device.fields.iter().filter(|(number, text)| *number != 8 && !text.is_empty());
        let all = (0_u8, String::new());
        for (number, text) in counted.chain([&all]) {
            let by = short(&[device.tenant.as_bytes(), &[0, *number]]);
            let key = [by, short(&[text.as_bytes()])].concat();
            let states = counts.entry(key).or_insert_with(|| vec![0; ORDER.len()]);
            if let Some(count) = place.and_then(|place| states.get_mut(place)) {
                *count += 1;
            }
        }
    }
    counts
}

/// Every line of a history names a record that tells of this device.
pub(super) fn histories_are_told_by_the_trail(case: &Case, findings: &mut Findings) {
    for ((title, sequence), certificate) in &case.fleet.history {
        let named = hex::encode_upper(title);
        let place = usize::try_from(sequence.saturating_sub(1)).ok();
        let record = place.and_then(|place| case.audit.get(place)).map(|(_, record)| record);
        let told = record.is_some_and(|record| match certificate {
            Some(id) => {
                let acts = [CERTIFICATE_ISSUED, CERTIFICATE_REVOKED, CERTIFICATE_HELD, CERTIFICATE_RELEASED];
                record.sequence == *sequence && acts.contains(&record.act) && record.id == *id
            }
            None => record.sequence == *sequence && record.detail.contains(&named),
        });
        if !told {
            findings.add(Invariant::I18, format!("audit record {sequence} does not tell of {named}"));
        }
    }
}

/// Who was taken out of service, put back or moved by the trail stands so.
pub(super) fn devices_stand_where_the_trail_says(case: &Case, findings: &mut Findings) {
    let mut standing: BTreeMap<Vec<u8>, u8> = BTreeMap::new();
    for (_, record) in &case.audit {
        if ![DEVICES_SUSPENDED, DEVICES_RESUMED, DEVICES_RETIRED, DEVICES_MOVED].contains(&record.act) {
            continue;
        }
        let list = record.detail.rsplit(": ").next().unwrap_or_default();
        for title in list.split(' ').filter_map(|title| hex::decode(title).ok()) {
            standing.insert(title, record.act);
        }
    }
    for (title, act) in standing {
        let state = case.fleet.devices.get(&title).map(|device| device.state);
        let sound = match act {
            DEVICES_SUSPENDED => state == Some(SUSPENDED),
            DEVICES_RETIRED => state == Some(RETIRED),
            _ => state.is_some_and(|state| ![SUSPENDED, RETIRED].contains(&state)),
        };
        if !sound {
            let what = format!("{} does not stand where the trail says", hex::encode_upper(&title));
            findings.add(Invariant::I18, what);
        }
    }
}

/// What people were told of deliveries and of devices is on record.
pub(super) fn what_was_acknowledged_is_on_record(case: &Case, findings: &mut Findings) {
    for (title, digest) in &case.clients.delivered {
        let described = case.fleet.devices.get(title).and_then(|device| device.delivery.as_ref());
        if described != Some(digest) {
            let what = format!("{} was delivered, and is not on record so", hex::encode_upper(title));
            findings.add(Invariant::I18, what);
        }
    }
    for ((act, title), times) in &case.clients.changed {
        let named = |record: &AuditRecord| record.act == *act && record.detail.contains(title.as_str());
        let told = case.audit.iter().filter(|(_, record)| named(record)).count();
        if told < *times {
            let invariant = if *act == DEVICE_SCRAPPED { Invariant::I19 } else { Invariant::I18 };
            findings.add(invariant, format!("an act on {title} was acknowledged, and is on no record"));
        }
    }
}
