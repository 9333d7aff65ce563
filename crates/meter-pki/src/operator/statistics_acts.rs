//! Statistics: counts that the ledger keeps with its rows, added up over spans; what was measured of signatures. Nothing here goes
//! through certificates.

use std::collections::BTreeMap;

use ca_core::key_ref::KeyRef;
use ca_core::profile::Hierarchy;
use ca_core::record::{DeviceCount, DeviceField, DeviceState};
use ca_core::scope::{CrlScope, Shard};
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use ca_store::{CrlSize, DayCount};
use time::{Date, Duration};

use super::acts::{named, tenant, unavailable};
use super::fleet_acts::counted_field;
use super::routes::Peer;
use super::spans::{Days, Spans, Unit, day_of, parse_day};
use super::wire::statistics::{
    CrlLineView, CrlSizeQueryText, CrlSizeView, CrlSizesView, ExpiriesView, ExpiryQueryText, ExpirySpanView,
    IssuanceQueryText, IssuanceSpanView, IssuanceView, KeyPaceView, SigningView, SwapCountView,
    SwapQueryText, SwapsView,
};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};
use crate::signing_pace::BOUNDS;

/// How many CRLs of a line are told of.
const SIZES: usize = 400;

/// How many CRLs of an authority are looked at: a year of one every ten minutes.
const LOOKED_AT: usize = 60_000;

/// How many certificates end when.
pub(super) fn expiries(
    system: &System,
    peer: &Peer,
    text: &ExpiryQueryText,
) -> Result<ExpiriesView, Failure> {
    let unit = Unit::parse(text.by.as_deref().unwrap_or("month"))?;
    let from = text.from.as_deref().map_or_else(|| Ok(day_of(system.clock.now())), parse_day)?;
    let until = text.until.as_deref().map_or_else(|| Ok(later(from, 731)), parse_day)?;
    let name: fn(&System, &KeyRef) -> String = match text.series.as_deref().unwrap_or("issuer") {
        "issuer" => issuer_name,
        "hierarchy" => hierarchy_name,
        other => {
            let message = format!("certificates are not parted by {other}");
            return Err(Failure::new(Exit::Usage, "statistics.series.unknown", message)
                .then("use one of issuer, hierarchy"));
        }
    };
    let days = Days::new(from, until)?;
    let (spans, whose) = (days.cut(unit)?, (text.tenant.as_deref(), text.issuer.as_deref()));
    let counts = counts(system, peer, whose, days.times())?;
    let empty = |(from, until): (Date, Date)| ExpirySpanView {
        from: from.to_string(),
        until: until.to_string(),
        good: 0,
        by: BTreeMap::new(),
    };
    let mut views: Vec<ExpirySpanView> = spans.days().map(empty).collect();
    for count in counts {
        let good = good(&count);
        if let Some(view) = views.get_mut(spans.place(count.day)).filter(|_| good > 0) {
            add(&mut view.good, good);
            add(view.by.entry(name(system, &count.issuer)).or_default(), good);
        }
    }
    Ok(ExpiriesView {
        span: unit.name().to_owned(),
        series: text.series.clone().unwrap_or_else(|| "issuer".to_owned()),
        good: views.iter().fold(0, |sum, view| sum.saturating_add(view.good)),
        endless: endless(system, peer, whose)?,
        spans: views,
    })
}

/// How many good certificates have no well-defined end (RFC 5280 §4.1.2.5: 99991231235959Z): no span reaches there.
fn endless(system: &System, peer: &Peer, whose: (Option<&str>, Option<&str>)) -> Result<u64, Failure> {
    let last = (UnixTime::NO_EXPIRY, UnixTime::NO_EXPIRY.plus_seconds(1));
    let counts = counts(system, peer, whose, last)?;
    Ok(counts.iter().fold(0, |sum, count| sum.saturating_add(good(count))))
}

const fn good(count: &DayCount) -> u64 {
    count.ends.saturating_sub(count.ends_revoked)
}

/// How many certificates were issued and revoked when.
pub(super) fn issuance(
    system: &System,
    peer: &Peer,
    text: &IssuanceQueryText,
) -> Result<IssuanceView, Failure> {
    let unit = Unit::parse(text.by.as_deref().unwrap_or("day"))?;
    let days = until_tomorrow(system, (text.from.as_deref(), text.until.as_deref()))?;
    let spans = days.cut(unit)?;
    let counts = counts(system, peer, (text.tenant.as_deref(), text.issuer.as_deref()), days.times())?;
    let spans = issued_in(system, &spans, &counts);
    let sum =
        |of: fn(&IssuanceSpanView) -> u64| spans.iter().fold(0_u64, |sum, span| sum.saturating_add(of(span)));
    Ok(IssuanceView {
        span: unit.name().to_owned(),
        issued: sum(|span| span.issued),
        revoked: sum(|span| span.revoked),
        spans,
    })
}

fn issued_in(system: &System, spans: &Spans, counts: &[DayCount]) -> Vec<IssuanceSpanView> {
    let empty = |(from, until): (Date, Date)| IssuanceSpanView {
        from: from.to_string(),
        until: until.to_string(),
        issued: 0,
        revoked: 0,
        issued_by: BTreeMap::new(),
        revoked_of: BTreeMap::new(),
    };
    let mut views: Vec<IssuanceSpanView> = spans.days().map(empty).collect();
    for count in counts {
        let Some(view) = views.get_mut(spans.place(count.day)) else { continue };
        let name = issuer_name(system, &count.issuer);
        add(&mut view.issued, count.issued);
        add(&mut view.revoked, count.revoked);
        for (by, number) in [(&mut view.issued_by, count.issued), (&mut view.revoked_of, count.revoked)] {
            if number > 0 {
                add(by.entry(name.clone()).or_default(), number);
            }
        }
    }
    views
}

/// How far an owner's devices are swapped.
pub(super) fn swaps(system: &System, peer: &Peer, text: &SwapQueryText) -> Result<SwapsView, Failure> {
    let owner = tenant(&text.tenant)?;
    peer.check(&owner)?;
    let field = text.by.as_deref().map_or(Ok(DeviceField::Manufacturer), counted_field)?;
    let counted =
        |field| system.vault.report(|store| ca_core::ports::Fleet::count_devices(store, &owner, field));
    let mut texts: Vec<SwapCountView> = counted(Some(field))
        .map_err(unavailable)?
        .iter()
        .map(|count| swapped(count.value.clone(), count))
        .collect();
    texts.sort_by(|one, other| one.value.cmp(&other.value));
    let all = counted(None).map_err(unavailable)?;
    texts.extend(all.first().and_then(|all| without_text(all, &texts)));
    Ok(SwapsView { tenant: owner.to_string(), by: field.name().to_owned(), texts })
}

/// The devices that have no text in the field: all without those that have one.
fn without_text(all: &DeviceCount, texts: &[SwapCountView]) -> Option<SwapCountView> {
    let mut rest = swapped(String::new(), all);
    for one in texts {
        for (left, with) in [
            (&mut rest.total, one.total),
            (&mut rest.swapped, one.swapped),
            (&mut rest.under_way, one.under_way),
            (&mut rest.factory, one.factory),
            (&mut rest.out_of_service, one.out_of_service),
        ] {
            *left = left.saturating_sub(with);
        }
    }
    Some(rest).filter(|rest| rest.total > 0)
}

fn swapped(value: String, count: &DeviceCount) -> SwapCountView {
    let mut view = SwapCountView {
        value,
        total: count.total(),
        swapped: 0,
        under_way: 0,
        factory: 0,
        out_of_service: 0,
    };
    for (state, number) in DeviceState::ALL.into_iter().zip(count.states) {
        let part = match state {
            DeviceState::Operational => &mut view.swapped,
            DeviceState::Claimed => &mut view.under_way,
            DeviceState::Manufactured | DeviceState::Shipped | DeviceState::Expected => &mut view.factory,
            DeviceState::Suspended | DeviceState::Retired => &mut view.out_of_service,
        };
        add(part, number);
    }
    view
}

/// How long CRLs were.
pub(super) fn crls(system: &System, peer: &Peer, text: &CrlSizeQueryText) -> Result<CrlSizesView, Failure> {
    let days = until_tomorrow(system, (text.from.as_deref(), text.until.as_deref()))?;
    let asked = text.authority.as_deref().map(|name| named(system, name)).transpose()?;
    if let Some(served) = asked {
        peer.check(served.authority.issuer().tenant())?;
    }
    let scope = match text.shard.as_deref().map(Shard::parse).transpose() {
        Ok(shard) => shard.map_or(CrlScope::All, CrlScope::Shard),
        Err(error) => return Err(Failure::new(Exit::Usage, "crl.shard", error)),
    };
    let his = |served: &&ServedAuthority| {
        asked.is_none_or(|one| one.key() == served.key())
            && peer.check(served.authority.issuer().tenant()).is_ok()
    };
    let mut lines = Vec::new();
    for served in system.authorities.iter().filter(his) {
        let sizes = system
            .vault
            .report(|store| store.crl_sizes((&served.key(), &scope), days.times(), LOOKED_AT))
            .map_err(unavailable)?;
        if sizes.len() >= LOOKED_AT {
            let message = format!("{} has more than {LOOKED_AT} CRLs in this time", served.name);
            return Err(
                Failure::new(Exit::Usage, "statistics.too-many", message).then("ask for a shorter time")
            );
        }
        let (deltas, complete): (Vec<CrlSize>, Vec<CrlSize>) =
            sizes.into_iter().partition(|size| size.is_delta);
        for (kind, sizes) in [("complete", complete), ("delta", deltas)] {
            lines.extend(line(served, &scope, (kind, &sizes)));
        }
    }
    Ok(CrlSizesView { from: days.from.to_string(), until: days.until.to_string(), lines })
}

fn line(
    served: &ServedAuthority,
    scope: &CrlScope,
    (kind, sizes): (&str, &[CrlSize]),
) -> Option<CrlLineView> {
    let each = sizes.len().div_ceil(SIZES).max(1);
    let last = sizes.len().checked_sub(1)?;
    // Counted from the last, so that it is among them.
    let told = sizes.iter().enumerate().filter(|(place, _)| (last - place) % each == 0);
    let view = |size: &CrlSize| CrlSizeView {
        number: size.number,
        this_update: size.this_update.to_string(),
        octets: size.octets,
        entries: size.entries,
    };
    Some(CrlLineView {
        authority: served.name.clone(),
        shard: scope.shard().map(ToString::to_string),
        kind: kind.to_owned(),
        crls: u64::try_from(sizes.len()).unwrap_or(u64::MAX),
        sizes: told.map(|(_, size)| view(size)).collect(),
    })
}

/// How long signatures took.
pub(super) fn signing(system: &System) -> SigningView {
    let keys = system.pace.by_key().into_iter().map(|measured| KeyPaceView {
        key: measured.key.to_string(),
        authority: system.served(&measured.key).map(|served| served.name.clone()),
        signatures: measured.signatures(),
        mean_microseconds: (measured.nanoseconds / 1_000)
            .checked_div(measured.signatures())
            .unwrap_or_default(),
        counts: measured.counts,
    });
    SigningView { at_most_microseconds: BOUNDS.to_vec(), keys: keys.collect() }
}

/// What is counted by days of whatever he may see.
fn counts(
    system: &System,
    peer: &Peer,
    (owner, issuer): (Option<&str>, Option<&str>),
    times: (UnixTime, UnixTime),
) -> Result<Vec<DayCount>, Failure> {
    let owner: Option<TenantId> = peer.bounded(owner)?;
    let issuer = issuer.map(|name| named(system, name)).transpose()?.map(ServedAuthority::key);
    let counts = system.vault.report(|store| store.day_counts(owner.as_ref(), times));
    let mut counts = counts.map_err(unavailable)?;
    counts.retain(|count| issuer.is_none_or(|issuer| issuer == count.issuer));
    Ok(counts)
}

/// The days that were asked for; those of the last month unless it is said.
fn until_tomorrow(system: &System, (from, until): (Option<&str>, Option<&str>)) -> Result<Days, Failure> {
    let tomorrow = || later(day_of(system.clock.now()), 1);
    let until = until.map_or_else(|| Ok(tomorrow()), parse_day)?;
    let from = from.map_or_else(|| Ok(later(until, -30)), parse_day)?;
    Days::new(from, until)
}

/// The day so many days later, as far as the calendar goes.
pub(super) fn later(day: Date, days: i64) -> Date {
    day.saturating_add(Duration::days(days))
}

fn issuer_name(system: &System, key: &KeyRef) -> String {
    system.served(key).map_or_else(|| key.to_string(), |served| served.name.clone())
}

/// The hierarchy of what an authority issues; of one that is served no more nobody can tell.
fn hierarchy_name(system: &System, key: &KeyRef) -> String {
    let mut hierarchies = system.served(key).into_iter().flat_map(|served| {
        served
            .profiles
            .iter()
            .filter_map(|profile| Some(served.authority.offer(profile)?.profile.parts().hierarchy))
    });
    let first: Option<Hierarchy> = hierarchies.next();
    match first {
        None => "unknown".to_owned(),
        Some(one) if hierarchies.all(|other| other == one) => one.name().to_owned(),
        Some(_) => "several".to_owned(),
    }
}

fn add(sum: &mut u64, number: u64) {
    *sum = sum.saturating_add(number);
}
