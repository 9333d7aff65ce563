//! Each rule against a draft that breaks it and nothing else.

use const_oid::ObjectIdentifier;

use super::RULES;
use crate::lint::samples::{
    Sample, Tbs, algorithm, authority_name, constraints, device, distribution_point, findings, generalized,
    identifier, key, name, root, sequence, server, subordinate, subordinate_issuer, tlv, uri, utc,
};
use crate::oid;
use crate::suite::Curve::{P256, P384};
use crate::validity::UnixTime;

const UTF8: u8 = 0x0C;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;

/// A rule, a fault in words, and a draft with that fault.
type Fault = (&'static str, &'static str, Sample);

fn with(damage: impl FnOnce(&mut Tbs)) -> Sample {
    device(P256).damaged(damage)
}

fn server_with(damage: impl FnOnce(&mut Tbs)) -> Sample {
    server(P256).damaged(damage)
}

fn subject(attributes: &[(ObjectIdentifier, u8, &str)]) -> Sample {
    with(|tbs| tbs.subject = name(attributes))
}

fn alternative_name(general_name: Vec<u8>) -> Sample {
    server_with(|tbs| tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[general_name])))
}

fn purposes(purposes: &[ObjectIdentifier]) -> Sample {
    let purposes: Vec<_> = purposes.iter().map(|purpose| identifier(*purpose)).collect();
    server_with(|tbs| tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&purposes)))
}

fn access(method: ObjectIdentifier, location: &str) -> Sample {
    let description = sequence(&[identifier(method), uri(location)]);
    server_with(|tbs| tbs.set(oid::AUTHORITY_INFO_ACCESS, sequence(&[description])))
}

fn field_faults() -> Vec<Fault> {
    vec![
        // X.690 §11.5: a DEFAULT value is not encoded.
        ("rfc5280.der", "critical FALSE is written out", with(|tbs| tbs.writes_default = true)),
        // RFC 5280 §4.1.2.1: v3 when extensions are used.
        ("rfc5280.version", "v2", with(|tbs| tbs.version = tlv(0xA0, &tlv(0x02, &[1])))),
        // RFC 5280 §4.1.2.2: positive, at most 20 octets.
        ("rfc5280.serial-number", "zero", with(|tbs| tbs.serial = tlv(0x02, &[0]))),
        ("rfc5280.serial-number", "negative", with(|tbs| tbs.serial = tlv(0x02, &[0x80, 1]))),
        ("rfc5280.serial-number", "21 octets", with(|tbs| tbs.serial = tlv(0x02, &[1; 21]))),
        // RFC 5758 §3.2: the hash fits the curve, and there are no parameters.
        ("rfc5280.signature-algorithm", "SHA-384 by P-256", with(|tbs| tbs.signature = algorithm(P384))),
        (
            "rfc5280.signature-algorithm",
            "SHA-256 by P-384",
            device(P384).damaged(|tbs| tbs.signature = algorithm(P256)),
        ),
        (
            "rfc5280.signature-algorithm",
            "parameters NULL",
            with(|tbs| {
                tbs.signature = sequence(&[identifier(P256.signature_algorithm()), vec![0x05, 0x00]]);
            }),
        ),
        // RFC 5280 §4.1.2.4: the issuer name chains octet for octet.
        ("rfc5280.issuer-name", "another CA", with(|tbs| tbs.issuer = authority_name("Other"))),
        (
            "rfc5280.issuer-name",
            "the same text in another string type",
            with(|tbs| {
                tbs.issuer = name(&[
                    (oid::COUNTRY_NAME, PRINTABLE, "DE"),
                    (oid::ORGANIZATION_NAME, PRINTABLE, "Example Grid"),
                    (oid::COMMON_NAME, UTF8, "Sub"),
                ]);
            }),
        ),
        ("rfc5280.issuer-name", "empty", with(|tbs| tbs.issuer = name(&[]))),
        (
            "rfc5280.issuer-name",
            "a root that names another issuer",
            root(P256).damaged(|tbs| tbs.issuer = authority_name("Other")),
        ),
    ]
}

fn time_and_key_faults() -> Vec<Fault> {
    vec![
        // RFC 5280 §4.1.2.5.
        ("rfc5280.validity-order", "ends first", with(|tbs| tbs.not_before = utc("261121110000Z"))),
        (
            "rfc5280.time-encoding",
            "GeneralizedTime in 2026",
            with(|tbs| tbs.not_before = generalized("20261121095500Z")),
        ),
        (
            "rfc5280.time-encoding",
            "GeneralizedTime at the end of 2049",
            root(P256).damaged(|tbs| tbs.not_after = generalized("20491231235959Z")),
        ),
        (
            "rfc5280.ends-before-issuer",
            "one second too long",
            with(|tbs| tbs.not_after = utc("410601000000Z")),
        ),
        ("rfc5280.issuer-valid-now", "issuer expired", at(2_254_608_000)),
        ("rfc5280.issuer-valid-now", "issuer not yet valid", at(1_700_000_000)),
        // RFC 5480 §2.1.1, §2.2.
        (
            "rfc5280.public-key",
            "compressed point",
            with(|tbs| {
                let mut point = key(P256, 3).point()[..33].to_vec();
                point[0] = 0x02;
                tbs.public_key = public_key(&identifier(P256.oid()), &point);
            }),
        ),
        (
            "rfc5280.public-key",
            "point not on the curve",
            with(|tbs| {
                let mut point = key(P256, 3).point().to_vec();
                point[64] ^= 1;
                tbs.public_key = public_key(&identifier(P256.oid()), &point);
            }),
        ),
        (
            "rfc5280.public-key",
            "implicit curve",
            with(|tbs| tbs.public_key = public_key(&[0x05, 0x00], key(P256, 3).point())),
        ),
        // RFC 5280 §4.1.2.8.
        (
            "rfc5280.unique-identifiers",
            "subjectUniqueID",
            with(|tbs| tbs.unique_identifiers = tlv(0x82, &[0, 1])),
        ),
    ]
}

/// The good device at another time.
fn at(seconds: i64) -> Sample {
    Sample { now: UnixTime::from_seconds(seconds), ..device(P256) }
}

fn public_key(parameters: &[u8], point: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[identifier(const_oid::db::rfc5912::ID_EC_PUBLIC_KEY), parameters.to_vec()]);
    sequence(&[algorithm, tlv(0x03, &[&[0], point].concat())])
}

fn name_faults() -> Vec<Fault> {
    let long = "x".repeat(65);
    vec![
        // RFC 5280 §4.1.2.4: UTF8String or PrintableString.
        (
            "rfc5280.name-strings",
            "TeletexString",
            subject(&[(oid::COMMON_NAME, TELETEX, "4D504B0000000001")]),
        ),
        (
            "rfc5280.name-strings",
            "PrintableString with an asterisk",
            subject(&[(oid::COMMON_NAME, PRINTABLE, "a*b")]),
        ),
        (
            "rfc5280.name-strings",
            "country as UTF8String",
            subject(&[(oid::COUNTRY_NAME, UTF8, "DE"), (oid::COMMON_NAME, UTF8, "x")]),
        ),
        // RFC 5280 App. A: X520countryName has two characters.
        ("rfc5280.country", "three letters", subject(&[(oid::COUNTRY_NAME, PRINTABLE, "DEU")])),
        ("rfc5280.country", "lower case", subject(&[(oid::COUNTRY_NAME, PRINTABLE, "de")])),
        // RFC 5280 App. A: ub-common-name is 64.
        ("rfc5280.name-lengths", "65 characters", subject(&[(oid::COMMON_NAME, UTF8, &long)])),
        ("rfc5280.name-lengths", "no character", subject(&[(oid::COMMON_NAME, UTF8, "")])),
        // RFC 5280 §4.1.2.6.
        ("rfc5280.subject-present", "no name at all", subject(&[])),
        (
            "rfc5280.subject-present",
            "a CA with only an alternative name",
            subordinate(P256).damaged(|tbs| {
                tbs.subject = name(&[]);
                tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[tlv(0x82, b"ca.example.net")]));
                tbs.mark(oid::SUBJECT_ALT_NAME, true);
            }),
        ),
        // RFC 5280 §4.2.1.6: critical exactly when the subject is empty; never empty.
        (
            "rfc5280.subject-alt-name",
            "critical beside a subject",
            server_with(|tbs| tbs.mark(oid::SUBJECT_ALT_NAME, true)),
        ),
        (
            "rfc5280.subject-alt-name",
            "not critical without a subject",
            server_with(|tbs| tbs.subject = name(&[])),
        ),
        (
            "rfc5280.subject-alt-name",
            "empty",
            server_with(|tbs| tbs.set(oid::SUBJECT_ALT_NAME, sequence(&[]))),
        ),
        ("rfc5280.subject-alt-name-forms", "blank", alternative_name(tlv(0x82, b" "))),
        ("rfc5280.subject-alt-name-forms", "wildcard", alternative_name(tlv(0x82, b"*.example.net"))),
        ("rfc5280.subject-alt-name-forms", "trailing dot", alternative_name(tlv(0x82, b"example.net."))),
        ("rfc5280.subject-alt-name-forms", "mailbox without host", alternative_name(tlv(0x81, b"someone"))),
        ("rfc5280.subject-alt-name-forms", "relative URI", alternative_name(uri("/hhu/7"))),
        ("rfc5280.subject-alt-name-forms", "address of 5 octets", alternative_name(tlv(0x87, &[1; 5]))),
        (
            "rfc5280.subject-alt-name-forms",
            "hardwareModuleName without serial number",
            alternative_name(tlv(
                0xA0,
                &[identifier(oid::HARDWARE_MODULE_NAME), tlv(0xA0, &sequence(&[identifier(oid::SHA_1)]))]
                    .concat(),
            )),
        ),
    ]
}

fn extension_faults() -> Vec<Fault> {
    let private = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.9");
    vec![
        // RFC 5280 §4.2: one instance of an extension.
        (
            "rfc5280.extension-once",
            "two policies extensions",
            with(|tbs| tbs.extensions.push(tbs.extensions[3].clone())),
        ),
        // RFC 5280 §4.2: the value is DER of the type.
        ("rfc5280.extension-der", "SEQUENCE that is cut", with(|tbs| tbs.set(private, vec![0x30, 5, 1]))),
        (
            "rfc5280.extension-der",
            "a cut value inside",
            with(|tbs| tbs.set(private, vec![0x30, 3, 0x04, 5, 0])),
        ),
        ("rfc5280.extension-der", "octets after the value", with(|tbs| tbs.set(private, vec![0x05, 0, 0]))),
        (
            "rfc5280.extension-der",
            "cA FALSE written out",
            with(|tbs| tbs.set(oid::BASIC_CONSTRAINTS, vec![0x30, 3, 1, 1, 0])),
        ),
        (
            "rfc5280.extension-der",
            "keyUsage with a needless zero bit",
            with(|tbs| tbs.set(oid::KEY_USAGE, vec![0x03, 2, 0, 0x80])),
        ),
        // RFC 5280 §4.2.1.1.
        ("rfc5280.authority-key-identifier", "absent", with(|tbs| tbs.remove(oid::AUTHORITY_KEY_IDENTIFIER))),
        (
            "rfc5280.authority-key-identifier",
            "critical",
            with(|tbs| tbs.mark(oid::AUTHORITY_KEY_IDENTIFIER, true)),
        ),
        (
            "rfc5280.authority-key-identifier",
            "with serial number",
            with(|tbs| {
                let identifier = tlv(0x80, key(P256, 2).key_ref().octets());
                let issuer = tlv(0xA1, &tlv(0xA4, &authority_name("Root")));
                let value = sequence(&[identifier, issuer, tlv(0x82, &[1])]);
                tbs.set(oid::AUTHORITY_KEY_IDENTIFIER, value);
            }),
        ),
        (
            "rfc5280.authority-key-identifier-value",
            "another key",
            with(|tbs| tbs.set(oid::AUTHORITY_KEY_IDENTIFIER, sequence(&[tlv(0x80, &[7; 20])]))),
        ),
        (
            "rfc5280.authority-key-identifier-value",
            "a root that points to another key",
            root(P256)
                .damaged(|tbs| tbs.set(oid::AUTHORITY_KEY_IDENTIFIER, sequence(&[tlv(0x80, &[7; 20])]))),
        ),
        // RFC 5280 §4.2.1.2.
        ("rfc5280.subject-key-identifier", "absent", with(|tbs| tbs.remove(oid::SUBJECT_KEY_IDENTIFIER))),
        (
            "rfc5280.subject-key-identifier",
            "critical",
            with(|tbs| tbs.mark(oid::SUBJECT_KEY_IDENTIFIER, true)),
        ),
        (
            "rfc5280.subject-key-identifier-value",
            "of another key",
            with(|tbs| tbs.set(oid::SUBJECT_KEY_IDENTIFIER, tlv(0x04, key(P256, 9).key_ref().octets()))),
        ),
    ]
}

fn policy_and_pointer_faults() -> Vec<Fault> {
    let private = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.9");
    vec![
        // RFC 5280 §4.2.1.4: SIZE (1..MAX), and an OID once only.
        (
            "rfc5280.certificate-policies",
            "none",
            with(|tbs| tbs.set(oid::CERTIFICATE_POLICIES, sequence(&[]))),
        ),
        (
            "rfc5280.certificate-policies",
            "one twice",
            with(|tbs| {
                let policy = sequence(&[identifier(private)]);
                tbs.set(oid::CERTIFICATE_POLICIES, sequence(&[policy.clone(), policy]));
            }),
        ),
        // RFC 5280 §4.2.1.13.
        (
            "rfc5280.crl-distribution-points",
            "https",
            server_with(|tbs| {
                tbs.set(oid::CRL_DISTRIBUTION_POINTS, distribution_point(&uri("https://crl.example.net/a")));
            }),
        ),
        (
            "rfc5280.crl-distribution-points",
            "a point without a name",
            server_with(|tbs| tbs.set(oid::CRL_DISTRIBUTION_POINTS, sequence(&[sequence(&[])]))),
        ),
        (
            "rfc5280.crl-distribution-points",
            "no point",
            server_with(|tbs| tbs.set(oid::CRL_DISTRIBUTION_POINTS, sequence(&[]))),
        ),
        // RFC 5280 §4.2.2.1: must be non-critical.
        (
            "rfc5280.authority-information-access",
            "critical",
            server_with(|tbs| tbs.mark(oid::AUTHORITY_INFO_ACCESS, true)),
        ),
        ("rfc5280.authority-information-access", "ldap", access(oid::ACCESS_OCSP, "ldap://ocsp.example.net")),
        ("rfc5280.authority-information-access", "unknown method", access(private, "http://example.net")),
        (
            "rfc5280.authority-information-access",
            "empty",
            server_with(|tbs| tbs.set(oid::AUTHORITY_INFO_ACCESS, sequence(&[]))),
        ),
    ]
}

fn usage_faults() -> Vec<Fault> {
    vec![
        // RFC 5280 §4.2.1.3.
        ("rfc5280.key-usage", "absent", with(|tbs| tbs.remove(oid::KEY_USAGE))),
        ("rfc5280.key-usage", "not critical", with(|tbs| tbs.mark(oid::KEY_USAGE, false))),
        ("rfc5280.key-usage", "no bit", with(|tbs| tbs.set(oid::KEY_USAGE, vec![0x03, 1, 0]))),
        ("rfc5280.key-cert-sign", "without cA", with(|tbs| tbs.set(oid::KEY_USAGE, vec![0x03, 2, 2, 0x84]))),
        (
            "rfc5280.key-cert-sign",
            "cA without keyCertSign",
            subordinate(P256).damaged(|tbs| tbs.set(oid::KEY_USAGE, vec![0x03, 2, 1, 2])),
        ),
        // RFC 5280 §4.2.1.9.
        (
            "rfc5280.basic-constraints",
            "cA not critical",
            subordinate(P256).damaged(|tbs| tbs.mark(oid::BASIC_CONSTRAINTS, false)),
        ),
        (
            "rfc5280.path-length",
            "on an end entity",
            with(|tbs| tbs.set(oid::BASIC_CONSTRAINTS, vec![0x30, 3, 2, 1, 0])),
        ),
        (
            "rfc5280.path-depth",
            "as long as the issuer's",
            subordinate(P256).damaged(|tbs| tbs.set(oid::BASIC_CONSTRAINTS, constraints(Some(1)))),
        ),
        (
            "rfc5280.path-depth",
            "unlimited below a limit",
            subordinate(P256).damaged(|tbs| tbs.set(oid::BASIC_CONSTRAINTS, constraints(None))),
        ),
        ("rfc5280.path-depth", "a CA below path length 0", below_path_length_zero()),
        // RFC 5280 §4.2.1.12.
        (
            "rfc5280.extended-key-usage",
            "empty",
            server_with(|tbs| tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&[]))),
        ),
        ("rfc5280.extended-key-usage", "any", purposes(&[oid::ANY_EXTENDED_KEY_USAGE])),
        ("rfc5280.extended-key-usage", "one twice", purposes(&[oid::SERVER_AUTH, oid::SERVER_AUTH])),
        (
            "rfc5280.usages-agree",
            "codeSigning by a key-agreement key",
            purposes(&[oid::CODE_SIGNING])
                .damaged(|tbs| tbs.set(oid::KEY_USAGE, vec![0x03, 0x02, 0x03, 0x08])),
        ),
        // RFC 3161 §2.3.
        ("rfc3161.time-stamping", "not critical", purposes(&[oid::TIME_STAMPING])),
        (
            "rfc3161.time-stamping",
            "in company",
            purposes(&[oid::TIME_STAMPING, oid::CLIENT_AUTH])
                .damaged(|tbs| tbs.mark(oid::EXTENDED_KEY_USAGE, true)),
        ),
        // RFC 6960 §4.2.2.2.
        ("rfc6960.ocsp-signing", "without ocsp-nocheck", purposes(&[oid::OCSP_SIGNING])),
        (
            "rfc6960.ocsp-signing",
            "ocsp-nocheck without it",
            with(|tbs| tbs.set(oid::OCSP_NO_CHECK, vec![0x05, 0x00])),
        ),
        (
            "rfc6960.ocsp-signing",
            "on a CA",
            subordinate(P256).damaged(|tbs| {
                tbs.set(oid::EXTENDED_KEY_USAGE, sequence(&[identifier(oid::OCSP_SIGNING)]));
                tbs.set(oid::OCSP_NO_CHECK, vec![0x05, 0x00]);
                tbs.set(oid::KEY_USAGE, vec![0x03, 2, 1, 0x86]);
            }),
        ),
    ]
}

fn below_path_length_zero() -> Sample {
    let issuer = subordinate_issuer(P256);
    let sample = subordinate(P256).damaged(|tbs| {
        tbs.issuer = issuer.name().der().to_vec();
        tbs.subject = authority_name("Below");
        tbs.set(oid::AUTHORITY_KEY_IDENTIFIER, sequence(&[tlv(0x80, &issuer.key_identifier())]));
    });
    Sample { issuer: Some(issuer), ..sample }
}

fn all_faults() -> Vec<Fault> {
    [
        field_faults(),
        time_and_key_faults(),
        name_faults(),
        extension_faults(),
        policy_and_pointer_faults(),
        usage_faults(),
    ]
    .concat()
}

#[test]
fn good_certificates_of_every_kind_pass() {
    for curve in [P256, P384] {
        for sample in [root(curve), subordinate(curve), device(curve), server(curve)] {
            assert_eq!(sample.findings(), [""; 0], "{}", sample.profile.id());
        }
    }
}

// RFC 5280 §6.1.4 (l): a self-issued certificate does not count; RFC 9810 §4.4: links between roots are self-issued.
#[test]
fn a_link_certificate_may_be_as_long_as_its_issuer_and_no_longer() {
    let link = |length| {
        subordinate(P256).damaged(|tbs| {
            tbs.subject.clone_from(&tbs.issuer);
            tbs.set(oid::BASIC_CONSTRAINTS, constraints(Some(length)));
        })
    };
    assert_eq!(link(1).findings(), [""; 0]);
    assert_eq!(link(2).findings(), ["rfc5280.path-depth"]);
}

#[test]
fn each_fault_is_found_by_exactly_its_rule() {
    for (rule, fault, sample) in all_faults() {
        assert_eq!(sample.findings(), [rule], "{fault}");
    }
}

#[test]
fn every_rule_has_a_fault_of_its_own() {
    let faults = all_faults();
    // Without any extension the ones that must be there are missed too: see below.
    for rule in RULES.iter().filter(|rule| rule.id != "rfc5280.extensions-present") {
        assert!(faults.iter().any(|(id, ..)| *id == rule.id), "{} has no test", rule.id);
    }
}

// RFC 5280 §4.1: Extensions ::= SEQUENCE SIZE (1..MAX).
#[test]
fn finds_that_there_is_no_extension() {
    let bare = with(|tbs| tbs.extensions.clear());
    assert_eq!(
        bare.findings(),
        [
            "rfc5280.extensions-present",
            "rfc5280.authority-key-identifier",
            "rfc5280.subject-key-identifier",
            "rfc5280.key-usage"
        ]
    );
}

#[test]
fn octets_that_cannot_be_decoded_are_one_finding() {
    let sample = device(P256);
    let good = sample.tbs.encode();
    // RFC 5280 §4.1.2.5.2: a GeneralizedTime has no fractional seconds.
    let fraction = root(P256).damaged(|tbs| tbs.not_after = generalized("99991231235959.5Z")).tbs.encode();
    let longer = [good.as_slice(), &[0]].concat();
    for octets in [&good[..good.len() - 1], &longer, &fraction, &[]] {
        assert_eq!(findings(octets, &sample), ["rfc5280.der"]);
    }
}
