//! What is not in order, and where: the file, and the step of the transcript that speaks of it.

use core::fmt;

use serde::Serialize;

use crate::transcript::Transcript;

/// Something that is not in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleFinding {
    /// The file in which it was found.
    pub file: Option<String>,
    /// The step that it is about.
    pub step: Option<u32>,
    /// What is wrong, in a sentence.
    pub what: String,
}

impl fmt::Display for BundleFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.step) {
            (Some(file), Some(step)) => write!(f, "{file} (step {step}): {}", self.what),
            (Some(file), None) => write!(f, "{file}: {}", self.what),
            (None, Some(step)) => write!(f, "step {step}: {}", self.what),
            (None, None) => f.write_str(&self.what),
        }
    }
}

/// Gathers findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<BundleFinding>,
    remarks: Vec<String>,
}

impl Findings {
    /// Notes something about a file, or about the bundle.
    pub(super) fn note(&mut self, file: Option<&str>, what: impl Into<String>) {
        self.found.push(BundleFinding { file: file.map(str::to_owned), step: None, what: what.into() });
    }

    /// Notes something about a step.
    pub(super) fn at_step(&mut self, file: &str, step: u32, what: impl Into<String>) {
        self.found.push(BundleFinding { file: Some(file.to_owned()), step: Some(step), what: what.into() });
    }

    /// Notes what a check says, if it says anything.
    pub(super) fn take<T>(&mut self, file: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|what| self.note(Some(file), what)).ok()
    }

    /// Remarks on what is worth knowing and no fault.
    pub(super) fn remark(&mut self, what: impl Into<String>) {
        self.remarks.push(what.into());
    }

    pub(super) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Returns the findings; files that a step speaks of are tied to it.
    pub(super) fn into_list(mut self, transcript: Option<&Transcript>) -> Vec<BundleFinding> {
        for finding in self.found.iter_mut().filter(|finding| finding.step.is_none()) {
            finding.step = finding.file.as_deref().and_then(|file| step_of(file, transcript?));
        }
        self.found
    }
}

/// The last step that names a file among what it took in or made; for a record, the step that made the object.
fn step_of(file: &str, transcript: &Transcript) -> Option<u32> {
    let object = file.strip_prefix("records/").and_then(|name| name.strip_suffix(".json"));
    let file = object.map_or_else(|| file.to_owned(), |object| format!("outputs/{object}"));
    let names = |entry: &&crate::transcript::Entry| {
        entry.inputs().iter().chain(entry.outputs()).any(|named| named.name == file)
    };
    transcript.entries().iter().rev().find(names).map(crate::transcript::Entry::step)
}
