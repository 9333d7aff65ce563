//! What stands in the first row of XML or JSON, each with the path that finds it.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::fault::{Place, ReadError};
use crate::path::{TopPath, XmlPath};
use crate::row::{Element, Json};

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// What it is called.
    pub(super) name: String,
    /// How a map finds it.
    pub(super) at: String,
    /// Whether there may be several.
    pub(super) many: bool,
}

/// How deep leaves are looked for.
const DEPTH: usize = 4;
/// How many leaves are found at most.
const MOST: usize = 200;
/// How deep the elements of a file may stand.
const MAX_OPEN: usize = 64;

/// Finds the path of the rows of an XML file, and what stands in the first.
pub(super) fn of_xml(text: &str) -> Result<(String, Vec<Leaf>), ReadError> {
    let top = beginning(text)?;
    let (rows, first) = repeated(&top, &format!("/{}", top.local)).ok_or_else(|| ReadError::Form {
        place: Place::File,
        what: "no element is repeated in the first mebibyte of the file".to_owned(),
    })?;
    TopPath::parse(&rows, &[]).map_err(|what| ReadError::Form { place: Place::File, what })?;
    let mut leaves = Vec::new();
    walk(first, "", &mut leaves, DEPTH);
    Ok((rows, leaves))
}

/// Reads the elements of a file as far as it goes.
fn beginning(text: &str) -> Result<Element, ReadError> {
    let faulty = |what: &str| ReadError::Form { place: Place::File, what: what.to_owned() };
    // What a declaration says of the encoding is done already.
    let text = match text.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    };
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if open.len() < MAX_OPEN => open.push(element(&start)),
            Ok(Event::End(_)) => close(&mut open),
            Ok(Event::DocType(_)) => {
                return Err(faulty("the file declares a document type, which no delivery needs"));
            }
            // A file that was cut off ends within its elements, and what was read of it counts.
            Ok(Event::Eof | Event::Start(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop()
        .and_then(|all| all.children.into_iter().next())
        .ok_or_else(|| faulty("no element stands in the file"))
}

fn element(start: &BytesStart<'_>) -> Element {
    let attributes = start.attributes().flatten().filter(|one| one.key.as_namespace_binding().is_none());
    Element {
        local: start.local_name().into_inner().to_owned(),
        attributes: attributes
            .map(|one| (one.key.local_name().into_inner().to_owned(), one.value.into_owned()))
            .collect(),
        ..Element::default()
    }
}

fn close(open: &mut Vec<Element>) {
    if open.len() > 1
        && let Some(element) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(element);
    }
}

/// Finds the outermost element that stands twice beside itself.
fn repeated<'a>(element: &'a Element, path: &str) -> Option<(String, &'a Element)> {
    let twice = element
        .children
        .iter()
        .find(|child| element.children.iter().filter(|other| other.local == child.local).count() > 1);
    if let Some(child) = twice {
        return Some((format!("{path}/{}", child.local), child));
    }
    element.children.iter().find_map(|child| repeated(child, &format!("{path}/{}", child.local)))
}

fn walk(element: &Element, path: &str, leaves: &mut Vec<Leaf>, depth: usize) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    for (name, value) in &element.attributes {
        // an attribute that chose the element is used up
        if !path.ends_with(&format!("[@{name}='{value}']")) {
            push_path(leaves, name, &below(&format!("@{name}")));
        }
    }
    for child in &element.children {
        let alone = element.children.iter().filter(|other| other.local == child.local).count() == 1;
        let plain = |value: &str| !value.contains(['\'', ']', '[']);
        let chosen = child.attributes.first().filter(|(_, value)| !alone && plain(value));
        let step = match chosen {
            Some((name, value)) => format!("{}[@{name}='{value}']", child.local),
            None => child.local.clone(),
        };
        let path = below(&step);
        if child.children.is_empty() {
            let name =
                chosen.map_or_else(|| child.local.clone(), |(_, value)| format!("{} {value}", child.local));
            push_path(leaves, &name, &path);
        }
        if depth > 0 {
            walk(child, &path, leaves, depth.saturating_sub(1));
        }
    }
}

/// Adds a path of XML, if it is one: files have names that are none.
fn push_path(leaves: &mut Vec<Leaf>, name: &str, path: &str) {
    if XmlPath::parse(path, &[]).is_ok() {
        push(leaves, name, path);
    }
}

fn push(leaves: &mut Vec<Leaf>, name: &str, path: &str) {
    let at = format!("path = {}", super::quoted(path));
    if leaves.len() < MOST && leaves.iter().all(|leaf| leaf.at != at) {
        leaves.push(Leaf { name: name.to_owned(), at, many: false });
    }
}

/// Finds the outermost array of objects, and the first of them.
pub(super) fn array_of_json(json: &Json) -> Option<(String, &Json)> {
    match json {
        Json::List(list) => {
            list.first().filter(|one| matches!(one, Json::Members(_))).map(|one| (String::new(), one))
        }
        Json::Members(members) => members.iter().find_map(|(name, value)| {
            let (below, first) = array_of_json(value)?;
            Some((format!("/{}{below}", escaped(name)), first))
        }),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Inexact | Json::Text(_) => None,
    }
}

/// Finds what stands in a row of JSON.
pub(super) fn of_json(json: &Json) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    walk_json(json, "", "", (&mut leaves, DEPTH));
    leaves
}

fn walk_json(json: &Json, name: &str, path: &str, (leaves, depth): (&mut Vec<Leaf>, usize)) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match json {
        Json::Members(members) => {
            for (name, value) in members {
                walk_json(value, name, &format!("{path}/{}", escaped(name)), (leaves, depth));
            }
        }
        Json::List(list) => {
            for one in list {
                match kind(one) {
                    Some((key, value)) => walk_chosen(one, (key, value), path, (leaves, depth)),
                    None => {
                        push(leaves, name, path);
                        if let Some(leaf) = leaves.last_mut() {
                            leaf.many = true;
                        }
                    }
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Inexact | Json::Text(_) => {
            push(leaves, name, path);
        }
    }
}

/// What tells an object of an array from the others.
fn kind(json: &Json) -> Option<(&str, &str)> {
    let Json::Members(members) = json else { return None };
    members.iter().find_map(|(name, value)| match value {
        Json::Text(text) if ["kind", "name", "type", "usage"].contains(&name.as_str()) => {
            (!text.contains(['/', '~', ']'])).then_some((name.as_str(), text.as_str()))
        }
        Json::Text(_)
        | Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::Inexact
        | Json::List(_)
        | Json::Members(_) => None,
    })
}

fn walk_chosen(
    json: &Json,
    (key, value): (&str, &str),
    path: &str,
    (leaves, depth): (&mut Vec<Leaf>, usize),
) {
    let Json::Members(members) = json else { return };
    for (name, inner) in members.iter().filter(|(name, _)| name != key) {
        let label = if super::guess::of(name).is_some() { name.clone() } else { value.to_owned() };
        walk_json(inner, &label, &format!("{path}/[{key}={value}]/{}", escaped(name)), (leaves, depth));
    }
}

/// Writes a token of a pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
