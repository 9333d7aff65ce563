//! Action-Result and Data-Access-Result: how a service ended, as the meter says it (IEC 62056-5-3).
//!
//! Any octet is taken: a meter that refuses with a number of its own has refused.

use core::fmt;

/// Action-Result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActionResult(pub u8);

/// Data-Access-Result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataAccessResult(pub u8);

impl ActionResult {
    /// success.
    pub const SUCCESS: Self = Self(0);
    /// temporary-failure.
    pub const TEMPORARY_FAILURE: Self = Self(2);
    /// read-write-denied.
    pub const READ_WRITE_DENIED: Self = Self(3);
    /// object-undefined.
    pub const OBJECT_UNDEFINED: Self = Self(4);
    /// object-unavailable.
    pub const OBJECT_UNAVAILABLE: Self = Self(11);
    /// type-unmatched.
    pub const TYPE_UNMATCHED: Self = Self(12);
    /// data-block-unavailable.
    pub const DATA_BLOCK_UNAVAILABLE: Self = Self(14);
    /// other-reason.
    pub const OTHER_REASON: Self = Self(250);

    /// Returns the name that the standard gives the number.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            15 => "long-action-aborted",
            16 => "no-long-action-in-progress",
            number => shared_name(number),
        }
    }
}

impl DataAccessResult {
    /// temporary-failure.
    pub const TEMPORARY_FAILURE: Self = Self(2);
    /// read-write-denied.
    pub const READ_WRITE_DENIED: Self = Self(3);
    /// object-undefined.
    pub const OBJECT_UNDEFINED: Self = Self(4);
    /// data-block-number-invalid.
    pub const DATA_BLOCK_NUMBER_INVALID: Self = Self(19);

    /// Returns the name that the standard gives the number.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            15 => "long-get-aborted",
            16 => "no-long-get-in-progress",
            17 => "long-set-aborted",
            18 => "no-long-set-in-progress",
            19 => "data-block-number-invalid",
            number => shared_name(number),
        }
    }
}

const fn shared_name(number: u8) -> &'static str {
    match number {
        0 => "success",
        1 => "hardware-fault",
        2 => "temporary-failure",
        3 => "read-write-denied",
        4 => "object-undefined",
        9 => "object-class-inconsistent",
        11 => "object-unavailable",
        12 => "type-unmatched",
        13 => "scope-of-access-violated",
        14 => "data-block-unavailable",
        250 => "other-reason",
        _ => "a number that the standard does not have",
    }
}

impl fmt::Display for ActionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Display for DataAccessResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
