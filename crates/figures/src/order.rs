//! What the order of issuance allows by itself: requesters who come together, each of whom waits for the record as often as the chain of
//! issuance does, and one thread that records for all. Uses nothing of our own code.
//!
//! Nothing is decoded, looked up, drafted, linted, encoded or kept. It is no limit of a row: that counts what cannot be left out, and no
//! waiting. It tells how much of the way from a row to its limit is the order's, whatever the code.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use crate::appended::Appended;
use crate::raw_key::RawKey;
use crate::speed::{Speed, Stopwatch};

/// What is put on record of one certificate; together it is as long as what the chain writes into the journal of its ledger, about.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The intent with its audit record: on disk before anything is signed.
    Intent,
    /// The mark that it is given to the signer: with the operating system before anything is signed.
    Mark,
    /// The certificate with its audit record: on disk before it is delivered.
    Certificate,
}

impl Step {
    const fn octets(self) -> usize {
        match self {
            Self::Intent | Self::Certificate => 1_280,
            Self::Mark => 64,
        }
    }

    const fn is_synced(self) -> bool {
        match self {
            Self::Intent | Self::Certificate => true,
            Self::Mark => false,
        }
    }
}

/// What a requester has recorded.
struct Entry {
    requester: usize,
    step: Step,
}

/// Has so many requesters come for one certificate after the other as long as `slice`; returns how fast they had them.
pub(crate) fn certificates(
    requesters: usize,
    slice: Duration,
    (key, file): (&RawKey, &mut Appended),
) -> anyhow::Result<Speed> {
    let (asking, asked) = channel();
    let (answers, desks): (Vec<_>, Vec<_>) = (0..requesters)
        .map(|requester| {
            let (answer, answered) = sync_channel(1);
            (answer, Desk { requester, asking: asking.clone(), answered })
        })
        .unzip();
    // The recording thread ends when the last requester has; what it has of the channels goes with it, so that nobody waits for ever.
    drop(asking);
    let watch = Stopwatch::start();
    let count = thread::scope(|scope| {
        let recording = scope.spawn(move || record_all(&asked, &answers, file));
        let requester = |desk: Desk| {
            let mut count = 0_usize;
            while count == 0 || watch.elapsed() < slice {
                desk.certificate(key)?;
                count += 1;
            }
            anyhow::Ok(count)
        };
        let requesters: Vec<_> = desks.into_iter().map(|desk| scope.spawn(move || requester(desk))).collect();
        let counts: Vec<anyhow::Result<usize>> = requesters.into_iter().map(joined).collect();
        // Why nothing is recorded any more says more than that nothing is.
        joined(recording)?;
        counts.into_iter().sum::<anyhow::Result<usize>>()
    })?;
    watch.speed(count)
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Where a requester waits.
struct Desk {
    requester: usize,
    asking: Sender<Entry>,
    answered: Receiver<()>,
}

impl Desk {
    /// The request is verified, the certificate signed and verified.
    fn certificate(&self, key: &RawKey) -> anyhow::Result<()> {
        key.verify()?;
        self.record(Step::Intent)?;
        self.record(Step::Mark)?;
        key.sign()?;
        key.verify()?;
        self.record(Step::Certificate)
    }

    fn record(&self, step: Step) -> anyhow::Result<()> {
        let entry = Entry { requester: self.requester, step };
        self.asking.send(entry).ok().context("nobody records")?;
        self.answered.recv().context("it was not recorded")
    }
}

/// Records what has come, and answers; then what has come meanwhile. Marks are answered when they are written, and all else when one
/// fdatasync has brought it onto the disk.
fn record_all(
    asked: &Receiver<Entry>,
    answers: &[SyncSender<()>],
    file: &mut Appended,
) -> anyhow::Result<()> {
    let answer = |group: Vec<Entry>| {
        group.iter().try_for_each(|entry| {
            let answer = answers.get(entry.requester).context("there is no such requester")?;
            answer.send(()).ok().context("a requester has gone")
        })
    };
    while let Ok(first) = asked.recv() {
        let group = std::iter::once(first).chain(asked.try_iter());
        let (synced, marks): (Vec<Entry>, Vec<Entry>) = group.partition(|entry| entry.step.is_synced());
        file.append(&octets(&marks))?;
        answer(marks)?;
        if !synced.is_empty() {
            file.append(&octets(&synced))?;
            file.sync()?;
        }
        answer(synced)?;
    }
    Ok(())
}

/// As many as a group has.
fn octets(group: &[Entry]) -> Vec<u8> {
    vec![0x5A; group.iter().map(|entry| entry.step.octets()).sum()]
}

#[cfg(test)]
mod tests {
    use ca_core::suite::Curve;

    use super::*;

    #[test]
    fn every_requester_has_a_certificate_however_short_the_time() {
        let place = tempfile::tempdir().unwrap();
        let mut file = Appended::create(&place.path().join("appended")).unwrap();
        let key = RawKey::new(Curve::P256).unwrap();
        let speed = certificates(3, Duration::ZERO, (&key, &mut file)).unwrap();
        assert!(speed.per_second > 0.0 && speed.processor_seconds > 0.0);
        let recorded = [Step::Intent, Step::Mark, Step::Certificate].map(Step::octets).iter().sum::<usize>();
        let written = std::fs::metadata(place.path().join("appended")).unwrap().len();
        assert_eq!(written, u64::try_from(3 * recorded).unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_and_nobody_waits_for_ever() {
        let key = RawKey::new(Curve::P256).unwrap();
        let mut full = Appended::create(std::path::Path::new("/dev/full")).unwrap();
        assert!(certificates(3, Duration::ZERO, (&key, &mut full)).is_err());
    }
}
