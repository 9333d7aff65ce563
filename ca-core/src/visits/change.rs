//! What people say of visits: which may follow which, their audit events, and how these are read again.

use core::fmt;

use super::plan::{LONGEST, MAX_METERS, MAX_REASON, SHORTEST, VisitPlan};
use super::visit::Visit;
use crate::audit::{Act, AuditEvent};
use crate::fault::Fault;
use crate::people::{Denied, Permission, Permit};
use crate::record::{Mark, VisitId};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// In whose name visits end whose time is over.
const OVERSEER: &str = "process:visits";

/// What is said of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisitAct {
    /// It is to take place.
    Open(VisitPlan),
    /// It is to be something else: nobody approved that yet, and what was issued on it is revoked.
    Amend(VisitPlan),
    /// It may take place.
    Approve {
        /// As it was shown.
        digest: [u8; 32],
    },
    /// It may not.
    Refuse {
        /// As it was shown.
        digest: [u8; 32],
        /// Why.
        reason: String,
    },
    /// It is over: what was issued on it is revoked.
    End {
        /// Why.
        reason: String,
    },
}

/// Something to be recorded of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitChange {
    /// Of which.
    pub id: VisitId,
    /// Whose visit it is.
    pub tenant: TenantId,
    /// By whom and when.
    pub mark: Mark,
    /// What.
    pub act: VisitAct,
    /// Its audit event, in the same transaction.
    pub event: AuditEvent,
}

impl VisitChange {
    /// Makes a change for whoever may make it.
    ///
    /// # Errors
    /// [`Denied`] for a permit of another kind, or for other tenants.
    pub fn new(
        permit: &Permit,
        (id, act): (VisitId, VisitAct),
        tenant: &TenantId,
        now: UnixTime,
    ) -> Result<Self, Denied> {
        permit.check_for(act.permission())?;
        let actor = permit.actor(tenant)?;
        Ok(Self::of((id, act), tenant, Mark { by: actor.to_string(), at: now }))
    }

    /// Ends a visit whose time is over.
    #[must_use]
    pub fn over(visit: &Visit, now: UnixTime) -> Self {
        let act = VisitAct::End { reason: "its time is over".to_owned() };
        Self::of((visit.id.clone(), act), &visit.tenant, Mark { by: OVERSEER.to_owned(), at: now })
    }

    fn of((id, act): (VisitId, VisitAct), tenant: &TenantId, mark: Mark) -> Self {
        let digest = match &act {
            VisitAct::Open(plan) | VisitAct::Amend(plan) => plan.digest(&id, tenant).to_vec(),
            VisitAct::Approve { digest } | VisitAct::Refuse { digest, .. } => digest.to_vec(),
            VisitAct::End { .. } => Vec::new(),
        };
        let event = AuditEvent {
            time: mark.at,
            tenant: tenant.clone(),
            actor: mark.by.clone(),
            act: act.told(),
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("visit {id}{act}"),
            digest,
        };
        Self { id, tenant: tenant.clone(), mark, act, event }
    }

    /// Reads a change out of its audit event; none where it is the event of something else.
    #[must_use]
    pub fn from_event(event: &AuditEvent) -> Option<Self> {
        let named = event.detail.strip_prefix("visit ")?;
        let (id, text) = named.split_once("; ").unwrap_or((named, ""));
        let digest = || <[u8; 32]>::try_from(event.digest.as_slice()).ok();
        let reason = || text.strip_prefix("for ").map(str::to_owned);
        let act = if event.act == Act::VisitOpened {
            VisitAct::Open(VisitPlan::parse(text)?)
        } else if event.act == Act::VisitAmended {
            VisitAct::Amend(VisitPlan::parse(text)?)
        } else if event.act == Act::VisitApproved {
            VisitAct::Approve { digest: digest()? }
        } else if event.act == Act::VisitRefused {
            VisitAct::Refuse { digest: digest()?, reason: reason()? }
        } else if event.act == Act::VisitEnded {
            VisitAct::End { reason: reason()? }
        } else {
            return None;
        };
        let mark = Mark { by: event.actor.clone(), at: event.time };
        let id = VisitId::parse(id).ok()?;
        Some(Self { id, tenant: event.tenant.clone(), mark, act, event: event.clone() })
    }

    /// Returns the visit as it stands after it. Names of marks are those of persons here, so that one person with two
    /// credentials is one.
    ///
    /// # Errors
    /// [`VisitConflict`]: it may not follow.
    pub fn applied_to(&self, known: Option<Visit>) -> Result<Visit, VisitConflict> {
        let now = self.mark.at;
        if let VisitAct::Open(plan) = &self.act {
            plan.check(now)?;
            return if known.is_some() { Err(VisitConflict::Known) } else { Ok(self.fresh(plan)) };
        }
        // Another tenant's visit is, to this one, none.
        let own = known.filter(|visit| visit.tenant == self.tenant);
        let mut visit = own.ok_or(VisitConflict::Unknown)?;
        if let Some((by, _)) = &visit.ended {
            return Err(VisitConflict::Ended { by: by.clone() });
        }
        match &self.act {
            VisitAct::Open(_) => {}
            VisitAct::Amend(plan) => {
                plan.check(now)?;
                return Ok(Visit { certificates: visit.certificates, ..self.fresh(plan) });
            }
            VisitAct::Approve { digest } => {
                self.check_decision(&visit, digest)?;
                visit.approvals.push(self.mark.clone());
            }
            VisitAct::Refuse { digest, reason } => {
                check_reason(reason)?;
                if visit.digest != *digest {
                    return Err(VisitConflict::Edited);
                }
                visit.refusal = Some((self.mark.clone(), reason.clone()));
            }
            VisitAct::End { reason } => {
                check_reason(reason)?;
                visit.ended = Some((self.mark.clone(), reason.clone()));
            }
        }
        Ok(visit)
    }

    fn fresh(&self, plan: &VisitPlan) -> Visit {
        Visit {
            id: self.id.clone(),
            tenant: self.tenant.clone(),
            digest: plan.digest(&self.id, &self.tenant),
            plan: plan.clone(),
            opened: self.mark.clone(),
            approvals: Vec::new(),
            refusal: None,
            ended: None,
            certificates: Vec::new(),
        }
    }

    /// Four eyes: neither who opened it nor who goes, and nobody twice.
    fn check_decision(&self, visit: &Visit, digest: &[u8; 32]) -> Result<(), VisitConflict> {
        let by = &self.mark.by;
        if visit.digest != *digest {
            return Err(VisitConflict::Edited);
        }
        if let Some((by, _)) = &visit.refusal {
            return Err(VisitConflict::Refused { by: by.clone() });
        }
        if self.mark.at > visit.plan.until {
            return Err(VisitConflict::Over);
        }
        if visit.opened.by == *by {
            return Err(VisitConflict::OwnVisit);
        }
        if *by == format!("operator:{}", visit.plan.technician) {
            return Err(VisitConflict::OwnWork);
        }
        if visit.approvals.iter().any(|mark| mark.by == *by) {
            return Err(VisitConflict::SamePerson);
        }
        Ok(())
    }
}

fn check_reason(reason: &str) -> Result<(), VisitConflict> {
    let plain = !reason.is_empty() && reason.len() <= MAX_REASON && !reason.chars().any(char::is_control);
    if plain { Ok(()) } else { Err(VisitConflict::Reason) }
}

impl VisitAct {
    /// Returns the permission that it needs.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Open(_) | Self::Amend(_) | Self::End { .. } => Permission::LeadVisits,
            Self::Approve { .. } | Self::Refuse { .. } => Permission::Approve,
        }
    }

    const fn told(&self) -> Act {
        match self {
            Self::Open(_) => Act::VisitOpened,
            Self::Amend(_) => Act::VisitAmended,
            Self::Approve { .. } => Act::VisitApproved,
            Self::Refuse { .. } => Act::VisitRefused,
            Self::End { .. } => Act::VisitEnded,
        }
    }
}

impl fmt::Display for VisitAct {
    /// Writes what stands in the audit record behind the name of the visit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(plan) | Self::Amend(plan) => plan.fmt(f),
            Self::Approve { .. } => Ok(()),
            Self::Refuse { reason, .. } | Self::End { reason } => write!(f, "; for {reason}"),
        }
    }
}

/// Why something is not recorded of a visit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VisitConflict {
    /// There is no such visit.
    #[error("there is no such visit")]
    Unknown,
    /// There is one of this name already.
    #[error("there is a visit of this name already")]
    Known,
    /// It was ended before.
    #[error("the visit was ended by {} at {}", by.by, by.at)]
    Ended {
        /// By whom.
        by: Mark,
    },
    /// It was refused before.
    #[error("the visit was refused by {} at {}", by.by, by.at)]
    Refused {
        /// By whom.
        by: Mark,
    },
    /// Its time is over.
    #[error("the time of the visit is over")]
    Over,
    /// It is not what was shown.
    #[error("the visit is not what was shown: it was changed since")]
    Edited,
    /// Who approves opened it, or changed it last.
    #[error("who opened a visit does not approve it")]
    OwnVisit,
    /// Who approves is the technician.
    #[error("who goes does not approve that he goes")]
    OwnWork,
    /// He approved it before.
    #[error("this person approved the visit before")]
    SamePerson,
    /// Its time is none.
    #[error(
        "a visit lasts {} minutes at least, and is over within {} days, which {from} to {until} is not", SHORTEST / 60, LONGEST / 86_400
    )]
    Window {
        /// Its first second.
        from: UnixTime,
        /// Its last second.
        until: UnixTime,
    },
    /// It names no meters, or too many, or the unit among them.
    #[error("a visit names a region, or 1 to {MAX_METERS} meters other than its hand-held unit")]
    Meters,
    /// The name of the region is none.
    #[error("a region has at most 64 octets of printable characters, and no semicolon")]
    Region,
    /// The reason is none.
    #[error("a reason has 1 to {MAX_REASON} octets of printable characters")]
    Reason,
    /// A meter, or the unit, is not this owner's.
    #[error("{title} is no device of this owner")]
    NotOwned {
        /// Which.
        title: SystemTitle,
    },
    /// Nobody by that id is a technician of this tenant.
    #[error("nobody by that id is a technician for this tenant")]
    NoTechnician,
    /// The hand-held unit is on another visit at that time.
    #[error("the hand-held unit is on the visit {by} at that time")]
    UnitTaken {
        /// On which.
        by: VisitId,
    },
}

impl VisitConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "visit.unknown",
            Self::Known => "visit.known",
            Self::Ended { .. } => "visit.ended",
            Self::Refused { .. } => "visit.refused",
            Self::Over => "visit.over",
            Self::Edited => "visit.edited",
            Self::OwnVisit => "visit.own",
            Self::OwnWork => "visit.own-work",
            Self::SamePerson => "visit.same-person",
            Self::Window { .. } => "visit.window",
            Self::Meters => "visit.meters",
            Self::Region => "visit.region",
            Self::Reason => "visit.reason",
            Self::NotOwned { .. } => "visit.not-owned",
            Self::NoTechnician => "visit.no-technician",
            Self::UnitTaken { .. } => "visit.unit-taken",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Unknown
            | Self::OwnVisit
            | Self::OwnWork
            | Self::SamePerson
            | Self::Window { .. }
            | Self::Meters
            | Self::Region
            | Self::Reason
            | Self::NotOwned { .. }
            | Self::NoTechnician => Fault::Requester,
            Self::Known
            | Self::Ended { .. }
            | Self::Refused { .. }
            | Self::Over
            | Self::Edited
            | Self::UnitTaken { .. } => Fault::Conflict,
        }
    }
}

#[cfg(test)]
mod tests;
