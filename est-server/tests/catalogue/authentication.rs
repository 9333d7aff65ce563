//! Who asks: E-01 to E-04, E-08, E-26, E-28 to E-30, and what registration authorities may do.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use ca_core::certificate::Certificate;
use ca_core::reason::ReasonCode;
use ca_core::record::{CertificateStatus, Revocation, Token};
use ca_core::subject::Subject;
use ca_core::system_title::SystemTitle;
use est_server::guessing::GuessLimits;
use hyper::body::Frame;
use server_kit::listener::PeerConnection;
use sha2::{Digest, Sha256};

use crate::csr::Csr;
use crate::octets::{common_name, extension, sequence, tlv};
use crate::pki::{NOW, Wish, YEAR, meter_factory_ds, meter_op_ds, named, profile_id, station, tenant};
use crate::world::{DEVICE, OTHER, Setting, World, enrol, enrol_at, password, secured, tls};

fn revoked() -> CertificateStatus {
    CertificateStatus::Revoked(Revocation {
        time: NOW,
        reason: ReasonCode::KeyCompromise,
        invalidity_date: None,
    })
}

/// A body that must not be read.
struct Untouchable;

impl HttpBody for Untouchable {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        panic!("the body was read")
    }
}

// RFC 7030 §3.2.3: a 401 with a challenge; E-01: before anything of the body is looked at.
#[tokio::test]
async fn e_01_without_credentials_the_body_is_not_even_read() {
    let world = World::new();
    for operation in ["simpleenroll", "simplereenroll"] {
        let answer =
            world.refuses(enrol(operation), tls(), Body::new(Untouchable), (401, "authn.none")).await;
        assert_eq!(answer.field("www-authenticate"), "Basic realm=\"est\"");
    }
}

#[tokio::test]
async fn e_01_with_wrong_credentials_the_body_is_not_understood() {
    let world = World::new();
    let request = password(enrol("simpleenroll"), DEVICE, "guess");
    world.refuses(request, tls(), "this is no base64", (401, "authn.password")).await;
    let stranger = secured(vec![world.pki.root.certify(&Wish::new(
        meter_op_ds(),
        Subject::device(SystemTitle::parse(DEVICE).unwrap()),
        30,
    ))]);
    world.refuses(enrol("simpleenroll"), stranger, "this is no base64", (403, "authn.no-path")).await;
}

#[tokio::test]
async fn e_01_other_schemes_count_as_no_credentials() {
    let world = World::new();
    for value in ["Bearer abcdef", "Digest username=\"x\"", "", "Basic"] {
        let request = enrol("simpleenroll").header("authorization", value);
        world.refuses(request, tls(), Csr::new(DEVICE, 40).body(), (401, "authn.none")).await;
    }
}

// RFC 7030 §3.3.2; E-02: the ledger itself is asked, at every enrolment.
#[tokio::test]
async fn e_02_a_revoked_certificate_opens_nothing() {
    let world = World::new();
    let held = world.enrolled(DEVICE, 30, 40).await;
    let serial = Certificate::from_der(&held).unwrap().serial().clone();
    world.memory.set_status(&serial, revoked());
    for operation in ["simpleenroll", "simplereenroll"] {
        let shown = secured(vec![held.clone()]);
        world.refuses(enrol(operation), shown, Csr::new(DEVICE, 41).body(), (403, "authn.revoked")).await;
    }
    let authority = world.station("Station 1", 50);
    world.memory.set_status(Certificate::from_der(&authority).unwrap().serial(), revoked());
    let shown = secured(vec![authority]);
    world.refuses(enrol("simpleenroll"), shown, Csr::new(OTHER, 42).body(), (403, "authn.revoked")).await;
}

// RFC 5280 §4.1.2.5: both ends belong to the period.
#[tokio::test]
async fn e_03_certificates_out_of_their_time_open_nothing() {
    let world = World::new();
    let device = || Subject::device(SystemTitle::parse(DEVICE).unwrap());
    let wish = |from: i64, until: i64| Wish {
        from: NOW.plus_seconds(from),
        until: NOW.plus_seconds(until),
        ..Wish::new(meter_factory_ds(), device(), 30)
    };
    for (from, until, expected) in
        [(-YEAR, -1, (403, "authn.expired")), (1, YEAR, (403, "authn.not-yet-valid"))]
    {
        let shown = secured(vec![world.pki.manufacturer.certify(&wish(from, until))]);
        world.refuses(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body(), expected).await;
    }
    let shown = secured(vec![world.pki.manufacturer.certify(&wish(0, 0))]);
    let answer = world.send(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body()).await;
    answer.certificate();
}

// RFC 9148 §3, §9: a policy may look past the end of a factory certificate, and past nothing else.
#[tokio::test]
async fn e_03_the_end_of_a_factory_certificate_is_waived_for_as_long_as_the_door_says_and_on_record() {
    let world = World::with(Setting { expired_seconds: 10, ..Setting::default() });
    let device = || Subject::device(SystemTitle::parse(DEVICE).unwrap());
    let shown = |from: i64, until: i64, key: u8| {
        let (from, until) = (NOW.plus_seconds(from), NOW.plus_seconds(until));
        let wish = Wish { from, until, ..Wish::new(meter_factory_ds(), device(), key) };
        secured(vec![world.pki.manufacturer.certify(&wish)])
    };
    let body = || Csr::new(DEVICE, 40).body();
    let refused = [(-YEAR, -11, "authn.expired"), (1, YEAR, "authn.not-yet-valid")];
    for (from, until, code) in refused {
        world.refuses(enrol("simpleenroll"), shown(from, until, 30), body(), (403, code)).await;
    }
    let answer = world.send(enrol("simpleenroll"), shown(-YEAR, -10, 30), body()).await;
    answer.certificate();
    let events = world.memory.events();
    let told =
        |event: &&ca_core::audit::AuditEvent| event.detail.contains("a factory certificate that expired at");
    assert_eq!(events.iter().filter(told).count(), 2, "intent and certificate: {events:?}");
    // Neither re-enrolment nor anything else comes through that door.
    world.refuses(enrol("simplereenroll"), shown(-YEAR, -1, 30), body(), (403, "authn.door")).await;
}

#[tokio::test]
async fn e_03_the_end_of_no_other_certificate_is_waived() {
    let world = World::with(Setting { expired_seconds: YEAR, ..Setting::default() });
    let operational = world.enrolled(DEVICE, 30, 40).await;
    world.pass(21 * YEAR);
    let shown = secured(vec![operational]);
    world.refuses(enrol("simplereenroll"), shown, Csr::new(DEVICE, 41).body(), (403, "authn.expired")).await;
}

// RFC 7030 §3.7; E-04: a registration authority of one label is nobody at another.
#[tokio::test]
async fn e_04_a_registration_authority_serves_the_labels_that_name_it() {
    let world = World::new();
    let shown = || secured(vec![world.station("Station 1", 50)]);
    let elsewhere = enrol_at("/.well-known/est/meter-ka/simpleenroll");
    let body = || Csr::new(DEVICE, 40).body();
    world.refuses(elsewhere, shown(), body(), (403, "authn.ra-unknown")).await;
    let answer = world.send(enrol("simpleenroll"), shown(), body()).await;
    answer.certificate();
}

#[tokio::test]
async fn e_04_id_kp_cmc_ra_makes_no_registration_authority_by_itself() {
    let world = World::new();
    let body = || Csr::new(DEVICE, 40).body();
    let stranger = secured(vec![world.station("Station 2", 50)]);
    world.refuses(enrol("simpleenroll"), stranger, body(), (403, "authn.ra-unknown")).await;
    // The right name, from the wrong CA.
    for ca in [&world.pki.manufacturer, &world.pki.operational] {
        let shown = secured(vec![ca.certify(&Wish::new(station(), named("Station 1"), 50))]);
        world.refuses(enrol("simpleenroll"), shown, body(), (403, "authn.ra-unknown")).await;
    }
    // The right name and CA, without id-kp-cmcRA.
    let wish = Wish::new(meter_op_ds(), Subject::device(SystemTitle::parse(DEVICE).unwrap()), 51);
    let shown = secured(vec![world.pki.infrastructure.certify(&wish)]);
    world.refuses(enrol("simpleenroll"), shown, body(), (403, "authn.no-device")).await;
}

#[tokio::test]
async fn e_04_a_registration_authority_that_is_not_on_record_is_refused() {
    let world = World::new();
    let der = world.pki.infrastructure.certify(&Wish::new(station(), named("Station 1"), 50));
    let shown = secured(vec![der]);
    world.refuses(enrol("simpleenroll"), shown, Csr::new(DEVICE, 40).body(), (403, "authn.unknown")).await;
}

#[tokio::test]
async fn a_registration_authority_keeps_to_its_titles_and_domains() {
    let world = World::new();
    let shown = || secured(vec![world.station("Station 1", 50)]);
    let foreign = Csr::new("5858580000000001", 40).body();
    world.refuses(enrol("simpleenroll"), shown(), foreign, (403, "ra.scope")).await;
    let host = |name: &str| {
        let names = extension("2.5.29.17", false, &sequence(&[tlv(0x82, name.as_bytes())]));
        Csr::new("Head-end", 41).with_extensions(&[names]).body()
    };
    let at = || enrol_at("/.well-known/est/hes-tls/simpleenroll");
    for name in ["hes.evil.example", "evilgrid.example", "grid.example.evil.test"] {
        world.refuses(at(), shown(), host(name), (403, "subject.names")).await;
    }
    world.send(at(), shown(), host("hes.grid.example")).await.certificate();
}

#[tokio::test]
async fn a_registration_authority_renews_on_behalf_of_a_device() {
    let world = World::new();
    let first = world.enrolled(DEVICE, 30, 40).await;
    let shown = secured(vec![world.station("Station 1", 50)]);
    let again = world.send(enrol("simplereenroll"), shown, Csr::new(DEVICE, 41).body()).await;
    assert_ne!(again.certificate(), first);
}

// RFC 7030 §3.3.2: a certificate of a third party serves for enrolment, if the owner trusts it and expects the device.
#[tokio::test]
async fn a_factory_certificate_opens_the_door_of_the_owner_who_expects_the_device() {
    let world = World::new();
    world.enrolled(DEVICE, 30, 40).await;
    let unexpected = "4D504B0000000099";
    let shown = secured(vec![world.factory(unexpected, 31)]);
    let body = Csr::new(unexpected, 41).body();
    world.refuses(enrol("simpleenroll"), shown, body, (403, "device.not-expected")).await;
    let foreign = "4D504B0000000098";
    world.memory.expect(&tenant("other-grid"), SystemTitle::parse(foreign).unwrap());
    let shown = secured(vec![world.factory(foreign, 32)]);
    let body = Csr::new(foreign, 42).body();
    let told = world.refuses(enrol("simpleenroll"), shown, body, (403, "device.not-expected")).await;
    assert_eq!(told.body, "the device is not expected here (device.not-expected)\n");
}

#[tokio::test]
async fn a_factory_certificate_does_not_renew() {
    let world = World::new();
    world.enrolled(DEVICE, 30, 40).await;
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol("simplereenroll"), shown, Csr::new(DEVICE, 41).body(), (403, "authn.door")).await;
}

#[tokio::test]
async fn certificates_that_are_of_no_use_here_open_nothing() {
    let world = World::new();
    let body = || Csr::new(DEVICE, 40).body();
    let refused = |shown: Vec<Vec<u8>>, expected| {
        let world = &world;
        async move { world.refuses(enrol("simpleenroll"), secured(shown), body(), expected).await }
    };
    refused(vec![b"no certificate".to_vec()], (403, "authn.certificate")).await;
    let wish = Wish::new(crate::pki::meter_op_ka(), Subject::device(SystemTitle::parse(DEVICE).unwrap()), 30);
    refused(vec![world.pki.manufacturer.certify(&wish)], (403, "authn.usage")).await;
    let unnamed = Wish::new(crate::pki::hes_tls(), named("No Device"), 31);
    let mut unnamed = unnamed;
    unnamed.profile.alternative_name = ca_core::profile::AlternativeNameRule::Absent;
    refused(vec![world.pki.manufacturer.certify(&unnamed)], (403, "authn.no-device")).await;
    let many = vec![world.factory(DEVICE, 30); 18];
    refused(many, (403, "authn.path-limits")).await;
}

// T-09: of certificates sent along, those that cannot be read are no part of a path, and 16 are the most.
#[tokio::test]
async fn t_09_certificates_sent_along_neither_help_nor_harm() {
    let world = World::new();
    let mut shown = vec![world.factory(DEVICE, 30)];
    shown.push(b"an RSA root, perhaps".to_vec());
    shown.extend(std::iter::repeat_n(world.pki.root.certificate().der().to_vec(), 15));
    let answer = world.send(enrol("simpleenroll"), secured(shown.clone()), Csr::new(DEVICE, 40).body()).await;
    answer.certificate();
    shown.push(b"one more that cannot be read".to_vec());
    let refused = (403, "authn.path-limits");
    world.refuses(enrol("simpleenroll"), secured(shown), Csr::new(DEVICE, 40).body(), refused).await;
}

// E-08: a certificate of another profile does not renew this one.
#[tokio::test]
async fn e_08_a_certificate_renews_under_its_own_profile_only() {
    let world = World::new();
    let held = world.enrolled(DEVICE, 30, 40).await;
    let shown = secured(vec![held]);
    let request = enrol_at("/.well-known/est/meter-ka/simplereenroll");
    world.refuses(request, shown, Csr::new(DEVICE, 41).body(), (403, "profile.other")).await;
}

// RFC 7030 §3.3.2, §4.2.2: the certificate being renewed need not be the one that authenticates; a key-agreement key cannot.
#[tokio::test]
async fn a_device_renews_its_key_agreement_certificate_by_its_signature_certificate() {
    let world = World::new();
    let signature = secured(vec![world.enrolled(DEVICE, 30, 40).await]);
    let first = enrol_at("/.well-known/est/meter-ka/simpleenroll");
    world.send(first, signature.clone(), Csr::new(DEVICE, 41).body()).await.certificate();
    let again = || enrol_at("/.well-known/est/meter-ka/simplereenroll");
    let key_kept = (400, "key.reuse");
    world.refuses(again(), signature.clone(), Csr::new(DEVICE, 41).body(), key_kept).await;
    world.send(again(), signature, Csr::new(DEVICE, 42).body()).await.certificate();
}

fn strict() -> Setting {
    let guessing = GuessLimits { failures_per_address: 6, failures_per_user: 3, ..GuessLimits::default() };
    Setting { guessing, ..Setting::default() }
}

fn from(last: u8) -> PeerConnection {
    PeerConnection { peer_addr: ([192, 0, 2, last], 1).into(), ..tls() }
}

// E-26: one user name, wrong again and again, whether it exists or not.
#[tokio::test]
async fn e_26_guessing_under_a_name_has_to_wait_whether_the_name_exists_or_not() {
    for user in [DEVICE, "4D504B00000000FF", "nobody"] {
        let world = World::with(strict());
        world.token("secret", DEVICE, "meter-op-ds");
        let mut texts = Vec::new();
        for guess in 0..3 {
            let request = password(enrol("simpleenroll"), user, &format!("guess {guess}"));
            let told = world.refuses(request, from(guess), "", (401, "authn.password")).await;
            texts.push(told.body);
        }
        assert_eq!(texts, ["the user name or the password is wrong (authn.password)\n"; 3]);
        // The right password does not help while one has to wait.
        let request = || password(enrol("simpleenroll"), user, "secret");
        let told = world.refuses(request(), from(9), "", (429, "authn.wait")).await;
        assert_eq!(told.field("retry-after"), "60");
        world.pass(59);
        let told = world.refuses(request(), from(9), "", (429, "authn.wait")).await;
        assert_eq!(told.field("retry-after"), "1");
        world.pass(1);
        let answer = world.send(request(), from(9), Csr::new(DEVICE, 40).body()).await;
        assert_eq!(answer.status.as_u16(), if user == DEVICE { 200 } else { 401 });
    }
}

// E-26: one address, under ever new names, or none.
#[tokio::test]
async fn e_26_guessing_from_an_address_has_to_wait_under_whatever_name() {
    let world = World::with(strict());
    world.token("secret", DEVICE, "meter-op-ds");
    for guess in 0..6 {
        let user = if guess < 3 { format!("user {guess}") } else { String::new() };
        let request = password(enrol("simpleenroll"), &user, "guess");
        world.refuses(request, from(1), "", (401, "authn.password")).await;
    }
    let request = || password(enrol("simpleenroll"), DEVICE, "secret");
    world.refuses(request(), from(1), "", (429, "authn.wait")).await;
    let answer = world.send(request(), from(2), Csr::new(DEVICE, 40).body()).await;
    assert_eq!(answer.status.as_u16(), 200, "others need not wait");
}

// E-26: no credentials are no guess: many clients ask without, to be told how.
#[tokio::test]
async fn e_26_asking_without_a_password_is_no_guess() {
    let world = World::with(strict());
    for _ in 0..20 {
        world.refuses(enrol("simpleenroll"), from(1), "", (401, "authn.none")).await;
    }
}

// E-28: what is special elsewhere is a letter like others here.
#[tokio::test]
async fn e_28_special_characters_are_letters_like_others() {
    let guessing = GuessLimits { failures_per_address: 99, failures_per_user: 99, ..GuessLimits::default() };
    let world = World::with(Setting { guessing, ..Setting::default() });
    world.token("secret", DEVICE, "meter-op-ds");
    for odd in
        ["*", ")(", "%", "'", "\0", "' OR '1'='1", "*)(uid=*", "%s%n", "..", "\u{202E}", "4D504B000000000%"]
    {
        for (user, word) in [(odd, "secret"), (DEVICE, odd), (odd, odd)] {
            let request = password(enrol("simpleenroll"), user, word);
            world.refuses(request, tls(), "", (401, "authn.password")).await;
        }
    }
    // The same characters in a token are the token.
    world.token("*)(%'", OTHER, "meter-op-ds");
    let request = password(enrol("simpleenroll"), OTHER, "*)(%'");
    world.send(request, tls(), Csr::new(OTHER, 41).body()).await.certificate();
}

// RFC 7030 §3.2.3: the user name may be empty.
#[tokio::test]
async fn a_token_needs_no_user_name_and_tolerates_its_own_in_either_case() {
    for user in ["", DEVICE, "4d504b0000000001"] {
        let world = World::new();
        world.token("secret", DEVICE, "meter-op-ds");
        let request = password(enrol("simpleenroll"), user, "secret");
        world.send(request, tls(), Csr::new(DEVICE, 40).body()).await.certificate();
    }
}

#[tokio::test]
async fn tokens_that_are_expired_foreign_or_for_another_device_look_like_wrong_ones() {
    let world = World::new();
    let token = |secret: &str, owner: &str, seconds: i64| Token {
        hash: Sha256::digest(secret).into(),
        tenant: tenant(owner),
        title: SystemTitle::parse(DEVICE).unwrap(),
        profile: profile_id("meter-op-ds"),
        expires_at: NOW.plus_seconds(seconds),
        spent: false,
    };
    world.memory.put_token(token("old", "grid", -1));
    world.memory.put_token(token("foreign", "other-grid", 60));
    world.memory.put_token(token("good", "grid", 0));
    for (user, word) in [(DEVICE, "old"), (DEVICE, "foreign"), (OTHER, "good"), ("", "old"), (DEVICE, "")] {
        let request = password(enrol("simpleenroll"), user, word);
        let told = world.refuses(request, tls(), "", (401, "authn.password")).await;
        assert_eq!(told.body, "the user name or the password is wrong (authn.password)\n");
    }
    let request = password(enrol("simpleenroll"), DEVICE, "good");
    world.send(request, tls(), Csr::new(DEVICE, 40).body()).await.certificate();
}

#[tokio::test]
async fn two_authorization_fields_are_one_wrong_password() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let request = password(password(enrol("simpleenroll"), DEVICE, "secret"), DEVICE, "secret");
    world.refuses(request, tls(), Csr::new(DEVICE, 40).body(), (401, "authn.password")).await;
}

// RFC 7030 §3.2.3: what the owner's policy says of both: a certificate that is shown decides alone.
#[tokio::test]
async fn a_password_does_not_make_up_for_a_bad_certificate() {
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let wish = Wish::new(meter_op_ds(), Subject::device(SystemTitle::parse(DEVICE).unwrap()), 30);
    let shown = secured(vec![world.pki.root.certify(&wish)]);
    let request = password(enrol("simpleenroll"), DEVICE, "secret");
    world.refuses(request, shown, Csr::new(DEVICE, 40).body(), (403, "authn.no-path")).await;
}

// E-29: the token, not the request, says which device it is.
#[tokio::test]
async fn e_29_a_token_of_one_device_is_not_for_another() {
    let world = World::new();
    world.refuses_csr(&Csr::new(OTHER, 40), (403, "subject.other")).await;
    let mut unnamed = Csr::new(DEVICE, 41);
    unnamed.subject = sequence(&[]);
    let certificate = world.accepts_csr(&unnamed).await;
    assert_eq!(certificate.system_title(), Some(SystemTitle::parse(DEVICE).unwrap()));
    assert_eq!(certificate.subject().der(), common_name(DEVICE));
}

#[tokio::test]
async fn e_29_a_factory_certificate_of_one_device_is_not_for_another() {
    let world = World::new();
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    world.refuses(enrol("simpleenroll"), shown, Csr::new(OTHER, 40).body(), (403, "subject.other")).await;
}

// E-30: a hundred at once, one of them wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn e_30_a_token_is_spent_once_however_many_try_at_the_same_time() {
    let world = std::sync::Arc::new(World::new());
    world.token("secret", DEVICE, "meter-op-ds");
    let tries: Vec<_> = (100..200)
        .map(|number| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move {
                let request = password(enrol("simpleenroll"), DEVICE, "secret");
                world.send(request, tls(), Csr::new(DEVICE, number).body()).await
            })
        })
        .collect();
    let mut issued = 0;
    for one in tries {
        let answer = one.await.unwrap();
        match answer.status.as_u16() {
            200 => issued += 1,
            403 => assert!(answer.body.ends_with("(token.spent)\n"), "{}", answer.body),
            409 => assert!(answer.body.ends_with("(slot.taken)\n"), "{}", answer.body),
            other => panic!("{other}: {}", answer.body),
        }
    }
    assert_eq!((issued, world.signer.calls()), (1, 1));
    let refusals = world.memory.events().iter().filter(|event| event.reason != *"").count();
    assert_eq!(refusals, 99);
}
