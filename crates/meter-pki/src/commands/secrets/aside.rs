//! What a long run has written so far: two files beside the one to be made, and a note of how far they are good.
//!
//! The note is written after the files, so that it never says more than is there; what was written after it is cut off when the run is taken up.
//! The files get their names once everything is in them. Not for results that are in one piece: `new_file`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exit::{Exit, Failure};
use crate::new_file::refuse_existing;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// What was asked for: a run is taken up by the same command only.
    pub(super) command: String,
    /// How much of the input was read, and its SHA-256: it is the same input only.
    pub(super) input_octets: u64,
    pub(super) input_sha256: String,
    pub(super) lines: u64,
    pub(super) devices: u64,
    pub(super) secrets: u64,
    pub(super) refused: u64,
    pub(super) out_octets: u64,
    pub(super) refused_octets: u64,
    /// Everything is read; the files have yet to get their names.
    pub(super) complete: bool,
}

/// How much of an input was read, and the hash of it.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadSoFar {
    pub(super) octets: u64,
    pub(super) hash: Sha256,
}

/// A run, and its files.
pub(super) struct Aside {
    out: PathBuf,
    part: File,
    refused: File,
    read: ReadSoFar,
    pub(super) note: Note,
}

/// A run that goes on, or one whose files had everything and lacked their names.
pub(super) enum Begun {
    Going(Box<Aside>),
    Done(Note),
}

impl ReadSoFar {
    pub(super) fn take(&mut self, octets: &[u8]) {
        self.octets += length(octets);
        self.hash.update(octets);
    }
}

impl Aside {
    /// Begins a run, or takes up the one that was cut short; `input` is left where it goes on.
    pub(super) fn open(out: &Path, command: &str, input: &mut File) -> Result<Begun, Failure> {
        let unwritable = |error: io::Error| unwritable(out, &error);
        let named = |note: &Note| note.complete && note.command == command;
        // Before the file that is renamed last is opened, which would make it anew.
        if let Some(note) = read_note(&beside(out, "progress")).map_err(unwritable)?.filter(named) {
            name_files(out, &note).map_err(unwritable)?;
            return Ok(Begun::Done(note));
        }
        let mut part = alone(out)?;
        let Some(note) = read_note(&beside(out, "progress")).map_err(unwritable)? else {
            refuse_existing(out).and_then(|()| refuse_existing(&refused_name(out))).inspect_err(|_| {
                // Of a run that never was.
                drop(std::fs::remove_file(beside(out, "part")));
            })?;
            cut(&mut part, 0).map_err(unwritable)?;
            let refused = emptied(&beside(out, "refused.part")).map_err(unwritable)?;
            let note = Note { command: command.to_owned(), ..Note::default() };
            let begun = Self { out: out.to_owned(), part, refused, read: ReadSoFar::default(), note };
            return Ok(Begun::Going(Box::new(begun)));
        };
        if note.command != command {
            let message = format!("{} is half made by another command: {}", out.display(), note.command);
            return Err(Failure::new(Exit::Conflict, "secrets.another-run", message).then(format!(
                "finish that one, or remove {} and begin anew",
                beside(out, "progress").display()
            )));
        }
        refuse_existing(out)?;
        let read = read_again(input, &note).map_err(unwritable)?;
        if hex::encode(read.hash.clone().finalize()) != note.input_sha256 {
            let message = format!("the first {} lines of the input are not those of before", note.lines);
            return Err(Failure::new(Exit::Conflict, "secrets.another-input", message)
                .then("give the same file again, or name another --out"));
        }
        cut(&mut part, note.out_octets).map_err(unwritable)?;
        let mut refused = opened(&beside(out, "refused.part")).map_err(unwritable)?;
        cut(&mut refused, note.refused_octets).map_err(unwritable)?;
        Ok(Begun::Going(Box::new(Self { out: out.to_owned(), part, refused, read, note })))
    }

    /// Returns what was read of the input before this process.
    pub(super) fn read_before(&self) -> ReadSoFar {
        self.read.clone()
    }

    /// Keeps a piece: what became of it, and then the note, which says how much was read.
    pub(super) fn keep(&mut self, read: &ReadSoFar, made: &[u8], refused: &[u8]) -> Result<(), Failure> {
        let mut kept = || -> io::Result<()> {
            for (file, octets) in [(&mut self.part, made), (&mut self.refused, refused)] {
                if !octets.is_empty() {
                    file.write_all(octets)?;
                    file.sync_data()?;
                }
            }
            self.note.input_sha256 = hex::encode(read.hash.clone().finalize());
            self.note.input_octets = read.octets;
            self.note.out_octets += length(made);
            self.note.refused_octets += length(refused);
            write_note(&beside(&self.out, "progress"), &self.note)
        };
        kept().map_err(|error| unwritable(&self.out, &error))
    }

    /// Gives the files their names. Cut short, it is done again by the same command.
    pub(super) fn finish(mut self) -> Result<Note, Failure> {
        self.note.complete = true;
        let named = write_note(&beside(&self.out, "progress"), &self.note)
            .and_then(|()| name_files(&self.out, &self.note));
        named.map_err(|error| unwritable(&self.out, &error))?;
        Ok(self.note)
    }
}

/// Where what was refused is told.
pub(super) fn refused_name(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".refused");
    PathBuf::from(name)
}

/// `.NAME.ending`, in the same directory.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(out.file_name().unwrap_or_default());
    name.push(".");
    name.push(ending);
    out.with_file_name(name)
}

/// Opens the file that is to be made, for this process alone.
fn alone(out: &Path) -> Result<File, Failure> {
    let part = opened(&beside(out, "part")).map_err(|error| unwritable(out, &error))?;
    part.try_lock().map_err(|_| {
        let message = format!("another process is at work on {}", out.display());
        Failure::new(Exit::Conflict, "secrets.running", message).then("wait for it to end")
    })?;
    Ok(part)
}

fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

fn emptied(path: &Path) -> io::Result<File> {
    let mut file = opened(path)?;
    cut(&mut file, 0)?;
    Ok(file)
}

/// Cuts a file off at a length that it has at least.
fn cut(file: &mut File, octets: u64) -> io::Result<()> {
    if file.metadata()?.len() < octets {
        return Err(io::Error::other("what was written of it is shorter than it was"));
    }
    file.set_len(octets)?;
    file.seek(SeekFrom::End(0))?;
    Ok(())
}

fn name_files(out: &Path, note: &Note) -> io::Result<()> {
    let refused = beside(out, "refused.part");
    if note.refused_octets > 0 {
        moved(&refused, &refused_name(out))?;
    } else if refused.exists() {
        std::fs::remove_file(refused)?;
    }
    moved(&beside(out, "part"), out)?;
    sync_directory(out)?;
    std::fs::remove_file(beside(out, "progress"))
}

/// Reads again what was read before.
fn read_again(input: &mut File, note: &Note) -> io::Result<ReadSoFar> {
    let mut read = ReadSoFar::default();
    let mut left = input.take(note.input_octets);
    let mut piece = [0; 1 << 16];
    loop {
        match left.read(&mut piece)? {
            0 => return Ok(read),
            count => read.take(piece.get(..count).unwrap_or_default()),
        }
    }
}

fn read_note(path: &Path) -> io::Result<Option<Note>> {
    match std::fs::read(path) {
        Ok(octets) => Ok(Some(serde_json::from_slice(&octets)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_note(path: &Path, note: &Note) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    let mut file = File::create(&aside)?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)
}

/// Renames what is still there.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    if from.exists() { std::fs::rename(from, to) } else { Ok(()) }
}

fn sync_directory(out: &Path) -> io::Result<()> {
    let directory =
        out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

fn unwritable(out: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", out.display()))
        .then("make room, then give the same command again: it goes on where it was")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> ReadSoFar {
        let mut read = ReadSoFar::default();
        read.take(octets);
        read
    }

    fn begin(out: &Path, command: &str, input: &Path) -> Result<Begun, Failure> {
        Aside::open(out, command, &mut File::open(input).unwrap())
    }

    fn going(begun: Begun) -> Aside {
        match begun {
            Begun::Going(aside) => *aside,
            Begun::Done(note) => panic!("done: {note:?}"),
        }
    }

    #[test]
    fn a_run_that_was_cut_short_goes_on_behind_the_last_note_and_with_the_same_input_only() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("in"), "onetwothree").unwrap();
        let mut first = going(begin(&at("out"), "rewrap", &at("in")).unwrap());
        first.keep(&read(b"one"), b"ONE", b"").unwrap();
        // Written, and not noted any more.
        first.part.write_all(b"TW").unwrap();
        assert_eq!(begin(&at("out"), "rewrap", &at("in")).err().unwrap().code, "secrets.running");
        drop(first);
        assert!(!at("out").exists());
        assert_eq!(begin(&at("out"), "other", &at("in")).err().unwrap().code, "secrets.another-run");
        std::fs::write(at("changed"), "0netwothree").unwrap();
        assert_eq!(begin(&at("out"), "rewrap", &at("changed")).err().unwrap().code, "secrets.another-input");

        let mut input = File::open(at("in")).unwrap();
        let mut second = going(Aside::open(&at("out"), "rewrap", &mut input).unwrap());
        let mut rest = String::new();
        input.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "twothree");
        second.keep(&read(b"onetwo"), b"TWO", b"no").unwrap();
        assert_eq!(second.finish().unwrap().out_octets, 6);
        assert_eq!(std::fs::read_to_string(at("out")).unwrap(), "ONETWO");
        assert_eq!(std::fs::read_to_string(at("out.refused")).unwrap(), "no");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4, "in, changed, and the two");
        assert_eq!(begin(&at("out"), "rewrap", &at("in")).err().unwrap().code, "file.exists");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4, "nor is anything left of that");
    }

    // Wherever the last step was cut short, the same command does the rest of it.
    #[test]
    fn the_giving_of_names_is_done_again() {
        for cut in 0..3 {
            let directory = tempfile::tempdir().unwrap();
            let at = |name: &str| directory.path().join(name);
            std::fs::write(at("in"), "one").unwrap();
            let mut run = going(begin(&at("out"), "rewrap", &at("in")).unwrap());
            run.keep(&read(b"one"), b"ONE", b"no").unwrap();
            run.note.complete = true;
            write_note(&beside(&at("out"), "progress"), &run.note).unwrap();
            drop(run);
            if cut > 0 {
                std::fs::rename(beside(&at("out"), "refused.part"), at("out.refused")).unwrap();
            }
            if cut > 1 {
                std::fs::rename(beside(&at("out"), "part"), at("out")).unwrap();
            }
            assert!(matches!(begin(&at("out"), "rewrap", &at("in")), Ok(Begun::Done(_))), "{cut}");
            assert_eq!(std::fs::read_to_string(at("out")).unwrap(), "ONE", "{cut}");
            assert_eq!(std::fs::read_to_string(at("out.refused")).unwrap(), "no", "{cut}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3, "{cut}");
        }
    }
}
