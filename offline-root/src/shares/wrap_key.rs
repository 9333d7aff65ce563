//! The wrap key, and its points: the only place that knows how a secret is shared.
//!
//! Points are in memory only; how they are written down, and what tells a wrong one, is in the modules above.

use core::fmt;

use blahaj::{Share as BlahajShare, Sharks};
use ca_core::ports::{Entropy, Unavailable};
use sha2::{Digest, Sha256};
use signer_file::{Passphrase, SystemEntropy};
use zeroize::Zeroizing;

use super::share_set::SetId;

/// Its length, and that of a point, in octets.
pub(super) const OCTETS: usize = 32;

/// What the key files of a root are encrypted under: 32 random octets. Wiped when it is dropped.
pub(crate) struct WrapKey(Zeroizing<[u8; OCTETS]>);

impl WrapKey {
    /// Draws a wrap key.
    pub(super) fn draw() -> Result<Self, Unavailable> {
        let mut octets = Zeroizing::new([0; OCTETS]);
        SystemEntropy.fill(octets.as_mut())?;
        Ok(Self(octets))
    }

    /// Returns it as key files take it: in 64 hexadecimal digits, so that other programs can be given it too.
    #[expect(clippy::expect_used, reason = "a passphrase may have 1 to 1024 octets, and this one has 64")]
    pub(crate) fn passphrase(&self) -> Passphrase {
        let digits = Zeroizing::new(hex::encode(self.0.as_ref()).into_bytes());
        Passphrase::new(digits).expect("64 octets")
    }

    /// Returns what tells this key from every other one, and tells nothing about it.
    pub(super) fn commitment(&self, set: SetId) -> [u8; 32] {
        commitment("meter-pki wrap key", set, 0, &self.0)
    }

    /// Splits it into `of` points, of which any `threshold` give it back.
    pub(super) fn split(&self, threshold: u8, of: u8) -> Vec<Point> {
        let points = Sharks(threshold).dealer(self.0.as_ref());
        (1..=of).zip(points).filter_map(|(number, point)| Point::of(number, &point)).collect()
    }

    /// Puts points together. Any points of enough different numbers give a key; whether it is the one that was split, only
    /// its commitment tells.
    pub(super) fn combine(threshold: u8, points: &[Point]) -> Option<Self> {
        let points: Vec<BlahajShare> = points.iter().filter_map(Point::to_blahaj).collect();
        let octets = Zeroizing::new(Sharks(threshold).recover(&points).ok()?);
        let mut key = Zeroizing::new([0; OCTETS]);
        key.copy_from_slice(octets.first_chunk::<OCTETS>().filter(|_| octets.len() == OCTETS)?);
        Some(Self(key))
    }
}

impl fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrapKey(not shown)")
    }
}

/// One point of a wrap key. Wiped when it is dropped.
pub(super) struct Point {
    number: u8,
    octets: Zeroizing<[u8; OCTETS]>,
}

impl Point {
    /// Takes a number from 1 and as many octets as a point has.
    pub(super) fn new(number: u8, octets: &[u8]) -> Option<Self> {
        let mut point = Zeroizing::new([0; OCTETS]);
        point.copy_from_slice(octets.first_chunk::<OCTETS>().filter(|_| octets.len() == OCTETS)?);
        (number > 0).then_some(Self { number, octets: point })
    }

    fn of(number: u8, point: &BlahajShare) -> Option<Self> {
        let octets = Zeroizing::new(Vec::from(point));
        let (own, octets) = octets.split_first()?;
        Self::new(number, octets).filter(|_| *own == number)
    }

    fn to_blahaj(&self) -> Option<BlahajShare> {
        let mut octets = Zeroizing::new(Vec::with_capacity(OCTETS + 1));
        octets.push(self.number);
        octets.extend_from_slice(self.octets.as_ref());
        BlahajShare::try_from(octets.as_slice()).ok()
    }

    pub(super) const fn number(&self) -> u8 {
        self.number
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.octets.as_ref()
    }

    /// Returns what tells this point from every other one, and tells nothing about it.
    pub(super) fn commitment(&self, set: SetId) -> [u8; 32] {
        commitment("meter-pki share", set, self.number, &self.octets)
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Point({}, not shown)", self.number)
    }
}

/// SHA-256 hides 256 random bits; what stands before them keeps a commitment from being one to something else.
fn commitment(what: &str, set: SetId, number: u8, secret: &[u8; OCTETS]) -> [u8; 32] {
    Sha256::new()
        .chain_update(what)
        .chain_update(set.octets())
        .chain_update([number])
        .chain_update(secret)
        .finalize()
        .into()
}
