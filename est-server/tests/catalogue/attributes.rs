//! `/csrattrs`: what a certification request should say, in both forms. RFC 7030 §4.5, RFC 8951 §4, RFC 9908.
//!
//! What is expected is written by hand, tag by tag, and not by the codec that writes the answers.

use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::oid::{KEY_USAGE, SUBJECT_ALT_NAME};
use ca_core::suite::Curve;
use ca_core::template::{ExtensionTemplate, RequestTemplate, SubjectTemplate};
use est_server::config::BindingPolicy;
use est_server::wire::csr_attributes;

use crate::csr::Csr;
use crate::octets::{attribute, common_name, extension, oid, sequence, set_of, tlv};
use crate::world::{Answer, DEVICE, Setting, World, enrol, password, secured, tls};

const PATH: &str = "/.well-known/est/meter-ds/csrattrs";
const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
const CHALLENGE: &str = "1.2.840.113549.1.9.7";

fn told(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    assert_eq!(answer.field("content-type"), "application/csrattrs");
    assert_eq!(answer.field("content-transfer-encoding"), "base64");
    STANDARD.decode(answer.body.replace('\n', "")).unwrap()
}

/// keyUsage digitalSignature, critical: all that a meter's signature profile has its requester ask for.
fn usages() -> Vec<u8> {
    sequence(&[extension("2.5.29.15", true, &[0x03, 0x02, 0x07, 0x80])])
}

fn curve() -> Vec<u8> {
    oid("1.2.840.10045.3.1.7")
}

/// The answer for a meter's signature key on P-256, with this subject in the template.
fn expected(subject: &[u8], linked: bool) -> Vec<u8> {
    let of_key = tlv(0xA0, &sequence(&[oid("1.2.840.10045.2.1"), curve()]));
    let wanted = if linked { sequence(&[oid(CHALLENGE), tlv(0x31, &[])]) } else { Vec::new() };
    let attributes = tlv(0xA1, &[wanted, attribute(EXTENSION_REQUEST, &usages())].concat());
    let template = sequence(&[vec![0x02, 0x01, 0x00], subject.to_vec(), of_key, attributes]);
    let challenge = if linked { oid(CHALLENGE) } else { Vec::new() };
    sequence(&[
        challenge,
        attribute("1.2.840.10045.2.1", &curve()),
        oid("1.2.840.10045.4.3.2"),
        attribute(EXTENSION_REQUEST, &usages()),
        attribute("1.2.840.113549.1.9.16.2.61", &template),
    ])
}

fn name_to_be_filled_in() -> Vec<u8> {
    sequence(&[set_of(&sequence(&[oid("2.5.4.3")]))])
}

// RFC 7030 §4.5: no authentication is asked for. RFC 9908 §3.4: a common name without a value is the client's to fill in.
#[tokio::test]
async fn whoever_asks_is_told_curve_algorithm_and_usages_and_that_a_common_name_is_wanted() {
    let world = World::new();
    let answer = world.send(Request::get(PATH), tls(), "").await;
    assert_eq!(told(&answer), expected(&name_to_be_filled_in(), false));
    assert!(world.memory.events().is_empty(), "a question that is answered leaves no record");
}

// RFC 9908 §3.4: a value that is given is the one to use.
#[tokio::test]
async fn a_device_that_shows_who_it_is_is_told_its_new_subject() {
    let world = World::new();
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    assert_eq!(told(&world.send(Request::get(PATH), shown, "").await), expected(&common_name(DEVICE), false));
    world.token("secret", DEVICE, "meter-op-ds");
    let by_token = password(Request::get(PATH), DEVICE, "secret");
    assert_eq!(told(&world.send(by_token, tls(), "").await), expected(&common_name(DEVICE), false));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_what_everybody_is_told() {
    let world = World::new();
    let stranger = secured(vec![vec![0x30, 0x00]]);
    let answer = world.send(Request::get(PATH), stranger, "").await;
    assert_eq!(told(&answer), expected(&name_to_be_filled_in(), false));
}

// E-26: what asks without need is no place to guess passwords at.
#[tokio::test]
async fn e_26_a_wrong_password_is_refused_here_too() {
    let world = World::new();
    let request = password(Request::get(PATH), DEVICE, "guess");
    world.refuses(request, tls(), "", (401, "authn.password")).await;
}

// RFC 7030 §4.5.2: where identity and proof of possession must be linked, challengePassword is listed.
#[tokio::test]
async fn where_a_channel_binding_is_required_challenge_password_is_listed_in_both_forms() {
    let world = World::with(Setting { binding: BindingPolicy::Required, ..Setting::default() });
    let answer = world.send(Request::get(PATH), tls(), "").await;
    assert_eq!(told(&answer), expected(&name_to_be_filled_in(), true));
}

// RFC 9908 §3.4: a request that says what it was told to say is answered.
#[tokio::test]
async fn a_request_by_the_template_is_answered() {
    let world = World::new();
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let csr = Csr::new(DEVICE, 40).with_attribute(attribute(EXTENSION_REQUEST, &usages()));
    world.send(enrol("simpleenroll"), shown(), csr.body()).await.certificate();
}

// E-20: whoever ignores what it was told is refused, and the refusal names what was ignored.
#[tokio::test]
async fn e_20_a_request_that_ignores_a_mandatory_attribute_is_refused_by_its_name() {
    let world = World::with(Setting { binding: BindingPolicy::Required, ..Setting::default() });
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    let told = world.refuses(enrol("simpleenroll"), shown, body, (403, "binding.missing")).await;
    assert!(told.body.contains("challengePassword"), "{}", told.body);
}

// RFC 9908 §3.2, §3.4: an extension whose value the requester knows has its place in the template, in one template of extensions
// and nothing beside it. The list of old names has extensions with values only.
#[test]
fn an_extension_without_a_value_is_asked_for_in_the_template_alone() {
    let known =
        ExtensionTemplate { id: KEY_USAGE, critical: true, value: Some(vec![0x03, 0x02, 0x07, 0x80]) };
    let to_be_filled_in = ExtensionTemplate { id: SUBJECT_ALT_NAME, critical: false, value: None };
    let asked = RequestTemplate {
        curve: Curve::P256,
        subject: SubjectTemplate::Free,
        extensions: vec![known, to_be_filled_in],
    };
    let usage = extension("2.5.29.15", true, &[0x03, 0x02, 0x07, 0x80]);
    let partly_known = sequence(&[usage, sequence(&[oid("2.5.29.17")])]);
    let attributes = tlv(0xA1, &attribute("1.2.840.113549.1.9.16.2.62", &partly_known));
    let of_key = tlv(0xA0, &sequence(&[oid("1.2.840.10045.2.1"), curve()]));
    let template = sequence(&[vec![0x02, 0x01, 0x00], of_key, attributes]);
    let expected = sequence(&[
        attribute("1.2.840.10045.2.1", &curve()),
        oid("1.2.840.10045.4.3.2"),
        attribute(EXTENSION_REQUEST, &usages()),
        attribute("1.2.840.113549.1.9.16.2.61", &template),
    ]);
    assert_eq!(csr_attributes::encode(&asked, false).unwrap(), expected);
}
