//! What operators can do with orders to change the revocation of many certificates: plan, ask for, look at, approve, refuse.
//!
//! Nothing is revoked here: what is approved is carried out by the server on its own clock. A refusal is on record.

use ca_core::actor::Actor;
use ca_core::fault::Fault;
use ca_core::issuer::Issuer;
use ca_core::orders::{OrderDesk, OrderError, Plan, Tally};
use ca_core::profile::{Hierarchy, KeyPurpose};
use ca_core::record::{
    CertificateQuery, Change, Mark, OrderAct, OrderConflict, OrderQuery, OrderStanding, RevocationOrder,
    Verdict,
};
use ca_core::selection::Selection;
use ca_core::validity::UnixTime;

use super::acts::{
    named, operator, reason, refused, rows, serial, tenant, time, title, unavailable, unknown_state,
};
use super::certificate_list::status;
use super::routes::Peer;
use super::views;
use super::wire::orders::{
    OrderActText, OrderPage, OrderPartQuery, OrderPartView, OrderQueryText, OrderView, PlanText, PlanView,
    ProfileCount, SelectionText, TallyView,
};
use super::wire::requests::MarkView;
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// The fewest hexadecimal digits that name an order.
const SHORTEST_ID: usize = 8;

/// How many of those that are named and not known are told.
const TOLD: usize = 1_000;

/// Does something at the desk where orders are taken.
pub(crate) fn at_desk<T>(system: &System, act: impl FnOnce(&OrderDesk<'_>) -> T) -> T {
    let authorities: Vec<(&Issuer, bool)> = system
        .authorities
        .iter()
        .map(|served| (served.authority.issuer(), served.authority.offers_hold()))
        .collect();
    act(&OrderDesk {
        tenant: &system.tenant,
        authorities: &authorities,
        status: &*system.status,
        orders: &*system.orders,
        rule: system.order_rule,
    })
}

pub(super) fn plan(system: &System, peer: &Peer, text: &PlanText) -> Result<PlanView, Failure> {
    let selection = selection(system, &text.selection)?;
    let change = match &text.reason {
        Some(word) => Change::Revoke {
            reason: reason(word)?,
            invalidity_date: text.invalidity_date.as_deref().map(time).transpose()?,
        },
        None => Change::Release,
    };
    let (actor, now, shown) = (operator(&system.tenant, peer)?, system.clock.now(), rows(text.show));
    let plan = at_desk(system, |desk| desk.plan(&actor, (&selection, change), shown, now))
        .map_err(|error| told(system, peer, error, &[]))?;
    Ok(PlanView { unknown: unknown(system, &selection)?, ..plan_view(system, plan, now) })
}

pub(super) fn list(system: &System, text: &OrderQueryText) -> Result<OrderPage, Failure> {
    let (limit, now) = (rows(text.limit), system.clock.now());
    let after = text.after.as_deref().map(|id| hex::decode(id).ok()?.try_into().ok());
    let malformed =
        || Failure::new(Exit::Usage, "place.malformed", "that is not the `next` of a page before");
    let after = after.map(|after: Option<[u8; 32]>| after.ok_or_else(malformed)).transpose()?;
    let standing = text.state.as_deref().map(standing).transpose()?;
    let query = OrderQuery { standing, now, after, limit };
    let found = system.orders.orders(&query).map_err(unavailable)?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| hex::encode(last.digest));
    Ok(OrderPage { orders: found.iter().map(|order| view(order, now)).collect(), next })
}

pub(super) fn show(system: &System, id: &str) -> Result<OrderView, Failure> {
    Ok(view(&find(system, id)?, system.clock.now()))
}

pub(super) fn certificates(
    system: &System,
    id: &str,
    OrderPartQuery { part }: OrderPartQuery,
) -> Result<OrderPartView, Failure> {
    let (order, now) = (find(system, id)?, system.clock.now());
    if part >= order.parts {
        return Ok(OrderPartView { certificates: Vec::new(), next: None });
    }
    let mut certificates = Vec::new();
    for id in system.orders.order_part(&order.digest, part).map_err(unavailable)? {
        let stored = system.status.certificate(&id).map_err(unavailable)?;
        certificates.extend(stored.map(|one| views::certificate(&system.issuer_name(&one), &one, now)));
    }
    let next = part.saturating_add(1);
    Ok(OrderPartView { certificates, next: (next < order.parts).then_some(next) })
}

pub(super) fn act(system: &System, peer: &Peer, id: &str, text: OrderActText) -> Result<OrderView, Failure> {
    match (text.act.as_str(), text.reason) {
        ("request", None) => take(system, peer, id, OrderAct::Request),
        _ => Err(Failure::new(Exit::Usage, "order.act", "an order is requested")),
    }
}

pub(super) fn decide(
    system: &System,
    peer: &Peer,
    id: &str,
    text: OrderActText,
) -> Result<OrderView, Failure> {
    let verdict = match (text.act.as_str(), text.reason) {
        ("approve", None) => Verdict::Approve,
        ("refuse", Some(reason)) => Verdict::Refuse { reason },
        _ => {
            let message = "an order is approved, or refused for a reason";
            return Err(Failure::new(Exit::Usage, "order.act", message));
        }
    };
    take(system, peer, id, OrderAct::Decide(verdict))
}

fn take(system: &System, peer: &Peer, id: &str, act: OrderAct) -> Result<OrderView, Failure> {
    let order = find(system, id)?;
    let (actor, now) = (operator(&system.tenant, peer)?, system.clock.now());
    let asked = matches!(act, OrderAct::Request);
    let taken = at_desk(system, |desk| desk.take(&actor, order.digest, act, now));
    match taken {
        Ok(order) => Ok(view(&order, now)),
        // The same command again goes on with what it began.
        Err(OrderError::Conflict(OrderConflict::Requested { by })) if asked && by.by == actor.to_string() => {
            show(system, id)
        }
        Err(error) => Err(told(system, peer, error, &order.digest)),
    }
}

/// Refuses a change of one certificate where even that needs two people.
pub(super) fn check_single(system: &System, peer: &Peer, actor: &Actor) -> Result<(), Failure> {
    if system.order_rule.needed(1) == 0 {
        return Ok(());
    }
    let failure = Failure::new(Exit::Refused, "order.two-people", "every revocation needs two people here")
        .then("the same command with --dry-run, then with --apply and the digest that it shows");
    Err(refused(system, (&actor.tenant, peer), failure, Vec::new()))
}

/// Records a refusal.
fn told(system: &System, peer: &Peer, error: OrderError, digest: &[u8]) -> Failure {
    let exit = match (&error, error.fault()) {
        (
            OrderError::NotEntitled
            | OrderError::Conflict(OrderConflict::SameOperator | OrderConflict::OwnOrder),
            _,
        ) => Exit::Permission,
        (OrderError::Conflict(OrderConflict::Unknown), _) => Exit::NotFound,
        (OrderError::Reason | OrderError::Everything | OrderError::TooLong { .. }, _) => Exit::Usage,
        (_, Fault::Requester) => Exit::Refused,
        (_, Fault::Conflict) => Exit::Conflict,
        (_, Fault::Unavailable) => Exit::Unavailable,
        (_, Fault::Ours) => Exit::Failed,
    };
    let next = match &error {
        OrderError::Conflict(OrderConflict::SameOperator | OrderConflict::OwnOrder) => {
            "another operator types `meter-pki revocation approve` with the same digest"
        }
        OrderError::Conflict(OrderConflict::Expired { .. }) | OrderError::Changing => "repeat the dry run",
        OrderError::Conflict(_) => "meter-pki revocation list",
        OrderError::Everything => {
            "name serial numbers, system titles, or what the certificates have in common"
        }
        OrderError::NotEntitled
        | OrderError::TooLong { .. }
        | OrderError::HoldNotOffered
        | OrderError::InvalidityInFuture { .. }
        | OrderError::Reason
        | OrderError::Unavailable(_) => "",
    };
    let code = error.code();
    if let OrderError::Unavailable(error) = error {
        return unavailable(error);
    }
    let failure = Failure::new(exit, code, error).then(next);
    refused(system, (&system.tenant, peer), failure, digest.to_vec())
}

/// Finds the one order whose digest begins so.
fn find(system: &System, id: &str) -> Result<RevocationOrder, Failure> {
    let digest = hex::decode(id).ok().filter(|_| (SHORTEST_ID..=64).contains(&id.len()));
    let digest = digest.ok_or_else(|| {
        let message =
            format!("{id} is no digest of an order: {SHORTEST_ID} to 64 hexadecimal digits, an even number");
        Failure::new(Exit::Usage, "order.malformed", message).then("meter-pki revocation list")
    })?;
    let mut found = system.orders.orders_named(&digest).map_err(unavailable)?;
    match (found.pop(), found.is_empty()) {
        (Some(order), true) => Ok(order),
        (Some(_), false) => {
            let message = format!("the digests of several orders begin with {id}");
            Err(Failure::new(Exit::Usage, "order.ambiguous", message).then("give more digits of the digest"))
        }
        (None, _) => {
            let message = format!("no order with the digest {id} is on record");
            Err(Failure::new(Exit::NotFound, "order.unknown", message).then("meter-pki revocation list"))
        }
    }
}

fn standing(text: &str) -> Result<OrderStanding, Failure> {
    let known = || OrderStanding::ALL.map(OrderStanding::name);
    OrderStanding::from_name(text).ok_or_else(|| unknown_state(text, &known()))
}

/// Reads a selection; the words are checked here, and what they come to in ca-core.
fn selection(system: &System, text: &SelectionText) -> Result<Selection, Failure> {
    let key = |digits: &String| {
        hex::decode(digits).ok().and_then(|octets| octets.try_into().ok()).ok_or_else(|| {
            let message = format!("{digits} is no SHA-256 of a public key: 64 hexadecimal digits");
            Failure::new(Exit::Usage, "key.malformed", message)
        })
    };
    let issuer = text.issuer.as_deref().map(|name| named(system, name)).transpose()?;
    Ok(Selection {
        serials: text.serials.iter().map(|number| serial(number)).collect::<Result<_, _>>()?,
        titles: text.system_titles.iter().map(|digits| title(digits)).collect::<Result<_, _>>()?,
        keys: text.keys.iter().map(key).collect::<Result<_, _>>()?,
        tenant: text.tenant.as_deref().map(tenant).transpose()?,
        issuer: issuer.map(ServedAuthority::key),
        profile: text.profile.clone(),
        hierarchy: text.hierarchy.as_deref().map(hierarchy).transpose()?,
        purpose: text.purpose.as_deref().map(purpose).transpose()?,
        manufacturer: text.manufacturer.as_deref().map(flag).transpose()?,
        organization: text.organization.clone(),
        issued_since: text.issued_since.as_deref().map(time).transpose()?,
        issued_before: text.issued_before.as_deref().map(time).transpose()?,
        expires_before: text.expires_before.as_deref().map(time).transpose()?,
        status: text.status.as_deref().map(status).transpose()?,
    })
}

fn hierarchy(text: &str) -> Result<Hierarchy, Failure> {
    Hierarchy::ALL.into_iter().find_map(|(one, word)| (word == text).then_some(one)).ok_or_else(|| {
        Failure::new(Exit::Usage, "hierarchy.unknown", format!("{text} is not a hierarchy"))
            .then("use one of factory, operational, maintenance, infrastructure")
    })
}

fn purpose(text: &str) -> Result<KeyPurpose, Failure> {
    KeyPurpose::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "purpose.unknown", format!("{text} is not a purpose"))
            .then("use one of signature, key-agreement, tls")
    })
}

/// The FLAG id: the first three octets of a system title, capital letters.
pub(super) fn flag(text: &str) -> Result<[u8; 3], Failure> {
    let octets = <[u8; 3]>::try_from(text.as_bytes()).ok();
    octets.filter(|octets| octets.iter().all(u8::is_ascii_uppercase)).ok_or_else(|| {
        let message = format!("{text} is no FLAG id: three capital letters, such as MPK");
        Failure::new(Exit::Usage, "manufacturer.malformed", message)
    })
}

/// Returns what was named and is nowhere.
fn unknown(system: &System, selection: &Selection) -> Result<Vec<String>, Failure> {
    let mut unknown = Vec::new();
    for number in &selection.serials {
        let mut known = false;
        for served in &system.authorities {
            let id = ca_core::record::CertificateId { issuer: served.key(), serial: number.clone() };
            known |= system.status.certificate(&id).map_err(unavailable)?.is_some();
        }
        unknown.extend((!known && unknown.len() < TOLD).then(|| number.to_string()));
    }
    for title in &selection.titles {
        let query = CertificateQuery { title: Some(*title), limit: 1, ..CertificateQuery::default() };
        let none = system.status.certificates(&query).map_err(unavailable)?.is_empty();
        unknown.extend((none && unknown.len() < TOLD).then(|| title.to_string()));
    }
    Ok(unknown)
}

fn plan_view(system: &System, plan: Plan, now: UnixTime) -> PlanView {
    let tally = |tally: &Tally| TallyView {
        profile: tally.profile.to_string(),
        status: tally.status.map_or("expired", |status| status.name()).to_owned(),
        count: tally.count,
    };
    PlanView {
        order: plan.order.as_ref().map(|order| view(order, now)),
        changing: plan.changing.iter().map(tally).collect(),
        passed_over: plan.passed_over.iter().map(tally).collect(),
        first: plan.first.iter().map(|one| views::certificate(&system.issuer_name(one), one, now)).collect(),
        unknown: Vec::new(),
    }
}

fn view(order: &RevocationOrder, now: UnixTime) -> OrderView {
    let (change, reason, invalidity_date) = match order.change {
        Change::Revoke { reason, invalidity_date } => ("revoke", Some(reason), invalidity_date),
        Change::Release => ("release", None, None),
    };
    let profiles = order.profiles.iter();
    OrderView {
        digest: hex::encode(order.digest),
        state: order.standing(now).name().to_owned(),
        change: change.to_owned(),
        reason: reason.map(|reason| reason.name().to_owned()),
        invalidity_date: invalidity_date.map(|date| date.to_string()),
        selection: order.selection.clone(),
        count: order.count,
        profiles: profiles
            .map(|(profile, count)| ProfileCount { profile: profile.to_string(), count: *count })
            .collect(),
        needed: order.needed,
        planned: mark(&order.planned),
        requested: order.requested.as_ref().map(mark),
        expires_at: order.expires_at.to_string(),
        approvals: order.approvals.iter().map(mark).collect(),
        refused: order.refusal.as_ref().map(|(by, _)| mark(by)),
        refused_for: order.refusal.as_ref().map(|(_, reason)| reason.clone()),
        changed: order.progress.changed,
        skipped: order.progress.skipped,
        finished_at: order.progress.finished_at.map(|time| time.to_string()),
    }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}
