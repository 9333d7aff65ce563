//! The audit trail: a hash chain through the records, and the Merkle tree over them, which grow together.
//!
//! The chain stands in the records themselves; the tree stands beside them, for proofs that need not all of the records.

use sha2::{Digest, Sha256};

use super::tree::{Peaks, Subtree, leaf_hash};
use super::{Act, AuditCodecError, AuditEvent, AuditRecord};
use crate::validity::UnixTime;

/// How many seconds may pass from a record to the next. Somewhat less than none, since requests sample the clock before they
/// wait; a week at most, since CRLs alone leave records more often than that.
const PASSING_SECONDS: core::ops::RangeInclusive<i64> = -300..=7 * 86_400;

/// Who notes that the clock changed, as audit records name it.
const ACTOR: &str = "process:ledger";

/// The end of the trail: what the next record is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTrail {
    head: [u8; 32],
    peaks: Peaks,
    /// The time of the last record that was sealed or checked here.
    time: Option<UnixTime>,
}

/// A record that was given its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// Its number.
    pub sequence: u64,
    /// Its octets, to be kept.
    pub der: Vec<u8>,
    /// The subtrees that it completes, to be kept with it.
    pub completed: Vec<Subtree>,
}

impl AuditTrail {
    /// The trail before the first record.
    pub const EMPTY: Self = Self { head: [0; 32], peaks: Peaks::EMPTY, time: None };

    /// Takes up a trail that was kept: the SHA-256 of its last record and the tree over all of them.
    #[must_use]
    pub const fn new(head: [u8; 32], peaks: Peaks) -> Self {
        Self { head, peaks, time: None }
    }

    /// Goes on at a last record of this time, which somebody else sealed.
    #[must_use]
    pub const fn after(mut self, time: UnixTime) -> Self {
        self.time = Some(time);
        self
    }

    /// Returns the number of the last record; 0 when there is none.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.peaks.size()
    }

    /// Returns the SHA-256 of the last record; 32 zero octets when there is none.
    #[must_use]
    pub const fn head(&self) -> &[u8; 32] {
        &self.head
    }

    /// Returns the right edge of the tree over the records.
    #[must_use]
    pub const fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    /// Numbers and binds an event.
    ///
    /// # Errors
    /// As [`AuditRecord::to_der`]; the trail is then unchanged.
    pub fn seal(&mut self, event: AuditEvent) -> Result<SealedRecord, AuditCodecError> {
        let record = AuditRecord { sequence: self.sequence().saturating_add(1), previous: self.head, event };
        let der = record.to_der()?;
        self.time = Some(record.event.time);
        Ok(SealedRecord { sequence: record.sequence, completed: self.go_on(&der), der })
    }

    /// Tells that the clock jumped between the last record and this event: back by more than five minutes, or ahead by more
    /// than a week. Such an event is to be sealed first.
    #[must_use]
    pub fn clock_change(&self, event: &AuditEvent) -> Option<AuditEvent> {
        let before = self.time?;
        let passed = event.time.seconds().saturating_sub(before.seconds());
        if PASSING_SECONDS.contains(&passed) {
            return None;
        }
        let reason = if passed < 0 { "clock-backwards" } else { "clock-forwards" };
        Some(AuditEvent {
            time: event.time,
            tenant: event.tenant.clone(),
            actor: ACTOR.to_owned(),
            act: Act::ClockChanged,
            issuer: None,
            serial: None,
            reason: reason.to_owned(),
            detail: format!("from {before} to {}", event.time),
            digest: Vec::new(),
        })
    }

    /// Checks that stored octets are the next record of this trail, and moves on to it; returns the record and the subtrees
    /// that it completes.
    ///
    /// # Errors
    /// [`BrokenTrail`] naming the record that is missing, changed or out of place.
    pub fn check_next(&mut self, der: &[u8]) -> Result<(AuditRecord, Vec<Subtree>), BrokenTrail> {
        let expected = self.sequence().saturating_add(1);
        let record = AuditRecord::from_der(der)
            .map_err(|cause| BrokenTrail::Unreadable { sequence: expected, cause })?;
        if record.sequence != expected {
            return Err(BrokenTrail::Gap { expected, found: record.sequence });
        }
        if record.previous != self.head {
            return Err(BrokenTrail::HashMismatch { sequence: expected });
        }
        self.time = Some(record.event.time);
        Ok((record, self.go_on(der)))
    }

    fn go_on(&mut self, der: &[u8]) -> Vec<Subtree> {
        self.head = Sha256::digest(der).into();
        self.peaks.append(leaf_hash(der))
    }
}

/// Where and how a stored trail is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenTrail {
    /// A record cannot be read.
    #[error("audit record {sequence} cannot be read: {cause}")]
    Unreadable {
        /// Which record.
        sequence: u64,
        /// Why.
        cause: AuditCodecError,
    },
    /// A record is missing or doubled.
    #[error("audit record {expected} was expected, but {found} stands there")]
    Gap {
        /// The number that should come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The record before this one was changed, or this one was.
    #[error("audit record {sequence} is not bound to the record before it")]
    HashMismatch {
        /// Which record.
        sequence: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Act;
    use crate::key_ref::KeyRef;
    use crate::serial_number::SerialNumber;
    use crate::tenant::TenantId;
    use crate::validity::UnixTime;

    fn event(detail: &str) -> AuditEvent {
        AuditEvent {
            time: UnixTime::from_seconds(1_795_219_200),
            tenant: TenantId::parse("dso").unwrap(),
            actor: "operator:test".to_owned(),
            act: Act::CertificateRevoked,
            issuer: Some(KeyRef::new([7; 20])),
            serial: Some(SerialNumber::from_octets(&[9, 9]).unwrap()),
            reason: "superseded".to_owned(),
            detail: detail.to_owned(),
            digest: vec![1; 32],
        }
    }

    #[test]
    fn decodes_what_it_seals() {
        let mut trail = AuditTrail::EMPTY;
        let sealed = trail.seal(event("one")).unwrap();
        let record = AuditRecord::from_der(&sealed.der).unwrap();
        assert_eq!((sealed.sequence, record.event), (1, event("one")));
        let kept = Peaks::new(1, vec![leaf_hash(&sealed.der)]).unwrap();
        let resumed = AuditTrail::new(Sha256::digest(&sealed.der).into(), kept);
        assert_eq!((resumed.head(), resumed.peaks()), (trail.head(), trail.peaks()));
    }

    #[test]
    fn a_clock_that_jumped_is_told_once() {
        let at = |seconds| AuditEvent { time: UnixTime::from_seconds(seconds), ..event("") };
        let mut trail = AuditTrail::EMPTY;
        assert_eq!(trail.clock_change(&at(0)), None);
        trail.seal(at(1_000_000)).unwrap();
        for (seconds, reason) in [
            (1_000_000 - 300, None),
            (1_000_000 - 301, Some("clock-backwards")),
            (0, Some("clock-backwards")),
            (1_000_000 + 604_800, None),
            (1_000_000 + 604_801, Some("clock-forwards")),
        ] {
            let told = trail.clock_change(&at(seconds));
            assert_eq!(told.as_ref().map(|event| event.reason.as_str()), reason, "{seconds}");
            assert!(
                told.is_none_or(|event| event.act == Act::ClockChanged && event.time.seconds() == seconds)
            );
        }
        trail.seal(trail.clone().clock_change(&at(0)).unwrap()).unwrap();
        assert_eq!(trail.clock_change(&at(0)), None);
    }

    #[test]
    fn names_the_record_that_was_changed_left_out_or_moved() {
        let mut trail = AuditTrail::EMPTY;
        let records: Vec<Vec<u8>> =
            ["a", "b", "c"].into_iter().map(|detail| trail.seal(event(detail)).unwrap().der).collect();
        let check = |records: &[&[u8]]| {
            let mut trail = AuditTrail::EMPTY;
            records.iter().try_for_each(|der| trail.check_next(der).map(|_| ()))
        };
        assert_eq!(check(&[&records[0], &records[1], &records[2]]), Ok(()));
        assert_eq!(check(&[&records[0], &records[2]]), Err(BrokenTrail::Gap { expected: 2, found: 3 }));
        let mut changed = records[1].clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert_eq!(
            check(&[&records[0], &changed, &records[2]]),
            Err(BrokenTrail::HashMismatch { sequence: 3 })
        );
    }
}
