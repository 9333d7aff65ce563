//! Exports of databases: CSV with names of columns in its first line.
//!
//! Columns are found by their names, whatever their case and order; others than those that are asked for are not looked at.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use crate::list::{List, Row, Said};
use crate::read_error::ReadError;

/// A row of an export.
pub(crate) struct Fields<'a> {
    names: &'a [String],
    record: &'a StringRecord,
}

impl<'a> Fields<'a> {
    /// The value of a column, blanks around it taken away; nothing where it is empty, `NULL` or `\N`, or where there is no such column.
    pub(crate) fn of(&self, name: &str) -> Option<&'a str> {
        let at = self.names.iter().position(|known| known == name)?;
        self.record.get(at).map(str::trim).filter(|value| !["", "NULL", "\\N"].contains(value))
    }

    /// The same of a column that must have a value.
    pub(crate) fn needed(&self, name: &str) -> Result<&'a str, Said> {
        self.of(name).ok_or_else(|| Said::new("migration.missing", format!("the column {name} is empty")))
    }
}

/// Reads an export row by row. `needed` are the columns that it must have.
pub(crate) fn read(
    file: impl Read,
    needed: &[&str],
    row: impl Fn(&Fields<'_>, &str) -> Result<Row, Said>,
) -> Result<List, ReadError> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
    let heading = reader.headers().map_err(ReadError::Csv)?;
    let names: Vec<String> =
        heading.iter().map(|name| name.trim().trim_start_matches('\u{FEFF}').to_lowercase()).collect();
    if let Some(missing) = needed.iter().find(|name| !names.iter().any(|known| known == *name)) {
        return Err(ReadError::Column { missing: (*missing).to_owned() });
    }
    let mut list = List::default();
    let mut record = StringRecord::new();
    loop {
        let line = reader.position().line();
        let place = format!("line {line}");
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(list),
            Ok(true) => {
                let fields = Fields { names: &names, record: &record };
                let read = row(&fields, &place);
                list.take(place, read);
            }
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                list.take(place, Err(Said::new("migration.unreadable", "the row is not UTF-8")));
            }
            Err(error) => return Err(ReadError::Csv(error)),
        }
    }
}
