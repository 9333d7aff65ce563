//! Answers of OCSP that are prepared ahead, as they pass the operator's socket.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{AnsweredWord, AuthorityName, Base64Text, Serial, TimeText};

/// Which certificates of an authority to prepare answers for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreparationText {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub authority: String,
    /// The serial numbers, at most 100.
    #[schema(value_type = Vec<Serial>, max_items = 100)]
    pub serials: Vec<String>,
}

impl PreparationText {
    /// How many certificates are answered for at once.
    pub const MOST: usize = 100;
}

/// The answers for one certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PreparedView {
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// `good` or `revoked`.
    #[schema(value_type = AnsweredWord)]
    pub status: String,
    /// thisUpdate.
    #[schema(value_type = TimeText)]
    pub this_update: String,
    /// nextUpdate.
    #[schema(value_type = TimeText)]
    pub next_update: String,
    /// One for each form of the request.
    pub answers: Vec<AnswerView>,
}

/// A request and its answer, each DER in base64.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AnswerView {
    /// The request.
    #[schema(value_type = Base64Text)]
    pub request: String,
    /// The signed response.
    #[schema(value_type = Base64Text)]
    pub response: String,
}
