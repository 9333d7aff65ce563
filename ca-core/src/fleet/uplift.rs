//! Which meters may be lifted to which suite: by model and firmware, as somebody cleared it.
//!
//! A list that people keep, since no record of a meter tells what its firmware can do. Not what the meter itself says: that is
//! asked first of all when it is lifted, on the head-end's road.

use core::cmp::Ordering;
use core::fmt;

use crate::record::ExpectedDevice;
use crate::suite::SecuritySuite;
use crate::tenant::TenantId;

/// What was cleared for meters of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    /// Who makes them; `None` for whoever.
    pub manufacturer: Option<TenantId>,
    /// Their model, exactly.
    pub model: String,
    /// The first firmware; `None` for any up to the last.
    pub firmware_from: Option<String>,
    /// The last firmware; `None` for any from the first on.
    pub firmware_to: Option<String>,
    /// The suites to which they can go.
    pub suites: Vec<SecuritySuite>,
}

impl Clearance {
    fn is_of(&self, device: &ExpectedDevice) -> bool {
        let made_by = self.manufacturer.is_none() || self.manufacturer == device.manufacturer;
        made_by && self.model == device.model
    }

    fn has(&self, firmware: &str) -> bool {
        let from = self.firmware_from.as_deref().is_none_or(|first| order(first, firmware).is_le());
        let to = self.firmware_to.as_deref().is_none_or(|last| order(firmware, last).is_le());
        from && to
    }
}

/// Why a meter is not lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotCleared {
    /// Its model or its firmware is not on record.
    NotDescribed,
    /// Nothing was cleared for its model.
    Model,
    /// Something was, and not for its firmware.
    Firmware,
    /// Its firmware was, and not for this suite.
    Suite,
}

impl NotCleared {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotDescribed => "uplift.not_described",
            Self::Model => "uplift.model",
            Self::Firmware => "uplift.firmware",
            Self::Suite => "uplift.suite",
        }
    }
}

/// As people are told.
impl fmt::Display for NotCleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDescribed => "its model or its firmware is not on record",
            Self::Model => "no [[uplift]] of the configuration names its model",
            Self::Firmware => "no [[uplift]] of its model has its firmware",
            Self::Suite => "the [[uplift]] of its firmware does not have this suite",
        })
    }
}

/// All that was cleared. Empty, it clears nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpliftMatrix(Vec<Clearance>);

impl UpliftMatrix {
    /// Takes what was cleared.
    #[must_use]
    pub const fn new(clearances: Vec<Clearance>) -> Self {
        Self(clearances)
    }

    /// Checks that a meter may be lifted to a suite.
    ///
    /// # Errors
    /// [`NotCleared`], that which is nearest to being cleared.
    pub fn check(&self, device: &ExpectedDevice, suite: SecuritySuite) -> Result<(), NotCleared> {
        if device.model.is_empty() || device.firmware.is_empty() {
            return Err(NotCleared::NotDescribed);
        }
        let mut nearest = NotCleared::Model;
        for clearance in self.0.iter().filter(|one| one.is_of(device)) {
            match (clearance.has(&device.firmware), clearance.suites.contains(&suite)) {
                (true, true) => return Ok(()),
                (true, false) => nearest = NotCleared::Suite,
                (false, _) => nearest = nearest.max(NotCleared::Firmware),
            }
        }
        Err(nearest)
    }
}

/// The order of two versions of firmware: digits that follow each other are a number, everything else is compared as text, and
/// what goes on comes later. So 2.9 is before 2.10, and 2.10 before 2.10.1.
#[must_use]
pub fn order(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() && !other.is_empty() {
        let ((a, one_rest), (b, other_rest)) = (first_part(one), first_part(other));
        let ordered = match (number(a), number(b)) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (_, _) => a.cmp(b),
        };
        if ordered.is_ne() {
            return ordered;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.len().cmp(&other.len())
}

/// Cuts off the digits, or the other characters, that stand in front.
fn first_part(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|one: char| one.is_ascii_digit());
    let end = text.find(|one: char| one.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

/// The digits of a number without zeros in front.
fn number(part: &str) -> Option<&str> {
    part.starts_with(|one: char| one.is_ascii_digit()).then(|| part.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system_title::SystemTitle;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn device(model: &str, firmware: &str) -> ExpectedDevice {
        ExpectedDevice {
            manufacturer: Some(tenant("maker")),
            model: model.to_owned(),
            firmware: firmware.to_owned(),
            ..ExpectedDevice::new(tenant("dso"), SystemTitle::new([1; 8]))
        }
    }

    fn matrix() -> UpliftMatrix {
        let cleared = |manufacturer: Option<&str>, from: Option<&str>, to: Option<&str>, suites| Clearance {
            manufacturer: manufacturer.map(tenant),
            model: "E350".to_owned(),
            firmware_from: from.map(str::to_owned),
            firmware_to: to.map(str::to_owned),
            suites,
        };
        let both = SecuritySuite::ALL.to_vec();
        UpliftMatrix::new(vec![
            cleared(Some("maker"), Some("2.9"), Some("2.10"), vec![SecuritySuite::Suite1]),
            cleared(None, Some("3.0"), None, both),
        ])
    }

    #[test]
    fn numbers_in_firmware_are_compared_as_numbers() {
        let ordered = ["", "1", "2.9", "2.10", "2.10-rc", "2.10.1", "2.a", "10.0", "v1", "v02", "v10"];
        for (place, one) in ordered.iter().enumerate() {
            for (other_place, other) in ordered.iter().enumerate() {
                assert_eq!(order(one, other), place.cmp(&other_place), "{one} {other}");
            }
        }
        assert_eq!(order("2.010", "2.10"), Ordering::Equal, "zeros in front say nothing");
    }

    #[test]
    fn a_meter_is_lifted_by_a_line_for_its_model_firmware_and_suite() {
        let matrix = matrix();
        let check = |firmware, suite| matrix.check(&device("E350", firmware), suite);
        assert_eq!(check("2.9", SecuritySuite::Suite1), Ok(()));
        assert_eq!(check("2.10", SecuritySuite::Suite1), Ok(()));
        assert_eq!(check("2.10", SecuritySuite::Suite2), Err(NotCleared::Suite));
        assert_eq!(check("2.10.1", SecuritySuite::Suite1), Err(NotCleared::Firmware));
        assert_eq!(check("2.8", SecuritySuite::Suite1), Err(NotCleared::Firmware));
        assert_eq!(check("3.0", SecuritySuite::Suite2), Ok(()));
        assert_eq!(check("", SecuritySuite::Suite2), Err(NotCleared::NotDescribed));
        assert_eq!(matrix.check(&device("E450", "3.0"), SecuritySuite::Suite2), Err(NotCleared::Model));
    }

    #[test]
    fn a_line_of_one_manufacturer_clears_no_other_ones_meters_and_no_line_clears_nothing() {
        let mut other = device("E350", "2.9");
        other.manufacturer = Some(tenant("else"));
        assert_eq!(matrix().check(&other, SecuritySuite::Suite1), Err(NotCleared::Firmware));
        let nothing = UpliftMatrix::default().check(&device("E350", "3.0"), SecuritySuite::Suite1);
        assert_eq!(nothing, Err(NotCleared::Model));
    }
}
