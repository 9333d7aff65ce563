//! Offers that are issued under production orders alone: which order a request is under, that nothing is renewed, and what
//! operators may say of orders. How full an order is, the ledger decides.

use std::sync::Mutex;

use ca_core::actor::{Actor, Identity};
use ca_core::audit::{Act, AuditEvent};
use ca_core::authority::CertificationAuthority;
use ca_core::fault::Fault;
use ca_core::ports::{Production, Unavailable};
use ca_core::production::{ProductionDesk, ProductionError, WantedOrder, WantedTitles};
use ca_core::reason::ReasonCode;
use ca_core::record::{
    CertificateStatus, Mark, OrderedTitles, ProducedDevice, ProductionConflict, ProductionEnd, ProductionId,
    ProductionOrder, ProductionQuery, ScrapRecord, Scrapped,
};
use ca_core::registration::ProductionRule;
use ca_core::request::{EnrolmentKind, EnrolmentRequest};
use ca_core::system_title::SystemTitle;

use crate::doubles::clock::{DAY, NOW, at};
use crate::scenarios::by_station;
use crate::world::{World, dso, maker, operator, title};

fn needing_orders(world: &World) -> CertificationAuthority {
    world.reopened(|charter| {
        for offer in &mut charter.offers {
            offer.production = ProductionRule::Required;
        }
    })
}

fn id(name: &str) -> ProductionId {
    ProductionId::parse(name).unwrap()
}

#[test]
fn who_names_no_order_is_refused_at_every_door_and_a_station_is_asked_for_the_one_it_works_on() {
    let world = World::new();
    let authority = needing_orders(&world);
    let by_hand = world.by_operator("op-ds", 1, 1);
    world.ledger.forget_events();
    let rows = world.ledger.statuses().len();
    world.assert_refused(authority.enrol(by_hand.clone()), "order.required", rows);
    let under = |name: &str, request| authority.enrol_batch_under(&id(name), vec![request]).remove(0);
    world.ledger.forget_events();
    world.assert_refused(under("PO-2", by_hand.clone()), "order.required", rows);
    assert!(under("PO-1", by_hand).is_ok());
    // The double knows one station, by its name, and it works on an order.
    let station = by_station(&world);
    let named = EnrolmentRequest { actor: station.actor.clone(), ..world.by_operator("op-ds", 1, 2) };
    world.ledger.expect(&title(2), &dso(), None);
    let Identity::RegistrationAuthority(mut other) = station.actor.identity else { panic!("a station") };
    other.name = "line-9".to_owned();
    let actor = Actor { tenant: dso(), identity: Identity::RegistrationAuthority(other) };
    let idle = EnrolmentRequest { actor, ..world.by_operator("op-ds", 2, 3) };
    assert_eq!(authority.enrol(idle).unwrap_err().code(), "order.required");
    // What a device has is not replaced under an order, be it asked for as a renewal.
    let kind = EnrolmentKind::ReEnrolment { renewed: None, former: None };
    assert_eq!(authority.enrol(EnrolmentRequest { kind, ..named }).unwrap_err().code(), "slot.taken");
}

#[test]
fn the_same_request_under_an_order_has_the_same_answer_long_after_the_window() {
    let world = World::new();
    let authority = needing_orders(&world);
    let request = world.by_operator("op-ds", 1, 1);
    let ask = || authority.enrol_batch_under(&id("PO-1"), vec![request.clone()]).remove(0).unwrap();
    let first = ask();
    world.clock.set(NOW + 30 * DAY);
    assert_eq!(ask().der(), first.der());
    assert_eq!(world.count(CertificateStatus::Good), 1 + crate::world::FOUNDED);
}

/// Keeps what it is asked, and knows one order of the tenant `dso`.
#[derive(Default)]
struct Desk(Mutex<Vec<(AuditEvent, Option<ProductionOrder>)>>);

impl Production for Desk {
    fn open_production(
        &self,
        order: ProductionOrder,
        _: Vec<SystemTitle>,
        event: AuditEvent,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        self.0.lock().unwrap().push((event, Some(order.clone())));
        Ok(Ok(order))
    }

    fn end_production(
        &self,
        end: ProductionEnd,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        self.0.lock().unwrap().push((end.event, None));
        Ok(Err(ProductionConflict::UnderWay { certificates: 1 }))
    }

    fn scrap_device(&self, scrap: ScrapRecord) -> Result<Result<Scrapped, ProductionConflict>, Unavailable> {
        self.0.lock().unwrap().push((scrap.event, None));
        Ok(Err(ProductionConflict::NotMade))
    }

    fn production(&self, _: &ProductionId) -> Result<Option<ProductionOrder>, Unavailable> {
        Ok(self.0.lock().unwrap().iter().find_map(|(_, order)| order.clone()))
    }

    fn productions(&self, _: &ProductionQuery) -> Result<Vec<ProductionOrder>, Unavailable> {
        Ok(Vec::new())
    }

    fn produced(
        &self,
        _: &ProductionId,
        _: Option<&SystemTitle>,
        _: usize,
    ) -> Result<(Vec<ProducedDevice>, Option<SystemTitle>), Unavailable> {
        Ok((Vec::new(), None))
    }
}

fn wanted(world: &World) -> WantedOrder {
    let profile = |name: &str| {
        let id = crate::profiles::id(name);
        world.authority.offer(&id).unwrap().profile.clone()
    };
    WantedOrder {
        id: id("PO-1"),
        ordered: 2,
        profiles: vec![profile("op-ds")],
        titles: WantedTitles::Ranges(vec![(title(1), title(9))]),
        model: "M1".to_owned(),
        firmware: String::new(),
        batch: String::new(),
        customer: None,
        stations: vec!["line-1".to_owned()],
        until: at(NOW + DAY),
    }
}

#[test]
fn an_order_is_opened_as_it_is_wanted_and_only_if_it_is_one() {
    let (world, desk, actor) = (World::new(), Desk::default(), operator());
    let open = |wanted| ProductionDesk { production: &desk, actor: &actor, now: at(NOW) }.open(wanted);
    type Change = fn(&mut WantedOrder);
    let wrong: [(&str, Change); 10] = [
        ("order.quantity", |one| one.ordered = 0),
        ("order.quantity", |one| one.ordered = 1_000_001),
        ("order.until", |one| one.until = at(NOW)),
        ("order.until", |one| one.until = at(NOW + 733 * DAY)),
        ("order.text", |one| one.model = "x".repeat(65)),
        ("order.profiles", |one| one.profiles.clear()),
        ("order.profiles", |one| one.profiles.push(one.profiles[0].clone())),
        ("order.titles", |one| one.titles = WantedTitles::Ranges(vec![(title(2), title(1))])),
        ("order.titles", |one| one.titles = WantedTitles::List(Vec::new())),
        ("order.stations", |one| one.stations = vec!["a".to_owned(), "a".to_owned()]),
    ];
    for (code, change) in wrong {
        let mut one = wanted(&world);
        change(&mut one);
        let error = open(one).unwrap_err();
        assert_eq!((error.code(), error.fault()), (code, Fault::Requester), "{error}");
    }
    assert!(desk.0.lock().unwrap().is_empty(), "nothing was recorded");
    // A range leads from one manufacturer to no other.
    let foreign = SystemTitle::new([b'M', b'P', b'L', 0, 0, 0, 0, 9]);
    let across = WantedOrder { titles: WantedTitles::Ranges(vec![(title(1), foreign)]), ..wanted(&world) };
    assert_eq!(open(across).unwrap_err().code(), "order.titles");
    let order = open(wanted(&world)).unwrap();
    assert_eq!(order.opened, Mark { by: actor.to_string(), at: at(NOW) });
    let listed =
        WantedOrder { titles: WantedTitles::List(vec![title(2), title(1), title(2)]), ..wanted(&world) };
    assert_eq!(open(listed).unwrap().titles, OrderedTitles::Listed { count: 2 });
    let events = desk.0.lock().unwrap();
    let said = format!("order PO-1; 2 devices under op-ds; until {}", at(NOW + DAY));
    assert_eq!((events[0].0.act, events[0].0.detail.as_str()), (Act::ProductionOpened, said.as_str()));
}

#[test]
fn operators_of_the_manufacturer_end_orders_and_scrap_devices_and_nobody_else() {
    let (world, desk, actor) = (World::new(), Desk::default(), operator());
    let by = |actor: &Actor, ask: &dyn Fn(ProductionDesk<'_>) -> ProductionError| {
        ask(ProductionDesk { production: &desk, actor, now: at(NOW) }).code()
    };
    let close = |desk: ProductionDesk<'_>| desk.close(&id("PO-1")).unwrap_err();
    assert_eq!(by(&actor, &close), "order.unknown");
    ProductionDesk { production: &desk, actor: &actor, now: at(NOW) }.open(wanted(&world)).unwrap();
    assert_eq!(by(&actor, &close), "order.under-way");
    let stranger = Actor { tenant: maker(), identity: actor.identity.clone() };
    assert_eq!(by(&stranger, &close), "order.unknown");
    let station = by_station(&world).actor;
    assert_eq!(by(&station, &close), "order.not-entitled");
    let scrap =
        |reason| move |desk: ProductionDesk<'_>| desk.scrap(&id("PO-1"), title(1), reason).unwrap_err();
    assert_eq!(by(&actor, &scrap(ReasonCode::CertificateHold)), "order.hold");
    assert_eq!(by(&actor, &scrap(ReasonCode::CessationOfOperation)), "order.not-made");
    assert_eq!(by(&actor, &|desk| desk.cancel(&id("PO-1"), "").unwrap_err()), "order.text");
}
