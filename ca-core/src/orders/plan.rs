//! Planning an order: how many certificates are meant, which the change can reach, and the digest of exactly those.
//!
//! The ledger is gone through twice: first it is counted and digested, then the list is written down, and must be the same.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{OrderDesk, OrderError, stands};
use crate::actor::Actor;
use crate::key_ref::KeyRef;
use crate::ports::Unavailable;
use crate::profile::ProfileId;
use crate::reason::ReasonCode;
use crate::record::{
    CertificateId, CertificateStatus, Change, Mark, OrderProgress, RevocationOrder, StatusKind,
    StoredCertificate,
};
use crate::selection::Selection;
use crate::validity::UnixTime;

/// How many certificates one part of a list has, and one durable transaction changes.
const PART: usize = 64;

/// How many parts are written down together.
const PARTS: usize = 16;

/// The longest selection in words, in octets.
const MAX_WORDS: usize = 1_000;

/// How many profiles an order names; the others are in its list all the same.
const MAX_PROFILES: usize = 32;

/// How many plans that are over are taken away whenever one is made.
const FORGOTTEN: usize = 8;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The order, on record; `None` if nothing would change.
    pub order: Option<RevocationOrder>,
    /// How many would change, by profile and status.
    pub changing: Vec<Tally>,
    /// How many are meant and would not change: revoked before, expired, or not issued.
    pub passed_over: Vec<Tally>,
    /// The first of those that would change.
    pub first: Vec<StoredCertificate>,
}

/// How many certificates of one profile stand in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The profile.
    pub profile: ProfileId,
    /// The status; `None` for what expired.
    pub status: Option<StatusKind>,
    /// How many.
    pub count: u64,
}

type Counts = BTreeMap<(ProfileId, Option<StatusKind>), u64>;

/// What the first look finds.
struct Look {
    hash: Sha256,
    changing: Counts,
    passed_over: Counts,
    first: Vec<StoredCertificate>,
    without_hold: bool,
}

impl OrderDesk<'_> {
    /// Finds out what a change would come to, and writes down the exact list; `shown` of it are returned.
    ///
    /// # Errors
    /// [`OrderError`]; whatever was written down is forgotten in time.
    pub fn plan(
        &self,
        actor: &Actor,
        (selection, change): (&Selection, Change),
        shown: usize,
        now: UnixTime,
    ) -> Result<Plan, OrderError> {
        self.check_actor(actor)?;
        let words = check(selection, change, now)?;
        self.orders.forget_plans(now, FORGOTTEN)?;
        let planned = Mark { by: actor.to_string(), at: now };
        let begun = begin(&words, change, &planned);
        let look = self.look(selection, change, (begun.clone(), shown, now))?;
        let count = look.changing.values().sum();
        let plan = |order| Plan {
            order,
            changing: tallies(&look.changing),
            passed_over: tallies(&look.passed_over),
            first: look.first.clone(),
        };
        if count == 0 {
            return Ok(plan(None));
        }
        if look.without_hold {
            return Err(OrderError::HoldNotOffered);
        }
        let order = RevocationOrder {
            digest: look.hash.clone().finalize().into(),
            tenant: self.tenant.clone(),
            change,
            selection: words,
            profiles: profiles(&look.changing),
            count,
            parts: 0,
            needed: self.rule.needed(count),
            expires_at: now.plus_seconds(self.rule.lifetime_seconds),
            planned,
            requested: None,
            approvals: Vec::new(),
            refusal: None,
            progress: OrderProgress::default(),
        };
        self.orders.plan_order(order.clone())?;
        let order = self.write_down(selection, order, begun)?;
        Ok(plan(Some(order)))
    }

    fn issuers(&self) -> Vec<KeyRef> {
        self.authorities.iter().map(|(issuer, _)| issuer.key()).collect()
    }

    /// Tells whether the change can reach a certificate: ours, not expired, and standing so that it may follow.
    fn reaches(&self, one: &StoredCertificate, change: &Change, now: UnixTime) -> bool {
        let ours = |(issuer, _): &(&crate::issuer::Issuer, _)| {
            issuer.key() == one.id.issuer && *issuer.certificate().serial() != one.id.serial
        };
        self.authorities.iter().any(ours) && one.validity.not_after() >= now && stands(one, change)
    }

    fn look(
        &self,
        selection: &Selection,
        change: Change,
        (hash, shown, now): (Sha256, usize, UnixTime),
    ) -> Result<Look, OrderError> {
        let (changing, passed_over) = (Counts::new(), Counts::new());
        let mut look = Look { hash, changing, passed_over, first: Vec::new(), without_hold: false };
        let hold = matches!(change, Change::Revoke { reason: ReasonCode::CertificateHold, .. });
        selection.walk(self.status, &self.issuers(), &mut |one| {
            let expired = one.status == CertificateStatus::Good && one.validity.not_after() < now;
            let kind = one.status.kind().filter(|_| !expired);
            let reached = self.reaches(&one, &change, now);
            let counts = if reached { &mut look.changing } else { &mut look.passed_over };
            let count: &mut u64 = counts.entry((one.profile.clone(), kind)).or_default();
            *count = count.saturating_add(1);
            if reached {
                look.without_hold |= hold && !self.offers_hold(&one.id.issuer);
                add(&mut look.hash, &one.id);
                look.first.extend((look.first.len() < shown).then_some(one));
            }
            Ok::<(), OrderError>(())
        })?;
        Ok(look)
    }

    /// Writes the list down, part by part, and then that it is whole.
    fn write_down(
        &self,
        selection: &Selection,
        order: RevocationOrder,
        mut hash: Sha256,
    ) -> Result<RevocationOrder, OrderError> {
        let (digest, now) = (order.digest, order.planned.at);
        let (mut written, mut parts, mut part) = (0_u32, Vec::new(), Vec::new());
        let put = |written: &mut u32, parts: &mut Vec<Vec<CertificateId>>| {
            let first = *written;
            *written = written.saturating_add(u32::try_from(parts.len()).unwrap_or(u32::MAX));
            self.orders.plan_parts(&digest, first, core::mem::take(parts))
        };
        selection.walk(self.status, &self.issuers(), &mut |one| {
            if self.reaches(&one, &order.change, now) {
                add(&mut hash, &one.id);
                part.push(one.id);
            }
            if part.len() == PART {
                parts.push(core::mem::take(&mut part));
            }
            if parts.len() == PARTS {
                put(&mut written, &mut parts)?;
            }
            Ok::<(), OrderError>(())
        })?;
        parts.extend((!part.is_empty()).then_some(part));
        if !parts.is_empty() {
            put(&mut written, &mut parts)?;
        }
        if *hash.finalize() != digest {
            return Err(OrderError::Changing);
        }
        let order = RevocationOrder { parts: written, ..order };
        self.orders.plan_order(order.clone())?;
        Ok(order)
    }
}

impl OrderDesk<'_> {
    /// Computes the digest over the list of an order as it is written down now.
    pub(super) fn list_digest(&self, order: &RevocationOrder) -> Result<[u8; 32], Unavailable> {
        let mut hash = begin(&order.selection, order.change, &order.planned);
        for part in 0..order.parts {
            self.orders.order_part(&order.digest, part)?.iter().for_each(|id| add(&mut hash, id));
        }
        Ok(hash.finalize().into())
    }
}

/// Returns the selection in words, if it can be ordered.
fn check(selection: &Selection, change: Change, now: UnixTime) -> Result<String, OrderError> {
    if selection.is_empty() {
        return Err(OrderError::Everything);
    }
    match change {
        Change::Revoke { invalidity_date: Some(date), .. } if date > now => {
            return Err(OrderError::InvalidityInFuture { now });
        }
        Change::Revoke { .. } | Change::Release => {}
    }
    let words = selection.to_string();
    if words.len() > MAX_WORDS { Err(OrderError::TooLong { most: MAX_WORDS }) } else { Ok(words) }
}

/// Begins the digest with what is the same for every certificate; each field with its length in front.
fn begin(words: &str, change: Change, planned: &Mark) -> Sha256 {
    let mut hash = Sha256::new_with_prefix("meter-pki revocation order 1");
    let (reason, date) = match change {
        Change::Revoke { reason, invalidity_date } => (Some(reason.number()), invalidity_date),
        Change::Release => (None, None),
    };
    let said = format!("{reason:?} {:?} {}", date.map(UnixTime::seconds), planned.at.seconds());
    for field in [said.as_bytes(), planned.by.as_bytes(), words.as_bytes()] {
        hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(field);
    }
    hash
}

fn add(hash: &mut Sha256, id: &CertificateId) {
    hash.update(id.issuer.octets());
    hash.update([u8::try_from(id.serial.octets().len()).unwrap_or(u8::MAX)]);
    hash.update(id.serial.octets());
}

fn tallies(counts: &Counts) -> Vec<Tally> {
    let tally = |((profile, status), count): (&(ProfileId, Option<StatusKind>), &u64)| Tally {
        profile: profile.clone(),
        status: *status,
        count: *count,
    };
    counts.iter().map(tally).collect()
}

fn profiles(counts: &Counts) -> Vec<(ProfileId, u64)> {
    let mut by_profile: BTreeMap<&ProfileId, u64> = BTreeMap::new();
    for ((profile, _), count) in counts {
        let sum = by_profile.entry(profile).or_default();
        *sum = sum.saturating_add(*count);
    }
    by_profile.into_iter().take(MAX_PROFILES).map(|(profile, count)| (profile.clone(), count)).collect()
}
