//! Points in time in the forms that programs write them in. Those without a zone are UTC, as all these programs mean them.

use ca_core::validity::UnixTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::list::{Said, VALUE};

/// `YYMMDDHHMMSSZ`, of 1950 to 2049, or `YYYYMMDDHHMMSSZ`: UTCTime and GeneralizedTime (RFC 5280 §4.1.2.5).
pub(crate) fn asn1(text: &str) -> Result<UnixTime, Said> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    let full = digits.and_then(|digits| match digits.len() {
        // RFC 5280 §4.1.2.5.1: years from 50 on are of the twentieth century.
        12 => Some(format!("{}{digits}", if digits.as_bytes().first() >= Some(&b'5') { "19" } else { "20" })),
        14 => Some(digits.to_owned()),
        _ => None,
    });
    let form = format_description!("[year][month][day][hour][minute][second]");
    let read = full.and_then(|full| PrimitiveDateTime::parse(&full, form).ok());
    read.map(|time| seconds(time.assume_utc())).ok_or_else(|| no_time(text))
}

/// RFC 3339, or as databases write it: a blank for the `T`, fractions, and no zone, `+00`, `+00:00`, `Z` or ` +0000 UTC` behind.
pub(crate) fn written(text: &str) -> Result<UnixTime, Said> {
    let text = text.trim();
    let bare = text.strip_suffix(" UTC").unwrap_or(text).trim_end();
    let (date, rest) = bare.split_at_checked(10).ok_or_else(|| no_time(text))?;
    let rest = rest.strip_prefix([' ', 'T']).ok_or_else(|| no_time(text))?.replace(' ', "");
    let zone = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(zone).ok_or_else(|| no_time(text))?;
    let zone = match zone.len() {
        0 => "Z".to_owned(),
        3 => format!("{zone}:00"),
        5 => match zone.split_at_checked(3) {
            Some((hours, minutes)) => format!("{hours}:{minutes}"),
            None => zone.to_owned(),
        },
        _ => zone.to_owned(),
    };
    let read = OffsetDateTime::parse(&format!("{date}T{clock}{zone}"), &Rfc3339);
    read.map(seconds).map_err(|_| no_time(text))
}

/// Milliseconds since 1970.
pub(crate) fn milliseconds(text: &str) -> Result<UnixTime, Said> {
    let milliseconds: i64 = text.parse().map_err(|_| no_time(text))?;
    Ok(UnixTime::from_seconds(milliseconds.div_euclid(1_000)))
}

fn seconds(time: OffsetDateTime) -> UnixTime {
    UnixTime::from_seconds(time.unix_timestamp())
}

fn no_time(text: &str) -> Said {
    Said::new(VALUE, format!("{text:?} is no point in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_in_every_form() {
        let expected = UnixTime::from_seconds(1_795_219_200);
        assert_eq!(asn1("261121000000Z"), Ok(expected));
        assert_eq!(asn1("20261121000000Z"), Ok(expected));
        for text in [
            "2026-11-21T00:00:00Z",
            "2026-11-21 00:00:00",
            "2026-11-21 00:00:00+00:00",
            "2026-11-21 00:00:00+00",
            "2026-11-21 01:00:00.123456+01",
            "2026-11-21 00:00:00 +0000 UTC",
            "2026-11-21 00:00:00.987654321 +0000 UTC",
        ] {
            assert_eq!(written(text), Ok(expected), "{text}");
        }
        assert_eq!(milliseconds("1795219200999"), Ok(expected));
    }

    #[test]
    fn years_of_two_digits_are_those_of_rfc_5280() {
        assert_eq!(asn1("491231235959Z"), asn1("20491231235959Z"));
        assert_eq!(asn1("500101000000Z"), asn1("19500101000000Z"));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "Z", "261321000000Z", "2611210000Z", "26112100000ÄZ"] {
            assert!(asn1(text).is_err(), "{text}");
        }
        for text in ["", "yesterday", "2026-11-21", "2026-11-21 25:00:00", "0001-01-01"] {
            assert!(written(text).is_err(), "{text}");
        }
        assert!(milliseconds("soon").is_err());
    }
}
