//! How the whole stands: the keys, and the overview of a first page. Reads only, and little of it: what would have to be counted is
//! counted elsewhere, as it happens.

use std::collections::BTreeMap;

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;
use status_server::responder::Responder;
use time::Date;

use super::acts::{crls, time};
use super::routes::Peer;
use super::spans::day_of;
use super::statistics_acts::{expiries, later};
use super::wire::campaigns::CampaignQueryText;
use super::wire::orders::OrderQueryText;
use super::wire::requests::RequestQueryText;
use super::wire::standing::{
    DoctorView, EndingView, FreshnessView, IssuedView, KeyView, KeysView, OverviewView, RespondersView,
    TokenView, TokensView, WaitingView,
};
use super::wire::statistics::ExpiryQueryText;
use super::{campaign_acts, order_acts, request_acts};
use crate::compose::keys::KeyPlace;
use crate::compose::{ServedAuthority, System};
use crate::exit::Failure;
use crate::issued_pace::Issued;

/// How many of what waits are counted.
const COUNTED: u32 = 1_000;

/// How many findings stand on a first page.
const WORST: usize = 3;

/// How many days are looked ahead for what ends.
const SOON: i64 = 30;

/// What a key is for; the words of `KeyUseWord`.
const AUTHORITY: &str = "authority";
const RESPONDER: &str = "responder";
const CHECKPOINTS: &str = "checkpoints";

pub(super) fn keys(system: &System, peer: &Peer) -> KeysView {
    let mut keys = Vec::new();
    for served in &system.authorities {
        let issuer = served.authority.issuer();
        if peer.check(issuer.tenant()).is_err() {
            continue;
        }
        for (key, used_as) in [(served.key(), AUTHORITY), (served.responder_key, RESPONDER)] {
            let end = (used_as == AUTHORITY).then(|| issuer.certificate().validity().not_after().to_string());
            keys.push(KeyView {
                authority: Some(served.name.clone()),
                tenant: Some(issuer.tenant().to_string()),
                not_after: end,
                ..key_view(system, &key, used_as)
            });
        }
    }
    // What is the installation's, whoever is there for single tenants does not see.
    let all = peer.permit().check_everything().is_ok();
    if let Some(notary) = system.audit.notary.as_ref().filter(|_| all) {
        keys.push(key_view(system, notary.key(), CHECKPOINTS));
    }
    let place = match &system.key_place {
        KeyPlace::Files => "files",
        KeyPlace::Tokens(_) => "tokens",
        KeyPlace::Link(_) => "signer",
    };
    let (places, tokens) = if all { (system.key_places.clone(), tokens(system)) } else { Default::default() };
    KeysView { place: place.to_owned(), places, tokens, keys }
}

/// A key as such; whose it is, its authority says.
fn key_view(system: &System, key: &KeyRef, used_as: &str) -> KeyView {
    let held = system.ports.signer.public_key(key).ok();
    let answers = match &system.key_place {
        KeyPlace::Files => held.is_some(),
        KeyPlace::Tokens(set) => set.serves(key),
        KeyPlace::Link(link) => held.is_some() && link.condition().is_ok(),
    };
    KeyView {
        key: key.to_string(),
        used_as: used_as.to_owned(),
        authority: None,
        tenant: None,
        curve: held.map(|key| key.curve().to_string()),
        answers,
        not_after: None,
    }
}

fn tokens(system: &System) -> Vec<TokenView> {
    let view = |report: signer_link::desk::TokenReport| TokenView {
        serves: report.serves(),
        token: report.token,
        cause: report.cause,
        signed: report.counts.signed,
        waiting: report.counts.waiting,
    };
    system.key_place.tokens().into_iter().map(view).collect()
}

pub(super) fn overview(
    system: &System,
    (peer, responder): (&Peer, &Responder),
    report: Option<&DoctorView>,
) -> Result<OverviewView, Failure> {
    let now = system.clock.now();
    let away = tokens(system);
    let tokens = TokensView {
        total: away.len(),
        away: away.into_iter().filter(|token| !token.serves).map(|token| token.token).collect(),
    };
    let bad = |severity: &'static str| {
        report.into_iter().flat_map(|report| &report.findings).filter(move |one| one.severity == severity)
    };
    let worst: Vec<_> = ["fault", "warning"].into_iter().flat_map(bad).take(WORST).cloned().collect();
    Ok(OverviewView {
        at: now.to_string(),
        light: light(report).to_owned(),
        looked_at: report.map(|report| report.at.clone()),
        worst,
        crls: freshness(system, now)?,
        ocsp: responders(system, responder, now),
        tokens,
        issued: issued(system, now),
        ending: ending(system, peer, now)?,
        waiting: waiting(system, peer)?,
    })
}

fn issued(system: &System, now: UnixTime) -> IssuedView {
    let Issued { minute, hour, day, counted_seconds } = system.issued.told(now);
    IssuedView { minute, hour, day, counted_seconds }
}

/// All of a report in one word of `LightWord`.
fn light(report: Option<&DoctorView>) -> &'static str {
    match report.map(|report| (report.faults, report.warnings)) {
        None => "unknown",
        Some((0, 0)) => "ok",
        Some((0, _)) => "warning",
        Some(_) => "critical",
    }
}

fn freshness(system: &System, now: UnixTime) -> Result<FreshnessView, Failure> {
    let ends = crls(system)?.iter().map(|crl| time(&crl.next_update)).collect::<Result<Vec<_>, _>>()?;
    Ok(FreshnessView {
        total: ends.len(),
        late: ends.iter().filter(|end| **end < now).count(),
        first_next_update: ends.iter().min().map(ToString::to_string),
    })
}

/// Who answers for an authority is told by the key of its issuer.
fn responders(system: &System, responder: &Responder, now: UnixTime) -> RespondersView {
    let ends: BTreeMap<KeyRef, UnixTime> = responder
        .identities()
        .into_iter()
        .map(|identity| (identity.issuer(), identity.validity().not_after()))
        .collect();
    let answers = |served: &&ServedAuthority| ends.get(&served.key()).is_none_or(|end| *end < now);
    RespondersView {
        total: system.authorities.len(),
        silent: system.authorities.iter().filter(answers).map(|served| served.name.clone()).collect(),
        first_not_after: ends.values().min().map(ToString::to_string),
    }
}

fn ending(system: &System, peer: &Peer, now: UnixTime) -> Result<EndingView, Failure> {
    let today = day_of(now);
    let until = later(today, SOON);
    let text = |day: Date| Some(day.to_string());
    let asked = ExpiryQueryText { from: text(today), until: text(until), ..ExpiryQueryText::default() };
    let certificates = expiries(system, peer, &asked)?.good;
    Ok(EndingView { days: SOON, until: until.to_string(), certificates })
}

fn waiting(system: &System, peer: &Peer) -> Result<WaitingView, Failure> {
    let state = || Some("waiting".to_owned());
    let requests = RequestQueryText { state: state(), limit: COUNTED, ..RequestQueryText::default() };
    let orders = OrderQueryText { state: state(), limit: COUNTED, ..OrderQueryText::default() };
    let campaigns = CampaignQueryText { state: state(), limit: COUNTED, ..CampaignQueryText::default() };
    Ok(WaitingView {
        requests: request_acts::list(system, peer, &requests)?.requests.len(),
        orders: order_acts::list(system, &orders)?.orders.len(),
        campaigns: campaign_acts::list(system, &campaigns)?.campaigns.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(warnings: usize, faults: usize) -> DoctorView {
        DoctorView {
            at: String::new(),
            worst: String::new(),
            ok: 9,
            not_checked: 1,
            notices: 4,
            warnings,
            faults,
            findings: Vec::new(),
        }
    }

    #[test]
    fn one_fault_outweighs_all_warnings_and_notices_are_in_order() {
        assert_eq!(light(None), "unknown");
        assert_eq!(light(Some(&report(0, 0))), "ok");
        assert_eq!(light(Some(&report(7, 0))), "warning");
        assert_eq!(light(Some(&report(7, 1))), "critical");
    }
}
