//! A file that is written aside and then takes the place of another: readers see the one or the other, whole.
//!
//! Written, synced, renamed, the folder synced; in this order, so that a crash between any two leaves the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is being written aside. It is removed unless it takes its place.
#[derive(Debug)]
pub struct Aside {
    file: File,
    aside: PathBuf,
    place: PathBuf,
    placed: bool,
}

/// What the disk refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act}: {cause}")]
pub struct DiskError {
    /// What was tried.
    pub act: &'static str,
    /// What the operating system says.
    #[source]
    pub cause: io::Error,
}

impl DiskError {
    pub(crate) const fn of(act: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self { act, cause }
    }
}

impl Aside {
    /// Begins a file that is to stand at `place`; what a crash left aside is written over.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn begin(place: &Path) -> Result<Self, DiskError> {
        let failed = DiskError::of("create the new file");
        let Some(name) = place.file_name() else { return Err(failed(io::ErrorKind::InvalidInput.into())) };
        let aside = place.with_file_name(format!(".{}.new", name.display()));
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&aside);
        let file = opened.map_err(failed)?;
        Ok(Self { file, aside, place: place.to_owned(), placed: false })
    }

    /// Returns the file, to write to and to read again.
    pub const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file in its place; returns it, open.
    ///
    /// # Errors
    /// [`DiskError`]; what stood there still does, except that the last step, syncing the folder, may fail after the change.
    pub fn put(mut self) -> Result<File, DiskError> {
        self.file.sync_all().map_err(DiskError::of("sync the new file"))?;
        fs::rename(&self.aside, &self.place).map_err(DiskError::of("rename the new file"))?;
        self.placed = true;
        // A bare name has an empty parent.
        let folder = self.place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(DiskError::of("sync the folder"))?;
        self.file.try_clone().map_err(DiskError::of("keep the new file open"))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed is written over the next time.
            drop(fs::remove_file(&self.aside));
        }
    }
}
