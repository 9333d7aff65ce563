//! The check of a whole trail by its reader: chain and tree are made anew from the records, and compared with checkpoints.
//!
//! Reads nothing itself: the records come from a server or from an exported directory, in order.

use std::collections::BTreeMap;

use ca_core::audit::proof::TreeHead;
use ca_core::audit::tree::TreeHash;
use ca_core::audit::{AuditRecord, AuditTrail, BrokenTrail};
use sha2::{Digest, Sha256};

use super::head;

/// A check under way.
#[derive(Debug)]
pub struct TrailCheck {
    trail: AuditTrail,
    /// What was signed, by size, as far as it is not reached yet.
    signed: BTreeMap<u64, TreeHash>,
    /// The size of the last checkpoint that was found true.
    confirmed: u64,
    /// A record that is not bound to the one before it: the next tells which of the two was changed.
    doubted: Option<Doubted>,
}

#[derive(Debug)]
struct Doubted {
    sequence: u64,
    digest: [u8; 32],
}

impl TrailCheck {
    /// Begins; `signed` are the checkpoints that the trail must agree with.
    #[must_use]
    pub fn new(signed: impl IntoIterator<Item = TreeHead>) -> Self {
        let signed = signed.into_iter().map(|head| (head.size, head.root)).filter(|(size, _)| *size > 0);
        Self { trail: AuditTrail::EMPTY, signed: signed.collect(), confirmed: 0, doubted: None }
    }

    /// Returns the end of what was checked so far.
    #[must_use]
    pub const fn trail(&self) -> &AuditTrail {
        &self.trail
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`LogFault`], naming the record.
    pub fn next(&mut self, der: &[u8]) -> Result<(), LogFault> {
        if let Some(doubted) = self.doubted.take() {
            return Err(settle(&doubted, der));
        }
        match self.trail.check_next(der) {
            Ok(_) => self.compare(),
            Err(BrokenTrail::HashMismatch { sequence }) => {
                self.doubted = Some(Doubted { sequence, digest: Sha256::digest(der).into() });
                Ok(())
            }
            Err(broken) => Err(LogFault::Broken(broken)),
        }
    }

    fn compare(&mut self) -> Result<(), LogFault> {
        let reached = head(self.trail.peaks());
        match self.signed.remove(&reached.size) {
            Some(root) if root != reached.root => {
                Err(LogFault::OtherRoot { after: self.confirmed, size: reached.size })
            }
            Some(_) => {
                self.confirmed = reached.size;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Ends the check: the records must reach every checkpoint. Returns the end of the trail.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn finish(self) -> Result<AuditTrail, LogFault> {
        if let Some(Doubted { sequence, .. }) = self.doubted {
            return Err(LogFault::OneOfTwo { sequence });
        }
        match self.signed.last_key_value() {
            Some((size, _)) => Err(LogFault::CutOff { records: self.trail.sequence(), size: *size }),
            None => Ok(self.trail),
        }
    }
}

/// The record behind a doubted one is bound either to it as it stands, or to what stood there before.
fn settle(doubted: &Doubted, next: &[u8]) -> LogFault {
    let bound_as_it_stands =
        AuditRecord::from_der(next).is_ok_and(|record| record.previous == doubted.digest);
    let before = doubted.sequence.saturating_sub(1);
    LogFault::Changed { sequence: if bound_as_it_stands { before } else { doubted.sequence } }
}

/// What is wrong with a trail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// A record was changed.
    #[error("audit record {sequence} was changed")]
    Changed {
        /// Which.
        sequence: u64,
    },
    /// The last record is not bound to the one before it; nothing behind them tells which was changed.
    #[error(
        "audit record {sequence}, the last one, is not bound to the one before it: one of the two was changed"
    )]
    OneOfTwo {
        /// The last record.
        sequence: u64,
    },
    /// A record is missing, doubled, out of place or unreadable.
    #[error(transparent)]
    Broken(BrokenTrail),
    /// The records agree with each other, but not with what was signed.
    #[error(
        "the first {size} audit records are not those that were signed: one behind record {after} was changed, and \
         those behind it were made anew"
    )]
    OtherRoot {
        /// The last size that agreed with a checkpoint; 0 when none did.
        after: u64,
        /// The size whose checkpoint disagrees.
        size: u64,
    },
    /// A checkpoint tells of more records than there are.
    #[error(
        "a checkpoint over {size} audit records is signed, but there are only {records}: the last ones were cut off"
    )]
    CutOff {
        /// How many there are.
        records: u64,
        /// How many were signed.
        size: u64,
    },
}

#[cfg(test)]
mod tests {
    use ca_core::audit::{Act, AuditEvent};
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    /// Records that tell of these things, chained.
    fn records(told: &[&str]) -> Vec<Vec<u8>> {
        let mut trail = AuditTrail::EMPTY;
        let event = |detail: &str| AuditEvent {
            time: UnixTime::from_seconds(1_795_219_200),
            tenant: TenantId::parse("dso").unwrap(),
            actor: "operator:test".to_owned(),
            act: Act::RequestRefused,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: detail.to_owned(),
            digest: Vec::new(),
        };
        told.iter().map(|detail| trail.seal(event(detail)).unwrap().der).collect()
    }

    fn signed(records: &[Vec<u8>], size: usize) -> TreeHead {
        let mut trail = AuditTrail::EMPTY;
        records.iter().take(size).for_each(|der| drop(trail.check_next(der).unwrap()));
        head(trail.peaks())
    }

    fn check(records: &[Vec<u8>], signed: &[TreeHead]) -> Result<u64, LogFault> {
        let mut check = TrailCheck::new(signed.iter().copied());
        records.iter().try_for_each(|der| check.next(der))?;
        check.finish().map(|trail| trail.sequence())
    }

    #[test]
    fn the_record_that_was_changed_is_named_and_not_its_neighbour() {
        let whole = records(&["a", "b", "c", "d", "e"]);
        for changed in 0..4 {
            let mut others = whole.clone();
            let last = others[changed].iter().rposition(u8::is_ascii_lowercase).unwrap();
            others[changed][last] ^= 0x10;
            let fault = if changed == 3 {
                // The last record but one: what stands behind the last one tells nothing.
                LogFault::OneOfTwo { sequence: 5 }
            } else {
                LogFault::Changed { sequence: u64::try_from(changed).unwrap() + 1 }
            };
            assert_eq!(check(&others, &[]), Err(fault), "{changed}");
        }
        // A record of another log in its place is bound to what stood before, but nothing is bound to it.
        let mut other = whole;
        other[2] = records(&["a", "b", "x"])[2].clone();
        assert_eq!(check(&other, &[]), Err(LogFault::Changed { sequence: 3 }));
    }

    #[test]
    fn a_log_that_was_made_anew_from_a_record_on_is_found_between_two_checkpoints() {
        let whole = records(&["a", "b", "c", "d", "e"]);
        let heads = [signed(&whole, 2), signed(&whole, 4), signed(&whole, 5)];
        assert_eq!(check(&whole, &heads), Ok(5));
        let anew = records(&["a", "b", "x", "d", "e"]);
        assert_eq!(check(&anew, &heads), Err(LogFault::OtherRoot { after: 2, size: 4 }));
        assert_eq!(check(&anew, &heads[..1]), Ok(5));
    }

    #[test]
    fn a_tail_that_was_cut_off_is_found_by_a_checkpoint_and_by_nothing_else() {
        let whole = records(&["a", "b", "c", "d", "e"]);
        assert_eq!(check(&whole[..3], &[signed(&whole, 3)]), Ok(3));
        assert_eq!(check(&whole[..3], &[signed(&whole, 5)]), Err(LogFault::CutOff { records: 3, size: 5 }));
        assert_eq!(check(&[], &[signed(&whole, 1)]), Err(LogFault::CutOff { records: 0, size: 1 }));
    }
}
