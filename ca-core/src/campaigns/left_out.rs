//! Who is meant by a campaign and is not in it, and why.

use core::fmt;

use crate::fleet::uplift::NotCleared;
use crate::record::OutOfUse;
use crate::system_title::SystemTitle;

/// Devices that were meant and are not in it, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Why.
    pub why: Unfit,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: SystemTitle,
}

/// Why a device is not in a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is not on the owner's list.
    NotExpected,
    /// It is out of use.
    OutOfUse(OutOfUse),
    /// It has all certificates that it is to be swapped to.
    AlreadySwapped,
    /// It has not all certificates that are to be renewed.
    NothingToRenew,
    /// None of its certificates ends in the time that was asked for.
    NotExpiring,
    /// It is of suite 0.
    Suite0,
    /// Its keys are of another suite.
    OtherSuite,
    /// Its keys are of a higher suite than it is to be lifted to.
    SuiteHigher,
    /// It was lifted.
    AlreadyUplifted,
    /// Only its factory keys are of the suite: it is swapped.
    NothingToUplift,
    /// It is not cleared for the suite.
    NotCleared(NotCleared),
}

impl Unfit {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotExpected => "swap.not_expected",
            Self::OutOfUse(out) => out.code(),
            Self::AlreadySwapped => "swap.already_swapped",
            Self::NothingToRenew => "swap.nothing_to_renew",
            Self::NotExpiring => "swap.not_expiring",
            Self::Suite0 => "swap.suite_0",
            Self::OtherSuite => "swap.other_suite",
            Self::SuiteHigher => "swap.suite_higher",
            Self::AlreadyUplifted => "swap.already_uplifted",
            Self::NothingToUplift => "swap.nothing_to_uplift",
            Self::NotCleared(why) => why.code(),
        }
    }
}

/// As people are told.
impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExpected => "not on the owner's list",
            Self::OutOfUse(out) => return out.fmt(f),
            Self::AlreadySwapped => "has the owner's certificates of all these types",
            Self::NothingToRenew => "lacks a certificate of one of these types",
            Self::NotExpiring => "none of its certificates ends before that time",
            Self::Suite0 => "came with symmetric keys alone: it is of suite 0, and is lifted, not swapped",
            Self::OtherSuite => "its keys are of another suite than the profiles",
            Self::SuiteHigher => "its keys are of a higher suite",
            Self::AlreadyUplifted => "has certificates of all these types in that suite",
            Self::NothingToUplift => "its factory keys are of that suite: it is swapped, not lifted",
            Self::NotCleared(why) => return why.fmt(f),
        })
    }
}
