//! The swap of one certificate: one device, one type. Which step follows which, and what is to be done next.
//!
//! Import is a hard cut-over on the device (Green Book 9.2.6.6.4): it holds one certificate of a type, and takes the next one in
//! its place at once. So nothing is undone after an import was ordered unless the device itself shows that it did not take
//! place; and a lost answer is asked for, never guessed. Not the rows, not the octets of calls, not the authority.

mod answers;
mod event;
mod stage;
#[cfg(test)]
mod tests;

pub use event::{Action, Answer, Call, Event, KeyStanding, Shown, SwapRefusal};
pub use stage::{Asked, Made, Proof, Road, Stage, Then, Trouble};

use super::campaign::{Campaign, Wanted};
use super::patience::Patience;
use crate::key_ref::KeyRef;
use crate::profile::{KeyPurpose, ProfileId};
use crate::record::CertificateId;
use crate::suite::SecuritySuite;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// A call that was given to a head-end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// Which call.
    pub call: Call,
    /// The last second in which the head-end may make it.
    pub until: UnixTime,
    /// Whether that is over, and counted as an attempt that failed.
    pub lapsed: bool,
}

/// The swap of one device's certificate of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The device.
    pub title: SystemTitle,
    /// The type.
    pub purpose: KeyPurpose,
    /// The campaign that it belongs to.
    pub campaign: [u8; 32],
    /// How the certificate comes to the device.
    pub road: Road,
    /// The profile of the new certificate.
    pub profile: ProfileId,
    /// The authority that issues it.
    pub issuer: KeyRef,
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub since: UnixTime,
    /// How many attempts failed where it stands.
    pub attempts: u8,
    /// How often the device began anew with another key.
    pub restarts: u8,
    /// The suite that the device is asked for before anything is done; `None` where it said it, or need not be asked.
    pub asks_suite: Option<SecuritySuite>,
    /// Nothing is tried before.
    pub not_before: UnixTime,
    /// How many calls were given.
    pub turn: u32,
    /// The call that was given last, until it is answered.
    pub given: Option<Given>,
    /// Whether what can be undone is to be undone.
    pub ending: bool,
    /// Whether a person has to look at it.
    pub stuck: bool,
    /// What went wrong last.
    pub trouble: Option<Trouble>,
    /// Which stages it came to, when, and which audit record tells of it; each stage as it was reached last.
    pub passed: Vec<Passed>,
}

/// A stage that a swap came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The word of the stage, one of [`Stage::NAMES`].
    pub stage: &'static str,
    /// When.
    pub at: UnixTime,
    /// The number of the audit record.
    pub record: u64,
}

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The swap as it stands then.
    pub swap: Swap,
    /// What is to be done next.
    pub action: Action,
}

impl Swap {
    /// Begins the swap of one wanted certificate.
    #[must_use]
    pub fn new(
        campaign: &Campaign,
        wanted: &Wanted,
        title: SystemTitle,
        (stage, now): (Stage, UnixTime),
    ) -> Self {
        Self {
            title,
            purpose: wanted.purpose,
            campaign: campaign.digest,
            road: campaign.road,
            profile: wanted.profile.clone(),
            issuer: wanted.issuer,
            stage,
            since: now,
            attempts: 0,
            restarts: 0,
            asks_suite: campaign.suite_to_ask(wanted.purpose),
            not_before: now,
            turn: 0,
            given: None,
            ending: false,
            stuck: false,
            trouble: None,
            passed: Vec::new(),
        }
    }

    /// Tells whether the device holds the new certificate, uses it alone, and it is good.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Activated { .. }) && !self.stuck
    }

    /// Tells whether nothing follows any more, unless a certificate comes late or is revoked.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_complete() || matches!(self.stage, Stage::Undone { .. })
    }

    /// Returns what is to be done next.
    #[must_use]
    pub fn next(&self, now: UnixTime, patience: &Patience) -> Action {
        if self.is_over() || self.stuck {
            return Action::Nothing;
        }
        if let Some(given) = self.given.filter(|given| !given.lapsed) {
            return Action::Wait(Some(given.until));
        }
        if now < self.not_before {
            return Action::Wait(Some(self.not_before));
        }
        match (&self.stage, self.road) {
            (Stage::Withdrawing { made, .. }, _) => Action::Withdraw(made.certificate.clone()),
            (Stage::Requested { .. }, Road::HeadEnd) => Action::Issue,
            _ => match self.call() {
                Some(call) => Action::Call(call),
                None => Action::Wait(self.device_due(patience)),
            },
        }
    }

    /// The call that belongs where it stands, if one does.
    pub(super) const fn call(&self) -> Option<Call> {
        match (&self.stage, self.road) {
            (Stage::Claimed, Road::HeadEnd) if self.asks_suite.is_some() => Some(Call::ReadSuite),
            (Stage::Claimed, Road::HeadEnd) => Some(Call::GenerateKeyPair),
            (Stage::KeyGenerated, Road::HeadEnd) => Some(Call::GenerateRequest),
            (Stage::Issued(_), Road::HeadEnd) => Some(Call::Import),
            (Stage::Importing { .. } | Stage::Imported(_), Road::HeadEnd) => Some(Call::Export),
            (Stage::Confirmed { .. }, Road::HeadEnd) => Some(Call::Activate),
            (
                Stage::Planned
                | Stage::Claimed
                | Stage::KeyGenerated
                | Stage::Requested { .. }
                | Stage::Issued(_)
                | Stage::Importing { .. }
                | Stage::Imported(_)
                | Stage::Confirmed { .. }
                | Stage::Activated { .. }
                | Stage::Withdrawing { .. }
                | Stage::Undone { .. },
                _,
            ) => None,
        }
    }

    /// Until when a device that asks by itself is waited for.
    const fn device_due(&self, patience: &Patience) -> Option<UnixTime> {
        match self.road {
            #[expect(clippy::as_conversions, reason = "widening, in a const function")]
            Road::Device => Some(self.since.plus_seconds(patience.device_seconds as i64)),
            Road::HeadEnd => None,
        }
    }

    /// Returns when something has to be done or is over, if that is so without anybody's doing.
    #[must_use]
    pub fn due(&self, patience: &Patience) -> Option<UnixTime> {
        if self.is_over() || self.stuck {
            return None;
        }
        match (&self.stage, self.road, self.given.filter(|given| !given.lapsed)) {
            (_, _, Some(given)) => Some(given.until.plus_seconds(1)),
            (Stage::Withdrawing { .. }, _, None) | (Stage::Requested { .. }, Road::HeadEnd, None) => {
                Some(self.not_before)
            }
            (_, _, None) => self.device_due(patience).map(|time| time.plus_seconds(1)),
        }
    }

    /// Takes in what happened.
    ///
    /// # Errors
    /// [`SwapRefusal`]; nothing has changed.
    pub fn advance(&self, event: Event, now: UnixTime, patience: &Patience) -> Result<Step, SwapRefusal> {
        let mut swap = self.clone();
        match event {
            Event::Claimed => swap.claimed(now),
            Event::Given { call, until } => swap.gave(call, until, now, patience)?,
            Event::Answered { turn, answer } => swap.answered((turn, answer), now, patience)?,
            Event::Asked(asked) => swap.asked(asked, now)?,
            Event::Issued(made) => swap.issued(made, now)?,
            Event::NotIssued { trouble, later } => swap.not_issued(trouble, later, (now, patience))?,
            Event::Confirmed { certificate, proof } => swap.confirmed((&certificate, proof), now)?,
            Event::Revoked { certificate } => swap.revoked(&certificate, now, patience)?,
            Event::Elapsed => swap.elapsed(now, patience),
            Event::Ended => swap.end(now),
            Event::Again => swap.again(now)?,
        }
        let action = swap.next(now, patience);
        Ok(Step { swap, action })
    }

    /// Notes which audit record tells that it came where it stands.
    pub fn note(&mut self, at: UnixTime, record: u64) {
        let stage = self.stage.name();
        self.passed.retain(|passed| passed.stage != stage);
        self.passed.push(Passed { stage, at, record });
    }

    /// Comes to another stage.
    fn enter(&mut self, stage: Stage, now: UnixTime) {
        self.stage = stage;
        self.since = now;
        self.attempts = 0;
        self.not_before = now;
        self.given = None;
        self.stuck = false;
        self.trouble = None;
    }

    /// Waits for a person.
    fn stick(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
        self.stuck = true;
        self.given = None;
    }

    /// Counts an attempt that failed: after a pause it is tried again, or a person has to look.
    fn failed(&mut self, trouble: Trouble, now: UnixTime, patience: &Patience) {
        self.attempts = self.attempts.saturating_add(1);
        if self.attempts >= patience.attempts {
            return self.stick(trouble);
        }
        self.trouble = Some(trouble);
        self.not_before = now.plus_seconds(patience.pause(&self.title, self.purpose, self.attempts));
    }

    const fn out_of_order(&self) -> SwapRefusal {
        if self.is_over() {
            SwapRefusal::Finished
        } else {
            SwapRefusal::OutOfOrder { stage: self.stage.name() }
        }
    }

    fn claimed(&mut self, now: UnixTime) {
        if self.stage == Stage::Planned {
            self.enter(Stage::Claimed, now);
        }
    }

    /// A device asked by itself. One that lost what it got asks again, and has the place anew.
    fn asked(&mut self, asked: Asked, now: UnixTime) -> Result<(), SwapRefusal> {
        if self.road != Road::Device {
            return Err(SwapRefusal::OtherRoad);
        }
        match &self.stage {
            Stage::Planned | Stage::Claimed | Stage::Requested { .. } | Stage::Issued(_) => {
                self.enter(Stage::Requested { asked, octets: Vec::new() }, now);
                Ok(())
            }
            Stage::KeyGenerated
            | Stage::Importing { .. }
            | Stage::Imported(_)
            | Stage::Confirmed { .. }
            | Stage::Activated { .. }
            | Stage::Withdrawing { .. }
            | Stage::Undone { .. } => Err(self.out_of_order()),
        }
    }

    /// A certificate came into the place that is swapped.
    fn issued(&mut self, made: Made, now: UnixTime) -> Result<(), SwapRefusal> {
        match &self.stage {
            Stage::Requested { asked, .. } if asked.key == made.asked.key => {
                let made = Made { asked: *asked, ..made };
                self.enter(Stage::Issued(made), now);
                Ok(())
            }
            // Asked for before the swap was begun, or with another key than the last: the device has it.
            Stage::Planned | Stage::Claimed | Stage::Requested { .. } if self.road == Road::Device => {
                self.enter(Stage::Issued(made), now);
                Ok(())
            }
            // It was being signed when the swap was given up: no device will take it.
            Stage::Undone { asked: Some(asked) }
                if asked.key == made.asked.key && self.road == Road::HeadEnd =>
            {
                self.enter(Stage::Withdrawing { made, then: Then::End }, now);
                Ok(())
            }
            Stage::Activated { .. } | Stage::Undone { .. } => Err(SwapRefusal::Finished),
            known if known.made().is_some_and(|known| known.certificate == made.certificate) => Ok(()),
            Stage::Planned
            | Stage::Claimed
            | Stage::KeyGenerated
            | Stage::Requested { .. }
            | Stage::Issued(_)
            | Stage::Importing { .. }
            | Stage::Imported(_)
            | Stage::Confirmed { .. }
            | Stage::Withdrawing { .. } => {
                self.stick(Trouble::Overtaken);
                Ok(())
            }
        }
    }

    fn not_issued(
        &mut self,
        trouble: Trouble,
        later: bool,
        (now, patience): (UnixTime, &Patience),
    ) -> Result<(), SwapRefusal> {
        if !matches!(self.stage, Stage::Requested { .. }) || self.road != Road::HeadEnd {
            return Err(self.out_of_order());
        }
        if later {
            // Whoever cannot sign is not the device's trouble: it is tried for as long as it takes.
            self.trouble = Some(trouble);
            self.not_before = now.plus_seconds(patience.pause(&self.title, self.purpose, 1));
        } else {
            self.stick(trouble);
        }
        Ok(())
    }

    /// The device showed by itself that it has the certificate: with that it is in use.
    fn confirmed(
        &mut self,
        (certificate, proof): (&CertificateId, Proof),
        now: UnixTime,
    ) -> Result<(), SwapRefusal> {
        let made = self.stage.made().cloned().ok_or_else(|| self.out_of_order())?;
        if made.certificate != *certificate {
            return Err(SwapRefusal::OtherCertificate);
        }
        match &self.stage {
            Stage::Issued(_) | Stage::Importing { .. } | Stage::Imported(_) | Stage::Confirmed { .. } => {
                // Who uses a certificate that was revoked is let in nowhere, and confirms nothing.
                if self.trouble == Some(Trouble::CertificateRevoked) {
                    return Err(self.out_of_order());
                }
                self.enter(Stage::Activated { made, proof }, now);
                Ok(())
            }
            Stage::Activated { .. } => Ok(()),
            Stage::Planned
            | Stage::Claimed
            | Stage::KeyGenerated
            | Stage::Requested { .. }
            | Stage::Withdrawing { .. }
            | Stage::Undone { .. } => Err(self.out_of_order()),
        }
    }

    /// A certificate was revoked: as it was to be, or by somebody who had reason to.
    fn revoked(
        &mut self,
        certificate: &CertificateId,
        now: UnixTime,
        patience: &Patience,
    ) -> Result<(), SwapRefusal> {
        let made = self.stage.made().filter(|made| made.certificate == *certificate).cloned();
        let made = made.ok_or(SwapRefusal::OtherCertificate)?;
        match &self.stage {
            Stage::Withdrawing { then: Then::End, .. } => {
                self.enter(Stage::Undone { asked: Some(made.asked) }, now);
            }
            Stage::Withdrawing { then: Then::Again, .. } => {
                self.restarts = self.restarts.saturating_add(1);
                self.enter(Stage::Claimed, now);
                if self.restarts > patience.restarts {
                    self.stick(Trouble::ImportRefused);
                }
            }
            Stage::Planned
            | Stage::Claimed
            | Stage::KeyGenerated
            | Stage::Requested { .. }
            | Stage::Issued(_)
            | Stage::Importing { .. }
            | Stage::Imported(_)
            | Stage::Confirmed { .. }
            | Stage::Activated { .. }
            | Stage::Undone { .. } => self.stick(Trouble::CertificateRevoked),
        }
        Ok(())
    }

    /// The time of a head-end or of a device is over, if it is.
    fn elapsed(&mut self, now: UnixTime, patience: &Patience) {
        if self.due(patience).is_none_or(|due| now < due) {
            return;
        }
        match (&self.stage, self.road, &mut self.given) {
            (stage, _, Some(given)) if !given.lapsed => {
                given.lapsed = true;
                // A device that started anew has lost the key that waited, and asks with the one that it has: it makes one again.
                if *stage == Stage::KeyGenerated {
                    self.stage = Stage::Claimed;
                    self.since = now;
                }
                self.failed(Trouble::NoAnswer, now, patience);
            }
            (Stage::Planned | Stage::Claimed | Stage::Requested { .. }, Road::Device, _) => {
                self.stick(Trouble::Silent);
            }
            (Stage::Issued(_), Road::Device, _) => self.stick(Trouble::NotConfirmed),
            // What is to be done is done by whoever asks what is next.
            _ => {}
        }
    }

    /// The campaign is given up. What the device may have taken is finished, all else undone.
    fn end(&mut self, now: UnixTime) {
        match &self.stage {
            Stage::Planned | Stage::Claimed | Stage::KeyGenerated | Stage::Requested { .. } => {
                let asked = self.stage.asked();
                self.enter(Stage::Undone { asked }, now);
            }
            Stage::Issued(made) if self.road == Road::HeadEnd => {
                let made = made.clone();
                self.enter(Stage::Withdrawing { made, then: Then::End }, now);
            }
            Stage::Withdrawing { made, .. } => {
                let made = made.clone();
                self.enter(Stage::Withdrawing { made, then: Then::End }, now);
            }
            Stage::Issued(_) | Stage::Importing { .. } | Stage::Imported(_) | Stage::Confirmed { .. } => {}
            Stage::Activated { .. } | Stage::Undone { .. } => return,
        }
        self.ending = true;
    }

    /// A person has it tried again. With a certificate that was revoked nothing can be tried: the device begins anew.
    fn again(&mut self, now: UnixTime) -> Result<(), SwapRefusal> {
        if !self.stuck {
            return Err(SwapRefusal::NotStuck);
        }
        let stage = match (&self.trouble, &self.stage) {
            (Some(Trouble::CertificateRevoked | Trouble::NotIssued { .. }), _) => Stage::Claimed,
            // Another certificate has the place of one that no device took.
            (Some(Trouble::Overtaken), Stage::Issued(made)) => {
                Stage::Withdrawing { made: made.clone(), then: Then::Again }
            }
            (_, stage) => stage.clone(),
        };
        if stage == Stage::Claimed {
            self.restarts = 0;
        }
        self.enter(stage, now);
        Ok(())
    }
}
