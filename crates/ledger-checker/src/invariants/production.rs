//! I19: no surplus leaves a line. By the audit trail, which says under which order each intent was recorded, how many devices were
//! ordered and what became of each intent; and by the rows of the orders, which must say the same.
//!
//! A device counts from its first intent until its last has come to nothing, or it is scrapped.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{
    AuditRecord, DEVICE_SCRAPPED, INTENT_ABORTED, INTENT_RECORDED, INTENT_UNCERTAIN, Id,
    PRODUCTION_CANCELLED, PRODUCTION_CLOSED, PRODUCTION_OPENED, ProductionRow,
};

/// An order, and what stands of its devices.
#[derive(Default)]
struct Order {
    ordered: usize,
    profiles: BTreeSet<String>,
    is_open: bool,
    /// Of each system title the intents and certificates, by profile.
    devices: BTreeMap<String, BTreeMap<String, Id>>,
}

/// The orders as the trail goes on.
#[derive(Default)]
struct Book {
    orders: BTreeMap<String, Order>,
    /// Order, title and profile of each intent that counts.
    intents: BTreeMap<Id, (String, String, String)>,
}

pub(super) fn no_surplus_leaves_a_line(case: &Case, findings: &mut Findings) {
    let mut book = Book::default();
    for (_, record) in &case.audit {
        match record.act {
            PRODUCTION_OPENED => book.open(record, findings),
            PRODUCTION_CLOSED | PRODUCTION_CANCELLED => {
                if let Some(order) = named(record).and_then(|name| book.orders.get_mut(name)) {
                    order.is_open = false;
                }
            }
            INTENT_RECORDED => book.intend(record, findings),
            INTENT_ABORTED | INTENT_UNCERTAIN => book.give_back(&record.id),
            DEVICE_SCRAPPED => book.scrap(record),
            _ => {}
        }
    }
    book.compare(case, findings);
}

/// `order ID; …`
fn named(record: &AuditRecord) -> Option<&str> {
    record.detail.split("; ").next()?.strip_prefix("order ")
}

impl Book {
    /// `order ID; 3 devices under p, q; until …`
    fn open(&mut self, record: &AuditRecord, findings: &mut Findings) {
        let read = || {
            let said = record.detail.split("; ").nth(1)?;
            let (ordered, profiles) = said.split_once(" devices under ")?;
            Some((named(record)?, ordered.parse().ok()?, profiles.split(", ").map(str::to_owned).collect()))
        };
        let Some((name, ordered, profiles)) = read() else {
            let what = format!("audit record {} opens an order and does not say which", record.sequence);
            return findings.add(Invariant::I19, what);
        };
        let order = self.orders.entry(name.to_owned()).or_default();
        (order.ordered, order.profiles, order.is_open) = (ordered, profiles, true);
    }

    /// `TITLE under PROFILE version 1; …; order ID`
    fn intend(&mut self, record: &AuditRecord, findings: &mut Findings) {
        let under = record.detail.split("; ").skip(1).find_map(|part| part.strip_prefix("order "));
        let Some(name) = under else { return };
        let drafted =
            record.detail.split_once(" version ").and_then(|(drafted, _)| drafted.split_once(" under "));
        let (Some((title, profile)), Some(order)) = (drafted, self.orders.get_mut(name)) else {
            let what = format!("{} was intended under {name}, which nobody opened", hex::encode(&record.id));
            return findings.add(Invariant::I19, what);
        };
        if !order.is_open || !order.profiles.contains(profile) {
            let what = format!("{} was intended under {name} and is not of it", hex::encode(&record.id));
            findings.add(Invariant::I19, what);
        }
        let device = order.devices.entry(title.to_owned()).or_default();
        if device.insert(profile.to_owned(), record.id.clone()).is_some() {
            let what = format!("{title} has a second certificate of {profile} under {name}");
            findings.add(Invariant::I19, what);
        }
        if order.devices.len() > order.ordered {
            let what = format!("{title} is one device more than the {} that {name} ordered", order.ordered);
            findings.add(Invariant::I19, what);
        }
        let place = (name.to_owned(), title.to_owned(), profile.to_owned());
        self.intents.insert(record.id.clone(), place);
        let elsewhere =
            |(other, order): (&String, &Order)| other != name && order.devices.contains_key(title);
        if self.orders.iter().any(elsewhere) {
            let what = format!("{title} is made under {name} and under another order");
            findings.add(Invariant::I19, what);
        }
    }

    fn give_back(&mut self, id: &Id) {
        let Some((name, title, profile)) = self.intents.remove(id) else { return };
        let Some(order) = self.orders.get_mut(&name) else { return };
        if let Some(device) = order.devices.get_mut(&title)
            && device.get(&profile) == Some(id)
        {
            device.remove(&profile);
        }
        order.devices.retain(|_, device| !device.is_empty());
    }

    /// `order ID; TITLE; …`
    fn scrap(&mut self, record: &AuditRecord) {
        let title = record.detail.split("; ").nth(1);
        if let (Some(order), Some(title)) = (named(record).and_then(|name| self.orders.get_mut(name)), title)
        {
            order.devices.remove(title);
        }
    }

    /// The rows say what the trail says.
    fn compare(&self, case: &Case, findings: &mut Findings) {
        let mut standing: BTreeMap<(&str, String), BTreeSet<&Id>> = BTreeMap::new();
        for (name, order) in &self.orders {
            for (title, device) in &order.devices {
                standing.insert((name, title.clone()), device.values().collect());
            }
            let row = case.ledger.production.get(name.as_str());
            let Some(row) = row else {
                findings.add(Invariant::I19, format!("the order {name} was opened and is on no record"));
                continue;
            };
            let places = usize::try_from(row.places).unwrap_or(usize::MAX);
            if (places, row.ordered)
                != (order.devices.len(), u64::try_from(order.ordered).unwrap_or(u64::MAX))
            {
                let what = format!(
                    "the order {name} counts {places} devices, and the trail {}",
                    order.devices.len()
                );
                findings.add(Invariant::I19, what);
            }
            for title in order.devices.keys().filter(|title| !is_named(case, (name, row), title)) {
                findings.add(Invariant::I19, format!("{title} is made under {name}, which does not name it"));
            }
        }
        let mut rows: BTreeMap<(&str, String), BTreeSet<&Id>> = BTreeMap::new();
        for (title, device) in &case.ledger.produced {
            rows.insert((device.order.as_str(), title.clone()), device.ids.iter().collect());
        }
        for (order, title) in rows.keys().filter(|key| rows.get(*key) != standing.get(*key)) {
            findings
                .add(Invariant::I19, format!("{title} stands under {order} otherwise than the trail says"));
        }
        for (order, title) in standing.keys().filter(|key| !rows.contains_key(*key)) {
            findings.add(Invariant::I19, format!("{title} was made under {order} and has no place there"));
        }
    }
}

/// Tells whether a system title, 16 digits, is one of an order: in a range, or on its list.
fn is_named(case: &Case, (name, row): (&str, &ProductionRow), title: &str) -> bool {
    let Ok(title) = hex::decode(title) else { return false };
    if row.ranges.is_empty() {
        return case.ledger.listed.contains(&[name.as_bytes(), &[0], &title].concat());
    }
    row.ranges.iter().any(|(first, last)| (first..=last).contains(&&title))
}
