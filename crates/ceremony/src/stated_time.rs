//! Times as people state them: RFC 3339 with full seconds and a time zone.
//!
//! No clock: nothing here knows the present (case R-03).

use ca_core::validity::UnixTime;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in a file or transcript; written in UTC, such as `2026-11-21T10:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatedTime(pub UnixTime);

impl TryFrom<String> for StatedTime {
    type Error = ParseTimeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| ParseTimeError)?;
        // RFC 5280 §4.1.2.5: certificates know full seconds only.
        if time.nanosecond() != 0 || time.unix_timestamp() < 0 {
            return Err(ParseTimeError);
        }
        Ok(Self(UnixTime::from_seconds(time.unix_timestamp())))
    }
}

impl From<StatedTime> for String {
    fn from(time: StatedTime) -> Self {
        time.0.to_string()
    }
}

/// The text states no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written as 2026-11-21T10:00:00Z, with full seconds and a time zone")]
pub struct ParseTimeError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_in_utc_what_was_stated_in_any_zone() {
        let time = StatedTime::try_from("2026-11-21T11:00:00+01:00".to_owned()).unwrap();
        assert_eq!(String::from(time), "2026-11-21T10:00:00Z");
    }

    #[test]
    fn refuses_times_that_leave_something_to_be_guessed() {
        for text in
            ["2026-11-21", "2026-11-21T10:00:00", "now", "2026-11-21T10:00:00.5Z", "1969-12-31T23:59:59Z"]
        {
            assert_eq!(StatedTime::try_from(text.to_owned()), Err(ParseTimeError), "{text}");
        }
    }
}
