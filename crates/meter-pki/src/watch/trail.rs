//! What the audit log shows of the last hour that is unusual: and whether the log goes on from where it was read to.
//!
//! Counts and nothing else are kept of a record. The log's own proofs are for `meter-pki audit verify`; here each record has to name the
//! one before it, so that a log which was put back or exchanged under a running watchman is noticed (cases ).

use std::collections::BTreeMap;

use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::reason::ReasonCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::RawUnusual;
use crate::doctor::{Line, Severity};
use crate::exit::Failure;

/// Over how many minutes is counted.
const MINUTES: i64 = 60;

/// What happened in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    issued: u64,
    revoked: u64,
    refused: u64,
    /// Revoked since a key was stolen.
    compromised: u64,
    /// Identities that a factory line asked for beyond what was ordered, or for another order.
    surplus: u64,
    /// Roles granted, credentials added, and roles that somebody has in an emergency.
    entitled: u64,
}

impl Counts {
    fn add(&mut self, event: &AuditEvent) {
        let one = |count: &mut u64, is_one: bool| *count = count.saturating_add(u64::from(is_one));
        let is = |acts: &[Act]| acts.contains(&event.act);
        let revoked = is(&[Act::CertificateRevoked]);
        let refused = is(&[Act::RequestRefused, Act::AuthenticationFailed]);
        let stolen = [ReasonCode::KeyCompromise, ReasonCode::CaCompromise];
        one(&mut self.issued, is(&[Act::CertificateIssued]));
        one(&mut self.revoked, revoked);
        one(&mut self.refused, refused);
        one(&mut self.compromised, revoked && stolen.iter().any(|reason| event.reason == reason.name()));
        one(&mut self.surplus, refused && SURPLUS.contains(&event.reason.as_str()));
        one(&mut self.entitled, is(&[Act::RoleGranted, Act::CredentialAdded, Act::BreakGlassOpened]));
    }
}

/// The reason codes of what a factory line asks for and must not get.
const SURPLUS: [&str; 5] = ["order.full", "order.title", "order.purpose", "order.closed", "order.expired"];

/// How far the log was read, and what it had in the last hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The number of the last record that was read; `None` before the first look.
    read_to: Option<u64>,
    /// SHA-256 of that record, in hexadecimal; `None` where none was read yet.
    digest: Option<String>,
    /// By minutes since 1970.
    minutes: BTreeMap<i64, Counts>,
    /// What did not hold together; it stays until the memory is removed.
    broken: Option<String>,
}

impl Tally {
    /// Begins at the end of the log, unless it was begun. A log that ends before what was read is not the one that was read.
    pub(crate) fn begin(&mut self, end: u64) {
        let read_to = *self.read_to.get_or_insert(end);
        if end < read_to {
            self.tell(format!(
                "the audit log ends with record {end}; record {read_to} had been read from it"
            ));
            (self.read_to, self.digest) = (Some(end), None);
        }
    }

    /// Returns the number of the last record that was read.
    pub(crate) fn read_to(&self) -> u64 {
        self.read_to.unwrap_or(0)
    }

    /// Takes in the next record, DER.
    pub(crate) fn take(&mut self, der: &[u8]) {
        let due = self.read_to().saturating_add(1);
        match AuditRecord::from_der(der) {
            Err(_) => self.tell(format!("audit record {due} cannot be read")),
            Ok(record) => {
                let before = hex::encode(record.previous);
                if record.sequence != due {
                    self.tell(format!("audit record {} stands where {due} is due", record.sequence));
                } else if self.digest.as_ref().is_some_and(|digest| *digest != before) {
                    self.tell(format!("audit record {due} does not name the one that was read before it"));
                }
                let minute = record.event.time.seconds().div_euclid(60);
                self.minutes.entry(minute).or_default().add(&record.event);
            }
        }
        (self.read_to, self.digest) = (Some(due), Some(hex::encode(Sha256::digest(der))));
    }

    fn tell(&mut self, sentence: String) {
        if self.broken.is_none() {
            self.broken = Some(sentence);
        }
    }

    /// Judges the last hour; forgets what is older.
    pub(crate) fn judge(&mut self, bounds: &RawUnusual, now: i64) -> Vec<Line> {
        let first = now.div_euclid(60).saturating_sub(MINUTES);
        self.minutes = self.minutes.split_off(&first);
        let mut sum = Counts::default();
        for one in self.minutes.values() {
            sum.issued = sum.issued.saturating_add(one.issued);
            sum.revoked = sum.revoked.saturating_add(one.revoked);
            sum.refused = sum.refused.saturating_add(one.refused);
            sum.compromised = sum.compromised.saturating_add(one.compromised);
            sum.surplus = sum.surplus.saturating_add(one.surplus);
            sum.entitled = sum.entitled.saturating_add(one.entitled);
        }
        lines(&sum, bounds, self.broken.as_deref())
    }
}

/// One line for each of what is looked at, whether something was found or not.
fn lines(sum: &Counts, bounds: &RawUnusual, broken: Option<&str>) -> Vec<Line> {
    use Severity::{Fault, Warning};

    let above =
        |count: u64, bound: Option<u64>| if bound.is_some_and(|bound| count >= bound) { count } else { 0 };
    let search = "meter-pki audit list";
    let trail = match broken {
        Some(broken) => line(TRAIL, Fault, broken, "stop issuing, and type: meter-pki audit verify"),
        None => line(TRAIL, Severity::Ok, "each audit record names the one before it", ""),
    };
    let counted = [
        (above(sum.issued, bounds.issued_per_hour), Warning, "certificates were issued", search),
        (above(sum.revoked, bounds.revoked_per_hour), Warning, "certificates were revoked", search),
        (above(sum.refused, bounds.refused_per_hour), Warning, "requests were refused", search),
        (sum.compromised, Fault, "certificates were revoked since a key is no secret any more", COMPROMISE),
        (
            sum.surplus,
            Fault,
            "identities were asked for by a factory line beyond its order",
            "meter-pki factory report",
        ),
        (sum.entitled, Warning, "roles or credentials were given to people", "meter-pki people list"),
    ];
    let of = |(id, (count, severity, what, next)): (&&'static str, (u64, Severity, &str, &str))| {
        if count == 0 {
            return line(id, Severity::Ok, "nothing unusual in the last hour", "");
        }
        line(id, severity, &format!("{what} in the last hour: {count}"), next)
    };
    std::iter::once(trail).chain(COUNTED.iter().zip(counted).map(of)).collect()
}

/// Where the manual says what to do about a stolen key.
const COMPROMISE: &str = "see docs/operate/compromise.md: what else has this key been used for?";

/// That the log goes on from where it was read to.
const TRAIL: &str = "watch.trail";

/// What is counted, in the order of the lines.
const COUNTED: [&str; 6] = [
    "watch.issued",
    "watch.revoked",
    "watch.refused",
    "watch.compromised",
    "watch.surplus",
    "watch.entitled",
];

fn line(id: &'static str, severity: Severity, says: &str, next: &str) -> Line {
    Line { id, severity, says: says.to_owned(), next: next.to_owned() }
}

/// What is told where the log could not be read: that the server is away is told by the doctor, that it refuses is told here.
pub(crate) fn unread(failure: &Failure) -> Vec<Line> {
    use crate::exit::Exit;

    let says = format!("the audit log cannot be read: {}", failure.message);
    let severity = if failure.exit == Exit::Unavailable { Severity::NotChecked } else { Severity::Warning };
    let next = "run the watchman as a user on record who is an auditor: meter-pki people list";
    let others = COUNTED.iter().map(|id| line(id, Severity::NotChecked, &says, ""));
    std::iter::once(line(TRAIL, severity, &says, next)).chain(others).collect()
}

/// Tells whether this is the name of something that is looked at here.
pub(crate) fn is_watched(id: &str) -> bool {
    id == TRAIL || COUNTED.contains(&id)
}

#[cfg(test)]
mod tests {
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// A log of these acts, the last of which happened now and each a minute after the one before it.
    fn log(first: u64, acts: &[(Act, &str)]) -> Vec<Vec<u8>> {
        let mut previous = [0; 32];
        let mut time = NOW - 60 * i64::try_from(acts.len()).unwrap();
        let numbered = (first..).zip(acts);
        let record = |(sequence, (act, reason)): (u64, &(Act, &str))| {
            time += 60;
            let event = AuditEvent {
                time: UnixTime::from_seconds(time),
                tenant: TenantId::parse("dso").unwrap(),
                actor: "process:test".to_owned(),
                act: *act,
                issuer: None,
                serial: None,
                reason: (*reason).to_owned(),
                detail: String::new(),
                digest: Vec::new(),
            };
            let der = AuditRecord { sequence, previous, event }.to_der().unwrap();
            previous = Sha256::digest(&der).into();
            der
        };
        numbered.map(record).collect()
    }

    fn read(acts: &[(Act, &str)]) -> Tally {
        let mut tally = Tally::default();
        tally.begin(0);
        log(1, acts).iter().for_each(|der| tally.take(der));
        tally
    }

    fn found(tally: &mut Tally, bounds: &RawUnusual, now: i64) -> Vec<(&'static str, Severity)> {
        let lines = tally.judge(bounds, now);
        assert!(lines.iter().all(|line| is_watched(line.id)), "{lines:?}");
        assert_eq!(lines.len(), 1 + COUNTED.len());
        let bad = lines.iter().filter(|line| line.severity > Severity::NotChecked);
        bad.map(|line| (line.id, line.severity)).collect()
    }

    #[test]
    fn each_unusual_thing_is_told_and_over_after_an_hour() {
        let bounds =
            RawUnusual { issued_per_hour: Some(2), revoked_per_hour: Some(2), refused_per_hour: Some(2) };
        let acts = [
            ((Act::CertificateIssued, ""), 2, "watch.issued"),
            ((Act::CertificateRevoked, "superseded"), 2, "watch.revoked"),
            ((Act::RequestRefused, "csr.signature"), 2, "watch.refused"),
            ((Act::AuthenticationFailed, "credential.unknown"), 2, "watch.refused"),
            ((Act::CertificateRevoked, "keyCompromise"), 1, "watch.compromised"),
            ((Act::CertificateRevoked, "cACompromise"), 1, "watch.compromised"),
            ((Act::RequestRefused, "order.full"), 1, "watch.surplus"),
            ((Act::RoleGranted, ""), 1, "watch.entitled"),
            ((Act::CredentialAdded, ""), 1, "watch.entitled"),
            ((Act::BreakGlassOpened, ""), 1, "watch.entitled"),
        ];
        for (act, needed, id) in acts {
            let mut fewer = read(&vec![act; needed - 1]);
            assert_eq!(found(&mut fewer, &bounds, NOW), [], "{act:?}");
            let mut tally = read(&vec![act; needed]);
            assert_eq!(found(&mut tally, &bounds, NOW).iter().map(|one| one.0).collect::<Vec<_>>(), [id]);
            assert_eq!(found(&mut tally, &bounds, NOW + 3_660 + 60), [], "{act:?}");
            assert!(tally.minutes.is_empty());
        }
    }

    #[test]
    fn without_a_bound_no_number_is_unusual() {
        let mut tally = read(&[(Act::CertificateIssued, ""); 50]);
        assert_eq!(found(&mut tally, &RawUnusual::default(), NOW), []);
    }

    #[test]
    fn it_begins_at_the_end_and_goes_on_from_where_it_was() {
        let mut tally = Tally::default();
        tally.begin(1_000_000);
        assert_eq!(tally.read_to(), 1_000_000);
        tally.begin(1_000_007);
        assert_eq!(tally.read_to(), 1_000_000);
        log(1_000_001, &[(Act::CrlIssued, ""); 7]).iter().for_each(|der| tally.take(der));
        assert_eq!(
            (tally.read_to(), found(&mut tally, &RawUnusual::default(), NOW)),
            (1_000_007, Vec::new())
        );
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
    }

    #[test]
    fn a_log_that_was_put_back_or_exchanged_is_a_fault_that_stays() {
        let acts = [(Act::CrlIssued, ""); 5];
        let told = [("watch.trail", Severity::Fault)];
        // It ends before what was read.
        let mut shorter = read(&acts);
        shorter.begin(4);
        assert_eq!(found(&mut shorter, &RawUnusual::default(), NOW), told);
        assert_eq!(found(&mut shorter, &RawUnusual::default(), NOW + 86_400), told);
        // It goes on, but not from the record that was read.
        let mut exchanged = read(&acts);
        let other = log(1, &[[(Act::CrlIntended, "")].as_slice(), &[(Act::CrlIssued, ""); 5]].concat());
        exchanged.take(&other[5]);
        assert_eq!(found(&mut exchanged, &RawUnusual::default(), NOW), told);
        // A record is missing, and one is none.
        let mut gap = read(&acts);
        gap.take(&log(7, &acts)[0]);
        assert_eq!(found(&mut gap, &RawUnusual::default(), NOW), told);
        let mut unreadable = read(&acts);
        unreadable.take(b"no record");
        assert_eq!(found(&mut unreadable, &RawUnusual::default(), NOW), told);
    }
}
