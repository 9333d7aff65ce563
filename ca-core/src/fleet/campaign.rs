//! A campaign: swapping or renewing the certificates of many devices, wave after wave, and which act on it may follow which.
//!
//! It is a list, not a query: who is in it was shown, and approved where it must be. Pure, as orders are.

mod standing;

pub use standing::{CampaignAct, CampaignConflict, CampaignStanding};

use sha2::{Digest, Sha256};

use super::patience::Patience;
use super::swap::Road;
use crate::key_ref::KeyRef;
use crate::profile::{KeyPurpose, ProfileId};
use crate::record::Mark;
use crate::suite::SecuritySuite;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What a campaign is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// The owner's certificates in the place of the manufacturer's, whose certificates are superseded then.
    Swap,
    /// New certificates in the place of the owner's own.
    Renew,
    /// Certificates of a higher suite in the place of the owner's own, or beside what suite 0 has.
    Uplift,
}

impl Goal {
    /// Every goal, in the order of the numbers by which rows know them.
    pub const ALL: [Self; 3] = [Self::Swap, Self::Renew, Self::Uplift];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Swap => "swap",
            Self::Renew => "renew",
            Self::Uplift => "uplift",
        }
    }

    /// Returns the goal of this word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|goal| goal.name() == name)
    }
}

/// A certificate that every device of a campaign is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its type.
    pub purpose: KeyPurpose,
    /// Its profile.
    pub profile: ProfileId,
    /// The authority that issues it.
    pub issuer: KeyRef,
    /// The suite of its key; the same for all of a campaign.
    pub suite: SecuritySuite,
}

/// What a head-end is to know of the Security setup object of the devices (class 64), beside what each call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Setup {
    /// Its instance: the *e* of 0.0.43.0.e.255. A device that has both suites at once has an object for each.
    pub object: u8,
    /// `security_policy` that is activated when all the rest is done; `None` for none.
    pub policy: Option<u8>,
}

/// How fast devices are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// How many a minute.
    pub per_minute: u32,
    /// How many behind one data concentrator may be under way together; 0 for any number.
    pub per_concentrator: u32,
}

/// The hours of a day in which devices are begun and calls given, in minutes after midnight UTC. It may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first minute.
    pub from: u16,
    /// The first minute after it.
    pub to: u16,
}

/// How many minutes a day has.
const DAY: i64 = 1_440;

impl Window {
    /// Tells whether it is open.
    #[must_use]
    pub fn is_open(&self, now: UnixTime) -> bool {
        let minute = now.seconds().div_euclid(60).rem_euclid(DAY);
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }

    /// Returns how many minutes of a day it is open.
    #[must_use]
    pub fn minutes(&self) -> i64 {
        (i64::from(self.to) - i64::from(self.from)).rem_euclid(DAY)
    }
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// SHA-256 over all that is approved: what it is for, how it is done, and every device. Whatever is edited is another one.
    pub digest: [u8; 32],
    /// Whose devices they are.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub goal: Goal,
    /// How the certificates come to the devices.
    pub road: Road,
    /// The certificates, in the order in which they are swapped.
    pub wanted: Vec<Wanted>,
    /// Where on the devices, and what is activated there at the end.
    pub setup: Setup,
    /// Which devices, as it is shown.
    pub selection: String,
    /// How many devices each wave has.
    pub waves: Vec<u64>,
    /// It is paused when more than so many of a hundred of a wave are stuck.
    pub stop_percent: u8,
    /// How fast devices are begun.
    pub pacing: Pacing,
    /// In which hours; `None` for all.
    pub window: Option<Window>,
    /// How long is waited for whom.
    pub patience: Patience,
    /// How many devices.
    pub count: u64,
    /// Whether its list is whole.
    pub listed: bool,
    /// How many operators must approve it beside the one who asks.
    pub needed: u8,
    /// Who had it planned, and when.
    pub planned: Mark,
    /// The last second in which it can be asked for, and approved.
    pub expires_at: UnixTime,
    /// Who asked for it to be carried out.
    pub requested: Option<Mark>,
    /// Who approved it, each once.
    pub approvals: Vec<Mark>,
    /// Who refused it, and why.
    pub refusal: Option<(Mark, String)>,
    /// Who paused it, and why.
    pub paused: Option<(Mark, String)>,
    /// Who gave it up, and why.
    pub abandoned: Option<(Mark, String)>,
    /// How far it is.
    pub progress: CampaignProgress,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CampaignProgress {
    /// The wave that is under way, from 0.
    pub wave: u32,
    /// When the first device was begun.
    pub begun_at: Option<UnixTime>,
    /// When the last device was over.
    pub finished_at: Option<UnixTime>,
    /// The minute in which devices were begun last, since 1970.
    pub minute: i64,
    /// How many were begun in that minute.
    pub begun_in_minute: u32,
}

impl Campaign {
    /// Returns the suite that a device is asked for before its first certificate is begun: that of an uplift, where a head-end
    /// can ask.
    #[must_use]
    pub fn suite_to_ask(&self, purpose: KeyPurpose) -> Option<SecuritySuite> {
        let first = self.wanted.first().filter(|one| one.purpose == purpose)?;
        (self.goal == Goal::Uplift && self.road == Road::HeadEnd).then_some(first.suite)
    }

    /// Returns the policy that is activated with the last certificate, if this is its type.
    #[must_use]
    pub fn policy_to_activate(&self, purpose: KeyPurpose) -> Option<u8> {
        self.wanted.last().filter(|one| one.purpose == purpose).and(self.setup.policy)
    }

    /// Returns how many devices may be begun now.
    #[must_use]
    pub fn may_begin(&self, now: UnixTime) -> u32 {
        if self.standing(now) != CampaignStanding::Running || !self.is_open(now) {
            return 0;
        }
        let begun = if self.progress.minute == minute(now) { self.progress.begun_in_minute } else { 0 };
        self.pacing.per_minute.saturating_sub(begun)
    }

    /// Tells whether its hours are those of now.
    #[must_use]
    pub fn is_open(&self, now: UnixTime) -> bool {
        self.window.is_none_or(|window| window.is_open(now))
    }

    /// Tells whether a certificate that a device got before it was begun is what the campaign would have it ask for: one that asks
    /// by itself does not wait for its turn.
    #[must_use]
    pub fn is_served_by(&self, wanted: &Wanted, profile: &ProfileId, recorded_at: UnixTime) -> bool {
        match self.goal {
            Goal::Swap => true,
            Goal::Renew => recorded_at >= self.planned.at,
            Goal::Uplift => *profile == wanted.profile,
        }
    }

    /// Notes that devices were begun.
    pub fn begun(&mut self, count: u32, now: UnixTime) {
        let progress = &mut self.progress;
        if progress.minute != minute(now) {
            (progress.minute, progress.begun_in_minute) = (minute(now), 0);
        }
        progress.begun_in_minute = progress.begun_in_minute.saturating_add(count);
        progress.begun_at.get_or_insert(now);
    }

    /// Returns how many stuck devices of the present wave are too many: more than its share, and at least one.
    #[must_use]
    pub fn too_many_stuck(&self) -> u64 {
        let size = usize::try_from(self.progress.wave).ok().and_then(|wave| self.waves.get(wave)).copied();
        let share = size.unwrap_or_default().saturating_mul(u64::from(self.stop_percent)) / 100;
        share.saturating_add(1)
    }
}

const fn minute(now: UnixTime) -> i64 {
    now.seconds().div_euclid(60)
}

/// Takes in the devices of a campaign, in the order of their titles, and makes the digest of all that is approved.
#[derive(Debug)]
pub struct CampaignDigest(Sha256);

impl CampaignDigest {
    /// Begins with what is done and how.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Self {
        let mut hash = Sha256::new_with_prefix("meter-pki campaign 1");
        let wanted: Vec<String> = campaign
            .wanted
            .iter()
            .map(|one| format!("{} {} {} {}", one.purpose.name(), one.profile, one.issuer, one.suite))
            .collect();
        let how = format!(
            "{} {} {:?} {:?} {} {:?} {:?} {:?} {}",
            campaign.goal.name(),
            campaign.road.name(),
            campaign.setup,
            campaign.waves,
            campaign.stop_percent,
            campaign.pacing,
            campaign.window,
            campaign.patience,
            campaign.planned.at.seconds()
        );
        let tenant = campaign.tenant.to_string();
        let fields = [&tenant, &campaign.name, &campaign.selection, &campaign.planned.by, &how];
        for field in fields.into_iter().chain(&wanted) {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        Self(hash)
    }

    /// Takes in the next device, with its wave.
    pub fn take(&mut self, title: &SystemTitle, wave: u32) {
        self.0.update(title.octets());
        self.0.update(wave.to_be_bytes());
    }

    /// Returns the digest.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
