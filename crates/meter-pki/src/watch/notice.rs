//! What is told, as JSON, as a mail, and as one line.

use ca_core::validity::UnixTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alarm::{Change, Turn};
use crate::doctor::Severity;
use crate::operator::wire::words::TimeText;

/// A notice: what turned, and what to do. Its id is the same however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Notice {
    /// 32 hexadecimal digits; whoever gets one twice has to act once.
    pub(crate) id: String,
    /// Of which installation.
    pub(crate) installation: String,
    /// What became of the alarm.
    pub(crate) turn: Turn,
    /// The name of the check.
    pub(crate) check: String,
    pub(crate) severity: Severity,
    /// One sentence for each thing found.
    pub(crate) says: Vec<String>,
    /// What to type, or to do, next.
    pub(crate) next: Vec<String>,
    /// Since when the alarm stands, UTC (RFC 3339).
    #[schema(value_type = TimeText)]
    pub(crate) since: String,
    /// When this was found, UTC (RFC 3339).
    #[schema(value_type = TimeText)]
    pub(crate) at: String,
}

impl Notice {
    /// Makes a notice of a change.
    pub(crate) fn new(id: String, installation: String, change: Change) -> Self {
        let Change { turn, check, severity, says, next, since, at } = change;
        let [since, at] = [since, at].map(|seconds| UnixTime::from_seconds(seconds).to_string());
        Self { id, installation, turn, check, severity, says, next, since, at }
    }

    /// One line: what a mail is about, and what a log has.
    pub(crate) fn headline(&self) -> String {
        let first = self.says.first().map_or("", String::as_str);
        let more = match self.says.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count.saturating_sub(1)),
        };
        let Self { installation, turn, severity, check, .. } = self;
        let line = format!("{installation}: {} {check} {}: {first}{more}", severity.word(), turn.word());
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// What a mail says.
    pub(crate) fn text(&self) -> String {
        let says: String = self.says.iter().map(|says| format!("{says}\n")).collect();
        let next: String = self.next.iter().map(|next| format!("next: {next}\n")).collect();
        let Self { installation, turn, check, since, at, id, .. } = self;
        format!(
            "{says}\n{next}\ninstallation  {installation}\ncheck         {check}\nturn          {}\nsince         {since}\n\
             found         {at}\nid            {id}\n",
            turn.word()
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::watch) fn notice() -> Notice {
        let change = Change {
            turn: Turn::Raised,
            check: "doctor.crl.late".to_owned(),
            severity: Severity::Fault,
            says: vec!["the CRL of CN=Grid is late".to_owned(), "so is another".to_owned()],
            next: vec!["meter-pki crl publish".to_owned()],
            since: 1_800_000_000,
            at: 1_800_000_060,
        };
        Notice::new("00112233445566778899aabbccddeeff".to_owned(), "grid".to_owned(), change)
    }

    #[test]
    fn a_mail_says_what_happened_and_what_to_type() {
        let notice = notice();
        assert_eq!(
            notice.headline(),
            "grid: FAULT doctor.crl.late raised: the CRL of CN=Grid is late (and 1 more)"
        );
        let text = notice.text();
        assert!(
            text.starts_with("the CRL of CN=Grid is late\nso is another\n\nnext: meter-pki crl publish\n")
        );
        assert!(text.contains("\nsince         2027-01-15T08:00:00Z\n"), "{text}");
        assert!(text.ends_with("id            00112233445566778899aabbccddeeff\n"));
    }

    #[test]
    fn a_hostile_name_ends_no_line() {
        let mut notice = notice();
        notice.says = vec!["CN=a\r\nBcc: everybody".to_owned()];
        assert!(!notice.headline().contains(['\r', '\n']));
    }

    #[test]
    fn as_json_it_has_words() {
        let json = serde_json::to_value(notice()).unwrap();
        assert_eq!((json["turn"].as_str(), json["severity"].as_str()), (Some("raised"), Some("fault")));
    }
}
