//! The records of a chunk, proven to somebody who has the signed header and neither the manifest nor the recipient's key.

use shipment::{ShareProof, Shipment, SignedHeader, check_with_proofs};

use crate::ground::{Ground, bare};

/// The records of a chunk, with their proof.
type Share = (Vec<Vec<u8>>, ShareProof);

/// The header of a manifest of so many devices, and the records of each chunk.
fn shares(ground: &Ground, count: u32) -> (SignedHeader, Vec<Share>) {
    let devices: Vec<_> = (0..count).map(bare).collect();
    let octets = ground.made(&devices);
    ground.as_recipient(|recipient| {
        let checked = check_with_proofs(octets.as_slice(), &ground.expected(), recipient);
        let (checked, proofs) = checked.unwrap();
        let mut shipment = Shipment::open(octets.as_slice()).unwrap();
        let mut found = Vec::new();
        while let Some(chunk) = shipment.next_chunk().unwrap() {
            let opened = chunk.open(recipient.key).unwrap();
            let records = opened.records.into_iter().map(|record| record.octets).collect();
            found.push((records, proofs.of_chunk(opened.number).unwrap()));
        }
        assert_eq!(proofs.of_chunk(0), None);
        assert_eq!(proofs.of_chunk(u32::try_from(found.len()).unwrap() + 1), None);
        (checked.signed, found)
    })
}

#[test]
fn every_share_is_proven_by_the_header_alone() {
    let ground = Ground::new("s1");
    for count in [1, 2, 999, 1_000, 1_001, 2_000, 3_217] {
        let (header, shares) = shares(&ground, count);
        let mut titles = Vec::new();
        for (records, proof) in &shares {
            assert_eq!(proof.first, u64::try_from(titles.len()).unwrap());
            let devices = header.verify_share(records, proof).unwrap();
            titles.extend(devices.iter().map(|device| device.title));
        }
        let wanted: Vec<_> = (0..count).map(|number| bare(number).title).collect();
        assert_eq!(titles, wanted);
    }
}

#[test]
fn nothing_else_is_proven() {
    let ground = Ground::new("s1");
    let (header, shares) = shares(&ground, 2_500);
    let (other, _) = self::shares(&ground, 2_500);
    let [(first, first_proof), (second, second_proof), (last, last_proof)] = shares.try_into().unwrap();
    let refused = |header: &SignedHeader, records: &[Vec<u8>], proof: &ShareProof| {
        header.verify_share(records, proof).unwrap_err().code()
    };
    let without = |records: &[Vec<u8>], place: usize| [&records[..place], &records[place + 1..]].concat();
    let mut altered = second.clone();
    *altered[7].last_mut().unwrap() ^= 1;
    let mut swapped = second.clone();
    swapped.swap(0, 1);
    for (header, records, proof) in [
        (&header, &altered, &second_proof),
        (&header, &swapped, &second_proof),
        (&header, &without(&second, 7), &second_proof),
        (&header, &without(&last, last.len() - 1), &last_proof),
        (&header, &[second.clone(), first.clone()].concat(), &second_proof),
        (&header, &second, &first_proof),
        (&header, &first, &second_proof),
        // The records of a manifest by the header of another with the same devices: records are salted.
        (&other, &second, &second_proof),
    ] {
        assert_eq!(refused(header, records, proof), "shipment.proof");
    }
    assert_eq!(refused(&header, &[], &first_proof), "shipment.not-proof");
    let elsewhere = ShareProof { first: 1_001, ..second_proof };
    assert_eq!(refused(&header, &second, &elsewhere), "shipment.not-proof");
}
