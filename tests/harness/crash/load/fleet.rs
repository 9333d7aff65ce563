//! The life of a batch of devices, over the operator's socket: order, line, delivery in parts, suspension, campaign, end of
//! service. Each step is one act; whatever gets no answer is asked again in the next life, and must be answered then.

use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::batch::{Batch, Made, ORDERED, Step};
use super::super::http::{Answer, Connection, Credential};
use super::super::template::MADE_UNDER_ORDERS;
use super::super::wish::serial_of;
use super::super::world::{Acknowledged, Revocable, World};
use super::{Load, lock};
use crate::patience::eventually;

/// How many steps a batch has in a life that is to end in some other way, and in one that is to end by a step of a batch.
const STEPS: usize = 12;
const MANY_STEPS: usize = 200;

/// How often it is looked whether the server has something to do for a head-end, in one life.
const LOOKS: usize = 2_000;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// It is done; this one follows.
    On(Step),
    /// Nothing can be done before the server has done something.
    Waits,
    /// There was no answer, or a refusal that somebody complains about.
    Lost,
}

/// What the server said.
enum Said {
    Yes(Value),
    No { status: u16, code: String, body: Vec<u8> },
    Nothing,
}

type Operator = Connection<UnixStream>;

fn said(answer: std::io::Result<Answer>) -> Said {
    let Ok(answer) = answer else { return Said::Nothing };
    let read: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        return Said::Yes(read);
    }
    let code = read["code"].as_str().unwrap_or_default().to_owned();
    Said::No { status: answer.status, code, body: answer.body }
}

fn post(operator: &mut Operator, path: &str, body: &Value) -> Said {
    said(operator.post(path, "application/json", body.to_string().as_bytes()))
}

impl Load<'_> {
    /// Carries the batch that is under way as far as this life lets it, and begins the next.
    pub(super) fn carry_batch(&self, world: &Mutex<World>) {
        let Ok(mut operator) = self.operator() else { return };
        let (steps, mut looks) = if self.kill.is_of_a_batch() { (MANY_STEPS, LOOKS) } else { (STEPS, 1) };
        for _ in 0..steps {
            let turn = eventually("the batch goes on", || {
                let turn = self.step(world, &mut operator);
                looks -= usize::from(turn == Turn::Waits);
                (turn != Turn::Waits || looks == 0).then_some(turn)
            });
            if !matches!(turn, Turn::On(_)) {
                return;
            }
        }
    }

    /// Carries the batch that is under way to its end, and begins one if no campaign was ever done.
    pub fn finish_batch(&self, world: &Mutex<World>) {
        let Ok(mut operator) = self.operator() else { return };
        let is_over = || {
            let world = lock(world);
            let none = world.batch.as_ref().is_none_or(|batch| batch.step == Step::OpenOrder);
            none && world.acknowledged_of(Acknowledged::Campaign) > 0
        };
        while !is_over() {
            let turn = eventually("the batch goes on", || {
                Some(self.step(world, &mut operator)).filter(|turn| *turn != Turn::Waits)
            });
            if turn == Turn::Lost {
                return;
            }
        }
    }

    fn step(&self, world: &Mutex<World>, operator: &mut Operator) -> Turn {
        let mut batch = lock(world).take_batch();
        let turn = self.advance(world, operator, &mut batch);
        if let Turn::On(step) = &turn {
            batch.step = step.clone();
        }
        let mut world = lock(world);
        world.batch = Some(batch).filter(|batch| batch.step != Step::Over);
        turn
    }

    fn advance(&self, world: &Mutex<World>, operator: &mut Operator, batch: &mut Batch) -> Turn {
        match batch.step.clone() {
            Step::OpenOrder => self.open_order(world, operator, batch),
            Step::Make => self.make(world, operator, batch, Step::Scrap),
            Step::Scrap => self.scrap(world, operator, batch),
            Step::MakeAnother => self.make(world, operator, batch, Step::CloseOrder),
            Step::CloseOrder => self.close_order(world, operator, batch),
            Step::Equip => self.equip(world, batch),
            Step::OpenDelivery => self.open_delivery(world, operator, batch),
            Step::TakePart(number) => self.take_part(world, operator, (batch, number)),
            Step::CloseDelivery => self.close_delivery(world, operator, batch),
            Step::Suspend => self.change(world, operator, batch, ("suspend", Step::AskSuspended)),
            Step::AskSuspended => self.ask_out_of_service(world, batch, ("device.suspended", Step::Resume)),
            Step::Resume => self.change(world, operator, batch, ("resume", Step::AskResumed)),
            Step::AskResumed => self.ask_in_service(world, batch),
            Step::Plan => self.plan(world, operator, batch),
            Step::Start(digest) => self.start(world, operator, digest),
            Step::Work(digest) => self.work(world, operator, (batch, digest)),
            Step::Compare(digest) => self.compare(world, operator, (batch, &digest)),
            Step::Retire => {
                // A swapped factory certificate is refused before anybody looks at the device.
                let next = if batch.has_campaign() { Step::Over } else { Step::AskRetired };
                self.change(world, operator, batch, ("retire", next))
            }
            Step::AskRetired => self.ask_out_of_service(world, batch, ("device.retired", Step::Over)),
            Step::Over => Turn::Waits,
        }
    }

    /// Goes on with `next` when the answer is one of those that say that it was done before, and complains otherwise.
    fn not_done(
        &self,
        world: &Mutex<World>,
        (what, said): (&str, Said),
        (before, next): (&str, Step),
    ) -> Turn {
        match said {
            Said::Yes(_) => Turn::On(next),
            Said::No { code, .. } if code == before => Turn::On(next),
            Said::No { status, body, .. } => {
                let _complained: Option<()> = self.refused(world, what, status, &body);
                Turn::Lost
            }
            Said::Nothing => Turn::Lost,
        }
    }

    fn open_order(&self, world: &Mutex<World>, operator: &mut Operator, batch: &Batch) -> Turn {
        let (first, last) = (batch.devices.first(), batch.devices.last());
        let range = json!({"first": first.map(|made| &made.title), "last": last.map(|made| &made.title)});
        let body = json!({
            "id": batch.order(), "tenant": "maker", "ordered": ORDERED, "profiles": [MADE_UNDER_ORDERS],
            "ranges": [range], "until": in_a_month(),
        });
        let said = post(operator, "/v1/production", &body);
        self.not_done(world, ("an order", said), ("order.known", Step::Make))
    }

    /// The line asks for everything that it may make and has not got, more than was ordered.
    fn make(&self, world: &Mutex<World>, operator: &mut Operator, batch: &mut Batch, next: Step) -> Turn {
        let asked: Vec<usize> = (0..batch.devices.len())
            .filter(|place| {
                let made = &batch.devices[*place];
                made.certificate.is_none() && !made.scrapped
            })
            .collect();
        let request = |place: &usize| {
            let made = &batch.devices[*place];
            let csr = STANDARD.encode(&made.wish.csr);
            json!({"system_title": made.title, "purpose": "key-agreement", "request": csr})
        };
        let body = json!({"requests": asked.iter().map(request).collect::<Vec<_>>()});
        let path = format!("/v1/production/{}/requests", batch.order());
        let answers = match post(operator, &path, &body) {
            Said::Yes(read) => read["answers"].as_array().cloned().unwrap_or_default(),
            other => return self.not_done(world, ("the line", other), ("", next)),
        };
        let mut unavailable = false;
        for (place, answer) in asked.into_iter().zip(answers) {
            let made = &mut batch.devices[place];
            if let Some(certificate) = answer["certificate"].as_str() {
                let der = STANDARD.decode(certificate).expect("base64");
                lock(world).received(&made.wish, &der);
                made.certificate = Some(der);
            } else if answer["again"] == true {
                unavailable = true;
            } else if answer["code"] != "order.full" {
                lock(world).complain(format!("the line was refused {}: {answer}", made.title));
                return Turn::Lost;
            }
        }
        match batch.good().count() {
            ORDERED => Turn::On(next),
            more if more > ORDERED => {
                lock(world).complain(format!("{more} devices were made, and {ORDERED} ordered"));
                Turn::Lost
            }
            _ if unavailable => Turn::Waits,
            fewer => {
                lock(world).complain(format!("{fewer} devices were made, {ORDERED} ordered, and it is full"));
                Turn::Lost
            }
        }
    }

    fn scrap(&self, world: &Mutex<World>, operator: &mut Operator, batch: &mut Batch) -> Turn {
        let order = batch.order();
        let made = batch.devices.iter_mut().find(|made| made.certificate.is_some()).expect("some were made");
        let body = json!({"system_title": made.title, "reason": "cessationOfOperation"});
        let said = post(operator, &format!("/v1/production/{order}/scraps"), &body);
        let turn = self.not_done(world, ("a scrap", said), ("order.not-made", Step::MakeAnother));
        if let (Turn::On(_), Some(certificate)) = (&turn, &made.certificate) {
            made.scrapped = true;
            let revoked = Revocable { authority: made.wish.authority(), serial: serial_of(certificate) };
            let mut world = lock(world);
            world.revoked(&revoked);
            world.changed("scrapped", &made.title);
        }
        turn
    }

    fn close_order(&self, world: &Mutex<World>, operator: &mut Operator, batch: &Batch) -> Turn {
        let said = post(operator, &format!("/v1/production/{}/end", batch.order()), &json!({}));
        if let Said::No { code, .. } = &said
            && code == "order.under-way"
        {
            return Turn::Waits;
        }
        let turn = self.not_done(world, ("the end of an order", said), ("order.closed", Step::Equip));
        let Turn::On(_) = turn else { return turn };
        // It counts what the line holds.
        let Said::Yes(view) = said_of(operator, &format!("/v1/production/{}", batch.order())) else {
            return Turn::Lost;
        };
        let counted = (&view["places"], &view["complete"], &view["under_way"], &view["scrapped"]);
        let mut world = lock(world);
        if counted != (&json!(ORDERED), &json!(ORDERED), &json!(0), &json!(1)) {
            world.complain(format!("the line holds {ORDERED} certificates, and the order says {view}"));
        }
        world.count(Acknowledged::Order);
        turn
    }

    fn open_delivery(&self, world: &Mutex<World>, operator: &mut Operator, batch: &Batch) -> Turn {
        let body = json!({
            "tenant": "dso", "manufacturer": "maker", "source": "mapped", "digest": batch.delivery(),
            "batch": format!("B-{}", batch.number), "announced": ORDERED,
        });
        let said = post(operator, "/v1/deliveries", &body);
        self.not_done(world, ("a delivery", said), ("", Step::TakePart(0)))
    }

    fn take_part(
        &self,
        world: &Mutex<World>,
        operator: &mut Operator,
        (batch, number): (&Batch, usize),
    ) -> Turn {
        let Some(part) = batch.part(number) else { return Turn::On(Step::CloseDelivery) };
        let first = batch.titles().into_iter().next();
        let device = |made: &&Made| {
            let factory = batch.factory.iter().filter(|_| first.as_ref() == Some(&made.title));
            let shown = factory.map(|factory| &factory.certificate);
            let certificates = made.certificate.iter().chain(shown).map(|der| STANDARD.encode(der));
            json!({
                "system_title": made.title, "serial_number": format!("SN-{}", made.title), "model": "M1",
                "certificates": certificates.collect::<Vec<_>>(),
                "secrets": [{"kind": "kek", "wrapped_by": "dso", "octets": STANDARD.encode([7; 24])}],
            })
        };
        let body = json!({"part": number, "devices": part.iter().map(device).collect::<Vec<_>>()});
        let said = post(operator, &format!("/v1/deliveries/{}/parts", batch.delivery()), &body);
        if let Said::Yes(view) = &said {
            let mut world = lock(world);
            if view["added"] != json!(part.len()) || view["refused"] != json!([]) {
                world.complain(format!("{} devices were delivered, and the answer was {view}", part.len()));
                return Turn::Lost;
            }
            let titles: Vec<String> = part.iter().map(|made| made.title.clone()).collect();
            world.delivered(&batch.delivery(), &titles);
        }
        self.not_done(world, ("a part of a delivery", said), ("", Step::TakePart(number + 1)))
    }

    fn close_delivery(&self, world: &Mutex<World>, operator: &mut Operator, batch: &Batch) -> Turn {
        let said = post(operator, &format!("/v1/deliveries/{}/close", batch.delivery()), &json!({}));
        if let Said::Yes(view) = &said {
            let mut world = lock(world);
            let counted = (&view["received"], &view["imported"], &view["refused"], &view["closed"]);
            if counted != (&json!(ORDERED), &json!(ORDERED), &json!(0), &json!(true)) {
                world.complain(format!("{ORDERED} devices were delivered, and the delivery says {view}"));
            }
            world.count(Acknowledged::Delivery);
        }
        self.not_done(world, ("the end of a delivery", said), ("", Step::Suspend))
    }

    /// Does something to the first device of a batch.
    fn change(
        &self,
        world: &Mutex<World>,
        operator: &mut Operator,
        batch: &Batch,
        (act, next): (&str, Step),
    ) -> Turn {
        let Some(title) = batch.titles().into_iter().next() else { return Turn::On(Step::Over) };
        let body = json!({"tenant": "dso", "act": act, "reason": "a test", "system_titles": [title]});
        let said = post(operator, "/v1/device-changes", &body);
        if let Said::Yes(view) = &said {
            let done = view["changed"] == json!([title]);
            // It was done in a life before this one, and nobody was told.
            let before = match act {
                "suspend" => "device.suspended",
                "retire" => "device.retired",
                _ => "device.state",
            };
            let mut world = lock(world);
            if !done && view["refused"][0]["code"] != before {
                world.complain(format!("{act} {title}: {view}"));
                return Turn::Lost;
            }
            world.changed(if act == "retire" { "retired" } else { participle(act) }, &title);
        }
        self.not_done(world, ("an act on a device", said), ("", next))
    }

    /// A device out of service gets nothing of its owner's.
    fn ask_out_of_service(
        &self,
        world: &Mutex<World>,
        batch: &mut Batch,
        (code, next): (&str, Step),
    ) -> Turn {
        let Some(answer) = self.asked_by_device(world, batch) else { return Turn::Lost };
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status == 403 && text.contains(code) {
            return Turn::On(next);
        }
        if answer.status == 200 {
            lock(world).complain(format!("a device out of service ({code}) was given a certificate"));
        } else {
            let _complained: Option<()> = self.refused(world, code, answer.status, &answer.body);
        }
        Turn::Lost
    }

    fn ask_in_service(&self, world: &Mutex<World>, batch: &mut Batch) -> Turn {
        if batch.has_campaign() {
            return Turn::On(Step::Plan);
        }
        let Some(answer) = self.asked_by_device(world, batch) else { return Turn::Lost };
        self.taken(world, batch, &answer).map_or(Turn::Lost, |_| Turn::On(Step::Retire))
    }

    /// The first device gets a factory certificate with which it can ask by itself.
    fn equip(&self, world: &Mutex<World>, batch: &mut Batch) -> Turn {
        let Some(station) = lock(world).station.clone() else { return Turn::Lost };
        let Some(answer) = self.asked_as(world, (batch, 0), &station) else { return Turn::Lost };
        batch.factory = self.taken(world, batch, &answer);
        if batch.factory.is_some() { Turn::On(Step::OpenDelivery) } else { Turn::Lost }
    }

    /// The first device asks by itself, for TLS and at its end for signatures.
    fn asked_by_device(&self, world: &Mutex<World>, batch: &mut Batch) -> Option<Answer> {
        let step = if batch.step == Step::AskRetired { 3 } else { 2 };
        let factory = batch.factory.clone()?;
        self.asked_as(world, (batch, step), &factory)
    }

    fn asked_as(
        &self,
        world: &Mutex<World>,
        (batch, step): (&mut Batch, usize),
        shown: &Credential,
    ) -> Option<Answer> {
        let title = batch.titles().into_iter().next()?;
        let factory = batch.factory.clone();
        let wish = batch.asks.get_or_insert_with(|| lock(world).wish_for(&title, step, factory));
        let mut open = Connection::est(self.est, self.roots, shown).ok()?;
        let path = format!("/.well-known/est/{}/simpleenroll", wish.profile());
        open.post(&path, "application/pkcs10", wish.body().as_bytes()).ok()
    }

    /// Takes in the certificate that was asked for; complains where there is none.
    fn taken(&self, world: &Mutex<World>, batch: &mut Batch, answer: &Answer) -> Option<Credential> {
        if answer.status != 200 {
            return self.refused(world, "a device of a batch", answer.status, &answer.body);
        }
        let certificate = super::certificate_of(&answer.body)?;
        let wish = batch.asks.take()?;
        lock(world).received(&wish, &certificate);
        Some(Credential { certificate, key: wish.key })
    }

    fn plan(&self, world: &Mutex<World>, operator: &mut Operator, batch: &mut Batch) -> Turn {
        batch.head_end.connect(&batch.titles(), &self.directory.join("state/authorities"));
        let body = json!({
            "tenant": "dso", "name": format!("batch {}", batch.number), "goal": "swap", "road": "head-end",
            "profiles": ["meter-op-ka-s1", "meter-op-tls-s1", "meter-op-ds-s1"],
            "choice": {"system_titles": batch.titles()}, "waves": [1], "stop_percent": 100,
            "per_minute": 1_000, "per_concentrator": 0, "window": null, "lease_seconds": 10,
            "pause_seconds": 1, "attempts": 100, "device_seconds": null,
        });
        let said = post(operator, "/v1/campaign-plans", &body);
        let mut next = Step::Plan;
        if let Said::Yes(view) = &said {
            let Some(digest) = view["campaign"]["digest"].as_str() else {
                lock(world).complain(format!("a campaign has no device: {view}"));
                return Turn::Lost;
            };
            if view["campaign"]["count"] != json!(ORDERED) {
                lock(world).complain(format!("a campaign leaves devices out: {view}"));
            }
            next = Step::Start(digest.to_owned());
        }
        self.not_done(world, ("a plan", said), ("", next))
    }

    fn start(&self, world: &Mutex<World>, operator: &mut Operator, digest: String) -> Turn {
        let body = json!({"act": "request"});
        let said = post(operator, &format!("/v1/campaigns/{digest}/acts"), &body);
        self.not_done(world, ("a campaign", said), ("campaign.standing", Step::Work(digest)))
    }

    /// Brings answers that wait, or has calls given and makes them; asks how it stands when there are none.
    fn work(
        &self,
        world: &Mutex<World>,
        operator: &mut Operator,
        (batch, digest): (&mut Batch, String),
    ) -> Turn {
        let path = |what: &str| format!("/v1/campaigns/{digest}/{what}");
        let again = Step::Work(digest.clone());
        if !batch.head_end.answers.is_empty() {
            let said = post(operator, &path("answers"), &json!({"answers": batch.head_end.answers}));
            let turn = self.not_done(world, ("answers of a head-end", said), ("", again));
            if let Turn::On(_) = turn {
                batch.head_end.answers.clear();
            }
            return turn;
        }
        let orders = match post(operator, &path("work-orders"), &json!({"limit": 100, "max_pdu": 1_024})) {
            Said::Yes(page) => page["orders"].as_array().cloned().unwrap_or_default(),
            Said::No { code, .. } if code == "campaign.standing" => Vec::new(),
            other => return self.not_done(world, ("work for a head-end", other), ("", again)),
        };
        if orders.is_empty() {
            return self.look(world, operator, digest);
        }
        for order in &orders {
            let is_lost = lock(world).loses_answer();
            batch.head_end.call(order, is_lost);
        }
        for (profile, fingerprint, certificate) in batch.head_end.took() {
            lock(world).imported(&profile, (&fingerprint, &certificate));
        }
        Turn::On(again)
    }

    fn look(&self, world: &Mutex<World>, operator: &mut Operator, digest: String) -> Turn {
        let view = match said_of(operator, &format!("/v1/campaigns/{digest}")) {
            Said::Yes(view) => view,
            other => return self.not_done(world, ("a campaign", other), ("", Step::Work(digest))),
        };
        if view["total"]["stuck"] != 0 {
            let said = post(operator, &format!("/v1/campaigns/{digest}/again"), &json!({}));
            return self.not_done(world, ("a campaign", said), ("", Step::Work(digest)));
        }
        match view["state"].as_str().unwrap_or_default() {
            "done" if view["total"]["done"] == json!(ORDERED) => Turn::On(Step::Compare(digest)),
            "running" => Turn::Waits,
            _ => {
                lock(world).complain(format!("a campaign does not go on: {view}"));
                Turn::Lost
            }
        }
    }

    /// Each meter holds what its evidence says.
    fn compare(
        &self,
        world: &Mutex<World>,
        operator: &mut Operator,
        (batch, digest): (&Batch, &str),
    ) -> Turn {
        for title in batch.titles() {
            let view = match said_of(operator, &format!("/v1/campaigns/{digest}/devices/{title}")) {
                Said::Yes(view) => view,
                other => return self.not_done(world, ("evidence", other), ("", batch.step.clone())),
            };
            let told = view["evidence"][0]["certificates"].as_array().cloned().unwrap_or_default();
            let is_held = |one: &Value| {
                let held = batch.head_end.holds(&title, one["type"].as_str().unwrap_or_default());
                held.is_some_and(|(sha256, serial)| {
                    let said = one["serial"].as_str().unwrap_or_default();
                    one["sha256"] == json!(sha256) && said == hex::encode_upper(serial)
                })
            };
            if told.len() != 3 || !told.iter().all(is_held) {
                lock(world)
                    .complain(format!("{title} holds other certificates than its evidence says: {view}"));
                return Turn::Lost;
            }
        }
        lock(world).count(Acknowledged::Campaign);
        Turn::On(Step::Retire)
    }
}

fn said_of(operator: &mut Operator, path: &str) -> Said {
    said(operator.get(path))
}

fn participle(act: &str) -> &'static str {
    if act == "suspend" { "suspended" } else { "resumed" }
}

/// As the command line takes times.
fn in_a_month() -> String {
    let said =
        std::process::Command::new("date").args(["-u", "-d", "+30 days", "+%Y-%m-%dT%H:%M:%SZ"]).output();
    String::from_utf8_lossy(&said.expect("date").stdout).trim().to_owned()
}
