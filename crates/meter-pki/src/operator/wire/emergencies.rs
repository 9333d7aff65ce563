//! Emergencies as JSON.

use serde::{Deserialize, Serialize};

use super::requests::MarkView;

/// Somebody asks for a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskText {
    /// Which.
    pub role: String,
    /// Why: 1 to 200 printable characters.
    pub reason: String,
    /// For how many hours; as many as are configured unless given.
    pub hours: Option<u8>,
}

/// Somebody has looked at one that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewText {
    /// What he found: 1 to 200 printable characters.
    pub finding: String,
}

/// An emergency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EmergencyView {
    /// Whose.
    pub person: String,
    /// Which role.
    pub role: String,
    /// Why.
    pub reason: String,
    /// For how many seconds.
    pub seconds: u32,
    /// `asked`, `open`, `lapsed`, `unreviewed` or `reviewed`.
    pub state: String,
    /// When he asked.
    pub asked: MarkView,
    /// Who agreed, and when.
    pub agreed: Option<MarkView>,
    /// Its last second, once somebody agreed.
    pub until: Option<String>,
    /// Who ended it, or put its end on record.
    pub ended: Option<MarkView>,
    /// Until when it is to be reviewed.
    pub review_due: Option<String>,
    /// Whether that time is over.
    pub overdue: bool,
    /// Who reviewed it.
    pub reviewed: Option<MarkView>,
    /// What he found.
    pub finding: Option<String>,
}
