//! Where a ceremony is held: the directories of a room, and the files that are put there.
//!
//! `roots/NAME` are the roots, from one ceremony to the next. `ceremonies/DATE-DIGITS` is one ceremony: its file, its
//! transcript, what it made, its bundle. A rehearsal has both below `REHEARSAL/`, so that it never meets a real root.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ceremony::file::CeremonyFile;
use ceremony::file::root::RootName;
use ceremony::transcript::action::Action;
use ceremony::transcript::{NamedFingerprint, Transcript};
use ceremony::words::Fingerprint;

use super::error::{GuidedError, OutputError};
use crate::ceremony::OpenRootError;
use crate::ledger_file::FileLedger;
use crate::new_file;

/// The name of the directory of the roots.
pub(crate) const ROOTS: &str = "roots";

/// What everything of a rehearsal lies below.
const REHEARSAL: &str = "REHEARSAL";

/// The directories of one ceremony.
#[derive(Debug)]
pub(crate) struct Scene {
    base: PathBuf,
    ceremony: PathBuf,
}

impl Scene {
    /// Enters a room. Makes the directories that are not there yet, and puts the ceremony file in its place.
    pub(crate) fn enter(room: &Path, file: &CeremonyFile, rehearsal: bool) -> Result<Self, GuidedError> {
        let base = if rehearsal { room.join(REHEARSAL) } else { room.to_owned() };
        let all = base.join("ceremonies");
        let scene = Self { ceremony: all.join(name_of(file)), base: base.clone() };
        for directory in [room, &base, &base.join(ROOTS), &all] {
            ensure(directory)?;
        }
        scene.refuse_while_another_is_open(&all)?;
        for directory in [&scene.ceremony, &scene.outputs(), &scene.inputs()] {
            ensure(directory)?;
        }
        settle(&scene.ceremony.join("ceremony.toml"), file.octets())?;
        scene.clear_scratch()?;
        Ok(scene)
    }

    /// One after the other: what another ceremony left undone is done, or aborted, before a new one begins.
    fn refuse_while_another_is_open(&self, all: &Path) -> Result<(), GuidedError> {
        for entry in fs::read_dir(all).map_err(unreadable(all))? {
            let path = entry.map_err(unreadable(all))?.path();
            if path != self.ceremony && !is_closed(&path) {
                return Err(GuidedError::AnotherIsOpen { path });
            }
        }
        Ok(())
    }

    /// What an act writes on its way; nothing there outlives the process.
    fn clear_scratch(&self) -> Result<(), GuidedError> {
        let path = self.scratch();
        match fs::remove_dir_all(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(unreadable(&path)(cause)),
            Ok(()) | Err(_) => {}
        }
        Ok(new_file::directory(&path)?)
    }

    /// Lays what roots from before are known by among the inputs, and names every input.
    pub(crate) fn take_in(&self, file: &CeremonyFile) -> Result<Vec<NamedFingerprint>, GuidedError> {
        for root in file.roots().iter().filter(|root| root.certificate.is_some()) {
            let path = self.root(&root.name);
            let ledger = FileLedger::inspect(&path.join("ledger")).map_err(OpenRootError::from)?;
            let certificate = path.join("public/root.crt");
            let certificate = fs::read(&certificate).map_err(unreadable(&certificate))?;
            settle(&self.inputs().join(format!("{}.crt", root.name)), &certificate)?;
            if let Some(last) = ledger.crls.last() {
                settle(&self.inputs().join(format!("{}.crl", root.name)), &last.crl.der)?;
            }
        }
        let mut names = Vec::new();
        let inputs = self.inputs();
        for entry in fs::read_dir(&inputs).map_err(unreadable(&inputs))? {
            let entry = entry.map_err(unreadable(&inputs))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !new_file::is_aside(&name) {
                let octets = fs::read(entry.path()).map_err(unreadable(&inputs))?;
                names.push(NamedFingerprint {
                    name: format!("inputs/{name}"),
                    sha256: Fingerprint::of(&octets),
                });
            }
        }
        names.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(names)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.ceremony
    }

    pub(crate) fn root(&self, name: &RootName) -> PathBuf {
        self.roots().join(name.as_str())
    }

    pub(crate) fn roots(&self) -> PathBuf {
        self.base.join(ROOTS)
    }

    /// Where a rehearsal has its soft tokens.
    pub(crate) fn soft_tokens(&self) -> PathBuf {
        self.base.join("soft-tokens")
    }

    pub(crate) fn transcript(&self) -> PathBuf {
        self.ceremony.join("transcript.jsonl")
    }

    pub(crate) fn outputs(&self) -> PathBuf {
        self.ceremony.join("outputs")
    }

    pub(crate) fn inputs(&self) -> PathBuf {
        self.ceremony.join("inputs")
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.ceremony.join("bundle")
    }

    pub(crate) fn export(&self) -> PathBuf {
        self.ceremony.join("export")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.ceremony.join("scratch")
    }
}

/// The name of a ceremony's directory: its date, and the first digits of the file's SHA-256.
fn name_of(file: &CeremonyFile) -> String {
    let (held, digits) = (file.held().to_string(), file.fingerprint().to_string());
    format!("{}-{}", held.get(..10).unwrap_or_default(), digits.get(..8).unwrap_or_default())
}

/// Tells whether the ceremony in a directory came to its end.
fn is_closed(path: &Path) -> bool {
    let read = |name| fs::read(path.join(name)).ok();
    let file = read("ceremony.toml").and_then(|octets| CeremonyFile::parse(&octets).ok());
    let transcript = file.zip(read("transcript.jsonl"));
    let transcript = transcript.and_then(|(file, octets)| Transcript::read(&octets, &file).ok());
    transcript
        .is_some_and(|transcript| transcript.actions().any(|(_, action)| matches!(action, Action::Closed)))
}

pub(crate) fn ensure(path: &Path) -> Result<(), GuidedError> {
    if path.is_dir() { Ok(()) } else { Ok(new_file::directory(path)?) }
}

/// Puts a file in its place. If it is there it must have these octets: case R-06, nothing is written over.
pub(crate) fn settle(path: &Path, octets: &[u8]) -> Result<(), GuidedError> {
    match fs::read(path) {
        Ok(there) if there == octets => Ok(()),
        Ok(_) => Err(OutputError::OutputDiffers { path: path.to_owned() }.into()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(new_file::place(path, octets)?),
        Err(cause) => Err(unreadable(path)(cause)),
    }
}

pub(crate) fn unreadable(path: &Path) -> impl Fn(io::Error) -> GuidedError {
    let path = path.to_owned();
    move |cause| GuidedError::Unreadable { path: path.clone(), cause }
}
