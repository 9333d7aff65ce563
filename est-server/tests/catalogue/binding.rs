//! Channel binding: E-12, E-13.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use est_server::config::BindingPolicy;
use server_kit::listener::PeerConnection;
use server_kit::tls::TlsVersion;

use crate::csr::Csr;
use crate::world::{DEVICE, EXPORTER, Setting, World, enrol, secured};

fn world(binding: BindingPolicy) -> World {
    World::with(Setting { binding, ..Setting::default() })
}

fn bound(octets: &[u8]) -> String {
    Csr::new(DEVICE, 40).with_challenge(&STANDARD.encode(octets)).body()
}

fn off_by_one() -> [u8; 32] {
    let mut octets = EXPORTER;
    octets[31] ^= 1;
    octets
}

// RFC 7030 §3.5: a value that is there must be verified, also where it need not be there.
#[tokio::test]
async fn e_12_a_channel_binding_off_by_one_is_refused() {
    for policy in [BindingPolicy::IfPresent, BindingPolicy::Required] {
        let world = world(policy);
        let shown = || secured(vec![world.factory(DEVICE, 30)]);
        world.refuses(enrol("simpleenroll"), shown(), bound(&off_by_one()), (403, "binding.mismatch")).await;
        let code = Csr::new(DEVICE, 40).with_challenge("an enrolment code").body();
        world.refuses(enrol("simpleenroll"), shown(), code, (403, "binding.mismatch")).await;
        world.send(enrol("simpleenroll"), shown(), bound(&EXPORTER)).await.certificate();
    }
}

// RFC 7030 §3.5: requests without may be refused by policy, in a text that says so.
#[tokio::test]
async fn e_12_an_absent_channel_binding_is_refused_where_it_is_required() {
    let world = world(BindingPolicy::Required);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    let body = Csr::new(DEVICE, 40).body();
    let told = world.refuses(enrol("simpleenroll"), shown, body, (403, "binding.missing")).await;
    assert!(told.body.contains("identity and proof of possession must be linked"));
}

#[tokio::test]
async fn e_13_where_nothing_can_be_compared_a_channel_binding_is_refused() {
    for policy in [BindingPolicy::IfPresent, BindingPolicy::Required] {
        let world = world(policy);
        let old = || PeerConnection {
            tls_version: Some(TlsVersion::Tls12),
            ..secured(vec![world.factory(DEVICE, 30)])
        };
        for octets in [&EXPORTER[..], &[0x12; 12]] {
            world.refuses(enrol("simpleenroll"), old(), bound(octets), (403, "binding.unverifiable")).await;
        }
    }
}

// RFC 5929 §3: on TLS 1.2 it is tls-unique, where the listener has it.
#[tokio::test]
async fn e_13_tls_unique_is_for_tls_1_2_and_the_exporter_for_tls_1_3() {
    let world = world(BindingPolicy::Required);
    let shown = || secured(vec![world.factory(DEVICE, 30)]);
    let with =
        |version| PeerConnection { tls_version: Some(version), tls_unique: Some([0x12; 12]), ..shown() };
    let mismatch = (403, "binding.mismatch");
    world.refuses(enrol("simpleenroll"), with(TlsVersion::Tls13), bound(&[0x12; 12]), mismatch).await;
    world.refuses(enrol("simpleenroll"), with(TlsVersion::Tls12), bound(&EXPORTER), mismatch).await;
    world.send(enrol("simpleenroll"), with(TlsVersion::Tls12), bound(&[0x12; 12])).await.certificate();
}

// RFC 7030 §3.7: a registration authority forwards what it checked itself.
#[tokio::test]
async fn a_registration_authority_is_not_asked_for_a_binding() {
    let world = world(BindingPolicy::Required);
    let shown = secured(vec![world.station("Station 1", 50)]);
    world.send(enrol("simpleenroll"), shown, bound(&off_by_one())).await.certificate();
}

#[tokio::test]
async fn switched_off_the_challenge_password_is_ignored() {
    let world = world(BindingPolicy::Off);
    let shown = secured(vec![world.factory(DEVICE, 30)]);
    world.send(enrol("simpleenroll"), shown, bound(&off_by_one())).await.certificate();
}
