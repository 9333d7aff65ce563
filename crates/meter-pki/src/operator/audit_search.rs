//! Searching the audit trail, and showing one record of it with its proof. Reads only, and never more than a bounded part of the
//! trail for one answer: whoever wants more asks again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditRecord};
use ca_core::key_ref::KeyRef;
use ca_core::ports::{StatusSource as _, Unavailable};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::Store;

use super::acts::{named, rows, serial, tenant, time, title, unavailable};
use super::audit_acts::proof;
use super::wire::audit::{AuditRecordDetailView, AuditRecordView, AuditSearchPage, AuditSearchQuery};
use super::wire::words::acts;
use crate::audit::note::pem;
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// How many records are looked at for one answer, at most.
const LOOKED_AT: u64 = 10_000;

/// How many are read at once.
const PAGE: u64 = 1_000;

/// How far times in the trail may be out of order, in seconds; as the ledger takes them.
const SLACK_SECONDS: i64 = 3_600;

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    from: Option<UnixTime>,
    until: Option<UnixTime>,
    tenant: Option<TenantId>,
    act: Option<Act>,
    actor: Option<String>,
    issuer: Option<KeyRef>,
    serial: Option<SerialNumber>,
    title: Option<SystemTitle>,
    reason: Option<String>,
}

impl Wanted {
    fn read(system: &System, query: &AuditSearchQuery) -> Result<Self, Failure> {
        let act = query.act.as_deref().map(act).transpose()?;
        let issuer = query.issuer.as_deref().map(|name| match KeyRef::parse(name) {
            Some(key) => Ok(key),
            None => named(system, name).map(crate::compose::ServedAuthority::key),
        });
        Ok(Self {
            from: query.from.as_deref().map(time).transpose()?,
            until: query.until.as_deref().map(time).transpose()?,
            tenant: query.tenant.as_deref().map(tenant).transpose()?,
            act,
            actor: query.actor.clone(),
            issuer: issuer.transpose()?,
            serial: query.serial.as_deref().map(serial).transpose()?,
            title: query.title.as_deref().map(title).transpose()?,
            reason: query.reason.clone(),
        })
    }

    fn has(&self, record: &AuditRecord) -> bool {
        let event = &record.event;
        let names = |title: &SystemTitle| {
            let title = title.to_string();
            event.detail.contains(&title) || event.actor.contains(&title)
        };
        self.from.is_none_or(|from| event.time >= from)
            && self.until.is_none_or(|until| event.time <= until)
            && self.tenant.as_ref().is_none_or(|tenant| event.tenant == *tenant)
            && self.act.is_none_or(|act| event.act == act)
            && self.actor.as_ref().is_none_or(|actor| event.actor.contains(actor))
            && self.issuer.is_none_or(|issuer| event.issuer == Some(issuer))
            && self.serial.as_ref().is_none_or(|serial| event.serial.as_ref() == Some(serial))
            && self.title.as_ref().is_none_or(names)
            && self.reason.as_ref().is_none_or(|reason| event.reason.starts_with(reason))
    }

    /// Between which numbers the records are, both included, that can be meant by the times alone.
    fn span(&self, store: &Store) -> Result<(u64, u64), Unavailable> {
        let end = store.audit_end()?.sequence();
        let first = match self.from {
            Some(from) => store.first_record_since(from.plus_seconds(-SLACK_SECONDS))?,
            None => 1,
        };
        let last = match self.until {
            // RFC 3339 times are whole seconds here: the second of `until` belongs to it.
            Some(until) => store.first_record_since(until.plus_seconds(SLACK_SECONDS + 1))?.saturating_sub(1),
            None => end,
        };
        Ok((first, last.min(end)))
    }
}

/// The way through the trail: numbers from `next` on, one after the other, up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    first: u64,
    last: u64,
    oldest_first: bool,
}

impl Way {
    /// What is left of a span behind a number.
    fn behind((first, last): (u64, u64), after: Option<u64>, oldest_first: bool) -> Self {
        match (after, oldest_first) {
            (Some(after), true) => Self { first: first.max(after.saturating_add(1)), last, oldest_first },
            (Some(after), false) => Self { first, last: last.min(after.saturating_sub(1)), oldest_first },
            (None, _) => Self { first, last, oldest_first },
        }
    }

    /// Takes the next part off, at most so many: its first and its last number.
    fn part(&mut self, most: u64) -> Option<(u64, u64)> {
        if self.first > self.last || most == 0 {
            return None;
        }
        let (first, last) = if self.oldest_first {
            (self.first, self.last.min(self.first.saturating_add(most - 1)))
        } else {
            (self.first.max(self.last.saturating_sub(most - 1)), self.last)
        };
        if self.oldest_first {
            self.first = last.saturating_add(1);
        } else {
            self.last = first.saturating_sub(1);
        }
        Some((first, last))
    }

    /// Tells whether anything lies behind a number.
    const fn goes_on(&self, at: u64) -> bool {
        if self.oldest_first { at < self.last } else { at > self.first }
    }
}

pub(super) fn search(system: &System, query: &AuditSearchQuery) -> Result<AuditSearchPage, Failure> {
    let wanted = Wanted::read(system, query)?;
    let limit = rows(query.limit);
    let found = system.vault.report(|store| look(store, &wanted, (query, limit))).map_err(unavailable)?;
    let records = found.records.iter().map(|record| view(system, record)).collect();
    Ok(AuditSearchPage { records, looked_at: found.looked_at, next: found.next, end: found.end })
}

struct Found {
    records: Vec<AuditRecord>,
    looked_at: u64,
    next: Option<u64>,
    end: u64,
}

fn look(
    store: &Store,
    wanted: &Wanted,
    (query, limit): (&AuditSearchQuery, usize),
) -> Result<Found, Unavailable> {
    let end = store.audit_end()?.sequence();
    let whole = Way::behind(wanted.span(store)?, query.after, query.oldest_first);
    let mut found = Found { records: Vec::new(), looked_at: 0, next: None, end };
    let mut way = whole;
    while let Some((first, last)) = way.part(PAGE.min(LOOKED_AT - found.looked_at)) {
        let many = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        let mut part = store.audit_records(first.saturating_sub(1), many)?;
        if !query.oldest_first {
            part.reverse();
        }
        for der in part {
            let record = AuditRecord::from_der(&der)
                .map_err(|error| Unavailable { port: "audit trail", cause: error.into() })?;
            let at = record.sequence;
            found.looked_at += 1;
            if wanted.has(&record) {
                found.records.push(record);
            }
            let full = found.records.len() == limit || found.looked_at == LOOKED_AT;
            if full {
                found.next = whole.goes_on(at).then_some(at);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Shows one record, with its proof where checkpoints are signed.
pub(super) fn show(system: &System, number: &str) -> Result<AuditRecordDetailView, Failure> {
    let unknown = || {
        let message = format!("there is no audit record {number}");
        Failure::new(Exit::NotFound, "audit.no-record", message).then("meter-pki audit search")
    };
    let sequence: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(unknown)?;
    let log = &system.audit;
    let der = log.store.audit_records(sequence - 1, 1).map_err(unavailable)?.pop().ok_or_else(unknown)?;
    let record =
        AuditRecord::from_der(&der).map_err(|error| Failure::new(Exit::Integrity, "audit.broken", error))?;
    let (text, key) = match &log.notary {
        Some(notary) => {
            let key = pem(notary.public_key()?);
            (Some(proof(log, (sequence, der.clone()))?), Some(key))
        }
        None => (None, None),
    };
    Ok(AuditRecordDetailView { record: view(system, &record), der: STANDARD.encode(&der), proof: text, key })
}

/// Shows a record as it is, with authorities by their names.
pub(super) fn view(system: &System, record: &AuditRecord) -> AuditRecordView {
    let event = &record.event;
    let issuer = event
        .issuer
        .map(|key| system.served(&key).map_or_else(|| key.to_string(), |served| served.name.clone()));
    AuditRecordView {
        sequence: record.sequence,
        time: event.time.to_string(),
        tenant: event.tenant.to_string(),
        actor: event.actor.clone(),
        act: event.act.name().to_owned(),
        issuer,
        serial: event.serial.as_ref().map(ToString::to_string),
        reason: event.reason.clone(),
        detail: event.detail.clone(),
        digest: (!event.digest.is_empty()).then(|| hex::encode(&event.digest)),
    }
}

fn act(text: &str) -> Result<Act, Failure> {
    acts().find(|act| act.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "act.unknown", format!("{text} is not an act"))
            .then("acts are words such as certificate-revoked: ActWord of docs/operate/openapi.json")
    })
}

#[cfg(test)]
mod tests {
    use ca_core::audit::AuditEvent;

    use super::*;

    fn record(sequence: u64, act: Act, detail: &str) -> AuditRecord {
        let event = AuditEvent {
            time: UnixTime::from_seconds(1_800_000_000),
            tenant: TenantId::parse("dso").unwrap(),
            actor: "operator:ada".to_owned(),
            act,
            issuer: None,
            serial: Some(SerialNumber::parse("1A2B").unwrap()),
            reason: "people.not-permitted".to_owned(),
            detail: detail.to_owned(),
            digest: Vec::new(),
        };
        AuditRecord { sequence, previous: [0; 32], event }
    }

    #[test]
    fn a_way_is_walked_in_parts_from_either_end_and_each_number_is_met_once() {
        for oldest_first in [true, false] {
            let mut way = Way::behind((3, 12), None, oldest_first);
            let mut met = Vec::new();
            while let Some((first, last)) = way.part(4) {
                let mut part: Vec<u64> = (first..=last).collect();
                if !oldest_first {
                    part.reverse();
                }
                met.extend(part);
            }
            let mut all: Vec<u64> = (3..=12).collect();
            if !oldest_first {
                all.reverse();
            }
            assert_eq!(met, all);
        }
    }

    #[test]
    fn who_goes_on_behind_a_number_meets_neither_it_nor_what_was_before() {
        assert_eq!(Way::behind((1, 9), Some(4), true).part(100), Some((5, 9)));
        assert_eq!(Way::behind((1, 9), Some(4), false).part(100), Some((1, 3)));
        assert_eq!(Way::behind((1, 9), Some(1), false).part(100), None);
        assert_eq!(Way::behind((1, 9), Some(9), true).part(100), None);
    }

    #[test]
    fn each_thing_that_is_asked_for_must_be_so() {
        let one = record(1, Act::RequestRefused, "4D504B0100000A01 under meter-op-ds-s1");
        assert!(Wanted::default().has(&one));
        let act = |act| Wanted { act: Some(act), ..Wanted::default() };
        assert!(act(Act::RequestRefused).has(&one) && !act(Act::CertificateIssued).has(&one));
        let title = |text| Wanted { title: SystemTitle::parse(text).ok(), ..Wanted::default() };
        assert!(title("4D504B0100000A01").has(&one) && !title("4D504B0100000A02").has(&one));
        let reason = |text: &str| Wanted { reason: Some(text.to_owned()), ..Wanted::default() };
        assert!(reason("people.").has(&one) && !reason("not-permitted").has(&one));
        let serial = |text| Wanted { serial: SerialNumber::parse(text).ok(), ..Wanted::default() };
        assert!(serial("1A2B").has(&one) && !serial("1A2C").has(&one));
        let until = |seconds| Wanted { until: Some(UnixTime::from_seconds(seconds)), ..Wanted::default() };
        assert!(until(1_800_000_000).has(&one) && !until(1_799_999_999).has(&one));
        let tenant = |name| Wanted { tenant: TenantId::parse(name).ok(), ..Wanted::default() };
        assert!(tenant("dso").has(&one) && !tenant("maker").has(&one));
    }

    #[test]
    fn every_act_is_known_by_its_word() {
        assert_eq!(act("certificate-issued").unwrap(), Act::CertificateIssued);
        assert_eq!(act("visit-opened").unwrap(), Act::VisitOpened);
        assert_eq!(act("nothing").unwrap_err().code, "act.unknown");
        let words: std::collections::BTreeSet<_> = acts().map(Act::name).collect();
        assert_eq!(words.len(), acts().count());
    }
}
