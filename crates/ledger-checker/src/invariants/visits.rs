//! I21: what was issued for a technician's unit was issued on an approved visit in its time, ends with it, and gave its place to
//! the next. By the audit trail, which says what each visit was to be, who approved it, on which visit each intent was recorded and what
//! was revoked; and by the certificates themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::approvals::People;
use super::{Findings, Invariant};
use crate::certificate::{Drafted, split};
use crate::evidence::Case;
use crate::rows::{
    AuditRecord, CERTIFICATE_ISSUED, CERTIFICATE_REVOKED, CREDENTIAL_ADDED, INTENT_RECORDED, Id,
    VISIT_AMENDED, VISIT_APPROVED, VISIT_ENDED, VISIT_OPENED, VISIT_REFUSED,
};

/// A visit, as the trail has it so far.
#[derive(Default)]
struct Visit {
    digest: Vec<u8>,
    from: i64,
    until: i64,
    needed: usize,
    opened_by: String,
    technician: String,
    approved_by: BTreeSet<String>,
    /// When it was ended or refused.
    over: Option<i64>,
    /// What was issued on it and is not revoked.
    good: BTreeMap<Id, Good>,
}

/// A certificate that is not revoked.
struct Good {
    profile: String,
    issued: i64,
    ends: i64,
}

/// The visits as the trail goes on.
#[derive(Default)]
struct Book {
    visits: BTreeMap<String, Visit>,
    /// Of each intent the visit and the profile.
    intents: BTreeMap<Id, (String, String)>,
    people: People,
}

pub(super) fn units_have_one_certificate_on_an_approved_visit(case: &Case, findings: &mut Findings) {
    let mut book = Book::default();
    for (_, record) in &case.audit {
        match record.act {
            VISIT_OPENED | VISIT_AMENDED => book.plan(record, findings),
            VISIT_APPROVED => book.approve(record),
            VISIT_REFUSED | VISIT_ENDED => book.end(record),
            CREDENTIAL_ADDED => book.people.learn(&record.detail),
            INTENT_RECORDED => book.intend(record, findings),
            CERTIFICATE_ISSUED => book.issue(case, record, findings),
            CERTIFICATE_REVOKED => {
                for visit in book.visits.values_mut() {
                    visit.good.remove(&record.id);
                }
            }
            _ => {}
        }
    }
    book.compare(findings);
}

/// `visit ID; …`
fn named(record: &AuditRecord) -> Option<&str> {
    record.detail.split("; ").next()?.strip_prefix("visit ")
}

/// Reads the field of this name behind the name of a visit.
fn field<'a>(record: &'a AuditRecord, name: &str) -> Option<&'a str> {
    record.detail.split("; ").skip(1).find_map(|part| part.strip_prefix(name))
}

/// Reads the seconds behind a time, in parentheses.
fn seconds(text: &str) -> Option<i64> {
    text.strip_suffix(')')?.rsplit_once(" (")?.1.parse().ok()
}

impl Book {
    fn plan(&mut self, record: &AuditRecord, findings: &mut Findings) {
        let read = || {
            let visit = Visit {
                digest: record.digest.clone(),
                from: seconds(field(record, "from ")?)?,
                until: seconds(field(record, "until ")?)?,
                needed: field(record, "approvals ")?.parse().ok()?,
                opened_by: record.actor.clone(),
                technician: format!("operator:{}", field(record, "technician ")?),
                ..Visit::default()
            };
            Some((named(record)?.to_owned(), visit))
        };
        let Some((name, planned)) = read() else {
            let what = format!("audit record {} opens a visit and does not say which", record.sequence);
            return findings.add(Invariant::I21, what);
        };
        // What was issued on a visit that is changed is revoked behind the record of the change.
        let good = self.visits.remove(&name).map(|visit| visit.good).unwrap_or_default();
        self.visits.insert(name, Visit { good, ..planned });
    }

    fn approve(&mut self, record: &AuditRecord) {
        let visit = named(record).and_then(|name| self.visits.get_mut(name));
        if let Some(visit) = visit.filter(|visit| visit.digest == record.digest) {
            visit.approved_by.insert(record.actor.clone());
        }
    }

    fn end(&mut self, record: &AuditRecord) {
        if let Some(visit) = named(record).and_then(|name| self.visits.get_mut(name)) {
            visit.over = Some(record.time);
        }
    }

    /// `TITLE under PROFILE version 1; …; visit ID`
    fn intend(&mut self, record: &AuditRecord, findings: &mut Findings) {
        let Some(name) = field(record, "visit ") else { return };
        let drafted = record.detail.split_once(" version ").and_then(|(it, _)| it.split_once(" under "));
        let (Some((_, profile)), Some(visit)) = (drafted, self.visits.get(name)) else {
            let what = format!("{} was intended on {name}, which nobody opened", hex::encode(&record.id));
            return findings.add(Invariant::I21, what);
        };
        let theirs = [&visit.opened_by, &visit.technician].map(|one| self.people.name(one));
        let names: BTreeSet<&str> = visit.approved_by.iter().map(|by| self.people.name(by)).collect();
        let approved = names.into_iter().filter(|name| !theirs.contains(name)).count() >= visit.needed;
        let in_time = (visit.from..=visit.until).contains(&record.time) && visit.over.is_none();
        let his = self.people.name(&record.actor) == self.people.name(&visit.technician);
        if !(approved && in_time && his) {
            let what = format!("{} was intended on {name}, which does not admit it", hex::encode(&record.id));
            findings.add(Invariant::I21, what);
        }
        self.intents.insert(record.id.clone(), (name.to_owned(), profile.to_owned()));
    }

    fn issue(&mut self, case: &Case, record: &AuditRecord, findings: &mut Findings) {
        let Some((name, profile)) = self.intents.get(&record.id) else { return };
        let Some(visit) = self.visits.get_mut(name) else { return };
        let row = case.ledger.certificates.get(&record.id);
        let drafted = row.and_then(|row| split(&row.octets)).and_then(|(tbs, _)| Drafted::read(&tbs));
        let ends = drafted.and_then(|drafted| i64::try_from(drafted.not_after).ok()).unwrap_or(i64::MAX);
        if ends > visit.until {
            let what = format!("{} ends after its visit {name}", hex::encode(&record.id));
            findings.add(Invariant::I21, what);
        }
        let good = Good { profile: profile.clone(), issued: record.time, ends };
        visit.good.insert(record.id.clone(), good);
    }

    /// What is left good: nothing on a visit that is over, and one of each profile at a time.
    fn compare(&self, findings: &mut Findings) {
        for (name, visit) in &self.visits {
            for (id, good) in &visit.good {
                if visit.over.is_some_and(|over| good.ends >= over) {
                    let what = format!("{} is good, and its visit {name} is over", hex::encode(id));
                    findings.add(Invariant::I21, what);
                }
                let beside = |(other, one): (&Id, &Good)| {
                    other > id
                        && one.profile == good.profile
                        && one.ends >= good.issued
                        && good.ends >= one.issued
                };
                if visit.good.iter().any(beside) {
                    let what = format!("{} is good on {name} beside another one", hex::encode(id));
                    findings.add(Invariant::I21, what);
                }
            }
        }
    }
}
