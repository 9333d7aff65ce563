//! Whether campaigns count and list what stands on record for their devices, and every certificate that a swap is about is one
//! that was issued. Counted again from the devices; nothing is taken from the rows that are checked.

use std::collections::BTreeMap;

use ca_core::fleet::campaign::Campaign;
use ca_core::fleet::member::{self, Member, Phase};
use ca_core::fleet::swap::{Stage, Swap};
use ca_core::record::CertificateId;
use ca_core::system_title::SystemTitle;
use sha2::{Digest, Sha256};

use super::IntegrityFault;
use crate::act::swap::{place, swaps_of};
use crate::engine::View;
use crate::keyspace::Keyspace;
use crate::keyspace::campaign::{agenda_key, count_key, place_key};
use crate::row::{
    CampaignRow, CertificateRow, CertificateState, EvidenceRow, MemberCountRow, MemberRow, PlaceCountRow,
    ReplacedRow, RevocationRow, Row, SwapRow,
};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

/// What is counted again.
#[derive(Default)]
struct Recount {
    /// Campaigns by their digests.
    campaigns: BTreeMap<[u8; 32], Campaign>,
    /// How many devices each wave of a campaign has.
    waves: BTreeMap<([u8; 32], u32), u64>,
    /// What the rows of counts must say, by their keys.
    counts: BTreeMap<Vec<u8>, u64>,
    /// What those of concentrators must say.
    places: BTreeMap<Vec<u8>, u64>,
    /// How many rows the agenda must have.
    listed: u64,
    /// How many devices are done: as many have evidence.
    done: u64,
}

impl Store {
    /// Checks the rows of campaigns against those of their devices, and these against their swaps and certificates.
    pub(crate) fn check_campaigns(&self) -> Result<(), IntegrityFault> {
        let mut recount = Recount::default();
        self.each(Keyspace::Campaigns, |_, octets| {
            let CampaignRow { campaign } = CampaignRow::decode(octets)?;
            recount.campaigns.insert(campaign.digest, campaign);
            Ok(())
        })?;
        self.each(Keyspace::CampaignMembers, |_, octets| {
            let MemberRow { member } = MemberRow::decode(octets)?;
            let campaign =
                recount.campaigns.get(&member.campaign).ok_or_else(|| fault(Keyspace::CampaignMembers))?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            check_member(&*view, campaign, &member)?;
            recount.take(&member);
            Ok(())
        })?;
        recount.check_sizes()?;
        self.compare(Keyspace::CampaignCounts, &recount.counts, |octets| {
            Ok(MemberCountRow::decode(octets)?.0)
        })?;
        self.compare(Keyspace::CampaignPlaces, &recount.places, |octets| {
            Ok(u64::from(PlaceCountRow::decode(octets)?.0))
        })?;
        self.check_number(Keyspace::CampaignAgenda, recount.listed)?;
        self.check_number(Keyspace::Evidence, recount.done)?;
        self.each(Keyspace::Swaps, |_, octets| {
            let SwapRow { swap } = SwapRow::decode(octets)?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            check_swap(&*view, &swap)
        })?;
        self.each(Keyspace::Replaced, |_, octets| {
            let row = ReplacedRow::decode(octets)?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            row.replaced.iter().try_for_each(|id| is_issued(&*view, id, Keyspace::Replaced).map(drop))
        })
    }

    /// Every row says what was counted, and there is no other.
    fn compare(
        &self,
        keyspace: Keyspace,
        counted: &BTreeMap<Vec<u8>, u64>,
        read: impl Fn(&[u8]) -> Result<u64, IntegrityFault>,
    ) -> Result<(), IntegrityFault> {
        let mut rows = 0_usize;
        self.each(keyspace, |key, octets| {
            rows = rows.saturating_add(1);
            if counted.get(key) == Some(&read(octets)?) { Ok(()) } else { Err(fault(keyspace)) }
        })?;
        if rows == counted.len() { Ok(()) } else { Err(fault(keyspace)) }
    }

    fn check_number(&self, keyspace: Keyspace, wanted: u64) -> Result<(), IntegrityFault> {
        let mut rows = 0_u64;
        self.each(keyspace, |_, _| {
            rows = rows.saturating_add(1);
            Ok(())
        })?;
        if rows == wanted { Ok(()) } else { Err(fault(keyspace)) }
    }
}

impl Recount {
    fn take(&mut self, member: &Member) {
        let (campaign, phase) = (member.campaign, member.agenda.phase);
        add(self.waves.entry((campaign, member.wave)).or_default());
        add(self.counts.entry(count_key(&campaign, member.wave, phase)).or_default());
        if let Some(place) = member.concentrator.as_ref().filter(|_| phase.is_underway()) {
            add(self.places.entry(place_key(&campaign, place)).or_default());
        }
        add(&mut self.listed);
        if phase == Phase::Done {
            add(&mut self.done);
        }
    }

    /// A list that is whole has as many devices in each wave as were approved.
    fn check_sizes(&self) -> Result<(), IntegrityFault> {
        for campaign in self.campaigns.values().filter(|campaign| campaign.listed) {
            let mut sum = 0_u64;
            for (wave, size) in (0_u32..).zip(&campaign.waves) {
                let found = self.waves.get(&(campaign.digest, wave)).copied().unwrap_or_default();
                if found != *size {
                    return Err(fault(Keyspace::CampaignMembers));
                }
                sum = sum.saturating_add(found);
            }
            let all: u64 = self
                .waves
                .range((campaign.digest, 0)..=(campaign.digest, u32::MAX))
                .fold(0, |sum, (_, found)| sum.saturating_add(*found));
            if sum != campaign.count || all != campaign.count {
                return Err(fault(Keyspace::CampaignMembers));
            }
        }
        Ok(())
    }
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// A device stands on the agenda where it says, and stands where its swaps say.
fn check_member(view: &dyn View, campaign: &Campaign, member: &Member) -> Result<(), IntegrityFault> {
    let listed = view.octets(Keyspace::CampaignAgenda, &agenda_key(member))?;
    if listed.is_none() {
        return Err(fault(Keyspace::CampaignAgenda));
    }
    let swaps = swaps_of(view, campaign, &member.title)?;
    let sound = match member.agenda.phase {
        Phase::Waiting => swaps.is_empty(),
        // Another campaign may have taken the place of its swaps since, and one that was not begun has none.
        Phase::Done | Phase::Ended => {
            swaps.len() != campaign.wanted.len()
                || member::agenda(&swaps, &campaign.patience).phase == member.agenda.phase
        }
        Phase::Due | Phase::Callable | Phase::Stuck => {
            swaps.len() == campaign.wanted.len()
                && member::agenda(&swaps, &campaign.patience).phase == member.agenda.phase
        }
    };
    if !sound {
        return Err(fault(Keyspace::Swaps));
    }
    let open = matches!(member.agenda.phase, Phase::Due | Phase::Callable | Phase::Stuck);
    for swap in swaps.iter().filter(|_| open) {
        // Later than that somebody may revoke what is in use, and the campaign has nothing to do with it.
        let used = matches!(swap.stage, Stage::Activated { .. }) && !swap.stuck;
        let revoked = swap.stage.made().filter(|_| used).map(|made| is_revoked(view, &made.certificate));
        if revoked.transpose()? == Some(true) {
            return Err(fault(Keyspace::Swaps));
        }
    }
    if member.agenda.phase == Phase::Done { check_evidence(view, campaign, &member.title) } else { Ok(()) }
}

/// Of a device that is done it is kept which certificates it took, one of each type, and which record tells of it.
fn check_evidence(view: &dyn View, campaign: &Campaign, title: &SystemTitle) -> Result<(), IntegrityFault> {
    let row =
        view.row::<EvidenceRow>(&(*title, campaign.digest))?.ok_or_else(|| fault(Keyspace::Evidence))?;
    let evidence = row.evidence;
    let types = evidence.certificates.iter().map(|one| one.purpose);
    let record = view.value(Keyspace::Audit, &evidence.record.to_be_bytes()).map_err(ReadFault::from)?;
    if !types.eq(campaign.wanted.iter().map(|one| one.purpose)) || record.is_none() {
        return Err(fault(Keyspace::Evidence));
    }
    for one in &evidence.certificates {
        let issued = is_issued(view, &one.certificate, Keyspace::Evidence)?;
        if digest(&issued) != one.digest || issued.key_fingerprint != one.key {
            return Err(fault(Keyspace::Evidence));
        }
    }
    Ok(())
}

/// The certificate that a swap is about was issued, for this device and type and for the key that was asked for.
fn check_swap(view: &dyn View, swap: &Swap) -> Result<(), IntegrityFault> {
    if !view.has::<MemberRow>(&(swap.campaign, swap.title))? {
        return Err(fault(Keyspace::Swaps));
    }
    let Some(made) = swap.stage.made() else { return Ok(()) };
    let issued = is_issued(view, &made.certificate, Keyspace::Swaps)?;
    let sound = digest(&issued) == made.digest
        && issued.key_fingerprint == made.asked.key
        && place(issued.slot.as_ref()) == Some((swap.title, swap.purpose));
    if sound { Ok(()) } else { Err(fault(Keyspace::Swaps)) }
}

fn is_issued(view: &dyn View, id: &CertificateId, of: Keyspace) -> Result<CertificateRow, IntegrityFault> {
    let row = view.row::<CertificateRow>(id)?;
    row.filter(|row| row.state == CertificateState::Issued).ok_or_else(|| fault(of))
}

fn is_revoked(view: &dyn View, id: &CertificateId) -> Result<bool, ReadFault> {
    Ok(view.row::<RevocationRow>(id)?.is_some_and(|row| !row.revocation.is_hold()))
}

fn digest(row: &CertificateRow) -> [u8; 32] {
    Sha256::digest(&row.octets).into()
}

const fn fault(keyspace: Keyspace) -> IntegrityFault {
    IntegrityFault::Campaign { keyspace: keyspace.name() }
}
