//! What must hold between the parts of a ceremony file: roots and acts, shares and people, times.

use std::collections::BTreeSet;

use ca_core::validity::UnixTime;

use super::Quorum;
use super::act::{ActKind, CrlPeriod, LinkCertificates, Revoke, RootKey, SignCrl};
use super::fault::{Faults, Placed, Problem};
use super::root::{RootName, RootPlan};
use crate::people::{People, Role};

/// How far ahead of the ceremony a CRL of a single act may begin, in seconds: a day.
const FAR_SECONDS: i64 = 86_400;

/// How many share-holders come together where the file does not say.
const USUAL_THRESHOLD: u8 = 3;

pub(super) fn roots(roots: &[Placed<RootPlan>], faults: &mut Faults<'_>) {
    let mut names = BTreeSet::new();
    for (start, root) in roots {
        if !names.insert(&root.name) {
            faults.note(*start, Problem::RootTwice { name: root.name.clone() });
        }
    }
}

/// A quorum is needed where a key is shared or on a token; then its number is possible.
pub(super) fn quorum(
    threshold: Option<u8>,
    roots: &[RootPlan],
    people: &People,
) -> Result<Option<Quorum>, Problem> {
    let holders = people.with(Role::ShareHolder).count();
    let needed = roots.iter().any(|root| root.keys.needs_quorum());
    if !needed && threshold.is_none() && holders == 0 {
        return Ok(None);
    }
    let threshold = threshold.unwrap_or(USUAL_THRESHOLD);
    let possible = u8::try_from(holders).ok().filter(|holders| (2..=*holders).contains(&threshold));
    possible.map(|holders| Some(Quorum { threshold, holders })).ok_or(Problem::Quorum { threshold, holders })
}

/// Walks through the acts as the ceremony will: every act finds its roots founded and their keys in being.
pub(super) fn acts(
    acts: &[Placed<ActKind>],
    roots: &[Placed<RootPlan>],
    held: UnixTime,
    faults: &mut Faults<'_>,
) {
    if acts.is_empty() {
        faults.note(0, Problem::value("act", "a ceremony does something"));
    }
    let mut living: BTreeSet<&RootName> =
        roots.iter().filter(|(_, root)| root.certificate.is_some()).map(|(_, root)| &root.name).collect();
    let mut gone: BTreeSet<&RootName> = BTreeSet::new();
    for (start, act) in acts {
        for name in act.roots() {
            if let Err(problem) = fits(act, name, roots, (&living, &gone)) {
                faults.note(*start, problem);
            }
        }
        if let ActKind::LinkCertificates(LinkCertificates { old, new }) = act {
            let plan =
                |name: &RootName| roots.iter().find(|(_, root)| root.name == *name).map(|(_, root)| root);
            // RFC 9810 §4.4: two generations of one root have one name; and no suite vouches for another.
            if let (Some(old), Some(new)) = (plan(old), plan(new))
                && (&old.subject, old.suite) != (&new.subject, new.suite)
            {
                let why = format!("{} and {} have different subjects or suites", old.name, new.name);
                faults.note(*start, Problem::value("new", why));
            }
        }
        if let ActKind::FoundRoot(act) = act {
            living.insert(&act.root);
        }
        if let ActKind::DestroyKey(act) = act
            && act.key != RootKey::Exchange
        {
            gone.insert(&act.root);
        }
        if let Err(problem) = times(act, held) {
            faults.note(*start, problem);
        }
    }
}

fn fits(
    act: &ActKind,
    name: &RootName,
    roots: &[Placed<RootPlan>],
    (living, gone): (&BTreeSet<&RootName>, &BTreeSet<&RootName>),
) -> Result<(), Problem> {
    let name = name.clone();
    if !roots.iter().any(|(_, root)| root.name == name) {
        return Err(Problem::UnknownRoot { name: name.to_string() });
    }
    let founds = matches!(act, ActKind::FoundRoot(_));
    match (living.contains(&name), founds) {
        (true, true) => Err(Problem::FoundedTwice { name }),
        (false, false) => Err(Problem::NotFounded { name }),
        _ if gone.contains(&name) => Err(Problem::KeyGone { name }),
        _ => Ok(()),
    }
}

fn times(act: &ActKind, held: UnixTime) -> Result<(), Problem> {
    if let ActKind::Crl(SignCrl { period: CrlPeriod { this_update, .. }, .. }) = act
        && *this_update > held.plus_seconds(FAR_SECONDS)
    {
        let why = format!("{this_update} lies more than a day after the ceremony of {held}");
        return Err(Problem::value("this_update", why));
    }
    if let ActKind::Revoke(Revoke { invalidity_date: Some(date), .. }) = act
        && *date > held
    {
        return Err(Problem::value("invalidity_date", format!("{date} lies after the ceremony of {held}")));
    }
    Ok(())
}
