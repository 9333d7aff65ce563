//! A file that grows by appending, and how its octets come onto the disk: write, then fdatasync. Knows nothing of what is written.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// The length at which the file begins anew, in octets.
const FILE_OCTETS: u64 = 256 * 1024 * 1024;

/// A file that is appended to.
pub(crate) struct Appended {
    file: File,
    written: u64,
}

impl Appended {
    /// Makes the file, empty.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { file: File::create(path)?, written: 0 })
    }

    /// Appends octets, which then are with the operating system.
    pub(crate) fn append(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        if self.written >= FILE_OCTETS {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        self.file.write_all(octets)?;
        self.written += u64::try_from(octets.len())?;
        Ok(())
    }

    /// Returns when all that was appended is on disk.
    pub(crate) fn sync(&self) -> anyhow::Result<()> {
        Ok(self.file.sync_data()?)
    }
}
