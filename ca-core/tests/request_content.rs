//! What a certification request may ask for: what the profile gives anyway, and nothing else. The ledger stays as it was.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::oid;
use ca_core::profile::ProfileParts;
use ca_core::subject::Subject;
use ca_core::suite::{Curve, SecuritySuite};
use der::asn1::ObjectIdentifier;

use crate::certificate_octets::common_name;
use crate::doubles::keys::KeyPair;
use crate::octets::{
    BIT_STRING, OCTET_STRING, PRINTABLE, SET, UTF8, alternative_names, authority, dns, extension, integer,
    key_usage, name, oid as oid_der, purposes, sequence, tlv, type_and_value,
};
use crate::profiles;
use crate::request_octets::RequestOctets;
use crate::world::{FOUNDED, World, change_profile, distinguished, operator, request, title};

const OUR_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1.1");

/// The answer to device 1 that asks for these extensions: "issued" or a reason code.
fn told(profile: &str, extensions: &[Vec<u8>]) -> &'static str {
    let world = World::new();
    let csr = RequestOctets::of_device(&world.key(1), &title(1)).asking(extensions).read();
    answer(&world, profile, Subject::device(title(1)), csr)
}

fn answer(world: &World, profile: &str, subject: Subject, csr: CertificationRequest) -> &'static str {
    match world.authority.enrol(request(operator(), profile, subject, csr)) {
        Ok(_) => "issued",
        Err(error) => {
            let code = error.code();
            world.assert_refused(Err(error), code, FOUNDED);
            code
        }
    }
}

#[test]
fn what_the_profile_gives_anyway_may_be_asked_for() {
    let no_authority = extension(oid::BASIC_CONSTRAINTS, true, &sequence(&[]));
    let usage = extension(oid::KEY_USAGE, true, &key_usage(0x80));
    let identifier = extension(oid::SUBJECT_KEY_IDENTIFIER, false, &tlv(OCTET_STRING, &[9; 20]));
    assert_eq!(told("op-ds", &[no_authority, usage, identifier]), "issued");
    let both = extension(oid::KEY_USAGE, true, &key_usage(0x88));
    let clients = extension(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::CLIENT_AUTH]));
    assert_eq!(told("op-tls", &[both, clients]), "issued");
}

#[test]
fn the_key_identifier_is_computed_whatever_the_request_says() {
    let world = World::new();
    let identifier = extension(oid::SUBJECT_KEY_IDENTIFIER, false, &tlv(OCTET_STRING, &[9; 20]));
    let csr = RequestOctets::of_device(&world.key(1), &title(1)).asking(&[identifier]).read();
    let issued = world.authority.enrol(request(operator(), "op-ds", Subject::device(title(1)), csr)).unwrap();
    let certificate = Certificate::from_der(issued.der()).unwrap();
    let computed = world.key(1).public_key().key_ref().octets().to_vec();
    assert_eq!(certificate.subject_key_identifier(), Some(computed));
}

// P-01: cA TRUE, and a path length without it.
#[test]
fn p_01_nobody_becomes_a_ca_by_asking() {
    let path_length_alone = sequence(&[integer(0)]);
    for value in [authority(None), authority(Some(0)), path_length_alone, vec![5, 0], Vec::new()] {
        let asked = extension(oid::BASIC_CONSTRAINTS, true, &value);
        assert_eq!(told("op-ds", &[asked]), "csr.extension", "{value:02x?}");
    }
}

// P-02: keyCertSign and cRLSign; and every other bit that the profile does not have.
#[test]
fn p_02_bits_of_key_usage_beyond_the_profile_are_refused() {
    for bits in [0x04, 0x02, 0x06, 0x84, 0x82, 0x40, 0x20, 0x10, 0x08, 0x88, 0x01] {
        let asked = extension(oid::KEY_USAGE, true, &key_usage(bits));
        assert_eq!(told("op-ds", &[asked]), "csr.extension", "{bits:#04x}");
    }
    // RFC 5280 §4.2.1.3: at least one bit is set.
    for value in [tlv(BIT_STRING, &[0]), tlv(BIT_STRING, &[7, 0]), Vec::new()] {
        assert_eq!(
            told("op-ds", &[extension(oid::KEY_USAGE, true, &value)]),
            "csr.extension",
            "{value:02x?}"
        );
    }
}

// P-03, P-20: purposes beyond the profile.
#[test]
fn p_03_purposes_beyond_the_profile_are_refused() {
    for purpose in [
        oid::OCSP_SIGNING,
        oid::ANY_EXTENDED_KEY_USAGE,
        oid::CMC_RA,
        oid::CMC_CA,
        oid::CM_KGA,
        oid::CODE_SIGNING,
        oid::TIME_STAMPING,
    ] {
        for asked in [vec![purpose], vec![oid::CLIENT_AUTH, purpose]] {
            let asked = extension(oid::EXTENDED_KEY_USAGE, false, &purposes(&asked));
            assert_eq!(told("op-tls", &[asked]), "csr.extension", "{purpose}");
        }
    }
    let clients = extension(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::CLIENT_AUTH]));
    assert_eq!(told("op-ds", &[clients]), "csr.extension", "a profile without purposes gives none");
}

// P-04: powers, limits and assurances that the profile does not give.
#[test]
fn p_04_constraints_policies_and_nocheck_are_not_the_requesters() {
    let policy = sequence(&[sequence(&[oid_der(oid::SHA_1)])]);
    for (kind, value) in [
        (oid::NAME_CONSTRAINTS, sequence(&[])),
        (oid::POLICY_MAPPINGS, sequence(&[])),
        (oid::POLICY_CONSTRAINTS, sequence(&[])),
        (oid::INHIBIT_ANY_POLICY, integer(0)),
        (oid::CERTIFICATE_POLICIES, policy),
        (oid::OCSP_NO_CHECK, vec![5, 0]),
        (oid::ISSUER_ALT_NAME, sequence(&[dns("example.org")])),
        (ObjectIdentifier::new_unwrap("2.5.29.46"), sequence(&[])),
        (ObjectIdentifier::new_unwrap("2.5.29.16"), sequence(&[])),
    ] {
        for critical in [false, true] {
            assert_eq!(told("op-ds", &[extension(kind, critical, &value)]), "csr.extension", "{kind}");
        }
    }
}

// P-04: a client that copies its old certificate asks for nothing by that, and gets what the authority writes.
#[test]
fn p_04_what_only_the_authority_can_say_is_passed_over_and_never_copied() {
    let elsewhere = tlv(0x86, b"http://evil.example/");
    let point = sequence(&[sequence(&[tlv(0xA0, &tlv(0xA0, &elsewhere))])]);
    let access = sequence(&[sequence(&[oid_der(oid::ACCESS_OCSP), elsewhere])]);
    let world = World::new();
    for (device, (kind, value)) in (1_u8..).zip([
        (oid::AUTHORITY_KEY_IDENTIFIER, sequence(&[tlv(0x80, &[0xEE; 20])])),
        (oid::SUBJECT_KEY_IDENTIFIER, tlv(OCTET_STRING, &[0xEE; 20])),
        (oid::CRL_DISTRIBUTION_POINTS, point),
        (oid::AUTHORITY_INFO_ACCESS, access),
        (oid::AUTHORITY_KEY_IDENTIFIER, b"\xEE\xEE\xEE\xEE not even DER".to_vec()),
    ]) {
        let asked = |critical| {
            let csr = RequestOctets::of_device(&world.key(device.into()), &title(device));
            let csr = csr.asking(&[extension(kind, critical, &value)]).read();
            world.authority.enrol(request(operator(), "op-ds", Subject::device(title(device)), csr))
        };
        // RFC 5280 §4.2.1.1, §4.2.1.2, §4.2.1.13, §4.2.2.1: none of them is critical.
        assert_eq!(asked(true).err().map(|error| error.code()), Some("csr.extension"), "{kind}");
        let issued = asked(false).unwrap();
        let holds = |text: &[u8]| issued.der().windows(text.len()).any(|octets| octets == text);
        assert!(!holds(b"evil.example") && !holds(&[0xEE; 4]), "{kind}");
    }
}

// RFC 5280 §4.2.1.4: the policy of the profile may be repeated; another, one more, a qualifier or criticality may not.
#[test]
fn p_04_the_policy_of_the_profile_may_be_asked_for_and_no_other() {
    let ours = sequence(&[oid_der(OUR_POLICY)]);
    let other = sequence(&[oid_der(oid::SHA_1)]);
    let qualifier = sequence(&[oid_der(oid::SHA_1), dns("x")]);
    let qualified = sequence(&[oid_der(OUR_POLICY), sequence(&[qualifier])]);
    let alone = sequence(std::slice::from_ref(&ours));
    for (value, critical, answered) in [
        (alone.clone(), false, "issued"),
        (alone, true, "csr.extension"),
        (sequence(&[ours, other]), false, "csr.extension"),
        (sequence(&[qualified]), false, "csr.extension"),
        (sequence(&[]), false, "csr.extension"),
        (Vec::new(), false, "csr.extension"),
    ] {
        let asked = extension(oid::CERTIFICATE_POLICIES, critical, &value);
        let world = World::with(SecuritySuite::Suite1, |charter| {
            change_profile(charter, "op-ds", |parts| parts.policy = Some(OUR_POLICY));
        });
        let csr = RequestOctets::of_device(&world.key(1), &title(1)).asking(&[asked]).read();
        let told = answer(&world, "op-ds", Subject::device(title(1)), csr);
        assert_eq!(told, answered, "{value:02x?}");
    }
}

// P-08: CVE-2024-49019 smuggled application policies beside a harmless purpose.
#[test]
fn p_08_application_policies_beside_a_harmless_purpose_are_refused() {
    let policies = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.10");
    let clients = extension(oid::EXTENDED_KEY_USAGE, false, &purposes(&[oid::CLIENT_AUTH]));
    let smuggled = extension(policies, false, &sequence(&[sequence(&[oid_der(oid::SERVER_AUTH)])]));
    assert_eq!(told("op-tls", &[clients, smuggled]), "csr.extension");
}

// P-15: CVE-2026-40097 was an empty sequence.
#[test]
fn p_15_empty_sequences_are_refused() {
    assert_eq!(told("op-tls", &[extension(oid::EXTENDED_KEY_USAGE, false, &sequence(&[]))]), "csr.extension");
    assert_eq!(told("op-tls", &[extension(oid::SUBJECT_ALT_NAME, false, &sequence(&[]))]), "subject.names");
    let empty_name = alternative_names(&[tlv(0x82, &[])]);
    assert_eq!(told("op-tls", &[extension(oid::SUBJECT_ALT_NAME, false, &empty_name)]), "subject.names");
}

// P-05: names beyond the subject that the request is for.
#[test]
fn p_05_names_beyond_the_subject_are_refused() {
    let asked = extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&[dns("other.example.org")]));
    assert_eq!(told("op-tls", &[asked]), "subject.other");
}

// P-17: other names, addresses, directories, wildcards.
#[test]
fn p_17_alternative_names_of_other_kinds_are_refused() {
    let unknown = tlv(0xA0, &[oid_der(oid::SHA_1), tlv(0xA0, &tlv(UTF8, b"x"))].concat());
    for general_name in [
        unknown,
        tlv(0x87, &[127, 0, 0, 1]),
        tlv(0xA4, &common_name("x")),
        tlv(0x88, &oid_der(oid::SHA_1)[2..]),
        dns("*.example.org"),
        dns("a_b.example.org"),
        dns("example.org."),
        dns("127.0.0.1"),
        dns(&format!("{}.org", "a".repeat(64))),
        dns("-a.example.org"),
        tlv(0x82, b"a\0.example.org"),
        tlv(0x86, b"http://a b"),
        tlv(0x81, b"a\nb@example.org"),
    ] {
        let asked =
            extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(std::slice::from_ref(&general_name)));
        assert_eq!(told("op-tls", &[asked]), "subject.names", "{general_name:02x?}");
    }
}

// P-18: at most 16 names; ten thousand do not even fit.
#[test]
fn p_18_more_than_16_names_are_refused() {
    let names = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| dns(&format!("h{number}.example.org"))).collect();
        extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(&names))
    };
    assert_eq!(told("op-tls", &[names(17)]), "subject.names");
    assert_eq!(told("op-tls", &[names(500)]), "subject.names");
    let der =
        RequestOctets::of_device(&KeyPair::new(Curve::P256, 1), &title(1)).asking(&[names(10_000)]).der();
    assert_eq!(CertificationRequest::from_der(&der).unwrap_err().code(), "csr.too-long");
}

fn hardware_module(serial: &[u8]) -> Vec<u8> {
    let module = sequence(&[oid_der(oid::SHA_1), tlv(OCTET_STRING, serial)]);
    tlv(0xA0, &[oid_der(oid::HARDWARE_MODULE_NAME), tlv(0xA0, &module)].concat())
}

// P-06: CN and subjectAltName name one device.
#[test]
fn p_06_a_common_name_and_a_module_name_that_disagree_are_refused() {
    let asked = |modules: &[Vec<u8>]| extension(oid::SUBJECT_ALT_NAME, false, &alternative_names(modules));
    let [mine, other] = [title(1), title(2)].map(|title| hardware_module(title.octets()));
    assert_eq!(told("op-ds", &[asked(std::slice::from_ref(&mine))]), "issued");
    assert_eq!(told("op-ds", &[asked(std::slice::from_ref(&other))]), "subject.names");
    assert_eq!(told("op-ds", &[asked(&[mine.clone(), mine])]), "subject.names", "at most one");
    assert_eq!(told("op-ds", &[asked(&[hardware_module(&[1; 7])])]), "subject.names");
    assert_eq!(told("op-ds", &[asked(&[hardware_module(&[])])]), "subject.names");
}

/// The answer to a request for device 1 whose CSR has this subject.
fn named(subject: Vec<u8>) -> &'static str {
    let world = World::new();
    let csr = RequestOctets::new(&world.key(1), subject).read();
    answer(&world, "op-ds", Subject::device(title(1)), csr)
}

// P-06, Green Book 9.2.6.4; RFC 5280 §4.1.2.6: the subject is the system title, alone.
#[test]
fn p_06_a_subject_that_is_not_exactly_the_system_title_is_refused() {
    let text = title(1).to_string();
    let (upper, lower) = (text.as_bytes(), text.to_lowercase());
    assert_eq!(named(name(&[(oid::COMMON_NAME, UTF8, upper)])), "issued");
    assert_eq!(named(name(&[(oid::COMMON_NAME, PRINTABLE, upper)])), "issued");
    assert_eq!(named(sequence(&[])), "issued", "it was authenticated all the same");
    for subject in [
        name(&[(oid::COMMON_NAME, UTF8, lower.as_bytes())]),
        name(&[(oid::COMMON_NAME, UTF8, title(2).to_string().as_bytes())]),
        name(&[(oid::COMMON_NAME, UTF8, &upper[..15])]),
        name(&[(oid::COMMON_NAME, UTF8, b" 4D504B000000001")]),
        name(&[(oid::SERIAL_NUMBER, PRINTABLE, upper)]),
        name(&[(oid::COMMON_NAME, UTF8, upper), (oid::ORGANIZATION_NAME, UTF8, b"x")]),
        name(&[(oid::COMMON_NAME, UTF8, upper), (oid::COMMON_NAME, UTF8, upper)]),
        sequence(&[tlv(
            SET,
            &[
                type_and_value(&(oid::COMMON_NAME, UTF8, upper)),
                type_and_value(&(oid::ORGANIZATION_NAME, UTF8, b"x")),
            ]
            .concat(),
        )]),
    ] {
        assert_eq!(named(subject.clone()), "subject.other", "{subject:02x?}");
    }
}

// Check 6: a CN that is not 16 upper-case hexadecimal characters, where the subject is read from the request itself.
#[test]
fn p_06_a_profile_for_devices_gives_nothing_to_other_names() {
    for text in [title(1).to_string().to_lowercase(), "METER-1".to_owned(), "4D504B00000000".to_owned()] {
        let world = World::new();
        let csr = RequestOctets::new(&world.key(1), common_name(&text)).read();
        let subject = Subject::read(csr.subject(), None).unwrap();
        assert_eq!(answer(&world, "op-ds", subject, csr), "subject.not-system-title");
    }
}

#[test]
fn possession_is_proved_or_nothing_is_issued() {
    let world = World::new();
    let octets = RequestOctets::of_device(&world.key(1), &title(1));
    let by_another = world.key(2).sign(&octets.info(), 0).to_der().unwrap();
    let csr = CertificationRequest::from_der(&octets.with_signature(&by_another)).unwrap();
    assert_eq!(answer(&world, "op-ds", Subject::device(title(1)), csr), "pop.invalid");
}

// P-10, check 1; Green Book 9.2.6.5: the curve is that of the suite.
#[test]
fn p_10_a_key_of_the_other_suite_is_refused() {
    for suite in SecuritySuite::ALL {
        let world = World::of(suite);
        let other = match suite.curve() {
            Curve::P256 => Curve::P384,
            Curve::P384 => Curve::P256,
        };
        let csr = RequestOctets::of_device(&KeyPair::new(other, 1), &title(1)).read();
        assert_eq!(answer(&world, "op-ds", Subject::device(title(1)), csr), "key.curve");
    }
}

/// A CA of one suite that offers a profile of the other.
fn mixed(issuing: SecuritySuite, change: impl Fn(&mut ProfileParts)) -> (World, &'static str) {
    let other = match issuing {
        SecuritySuite::Suite1 => SecuritySuite::Suite2,
        SecuritySuite::Suite2 => SecuritySuite::Suite1,
    };
    let world = World::with(issuing, |charter| {
        change_profile(charter, "op-ds", |parts| {
            parts.suite = other;
            change(parts);
        });
    });
    let csr = RequestOctets::of_device(&KeyPair::new(other.curve(), 1), &title(1)).read();
    let told = answer(&world, "op-ds", Subject::device(title(1)), csr);
    (world, told)
}

// Checks 1 and 2; Green Book 9.2.6.5: P-384 under P-256 never, P-256 under P-384 as a declared transition, the hash by the issuer.
#[test]
fn suites_are_mixed_only_as_a_declared_transition_and_never_upwards() {
    assert_eq!(mixed(SecuritySuite::Suite1, |_| {}).1, "key.curve");
    assert_eq!(mixed(SecuritySuite::Suite1, |parts| parts.transition_issuer = true).1, "key.curve");
    assert_eq!(mixed(SecuritySuite::Suite2, |_| {}).1, "key.curve");
    let (world, told) = mixed(SecuritySuite::Suite2, |parts| parts.transition_issuer = true);
    assert_eq!(told, "issued");
    let issued = world.ledger.stored().into_iter().find(|row| row.profile == profiles::id("op-ds")).unwrap();
    let certificate = Certificate::from_der(&issued.certificate).unwrap();
    assert_eq!(certificate.public_key().curve(), Curve::P256);
    assert_eq!(certificate.signature().curve(), Curve::P384, "SHA-384 by the issuer's curve");
}

// P-11: the keys of our CAs are certified for nobody.
#[test]
fn p_11_the_key_of_a_ca_is_refused() {
    for number in [100, 101] {
        let world = World::new();
        let csr = RequestOctets::of_device(&world.key(number), &title(1)).read();
        assert_eq!(answer(&world, "op-ds", Subject::device(title(1)), csr), "key.authority");
    }
}

#[test]
fn who_asks_for_a_ca_asks_for_no_other_path_length_than_the_profile_gives() {
    for (asked, told) in [
        (authority(None), "issued"),
        (authority(Some(0)), "issued"),
        (authority(Some(1)), "csr.extension"),
        (sequence(&[]), "csr.extension"),
    ] {
        let world = World::new();
        let asked = [
            extension(oid::BASIC_CONSTRAINTS, true, &asked),
            extension(oid::KEY_USAGE, true, &key_usage(0x06)),
        ];
        let csr = RequestOctets::new(&world.key(1), common_name("Sub CA")).asking(&asked).read();
        let subject = Subject::distinguished(distinguished("Sub CA"));
        let outcome = world.root.enrol(request(operator(), "sub", subject, csr));
        assert_eq!(outcome.map_or_else(|error| error.code(), |_| "issued"), told);
    }
}
