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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_usual_and_what_is_said_counts() {
        assert_eq!(rule(&RawApproval::default()), Ok(ApprovalRule::default()));
        let raw = RawApproval {
            operators: Some("two".to_owned()),
            wait_hours: Some(2),
            retry_seconds: Some(30),
            per_requester: Some(3),
            per_tenant: Some(4),
        };
        let bounds = WaitingBounds { of_requester: 3, of_tenant: 4 };
        let said =
            ApprovalRule { needed: Approval::Two, lifetime_seconds: 7_200, retry_after_seconds: 30, bounds };
        assert_eq!(rule(&raw), Ok(said));
    }

    #[test]
    fn words_and_numbers_out_of_range_are_named() {
        let usual = RawApproval::default;
        for (raw, told) in [
            (RawApproval { operators: Some("three".to_owned()), ..usual() }, "operators"),
            (RawApproval { wait_hours: Some(0), ..usual() }, "wait_hours"),
            (RawApproval { wait_hours: Some(2_161), ..usual() }, "wait_hours"),
            (RawApproval { retry_seconds: Some(0), ..usual() }, "retry_seconds"),
            (RawApproval { per_requester: Some(0), ..usual() }, "per_requester"),
            (RawApproval { per_tenant: Some(100_001), ..usual() }, "per_tenant"),
        ] {
            assert!(rule(&raw).unwrap_err().contains(told), "{raw:?}");
        }
    }
}
