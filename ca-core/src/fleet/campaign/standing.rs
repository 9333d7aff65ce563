//! Where a campaign stands, and which act of an operator may follow.

use super::Campaign;
use crate::record::{Mark, Verdict};
use crate::validity::UnixTime;

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CampaignStanding {
    /// It was looked at, and nobody asked for it.
    Planned,
    /// It was asked for, and waits for another operator.
    Waiting,
    /// It is being carried out.
    Running,
    /// No device is begun; what is under way goes on.
    Paused,
    /// It was given up: what is under way is finished or undone.
    Ending,
    /// Every device is over.
    Done,
    /// It was given up, and nothing is under way any more.
    Abandoned,
    /// It was refused.
    Refused,
    /// Its time was over before it was approved.
    Expired,
}

impl CampaignStanding {
    /// Every standing.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Waiting,
        Self::Running,
        Self::Paused,
        Self::Ending,
        Self::Done,
        Self::Abandoned,
        Self::Refused,
        Self::Expired,
    ];

    /// Returns the standing of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Ending => "ending",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }

    /// Tells whether something may be under way.
    #[must_use]
    pub const fn is_carried_out(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Ending)
    }
}

/// What an operator, or the program, has to say of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CampaignAct {
    /// It is to be carried out.
    Request,
    /// It may be, or may not.
    Decide(Verdict),
    /// No device is begun for now.
    Pause {
        /// Why.
        reason: String,
    },
    /// It goes on.
    Resume,
    /// It is given up.
    Abandon {
        /// Why.
        reason: String,
    },
}

/// Why an act on a campaign is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CampaignConflict {
    /// There is no such campaign, or its list is not whole.
    Unknown,
    /// It stands so that this does not follow.
    Standing(CampaignStanding),
    /// The same operator approved it before.
    SameOperator,
    /// Who asked for it does not approve it.
    OwnCampaign,
}

impl Campaign {
    /// Returns where it stands at this time. What was approved in time is carried out however long it takes.
    #[must_use]
    pub fn standing(&self, now: UnixTime) -> CampaignStanding {
        let approved = self.requested.is_some() && self.approvals.len() >= usize::from(self.needed);
        match (self.refusal.is_some(), self.progress.finished_at.is_some(), self.abandoned.is_some()) {
            (true, _, _) => CampaignStanding::Refused,
            (false, true, true) => CampaignStanding::Abandoned,
            (false, true, false) => CampaignStanding::Done,
            (false, false, true) => CampaignStanding::Ending,
            (false, false, false) if approved && self.paused.is_some() => CampaignStanding::Paused,
            (false, false, false) if approved => CampaignStanding::Running,
            (false, false, false) if now > self.expires_at => CampaignStanding::Expired,
            (false, false, false) if self.requested.is_some() => CampaignStanding::Waiting,
            (false, false, false) => CampaignStanding::Planned,
        }
    }

    /// Takes in what an operator, or the program, has to say.
    ///
    /// # Errors
    /// [`CampaignConflict`]; nothing has changed.
    pub fn take(&mut self, mark: Mark, act: CampaignAct) -> Result<(), CampaignConflict> {
        use CampaignStanding::{Paused, Planned, Running, Waiting};
        let standing = self.standing(mark.at);
        match (act, standing) {
            (CampaignAct::Request, Planned) if !self.listed => return Err(CampaignConflict::Unknown),
            (CampaignAct::Request, Planned) => self.requested = Some(mark),
            (CampaignAct::Decide(Verdict::Approve), Waiting) => self.approve(mark)?,
            (CampaignAct::Decide(Verdict::Refuse { reason }), Planned | Waiting) => {
                self.refusal = Some((mark, reason));
            }
            (CampaignAct::Pause { reason }, Running) => self.paused = Some((mark, reason)),
            (CampaignAct::Resume, Paused) => self.paused = None,
            (CampaignAct::Abandon { reason }, Running | Paused) => {
                self.abandoned = Some((mark, reason));
            }
            (
                CampaignAct::Request
                | CampaignAct::Decide(_)
                | CampaignAct::Pause { .. }
                | CampaignAct::Resume
                | CampaignAct::Abandon { .. },
                standing,
            ) => return Err(CampaignConflict::Standing(standing)),
        }
        Ok(())
    }

    fn approve(&mut self, mark: Mark) -> Result<(), CampaignConflict> {
        if self.requested.as_ref().is_some_and(|by| by.by == mark.by) {
            return Err(CampaignConflict::OwnCampaign);
        }
        if self.approvals.iter().any(|before| before.by == mark.by) {
            return Err(CampaignConflict::SameOperator);
        }
        self.approvals.push(mark);
        Ok(())
    }
}
