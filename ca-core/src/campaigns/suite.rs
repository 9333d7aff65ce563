//! Of which suite a device is, by the keys that are on record for it, and whether that fits to what is wanted.
//!
//! The curve of a key fixes the suite (Green Book 9.2.3.7): P-256 is suite 1, P-384 is suite 2, and suite 0 has no key pairs.

use super::CampaignDesk;
use super::left_out::Unfit;
use super::plan::in_place_of;
use crate::certificate::Certificate;
use crate::fleet::campaign::{Goal, Wanted};
use crate::ports::Unavailable;
use crate::profile::Hierarchy;
use crate::record::{CertificateQuery, CertificateStatus, Device, StoredCertificate};
use crate::suite::SecuritySuite;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How many certificates of one device are looked at for those of its maker.
const PAGE: usize = 1_000;

/// What is known of the suite of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KnownSuite {
    /// Nothing: no key of it is on record.
    Unknown,
    /// Symmetric keys came with it, and no certificate.
    Zero,
    /// The suite of its keys: of the owner's youngest certificate that is good, or else of what was delivered.
    Of(SecuritySuite),
}

/// What is looked at of a device.
struct Facts {
    known: KnownSuite,
    /// The suites of what it holds in the places of the wanted certificates; `None` for what cannot be read.
    held: Vec<Option<SecuritySuite>>,
    /// How many certificates are wanted.
    wanted: usize,
    /// Whether it has any certificate of its owner.
    has_own: bool,
}

impl Facts {
    /// Says why it does not fit to a suite, if it does not; whether it is cleared for an uplift is another question.
    fn unfit(&self, goal: Goal, suite: SecuritySuite) -> Option<Unfit> {
        let all_held = self.held.iter().all(|held| *held == Some(suite));
        match (goal, self.known) {
            (Goal::Swap | Goal::Renew, KnownSuite::Zero) => Some(Unfit::Suite0),
            (Goal::Swap | Goal::Renew, KnownSuite::Of(other)) if other != suite => Some(Unfit::OtherSuite),
            (Goal::Swap | Goal::Renew, _) if !all_held => Some(Unfit::OtherSuite),
            (Goal::Uplift, KnownSuite::Of(higher)) if higher > suite => Some(Unfit::SuiteHigher),
            (Goal::Uplift, _) if self.held.len() == self.wanted && all_held => Some(Unfit::AlreadyUplifted),
            // Its factory keys are of that suite: it is swapped, and not lifted.
            (Goal::Uplift, KnownSuite::Of(same)) if same == suite && !self.has_own => {
                Some(Unfit::NothingToUplift)
            }
            (Goal::Swap | Goal::Renew | Goal::Uplift, _) => None,
        }
    }
}

impl CampaignDesk<'_> {
    /// Says why a device is left out for its suite, if it is. `rows` are its certificates.
    pub(super) fn unfit_suite(
        &self,
        device: &Device,
        (goal, wanted): (Goal, &[Wanted]),
        rows: &[StoredCertificate],
        now: UnixTime,
    ) -> Result<Option<Unfit>, Unavailable> {
        let Some(suite) = wanted.first().map(|one| one.suite) else { return Ok(None) };
        let good = good(&device.expected.tenant, rows, now);
        let held = wanted
            .iter()
            .filter_map(|one| youngest(good.iter().copied().filter(|row| in_place_of(row, one.purpose))))
            .map(|row| suite_of(&row.certificate));
        let facts = Facts {
            known: self.known_suite(device, rows, now)?,
            held: held.collect(),
            wanted: wanted.len(),
            has_own: !good.is_empty(),
        };
        Ok(match (facts.unfit(goal, suite), goal) {
            (None, Goal::Uplift) => self.uplifts.check(&device.expected, suite).err().map(Unfit::NotCleared),
            (why, Goal::Swap | Goal::Renew | Goal::Uplift) => why,
        })
    }

    /// Reads the suite of a device out of the keys that are on record.
    fn known_suite(
        &self,
        device: &Device,
        rows: &[StoredCertificate],
        now: UnixTime,
    ) -> Result<KnownSuite, Unavailable> {
        let own = good(&device.expected.tenant, rows, now);
        if let Some(suite) = youngest(own.into_iter()).and_then(|row| suite_of(&row.certificate)) {
            return Ok(KnownSuite::Of(suite));
        }
        let title = &device.expected.title;
        let delivered = self.fleet.credentials(title)?;
        let highest = delivered.iter().filter_map(|one| suite_of(&one.certificate)).max();
        if let Some(suite) = highest {
            return Ok(KnownSuite::Of(suite));
        }
        // What its maker issued here is not delivered, and is its own all the same.
        let query = CertificateQuery { title: Some(*title), limit: PAGE, ..CertificateQuery::default() };
        let issued = self.status.certificates(&query)?;
        let factory =
            issued.iter().filter(|row| is_factory(row)).filter_map(|row| suite_of(&row.certificate));
        if let Some(suite) = factory.max() {
            return Ok(KnownSuite::Of(suite));
        }
        let symmetric = !self.fleet.secrets(title)?.is_empty();
        Ok(if symmetric { KnownSuite::Zero } else { KnownSuite::Unknown })
    }
}

fn is_factory(row: &StoredCertificate) -> bool {
    row.slot.as_ref().is_some_and(|slot| slot.hierarchy == Hierarchy::Factory)
}

/// The owner's own certificates of a device that are in use.
fn good<'a>(owner: &TenantId, rows: &'a [StoredCertificate], now: UnixTime) -> Vec<&'a StoredCertificate> {
    let is_own = |row: &&StoredCertificate| {
        let operational = row.slot.as_ref().is_some_and(|slot| slot.hierarchy == Hierarchy::Operational);
        operational
            && row.tenant == *owner
            && row.status == CertificateStatus::Good
            && row.validity.contains(now)
    };
    rows.iter().filter(is_own).collect()
}

fn youngest<'a>(rows: impl Iterator<Item = &'a StoredCertificate>) -> Option<&'a StoredCertificate> {
    rows.max_by_key(|row| row.age())
}

/// The suite of a certificate's key; `None` for what cannot be read.
fn suite_of(der: &[u8]) -> Option<SecuritySuite> {
    Certificate::from_der(der).ok().map(|certificate| certificate.suite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use SecuritySuite::{Suite1, Suite2};

    fn facts(known: KnownSuite, held: &[SecuritySuite]) -> Facts {
        Facts { known, held: held.iter().copied().map(Some).collect(), wanted: 2, has_own: !held.is_empty() }
    }

    #[test]
    fn who_is_swapped_or_renewed_keeps_its_suite() {
        for goal in [Goal::Swap, Goal::Renew] {
            let unfit =
                |known, held: &[SecuritySuite]| facts(known, held).unfit(goal, Suite1).map(Unfit::code);
            assert_eq!(unfit(KnownSuite::Of(Suite1), &[]), None);
            assert_eq!(unfit(KnownSuite::Of(Suite1), &[Suite1, Suite1]), None);
            assert_eq!(unfit(KnownSuite::Unknown, &[]), None, "its request will tell");
            assert_eq!(unfit(KnownSuite::Zero, &[]), Some("swap.suite_0"));
            assert_eq!(unfit(KnownSuite::Of(Suite2), &[]), Some("swap.other_suite"));
            assert_eq!(
                unfit(KnownSuite::Of(Suite1), &[Suite2, Suite1]),
                Some("swap.other_suite"),
                "half lifted"
            );
            let unread = Facts { held: vec![None], ..facts(KnownSuite::Of(Suite1), &[Suite1]) };
            assert_eq!(unread.unfit(goal, Suite1).map(Unfit::code), Some("swap.other_suite"));
        }
    }

    #[test]
    fn who_is_lifted_comes_from_below_and_is_not_there_yet() {
        let unfit =
            |known, held: &[SecuritySuite], to| facts(known, held).unfit(Goal::Uplift, to).map(Unfit::code);
        assert_eq!(unfit(KnownSuite::Zero, &[], Suite1), None);
        assert_eq!(unfit(KnownSuite::Unknown, &[], Suite1), None);
        assert_eq!(unfit(KnownSuite::Of(Suite1), &[Suite1, Suite1], Suite2), None);
        assert_eq!(
            unfit(KnownSuite::Of(Suite2), &[Suite2, Suite1], Suite2),
            None,
            "half lifted: the rest follows"
        );
        assert_eq!(unfit(KnownSuite::Of(Suite2), &[Suite2, Suite2], Suite2), Some("swap.already_uplifted"));
        assert_eq!(unfit(KnownSuite::Of(Suite2), &[], Suite2), Some("swap.nothing_to_uplift"));
        assert_eq!(
            unfit(KnownSuite::Of(Suite2), &[Suite2], Suite1),
            Some("swap.suite_higher"),
            "nobody is lowered"
        );
    }
}
