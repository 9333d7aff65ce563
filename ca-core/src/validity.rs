//! Points in time and validity periods, to the second, as RFC 5280 §4.1.2.5 counts them.
//!
//! Not a clock: the present comes from the [`Clock`](crate::ports::Clock) port.

use core::fmt;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(i64);

impl UnixTime {
    /// 9999-12-31T23:59:59Z: "no well-defined expiration date" (RFC 5280 §4.1.2.5).
    pub const NO_EXPIRY: Self = Self(253_402_300_799);

    /// The first second that UTCTime cannot say: 2050-01-01T00:00:00Z (RFC 5280 §4.1.2.5).
    pub const UTC_TIME_END: Self = Self(2_524_608_000);

    /// Makes a time from seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns this time moved by `seconds`, which may be negative; never past [`Self::NO_EXPIRY`].
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        let moved = self.0.saturating_add(seconds);
        if moved > Self::NO_EXPIRY.0 { Self::NO_EXPIRY } else { Self(moved) }
    }

    /// Returns the whole days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i64 {
        self.0.div_euclid(86_400)
    }
}

impl fmt::Display for UnixTime {
    /// Writes the time as RFC 3339 in UTC, such as `2026-11-21T10:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.days());
        let second = self.0.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// Turns days since 1970-01-01 into year, month and day of the proleptic Gregorian calendar.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Eras of 400 years counted from 0000-03-01, so that the leap day ends a year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A validity period; both ends belong to it (RFC 5280 §4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Validity {
    not_before: UnixTime,
    not_after: UnixTime,
}

impl Validity {
    /// Makes a period, or `None` when it would end before it begins.
    #[must_use]
    pub fn new(not_before: UnixTime, not_after: UnixTime) -> Option<Self> {
        (not_before <= not_after).then_some(Self { not_before, not_after })
    }

    /// Returns the first second of the period.
    #[must_use]
    pub const fn not_before(self) -> UnixTime {
        self.not_before
    }

    /// Returns the last second of the period.
    #[must_use]
    pub const fn not_after(self) -> UnixTime {
        self.not_after
    }

    /// Tells whether `time` lies in the period.
    #[must_use]
    pub fn contains(self, time: UnixTime) -> bool {
        self.not_before <= time && time <= self.not_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_well_known_instants() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_577_836_799, "2019-12-31T23:59:59Z"),
            (2_524_608_000, "2050-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime::from_seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn refuses_a_period_that_ends_before_it_begins() {
        assert!(Validity::new(UnixTime::from_seconds(2), UnixTime::from_seconds(1)).is_none());
    }

    // RFC 5280 §4.1.2.5: both notBefore and notAfter are inside the period.
    #[test]
    fn both_ends_belong_to_the_period() {
        let period = Validity::new(UnixTime::from_seconds(10), UnixTime::from_seconds(20)).unwrap();
        assert!(period.contains(UnixTime::from_seconds(10)) && period.contains(UnixTime::from_seconds(20)));
        assert!(!period.contains(UnixTime::from_seconds(9)) && !period.contains(UnixTime::from_seconds(21)));
    }
}
