//! One octet altered anywhere, and chunks that are missing, repeated or swapped.

use std::collections::BTreeMap;

use shipment::{DeviceProof, extract};

use crate::ground::{Ground, bare, title};

/// Where each object of a manifest begins and ends, by its outermost length octets.
pub(crate) fn objects(octets: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < octets.len() {
        let (head, length) = match octets[at + 1] {
            short @ 0..=0x7F => (2, usize::from(short)),
            long => {
                let count = usize::from(long & 0x7F);
                let value = octets[at + 2..at + 2 + count].iter();
                (2 + count, value.fold(0, |length, octet| length << 8 | usize::from(*octet)))
            }
        };
        found.push(at..at + head + length);
        at += head + length;
    }
    found
}

fn with_octet(octets: &[u8], place: usize, mask: u8) -> Vec<u8> {
    let mut altered = octets.to_vec();
    altered[place] ^= mask;
    altered
}

#[test]
fn one_octet_altered_anywhere_is_refused() {
    // Under suite 2 every seventh octet: its signatures take longer.
    for (suite, step) in [("s1", 1), ("s2", 7)] {
        let ground = Ground::new(suite);
        let octets = ground.made(&[ground.device(1)]);
        let mut codes = BTreeMap::<&str, u32>::new();
        for place in (0..octets.len()).step_by(step) {
            let mask = if place % 2 == 0 { 0x01 } else { 0x80 };
            let Err(refused) = ground.check(&with_octet(&octets, place, mask)) else {
                panic!("octet {place} of {} is altered, and nobody sees it", octets.len());
            };
            *codes.entry(refused.code()).or_default() += 1;
        }
        // Most of it is under the signature, the digest of the list, or that of the chunk.
        for code in ["shipment.signature", "shipment.chunk-list", "shipment.chunk-altered"] {
            assert!(codes.get(code).is_some_and(|count| *count >= 4), "{code}: {codes:?}");
        }
    }
}

#[test]
fn one_octet_altered_in_any_of_several_chunks_is_refused_and_the_chunk_is_named() {
    let ground = Ground::new("s1");
    let octets = ground.made(&(0..2_001).map(bare).collect::<Vec<_>>());
    let chunks = objects(&octets).split_off(2);
    assert_eq!(chunks.len(), 3);
    for (number, chunk) in chunks.into_iter().enumerate() {
        // Behind tag and length, which are looked at first.
        for place in chunk.clone().skip(4).step_by(chunk.len() / 7) {
            let refused = ground.check(&with_octet(&octets, place, 0x10)).unwrap_err();
            assert_eq!(refused.code(), "shipment.chunk-altered");
            assert!(refused.to_string().starts_with(&format!("chunk {} was altered", number + 1)));
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let ground = Ground::new("s1");
    let octets = ground.made(&[ground.device(1)]);
    for length in 0..octets.len() {
        assert_eq!(ground.refusal(&octets[..length]), "shipment.truncated", "{length} octets are left");
    }
}

#[test]
fn chunks_that_are_missing_repeated_or_swapped_are_refused() {
    let ground = Ground::new("s1");
    let octets = ground.made(&(0..2_001).map(bare).collect::<Vec<_>>());
    let objects = objects(&octets);
    let of = |places: &[usize]| -> Vec<u8> {
        places.iter().flat_map(|place| octets[objects[*place].clone()].to_vec()).collect()
    };
    assert!(ground.check(&of(&[0, 1, 2, 3, 4])).is_ok());
    for (places, code) in [
        (&[0, 1, 3, 2, 4][..], "shipment.chunk-order"),
        (&[0, 1, 3, 4], "shipment.chunk-order"),
        (&[0, 1, 2, 2, 3, 4], "shipment.chunk-order"),
        (&[0, 1, 2, 3], "shipment.truncated"),
        (&[0, 1], "shipment.truncated"),
        (&[0], "shipment.truncated"),
        (&[0, 1, 2, 3, 4, 4], "shipment.trailing"),
        (&[0, 1, 2, 3, 4, 0], "shipment.trailing"),
        (&[0, 2, 3, 4], "shipment.chunk-list"),
        (&[1, 0, 2, 3, 4], "shipment.not-signed"),
    ] {
        assert_eq!(ground.refusal(&of(places)), code, "{places:?}");
    }
    let refused = ground.check(&of(&[0, 1, 2, 4])).unwrap_err().to_string();
    assert_eq!(refused, "chunk 3 stands where chunk 2 belongs: chunks are missing, repeated or swapped");
    assert_eq!(ground.refusal(&[octets.as_slice(), &[0]].concat()), "shipment.trailing");
}

#[test]
fn the_chunk_of_another_manifest_is_refused() {
    let ground = Ground::new("s1");
    let (one, other) = (ground.made(&[bare(1)]), ground.made(&[bare(1)]));
    let (of_one, of_other) = (objects(&one), objects(&other));
    let mixed = [&one[..of_one[1].end], &other[of_other[2].clone()]].concat();
    assert_eq!(ground.refusal(&mixed), "shipment.chunk-altered");
}

#[test]
fn a_proof_with_one_octet_altered_proves_nothing() {
    let ground = Ground::new("s1");
    let devices: Vec<_> = (1..=5).map(|number| ground.device(number)).collect();
    let octets = ground.made(&devices);
    let proof = ground
        .as_recipient(|recipient| extract(octets.as_slice(), title(2), (&ground.expected(), recipient)))
        .unwrap();
    let proof = proof.to_der().unwrap();
    let verify =
        |octets: &[u8]| DeviceProof::from_der(octets).and_then(|proof| proof.verify(&ground.expected()));
    assert_eq!(verify(&proof).unwrap(), devices[1]);
    let mut codes = BTreeMap::<&str, u32>::new();
    for place in 0..proof.len() {
        let Err(refused) = verify(&with_octet(&proof, place, 0x04)) else {
            panic!("octet {place} of {} is altered, and nobody sees it", proof.len());
        };
        *codes.entry(refused.code()).or_default() += 1;
    }
    assert!(codes.get("shipment.proof").is_some_and(|count| *count > 500), "{codes:?}");
    for length in 0..proof.len() {
        assert_eq!(verify(&proof[..length]).unwrap_err().code(), "shipment.truncated", "{length}");
    }
    assert_eq!(verify(&[proof.as_slice(), &[0]].concat()).unwrap_err().code(), "shipment.not-proof");
}
