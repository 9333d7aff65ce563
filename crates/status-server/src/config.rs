//! What a responder is told besides its issuers: how long its answers may be given again.
//!
//! Made of values by the program that starts the server; no file is read here.

/// How answers are kept and for how long others may keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepingPolicy {
    max_age_seconds: u32,
    kept_answers: usize,
}

impl KeepingPolicy {
    /// Makes a policy: HTTP caches may give an answer again for `max_age_seconds`, but never beyond the moment at which we
    /// would sign a new one; we keep `kept_answers` signed answers at most.
    ///
    /// The first is how long a certificate may seem good behind a cache after it was revoked. We ourselves look at the ledger
    /// each time.
    ///
    /// # Errors
    /// [`KeepingPolicyError`] unless 1 s ≤ `max_age_seconds` ≤ 1 day and 1 ≤ `kept_answers` ≤ 10 million.
    pub const fn new(max_age_seconds: u32, kept_answers: usize) -> Result<Self, KeepingPolicyError> {
        if max_age_seconds == 0 || max_age_seconds > 86_400 {
            return Err(KeepingPolicyError::MaxAge { seconds: max_age_seconds });
        }
        if kept_answers == 0 || kept_answers > 10_000_000 {
            return Err(KeepingPolicyError::KeptAnswers { answers: kept_answers });
        }
        Ok(Self { max_age_seconds, kept_answers })
    }

    /// Returns for how many seconds HTTP caches may give an answer again.
    #[must_use]
    pub const fn max_age_seconds(&self) -> u32 {
        self.max_age_seconds
    }

    /// Returns how many signed answers are kept at most; about 2 KiB each.
    #[must_use]
    pub const fn kept_answers(&self) -> usize {
        self.kept_answers
    }
}

impl Default for KeepingPolicy {
    /// One minute, and 100,000 answers.
    fn default() -> Self {
        Self { max_age_seconds: 60, kept_answers: 100_000 }
    }
}

/// Why there is no such policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeepingPolicyError {
    /// Too short or too long a time.
    #[error("OCSP answers may be kept by HTTP caches for 1 to 86400 seconds, not {seconds}")]
    MaxAge {
        /// What was asked for.
        seconds: u32,
    },
    /// No answers, or too many.
    #[error("1 to 10000000 OCSP answers are kept, not {answers}")]
    KeptAnswers {
        /// What was asked for.
        answers: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_to_keep_nothing_or_for_ever() {
        assert!(KeepingPolicy::new(60, 100_000).is_ok_and(|policy| policy == KeepingPolicy::default()));
        for seconds in [0, 86_401] {
            assert_eq!(KeepingPolicy::new(seconds, 1), Err(KeepingPolicyError::MaxAge { seconds }));
        }
        for answers in [0, 10_000_001] {
            assert_eq!(KeepingPolicy::new(1, answers), Err(KeepingPolicyError::KeptAnswers { answers }));
        }
    }
}
