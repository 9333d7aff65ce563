//! Why a campaign is not planned, asked for, approved or changed.

use super::MAX_REASON;
use crate::fault::Fault;
use crate::fleet::campaign::CampaignConflict;
use crate::fleet::swap::Road;
use crate::ports::Unavailable;
use crate::profile::{KeyPurpose, ProfileId};

/// Why a campaign is not planned, asked for, approved or changed.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Who asks decides nothing of campaigns here.
    #[error("only operators of this installation plan and approve campaigns")]
    NotEntitled,
    /// It has no name, or one that cannot be shown.
    #[error("a campaign has a name of 1 to 64 printable characters")]
    Name,
    /// It has no profile, or more than a device has types.
    #[error("a campaign has one to three profiles, one of a type")]
    Profiles,
    /// Nobody here issues under this profile to this owner's devices.
    #[error("no authority of this tenant issues operational certificates of devices under {profile}")]
    NotOffered {
        /// The profile.
        profile: ProfileId,
    },
    /// Two profiles are of one type.
    #[error("two of the profiles are for {}", purpose.name())]
    TwiceOfAType {
        /// The type.
        purpose: KeyPurpose,
    },
    /// The profiles are of different suites, which no device has at once.
    #[error("the profiles are of more than one suite, and a device has one")]
    Suites,
    /// What is said of the Security setup object does not go with the rest.
    #[error("{0}")]
    Setup(&'static str),
    /// Nobody who comes this way is let in.
    #[error("the profile {profile} has no door for the road of {}", road.name())]
    DoorClosed {
        /// The profile.
        profile: ProfileId,
        /// The road.
        road: Road,
    },
    /// Nothing was said, which would mean every device there is.
    #[error("a choice of every device is none: say which")]
    Everything,
    /// The choice is too long to be shown to whoever is to approve it.
    #[error("the choice has more than {most} octets in words")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// A number is out of its bounds.
    #[error("{what} is {low} to {high}")]
    Bounds {
        /// Which one.
        what: &'static str,
        /// The least.
        low: u64,
        /// The most.
        high: u64,
    },
    /// A reason is none.
    #[error("a reason has 1 to {MAX_REASON} printable characters")]
    Reason,
    /// The campaign does not stand so that this can be done.
    #[error("{}", sentence(.0))]
    Conflict(CampaignConflict),
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn sentence(conflict: &CampaignConflict) -> String {
    match conflict {
        CampaignConflict::Unknown => "no such campaign is on record, or its list is not whole".to_owned(),
        CampaignConflict::Standing(standing) => {
            format!("the campaign is {}, and that does not follow", standing.name())
        }
        CampaignConflict::SameOperator => "the same operator approved the campaign before".to_owned(),
        CampaignConflict::OwnCampaign => "who asks for a campaign does not approve it".to_owned(),
    }
}

impl CampaignError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "campaign.not_entitled",
            Self::Name => "campaign.name",
            Self::Profiles => "campaign.profiles",
            Self::NotOffered { .. } => "campaign.not_offered",
            Self::TwiceOfAType { .. } => "campaign.twice_of_a_type",
            Self::Suites => "campaign.suites",
            Self::Setup(_) => "campaign.setup",
            Self::DoorClosed { .. } => "campaign.door",
            Self::Everything => "campaign.everything",
            Self::TooLong { .. } => "campaign.too_long",
            Self::Bounds { .. } => "campaign.bounds",
            Self::Reason => "campaign.reason",
            Self::Conflict(CampaignConflict::Unknown) => "campaign.unknown",
            Self::Conflict(CampaignConflict::Standing(_)) => "campaign.standing",
            Self::Conflict(CampaignConflict::SameOperator) => "campaign.same_operator",
            Self::Conflict(CampaignConflict::OwnCampaign) => "campaign.own",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotEntitled
            | Self::Name
            | Self::Profiles
            | Self::NotOffered { .. }
            | Self::TwiceOfAType { .. }
            | Self::Suites
            | Self::Setup(_)
            | Self::DoorClosed { .. }
            | Self::Everything
            | Self::TooLong { .. }
            | Self::Bounds { .. }
            | Self::Reason
            | Self::Conflict(
                CampaignConflict::Unknown | CampaignConflict::SameOperator | CampaignConflict::OwnCampaign,
            ) => Fault::Requester,
            Self::Conflict(CampaignConflict::Standing(_)) => Fault::Conflict,
            Self::Unavailable(_) => Fault::Unavailable,
        }
    }
}
