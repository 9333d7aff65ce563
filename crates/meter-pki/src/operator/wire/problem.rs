//! How a request failed, as JSON: a problem (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::ReasonText;
use crate::exit::{Exit, Failure};

/// What the identifiers of problems begin with; the reason code follows.
const KIND: &str = "urn:meter-pki:problem:";

/// How a request failed (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// What kind of problem it is: `urn:meter-pki:problem:` and the reason code.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    pub kind: String,
    /// What the status means, in a few words.
    pub title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, in one sentence.
    pub detail: String,
    /// The stable reason code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// What to do next; may be empty.
    pub next: String,
    /// The exit code that a command line ends with.
    #[schema(minimum = 1, maximum = 9)]
    pub exit: u8,
}

/// How a verb of the command line failed, as `--json` prints it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureView {
    /// The stable reason code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next; may be empty.
    pub next: String,
    /// The exit code that a command line ends with.
    #[schema(minimum = 1, maximum = 9)]
    pub exit: u8,
}

impl ProblemView {
    /// The media type of problems (RFC 9457 §3).
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Writes a failure as a problem with this status.
    #[must_use]
    pub fn new(failure: &Failure, status: u16) -> Self {
        Self {
            kind: format!("{KIND}{}", failure.code),
            title: title(failure.exit, status).to_owned(),
            status,
            detail: failure.message.clone(),
            code: failure.code.clone(),
            next: failure.next.clone(),
            exit: failure.exit.number(),
        }
    }

    /// Returns the failure that it tells of.
    pub(crate) fn failure(self) -> Failure {
        let exit = Exit::from_number(self.exit).unwrap_or(Exit::Failed);
        Failure { exit, code: self.code, message: self.detail, next: self.next }
    }
}

const fn title(exit: Exit, status: u16) -> &'static str {
    match exit {
        Exit::Failed => "It failed",
        Exit::Usage if status == 422 => "It cannot be done so",
        Exit::Usage => "The request is not made as it has to be",
        Exit::Partial => "Some of many failed",
        Exit::Refused => "Refused by policy",
        Exit::NotFound => "There is no such thing",
        Exit::Permission => "Who you are, or may do, does not suffice",
        Exit::Conflict => "At odds with what is on record, or done already",
        Exit::Unavailable => "Something cannot be reached now",
        Exit::Integrity => "Records do not agree",
    }
}
