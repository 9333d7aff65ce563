//! The text of a file: its octets decoded to UTF-8 as they are read, with a bound on how much one row may take.
//!
//! Knows no form of file. What is not text in the encoding that was said ends the reading; nothing is replaced.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{BufRead, Error, ErrorKind, Read};
use std::rc::Rc;

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::Deserialize;

use crate::fault::{Place, ReadError};

/// An encoding of text that files of deliveries come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: each octet is the character of its number.
    #[serde(rename = "latin1")]
    Latin1,
    /// Windows code page 1252.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-16 with a byte order mark, which says the order.
    #[serde(rename = "utf-16")]
    Utf16,
    /// UTF-16, least significant octet first.
    #[serde(rename = "utf-16le")]
    Utf16le,
    /// UTF-16, most significant octet first.
    #[serde(rename = "utf-16be")]
    Utf16be,
}

impl Encoding {
    /// Returns the encoding that a name of an XML declaration means, if it is one of these.
    #[must_use]
    pub(crate) fn named(label: &str) -> Option<Self> {
        Some(match label.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Self::Utf8,
            "iso-8859-1" | "latin1" | "iso_8859-1" => Self::Latin1,
            "windows-1252" | "cp1252" => Self::Windows1252,
            "utf-16" => Self::Utf16,
            "utf-16le" => Self::Utf16le,
            "utf-16be" => Self::Utf16be,
            _ => return None,
        })
    }
}

/// How many octets are decoded at a time.
const CHUNK: usize = 32_768;

/// What the reader of a text tells of itself, beside the octets.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// How many octets of UTF-8 the parser has been given.
    given: Cell<u64>,
    /// How many of them before the row that is being read.
    settled: Cell<u64>,
    /// Line breaks among them.
    lines: Cell<u64>,
    /// Where carriage returns and line feeds stand, those that [`line_at`](Self::line_at) has passed left out; only if it is asked.
    breaks: RefCell<Option<VecDeque<(u64, Break)>>>,
    /// How many line feeds it has passed.
    passed: Cell<u64>,
    trouble: Cell<Option<Trouble>>,
}

/// An octet between lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    Return,
    Feed,
}

/// Why a reader of text ended before the text did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A row took more octets than it may.
    Row,
    /// Octets that the encoding does not have.
    Malformed,
    /// A NUL character.
    Nul,
    /// UTF-16 without a byte order mark, where one must be.
    NoMark,
}

impl Gauge {
    /// Begins another row: what was read before is no longer counted.
    pub(crate) fn settle(&self) {
        self.settled.set(self.given.get());
    }

    /// Keeps where lines break from here on, for [`line_at`](Self::line_at).
    pub(crate) fn keep_breaks(&self) {
        self.breaks.replace(Some(VecDeque::new()));
    }

    /// Returns the line, counted from 1, of the first octet at or after `offset` that is no line break. Offsets do not go back.
    pub(crate) fn line_at(&self, offset: u64) -> u64 {
        let mut at = offset;
        if let Some(breaks) = self.breaks.borrow_mut().as_mut() {
            while let Some((place, kind)) = breaks.front().copied().filter(|(place, _)| *place <= at) {
                breaks.pop_front();
                if place == at {
                    at = at.saturating_add(1);
                }
                if kind == Break::Feed {
                    self.passed.set(self.passed.get().saturating_add(1));
                }
            }
        }
        self.passed.get().saturating_add(1)
    }

    /// Counts the lines of what the parser is given next.
    fn count(&self, out: &[u8]) {
        let given = self.given.get();
        let mut kept = self.breaks.borrow_mut();
        let mut feeds = 0_u64;
        for (place, octet) in out.iter().enumerate() {
            let kind = match octet {
                b'\n' => Break::Feed,
                b'\r' => Break::Return,
                _ => continue,
            };
            feeds = feeds.saturating_add(u64::from(kind == Break::Feed));
            if let Some(kept) = kept.as_mut() {
                kept.push_back((given.saturating_add(u64::try_from(place).unwrap_or_default()), kind));
            }
        }
        self.lines.set(self.lines.get().saturating_add(feeds));
    }

    /// Returns why the text ended early, if it did, and on which line.
    pub(crate) fn trouble(&self) -> Option<(Trouble, u64)> {
        self.trouble.get().map(|trouble| (trouble, self.lines.get().saturating_add(1)))
    }

    /// Tells why the text ended early, where the parser says no more than that it did.
    pub(crate) fn told(&self) -> Option<ReadError> {
        let (trouble, line) = self.trouble()?;
        let place = Place::Line(line);
        Some(match trouble {
            Trouble::Row => {
                let what =
                    "a row takes more octets than any device needs: is a quote or an element not closed?";
                ReadError::Limit { place, what: what.to_owned() }
            }
            Trouble::Malformed => {
                let what = "octets that are no text in this encoding: the map says which it is";
                ReadError::Encoding { place, what: what.to_owned() }
            }
            Trouble::Nul => {
                let what = "NUL characters stand in the text: is it UTF-16?";
                ReadError::Encoding { place, what: what.to_owned() }
            }
            Trouble::NoMark => {
                let what = "UTF-16 without a byte order mark: say utf-16le or utf-16be in the map";
                ReadError::Encoding { place, what: what.to_owned() }
            }
        })
    }
}

/// Decodes.
enum Way {
    Latin1,
    Other(Decoder),
    /// The byte order mark decides.
    Marked,
}

/// A text, decoded as it is read.
pub(crate) struct Text<R> {
    inner: R,
    way: Way,
    raw: Vec<u8>,
    /// How much of `raw` is decoded already.
    taken: usize,
    ended: bool,
    out: Vec<u8>,
    position: usize,
    row_octets: u64,
    gauge: Rc<Gauge>,
}

impl<R: Read> Text<R> {
    /// Reads `inner` in `encoding`; a row may take `row_octets` of UTF-8.
    pub(crate) fn new(inner: R, encoding: Encoding, row_octets: u64) -> Self {
        let way = match encoding {
            Encoding::Utf8 => Way::Other(UTF_8.new_decoder_with_bom_removal()),
            Encoding::Latin1 => Way::Latin1,
            Encoding::Windows1252 => Way::Other(WINDOWS_1252.new_decoder_without_bom_handling()),
            Encoding::Utf16 => Way::Marked,
            Encoding::Utf16le => Way::Other(UTF_16LE.new_decoder_with_bom_removal()),
            Encoding::Utf16be => Way::Other(UTF_16BE.new_decoder_with_bom_removal()),
        };
        Self {
            inner,
            way,
            raw: Vec::with_capacity(CHUNK),
            taken: 0,
            ended: false,
            out: Vec::new(),
            position: 0,
            row_octets,
            gauge: Rc::default(),
        }
    }

    /// Returns what it tells of itself.
    pub(crate) fn gauge(&self) -> Rc<Gauge> {
        Rc::clone(&self.gauge)
    }

    fn troubled(&self, trouble: Trouble) -> Error {
        self.gauge.trouble.set(Some(trouble));
        Error::new(ErrorKind::InvalidData, "the text ends early")
    }

    /// Reads and decodes more, until there is something or the end.
    fn refill(&mut self) -> Result<(), Error> {
        self.out.clear();
        self.position = 0;
        while self.out.is_empty() {
            if self.taken >= self.raw.len() {
                if self.ended {
                    return Ok(());
                }
                self.raw.resize(CHUNK, 0);
                let read = read_some(&mut self.inner, &mut self.raw)?;
                self.raw.truncate(read);
                self.taken = 0;
                self.ended = read == 0;
            }
            self.decode()?;
        }
        if self.out.contains(&0) {
            return Err(self.troubled(Trouble::Nul));
        }
        let given = self.gauge.given.get().saturating_add(u64::try_from(self.out.len()).unwrap_or(u64::MAX));
        if given.saturating_sub(self.gauge.settled.get()) > self.row_octets {
            return Err(self.troubled(Trouble::Row));
        }
        self.gauge.count(&self.out);
        self.gauge.given.set(given);
        Ok(())
    }

    /// Decodes what was read into `out`, which may stay empty.
    fn decode(&mut self) -> Result<(), Error> {
        if matches!(self.way, Way::Marked) {
            self.way = match self.raw.get(..2) {
                Some([0xFF, 0xFE]) => Way::Other(UTF_16LE.new_decoder_with_bom_removal()),
                Some([0xFE, 0xFF]) => Way::Other(UTF_16BE.new_decoder_with_bom_removal()),
                Some(_) | None => return Err(self.troubled(Trouble::NoMark)),
            };
        }
        let rest = self.raw.get(self.taken..).unwrap_or_default();
        match &mut self.way {
            Way::Latin1 | Way::Marked => {
                self.out.resize(rest.len().saturating_mul(2), 0);
                let written = encoding_rs::mem::convert_latin1_to_utf8(rest, &mut self.out);
                self.out.truncate(written);
                self.taken = self.raw.len();
            }
            Way::Other(decoder) => {
                let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(CHUNK);
                self.out.resize(room, 0);
                let (result, read, written) =
                    decoder.decode_to_utf8_without_replacement(rest, &mut self.out, self.ended);
                self.out.truncate(written);
                self.taken = self.taken.saturating_add(read);
                if let DecoderResult::Malformed(..) = result {
                    self.gauge.count(&self.out);
                    return Err(self.troubled(Trouble::Malformed));
                }
            }
        }
        Ok(())
    }
}

fn read_some(inner: &mut impl Read, into: &mut [u8]) -> Result<usize, Error> {
    loop {
        match inner.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl<R: Read> BufRead for Text<R> {
    fn fill_buf(&mut self) -> Result<&[u8], Error> {
        if self.position >= self.out.len() {
            self.refill()?;
        }
        Ok(self.out.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount);
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        if let (Some(from), Some(to)) = (available.get(..length), into.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8], encoding: Encoding) -> Result<String, Option<(Trouble, u64)>> {
        let mut text = Text::new(octets, encoding, 1 << 20);
        let gauge = text.gauge();
        let mut out = String::new();
        text.read_to_string(&mut out).map(|_| out).map_err(|_| gauge.trouble())
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn every_encoding_is_read() {
        let text = "Zähler;Größe\n€1\n";
        let marked = format!("\u{feff}{text}");
        assert_eq!(read(text.as_bytes(), Encoding::Utf8), Ok(text.to_owned()));
        assert_eq!(read(marked.as_bytes(), Encoding::Utf8), Ok(text.to_owned()));
        assert_eq!(read(&utf16(text, u16::to_le_bytes), Encoding::Utf16le), Ok(text.to_owned()));
        assert_eq!(read(&utf16(text, u16::to_be_bytes), Encoding::Utf16be), Ok(text.to_owned()));
        assert_eq!(read(&utf16(&marked, u16::to_le_bytes), Encoding::Utf16), Ok(text.to_owned()));
        assert_eq!(read(&utf16(&marked, u16::to_be_bytes), Encoding::Utf16), Ok(text.to_owned()));
        assert_eq!(read(b"Z\xE4hler\x80", Encoding::Windows1252), Ok("Zähler€".to_owned()));
        assert_eq!(read(b"Z\xE4hler\x80", Encoding::Latin1), Ok("Zähler\u{80}".to_owned()));
        assert_eq!(read(b"", Encoding::Utf8), Ok(String::new()));
    }

    #[test]
    fn what_is_no_text_is_told_with_its_line_and_not_replaced() {
        assert_eq!(read(b"a\nb\nZ\xE4hler\n", Encoding::Utf8), Err(Some((Trouble::Malformed, 3))));
        assert_eq!(read(b"abc\xC3", Encoding::Utf8), Err(Some((Trouble::Malformed, 1))));
        assert_eq!(read(&utf16("ab", u16::to_le_bytes), Encoding::Utf8), Err(Some((Trouble::Nul, 1))));
        assert_eq!(read(&utf16("ab", u16::to_le_bytes), Encoding::Utf16), Err(Some((Trouble::NoMark, 1))));
        assert_eq!(read(b"", Encoding::Utf16), Err(Some((Trouble::NoMark, 1))));
    }

    #[test]
    fn a_row_has_a_bound_and_the_file_has_none() {
        let row = vec![b'a'; 50_000];
        let mut text = Text::new(std::io::repeat(b'a').take(1_000_000), Encoding::Utf8, 100_000);
        let gauge = text.gauge();
        let mut into = row;
        for _ in 0..20 {
            text.read_exact(&mut into).unwrap();
            gauge.settle();
        }
        let mut text = Text::new(std::io::repeat(b'a').take(1_000_000), Encoding::Utf8, 100_000);
        let gauge = text.gauge();
        assert!(text.read_to_end(&mut Vec::new()).is_err());
        assert_eq!(gauge.trouble(), Some((Trouble::Row, 1)));
    }
}
