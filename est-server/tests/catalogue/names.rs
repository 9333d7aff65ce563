//! Names in requests: E-07, P-06, P-16, P-17.

use crate::csr::Csr;
use crate::extensions::hardware_module;
use crate::octets::{CN, common_name, extension, rdn, sequence, tlv};
use crate::world::{DEVICE, OTHER, World, enrol, enrol_at, secured};

const UNREADABLE: (u16, &str) = (400, "csr.subject");
const UNKNOWN_KIND: (u16, &str) = (400, "subject.names");
const OTHER_SUBJECT: (u16, &str) = (403, "subject.other");

fn subject(der: Vec<u8>) -> Csr {
    let mut csr = Csr::new(DEVICE, 40);
    csr.subject = der;
    csr
}

// RFC 7030 §4.2.2: subject and subjectAltName are those of the certificate being renewed.
#[tokio::test]
async fn e_07_a_renewal_changes_no_name() {
    let world = World::new();
    let held = world.enrolled(DEVICE, 30, 40).await;
    let shown = || secured(vec![held.clone()]);
    world.refuses(enrol("simplereenroll"), shown(), Csr::new(OTHER, 41).body(), OTHER_SUBJECT).await;
    let host = extension("2.5.29.17", false, &sequence(&[tlv(0x82, b"hes.grid.example")]));
    let more = Csr::new(DEVICE, 41).with_extensions(&[host]).body();
    world.refuses(enrol("simplereenroll"), shown(), more, (403, "subject.changed")).await;
    let answer = world.send(enrol("simplereenroll"), shown(), Csr::new(DEVICE, 41).body()).await;
    assert_ne!(answer.certificate(), held);
}

#[tokio::test]
async fn p_06_names_that_disagree_or_deceive_are_refused() {
    let world = World::new();
    let disagree = Csr::new(DEVICE, 40).with_extensions(&[hardware_module(OTHER)]);
    world.refuses_csr(&disagree, UNKNOWN_KIND).await;
    let text = |tag: u8, octets: &[u8]| subject(sequence(&[rdn(&[(CN, tag, octets)])]));
    let wide: Vec<u8> = DEVICE.bytes().flat_map(|octet| [0, octet]).collect();
    for (tag, octets) in [
        (0x0C, &b"4D504B000000\x00001"[..]),
        (0x0C, b"4D504B0000000001\0"),
        (0x1E, &wide),
        (0x14, DEVICE.as_bytes()),
        (0x0C, &[b'A'; 65]),
        (0x0C, b""),
        (0x0C, b"\xFF\xFE"),
        (0x04, DEVICE.as_bytes()),
    ] {
        world.refuses_csr(&text(tag, octets), UNREADABLE).await;
    }
}

#[tokio::test]
async fn p_06_names_of_another_shape_are_another_subject() {
    let world = World::new();
    let title = (CN, 0x0C, DEVICE.as_bytes());
    let unit = ("2.5.4.11", 0x0C, &b"Meters"[..]);
    for der in [
        sequence(&[rdn(&[title, unit])]),
        sequence(&[rdn(&[title]), rdn(&[title])]),
        sequence(&[rdn(&[unit]), rdn(&[title])]),
        common_name("4d504b0000000001"),
        common_name("4D504B0000000001 "),
    ] {
        world.refuses_csr(&subject(der), OTHER_SUBJECT).await;
    }
}

// RFC 5280 §4.1.2.4: an RDN has at least one attribute.
#[tokio::test]
async fn p_06_an_empty_rdn_is_no_way_to_leave_the_name_out() {
    World::new().refuses_csr(&subject(sequence(&[vec![0x31, 0x00]])), UNREADABLE).await;
}

#[tokio::test]
async fn p_06_a_registration_authority_must_name_a_subject() {
    let world = World::new();
    let shown = || secured(vec![world.station("Station 1", 50)]);
    let nobody = subject(sequence(&[])).body();
    let refused = (400, "subject.not-system-title");
    world.refuses(enrol("simpleenroll"), shown(), nobody, refused).await;
    world.refuses(enrol("simpleenroll"), shown(), Csr::new("Meter 7", 40).body(), refused).await;
    let at = enrol_at("/.well-known/est/hes-tls/simpleenroll");
    let nobody = subject(sequence(&[])).body();
    world.refuses(at, shown(), nobody, (400, "subject.unfit")).await;
}

// P-16: there is no text that is more than text.
#[tokio::test]
async fn p_16_templates_and_quotes_are_letters_like_others() {
    let world = World::new();
    for text in ["{{ .Token }}", "\",\"isCA\":true,\"x\":\"", "${jndi:ldap://x}", "%{title}", "'; DROP TABLE"]
    {
        world.refuses_csr(&Csr::new(text, 40), OTHER_SUBJECT).await;
    }
}

#[tokio::test]
async fn p_17_unknown_kinds_of_names_and_deceiving_characters_are_refused() {
    let world = World::new();
    let principal = crate::octets::oid("1.3.6.1.4.1.311.20.2.3");
    let other_name = tlv(0xA0, &[principal, tlv(0xA0, &tlv(0x0C, b"admin@grid.example"))].concat());
    let directory = tlv(0xA4, &common_name(DEVICE));
    for name in [
        other_name,
        directory,
        tlv(0x87, &[127, 0, 0, 1]),
        tlv(0x88, &[0x2A, 0x03]),
        tlv(0x82, b"*.grid.example"),
        tlv(0x82, b"grid\0.example"),
        tlv(0x82, b"grid example"),
        tlv(0x82, b""),
        tlv(0x86, b"http://x\r\n"),
        tlv(0x82, "gr\u{202E}id".as_bytes()),
    ] {
        let names = extension("2.5.29.17", false, &sequence(&[name]));
        world.refuses_csr(&Csr::new(DEVICE, 40).with_extensions(&[names]), UNKNOWN_KIND).await;
    }
    for text in ["4D50\u{202E}4B0000000001", "4D504B\u{200F}", "line\nbreak", "bell\u{7}", "\u{2066}x"] {
        world.refuses_csr(&subject(common_name(text)), UNREADABLE).await;
    }
}
