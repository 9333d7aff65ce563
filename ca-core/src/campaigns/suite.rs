//! Of which suite a device is, by the keys that are on record for it, and whether that fits to what is wanted.
//!
//! The curve of a key fixes the suite (Green Book 9.2.3.7): P-256 is suite 1, P-384 is suite 2, and suite 0 has no key pairs.

use super::CampaignDesk;
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

impl CampaignDesk<'_> {
    /// Says why a device is left out for its suite, if it is. `rows` are its certificates.
    pub(super) fn unfit_suite(
        &self,
        device: &Device,
        (goal, wanted): (Goal, &[Wanted]),
        rows: &[StoredCertificate],
        now: UnixTime,
    ) -> Result<Option<&'static str>, Unavailable> {
        let Some(suite) = wanted.first().map(|one| one.suite) else { return Ok(None) };
        let known = self.known_suite(device, rows, now)?;
        let good = good(&device.expected.tenant, rows, now);
        let held: Vec<Option<SecuritySuite>> = wanted
            .iter()
            .filter_map(|one| youngest(good.iter().copied().filter(|row| in_place_of(row, one.purpose))))
            .map(|row| suite_of(&row.certificate))
            .collect();
        Ok(match (goal, known) {
            (Goal::Swap | Goal::Renew, KnownSuite::Zero) => Some("swap.suite_0"),
            (Goal::Swap | Goal::Renew, KnownSuite::Of(other)) if other != suite => Some("swap.other_suite"),
            (Goal::Swap | Goal::Renew, _) if held.iter().any(|held| *held != Some(suite)) => {
                Some("swap.other_suite")
            }
            (Goal::Swap | Goal::Renew, _) => None,
            (Goal::Uplift, KnownSuite::Of(higher)) if higher > suite => Some("swap.suite_higher"),
            (Goal::Uplift, _)
                if held.len() == wanted.len() && held.iter().all(|held| *held == Some(suite)) =>
            {
                Some("swap.already_uplifted")
            }
            // Its factory keys are of that suite: it is swapped, and not lifted.
            (Goal::Uplift, KnownSuite::Of(same)) if same == suite && good.is_empty() => {
                Some("swap.nothing_to_uplift")
            }
            (Goal::Uplift, _) => self.uplifts.check(&device.expected, suite).err().map(|error| error.code()),
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
    let certificate = Certificate::from_der(der).ok()?;
    Some(SecuritySuite::of_curve(certificate.public_key().curve()))
}
