//! Checks a bundle again: by anybody, on any machine, from the bundle alone (cases ).
//!
//! Nothing in a bundle is believed because it stands there: the manifest is held against the files, signatures against the
//! people of the ceremony file, the transcript against its chain and the course that a ceremony takes, and every signed
//! object against octets that are derived once more from the ceremony file. Every finding names its file and, where the
//! transcript tells, its step. What cannot be told from the bundle alone is whether these people are who they say.

mod continuity;
mod intact;
mod objects;
mod expected;
mod crls;
mod issuers;
mod contents;
mod course;
mod findings;

use core::fmt;

use serde::Serialize;

use crate::bundle::{Bundle, CEREMONY, MANIFEST, OpenBundleError, TRANSCRIPT};
use crate::file::CeremonyFile;
use crate::script::BANNER;
use crate::transcript::Transcript;
use crate::transcript::action::Action;
use crate::words::Fingerprint;
pub use findings::BundleFinding;
use findings::Findings;
pub use intact::IntactBundle;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Checked {
    /// Files under the manifest.
    pub files: usize,
    /// Steps of the transcript.
    pub steps: usize,
    /// Signatures by people.
    pub signatures: usize,
    /// Certificates whose to-be-signed octets were derived once more.
    pub certificates: usize,
    /// CRLs whose to-be-signed octets were derived once more.
    pub crls: usize,
    /// Responses that were opened.
    pub responses: usize,
}

/// What `verify` has to say of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The title of the ceremony.
    pub title: String,
    /// For which time it speaks.
    pub held: String,
    /// Whether it was a rehearsal.
    pub rehearsal: bool,
    /// SHA-256 of the ceremony file.
    pub ceremony: Option<Fingerprint>,
    /// SHA-256 of the manifest.
    pub manifest: Option<Fingerprint>,
    /// SHA-256 of the manifest of the bundle before, if one was looked at.
    pub previous: Option<Fingerprint>,
    /// What was looked at.
    pub checked: Checked,
    /// What is worth knowing and no fault.
    pub remarks: Vec<String>,
    /// What is not in order.
    pub findings: Vec<BundleFinding>,
}

impl Report {
    /// Tells whether nothing was changed and everything was done as the ceremony file says.
    #[must_use]
    pub const fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    /// The report of a bundle that cannot even be read.
    #[must_use]
    pub fn unreadable(error: &OpenBundleError) -> Self {
        let mut findings = Findings::default();
        findings.note(None, error.to_string());
        Self::without_ceremony(None, findings)
    }

    fn without_ceremony(manifest: Option<Fingerprint>, findings: Findings) -> Self {
        Self {
            title: String::new(),
            held: String::new(),
            rehearsal: false,
            ceremony: None,
            manifest,
            previous: None,
            checked: Checked::default(),
            remarks: Vec::new(),
            findings: findings.into_list(None),
        }
    }
}

/// Checks a bundle.
#[must_use]
pub fn verify(bundle: &Bundle) -> Report {
    let mut findings = Findings::default();
    let manifest = contents::manifest(bundle, &mut findings);
    let fingerprint = bundle.file(MANIFEST).map(Fingerprint::of);
    let Some(file) = ceremony_file(bundle, &mut findings) else {
        return Report::without_ceremony(fingerprint, findings);
    };
    let mut checked =
        Checked { files: manifest.as_ref().map_or(0, |list| list.files.len()), ..Checked::default() };
    checked.signatures += contents::signatures(bundle, &file, &mut findings);
    let transcript = transcript(bundle, &file, &mut findings);
    if let Some(transcript) = &transcript {
        let entries = transcript.entries();
        checked.steps = entries.len();
        checked.signatures += entries.iter().map(|entry| entry.signatures().len()).sum::<usize>();
        contents::against(bundle, (&file, transcript), manifest.as_ref(), &mut findings);
        let course = course::follow(&file, transcript, &mut findings);
        objects::check(bundle, &file, &course, (&mut checked, &mut findings));
        remark_on(transcript, &mut findings);
    }
    let remarks = findings.remarks().to_vec();
    Report {
        title: file.title().to_owned(),
        held: file.held().to_string(),
        rehearsal: manifest.is_some_and(|manifest| manifest.rehearsal),
        ceremony: Some(*file.fingerprint()),
        manifest: fingerprint,
        previous: None,
        checked,
        remarks,
        findings: findings.into_list(transcript.as_ref()),
    }
}

/// What went otherwise than written is no fault of the bundle, and whoever reads the report is to know of it.
fn remark_on(transcript: &Transcript, findings: &mut Findings) {
    for (step, action) in transcript.actions() {
        if let Action::Incident { what } = action {
            findings.remark(format!("step {step}, an incident: {what}"));
        }
        if let Action::Aborted { why } = action {
            findings.remark(format!("step {step}, the ceremony was broken off: {why}"));
        }
        if let Action::StoodIn { root, .. } = action {
            findings.remark(format!(
                "step {step}: a stand-in took the place of the root {root}; its CRLs list nothing from before"
            ));
        }
        if let Action::Settled { root, uncertain, .. } = action
            && !uncertain.is_empty()
        {
            let serials = uncertain.join(", ");
            findings.remark(format!(
                "step {step}: nobody can tell whether the root {root} signed with the serial numbers {serials}; CRLs list them"
            ));
        }
    }
}

/// Checks a bundle, and that it goes on where the ceremony before it ended.
#[must_use]
pub fn verify_after(bundle: &Bundle, previous: Bundle) -> Report {
    let mut report = verify(bundle);
    let mut findings = Findings::default();
    report.previous = previous.file(MANIFEST).map(Fingerprint::of);
    match IntactBundle::check(previous) {
        Ok(previous) => continuity::check((bundle, report.rehearsal), &previous, &mut findings),
        Err(other) => {
            let first = other.findings.first().map(ToString::to_string).unwrap_or_default();
            findings.note(None, format!("the previous bundle is not as its ceremony left it: {first}"));
        }
    }
    report.remarks.extend(findings.remarks().iter().cloned());
    report.findings.extend(findings.into_list(None));
    report
}

fn ceremony_file(bundle: &Bundle, findings: &mut Findings) -> Option<CeremonyFile> {
    let octets = bundle.file(CEREMONY)?;
    CeremonyFile::parse(octets).map_err(|error| findings.note(Some(CEREMONY), error.to_string())).ok()
}

fn transcript(bundle: &Bundle, file: &CeremonyFile, findings: &mut Findings) -> Option<Transcript> {
    let octets = bundle.file(TRANSCRIPT)?;
    Transcript::read(octets, file)
        .map_err(|error| findings.at_step(TRANSCRIPT, error.step, error.cause.to_string()))
        .ok()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = |value: &Option<Fingerprint>| value.map_or(String::new(), |value| value.grouped());
        if self.is_intact() {
            writeln!(f, "The bundle is intact.")?;
        } else {
            writeln!(f, "The bundle is NOT as the ceremony left it: {} findings.", self.findings.len())?;
        }
        if self.rehearsal {
            writeln!(f, "  {BANNER}")?;
        }
        let Checked { files, steps, signatures, certificates, crls, responses } = self.checked;
        writeln!(f, "  Ceremony      {}, held for {}", self.title, self.held)?;
        writeln!(f, "  Its file      {}", fingerprint(&self.ceremony))?;
        writeln!(f, "  Manifest      {}", fingerprint(&self.manifest))?;
        if self.previous.is_some() {
            writeln!(f, "  Follows       {}", fingerprint(&self.previous))?;
        }
        writeln!(f, "  Looked at     {files} files, {steps} steps, {signatures} signatures of people")?;
        write!(f, "  Derived again {certificates} certificates, {crls} CRLs; {responses} responses opened")?;
        self.remarks.iter().try_for_each(|remark| write!(f, "\n  Remark        {remark}"))?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

#[cfg(test)]
mod tests;
