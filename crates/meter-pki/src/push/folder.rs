//! A folder that another web server serves, such as its root: files under the paths that they have here.
//!
//! Written aside, synced, renamed; CRLs by the rules of any publication.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use status_server::aside::{Aside, DiskError};
use status_server::document::Document;
use status_server::publish::{CrlFolder, PublishError};
use status_server::repository::Repository;

use super::{PushError, Pushed};

/// A folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    /// Takes a folder that exists.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.display().to_string() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Puts a document there, unless it or a later one is there.
    pub(super) async fn put(
        &self,
        repository: &Arc<Repository>,
        path: &str,
        document: &Arc<Document>,
    ) -> Result<Pushed, PushError> {
        let (this, repository) = (self.clone(), Arc::clone(repository));
        let (path, document) = (path.to_owned(), Arc::clone(document));
        let put = tokio::task::spawn_blocking(move || this.put_now(&repository, &path, &document)).await;
        put.map_err(|error| PushError::Folder(error.to_string()))?
    }

    fn put_now(&self, repository: &Repository, path: &str, document: &Document) -> Result<Pushed, PushError> {
        let Some((line, issuer)) = repository.signer_of(path) else { return self.put_other(path, document) };
        let crls = self.path.join("crl");
        fs::create_dir_all(&crls).map_err(|error| folder(&error))?;
        let crls = CrlFolder::open(&crls).map_err(|error| folder(&error))?;
        let before = crls.published(&line, issuer).ok().flatten();
        if before.is_some_and(|before| before.content == *document.content()) {
            return Ok(Pushed::InPlace);
        }
        match crls.publish(&line, issuer, document.content().reader()) {
            Ok(_) => Ok(Pushed::Put),
            Err(PublishError::NumberNotGreater { number, published }) if number < published => {
                Ok(Pushed::Overtaken)
            }
            Err(PublishError::NumberNotGreater { .. }) => Err(PushError::Conflict),
            Err(error) => Err(folder(&error)),
        }
    }

    /// A CA certificate never changes under its path; several in one file are those that this node knows.
    fn put_other(&self, path: &str, document: &Document) -> Result<Pushed, PushError> {
        let relative = Path::new(path.trim_start_matches('/'));
        // Paths of documents are made here; none leads out of the folder.
        if relative.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(PushError::Folder(format!("{path} is no path of a file")));
        }
        let place = self.path.join(relative);
        let is_there = fs::read(&place)
            .is_ok_and(|octets| Sha256::digest(octets)[..] == document.content().sha256()[..]);
        if is_there {
            return Ok(Pushed::InPlace);
        }
        let written = || -> Result<(), DiskError> {
            let failed = |act| move |cause| DiskError { act, cause };
            fs::create_dir_all(place.parent().unwrap_or(&self.path)).map_err(failed("make a folder"))?;
            let mut aside = Aside::begin(&place)?;
            io::copy(&mut document.content().reader(), aside.file()).map_err(failed("write the new file"))?;
            aside.put().map(|_| ())
        };
        written().map_err(|error| folder(&error))?;
        Ok(Pushed::Put)
    }
}

fn folder(error: &dyn std::fmt::Display) -> PushError {
    PushError::Folder(error.to_string())
}
