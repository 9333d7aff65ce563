//! A renewal that changes names by id-cmc-changeSubjectName (RFC 7030 §4.2.2, RFC 6402 §2.8): E-07.

use ca_core::certificate::Certificate;
use ca_core::oid;
use ca_core::profile::{AlternativeNameRule, NameChange, ProfileParts};
use server_kit::listener::PeerConnection;

use crate::csr::Csr;
use crate::octets::{attribute, common_name, extension, sequence, tlv};
use crate::pki::meter_op_ds;
use crate::world::{DEVICE, OTHER, Setting, World, enrol, secured};

const CHANGE: &str = "1.3.6.1.5.5.7.7.36";

fn world(name_change: NameChange) -> World {
    let alternative_name = AlternativeNameRule::DnsNames { required: false, max: 4 };
    let meter_ds = ProfileParts { alternative_name, name_change, ..meter_op_ds() };
    World::with(Setting { meter_ds, station_suffixes: &["grid.example"], ..Setting::default() })
}

fn hosts(names: &[&str]) -> Vec<u8> {
    sequence(&names.iter().map(|name| tlv(0x82, name.as_bytes())).collect::<Vec<_>>())
}

fn named(key: u8, names: &[&str]) -> Csr {
    Csr::new(DEVICE, key).with_extensions(&[extension("2.5.29.17", false, &hosts(names))])
}

/// Asks for these names in the place of those it has.
fn renaming(key: u8, former: &[&str], subject: &str, names: &[&str]) -> Csr {
    named(key, former).with_attribute(attribute(CHANGE, &sequence(&[common_name(subject), hosts(names)])))
}

/// A gateway that a station gave two names, and the connection on which it shows its certificate.
async fn with_two_names(world: &World) -> (PeerConnection, PeerConnection) {
    let station = secured(vec![world.station("Station 1", 50)]);
    let body = named(40, &["a.grid.example", "b.grid.example"]).body();
    let held = world.send(enrol("simpleenroll"), station.clone(), body).await.certificate();
    (secured(vec![held]), station)
}

const HELD: [&str; 2] = ["a.grid.example", "b.grid.example"];

fn names_of(der: &[u8]) -> Vec<u8> {
    let certificate = Certificate::from_der(der).unwrap();
    certificate.extension(oid::SUBJECT_ALT_NAME).map(|(_, value)| value.to_vec()).unwrap_or_default()
}

#[tokio::test]
async fn a_device_gives_up_a_name_where_its_profile_allows_a_change() {
    let world = world(NameChange::Allowed);
    let (device, _) = with_two_names(&world).await;
    let body = renaming(41, &HELD, DEVICE, &["b.grid.example"]).body();
    let renewed = world.send(enrol("simplereenroll"), device, body).await.certificate();
    assert_eq!(names_of(&renewed), hosts(&["b.grid.example"]));
}

#[tokio::test]
async fn a_device_gives_up_all_names_by_a_change_that_has_none() {
    let world = world(NameChange::Allowed);
    let (device, _) = with_two_names(&world).await;
    let change = attribute(CHANGE, &sequence(&[common_name(DEVICE)]));
    // DER: the shorter attribute stands first.
    let asked = [extension("2.5.29.17", false, &hosts(&HELD))];
    let body = Csr::new(DEVICE, 41).with_attribute(change).with_extensions(&asked).body();
    let renewed = world.send(enrol("simplereenroll"), device, body).await.certificate();
    assert_eq!(names_of(&renewed), Vec::<u8>::new());
}

#[tokio::test]
async fn e_07_a_device_changes_to_no_name_that_it_did_not_have() {
    let world = world(NameChange::Allowed);
    let (device, _) = with_two_names(&world).await;
    for (csr, code) in [
        (renaming(41, &HELD, DEVICE, &["c.grid.example"]), "subject.names"),
        (renaming(41, &HELD, DEVICE, &["a.grid.example", "evil.example"]), "subject.names"),
        (renaming(41, &HELD, OTHER, &["a.grid.example"]), "subject.other"),
        // The request repeats the names of the certificate, and not others.
        (renaming(41, &["a.grid.example"], DEVICE, &["a.grid.example"]), "subject.changed"),
    ] {
        world.refuses(enrol("simplereenroll"), device.clone(), csr.body(), (403, code)).await;
    }
}

#[tokio::test]
async fn a_station_changes_names_within_its_domains() {
    let world = world(NameChange::Allowed);
    let (_, station) = with_two_names(&world).await;
    let evil = renaming(41, &HELD, DEVICE, &["evil.example"]).body();
    world.refuses(enrol("simplereenroll"), station.clone(), evil, (403, "subject.names")).await;
    let body = renaming(41, &HELD, DEVICE, &["c.grid.example"]).body();
    let renewed = world.send(enrol("simplereenroll"), station, body).await.certificate();
    assert_eq!(names_of(&renewed), hosts(&["c.grid.example"]));
}

#[tokio::test]
async fn e_07_names_stay_where_the_profile_allows_no_change() {
    let world = world(NameChange::Refused);
    let (device, station) = with_two_names(&world).await;
    let body = || renaming(41, &HELD, DEVICE, &["b.grid.example"]).body();
    for shown in [device, station] {
        world.refuses(enrol("simplereenroll"), shown, body(), (403, "subject.changed")).await;
    }
}

#[tokio::test]
async fn a_first_certificate_has_nothing_to_be_renamed() {
    let world = world(NameChange::Allowed);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let change = attribute(CHANGE, &sequence(&[common_name(DEVICE)]));
    let body = Csr::new(DEVICE, 40).with_attribute(change).body();
    world.refuses(enrol("simpleenroll"), shown, body, (400, "subject.nothing-to-rename")).await;
}

// RFC 6402 §2.8: at least one of the two fields is there.
#[tokio::test]
async fn changes_that_are_malformed_are_refused() {
    let world = world(NameChange::Allowed);
    let (device, _) = with_two_names(&world).await;
    let (name, names) = (common_name(DEVICE), hosts(&["a.grid.example"]));
    for value in [
        sequence(&[]),
        sequence(&[names.clone(), name.clone()]),
        sequence(&[name.clone(), name.clone()]),
        sequence(&[name.clone(), names.clone(), names.clone()]),
        name.clone(),
        tlv(0x0C, b"a name"),
    ] {
        let body = named(41, &HELD).with_attribute(attribute(CHANGE, &value)).body();
        let answer = world.send(enrol("simplereenroll"), device.clone(), body).await;
        assert_eq!(answer.status.as_u16(), 400, "{value:02X?}: {}", answer.body);
    }
}
