//! Which meters may be lifted to which suite. That a maker or a laboratory cleared it, nobody here can check.

use std::collections::BTreeSet;

use ca_core::delivered::is_plain;
use ca_core::fleet::uplift::{Clearance, order};
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;

use super::Checker;
use crate::config::RawUplift;

impl Checker<'_> {
    pub(super) fn uplift(&mut self, raw: &RawUplift, known: &BTreeSet<TenantId>) -> Option<Clearance> {
        let what = format!("uplift {}", raw.model);
        let manufacturer = match &raw.manufacturer {
            None => None,
            Some(name) => {
                let tenant = self.keep(&what, TenantId::parse(name))?;
                if !known.contains(&tenant) {
                    self.note(&what, format!("there is no [[manufacturer]] {tenant}"));
                }
                Some(tenant)
            }
        };
        let texts = [Some(&raw.model), raw.firmware_from.as_ref(), raw.firmware_to.as_ref()];
        if texts.into_iter().flatten().any(|text| text.is_empty() || !is_plain(text)) {
            self.note(&what, "model and firmware are 1 to 64 printable characters");
        }
        if let (Some(first), Some(last)) = (&raw.firmware_from, &raw.firmware_to)
            && order(first, last).is_gt()
        {
            self.note(&what, format!("firmware_from {first} comes after firmware_to {last}"));
        }
        let suites: Option<Vec<_>> =
            raw.suites.iter().map(|number| SecuritySuite::from_number(*number)).collect();
        let suites = suites.filter(|suites| !suites.is_empty());
        let suites =
            self.keep(&what, suites.ok_or("suites are 1, 2 or both: to suite 0 nothing is lifted"))?;
        Some(Clearance {
            manufacturer,
            model: raw.model.clone(),
            firmware_from: raw.firmware_from.clone(),
            firmware_to: raw.firmware_to.clone(),
            suites,
        })
    }
}
