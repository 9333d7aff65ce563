//! Orders to change the revocation of many certificates: planning, asking, approving, and carrying out.
//!
//! Whoever asks was shown how many, and names the digest of exactly those; where there are too many for one person, another
//! approves that same digest. Which act may follow which is said in `record`, and decided by the ledger inside its transaction.

mod error;
mod plan;

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::hexadecimal::hexadecimal;
use crate::issuer::Issuer;
use crate::key_ref::KeyRef;
use crate::ports::{Orders, StatusSource, Unavailable};
use crate::reason::ReasonCode;
use crate::record::{
    CertificateStatus, Change, Mark, OrderAct, OrderDecision, OrderStanding, OrderStep, OrderedChange,
    ReleaseRecord, Revocation, RevocationOrder, RevocationRecord, StoredCertificate, Verdict,
};
use crate::tenant::TenantId;
use crate::validity::UnixTime;
pub use error::OrderError;
pub use plan::{Plan, Tally};

/// The longest reason of a refusal, in characters.
const MAX_REASON: usize = 200;

/// How many people a change of many needs, and how long they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRule {
    /// From how many certificates on another operator must approve; 0 for never.
    pub two_people_from: u64,
    /// How long an order may be asked for, and approved, after it was planned, in seconds.
    pub lifetime_seconds: i64,
}

impl Default for OrderRule {
    /// Ten certificates, and a day.
    fn default() -> Self {
        Self { two_people_from: 10, lifetime_seconds: 86_400 }
    }
}

impl OrderRule {
    /// Returns how many operators must approve, beside the one who asks, what concerns so many certificates.
    #[must_use]
    pub const fn needed(&self, count: u64) -> u8 {
        if self.two_people_from > 0 && count >= self.two_people_from { 1 } else { 0 }
    }
}

/// Where orders are taken.
#[derive(Clone, Copy)]
pub struct OrderDesk<'a> {
    /// Who runs the installation.
    pub tenant: &'a TenantId,
    /// The authorities in service, and whether each puts certificates on hold.
    pub authorities: &'a [(&'a Issuer, bool)],
    /// What is known of certificates.
    pub status: &'a dyn StatusSource,
    /// Where orders are kept.
    pub orders: &'a dyn Orders,
    /// How many people they need.
    pub rule: OrderRule,
}

impl core::fmt::Debug for OrderDesk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OrderDesk").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl OrderDesk<'_> {
    /// Returns the order with this digest as it stands.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn order(&self, digest: &[u8; 32]) -> Result<Option<RevocationOrder>, Unavailable> {
        Ok(self.orders.orders_named(digest)?.pop())
    }

    /// Records that an operator asks for an order, approves or refuses it.
    ///
    /// # Errors
    /// [`OrderError`]; nothing has changed.
    pub fn take(
        &self,
        actor: &Actor,
        digest: [u8; 32],
        act: OrderAct,
        now: UnixTime,
    ) -> Result<RevocationOrder, OrderError> {
        // M-03: that an approval is void is found by the program itself, and by nobody else.
        match (&act, &actor.identity) {
            (OrderAct::Void { .. }, Identity::Process { .. }) => {}
            _ => self.check_actor(actor)?,
        }
        let (told, reason) = match &act {
            OrderAct::Request => (Act::OrderRequested, String::new()),
            OrderAct::Decide(Verdict::Approve) => (Act::OrderApproved, String::new()),
            OrderAct::Decide(Verdict::Refuse { reason }) | OrderAct::Void { reason } => {
                (Act::OrderRefused, readable(reason)?)
            }
        };
        let mark = Mark { by: actor.to_string(), at: now };
        let order =
            self.order(&digest)?.ok_or(OrderError::Conflict(crate::record::OrderConflict::Unknown))?;
        let event = AuditEvent {
            detail: [detail(&order), reason].join("; ").trim_end_matches("; ").to_owned(),
            ..self.event(told, &order, (&mark.by, now))
        };
        let decision = OrderDecision { digest, mark, act, event };
        self.orders.record_order_act(decision)?.map_err(OrderError::Conflict)
    }

    /// Carries out the next part of an order that was asked for and approved; returns it as it stands then. Before the first
    /// part the whole list is read once more: where it is not the one that was approved (M-04), nothing is done and the order
    /// is void.
    ///
    /// # Errors
    /// [`Unavailable`]; the part is done at the next call.
    pub fn carry_on(&self, order: RevocationOrder, now: UnixTime) -> Result<RevocationOrder, Unavailable> {
        if order.standing(now) != OrderStanding::Running {
            return Ok(order);
        }
        let part = order.progress.parts;
        if part == 0 && self.list_digest(&order)? != order.digest {
            return self.void(order, now);
        }
        let mut step = OrderStep {
            digest: order.digest,
            part,
            changes: Vec::new(),
            skipped: 0,
            now,
            finished: self.event(Act::OrderFinished, &order, (by(&order), now)),
        };
        for id in self.orders.order_part(&order.digest, part)? {
            match self.status.certificate(&id)?.filter(|one| stands(one, &order.change)) {
                Some(one) => step.changes.push(ordered(&order, one, now)),
                None => step.skipped = step.skipped.saturating_add(1),
            }
        }
        self.orders.record_order_step(step)
    }

    /// Ends an order whose list is another one than was approved.
    fn void(&self, order: RevocationOrder, now: UnixTime) -> Result<RevocationOrder, Unavailable> {
        let process = Identity::Process { name: "orders" };
        let mark = Mark { by: Actor { tenant: self.tenant.clone(), identity: process }.to_string(), at: now };
        let reason = "its list is not the one that was approved".to_owned();
        let event = AuditEvent {
            detail: format!("{}; {reason}", detail(&order)),
            ..self.event(Act::OrderRefused, &order, (&mark.by, now))
        };
        let decision = OrderDecision { digest: order.digest, mark, act: OrderAct::Void { reason }, event };
        Ok(self.orders.record_order_act(decision)?.unwrap_or(order))
    }

    /// Operators decide, one by one; no part of the program does.
    fn check_actor(&self, actor: &Actor) -> Result<(), OrderError> {
        match &actor.identity {
            Identity::Operator { .. } if actor.tenant == *self.tenant => Ok(()),
            Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Device(_)
            | Identity::RegistrationAuthority(_)
            | Identity::OneTimeToken { .. }
            | Identity::Unauthenticated { .. } => Err(OrderError::NotEntitled),
        }
    }

    fn offers_hold(&self, issuer: &KeyRef) -> bool {
        self.authorities.iter().any(|(one, offered)| one.key() == *issuer && *offered)
    }

    fn event(&self, act: Act, order: &RevocationOrder, (who, now): (&str, UnixTime)) -> AuditEvent {
        AuditEvent {
            time: now,
            tenant: self.tenant.clone(),
            actor: who.to_owned(),
            act,
            issuer: None,
            serial: None,
            reason: reason_name(&order.change).to_owned(),
            detail: detail(order),
            digest: order.digest.to_vec(),
        }
    }
}

/// In whose name an order is carried out.
fn by(order: &RevocationOrder) -> &str {
    order.requested.as_ref().map_or(order.planned.by.as_str(), |mark| mark.by.as_str())
}

fn detail(order: &RevocationOrder) -> String {
    format!("order {}: {} certificates: {}", hexadecimal(&order.digest), order.count, order.selection)
}

/// The word of what becomes of the certificates.
const fn reason_name(change: &Change) -> &'static str {
    match change {
        Change::Revoke { reason, .. } => reason.name(),
        Change::Release => "",
    }
}

/// Whether a certificate stands so that the change may be made.
fn stands(one: &StoredCertificate, change: &Change) -> bool {
    match (change, one.status) {
        (Change::Revoke { reason: ReasonCode::CertificateHold, .. }, status) => {
            status == CertificateStatus::Good
        }
        (Change::Revoke { .. }, CertificateStatus::Revoked(before)) => before.is_hold(),
        (Change::Revoke { .. }, CertificateStatus::Good | CertificateStatus::Uncertain { .. }) => true,
        (Change::Release, CertificateStatus::Revoked(before)) => before.is_hold(),
        (
            Change::Revoke { .. },
            CertificateStatus::NeverIssued | CertificateStatus::Pending | CertificateStatus::Aborted,
        )
        | (
            Change::Release,
            CertificateStatus::NeverIssued
            | CertificateStatus::Pending
            | CertificateStatus::Aborted
            | CertificateStatus::Uncertain { .. }
            | CertificateStatus::Good,
        ) => false,
    }
}

/// What becomes of one certificate, with the record that tells of it.
fn ordered(order: &RevocationOrder, one: StoredCertificate, now: UnixTime) -> OrderedChange {
    let id = one.id;
    let event = |act| AuditEvent {
        time: now,
        tenant: one.tenant,
        actor: by(order).to_owned(),
        act,
        issuer: Some(id.issuer),
        serial: Some(id.serial.clone()),
        reason: reason_name(&order.change).to_owned(),
        detail: format!("{}; order {}", one.subject, hexadecimal(&order.digest)),
        digest: Vec::new(),
    };
    match order.change {
        Change::Release => {
            OrderedChange::Release(ReleaseRecord { event: event(Act::CertificateReleased), id: id.clone() })
        }
        Change::Revoke { reason, invalidity_date } => {
            let revocation = Revocation { time: now, reason, invalidity_date };
            let act = if revocation.is_hold() { Act::CertificateHeld } else { Act::CertificateRevoked };
            OrderedChange::Revoke(RevocationRecord { event: event(act), id: id.clone(), revocation })
        }
    }
}

fn readable(reason: &str) -> Result<String, OrderError> {
    let characters = reason.chars().count();
    if characters == 0 || characters > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(OrderError::Reason);
    }
    Ok(reason.to_owned())
}
