//! Which revocations are recorded, and what is said of those that are not (RFC 5280 §5.3.1).

use ca_core::actor::{Actor, Identity, Presented, RegistrationAuthority};
use ca_core::audit::Act;
use ca_core::certificate::Certificate;
use ca_core::fault::Fault;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateId, CertificateStatus, Revocation};
use ca_core::request::RevocationRequest;
use ca_core::revocation::{RecordedRevocation, RevokeError};
use ca_core::scope::CrlListing;
use ca_core::serial_number::SerialNumber;

use crate::doubles::clock::{DAY, HOUR, NOW, at};
use crate::doubles::journal::{Failing, Step};
use crate::doubles::ledger::revocation;
use crate::scenarios::token_holder;
use crate::world::{World, dso, maker, operator, tenant};

/// A world with one certificate, issued an hour ago, and the request to revoke it.
fn issued() -> (World, RevocationRequest) {
    let world = World::new();
    let id = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap().id().clone();
    world.ledger.forget_events();
    world.clock.set(NOW + HOUR);
    let request =
        RevocationRequest { actor: operator(), id, reason: ReasonCode::Superseded, invalidity_date: None };
    (world, request)
}

fn refused(world: &World, outcome: Result<RecordedRevocation, RevokeError>, code: &str, fault: Fault) {
    let error = outcome.expect_err("refused");
    assert_eq!((error.code(), error.fault()), (code, fault), "{error}");
    assert_eq!(world.ledger.refusals(), [code]);
    assert_eq!(world.ledger.events().len(), 1, "one record");
}

#[test]
fn a_revocation_is_recorded_with_its_time_and_reason_and_one_audit_record() {
    let (world, request) = issued();
    let recorded = world.authority.revoke(request.clone()).unwrap();
    let expected = Revocation { time: at(NOW + HOUR), reason: ReasonCode::Superseded, invalidity_date: None };
    assert_eq!((recorded.revocation, &recorded.id), (expected, &request.id));
    assert_eq!(revocation(world.ledger.row(&request.id).status), Some(expected));
    let [event] = world.ledger.events().try_into().unwrap();
    assert_eq!((event.act, event.reason.as_str()), (Act::CertificateRevoked, "superseded"));
    assert_eq!((event.issuer, event.serial), (Some(request.id.issuer), Some(request.id.serial)));
    assert_eq!(event.detail, "4D504B0000000001");
    assert_eq!(recorded.sequence, 1);
    assert_eq!(world.count(CertificateStatus::Good), crate::world::FOUNDED);
}

// What is short-lived is over before a CRL would help: decided by its profile, on record for ever.
#[test]
fn a_short_lived_certificate_is_on_record_as_one_that_no_crl_lists_and_is_revoked_like_any_other() {
    let world = World::new();
    for (profile, listing) in [("hhu-ds", CrlListing::Never), ("op-ds", CrlListing::ON_ALL)] {
        let id = world.authority.enrol(world.by_operator(profile, 1, 1)).unwrap().id().clone();
        let told = world.ledger.events().into_iter().rfind(|event| event.act == Act::IntentRecorded).unwrap();
        assert_eq!(told.detail.contains("; on no CRL"), listing == CrlListing::Never, "{}", told.detail);
        assert_eq!(world.ledger.row(&id).listing, listing);
        let request = RevocationRequest {
            actor: operator(),
            id,
            reason: ReasonCode::Superseded,
            invalidity_date: None,
        };
        world.authority.revoke(request.clone()).unwrap();
        assert!(revocation(world.ledger.row(&request.id).status).is_some(), "{profile}");
    }
}

#[test]
fn every_reason_is_taken() {
    for reason in ReasonCode::ALL {
        let (world, request) = issued();
        let recorded = world.authority.revoke(RevocationRequest { reason, ..request }).unwrap();
        assert_eq!(recorded.revocation.reason, reason);
    }
}

// C-20: the first revocation stands.
#[test]
fn c_20_what_is_revoked_stays_revoked_as_it_was() {
    let (world, request) = issued();
    world.authority.revoke(request.clone()).unwrap();
    world.ledger.forget_events();
    world.clock.set(NOW + DAY);
    let again = RevocationRequest { reason: ReasonCode::KeyCompromise, ..request.clone() };
    refused(&world, world.authority.revoke(again), "revoke.already", Fault::Conflict);
    let first = revocation(world.ledger.row(&request.id).status).unwrap();
    assert_eq!((first.time, first.reason), (at(NOW + HOUR), ReasonCode::Superseded));
}

// C-18: CVE-2021-40088 was a revocation without the check of tenancy that enrolment had.
#[test]
fn c_18_nobody_revokes_for_another_tenant() {
    let (world, request) = issued();
    for actor in [
        Actor { tenant: tenant("other"), ..operator() },
        Actor { tenant: maker(), identity: Identity::Process { name: "publisher" } },
    ] {
        world.ledger.forget_events();
        let outcome = world.authority.revoke(RevocationRequest { actor, ..request.clone() });
        refused(&world, outcome, "revoke.not-entitled", Fault::Requester);
    }
    world.ledger.forget_events();
    world.ledger.change(&request.id, |row| row.tenant = tenant("other"));
    let outcome = world.authority.revoke(request);
    refused(&world, outcome, "revoke.not-issued", Fault::Requester);
}

#[test]
fn operators_and_parts_of_the_program_revoke_and_strangers_do_not() {
    let (world, request) = issued();
    let device = World::device(1, world.credential("op-tls", 1, 9));
    let nobody = Identity::Unauthenticated { peer: "192.0.2.1:1".to_owned() };
    let by = |identity| Actor { tenant: dso(), identity };
    for actor in [device, token_holder(), by(nobody)] {
        world.ledger.forget_events();
        let outcome = world.authority.revoke(RevocationRequest { actor, ..request.clone() });
        refused(&world, outcome, "revoke.not-entitled", Fault::Requester);
    }
    let process = by(Identity::Process { name: "publisher" });
    assert!(world.authority.revoke(RevocationRequest { actor: process, ..request }).is_ok());
}

// RFC 9483 §4.2: the certificate that is revoked is the one that the request is signed with.
#[test]
fn a_device_revokes_the_certificate_that_it_shows() {
    let (world, request) = issued();
    let certificate = Certificate::from_der(&world.ledger.row(&request.id).certificate).unwrap();
    let actor = World::device(
        1,
        Presented { certificate, above: Vec::new(), issuer: request.id.issuer, anchor: request.id.issuer },
    );
    assert!(world.authority.revoke(RevocationRequest { actor, ..request }).is_ok());
}

// RFC 9483 §5.3.2: what a registration authority may ask for, it may have revoked, and nothing else.
#[test]
fn a_registration_authority_revokes_within_its_scope() {
    let (world, request) = issued();
    let by = |station| Actor { tenant: dso(), identity: Identity::RegistrationAuthority(station) };
    for narrow in [
        RegistrationAuthority { profiles: Vec::new(), ..world.station() },
        RegistrationAuthority { title_prefix: b"XYZ".to_vec(), ..world.station() },
    ] {
        world.ledger.forget_events();
        let outcome = world.authority.revoke(RevocationRequest { actor: by(narrow), ..request.clone() });
        refused(&world, outcome, "revoke.not-entitled", Fault::Requester);
    }
    assert!(world.authority.revoke(RevocationRequest { actor: by(world.station()), ..request }).is_ok());
}

#[test]
fn only_what_this_authority_issued_is_revoked() {
    let (world, request) = issued();
    let own = world.issuer().certificate().serial().clone();
    let root = world.root.issuer();
    let other = SerialNumber::from_octets(&[1, 2, 3]).unwrap();
    for id in [
        CertificateId { issuer: request.id.issuer, serial: other },
        // Its own certificate is the root's affair, under the root's name and under its own.
        CertificateId { issuer: request.id.issuer, serial: own.clone() },
        CertificateId { issuer: root.key(), serial: own },
        CertificateId { issuer: root.key(), serial: request.id.serial.clone() },
    ] {
        world.ledger.forget_events();
        let outcome = world.authority.revoke(RevocationRequest { id, ..request.clone() });
        refused(&world, outcome, "revoke.not-issued", Fault::Requester);
    }
}

#[test]
fn a_root_does_not_revoke_itself() {
    let (world, request) = issued();
    let root = world.root.issuer();
    let id = CertificateId { issuer: root.key(), serial: root.certificate().serial().clone() };
    assert_eq!(world.ledger.row(&id).status, CertificateStatus::Good);
    refused(
        &world,
        world.root.revoke(RevocationRequest { id, ..request }),
        "revoke.not-issued",
        Fault::Requester,
    );
}

#[test]
fn a_root_revokes_the_ca_below() {
    let (world, request) = issued();
    let ca = CertificateId {
        issuer: world.root.issuer().key(),
        serial: world.issuer().certificate().serial().clone(),
    };
    let reason = ReasonCode::CaCompromise;
    assert!(world.root.revoke(RevocationRequest { id: ca, reason, ..request }).is_ok());
}

// RFC 5280 §5.3.2: the invalidity date lies before the revocation.
#[test]
fn an_invalidity_date_in_the_future_is_refused() {
    for (date, holds) in [(NOW + HOUR, true), (NOW - DAY, true), (NOW + HOUR + 1, false)] {
        let (world, request) = issued();
        let outcome =
            world.authority.revoke(RevocationRequest { invalidity_date: Some(at(date)), ..request });
        if holds {
            assert_eq!(outcome.unwrap().revocation.invalidity_date, Some(at(date)));
        } else {
            refused(&world, outcome, "revoke.invalidity", Fault::Requester);
        }
    }
}

#[test]
fn an_uncertain_serial_number_can_be_revoked_and_an_open_or_aborted_one_cannot() {
    for (status, code) in [
        (CertificateStatus::Uncertain { since: at(NOW) }, None),
        (CertificateStatus::Pending, Some(("revoke.being-issued", Fault::Unavailable))),
        (CertificateStatus::Aborted, Some(("revoke.not-issued", Fault::Requester))),
        (CertificateStatus::NeverIssued, Some(("revoke.not-issued", Fault::Requester))),
    ] {
        let (world, request) = issued();
        world.ledger.set_status(&request.id, status);
        let outcome = world.authority.revoke(request);
        match code {
            None => assert!(outcome.is_ok()),
            Some((code, fault)) => refused(&world, outcome, code, fault),
        }
    }
}

#[test]
fn c_24_a_failing_port_records_no_revocation() {
    for place in 0..2 {
        let (world, request) = issued();
        world.journal.start(Failing::At(place));
        let outcome = world.authority.revoke(request.clone());
        refused(&world, outcome, "unavailable", Fault::Unavailable);
        assert_eq!(world.ledger.row(&request.id).status, CertificateStatus::Good);
        world.journal.start(Failing::Never);
        assert!(world.authority.revoke(request).is_ok(), "asked again it is recorded");
    }
}

#[test]
fn a_refusal_that_cannot_be_recorded_is_answered_as_unavailable() {
    let (world, request) = issued();
    world.journal.start(Failing::From(0));
    let early = RevocationRequest { invalidity_date: Some(at(NOW + DAY)), ..request };
    assert_eq!(world.authority.revoke(early).unwrap_err().code(), "unavailable");
    assert_eq!(world.journal.steps(), [Step::RecordEvent("revoke.invalidity".to_owned())]);
}
