//! Where certification requests come from: a directory, a zip, a tar or a compressed tar, one file after the other.
//!
//! An archive comes from elsewhere: its entries are read, never unpacked, and each is bounded in length and all of them together
//! in number and octets. Links, devices, and names that lead elsewhere are faults of their entry. ZIP: PKWARE APPNOTE; tar: POSIX
//! pax, with GNU's long names.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::read::MultiGzDecoder;

use super::faults::FileFault;
use super::manifest::{self, Manifest};
use crate::exit::{Exit, Failure};

/// The most files of one source.
pub(crate) const MAX_FILES: usize = 1_000_000;

/// The longest file of a request, in octets. One of a meter has some 400, or 550 as PEM.
pub(crate) const MAX_OCTETS: u64 = 16 * 1024;

/// The most octets that all of an archive comes to, unpacked.
const MAX_ARCHIVE: u64 = 4 * 1024 * 1024 * 1024;

/// A file that is a request, as its name says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name without directories.
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
}

/// What a source has next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Request(Found),
    Fault(FileFault),
    /// A file that is none of ours.
    Ignored,
    End,
}

/// A source that is read from the first file to the last.
pub(crate) struct Source {
    inner: Inner,
    manifest: Option<Manifest>,
    seen: usize,
}

enum Inner {
    Directory {
        path: PathBuf,
        names: std::vec::IntoIter<String>,
    },
    Zip {
        archive: Box<zip::ZipArchive<BufReader<File>>>,
        place: usize,
        octets: u64,
    },
    /// A tar is read as it comes, by a thread that holds the archive: its entries borrow from it.
    Tar(Receiver<Result<Next, Failure>>),
}

impl Source {
    /// Opens a source; `manifest` is one that lies elsewhere.
    pub(crate) fn open(path: &Path, given: Option<&Path>) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, "requests.unreadable", format!("{}: {error}", path.display()))
        };
        let given = given.map(|file| {
            let unreadable = |error: io::Error| {
                Failure::new(Exit::Usage, "manifest.faulty", format!("{}: {error}", file.display()))
            };
            Manifest::read(File::open(file).map_err(unreadable)?)
        });
        let given = given.transpose()?;
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
        let name = name.unwrap_or_default();
        let (inner, within) = if path.is_dir() {
            directory(path).map_err(|error| failed(&error))?
        } else if name.ends_with(".zip") {
            open_zip(path)?
        } else if [".tar", ".tar.gz", ".tgz"].iter().any(|end| name.ends_with(end)) {
            let file = File::open(path).map_err(|error| failed(&error))?;
            let packed = !name.ends_with(".tar");
            let source: Box<dyn Read + Send> = if packed {
                Box::new(MultiGzDecoder::new(BufReader::new(file)))
            } else {
                Box::new(BufReader::new(file))
            };
            open_tar(source)?
        } else {
            return Err(failed(&"it is neither a directory nor a .zip, .tar, .tar.gz or .tgz"));
        };
        Ok(Self { inner, manifest: given.or(within), seen: 0 })
    }

    /// Returns the manifest, if there is one.
    pub(crate) const fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Returns what comes next.
    ///
    /// # Errors
    /// The source cannot be read on.
    pub(crate) fn next(&mut self) -> Result<Next, Failure> {
        self.seen += 1;
        if self.seen > MAX_FILES {
            let message = format!("there are more than {MAX_FILES} files");
            return Err(Failure::new(Exit::Usage, "requests.too-many", message));
        }
        match &mut self.inner {
            Inner::Directory { path, names } => {
                Ok(names.next().map_or(Next::End, |name| in_directory(path, name)))
            }
            Inner::Zip { archive, place, octets } => {
                if *place >= archive.len() {
                    return Ok(Next::End);
                }
                *place += 1;
                in_zip(archive, *place - 1, octets)
            }
            Inner::Tar(receiver) => receiver.recv().unwrap_or(Ok(Next::End)),
        }
    }
}

fn directory(path: &Path) -> io::Result<(Inner, Option<Manifest>)> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        // A name that is no text is told as what it looks like.
        names.push(entry?.file_name().to_string_lossy().into_owned());
        if names.len() > MAX_FILES {
            return Err(io::Error::other(format!("there are more than {MAX_FILES} files")));
        }
    }
    names.sort_unstable();
    let manifest = match File::open(path.join(manifest::NAME)) {
        Ok(file) => Some(Manifest::read(file).map_err(io::Error::other)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok((Inner::Directory { path: path.to_path_buf(), names: names.into_iter() }, manifest))
}

fn in_directory(directory: &Path, name: String) -> Next {
    if !is_request(&name) {
        return Next::Ignored;
    }
    let path = directory.join(&name);
    let found = std::fs::symlink_metadata(&path).and_then(|metadata| {
        if metadata.file_type().is_file() { File::open(&path).map(Some) } else { Ok(None) }
    });
    match found {
        Ok(Some(file)) => bounded(name, file),
        Ok(None) => {
            Next::Fault(FileFault::of(&name, "file.not-plain", "it is a link, a directory or a device"))
        }
        Err(error) => Next::Fault(FileFault::of(&name, "file.unreadable", error)),
    }
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, "requests.unreadable", format!("the archive cannot be read: {error}"))
}

fn too_much() -> Failure {
    let message = format!("the archive comes to more than {MAX_ARCHIVE} octets");
    Failure::new(Exit::Usage, "requests.too-many", message)
}

fn open_zip(path: &Path) -> Result<(Inner, Option<Manifest>), Failure> {
    let file = File::open(path).map_err(unreadable)?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    if archive.len() > MAX_FILES {
        let message = format!("the archive has {} entries, more than {MAX_FILES}", archive.len());
        return Err(Failure::new(Exit::Usage, "requests.too-many", message));
    }
    let manifest = match archive.by_name(manifest::NAME) {
        Ok(entry) => Some(Manifest::read(entry)?),
        Err(zip::result::ZipError::FileNotFound) => None,
        Err(error) => return Err(unreadable(error)),
    };
    Ok((Inner::Zip { archive: Box::new(archive), place: 0, octets: 0 }, manifest))
}

fn in_zip(
    archive: &mut zip::ZipArchive<BufReader<File>>,
    place: usize,
    octets: &mut u64,
) -> Result<Next, Failure> {
    let entry = archive.by_index(place).map_err(unreadable)?;
    let name = entry.name().map_err(unreadable)?.into_owned();
    if entry.is_dir() {
        return Ok(Next::Ignored);
    }
    let next = entered(&name, entry.is_file(), entry);
    if let Next::Request(found) = &next {
        *octets = octets.saturating_add(u64::try_from(found.octets.len()).unwrap_or(u64::MAX));
    }
    if *octets > MAX_ARCHIVE { Err(too_much()) } else { Ok(next) }
}

/// Begins to read a tar on a thread of its own, which is at most a few entries ahead and ends with its reader. A manifest counts
/// where it is the first file.
fn open_tar(source: Box<dyn Read + Send>) -> Result<(Inner, Option<Manifest>), Failure> {
    let mut archive = tar::Archive::new(source.take(MAX_ARCHIVE));
    let (sender, receiver) = sync_channel(8);
    let (told, manifest) = sync_channel(1);
    std::thread::Builder::new()
        .name("archive".to_owned())
        .spawn(move || {
            let mut told = Some(told);
            let read = match read_tar(&mut archive, &mut told, &sender) {
                Ok(Reading::Whole) => read_on(archive.into_inner()),
                Ok(Reading::LeftOff) => Ok(()),
                Err(failure) => Err(failure),
            };
            if let Err(failure) = read {
                drop(sender.send(Err(failure)));
            }
        })
        .map_err(unreadable)?;
    // Whether there is a manifest is known with the first file.
    let manifest = manifest.recv().unwrap_or(Ok(None))?;
    Ok((Inner::Tar(receiver), manifest))
}

type TarArchive = tar::Archive<io::Take<Box<dyn Read + Send>>>;

type Told = SyncSender<Result<Option<Manifest>, Failure>>;

/// How far a tar was read.
enum Reading {
    Whole,
    /// Whoever read it went away.
    LeftOff,
}

/// Reads what stands behind a tar: there a compressed one has the check of all that it is.
fn read_on(mut rest: impl Read) -> Result<(), Failure> {
    io::copy(&mut rest, &mut io::sink()).map(drop).map_err(unreadable)
}

fn read_tar(
    archive: &mut TarArchive,
    told: &mut Option<Told>,
    sender: &SyncSender<Result<Next, Failure>>,
) -> Result<Reading, Failure> {
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() {
            continue;
        }
        let next = if name == manifest::NAME && kind.is_file() {
            match told.take() {
                Some(told) => {
                    drop(told.send(Manifest::read(&mut entry).map(Some)));
                    Next::Ignored
                }
                None => {
                    let message = "the manifest of a tar comes before its requests";
                    return Err(Failure::new(Exit::Usage, "manifest.late", message)
                        .then("give it with --manifest, or pack it first"));
                }
            }
        } else {
            if let Some(told) = told.take() {
                drop(told.send(Ok(None)));
            }
            entered(&name, kind.is_file(), &mut entry)
        };
        // The reader went away.
        if sender.send(Ok(next)).is_err() {
            return Ok(Reading::LeftOff);
        }
    }
    Ok(Reading::Whole)
}

/// Reads an entry of an archive by its path there.
fn entered(path: &str, is_file: bool, octets: impl Read) -> Next {
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    if !is_request(&name) {
        return Next::Ignored;
    }
    let leads_elsewhere =
        path.starts_with('/') || path.contains(['\\', '\0', ':']) || path.split('/').any(|part| part == "..");
    if leads_elsewhere {
        return Next::Fault(FileFault::of(path, "file.path", "its path leads out of the archive"));
    }
    if !is_file {
        return Next::Fault(FileFault::of(path, "file.not-plain", "it is a link, a directory or a device"));
    }
    bounded(name, octets)
}

fn bounded(name: String, octets: impl Read) -> Next {
    let mut read = Vec::new();
    match octets.take(MAX_OCTETS + 1).read_to_end(&mut read) {
        Err(error) => Next::Fault(FileFault::of(&name, "file.unreadable", error)),
        Ok(_) if u64::try_from(read.len()).unwrap_or(u64::MAX) > MAX_OCTETS => {
            let message = format!("it is longer than {MAX_OCTETS} octets");
            Next::Fault(FileFault::of(&name, "file.too-long", message))
        }
        Ok(_) => Next::Request(Found { name, octets: read }),
    }
}

/// Requests end so; what begins with a dot is hidden, or was never whole.
fn is_request(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && [".csr", ".der", ".pem"].iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests;
