//! What operators can do about production orders: open, list, show, end, scrap a device, and issue for a line.
//!
//! What may be issued is decided in ca-core and in the ledger's transaction. Here the purpose of each request is what the line
//! says of it, never what the request says.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::actor::Actor;
use ca_core::csr::CertificationRequest;
use ca_core::fault::Fault;
use ca_core::issuance::{Delivery, IssueError, IssuedCertificate};
use ca_core::production::{ProductionDesk, ProductionError, WantedOrder, WantedTitles};
use ca_core::profile::{CertificateProfile, KeyPurpose, ProfileId};
use ca_core::record::{
    CertificateStatus, OrderedTitles, ProducedDevice, ProductionConflict, ProductionId, ProductionOrder,
    ProductionQuery, ProductionRefusal, ProductionState,
};
use ca_core::registration::ProductionRule;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use super::acts::{operator, reason, refused, rows, tenant, time, title, unavailable, unknown_state};
use super::routes::Peer;
use super::wire::production::{
    LineAnswer, LineAnswers, LineRequest, LineRequests, OrderedCertificateView, ProducedCertificateView,
    ProducedPage, ProducedQueryText, ProducedView, ProductionEndText, ProductionPage, ProductionQueryText,
    ProductionText, ProductionView, ScrapText, ScrapView, TitleRange,
};
use super::wire::requests::MarkView;
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// The most requests of a line in one call.
const MAX_REQUESTS: usize = 1_000;

/// The most titles of an order that are looked at in one call.
const MAX_TITLES: usize = 1_000;

pub(super) fn open(system: &System, peer: &Peer, text: ProductionText) -> Result<ProductionView, Failure> {
    let owner = tenant(&text.tenant)?;
    peer.check(&owner)?;
    check_stations(system, &text.stations)?;
    let profiles: Vec<CertificateProfile> =
        text.profiles.iter().map(|name| required(system, &owner, name)).collect::<Result<_, _>>()?;
    let wanted = WantedOrder {
        id: id(&text.id)?,
        ordered: text.ordered,
        profiles,
        titles: titles(&text)?,
        model: text.model,
        firmware: text.firmware,
        batch: text.batch,
        customer: text.customer.as_deref().map(tenant).transpose()?,
        stations: text.stations,
        until: time(&text.until)?,
    };
    let (actor, now) = (operator(&owner, peer)?, system.clock.now());
    let opened = desk(system, &actor, now).open(wanted).map_err(|error| told(system, peer, error))?;
    Ok(view(&opened, now))
}

pub(super) fn list(
    system: &System,
    peer: &Peer,
    text: &ProductionQueryText,
) -> Result<ProductionPage, Failure> {
    let (limit, now) = (rows(text.limit), system.clock.now());
    let query = ProductionQuery {
        tenant: peer.bounded(text.tenant.as_deref())?,
        state: text.state.as_deref().map(state).transpose()?,
        after: text.after.as_deref().map(id).transpose()?,
        limit,
    };
    let found = system.production.productions(&query).map_err(unavailable)?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.id.to_string());
    Ok(ProductionPage { orders: found.iter().map(|order| view(order, now)).collect(), next })
}

pub(super) fn show(system: &System, peer: &Peer, name: &str) -> Result<ProductionView, Failure> {
    let order = find(system, name)?;
    peer.check(&order.tenant)?;
    Ok(view(&order, system.clock.now()))
}

pub(super) fn end(
    system: &System,
    peer: &Peer,
    name: &str,
    text: &ProductionEndText,
) -> Result<ProductionView, Failure> {
    let order = find(system, name)?;
    let (actor, now) = (operator(&order.tenant, peer)?, system.clock.now());
    let desk = desk(system, &actor, now);
    let ended = match &text.cancelled_for {
        None => desk.close(&order.id),
        Some(reason) => desk.cancel(&order.id, reason),
    };
    Ok(view(&ended.map_err(|error| told(system, peer, error))?, now))
}

pub(super) fn scrap(
    system: &System,
    peer: &Peer,
    name: &str,
    text: &ScrapText,
) -> Result<ScrapView, Failure> {
    let order = find(system, name)?;
    let (actor, now) = (operator(&order.tenant, peer)?, system.clock.now());
    let (title, reason) = (title(&text.system_title)?, reason(&text.reason)?);
    let scrapped = desk(system, &actor, now)
        .scrap(&order.id, title, reason)
        .map_err(|error| told(system, peer, error))?;
    for served in &system.authorities {
        if scrapped.revoked.iter().any(|id| id.issuer == served.key()) {
            served.notice_revocation();
        }
    }
    Ok(ScrapView {
        system_title: title.to_string(),
        revoked: scrapped.revoked.iter().map(|id| id.serial.to_string()).collect(),
        order: view(&scrapped.order, now),
    })
}

/// Issues for a line: one durable transaction for the intents and one for the certificates of each authority.
pub(super) fn issue(
    system: &System,
    peer: &Peer,
    name: &str,
    text: &LineRequests,
) -> Result<LineAnswers, Failure> {
    let order = find(system, name)?;
    if text.requests.len() > MAX_REQUESTS {
        let message = format!("{} requests are more than {MAX_REQUESTS}", text.requests.len());
        return Err(Failure::new(Exit::Usage, "requests.too-many", message));
    }
    let line = Line { system, order: &order, actor: operator(&order.tenant, peer)? };
    let mut answers: BTreeMap<usize, LineAnswer> = BTreeMap::new();
    let mut batches: Vec<Batch<'_>> = Vec::new();
    for (place, request) in text.requests.iter().enumerate() {
        match line.read(request)? {
            Err(answer) => {
                answers.insert(place, answer);
            }
            Ok((served, request)) => put(&mut batches, served, (place, request)),
        }
    }
    for Batch { served, places, requests } in batches {
        let outcomes = served.authority.enrol_batch_under(&order.id, requests);
        answers.extend(places.into_iter().zip(outcomes.iter().map(answer)));
    }
    Ok(LineAnswers { answers: answers.into_values().collect() })
}

pub(super) fn devices(
    system: &System,
    peer: &Peer,
    (name, text): (&str, &ProducedQueryText),
) -> Result<ProducedPage, Failure> {
    let order = find(system, name)?;
    peer.check(&order.tenant)?;
    let after = text.after.as_deref().map(title).transpose()?;
    let limit = rows(text.limit).min(MAX_TITLES);
    let (found, next) = system.production.produced(&order.id, after.as_ref(), limit).map_err(unavailable)?;
    let devices =
        found.iter().map(|device| produced(system, &order, device)).collect::<Result<_, Failure>>()?;
    Ok(ProducedPage { devices, next: next.map(|title| title.to_string()) })
}

/// Requests to one authority, with their places in the call.
struct Batch<'a> {
    served: &'a ServedAuthority,
    places: Vec<usize>,
    requests: Vec<EnrolmentRequest>,
}

fn put<'a>(
    batches: &mut Vec<Batch<'a>>,
    served: &'a ServedAuthority,
    (place, request): (usize, EnrolmentRequest),
) {
    match batches.iter_mut().find(|batch| batch.served.key() == served.key()) {
        Some(batch) => {
            batch.places.push(place);
            batch.requests.push(request);
        }
        None => batches.push(Batch { served, places: vec![place], requests: vec![request] }),
    }
}

/// A request with the authority that issues such certificates, or its answer.
type Read<'a> = Result<(&'a ServedAuthority, EnrolmentRequest), LineAnswer>;

/// Where the requests of one call come from.
struct Line<'a> {
    system: &'a System,
    order: &'a ProductionOrder,
    actor: Actor,
}

impl<'a> Line<'a> {
    /// Makes a request to the authority that issues such certificates, or its answer.
    fn read(&self, text: &LineRequest) -> Result<Read<'a>, Failure> {
        let wanted = title(&text.system_title)?;
        let purpose = purpose(&text.purpose)?;
        let ordered = self.order.certificates.iter().find(|one| one.purpose == purpose);
        let Some(ordered) = ordered else {
            let refusal = ProductionRefusal::Purpose;
            return self.refuse(wanted, (refusal.code(), &refusal));
        };
        let served = offering(self.system, &self.order.tenant, &ordered.profile)?;
        let request = match STANDARD.decode(&text.request).map_err(|error| error.to_string()) {
            Ok(der) => match CertificationRequest::from_der(&der) {
                Ok(request) => request,
                Err(error) => return self.refuse(wanted, (error.code(), &error)),
            },
            Err(error) => return self.refuse(wanted, ("request.unreadable", &error)),
        };
        let subject = match Subject::read(request.subject(), request.content().alternative_names()) {
            Ok(subject) => subject,
            Err(error) => return self.refuse(wanted, ("subject.unfit", &error)),
        };
        if subject.system_title() != Some(&wanted) {
            let other = format!("the request is for {subject}, not for {wanted}");
            return self.refuse(wanted, ("subject.other", &other));
        }
        let request = EnrolmentRequest {
            actor: self.actor.clone(),
            profile: ordered.profile.clone(),
            subject,
            evidence: Evidence::Request(Box::new(request)),
            kind: EnrolmentKind::First,
            validity_seconds: None,
            transaction: None,
        };
        Ok(Ok((served, request)))
    }

    /// What never becomes a request is refused with its audit record.
    fn refuse<T>(
        &self,
        title: SystemTitle,
        (code, why): (&str, &dyn std::fmt::Display),
    ) -> Result<Result<T, LineAnswer>, Failure> {
        let mut event = ca_core::audit::AuditEvent {
            time: self.system.clock.now(),
            tenant: self.actor.tenant.clone(),
            actor: self.actor.to_string(),
            act: ca_core::audit::Act::RequestRefused,
            issuer: None,
            serial: None,
            reason: code.to_owned(),
            detail: format!("{title}; order {}", self.order.id),
            digest: Vec::new(),
        };
        event.detail.push_str(&format!("; {why}"));
        self.system.ports.ledger.record_event(event).map_err(unavailable)?;
        Ok(Err(refusal(code, why, false)))
    }
}

fn answer(outcome: &Result<IssuedCertificate, IssueError>) -> LineAnswer {
    match outcome {
        Ok(issued) => LineAnswer {
            certificate: Some(STANDARD.encode(issued.der())),
            repeated: issued.delivery() == Delivery::Repeated,
            code: None,
            message: None,
            again: false,
        },
        Err(error) => refusal(error.code(), error, error.fault() == Fault::Unavailable),
    }
}

fn refusal(code: &str, why: &dyn std::fmt::Display, again: bool) -> LineAnswer {
    LineAnswer {
        certificate: None,
        repeated: false,
        code: Some(code.to_owned()),
        message: Some(why.to_string()),
        again,
    }
}

/// Returns the profile, if an authority of the owner issues under it, and only under production orders.
fn required(system: &System, owner: &TenantId, name: &str) -> Result<CertificateProfile, Failure> {
    let profile =
        ProfileId::parse(name).map_err(|error| Failure::new(Exit::Usage, "profile.malformed", error))?;
    let served = offering(system, owner, &profile)?;
    let offer = served.authority.offer(&profile);
    match offer.filter(|offer| offer.production == ProductionRule::Required) {
        Some(offer) => Ok(offer.profile.clone()),
        // Whoever asks without the order would be answered too, and nothing would be counted.
        None => {
            let message = format!("{} issues {profile} without production orders as well", served.name);
            Err(Failure::new(Exit::Refused, "order.not-required", message)
                .then("say `order = \"required\"` at that offer in the configuration, and restart"))
        }
    }
}

/// Finds the one authority of the owner that issues under a profile.
pub(super) fn offering<'a>(
    system: &'a System,
    owner: &TenantId,
    profile: &ProfileId,
) -> Result<&'a ServedAuthority, Failure> {
    let offers = |served: &&ServedAuthority| {
        *served.authority.issuer().tenant() == *owner && served.authority.offer(profile).is_some()
    };
    let mut found = system.authorities.iter().filter(offers);
    match (found.next(), found.next()) {
        (Some(served), None) => Ok(served),
        (Some(_), Some(_)) => {
            let message = format!("several authorities of {owner} issue {profile}");
            Err(Failure::new(Exit::Conflict, "issuer.ambiguous", message)
                .then("offer the profile at one of them"))
        }
        (None, _) => {
            let message = format!("no authority of {owner} issues {profile} here");
            Err(Failure::new(Exit::NotFound, "profile.unknown", message).then("meter-pki ca list"))
        }
    }
}

fn check_stations(system: &System, stations: &[String]) -> Result<(), Failure> {
    for station in stations {
        let named = format!("station {station}");
        if !system.trusted.iter().any(|trusted| trusted.vouches_for == named) {
            let message = format!("there is no registration authority called {station}");
            return Err(Failure::new(Exit::NotFound, "station.unknown", message)
                .then("look at [[registration_authority]] in the configuration"));
        }
    }
    Ok(())
}

fn titles(text: &ProductionText) -> Result<WantedTitles, Failure> {
    match (text.ranges.is_empty(), text.system_titles.is_empty()) {
        (false, true) => {
            let range = |one: &TitleRange| Ok((title(&one.first)?, title(&one.last)?));
            Ok(WantedTitles::Ranges(text.ranges.iter().map(range).collect::<Result<_, Failure>>()?))
        }
        (true, false) => {
            let list = text.system_titles.iter().map(|one| title(one)).collect::<Result<_, _>>()?;
            Ok(WantedTitles::List(list))
        }
        (true, true) | (false, false) => {
            let message = "an order names its system titles in ranges or in a list";
            Err(Failure::new(Exit::Usage, "order.titles", message)
                .then("give --range FIRST-LAST, or --titles FILE"))
        }
    }
}

fn desk<'a>(system: &'a System, actor: &'a Actor, now: UnixTime) -> ProductionDesk<'a> {
    ProductionDesk { production: &*system.production, actor, now }
}

fn find(system: &System, name: &str) -> Result<ProductionOrder, Failure> {
    let found = system.production.production(&id(name)?).map_err(unavailable)?;
    found.ok_or_else(|| {
        let message = format!("there is no production order called {name}");
        Failure::new(Exit::NotFound, "order.unknown", message).then("meter-pki factory order list")
    })
}

fn id(text: &str) -> Result<ProductionId, Failure> {
    ProductionId::parse(text).map_err(|error| Failure::new(Exit::Usage, "order.malformed", error))
}

fn state(text: &str) -> Result<ProductionState, Failure> {
    let known = || ProductionState::ALL.map(ProductionState::name);
    ProductionState::from_name(text).ok_or_else(|| unknown_state(text, &known()))
}

fn purpose(text: &str) -> Result<KeyPurpose, Failure> {
    KeyPurpose::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "purpose.unknown", format!("{text} is not a purpose"))
            .then("use one of signature, key-agreement, tls")
    })
}

/// Records a refusal of what an operator wanted.
fn told(system: &System, peer: &Peer, error: ProductionError) -> Failure {
    let (code, fault) = (error.code(), error.fault());
    if let ProductionError::Unavailable(error) = error {
        return unavailable(error);
    }
    let exit = match (&error, fault) {
        (ProductionError::NotEntitled, _) => Exit::Permission,
        (ProductionError::Conflict(ProductionConflict::Unknown | ProductionConflict::NotMade), _) => {
            Exit::NotFound
        }
        (_, Fault::Requester) => Exit::Usage,
        (_, Fault::Conflict) => Exit::Conflict,
        (_, Fault::Unavailable) => Exit::Unavailable,
        (_, Fault::Ours) => Exit::Failed,
    };
    let next = match &error {
        ProductionError::Conflict(ProductionConflict::StationTaken { by, .. }) => {
            format!("meter-pki factory close --order {by}")
        }
        ProductionError::Conflict(ProductionConflict::UnderWay { .. }) => "try again in a moment".to_owned(),
        ProductionError::Conflict(_) => "meter-pki factory order list".to_owned(),
        ProductionError::NotEntitled
        | ProductionError::Quantity { .. }
        | ProductionError::Until { .. }
        | ProductionError::Text { .. }
        | ProductionError::NoProfile
        | ProductionError::PurposeTwice { .. }
        | ProductionError::Ranges
        | ProductionError::List
        | ProductionError::Stations
        | ProductionError::Hold
        | ProductionError::Unavailable(_) => String::new(),
    };
    let failure = Failure::new(exit, code, error).then(next);
    refused(system, (&system.tenant, peer), failure, Vec::new())
}

fn produced(
    system: &System,
    order: &ProductionOrder,
    device: &ProducedDevice,
) -> Result<ProducedView, Failure> {
    let mut certificates = Vec::with_capacity(device.certificates.len());
    let mut good = Vec::new();
    for one in &device.certificates {
        let stored = system.status.certificate(&one.id).map_err(unavailable)?;
        let status = stored.as_ref().map_or(CertificateStatus::NeverIssued, |stored| stored.status);
        if status == CertificateStatus::Good {
            good.push(one.purpose);
        }
        certificates.push(ProducedCertificateView {
            purpose: one.purpose.name().to_owned(),
            issuer: stored.as_ref().map(|stored| system.issuer_name(stored)).unwrap_or_default(),
            serial: one.id.serial.to_string(),
            status: status.kind().map_or("unknown", ca_core::record::StatusKind::name).to_owned(),
            certificate: stored.filter(|_| one.issued).map(|stored| STANDARD.encode(stored.certificate)),
        });
    }
    Ok(ProducedView {
        system_title: device.title.to_string(),
        complete: order.is_complete(good.iter().copied()),
        scrapped: device.scrapped,
        certificates,
    })
}

fn view(order: &ProductionOrder, now: UnixTime) -> ProductionView {
    let (ranges, listed) = match &order.titles {
        OrderedTitles::Listed { count } => (Vec::new(), *count),
        OrderedTitles::Ranges(ranges) => {
            let range = |(first, last): &(SystemTitle, SystemTitle)| TitleRange {
                first: first.to_string(),
                last: last.to_string(),
            };
            (ranges.iter().map(range).collect(), 0)
        }
    };
    let expired = order.state == ProductionState::Open && now > order.until;
    let certificate = |one: &ca_core::record::OrderedCertificate| OrderedCertificateView {
        purpose: one.purpose.name().to_owned(),
        profile: one.profile.to_string(),
    };
    let mark = |mark: &ca_core::record::Mark| MarkView { by: mark.by.clone(), at: mark.at.to_string() };
    let reason = order.ended.as_ref().map(|(_, reason)| reason.clone());
    ProductionView {
        id: order.id.to_string(),
        tenant: order.tenant.to_string(),
        state: if expired { "expired" } else { order.state.name() }.to_owned(),
        ordered: order.ordered,
        places: order.count.places,
        complete: order.count.complete,
        under_way: order.count.under_way,
        scrapped: order.count.scrapped,
        missing: order.ordered.saturating_sub(order.count.complete),
        certificates: order.certificates.iter().map(certificate).collect(),
        ranges,
        listed,
        model: order.model.clone(),
        firmware: order.firmware.clone(),
        batch: order.batch.clone(),
        customer: order.customer.as_ref().map(ToString::to_string),
        stations: order.stations.clone(),
        until: order.until.to_string(),
        opened: mark(&order.opened),
        ended: order.ended.as_ref().map(|(by, _)| mark(by)),
        reason: reason.filter(|reason| !reason.is_empty()),
    }
}
