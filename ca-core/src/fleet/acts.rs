//! What the ledger is asked to do with campaigns and swaps, and what it answers.

use super::campaign::{Campaign, CampaignAct, CampaignStanding};
use super::member::Phase;
use super::swap::{Event, Step, SwapRefusal};
use crate::audit::AuditEvent;
use crate::profile::KeyPurpose;
use crate::record::Mark;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// An act on a campaign, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDecision {
    /// Which campaign.
    pub digest: [u8; 32],
    /// Who and when.
    pub mark: Mark,
    /// What.
    pub act: CampaignAct,
    /// Its audit event, in the same transaction.
    pub event: AuditEvent,
}

/// Which campaigns to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignQuery {
    /// Only those that stand so.
    pub standing: Option<CampaignStanding>,
    /// The present, by which they stand so.
    pub now: UnixTime,
    /// Only those that come after this one, by digest.
    pub after: Option<[u8; 32]>,
    /// At most so many.
    pub limit: usize,
}

/// Which devices of a campaign to list, those that come first in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgendaQuery {
    /// The campaign.
    pub campaign: [u8; 32],
    /// Only those that stand so.
    pub phase: Phase,
    /// Only those that something can be done for until this time.
    pub until: Option<UnixTime>,
    /// Only those that come after this place.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// The place of a device among those of its phase: wave and spread, or a time, in eight octets that sort so; and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The eight octets.
    pub order: [u8; 8],
    /// The title.
    pub title: SystemTitle,
}

impl Place {
    /// Returns eight octets that sort as the time does.
    #[must_use]
    pub fn order_of(time: UnixTime) -> [u8; 8] {
        (u64::from_be_bytes(time.seconds().to_be_bytes()) ^ (1 << 63)).to_be_bytes()
    }
}

/// How many devices of one wave stand in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberCount {
    /// The wave, from 0.
    pub wave: u32,
    /// How they stand.
    pub phase: Phase,
    /// How many.
    pub count: u64,
}

/// Devices that are to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The campaign.
    pub campaign: [u8; 32],
    /// Which.
    pub titles: Vec<SystemTitle>,
    /// Which are not begun, since they do not fit any more, each with the reason code.
    pub unfit: Vec<(SystemTitle, &'static str)>,
    /// The present.
    pub now: UnixTime,
    /// In whose name, as audit records name it.
    pub actor: String,
}

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Begun {
    /// How many were begun.
    pub begun: u32,
    /// How many cannot be: they are not their owner's, or another campaign has them. They are over, and say why.
    pub left_out: u32,
    /// How many wait on: too many are under way, behind their concentrator or in all.
    pub later: u32,
}

/// Something that happened to a swap, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapEvent {
    /// The campaign that it happened in; the swap of another is not touched.
    pub campaign: [u8; 32],
    /// The device.
    pub title: SystemTitle,
    /// The type.
    pub purpose: KeyPurpose,
    /// What happened.
    pub event: Event,
    /// When.
    pub now: UnixTime,
    /// Who brought it, as audit records name it.
    pub actor: String,
}

/// What became of it.
pub type SwapOutcome = Result<Step, SwapConflict>;

/// Why it is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapConflict {
    /// No such swap is under way.
    #[error("no swap of this device and type is under way in this campaign")]
    Unknown,
    /// It does not follow.
    #[error(transparent)]
    Refused(#[from] SwapRefusal),
}

impl SwapConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "swap.unknown",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

/// What is looked at whether a campaign goes on to its next wave, stops, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignTurn {
    /// The campaign.
    pub digest: [u8; 32],
    /// The present.
    pub now: UnixTime,
    /// In whose name.
    pub actor: String,
}

/// What follows for a campaign as its devices stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Stay,
    /// Too many are stuck: it is paused.
    Stop {
        /// How many.
        stuck: u64,
    },
    /// The next wave begins.
    NextWave,
    /// It is over.
    Finish,
}

impl Campaign {
    /// Returns what follows as its devices stand. It is done when every device is; while people have to look at some, it is not.
    #[must_use]
    pub fn turn(&self, counts: &[MemberCount], now: UnixTime) -> Turn {
        let count = |wanted: &dyn Fn(&MemberCount) -> bool| {
            counts.iter().filter(|one| wanted(one)).fold(0_u64, |sum, one| sum.saturating_add(one.count))
        };
        let wave = self.progress.wave;
        let underway = count(&|one| one.phase.is_underway());
        match self.standing(now) {
            CampaignStanding::Ending if underway == 0 => Turn::Finish,
            CampaignStanding::Running => {
                let stuck = count(&|one| one.wave == wave && one.phase == Phase::Stuck);
                let open = count(&|one| {
                    one.wave == wave && (one.phase.is_underway() || one.phase == Phase::Waiting)
                });
                let unfinished = count(&|one| !matches!(one.phase, Phase::Done | Phase::Ended));
                let last = usize::try_from(wave).is_ok_and(|wave| wave.saturating_add(1) >= self.waves.len());
                if stuck >= self.too_many_stuck() {
                    Turn::Stop { stuck }
                } else if unfinished == 0 {
                    Turn::Finish
                } else if open == 0 && !last {
                    Turn::NextWave
                } else {
                    Turn::Stay
                }
            }
            CampaignStanding::Planned
            | CampaignStanding::Waiting
            | CampaignStanding::Paused
            | CampaignStanding::Ending
            | CampaignStanding::Done
            | CampaignStanding::Abandoned
            | CampaignStanding::Refused
            | CampaignStanding::Expired => Turn::Stay,
        }
    }
}
