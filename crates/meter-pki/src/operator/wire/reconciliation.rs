//! What head-ends exported from meters, and how it differs from the records, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{Base64Text, PurposeWord, ReasonText, Serial, Sha256, SystemTitle, TenantId};

/// What one meter showed for one purpose.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedText {
    /// The meter.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// `signature`, `key-agreement` or `tls`.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The certificate, base64 of its DER.
    #[serde(default)]
    #[schema(value_type = Option<Base64Text>)]
    pub certificate: Option<String>,
    /// Or the SHA-256 of its DER, 64 hexadecimal digits.
    #[serde(default)]
    #[schema(value_type = Option<Sha256>)]
    pub sha256: Option<String>,
}

/// What is to be compared.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationText {
    /// The owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// What the meters showed, up to 1,000.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub exported: Vec<ExportedText>,
    /// System titles of which the whole export says nothing, up to 1,000.
    #[serde(default)]
    #[schema(value_type = Vec<SystemTitle>, max_items = 1000)]
    pub missing: Vec<String>,
}

/// A difference.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DifferenceView {
    /// The meter.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// For which purpose.
    pub purpose: String,
    /// The stable code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The serial number of the certificate that the meter shows, where it is known.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
}
