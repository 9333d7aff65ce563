//! The time as the operator states it: a clock of a machine that is kept off line is not to be trusted (case R-03).
//!
//! The machine's clock is read here and nowhere else, and only where the operator says `now`.

use core::fmt;
use core::str::FromStr;

use ca_core::ports::Clock;
use ca_core::validity::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time that was said on the command line: RFC 3339 with full seconds, or `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StatedTime(UnixTime);

impl StatedTime {
    /// Takes a time that a ceremony file states.
    #[must_use]
    pub(crate) const fn at(time: UnixTime) -> Self {
        Self(time)
    }

    /// Returns the time.
    #[must_use]
    pub(crate) const fn time(self) -> UnixTime {
        self.0
    }
}

/// The present of a whole command is what was stated.
impl Clock for StatedTime {
    fn now(&self) -> UnixTime {
        self.0
    }
}

impl FromStr for StatedTime {
    type Err = ParseStatedTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            #[expect(
                clippy::disallowed_methods,
                reason = "the operator said `now`; this is the one place that asks the machine"
            )]
            let now = OffsetDateTime::from(std::time::SystemTime::now());
            return Ok(Self(UnixTime::from_seconds(now.unix_timestamp())));
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseStatedTimeError)?;
        // RFC 5280 §4.1.2.5: certificates know full seconds only.
        if time.nanosecond() != 0 || time.unix_timestamp() < 0 {
            return Err(ParseStatedTimeError);
        }
        Ok(Self(UnixTime::from_seconds(time.unix_timestamp())))
    }
}

impl fmt::Display for StatedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text states no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2026-11-21T10:00:00Z, with full seconds and a time zone, or as `now`")]
pub(crate) struct ParseStatedTimeError;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<i64, ParseStatedTimeError> {
        text.parse::<StatedTime>().map(|stated| stated.time().seconds())
    }

    #[test]
    fn i_10_a_time_is_the_same_in_every_zone() {
        assert_eq!(parse("2026-11-21T10:00:00Z"), Ok(1_795_255_200));
        assert_eq!(parse("2026-11-21T11:00:00+01:00"), Ok(1_795_255_200));
    }

    #[test]
    fn refuses_times_that_leave_something_to_be_guessed() {
        for text in [
            "2026-11-21",
            "2026-11-21T10:00:00",
            "10:00",
            "2026-11-21T10:00:00.5Z",
            "1969-12-31T23:59:59Z",
            "Now",
        ] {
            assert_eq!(parse(text), Err(ParseStatedTimeError), "{text}");
        }
    }
}
