//! What has to be known of a log before a key signs again: how often it signed on the day, and the last number in each scope.
//!
//! It is read out of the records, and carried over to the next segment as records, so that a start reads one segment.

use std::collections::BTreeMap;

use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;

use super::record::{BEGUN, CARRIED, Entry, Kind, SIGNED};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What a log says of each key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recollection {
    keys: BTreeMap<KeyRef, KeyRecollection>,
    /// The time of the last record.
    time: Option<UnixTime>,
}

/// What it says of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRecollection {
    /// The day on which the key signed last, in days since 1970.
    pub day: i64,
    /// How often it signed on that day.
    pub signed: u64,
    /// The last number of each scope, and the digest of what bore it.
    pub last: BTreeMap<(Kind, String), (u64, [u8; 32])>,
}

impl Recollection {
    /// Remembers a record.
    pub(super) fn note(&mut self, entry: &Entry) {
        self.time = Some(entry.time);
        match entry.outcome.as_str() {
            SIGNED => self.of(entry.key).signed_once(entry),
            CARRIED => self.of(entry.key).carried(entry),
            _ => {}
        }
    }

    /// Takes out what is known of a key.
    pub fn take(&mut self, key: &KeyRef) -> KeyRecollection {
        self.keys.remove(key).unwrap_or_default()
    }

    /// Makes the entries that a new segment begins with.
    pub(super) fn to_carry(&self) -> Vec<Entry> {
        let carried: Vec<Entry> = self.keys.iter().flat_map(|(key, one)| self.entries(*key, one)).collect();
        let begun = Entry {
            name: carried.len().to_string(),
            outcome: BEGUN.to_owned(),
            ..self.entry(KeyRef::new([0; 20]), Kind::Segment)
        };
        std::iter::once(begun).chain(carried).collect()
    }

    fn of(&mut self, key: KeyRef) -> &mut KeyRecollection {
        self.keys.entry(key).or_default()
    }

    fn entries(&self, key: KeyRef, one: &KeyRecollection) -> Vec<Entry> {
        let day = (one.signed > 0).then(|| Entry {
            time: UnixTime::from_seconds(one.day.saturating_mul(DAY)),
            name: one.signed.to_string(),
            ..self.entry(key, Kind::Segment)
        });
        let last = one.last.iter().map(|((kind, scope), (number, digest))| Entry {
            name: number.to_string(),
            scope: scope.clone(),
            digest: *digest,
            ..self.entry(key, *kind)
        });
        day.into_iter().chain(last).collect()
    }

    fn entry(&self, key: KeyRef, kind: Kind) -> Entry {
        Entry {
            time: self.time.unwrap_or(UnixTime::from_seconds(0)),
            // Nobody asked.
            user: 0,
            key,
            kind,
            issuer: None,
            name: String::new(),
            scope: String::new(),
            digest: [0; 32],
            outcome: CARRIED.to_owned(),
        }
    }
}

impl KeyRecollection {
    fn signed_once(&mut self, entry: &Entry) {
        let day = entry.time.days();
        self.signed = if self.day == day { self.signed + 1 } else { 1 };
        self.day = day;
        self.follow(entry);
    }

    fn carried(&mut self, entry: &Entry) {
        if entry.kind == Kind::Segment {
            self.day = entry.time.days();
            self.signed = entry.name.parse().unwrap_or(0);
        } else {
            self.follow(entry);
        }
    }

    fn follow(&mut self, entry: &Entry) {
        if let (Kind::Crl | Kind::Checkpoint, Ok(number)) = (entry.kind, entry.name.parse()) {
            self.last.insert((entry.kind, entry.scope.clone()), (number, entry.digest));
        }
    }
}
