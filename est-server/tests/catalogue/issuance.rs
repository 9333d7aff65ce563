//! What is issued, and when again: E-22, E-24, P-09, P-21, tokens and slots.

use ca_core::certificate::Certificate;
use ca_core::lint::Rule;
use ca_core::profile::ValidityRule;

use crate::csr::Csr;
use crate::pki::{NOW, YEAR, meter_op_ds};
use crate::world::{DEVICE, Setting, World, enrol, password, secured, tls};

// RFC 7030 §4.2.3: the server recognises a request that comes again; E-22: it signs once.
#[tokio::test]
async fn e_22_the_same_request_again_gets_the_same_certificate() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let body = Csr::new(DEVICE, 40).body();
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    let first = world.send(request(), tls(), body.clone()).await;
    world.pass(3_000);
    let second = world.send(request(), tls(), body).await;
    assert_eq!(first.certificate(), second.certificate());
    assert_eq!((world.signer.calls(), world.memory.rows()), (1, 1));
}

#[tokio::test]
async fn e_22_another_request_is_not_the_same() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    world.send(request(), tls(), Csr::new(DEVICE, 40).body()).await.certificate();
    let other = Csr::new(DEVICE, 41).body();
    world.refuses(request(), tls(), other, (409, "slot.taken")).await;
}

#[tokio::test]
async fn a_spent_token_opens_nothing_new() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    let issued = world.send(request(), tls(), Csr::new(DEVICE, 40).body()).await.certificate();
    let serial = Certificate::from_der(&issued).unwrap().serial().clone();
    world.memory.set_status(&serial, ca_core::record::CertificateStatus::Aborted);
    world.refuses(request(), tls(), Csr::new(DEVICE, 41).body(), (403, "token.spent")).await;
}

#[tokio::test]
async fn a_device_that_holds_a_certificate_is_told_that_it_does_and_no_more() {
    let world = World::new();
    let held = world.enrolled(DEVICE, 30, 40).await;
    let serial = Certificate::from_der(&held).unwrap().serial().to_string();
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 41).body();
    let told = world.refuses(enrol("simpleenroll"), shown, body, (409, "slot.taken")).await;
    assert!(!told.body.contains(&serial));
}

#[tokio::test]
async fn a_device_is_claimed_by_one_factory_key() {
    let world = World::new();
    world.enrolled(DEVICE, 30, 40).await;
    let shown = secured(vec![world.factory(DEVICE, 31)]);
    let answer = world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 41).body()).await;
    assert!(matches!(answer.status.as_u16(), 403 | 409), "{}", answer.body);
}

#[tokio::test]
async fn factory_certificates_are_superseded_after_the_grace_time() {
    let world = World::new();
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let give_up = |der: &[u8]| {
        let serial = Certificate::from_der(der).unwrap().serial().clone();
        world.memory.set_status(&serial, ca_core::record::CertificateStatus::Aborted);
    };
    give_up(&world.enrolled(DEVICE, 30, 40).await);
    world.pass(YEAR - 1);
    give_up(&world.send(enrol("simpleenroll"), shown(), Csr::new(DEVICE, 41).body()).await.certificate());
    world.pass(1);
    let answer = world.send(enrol("simpleenroll"), shown(), Csr::new(DEVICE, 42).body()).await;
    assert_eq!(answer.status.as_u16(), 403, "{}", answer.body);
    assert!(answer.body.contains("(factory.superseded)"), "{}", answer.body);
}

// E-24: refused, never truncated; and it is our fault, so the requester learns no more.
#[tokio::test]
async fn e_24_no_certificate_outlives_its_issuer() {
    let world = World::with(Setting { ending: true, ..Setting::default() });
    let told = world.refuses_csr(&Csr::new(DEVICE, 40), (500, "validity.exceeds-issuer")).await;
    assert_eq!(told.body, "internal error (internal)\n");
    let mut short = meter_op_ds();
    short.validity = ValidityRule::Fixed { seconds: 86_400 };
    let world = World::with(Setting { ending: true, meter_ds: short, ..Setting::default() });
    world.accepts_csr(&Csr::new(DEVICE, 40)).await;
}

// RFC 5280 §4.1.2.5: both ends count, so ten years end one second before ten years from now.
#[tokio::test]
async fn p_09_the_period_is_the_profiles_to_the_second() {
    let certificate = World::new().accepts_csr(&Csr::new(DEVICE, 40)).await;
    let validity = certificate.validity();
    assert_eq!((validity.not_before(), validity.not_after()), (NOW, NOW.plus_seconds(10 * YEAR - 1)));
}

// P-09: a request has no way to ask for a period; what looks like one is refused.
#[tokio::test]
async fn p_09_nothing_in_a_request_asks_for_a_period() {
    use crate::octets::{attribute, extension, sequence, tlv};
    let world = World::new();
    let times = sequence(&[tlv(0x17, b"200101000000Z"), tlv(0x18, b"99991231235959Z")]);
    let asked = Csr::new(DEVICE, 40).with_attribute(attribute("1.3.6.1.4.1.311.13.2.1", &times));
    world.refuses_csr(&asked, (400, "csr.attribute")).await;
    let asked = Csr::new(DEVICE, 40).with_extensions(&[extension("2.5.29.16", false, &times)]);
    world.refuses_csr(&asked, (400, "csr.extension")).await;
}

const NEVER: &[Rule] =
    &[Rule::new("test.never", "this test", |_| Err("because the test says so".to_owned()))];

#[tokio::test]
async fn p_21_what_breaks_a_rule_is_not_signed() {
    let world = World::with(Setting { lints: vec![NEVER], ..Setting::default() });
    let told = world.refuses_csr(&Csr::new(DEVICE, 40), (500, "lint.failed")).await;
    assert_eq!(told.body, "internal error (internal)\n");
}
