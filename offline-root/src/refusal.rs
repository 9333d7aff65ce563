//! How the refusals of ca-core are told to the operator of a ceremony, who sees everything: every finding, every cause.

use core::error::Error;

use ca_core::fault::Fault;
use ca_core::issuance::IssueError;

use crate::explain::Exit;
use crate::second_opinion::is_incident;

/// How the program ends, by whose fault it is.
pub(crate) const fn exit_of_fault(fault: Fault) -> Exit {
    match fault {
        Fault::Requester => Exit::Refused,
        Fault::Conflict => Exit::Conflict,
        Fault::Unavailable => Exit::Unavailable,
        Fault::Ours => Exit::Integrity,
    }
}

/// How the program ends when nothing was issued.
pub(crate) fn exit_of_issue(error: &IssueError) -> Exit {
    match error {
        error if is_quarantined(error) => Exit::Integrity,
        // Online these are alarms; here they are the rules doing their work before anything is signed.
        IssueError::NotLinted { .. }
        | IssueError::WindowClosed { .. }
        | IssueError::ValidityExceedsIssuer { .. } => Exit::Refused,
        IssueError::NotAdmitted(_)
        | IssueError::NotProven(_)
        | IssueError::ValidityOutsideProfile { .. }
        | IssueError::NotDrafted(_)
        | IssueError::Conflict(_)
        | IssueError::NoFreeSerialNumber
        | IssueError::NotSigned(_)
        | IssueError::Altered
        | IssueError::Unavailable(_) => exit_of_fault(error.fault()),
    }
}

/// The stable reason code of an error of issuance; case R-11 has one of its own.
pub(crate) fn code_of_issue(error: &IssueError) -> &'static str {
    if is_quarantined(error) { INCIDENT } else { error.code() }
}

/// Case R-11: something was signed that must not be, or not what was recorded.
fn is_quarantined(error: &IssueError) -> bool {
    matches!(error, IssueError::Altered)
        || matches!(error, IssueError::NotSigned(failure) if is_incident(failure))
}

/// The reason code when something was signed that must not be.
pub(crate) const INCIDENT: &str = "incident.quarantined";

/// Writes an error of issuance with all that is behind it.
pub(crate) fn sentence_of(error: &IssueError) -> String {
    if let IssueError::NotLinted { findings } = error {
        let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        return format!(
            "the drafted certificate breaks rules, so nothing was signed: {}",
            findings.join("; ")
        );
    }
    sentence(error)
}

/// Writes an error with its causes, unless it says them itself.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ca_core::lint::Finding;
    use ca_core::ports::Unavailable;

    #[test]
    fn tells_every_finding() {
        let finding =
            |rule| Finding { rule, citation: "RFC 5280 §4", what: "something is wrong".to_owned() };
        let error = IssueError::NotLinted { findings: vec![finding("one"), finding("two")] };
        let text = sentence_of(&error);
        assert!(text.contains("one: something is wrong (RFC 5280 §4); two:"), "{text}");
        assert_eq!(exit_of_issue(&error), Exit::Refused);
    }

    #[test]
    fn tells_a_cause_once() {
        let error = Unavailable { port: "ledger", cause: "the disk is full".into() };
        assert_eq!(sentence(&error), "the ledger is unavailable: the disk is full");
    }
}
