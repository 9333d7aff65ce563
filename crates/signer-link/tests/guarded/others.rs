//! What the keys of responders, of checkpoints and of messages sign, and that none signs what is another's.

use signer_link::log::Kind;

use crate::desk::{AUTHORITY, Bench, MESSENGER, NOTARY, ORIGIN, RESPONDER, key, name, public, tlv};

/// A `ResponseData` by this key for one certificate of the authority, by the hash of its name.
fn answer(bench: &Bench, responder: u8, produced_at: &[u8], issuer_name: &[u8]) -> Vec<u8> {
    use sha1::{Digest as _, Sha1};
    let point = bench.issuer.certificate().public_key().point();
    let hash = |octets: &[u8]| tlv(0x04, &Sha1::digest(octets));
    let sha1 = tlv(0x30, &tlv(0x06, &[0x2B, 0x0E, 0x03, 0x02, 0x1A]));
    let certificate = tlv(0x30, &[sha1, hash(issuer_name), hash(point), tlv(0x02, &[0x22; 16])].concat());
    let single = tlv(0x30, &[certificate, vec![0x80, 0], tlv(0x18, b"20261121100000Z")].concat());
    let fields = [tlv(0xA2, &tlv(0x04, key(responder).octets())), tlv(0x18, produced_at), tlv(0x30, &single)];
    tlv(0x30, &fields.concat())
}

#[test]
fn a_responder_answers_in_its_own_name_of_its_authority_and_now() {
    let bench = Bench::new();
    let (of, now) = (bench.issuer.name().der().to_vec(), b"20261121100000Z");
    bench.sign(RESPONDER, &answer(&bench, RESPONDER, now, &of)).unwrap();
    let record = bench.records().pop().unwrap().entry;
    assert_eq!((record.kind, record.issuer), (Kind::Ocsp, Some(key(AUTHORITY))));
    assert_eq!(record.name, "22".repeat(16));
    let refused = |octets: &[u8]| bench.refused(RESPONDER, octets);
    assert_eq!(refused(&answer(&bench, AUTHORITY, now, &of)), "ocsp.responder");
    assert_eq!(refused(&answer(&bench, RESPONDER, b"20261121100501Z", &of)), "ocsp.produced-at");
    assert_eq!(refused(&answer(&bench, RESPONDER, b"20261121095459Z", &of)), "ocsp.produced-at");
    assert_eq!(refused(&answer(&bench, RESPONDER, now, name("Other").der())), "ocsp.issuer");
    assert_eq!(refused(b"20261121100000Z"), "ocsp.not-der");
    // The authority's key answers nothing by itself.
    assert_eq!(bench.refused(AUTHORITY, &answer(&bench, AUTHORITY, now, &of)), "key.purpose");
}

fn checkpoint(origin: &str, size: &str) -> Vec<u8> {
    format!("{origin}\n{size}\n{}\n", "A".repeat(43) + "=").into_bytes()
}

#[test]
fn checkpoints_are_of_one_log_that_only_grows() {
    let bench = Bench::new();
    bench.sign(NOTARY, &checkpoint(ORIGIN, "10")).unwrap();
    bench.sign(NOTARY, &checkpoint(ORIGIN, "10")).unwrap();
    assert_eq!(bench.refused(NOTARY, &checkpoint(ORIGIN, "9")), "checkpoint.number");
    assert_eq!(bench.refused(NOTARY, &checkpoint("example.org/other", "11")), "checkpoint.origin");
    for form in ["011", "x", "-1", ""] {
        assert_eq!(bench.refused(NOTARY, &checkpoint(ORIGIN, form)), "checkpoint.form");
    }
    let more = [checkpoint(ORIGIN, "11"), b"more\n".to_vec()].concat();
    assert_eq!(bench.refused(NOTARY, &more), "checkpoint.form");
}

#[test]
fn messages_are_messages_and_nothing_that_a_relying_party_takes_for_more() {
    let bench = Bench::new();
    let attributes = tlv(0x31, &tlv(0x30, &tlv(0x06, &[0x55, 0x04, 0x03])));
    let protected = tlv(0x30, &[tlv(0x30, &tlv(0x02, &[2])), tlv(0xA1, &[0x30, 0x00])].concat());
    bench.sign(MESSENGER, &attributes).unwrap();
    bench.sign(MESSENGER, &protected).unwrap();
    let request = |spki: &[u8]| {
        tlv(0x30, &[tlv(0x02, &[0]), name("M").der().to_vec(), spki.to_vec(), vec![0xA0, 0]].concat())
    };
    bench.sign(MESSENGER, &request(public(MESSENGER).spki_der())).unwrap();
    assert_eq!(bench.records().pop().unwrap().entry.kind, Kind::Request);
    let of = bench.issuer.name().der().to_vec();
    for foreign in [
        request(public(AUTHORITY).spki_der()),
        answer(&bench, MESSENGER, b"20261121100000Z", &of),
        tlv(0x30, &[tlv(0xA0, &tlv(0x02, &[2])), tlv(0x02, &[1])].concat()),
        tlv(0x30, &[tlv(0x02, &[1]), tlv(0x30, &[])].concat()),
        b"text".to_vec(),
    ] {
        assert_eq!(bench.refused(MESSENGER, &foreign), "message.form");
    }
}
