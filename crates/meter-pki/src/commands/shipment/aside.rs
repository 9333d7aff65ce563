//! A file that is written aside and gets its name when it is whole: whole or not at all, also when the power goes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};

/// A file beside the one it is for, removed again unless it was given its name.
pub(super) struct Aside {
    path: PathBuf,
    file: File,
}

impl Aside {
    /// Makes it, mode 0600, in the place of what a run before left behind.
    pub(super) fn create(out: &Path, suffix: &str) -> Result<Self, Failure> {
        let make = || {
            let name = out.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let path = out.with_file_name(format!(".{}.{suffix}", name.to_string_lossy()));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            Ok(Self { path, file })
        };
        make().map_err(|error| unwritable(out, &error))
    }

    /// Returns the file.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Gives it the name; never over an existing file.
    pub(super) fn name(self, out: &Path) -> Result<(), Failure> {
        let link = || {
            self.file.sync_all()?;
            // A link, and no renaming: that would go over a file that came in the meantime.
            match std::fs::hard_link(&self.path, out) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // A file system without links, such as a memory stick's.
                Err(_) if out.symlink_metadata().is_err() => std::fs::rename(&self.path, out)?,
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
        };
        link().map_err(|error| unwritable(out, &error))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be removed is replaced by the next run.
        drop(std::fs::remove_file(&self.path));
    }
}

fn unwritable(out: &Path, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::AlreadyExists { "file.exists" } else { "file.unwritable" };
    Failure::new(Exit::Conflict, code, format!("{}: {error}", out.display()))
}
