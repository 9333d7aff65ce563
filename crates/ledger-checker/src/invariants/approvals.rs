//! I10: what was approved was approved by enough different people, none of them the requester, before it was intended; and
//! one certificate came of it. Two credentials of one person are one, and an approval that was found void counts no more. By the audit trail alone, which says which request an intent answers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{
    APPROVAL_REFUSED, APPROVAL_VOIDED, AuditRecord, CERTIFICATE_ISSUED, CREDENTIAL_ADDED, INTENT_RECORDED,
    Id, REQUEST_APPROVED, REQUEST_WAITS,
};

/// A request since it began to wait.
#[derive(Default)]
struct Request {
    requester: String,
    needed: usize,
    approved_by: BTreeSet<String>,
    refused: bool,
    issued: Vec<Id>,
}

/// Which person comes as which user of the machine.
#[derive(Default)]
pub(super) struct People(BTreeMap<String, String>);

impl People {
    /// Learns whose a credential is, from a detail such as `ada; uid:1001`.
    pub(super) fn learn(&mut self, detail: &str) {
        if let Some((person, user)) = detail.split_once("; uid:") {
            self.0.insert(format!("operator:uid-{user}"), format!("operator:{person}"));
        }
    }

    pub(super) fn name<'a>(&'a self, by: &'a str) -> &'a str {
        self.0.get(by).map_or(by, String::as_str)
    }

    /// Counts the people who approved, without who asked.
    fn approved(&self, request: &Request) -> usize {
        let asked = self.name(&request.requester);
        let names: BTreeSet<&str> = request.approved_by.iter().map(|by| self.name(by)).collect();
        names.into_iter().filter(|name| *name != asked).count()
    }
}

pub(super) fn every_approval_is_by_someone_else(case: &Case, findings: &mut Findings) {
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    let mut answers: BTreeMap<&Id, String> = BTreeMap::new();
    let mut people = People::default();
    for (_, record) in &case.audit {
        let digest = hex::encode(&record.digest);
        match record.act {
            REQUEST_WAITS => {
                let needed = needed(record, &digest).unwrap_or(usize::MAX);
                let requester = record.actor.clone();
                requests.insert(digest, Request { requester, needed, ..Request::default() });
            }
            REQUEST_APPROVED => {
                let request = requests.entry(digest).or_default();
                if request.requester == record.actor || !request.approved_by.insert(record.actor.clone()) {
                    let what = format!("audit record {} approves once too often", record.sequence);
                    findings.add(Invariant::I10, what);
                }
            }
            CREDENTIAL_ADDED => people.learn(&record.detail),
            APPROVAL_VOIDED => {
                let by = record.detail.strip_suffix(" may not approve any more").unwrap_or_default();
                requests.entry(digest).or_default().approved_by.remove(by);
            }
            APPROVAL_REFUSED => requests.entry(digest).or_default().refused = true,
            INTENT_RECORDED => {
                let Some(digest) = record.detail.split("; ").find_map(|part| part.strip_prefix("approved "))
                else {
                    continue;
                };
                let sound = requests
                    .get(digest)
                    .is_some_and(|request| !request.refused && people.approved(request) >= request.needed);
                if !sound {
                    let what = format!("{} was intended without its approvals", hex::encode(&record.id));
                    findings.add(Invariant::I10, what);
                }
                answers.insert(&record.id, digest.to_owned());
            }
            CERTIFICATE_ISSUED => {
                let request = answers.get(&record.id).and_then(|digest| requests.get_mut(digest));
                if let Some(request) = request {
                    request.issued.push(record.id.clone());
                    if request.issued.len() > 1 {
                        let what =
                            format!("{} is a second certificate of one approval", hex::encode(&record.id));
                        findings.add(Invariant::I10, what);
                    }
                }
            }
            _ => {}
        }
    }
}

/// How many must approve, as the record of the waiting request says behind its digest.
fn needed(record: &AuditRecord, digest: &str) -> Option<usize> {
    let said =
        record.detail.split("; ").find_map(|part| part.strip_prefix(digest)?.strip_prefix(" needs "))?;
    said.split(' ').next()?.parse().ok()
}
