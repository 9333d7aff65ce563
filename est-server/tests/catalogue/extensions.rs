//! Extensions that a request asks for: P-01 to P-05, P-07, P-08, P-13, P-15, P-18, P-20.

use ca_core::oid;
use ca_core::system_title::SystemTitle;

use crate::csr::Csr;
use crate::octets::{attribute, extension, extension_request, sequence, set_of, tlv};
use crate::world::{DEVICE, Setting, World};

const NOT_GIVEN: (u16, &str) = (400, "csr.extension");

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const ALTERNATIVE_NAME: &str = "2.5.29.17";

async fn is_not_given(extensions: &[Vec<u8>]) {
    World::new().refuses_csr(&Csr::new(DEVICE, 40).with_extensions(extensions), NOT_GIVEN).await;
}

#[tokio::test]
async fn p_01_nobody_becomes_a_ca() {
    for value in [
        sequence(&[vec![0x01, 0x01, 0xFF]]),
        sequence(&[vec![0x01, 0x01, 0xFF], vec![0x02, 0x01, 0x00]]),
        sequence(&[vec![0x02, 0x01, 0x00]]),
        vec![0x30, 0x03, 0x01, 0x01, 0x01],
        Vec::new(),
    ] {
        is_not_given(&[extension(BASIC_CONSTRAINTS, true, &value)]).await;
    }
    // That it is none it may say.
    let harmless = extension(BASIC_CONSTRAINTS, true, &sequence(&[]));
    let certificate = World::new().accepts_csr(&Csr::new(DEVICE, 40).with_extensions(&[harmless])).await;
    assert!(certificate.extension(oid::BASIC_CONSTRAINTS).is_none());
}

#[tokio::test]
async fn p_02_nobody_signs_certificates_or_crls() {
    for bits in [[2, 0x04], [1, 0x02], [1, 0x06], [2, 0x84]] {
        is_not_given(&[extension(KEY_USAGE, true, &tlv(0x03, &bits))]).await;
    }
    let own = extension(KEY_USAGE, true, &tlv(0x03, &[7, 0x80]));
    World::new().accepts_csr(&Csr::new(DEVICE, 40).with_extensions(&[own])).await;
}

fn purposes(all: &[&str]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = all.iter().map(|one| crate::octets::oid(one)).collect();
    extension(EXTENDED_KEY_USAGE, false, &sequence(&all))
}

#[tokio::test]
async fn p_03_powerful_purposes_are_not_given() {
    for purpose in [
        "1.3.6.1.5.5.7.3.9",
        "2.5.29.37.0",
        "1.3.6.1.5.5.7.3.27",
        "1.3.6.1.5.5.7.3.28",
        "1.3.6.1.5.5.7.3.32",
        "1.3.6.1.5.5.7.3.8",
        "1.3.6.1.5.5.7.3.3",
    ] {
        is_not_given(&[purposes(&[purpose])]).await;
    }
}

// RFC 5280 §4.2.1.12: purposes fit the usage; the profile of the label has neither.
#[tokio::test]
async fn p_20_purposes_that_the_usage_does_not_carry_are_not_given() {
    is_not_given(&[purposes(&["1.3.6.1.5.5.7.3.1"])]).await;
    is_not_given(&[extension(KEY_USAGE, true, &tlv(0x03, &[3, 0x08])), purposes(&["1.3.6.1.5.5.7.3.2"])])
        .await;
    is_not_given(&[extension(KEY_USAGE, true, &tlv(0x03, &[5, 0x20]))]).await;
}

#[tokio::test]
async fn p_04_what_the_profile_owns_is_not_taken_from_a_request() {
    let mapping = sequence(&[sequence(&[crate::octets::oid("1.2.3"), crate::octets::oid("1.2.4")])]);
    for (kind, value) in [
        ("2.5.29.30", sequence(&[tlv(0xA0, &sequence(&[tlv(0x82, b"example.org")]))])),
        ("2.5.29.33", mapping),
        ("1.3.6.1.5.5.7.48.1.5", vec![0x05, 0x00]),
        ("2.5.29.32", sequence(&[sequence(&[crate::octets::oid("1.2.3")])])),
        ("2.5.29.36", sequence(&[tlv(0x80, &[0])])),
        ("2.5.29.54", vec![0x02, 0x01, 0x00]),
        ("2.5.29.16", sequence(&[tlv(0x80, b"20260101000000Z")])),
        ("1.2.3.4.5", vec![0x05, 0x00]),
    ] {
        is_not_given(&[extension(kind, false, &value)]).await;
    }
}

// P-04: clients that renew by copying their old certificate repeat these; the certificate says what is ours to say.
#[tokio::test]
async fn p_04_what_only_the_authority_can_say_is_passed_over() {
    let uri = tlv(0x86, b"http://evil.example/");
    let distribution = sequence(&[sequence(&[tlv(0xA0, &tlv(0xA0, &uri))])]);
    let access = sequence(&[sequence(&[crate::octets::oid("1.3.6.1.5.5.7.48.1"), uri])]);
    let copied = [
        extension("1.3.6.1.5.5.7.1.1", false, &access),
        extension("2.5.29.31", false, &distribution),
        extension("2.5.29.35", false, &sequence(&[tlv(0x80, &[1; 20])])),
        extension("2.5.29.14", false, &tlv(0x04, &[0xEE; 20])),
    ];
    let certificate = World::new().accepts_csr(&Csr::new(DEVICE, 40).with_extensions(&copied)).await;
    let plain = World::new().accepts_csr(&Csr::new(DEVICE, 40)).await;
    for kind in [oid::AUTHORITY_INFO_ACCESS, oid::CRL_DISTRIBUTION_POINTS, oid::AUTHORITY_KEY_IDENTIFIER] {
        assert_eq!(certificate.extension(kind), plain.extension(kind), "{kind}");
    }
    let computed = certificate.public_key().key_ref().octets().to_vec();
    assert_eq!(certificate.subject_key_identifier(), Some(computed));
}

fn names(all: &[Vec<u8>]) -> Vec<u8> {
    extension(ALTERNATIVE_NAME, false, &sequence(all))
}

#[tokio::test]
async fn p_05_names_that_were_not_authorised_are_refused() {
    for name in [
        tlv(0x82, b"hes.grid.example"),
        tlv(0x81, b"operator@grid.example"),
        tlv(0x86, b"https://grid.example/"),
    ] {
        let csr = Csr::new(DEVICE, 40).with_extensions(&[names(&[name])]);
        World::new().refuses_csr(&csr, (403, "subject.names")).await;
    }
}

#[tokio::test]
async fn p_07_what_is_asked_for_twice_or_in_another_form_is_refused() {
    let usage = extension(KEY_USAGE, true, &tlv(0x03, &[7, 0x80]));
    is_not_given(&[usage.clone(), usage.clone()]).await;
    let twice = Csr::new(DEVICE, 40).with_extensions(std::slice::from_ref(&usage));
    let twice = twice.with_attribute(attribute("1.2.840.113549.1.9.14", &sequence(&[])));
    let attribute_refused = (400, "csr.attribute");
    World::new().refuses_csr(&twice, attribute_refused).await;
    let mut attributes = [extension_request(std::slice::from_ref(&usage)), {
        let other = extension("2.5.29.14", false, &tlv(0x04, &[1; 20]));
        extension_request(&[other])
    }];
    attributes.sort();
    let [first, second] = attributes;
    let two = Csr::new(DEVICE, 40).with_attribute(first).with_attribute(second);
    World::new().refuses_csr(&two, attribute_refused).await;
    // The older attribute of another maker for the same purpose.
    let other = attribute("1.3.6.1.4.1.311.2.1.14", &sequence(&[usage]));
    World::new().refuses_csr(&Csr::new(DEVICE, 40).with_attribute(other), attribute_refused).await;
}

#[tokio::test]
async fn p_08_application_policies_are_not_given() {
    let policies = sequence(&[sequence(&[crate::octets::oid("1.3.6.1.5.5.7.3.2")])]);
    is_not_given(&[extension("1.3.6.1.4.1.311.21.10", false, &policies)]).await;
}

#[tokio::test]
async fn p_13_the_serial_number_is_ours() {
    let world = World::new();
    for kind in ["2.5.4.5", "2.5.4.3", "1.3.6.1.4.1.311.13.1"] {
        let asked = Csr::new(DEVICE, 40).with_attribute(attribute(kind, &tlv(0x0C, b"1")));
        world.refuses_csr(&asked, (400, "csr.attribute")).await;
    }
    let certificate = world.accepts_csr(&Csr::new(DEVICE, 40)).await;
    assert_eq!(certificate.serial().octets().len(), 16);
}

#[tokio::test]
async fn p_15_empty_sequences_are_refused() {
    is_not_given(&[extension(EXTENDED_KEY_USAGE, false, &sequence(&[]))]).await;
    is_not_given(&[extension(EXTENDED_KEY_USAGE, false, &[])]).await;
    is_not_given(&[extension(KEY_USAGE, true, &[])]).await;
    let world = World::new();
    let refused_names = (400, "subject.names");
    for value in [sequence(&[]), Vec::new()] {
        let csr = Csr::new(DEVICE, 40).with_extensions(&[extension(ALTERNATIVE_NAME, false, &value)]);
        world.refuses_csr(&csr, refused_names).await;
    }
    let refused_attribute = (400, "csr.attribute");
    world.refuses_csr(&Csr::new(DEVICE, 40).with_extensions(&[]), refused_attribute).await;
    let valueless = sequence(&[crate::octets::oid("1.2.840.113549.1.9.14"), set_of(&[])]);
    world.refuses_csr(&Csr::new(DEVICE, 40).with_attribute(valueless), refused_attribute).await;
    world.refuses_csr(&Csr::new(DEVICE, 40).with_extensions(&[sequence(&[])]), refused_attribute).await;
    world.refuses_csr(&Csr::new(DEVICE, 40).with_attribute(sequence(&[])), (400, "csr.not-der")).await;
}

#[tokio::test]
async fn p_18_a_request_has_16_names_and_16384_octets_at_most() {
    let world = World::new();
    let many = |count| names(&vec![tlv(0x82, b"a.b"); count]);
    let csr = |count| Csr::new(DEVICE, 40).with_extensions(&[many(count)]);
    world.refuses_csr(&csr(17), (400, "subject.names")).await;
    world.refuses_csr(&csr(300), (400, "subject.names")).await;
    world.refuses_csr(&csr(3_000), (400, "csr.crowded")).await;
    world.refuses_csr(&csr(6_000), (400, "csr.too-long")).await;
    world.refuses_csr(&csr(10_000), (413, "body.too-large")).await;
}

// P-18: the result is measured too, before it is signed.
#[tokio::test]
async fn p_18_a_certificate_longer_than_its_profile_allows_is_not_made() {
    let mut small = crate::pki::meter_op_ds();
    small.max_octets = 300;
    let world = World::with(Setting { meter_ds: small, ..Setting::default() });
    world.refuses_csr(&Csr::new(DEVICE, 40), (500, "lint.failed")).await;
}

// A hardware module name is one of the two ways to name a device (RFC 5280 §4.1.2.6, RFC 4108 §5).
#[tokio::test]
async fn a_device_may_name_itself_by_its_hardware_module_alone() {
    let mut csr = Csr::new(DEVICE, 40).with_extensions(&[hardware_module(DEVICE)]);
    csr.subject = sequence(&[]);
    let certificate = World::new().accepts_csr(&csr).await;
    assert_eq!(certificate.system_title(), Some(SystemTitle::parse(DEVICE).unwrap()));
}

/// A critical subjectAltName with a hardwareModuleName of this title.
pub(crate) fn hardware_module(title: &str) -> Vec<u8> {
    let serial = SystemTitle::parse(title).unwrap();
    let module = sequence(&[crate::octets::oid("1.3.6.1.4.1.99999.1"), tlv(0x04, serial.octets())]);
    let other = tlv(0xA0, &[crate::octets::oid("1.3.6.1.5.5.7.8.4"), tlv(0xA0, &module)].concat());
    extension(ALTERNATIVE_NAME, true, &sequence(&[other]))
}
