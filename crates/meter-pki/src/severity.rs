//! How bad something is that is told of the PKI; one scale for whoever finds it and whoever tells it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// It could not be judged; the sentence says why.
    NotChecked,
    /// To be known; nothing need be done today.
    Notice,
    /// Something will fail, or protects less than it should.
    Warning,
    /// Something does not work, or devices and relying parties are misled.
    Fault,
}

impl Severity {
    /// The word in reports.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Notice => "notice",
            Self::Warning => "WARNING",
            Self::Fault => "FAULT",
        }
    }
}
