//! Production orders and what is issued under them, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::MarkView;
use super::words::{
    Base64Text, ProductionName, ProductionNowWord, ProductionWord, ProfileName, PurposeWord, ReasonText,
    ReasonWord, Serial, ShortText, SystemTitle, TenantId, TimeText, WhyText,
};

/// A production order that is to be opened. It names its titles in ranges or one by one, not both.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductionText {
    /// Its name: 1 to 48 letters, digits, `.`, `_` and `-`.
    #[schema(value_type = ProductionName)]
    pub id: String,
    /// The manufacturer.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// How many devices.
    pub ordered: u64,
    /// The profile of each certificate that a device gets, one for each purpose.
    #[schema(value_type = Vec<ProfileName>)]
    pub profiles: Vec<String>,
    /// Ranges of system titles, both ends included.
    #[serde(default)]
    pub ranges: Vec<TitleRange>,
    /// System titles.
    #[serde(default)]
    #[schema(value_type = Vec<SystemTitle>)]
    pub system_titles: Vec<String>,
    /// Model.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub model: String,
    /// Firmware version at delivery.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub firmware: String,
    /// Delivery batch.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// For whom they are made.
    #[schema(value_type = Option<TenantId>)]
    pub customer: Option<String>,
    /// The registration authorities that work on it.
    #[serde(default)]
    pub stations: Vec<String>,
    /// The last second in which it is open.
    #[schema(value_type = TimeText)]
    pub until: String,
}

/// A range of system titles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TitleRange {
    /// The first.
    #[schema(value_type = SystemTitle)]
    pub first: String,
    /// The last.
    #[schema(value_type = SystemTitle)]
    pub last: String,
}

/// A production order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductionView {
    /// Its name.
    #[schema(value_type = ProductionName)]
    pub id: String,
    /// The manufacturer.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// `open`, `expired`, `closed` or `cancelled`.
    #[schema(value_type = ProductionNowWord)]
    pub state: String,
    /// How many devices were ordered.
    pub ordered: u64,
    /// How many have a place.
    pub places: u64,
    /// How many have all their certificates.
    pub complete: u64,
    /// How many certificates are being made at this moment.
    pub under_way: u64,
    /// How many devices were scrapped.
    pub scrapped: u64,
    /// How many of those ordered are not complete.
    pub missing: u64,
    /// What each device gets.
    pub certificates: Vec<OrderedCertificateView>,
    /// The ranges of its titles.
    pub ranges: Vec<TitleRange>,
    /// How many titles are on its list; 0 where it has ranges.
    pub listed: u64,
    /// Model.
    #[schema(value_type = ShortText)]
    pub model: String,
    /// Firmware version.
    #[schema(value_type = ShortText)]
    pub firmware: String,
    /// Delivery batch.
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// For whom.
    #[schema(value_type = Option<TenantId>)]
    pub customer: Option<String>,
    /// The registration authorities that work on it.
    pub stations: Vec<String>,
    /// The last second in which it is open.
    #[schema(value_type = TimeText)]
    pub until: String,
    /// Who opened it.
    pub opened: MarkView,
    /// Who ended it.
    pub ended: Option<MarkView>,
    /// Why it was cancelled.
    #[schema(value_type = Option<WhyText>)]
    pub reason: Option<String>,
}

/// A certificate that every device of an order gets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OrderedCertificateView {
    /// `signature`, `key-agreement` or `tls`.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// Its profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
}

/// Which production orders to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductionQueryText {
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only of this state: `open`, `closed` or `cancelled`.
    #[schema(value_type = Option<ProductionWord>)]
    pub state: Option<String>,
    /// Only those after this one, as `next` of the page before said.
    #[schema(value_type = Option<ProductionName>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some production orders and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProductionPage {
    /// The orders, by their names.
    pub orders: Vec<ProductionView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// How an order is to end.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductionEndText {
    /// Why it is cancelled; absent when it is closed.
    #[schema(value_type = Option<WhyText>)]
    pub cancelled_for: Option<String>,
}

/// A device that is to be scrapped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScrapText {
    /// The device.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// Why its certificates are revoked, as RFC 5280 names it.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
}

/// A device that was scrapped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ScrapView {
    /// The device.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The serial numbers that were revoked now.
    #[schema(value_type = Vec<Serial>)]
    pub revoked: Vec<String>,
    /// The order as it stands then.
    pub order: ProductionView,
}

/// Requests of a line, at most 1,000.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequests {
    /// The requests.
    #[schema(max_items = 1000)]
    pub requests: Vec<LineRequest>,
}

/// One request of a line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequest {
    /// The device that it must be for.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// What its key is for: `signature`, `key-agreement` or `tls`. The request itself does not say.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The certification request (PKCS#10), DER in base64.
    pub request: String,
}

/// The answers to requests of a line, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LineAnswers {
    /// The answers.
    pub answers: Vec<LineAnswer>,
}

/// The answer to one request: a certificate, or why there is none.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LineAnswer {
    /// The certificate, DER in base64.
    #[schema(value_type = Option<Base64Text>)]
    pub certificate: Option<String>,
    /// Whether it had been made before for the same request.
    pub repeated: bool,
    /// The stable reason code of a refusal.
    #[schema(value_type = Option<ReasonText>)]
    pub code: Option<String>,
    /// What happened, in one sentence.
    pub message: Option<String>,
    /// Whether the same request may be granted when it comes again.
    pub again: bool,
}

/// Which devices of an order to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProducedQueryText {
    /// Only those after this system title.
    #[schema(value_type = Option<SystemTitle>)]
    pub after: Option<String>,
    /// How many titles to look at, up to 1,000.
    pub limit: u32,
}

/// Some devices of an order and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProducedPage {
    /// The devices, by their titles.
    pub devices: Vec<ProducedView>,
    /// `after` of the next page; absent on the last.
    #[schema(value_type = Option<SystemTitle>)]
    pub next: Option<String>,
}

/// A device of an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProducedView {
    /// Its system title.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// Whether it has a good certificate for each purpose of the order.
    pub complete: bool,
    /// How often it was scrapped.
    pub scrapped: u32,
    /// Its certificates.
    pub certificates: Vec<ProducedCertificateView>,
}

/// A certificate of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProducedCertificateView {
    /// What its key is for.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// `good`, `on-hold`, `revoked` or `pending`.
    pub status: String,
    /// The certificate, DER in base64; absent while it is being made.
    #[schema(value_type = Option<Base64Text>)]
    pub certificate: Option<String>,
}
