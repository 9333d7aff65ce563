//! A device in a campaign: its certificates of all wanted types together, one after the other.
//!
//! The factory certificate opens the door until every wanted type is in use, and not a step longer.

use super::acts::Place;
use super::patience::Patience;
use super::swap::{Action, Call, Road, Swap};
use crate::scope::Shard;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// A device in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The campaign.
    pub campaign: [u8; 32],
    /// The device.
    pub title: SystemTitle,
    /// In which wave it is, from 0.
    pub wave: u32,
    /// Its place among those of its wave, drawn from its title.
    pub spread: u32,
    /// The data concentrator that it is behind.
    pub concentrator: Option<Shard>,
    /// Where it stands.
    pub agenda: Agenda,
    /// The stable reason code of what went wrong last; empty if nothing did.
    pub trouble: String,
}

impl Member {
    /// Returns where it stands among those of its phase.
    #[must_use]
    pub fn place(&self) -> Place {
        let order = match self.agenda.phase {
            Phase::Waiting => {
                let ordered = u64::from(self.wave) << 32 | u64::from(self.spread);
                ordered.to_be_bytes()
            }
            Phase::Due | Phase::Callable | Phase::Stuck | Phase::Done | Phase::Ended => {
                Place::order_of(self.agenda.at)
            }
        };
        Place { order, title: self.title }
    }
}

/// Where a device in a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not begun.
    Waiting,
    /// Something is to be done here, or a time is over, at a time.
    Due,
    /// A head-end can be given a call from a time on.
    Callable,
    /// A person has to look at it.
    Stuck,
    /// All its certificates are in use.
    Done,
    /// It was given up, and is as it was.
    Ended,
}

impl Phase {
    /// Every phase, in the order of the numbers by which rows know them.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Due, Self::Callable, Self::Stuck, Self::Done, Self::Ended];

    /// Returns the number by which rows know it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Due => 1,
            Self::Callable => 2,
            Self::Stuck => 3,
            Self::Done => 4,
            Self::Ended => 5,
        }
    }

    /// Returns the phase of this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.number() == number)
    }

    /// Tells whether it was begun and is not over, be it that a person has to look at it.
    #[must_use]
    pub const fn is_underway(self) -> bool {
        matches!(self, Self::Due | Self::Callable)
    }

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due | Self::Callable => "underway",
            Self::Stuck => "stuck",
            Self::Done => "done",
            Self::Ended => "ended",
        }
    }
}

/// Where a device stands, and from when on something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agenda {
    /// Where.
    pub phase: Phase,
    /// From when on.
    pub at: UnixTime,
}

impl Agenda {
    /// Not begun.
    pub const WAITING: Self = Self { phase: Phase::Waiting, at: UnixTime::from_seconds(0) };
}

/// Returns the swap whose turn it is: the first that is not complete. A device that asks by itself chooses its own order.
#[must_use]
pub fn at_turn(swaps: &[Swap]) -> Option<&Swap> {
    swaps.iter().find(|swap| !swap.is_complete())
}

/// Returns the call that a head-end can be given now, and for which swap.
#[must_use]
pub fn callable<'a>(swaps: &'a [Swap], now: UnixTime, patience: &Patience) -> Option<(&'a Swap, Call)> {
    let swap = at_turn(swaps)?;
    match swap.next(now, patience) {
        Action::Call(call) => Some((swap, call)),
        Action::Nothing | Action::Wait(_) | Action::Issue | Action::Withdraw(_) => None,
    }
}

/// Returns where a device stands whose swaps, in their order, stand so.
#[must_use]
pub fn agenda(swaps: &[Swap], patience: &Patience) -> Agenda {
    let over = |phase| Agenda { phase, at: UnixTime::from_seconds(0) };
    if swaps.iter().all(Swap::is_complete) {
        return over(Phase::Done);
    }
    if swaps.iter().any(|swap| swap.stuck) {
        return over(Phase::Stuck);
    }
    if swaps.iter().all(Swap::is_over) {
        return over(Phase::Ended);
    }
    let moving = swaps.iter().filter(|swap| !swap.is_over());
    let in_motion: Vec<&Swap> = match at_turn(swaps) {
        Some(swap) if swap.road == Road::HeadEnd && !swap.is_over() => vec![swap],
        Some(_) | None => moving.collect(),
    };
    match in_motion.iter().filter_map(|swap| swap.due(patience)).min() {
        Some(at) => Agenda { phase: Phase::Due, at },
        None => Agenda {
            phase: Phase::Callable,
            at: in_motion.first().map_or(UnixTime::from_seconds(0), |swap| swap.not_before),
        },
    }
}

/// Returns the reason code of what is wrong with a device, if anything is.
#[must_use]
pub fn trouble(swaps: &[Swap]) -> String {
    let stuck = swaps.iter().find(|swap| swap.stuck);
    let told = stuck.into_iter().chain(at_turn(swaps)).find_map(|swap| swap.trouble.as_ref());
    told.map_or_else(String::new, |trouble| trouble.code().to_owned())
}
