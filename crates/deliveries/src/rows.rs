//! The rows of a file, whatever its form, one after the other in constant memory: one reader a form.
//!
//! A reader knows where rows are and what stands outside them. It does not know what a device is.

mod csv_rows;
mod json_rows;
mod xlsx_rows;
mod xml_rows;

use std::io::{Read, Seek};

use crate::fault::{Place, ReadError};
use crate::map::{Form, Head, HeadAt, Map};
use crate::row::{Found, Row};
use crate::source::Heads;
use crate::step::Step;

/// Bounds on what a file may take. No delivery that is one comes near them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How much text one row may take, in octets of UTF-8.
    pub row_octets: u64,
    /// How many rows a file may have.
    pub rows: u64,
    /// How deep elements of XML may stand in one another.
    pub depth: usize,
    /// How much the parts of an XLSX file that are held in memory may unpack to, in octets: texts, styles, names.
    pub unpacked_octets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { row_octets: 1_048_576, rows: 10_000_000, depth: 64, unpacked_octets: 536_870_912 }
    }
}

/// Who takes rows as they come.
pub(crate) trait RowTaker {
    /// Takes the names of the columns.
    fn heading(&mut self, names: &[String]) -> Result<(), ReadError>;
    /// Takes a row.
    fn row(&mut self, place: Place, row: &Row<'_>, heads: &Heads) -> Result<(), ReadError>;
    /// Takes the news of a row that is not formed as the others.
    fn odd(&mut self, place: Place, what: String) -> Result<(), ReadError>;
}

/// Reads a file, and returns the values outside its rows.
pub(crate) fn read<F: Read + Seek>(
    file: F,
    map: &Map,
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    let heads = &map.heads;
    match &map.form {
        Form::Csv(form) => csv_rows::read(file, form, heads, limits, taker),
        Form::Xlsx(form) => xlsx_rows::read(file, form, heads, limits, taker),
        Form::Xml(form) => xml_rows::read(file, form, heads, limits, taker),
        Form::Json(form) => json_rows::read(file, form, heads, limits, taker),
        Form::JsonLines(form) => json_rows::read_lines(file, form, limits, taker),
    }
}

/// Takes a value through its steps; where one does not fit, there is no value.
fn stepped(text: &str, steps: &[Step]) -> Option<String> {
    let mut stepped = std::borrow::Cow::Borrowed(text);
    for step in steps {
        stepped = step.apply(stepped).ok()?;
    }
    (!stepped.is_empty()).then(|| stepped.into_owned())
}

/// Takes what heads want of a line before the rows, or of the trailer.
fn take_heads(heads: &mut Heads, wanted: &[Head], row: &Row<'_>, line: Option<u64>) {
    for head in wanted {
        let column = match (&head.at, line) {
            (HeadAt::Cell { line: at, column }, Some(line)) if *at == line => *column,
            (HeadAt::Trailer { column }, None) => *column,
            (HeadAt::Cell { .. } | HeadAt::Trailer { .. } | HeadAt::Element(_) | HeadAt::Member(_), _) => {
                continue;
            }
        };
        if let Found::Text(text) = row.cell(column)
            && let Some(value) = stepped(&text, &head.steps)
        {
            heads.insert(head.name.clone(), value);
        }
    }
}
