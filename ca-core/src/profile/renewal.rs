//! When a device may replace its own certificate, and how often.
//!
//! Bounds what a stolen key is good for: who holds one cannot renew without end, nor at once. It does not bind those who vouch
//! for a device (stations, operators), nor the first enrolment, the swap included. RFC 7030 §4.2.2.

use sha2::{Digest, Sha256};

use super::{ProfileFault, ProfileParts, ValidityRule};
use crate::system_title::SystemTitle;
use crate::validity::{UnixTime, Validity};

/// When and how often a device may replace its certificate by showing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewalRule {
    /// In which part of the validity of the certificate to be replaced.
    pub window: RenewalWindow,
    /// Over how much of the window's beginning devices are spread.
    pub spread: RenewalSpread,
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

/// Over how much of the beginning of a window devices are spread, so that those certified in one week do not renew in one hour.
///
/// A window that is always open has no beginning to spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalSpread {
    /// Over its first tenth.
    TenthOfWindow,
    /// Over its first seconds, this many; over half of the window at most; 0 for no spread.
    First {
        /// How many.
        seconds: i64,
    },
}

impl RenewalRule {
    /// What holds when a profile says nothing: the second half, and four times within one length of validity.
    ///
    /// The earliest renewal in the field is that of a meter, after three tenths of its certificate's validity: three in one
    /// length, and one to spare.
    pub const DEFAULT: Self =
        Self { window: RenewalWindow::SecondHalf, spread: RenewalSpread::TenthOfWindow, limit: 4 };

    /// Returns the first second in which this device may replace a certificate of this validity.
    ///
    /// Each device has its place in the spread: so much of it as the first 8 octets of the SHA-256 of its system title are of
    /// 2^64. The same for ever, and known to whoever knows the title.
    #[must_use]
    pub fn opens(&self, validity: &Validity, title: &SystemTitle) -> UnixTime {
        let opens = self.window.opens(validity);
        let window = validity.not_after().seconds().saturating_sub(opens.seconds()).saturating_add(1);
        let spread = match (self.window, self.spread) {
            (RenewalWindow::AnyTime, _) => 0,
            (_, RenewalSpread::TenthOfWindow) => window / 10,
            (_, RenewalSpread::First { seconds }) => seconds.min(window / 2),
        };
        opens.plus_seconds(place(title, spread))
    }
}

/// The place of a device between 0 and `spread`.
fn place(title: &SystemTitle, spread: i64) -> i64 {
    let hash = Sha256::digest(title.octets());
    let fraction = hash.iter().take(8).fold(0_u128, |sum, octet| (sum << 8) | u128::from(*octet));
    let place = (fraction * u128::try_from(spread).unwrap_or(0)) >> 64;
    i64::try_from(place).unwrap_or(0)
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
    let spread_is_sound = match (parts.renewal.spread, parts.renewal.window) {
        (RenewalSpread::TenthOfWindow | RenewalSpread::First { seconds: 0 }, _) => true,
        (RenewalSpread::First { .. }, RenewalWindow::AnyTime) => false,
        (RenewalSpread::First { seconds }, RenewalWindow::SecondHalf) => (0..=longest / 4).contains(&seconds),
        (RenewalSpread::First { seconds }, RenewalWindow::Last { seconds: window }) => {
            (0..=window / 2).contains(&seconds)
        }
    };
    if !spread_is_sound {
        faults.push(ProfileFault::RenewalSpread);
    }
    if parts.renewal.limit == 0 {
        faults.push(ProfileFault::RenewalLimit);
    }
}
