//! What an XLSX file unpacks to, found out before calamine reads it: the sizes that an archive states are anybody's word.
//!
//! Sheets are not unpacked here, since they are read as they come; a bound on their packed octets between two rows stands in
//! for one on what those unpack to, which is at most 1,032 times as much (RFC 1951).

use std::cell::Cell;
use std::io::{BufReader, Error, ErrorKind, Read, Seek, SeekFrom};

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

use crate::fault::{Place, ReadError};
use crate::rows::Limits;

/// The most files in the archive. A workbook has a few for each sheet.
const MAX_FILES: usize = 4_096;
/// The fewest octets that a shared text takes: `<si/>`.
const LEAST_TEXT: u64 = 5;
/// How much of the shared texts may stand before the first.
const TEXTS_HEADING: u64 = 65_536;

/// Looks through the archive.
pub(super) fn check<F: Read + Seek>(file: &mut F, limits: &Limits) -> Result<(), ReadError> {
    let faulty = |error: &dyn std::fmt::Display| ReadError::Form {
        place: Place::File,
        what: format!("no XLSX: {error}"),
    };
    let mut archive = ZipArchive::new(&mut *file).map_err(|error| faulty(&error))?;
    if archive.len() > MAX_FILES {
        return Err(limit(format!("the archive has more than {MAX_FILES} files")));
    }
    let mut left = limits.unpacked_octets;
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).map_err(|error| faulty(&error))?;
        let name = part.name().map_err(|error| faulty(&error))?.to_ascii_lowercase();
        if name.contains("/worksheets/") && !name.contains("/_rels/") {
            continue;
        }
        let mut heading = Vec::new();
        let texts = name.ends_with("sharedstrings.xml");
        let kept = if texts { TEXTS_HEADING } else { 0 };
        (&mut part).take(kept).read_to_end(&mut heading)?;
        let first = u64::try_from(heading.len()).unwrap_or(u64::MAX);
        let rest = std::io::copy(&mut part.take(left.saturating_add(1)), &mut std::io::sink())?;
        let octets = first.saturating_add(rest);
        if octets > left {
            return Err(limit(format!(
                "its texts and styles unpack to more than {} octets",
                limits.unpacked_octets
            )));
        }
        left = left.saturating_sub(octets);
        if texts {
            check_count(&heading, octets)?;
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

fn limit(what: String) -> ReadError {
    ReadError::Limit { place: Place::File, what }
}

/// Looks at the number of texts that is stated, since a reader takes memory for as many at once.
fn check_count(heading: &[u8], octets: u64) -> Result<(), ReadError> {
    let mut reader = Reader::from_reader(BufReader::new(heading));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let stated = match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                if start.local_name().into_inner() != "sst" {
                    continue;
                }
                start
                    .try_get_attribute("uniqueCount")
                    .ok()
                    .flatten()
                    .map(|attribute| attribute.value.into_owned())
            }
            Ok(Event::Eof) | Err(_) => return Err(limit("its shared texts do not begin as such".to_owned())),
            Ok(_) => continue,
        };
        let most = octets / LEAST_TEXT;
        return match stated.map(|text| text.trim().parse::<u64>()) {
            None => Ok(()),
            Some(Ok(count)) if count <= most => Ok(()),
            Some(_) => Err(limit("it states more shared texts than it has room for".to_owned())),
        };
    }
}

/// Counts the packed octets of the row that is being read.
#[derive(Debug, Default)]
pub(super) struct PackedGauge {
    /// None until rows are read.
    left: Cell<Option<u64>>,
    over: Cell<bool>,
}

impl PackedGauge {
    /// Begins a row. What is read ahead counts too, so that the bound never is below some buffers.
    pub(super) fn begin(&self, limits: &Limits) {
        self.left.set(Some(limits.row_octets.max(READ_AHEAD)));
    }

    /// Counts.
    pub(super) fn count(&self, octets: usize) -> Result<(), Error> {
        let Some(left) = self.left.get() else { return Ok(()) };
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        match left.checked_sub(octets) {
            Some(left) => {
                self.left.set(Some(left));
                Ok(())
            }
            None => {
                self.over.set(true);
                Err(Error::new(ErrorKind::InvalidData, "a row takes too much"))
            }
        }
    }

    /// Tells whether a row took too much.
    pub(super) fn told(&self, place: Place) -> Option<ReadError> {
        let what = "what follows this row takes more octets than any device needs".to_owned();
        self.over.get().then_some(ReadError::Limit { place, what })
    }
}

/// What readers between the file and the rows may read ahead.
const READ_AHEAD: u64 = 262_144;
