//! Who is let in: every identity at every door, for the first time and again; tenants; what was shown and no longer counts.

use ca_core::actor::{Actor, Identity};
use ca_core::authority::CertificationAuthority;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation, Token};
use ca_core::registration::{ApprovalRule, Door, Offer, ProductionRule, RepeatRule};
use ca_core::request::{EnrolmentKind, EnrolmentRequest};
use ca_core::subject::Subject;

use crate::certificate_octets::common_name;
use crate::doubles::clock::{NOW, at};
use crate::doubles::journal::{Failing, Step};
use crate::doubles::signer::Behaviour;
use crate::profiles;
use crate::request_octets::RequestOctets;
use crate::scenarios::{
    TOKEN, by_factory_certificate, by_operational_certificate, by_process, by_station, by_token, renewal,
    token, token_holder,
};
use crate::world::{
    FOUNDED, GRACE, World, distinguished, dso, every_door, leave_open, request, tenant, title,
};

/// What somebody can prove to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Factory,
    Operational,
    Station,
    Token,
    Operator,
    Process,
    Nobody,
}

const ALL: [Who; 7] =
    [Who::Factory, Who::Operational, Who::Station, Who::Token, Who::Operator, Who::Process, Who::Nobody];

/// The door that is made for each, and whether it serves re-enrolment too.
const fn own_door(who: Who) -> Option<(Door, bool)> {
    match who {
        Who::Factory => Some((Door::FactoryCertificate { grace_seconds: GRACE, expired_seconds: 0 }, false)),
        Who::Operational => Some((Door::OperationalCertificate, true)),
        Who::Station => Some((Door::RegistrationAuthority, true)),
        Who::Token => Some((Door::OneTimeToken, false)),
        Who::Operator => Some((Door::Operator, true)),
        Who::Process => Some((Door::Process, true)),
        Who::Nobody => None,
    }
}

/// A request by somebody for device 1 that would be answered, if only the door were open.
fn asked(world: &World, who: Who, again: bool) -> EnrolmentRequest {
    let kind =
        if again { EnrolmentKind::ReEnrolment { renewed: None, former: None } } else { EnrolmentKind::First };
    let actor = |identity| Actor { tenant: dso(), identity };
    let by_hand = |identity| EnrolmentRequest { actor: actor(identity), ..world.by_operator("op-ds", 1, 1) };
    let request = match who {
        Who::Factory => by_factory_certificate(world, "op-ds", 1),
        Who::Operational if again => renewal(world, "op-ds"),
        Who::Operational => by_operational_certificate(world),
        Who::Station => by_station(world),
        Who::Token => by_token(world),
        Who::Operator => by_hand(Identity::Operator { name: "ada".to_owned() }),
        Who::Process => by_hand(Identity::Process { name: "test" }),
        Who::Nobody => by_hand(Identity::Unauthenticated { peer: "192.0.2.1:1".to_owned() }),
    };
    EnrolmentRequest { kind, ..request }
}

#[test]
fn each_requester_comes_through_its_own_door_and_no_other() {
    for who in ALL {
        for door in every_door() {
            for again in [false, true] {
                let world = World::new();
                let request = asked(&world, who, again);
                world.ledger.forget_events();
                let rows = world.ledger.statuses().len();
                let authority = world.reopened(|charter| leave_open(charter, "op-ds", &[door]));
                let outcome = authority.enrol(request);
                let open =
                    own_door(who).is_some_and(|(own, serves_again)| own == door && (serves_again || !again));
                if open {
                    assert!(outcome.is_ok(), "{who:?} at {door:?}, again {again}: {outcome:?}");
                } else {
                    world.assert_refused(outcome, "authn.door", rows);
                }
            }
        }
    }
}

#[test]
fn a_profile_without_doors_is_for_nobody_and_one_that_is_not_offered_unknown() {
    for who in ALL {
        let world = World::new();
        let request = asked(&world, who, false);
        world.ledger.forget_events();
        let rows = world.ledger.statuses().len();
        let authority = world.reopened(|charter| leave_open(charter, "op-ds", &[]));
        world.assert_refused(authority.enrol(request.clone()), "authn.door", rows);
        world.ledger.forget_events();
        let authority = world.reopened(|charter| {
            charter.offers.retain(|offer| offer.profile.id().as_str() != "op-ds");
        });
        world.assert_refused(authority.enrol(request), "profile.unknown", rows);
    }
}

/// Two labels of one front end may offer one profile, each with its own doors.
#[test]
fn several_offers_of_one_profile_open_all_their_doors() {
    let world = World::new();
    let authority: CertificationAuthority = world.reopened(|charter| {
        leave_open(charter, "op-ds", &[Door::OneTimeToken]);
        let profile = profiles::made(profiles::operational(world.suite));
        charter.offers.push(Offer {
            profile,
            doors: vec![Door::RegistrationAuthority],
            repeats: RepeatRule::default(),
            approval: ApprovalRule::default(),
            production: ProductionRule::default(),
        });
    });
    assert!(authority.enrol(by_station(&world)).is_ok());
    world.ledger.forget_events();
    let rows = world.ledger.statuses().len();
    world.assert_refused(authority.enrol(world.by_operator("op-ds", 2, 2)), "authn.door", rows);
}

// M-05: everybody but a factory device acts for the owner of the authority.
#[test]
fn m_05_who_belongs_to_another_tenant_is_refused_at_every_door() {
    for who in ALL {
        let world = World::new();
        let mut request = asked(&world, who, false);
        request.actor.tenant = tenant("other");
        world.ledger.forget_events();
        let rows = world.ledger.statuses().len();
        let before = world.journal.steps().len();
        world.assert_refused(world.authority.enrol(request), "tenant.foreign", rows);
        assert_eq!(world.journal.steps().len(), before + 1, "nothing was looked up");
    }
}

/// What the ledger says of a certificate that was shown, and the answer to whoever shows it.
fn answers() -> [(CertificateStatus, &'static str); 5] {
    let revoked = Revocation { time: at(NOW), reason: ReasonCode::Superseded, invalidity_date: None };
    [
        (CertificateStatus::Revoked(revoked), "authn.revoked"),
        (CertificateStatus::Pending, "authn.unknown"),
        (CertificateStatus::Aborted, "authn.unknown"),
        (CertificateStatus::Uncertain { since: at(NOW) }, "authn.unknown"),
        (CertificateStatus::NeverIssued, "authn.unknown"),
    ]
}

// E-02: a certificate that was revoked, or that we never issued, authenticates nobody.
#[test]
fn e_02_a_credential_that_is_not_good_opens_no_door() {
    for (status, code) in answers() {
        for again in [false, true] {
            let world = World::new();
            let request = asked(&world, Who::Operational, again);
            let shown = request.actor.identity.presented().unwrap().id();
            world.ledger.set_status(&shown, status);
            world.ledger.forget_events();
            world.assert_refused(world.authority.enrol(request), code, FOUNDED + 1);
        }
    }
}

#[test]
fn e_02_a_revoked_certificate_is_not_renewed_by_showing_another() {
    for (status, code) in answers() {
        let world = World::new();
        let request = renewal(&world, "op-ds");
        let renewed = request.actor.identity.presented().unwrap().id();
        let actor = World::device(1, world.credential("op-tls", 1, 9));
        world.ledger.set_status(&renewed, status);
        world.ledger.forget_events();
        let outcome = world.authority.enrol(EnrolmentRequest { actor, ..request });
        world.assert_refused(outcome, code, FOUNDED + 2);
    }
}

#[test]
fn a_station_whose_certificate_is_ours_must_be_on_record() {
    let world = World::new();
    let mut request = by_station(&world);
    assert!(world.authority.enrol(request.clone()).is_ok(), "one of another CA is vouched for by its path");
    let Identity::RegistrationAuthority(station) = &mut request.actor.identity else { panic!() };
    station.certificate.issuer = world.issuer().key();
    world.ledger.forget_events();
    world.assert_refused(world.authority.enrol(request), "authn.unknown", FOUNDED + 1);
}

#[test]
fn a_device_asks_for_itself_only() {
    for who in [Who::Factory, Who::Operational, Who::Token] {
        let world = World::new();
        let of_device_1 = asked(&world, who, false);
        world.ledger.expect(&title(2), &dso(), None);
        world.ledger.forget_events();
        let rows = world.ledger.statuses().len();
        let outcome = world
            .authority
            .enrol(EnrolmentRequest { actor: of_device_1.actor, ..world.by_operator("op-ds", 2, 3) });
        world.assert_refused(outcome, "subject.other", rows);
    }
}

// E-29: what is authenticated for one device serves no subject that is not a device either.
#[test]
fn e_29_a_device_does_not_become_a_server() {
    for who in [Who::Factory, Who::Operational] {
        let world = World::new();
        let device = asked(&world, who, false).actor;
        world.ledger.forget_events();
        let rows = world.ledger.statuses().len();
        let subject = Subject::distinguished(distinguished("server"));
        let csr = RequestOctets::new(&world.key(4), common_name("server"));
        let outcome = world.authority.enrol(request(device, "server", subject, csr.read()));
        world.assert_refused(outcome, "subject.other", rows);
    }
}

fn with_token(change: impl FnOnce(&mut Token)) -> (World, EnrolmentRequest) {
    let world = World::new();
    let request = by_token(&world);
    let mut token = token();
    change(&mut token);
    world.ledger.keep(token);
    (world, request)
}

#[test]
fn e_30_a_token_is_spent_by_its_certificate_and_only_by_it() {
    let (world, asked) = with_token(|_| {});
    world.signer.then(&[Behaviour::Unavailable]);
    world.authority.enrol(asked.clone()).unwrap_err();
    assert!(!world.ledger.is_spent(&TOKEN), "an aborted intent gives it back");
    world.authority.enrol(asked).unwrap();
    assert!(world.ledger.is_spent(&TOKEN));
    let other_key = EnrolmentRequest { actor: token_holder(), ..world.by_operator("op-ds", 1, 5) };
    world.clock.set(NOW + 1);
    let error = world.authority.enrol(other_key).unwrap_err();
    assert_eq!(error.code(), "slot.taken", "the device has its certificate");
}

#[test]
fn a_token_that_is_unknown_late_spent_or_for_another_profile_opens_nothing() {
    type Change = fn(&mut Token);
    let cases: [(Change, &str); 3] = [
        (|token| token.hash = [8; 32], "token.unknown"),
        (|token| token.expires_at = at(NOW - 1), "token.unknown"),
        (|token| token.spent = true, "token.spent"),
    ];
    for (change, code) in cases {
        let world = World::new();
        world.ledger.expect(&title(1), &dso(), None);
        let mut token = token();
        change(&mut token);
        world.ledger.keep(token);
        let asked = EnrolmentRequest { actor: token_holder(), ..world.by_operator("op-ds", 1, 1) };
        world.assert_refused(world.authority.enrol(asked), code, FOUNDED);
    }
    let (world, asked) = with_token(|token| token.expires_at = at(NOW));
    assert!(world.authority.enrol(asked).is_ok(), "its last second");
    let (world, asked) = with_token(|_| {});
    let other = EnrolmentRequest { profile: profiles::id("op-ka"), ..asked };
    world.assert_refused(world.authority.enrol(other), "profile.other", FOUNDED);
}

#[test]
fn our_own_keys_are_certified_without_a_request_for_parts_of_the_program_only_through_their_door() {
    let world = World::new();
    let request = by_process(&world);
    let authority = world.reopened(|charter| leave_open(charter, "ocsp", &[Door::Operator]));
    world.assert_refused(authority.enrol(request.clone()), "authn.door", FOUNDED);
    world.ledger.forget_events();
    world.journal.start(Failing::Never);
    let issued = world.authority.enrol(request).unwrap();
    assert_eq!(world.journal.count(&Step::PublicKey), 1);
    assert_eq!(world.ledger.intent(issued.id()).conditions.idempotency, None, "there is nothing to repeat");
}
