//! Times as people write them: RFC 3339 in UTC, such as `2031-11-21T00:00:00Z`.

use ca_core::validity::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Parses an RFC 3339 time.
pub(crate) fn parse(text: &str) -> Result<UnixTime, ParseTimeError> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map(|time| UnixTime::from_seconds(time.unix_timestamp()))
        .map_err(|_| ParseTimeError { text: text.to_owned() })
}

/// The text is not a time.
#[derive(Debug, thiserror::Error)]
#[error("{text} is not a time such as 2031-11-21T00:00:00Z")]
pub(crate) struct ParseTimeError {
    text: String,
}
