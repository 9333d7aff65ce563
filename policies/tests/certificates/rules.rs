//! The rules of DLMS/COSEM and of the profiles: good certificates pass, and each fault is found by exactly these rules.

use ca_core::lint::{Finding, Rule};
use ca_core::oid;
use ca_core::public_key::KeyIdentifierMethod;
use ca_core::suite::Curve;
use const_oid::ObjectIdentifier;
use policies::lint::{dlms, linter, profile};
use policies::{Settings, Variant};

use crate::damage::{Tbs, identifier, name, sequence, tlv};
use crate::hierarchy::{Drafted, Hierarchy, Key, NOW};

const UTF8: u8 = 0x0C;
const PRINTABLE: u8 = 0x13;
const PRIVATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.9");
const HW_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");

fn variants() -> [Variant; 4] {
    [
        Variant::GuruxSafe,
        Variant::GreenBookSan { hw_type: HW_TYPE },
        Variant::StrictEmpty { hw_type: HW_TYPE },
        Variant::Small,
    ]
}

fn rules_of(findings: Vec<Finding>) -> Vec<&'static str> {
    findings.into_iter().map(|finding| finding.rule).collect()
}

fn findings(drafted: &Drafted<'_>, tbs: &[u8]) -> Vec<&'static str> {
    rules_of(linter().lint(&drafted.lint_input(tbs)))
}

#[test]
fn certificates_of_every_profile_pass_in_every_variant() {
    for variant in variants() {
        let hierarchy = Hierarchy::new(&Settings { variant, ..Settings::default() });
        for id in hierarchy.profiles.ids() {
            let drafted = hierarchy.drafted(id.as_str());
            let findings = linter().lint(&drafted.lint_input(&drafted.tbs));
            assert!(findings.is_empty(), "{id} as {}: {findings:?}", variant.name());
        }
    }
}

/// What is found, of which profile's certificate, with which fault in words, done how.
struct Fault {
    rules: &'static [&'static str],
    id: &'static str,
    what: &'static str,
    damage: fn(&mut Tbs),
}

const fn fault(
    rules: &'static [&'static str],
    id: &'static str,
    what: &'static str,
    damage: fn(&mut Tbs),
) -> Fault {
    Fault { rules, id, what, damage }
}

fn title(tbs: &mut Tbs, tag: u8, text: &str) {
    tbs.subject = name(&[&[(oid::COMMON_NAME, tag, text)]]);
}

fn serial(tbs: &mut Tbs, octets: u8) {
    tbs.serial = tlv(0x02, &(1..=octets).collect::<Vec<_>>());
}

fn purposes(tbs: &mut Tbs, purposes: &[ObjectIdentifier]) {
    let purposes: Vec<_> = purposes.iter().map(|purpose| identifier(*purpose)).collect();
    tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&purposes));
}

fn distribution_point(uri: &str) -> Vec<u8> {
    sequence(&[sequence(&[tlv(0xA0, &tlv(0xA0, &tlv(0x86, uri.as_bytes())))])])
}

fn access(ocsp: &str) -> Vec<u8> {
    let issuers = "http://pki.example.net/sub-infra-s1.cer";
    sequence(&[
        sequence(&[identifier(oid::ACCESS_OCSP), tlv(0x86, ocsp.as_bytes())]),
        sequence(&[identifier(oid::ACCESS_CA_ISSUERS), tlv(0x86, issuers.as_bytes())]),
    ])
}

const DLMS: &[Fault] = &[
    // Green Book 9.2.6.5, and refusal 2: the hash is that of the issuer's curve.
    fault(&["rfc5280.signature-algorithm", "dlms.02"], "meter-op-ds-s1", "SHA-384 by P-256", |tbs| {
        tbs.signature = sequence(&[identifier(Curve::P384.signature_algorithm())]);
    }),
    // Refusal 3.
    fault(&["dlms.03", "profile.extensions"], "meter-op-ds-s1", "basicConstraints of an end entity", |tbs| {
        tbs.set(oid::BASIC_CONSTRAINTS, sequence(&[]));
    }),
    fault(&["dlms.03", "profile.extensions"], "meter-op-ds-s1", "CRL distribution point", |tbs| {
        let uri = "http://pki.example.net/sub-operational-s1.crl";
        tbs.set(oid::CRL_DISTRIBUTION_POINTS, distribution_point(uri));
    }),
    fault(&["dlms.03", "profile.extensions"], "fw-signer-dlms-s1", "authority information access", |tbs| {
        let uri = "http://pki.example.net/sub-factory-s1.cer";
        let ocsp = sequence(&[identifier(oid::ACCESS_OCSP), tlv(0x86, b"http://ocsp.example.net")]);
        let issuers = sequence(&[identifier(oid::ACCESS_CA_ISSUERS), tlv(0x86, uri.as_bytes())]);
        tbs.set(oid::AUTHORITY_INFO_ACCESS, sequence(&[ocsp, issuers]));
    }),
    fault(&["dlms.03", "profile.extensions"], "meter-op-ds-s1", "issuer alternative name", |tbs| {
        tbs.set(oid::ISSUER_ALT_NAME, sequence(&[tlv(0x82, b"ca.example.net")]));
    }),
    // Refusal 4; Green Book Table 29.
    fault(&["dlms.04", "profile.key-usage"], "meter-op-ds-s1", "nonRepudiation beside it", |tbs| {
        tbs.set(oid::KEY_USAGE, vec![0x03, 2, 6, 0xC0]);
    }),
    fault(&["dlms.04", "dlms.05", "profile.extensions"], "meter-op-tls-s1", "TLS without purposes", |tbs| {
        tbs.remove(oid::EXTENDED_KEY_USAGE);
    }),
    // Refusal 5.
    fault(&["dlms.05"], "meter-op-tls-s1", "codeSigning instead", |tbs| {
        purposes(tbs, &[oid::CODE_SIGNING]);
    }),
    fault(&["dlms.05"], "meter-op-tls-s1", "one purpose more", |tbs| {
        purposes(tbs, &[oid::SERVER_AUTH, oid::CLIENT_AUTH, oid::CMC_RA]);
    }),
    fault(&["dlms.05"], "meter-op-tls-s1", "critical", |tbs| tbs.mark(oid::EXTENDED_KEY_USAGE, true)),
    fault(&["dlms.05", "profile.extensions"], "meter-op-ds-s1", "a purpose the profile has not", |tbs| {
        purposes(tbs, &[oid::CLIENT_AUTH]);
    }),
    // Refusal 6.
    fault(&["dlms.06"], "meter-op-ds-s1", "lower case", |tbs| title(tbs, UTF8, "4d504b0001fea042")),
    fault(&["dlms.06"], "meter-op-ds-s1", "15 characters", |tbs| title(tbs, UTF8, "4D504B0001FEA04")),
    fault(&["dlms.06"], "meter-op-ds-s1", "PrintableString", |tbs| title(tbs, PRINTABLE, "4D504B0001FEA042")),
    fault(&["dlms.06"], "meter-op-ds-s1", "another attribute", |tbs| {
        tbs.subject = name(&[&[(oid::ORGANIZATION_NAME, UTF8, "4D504B0001FEA042")]]);
    }),
    fault(&["dlms.06"], "meter-op-ds-s1", "two RDNs", |tbs| {
        tbs.subject = name(&[
            &[(oid::ORGANIZATION_NAME, UTF8, "Example Grid")],
            &[(oid::COMMON_NAME, UTF8, "4D504B0001FEA042")],
        ]);
    }),
    fault(&["dlms.06"], "meter-op-ds-s1", "an RDN of two attributes", |tbs| {
        tbs.subject = name(&[&[
            (oid::ORGANIZATION_NAME, UTF8, "Example Grid"),
            (oid::COMMON_NAME, UTF8, "4D504B0001FEA042"),
        ]]);
    }),
    fault(&["dlms.06"], "fw-signer-dlms-s1", "a label of 15 characters", |tbs| {
        title(tbs, UTF8, "FIRMWARE-LINE-0");
    }),
    // Refusal 10.
    fault(&["rfc5280.public-key", "dlms.10"], "meter-op-ds-s1", "compressed point", |tbs| {
        let key = tbs.public_key.clone();
        let algorithm = key[2..23].to_vec();
        let point = [&[0, 0x02], &key[27..59]].concat();
        tbs.public_key = sequence(&[algorithm, tlv(0x03, &point)]);
    }),
    fault(&["rfc5280.public-key", "dlms.10"], "meter-op-ds-s1", "point at infinity", |tbs| {
        let algorithm = tbs.public_key[2..23].to_vec();
        tbs.public_key = sequence(&[algorithm, tlv(0x03, &[0, 0])]);
    }),
    fault(&["rfc5280.public-key", "dlms.10"], "meter-op-ds-s1", "point not on the curve", |tbs| {
        *tbs.public_key.last_mut().unwrap() ^= 1;
    }),
    // Refusal 11.
    fault(
        &["rfc5280.ends-before-issuer", "dlms.11", "profile.validity"],
        "meter-op-ds-s1",
        "outlives its issuer",
        |tbs| tbs.not_after = tlv(0x17, b"491231235959Z"),
    ),
    // Refusal 12.
    fault(&["dlms.12", "profile.subject"], "sub-factory-s1", "a name of 128 octets", |tbs| {
        let (long, longer) = ("x".repeat(50), "y".repeat(50));
        tbs.subject = name(&[
            &[(oid::ORGANIZATION_NAME, UTF8, &long)],
            &[(oid::COMMON_NAME, UTF8, &longer)],
            &[(oid::SERIAL_NUMBER, PRINTABLE, "1")],
        ]);
        assert!(tbs.subject.len() > 127);
    }),
    fault(&["rfc5280.issuer-name", "dlms.12"], "meter-op-ds-s1", "an issuer of 140 octets", |tbs| {
        let (long, longer) = ("x".repeat(60), "y".repeat(60));
        tbs.issuer = name(&[&[(oid::ORGANIZATION_NAME, UTF8, &long)], &[(oid::COMMON_NAME, UTF8, &longer)]]);
    }),
    // Refusal 13.
    fault(&["dlms.13", "profile.serial-number"], "meter-op-ds-s1", "2 octets", |tbs| serial(tbs, 2)),
    fault(&["dlms.13", "profile.serial-number"], "meter-op-ds-s1", "4 octets", |tbs| serial(tbs, 4)),
    // Refusal 15: the clock is at 10:00 on 21 November.
    fault(&["dlms.15", "profile.validity"], "hhu-op-offline-s1", "a second over 72 hours", |tbs| {
        tbs.not_after = tlv(0x17, b"261124100001Z");
    }),
];

const PROFILE: &[Fault] = &[
    fault(&["profile.extensions"], "meter-op-ds-s1", "no policy", |tbs| {
        tbs.remove(oid::CERTIFICATE_POLICIES);
    }),
    fault(&["profile.extensions"], "meter-op-ds-s1", "a private extension", |tbs| {
        tbs.set(PRIVATE, vec![0x05, 0]);
    }),
    fault(&["profile.extensions"], "est-tls-s1", "no distribution point", |tbs| {
        tbs.remove(oid::CRL_DISTRIBUTION_POINTS);
    }),
    fault(&["profile.extensions"], "est-tls-s1", "no dNSName", |tbs| tbs.remove(oid::SUBJECT_ALT_NAME)),
    fault(&["profile.extensions"], "meter-op-ds-s1", "a dNSName", |tbs| {
        tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x82, b"meter.example.net")]));
    }),
    fault(&["profile.criticality"], "meter-op-ds-s1", "policy", |tbs| {
        tbs.mark(oid::CERTIFICATE_POLICIES, true);
    }),
    fault(&["profile.criticality"], "est-tls-s1", "distribution point", |tbs| {
        tbs.mark(oid::CRL_DISTRIBUTION_POINTS, true);
    }),
    fault(&["profile.criticality"], "ocsp-s1", "ocsp-nocheck", |tbs| tbs.mark(oid::OCSP_NO_CHECK, true)),
    fault(&["profile.serial-number"], "meter-op-ds-s1", "15 octets", |tbs| serial(tbs, 15)),
    fault(&["profile.serial-number"], "root-s1", "20 octets", |tbs| serial(tbs, 20)),
    // The clock is at 10:00; ten years of 365 days end a second before 10:00.
    fault(&["profile.validity"], "meter-op-ds-s1", "begins a second early", |tbs| {
        tbs.not_before = tlv(0x17, b"261121095459Z");
    }),
    fault(&["profile.validity"], "meter-op-ds-s1", "ends a second late", |tbs| {
        tbs.not_after = tlv(0x17, b"361118100000Z");
    }),
    fault(&["profile.validity"], "meter-op-ds-s1", "ends a second early", |tbs| {
        tbs.not_after = tlv(0x17, b"361118095958Z");
    }),
    fault(&["profile.validity"], "meter-factory-ds-s1", "ends at all", |tbs| {
        tbs.not_after = tlv(0x17, b"461121095959Z");
    }),
    fault(&["profile.validity"], "hhu-op-ds-s1", "a second over 24 hours", |tbs| {
        tbs.not_after = tlv(0x17, b"261122100000Z");
    }),
    fault(&["profile.validity"], "hhu-op-ds-s1", "a second under 15 minutes", |tbs| {
        tbs.not_after = tlv(0x17, b"261121101458Z");
    }),
    fault(&["profile.subject"], "ra-operator-s1", "a locality", |tbs| {
        let locality = ObjectIdentifier::new_unwrap("2.5.4.7");
        tbs.subject = name(&[&[(locality, UTF8, "Kiel")], &[(oid::COMMON_NAME, UTF8, "officer")]]);
    }),
    fault(&["profile.subject"], "ra-operator-s1", "an RDN of two attributes", |tbs| {
        tbs.subject = name(&[&[(oid::ORGANIZATION_NAME, UTF8, "Grid"), (oid::COMMON_NAME, UTF8, "officer")]]);
    }),
    fault(&["profile.subject"], "ra-operator-s1", "256 octets", |tbs| {
        let unit = "u".repeat(64);
        let rdn: &[_] = &[(oid::ORGANIZATIONAL_UNIT_NAME, UTF8, unit.as_str())];
        tbs.subject = name(&[rdn, rdn, rdn, rdn]);
    }),
    fault(&["profile.basic-constraints"], "root-s1", "path length 0", |tbs| {
        tbs.set(oid::BASIC_CONSTRAINTS, sequence(&[vec![1, 1, 0xFF], tlv(0x02, &[0])]));
    }),
    fault(&["profile.basic-constraints"], "root-s1", "no path length", |tbs| {
        tbs.set(oid::BASIC_CONSTRAINTS, sequence(&[vec![1, 1, 0xFF]]));
    }),
    fault(&["profile.key-usage"], "meter-op-ds-s1", "keyAgreement", |tbs| {
        tbs.set(oid::KEY_USAGE, vec![0x03, 2, 3, 0x08]);
    }),
    fault(&["profile.alternative-name"], "est-tls-s1", "an address", |tbs| {
        tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x87, &[192, 0, 2, 1])]));
    }),
    fault(&["profile.alternative-name"], "gw-op-tls-s1", "a third dNSName", |tbs| {
        tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x82, b"a"), tlv(0x82, b"b"), tlv(0x82, b"c")]));
    }),
    fault(&["profile.alternative-name"], "ra-operator-s1", "a dNSName", |tbs| {
        tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x82, b"officer.example.net")]));
    }),
    fault(&["profile.policy"], "meter-op-ds-s1", "another policy", |tbs| {
        tbs.set(oid::CERTIFICATE_POLICIES, sequence(&[sequence(&[identifier(PRIVATE)])]));
    }),
    fault(&["profile.policy"], "meter-op-ds-s1", "a second policy", |tbs| {
        let own = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.2");
        let policies = [sequence(&[identifier(own)]), sequence(&[identifier(PRIVATE)])];
        tbs.set(oid::CERTIFICATE_POLICIES, sequence(&policies));
    }),
    fault(&["profile.policy"], "meter-op-ds-s1", "a qualifier", |tbs| {
        let own = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.2");
        let cps = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1");
        let qualifier = sequence(&[identifier(cps), tlv(0x16, b"http://example.net/cps")]);
        tbs.set(oid::CERTIFICATE_POLICIES, sequence(&[sequence(&[identifier(own), sequence(&[qualifier])])]));
    }),
    fault(&["profile.pointers"], "est-tls-s1", "another CA's CRL", |tbs| {
        tbs.set(oid::CRL_DISTRIBUTION_POINTS, distribution_point("http://pki.example.net/root-s1.crl"));
    }),
    fault(&["profile.pointers"], "est-tls-s1", "another responder", |tbs| {
        tbs.set(oid::AUTHORITY_INFO_ACCESS, access("http://ocsp.example.org"));
    }),
    fault(&["profile.max-octets"], "est-tls-s1", "long host names", |tbs| {
        let host = format!("{0}.{0}.{0}.net", "h".repeat(63));
        let names = vec![tlv(0x82, host.as_bytes()); 3];
        tbs.set(oid::SUBJECT_ALT_NAME, sequence(&names));
    }),
];

#[test]
fn each_fault_is_found_by_exactly_these_rules() {
    let hierarchy = Hierarchy::new(&Settings::default());
    for Fault { rules, id, what, damage } in DLMS.iter().chain(PROFILE) {
        let drafted = hierarchy.drafted(id);
        let mut tbs = Tbs::of(&drafted.tbs);
        assert_eq!(tbs.encode(), drafted.tbs, "taking apart loses nothing");
        damage(&mut tbs);
        assert_eq!(findings(&drafted, &tbs.encode()), *rules, "{id}: {what}");
    }
}

// RFC 6960 §4.2.2.2: the purpose is for whoever answers for a CA, which is not the CA. This linter is that of ceremonies.
#[test]
fn o_11_a_ca_certificate_with_the_purpose_ocsp_signing_is_blocked_by_the_lint_of_ceremonies() {
    let hierarchy = Hierarchy::new(&Settings::default());
    for id in [
        "root-s1",
        "root-30y-s2",
        "sub-factory-s1",
        "sub-operational-s2",
        "sub-maintenance-s1",
        "sub-infra-s1",
    ] {
        for with_no_check in [false, true] {
            let drafted = hierarchy.drafted(id);
            let mut tbs = Tbs::of(&drafted.tbs);
            tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&[identifier(oid::OCSP_SIGNING)]));
            if with_no_check {
                tbs.set(oid::OCSP_NO_CHECK, vec![0x05, 0x00]);
            }
            let found = findings(&drafted, &tbs.encode());
            assert!(found.contains(&"rfc6960.ocsp-signing"), "{id}: {found:?}");
        }
    }
}

// Refusal 1; Green Book 9.2.6.5: a P-384 key is certified by a P-384 CA only.
#[test]
fn a_p384_key_under_a_p256_issuer_is_found() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let issuer = Some(hierarchy.issuer("sub-operational-s1"));
    let device = hierarchy.drafted_under("meter-op-ds-s2", issuer, NOW);
    assert_eq!(findings(&device, &device.tbs), ["dlms.01"]);
    let authority = hierarchy.drafted_under("sub-infra-s2", Some(hierarchy.issuer("root-s1")), NOW);
    assert_eq!(findings(&authority, &authority.tbs), ["dlms.01"]);
}

#[test]
fn a_suite_1_certificate_under_suite_2_without_declared_transition_is_found() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let issuer = Some(hierarchy.issuer("sub-operational-s2"));
    let device = hierarchy.drafted_under("meter-op-ds-s1", issuer, NOW);
    assert_eq!(findings(&device, &device.tbs), ["profile.suite"]);
}

#[test]
fn a_key_of_the_other_suite_is_found() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let drafted = hierarchy.drafted("meter-op-ds-s2");
    let key = Key::of("another", Curve::P256).public();
    let mut tbs = Tbs::of(&drafted.tbs);
    tbs.public_key = key.spki_der().to_vec();
    let identifier = key.key_identifier(KeyIdentifierMethod::Sha1Full);
    tbs.set(oid::SUBJECT_KEY_IDENTIFIER, tlv(0x04, &identifier));
    assert_eq!(findings(&drafted, &tbs.encode()), ["profile.suite"]);
}

// Refusal 16. RFC 6960 §4.2.2.2: the CA's responder is certified as long as the CA lives.
#[test]
fn issuing_after_the_window_is_found_except_for_the_responder() {
    let hierarchy = Hierarchy::new(&Settings::default());
    let issuer = hierarchy.issuer("sub-operational-s1");
    let last = issuer.window_ends();
    for (now, expected) in [(last, vec![]), (last.plus_seconds(1), vec!["dlms.16"])] {
        let drafted = hierarchy.drafted_under("hes-ds-s1", Some(issuer), now);
        assert_eq!(findings(&drafted, &drafted.tbs), expected);
    }
    let responder = hierarchy.drafted_under("ocsp-s1", Some(issuer), last.plus_seconds(1));
    assert_eq!(findings(&responder, &responder.tbs), [""; 0]);
}

/// Writes a subject alternative name of one hardwareModuleName.
fn module(hw_type: ObjectIdentifier, serial: &[u8]) -> Vec<u8> {
    let value = sequence(&[identifier(hw_type), tlv(0x04, serial)]);
    sequence(&[tlv(0xA0, &[identifier(oid::HARDWARE_MODULE_NAME), tlv(0xA0, &value)].concat())])
}

// RFC 4108 §5; Green Book 9.2.6.4: hwSerialNum is the system title.
#[test]
fn a_hardware_module_name_that_is_not_the_subject_s_is_found() {
    let variant = Variant::GreenBookSan { hw_type: HW_TYPE };
    let hierarchy = Hierarchy::new(&Settings { variant, ..Settings::default() });
    let drafted = hierarchy.drafted("meter-op-ds-s1");
    let own = b"MPK\0\x01\xFE\xA0\x42";
    for (value, expected) in [
        (module(HW_TYPE, own), vec![]),
        (module(HW_TYPE, b"MPK\0\x01\xFE\xA0\x43"), vec!["profile.alternative-name"]),
        (module(HW_TYPE, &own[..7]), vec!["profile.alternative-name"]),
        (module(PRIVATE, own), vec!["profile.alternative-name"]),
    ] {
        let mut tbs = Tbs::of(&drafted.tbs);
        tbs.set(oid::SUBJECT_ALT_NAME, value);
        assert_eq!(findings(&drafted, &tbs.encode()), expected);
    }
}

#[test]
fn a_subject_where_the_variant_has_none_is_found() {
    let variant = Variant::StrictEmpty { hw_type: HW_TYPE };
    let hierarchy = Hierarchy::new(&Settings { variant, ..Settings::default() });
    let drafted = hierarchy.drafted("meter-op-ds-s1");
    let mut tbs = Tbs::of(&drafted.tbs);
    title(&mut tbs, UTF8, "4D504B0001FEA042");
    tbs.mark(oid::SUBJECT_ALT_NAME, false);
    assert_eq!(findings(&drafted, &tbs.encode()), ["dlms.06"]);
}

#[test]
fn every_rule_has_a_test() {
    let elsewhere = ["dlms.01", "dlms.16", "profile.suite"];
    let rules: Vec<&Rule> = dlms::RULES.iter().chain(profile::RULES).collect();
    for rule in &rules {
        let tested = DLMS.iter().chain(PROFILE).any(|fault| fault.rules.contains(&rule.id));
        assert!(tested || elsewhere.contains(&rule.id), "{} has no test", rule.id);
    }
    let mut ids: Vec<_> = linter().rules().map(|rule| rule.id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "every rule has a name of its own");
}
