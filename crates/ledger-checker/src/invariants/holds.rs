//! I14: good, on hold, revoked for good: each certificate goes through them as the audit trail says, and its rows say where it is.

use std::collections::BTreeMap;

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{CERTIFICATE_HELD, CERTIFICATE_RELEASED, CERTIFICATE_REVOKED, Id};

/// Where a certificate is that was ever revoked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    OnHold,
    Released,
    Final,
}

pub(super) fn rows_are_what_the_trail_says(case: &Case, findings: &mut Findings) {
    let places = follow(case, findings);
    for (id, place) in &places {
        let row = case.ledger.revocations.get(*id);
        let found = match (row.map(|row| row.on_hold), case.ledger.released.contains(*id)) {
            (Some(true), false) => Some(Place::OnHold),
            (Some(false), false) => Some(Place::Final),
            (None, true) => Some(Place::Released),
            (Some(_), true) | (None, false) => None,
        };
        if found != Some(*place) {
            let what = format!("{} is {place:?} by the trail and {found:?} by its rows", hex::encode(id));
            findings.add(Invariant::I14, what);
        }
    }
    let rows = case.ledger.revocations.keys().chain(&case.ledger.released);
    for id in rows.filter(|id| !places.contains_key(id)) {
        let what = format!("{} has a row of a revocation and no record of one", hex::encode(id));
        findings.add(Invariant::I14, what);
    }
}

/// Takes every certificate through what the trail tells of it.
fn follow<'a>(case: &'a Case, findings: &mut Findings) -> BTreeMap<&'a Id, Place> {
    let mut places: BTreeMap<&Id, Place> = BTreeMap::new();
    for (_, record) in &case.audit {
        let next = match record.act {
            CERTIFICATE_HELD => Place::OnHold,
            CERTIFICATE_RELEASED => Place::Released,
            CERTIFICATE_REVOKED => Place::Final,
            _ => continue,
        };
        let may = match (places.get(&record.id), next) {
            (None | Some(Place::Released), Place::OnHold | Place::Final) => true,
            (Some(Place::OnHold), Place::Released | Place::Final) => true,
            (Some(Place::Final), _) | (Some(Place::OnHold), Place::OnHold) => false,
            (None | Some(Place::Released), Place::Released) => false,
        };
        if !may {
            let what = format!("audit record {} does not follow from what was before", record.sequence);
            findings.add(Invariant::I14, what);
        }
        places.insert(&record.id, next);
    }
    places
}
