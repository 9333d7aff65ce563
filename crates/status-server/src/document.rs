//! A document: octets that do not change, with what caches and readers are told of them.
//!
//! A short one is held in memory. Of a long one the open file is held, and read in pieces where a requester is: whatever takes
//! its place in the folder, this one is read to its end. Knows no HTTP and no CRL.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use ca_core::validity::UnixTime;
use sha2::{Digest, Sha256};

use crate::caching::Version;

/// A document of at most so many octets is held in memory.
const HELD_OCTETS: u64 = 64 * 1024;

/// The most octets that are read at once.
const PIECE_OCTETS: usize = 64 * 1024;

/// Octets that do not change. A copy is one more look at the same octets.
#[derive(Debug, Clone)]
pub struct Content {
    place: Place,
    length: u64,
    sha256: [u8; 32],
}

#[derive(Debug, Clone)]
enum Place {
    Memory(Arc<[u8]>),
    File(Arc<File>),
}

impl Content {
    /// Takes octets at hand.
    #[must_use]
    pub fn of_octets(octets: &[u8]) -> Self {
        Self {
            length: u64::try_from(octets.len()).unwrap_or(u64::MAX),
            sha256: Sha256::digest(octets).into(),
            place: Place::Memory(octets.into()),
        }
    }

    /// Takes a file that nobody writes to any more, with the SHA-256 of what it was found to hold.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn of_file(mut file: File, length: u64, sha256: [u8; 32]) -> io::Result<Self> {
        if length > HELD_OCTETS {
            return Ok(Self { place: Place::File(Arc::new(file)), length, sha256 });
        }
        file.seek(SeekFrom::Start(0))?;
        let mut octets = Vec::new();
        file.take(HELD_OCTETS).read_to_end(&mut octets)?;
        Ok(Self { place: Place::Memory(octets.into()), length, sha256 })
    }

    /// Returns how many octets there are.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns their SHA-256.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Returns octets from `start` on and before `end`: as many as are read at once, and none only where there are none. Blocks
    /// when they stand in a file.
    ///
    /// # Errors
    /// What the operating system says; [`io::ErrorKind::UnexpectedEof`] when somebody shortened the file.
    pub fn piece(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let left = end.min(self.length).saturating_sub(start);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_OCTETS);
        match &self.place {
            Place::Memory(octets) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                Ok(octets.get(start..).and_then(|rest| rest.get(..wanted)).unwrap_or_default().to_vec())
            }
            Place::File(file) => {
                let mut piece = vec![0; wanted];
                file.read_exact_at(&mut piece, start)?;
                Ok(piece)
            }
        }
    }

    /// Returns all the octets at once, if they are held in memory.
    #[must_use]
    pub fn held(&self) -> Option<&Arc<[u8]>> {
        match &self.place {
            Place::Memory(octets) => Some(octets),
            Place::File(_) => None,
        }
    }

    /// Reads it from the start.
    #[must_use]
    pub const fn reader(&self) -> ContentReader<'_> {
        ContentReader { content: self, position: 0 }
    }
}

/// By the octets.
impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        (self.length, self.sha256) == (other.length, other.sha256)
    }
}

impl Eq for Content {}

/// Reads a content from its start to its end.
#[derive(Debug)]
pub struct ContentReader<'a> {
    content: &'a Content,
    position: u64,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let wanted = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let piece = self.content.piece(self.position, self.position.saturating_add(wanted))?;
        let (taken, _) = octets.split_at_mut(piece.len());
        taken.copy_from_slice(&piece);
        self.position += u64::try_from(piece.len()).unwrap_or_default();
        Ok(piece.len())
    }
}

/// A CRL, a CA certificate or several, as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    content: Content,
    media_type: &'static str,
    version: Version,
    expiry: Expiry,
    rank: u64,
}

/// Until when a document may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Until this time.
    At(UnixTime),
    /// For so many seconds from now.
    In(i64),
}

impl Document {
    /// Puts a document together. Of two under one path, the one with the higher rank is the later.
    #[must_use]
    pub fn new(
        content: Content,
        media_type: &'static str,
        last_modified: UnixTime,
        expiry: Expiry,
        rank: u64,
    ) -> Self {
        let version = Version::tagged(content.sha256(), last_modified);
        Self { content, media_type, version, expiry, rank }
    }

    /// Returns the octets.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Returns what the octets are (RFC 9110 §8.3).
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Returns the place among the documents that stood and will stand under the same path: a CRL's number, for one.
    #[must_use]
    pub const fn rank(&self) -> u64 {
        self.rank
    }

    /// Returns since when it says what it says.
    #[must_use]
    pub const fn last_modified(&self) -> UnixTime {
        self.version.last_modified
    }

    pub(crate) const fn version(&self) -> &Version {
        &self.version
    }

    /// Returns until when it may be given again, as of `now`.
    #[must_use]
    pub const fn fresh_until(&self, now: UnixTime) -> UnixTime {
        match self.expiry {
            Expiry::At(time) => time,
            Expiry::In(seconds) => now.plus_seconds(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filed(octets: &[u8]) -> (Content, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), octets).unwrap();
        let length = u64::try_from(octets.len()).unwrap();
        let open = File::open(file.path()).unwrap();
        (Content::of_file(open, length, Sha256::digest(octets).into()).unwrap(), file)
    }

    #[test]
    fn a_short_file_is_held_and_a_long_one_is_read_where_it_is_wanted() {
        for length in [1, 65_536, 65_537, 300_000] {
            let octets: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (content, _file) = filed(&octets);
            assert_eq!(content.held().is_some(), length <= 65_536);
            let mut read = Vec::new();
            content.reader().read_to_end(&mut read).unwrap();
            assert_eq!(read, octets);
            assert_eq!(content, Content::of_octets(&octets));
            let last = u64::try_from(length).unwrap() - 1;
            assert_eq!(content.piece(last, u64::MAX).unwrap(), octets[length - 1..]);
            assert!(content.piece(last + 1, u64::MAX).unwrap().is_empty());
        }
    }

    #[test]
    fn a_file_that_another_took_the_place_of_is_read_to_its_end() {
        let octets = vec![7; 200_000];
        let (content, file) = filed(&octets);
        assert_eq!(content.piece(0, 10).unwrap(), [7; 10]);
        let other = tempfile::NamedTempFile::new_in(file.path().parent().unwrap()).unwrap();
        std::fs::write(other.path(), [8; 10]).unwrap();
        std::fs::rename(other.path(), file.path()).unwrap();
        assert_eq!(content.piece(199_990, 200_000).unwrap(), [7; 10]);
    }

    #[test]
    fn a_file_that_somebody_shortened_is_an_error() {
        let (content, file) = filed(&vec![7; 200_000]);
        file.as_file().set_len(100_000).unwrap();
        assert_eq!(content.piece(99_999, 100_001).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
