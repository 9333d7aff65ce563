//! The requests that wait for the ceremony's response, and those that got one: a directory that the online side keeps.
//!
//! A response is found by its nonce and answers an open request or nothing (case R-09). What is answered moves aside together
//! with its answer, in one step. What the messages are is decided in `ca_core::exchange`.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ca_core::exchange::{ExchangeNonce, SubordinateRequest};

use crate::backup::private_file;
use crate::exit::{Exit, Failure};

/// The longest request that is read, in octets: twice what its DER may have.
const MAX_OCTETS: u64 = 65_536;

/// The directory.
#[derive(Debug)]
pub(crate) struct OpenRequests {
    open: PathBuf,
    answered: PathBuf,
}

impl OpenRequests {
    /// Names the directory; nothing is looked at yet.
    pub(crate) fn at(directory: &Path) -> Self {
        Self { open: directory.join("open"), answered: directory.join("answered") }
    }

    /// Keeps a request that was made here; makes the directory when it is the first.
    pub(crate) fn keep(&self, request: &SubordinateRequest, text: &str) -> Result<(), Failure> {
        for directory in [&self.open, &self.answered] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(|error| unwritable(directory, &error))?;
        }
        let path = self.open.join(name(request.nonce()));
        private_file::store(&path, text.as_bytes()).map_err(|error| unwritable(&path, &error))
    }

    /// Returns the open requests, the oldest first.
    pub(crate) fn list(&self) -> Result<Vec<SubordinateRequest>, Failure> {
        let entries = match std::fs::read_dir(&self.open) {
            // No request was ever made here.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| unreadable(&self.open, &error))?,
        };
        let mut requests = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&self.open, &error))?.path();
            // What a power cut kept from being placed begins with a dot, and no request ever left with it.
            if path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')) {
                requests.push(load(&path)?);
            }
        }
        requests.sort_by_key(SubordinateRequest::created);
        Ok(requests)
    }

    /// Returns the open request with a nonce.
    pub(crate) fn find(&self, nonce: &ExchangeNonce) -> Result<SubordinateRequest, Failure> {
        let path = self.open.join(name(nonce));
        if path.is_file() {
            return load(&path);
        }
        if self.answered.join(name(nonce)).is_file() {
            let message = format!("the request with the nonce {nonce} was answered before");
            return Err(Failure::new(Exit::Conflict, "exchange.answered", message)
                .then("nothing is to be done: what the response brought was taken in then"));
        }
        let open = self.list()?;
        let digests: Vec<String> = open.iter().map(|request| hex::encode(request.digest())).collect();
        let next = if digests.is_empty() {
            "no request is open: look at --exchanges, or make one with meter-pki ceremony request".to_owned()
        } else {
            format!(
                "the open requests have the SHA-256 {}; ask the ceremony for their responses",
                digests.join(", ")
            )
        };
        let message = format!("the response answers no request that is open here (nonce {nonce})");
        Err(Failure::new(Exit::Refused, "exchange.not-open", message).then(next))
    }

    /// Closes a request: it and its response move aside, and the response is never taken in again.
    pub(crate) fn close(&self, request: &SubordinateRequest, response: &[u8]) -> Result<(), Failure> {
        let name = name(request.nonce());
        let kept = self.answered.join(format!("{name}.response"));
        match private_file::store(&kept, response) {
            // Kept by an import that a power cut ended here.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            stored => stored.map_err(|error| unwritable(&kept, &error))?,
        }
        let (from, to) = (self.open.join(&name), self.answered.join(&name));
        let sync = |directory: &Path| File::open(directory)?.sync_all();
        let moved =
            std::fs::rename(&from, &to).and_then(|()| sync(&self.answered)).and_then(|()| sync(&self.open));
        moved.map_err(|error| unwritable(&to, &error))
    }
}

fn name(nonce: &ExchangeNonce) -> String {
    format!("{nonce}.pem")
}

/// Reads a kept request. It was verified when it was made: what is not in order now was altered.
fn load(path: &Path) -> Result<SubordinateRequest, Failure> {
    let altered = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Integrity, "exchange.altered", format!("{} was altered: {why}", path.display()))
            .then("find out who wrote there; then move the file away and make a new request")
    };
    let length = path.metadata().map_err(|error| unreadable(path, &error))?.len();
    if length > MAX_OCTETS {
        return Err(altered(&"it is longer than any request"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let request = SubordinateRequest::from_text(&text).map_err(|error| altered(&error))?;
    let named = path.file_name().is_some_and(|found| found.to_string_lossy() == name(request.nonce()));
    if named { Ok(request) } else { Err(altered(&"it is another request than its name says")) }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, "file.unreadable", format!("cannot read {}: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, "file.unwritable", format!("{}: {error}", path.display()))
}
