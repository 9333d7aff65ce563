//! Keys and signatures of requests: E-09, E-10, P-10 to P-12, and the two leniencies.

use ca_core::profile::{RenewalRule, RenewalWindow};
use p256::ecdsa::signature::Signer as _;

use crate::csr::{Csr, p256_spki, spki};
use crate::octets::{oid, sequence, tlv};
use crate::pki::{key, public_key};
use crate::world::{DEVICE, OTHER, World, enrol, secured};

const UNACCEPTABLE: (u16, &str) = (400, "key.unacceptable");

async fn is_refused(spki: Vec<u8>, expected: (u16, &str)) {
    let mut csr = Csr::new(DEVICE, 40);
    csr.spki = spki;
    World::new().refuses_csr(&csr, expected).await;
}

// RFC 7030 §4.2.2: the same key is a renewal, which this profile does not do.
#[tokio::test]
async fn e_09_a_renewal_needs_a_new_key() {
    let world = World::new();
    let held = world.enrolled(DEVICE, 30, 40).await;
    let shown = || secured(vec![held.clone()]);
    world.refuses(enrol("simplereenroll"), shown(), Csr::new(DEVICE, 40).body(), (400, "key.reuse")).await;
    world.send(enrol("simplereenroll"), shown(), Csr::new(DEVICE, 41).body()).await.certificate();
}

#[tokio::test]
async fn e_09_where_the_profile_allows_it_the_key_may_stay() {
    let mut lenient = crate::pki::meter_op_ds();
    lenient.key_reuse = ca_core::profile::KeyReuse::Allowed;
    let world = World::with(crate::world::Setting { meter_ds: lenient, ..crate::world::Setting::default() });
    let held = world.enrolled(DEVICE, 30, 40).await;
    let shown = secured(vec![held.clone()]);
    let again = world.send(enrol("simplereenroll"), shown, Csr::new(DEVICE, 40).body()).await;
    assert_ne!(again.certificate(), held);
}

#[tokio::test]
async fn p_10_keys_that_are_not_points_of_p_256_are_refused() {
    let point = public_key(40).point().to_vec();
    let p256 = oid("1.2.840.10045.3.1.7");
    let ec = oid("1.2.840.10045.2.1");
    let mut off_curve = point.clone();
    off_curve[64] ^= 1;
    is_refused(p256_spki(&off_curve), UNACCEPTABLE).await;
    is_refused(p256_spki(&[0]), UNACCEPTABLE).await;
    is_refused(p256_spki(&[4; 65]), UNACCEPTABLE).await;
    is_refused(p256_spki(&[&[4][..], &[0; 64]].concat()), UNACCEPTABLE).await;
    is_refused(p256_spki(&[&[2][..], &point[1..33]].concat()), UNACCEPTABLE).await;
    is_refused(p256_spki(&point[..64]), UNACCEPTABLE).await;
    is_refused(spki(&sequence(&[ec.clone(), oid("1.3.132.0.10")]), &point), UNACCEPTABLE).await;
    is_refused(spki(&sequence(&[ec.clone(), oid("1.3.132.0.35")]), &point), UNACCEPTABLE).await;
    let explicit = sequence(&[tlv(0x02, &[1]), sequence(&[oid("1.2.840.10045.1.1"), tlv(0x02, &[23])])]);
    is_refused(spki(&sequence(&[ec.clone(), explicit]), &point), UNACCEPTABLE).await;
    is_refused(spki(&sequence(std::slice::from_ref(&ec)), &point), UNACCEPTABLE).await;
    is_refused(spki(&sequence(&[ec, vec![0x05, 0x00]]), &point), UNACCEPTABLE).await;
    is_refused(spki(&sequence(&[p256]), &point), UNACCEPTABLE).await;
    // RSA in any size and with any exponent, and Ed25519.
    for (modulus, exponent) in [(128, 1), (256, 1), (256, 3), (512, 1)] {
        let modulus = tlv(0x02, &[&[0][..], &vec![0xC5; modulus]].concat());
        let rsa = sequence(&[modulus, tlv(0x02, &[exponent])]);
        is_refused(spki(&sequence(&[oid("1.2.840.113549.1.1.1"), vec![5, 0]]), &rsa), UNACCEPTABLE).await;
    }
    is_refused(spki(&sequence(&[oid("1.3.101.112")]), &[7; 32]), UNACCEPTABLE).await;
}

#[tokio::test]
async fn p_10_a_sound_key_on_the_other_curve_is_refused() {
    let mut scalar = [0; 48];
    scalar[47] = 9;
    let secret = p384::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let mut csr = Csr::new(DEVICE, 40);
    let curve = sequence(&[oid("1.2.840.10045.2.1"), oid("1.3.132.0.34")]);
    csr.spki = spki(&curve, secret.verifying_key().to_sec1_point(false).as_bytes());
    csr.algorithm = sequence(&[oid("1.2.840.10045.4.3.3")]);
    let signature: p384::ecdsa::Signature = secret.sign(&csr.info());
    let der = csr.der_with(&csr.info(), signature.to_der().as_bytes());
    World::new().refuses_der(&der, (400, "key.curve")).await;
}

#[tokio::test]
async fn p_11_keys_of_authorities_blocked_keys_and_keys_of_others_are_refused() {
    let world = World::new();
    for authority in [1, 2, 3] {
        world.refuses_csr(&Csr::new(DEVICE, authority), (403, "key.authority")).await;
    }
    world.memory.block_key(public_key(60).fingerprint());
    world.refuses_csr(&Csr::new(DEVICE, 60), (403, "key.blocked")).await;
    world.enrolled(OTHER, 31, 61).await;
    let told = world.refuses_csr(&Csr::new(DEVICE, 61), (409, "key.certified-elsewhere")).await;
    assert!(!told.body.contains(OTHER), "whose key it is nobody is told: {}", told.body);
}

#[tokio::test]
async fn p_12_the_signature_algorithm_goes_with_the_key() {
    for algorithm in [
        sequence(&[oid("1.2.840.10045.4.3.3")]),
        sequence(&[oid("1.2.840.10045.4.1")]),
        sequence(&[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]]),
        sequence(&[oid("1.2.840.10045.4.3.2"), vec![0x05, 0x00]]),
        sequence(&[oid("1.3.101.112")]),
    ] {
        let mut csr = Csr::new(DEVICE, 40);
        csr.algorithm = algorithm;
        World::new().refuses_csr(&csr, (400, "csr.algorithm")).await;
    }
}

#[tokio::test]
async fn p_12_signature_values_that_are_none_are_refused() {
    let world = World::new();
    let csr = Csr::new(DEVICE, 40);
    let info = csr.info();
    let integer = |octets: &[u8]| tlv(0x02, octets);
    for (value, expected) in [
        (Vec::new(), (400, "csr.signature")),
        (sequence(&[integer(&[1])]), (400, "csr.signature")),
        (sequence(&[integer(&[1; 40]), integer(&[1; 40])]), (400, "csr.signature")),
        (sequence(&[integer(&[1]), integer(&[1]), integer(&[1])]), (400, "csr.signature")),
        (sequence(&[integer(&[0]), integer(&[0])]), (400, "pop.invalid")),
        (sequence(&[integer(&[1]), integer(&[1])]), (400, "pop.invalid")),
    ] {
        world.refuses_der(&csr.der_with(&info, &value), expected).await;
    }
}

// The most used DLMS library writes r and s without the zero octet in front of a high bit.
#[tokio::test]
async fn unsigned_integers_in_the_signature_are_read_all_the_same() {
    let signed = |number| {
        let csr = Csr::new(DEVICE, number);
        let signature: p256::ecdsa::Signature = key(number).sign(&csr.info());
        (csr, signature.split_bytes())
    };
    let (csr, (r, s)) = (40..90)
        .map(signed)
        .find(|(_, (r, s))| r[0] >= 0x80 && s[0] >= 0x80)
        .expect("one key in four signs so, and signatures by rule of RFC 6979 are the same in every run");
    let value = sequence(&[tlv(0x02, &r), tlv(0x02, &s)]);
    let world = World::new();
    world.token("secret", DEVICE, "meter-op-ds");
    let body =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, csr.der_with(&csr.info(), &value));
    let request = crate::world::password(enrol("simpleenroll"), DEVICE, "secret");
    world.send(request, crate::world::tls(), body).await.certificate();
}

// E-10: whoever has a device's key can renew neither at once nor without end.
#[tokio::test]
async fn e_10_a_stolen_key_renews_neither_early_nor_without_end() {
    let mut profile = crate::pki::meter_op_ds();
    profile.renewal = RenewalRule::DEFAULT;
    let setting = crate::world::Setting { meter_ds: profile.clone(), ..crate::world::Setting::default() };
    let world = World::with(setting);
    let held = world.enrolled(DEVICE, 30, 40).await;
    let shown = || secured(vec![held.clone()]);
    let early = (403, "renewal.too-early");
    world.refuses(enrol("simplereenroll"), shown(), Csr::new(DEVICE, 41).body(), early).await;

    profile.renewal = RenewalRule { window: RenewalWindow::AnyTime, limit: 2, ..RenewalRule::DEFAULT };
    let world = World::with(crate::world::Setting { meter_ds: profile, ..crate::world::Setting::default() });
    let mut held = world.enrolled(DEVICE, 30, 40).await;
    for key in [41, 42] {
        let answer = world.send(enrol("simplereenroll"), secured(vec![held]), Csr::new(DEVICE, key).body());
        held = answer.await.certificate();
    }
    let often = (403, "renewal.limit");
    world.refuses(enrol("simplereenroll"), secured(vec![held]), Csr::new(DEVICE, 43).body(), often).await;
}
