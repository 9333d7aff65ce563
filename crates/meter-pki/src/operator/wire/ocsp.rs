//! Answers of OCSP that are prepared ahead, as they pass the operator's socket.

use serde::{Deserialize, Serialize};

/// Which certificates of an authority to prepare answers for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreparationText {
    /// The name of the authority.
    pub authority: String,
    /// The serial numbers, at most [`Self::MOST`].
    pub serials: Vec<String>,
}

impl PreparationText {
    /// How many certificates are answered for at once.
    pub const MOST: usize = 100;
}

/// The answers for one certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PreparedView {
    /// Its serial number.
    pub serial: String,
    /// `good` or `revoked`.
    pub status: String,
    /// thisUpdate.
    pub this_update: String,
    /// nextUpdate.
    pub next_update: String,
    /// One for each form of the request.
    pub answers: Vec<AnswerView>,
}

/// A request and its answer, each DER in base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerView {
    /// The request.
    pub request: String,
    /// The signed response.
    pub response: String,
}
