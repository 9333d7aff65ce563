//! Rows of XML 1.0: the elements at one path, each read whole, then forgotten.
//!
//! A document type is refused, and with it every entity but the five that XML has and characters by number: nothing is
//! expanded.

use std::io::{BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};
use quick_xml::reader::NsReader;

use super::{Limits, RowTaker, stepped};
use crate::decoded::{Encoding, Gauge, Text};
use crate::fault::{Place, ReadError};
use crate::map::{Head, HeadAt, Xml};
use crate::path::{Name, TopPath};
use crate::row::{Element, Row};
use crate::source::Heads;

/// How many octets are looked at for a byte order mark and a declaration.
const DECLARATION: u64 = 1_024;

pub(super) fn read<R: Read>(
    mut file: R,
    form: &Xml,
    wanted: &[Head],
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    let mut start = Vec::new();
    (&mut file).take(DECLARATION).read_to_end(&mut start)?;
    let encoding = match form.encoding {
        Some(encoding) => encoding,
        None => declared(&start)?,
    };
    let mut text = Text::new(start.as_slice().chain(file), encoding, limits.row_octets);
    let gauge = text.gauge();
    let lines = pass_declaration(&mut text).map_err(|error| gauge.told().unwrap_or(ReadError::Io(error)))?;
    let mut reader = NsReader::from_reader(text);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_comments = true;
    let mut walk = Walk::new(form, wanted, limits, lines);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => {
                let what = format!("no XML: {error}");
                return Err(gauge.told().unwrap_or_else(|| ReadError::Form { place: walk.place(), what }));
            }
        };
        if matches!(event, Event::Eof) {
            break;
        }
        walk.take(&event, reader.resolver(), &gauge, taker)?;
    }
    walk.finish()
}

/// Finds the encoding that a file declares: by its mark, by its declaration, or else UTF-8.
fn declared(start: &[u8]) -> Result<Encoding, ReadError> {
    match start {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Ok(Encoding::Utf16),
        [b'<', 0, ..] => return Ok(Encoding::Utf16le),
        [0, b'<', ..] => return Ok(Encoding::Utf16be),
        _ => {}
    }
    let text = String::from_utf8_lossy(start);
    let declaration =
        text.trim_start_matches('\u{feff}').strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let Some((_, label)) = declaration.and_then(|(declaration, _)| declaration.split_once("encoding")) else {
        return Ok(Encoding::Utf8);
    };
    let label = label.trim_start().trim_start_matches('=').trim_start();
    let label = label.get(1..).and_then(|rest| rest.split(['"', '\'']).next()).unwrap_or_default();
    Encoding::named(label).ok_or_else(|| {
        let what =
            "the encoding that the file declares is not read here: utf-8, iso-8859-1, windows-1252, utf-16";
        ReadError::Encoding { place: Place::Line(1), what: what.to_owned() }
    })
}

/// Passes over the declaration, which speaks of octets that are decoded already, and returns how many lines it took.
fn pass_declaration(text: &mut impl BufRead) -> std::io::Result<u64> {
    let available = text.fill_buf()?;
    if !available.starts_with(b"<?xml") {
        return Ok(0);
    }
    let Some(end) = available.windows(2).position(|two| two == b"?>") else { return Ok(0) };
    let end = end.saturating_add(2);
    let breaks = available.iter().take(end).filter(|octet| **octet == b'\n').count();
    text.consume(end);
    Ok(u64::try_from(breaks).unwrap_or_default())
}

/// How far the elements that are open follow a path from the top.
struct Follow<'a> {
    path: &'a TopPath,
    matched: usize,
}

impl<'a> Follow<'a> {
    const fn new(path: &'a TopPath) -> Self {
        Self { path, matched: 0 }
    }

    /// Tells whether an element that opens at `depth`, counted from 1, is the one.
    fn opens(&mut self, depth: usize, namespace: Option<usize>, local: &str) -> bool {
        let names: &[Name] = &self.path.names;
        if self.matched.saturating_add(1) != depth {
            return false;
        }
        if names.get(self.matched).is_some_and(|name| name.is(namespace, local)) {
            self.matched = depth;
            return depth == names.len();
        }
        false
    }

    /// Forgets what closes at `depth`.
    fn closes(&mut self, depth: usize) {
        self.matched = self.matched.min(depth.saturating_sub(1));
    }
}

struct Walk<'a> {
    form: &'a Xml,
    limits: &'a Limits,
    rows: Follow<'a>,
    /// What is wanted of outside the rows, and the text of it that was read so far, while it is open.
    wanted: Vec<(&'a Head, Follow<'a>, Option<String>)>,
    heads: Heads,
    /// Line breaks so far.
    lines: u64,
    depth: usize,
    /// The elements of the row that are open, the row's own first.
    open: Vec<Element>,
    row_line: u64,
    /// How many rows have begun.
    rows_begun: u64,
}

impl<'a> Walk<'a> {
    fn new(form: &'a Xml, wanted: &'a [Head], limits: &'a Limits, lines: u64) -> Self {
        let wanted = wanted.iter().filter_map(|head| match &head.at {
            HeadAt::Element(path) => Some((head, Follow::new(path), None)),
            HeadAt::Cell { .. } | HeadAt::Trailer { .. } | HeadAt::Member(_) => None,
        });
        Self {
            form,
            limits,
            rows: Follow::new(&form.rows),
            wanted: wanted.collect(),
            heads: Heads::new(),
            lines,
            depth: 0,
            open: Vec::new(),
            row_line: 0,
            rows_begun: 0,
        }
    }

    fn place(&self) -> Place {
        Place::Line(self.lines.saturating_add(1))
    }

    fn take(
        &mut self,
        event: &Event<'_>,
        names: &NamespaceResolver,
        gauge: &Gauge,
        taker: &mut dyn RowTaker,
    ) -> Result<(), ReadError> {
        match event {
            Event::Start(start) | Event::Empty(start) => self.start(start, names)?,
            Event::End(_) => self.end(gauge, taker)?,
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(reference)?,
            Event::DocType(_) => {
                let what = "the file declares a document type, which no delivery needs".to_owned();
                return Err(ReadError::Entity { place: self.place(), what });
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Eof => {}
        }
        let breaks = event.bytes().filter(|octet| *octet == b'\n').count();
        self.lines = self.lines.saturating_add(u64::try_from(breaks).unwrap_or_default());
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>, names: &NamespaceResolver) -> Result<(), ReadError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.limits.depth {
            let what = format!("elements stand more than {} deep", self.limits.depth);
            return Err(ReadError::Limit { place: self.place(), what });
        }
        let (namespace, local) = names.resolve_element(start.name());
        let local = local.into_inner();
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(uri)) => {
                self.form.namespaces.iter().position(|(_, known)| known == uri)
            }
            ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
        };
        if self.open.is_empty() {
            if self.rows.opens(self.depth, namespace, local) {
                self.row_line = self.lines.saturating_add(1);
                self.rows_begun = self.rows_begun.saturating_add(1);
            } else {
                return self.head(start, namespace, local);
            }
        }
        let attributes = self.attributes(start)?;
        let local = local.to_owned();
        self.open.push(Element { namespace, local, attributes, text: String::new(), children: Vec::new() });
        Ok(())
    }

    fn attributes(&self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, ReadError> {
        let faulty = |what: String| ReadError::Form { place: self.place(), what };
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| faulty(format!("no XML: {error}")))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| faulty(format!("no XML: {error}")))?;
            attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
        }
        Ok(attributes)
    }

    /// Takes what is wanted of an element outside the rows.
    fn head(
        &mut self,
        start: &BytesStart<'_>,
        namespace: Option<usize>,
        local: &str,
    ) -> Result<(), ReadError> {
        let mut attributes = None;
        for place in 0..self.wanted.len() {
            let depth = self.depth;
            let Some((head, follow, text)) = self.wanted.get_mut(place) else { continue };
            if !follow.opens(depth, namespace, local) {
                continue;
            }
            let (head, path) = (*head, follow.path);
            let Some(name) = &path.attribute else {
                *text = Some(String::new());
                continue;
            };
            let known = match attributes.take() {
                Some(known) => known,
                None => self.attributes(start)?,
            };
            let value = known.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            attributes = Some(known);
            if let Some(value) = value.and_then(|value| stepped(&value, &head.steps)) {
                self.heads.insert(head.name.clone(), value);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None => {
                for (_, follow, so_far) in &mut self.wanted {
                    if let Some(so_far) = so_far.as_mut().filter(|_| follow.matched == self.depth) {
                        so_far.push_str(text);
                    }
                }
            }
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), ReadError> {
        let character = match &**reference {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => reference.resolve_char_ref().ok().flatten().filter(|character| *character != '\0'),
        };
        match character {
            Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
            None => {
                let what = "an entity that XML itself does not have".to_owned();
                return Err(ReadError::Entity { place: self.place(), what });
            }
        }
        Ok(())
    }

    fn end(&mut self, gauge: &Gauge, taker: &mut dyn RowTaker) -> Result<(), ReadError> {
        if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => {
                    let place = Place::Nth { number: self.rows_begun, line: self.row_line };
                    taker.row(place, &Row::Element(&element), &self.heads)?;
                    gauge.settle();
                }
            }
        } else {
            for (head, follow, text) in &mut self.wanted {
                let complete = follow.matched == self.depth && follow.matched == follow.path.names.len();
                if let Some(text) = text.take_if(|_| complete)
                    && let Some(value) = stepped(text.trim(), &head.steps)
                {
                    self.heads.insert(head.name.clone(), value);
                }
            }
        }
        self.rows.closes(self.depth);
        for (_, follow, _) in &mut self.wanted {
            follow.closes(self.depth);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn finish(self) -> Result<Heads, ReadError> {
        if self.depth > 0 {
            let what = "the file ends within an element".to_owned();
            return Err(ReadError::Form { place: self.place(), what });
        }
        if self.rows_begun == 0 {
            let what = "no element stands at the path that the map gives for the rows".to_owned();
            return Err(ReadError::Form { place: Place::File, what });
        }
        Ok(self.heads)
    }
}
