//! What holds of the codec whatever comes in: nothing panics, what is read can be written and read again, and no parameter of a
//! MAC that is out of bounds is taken.

#![cfg(test)]

use cmp_messages::message::{PkiMessage, header_of};
use cmp_messages::protection::{MAX_ITERATIONS, MIN_ITERATIONS, MacAlgorithm};
use der::asn1::{Any, OctetString, Uint};
use der::{Decode, Encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use spki::AlgorithmIdentifierOwned;

/// Messages that are right, one of each kind.
const SEEDS: [&[u8]; 8] = [
    include_bytes!("../../../tests/vectors/cmp/openssl/ir-mac-p256-request1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/ir-signature-p384-response1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/kur-signature-p256-request1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/kur-signature-p256-request2.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/p10cr-mac-p384-request1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/rr-signature-p256-request1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/rr-signature-p256-response1.der"),
    include_bytes!("../../../tests/vectors/cmp/openssl/genm-mac-p256-response1.der"),
];

/// Reads octets in every way that a server does; what was taken for a message is one.
fn read_and_write_again(octets: &[u8]) {
    drop(header_of(octets));
    let Ok(message) = PkiMessage::decode(octets) else { return };
    let again = PkiMessage::decode(&message.encode().unwrap()).unwrap();
    assert_eq!(again, message);
    if let Some(algorithm) = &message.header().protection_alg {
        drop(MacAlgorithm::read(algorithm));
    }
    drop((message.header().cert_profile(), message.header().confirm_wait_time()));
    drop((message.header().sender.as_directory(), message.header().recipient.as_directory()));
    // Written from the types alone it may only become more regular, and then stays as it is.
    let regular = PkiMessage::new(message.header().clone(), message.body().clone()).unwrap();
    let regular = regular.encode().unwrap();
    let read = PkiMessage::decode(&regular).unwrap();
    assert_eq!((read.header(), read.body()), (message.header(), message.body()));
    assert_eq!(read.encode().unwrap(), regular);
}

/// An algorithm identifier of this OID with these parameters.
fn identifier(oid: &str, parameters: &impl Encode) -> AlgorithmIdentifierOwned {
    let oid = const_oid::ObjectIdentifier::new_unwrap(oid);
    let parameters = Any::from_der(&parameters.to_der().unwrap()).unwrap();
    AlgorithmIdentifierOwned { oid, parameters: Some(parameters) }
}

fn sequence(parts: &[Vec<u8>]) -> Any {
    Any::new(der::Tag::Sequence, parts.concat()).unwrap()
}

/// Writes both kinds of MAC with this salt and this number of iterations.
fn macs(salt: &[u8], iterations: u64) -> [AlgorithmIdentifierOwned; 2] {
    let salt = OctetString::new(salt).unwrap().to_der().unwrap();
    let count = Uint::new(&iterations.to_be_bytes()).unwrap().to_der().unwrap();
    let hmac = identifier("1.2.840.113549.2.9", &Any::null()).to_der().unwrap();
    let owf = identifier("2.16.840.1.101.3.4.2.1", &Any::null()).to_der().unwrap();
    let derivation =
        identifier("1.2.840.113549.1.5.12", &sequence(&[salt.clone(), count.clone(), hmac.clone()]));
    [
        identifier("1.2.840.113533.7.66.13", &sequence(&[salt, owf, count, hmac.clone()])),
        identifier("1.2.840.113549.1.5.14", &sequence(&[derivation.to_der().unwrap(), hmac])),
    ]
}

proptest! {
    #[test]
    fn no_octets_make_the_codec_panic(octets in vec(any::<u8>(), 0..512)) {
        read_and_write_again(&octets);
    }

    #[test]
    fn a_message_with_other_octets_is_one_or_is_none(
        seed in select(SEEDS.as_slice()),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut octets = seed.to_vec();
        for (place, octet) in changes {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        read_and_write_again(&octets);
    }

    #[test]
    fn a_message_that_is_cut_or_followed_by_something_is_none(
        seed in select(SEEDS.as_slice()),
        end in any::<Index>(),
        more in vec(any::<u8>(), 1..16),
    ) {
        let cut = &seed[..end.index(seed.len())];
        prop_assert!(PkiMessage::decode(cut).is_err());
        read_and_write_again(cut);
        prop_assert!(PkiMessage::decode(&[seed, &more].concat()).is_err());
    }

    #[test]
    fn a_value_that_is_left_out_or_doubled_makes_nothing_panic(
        seed in select(SEEDS.as_slice()),
        (from, length) in (any::<Index>(), 1_usize..64),
        at in any::<Index>(),
    ) {
        let from = from.index(seed.len());
        let part = &seed[from..seed.len().min(from + length)];
        let at = at.index(seed.len());
        read_and_write_again(&[&seed[..at], part, &seed[at..]].concat());
        read_and_write_again(&[&seed[..from], &seed[from + part.len()..]].concat());
    }

    // What is taken bounds the work that is done for it: there is no other way to a MAC than through what was read.
    #[test]
    fn no_mac_is_taken_whose_parameters_are_out_of_bounds(
        salt in vec(any::<u8>(), 0..100),
        iterations in prop_oneof![any::<u64>(), 0..200_000_u64, Just(1 << 31), Just((1 << 32) + 100)],
    ) {
        let within = (8..=64).contains(&salt.len())
            && (u64::from(MIN_ITERATIONS)..=u64::from(MAX_ITERATIONS)).contains(&iterations);
        for algorithm in macs(&salt, iterations) {
            let read = MacAlgorithm::read(&algorithm);
            prop_assert_eq!(read.is_ok(), within, "{:?}", read);
            if let Ok(read) = read {
                prop_assert_eq!(MacAlgorithm::read(&read.identifier().unwrap()), Ok(read));
            }
        }
    }

    #[test]
    fn parameters_of_a_mac_that_are_none_are_refused(octets in vec(any::<u8>(), 0..64), kind in 0..2_usize) {
        let oid = ["1.2.840.113533.7.66.13", "1.2.840.113549.1.5.14"][kind];
        let parameters = Any::new(der::Tag::Sequence, octets).unwrap();
        prop_assert!(MacAlgorithm::read(&identifier(oid, &parameters)).is_err());
    }
}
