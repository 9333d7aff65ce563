//! DER by hand, and of it the structures that the checker reads.

use p256::ecdsa::SigningKey;

/// ecdsa-with-SHA256, without parameters.
const ECDSA_SHA256: [u8; 12] = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];

/// id-ecPublicKey with secp256r1.
const P256: [u8; 21] =
    [0x30, 19, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];

pub(crate) fn object(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut der = vec![tag];
    match length {
        [0, short @ 0..0x80] => der.push(short),
        [0, long] => der.extend([0x81, long]),
        long => der.extend([0x82, long[0], long[1]]),
    }
    der.extend(content);
    der
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    object(0x30, &parts.concat())
}

/// A number of so many octets, without those in front that are not needed.
pub(crate) fn integer(octets: &[u8]) -> Vec<u8> {
    let first = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len() - 1);
    let mut content = octets[first..].to_vec();
    if content[0] >= 0x80 {
        content.insert(0, 0);
    }
    object(2, &content)
}

pub(crate) fn time(seconds: i64) -> Vec<u8> {
    integer(&seconds.to_be_bytes())
}

pub(crate) fn octets(octets: &[u8]) -> Vec<u8> {
    object(4, octets)
}

pub(crate) fn text(tag: u8, text: &str) -> Vec<u8> {
    object(tag, text.as_bytes())
}

pub(crate) fn utf8(words: &str) -> Vec<u8> {
    text(0x0C, words)
}

/// The version octet and a row.
pub(crate) fn row(der: &[u8]) -> Vec<u8> {
    [&[1], der].concat()
}

pub(crate) fn id_row(issuer: &[u8], serial: &[u8]) -> Vec<u8> {
    row(&sequence(&[octets(issuer), octets(serial)]))
}

pub(crate) fn certificate_row(state: u8, octets_: &[u8], fingerprint: &[u8]) -> Vec<u8> {
    row(&sequence(&certificate_fields(state, octets_, fingerprint)))
}

/// The row of one that was taken over: `takenOver [5] NULL` behind the others.
pub(crate) fn taken_over_row(octets_: &[u8], fingerprint: &[u8]) -> Vec<u8> {
    let mut fields = certificate_fields(1, octets_, fingerprint);
    fields.push(vec![0xA5, 2, 5, 0]);
    row(&sequence(&fields))
}

fn certificate_fields(state: u8, octets_: &[u8], fingerprint: &[u8]) -> Vec<Vec<u8>> {
    vec![
        vec![0x0A, 1, state],
        time(super::NOW),
        octets(octets_),
        utf8("tenant"),
        utf8("profile-1"),
        integer(&[1]),
        utf8("subject"),
        octets(fingerprint),
        vec![0x0A, 1, 1],
        time(super::NOW),
        time(super::NOW + 31_536_000),
        time(super::NOW),
    ]
}

fn name() -> Vec<u8> {
    let common_name = sequence(&[vec![6, 3, 0x55, 4, 3], utf8("CA")]);
    sequence(&[object(0x31, &common_name)])
}

fn extension(last: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[vec![6, 3, 0x55, 0x1D, last], octets(value)])
}

fn tbs_with(serial: &[u8], ends: &str, point: &[u8], extensions: Vec<u8>) -> Vec<u8> {
    sequence(&[
        vec![0xA0, 3, 2, 1, 2],
        integer(serial),
        ECDSA_SHA256.to_vec(),
        name(),
        sequence(&[text(0x17, "260101000000Z"), text(0x17, ends)]),
        name(),
        sequence(&[P256.to_vec(), object(3, &[&[0], point].concat())]),
        extensions,
    ])
}

/// A `TBSCertificate`.
pub(crate) fn tbs(serial: &[u8], ends: &str) -> Vec<u8> {
    tbs_with(serial, ends, &[4; 65], Vec::new())
}

/// A certificate of the authority itself; its signature is of no interest.
pub(crate) fn authority(key: &SigningKey, name: &[u8]) -> Vec<u8> {
    let point = key.verifying_key().to_sec1_point(false);
    let extensions = object(0xA3, &sequence(&[extension(14, &octets(name))]));
    signed(&tbs_with(&[1], "300101000000Z", point.as_bytes(), extensions), &[0])
}

/// A `TBSCertList`.
pub(crate) fn crl_tbs(number: u8, this_update: &str, serials: &[Vec<u8>]) -> Vec<u8> {
    let entry = |serial: &Vec<u8>| sequence(&[integer(serial), text(0x17, "260101000000Z")]);
    crl_of(number, this_update, serials.iter().map(entry).collect())
}

/// One that lists one certificate for good and one on hold.
pub(crate) fn crl_with_hold(number: u8, (revoked, held): (&[u8], &[u8])) -> Vec<u8> {
    let date = || text(0x17, "260101000000Z");
    let on_hold = sequence(&[extension(21, &[0x0A, 1, 6])]);
    let entries = [sequence(&[integer(revoked), date()]), sequence(&[integer(held), date(), on_hold])];
    crl_of(number, "260101000000Z", entries.to_vec())
}

/// The CRL of shard `0a`.
pub(crate) fn shard_tbs(number: u8, this_update: &str, serials: &[Vec<u8>]) -> Vec<u8> {
    let entry = |serial: &Vec<u8>| sequence(&[integer(serial), text(0x17, "260101000000Z")]);
    let place = object(0xA0, &object(0xA0, &text(0x86, "http://crl.example.net/ca/0a.crl")));
    let point = sequence(&[vec![6, 3, 0x55, 0x1D, 28], vec![1, 1, 0xFF], octets(&sequence(&[place]))]);
    crl_with(number, this_update, (serials.iter().map(entry).collect(), vec![point]))
}

fn crl_of(number: u8, this_update: &str, entries: Vec<Vec<u8>>) -> Vec<u8> {
    crl_with(number, this_update, (entries, Vec::new()))
}

fn crl_with(number: u8, this_update: &str, (entries, more): (Vec<Vec<u8>>, Vec<Vec<u8>>)) -> Vec<u8> {
    let extensions = [vec![extension(20, &integer(&[number]))], more].concat();
    sequence(&[
        integer(&[1]),
        ECDSA_SHA256.to_vec(),
        name(),
        text(0x17, this_update),
        text(0x17, "260201000000Z"),
        if entries.is_empty() { Vec::new() } else { sequence(&entries) },
        object(0xA0, &sequence(&extensions)),
    ])
}

/// What stands in a structure of 128 to 65,535 octets.
pub(crate) fn content(der: &[u8]) -> Vec<u8> {
    let header = match der[1] {
        0x81 => 3,
        0x82 => 4,
        _ => 2,
    };
    der[header..].to_vec()
}

/// A signed structure.
pub(crate) fn signed(tbs: &[u8], signature: &[u8]) -> Vec<u8> {
    sequence(&[tbs.to_vec(), ECDSA_SHA256.to_vec(), object(3, &[&[0], signature].concat())])
}
