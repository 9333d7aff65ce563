//! Revocations that are due later, and authorities that are shut out, as JSON.

use serde::{Deserialize, Serialize};

use super::requests::MarkView;

/// A revocation that is to be due later.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    pub issuer: Option<String>,
    /// The serial number.
    pub serial: String,
    /// The reason as RFC 5280 names it.
    pub reason: String,
    /// Since when the key is suspected.
    pub invalidity_date: Option<String>,
    /// When it is due.
    pub at: String,
}

/// Which of them to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ScheduleQueryText {
    /// Only those after this place, as `next` of the page before said.
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A revocation that is due later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduledView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    pub serial: String,
    /// When it is due.
    pub due: String,
    /// Why.
    pub reason: String,
    /// Who asked for it: an operator, or `process:replacement` for what was replaced.
    pub asked: MarkView,
    /// Whether it holds only while another certificate is in its place.
    pub if_replaced: bool,
}

/// Some of them and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SchedulePage {
    /// Those that are due first in front.
    pub scheduled: Vec<ScheduledView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// One that was taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelledView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    pub serial: String,
}

/// An authority by whose certificates somebody is let in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrustedView {
    /// Its key, 40 hexadecimal digits.
    pub key: String,
    /// Its distinguished name; empty for one that the configuration does not name any more.
    pub subject: String,
    /// For whom it vouches.
    pub vouches_for: Vec<String>,
    /// Who shut it out, if it is.
    pub blocked: Option<MarkView>,
    /// Why.
    pub why: Option<String>,
    /// Who asked for it to be let in again.
    pub unblock_asked: Option<MarkView>,
}

/// An authority that is to be shut out, or all of a manufacturer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockText {
    /// Its key.
    pub key: Option<String>,
    /// The manufacturer.
    pub manufacturer: Option<String>,
    /// Why.
    pub why: String,
}

/// An authority that is to be let in again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnblockText {
    /// Its key.
    pub key: String,
}
