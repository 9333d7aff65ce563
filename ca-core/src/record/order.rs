//! An order to change the revocation of many certificates: what is kept of it, and which step may follow which.
//!
//! It is planned (the exact list is written down), asked for, approved by another operator where it must be, and carried out
//! part by part. Pure: the ledger asks here, and writes down what follows, inside its transaction.

use super::{Mark, ReleaseRecord, RevocationRecord, Verdict};
use crate::audit::AuditEvent;
use crate::profile::ProfileId;
use crate::reason::ReasonCode;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What becomes of every certificate of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is revoked, for good or on hold as the reason says.
    Revoke {
        /// Why.
        reason: ReasonCode,
        /// Since when the keys are suspected.
        invalidity_date: Option<UnixTime>,
    },
    /// It is released from hold.
    Release,
}

/// An order to change the revocation of many certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationOrder {
    /// SHA-256 over all that is approved: the change with its dates, the selection, when it was planned, and every
    /// certificate. Whatever is edited is another order.
    pub digest: [u8; 32],
    /// Who runs the installation.
    pub tenant: TenantId,
    /// What becomes of them.
    pub change: Change,
    /// The selection, as it is shown.
    pub selection: String,
    /// How many of each profile.
    pub profiles: Vec<(ProfileId, u64)>,
    /// How many certificates.
    pub count: u64,
    /// In how many parts they are written down; 0 until all are.
    pub parts: u32,
    /// How many operators must approve it beside the one who asks.
    pub needed: u8,
    /// Who had it planned, and when.
    pub planned: Mark,
    /// Who asked for it to be carried out.
    pub requested: Option<Mark>,
    /// The last second in which it can be asked for, and approved.
    pub expires_at: UnixTime,
    /// Who approved it, each once.
    pub approvals: Vec<Mark>,
    /// Who refused or withdrew it, and why.
    pub refusal: Option<(Mark, String)>,
    /// How far it was carried out.
    pub progress: OrderProgress,
}

/// How far an order was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderProgress {
    /// How many parts are done.
    pub parts: u32,
    /// How many certificates were changed.
    pub changed: u64,
    /// How many were not, since they had changed otherwise meanwhile.
    pub skipped: u64,
    /// When the last part was done.
    pub finished_at: Option<UnixTime>,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderStanding {
    /// It was looked at, and nobody asked for it.
    Planned,
    /// It was asked for, and waits for another operator.
    Waiting,
    /// It is being carried out.
    Running,
    /// It was carried out.
    Done,
    /// It was refused or withdrawn.
    Refused,
    /// Its time was over before it was approved.
    Expired,
}

impl OrderStanding {
    /// Every standing.
    pub const ALL: [Self; 6] =
        [Self::Planned, Self::Waiting, Self::Running, Self::Done, Self::Refused, Self::Expired];

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
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

/// What an operator has to say of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAct {
    /// It is to be carried out.
    Request,
    /// It may be, or may not.
    Decide(Verdict),
    /// It is not carried on with, since who approved it may no longer approve.
    Void {
        /// Why.
        reason: String,
    },
}

/// An act on an order, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDecision {
    /// Which order.
    pub digest: [u8; 32],
    /// Who and when.
    pub mark: Mark,
    /// What.
    pub act: OrderAct,
    /// Its audit event, in the same transaction.
    pub event: AuditEvent,
}

/// Why an act on an order is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderConflict {
    /// There is no such order, or its list is not whole.
    Unknown,
    /// Its time is over.
    Expired {
        /// The last second it had.
        expires_at: UnixTime,
    },
    /// Nobody asked for it yet.
    NotRequested,
    /// It was asked for before.
    Requested {
        /// By whom.
        by: Mark,
    },
    /// It was refused or withdrawn.
    Refused {
        /// By whom.
        by: Mark,
    },
    /// It is approved: it is being carried out, or was.
    Approved,
    /// The same operator approved it before.
    SameOperator,
    /// Who asked for it does not approve it.
    OwnOrder,
}

impl RevocationOrder {
    /// Returns where it stands at this time. What was approved in time is carried out however long it takes.
    #[must_use]
    pub fn standing(&self, now: UnixTime) -> OrderStanding {
        let approved = self.requested.is_some() && self.approvals.len() >= usize::from(self.needed);
        if self.refusal.is_some() {
            OrderStanding::Refused
        } else if self.progress.finished_at.is_some() {
            OrderStanding::Done
        } else if approved {
            OrderStanding::Running
        } else if now > self.expires_at {
            OrderStanding::Expired
        } else if self.requested.is_some() {
            OrderStanding::Waiting
        } else {
            OrderStanding::Planned
        }
    }

    /// Takes in what an operator has to say.
    ///
    /// # Errors
    /// [`OrderConflict`]; nothing has changed.
    pub fn take(&mut self, mark: Mark, act: OrderAct) -> Result<(), OrderConflict> {
        if let Some((by, _)) = &self.refusal {
            return Err(OrderConflict::Refused { by: by.clone() });
        }
        match (self.standing(mark.at), act, &self.requested) {
            (OrderStanding::Expired, _, _) => {
                return Err(OrderConflict::Expired { expires_at: self.expires_at });
            }
            (_, OrderAct::Request, Some(by)) => return Err(OrderConflict::Requested { by: by.clone() }),
            (_, OrderAct::Request, None) if self.parts == 0 => return Err(OrderConflict::Unknown),
            (_, OrderAct::Request, None) => self.requested = Some(mark),
            (_, OrderAct::Decide(_) | OrderAct::Void { .. }, None) => {
                return Err(OrderConflict::NotRequested);
            }
            (OrderStanding::Running, OrderAct::Void { reason }, Some(_)) => {
                self.refusal = Some((mark, reason));
            }
            (OrderStanding::Waiting, OrderAct::Decide(Verdict::Refuse { reason }), Some(_)) => {
                self.refusal = Some((mark, reason));
            }
            (OrderStanding::Waiting, OrderAct::Decide(Verdict::Approve), Some(by)) if by.by == mark.by => {
                return Err(OrderConflict::OwnOrder);
            }
            (OrderStanding::Waiting, OrderAct::Decide(Verdict::Approve), Some(_))
                if self.approvals.iter().any(|before| before.by == mark.by) =>
            {
                return Err(OrderConflict::SameOperator);
            }
            (OrderStanding::Waiting, OrderAct::Decide(Verdict::Approve), Some(_)) => {
                self.approvals.push(mark);
            }
            (
                OrderStanding::Planned
                | OrderStanding::Waiting
                | OrderStanding::Running
                | OrderStanding::Done
                | OrderStanding::Refused,
                OrderAct::Decide(_) | OrderAct::Void { .. },
                Some(_),
            ) => return Err(OrderConflict::Approved),
        }
        Ok(())
    }

    /// Notes that its next part was done.
    pub fn advance(&mut self, changed: u64, skipped: u64, now: UnixTime) {
        let progress = &mut self.progress;
        progress.parts = progress.parts.saturating_add(1);
        progress.changed = progress.changed.saturating_add(changed);
        progress.skipped = progress.skipped.saturating_add(skipped);
        if progress.parts >= self.parts {
            progress.finished_at = Some(now);
        }
    }
}

/// One part of an order as it is to be carried out: each record only if it may follow what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStep {
    /// Which order.
    pub digest: [u8; 32],
    /// Which part, from 0: the first that is not done.
    pub part: u32,
    /// What is changed.
    pub changes: Vec<OrderedChange>,
    /// How many of the part are not even tried.
    pub skipped: u64,
    /// The present.
    pub now: UnixTime,
    /// The audit event `OrderFinished`, recorded if this is the last part; its detail is completed by what was counted.
    pub finished: AuditEvent,
}

/// One certificate's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderedChange {
    /// It is revoked.
    Revoke(RevocationRecord),
    /// It is released.
    Release(ReleaseRecord),
}

/// Which orders to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderQuery {
    /// Only those that stand so.
    pub standing: Option<OrderStanding>,
    /// The present, by which they stand so.
    pub now: UnixTime,
    /// Only those that come after this one, by digest.
    pub after: Option<[u8; 32]>,
    /// At most so many.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn by(name: &str) -> Mark {
        Mark { by: format!("operator:{name}"), at: NOW }
    }

    fn order(needed: u8) -> RevocationOrder {
        RevocationOrder {
            digest: [7; 32],
            tenant: TenantId::parse("dso").unwrap(),
            change: Change::Release,
            selection: "status on-hold".to_owned(),
            profiles: Vec::new(),
            count: 3,
            parts: 2,
            needed,
            planned: by("ada"),
            requested: None,
            expires_at: NOW.plus_seconds(100),
            approvals: Vec::new(),
            refusal: None,
            progress: OrderProgress::default(),
        }
    }

    fn approve() -> OrderAct {
        OrderAct::Decide(Verdict::Approve)
    }

    #[test]
    fn m_02_who_asks_does_not_approve_and_nobody_approves_twice() {
        let mut one = order(2);
        assert_eq!(one.take(by("bob"), approve()), Err(OrderConflict::NotRequested));
        one.take(by("ada"), OrderAct::Request).unwrap();
        assert_eq!(one.take(by("ada"), OrderAct::Request), Err(OrderConflict::Requested { by: by("ada") }));
        assert_eq!(one.take(by("ada"), approve()), Err(OrderConflict::OwnOrder));
        one.take(by("bob"), approve()).unwrap();
        assert_eq!(one.take(by("bob"), approve()), Err(OrderConflict::SameOperator));
        assert_eq!(one.standing(NOW), OrderStanding::Waiting);
        one.take(by("eve"), approve()).unwrap();
        assert_eq!(one.standing(NOW), OrderStanding::Running);
        assert_eq!(one.take(by("kim"), approve()), Err(OrderConflict::Approved));
        let refuse = OrderAct::Decide(Verdict::Refuse { reason: "no".to_owned() });
        assert_eq!(one.take(by("kim"), refuse), Err(OrderConflict::Approved));
    }

    #[test]
    fn what_was_not_approved_in_time_is_over_and_what_was_is_carried_out_to_its_end() {
        let late = NOW.plus_seconds(101);
        let mut waiting = order(1);
        waiting.take(by("ada"), OrderAct::Request).unwrap();
        let expired = OrderConflict::Expired { expires_at: waiting.expires_at };
        assert_eq!(waiting.take(Mark { at: late, ..by("bob") }, approve()), Err(expired));
        assert_eq!(waiting.standing(late), OrderStanding::Expired);
        let mut alone = order(0);
        assert_eq!(alone.standing(NOW), OrderStanding::Planned);
        alone.take(by("ada"), OrderAct::Request).unwrap();
        assert_eq!(alone.standing(late), OrderStanding::Running);
        alone.advance(2, 0, late);
        assert_eq!(alone.standing(late), OrderStanding::Running);
        alone.advance(0, 1, late);
        assert_eq!(alone.standing(late), OrderStanding::Done);
        assert_eq!((alone.progress.changed, alone.progress.skipped), (2, 1));
    }

    #[test]
    fn a_list_that_is_not_whole_is_not_asked_for() {
        let mut one = RevocationOrder { parts: 0, ..order(0) };
        assert_eq!(one.take(by("ada"), OrderAct::Request), Err(OrderConflict::Unknown));
    }

    #[test]
    fn words_lead_back_to_their_standing() {
        for standing in OrderStanding::ALL {
            assert_eq!(OrderStanding::from_name(standing.name()), Some(standing));
        }
    }
}
