//! Receipts: what a hand-held unit writes down of a visit, line by line, each bound to the one before; and what is wrong with
//! a log that comes back. Who signed it, and that the signature is good, is found out before.
//!
//! ```text
//! log    = header LF *(entry LF)
//! header = "meter-pki receipts 1; visit " name "; unit " title
//! entry  = number SP previous SP time SP title SP what
//! ```
//!
//! `number` counts from 1. `previous` is the SHA-256 of the line before without its LF, 64 small hexadecimal digits. `time` is such
//! as `2026-11-21T08:30:00Z`. `what` is 1 to 200 octets of printable characters.

use core::fmt;
use core::str::FromStr as _;

use der::DateTime;
use sha2::{Digest, Sha256};

use super::visit::Visit;
use crate::hexadecimal::hexadecimal;
use crate::system_title::SystemTitle;
use crate::validity::{UnixTime, Validity};

/// The most entries of one log.
pub const MAX_ENTRIES: usize = 4_000;

/// The longest text of what was done, in octets.
const MAX_WHAT: usize = 200;

/// The most faults that are named; more are as bad.
const MAX_FAULTS: usize = 100;

/// What the first line begins with.
const FORM: &str = "meter-pki receipts 1; visit ";

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub number: u64,
    /// At which meter.
    pub meter: SystemTitle,
    /// When.
    pub time: UnixTime,
    /// What was done.
    pub what: String,
}

/// Something that is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptFault {
    /// A line is none.
    Malformed,
    /// The log is that of another visit or unit.
    OtherVisit,
    /// A line does not carry the hash of the one before it.
    Chain,
    /// A number is missing, or comes twice.
    Gap,
    /// The meter is none of the visit.
    Meter,
    /// It was done before the visit began, or after it was over or ended.
    Outside,
    /// It was done before what is written in front of it.
    Backwards,
    /// No certificate of the visit was good at that time.
    Certificate,
}

impl ReceiptFault {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "receipts.malformed",
            Self::OtherVisit => "receipts.visit",
            Self::Chain => "receipts.chain",
            Self::Gap => "receipts.gap",
            Self::Meter => "receipts.meter",
            Self::Outside => "receipts.outside",
            Self::Backwards => "receipts.backwards",
            Self::Certificate => "receipts.certificate",
        }
    }
}

impl fmt::Display for ReceiptFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the line is none of a log of receipts",
            Self::OtherVisit => "the log is that of another visit or unit",
            Self::Chain => "the line does not carry the hash of the one before it",
            Self::Gap => "the number is not the next one",
            Self::Meter => "the meter is none of the visit",
            Self::Outside => "it was not done in the time of the visit",
            Self::Backwards => "it was done before what is written in front of it",
            Self::Certificate => "no certificate of the visit was good then",
        })
    }
}

/// A fault and its line, counted from 1; the header is the first.
pub type Fault = (usize, ReceiptFault);

/// A certificate that the unit had on the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When it was valid.
    pub validity: Validity,
    /// Since when it is revoked, if it is. What was done before stands.
    pub revoked: Option<UnixTime>,
}

impl Held {
    fn is_good(&self, time: UnixTime) -> bool {
        self.validity.contains(time) && self.revoked.is_none_or(|at| time < at)
    }
}

/// Reads a log and says all that is wrong with it, up to a hundred faults. `region` tells the region of a meter.
pub fn check(
    text: &str,
    (visit, held): (&Visit, &[Held]),
    region: impl Fn(&SystemTitle) -> String,
) -> (Vec<Receipt>, Vec<Fault>) {
    let mut log = Log { visit, held, receipts: Vec::new(), faults: Vec::new(), expected: 1 };
    let whole = text.strip_suffix('\n');
    let mut lines = whole.unwrap_or(text).split('\n').enumerate();
    if whole.is_none() || text.lines().count() > MAX_ENTRIES + 1 {
        log.faults.push((1, ReceiptFault::Malformed));
    }
    let header = lines.next().map_or("", |(_, line)| line);
    if header != format!("{FORM}{}; unit {}", visit.id, visit.plan.unit) {
        log.faults.push((1, ReceiptFault::OtherVisit));
    }
    let mut before = header;
    for (place, line) in lines.take(MAX_ENTRIES) {
        log.take((place.saturating_add(1), line), before, &region);
        before = line;
    }
    log.faults.truncate(MAX_FAULTS);
    (log.receipts, log.faults)
}

struct Log<'a> {
    visit: &'a Visit,
    held: &'a [Held],
    receipts: Vec<Receipt>,
    faults: Vec<Fault>,
    /// The number that the next entry has.
    expected: u64,
}

impl Log<'_> {
    fn take(&mut self, (place, line): (usize, &str), before: &str, region: &impl Fn(&SystemTitle) -> String) {
        let Some((receipt, previous)) = parse(line) else {
            self.faults.push((place, ReceiptFault::Malformed));
            self.expected = self.expected.saturating_add(1);
            return;
        };
        let Receipt { number, meter, time, .. } = receipt;
        let last = self.receipts.last().map(|last| last.time);
        let stopped = self.visit.ended.iter().chain(&self.visit.refusal).map(|(mark, _)| mark.at).min();
        let plan = &self.visit.plan;
        let in_time = (plan.from..=plan.until).contains(&time) && stopped.is_none_or(|at| time <= at);
        let good = self.held.iter().any(|held| held.is_good(time));
        let wrong = [
            (previous != hash(before), ReceiptFault::Chain),
            (number != self.expected, ReceiptFault::Gap),
            (!self.visit.has(&meter, &region(&meter)), ReceiptFault::Meter),
            (!in_time, ReceiptFault::Outside),
            (last.is_some_and(|last| time < last), ReceiptFault::Backwards),
            (!good, ReceiptFault::Certificate),
        ];
        self.faults.extend(wrong.into_iter().filter(|(wrong, _)| *wrong).map(|(_, fault)| (place, fault)));
        self.expected = number.saturating_add(1);
        self.receipts.push(receipt);
    }
}

fn parse(line: &str) -> Option<(Receipt, String)> {
    let mut words = line.splitn(5, ' ');
    let number = words.next()?;
    let previous = words.next()?.to_owned();
    let time = time(words.next()?)?;
    let meter = SystemTitle::parse(words.next()?).ok()?;
    let what = words.next()?;
    let plain = (1..=MAX_WHAT).contains(&what.len()) && !what.chars().any(char::is_control);
    let read: u64 = number.parse().ok().filter(|_| plain)?;
    // One number has one text.
    (read.to_string() == number)
        .then(|| (Receipt { number: read, meter, time, what: what.to_owned() }, previous))
}

fn time(text: &str) -> Option<UnixTime> {
    let since = DateTime::from_str(text).ok()?.unix_duration().as_secs();
    i64::try_from(since).ok().map(UnixTime::from_seconds)
}

fn hash(line: &str) -> String {
    hexadecimal(&Sha256::digest(line).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::PersonId;
    use crate::record::{Mark, VisitId};
    use crate::tenant::TenantId;
    use crate::visits::VisitPlan;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn title(number: u8) -> SystemTitle {
        SystemTitle::new([b'M', b'P', b'K', 0, 0, 0, 0, number])
    }

    fn visit() -> Visit {
        let (id, tenant) = (VisitId::parse("V-1").unwrap(), TenantId::parse("dso").unwrap());
        let plan = VisitPlan {
            technician: PersonId::parse("tim").unwrap(),
            unit: title(200),
            meters: vec![title(1), title(2)],
            region: "North".to_owned(),
            from: NOW,
            until: NOW.plus_seconds(10_000),
            reason: "no answer".to_owned(),
            needed: 0,
        };
        Visit {
            digest: plan.digest(&id, &tenant),
            id,
            tenant,
            plan,
            opened: Mark { by: "operator:ron".to_owned(), at: NOW },
            approvals: Vec::new(),
            refusal: None,
            ended: None,
            certificates: Vec::new(),
        }
    }

    fn signed() -> Held {
        let validity = Validity::new(NOW, NOW.plus_seconds(5_000)).unwrap();
        Held { validity, revoked: None }
    }

    /// A log of these entries: number, meter, seconds.
    fn log(entries: &[(u64, u8, i64)]) -> String {
        let mut lines = vec![format!("{FORM}V-1; unit {}", title(200))];
        for (number, meter, seconds) in entries {
            let before = hash(lines.last().unwrap());
            let time = NOW.plus_seconds(*seconds);
            lines.push(format!("{number} {before} {time} {} read the registers", title(*meter)));
        }
        lines.join("\n") + "\n"
    }

    fn faults(text: &str, visit: &Visit, held: Held) -> Vec<(usize, &'static str)> {
        // Meter 9 stands in the region of the visit.
        let region = |meter: &SystemTitle| if *meter == title(9) { "North" } else { "South" }.to_owned();
        check(text, (visit, &[held]), region)
            .1
            .into_iter()
            .map(|(line, fault)| (line, fault.code()))
            .collect()
    }

    #[test]
    fn a_sound_log_has_no_faults_and_its_entries_are_read() {
        let text = log(&[(1, 1, 10), (2, 2, 20), (3, 9, 20)]);
        let (receipts, found) = check(&text, (&visit(), &[signed()]), |_| "North".to_owned());
        assert_eq!(found, []);
        assert_eq!(receipts.len(), 3);
        assert_eq!((receipts[1].meter, receipts[1].what.as_str()), (title(2), "read the registers"));
        assert_eq!(faults(&log(&[]), &visit(), signed()), [], "nothing was done");
    }

    #[test]
    fn each_fault_is_named_with_its_line() {
        let of = |entries: &[(u64, u8, i64)]| faults(&log(entries), &visit(), signed());
        assert_eq!(of(&[(1, 3, 10)]), [(2, "receipts.meter")]);
        assert_eq!(of(&[(1, 1, -1)]), [(2, "receipts.outside"), (2, "receipts.certificate")]);
        assert_eq!(of(&[(1, 1, 5_001)]), [(2, "receipts.certificate")]);
        assert_eq!(of(&[(1, 1, 10), (3, 1, 20)]), [(3, "receipts.gap")]);
        assert_eq!(of(&[(2, 1, 10)]), [(2, "receipts.gap")]);
        assert_eq!(of(&[(1, 1, 10), (1, 1, 20)]), [(3, "receipts.gap")]);
        assert_eq!(of(&[(1, 1, 10), (2, 1, 9)]), [(3, "receipts.backwards")]);
        let revoked = Held { revoked: Some(NOW.plus_seconds(15)), ..signed() };
        let text = log(&[(1, 1, 14), (2, 1, 15)]);
        assert_eq!(faults(&text, &visit(), revoked), [(3, "receipts.certificate")]);
        let (_, renewed) = check(&text, (&visit(), &[revoked, signed()]), |_| String::new());
        assert_eq!(renewed, [], "another one took its place");
        let mark = Mark { by: "operator:ron".to_owned(), at: NOW.plus_seconds(14) };
        let ended = Visit { ended: Some((mark, "done".to_owned())), ..visit() };
        assert_eq!(faults(&text, &ended, signed()), [(3, "receipts.outside")]);
    }

    #[test]
    fn what_is_changed_taken_out_or_put_in_breaks_the_chain() {
        let text = log(&[(1, 1, 10), (2, 2, 20), (3, 1, 30)]);
        let changed = text.replacen("read", "sold", 1);
        assert_eq!(faults(&changed, &visit(), signed()), [(3, "receipts.chain")]);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.remove(2);
        let shorter = lines.join("\n") + "\n";
        assert_eq!(faults(&shorter, &visit(), signed()), [(3, "receipts.chain"), (3, "receipts.gap")]);
        let other = Visit { id: VisitId::parse("V-2").unwrap(), ..visit() };
        assert_eq!(faults(&text, &other, signed()), [(1, "receipts.visit")]);
    }

    #[test]
    fn lines_that_are_none_are_named_and_nothing_is_guessed() {
        let text = log(&[(1, 1, 10)]);
        assert_eq!(faults(text.trim_end(), &visit(), signed()), [(1, "receipts.malformed")]);
        for line in ["", "1", "01 x y z w", "1 a 2026-11-21T08:00:00Z 4D50 x", "one two three four five"] {
            let found = faults(&format!("{text}{line}\n"), &visit(), signed());
            assert_eq!(found, [(3, "receipts.malformed")], "{line}");
        }
        let long = format!("{text}{}", "x\n".repeat(MAX_ENTRIES));
        let found = faults(&long, &visit(), signed());
        assert_eq!((found.len(), found[0]), (MAX_FAULTS, (1, "receipts.malformed")));
    }
}
