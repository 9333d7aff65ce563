//! Deliveries as JSON: opening one, its parts, closing it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fleet::{RefusedDeviceView, SecretText};
use super::words::{Base64Text, Sha256, ShortText, SourceWord, TenantId, TimeText};

/// A delivery that is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryText {
    /// Whose devices they become.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Who made them.
    #[schema(value_type = TenantId)]
    pub manufacturer: String,
    /// `manifest` or `mapped`.
    #[schema(value_type = SourceWord)]
    pub source: String,
    /// SHA-256 of the whole file, 64 hexadecimal digits.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// Its batch.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// How many devices its file says it has.
    pub announced: u64,
    /// Of a manifest: its signed header, base64 of DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Base64Text>)]
    pub header: Option<String>,
    /// Of a file that a map reads: SHA-256 of the map, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sha256>)]
    pub map: Option<String>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// SHA-256 of the whole file.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// Whose devices they become.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Who made them.
    #[schema(value_type = TenantId)]
    pub manufacturer: String,
    /// `manifest` or `mapped`.
    #[schema(value_type = SourceWord)]
    pub source: String,
    /// Its batch.
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// SHA-256 of what it is read by: the signed header of a manifest, or the map of a file.
    #[schema(value_type = Option<Sha256>)]
    pub basis: Option<String>,
    /// How many devices were announced.
    pub announced: u64,
    /// How many came.
    pub received: u64,
    /// How many were put on the list or described anew.
    pub imported: u64,
    /// How many stood there with the same content.
    pub unchanged: u64,
    /// How many were refused.
    pub refused: u64,
    /// The number of the part that is to come.
    pub next_part: u32,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    #[schema(value_type = TimeText)]
    pub opened_at: String,
    /// Whether it is closed.
    pub closed: bool,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    #[schema(value_type = Option<TimeText>)]
    pub closed_at: Option<String>,
}

/// Deliveries, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<DeliveryView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryQueryText {
    /// Only those after this digest.
    #[schema(value_type = Option<Sha256>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A device of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveredDeviceText {
    /// Its system title.
    pub system_title: String,
    /// The manufacturer's own number.
    #[serde(default)]
    pub serial_number: String,
    /// Model.
    #[serde(default)]
    pub model: String,
    /// Firmware.
    #[serde(default)]
    pub firmware: String,
    /// Batch; that of the delivery when it is empty.
    #[serde(default)]
    pub batch: String,
    /// Region of the grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Data concentrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concentrator: Option<String>,
    /// Its factory certificates, base64 of DER each; those of CAs above it may come along.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// Its wrapped secrets.
    #[serde(default)]
    pub secrets: Vec<SecretText>,
}

/// A part of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryPartText {
    /// Its number, from 0.
    pub part: u32,
    /// Its devices, up to 1,000; of a manifest none: there the records tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub devices: Vec<DeliveredDeviceText>,
    /// Of a manifest: the records of a chunk, and what proves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareText>,
}

/// Records of a manifest, as the manufacturer signed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareText {
    /// The signed header, base64 of DER.
    #[schema(value_type = Base64Text)]
    pub header: String,
    /// The records, base64 of DER each, in their order.
    #[schema(value_type = Vec<Base64Text>, min_items = 1, max_items = 1000)]
    pub records: Vec<String>,
    /// The place of the first of them in the manifest, from 0.
    pub first: u64,
    /// The right edge of the tree before them: SHA-256 each, the largest subtree first.
    #[schema(value_type = Vec<Sha256>)]
    pub before: Vec<String>,
    /// That the tree which ends with them is the beginning of the one that was signed (RFC 9162 §2.1.4).
    #[schema(value_type = Vec<Sha256>)]
    pub consistency: Vec<String>,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryPartView {
    /// Its number.
    pub part: u32,
    /// How many were put on the list or described anew.
    pub added: u64,
    /// How many stood there with the same content.
    pub unchanged: u64,
    /// What was not taken in.
    pub refused: Vec<RefusedDeviceView>,
}

/// That a delivery is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryCloseText {
    /// An operator accepts that more or fewer devices came than were announced.
    pub accept_count: bool,
}

/// What a delivery came to: of [`DeliveryView`] what an import tells at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TotalsView {
    /// How many devices were announced.
    pub announced: u64,
    /// How many came.
    pub received: u64,
    /// How many were put on the list or described anew.
    pub imported: u64,
    /// How many stood there with the same content.
    pub unchanged: u64,
    /// How many were not taken in.
    pub refused: u64,
}

impl From<&DeliveryView> for TotalsView {
    fn from(view: &DeliveryView) -> Self {
        let DeliveryView { announced, received, imported, unchanged, refused, .. } = *view;
        Self { announced, received, imported, unchanged, refused }
    }
}

/// What a server that plays in a test says of a delivery.
#[cfg(test)]
pub(crate) fn played(opened: &DeliveryText, next_part: u32, (received, refused): (u64, u64)) -> DeliveryView {
    let DeliveryText { tenant, manufacturer, source, digest, batch, announced, header: _, map } =
        opened.clone();
    DeliveryView {
        digest,
        tenant,
        manufacturer,
        source,
        batch,
        basis: map,
        announced,
        received,
        imported: received - refused,
        unchanged: 0,
        refused,
        next_part,
        opened_by: "operator:user-1".to_owned(),
        opened_at: "2026-11-21T00:00:00Z".to_owned(),
        closed: false,
        closed_by: None,
        closed_at: None,
    }
}
