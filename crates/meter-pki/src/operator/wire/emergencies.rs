//! Emergencies as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::MarkView;
use super::words::{EmergencyWord, PersonId, RoleWord, TimeText, WhyText};

/// Somebody asks for a role.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskText {
    /// Which.
    #[schema(value_type = RoleWord)]
    pub role: String,
    /// Why: 1 to 200 printable characters.
    #[schema(value_type = WhyText)]
    pub reason: String,
    /// For how many hours; as many as are configured unless given.
    pub hours: Option<u8>,
}

/// Somebody has looked at one that is over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewText {
    /// What he found: 1 to 200 printable characters.
    #[schema(value_type = WhyText)]
    pub finding: String,
}

/// Somebody's emergencies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EmergenciesView {
    /// Whose.
    #[schema(value_type = PersonId)]
    pub person: String,
    /// Each of them, the newest in front: who agrees, ends or reviews does so with the one that stands so.
    pub emergencies: Vec<EmergencyView>,
}

/// An emergency.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EmergencyView {
    /// Whose.
    #[schema(value_type = PersonId)]
    pub person: String,
    /// Which role.
    #[schema(value_type = RoleWord)]
    pub role: String,
    /// Why.
    #[schema(value_type = WhyText)]
    pub reason: String,
    /// For how many seconds.
    pub seconds: u32,
    /// `asked`, `open`, `lapsed`, `unreviewed` or `reviewed`.
    #[schema(value_type = EmergencyWord)]
    pub state: String,
    /// When he asked.
    pub asked: MarkView,
    /// Who agreed, and when.
    pub agreed: Option<MarkView>,
    /// Its last second, once somebody agreed.
    #[schema(value_type = Option<TimeText>)]
    pub until: Option<String>,
    /// Who ended it, or put its end on record.
    pub ended: Option<MarkView>,
    /// Until when it is to be reviewed.
    #[schema(value_type = Option<TimeText>)]
    pub review_due: Option<String>,
    /// Whether that time is over.
    pub overdue: bool,
    /// Who reviewed it.
    pub reviewed: Option<MarkView>,
    /// What he found.
    #[schema(value_type = Option<WhyText>)]
    pub finding: Option<String>,
}
