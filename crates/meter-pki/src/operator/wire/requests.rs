//! Requests that wait for approval, as JSON.

use serde::{Deserialize, Serialize};

/// Which requests to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct RequestQueryText {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only those of this state: `waiting`, `approved`, `refused`, `answered` or `expired`.
    pub state: Option<String>,
    /// Only those after this place, as `next` of the page before said.
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A request that waits or waited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestView {
    /// SHA-256 over all that is approved, 64 hexadecimal digits; the first 8 or more name it as well.
    pub id: String,
    /// `waiting`, `approved`, `refused`, `answered` or `expired`.
    pub state: String,
    /// The name of the authority that would issue.
    pub authority: String,
    /// Its owner.
    pub tenant: String,
    /// The profile.
    pub profile: String,
    /// That profile's version.
    pub profile_version: u32,
    /// The subject.
    pub subject: String,
    /// Its alternative names.
    pub names: Vec<String>,
    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub key_sha256: String,
    /// Who asked, as audit records name it.
    pub requester: String,
    /// `first` or `again`.
    pub kind: String,
    /// How many different operators must approve.
    pub needed: u8,
    /// Who approved so far.
    pub approvals: Vec<MarkView>,
    /// Who refused.
    pub refused: Option<MarkView>,
    /// Why.
    pub reason: Option<String>,
    /// The serial number of the certificate that answers it.
    pub serial: Option<String>,
    /// When it was asked for.
    pub requested_at: String,
    /// Until when it can be decided and answered.
    pub expires_at: String,
}

/// Who decided, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MarkView {
    /// Who, as audit records name an operator.
    pub by: String,
    /// When.
    pub at: String,
}

/// Some requests and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestPage {
    /// The requests, those that end first in front.
    pub requests: Vec<RequestView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// What an operator decides of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionText {
    /// Why it is refused; absent when it is approved.
    pub refused_for: Option<String>,
}
