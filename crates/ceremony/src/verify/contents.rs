//! What is in a bundle: every file under the manifest, the manifest under the signatures, and what must be there is.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::Findings;
use crate::bundle::draft::{check_signatures, key_file};
use crate::bundle::manifest::{ListedFile, Manifest, Signatures};
use crate::bundle::{Bundle, MANIFEST, SCRIPT, SIGNATURES, TOOLS, TRANSCRIPT};
use crate::exact_json;
use crate::file::CeremonyFile;
use crate::record::armour;
use crate::script;
use crate::transcript::action::{Action, Tool};
use crate::transcript::{NamedFingerprint, Transcript};
use crate::words::Fingerprint;

/// Holds the files against the manifest.
pub(super) fn manifest(bundle: &Bundle, findings: &mut Findings) -> Option<Manifest> {
    let octets = bundle.file(MANIFEST).ok_or_else(|| "it is missing".to_owned());
    let manifest = findings.take(MANIFEST, octets.and_then(Manifest::read))?;
    let found = by_name(Manifest::list(bundle));
    let listed = by_name(manifest.files.clone());
    if !manifest.files.is_sorted_by(|one, other| one.name < other.name) {
        findings.note(Some(MANIFEST), "the files do not stand in the order of their names, each once");
    }
    for name in found.keys().chain(listed.keys()).collect::<BTreeSet<_>>() {
        match (found.get(name), listed.get(name)) {
            (Some(_), None) => findings.note(Some(name), "it is not in the manifest"),
            (None, Some(_)) => findings.note(Some(name), "it is missing"),
            (Some(found), Some(listed)) if found != listed => {
                findings.note(Some(name), differs(found, listed));
            }
            _ => {}
        }
    }
    Some(manifest)
}

fn by_name(files: Vec<ListedFile>) -> BTreeMap<String, ListedFile> {
    files.into_iter().map(|file| (file.name.clone(), file)).collect()
}

fn differs(found: &ListedFile, listed: &ListedFile) -> String {
    format!(
        "it was changed: it has {} octets and the SHA-256 {}, and the manifest says {} and {}",
        found.octets, found.sha256, listed.octets, listed.sha256
    )
}

/// Checks the signatures under the manifest; returns how many there are.
pub(super) fn signatures(bundle: &Bundle, file: &CeremonyFile, findings: &mut Findings) -> usize {
    let read = bundle.file(SIGNATURES).ok_or_else(|| "it is missing".to_owned());
    let read = read.and_then(Signatures::read);
    let Some(Signatures { signatures }) = findings.take(SIGNATURES, read) else { return 0 };
    let manifest = bundle.file(MANIFEST).unwrap_or_default();
    if let Err(error) = check_signatures(&signatures, manifest, file) {
        // Where none verifies it is the manifest that was changed.
        let none = signatures.iter().all(|signature| signature.verify(manifest, file.people()).is_err());
        findings.note(Some(if none { MANIFEST } else { SIGNATURES }), error.to_string());
    }
    signatures.len()
}

/// Holds what stands beside the transcript against the ceremony file and against the transcript.
pub(super) fn against(
    bundle: &Bundle,
    (file, transcript): (&CeremonyFile, &Transcript),
    manifest: Option<&Manifest>,
    findings: &mut Findings,
) {
    let rehearsal = transcript.is_rehearsal();
    if let Some(manifest) = manifest {
        let same = manifest.rehearsal == rehearsal
            && manifest.title == file.title()
            && manifest.ceremony == *file.fingerprint();
        if !same {
            findings.note(Some(MANIFEST), "it is that of another ceremony");
        }
        if manifest.transcript != *transcript.tip() {
            findings.note(Some(TRANSCRIPT), "its last line is not the one that the manifest names");
        }
    }
    people(bundle, file, findings);
    let tools = tools(bundle, transcript, findings);
    script(bundle, file, rehearsal, &tools, findings);
    inputs(bundle, file, findings);
    named(bundle, (file, transcript), findings);
}

fn people(bundle: &Bundle, file: &CeremonyFile, findings: &mut Findings) {
    let wanted: BTreeSet<String> = file.people().iter().map(key_file).collect();
    for person in file.people().iter() {
        let key = armour::public_key(person.key.spki_der()).unwrap_or_default();
        if bundle.file(&key_file(person)) != Some(key.as_bytes()) {
            let what = format!("it is not the key of {} in the ceremony file", person.name);
            findings.note(Some(&key_file(person)), what);
        }
    }
    for (name, _) in bundle.files().filter(|(name, _)| name.starts_with("people/") && !wanted.contains(*name))
    {
        findings.note(Some(name), "it is nobody's key");
    }
}

fn tools(bundle: &Bundle, transcript: &Transcript, findings: &mut Findings) -> Vec<Tool> {
    let read = bundle.file(TOOLS).ok_or_else(|| "it is missing".to_owned());
    let tools: Vec<Tool> = findings.take(TOOLS, read.and_then(exact_json::read)).unwrap_or_default();
    for (step, action) in transcript.actions() {
        if let Action::Opened { tool, .. } = action
            && !tools.contains(tool)
        {
            findings.at_step(TOOLS, step, "the program that led the ceremony is not among the tools");
        }
    }
    tools
}

/// A script is a function of the ceremony file and of the version of the program: it is written again where it is the same.
fn script(bundle: &Bundle, file: &CeremonyFile, rehearsal: bool, tools: &[Tool], findings: &mut Findings) {
    let own = env!("CARGO_PKG_VERSION");
    let same_version = tools.iter().any(|tool| tool.version == own);
    let written = script::markdown(file, rehearsal);
    match bundle.file(SCRIPT) {
        None => findings.note(Some(SCRIPT), "it is missing"),
        Some(found) if same_version && found != written.as_bytes() => {
            findings.note(Some(SCRIPT), "it is not the script of this ceremony file");
        }
        Some(_) => {}
    }
}

/// Everything that the ceremony file takes in is there as it was reviewed.
fn inputs(bundle: &Bundle, file: &CeremonyFile, findings: &mut Findings) {
    for input in file.acts().iter().flat_map(|act| act.kind.inputs()) {
        let name = format!("inputs/{}", input.name);
        match bundle.file(&name).map(Fingerprint::of) {
            None => findings.note(Some(&name), "it is missing"),
            Some(found) if found != input.sha256 => {
                let what = format!("it has the SHA-256 {found}, and {} was reviewed", input.sha256);
                findings.note(Some(&name), what);
            }
            Some(_) => {}
        }
    }
}

/// Files that steps name are there as they name them; what nobody names does not belong there.
fn named(bundle: &Bundle, (file, transcript): (&CeremonyFile, &Transcript), findings: &mut Findings) {
    let mut known: BTreeMap<&str, (u32, &Fingerprint)> = BTreeMap::new();
    for entry in transcript.entries() {
        for NamedFingerprint { name, sha256 } in entry.inputs().iter().chain(entry.outputs()) {
            known.insert(name, (entry.step(), sha256));
        }
    }
    for (name, (step, sha256)) in &known {
        match bundle.file(name).map(Fingerprint::of) {
            None => findings.at_step(name, *step, "it is missing"),
            Some(found) if found != **sha256 => {
                let what = format!("it has the SHA-256 {found}, and the step says {sha256}");
                findings.at_step(name, *step, what);
            }
            Some(_) => {}
        }
    }
    let of_steps = |name: &str| name.starts_with("inputs/") || name.starts_with("outputs/");
    let read_aloud = transcript.actions().any(|(_, action)| matches!(action, Action::InputReadAloud { .. }));
    // A ceremony that was broken off before had the inputs of its file, and no step that took them in.
    let reviewed = |name: &str| {
        let mut inputs = file.acts().iter().flat_map(|act| act.kind.inputs());
        !read_aloud && inputs.any(|input| name == format!("inputs/{}", input.name))
    };
    let unknown = |name: &str| of_steps(name) && !known.contains_key(name) && !reviewed(name);
    for (name, _) in bundle.files().filter(|(name, _)| unknown(name)) {
        findings.note(Some(name), "no step took it in or made it");
    }
}
