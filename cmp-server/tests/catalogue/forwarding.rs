//! Requests that a registration authority forwards for devices that showed it their certificates: what its word is taken for.

use ca_core::certificate::Certificate;
use ca_core::profile::Approval;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation, Verdict};
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use cmp_messages::body::PkiBody;
use cmp_messages::forwarding::Forwarding;
use cmp_messages::header::{InfoTypeAndValue, PkiHeader};
use cmp_messages::message::PkiMessage;
use cmp_messages::status::{PkiFailureInfo, PkiStatus};
use der::Decode;
use der::asn1::Any;

use crate::client::{Message, cr};
use crate::csr::Csr;
use crate::pki::{NOW, Wish, meter_factory_ds};
use crate::polling::{decide, poll};
use crate::world::{DEVICE, OTHER, PATH, Setting, World, certificate, status_info};

/// A world whose registration authority is a front end.
fn world() -> World {
    World::with(&Setting { station_forwards: true, ..Setting::default() })
}

fn info(header: &mut PkiHeader, more: Vec<InfoTypeAndValue>) {
    header.general_info.get_or_insert_default().extend(more);
}

/// What the registration authority forwards for who showed this certificate: a request of this name for this key.
fn forwarded(world: &World, shown: &[u8], renews: bool, (title, key): (&str, u8)) -> Message {
    let renewed = Certificate::from_der(shown).unwrap();
    let renews = renews.then(|| Forwarding::id_of(&renewed).unwrap());
    let forwarding = Forwarding { shown: vec![shown.to_vec()], renews };
    let body = PkiBody::P10cr(Any::from_der(&Csr::new(title, key).der()).unwrap());
    world.by_station(body).with(|header| {
        info(header, vec![InfoTypeAndValue::implicit_confirm().unwrap()]);
        info(header, forwarding.write().unwrap());
    })
}

fn revoked() -> CertificateStatus {
    CertificateStatus::Revoked(Revocation {
        time: NOW,
        reason: ReasonCode::Superseded,
        invalidity_date: None,
    })
}

#[tokio::test]
async fn a_device_enrols_and_renews_through_a_front_end_and_both_stand_on_record() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let first = certificate(&world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await);
    let actor = world.ledger.events().last().unwrap().actor.clone();
    assert_eq!(actor, format!("device:{DEVICE} by ra:station-1"));
    let second = certificate(&world.ask(&forwarded(&world, &first, true, (DEVICE, 41))).await);
    assert_ne!(first, second);
    assert_eq!(world.good(), 2);
}

#[tokio::test]
async fn the_same_request_in_another_transaction_gets_the_same_certificate() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let first = certificate(&world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await);
    let again = certificate(&world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await);
    assert_eq!(first, again);
    let renewed = certificate(&world.ask(&forwarded(&world, &first, true, (DEVICE, 41))).await);
    let again = certificate(&world.ask(&forwarded(&world, &first, true, (DEVICE, 41))).await);
    assert_eq!(renewed, again);
    assert_eq!(world.good(), 2);
}

// RFC 7030 §3.7: the server checks what a registration authority is authorised for.
#[tokio::test]
async fn c_12_only_a_registration_authority_that_may_forward_forwards() {
    let line = World::new();
    let message = forwarded(&line, &line.factory(DEVICE, 30), false, (DEVICE, 40));
    line.refuses(&message, (PkiFailureInfo::NotAuthorized, "ra.forwards")).await;
    // A device speaks for no other, whatever it knows of its certificate.
    let world = world();
    let other = forwarded(&world, &world.factory(OTHER, 31), false, (OTHER, 40));
    let by_device = Message::signed(30, &world.factory(DEVICE, 30), other.body)
        .with(|header| header.general_info.clone_from(&other.header.general_info));
    world.refuses(&by_device, (PkiFailureInfo::NotAuthorized, "ra.forwards")).await;
}

#[tokio::test]
async fn c_12_a_front_end_keeps_to_its_tenant_and_its_titles() {
    let foreign = World::with(&Setting { station_of: "other", station_forwards: true, ..Setting::default() });
    let message = forwarded(&foreign, &foreign.factory(DEVICE, 30), false, (DEVICE, 40));
    foreign.refuses(&message, (PkiFailureInfo::NotAuthorized, "tenant.foreign")).await;
    let setting = Setting { station_prefix: b"XYZ".to_vec(), station_forwards: true, ..Setting::default() };
    let narrow = World::with(&setting);
    let message = forwarded(&narrow, &narrow.factory(DEVICE, 30), false, (DEVICE, 40));
    narrow.refuses(&message, (PkiFailureInfo::NotAuthorized, "ra.scope")).await;
}

// What a device may have is decided as if it had come itself.
#[tokio::test]
async fn the_word_of_a_front_end_is_taken_for_nothing_but_what_was_shown() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let other = forwarded(&world, &factory, false, (OTHER, 40));
    world.refuses(&other, (PkiFailureInfo::NotAuthorized, "subject.other")).await;
    // A factory certificate renews nothing.
    let renewing = forwarded(&world, &factory, true, (DEVICE, 40));
    world.refuses(&renewing, (PkiFailureInfo::NotAuthorized, "authn.door")).await;
    let subject = Subject::device(SystemTitle::parse(DEVICE).unwrap());
    let foreign = world.pki.infrastructure.certify(&Wish::new(meter_factory_ds(), subject, 30));
    let foreign = forwarded(&world, &foreign, false, (DEVICE, 40));
    world.refuses(&foreign, (PkiFailureInfo::NotAuthorized, "authn.no-device")).await;
    let station = forwarded(&world, &world.station(), false, (DEVICE, 40));
    world.refuses(&station, (PkiFailureInfo::NotAuthorized, "authn.no-device")).await;
    let forged = Csr::new(DEVICE, 40);
    let forged = forged.der_of(&forged.info(), &Csr::new(DEVICE, 41).info());
    let forged = Message {
        body: PkiBody::P10cr(Any::from_der(&forged).unwrap()),
        ..forwarded(&world, &factory, false, (DEVICE, 40))
    };
    world.refuses(&forged, (PkiFailureInfo::BadPop, "pop.invalid")).await;
}

// The slot is taken: a factory certificate in the wrong hands gets no second one by way of a front end.
#[tokio::test]
async fn a_first_request_stays_a_first_request() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    drop(certificate(&world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await));
    let second = forwarded(&world, &factory, false, (DEVICE, 41));
    world.refuses(&second, (PkiFailureInfo::DuplicateCertReq, "slot.taken")).await;
}

#[tokio::test]
async fn what_is_revoked_on_record_is_refused_whatever_the_front_end_knows() {
    let world = world();
    let first =
        certificate(&world.ask(&forwarded(&world, &world.factory(DEVICE, 30), false, (DEVICE, 40))).await);
    world.ledger.set_status(&world.id(&first), revoked());
    let message = forwarded(&world, &first, true, (DEVICE, 41));
    world.refuses(&message, (PkiFailureInfo::CertRevoked, "authn.revoked")).await;
}

#[tokio::test]
async fn what_is_forwarded_in_another_form_is_refused() {
    let world = world();
    let factory = world.factory(DEVICE, 30);
    let bad = (PkiFailureInfo::BadRequest, "request.forwarding");
    let crmf = Message { body: cr(DEVICE, 40), ..forwarded(&world, &factory, false, (DEVICE, 40)) };
    world.refuses(&crmf, bad).await;
    let confirmed = forwarded(&world, &factory, false, (DEVICE, 40)).with(|header| {
        header.general_info.as_mut().unwrap().remove(0);
    });
    world.refuses(&confirmed, bad).await;
    let shown = Forwarding { shown: vec![factory.clone()], renews: None }.write().unwrap();
    let renews = Forwarding::id_of(&Certificate::from_der(&factory).unwrap()).unwrap();
    let renewing = Forwarding { shown: vec![factory.clone()], renews: Some(renews) }.write().unwrap();
    let old = renewing.last().unwrap().clone();
    for infos in [vec![old.clone()], [shown, vec![old.clone(), old]].concat()] {
        let message = forwarded(&world, &factory, false, (DEVICE, 40)).with(|header| {
            header.general_info = None;
            info(header, vec![InfoTypeAndValue::implicit_confirm().unwrap()]);
            info(header, infos);
        });
        world.refuses(&message, bad).await;
    }
    // What is to be renewed is what was shown.
    let other = Certificate::from_der(&world.factory(OTHER, 31)).unwrap();
    let forwarding =
        Forwarding { shown: vec![factory.clone()], renews: Some(Forwarding::id_of(&other).unwrap()) };
    let message = forwarded(&world, &factory, false, (DEVICE, 40)).with(|header| {
        header.general_info = None;
        info(header, vec![InfoTypeAndValue::implicit_confirm().unwrap()]);
        info(header, forwarding.write().unwrap());
    });
    world.refuses(&message, (PkiFailureInfo::BadCertId, "request.old-certificate")).await;
}

#[tokio::test]
async fn what_waits_is_the_same_request_in_the_same_and_in_another_transaction() {
    let setting = Setting { station_forwards: true, approval: Approval::One, ..Setting::default() };
    let world = World::with(&setting);
    let factory = world.factory(DEVICE, 30);
    let first = forwarded(&world, &factory, false, (DEVICE, 40));
    let waits = world.ask(&first).await;
    assert_eq!(status_info(&waits).status(), Some(PkiStatus::Waiting));
    let again = world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await;
    assert_eq!(status_info(&again).status(), Some(PkiStatus::Waiting));
    decide(&world, Verdict::Approve);
    let asking = first.after(&waits, poll()).with(|header| header.general_info = None);
    let polled = certificate(&PkiMessage::decode(&world.exchange(PATH, asking.der()).await).unwrap());
    let asked = certificate(&world.ask(&forwarded(&world, &factory, false, (DEVICE, 40))).await);
    assert_eq!(polled, asked);
}
