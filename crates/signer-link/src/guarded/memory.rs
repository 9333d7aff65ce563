//! What a key remembers of what it did: how often in this second and on this day, and the last number in each scope.

use std::collections::BTreeMap;

use ca_core::validity::UnixTime;

use crate::charter::{Rates, Subject};
use crate::denial::Denial;
use crate::log::{KeyRecollection, Kind};

/// What a key did.
#[derive(Debug, Default)]
pub(super) struct Memory {
    signed: u64,
    denied: u64,
    /// Requests, so that what is refused does not fill the log.
    second: Turns,
    /// Signatures, and requests at work.
    day: Turns,
    /// The last number of each scope, and the digest of what bore it.
    last: BTreeMap<(Kind, String), (u64, [u8; 32])>,
}

/// How often, in the second or on the day of this number.
#[derive(Debug, Default, Clone, Copy)]
struct Turns {
    of: i64,
    taken: u64,
}

impl Turns {
    const fn taken(self, of: i64) -> u64 {
        if self.of == of { self.taken } else { 0 }
    }

    const fn take(&mut self, of: i64) {
        *self = Self { of, taken: self.taken(of) + 1 };
    }

    const fn give_back(&mut self, of: i64) {
        *self = Self { of, taken: self.taken(of).saturating_sub(1) };
    }
}

impl Memory {
    /// Begins with what the log says.
    pub(super) fn new(told: KeyRecollection) -> Self {
        let KeyRecollection { day, signed, last } = told;
        Self { day: Turns { of: day, taken: signed }, last, ..Self::default() }
    }

    /// Takes a turn, if there is one left in this second and on this day.
    pub(super) fn take_turn(&mut self, rates: Rates, now: UnixTime) -> Result<(), Denial> {
        let (second, day) = (now.seconds(), now.days());
        if let Some(most) = rates.per_second
            && self.second.taken(second) >= u64::from(most)
        {
            let sentence = format!("the key is asked {most} times a second at most");
            return Err(Denial::unavailable("rate.second", sentence, 1));
        }
        if let Some(most) = rates.per_day
            && self.day.taken(day) >= most
        {
            let left = u32::try_from(86_400 - second.rem_euclid(86_400)).unwrap_or(86_400);
            let sentence = format!("the key signs {most} times a day at most, and did");
            return Err(Denial::unavailable("rate.day", sentence, left));
        }
        self.second.take(second);
        self.day.take(day);
        Ok(())
    }

    /// Counts what became of a turn that was taken at this time.
    pub(super) const fn end_turn(&mut self, signed: bool, taken: UnixTime) {
        if signed {
            self.signed += 1;
        } else {
            self.denied += 1;
            self.day.give_back(taken.days());
        }
    }

    /// Counts a request that got no turn.
    pub(super) const fn count_denied(&mut self) {
        self.denied += 1;
    }

    /// Looks that a number is higher than the last in its scope, and remembers it. The same octets may be signed again, since
    /// a signature can have got lost, or be drawn again.
    pub(super) fn follow(&mut self, subject: &Subject, digest: [u8; 32]) -> Result<(), Denial> {
        let Some(number) = subject.number else { return Ok(()) };
        let scope = (subject.kind, subject.scope.clone());
        match self.last.get(&scope) {
            Some((last, before)) if number < *last || number == *last && digest != *before => {
                let code = format!("{}.number", subject.kind.name());
                Err(Denial::refused(&code, format!("{number} does not follow {last}, which was signed")))
            }
            Some(_) | None => {
                self.last.insert(scope, (number, digest));
                Ok(())
            }
        }
    }

    pub(super) const fn signed(&self) -> u64 {
        self.signed
    }

    pub(super) const fn denied(&self) -> u64 {
        self.denied
    }

    pub(super) const fn signed_on(&self, day: i64) -> u64 {
        self.day.taken(day)
    }
}
