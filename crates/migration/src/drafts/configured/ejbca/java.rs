//! Maps and lists as Java's `XMLEncoder` writes them. No object is made of them: a class is a word, and only those of lists tell anything.
//!
//! A document type is refused, and with it every entity but the five that XML has and characters by number.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::drafts::configured::object::MOST_OCTETS;
use crate::read_error::ConfigurationFault;

/// How deep elements may stand.
const DEPTH: usize = 32;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Java {
    /// Text, a number, true or false.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A map, or an object with properties.
    Map(BTreeMap<String, Self>),
    /// Something else, or nothing.
    Other,
}

/// An element.
#[derive(Debug, Default)]
struct Element {
    name: String,
    class: String,
    method: String,
    property: String,
    text: String,
    children: Vec<Self>,
}

/// Reads the first object of a file.
pub(super) fn parse(text: &str) -> Result<Java, ConfigurationFault> {
    if text.len() > MOST_OCTETS {
        return Err(ConfigurationFault::Long { octets: text.len(), most: MOST_OCTETS });
    }
    let top = tree(text)?;
    let java = top.children.iter().find(|element| element.name == "java");
    let object = java.and_then(|java| java.children.iter().find(|element| element.name == "object"));
    object.map(value).ok_or(ConfigurationFault::Missing { what: "object of XMLEncoder" })
}

/// Reads the elements, below one that has no name.
fn tree(text: &str) -> Result<Element, ConfigurationFault> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut top, mut open): (Element, Vec<Element>) = (Element::default(), Vec::new());
    loop {
        match reader.read_event().map_err(ConfigurationFault::Xml)? {
            Event::Start(start) | Event::Empty(start) => {
                if open.len() >= DEPTH {
                    return Err(ConfigurationFault::Deep { most: DEPTH });
                }
                open.push(element(&start)?);
            }
            Event::End(_) => {
                let Some(closed) = open.pop() else { continue };
                open.last_mut().unwrap_or(&mut top).children.push(closed);
            }
            Event::Text(text) => add(&mut open, &text.xml10_content()),
            Event::CData(text) => add(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => add(&mut open, character(&reference)?.encode_utf8(&mut [0; 4])),
            Event::DocType(_) => return Err(ConfigurationFault::DocumentType),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    Ok(top)
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, ConfigurationFault> {
    let mut element = Element { name: start.name().into_inner().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| ConfigurationFault::Xml(error.into()))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(ConfigurationFault::Xml)?
            .into_owned();
        match attribute.key.into_inner() {
            "class" => element.class = value,
            "method" => element.method = value,
            "property" => element.property = value,
            _ => {}
        }
    }
    Ok(element)
}

fn character(reference: &BytesRef<'_>) -> Result<char, ConfigurationFault> {
    let character = match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten(),
    };
    character.ok_or(ConfigurationFault::DocumentType)
}

fn value(element: &Element) -> Java {
    match element.name.as_str() {
        "string" | "boolean" | "int" | "long" | "float" | "double" | "short" | "byte" | "char" => {
            Java::Text(element.text.clone())
        }
        "object" => object(element),
        _ => Java::Other,
    }
}

fn object(element: &Element) -> Java {
    let (mut list, mut map) = (Vec::new(), BTreeMap::new());
    for made in element.children.iter().filter(|child| child.name == "void") {
        match (made.method.as_str(), made.property.as_str(), made.children.as_slice()) {
            ("put", _, [key, held]) => {
                if let Java::Text(key) = value(key) {
                    drop(map.insert(key, value(held)));
                }
            }
            ("add", _, [held]) => list.push(value(held)),
            ("", property, [held]) if !property.is_empty() => {
                drop(map.insert(property.to_owned(), value(held)));
            }
            _ => {}
        }
    }
    if !map.is_empty() || element.class.ends_with("Map") {
        Java::Map(map)
    } else if !list.is_empty() || element.class.ends_with("List") {
        Java::List(list)
    } else {
        Java::Other
    }
}
