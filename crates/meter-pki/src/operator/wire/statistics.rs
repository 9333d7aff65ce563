//! Statistics as JSON: certificates by days, devices by how far they are swapped, how long CRLs were, how long signatures took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{
    AuthorityName, CrlKindWord, DateText, DeviceFieldWord, GridPlace, KeyName, SeriesWord, SpanWord,
    TenantId, TimeText,
};

/// Which certificates to count by their ends.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpiryQueryText {
    /// The first day; today unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub from: Option<String>,
    /// The day behind the last; two years after the first unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub until: Option<String>,
    /// `day`, `week` or `month`, which is usual.
    #[schema(value_type = Option<SpanWord>)]
    pub by: Option<String>,
    /// By what each span is parted: `issuer`, which is usual, or `hierarchy`.
    #[schema(value_type = Option<SeriesWord>)]
    pub series: Option<String>,
    /// Only what this authority issued.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// Only what is this tenant's.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
}

/// Which certificates to show in a calendar by their ends.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarQueryText {
    /// The first day; today unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub from: Option<String>,
    /// The day behind the last; two years after the first unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub until: Option<String>,
    /// Only what this authority issued.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// Only what is this tenant's.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
}

impl CalendarQueryText {
    /// Returns what is asked for by that: counts by days.
    pub(crate) fn by_days(self) -> ExpiryQueryText {
        let Self { from, until, issuer, tenant } = self;
        ExpiryQueryText { from, until, by: Some("day".to_owned()), series: None, issuer, tenant }
    }
}

/// When to count what was issued and revoked.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IssuanceQueryText {
    /// The first day; thirty days before the last unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub from: Option<String>,
    /// The day behind the last; tomorrow unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub until: Option<String>,
    /// `day`, which is usual, `week` or `month`.
    #[schema(value_type = Option<SpanWord>)]
    pub by: Option<String>,
    /// Only what this authority issued.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// Only what is this tenant's.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
}

/// By what devices are counted.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SwapQueryText {
    /// The owner.
    #[schema(value_type = TenantId, required = true)]
    pub tenant: String,
    /// A field such as `region`; `manufacturer` unless it is said.
    #[schema(value_type = Option<DeviceFieldWord>)]
    pub by: Option<String>,
}

/// Which CRLs to tell of.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CrlSizeQueryText {
    /// The first day; thirty days before the last unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub from: Option<String>,
    /// The day behind the last; tomorrow unless it is said.
    #[schema(value_type = Option<DateText>)]
    pub until: Option<String>,
    /// Only those of this authority.
    #[schema(value_type = Option<AuthorityName>)]
    pub authority: Option<String>,
    /// Those of this shard, instead of those of all certificates.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
}

/// How many certificates end in a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpirySpanView {
    /// The first day.
    #[schema(value_type = DateText)]
    pub from: String,
    /// The day behind the last.
    #[schema(value_type = DateText)]
    pub until: String,
    /// How many that are neither revoked nor on hold.
    pub good: u64,
    /// How many of them by issuer or hierarchy, where there are any.
    pub by: BTreeMap<String, u64>,
}

/// How many certificates end when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpiriesView {
    /// `day`, `week` or `month`.
    #[schema(value_type = SpanWord)]
    pub span: String,
    /// `issuer` or `hierarchy`.
    #[schema(value_type = SeriesWord)]
    pub series: String,
    /// How many in all spans.
    pub good: u64,
    /// How many good ones have no well-defined end (RFC 5280 §4.1.2.5), and are in no span.
    pub endless: u64,
    /// The spans, in order, with those in which none ends.
    pub spans: Vec<ExpirySpanView>,
}

/// How many certificates were issued and revoked in a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuanceSpanView {
    /// The first day.
    #[schema(value_type = DateText)]
    pub from: String,
    /// The day behind the last.
    #[schema(value_type = DateText)]
    pub until: String,
    /// How many were issued.
    pub issued: u64,
    /// How many were revoked for good, those too of which nobody knows whether they exist.
    pub revoked: u64,
    /// How many were issued by each authority that issued any.
    pub issued_by: BTreeMap<String, u64>,
    /// How many of each authority were revoked, where there are any.
    pub revoked_of: BTreeMap<String, u64>,
}

/// How many certificates were issued and revoked when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuanceView {
    /// `day`, `week` or `month`.
    #[schema(value_type = SpanWord)]
    pub span: String,
    /// How many were issued in all.
    pub issued: u64,
    /// How many were revoked in all.
    pub revoked: u64,
    /// The spans, in order, with those in which nothing was done.
    pub spans: Vec<IssuanceSpanView>,
}

/// How far the devices are that have one text in the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SwapCountView {
    /// The text; empty where it is not known.
    pub value: String,
    /// How many devices.
    pub total: u64,
    /// How many are swapped: `operational`, they have an operational certificate and their factory certificates are superseded.
    pub swapped: u64,
    /// How many are on their way: `claimed`.
    pub under_way: u64,
    /// How many have their factory certificates alone: `manufactured`, `shipped`, `expected`.
    pub factory: u64,
    /// How many are out of service: `suspended`, `retired`.
    pub out_of_service: u64,
}

/// How far an owner's devices are swapped. Which are stuck, campaigns tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SwapsView {
    /// The owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// The field.
    #[schema(value_type = DeviceFieldWord)]
    pub by: String,
    /// The texts, in order.
    pub texts: Vec<SwapCountView>,
}

/// How long a CRL was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CrlSizeView {
    /// Its number.
    pub number: u64,
    /// Its thisUpdate.
    #[schema(value_type = TimeText)]
    pub this_update: String,
    /// How many octets of DER.
    pub octets: u64,
    /// How many entries.
    pub entries: u64,
}

/// How long the CRLs of a line were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CrlLineView {
    /// The authority.
    pub authority: String,
    /// The shard; absent for the CRLs of all certificates.
    pub shard: Option<String>,
    /// `complete` or `delta`.
    #[schema(value_type = CrlKindWord)]
    pub kind: String,
    /// How many CRLs there are in this time.
    pub crls: u64,
    /// They, in the order of their numbers; of more than 400 so many, spread over all, the last among them.
    pub sizes: Vec<CrlSizeView>,
}

/// How long CRLs were, as the ledger has it of each that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CrlSizesView {
    /// The first day.
    #[schema(value_type = DateText)]
    pub from: String,
    /// The day behind the last.
    #[schema(value_type = DateText)]
    pub until: String,
    /// The lines that have any.
    pub lines: Vec<CrlLineView>,
}

/// How long the signatures of a key took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyPaceView {
    /// The key's name.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// The authority whose key it is; absent for others, such as those of OCSP.
    pub authority: Option<String>,
    /// How many signatures.
    pub signatures: u64,
    /// How long one took in the mean, in microseconds, from the call to the answer.
    pub mean_microseconds: u64,
    /// How many took at most as long as each of `at_most_microseconds` says and longer than the one before; the last, how many took
    /// longer.
    pub counts: Vec<u64>,
}

/// How long signatures took that this process asked for since it was started, CRLs of more than 4,096 octets left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SigningView {
    /// The upper bounds of the counts, in microseconds, ascending.
    pub at_most_microseconds: Vec<u64>,
    /// The keys that signed.
    pub keys: Vec<KeyPaceView>,
}
