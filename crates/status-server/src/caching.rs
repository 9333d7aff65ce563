//! What HTTP caches are told of a document, and whether the one that a requester has is still the same (RFC 9110 §8.8, §13;
//! RFC 9111).
//!
//! Texts of header fields and nothing else: no clock, no framework, no knowledge of what the document says.

use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// RFC 9110 §5.6.7: `IMF-fixdate`, the one form that is written.
const IMF_FIXDATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// How a version of a document is told from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// A strong entity tag, with its quotes.
    pub(crate) etag: String,
    /// Since when it says what it says.
    pub(crate) last_modified: UnixTime,
}

impl Version {
    /// Makes the version of these octets. Equal octets have equal tags, on every node.
    pub(crate) fn of(octets: &[u8], last_modified: UnixTime) -> Self {
        Self::tagged(&Sha256::digest(octets).into(), last_modified)
    }

    /// Makes the version of octets with this SHA-256.
    pub(crate) fn tagged(sha256: &[u8; 32], last_modified: UnixTime) -> Self {
        Self { etag: format!("\"{}\"", hex::encode(sha256)), last_modified }
    }

    /// Tells whether a requester who sent these two fields has this version already (RFC 9110 §13.2.2).
    pub(crate) fn is_known_to(&self, if_none_match: Option<&str>, if_modified_since: Option<&str>) -> bool {
        match (if_none_match, if_modified_since) {
            // RFC 9110 §13.1.3: with If-None-Match, If-Modified-Since is ignored.
            (Some(tags), _) => self.is_among(tags),
            (None, Some(since)) => parse_http_date(since).is_some_and(|since| self.last_modified <= since),
            (None, None) => false,
        }
    }

    /// Tells whether a requester who goes on with what it has, as If-Range says, has this version (RFC 9110 §13.1.5).
    ///
    /// By tag, and strongly. Never by date: two CRLs may come in one second, so that no date of ours is a strong validator
    /// (RFC 9110 §8.8.2.2).
    pub(crate) fn is_gone_on_with(&self, if_range: Option<&str>) -> bool {
        if_range.is_none_or(|tag| tag.trim() == self.etag)
    }

    /// Tells whether a requester who wants this version only, as If-Match says, may have it (RFC 9110 §13.1.1).
    pub(crate) fn is_wanted(&self, if_match: Option<&str>) -> bool {
        let matches = |tag: &str| tag == "*" || tag == self.etag;
        if_match.is_none_or(|tags| tags.split(',').map(str::trim).any(matches))
    }

    // RFC 9110 §13.1.2: by the weak comparison, which overlooks `W/`. Our tags hold no comma.
    fn is_among(&self, tags: &str) -> bool {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag)
    }
}

/// Writes a time as header fields have it; `None` for a year that they cannot say.
pub(crate) fn http_date(time: UnixTime) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(time.seconds()).ok()?.format(IMF_FIXDATE).ok()
}

fn parse_http_date(text: &str) -> Option<UnixTime> {
    let parsed = PrimitiveDateTime::parse(text, IMF_FIXDATE).ok()?;
    Some(UnixTime::from_seconds(parsed.assume_utc().unix_timestamp()))
}

/// Returns the `Cache-Control` of a document that may be given again until `until`.
pub(crate) fn cache_control(now: UnixTime, until: UnixTime) -> String {
    let max_age = until.seconds().saturating_sub(now.seconds()).max(0);
    // RFC 5019 §6.2: these four, in this order.
    format!("max-age={max_age}, public, no-transform, must-revalidate")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: UnixTime = UnixTime::from_seconds(784_111_777);

    #[test]
    fn writes_and_reads_the_date_of_the_rfc() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(http_date(TIME).as_deref(), Some(text));
        assert_eq!(parse_http_date(text), Some(TIME));
        for other in ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "yesterday", ""] {
            assert_eq!(parse_http_date(other), None, "{other}");
        }
        assert!(http_date(UnixTime::NO_EXPIRY).is_some());
        assert_eq!(http_date(UnixTime::from_seconds(i64::MAX)), None);
    }

    // RFC 9110 §13.1.2, §13.1.3: by tag if there is one, by date otherwise.
    #[test]
    fn knows_its_own_version_by_tag_before_date() {
        let version = Version::of(b"octets", TIME);
        let other = Version::of(b"other", TIME).etag;
        let (same, date) = (version.etag.as_str(), "Sun, 06 Nov 1994 08:49:37 GMT");
        let weak = format!("{other}, W/{same}");
        for (tags, since, known) in [
            (None, None, false),
            (Some(same), None, true),
            (Some(weak.as_str()), None, true),
            (Some("*"), None, true),
            (Some(other.as_str()), Some(date), false),
            (None, Some(date), true),
            (None, Some("Sun, 06 Nov 1994 08:49:36 GMT"), false),
            (None, Some("never"), false),
        ] {
            assert_eq!(version.is_known_to(tags, since), known, "{tags:?} {since:?}");
        }
    }

    #[test]
    fn a_document_that_is_over_is_not_given_again() {
        assert!(cache_control(TIME, TIME.plus_seconds(5)).starts_with("max-age=5, "));
        assert!(cache_control(TIME, TIME.plus_seconds(-5)).starts_with("max-age=0, "));
    }
}
