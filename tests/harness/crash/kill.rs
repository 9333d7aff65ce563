//! How an issuer is to end, and the plan of a house: which end comes when, from a seed.

use std::fmt;

use super::points::KillPoint;
use super::random::Random;

/// What a power cut takes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Everything.
    Strict,
    /// Some of it, in any order.
    Random,
}

impl Power {
    const fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Random => "random",
        }
    }
}

/// The deed of an issuer that loses an answer of its signer.
pub const LOSE_ANSWER: &str = "lose-answer";

/// One end of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// SIGKILL at the so-manieth passage of a kill-point.
    AtPoint(KillPoint, u64),
    /// A power cut at the so-manieth passage of a kill-point.
    PowerCut(KillPoint, u64, Power),
    /// SIGKILL from outside after so many answers.
    AfterAnswers(u64),
    /// The so-manieth sync fails, and what it should have synced is gone.
    SyncFails(u64),
    /// From the so-manieth write on there is no space.
    NoSpace(u64),
    /// Half of the so-manieth write, then SIGKILL.
    TornWrite(u64),
    /// Instead of the so-manieth call that changes or syncs a file: SIGKILL, or a power cut.
    AtCall(u64, Option<Power>),
    /// The so-manieth signature is made and does not come back from the signer; SIGKILL some signatures later.
    AnswerLost(u64),
    /// Not at all.
    Never,
}

impl Kill {
    /// Returns the arguments that set the trap of the issuer.
    #[must_use]
    pub fn arguments(self) -> Vec<String> {
        match self {
            Self::AtPoint(point, count) => vec![point.to_string(), count.to_string(), "kill".to_owned()],
            Self::PowerCut(point, count, _) => {
                vec![point.to_string(), count.to_string(), "power-cut".to_owned()]
            }
            Self::AnswerLost(count) => {
                vec![KillPoint::SignatureMade.to_string(), count.to_string(), LOSE_ANSWER.to_owned()]
            }
            Self::AfterAnswers(_)
            | Self::SyncFails(_)
            | Self::NoSpace(_)
            | Self::TornWrite(_)
            | Self::AtCall(..)
            | Self::Never => Vec::new(),
        }
    }

    /// Tells whether it comes when a deadline is met.
    #[must_use]
    pub const fn is_of_a_deadline(self) -> bool {
        matches!(
            self,
            Self::AtPoint(KillPoint::DeadlineUnsynced, _) | Self::PowerCut(KillPoint::DeadlineUnsynced, _, _)
        )
    }

    /// Tells whether it comes by what is done with a batch of devices.
    #[must_use]
    pub fn is_of_a_batch(self) -> bool {
        matches!(self, Self::AtPoint(point, _) | Self::PowerCut(point, _, _) if point >= KillPoint::DeliveryUnsynced)
    }

    /// Tells whether the power is cut.
    #[must_use]
    pub const fn is_power_cut(self) -> bool {
        matches!(self, Self::PowerCut(..) | Self::AtCall(_, Some(_)))
    }

    /// Returns what the shim is told in its environment.
    #[must_use]
    pub fn environment(self) -> Vec<(&'static str, String)> {
        match self {
            Self::PowerCut(_, _, power) => vec![("CRASH_SHIM_POWER", power.word().to_owned())],
            // What a failed sync loses must be remembered.
            Self::SyncFails(count) => {
                vec![
                    ("CRASH_SHIM_FAULT", format!("eio-sync {count}")),
                    ("CRASH_SHIM_POWER", "strict".to_owned()),
                ]
            }
            Self::NoSpace(count) => vec![("CRASH_SHIM_FAULT", format!("enospc-write {count}"))],
            Self::TornWrite(count) => vec![("CRASH_SHIM_FAULT", format!("torn-write {count}"))],
            Self::AtCall(count, power) => {
                let mut told = vec![("CRASH_SHIM_FAULT", format!("end-at-call {count}"))];
                told.extend(power.map(|power| ("CRASH_SHIM_POWER", power.word().to_owned())));
                told
            }
            Self::AtPoint(..) | Self::AfterAnswers(_) | Self::AnswerLost(_) | Self::Never => Vec::new(),
        }
    }
}

/// As reports count it: without the number of passages.
impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtPoint(point, _) => write!(f, "{point}: SIGKILL"),
            Self::PowerCut(point, _, Power::Strict) => write!(f, "{point}: power cut, all lost"),
            Self::PowerCut(point, _, Power::Random) => write!(f, "{point}: power cut, some lost"),
            Self::AfterAnswers(_) => f.write_str("at any moment: SIGKILL"),
            Self::SyncFails(_) => f.write_str("fault: a sync fails with EIO, its data are gone"),
            Self::NoSpace(_) => f.write_str("fault: ENOSPC from some write on"),
            Self::TornWrite(_) => f.write_str("fault: a write is torn, then SIGKILL"),
            Self::AtCall(_, None) => f.write_str("at any call that changes a file: SIGKILL"),
            Self::AtCall(_, Some(Power::Strict)) => {
                f.write_str("at any call that changes a file: power cut, all lost")
            }
            Self::AtCall(_, Some(Power::Random)) => {
                f.write_str("at any call that changes a file: power cut, some lost")
            }
            Self::AnswerLost(_) => f.write_str("fault: a signature does not come back, SIGKILL later"),
            Self::Never => f.write_str("none"),
        }
    }
}

/// Which ends a run is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Kills, power cuts and faults: every sixth end is a fault, two of five of the others are power cuts.
    Everything,
    /// SIGKILL at every kill-point in turn.
    Kills,
    /// Power cuts at every kill-point in turn.
    PowerCuts,
    /// Power cuts at every kill-point in turn, each of which takes everything that was not synced.
    StrictPowerCuts,
    /// Faults of the disk, and SIGKILL at any moment.
    Faults,
}

/// Plans the ends of a house's issuers.
#[must_use]
pub fn plan(random: &mut Random, mix: Mix, house: u64, count: u64) -> Vec<Kill> {
    let mut place = house * 7;
    (0..count)
        .map(|number| match mix {
            Mix::Everything if number % 6 == 5 => fault(random, house + number / 6),
            Mix::Faults => fault(random, house + number),
            Mix::Everything | Mix::Kills | Mix::PowerCuts | Mix::StrictPowerCuts => {
                place += 1;
                at_point(random, mix, place)
            }
        })
        .collect()
}

fn fault(random: &mut Random, which: u64) -> Kill {
    match which % 6 {
        0 => Kill::AfterAnswers(1 + random.below(12)),
        5 => Kill::AtCall(1 + random.below(400), any_power(random)),
        1 => Kill::SyncFails(1 + random.below(30)),
        2 => Kill::NoSpace(1 + random.below(60)),
        3 => Kill::AnswerLost(1 + random.below(6)),
        _ => Kill::TornWrite(1 + random.below(60)),
    }
}

fn any_power(random: &mut Random) -> Option<Power> {
    match random.below(3) {
        0 => None,
        1 => Some(Power::Strict),
        _ => Some(Power::Random),
    }
}

fn at_point(random: &mut Random, mix: Mix, place: u64) -> Kill {
    let points = KillPoint::ALL;
    let point = points[usize::try_from(place % points.len() as u64).expect("it is small")];
    let count = 1 + random.below(if point < KillPoint::ConfirmationUnsynced { 6 } else { 2 });
    // Where the program dies inside a call that is not a sync, only SIGKILL is at hand.
    let only_killed = matches!(point, KillPoint::ReplyHalfSent | KillPoint::CrlRename);
    let cut = match mix {
        Mix::PowerCuts | Mix::StrictPowerCuts => true,
        Mix::Everything => random.below(5) < 2,
        Mix::Kills | Mix::Faults => false,
    };
    let power = match (mix, random.below(3)) {
        (Mix::StrictPowerCuts, _) | (_, 0) => Power::Strict,
        (_, _) => Power::Random,
    };
    if cut && !only_killed { Kill::PowerCut(point, count, power) } else { Kill::AtPoint(point, count) }
}
