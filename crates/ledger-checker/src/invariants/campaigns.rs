//! I20: campaigns count and list what stands on record for their devices; and what a swap says that a device has was issued, and
//! the trail tells of it.
//!
//! Keys are made here again from their documentation.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Findings, Invariant};
use crate::campaigns::{Campaign, Campaigns, Member, Swap, Taken};
use crate::evidence::Case;
use crate::rows::{DEVICE_SWAPPED, ISSUED, SWAP_ACTS};

/// How devices stand, as rows number it.
const WAITING: u8 = 0;
const DUE: u8 = 1;
const CALLABLE: u8 = 2;
const STUCK: u8 = 3;
const DONE: u8 = 4;
const ENDED: u8 = 5;

/// Where swaps stand, as rows number it.
const CONFIRMED: u8 = 7;
const ACTIVATED: u8 = 8;
const UNDONE: u8 = 10;

/// The words of the stages, as audit records have them.
const STAGES: [&str; 11] = [
    "planned",
    "claimed",
    "key-generated",
    "requested",
    "issued",
    "importing",
    "imported",
    "confirmed",
    "activated",
    "withdrawing",
    "undone",
];

/// The number of the act that a device was begun.
const SWAP_BEGUN: u8 = 108;

pub(super) fn counts_and_lists_are_those_of_the_devices(case: &Case, findings: &mut Findings) {
    let all = &case.campaigns;
    let mut found = |what: String| findings.add(Invariant::I20, what);
    let (mut counts, mut places) = (BTreeMap::<Vec<u8>, u64>::new(), BTreeMap::<Vec<u8>, u64>::new());
    let mut agenda = BTreeSet::new();
    let mut sizes = BTreeMap::<(&[u8], u32), u64>::new();
    for (key, member) in &all.members {
        let Some((campaign, title)) = key.split_at_checked(32) else { continue };
        if !all.campaigns.contains_key(campaign) {
            found(format!("{} is in a campaign that is not there", hex::encode_upper(title)));
        }
        *sizes.entry((campaign, member.wave)).or_default() += 1;
        let count = [campaign, &member.wave.to_be_bytes(), &[member.phase]].concat();
        *counts.entry(count).or_default() += 1;
        if let (Some(name), DUE | CALLABLE) = (&member.concentrator, member.phase) {
            let name = Sha256::digest(name);
            let short: Vec<u8> = name.iter().take(16).copied().collect();
            *places.entry([campaign, &short].concat()).or_default() += 1;
        }
        agenda.insert([campaign, &[member.phase], &order(member), title].concat());
    }
    if counts != all.counts {
        found("a campaign counts its devices wrongly".to_owned());
    }
    if places != all.places {
        found("a campaign counts the devices behind a concentrator wrongly".to_owned());
    }
    if agenda != all.agenda {
        found("a campaign does not list its devices as they stand".to_owned());
    }
    for (digest, campaign) in all.campaigns.iter().filter(|(_, campaign)| campaign.listed) {
        let listed: u64 =
            sizes.range((digest.as_slice(), 0)..=(digest.as_slice(), u32::MAX)).map(|(_, size)| size).sum();
        let size = |wave| sizes.get(&(digest.as_slice(), wave)).copied().unwrap_or_default();
        let sound = (0_u32..).zip(&campaign.waves).all(|(wave, wanted)| size(wave) == *wanted);
        if !sound || listed != campaign.count {
            found(format!("the campaign {} has not the devices that were approved", hex::encode(digest)));
        }
    }
}

/// Wave and place for what waits, a time for all else, in octets that sort so.
fn order(member: &Member) -> Vec<u8> {
    if member.phase == WAITING {
        return [member.wave.to_be_bytes(), member.spread.to_be_bytes()].concat();
    }
    (u64::from_be_bytes(member.at.to_be_bytes()) ^ (1 << 63)).to_be_bytes().to_vec()
}

pub(super) fn devices_stand_where_their_swaps_do(case: &Case, findings: &mut Findings) {
    let all = &case.campaigns;
    for (key, member) in &all.members {
        let Some((digest, title)) = key.split_at_checked(32) else { continue };
        let Some(campaign) = all.campaigns.get(digest) else { continue };
        let swaps = swaps_of(all, (digest, campaign), title);
        let whole = swaps.len() == campaign.types.len();
        let complete = swaps.iter().filter(|swap| swap.stage == ACTIVATED && !swap.stuck).count();
        let stuck = swaps.iter().any(|swap| swap.stuck);
        let sound = match member.phase {
            WAITING => swaps.is_empty(),
            DUE | CALLABLE => whole && !stuck && complete < swaps.len(),
            STUCK => whole && stuck,
            DONE => !whole || complete == swaps.len(),
            ENDED => !whole || swaps.iter().all(|swap| swap.stage == UNDONE || swap.stage == ACTIVATED),
            _ => false,
        };
        if !sound {
            let what = format!("{} does not stand where its swaps do", hex::encode_upper(title));
            findings.add(Invariant::I20, what);
        }
        let evidence = all.evidence.contains_key(&[title, digest].concat());
        if evidence != (member.phase == DONE) {
            let what = format!(
                "{} is done and nothing is kept of it, or the other way round",
                hex::encode_upper(title)
            );
            findings.add(Invariant::I20, what);
        }
    }
}

fn swaps_of<'a>(all: &'a Campaigns, (digest, campaign): (&[u8], &Campaign), title: &[u8]) -> Vec<&'a Swap> {
    let of = |purpose: &u8| all.swaps.get(&[title, &[*purpose]].concat());
    campaign.types.iter().filter_map(of).filter(|swap| swap.campaign == digest).collect()
}

/// What a device has, or may have, was issued for the key that it asked for; and what is confirmed was told by the trail.
pub(super) fn what_is_swapped_in_was_issued(case: &Case, findings: &mut Findings) {
    let all = &case.campaigns;
    for (key, swap) in &all.swaps {
        let title = hex::encode_upper(key.get(..8).unwrap_or_default());
        let mut found = |what: &str| findings.add(Invariant::I20, format!("the swap of {title} {what}"));
        if !all.members.contains_key(&[swap.campaign.as_slice(), key.get(..8).unwrap_or_default()].concat()) {
            found("is in no campaign");
        }
        match &swap.made {
            Some(made) if !was_issued(case, made, Some(&swap.profile)) => {
                found("names a certificate that was not issued for it");
            }
            None if [CONFIRMED, ACTIVATED].contains(&swap.stage) => {
                found("is confirmed without a certificate");
            }
            Some(_) | None => {}
        }
        for (stage, record) in &swap.passed {
            if !is_told(case, *record, (&title, *stage)) {
                found("names an audit record that does not tell of it");
            }
        }
    }
    for (key, (record, certificates)) in &all.evidence {
        let Some((title, digest)) = key.split_at_checked(8) else { continue };
        let types: Vec<u8> = certificates.iter().map(|one| one.purpose).collect();
        let wanted = all.campaigns.get(digest).is_some_and(|campaign| campaign.types == types);
        let title = hex::encode_upper(title);
        let told = record_of(case, *record)
            .is_some_and(|record| record.act == DEVICE_SWAPPED && record.detail.contains(&title));
        if !wanted || !told || !certificates.iter().all(|one| was_issued(case, one, None)) {
            findings.add(Invariant::I20, format!("what is kept of {title} is not what was done to it"));
        }
    }
}

fn was_issued(case: &Case, taken: &Taken, profile: Option<&str>) -> bool {
    case.ledger.certificates.get(&taken.id).is_some_and(|row| {
        row.state == ISSUED
            && Sha256::digest(&row.octets).as_slice() == taken.digest
            && row.key_fingerprint == taken.key
            && profile.is_none_or(|profile| row.profile == profile)
    })
}

/// The record in which a swap came to a stage names the device, and the stage unless it was begun there.
fn is_told(case: &Case, number: u64, (title, stage): (&str, u8)) -> bool {
    let word = STAGES.get(usize::from(stage));
    record_of(case, number).is_some_and(|record| {
        let comes_to =
            |word: &&str| record.act == SWAP_BEGUN || record.detail.contains(&format!(" to {word};"));
        SWAP_ACTS.contains(&record.act) && record.detail.contains(title) && word.is_some_and(comes_to)
    })
}

fn record_of(case: &Case, number: u64) -> Option<&crate::rows::AuditRecord> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    case.audit.get(place).map(|(_, record)| record).filter(|record| record.sequence == number)
}
