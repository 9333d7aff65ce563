//! What is made is accepted, comes out as it went in, and each record can be proven alone.

use ca_core::record::DeliveredDevice;
use shipment::{CreateError, DeviceProof, ExtractError, Group, RecordFault, Shipment, check, extract};

use crate::ground::{Ground, bare, title};

fn read_back(ground: &Ground, octets: &[u8]) -> Vec<DeliveredDevice> {
    let mut devices = Vec::new();
    let checked = ground.as_recipient(|recipient| {
        check(octets, &ground.expected(), recipient, &mut |placed| devices.push(placed.record.device.clone()))
    });
    assert_eq!(checked.unwrap().signed.header().devices, u64::try_from(devices.len()).unwrap());
    devices
}

#[test]
fn devices_come_out_as_they_went_in_under_both_suites() {
    for suite in ["s1", "s2"] {
        let ground = Ground::new(suite);
        let devices: Vec<_> = (1..=3).map(|number| ground.device(number)).collect();
        let octets = ground.made(&devices);
        assert_eq!(read_back(&ground, &octets), devices);
        let header = ground.check(&octets).unwrap().signed.header().clone();
        assert_eq!((header.shipment.as_str(), header.order.as_str()), ("2026-11-0042", "PO 4711"));
        let labels: Vec<_> = header.transport_keys.iter().map(|key| key.label.as_str()).collect();
        assert_eq!(labels, ["tk-1", "tk-2"]);
    }
}

#[test]
fn a_thousand_records_make_a_chunk_and_models_and_batches_are_counted() {
    let ground = Ground::new("s1");
    let devices: Vec<_> = (0..2_001).map(bare).collect();
    let octets = ground.made(&devices);
    assert_eq!(read_back(&ground, &octets), devices);
    let header = Shipment::open(octets.as_slice()).unwrap().header().clone();
    assert_eq!((header.devices, header.chunks), (2_001, 3));
    let group = |batch: &str, devices| Group { model: "M1".to_owned(), batch: batch.to_owned(), devices };
    assert_eq!(header.groups, [group("B0", 1_000), group("B1", 1_000), group("B2", 1)]);
}

#[test]
fn the_same_devices_are_sealed_otherwise_each_time() {
    let ground = Ground::new("s1");
    let devices = [bare(1), bare(2)];
    let root = |octets: &[u8]| ground.check(octets).unwrap().signed.header().root;
    assert_ne!(root(&ground.made(&devices)), root(&ground.made(&devices)), "records are salted");
}

#[test]
fn every_record_is_proven_alone_without_the_recipients_key() {
    let ground = Ground::new("s1");
    for count in [1, 2, 3, 5, 8, 13] {
        let devices: Vec<_> = (0..count).map(bare).collect();
        let octets = ground.made(&devices);
        for device in &devices {
            let proof = ground
                .as_recipient(|recipient| {
                    extract(octets.as_slice(), device.title, (&ground.expected(), recipient))
                })
                .unwrap();
            let read = DeviceProof::from_der(&proof.to_der().unwrap()).unwrap();
            assert_eq!(read, proof);
            assert_eq!(&read.verify(&ground.expected()).unwrap(), device, "{count} records");
        }
    }
}

#[test]
fn a_record_far_behind_is_proven_across_chunks() {
    let ground = Ground::new("s2");
    let devices: Vec<_> = (0..2_050).map(bare).collect();
    let octets = ground.made(&devices);
    for number in [0, 999, 1_000, 1_700, 2_049] {
        let proof = ground.as_recipient(|recipient| {
            extract(octets.as_slice(), title(number), (&ground.expected(), recipient))
        });
        let proof = proof.unwrap();
        assert!(proof.to_der().unwrap().len() < 4_096, "it is small");
        assert_eq!(proof.verify(&ground.expected()).unwrap(), bare(number));
    }
    let absent = ground
        .as_recipient(|recipient| extract(octets.as_slice(), title(9_999), (&ground.expected(), recipient)));
    assert!(matches!(absent, Err(ExtractError::NotThere { .. })));
}

#[test]
fn what_a_check_would_refuse_is_not_made() {
    let ground = Ground::new("s1");
    let code = |devices: &[DeliveredDevice]| ground.try_make(devices).unwrap_err().code();
    assert_eq!(code(&[]), "shipment.empty");
    assert_eq!(code(&[bare(1), bare(1)]), "shipment.repeated-title");
    assert_eq!(code(&[bare(2), bare(1)]), "shipment.record-order");
    let other = DeliveredDevice { title: title(2), ..ground.device(1) };
    assert_eq!(code(&[other]), "shipment.other-title");
    let mut unlisted = ground.device(1);
    unlisted.secrets[1].wrapped_by = "tk-3".to_owned();
    assert_eq!(code(&[unlisted]), "shipment.unlisted-key");
    let mut broken = ground.device(1);
    broken.certificates[0].truncate(40);
    assert_eq!(code(&[broken]), "shipment.certificate");
    let long = DeliveredDevice { model: "M".repeat(65), ..bare(1) };
    let refused = ground.try_make(&[long]).unwrap_err();
    assert!(
        matches!(refused, CreateError::Record { fault: RecordFault::Field { name: "model" }, .. }),
        "{refused}"
    );
}

#[test]
fn more_models_and_batches_than_are_counted_apart_are_refused() {
    let ground = Ground::new("s1");
    let devices: Vec<_> =
        (0..=1_000).map(|number| DeliveredDevice { batch: number.to_string(), ..bare(number) }).collect();
    assert_eq!(ground.try_make(&devices).unwrap_err().code(), "shipment.too-long");
    assert!(ground.try_make(&devices[..1_000]).is_ok());
}
