//! When a device may replace its own certificate, and how often.
//!
//! Bounds what a stolen key is good for: who holds one cannot renew without end, nor at once. It does not bind those who vouch
//! for a device (stations, operators), nor the first enrolment, the swap included. RFC 7030 §4.2.2.

use super::{ProfileFault, ProfileParts, ValidityRule};
use crate::validity::{UnixTime, Validity};

/// When and how often a device may replace its certificate by showing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalRule {
    /// In which part of the validity of the certificate to be replaced.
    pub window: RenewalWindow,
    /// How many times within one length of validity.
    pub limit: u16,
}

/// In which part of its validity a certificate may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalWindow {
    /// In the second half. What never expires has none that anybody lives to see.
    SecondHalf,
    /// In the last seconds, this many.
    Last {
        /// How many.
        seconds: i64,
    },
    /// At any time.
    AnyTime,
}

impl RenewalRule {
    /// What holds when a profile says nothing: the second half, and four times within one length of validity.
    ///
    /// The earliest renewal in the field is that of a meter, after three tenths of its certificate's validity: three in one
    /// length, and one to spare.
    pub const DEFAULT: Self = Self { window: RenewalWindow::SecondHalf, limit: 4 };
}

impl RenewalWindow {
    /// Returns the first second in which a certificate of this validity may be replaced.
    #[must_use]
    pub const fn opens(self, validity: &Validity) -> UnixTime {
        let length = length(validity);
        match self {
            Self::SecondHalf => validity.not_before().plus_seconds(length - length / 2),
            // RFC 5280 §4.1.2.5: the second of notAfter belongs to the validity period.
            Self::Last { seconds } => validity.not_after().plus_seconds(1 - seconds),
            Self::AnyTime => validity.not_before(),
        }
    }
}

/// Returns how many seconds a validity period has.
pub(crate) const fn length(validity: &Validity) -> i64 {
    validity.not_after().seconds().saturating_sub(validity.not_before().seconds()).saturating_add(1)
}

/// A window ends with the validity it lies in, and no rule forbids what it stands for.
pub(super) fn check(parts: &ProfileParts, faults: &mut Vec<ProfileFault>) {
    let longest = match parts.validity {
        ValidityRule::NoExpiry | ValidityRule::AsCertified { .. } => UnixTime::NO_EXPIRY.seconds(),
        ValidityRule::Fixed { seconds } => seconds,
        ValidityRule::Range { max_seconds, .. } => max_seconds,
    };
    let sound = match parts.renewal.window {
        RenewalWindow::SecondHalf | RenewalWindow::AnyTime => true,
        RenewalWindow::Last { seconds } => (1..=longest).contains(&seconds),
    };
    if !sound {
        faults.push(ProfileFault::RenewalWindow);
    }
    if parts.renewal.limit == 0 {
        faults.push(ProfileFault::RenewalLimit);
    }
}
