//! What head-ends exported from meters, and how it differs from the records, as JSON.

use serde::{Deserialize, Serialize};

/// What one meter showed for one purpose.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedText {
    /// The meter.
    pub system_title: String,
    /// `signature`, `key-agreement` or `tls`.
    pub purpose: String,
    /// The certificate, base64 of its DER.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Or the SHA-256 of its DER, 64 hexadecimal digits.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What is to be compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationText {
    /// The owner.
    pub tenant: String,
    /// What the meters showed, up to 1,000.
    #[serde(default)]
    pub exported: Vec<ExportedText>,
    /// System titles of which the whole export says nothing, up to 1,000.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// A difference.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DifferenceView {
    /// The meter.
    pub system_title: String,
    /// For which purpose.
    pub purpose: String,
    /// The stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The serial number of the certificate that the meter shows, where it is known.
    pub serial: Option<String>,
}
