//! Rows of a sheet of XLSX, by calamine, cell by cell.
//!
//! Texts that cells share are held in memory, all of them, as the format wants; the sheet is not. What is held is unpacked
//! once before, and counted, and a sheet may not grow by more than a bound between two rows: archives lie about sizes.

mod archive;

use std::io::{Read, Result as IoResult, Seek, SeekFrom};
use std::rc::Rc;

use calamine::{DataRef, Reader as _, Xlsx as Workbook, XlsxError};

use super::{Limits, RowTaker, take_heads};
use crate::fault::{Place, ReadError};
use crate::map::{Head, Sheet, Xlsx};
use crate::row::{Cell, Found, Row, Unfit, exact};
use crate::source::Heads;
use archive::PackedGauge;

/// The most columns that a sheet has.
const MAX_COLUMNS: usize = 16_384;

pub(super) fn read<F: Read + Seek>(
    mut file: F,
    form: &Xlsx,
    wanted: &[Head],
    limits: &Limits,
    taker: &mut dyn RowTaker,
) -> Result<Heads, ReadError> {
    archive::check(&mut file, limits)?;
    let gauge = Rc::<PackedGauge>::default();
    let file = Packed { inner: file, gauge: Rc::clone(&gauge) };
    let mut workbook = Workbook::new(file).map_err(|error| told(&error, Place::File))?;
    let name = sheet(&workbook, &form.sheet)?;
    gauge.begin(limits);
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(|error| told(&error, Place::File))?;
    let mut rows = Rows {
        form,
        wanted,
        taker,
        heads: Heads::new(),
        number: 0,
        cells: Vec::new(),
        width: 0,
        ended: false,
    };
    loop {
        let cell = cells.next_cell().map_err(|error| {
            let place = Place::Row(rows.number);
            gauge.told(place).unwrap_or_else(|| told(&error, place))
        })?;
        let Some(cell) = cell else { break };
        let (row, column) = cell.get_position();
        let number = u64::from(row).saturating_add(1);
        if number != rows.number {
            rows.flush(number)?;
            gauge.begin(limits);
        }
        rows.put(usize::try_from(column).unwrap_or(usize::MAX), value(cell.get_value()))?;
    }
    rows.flush(u64::MAX)?;
    Ok(rows.heads)
}

fn told(error: &XlsxError, place: Place) -> ReadError {
    // Some of its errors carry what stands in a cell.
    let what = if let XlsxError::Io(error) = error {
        format!("no XLSX: {error}")
    } else if let XlsxError::Zip(error) = error {
        format!("no XLSX: {error}")
    } else if let XlsxError::Password = error {
        "the workbook is encrypted: deliver it without a password".to_owned()
    } else {
        "no XLSX: the sheet is not formed as ECMA-376 says".to_owned()
    };
    ReadError::Form { place, what }
}

fn sheet<R: Read + Seek>(workbook: &Workbook<R>, wanted: &Sheet) -> Result<String, ReadError> {
    let names = workbook.sheet_names();
    let found = match wanted {
        Sheet::Number(number) => number.checked_sub(1).and_then(|place| names.get(place)),
        Sheet::Name(name) => names.iter().find(|known| *known == name),
    };
    found.cloned().ok_or_else(|| {
        let asked = match wanted {
            Sheet::Number(number) => number.to_string(),
            Sheet::Name(name) => format!("{name:?}"),
        };
        ReadError::Column { what: format!("the file has no sheet {asked}; it has: {}", names.join(", ")) }
    })
}

fn value(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Int(number) => Cell::Text(number.to_string()),
        DataRef::Float(number) => exact(*number).map_or(Cell::Unfit(Unfit::Inexact), Cell::Text),
        DataRef::String(text) if text.is_empty() => Cell::Empty,
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString("") => Cell::Empty,
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Bool(true) => Cell::Text("TRUE".to_owned()),
        DataRef::Bool(false) => Cell::Text("FALSE".to_owned()),
        DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Cell::Unfit(Unfit::Date),
        DataRef::Error(_) => Cell::Unfit(Unfit::Formula),
        DataRef::Empty => Cell::Empty,
    }
}

/// Makes rows of cells.
struct Rows<'a> {
    form: &'a Xlsx,
    wanted: &'a [Head],
    taker: &'a mut dyn RowTaker,
    heads: Heads,
    /// The row whose cells are being gathered, counted from 1; 0 before the first.
    number: u64,
    cells: Vec<Cell>,
    /// How many columns the heading has.
    width: usize,
    ended: bool,
}

impl Rows<'_> {
    fn put(&mut self, column: usize, cell: Cell) -> Result<(), ReadError> {
        if column >= MAX_COLUMNS {
            let what = "a sheet has at most 16384 columns".to_owned();
            return Err(ReadError::Limit { place: Place::Row(self.number), what });
        }
        if self.cells.len() <= column {
            self.cells.resize(column.saturating_add(1), Cell::Empty);
        }
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
        Ok(())
    }

    /// Hands the row over, and begins the row `next`.
    fn flush(&mut self, next: u64) -> Result<(), ReadError> {
        let number = std::mem::replace(&mut self.number, next);
        if number > next {
            let what = "rows do not follow one another".to_owned();
            return Err(ReadError::Form { place: Place::Row(number), what });
        }
        let mut cells = std::mem::take(&mut self.cells);
        if cells.iter().all(|cell| *cell == Cell::Empty) {
            return if next == u64::MAX { self.finish(number) } else { Ok(()) };
        }
        self.hand_over(number, &cells)?;
        cells.clear();
        self.cells = cells;
        if next == u64::MAX { self.finish(number) } else { Ok(()) }
    }

    fn hand_over(&mut self, number: u64, cells: &[Cell]) -> Result<(), ReadError> {
        let row = Row::Cells(cells);
        if Some(number) == self.form.heading_row {
            let name = |cell: &Cell| match cell {
                Cell::Text(text) => text.trim().to_owned(),
                Cell::Empty | Cell::Unfit(_) => String::new(),
            };
            self.width = cells.len();
            return self.taker.heading(&cells.iter().map(name).collect::<Vec<_>>());
        }
        if number < self.form.first_row {
            take_heads(&mut self.heads, self.wanted, &row, Some(number));
            return Ok(());
        }
        self.expect_heading()?;
        let place = Place::Row(number);
        let trailer = self.form.trailer.as_ref();
        if trailer.is_some_and(|trailer| row.cell(trailer.column) == Found::text(&trailer.equals)) {
            take_heads(&mut self.heads, self.wanted, &row, None);
            self.ended = true;
            return Ok(());
        }
        if self.ended {
            return self.taker.odd(place, "it stands after the end of the sheet".to_owned());
        }
        let beyond = cells.iter().skip(self.width).any(|cell| *cell != Cell::Empty);
        if beyond && self.form.heading_row.is_some() {
            return self.taker.odd(place, "it has cells beyond the last column of the heading".to_owned());
        }
        self.taker.row(place, &row, &self.heads)
    }

    fn expect_heading(&self) -> Result<(), ReadError> {
        match self.form.heading_row {
            Some(row) if self.width == 0 => {
                Err(ReadError::Column { what: format!("row {row} of the sheet, the heading, is empty") })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn finish(&self, last: u64) -> Result<(), ReadError> {
        if last == 0 || self.width == 0 { self.expect_heading() } else { Ok(()) }
    }
}

/// A file whose packed octets are counted.
struct Packed<F> {
    inner: F,
    gauge: Rc<PackedGauge>,
}

impl<F: Read> Read for Packed<F> {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        let read = self.inner.read(into)?;
        self.gauge.count(read)?;
        Ok(read)
    }
}

impl<F: Seek> Seek for Packed<F> {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.inner.seek(to)
    }
}
