//! Requests that wait for approval, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{
    ProfileName, RequestKindWord, RequestPlace, RequestWord, Serial, Sha256, TenantId, TimeText, WhyText,
};

/// Which requests to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestQueryText {
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only those of this state: `waiting`, `approved`, `refused`, `answered` or `expired`.
    #[schema(value_type = Option<RequestWord>)]
    pub state: Option<String>,
    /// Only those after this place, as `next` of the page before said.
    #[schema(value_type = Option<RequestPlace>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A request that waits or waited.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RequestView {
    /// SHA-256 over all that is approved, 64 hexadecimal digits; the first 8 or more name it as well.
    #[schema(value_type = Sha256)]
    pub id: String,
    /// `waiting`, `approved`, `refused`, `answered` or `expired`.
    #[schema(value_type = RequestWord)]
    pub state: String,
    /// The name of the authority that would issue.
    pub authority: String,
    /// Its owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// That profile's version.
    pub profile_version: u32,
    /// The subject.
    pub subject: String,
    /// Its alternative names.
    pub names: Vec<String>,
    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    #[schema(value_type = Sha256)]
    pub key_sha256: String,
    /// Who asked, as audit records name it.
    pub requester: String,
    /// `first` or `again`.
    #[schema(value_type = RequestKindWord)]
    pub kind: String,
    /// How many different operators must approve.
    pub needed: u8,
    /// Who approved so far.
    pub approvals: Vec<MarkView>,
    /// Who refused.
    pub refused: Option<MarkView>,
    /// Why.
    #[schema(value_type = Option<WhyText>)]
    pub reason: Option<String>,
    /// The serial number of the certificate that answers it.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
    /// When it was asked for.
    #[schema(value_type = TimeText)]
    pub requested_at: String,
    /// Until when it can be decided and answered.
    #[schema(value_type = TimeText)]
    pub expires_at: String,
}

/// Who decided, and when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MarkView {
    /// Who, as audit records name an operator.
    pub by: String,
    /// When.
    #[schema(value_type = TimeText)]
    pub at: String,
}

/// Some requests and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RequestPage {
    /// The requests, those that end first in front.
    pub requests: Vec<RequestView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// What an operator decides of a request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionText {
    /// Why it is refused; absent when it is approved.
    #[schema(value_type = Option<WhyText>)]
    pub refused_for: Option<String>,
}
