//! Who must approve requests of an offer: numbers and words of the file become a rule.

use ca_core::profile::Approval;
use ca_core::record::WaitingBounds;
use ca_core::registration::ApprovalRule;

use crate::config::RawApproval;

/// Checks the table; what is not said is as ca-core has it.
pub(super) fn rule(raw: &RawApproval) -> Result<ApprovalRule, &'static str> {
    let usual = ApprovalRule::default();
    let needed = match &raw.operators {
        None => usual.needed,
        Some(word) => Approval::from_name(word).ok_or("approval.operators is none, one or two")?,
    };
    let lifetime_seconds = match raw.wait_hours {
        None => usual.lifetime_seconds,
        Some(hours @ 1..=2_160) => i64::from(hours) * 3_600,
        Some(_) => return Err("approval.wait_hours is 1 to 2160, which is 90 days"),
    };
    let retry_after_seconds = match raw.retry_seconds {
        None => usual.retry_after_seconds,
        Some(seconds @ 1..=86_400) => u64::from(seconds),
        Some(_) => return Err("approval.retry_seconds is 1 to 86400, a day"),
    };
    let bound = |given: Option<u32>, usual| match given.unwrap_or(usual) {
        bound @ 1..=100_000 => Ok(bound),
        _ => Err("approval.per_requester and per_tenant are 1 to 100000"),
    };
    let bounds = WaitingBounds {
        of_requester: bound(raw.per_requester, usual.bounds.of_requester)?,
        of_tenant: bound(raw.per_tenant, usual.bounds.of_tenant)?,
    };
    Ok(ApprovalRule { needed, lifetime_seconds, retry_after_seconds, bounds })
}
