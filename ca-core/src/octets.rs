//! Octets that may be too many to hold: read page by page, in order and as often as wanted, wherever they are kept.
//!
//! Whoever has them in memory, in a file or in the ledger says how a page is read; all else is the same for all. Nothing is
//! kept between two pages. Knows no format.

use core::fmt;
use std::io;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// How many octets a page has at most.
pub const PAGE_OCTETS: usize = 64 * 1024;

/// A place where octets are kept that do not change as long as it is there.
pub trait PagedOctets: Send + Sync {
    /// Returns how many there are.
    fn length(&self) -> u64;

    /// Returns the octets from `offset` on: at most [`PAGE_OCTETS`], and at least one unless they end there.
    ///
    /// # Errors
    /// [`OctetsError`].
    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError>;
}

impl PagedOctets for Vec<u8> {
    fn length(&self) -> u64 {
        count(self.len())
    }

    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(from..).unwrap_or_default();
        Ok(rest.get(..PAGE_OCTETS).unwrap_or(rest).to_vec())
    }
}

/// Octets, wherever they are kept. A copy is one more look at the same octets.
#[derive(Clone)]
pub struct Octets(Arc<dyn PagedOctets>);

impl Octets {
    /// Makes octets of the place where they are kept.
    pub fn kept(place: impl PagedOctets + 'static) -> Self {
        Self(Arc::new(place))
    }

    /// Makes octets of a function that fills a page with what stands at an offset, and returns how many octets it has found.
    pub fn read_by<E, F>(length: u64, read: F) -> Self
    where
        E: core::error::Error + Send + Sync + 'static,
        F: Fn(u64, &mut [u8]) -> Result<usize, E> + Send + Sync + 'static,
    {
        Self::kept(ReadBy { length, read })
    }

    /// Makes the octets that stand there when all of `parts` are read one after the other.
    #[must_use]
    pub fn joined(parts: Vec<Self>) -> Self {
        Self::kept(Joined(parts))
    }

    /// Returns `length` of these octets from `start` on, fewer where they end before.
    #[must_use]
    pub fn part(&self, start: u64, length: u64) -> Self {
        let length = self.length().saturating_sub(start).min(length);
        Self::kept(Part { whole: self.clone(), start, length })
    }

    /// Returns how many there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.length()
    }

    /// Returns the octets from `offset` on: at most [`PAGE_OCTETS`], and none only where they end.
    ///
    /// # Errors
    /// [`OctetsError`], also when they end before their length says so.
    pub fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let page = self.0.page(offset)?;
        if page.is_empty() && offset < self.length() {
            return Err(OctetsError::new(EndedEarly { at: offset, length: self.length() }));
        }
        Ok(page)
    }

    /// Returns all of them, page by page.
    pub fn pages(&self) -> impl Iterator<Item = Result<Vec<u8>, OctetsError>> + '_ {
        let mut offset = 0;
        core::iter::from_fn(move || {
            (offset < self.length()).then(|| {
                let page = self.page(offset);
                // After a failure there is nothing more to come.
                offset = page.as_ref().map_or(u64::MAX, |page| offset + count(page.len()));
                page
            })
        })
    }

    /// Returns a reader that begins at the first octet.
    #[must_use]
    pub fn reader(&self) -> OctetReader {
        OctetReader::new(self.clone())
    }

    /// Returns all of them at once; for what is known to be short.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn to_vec(&self) -> Result<Vec<u8>, OctetsError> {
        let mut all = Vec::with_capacity(usize::try_from(self.length()).unwrap_or_default());
        for page in self.pages() {
            all.extend_from_slice(&page?);
        }
        Ok(all)
    }

    /// Returns their SHA-256.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn sha256(&self) -> Result<[u8; 32], OctetsError> {
        let mut hash = Sha256::new();
        for page in self.pages() {
            hash.update(page?);
        }
        Ok(hash.finalize().into())
    }

    /// Tells whether these are the same octets as `others`, wherever either is kept.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn same_as(&self, others: &Self) -> Result<bool, OctetsError> {
        if self.length() != others.length() {
            return Ok(false);
        }
        let mut reader = others.reader();
        for page in self.pages() {
            let page = page?;
            if reader.take(page.len())? != page {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl From<Vec<u8>> for Octets {
    fn from(octets: Vec<u8>) -> Self {
        Self::kept(octets)
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({})", self.length())
    }
}

/// By their values. Octets that cannot be read are equal to none.
impl PartialEq for Octets {
    fn eq(&self, others: &Self) -> bool {
        self.same_as(others).unwrap_or(false)
    }
}

/// What a function finds.
struct ReadBy<F> {
    length: u64,
    read: F,
}

impl<E, F> PagedOctets for ReadBy<F>
where
    E: core::error::Error + Send + Sync + 'static,
    F: Fn(u64, &mut [u8]) -> Result<usize, E> + Send + Sync,
{
    fn length(&self) -> u64 {
        self.length
    }

    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut page = vec![0; left.min(PAGE_OCTETS)];
        let found = (self.read)(offset, &mut page).map_err(OctetsError::new)?;
        page.truncate(found);
        Ok(page)
    }
}

/// Several, one after the other.
struct Joined(Vec<Octets>);

impl PagedOctets for Joined {
    fn length(&self) -> u64 {
        self.0.iter().map(Octets::length).sum()
    }

    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let mut offset = offset;
        for part in &self.0 {
            match offset.checked_sub(part.length()) {
                Some(beyond) => offset = beyond,
                None => return part.page(offset),
            }
        }
        Ok(Vec::new())
    }
}

/// Some of others.
struct Part {
    whole: Octets,
    start: u64,
    length: u64,
}

impl PagedOctets for Part {
    fn length(&self) -> u64 {
        self.length
    }

    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let left = self.length.saturating_sub(offset);
        if left == 0 {
            return Ok(Vec::new());
        }
        let mut page = self.whole.page(self.start.saturating_add(offset))?;
        page.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(page)
    }
}

/// Reads octets from the start, a few at a time.
#[derive(Debug, Clone)]
pub struct OctetReader {
    octets: Octets,
    /// The octets from [`Self::position`] on that were read ahead, behind those that were taken.
    ahead: Vec<u8>,
    taken: usize,
    next_page: u64,
}

impl OctetReader {
    /// Begins at the first octet.
    #[must_use]
    pub const fn new(octets: Octets) -> Self {
        Self { octets, ahead: Vec::new(), taken: 0, next_page: 0 }
    }

    /// Returns how many octets lie behind.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.next_page - count(self.ahead.len() - self.taken)
    }

    /// Returns how many are still to come.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.octets.length().saturating_sub(self.position())
    }

    /// Returns the next `wanted` octets and does not move; fewer only where they end.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn peek(&mut self, wanted: usize) -> Result<&[u8], OctetsError> {
        while self.ahead.len() - self.taken < wanted && self.next_page < self.octets.length() {
            let page = self.octets.page(self.next_page)?;
            self.ahead.drain(..self.taken);
            self.taken = 0;
            self.next_page += count(page.len());
            self.ahead.extend_from_slice(&page);
        }
        let ahead = self.ahead.get(self.taken..).unwrap_or_default();
        Ok(ahead.get(..wanted).unwrap_or(ahead))
    }

    /// Returns the next `wanted` octets and moves behind them; fewer only where they end.
    ///
    /// # Errors
    /// [`OctetsError`].
    pub fn take(&mut self, wanted: usize) -> Result<&[u8], OctetsError> {
        let wanted = self.peek(wanted)?.len();
        let start = self.taken;
        self.taken += wanted;
        Ok(self.ahead.get(start..self.taken).unwrap_or_default())
    }

    /// Moves on by so many octets, to the end at most.
    pub fn skip(&mut self, octets: u64) {
        let octets = octets.min(self.left());
        match usize::try_from(octets) {
            Ok(few) if few <= self.ahead.len() - self.taken => self.taken += few,
            _ => {
                self.next_page = self.position() + octets;
                self.ahead.clear();
                self.taken = 0;
            }
        }
    }
}

impl io::Read for OctetReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.take(buffer.len().min(PAGE_OCTETS)).map_err(io::Error::other)?;
        let (buffer, _) = buffer.split_at_mut(octets.len());
        buffer.copy_from_slice(octets);
        Ok(octets.len())
    }
}

/// Where octets are gathered that may be too many to hold.
pub trait Spool: Send {
    /// Keeps octets behind those that were kept before.
    ///
    /// # Errors
    /// [`OctetsError`]; the spool is of no use then.
    fn append(&mut self, octets: &[u8]) -> Result<(), OctetsError>;

    /// Ends the gathering; the octets are kept as long as somebody has them.
    ///
    /// # Errors
    /// [`OctetsError`].
    fn finish(self: Box<Self>) -> Result<Octets, OctetsError>;
}

/// A spool in memory, for what is known to be short.
impl Spool for Vec<u8> {
    fn append(&mut self, octets: &[u8]) -> Result<(), OctetsError> {
        self.extend_from_slice(octets);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Octets, OctetsError> {
        Ok(Octets::from(*self))
    }
}

/// Octets cannot be read or kept. The cause is for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the octets cannot be read or kept: {0}")]
pub struct OctetsError(#[source] Arc<dyn core::error::Error + Send + Sync>);

impl OctetsError {
    /// Makes the error of what a place says.
    pub fn new(cause: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(cause))
    }
}

/// One failure is equal to itself alone.
impl PartialEq for OctetsError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for OctetsError {}

/// There are fewer octets than were promised.
#[derive(Debug, thiserror::Error)]
#[error("of {length} octets there are {at}")]
struct EndedEarly {
    at: u64,
    length: u64,
}

/// A number of octets in memory as a `u64`.
pub(crate) fn count(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(length: usize) -> Vec<u8> {
        (0..=250).cycle().take(length).collect()
    }

    #[test]
    fn parts_joined_are_read_as_one_and_a_part_of_them_again() {
        let all = numbered(3 * PAGE_OCTETS + 7);
        let (first, rest) = all.split_at(10);
        let (second, third) = rest.split_at(2 * PAGE_OCTETS);
        let parts = [first, &[], second, third].map(|part| Octets::from(part.to_vec()));
        let joined = Octets::joined(parts.to_vec());
        assert_eq!(joined.length(), count(all.len()));
        assert!(joined.pages().all(|page| (1..=PAGE_OCTETS).contains(&page.unwrap().len())));
        assert_eq!(joined.to_vec().unwrap(), all);
        assert_eq!(joined, Octets::from(all.clone()));
        assert_eq!(joined.sha256().unwrap(), <[u8; 32]>::from(Sha256::digest(&all)));
        let part = joined.part(5, count(2 * PAGE_OCTETS));
        assert_eq!(part.to_vec().unwrap(), all[5..][..2 * PAGE_OCTETS]);
        assert_eq!(joined.part(count(all.len()) - 3, 100).to_vec().unwrap(), all[all.len() - 3..]);
    }

    #[test]
    fn octets_differ_by_one_octet_or_by_their_length() {
        let all = numbered(2 * PAGE_OCTETS);
        let mut other = all.clone();
        other[PAGE_OCTETS + 1] ^= 1;
        assert_ne!(Octets::from(all.clone()), Octets::from(other));
        assert_ne!(Octets::from(all[1..].to_vec()), Octets::from(all));
    }

    #[test]
    fn a_reader_looks_across_pages_and_jumps_over_many() {
        let all = numbered(4 * PAGE_OCTETS);
        let mut reader = OctetReader::new(Octets::from(all.clone()));
        reader.skip(count(PAGE_OCTETS) - 2);
        assert_eq!(reader.peek(5).unwrap(), &all[PAGE_OCTETS - 2..][..5]);
        reader.skip(count(2 * PAGE_OCTETS));
        assert_eq!(reader.position(), count(3 * PAGE_OCTETS) - 2);
        assert_eq!(reader.peek(3).unwrap(), &all[3 * PAGE_OCTETS - 2..][..3]);
        reader.skip(u64::MAX);
        assert_eq!((reader.left(), reader.peek(1).unwrap().len()), (0, 0));
    }

    #[test]
    fn octets_that_end_before_they_should_are_an_error() {
        struct Short;
        impl PagedOctets for Short {
            fn length(&self) -> u64 {
                5
            }
            fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
                Ok(if offset == 0 { vec![1, 2] } else { Vec::new() })
            }
        }
        let short = Octets::kept(Short);
        assert_eq!(
            short.to_vec().unwrap_err().to_string(),
            "the octets cannot be read or kept: of 5 octets there are 2"
        );
        assert_ne!(short, short.clone());
    }
}
