//! A directory of OCSP answers signed ahead, which any server of static files serves to GET (RFC 6960 App. A.1, RFC 9919 §6).
//!
//! | in the directory | what |
//! |---|---|
//! | `answers/` | what is served: one file for each request, its path the base64 of the request |
//! | `answers/unauthorized` | the unsigned answer for everything else |
//! | `manifest.jsonl` | one line for each certificate: what was said of it, from when to when, in which files |
//! | `manifest.jsonl.new` | the manifest of a run under way, or of one that was cut off and will be gone on with |
//!
//! A file is replaced whole or not at all. No private key is anywhere near.

pub(crate) mod manifest;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::ocsp::ErrorStatus;
use ca_core::validity::UnixTime;

/// The last part of a path whose base64 ends in `/`: what servers of files look for in a directory. No base64 has a point.
const INDEX: &str = "index.html";

/// The directory, held by this process alone.
#[derive(Debug)]
pub(crate) struct AnswerFolder {
    directory: PathBuf,
    /// Held until the folder is let go.
    _lock: File,
}

impl AnswerFolder {
    /// Opens the directory, and makes what is missing.
    ///
    /// # Errors
    /// When it cannot be written to; [`io::ErrorKind::WouldBlock`] when another export is at work in it.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        for part in ["answers", "aside"] {
            fs::create_dir_all(directory.join(part))?;
        }
        let lock = File::create(directory.join("lock"))?;
        lock.try_lock()?;
        let folder = Self { directory: directory.to_path_buf(), _lock: lock };
        // What a run that was cut off left half written is nothing.
        for aside in fs::read_dir(directory.join("aside"))? {
            fs::remove_file(aside?.path())?;
        }
        folder.write("unauthorized", &ErrorStatus::Unauthorized.to_der(), None)?;
        Ok(folder)
    }

    /// Returns where the manifest is.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.directory.join("manifest.jsonl")
    }

    /// Replaces the answer to a request, and returns its path below `answers/`. Its time of modification is thisUpdate, from
    /// which servers of files make Last-Modified.
    pub(crate) fn put(&self, request: &[u8], response: &[u8], this_update: UnixTime) -> io::Result<String> {
        let path = path_of(request);
        self.write(&path, response, Some(this_update))?;
        Ok(path)
    }

    /// Takes an answer away; it may be gone.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.directory.join("answers").join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn write(&self, path: &str, octets: &[u8], modified: Option<UnixTime>) -> io::Result<()> {
        let aside = self.directory.join("aside/answer");
        let mut file = File::create(&aside)?;
        file.write_all(octets)?;
        if let Some(seconds) = modified.and_then(|time| u64::try_from(time.seconds()).ok()) {
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
        }
        file.sync_all()?;
        let place = self.directory.join("answers").join(path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&aside, &place)
    }
}

/// Returns the path of the answer to a request, as a server of files looks it up: the base64 of the request, decoded from
/// the URL, whose slashes part directories. Two slashes are one to every file system. No path is the beginning of another:
/// requests of one length have base64 of one length, and the length stands in the second octet.
pub(crate) fn path_of(request: &[u8]) -> String {
    let text = STANDARD.encode(request);
    let mut parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    if text.ends_with('/') {
        parts.push(INDEX);
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_base64_of_the_request_with_single_slashes() {
        // MD+/ //8A and MD// ////
        assert_eq!(path_of(&[0x30, 0x3F, 0xBF, 0xFF, 0xFF, 0x00]), "MD+/8A");
        assert_eq!(path_of(&[0x30, 0x3F, 0xBE]), "MD++");
        assert_eq!(path_of(&[0x30, 0x00]), "MAA=");
        assert_eq!(
            path_of(&[0x30, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF]),
            "MD/index.html",
            "a file, not a directory"
        );
    }

    #[test]
    fn an_answer_is_replaced_whole_and_two_exports_do_not_meet() {
        let place = tempfile::tempdir().unwrap();
        let folder = AnswerFolder::open(place.path()).unwrap();
        assert_eq!(AnswerFolder::open(place.path()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let at = UnixTime::from_seconds(1_795_219_200);
        for response in [&b"first"[..], b"second"] {
            let path = folder.put(&[0x30, 0x3F, 0xFF], response, at).unwrap();
            let file = place.path().join("answers").join(&path);
            assert_eq!(fs::read(&file).unwrap(), response);
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            assert_eq!(modified.duration_since(UNIX_EPOCH).unwrap().as_secs(), 1_795_219_200);
        }
        for _ in 0..2 {
            folder.remove("MD/index.html").unwrap();
        }
        assert_eq!(fs::read(place.path().join("answers/unauthorized")).unwrap(), [0x30, 3, 0x0A, 1, 6]);
        drop(folder);
        fs::write(place.path().join("aside/answer"), b"half").unwrap();
        drop(AnswerFolder::open(place.path()).unwrap());
        assert_eq!(fs::read_dir(place.path().join("aside")).unwrap().count(), 0);
    }
}
