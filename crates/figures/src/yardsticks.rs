//! What the machine can do at best: raw signatures and verifications by aws-lc-rs, and appends that are on disk.
//!
//! Measured again and again during the whole run; every measurement is noted, so that the table also shows how the machine
//! drifted. Uses nothing of our own code.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ca_core::suite::Curve;

use crate::appended::Appended;
use crate::options::Pace;
use crate::order;
use crate::raw_key::RawKey;
use crate::speed::{Speed, Spread, Stopwatch};

/// As long as one intent with its audit record, about.
const APPENDED: [u8; 4_096] = [0x5A; 4_096];

/// A limit over all measurements of a run.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) name: String,
    pub(crate) per_second: Spread,
    /// Microseconds.
    pub(crate) processor: Spread,
}

/// The measured limits.
pub(crate) struct Yardsticks {
    slice: Duration,
    sync_slice: Duration,
    keys: [RawKey; 2],
    file: Appended,
    notes: Vec<(String, Vec<Speed>)>,
}

impl Yardsticks {
    pub(crate) fn new(place: &Path, pace: Pace) -> anyhow::Result<Self> {
        Ok(Self {
            slice: pace.limit_slice,
            sync_slice: pace.sync_slice,
            keys: [RawKey::new(Curve::P256)?, RawKey::new(Curve::P384)?],
            file: Appended::create(&place.join("appended"))?,
            notes: Vec::new(),
        })
    }

    /// How long one yardstick is applied.
    pub(crate) const fn slice(&self) -> Duration {
        self.slice
    }

    /// Signatures, by so many threads at once.
    pub(crate) fn signatures(&mut self, curve: Curve, threads: usize) -> anyhow::Result<Speed> {
        let key = of_curve(&self.keys, curve)?;
        let found = repeated(threads, self.slice, || key.sign().map(drop))?;
        self.note(format!("signatures, {curve}, {}", plural(threads, "thread")), found);
        Ok(found)
    }

    /// Verifications, by so many threads at once.
    pub(crate) fn verifications(&mut self, curve: Curve, threads: usize) -> anyhow::Result<Speed> {
        let key = of_curve(&self.keys, curve)?;
        let found = repeated(threads, self.slice, || key.verify())?;
        self.note(format!("verifications, {curve}, {}", plural(threads, "thread")), found);
        Ok(found)
    }

    /// Appends of 4,096 octets, each on disk before the next.
    pub(crate) fn syncs(&mut self) -> anyhow::Result<Speed> {
        let (watch, mut count) = (Stopwatch::start(), 0_usize);
        // One is not enough to tell anything, however slow the disk.
        while count < 8 || watch.elapsed() < self.sync_slice {
            self.file.append(&APPENDED)?;
            self.file.sync()?;
            count += 1;
        }
        let found = watch.speed(count)?;
        self.note("appends of 4,096 octets with fdatasync".to_owned(), found);
        Ok(found)
    }

    /// Certificates in the order of issuance and with nothing else, by so many requesters at once.
    pub(crate) fn in_order(&mut self, curve: Curve, requesters: usize) -> anyhow::Result<Speed> {
        let key = of_curve(&self.keys, curve)?;
        let found = order::certificates(requesters, self.sync_slice, (key, &mut self.file))?;
        let requesters = plural(requesters, "requester");
        self.note(format!("certificates by the order of issuance alone, {curve}, {requesters}"), found);
        Ok(found)
    }

    /// Notes a limit that was measured, be it elsewhere.
    pub(crate) fn note(&mut self, name: String, speed: Speed) {
        match self.notes.iter_mut().find(|(noted, _)| *noted == name) {
            Some((_, speeds)) => speeds.push(speed),
            None => self.notes.push((name, vec![speed])),
        }
    }

    /// Returns every limit that was measured, in the order of their names: per second, and microseconds of processor time.
    pub(crate) fn noted(&self) -> Vec<Noted> {
        let spread = |speeds: &[Speed], of: &dyn Fn(&Speed) -> f64| {
            Spread::of(&speeds.iter().map(of).collect::<Vec<_>>())
        };
        let mut noted: Vec<_> = self
            .notes
            .iter()
            .filter_map(|(name, speeds)| {
                let per_second = spread(speeds, &|speed| speed.per_second)?;
                let processor = spread(speeds, &|speed| 1e6 * speed.processor_seconds)?;
                Some(Noted { name: name.clone(), per_second, processor })
            })
            .collect();
        noted.sort_by(|one, other| one.name.cmp(&other.name));
        noted
    }
}

fn of_curve(keys: &[RawKey], curve: Curve) -> anyhow::Result<&RawKey> {
    let key = keys.iter().find(|key| key.curve == curve);
    key.ok_or_else(|| anyhow::anyhow!("there is no key on {curve}"))
}

/// Does the same thing on some threads for as long as `slice`.
fn repeated(
    threads: usize,
    slice: Duration,
    act: impl Fn() -> anyhow::Result<()> + Sync,
) -> anyhow::Result<Speed> {
    let act = &act;
    let watch = Stopwatch::start();
    let count = thread::scope(|scope| {
        let one = || {
            let mut count = 0_usize;
            while count == 0 || watch.elapsed() < slice {
                act()?;
                count += 1;
            }
            anyhow::Ok(count)
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum::<anyhow::Result<usize>>()
    })?;
    watch.speed(count)
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
