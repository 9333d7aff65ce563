//! New files of mode 0600 that appear whole and durable under their names, or not at all, and never over another.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is being written beside the name that it will have. Dropped unfinished, it is gone.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    file: File,
    aside: PathBuf,
    path: PathBuf,
}

impl PrivateFile {
    /// Begins a file that does not exist yet.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if path.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut aside = OsString::from(".");
        aside.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        aside.push(".new");
        let aside = path.with_file_name(aside);
        remove_abandoned(&aside)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.try_lock()?;
        Ok(Self { file, aside, path: path.to_owned() })
    }

    /// Gives the file its name, durably. Linking fails where something stands: nothing is overwritten.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::hard_link(&self.aside, &self.path)?;
        sync_parent(&self.path)
    }
}

impl Write for PrivateFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Its other name, if it got one, stays.
        drop(std::fs::remove_file(&self.aside));
    }
}

/// Writes a small file at once.
pub(crate) fn store(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = PrivateFile::create(path)?;
    file.write_all(octets)?;
    file.finish()
}

/// Removes what a writer left that was killed: nobody holds its lock any more.
fn remove_abandoned(aside: &Path) -> io::Result<()> {
    match File::open(aside) {
        Ok(left) => {
            left.try_lock()?;
            std::fs::remove_file(aside)
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_written_over_another_and_leaves_nothing_when_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut half = PrivateFile::create(&path).unwrap();
        half.write_all(b"half").unwrap();
        drop(half);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        store(&path, b"whole").unwrap();
        assert_eq!(store(&path, b"other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_in_nobodys_way_and_what_another_writes_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(directory.path().join(".file.new"), b"torn").unwrap();
        let writing = PrivateFile::create(&path).unwrap();
        assert_eq!(PrivateFile::create(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        writing.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}
