//! A visit as it stands on record, and when a certificate may be issued on it.

use super::plan::VisitPlan;
use crate::people::PersonId;
use crate::profile::KeyPurpose;
use crate::record::{CertificateId, Mark, VisitId, VisitRefusal};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// The most certificates that are asked for on one visit.
pub const MAX_CERTIFICATES: usize = 64;

/// A visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Its name.
    pub id: VisitId,
    /// The owner of the meters.
    pub tenant: TenantId,
    /// What it is to be.
    pub plan: VisitPlan,
    /// What approvals are for: it changes with the plan.
    pub digest: [u8; 32],
    /// Who opened it, or changed it last, and when.
    pub opened: Mark,
    /// Who approved it as it stands.
    pub approvals: Vec<Mark>,
    /// Who refused it, and why.
    pub refusal: Option<(Mark, String)>,
    /// Who ended it, and why.
    pub ended: Option<(Mark, String)>,
    /// What was asked for on it, in that order, whatever became of it.
    pub certificates: Vec<VisitCertificate>,
}

/// A certificate that was asked for on a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitCertificate {
    /// What its key is for.
    pub purpose: KeyPurpose,
    /// Which certificate or intent.
    pub id: CertificateId,
}

/// How a visit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VisitStanding {
    /// People have to approve it still.
    Waiting,
    /// It is approved, and begins later.
    Approved,
    /// Certificates are issued on it.
    UnderWay,
    /// Somebody refused it.
    Refused,
    /// Somebody ended it.
    Ended,
    /// Its time is over.
    Over,
}

impl VisitStanding {
    /// Every standing.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Approved, Self::UnderWay, Self::Refused, Self::Ended, Self::Over];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::UnderWay => "under-way",
            Self::Refused => "refused",
            Self::Ended => "ended",
            Self::Over => "over",
        }
    }

    /// Returns the standing of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

impl Visit {
    /// Tells how it stands.
    #[must_use]
    pub fn standing(&self, now: UnixTime) -> VisitStanding {
        if self.ended.is_some() {
            VisitStanding::Ended
        } else if self.refusal.is_some() {
            VisitStanding::Refused
        } else if now > self.plan.until {
            VisitStanding::Over
        } else if self.approvals.len() < usize::from(self.plan.needed) {
            VisitStanding::Waiting
        } else if now < self.plan.from {
            VisitStanding::Approved
        } else {
            VisitStanding::UnderWay
        }
    }

    /// Tells whether a certificate may be issued on it for a hand-held unit, where it is valid until `not_after`. Whose visit it
    /// is, and who of those who approved still may, the ledger knows: `given` is how many that are.
    ///
    /// # Errors
    /// [`VisitRefusal`]; what the visit is at all comes first.
    pub fn admits(
        &self,
        (tenant, unit): (&TenantId, &SystemTitle),
        (now, not_after): (UnixTime, UnixTime),
        given: u8,
    ) -> Result<(), VisitRefusal> {
        let VisitPlan { from, until, needed, .. } = self.plan;
        if self.tenant != *tenant {
            // Whose visits there are is told to nobody else.
            return Err(VisitRefusal::Unknown);
        }
        if *unit != self.plan.unit {
            return Err(VisitRefusal::Unit);
        }
        match self.standing(now) {
            VisitStanding::Ended => return Err(VisitRefusal::Ended),
            VisitStanding::Refused => return Err(VisitRefusal::Refused),
            VisitStanding::Over => return Err(VisitRefusal::Over { until }),
            VisitStanding::Waiting | VisitStanding::Approved | VisitStanding::UnderWay => {}
        }
        if given < needed {
            return Err(VisitRefusal::Unapproved { needed, given });
        }
        if now < from {
            return Err(VisitRefusal::Early { from });
        }
        if not_after > until {
            return Err(VisitRefusal::Ending { until });
        }
        if self.certificates.len() >= MAX_CERTIFICATES { Err(VisitRefusal::TooMany) } else { Ok(()) }
    }

    /// Tells whether a meter belongs to it, whose region is this.
    #[must_use]
    pub fn has(&self, meter: &SystemTitle, region: &str) -> bool {
        let in_region = !self.plan.region.is_empty() && self.plan.region == region;
        in_region || self.plan.meters.binary_search(meter).is_ok()
    }

    /// Returns for how many seconds a certificate is valid that is asked for now and would be for `wanted`: no longer than the
    /// visit.
    #[must_use]
    pub fn bounded(&self, wanted: i64, now: UnixTime) -> i64 {
        // RFC 5280 §4.1.2.5: the last second belongs to the period.
        wanted.min(self.plan.until.seconds().saturating_sub(now.seconds()).saturating_add(1))
    }
}

/// Which visits to list, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only of this technician.
    pub technician: Option<PersonId>,
    /// Only those that stand so.
    pub standing: Option<VisitStanding>,
    /// The present.
    pub now: UnixTime,
    /// Only those that come after this one.
    pub after: Option<VisitId>,
    /// At most so many.
    pub limit: usize,
}
