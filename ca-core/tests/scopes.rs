//! What a registration authority may ask for, and who may name hosts (RFC 7030 §3.7).

use ca_core::actor::{Actor, Identity, RegistrationAuthority};
use ca_core::oid;
use ca_core::request::{EnrolmentRequest, Evidence};
use ca_core::subject::{AlternativeName, Subject, SubjectName};
use ca_core::system_title::SystemTitle;

use crate::certificate_octets::common_name;
use crate::doubles::keys::KeyPair;
use crate::octets::{alternative_names, dns, extension, tlv};
use crate::profiles;
use crate::request_octets::RequestOctets;
use crate::scenarios::{Scenario, by_station, numbered};
use crate::world::{FOUNDED, World, distinguished, dso, operator, request, title};

/// The answer to a station whose bounds are changed: "issued" or a reason code.
fn told(change: impl FnOnce(&mut RegistrationAuthority)) -> &'static str {
    let world = World::new();
    let mut request = by_station(&world);
    let Identity::RegistrationAuthority(station) = &mut request.actor.identity else { panic!() };
    change(station);
    match world.authority.enrol(request) {
        Ok(_) => "issued",
        Err(error) => {
            assert_eq!(world.ledger.refusals(), [error.code()]);
            assert_eq!(world.ledger.statuses().len(), FOUNDED);
            error.code()
        }
    }
}

#[test]
fn a_station_asks_for_the_profiles_of_its_list_only() {
    assert_eq!(
        told(|station| station.profiles = vec![profiles::id("op-ka"), profiles::id("op-ds")]),
        "issued"
    );
    assert_eq!(told(|station| station.profiles = vec![profiles::id("op-ka")]), "ra.scope");
    assert_eq!(told(|station| station.profiles.clear()), "ra.scope");
}

#[test]
fn a_station_asks_for_the_system_titles_of_its_prefix_only() {
    for (prefix, answer) in [
        (b"".as_slice(), "issued"),
        (b"M", "issued"),
        (b"MPK\0", "issued"),
        (b"MPK\0\0\0\0\x01", "issued"),
        (b"MPK\0\0\0\0\x02", "ra.scope"),
        (b"MPL", "ra.scope"),
        (b"PK", "ra.scope"),
        // Longer than any title: nothing begins with it.
        (b"MPK\0\0\0\0\x01\0", "ra.scope"),
    ] {
        assert_eq!(told(|station| station.title_prefix = prefix.to_vec()), answer, "{prefix:?}");
    }
}

/// A request for a server with these names, as its CSR asks for them.
fn for_server(world: &World, actor: Actor, names: &[&str]) -> EnrolmentRequest {
    let general: Vec<_> = names.iter().map(|host| dns(host)).collect();
    let asked = extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&general));
    let csr = RequestOctets::new(&world.key(1), common_name("EST Server")).asking(&[asked]).read();
    let alternative_names = names.iter().map(|host| AlternativeName::Dns((*host).to_owned())).collect();
    let name = SubjectName::Distinguished(distinguished("EST Server"));
    request(actor, "server", Subject { name, alternative_names }, csr)
}

fn station(world: &World, suffixes: &[&str]) -> Actor {
    let dns_suffixes = suffixes.iter().map(|suffix| (*suffix).to_owned()).collect();
    let station = RegistrationAuthority { dns_suffixes, ..world.station() };
    Actor { tenant: dso(), identity: Identity::RegistrationAuthority(station) }
}

#[test]
fn a_station_names_hosts_of_its_domains_only() {
    let cases: [(&[&str], &[&str], &str); 15] = [
        (&["example.org"], &["example.org"], "issued"),
        (&["example.org"], &["est.example.org"], "issued"),
        (&["example.org"], &["a.b.example.org", "example.org"], "issued"),
        // RFC 4343 §2: case makes no difference.
        (&["example.org"], &["EST.Example.ORG"], "issued"),
        (&["EXAMPLE.org"], &["est.example.org"], "issued"),
        (&["example.net", "example.org"], &["est.example.org"], "issued"),
        (&["example.org"], &["evil-example.org"], "subject.names"),
        (&["example.org"], &["evilexample.org"], "subject.names"),
        (&["example.org"], &["example.org.evil.net"], "subject.names"),
        (&["example.org"], &["org"], "subject.names"),
        (&["est.example.org"], &["example.org"], "subject.names"),
        (&["example.org"], &["est.example.org", "est.example.net"], "subject.names"),
        (&[], &["est.example.org"], "subject.names"),
        // An empty domain is no domain, not the root of all.
        (&[""], &["est.example.org"], "subject.names"),
        (&["."], &["est.example.org"], "subject.names"),
    ];
    for (suffixes, names, answer) in cases {
        let world = World::new();
        let actor = station(&world, suffixes);
        let outcome = world.authority.enrol(for_server(&world, actor, names));
        if answer == "issued" {
            assert!(outcome.is_ok(), "{names:?} in {suffixes:?}: {outcome:?}");
        } else {
            world.assert_refused(outcome, answer, FOUNDED);
        }
    }
}

#[test]
fn a_station_names_no_uris_and_no_addresses() {
    for (tag, content, name) in [
        (0x86, "https://example.org/", AlternativeName::Uri("https://example.org/".to_owned())),
        (0x81, "a@example.org", AlternativeName::Email("a@example.org".to_owned())),
    ] {
        let world = World::new();
        let asked =
            extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&[tlv(tag, content.as_bytes())]));
        let csr = RequestOctets::new(&world.key(1), common_name("Ada")).asking(&[asked]).read();
        let subject =
            Subject { name: SubjectName::Distinguished(distinguished("Ada")), alternative_names: vec![name] };
        let actor = station(&world, &["example.org"]);
        let outcome = world.authority.enrol(request(actor, "named", subject.clone(), csr.clone()));
        world.assert_refused(outcome, "subject.names", FOUNDED);
        assert!(world.authority.enrol(request(operator(), "named", subject, csr)).is_ok());
    }
}

// P-05: CVE-2022-34831 was about names that nobody had authorised.
#[test]
fn p_05_devices_and_tokens_name_no_hosts_at_their_first_enrolment() {
    let names = |mut request: EnrolmentRequest, key: &KeyPair| {
        let asked = extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&[dns("gw.example.org")]));
        let csr = RequestOctets::of_device(key, &title(1)).asking(&[asked]).read();
        request.subject.alternative_names = vec![AlternativeName::Dns("gw.example.org".to_owned())];
        request.profile = profiles::id("op-tls");
        request.evidence = Evidence::Request(Box::new(csr));
        request
    };
    for number in [2, 3, 4] {
        let Scenario { world, request, rows, name } = numbered(number);
        let mut request = names(request, &world.key(30));
        if let Identity::OneTimeToken { profile, .. } = &mut request.actor.identity {
            *profile = profiles::id("op-tls");
        }
        let outcome = world.authority.enrol(request);
        assert_eq!(outcome.as_ref().unwrap_err().code(), "subject.names", "{name}");
        world.assert_refused(outcome, "subject.names", rows);
    }
    let world = World::new();
    world.ledger.expect(&title(1), &dso(), None);
    let entitled = names(by_station(&world), &world.key(30));
    assert!(world.authority.enrol(entitled).is_ok());
}

#[test]
fn a_station_asks_for_devices_that_are_expected_only() {
    let world = World::new();
    let asked = by_station(&world);
    let unknown = SystemTitle::new(*b"MPK\0\0\0\0\x09");
    let csr = RequestOctets::of_device(&world.key(9), &unknown).read();
    let other = request(asked.actor, "op-ds", Subject::device(unknown), csr);
    world.assert_refused(world.authority.enrol(other), "device.not-expected", FOUNDED);
}
