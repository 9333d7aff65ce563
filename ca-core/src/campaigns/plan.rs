//! Planning a campaign: which devices, which are left out and why, in which waves, and the digest of exactly that.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::left_out::{LeftOut, Unfit};
use super::{CampaignDesk, CampaignError};
use crate::actor::Actor;
use crate::authority::{CertificationAuthority, holds_place_of};
use crate::fleet::campaign::{
    Campaign, CampaignDigest, CampaignProgress, Goal, Pacing, Setup, Wanted, Window,
};
use crate::fleet::member::{Agenda, Member};
use crate::fleet::patience::Patience;
use crate::fleet::swap::Road;
use crate::ports::Unavailable;
use crate::profile::{Hierarchy, KeyPurpose, ProfileId};
use crate::record::{CertificateStatus, Device, DeviceField, DeviceQuery, Mark, StoredCertificate};
use crate::registration::{Door, certificates_of};
use crate::scope::Shard;
use crate::suite::SecuritySuite;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How many devices are looked at together.
const PAGE: usize = 1_000;

/// How many devices are written down together.
const WRITTEN: usize = 256;

/// The longest choice in words, in octets.
const MAX_WORDS: usize = 1_000;

/// How many waves there may be.
const MAX_WAVES: usize = 100;

/// How many rows of plans that are over are taken away whenever one is made.
const FORGOTTEN: usize = 4_096;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignWish {
    /// Whose devices.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub goal: Goal,
    /// How the certificates come to the devices.
    pub road: Road,
    /// The profiles of the certificates, in the order in which they are swapped.
    pub profiles: Vec<ProfileId>,
    /// Where on the devices the certificates are, and what is activated there at the end.
    pub setup: Setup,
    /// Which devices.
    pub choice: DeviceChoice,
    /// How many devices the first waves have; what is left is the last wave. Empty for one in a hundred, one in ten, the rest.
    pub waves: Vec<u64>,
    /// It is paused when more than so many of a hundred of a wave are stuck.
    pub stop_percent: u8,
    /// How fast devices are begun.
    pub pacing: Pacing,
    /// In which hours.
    pub window: Option<Window>,
    /// How long is waited for whom.
    pub patience: Patience,
}

/// Which devices. What is named is meant if it fits to everything else; where nothing is named, whatever fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceChoice {
    /// Those with these titles.
    pub titles: BTreeSet<SystemTitle>,
    /// Only those whose titles begin with these octets, such as a FLAG id.
    pub title_prefix: Vec<u8>,
    /// Only those with these texts in these fields, exactly.
    pub fields: Vec<(DeviceField, String)>,
    /// Only those one of whose certificates in question ends before this time.
    pub expires_before: Option<UnixTime>,
}

impl DeviceChoice {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn means(&self, device: &Device) -> bool {
        let of = &device.expected;
        of.title.octets().starts_with(&self.title_prefix)
            && self.fields.iter().all(|(field, text)| of.field(*field) == Some(text))
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        match self.titles.len() {
            0 => {}
            count => words.push(format!("{count} system titles")),
        }
        if !self.title_prefix.is_empty() {
            let digits = self.title_prefix.iter().map(|octet| format!("{octet:02X}"));
            words.push(format!("titles from {}", digits.collect::<String>()));
        }
        words.extend(self.fields.iter().map(|(field, text)| format!("{} {text}", field.name())));
        words.extend(self.expires_before.map(|time| format!("expiring before {time}")));
        f.write_str(&words.join(", "))
    }
}

/// What it would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignPlan {
    /// The campaign, on record; `None` if it has no device.
    pub campaign: Option<Campaign>,
    /// Who was meant and is not in it.
    pub left_out: Vec<LeftOut>,
    /// How many devices behind the busiest concentrator.
    pub busiest: u64,
}

/// A device that is in it.
struct Chosen {
    title: SystemTitle,
    concentrator: Option<Shard>,
}

impl CampaignDesk<'_> {
    /// Looks at the devices, and writes down which are in the campaign. Nothing is done to any of them.
    ///
    /// # Errors
    /// [`CampaignError`]; nothing is on record that could be asked for.
    pub fn plan(
        &self,
        actor: &Actor,
        wish: CampaignWish,
        now: UnixTime,
    ) -> Result<CampaignPlan, CampaignError> {
        self.check_actor(actor)?;
        let wanted = self.wanted(&wish)?;
        check(&wish)?;
        while self.campaigns.forget_campaigns(now, FORGOTTEN)? {}
        let (chosen, left_out) = self.choose(&wish, &wanted, now)?;
        let busiest = busiest(&chosen);
        if chosen.is_empty() {
            return Ok(CampaignPlan { campaign: None, left_out, busiest });
        }
        let planned = Mark { by: actor.to_string(), at: now };
        let (campaign, members) = self.list(wish, wanted, &chosen, planned);
        self.campaigns.plan_campaign(campaign.clone())?;
        for some in members.chunks(WRITTEN) {
            self.campaigns.plan_members(some.to_vec())?;
        }
        let campaign = Campaign { listed: true, ..campaign };
        self.campaigns.plan_campaign(campaign.clone())?;
        Ok(CampaignPlan { campaign: Some(campaign), left_out, busiest })
    }

    /// Finds who issues under the profiles, each of another type.
    fn wanted(&self, wish: &CampaignWish) -> Result<Vec<Wanted>, CampaignError> {
        if wish.profiles.is_empty() || wish.profiles.len() > 3 {
            return Err(CampaignError::Profiles);
        }
        let mut wanted: Vec<Wanted> = Vec::new();
        for profile in &wish.profiles {
            let found = self.authorities.iter().find_map(|authority| offered(authority, profile, wish));
            let (one, doors) = found.ok_or_else(|| CampaignError::NotOffered { profile: profile.clone() })?;
            let open = doors.iter().any(|door| lets_in(*door, wish.road, wish.goal));
            if !open {
                return Err(CampaignError::DoorClosed { profile: profile.clone(), road: wish.road });
            }
            if wanted.iter().any(|other| other.purpose == one.purpose) {
                return Err(CampaignError::TwiceOfAType { purpose: one.purpose });
            }
            wanted.push(one);
        }
        if wanted.iter().any(|one| wanted.first().is_some_and(|first| one.suite != first.suite)) {
            return Err(CampaignError::Suites);
        }
        Ok(wanted)
    }

    /// Goes through the owner's devices.
    fn choose(
        &self,
        wish: &CampaignWish,
        wanted: &[Wanted],
        now: UnixTime,
    ) -> Result<(Vec<Chosen>, Vec<LeftOut>), CampaignError> {
        let mut chosen = Vec::new();
        let mut left_out: BTreeMap<&'static str, LeftOut> = BTreeMap::new();
        let mut leave = |why: Unfit, title: SystemTitle| {
            let one = left_out.entry(why.code()).or_insert(LeftOut { why, count: 0, first: title });
            one.count = one.count.saturating_add(1);
        };
        let mut consider = |device: Device| {
            let title = device.expected.title;
            match self.left_out(&device, wish, wanted, now)? {
                Some(why) => leave(why, title),
                None => chosen.push(Chosen { title, concentrator: device.expected.concentrator }),
            }
            Ok::<_, CampaignError>(())
        };
        if wish.choice.titles.is_empty() {
            self.each_meant(wish, &mut consider)?;
        } else {
            for title in self.each_named(wish, &mut consider)? {
                leave(Unfit::NotExpected, title);
            }
        }
        Ok((chosen, left_out.into_values().collect()))
    }

    /// Goes through the devices that a choice means, found by what they are indexed by.
    fn each_meant(
        &self,
        wish: &CampaignWish,
        consider: &mut dyn FnMut(Device) -> Result<(), CampaignError>,
    ) -> Result<(), CampaignError> {
        let mut query = DeviceQuery {
            fields: wish.choice.fields.clone(),
            title_prefix: wish.choice.title_prefix.clone(),
            ..DeviceQuery::of(wish.tenant.clone(), PAGE)
        };
        loop {
            let found = self.fleet.find_devices(&query)?;
            found.devices.into_iter().try_for_each(&mut *consider)?;
            query.after = found.next;
            if query.after.is_none() {
                return Ok(());
            }
        }
    }

    /// Goes through the devices that a choice names, if it means them; returns those that are not on the owner's list.
    fn each_named(
        &self,
        wish: &CampaignWish,
        consider: &mut dyn FnMut(Device) -> Result<(), CampaignError>,
    ) -> Result<Vec<SystemTitle>, CampaignError> {
        let mut unknown = Vec::new();
        for title in &wish.choice.titles {
            let device = self.registry.device(title)?;
            match device.filter(|device| device.expected.tenant == wish.tenant) {
                Some(device) if wish.choice.means(&device) => consider(device)?,
                Some(_) => {}
                None => unknown.push(*title),
            }
        }
        Ok(unknown)
    }

    /// Says why a device is left out, if it is.
    fn left_out(
        &self,
        device: &Device,
        wish: &CampaignWish,
        wanted: &[Wanted],
        now: UnixTime,
    ) -> Result<Option<Unfit>, Unavailable> {
        if let Some(out) = device.state.out_of_use() {
            return Ok(Some(Unfit::OutOfUse(out)));
        }
        let rows = certificates_of(self.status, &wish.tenant, &device.expected.title)?;
        let holds = |one: &Wanted| {
            rows.iter()
                .filter(|row| row.status == CertificateStatus::Good && row.validity.contains(now))
                .filter(|row| in_place_of(row, one.purpose))
                .max_by_key(|row| row.age())
        };
        let ends = |row: &StoredCertificate| {
            wish.choice.expires_before.is_none_or(|before| row.validity.not_after() < before)
        };
        let held: Vec<&StoredCertificate> = wanted.iter().filter_map(holds).collect();
        let why = match wish.goal {
            Goal::Swap if held.len() == wanted.len() => Some(Unfit::AlreadySwapped),
            Goal::Renew if held.len() < wanted.len() => Some(Unfit::NothingToRenew),
            Goal::Renew if !held.iter().any(|row| ends(row)) => Some(Unfit::NotExpiring),
            Goal::Swap | Goal::Renew | Goal::Uplift => None,
        };
        match why {
            Some(why) => Ok(Some(why)),
            None => self.unfit_suite(device, (wish.goal, wanted), &rows, now),
        }
    }

    /// Says why a device of a campaign is not begun, if it is not: its suite, or what it was cleared for, is not what it was
    /// when the campaign was planned.
    pub(super) fn unfit(
        &self,
        campaign: &Campaign,
        title: &SystemTitle,
        now: UnixTime,
    ) -> Result<Option<Unfit>, Unavailable> {
        // Whether it is the owner's still is decided where it is begun.
        let device = self.registry.device(title)?.filter(|device| device.expected.tenant == campaign.tenant);
        let Some(device) = device else { return Ok(None) };
        let rows = certificates_of(self.status, &campaign.tenant, title)?;
        self.unfit_suite(&device, (campaign.goal, &campaign.wanted), &rows, now)
    }

    /// Puts the devices into waves, in an order that is drawn from their titles, and makes the digest.
    fn list(
        &self,
        wish: CampaignWish,
        wanted: Vec<Wanted>,
        chosen: &[Chosen],
        planned: Mark,
    ) -> (Campaign, Vec<Member>) {
        let count = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
        let waves = waves(&wish.waves, count);
        let expires_at = planned.at.plus_seconds(self.rule.lifetime_seconds);
        let mut campaign = Campaign {
            digest: [0; 32],
            tenant: wish.tenant,
            name: wish.name,
            goal: wish.goal,
            road: wish.road,
            wanted,
            setup: wish.setup,
            selection: wish.choice.to_string(),
            waves,
            stop_percent: wish.stop_percent,
            pacing: wish.pacing,
            window: wish.window,
            patience: wish.patience,
            count,
            listed: false,
            needed: self.rule.needed(count),
            planned,
            expires_at,
            requested: None,
            approvals: Vec::new(),
            refusal: None,
            paused: None,
            abandoned: None,
            progress: CampaignProgress::default(),
        };
        let mut drawn: Vec<(u32, usize)> = chosen
            .iter()
            .enumerate()
            .map(|(place, one)| (spread(&one.title, &campaign.name), place))
            .collect();
        drawn.sort_unstable();
        let mut wave_of = vec![0_u32; chosen.len()];
        let mut order = drawn.iter();
        for (wave, size) in (0_u32..).zip(&campaign.waves) {
            for (_, place) in order.by_ref().take(usize::try_from(*size).unwrap_or(usize::MAX)) {
                if let Some(of) = wave_of.get_mut(*place) {
                    *of = wave;
                }
            }
        }
        let mut digest = CampaignDigest::of(&campaign);
        chosen.iter().zip(&wave_of).for_each(|(one, wave)| digest.take(&one.title, *wave));
        campaign.digest = digest.finish();
        let members = chosen.iter().zip(wave_of).map(|(one, wave)| Member {
            campaign: campaign.digest,
            title: one.title,
            wave,
            spread: spread(&one.title, &campaign.name),
            concentrator: one.concentrator.clone(),
            agenda: Agenda::WAITING,
            trouble: String::new(),
        });
        let members = members.collect();
        (campaign, members)
    }
}

/// Whether a certificate is the owner's own, of this type.
pub(super) fn in_place_of(row: &StoredCertificate, purpose: KeyPurpose) -> bool {
    row.slot.as_ref().is_some_and(|slot| slot.hierarchy == Hierarchy::Operational && slot.purpose == purpose)
}

/// What an authority offers under a profile, if it is for devices of this owner.
fn offered(
    authority: &CertificationAuthority,
    profile: &ProfileId,
    wish: &CampaignWish,
) -> Option<(Wanted, Vec<Door>)> {
    let offer = authority.offer(profile)?;
    let purpose = offer.profile.purpose();
    let of_devices = matches!(purpose, KeyPurpose::Signature | KeyPurpose::KeyAgreement | KeyPurpose::Tls)
        && offer.profile.parts().hierarchy == Hierarchy::Operational;
    let fits = of_devices && *authority.issuer().tenant() == wish.tenant;
    fits.then(|| {
        let issuer = authority.issuer().key();
        let suite = SecuritySuite::of_curve(offer.profile.curve());
        (Wanted { purpose, profile: profile.clone(), issuer, suite }, authority.doors(profile))
    })
}

/// Whether a door lets in who comes on this road for this goal.
const fn lets_in(door: Door, road: Road, goal: Goal) -> bool {
    match (road, goal) {
        (Road::HeadEnd, _) => matches!(door, Door::Process),
        (Road::Device, Goal::Swap) => matches!(door, Door::FactoryCertificate { .. }),
        (Road::Device, Goal::Renew | Goal::Uplift) => matches!(door, Door::OperationalCertificate),
    }
}

fn check(wish: &CampaignWish) -> Result<(), CampaignError> {
    let characters = wish.name.chars().count();
    if !(1..=64).contains(&characters) || wish.name.chars().any(char::is_control) {
        return Err(CampaignError::Name);
    }
    if wish.choice.is_empty() {
        return Err(CampaignError::Everything);
    }
    check_setup(wish)?;
    if wish.choice.to_string().len() > MAX_WORDS {
        return Err(CampaignError::TooLong { most: MAX_WORDS });
    }
    let patience = &wish.patience;
    let minutes = wish.window.map_or(1, |window| window.minutes().unsigned_abs());
    let bounds = [
        ("the number of waves", u64::try_from(wish.waves.len()).unwrap_or(u64::MAX), 0, 99),
        ("the share of stuck devices", u64::from(wish.stop_percent), 0, 100),
        ("devices a minute", u64::from(wish.pacing.per_minute), 1, 100_000),
        ("minutes of the window", minutes, 1, 1_440),
        ("lease_seconds", u64::from(patience.lease_seconds), 10, 604_800),
        ("pause_seconds", u64::from(patience.pause_seconds), 1, 86_400),
        ("longest_pause_seconds", u64::from(patience.longest_pause_seconds), 1, 604_800),
        ("attempts", u64::from(patience.attempts), 1, 100),
        ("restarts", u64::from(patience.restarts), 0, 10),
        ("device_seconds", u64::from(patience.device_seconds), 60, 31_536_000),
    ];
    match bounds.into_iter().find(|(_, value, low, high)| !(*low..=*high).contains(value)) {
        Some((what, _, low, high)) => Err(CampaignError::Bounds { what, low, high }),
        None if wish.waves.contains(&0) => {
            Err(CampaignError::Bounds { what: "the size of a wave", low: 1, high: u64::MAX })
        }
        None => Ok(()),
    }
}

/// An uplift by a head-end ends with `security_activate`; who asks by himself is not told what to activate.
fn check_setup(wish: &CampaignWish) -> Result<(), CampaignError> {
    match (wish.road, wish.goal, wish.setup) {
        (Road::Device, _, setup) if setup != Setup::default() => Err(CampaignError::Setup(
            "devices that ask by themselves are told neither an object nor a policy",
        )),
        (Road::HeadEnd, Goal::Uplift, Setup { policy: None, .. }) => {
            Err(CampaignError::Setup("an uplift by a head-end ends with security_activate: say which policy"))
        }
        (_, _, Setup { policy: Some(policy), .. }) if policy & 0x03 != 0 => {
            Err(CampaignError::Setup("bits 0 and 1 of security_policy are not used in version 1 of class 64"))
        }
        (Road::Device | Road::HeadEnd, Goal::Swap | Goal::Renew | Goal::Uplift, _) => Ok(()),
    }
}

/// The sizes of the waves: those that were said, or one in a hundred and one in ten, and the rest.
fn waves(said: &[u64], count: u64) -> Vec<u64> {
    let usual = [(count / 100).max(1), (count / 10).max(1)];
    let said = if said.is_empty() { usual.as_slice() } else { said };
    let mut left = count;
    let mut waves = Vec::new();
    for size in said.iter().take(MAX_WAVES) {
        let size = left.min(*size);
        if size > 0 {
            waves.push(size);
        }
        left = left.saturating_sub(size);
    }
    if left > 0 {
        waves.push(left);
    }
    waves
}

/// Where a device stands among all: neighbours of a street, whose titles follow each other, are far apart.
fn spread(title: &SystemTitle, name: &str) -> u32 {
    let mut hash = Sha256::new_with_prefix("meter-pki wave 1");
    hash.update(name);
    hash.update(title.octets());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

fn busiest(chosen: &[Chosen]) -> u64 {
    let mut behind: BTreeMap<&Shard, u64> = BTreeMap::new();
    for place in chosen.iter().filter_map(|one| one.concentrator.as_ref()) {
        let count = behind.entry(place).or_default();
        *count = count.saturating_add(1);
    }
    behind.into_values().max().unwrap_or_default()
}

/// Tells whether a certificate of this kind is what a wanted one would replace.
pub(super) fn is_replaced_by(
    row: &StoredCertificate,
    authority: &CertificationAuthority,
    profile: &ProfileId,
) -> bool {
    authority.offer(profile).is_some_and(|offer| holds_place_of(row, &offer.profile))
}
