//! Spans of the calendar, in days of UTC: what was asked for, cut into days, weeks that begin on Mondays, or months.

use ca_core::validity::UnixTime;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};

use crate::exit::{Exit, Failure};

/// How many spans an answer has at most: ten years of days.
const MOST: usize = 3_660;

/// How long a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Returns the word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads the word.
    pub(super) fn parse(word: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|unit| unit.name() == word).ok_or_else(|| {
            Failure::new(Exit::Usage, "statistics.span.unknown", format!("{word} is no span"))
                .then("use one of day, week, month")
        })
    }

    /// Returns the first day of the span behind that of a day; none at the end of the calendar.
    fn next(self, day: Date) -> Option<Date> {
        match self {
            Self::Day => day.next_day(),
            Self::Week => {
                let left = 7 - i64::from(day.weekday().number_days_from_monday());
                day.checked_add(Duration::days(left))
            }
            Self::Month => {
                let left = day.month().length(day.year()) - day.day() + 1;
                day.checked_add(Duration::days(i64::from(left)))
            }
        }
    }
}

/// The days from one on and before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: Date,
    pub(super) until: Date,
}

impl Days {
    /// Puts two days together.
    pub(super) fn new(from: Date, until: Date) -> Result<Self, Failure> {
        if from < until {
            return Ok(Self { from, until });
        }
        let message = format!("there is no day from {from} on and before {until}");
        Err(Failure::new(Exit::Usage, "statistics.days", message).then("let `until` be after `from`"))
    }

    /// Returns the seconds at which they begin and end.
    pub(super) fn times(self) -> (UnixTime, UnixTime) {
        (begin(self.from), begin(self.until))
    }

    /// Cuts them into spans; the first and the last may be parts of one.
    pub(super) fn cut(self, unit: Unit) -> Result<Spans, Failure> {
        let mut spans = vec![self.from];
        let mut last = self.from;
        while let Some(next) = unit.next(last).filter(|next| *next < self.until) {
            if spans.len() == MOST {
                let message = format!("from {} until {} are more than {MOST} spans", self.from, self.until);
                return Err(Failure::new(Exit::Usage, "statistics.too-many", message)
                    .then("ask by month, or for a shorter time"));
            }
            spans.push(next);
            last = next;
        }
        Ok(Spans { first_days: spans, until: self.until })
    }
}

/// Spans that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spans {
    first_days: Vec<Date>,
    until: Date,
}

impl Spans {
    /// Returns in which of them a time is that is within them.
    pub(super) fn place(&self, time: UnixTime) -> usize {
        self.first_days.partition_point(|day| begin(*day) <= time).saturating_sub(1)
    }

    /// Lists them: the first day of each, and the day behind its last.
    pub(super) fn days(&self) -> impl Iterator<Item = (Date, Date)> {
        let ends = self.first_days.iter().skip(1).chain([&self.until]);
        self.first_days.iter().zip(ends).map(|(from, until)| (*from, *until))
    }
}

/// Returns the second at which a day begins.
pub(super) fn begin(day: Date) -> UnixTime {
    UnixTime::from_seconds(day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp())
}

/// Returns the day of a time.
pub(super) fn day_of(time: UnixTime) -> Date {
    OffsetDateTime::from_unix_timestamp(time.seconds()).map_or(Date::MIN, OffsetDateTime::date)
}

/// Reads a day such as 2031-11-21.
pub(super) fn parse_day(text: &str) -> Result<Date, Failure> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(|_| {
        let message = format!("{text} is no day such as 2031-11-21");
        Failure::new(Exit::Usage, "statistics.day", message).then("write it as YYYY-MM-DD")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(from: &str, until: &str, unit: Unit) -> Vec<String> {
        let days = Days::new(parse_day(from).unwrap(), parse_day(until).unwrap()).unwrap();
        days.cut(unit).unwrap().days().map(|(from, until)| format!("{from}/{until}")).collect()
    }

    #[test]
    fn spans_end_where_the_calendar_says() {
        assert_eq!(cut("2028-02-28", "2028-03-02", Unit::Day).len(), 3);
        // 2026-11-30 is a Monday.
        assert_eq!(
            cut("2026-11-28", "2026-12-08", Unit::Week),
            ["2026-11-28/2026-11-30", "2026-11-30/2026-12-07", "2026-12-07/2026-12-08"]
        );
        assert_eq!(
            cut("2026-12-31", "2027-02-02", Unit::Month),
            ["2026-12-31/2027-01-01", "2027-01-01/2027-02-01", "2027-02-01/2027-02-02"]
        );
        assert_eq!(cut("9999-12-30", "9999-12-31", Unit::Month), ["9999-12-30/9999-12-31"]);
    }

    #[test]
    fn a_time_is_in_the_span_of_its_day() {
        let days = Days::new(parse_day("2026-11-28").unwrap(), parse_day("2026-12-08").unwrap()).unwrap();
        let spans = days.cut(Unit::Week).unwrap();
        let (from, until) = days.times();
        let places =
            [from, from.plus_seconds(2 * 86_400 - 1), from.plus_seconds(2 * 86_400), until.plus_seconds(-1)];
        assert_eq!(places.map(|time| spans.place(time)), [0, 0, 1, 2]);
    }

    #[test]
    fn what_is_no_day_no_span_and_too_much_is_refused() {
        for text in ["2026-02-30", "26-02-03", "2026-02-03T00:00:00Z", ""] {
            assert_eq!(parse_day(text).unwrap_err().code, "statistics.day");
        }
        assert_eq!(Unit::parse("year").unwrap_err().code, "statistics.span.unknown");
        let day = |text: &str| parse_day(text).unwrap();
        assert_eq!(Days::new(day("2026-02-03"), day("2026-02-03")).unwrap_err().code, "statistics.days");
        let long = Days::new(day("2026-01-01"), day("2126-01-01")).unwrap();
        assert_eq!(long.cut(Unit::Day).unwrap_err().code, "statistics.too-many");
        assert_eq!(long.cut(Unit::Month).unwrap().days().count(), 1_200);
    }
}
