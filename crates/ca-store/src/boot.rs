//! Which run of the machine a ledger was opened on, so that a start can tell a process that died from a machine that did.
//!
//! Says nothing of the machine's name. A copy of the ledger on another machine counts as another run.

use std::str;

/// One run of a machine, from power on to power off, by the UUID that its kernel draws for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootId(String);

impl BootId {
    /// Reads a UUID as `/proc/sys/kernel/random/boot_id` has it; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('\n');
        let sound = text.len() == 36 && text.bytes().all(|octet| octet == b'-' || octet.is_ascii_hexdigit());
        sound.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns what the row has.
    pub(crate) fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Reads the row; what is no UUID is no run that anybody is on.
    pub(crate) fn from_octets(octets: &[u8]) -> Option<Self> {
        Self::parse(str::from_utf8(octets).ok()?)
    }
}

/// What became of the machine since a ledger was opened before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Machine {
    /// It ran on: whatever the last process wrote is there.
    #[default]
    RanOn,
    /// It was started anew: what was written and not synced may be lost.
    StartedAnew,
    /// Nobody knows, which is treated as if it was started anew.
    Unknown,
}

impl Machine {
    /// Compares the run on which the ledger was opened before with the present one.
    pub(crate) fn since(before: Option<&BootId>, now: Option<&BootId>) -> Self {
        match (before, now) {
            (Some(before), Some(now)) if before == now => Self::RanOn,
            (Some(_), Some(_)) => Self::StartedAnew,
            (None, _) | (_, None) => Self::Unknown,
        }
    }

    /// Returns the words for it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::RanOn => "the machine ran on",
            Self::StartedAnew => "the machine was started anew",
            Self::Unknown => "whether the machine was started anew is not known",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes_and_nothing_else() {
        let text = "2f1d0a3c-6a2b-4c1e-9d7f-0123456789ab";
        let id = BootId::parse(&format!("{text}\n")).unwrap();
        assert_eq!(id.octets(), text.as_bytes());
        assert_eq!(BootId::parse(&text.to_uppercase()), Some(id));
        for other in
            ["", "\n", "unknown", text.trim_start_matches('2'), &format!("{text}0"), &text.replace('a', "g")]
        {
            assert_eq!(BootId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_run_that_is_not_known_is_never_the_same() {
        let id = BootId::parse("2f1d0a3c-6a2b-4c1e-9d7f-0123456789ab");
        let other = BootId::parse("3f1d0a3c-6a2b-4c1e-9d7f-0123456789ab");
        let since =
            |before: &Option<BootId>, now: &Option<BootId>| Machine::since(before.as_ref(), now.as_ref());
        assert_eq!(since(&id, &id), Machine::RanOn);
        assert_eq!(since(&id, &other), Machine::StartedAnew);
        assert_eq!([since(&None, &id), since(&id, &None), since(&None, &None)], [Machine::Unknown; 3]);
    }
}
