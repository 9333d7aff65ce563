//! Rows of CSV (RFC 4180, with another delimiter, quote and encoding where the map says so).

use std::io::{BufRead as _, Read};

use csv::{ReaderBuilder, StringRecord};

use super::{Limits, RowTaker, take_heads};
use crate::decoded::{Gauge, Text};
use crate::fault::{Place, ReadError};
use crate::map::{Csv, Head};
use crate::row::{Found, Row};
use crate::source::Heads;

pub(super) fn read<R: Read>(
    file: R,
    form: &Csv,
    wanted: &[Head],
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    let mut text = Text::new(file, form.encoding, limits.row_octets);
    let gauge = text.gauge();
    gauge.keep_breaks();
    let mut heads = Heads::new();
    let mut skipped = 0_u64;
    for line in 1..=form.skip_lines {
        let take = |record: &StringRecord| take_heads(&mut heads, wanted, &Row::Texts(record), Some(line));
        skipped = skipped.saturating_add(skip(&mut text, &gauge, form, take)?);
    }
    let mut reader = builder(form).from_reader(text);
    let mut record = StringRecord::new();
    let mut width = None;
    if form.heading {
        if !next(&mut reader, &mut record, &gauge)? {
            return Err(ReadError::Column { what: "the file is empty: it has no heading".to_owned() });
        }
        let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
        width = Some(names.len());
        taker.heading(&names)?;
    }
    let mut ended = false;
    while next(&mut reader, &mut record, &gauge)? {
        // The reader's own count of lines does not say on which of them a row begins, where some are empty or end with CRLF.
        let offset = record.position().map_or(0, csv::Position::byte).saturating_add(skipped);
        let place = Place::Line(gauge.line_at(offset));
        let row = Row::Texts(&record);
        if form
            .trailer
            .as_ref()
            .is_some_and(|trailer| row.cell(trailer.column) == Found::text(&trailer.equals))
        {
            take_heads(&mut heads, wanted, &row, None);
            ended = true;
            continue;
        }
        if ended {
            taker.odd(place, "it stands after the end of the file".to_owned())?;
            continue;
        }
        let expected = *width.get_or_insert(record.len());
        if record.len() == expected {
            taker.row(place, &row, &heads)?;
        } else {
            taker.odd(place, format!("it has {} cells, and the first row has {expected}", record.len()))?;
        }
    }
    Ok(heads)
}

fn builder(form: &Csv) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(form.delimiter);
    match form.quote {
        Some(quote) => builder.quote(quote),
        None => builder.quoting(false),
    };
    builder
}

/// Reads one line before the rows, and returns how many octets it has.
fn skip<R: Read>(
    text: &mut Text<R>,
    gauge: &Gauge,
    form: &Csv,
    take: impl FnOnce(&StringRecord),
) -> Result<u64, ReadError> {
    let mut line = Vec::new();
    let length =
        text.read_until(b'\n', &mut line).map_err(|error| gauge.told().unwrap_or(ReadError::Io(error)))?;
    if length == 0 {
        let what = "the file ends within the lines that the map skips".to_owned();
        return Err(ReadError::Form { place: Place::File, what });
    }
    gauge.settle();
    let mut record = StringRecord::new();
    if let Ok(true) = builder(form).from_reader(line.as_slice()).read_record(&mut record) {
        take(&record);
    }
    Ok(u64::try_from(length).unwrap_or_default())
}

fn next<R: Read>(
    reader: &mut csv::Reader<Text<R>>,
    record: &mut StringRecord,
    gauge: &Gauge,
) -> Result<bool, ReadError> {
    let more = reader.read_record(record).map_err(|error| {
        gauge.told().unwrap_or_else(|| {
            let place = error.position().map_or(Place::File, |position| Place::Line(position.line()));
            ReadError::Form { place, what: error.to_string() }
        })
    })?;
    gauge.settle();
    Ok(more)
}
