//! The transcript: what was done, step by step, as a chain of lines that operator and witness sign.
//!
//! Append-only; a line is on the disk before its effect is told, so that a ceremony resumes from it after a power cut
//! (case R-07). A line holds the SHA-256 of the line before it, the first one that of the ceremony file: what is changed is
//! found, and in which step (case R-14).

mod journal;
pub mod entry;
pub mod action;

use ca_core::validity::UnixTime;

use crate::file::CeremonyFile;
use crate::file::root::RootName;
use crate::words::Fingerprint;
use action::Action;
use entry::EntryError;
pub use entry::{DraftEntry, Entry, NamedFingerprint, PersonSignature};
pub use journal::{Journal, JournalError};

/// A transcript that was read and checked: chain, signatures, order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    entries: Vec<Entry>,
    tip: Fingerprint,
}

impl Transcript {
    /// Begins the transcript of a ceremony; nothing is written.
    #[must_use]
    pub const fn begin(file: &CeremonyFile) -> Self {
        Self { entries: Vec::new(), tip: *file.fingerprint() }
    }

    /// Reads the octets of a transcript and checks every line.
    ///
    /// # Errors
    /// [`TranscriptError`] with the step whose line is at fault.
    pub fn read(octets: &[u8], file: &CeremonyFile) -> Result<Self, TranscriptError> {
        let mut transcript = Self::begin(file);
        let mut rest = octets;
        while !rest.is_empty() {
            let step = transcript.next_step();
            let at = |cause| TranscriptError { step, cause };
            let end =
                rest.iter().position(|octet| *octet == b'\n').ok_or_else(|| at(EntryError::CutShort))?;
            let (line, after) = rest.split_at(end);
            transcript.take(line, file).map_err(at)?;
            rest = after.get(1..).unwrap_or_default();
        }
        Ok(transcript)
    }

    /// Lists the entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Lists what was done, in order, with the numbers of the steps.
    #[must_use]
    pub fn actions(&self) -> impl DoubleEndedIterator<Item = (u32, &Action)> {
        self.entries.iter().map(|entry| (entry.step(), entry.action()))
    }

    /// Tells whether the ceremony was opened as a rehearsal.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.actions().any(|(_, action)| matches!(action, Action::Opened { rehearsal: true, .. }))
    }

    /// Returns the SHA-256 of the certificate that stands in for a root of an earlier ceremony; nothing in a ceremony that is
    /// no rehearsal.
    #[must_use]
    pub fn stand_in(&self, name: &RootName) -> Option<Fingerprint> {
        let stood_in = self.actions().find_map(|(_, action)| {
            let Action::StoodIn { root, certificate, .. } = action else { return None };
            (root == name).then_some(*certificate)
        });
        stood_in.filter(|_| self.is_rehearsal())
    }

    /// Returns the SHA-256 of the last line; of the ceremony file, while there is none.
    #[must_use]
    pub const fn tip(&self) -> &Fingerprint {
        &self.tip
    }

    /// Drafts the next entry, which people then sign.
    #[must_use]
    pub fn draft(
        &self,
        time: UnixTime,
        action: Action,
        inputs: Vec<NamedFingerprint>,
        outputs: Vec<NamedFingerprint>,
    ) -> DraftEntry {
        DraftEntry::new((self.next_step(), self.tip), time, action, (inputs, outputs))
    }

    fn next_step(&self) -> u32 {
        self.entries.last().map_or(1, |last| last.step().saturating_add(1))
    }

    /// Takes the next line, without its end.
    pub(crate) fn take(&mut self, line: &[u8], file: &CeremonyFile) -> Result<(), EntryError> {
        let entry = self.check(line, file)?;
        self.push(entry, line);
        Ok(())
    }

    /// Reads a line, without its end, and checks that it can be the next.
    fn check(&self, line: &[u8], file: &CeremonyFile) -> Result<Entry, EntryError> {
        let entry = Entry::read(line)?;
        entry.check_place(self.next_step(), &self.tip)?;
        entry.check_signatures(file.people())?;
        match self.entries.last().map(Entry::time) {
            Some(last) if last > entry.time() => Err(EntryError::TimeWentBack { time: entry.time(), last }),
            _ => Ok(entry),
        }
    }

    fn push(&mut self, entry: Entry, line: &[u8]) {
        self.tip = Fingerprint::of(line);
        self.entries.push(entry);
    }
}

/// A transcript that is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("step {step} of the transcript: {cause}")]
pub struct TranscriptError {
    /// The first step whose line is at fault, from 1.
    pub step: u32,
    /// What is wrong with it.
    #[source]
    pub cause: EntryError,
}

#[cfg(test)]
mod tests;
