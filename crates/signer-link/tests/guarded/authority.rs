//! What the key of an authority signs: certificates of its profiles, and CRLs whose numbers rise.

use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::SignedBy;
use ca_core::serial_number::SerialNumber;
use ca_core::subject::Subject;
use ca_core::validity::Validity;
use signer_link::charter::Rates;
use signer_link::log::{Kind, SIGNED};

use crate::desk::{AUTHORITY, Bench, Fault, NOW, STRANGER, key, name, public, tlv};

const YEAR: i64 = 365 * 86_400;

/// What a certificate of the tests differs in.
struct Wish {
    profile: &'static str,
    days: i64,
    serial: u8,
}

const STATION: Wish = Wish { profile: "ra-station-s1", days: 365, serial: 0x22 };

/// Drafts as the authority would.
fn certificate(bench: &Bench, wish: &Wish) -> Vec<u8> {
    let profile = bench.profiles.certificate(wish.profile).unwrap();
    let from = NOW.plus_seconds(-i64::from(profile.parts().backdate_seconds));
    // The last second belongs to the period.
    let until = NOW.plus_seconds(wish.days * 86_400 - 1);
    draft(&DraftInput {
        signed_by: SignedBy::Issuer(&bench.issuer),
        profile,
        subject: &Subject::distinguished(name("Station")),
        public_key: &public(STRANGER),
        serial: &SerialNumber::from_octets(&[wish.serial; 16]).unwrap(),
        validity: Validity::new(from, until).unwrap(),
        shard: None,
    })
    .unwrap()
}

/// A `TBSCertList` of this number with this many entries.
fn crl(bench: &Bench, number: u8, entries: u16) -> Vec<u8> {
    crl_of(bench.issuer.name().der(), number, entries, &[])
}

fn crl_of(issuer: &[u8], number: u8, entries: u16, more: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, &tlv(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]));
    let extension = |oid: &[u8], value: &[u8]| tlv(0x30, &[tlv(0x06, oid), tlv(0x04, value)].concat());
    let aki = tlv(0x30, &tlv(0x80, key(AUTHORITY).octets()));
    let entry = |number: u16| {
        let serial = [&[0x31], number.to_be_bytes().as_slice()].concat();
        tlv(0x30, &[tlv(0x02, &serial), tlv(0x17, b"261121090000Z")].concat())
    };
    let entries: Vec<u8> = (0..entries).flat_map(entry).collect();
    let extensions = [
        extension(&[0x55, 0x1D, 0x23], &aki),
        extension(&[0x55, 0x1D, 0x14], &tlv(0x02, &[number])),
        more.to_vec(),
    ];
    let fields = [
        tlv(0x02, &[1]),
        algorithm,
        issuer.to_vec(),
        tlv(0x17, b"261121100000Z"),
        tlv(0x17, b"261128100000Z"),
        if entries.is_empty() { Vec::new() } else { tlv(0x30, &entries) },
        tlv(0xA0, &tlv(0x30, &extensions.concat())),
    ];
    tlv(0x30, &fields.concat())
}

#[test]
fn signs_a_certificate_of_a_profile_and_writes_it_down_first() {
    let bench = Bench::new();
    let tbs = certificate(&bench, &STATION);
    bench.sign(AUTHORITY, &tbs).unwrap();
    let record = bench.records().pop().unwrap();
    assert_eq!((record.number, record.entry.user, record.entry.time), (1, 7, NOW));
    assert_eq!((record.entry.kind, record.entry.outcome.as_str()), (Kind::Certificate, SIGNED));
    assert_eq!((record.entry.issuer, record.entry.name), (Some(key(AUTHORITY)), "22".repeat(16)));
    assert_eq!(record.entry.digest, sha2_of(&tbs));
}

fn sha2_of(octets: &[u8]) -> [u8; 32] {
    ca_core::octets::Octets::from(octets.to_vec()).sha256().unwrap()
}

#[test]
fn refuses_a_certificate_of_no_profile_that_the_key_is_for() {
    let bench = Bench::new();
    let authority = certificate(&bench, &Wish { profile: "sub-infra-s1", days: 3_650, serial: 0x23 });
    assert_eq!(bench.refused(AUTHORITY, &authority), "certificate.lint");
    let forever = certificate(&bench, &Wish { days: 31 * 365, ..STATION });
    assert_eq!(bench.refused(AUTHORITY, &forever), "certificate.lint");
    // The signer's own clock, unless what it is told is near.
    for apart in [-300, 300] {
        bench.set_clock(NOW.plus_seconds(apart));
        bench.sign(AUTHORITY, &certificate(&bench, &STATION)).unwrap();
    }
    for apart in [-301, 301, 40 * YEAR] {
        bench.set_clock(NOW.plus_seconds(apart));
        assert_eq!(bench.refused(AUTHORITY, &certificate(&bench, &STATION)), "certificate.lint");
    }
}

#[test]
fn refuses_a_certificate_in_which_any_octet_of_issuer_or_algorithm_is_another() {
    let bench = Bench::new();
    let tbs = certificate(&bench, &STATION);
    let place = |wanted: &[u8]| tbs.windows(wanted.len()).position(|window| window == wanted).unwrap();
    let ecdsa = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    for at in [place(&ecdsa) + 7, place(b"Grid"), place(b"Grid") + 3] {
        let mut changed = tbs.clone();
        changed[at] ^= 1;
        let code = bench.refused(AUTHORITY, &changed);
        assert!(["certificate.lint", "certificate.not-der"].contains(&code.as_str()), "{code}");
    }
    let trailing = [tbs.as_slice(), &[0]].concat();
    assert_eq!(bench.refused(AUTHORITY, &trailing), "key.purpose");
}

#[test]
fn refuses_what_is_neither_certificate_nor_crl() {
    let bench = Bench::new();
    for octets in [b"".as_slice(), b"example.org/log\n1\nAAAA\n", &[0x30, 0x00], &[0xFF; 100]] {
        assert_eq!(bench.refused(AUTHORITY, octets), "key.purpose");
    }
    assert_eq!(bench.sign(STRANGER, b"x").unwrap_err().code, "key.unknown");
}

#[test]
fn signs_crls_whose_numbers_rise_and_the_same_one_again() {
    let mut bench = Bench::new();
    bench.sign(AUTHORITY, &crl(&bench, 5, 0)).unwrap();
    bench.sign(AUTHORITY, &crl(&bench, 5, 0)).unwrap();
    assert_eq!(bench.refused(AUTHORITY, &crl(&bench, 5, 1)), "crl.number");
    assert_eq!(bench.refused(AUTHORITY, &crl(&bench, 4, 0)), "crl.number");
    bench.sign(AUTHORITY, &crl(&bench, 7, 2_000)).unwrap();
    // What was signed before is remembered by the log.
    bench.open(Rates::default()).unwrap();
    assert_eq!(bench.refused(AUTHORITY, &crl(&bench, 6, 0)), "crl.number");
    bench.sign(AUTHORITY, &crl(&bench, 8, 0)).unwrap();
    let last = bench.records().pop().unwrap().entry;
    assert_eq!((last.kind, last.name.as_str(), last.scope.as_str()), (Kind::Crl, "8", "all"));
}

#[test]
fn refuses_a_crl_of_another_issuer_of_another_place_or_out_of_order() {
    let bench = Bench::new();
    assert_eq!(bench.refused(AUTHORITY, &crl_of(name("Other").der(), 1, 0, &[])), "crl.lint");
    // A critical IssuingDistributionPoint that names a place where this authority has no CRLs.
    let point = tlv(0x30, &tlv(0xA0, &tlv(0xA0, &tlv(0x86, b"http://elsewhere.example/x.crl"))));
    let oid = tlv(0x06, &[0x55, 0x1D, 0x1C]);
    let pointed = tlv(0x30, &[oid, vec![0x01, 0x01, 0xFF], tlv(0x04, &point)].concat());
    assert_eq!(bench.refused(AUTHORITY, &crl_of(bench.issuer.name().der(), 1, 0, &pointed)), "crl.place");
    // Entries the other way round.
    let mut swapped = crl(&bench, 1, 2);
    let first = swapped.windows(3).position(|window| window == [0x31, 0, 0]).unwrap();
    swapped[first + 2] = 9;
    assert_eq!(bench.refused(AUTHORITY, &swapped), "crl.lint");
    let cut = crl(&bench, 1, 2);
    assert_eq!(bench.refused(AUTHORITY, &cut[..cut.len() - 1]), "key.purpose");
}

#[test]
fn h_06_a_corrupted_signature_never_leaves_the_signer() {
    let bench = Bench::new();
    bench.break_keys(Fault::Corrupted);
    assert_eq!(bench.refused(AUTHORITY, &certificate(&bench, &STATION)), "signature.broken");
}

#[test]
fn h_07_a_signature_by_another_key_never_leaves_the_signer() {
    let bench = Bench::new();
    bench.break_keys(Fault::ByAnother(STRANGER));
    let denial = bench.sign(AUTHORITY, &certificate(&bench, &STATION)).unwrap_err();
    assert_eq!(denial.meaning, signer_link::denial::Meaning::OutcomeUnknown);
}
