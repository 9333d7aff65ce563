//! The directory of what is kept: one file for each object, named by its SHA-256, with the date in it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::issuer::Issuer;
use serde::{Deserialize, Serialize};

use super::release::{self, Release};
use crate::backup::private_file;
use crate::exit::{Exit, Failure};
use crate::time_text;

/// A file as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptFile {
    what: String,
    release: String,
    der: String,
}

#[derive(Debug)]
pub(super) struct Shelf {
    directory: PathBuf,
}

impl Shelf {
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Keeps an object, durably.
    pub(super) fn store(&self, release: &Release) -> Result<(), Failure> {
        let file = KeptFile {
            what: release.to_string(),
            release: release.date.to_string(),
            der: STANDARD.encode(release.der()),
        };
        let path = self.directory.join(name(release));
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|error| Failure::new(Exit::Failed, "releases.unwritable", error))?;
        match private_file::store(&path, &text) {
            // A power cut after some files of a series: the same series is taken in again.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && std::fs::read(&path).is_ok_and(|kept| kept == text) =>
            {
                Ok(())
            }
            stored => stored.map_err(|error| {
                Failure::new(Exit::Failed, "releases.unwritable", format!("{}: {error}", path.display()))
            }),
        }
    }

    /// Loads what is kept, in the order of the dates. Each signature is verified again.
    pub(super) fn load(&self, roots: &[Arc<Issuer>]) -> Result<Vec<Release>, Failure> {
        let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
            Failure::new(Exit::Integrity, "releases.altered", format!("{}: {error}", path.display()))
                .then("move the file away, and take the series of the ceremony in again")
        };
        let mut objects = Vec::new();
        let mut names = Vec::new();
        let entries =
            std::fs::read_dir(&self.directory).map_err(|error| unreadable(&self.directory, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&self.directory, &error))?.path();
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            // What a power cut kept from being placed begins with a dot.
            if name.starts_with('.') {
                continue;
            }
            let octets = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            let file: KeptFile =
                serde_json::from_slice(&octets).map_err(|error| unreadable(&path, &error))?;
            let date = time_text::parse(&file.release).map_err(|error| unreadable(&path, &error))?;
            let der = STANDARD.decode(&file.der).map_err(|error| unreadable(&path, &error))?;
            objects.push((der, Some(date)));
            names.push(name);
        }
        let anchors = roots.iter().map(|root| root.certificate().public_key().clone()).collect();
        let mut releases = release::read_all(objects, roots, anchors)
            .map_err(|failure| unreadable(&self.directory, &failure.message))?;
        if let Some(other) = releases.iter().map(name).find(|expected| !names.contains(expected)) {
            return Err(unreadable(
                &self.directory,
                &format!("there is no file {other} for what one of them holds"),
            ));
        }
        releases.sort_by_key(|release| release.date);
        Ok(releases)
    }
}

fn name(release: &Release) -> String {
    format!("{}.json", hex::encode(release.sha256))
}
