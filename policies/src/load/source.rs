//! One profile file: from text to values, with the line of every key and every fault.
//!
//! The decoder stops at the first fault it meets. So that all are reported, the value at fault is taken out and the rest is
//! decoded again, until nothing is left to complain about.

use core::ops::Range;
use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::fault::{FileFault, KeyFault};
use crate::v1::read::Faults;

/// A profile file as text, its keys and where they stand.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> Source<'a> {
    /// Reads the text as TOML.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Result<Self, Vec<FileFault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let source = Self { name, text, table: table.into_inner() };
        if errors.is_empty() {
            return Ok(source);
        }
        Err(errors.iter().map(|error| source.text_fault(error)).collect())
    }

    /// Returns the name of the file.
    pub(super) const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the text of the file.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// Returns an integer value.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        let integer = self.table.get(key)?.get_ref().as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// Returns a text value.
    pub(super) fn string(&self, key: &str) -> Option<&str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Decodes the file; returns what can be decoded, every fault, and the keys that had one.
    pub(super) fn decode<T: Deserialize<'a>>(&self) -> (Option<T>, Vec<FileFault>, BTreeSet<String>) {
        let (mut faults, mut spoiled) = (Vec::new(), BTreeSet::new());
        let mut table = self.table.clone();
        loop {
            let whole = Spanned::new(0..self.text.len(), table.clone());
            match T::deserialize(Deserializer::from(whole)) {
                Ok(value) => return (Some(value), faults, spoiled),
                Err(error) => {
                    faults.push(self.text_fault(&error));
                    let Some(key) = error.span().and_then(|span| take_out(&mut table, &span)) else {
                        return (None, faults, spoiled);
                    };
                    spoiled.insert(key);
                }
            }
        }
    }

    /// Ties faults to their lines; those of spoiled keys are consequences and are left out.
    pub(super) fn locate(&self, faults: Faults, spoiled: &BTreeSet<String>) -> Vec<FileFault> {
        faults
            .0
            .into_iter()
            .filter(|(key, _)| !spoiled.iter().any(|spoiled| is_about(spoiled, key)))
            .map(|(key, fault)| self.fault(key, fault))
            .collect()
    }

    /// Ties a fault to the line of a key.
    pub(super) fn fault(&self, key: &str, fault: KeyFault) -> FileFault {
        let span = self.table.keys().find(|known| is_about(known.get_ref(), key)).map(Spanned::span);
        FileFault { file: self.name.to_owned(), line: self.line_at(span), fault }
    }

    fn text_fault(&self, error: &toml::de::Error) -> FileFault {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        FileFault {
            file: self.name.to_owned(),
            line: self.line_at(error.span()),
            fault: KeyFault::Text { message },
        }
    }

    /// Returns the line, from 1, in which a span begins; the first one if there is no span.
    fn line_at(&self, span: Option<Range<usize>>) -> usize {
        let start = span.map_or(0, |span| span.start);
        1 + self.text.bytes().take(start).filter(|octet| *octet == b'\n').count()
    }
}

/// Tells whether a key of the file is the key of a fault; a length is `validity` or `reissue` with a unit.
fn is_about(key: &str, fault_key: &str) -> bool {
    let unit = key.strip_prefix(fault_key);
    let length = matches!(fault_key, "validity" | "reissue");
    unit.is_some_and(|unit| unit.is_empty() || length && unit.starts_with('_'))
}

/// Removes the value in which a span begins, or the one element of an array; returns the key.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let holds = |outer: Range<usize>| outer.contains(&span.start) || outer == *span;
    let key = table
        .iter()
        .find(|(key, value)| holds(key.span()) || holds(value.span()))
        .map(|(key, _)| key.get_ref().to_string())?;
    match table.get_mut(key.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Array(elements)) if elements.iter().any(|element| holds(element.span())) => {
            let kept = elements.iter().filter(|element| !holds(element.span())).cloned();
            *elements = kept.collect();
        }
        _ => drop(table.remove(key.as_str())),
    }
    Some(key)
}
