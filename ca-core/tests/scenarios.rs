//! One good request through each door, with what it needs around it: what the tests of faults take apart.

use ca_core::actor::{Actor, Identity};
use ca_core::record::Token;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;

use crate::doubles::clock::{HOUR, NOW, at};
use crate::doubles::journal::Failing;
use crate::profiles;
use crate::request_octets::RequestOctets;
use crate::world::{World, distinguished, dso, maker, request, title};

/// A world, a request that it answers, and how many certificates it holds before.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) world: World,
    pub(crate) request: EnrolmentRequest,
    pub(crate) rows: usize,
}

/// The hash of the secret of the token that the tests use.
pub(crate) const TOKEN: [u8; 32] = [7; 32];

/// A request through one door, with its name.
type Maker = (&'static str, fn(&World) -> EnrolmentRequest);

const MAKERS: [Maker; 7] = [
    ("an operator", |world| world.by_operator("op-ds", 1, 1)),
    ("a station", by_station),
    ("a token", by_token),
    ("a factory certificate", |world| by_factory_certificate(world, "op-ds", 1)),
    ("an operational certificate", by_operational_certificate),
    ("a renewal", |world| renewal(world, "op-tls")),
    ("a part of the program", by_process),
];

/// How many scenarios there are.
pub(crate) const COUNT: usize = MAKERS.len();

/// Makes a scenario anew.
pub(crate) fn numbered(number: usize) -> Scenario {
    let (name, make) = MAKERS[number];
    of(name, make)
}

fn of(name: &'static str, make: fn(&World) -> EnrolmentRequest) -> Scenario {
    let world = World::new();
    let request = make(&world);
    world.ledger.forget_events();
    world.journal.start(Failing::Never);
    let rows = world.ledger.statuses().len();
    Scenario { name, world, request, rows }
}

/// A station asks for device 1, which is expected.
pub(crate) fn by_station(world: &World) -> EnrolmentRequest {
    world.ledger.expect(&title(1), &dso(), None);
    let actor = Actor { tenant: dso(), identity: Identity::RegistrationAuthority(world.station()) };
    EnrolmentRequest { actor, ..world.by_operator("op-ds", 1, 1) }
}

/// Device 1, which is expected, shows a token.
pub(crate) fn by_token(world: &World) -> EnrolmentRequest {
    world.ledger.expect(&title(1), &dso(), None);
    world.ledger.keep(token());
    EnrolmentRequest { actor: token_holder(), ..world.by_operator("op-ds", 1, 1) }
}

/// The token for device 1.
pub(crate) fn token() -> Token {
    Token {
        hash: TOKEN,
        tenant: dso(),
        title: title(1),
        profile: profiles::id("op-ds"),
        expires_at: at(NOW + HOUR),
        spent: false,
    }
}

/// Whoever shows the token.
pub(crate) fn token_holder() -> Actor {
    let identity = Identity::OneTimeToken { hash: TOKEN, title: title(1), profile: profiles::id("op-ds") };
    Actor { tenant: dso(), identity }
}

/// Device 1, which is expected, shows its factory certificate and asks for a certificate of key `key`.
pub(crate) fn by_factory_certificate(world: &World, profile: &str, key: u16) -> EnrolmentRequest {
    world.ledger.expect(&title(1), &dso(), Some(&maker()));
    let actor = world.factory_device(1, 50, &maker());
    EnrolmentRequest { actor, ..world.by_operator(profile, 1, key) }
}

/// Device 1 shows its TLS certificate and asks for a signature certificate.
pub(crate) fn by_operational_certificate(world: &World) -> EnrolmentRequest {
    world.ledger.expect(&title(1), &dso(), None);
    let actor = World::device(1, world.credential("op-tls", 1, 2));
    EnrolmentRequest { actor, ..world.by_operator("op-ds", 1, 1) }
}

/// Device 1 shows a certificate and asks for its successor, with a new key.
pub(crate) fn renewal(world: &World, profile: &str) -> EnrolmentRequest {
    world.ledger.expect(&title(1), &dso(), None);
    let shown = world.credential(profile, 1, 2);
    EnrolmentRequest {
        kind: EnrolmentKind::ReEnrolment { renewed: Some(Box::new(shown.clone())), former: None },
        actor: World::device(1, shown),
        ..world.by_operator(profile, 1, 3)
    }
}

/// A part of the program asks for a responder's certificate, whose key is in the signer.
pub(crate) fn by_process(world: &World) -> EnrolmentRequest {
    let key = world.signer.keep(&world.key(700));
    let subject = Subject::distinguished(distinguished("Responder"));
    let actor = Actor { tenant: dso(), identity: Identity::Process { name: "ocsp" } };
    let unused = RequestOctets::of_device(&world.key(700), &title(1)).read();
    EnrolmentRequest { evidence: Evidence::OwnSigner { key }, ..request(actor, "ocsp", subject, unused) }
}
