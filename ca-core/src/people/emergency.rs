//! Breaking the glass: a role for hours, for a reason, on the word of two people with different roles. It ends by itself, and is
//! reviewed afterwards.
//!
//! It stands beside what was granted, so that it goes with every role: that is what makes it an emergency, and why it is told
//! at once, loudly, and is looked at by somebody else when it is over (case M-09).

use core::fmt;

use super::permission::Permission;
use super::permit::{Denied, Permit};
use super::person::{Person, PersonId};
use super::role::Role;
use crate::audit::{Act, AuditEvent};
use crate::record::Mark;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How long who asks may wait for the other, in seconds.
const PATIENCE: i64 = 3_600;

/// How long after its end an emergency is to be reviewed, in seconds.
const REVIEW: i64 = 24 * 3_600;

/// The longest emergency, in seconds, whatever is configured.
pub const LONGEST_EMERGENCY: u32 = 24 * 3_600;

/// The longest reason and the longest finding of a review, in characters.
const MAX_TEXT: usize = 200;

/// The most emergencies that stand on one person's record: older ones are in the audit trail alone.
const MAX_EMERGENCIES: usize = 8;

/// Who puts an end on record that came by itself.
const BY_ITSELF: &str = "process:break-glass";

/// A role that somebody asked for, had or has in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Which.
    pub role: Role,
    /// Why: 1 to 200 printable characters.
    pub reason: String,
    /// For how many seconds.
    pub seconds: u32,
    /// When he asked.
    pub asked: Mark,
    /// Who agreed, and when: from then on it counts.
    pub agreed: Option<Mark>,
    /// Who ended it, or put its end on record, and when.
    pub ended: Option<Mark>,
    /// Who looked at it afterwards, and what he found.
    pub reviewed: Option<(Mark, String)>,
}

/// How far an emergency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmergencyStanding {
    /// It waits for somebody to agree.
    Asked,
    /// It counts.
    Open,
    /// Nobody agreed in time, or it was taken back: nothing came of it.
    Lapsed,
    /// It is over and waits to be reviewed until this time.
    Unreviewed {
        /// The last second of the day after its end.
        due: UnixTime,
    },
    /// It was reviewed.
    Reviewed,
}

impl EmergencyStanding {
    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Open => "open",
            Self::Lapsed => "lapsed",
            Self::Unreviewed { .. } => "unreviewed",
            Self::Reviewed => "reviewed",
        }
    }
}

impl Emergency {
    /// Returns the last second of it, once somebody agreed.
    #[must_use]
    pub fn until(&self) -> Option<UnixTime> {
        self.agreed.as_ref().map(|agreed| agreed.at.plus_seconds(i64::from(self.seconds)))
    }

    /// Tells how far it is at this time.
    #[must_use]
    pub fn standing(&self, now: UnixTime) -> EmergencyStanding {
        let Some(until) = self.until() else {
            let waits = self.ended.is_none() && now <= self.asked.at.plus_seconds(PATIENCE);
            return if waits { EmergencyStanding::Asked } else { EmergencyStanding::Lapsed };
        };
        let end = self.ended.as_ref().map_or(until, |ended| ended.at.min(until));
        if self.reviewed.is_some() {
            EmergencyStanding::Reviewed
        } else if self.ended.is_none() && now <= until {
            EmergencyStanding::Open
        } else {
            EmergencyStanding::Unreviewed { due: end.plus_seconds(REVIEW) }
        }
    }

    /// Tells whether it counts at this time.
    #[must_use]
    pub fn holds(&self, now: UnixTime) -> bool {
        self.standing(now) == EmergencyStanding::Open
    }

    /// Tells whether it ended by itself and nobody has put that on record.
    #[must_use]
    pub fn ran_out(&self, now: UnixTime) -> bool {
        self.ended.is_none() && self.until().is_some_and(|until| until < now)
    }

    fn is_live(&self, now: UnixTime) -> bool {
        matches!(self.standing(now), EmergencyStanding::Asked | EmergencyStanding::Open)
    }
}

/// What happens to an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmergencyAct {
    /// Somebody asks for a role.
    Ask {
        /// Which.
        role: Role,
        /// Why: 1 to 200 printable characters.
        reason: String,
        /// For how many seconds.
        seconds: u32,
    },
    /// Somebody else agrees.
    Agree,
    /// It ends, or is taken back.
    End,
    /// Somebody who had no part in it has looked at the oldest that is over.
    Review {
        /// What he found: 1 to 200 printable characters.
        finding: String,
    },
}

/// A change of somebody's emergency, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyChange {
    /// Whose.
    pub id: PersonId,
    /// By whom and when.
    pub mark: Mark,
    /// What.
    pub act: EmergencyAct,
    /// Its audit event, in the same transaction.
    pub event: AuditEvent,
}

impl EmergencyChange {
    /// Makes a change for whoever may make it. People belong to the installation, which `tenant` runs.
    ///
    /// # Errors
    /// [`Denied`] for a permit of another kind, or for single tenants.
    pub fn new(
        permit: &Permit,
        (id, act): (PersonId, EmergencyAct),
        tenant: &TenantId,
        now: UnixTime,
    ) -> Result<Self, Denied> {
        permit.check_for(match act {
            EmergencyAct::Review { .. } => Permission::ReviewEmergencies,
            EmergencyAct::Ask { .. } | EmergencyAct::Agree | EmergencyAct::End => Permission::BreakGlass,
        })?;
        permit.check_everything()?;
        Ok(Self::of(permit.actor(tenant)?.to_string(), (id, act), tenant, now))
    }

    /// The end of an emergency whose time is over, which the program puts on record by itself.
    #[must_use]
    pub fn over(id: PersonId, tenant: &TenantId, now: UnixTime) -> Self {
        Self::of(BY_ITSELF.to_owned(), (id, EmergencyAct::End), tenant, now)
    }

    fn of(by: String, (id, act): (PersonId, EmergencyAct), tenant: &TenantId, now: UnixTime) -> Self {
        let event = AuditEvent {
            time: now,
            tenant: tenant.clone(),
            actor: by.clone(),
            act: act.told(),
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("{id}{act}"),
            digest: Vec::new(),
        };
        Self { id, mark: Mark { by, at: now }, act, event }
    }

    /// Reads a change out of the audit event that it left; none where the event tells of something else.
    #[must_use]
    pub fn from_event(event: &AuditEvent) -> Option<Self> {
        let (id, rest) = event.detail.split_once("; ").unwrap_or((&event.detail, ""));
        let id = PersonId::parse(id).ok()?;
        let act = EmergencyAct::read(event.act, rest)?;
        let mark = Mark { by: event.actor.clone(), at: event.time };
        Some(Self { id, mark, act, event: event.clone() })
    }

    /// Returns the person as he is after it. `other` is who makes the change, where he is on record.
    ///
    /// # Errors
    /// [`EmergencyConflict`]; nothing has changed.
    pub fn applied_to(
        &self,
        known: Option<Person>,
        other: Option<&Person>,
    ) -> Result<Person, EmergencyConflict> {
        let mut person = known.ok_or(EmergencyConflict::Unknown)?;
        let is_own = other.is_some_and(|other| other.id == person.id);
        match &self.act {
            EmergencyAct::Ask { .. } | EmergencyAct::Agree if person.removed.is_some() => {
                return Err(EmergencyConflict::Unknown);
            }
            EmergencyAct::Ask { .. } if !is_own => return Err(EmergencyConflict::ForAnother),
            EmergencyAct::Ask { role, reason, seconds } => {
                self.ask(&mut person, (*role, reason, *seconds))?;
            }
            EmergencyAct::Agree if is_own => return Err(EmergencyConflict::Oneself),
            EmergencyAct::Agree => self.agree(&mut person, other)?,
            EmergencyAct::End => self.end(&mut person)?,
            EmergencyAct::Review { finding } => self.review(&mut person, finding, other)?,
        }
        Ok(person)
    }

    fn ask(
        &self,
        person: &mut Person,
        (role, reason, seconds): (Role, &str, u32),
    ) -> Result<(), EmergencyConflict> {
        let now = self.mark.at;
        if person.emergencies.iter().any(|one| one.is_live(now)) {
            return Err(EmergencyConflict::Open);
        }
        check_text(reason)?;
        if person.holding(now).any(|grant| grant.role == role) {
            return Err(EmergencyConflict::Role { role });
        }
        if !(1..=LONGEST_EMERGENCY).contains(&seconds) {
            return Err(EmergencyConflict::TooLong);
        }
        if person.emergencies.len() >= MAX_EMERGENCIES {
            let is_done = |one: &Emergency| {
                matches!(one.standing(now), EmergencyStanding::Lapsed | EmergencyStanding::Reviewed)
            };
            let oldest = person.emergencies.iter().position(is_done);
            drop(person.emergencies.remove(oldest.ok_or(EmergencyConflict::Unreviewed)?));
        }
        person.emergencies.push(Emergency {
            role,
            reason: reason.to_owned(),
            seconds,
            asked: self.mark.clone(),
            agreed: None,
            ended: None,
            reviewed: None,
        });
        Ok(())
    }

    fn agree(&self, person: &mut Person, other: Option<&Person>) -> Result<(), EmergencyConflict> {
        let now = self.mark.at;
        let held: Vec<Role> = person.holding(now).map(|grant| grant.role).collect();
        let waits = |one: &&mut Emergency| one.standing(now) == EmergencyStanding::Asked;
        let asked = person.emergencies.iter_mut().find(waits).ok_or(EmergencyConflict::NotAsked)?;
        // M-09: two people, of two roles. Who is only a user of this machine has every one.
        let another = |other: &Person| other.holding(now).any(|grant| !held.contains(&grant.role));
        if !other.is_none_or(another) {
            return Err(EmergencyConflict::SameRole);
        }
        asked.agreed = Some(self.mark.clone());
        Ok(())
    }

    fn end(&self, person: &mut Person) -> Result<(), EmergencyConflict> {
        let now = self.mark.at;
        let by_itself = self.mark.by == BY_ITSELF;
        let ends = |one: &&mut Emergency| if by_itself { one.ran_out(now) } else { one.is_live(now) };
        let open = person.emergencies.iter_mut().find(ends).ok_or(EmergencyConflict::NotAsked)?;
        open.ended = Some(self.mark.clone());
        Ok(())
    }

    fn review(
        &self,
        person: &mut Person,
        finding: &str,
        other: Option<&Person>,
    ) -> Result<(), EmergencyConflict> {
        let now = self.mark.at;
        check_text(finding)?;
        let is_over =
            |one: &&mut Emergency| matches!(one.standing(now), EmergencyStanding::Unreviewed { .. });
        let is_own = other.is_some_and(|other| other.id == person.id);
        let over = person.emergencies.iter_mut().find(is_over).ok_or(EmergencyConflict::NotOver)?;
        // Nobody reviews what he asked for or agreed to.
        let agreed = over.agreed.as_ref().map(|mark| mark.by.as_str());
        let names = [Some(self.mark.by.clone()), other.map(|other| format!("operator:{}", other.id))];
        if is_own || names.iter().flatten().any(|name| Some(name.as_str()) == agreed) {
            return Err(EmergencyConflict::OwnReview);
        }
        over.reviewed = Some((self.mark.clone(), finding.to_owned()));
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), EmergencyConflict> {
    let characters = text.chars().count();
    if characters == 0 || characters > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(EmergencyConflict::Text);
    }
    Ok(())
}

impl EmergencyAct {
    const fn told(&self) -> Act {
        match self {
            Self::Ask { .. } => Act::BreakGlassAsked,
            Self::Agree => Act::BreakGlassOpened,
            Self::End => Act::BreakGlassEnded,
            Self::Review { .. } => Act::BreakGlassReviewed,
        }
    }

    fn read(act: Act, text: &str) -> Option<Self> {
        if act == Act::BreakGlassAsked {
            let (what, reason) = text.split_once(" seconds: ")?;
            let (role, seconds) = what.split_once(" for ")?;
            let (role, seconds) = (Role::from_name(role)?, seconds.parse().ok()?);
            Some(Self::Ask { role, reason: reason.to_owned(), seconds })
        } else if act == Act::BreakGlassOpened {
            Some(Self::Agree)
        } else if act == Act::BreakGlassEnded {
            Some(Self::End)
        } else if act == Act::BreakGlassReviewed {
            Some(Self::Review { finding: text.to_owned() })
        } else {
            None
        }
    }
}

impl fmt::Display for EmergencyAct {
    /// Writes what stands in the audit record behind the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { role, reason, seconds } => write!(f, "; {role} for {seconds} seconds: {reason}"),
            Self::Agree | Self::End => Ok(()),
            Self::Review { finding } => write!(f, "; {finding}"),
        }
    }
}

/// Why a change of an emergency is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmergencyConflict {
    /// There is no such person.
    #[error("nobody of that id is on record")]
    Unknown,
    /// Everybody asks for himself.
    #[error("everybody who is on record asks for himself, and who is not needs no emergency")]
    ForAnother,
    /// There is one already.
    #[error("the person has asked already, or has the role")]
    Open,
    /// The text is none.
    #[error("a reason, and a finding, has 1 to {MAX_TEXT} printable characters")]
    Text,
    /// He has the role.
    #[error("the role {role} is one that the person has")]
    Role {
        /// Which.
        role: Role,
    },
    /// It would be longer than any may be, or of no length.
    #[error("an emergency is for 1 second to {LONGEST_EMERGENCY} seconds, and no longer than is configured")]
    TooLong,
    /// Too many were never reviewed.
    #[error("{MAX_EMERGENCIES} emergencies of this person wait for their review")]
    Unreviewed,
    /// Nobody asked, or not for an hour, or somebody agreed already, or it is over.
    #[error("nothing waits for an agreement, or for its end, there")]
    NotAsked,
    /// Who asked does not agree.
    #[error("who asked does not agree: another person does")]
    Oneself,
    /// Who agrees has no role that he who asked lacks.
    #[error("two people with different roles break the glass together")]
    SameRole,
    /// There is nothing to be reviewed.
    #[error("no emergency of this person is over and not yet reviewed")]
    NotOver,
    /// Who had a part in it does not review it.
    #[error("who asked for an emergency or agreed to it does not review it")]
    OwnReview,
}

impl EmergencyConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "person.unknown",
            Self::ForAnother => "break-glass.for-another",
            Self::Open => "break-glass.open",
            Self::Text => "break-glass.text",
            Self::Role { .. } => "break-glass.role",
            Self::TooLong => "break-glass.too-long",
            Self::Unreviewed => "break-glass.unreviewed",
            Self::NotAsked => "break-glass.not-asked",
            Self::Oneself => "break-glass.oneself",
            Self::SameRole => "break-glass.same-role",
            Self::NotOver => "break-glass.not-over",
            Self::OwnReview => "break-glass.own-review",
        }
    }
}

#[cfg(test)]
mod tests;
