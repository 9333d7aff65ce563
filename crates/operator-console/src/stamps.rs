//! That a form comes from a page of ours that the same visitor saw a while ago, and counts once: against pages of others that make a
//! browser send what its user never saw (case M-08).
//!
//! A stamp is bound to the visitor, to what the form changes and to a moment; the server keeps nothing of it. What it becomes as a key
//! of the call (`Idempotency-Key`) is the interface's to remember: who sends the form twice gets the first answer.

use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// For how long a form may be filled in, in seconds.
const FRESH: i64 = 3_600;

/// The name of the field.
pub(crate) const FIELD: &str = "stamp";

/// Stamps of one process.
pub(crate) struct Stamps {
    key: [u8; 64],
    count: AtomicU64,
}

/// Whom and what a stamp is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'a> {
    /// Who the visitor is.
    pub(crate) visitor: &'a str,
    /// What is changed.
    pub(crate) path: &'a str,
}

impl Stamps {
    pub(crate) const fn new(key: [u8; 64]) -> Self {
        Self { key, count: AtomicU64::new(0) }
    }

    /// Makes a new one.
    pub(crate) fn make(&self, bound: Bound<'_>, now: i64) -> String {
        let (number, until) = (self.count.fetch_add(1, Ordering::Relaxed), now.saturating_add(FRESH));
        format!("{number}.{until}.{}", hex::encode(self.mac(bound, number, until).finalize().into_bytes()))
    }

    /// Tells by which key the call is known if the stamp is one of ours, for this, and fresh.
    pub(crate) fn key(&self, text: &str, bound: Bound<'_>, now: i64) -> Option<String> {
        let mut parts = text.splitn(3, '.');
        let (number, until, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let (number, until): (u64, i64) = (number.parse().ok()?, until.parse().ok()?);
        let is_ours = self.mac(bound, number, until).verify_slice(&hex::decode(mac).ok()?).is_ok();
        (is_ours && now <= until).then(|| format!("console-{mac}"))
    }

    fn mac(&self, bound: Bound<'_>, number: u64, until: i64) -> Hmac<Sha256> {
        let [visitor, path] = [bound.visitor, bound.path].map(str::as_bytes);
        // Each part with its length in front: no two stamps are made of the same octets.
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.key.into());
        for part in [visitor, path, &number.to_be_bytes(), &until.to_be_bytes()] {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVA: Bound<'_> = Bound { visitor: "eva", path: "/v1/revocations" };

    #[test]
    fn a_stamp_is_good_for_its_visitor_and_change_for_an_hour_and_names_its_call() {
        let stamps = Stamps::new([7; 64]);
        let (one, other) = (stamps.make(EVA, 1_000), stamps.make(EVA, 1_000));
        let key = stamps.key(&one, EVA, 1_000 + FRESH).unwrap();
        assert_eq!(stamps.key(&one, EVA, 1_001).unwrap(), key, "the same form is the same call");
        assert_ne!(stamps.key(&other, EVA, 1_001).unwrap(), key, "another form is another");
        assert_eq!(stamps.key(&one, EVA, 1_001 + FRESH), None);
        for bound in [Bound { visitor: "ron", ..EVA }, Bound { path: "/v1/people", ..EVA }] {
            assert_eq!(stamps.key(&one, bound, 1_000), None, "{bound:?}");
        }
        assert_eq!(Stamps::new([8; 64]).key(&one, EVA, 1_000), None, "of another process");
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        let stamps = Stamps::new([7; 64]);
        let mut later = stamps.make(EVA, 1_000);
        later.replace_range(2..6, "9999");
        for text in ["", ".", "..", "0.1.zz", "0.1.é", "0.9999999999.00", &later] {
            assert_eq!(stamps.key(text, EVA, 1_000), None, "{text}");
        }
    }
}
