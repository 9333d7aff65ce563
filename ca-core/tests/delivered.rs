//! What is delivered with a device: certificates that lead to the maker's anchor and name it, texts and wrapped secrets.

use ca_core::delivered::check;
use ca_core::path::TrustAnchor;
use ca_core::profile::KeyPurpose;
use ca_core::record::{CheckedDevice, DeliveredDevice, SecretKind, WrappedSecret};

use crate::certificate_octets::CertificateOctets;
use crate::doubles::clock::{DAY, NOW, at};
use crate::world::{World, dso, maker, title};

/// The key of the maker, and of a maker whom nobody trusts.
const MAKER: u16 = 500;
const OTHER_MAKER: u16 = 501;

fn anchors(world: &World) -> Vec<TrustAnchor> {
    let key = world.key(MAKER);
    let authority = CertificateOctets::authority("maker", "maker", &key).read(&key);
    vec![TrustAnchor::from_certificate(&authority)]
}

/// A factory certificate that names a device and is signed by a key.
fn certificate(world: &World, number: u8, signer: u16) -> Vec<u8> {
    let octets = CertificateOctets::client("maker", &title(number).to_string(), &world.key(60));
    octets.read(&world.key(signer)).der().to_vec()
}

fn device(certificates: Vec<Vec<u8>>) -> DeliveredDevice {
    DeliveredDevice {
        title: title(1),
        serial_number: "4711".to_owned(),
        model: "E350".to_owned(),
        firmware: "1.2".to_owned(),
        batch: "lot 1".to_owned(),
        region: None,
        concentrator: None,
        certificates,
        secrets: Vec::new(),
    }
}

fn checked(world: &World, device: DeliveredDevice) -> Result<CheckedDevice, &'static str> {
    check(device, (&dso(), &maker()), &anchors(world), at(NOW)).map_err(|fault| fault.code())
}

#[test]
fn a_certificate_of_the_maker_is_kept_with_its_key_and_purpose() {
    let world = World::new();
    let der = certificate(&world, 1, MAKER);
    let checked = checked(&world, device(vec![der.clone()])).unwrap();
    let [credential] = checked.credentials.try_into().unwrap();
    assert_eq!((credential.purpose, credential.certificate), (KeyPurpose::Tls, der));
    assert_eq!(credential.key_fingerprint, world.key(60).public_key().fingerprint());
    assert_eq!((checked.expected.tenant, checked.expected.manufacturer), (dso(), Some(maker())));
}

#[test]
fn one_that_has_ended_is_kept_all_the_same() {
    let world = World::new();
    let mut octets = CertificateOctets::client("maker", &title(1).to_string(), &world.key(60));
    octets.not_after = at(NOW - DAY);
    let der = octets.read(&world.key(MAKER)).der().to_vec();
    assert_eq!(checked(&world, device(vec![der])).unwrap().credentials.len(), 1);
}

#[test]
fn a_certificate_that_is_not_the_makers_or_not_the_devices_is_refused() {
    let world = World::new();
    let refused = |certificate| checked(&world, device(vec![certificate])).unwrap_err();
    assert_eq!(refused(certificate(&world, 1, OTHER_MAKER)), "device.foreign_certificate");
    assert_eq!(refused(certificate(&world, 2, MAKER)), "device.other_title");
    assert_eq!(refused(vec![0x30, 0]), "device.certificate_malformed");
    assert_eq!(refused(vec![0x30; 5_000]), "device.certificate_malformed");
    let nobodys = check(device(vec![certificate(&world, 1, MAKER)]), (&dso(), &maker()), &[], at(NOW));
    assert_eq!(nobodys.unwrap_err().code(), "device.foreign_certificate");
    assert_eq!(checked(&world, device(vec![certificate(&world, 1, MAKER); 17])), Err("device.too_many"));
}

#[test]
fn texts_and_secrets_that_no_row_could_hold_are_refused() {
    let world = World::new();
    let long = DeliveredDevice { firmware: "1".repeat(65), ..device(Vec::new()) };
    assert_eq!(checked(&world, long), Err("device.text"));
    let control = DeliveredDevice { model: "E\n350".to_owned(), ..device(Vec::new()) };
    assert_eq!(checked(&world, control), Err("device.text"));
    let secret = |octets: usize, wrapped_by: &str| WrappedSecret {
        kind: SecretKind::Gak,
        wrapped_by: wrapped_by.to_owned(),
        octets: vec![7; octets],
    };
    let with = |secrets| checked(&world, DeliveredDevice { secrets, ..device(Vec::new()) });
    assert!(with(vec![secret(24, "wrap 1"), secret(24, "wrap 2")]).is_ok());
    assert_eq!(with(vec![secret(24, "wrap 1"), secret(24, "wrap 1")]), Err("device.secret"));
    assert_eq!(with(vec![secret(8, "wrap 1")]), Err("device.secret"));
    assert_eq!(with(vec![secret(24, "")]), Err("device.secret"));
}
