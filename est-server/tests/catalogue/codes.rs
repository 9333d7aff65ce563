//! Enrolment codes in challengePassword, where a label takes them: the older meaning of the attribute.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use est_server::config::{BindingPolicy, ChallengeMeaning};
use est_server::guessing::GuessLimits;
use server_kit::listener::PeerConnection;

use crate::csr::Csr;
use crate::world::{Answer, DEVICE, EXPORTER, OTHER, Setting, World, enrol, secured, tls};

fn taking(challenge: ChallengeMeaning) -> World {
    let world = World::with(Setting { challenge, ..Setting::default() });
    world.token("secret", DEVICE, "meter-op-ds");
    world
}

async fn answered(world: &World, shown: PeerConnection, csr: Csr) -> Answer {
    world.send(enrol("simpleenroll"), shown, csr.body()).await
}

#[tokio::test]
async fn a_code_says_who_asks_where_the_label_takes_codes() {
    for (meaning, text) in
        [(ChallengeMeaning::EnrolmentCode, "secret"), (ChallengeMeaning::EitherByPrefix, "code:secret")]
    {
        let world = taking(meaning);
        answered(&world, tls(), Csr::new(DEVICE, 40).with_challenge(text)).await.certificate();
    }
}

// E-29: the code of one device opens nothing for another.
#[tokio::test]
async fn e_29_a_code_is_for_the_device_it_was_made_for() {
    let world = taking(ChallengeMeaning::EnrolmentCode);
    let body = Csr::new(OTHER, 40).with_challenge("secret").body();
    world.refuses(enrol("simpleenroll"), tls(), body, (403, "subject.other")).await;
}

// E-26: codes are guessed no faster than passwords.
#[tokio::test]
async fn e_26_wrong_codes_are_counted_as_wrong_passwords_are() {
    let guessing = GuessLimits { failures_per_address: 2, ..GuessLimits::default() };
    let challenge = ChallengeMeaning::EnrolmentCode;
    let world = World::with(Setting { challenge, guessing, ..Setting::default() });
    world.token("secret", DEVICE, "meter-op-ds");
    let guess = |text: &str| Csr::new(DEVICE, 40).with_challenge(text).body();
    for text in ["guess", "another"] {
        world.refuses(enrol("simpleenroll"), tls(), guess(text), (401, "authn.password")).await;
    }
    world.refuses(enrol("simpleenroll"), tls(), guess("secret"), (429, "authn.wait")).await;
}

#[tokio::test]
async fn where_nothing_says_who_asks_credentials_are_asked_for() {
    let bound = STANDARD.encode(EXPORTER);
    for (meaning, csr) in [
        (ChallengeMeaning::EnrolmentCode, Csr::new(DEVICE, 40)),
        (ChallengeMeaning::EitherByPrefix, Csr::new(DEVICE, 40)),
        (ChallengeMeaning::EitherByPrefix, Csr::new(DEVICE, 40).with_challenge("secret")),
        (ChallengeMeaning::EitherByPrefix, Csr::new(DEVICE, 40).with_challenge(&bound)),
        (ChallengeMeaning::ChannelBinding, Csr::new(DEVICE, 40).with_challenge("secret")),
    ] {
        let world = taking(meaning);
        world.refuses(enrol("simpleenroll"), tls(), csr.body(), (401, "authn.none")).await;
    }
    let world = taking(ChallengeMeaning::EnrolmentCode);
    world.refuses(enrol("simpleenroll"), tls(), "!", (400, "body.not-base64")).await;
}

// A certificate is believed alone, as beside a password; RFC 7030 §3.5: what has no prefix is verified as a channel binding.
#[tokio::test]
async fn beside_a_certificate_a_code_is_not_looked_at_and_a_channel_binding_is() {
    let world = taking(ChallengeMeaning::EitherByPrefix);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).with_challenge("no code and no binding").body();
    world.refuses(enrol("simpleenroll"), shown(), body, (403, "binding.mismatch")).await;
    let csr = Csr::new(DEVICE, 40).with_challenge("code:whatever");
    answered(&world, shown(), csr).await.certificate();
    // The token is there still.
    let world = taking(ChallengeMeaning::EnrolmentCode);
    answered(&world, shown(), Csr::new(DEVICE, 40).with_challenge("secret")).await.certificate();
}

#[tokio::test]
async fn where_a_binding_is_required_a_code_does_not_stand_in_for_it() {
    let challenge = ChallengeMeaning::EitherByPrefix;
    let world = World::with(Setting { challenge, binding: BindingPolicy::Required, ..Setting::default() });
    world.token("secret", DEVICE, "meter-op-ds");
    let body = Csr::new(DEVICE, 40).with_challenge("code:secret").body();
    world.refuses(enrol("simpleenroll"), tls(), body, (403, "binding.missing")).await;
}
