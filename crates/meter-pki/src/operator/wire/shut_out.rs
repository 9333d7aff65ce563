//! Revocations that are due later, and authorities that are shut out, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::MarkView;
use super::words::{AuthorityName, KeyName, ReasonWord, SchedulePlace, Serial, TenantId, TimeText, WhyText};

/// A revocation that is to be due later.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// The reason as RFC 5280 names it.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
    /// Since when the key is suspected.
    #[schema(value_type = Option<TimeText>)]
    pub invalidity_date: Option<String>,
    /// When it is due.
    #[schema(value_type = TimeText)]
    pub at: String,
}

/// Which of them to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleQueryText {
    /// Only those after this place, as `next` of the page before said.
    #[schema(value_type = Option<SchedulePlace>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A revocation that is due later.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ScheduledView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// When it is due.
    #[schema(value_type = TimeText)]
    pub due: String,
    /// Why.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
    /// Who asked for it: an operator, or `process:replacement` for what was replaced.
    pub asked: MarkView,
    /// Whether it holds only while another certificate is in its place.
    pub if_replaced: bool,
}

/// Some of them and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchedulePage {
    /// Those that are due first in front.
    pub scheduled: Vec<ScheduledView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// One that was taken back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CancelledView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
}

/// An authority by whose certificates somebody is let in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrustedView {
    /// Its key, 40 hexadecimal digits.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// Its distinguished name; empty for one that the configuration does not name any more.
    pub subject: String,
    /// For whom it vouches.
    pub vouches_for: Vec<String>,
    /// Who shut it out, if it is.
    pub blocked: Option<MarkView>,
    /// Why.
    #[schema(value_type = Option<WhyText>)]
    pub why: Option<String>,
    /// Who asked for it to be let in again.
    pub unblock_asked: Option<MarkView>,
}

/// An authority that is to be shut out, or all of a manufacturer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockText {
    /// Its key.
    #[schema(value_type = Option<KeyName>)]
    pub key: Option<String>,
    /// The manufacturer.
    #[schema(value_type = Option<TenantId>)]
    pub manufacturer: Option<String>,
    /// Why.
    #[schema(value_type = WhyText)]
    pub why: String,
}

/// An authority that is to be let in again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnblockText {
    /// Its key.
    #[schema(value_type = KeyName)]
    pub key: String,
}
