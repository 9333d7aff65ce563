//! What stands in a certificate: what the profile says of the subject, and what the issuer brings.

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::fault::Fault;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::oid;
use ca_core::profile::{AlternativeNameRule, Pointers, ProfileParts, SubjectRule};
use ca_core::request::EnrolmentRequest;
use ca_core::subject::{AlternativeName, Subject, SubjectName};
use ca_core::suite::SecuritySuite;
use const_oid::ObjectIdentifier;

use crate::octets::{alternative_names, dns, extension, tlv};
use crate::request_octets::RequestOctets;
use crate::world::{FOUNDED, World, change_profile, operator, request, title};

/// A world whose profile of this name is changed.
fn with(profile: &str, change: impl FnOnce(&mut ProfileParts)) -> World {
    World::with(SecuritySuite::Suite1, |charter| change_profile(charter, profile, change))
}

/// A request of the operator for a subject, whose CSR asks for just that.
fn asked(
    world: &World,
    profile: &str,
    name: &DistinguishedName,
    names: &[AlternativeName],
) -> EnrolmentRequest {
    let general = |name: &AlternativeName| match name {
        AlternativeName::Dns(host) => dns(host),
        AlternativeName::Uri(uri) => tlv(0x86, uri.as_bytes()),
        AlternativeName::Email(address) => tlv(0x81, address.as_bytes()),
    };
    let octets = RequestOctets::new(&world.key(1), name.der().to_vec());
    let octets = if names.is_empty() {
        octets
    } else {
        let value = alternative_names(&names.iter().map(general).collect::<Vec<_>>());
        octets.asking(&[extension(oid::SUBJECT_ALT_NAME, name.is_empty(), &value)])
    };
    let subject =
        Subject { name: SubjectName::Distinguished(name.clone()), alternative_names: names.to_vec() };
    request(operator(), profile, subject, octets.read())
}

fn name(attributes: &[(ObjectIdentifier, &str)]) -> DistinguishedName {
    DistinguishedName::from_attributes(attributes).unwrap()
}

fn host(text: &str) -> AlternativeName {
    AlternativeName::Dns(text.to_owned())
}

/// "issued", or the reason code of the refusal.
fn told(profile: &str, name: &DistinguishedName, names: &[AlternativeName]) -> &'static str {
    let world = World::new();
    match world.authority.enrol(asked(&world, profile, name, names)) {
        Ok(_) => "issued",
        Err(error) => {
            let code = error.code();
            world.assert_refused(Err(error), code, FOUNDED);
            code
        }
    }
}

// Green Book 9.2.6.4, Tables 23 to 34: what the certificate of a device has, and nothing else.
#[test]
fn a_device_certificate_has_its_key_usage_and_key_identifiers_and_nothing_else() {
    for suite in SecuritySuite::ALL {
        let world = World::of(suite);
        let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
        let certificate = Certificate::from_der(issued.der()).unwrap();
        let extensions: Vec<_> =
            certificate.extensions().iter().map(|one| (one.extn_id, one.critical)).collect();
        let expected = [
            (oid::KEY_USAGE, true),
            (oid::SUBJECT_KEY_IDENTIFIER, false),
            (oid::AUTHORITY_KEY_IDENTIFIER, false),
        ];
        assert_eq!(extensions, expected);
        assert_eq!(certificate.subject().to_string(), "CN=4D504B0000000001");
        assert_eq!(certificate.issuer(), world.issuer().name());
        assert_eq!(certificate.public_key(), world.key(1).public_key());
        assert_eq!(certificate.authority_key_identifier(), Some(world.issuer().key_identifier()));
        assert_eq!(certificate.signature().curve(), suite.curve());
    }
}

// RFC 5280 §4.1.2.6: an empty subject beside a critical subjectAltName that names the device.
#[test]
fn an_empty_subject_has_a_critical_module_name_with_the_system_title() {
    let world = with("op-ds", |parts| {
        parts.subject = SubjectRule::Empty;
        parts.alternative_name = AlternativeNameRule::HardwareModule {
            hw_type: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1"),
        };
    });
    let issued = world.authority.enrol(world.by_operator("op-ds", 1, 1)).unwrap();
    let certificate = Certificate::from_der(issued.der()).unwrap();
    assert!(certificate.subject().is_empty());
    assert!(certificate.extension(oid::SUBJECT_ALT_NAME).unwrap().0, "critical");
    assert_eq!(certificate.system_title(), Some(title(1)));
}

// P-06: the subject of a server or a person.
#[test]
fn p_06_a_distinguished_name_is_of_known_attributes_each_once() {
    let (country, organization, unit) =
        (oid::COUNTRY_NAME, oid::ORGANIZATION_NAME, oid::ORGANIZATIONAL_UNIT_NAME);
    let whole = name(&[
        (country, "DE"),
        (organization, "Grid"),
        (unit, "Metering"),
        (oid::SERIAL_NUMBER, "7"),
        (oid::COMMON_NAME, "Ada"),
    ]);
    assert_eq!(told("named", &whole, &[]), "issued");
    let locality = ObjectIdentifier::new_unwrap("2.5.4.7");
    for refused in [
        name(&[(oid::COMMON_NAME, "Ada"), (oid::COMMON_NAME, "Bob")]),
        name(&[(unit, "a"), (unit, "b"), (oid::COMMON_NAME, "Ada")]),
        name(&[(locality, "Kiel"), (oid::COMMON_NAME, "Ada")]),
        DistinguishedName::empty(),
    ] {
        assert_eq!(told("named", &refused, &[]), "subject.unfit", "{refused}");
    }
}

// P-06: RDNs have one attribute each.
#[test]
fn p_06_an_rdn_of_several_attributes_is_refused() {
    let pair = [
        crate::octets::type_and_value(&(oid::COMMON_NAME, crate::octets::UTF8, b"Ada")),
        crate::octets::type_and_value(&(oid::ORGANIZATION_NAME, crate::octets::UTF8, b"Grid")),
    ];
    let der = crate::octets::sequence(&[tlv(crate::octets::SET, &pair.concat())]);
    assert_eq!(told("named", &DistinguishedName::from_der(&der).unwrap(), &[]), "subject.unfit");
}

#[test]
fn a_name_longer_than_the_profile_allows_is_refused() {
    let long = name(&[(oid::ORGANIZATION_NAME, &"x".repeat(64)), (oid::COMMON_NAME, "Ada")]);
    for (max_octets, issued) in [(long.der().len(), true), (long.der().len() - 1, false)] {
        let world = with("named", |parts| {
            parts.subject = SubjectRule::DistinguishedName { max_octets: u16::try_from(max_octets).unwrap() };
        });
        let outcome = world.authority.enrol(asked(&world, "named", &long, &[]));
        if issued {
            assert!(outcome.is_ok());
        } else {
            world.assert_refused(outcome, "subject.unfit", FOUNDED);
        }
    }
}

// P-06: a common name that looks like a host is one of the hosts.
#[test]
fn p_06_a_common_name_that_is_another_host_is_refused() {
    let named = |text| name(&[(oid::COMMON_NAME, text)]);
    for (common_name, answer) in [
        ("est.example.org", "issued"),
        ("EST.example.org", "issued"),
        ("EST Server", "issued"),
        ("Grid North, No. 7", "issued"),
        ("bank.example", "subject.unfit"),
        ("example.org", "subject.unfit"),
        ("10.0.0.1", "subject.unfit"),
    ] {
        assert_eq!(told("server", &named(common_name), &[host("est.example.org")]), answer, "{common_name}");
    }
    let world = with("server", |parts| {
        parts.alternative_name = AlternativeNameRule::DnsNames { required: false, max: 4 };
    });
    let outcome = world.authority.enrol(asked(&world, "server", &named("bank.example"), &[]));
    world.assert_refused(outcome, "subject.unfit", FOUNDED);
}

#[test]
fn alternative_names_are_of_the_kind_and_number_that_the_profile_allows() {
    let subject = name(&[(oid::COMMON_NAME, "Ada")]);
    let uri = AlternativeName::Uri("https://example.org/ada".to_owned());
    let mail = AlternativeName::Email("ada@example.org".to_owned());
    let hosts = |count: usize| (0..count).map(|n| host(&format!("h{n}.example.org"))).collect::<Vec<_>>();
    for (profile, names, answer) in [
        ("named", vec![], "issued"),
        ("named", vec![uri.clone()], "issued"),
        ("named", vec![mail.clone()], "issued"),
        ("named", vec![uri.clone(), mail.clone()], "subject.unfit"),
        ("named", hosts(1), "subject.unfit"),
        ("server", hosts(1), "issued"),
        ("server", hosts(16), "issued"),
        ("server", vec![], "subject.unfit"),
        ("server", vec![host("a.example.org"), uri], "subject.unfit"),
        ("ocsp", vec![], "issued"),
        ("ocsp", vec![mail], "subject.unfit"),
    ] {
        assert_eq!(told(profile, &subject, &names), answer, "{profile} {names:?}");
    }
}

// RFC 5280 §4.1.2.6: without a subject the subjectAltName is critical.
#[test]
fn a_server_without_a_subject_has_critical_host_names() {
    let world = World::new();
    let names = [host("est.example.org")];
    let issued = world.authority.enrol(asked(&world, "server", &DistinguishedName::empty(), &names)).unwrap();
    let certificate = Certificate::from_der(issued.der()).unwrap();
    assert!(certificate.subject().is_empty());
    assert!(certificate.extension(oid::SUBJECT_ALT_NAME).unwrap().0);
}

#[test]
fn a_label_has_16_characters_and_stands_alone() {
    for (attributes, answer) in [
        (vec![(oid::COMMON_NAME, "FIRMWARE-LINE-07")], "issued"),
        (vec![(oid::COMMON_NAME, "FIRMWARE-LINE-7")], "subject.unfit"),
        (vec![(oid::COMMON_NAME, "FIRMWARE-LINE-07"), (oid::ORGANIZATION_NAME, "x")], "subject.unfit"),
        (vec![(oid::ORGANIZATION_NAME, "FIRMWARE-LINE-07")], "subject.unfit"),
    ] {
        let world = with("op-ds", |parts| parts.subject = SubjectRule::Label16);
        let outcome = world.authority.enrol(asked(&world, "op-ds", &name(&attributes), &[]));
        let code = outcome.map_or_else(|error| error.code(), |_| "issued");
        assert_eq!(code, answer, "{attributes:?}");
    }
}

#[test]
fn a_device_gets_no_certificate_of_a_profile_for_names() {
    for profile in ["named", "server"] {
        let world = World::new();
        let outcome = world.authority.enrol(world.by_operator(profile, 1, 1));
        world.assert_refused(outcome, "subject.unfit", FOUNDED);
    }
}

// RFC 5280 §4.2.1.13, §4.2.2.1: pointers are the issuer's, and without them nothing is issued.
#[test]
fn pointers_come_from_the_issuer_and_their_absence_is_our_fault() {
    let subject = name(&[(oid::COMMON_NAME, "Ada")]);
    let world = with("named", |parts| parts.pointers = Pointers::CrlAndAccess);
    let issued = world.authority.enrol(asked(&world, "named", &subject, &[])).unwrap();
    let certificate = Certificate::from_der(issued.der()).unwrap();
    for (kind, uris) in [
        (oid::CRL_DISTRIBUTION_POINTS, vec!["http://crl.example.org/a.crl"]),
        (oid::AUTHORITY_INFO_ACCESS, vec!["http://ocsp.example.org/", "http://ca.example.org/a.cer"]),
    ] {
        let (critical, value) = certificate.extension(kind).unwrap();
        assert!(!critical);
        for uri in uris {
            assert!(value.windows(uri.len()).any(|octets| octets == uri.as_bytes()), "{uri}");
        }
    }
    let world = World::with(SecuritySuite::Suite1, |charter| {
        change_profile(charter, "named", |parts| parts.pointers = Pointers::Crl);
        let (certificate, tenant) = (charter.issuer.certificate().clone(), charter.issuer.tenant().clone());
        let ends = charter.issuer.window_ends();
        charter.issuer = Issuer::new(certificate, tenant, ends, PublicationPoints::default()).unwrap();
    });
    let outcome = world.authority.enrol(asked(&world, "named", &subject, &[]));
    assert_eq!(outcome.as_ref().unwrap_err().fault(), Fault::Ours);
    world.assert_refused(outcome, "issuer.no-publication-point", FOUNDED);
}
