//! Days of the calendar by how many have passed since 1970-01-01, proleptic Gregorian. Not times of day, and no zone but UTC.

/// A date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
}

/// The names of months, short.
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// Returns the date of a day. Years of 400 repeat, and are counted from March, so that a leap day is the last of its year.
    pub(crate) const fn of(day: i64) -> Self {
        let day = day.saturating_add(719_468);
        let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let january = month >= 10;
        let month = if january { month - 9 } else { month + 3 };
        let year = year + era * 400;
        Self { year: if january { year + 1 } else { year }, month, day }
    }

    /// Returns which day a date is.
    pub(crate) const fn number(self) -> i64 {
        let before_march = self.month <= 2;
        let year = if before_march { self.year - 1 } else { self.year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month = if before_march { self.month + 9 } else { self.month - 3 };
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// `2026-11-30`
    pub(crate) fn text(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Returns which day of the week a day is, from 0 for Monday.
pub(crate) const fn weekday(day: i64) -> i64 {
    day.saturating_add(3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_lead_to_each_other() {
        for (day, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (20_787, "2026-11-30"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!((Date::of(day).text().as_str(), Date::of(day).number()), (text, day));
        }
        assert!((-200_000..200_000).all(|day| Date::of(day).number() == day));
    }

    #[test]
    fn weeks_begin_on_mondays() {
        assert_eq!((weekday(0), weekday(20_787), weekday(20_786)), (3, 0, 6));
    }
}
