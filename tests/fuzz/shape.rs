//! Mutations that keep the form of a message, so that they get past its outermost length: DER as trees of elements, base64 with
//! such a tree in it, JSON as a row of texts, datagrams one after another.
//!
//! What is made is as wrong as a mutation pleases; only what was not changed still fits. Blind mutations of single octets are
//! made too, since forms are broken that way. Everything follows from the seed.

mod der;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;

/// How the input of a reader is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Elements of DER, one after another.
    Der,
    /// Elements of DER in base64, armoured or not.
    Base64,
    /// JSON, with base64 in its texts.
    Json,
    /// Datagrams, each behind two octets that say how long it is.
    Datagrams,
    /// Octets whose form no mutation keeps.
    Octets,
}

/// A mutation makes no more of a message.
const MAX_OCTETS: usize = 1 << 18;
const END_OF_LINE: usize = 64;
const TEXTS: [&str; 8] = [
    "",
    "\\u0000",
    "\\uD800",
    "null",
    "{}",
    "[[[[[[[[",
    "\u{202E}\u{10FFFF}",
    "-----BEGIN CERTIFICATE REQUEST-----",
];

/// Changes a message once to four times; it may come out as it was.
pub(crate) fn mutate(octets: &[u8], shape: Shape, rng: &mut Rng) -> Vec<u8> {
    let mut octets = octets.to_vec();
    for _ in 0..rng.usize(1..=4) {
        octets = match (rng.u8(0..4), shape) {
            (0, _) | (_, Shape::Octets) => blind(octets, rng),
            (_, Shape::Der) => der::mutate(&octets, rng),
            (_, Shape::Base64) => in_base64(&octets, rng).unwrap_or_else(|| blind(octets, rng)),
            (_, Shape::Json) => in_json(octets, rng),
            (_, Shape::Datagrams) => in_datagrams(&octets, rng),
        };
        octets.truncate(MAX_OCTETS);
    }
    octets
}

/// The elements of DER that stand one after another, each with its head; what is none ends them.
pub(crate) fn elements(octets: &[u8]) -> Vec<&[u8]> {
    let mut rest = octets;
    let mut all = Vec::new();
    while let Some((element, behind)) = der::split(rest) {
        all.push(element);
        rest = behind;
    }
    all
}

/// The datagrams of an input; the last one has what is left.
pub(crate) fn datagrams(octets: &[u8]) -> Vec<&[u8]> {
    let mut rest = octets;
    let mut all = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (datagram, behind) = behind.split_at(length);
        all.push(datagram);
        rest = behind;
    }
    all
}

/// Puts datagrams one after another.
pub(crate) fn of_datagrams(datagrams: &[Vec<u8>]) -> Vec<u8> {
    let one = |datagram: &Vec<u8>| {
        let length = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes()[..], &datagram[..usize::from(length)]].concat()
    };
    datagrams.iter().flat_map(one).collect()
}

/// Changes one datagram, leaves it out, sends it again, or lets it come at another time.
fn in_datagrams(octets: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = datagrams(octets).into_iter().map(<[u8]>::to_vec).collect();
    if all.is_empty() {
        return blind(octets.to_vec(), rng);
    }
    let (place, other) = (rng.usize(0..all.len()), rng.usize(0..all.len()));
    match rng.u8(0..8) {
        0 => drop(all.remove(place)),
        1 => all.insert(other, all[place].clone()),
        2 => all.swap(place, other),
        _ => all[place] = blind(std::mem::take(&mut all[place]), rng),
    }
    of_datagrams(&all)
}

/// Changes, puts in or leaves out octets anywhere.
fn blind(mut octets: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    let place = rng.usize(0..=octets.len());
    match rng.u8(0..5) {
        0 => octets.insert(place, rng.u8(..)),
        1 => octets.truncate(place),
        2 => drop(octets.drain(place..octets.len().min(place + 4))),
        3 => {
            let copied = octets.get(..place).unwrap_or_default().to_vec();
            octets.extend(copied);
        }
        _ => {
            if let Some(octet) = octets.get_mut(place) {
                *octet ^= 1 << rng.u8(0..8);
            }
        }
    }
    octets
}

fn in_base64(text: &[u8], rng: &mut Rng) -> Option<Vec<u8>> {
    let armoured = text.starts_with(b"-----");
    let lines = text.split(|octet| *octet == b'\n').filter(|line| !line.starts_with(b"-----"));
    let digits: Vec<u8> = lines.flatten().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let mutated = STANDARD.encode(der::mutate(&STANDARD.decode(digits).ok()?, rng));
    let length = if rng.bool() { END_OF_LINE } else { usize::MAX };
    let mut written: Vec<u8> = mutated.as_bytes().chunks(length).collect::<Vec<_>>().join(&b'\n');
    if armoured && rng.u8(0..8) > 0 {
        written.splice(..0, *b"-----BEGIN CERTIFICATE REQUEST-----\n");
        written.extend(b"\n-----END CERTIFICATE REQUEST-----\n");
    }
    Some(written)
}

/// Changes one of the pieces between quotation marks: by what it is, or by leaving it out or repeating it.
fn in_json(octets: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    let mut pieces: Vec<Vec<u8>> = octets.split(|octet| *octet == b'"').map(<[u8]>::to_vec).collect();
    let place = rng.usize(0..pieces.len());
    let Some(piece) = pieces.get_mut(place) else { return octets };
    match rng.u8(0..8) {
        0 => drop(pieces.remove(place)),
        1 => pieces.insert(place, pieces.get(place).cloned().unwrap_or_default()),
        2 => *piece = piece.repeat(rng.usize(2..200).min(MAX_OCTETS / piece.len().max(1))),
        3 => *piece = rng.choice(TEXTS).unwrap_or_default().as_bytes().to_vec(),
        4 => *piece = blind(std::mem::take(piece), rng),
        _ => *piece = in_base64(piece, rng).unwrap_or_else(|| blind(piece.clone(), rng)),
    }
    pieces.join(&b'"')
}
